//! What a run is given of the world.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::event::stamp;
use crate::http::{Client, HttpError, Options};
use crate::ids::Secret;
use crate::store::DataDir;
use crate::ui::Ui;
use crate::workspace::Workspace;

/// The surroundings of a run, found once at the entry.
pub(crate) struct Context<'a> {
    /// The process's own environment.
    pub(crate) variables: &'a BTreeMap<String, String>,
    /// Where the program was started.
    pub(crate) cwd: &'a Path,
    /// Where what does not last may lie.
    pub(crate) temporary: &'a Path,
    /// The clock.
    pub(crate) now: &'a dyn Fn() -> Timestamp,
    /// The terminal.
    pub(crate) ui: &'a Ui,
    /// The workspace.
    pub(crate) workspace: &'a Workspace,
    /// Product state.
    pub(crate) data: &'a DataDir,
    /// The sources file that the command line names.
    pub(crate) sources: Option<&'a Path>,
}

impl Context<'_> {
    /// A variable that is set and not blank, trimmed.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        self.variables
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
    }

    /// What asks servers by HTTP, through the proxy that the environment names.
    ///
    /// # Errors
    /// Where the proxy's address is none.
    pub(crate) fn http(&self, options: Options) -> Result<Client, HttpError> {
        let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        let proxy = names.iter().find_map(|name| self.variable(name));
        Client::new(Options { proxy, ..options })
    }

    /// The token that a person or a workflow hands over.
    pub(crate) fn token(&self) -> Option<Secret> {
        let names = ["PATCH_MOI_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"];
        names.iter().find_map(|name| self.variable(name)).and_then(|token| Secret::new(&token))
    }

    /// The time, as every file has it.
    pub(crate) fn stamp(&self) -> String {
        stamp((self.now)())
    }

    /// Where feed-sources.json is looked for and found.
    pub(crate) fn sources_file(&self) -> Option<PathBuf> {
        self.workspace.sources_file(self.sources, self.variable("FEED_SOURCES_PATH").as_deref())
    }
}
