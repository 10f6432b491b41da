//! What every stage of a run is given.

use std::collections::BTreeMap;
use std::path::Path;

use crate::store::DataDir;
use crate::ui::Ui;
use crate::workspace::Workspace;

/// The world of one run.
pub(crate) struct Context<'a> {
    pub(crate) variables: &'a BTreeMap<String, String>,
    pub(crate) cwd: &'a Path,
    pub(crate) temporary: &'a Path,
    pub(crate) now: &'a dyn Fn() -> jiff::Timestamp,
    pub(crate) ui: &'a Ui,
    pub(crate) workspace: &'a Workspace,
    pub(crate) data: &'a DataDir,
    /// `--feed-sources`.
    pub(crate) sources: Option<&'a Path>,
}
