//! What can go wrong with repositories and git.

use std::path::PathBuf;

use thiserror::Error;

use crate::ids::{CommitId, RefName, RepoName, TagName};
use crate::process::ProcessError;
use crate::stack::PortError;

/// A repository or the git program could not do what was asked.
#[derive(Debug, Error)]
pub(crate) enum GitError {
    /// The path holds no repository.
    #[error("{} is not a git repository", .0.display())]
    NotARepository(PathBuf),
    /// The repository is of a kind that libgit2 cannot open.
    #[error("{} has a repository format that patch-moi cannot open ({format})", .path.display())]
    Format {
        /// The repository.
        path: PathBuf,
        /// Which format, such as `sha256 objects`.
        format: String,
    },
    /// The repository belongs to another user, who could have it run anything.
    #[error("{} belongs to another user", .0.display())]
    Foreign(PathBuf),
    /// The git program is missing or too old.
    #[error("git {found} is too old: patch-moi needs {needed} or newer")]
    TooOld {
        /// What was found.
        found: String,
        /// What is needed.
        needed: &'static str,
    },
    /// A revision does not name a commit.
    #[error("`{rev}` names no commit in {}", .repo.display())]
    NoCommit {
        /// The revision as given.
        rev: String,
        /// The repository.
        repo: PathBuf,
    },
    /// The fork does not have the branch.
    #[error("the fork {fork} has no branch `{branch}`")]
    NoBranch {
        /// The fork as the user named it.
        fork: String,
        /// The branch.
        branch: String,
    },
    /// Upstream does not have the tag.
    #[error("upstream {upstream} has no tag `{tag}`")]
    NoTag {
        /// The upstream repository or its URL.
        upstream: String,
        /// The tag.
        tag: TagName,
        /// Its newest tags, for the hint.
        known: Vec<String>,
    },
    /// A tag that names no commit.
    #[error("tag `{tag}` of upstream {upstream} names no commit")]
    TagOfNoCommit {
        /// The upstream repository.
        upstream: RepoName,
        /// The tag.
        tag: TagName,
    },
    /// A tag does not name what it named when upstream was asked, a moment ago.
    #[error(
        "tag `{tag}` of upstream {upstream} moved while it was fetched: it named {listed}, and names {fetched} now"
    )]
    TagMoved {
        /// The upstream repository.
        upstream: RepoName,
        /// The tag.
        tag: TagName,
        /// What the remote said that it names.
        listed: CommitId,
        /// What it named when it was fetched.
        fetched: CommitId,
    },
    /// A URL that is not fetched from.
    #[error("`{url}` is no URL that patch-moi fetches from: {why}")]
    Url {
        /// The URL.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The remote could not be read.
    #[error("{url} could not be read")]
    Unreachable {
        /// The URL.
        url: String,
        /// What git said.
        source: ProcessError,
    },
    /// A ref that is not patch-moi's own.
    #[error("{name} is not below refs/heads/patch-moi/ or refs/patch-moi/, and nothing else is ever pushed")]
    NotOurs {
        /// The ref.
        name: RefName,
    },
    /// Nothing could be pushed, and no ref was looked at.
    #[error("nothing could be pushed to {url}")]
    NotPushed {
        /// The URL.
        url: String,
        /// What git said.
        source: ProcessError,
    },
    /// The remote lets this caller push nothing.
    #[error("{url} does not let this token or key push{}{said}", if .said.is_empty() { "" } else { ": " })]
    NotAllowed {
        /// The URL.
        url: String,
        /// What the remote said, on one line that may be shown.
        said: String,
    },
    /// The remote is a shallow clone, and no history can be fetched from it that is whole.
    #[error("{url} is a shallow clone: it lacks the history that upstream's releases stand on")]
    ShallowRemote {
        /// The URL.
        url: String,
    },
    /// A commit that is to hold a state holds something else.
    #[error("the state in commit {commit} cannot be used: {why}")]
    State {
        /// The commit.
        commit: CommitId,
        /// What is wrong with it.
        why: String,
    },
    /// A state is larger than is written.
    #[error("the state cannot be written: {why}")]
    StateTooLarge {
        /// What is too large.
        why: String,
    },
    /// A ref does not stand where it was expected.
    #[error("{name} does not stand where it was expected; somebody else has moved it")]
    Moved {
        /// The ref.
        name: RefName,
        /// Where it was expected to stand.
        expected: Option<CommitId>,
    },
    /// A rebase of the branch is in progress.
    #[error("{what} is in progress in {}", .repo.display())]
    InProgress {
        /// The repository.
        repo: PathBuf,
        /// What is in progress.
        what: &'static str,
    },
    /// A git command failed.
    #[error("git {what} failed")]
    Program {
        /// What was asked of git.
        what: &'static str,
        /// How it ended.
        source: ProcessError,
    },
    /// libgit2 failed.
    #[error("{what} failed in {}", .repo.display())]
    Library {
        /// What was asked of it.
        what: &'static str,
        /// The repository.
        repo: PathBuf,
        /// Its error.
        source: git2::Error,
    },
    /// Something that git needs for a while could not be made.
    #[error("nothing could be made in {}", .dir.display())]
    Temporary {
        /// Where.
        dir: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// An object is missing, and could not be fetched.
    #[error("{what} lacks an object")]
    Missing {
        /// What needs it.
        what: &'static str,
        /// Which one.
        source: PortError,
    },
    /// git said something that it never says.
    #[error("git {what} answered in a way that patch-moi does not understand")]
    Answer {
        /// What was asked of git.
        what: &'static str,
    },
}

impl GitError {
    /// What the user can do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::NotARepository(path) => {
                Some(format!("name the fork's checkout, or `git clone` it to {}", path.display()))
            }
            Self::Format { path, format } if format.contains("partialclone") => Some(format!(
                "`git -C {} config --unset extensions.partialClone`: a git of today finds the remote by `remote.NAME.promisor`",
                path.display()
            )),
            Self::Format { .. } => {
                Some("use a clone with SHA-1 objects and the `files` ref format".to_owned())
            }
            Self::Foreign(path) => Some(format!(
                "if you trust it: `git config --global --add safe.directory {}`",
                path.display()
            )),
            Self::TooOld { .. } => {
                Some("install a newer git, and see that it comes first on PATH".to_owned())
            }
            Self::NoCommit { .. } => {
                Some("check the name; in a shallow clone, fetch the history first".to_owned())
            }
            Self::NoBranch { branch, .. } => Some(format!(
                "check `target_branch` or `--branch`; `git fetch origin {branch}` brings a branch that only the remote has"
            )),
            Self::NoTag { known, .. } if known.is_empty() => {
                Some("it has no tag at all: check the upstream URL".to_owned())
            }
            Self::NoTag { known, .. } => Some(format!("its newest tags are {}", known.join(", "))),
            Self::TagOfNoCommit { .. } => Some("name the tag of a release".to_owned()),
            Self::TagMoved { .. } => {
                Some("ask upstream whether that was meant, and run this again".to_owned())
            }
            Self::Url { .. } => Some("use https://, ssh:// or a path".to_owned()),
            Self::Unreachable { .. } => {
                Some("check the URL, the network and the credentials; nothing was changed".to_owned())
            }
            Self::NotPushed { .. } => {
                Some("check the URL, the network and the credentials; no ref was moved".to_owned())
            }
            Self::NotAllowed { .. } => Some(
                "give the job `permissions: contents: write`, or set PATCH_MOI_TOKEN to a token that may write to the repository's contents".to_owned(),
            ),
            Self::ShallowRemote { .. } => {
                Some("name upstream itself, or `git fetch --unshallow` in that clone".to_owned())
            }
            Self::State { .. } => Some(
                "look at it with `git ls-tree -r -l`; where nobody knows how it came there, point refs/patch-moi/state back to its parent".to_owned(),
            ),
            Self::StateTooLarge { .. } => Some(
                "journals only grow: move old lines out of DATA_DIR and out of refs/patch-moi/state by hand".to_owned(),
            ),
            Self::Moved { name, .. } => Some(format!("look at `git log {name}`, and run this again")),
            Self::InProgress { repo, .. } => {
                Some(format!("finish or abort it first: `git -C {} status` says how", repo.display()))
            }
            Self::Program { source, .. } => source.hint(),
            Self::Missing { source, .. } => source.advice().map(str::to_owned),
            Self::NotOurs { .. } | Self::Library { .. } | Self::Temporary { .. } | Self::Answer { .. } => None,
        }
    }
}
