//! What doctor looks at, as data. Nothing here judges.

use std::collections::BTreeSet;

use crate::failure::{Failure, Kind};
use crate::forge::{
    ActionsPermissions, BranchFacts, ForgeError, RepositoryFacts, WorkflowFacts, WorkflowPermissions,
};
use crate::ids::{CommitId, TagName};
use crate::pipeline::init::Pinned;
use crate::pipeline::init::action::Use;

/// What was found, or why it was not.
pub(super) type Found<T> = Result<T, Why>;

/// Why something was not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Why {
    /// What happened.
    pub(super) message: String,
    /// What to do next.
    pub(super) hint: Option<String>,
    /// Whether something outside stands in the way.
    pub(super) blocked: bool,
}

impl Why {
    /// A reason in words.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, blocked: false }
    }
}

impl From<Failure> for Why {
    fn from(failure: Failure) -> Self {
        let parts = std::iter::once(failure.title()).chain(failure.causes());
        Self {
            message: parts.collect::<Vec<_>>().join(": "),
            hint: failure.advice().first().cloned(),
            blocked: failure.kind == Kind::Blocked,
        }
    }
}

impl From<ForgeError> for Why {
    fn from(error: ForgeError) -> Self {
        Self { message: error.to_string(), hint: error.hint(), blocked: false }
    }
}

/// Everything that was looked at.
#[derive(Debug)]
pub(super) struct Facts {
    /// git's version.
    pub(super) git: Found<String>,
    /// The repository that holds the configuration.
    pub(super) home: Found<Home>,
    /// What the lock warns about; nothing where there is none.
    pub(super) lock: Found<Option<Vec<String>>>,
    /// The flows, and what keeps each from running.
    pub(super) flows: Found<Vec<FlowFact>>,
    /// The sources; nothing where there is no file.
    pub(super) sources: Found<Option<SourcesFact>>,
    /// Each source that starts work.
    pub(super) watched: Vec<Watched>,
    /// The workflow; nothing where there is none.
    pub(super) workflow: Found<Option<WorkflowFile>>,
    /// The action's newest commit to name.
    pub(super) action: Found<Pinned>,
    /// What GitHub says.
    pub(super) forge: Found<OnForge>,
    /// What GitHub says of the fork, where that is another repository.
    pub(super) fork: Option<Found<ForkOnForge>>,
}

/// The repository that holds the configuration.
#[derive(Debug, Clone, Default)]
pub(super) struct Home {
    /// Where its `origin` is, as it may be shown.
    pub(super) origin: Option<String>,
    /// Where its `upstream` is.
    pub(super) upstream: Option<String>,
    /// Its page.
    pub(super) web: Option<String>,
}

/// One flow.
#[derive(Debug, Clone)]
pub(super) struct FlowFact {
    /// Where it lies.
    pub(super) place: String,
    /// What keeps it from running.
    pub(super) problem: Option<Why>,
}

/// feed-sources.json.
#[derive(Debug, Clone)]
pub(super) struct SourcesFact {
    /// How many there are.
    pub(super) all: usize,
    /// How many start work.
    pub(super) working: usize,
    /// What is odd.
    pub(super) warnings: Vec<String>,
}

/// A source that starts work.
#[derive(Debug)]
pub(super) struct Watched {
    /// Its id.
    pub(super) id: String,
    /// How many entries its feed has.
    pub(super) feed: Found<usize>,
    /// How many tags upstream has, and its newest release.
    pub(super) newest: Found<(usize, Option<TagName>)>,
    /// The stack that is carried for it.
    pub(super) stack: Found<Stack>,
}

/// A patch stack.
#[derive(Debug)]
pub(super) struct Stack {
    /// The maintained branch.
    pub(super) branch: String,
    /// The fork.
    pub(super) fork: String,
    /// Where the branch stands.
    pub(super) tip: CommitId,
    /// How many patches stand on which commit.
    pub(super) base: Found<(usize, CommitId)>,
    /// The workflow files of the release that no branch of the fork has.
    pub(super) in_the_way: BTreeSet<String>,
    /// The remote of the fork, where that is another repository than the one with the configuration; empty
    /// where it has none.
    pub(super) elsewhere: Option<String>,
}

/// The workflow's file.
#[derive(Debug, Clone)]
pub(super) struct WorkflowFile {
    /// Where it names the action.
    pub(super) uses: Vec<Use>,
    /// The default branch, and whether it has the file as it is here; nothing where it is not known.
    pub(super) on_default: Option<(String, bool)>,
}

/// With what GitHub was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// Nothing.
    None,
    /// The token of an app, such as that of a workflow.
    OfApp,
    /// A person's token.
    Own,
}

/// What GitHub says of a fork that is another repository than the one with the configuration.
#[derive(Debug)]
pub(super) struct ForkOnForge {
    /// Its page.
    pub(super) web: String,
    /// The repository.
    pub(super) repository: Found<RepositoryFacts>,
    /// The rules for a branch of patch-moi's.
    pub(super) rules: Found<Vec<String>>,
    /// The maintained branch.
    pub(super) branch: Option<Found<BranchFacts>>,
}

/// What GitHub says.
#[derive(Debug)]
pub(super) struct OnForge {
    /// Whether it was asked with a token, and whose.
    pub(super) token: Token,
    /// The repository.
    pub(super) repository: Found<RepositoryFacts>,
    /// The workflow.
    pub(super) workflow: Found<WorkflowFacts>,
    /// Whether Actions run.
    pub(super) actions: Found<ActionsPermissions>,
    /// Whether workflows may open pull requests.
    pub(super) workflow_permissions: Found<WorkflowPermissions>,
    /// The rules for a branch of patch-moi's.
    pub(super) rules: Found<Vec<String>>,
    /// The maintained branch.
    pub(super) branch: Option<Found<BranchFacts>>,
}
