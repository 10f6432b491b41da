//! Every error to kind, causes, hints, exit code.
//!
//! A room's error type says what happened; here it is decided whose matter it is, and so with which
//! code the program ends. No match here has a wildcard: a new variant does not compile until
//! someone has chosen its kind.

use std::process::ExitCode;

use crate::git::GitError;
use crate::stack::{InvalidCommitter, PortError, StackError};

/// How a run ended; the exit codes are a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Done, or nothing to do.
    Done,
    /// Something that should have worked did not.
    Failed,
    /// A command, a configuration file or a name is wrong; nothing was begun.
    Usage,
    /// A patch needs a person.
    NeedsPerson,
    /// Something outside stands in the way: a closed gate, a rebase in progress, a permission.
    Blocked,
}

impl Kind {
    /// The exit code.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NeedsPerson => 3,
            Self::Blocked => 4,
        }
    }

    /// The kind that stands for several outcomes: 2 before 1 before 3 before 4 before 0.
    pub(crate) const fn worse(self, other: Self) -> Self {
        const fn weight(kind: Kind) -> u8 {
            match kind {
                Kind::Usage => 4,
                Kind::Failed => 3,
                Kind::NeedsPerson => 2,
                Kind::Blocked => 1,
                Kind::Done => 0,
            }
        }
        if weight(self) >= weight(other) { self } else { other }
    }
}

impl From<Kind> for ExitCode {
    fn from(kind: Kind) -> Self {
        Self::from(kind.code())
    }
}

/// What a person sees of an error: what happened and why, and what to do next.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Whose matter it is.
    pub(crate) kind: Kind,
    source: anyhow::Error,
    hints: Vec<String>,
}

impl Failure {
    /// A failure of this kind.
    pub(crate) fn new(kind: Kind, source: impl Into<anyhow::Error>) -> Self {
        Self { kind, source: source.into(), hints: Vec::new() }
    }

    /// A wrong command or configuration, in words.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::new(Kind::Usage, anyhow::Error::msg(text.into()))
    }

    /// The same with what the user can do about it.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    fn hints(mut self, hint: Option<String>) -> Self {
        self.hints.extend(hint);
        self
    }

    /// The same, said of something larger.
    #[must_use]
    pub(crate) fn context(mut self, text: impl Into<String>) -> Self {
        self.source = self.source.context(text.into());
        self
    }

    /// What happened, in one line.
    pub(crate) fn title(&self) -> String {
        self.source.to_string()
    }

    /// Why, from the nearest cause to the farthest.
    pub(crate) fn causes(&self) -> Vec<String> {
        self.source.chain().skip(1).map(ToString::to_string).collect()
    }

    /// What to do next.
    pub(crate) fn advice(&self) -> &[String] {
        &self.hints
    }
}

/// `Result` with a [`Failure`].
pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl From<GitError> for Failure {
    fn from(err: GitError) -> Self {
        let kind = match &err {
            GitError::NotARepository(_)
            | GitError::Format { .. }
            | GitError::Foreign(_)
            | GitError::TooOld { .. }
            | GitError::NoCommit { .. }
            | GitError::NoBranch { .. }
            | GitError::NoTag { .. }
            | GitError::TagOfNoCommit { .. }
            | GitError::Url { .. } => Kind::Usage,
            GitError::InProgress { .. } => Kind::Blocked,
            GitError::Unreachable { .. }
            | GitError::Moved { .. }
            | GitError::Program { .. }
            | GitError::Library { .. }
            | GitError::Temporary { .. }
            | GitError::Answer { .. } => Kind::Failed,
        };
        let hint = err.hint();
        Self::new(kind, err).hints(hint)
    }
}

impl From<PortError> for Failure {
    fn from(err: PortError) -> Self {
        let hint = err.missing_object().map(|_| {
            "the clone is shallow, partial or damaged: fetch the whole history (`git fetch --unshallow`, in CI `fetch-depth: 0`)".to_owned()
        });
        Self::new(Kind::Failed, err).hints(hint)
    }
}

impl From<StackError> for Failure {
    fn from(err: StackError) -> Self {
        match err {
            StackError::Port(err) => err.into(),
            StackError::Unrelated { .. } => Self::new(Kind::Usage, err).hint(
                "check the branch and the upstream URL; in a shallow clone, fetch the whole history first",
            ),
            StackError::IsMerge(_) => Self::new(Kind::Usage, err),
            StackError::Malformed { .. } => Self::new(Kind::Failed, err),
        }
    }
}

impl From<InvalidCommitter> for Failure {
    fn from(err: InvalidCommitter) -> Self {
        Self::new(Kind::Usage, err)
    }
}
