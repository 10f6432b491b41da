//! Stand-in.

use std::path::PathBuf;

use super::context::Context;
use crate::failure::{Failure, Kind, Result};
use crate::ids::{RepoName, TagName};
use crate::report::RunReport;

/// What to run.
#[derive(Debug)]
pub(crate) enum What {
    Schedule {
        tag: Option<TagName>,
        source: Option<String>,
    },
    Release {
        repo: RepoName,
        tag: Option<TagName>,
        branch: Option<String>,
        fork: Option<PathBuf>,
        upstream_url: Option<String>,
    },
    Event {
        file: PathBuf,
    },
}

/// Whether the world changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Plan,
    Apply,
}

/// All of it.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) what: What,
    pub(crate) effect: Effect,
    pub(crate) record_only: bool,
}

/// Stand-in.
pub(crate) fn run(_: &Context<'_>, asked: &Asked) -> Result<(RunReport, Kind)> {
    Err(Failure::new(Kind::Failed, anyhow::anyhow!("stand-in for {asked:?}")))
}
