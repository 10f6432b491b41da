//! What a run is asked to do.

use std::path::PathBuf;

use super::remembering::Wanted;
use crate::ids::{RepoName, TagName};

/// What to run.
#[derive(Debug)]
pub(crate) enum What {
    /// Everything that is due, or one tag of the source that starts work.
    Schedule {
        /// The tag, where one is named.
        tag: Option<TagName>,
        /// The only source to look at.
        source: Option<String>,
    },
    /// One release of one upstream repository.
    Release {
        /// The repository.
        repo: RepoName,
        /// Its tag; without one the newest release is meant.
        tag: Option<TagName>,
        /// The maintained branch, instead of what the flow says.
        branch: Option<String>,
        /// The fork's repository, instead of what the flow says.
        fork: Option<PathBuf>,
        /// Where upstream is fetched from, instead of what the flow says.
        upstream_url: Option<String>,
    },
    /// An event in a file.
    Event {
        /// The file.
        file: PathBuf,
    },
    /// An event that is recorded.
    Again {
        /// Its id.
        event: String,
        /// How much of it.
        how: Again,
        /// The maintained branch, instead of what the flow says.
        branch: Option<String>,
        /// The fork's repository, instead of what the flow says.
        fork: Option<PathBuf>,
        /// Where upstream is fetched from, instead of what the flow says.
        upstream_url: Option<String>,
    },
}

/// Whether a recorded event is run again, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// It is run as any other.
    No,
    /// What did not come to a good end, under the ids of the first time.
    Retry,
    /// All of it, under new ids.
    Replay,
}

/// Whether the world is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Everything is computed and nothing is written.
    Plan,
    /// It is done.
    Apply,
}

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    /// What to run.
    pub(crate) what: What,
    /// Whether to do it.
    pub(crate) effect: Effect,
    /// Whether the event is only to be recorded.
    pub(crate) record_only: bool,
    /// The only flows to choose from; where none is named, PATCH_MOI_FLOWS says it, else all count.
    pub(crate) flows: Vec<String>,
    /// Whether installed flows run that are not as the lock pins them.
    pub(crate) allow_modified: bool,
    /// Where what lasts is kept.
    pub(crate) state: Wanted,
    /// The command as it was typed, for the report.
    pub(crate) command: String,
}

impl Asked {
    /// To look at the workspace and to write nothing, neither here nor where the state is.
    pub(crate) fn look(command: &str) -> Self {
        Self {
            what: What::Schedule { tag: None, source: None },
            effect: Effect::Plan,
            record_only: false,
            flows: Vec::new(),
            allow_modified: false,
            state: Wanted::Disk,
            command: command.to_owned(),
        }
    }
}

/// Who wants an event carried through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AskedBy {
    /// Nobody watches.
    Schedule,
    /// Someone named it.
    Person,
}

impl AskedBy {
    /// Whether someone waits for exactly this.
    pub(super) fn is_person(self) -> bool {
        self == Self::Person
    }
}
