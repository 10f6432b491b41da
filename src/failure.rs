//! Every error to kind, causes, hints, exit code.
//!
//! A room's error type says what happened; here it is decided whose matter it is, and so with which
//! code the program ends. No match here has a wildcard: a new variant does not compile until
//! someone has chosen its kind.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::actions::ActionsError;
use crate::candidate::AccountingError;
use crate::event::EventError;
use crate::feed::FeedError;
use crate::flow::{ConfigError, GateClosed, ManifestError, SwitchesError};
use crate::forge::ForgeError;
use crate::git::GitError;
use crate::http::HttpError;
use crate::ids::{EventId, InvalidId, InvalidName, TagName};
use crate::pack::{LayoutError, LockError, SharedError, SourceError};
use crate::process::ProcessError;
use crate::record::{FlowResultError, NotAnEvent, StateError};
use crate::release::SourcesError;
use crate::runner::CheckError;
use crate::stack::{InvalidCommitter, PortError, StackError};
use crate::store::StoreError;
use crate::workspace::WorkspaceError;

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

    /// The kind's name in JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::NeedsPerson => "needs-person",
            Self::Blocked => "blocked",
        }
    }

    /// The kind that stands for several outcomes: 1 before 2 before 3 before 4 before 0.
    pub(crate) const fn worse(self, other: Self) -> Self {
        const fn weight(kind: Kind) -> u8 {
            match kind {
                Kind::Failed => 4,
                Kind::Usage => 3,
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
    reasons: Vec<String>,
    hints: Vec<String>,
    begun: Option<Box<Begun>>,
}

/// An event that was being carried through when something failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Begun {
    /// The event.
    pub(crate) id: EventId,
    /// Its release.
    pub(crate) tag: TagName,
    /// The folder that holds its record.json.
    pub(crate) folder: PathBuf,
}

impl Failure {
    /// A failure of this kind.
    pub(crate) fn new(kind: Kind, source: impl Into<anyhow::Error>) -> Self {
        Self { kind, source: source.into(), reasons: Vec::new(), hints: Vec::new(), begun: None }
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

    /// The error of a room, with the room's own advice.
    fn advised(kind: Kind, source: impl Into<anyhow::Error>, hint: Option<String>) -> Self {
        Self { hints: hint.into_iter().collect(), ..Self::new(kind, source) }
    }

    /// The same, of an event that left a record.
    #[must_use]
    pub(crate) fn leaving(mut self, begun: Begun) -> Self {
        self.begun = Some(Box::new(begun));
        self
    }

    /// The room's error, where it is one of this kind.
    pub(crate) fn cause<E: std::error::Error + Send + Sync + 'static>(&self) -> Option<&E> {
        self.source.downcast_ref()
    }

    /// The event that left a record, where one did.
    pub(crate) fn begun(&self) -> Option<&Begun> {
        self.begun.as_deref()
    }

    /// The same with one more reason, where there are several side by side.
    #[must_use]
    pub(crate) fn because(mut self, reason: impl Into<String>) -> Self {
        self.reasons.push(reason.into());
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

    /// Why: the causes from the nearest to the farthest, then the reasons side by side.
    pub(crate) fn causes(&self) -> Vec<String> {
        let chain = self.source.chain().skip(1).map(ToString::to_string);
        chain.chain(self.reasons.iter().cloned()).collect()
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
            | GitError::ShallowRemote { .. }
            | GitError::TooOld { .. }
            | GitError::NoCommit { .. }
            | GitError::NoBranch { .. }
            | GitError::NoTag { .. }
            | GitError::TagOfNoCommit { .. }
            | GitError::Url { .. } => Kind::Usage,
            GitError::InProgress { .. } | GitError::NotAllowed { .. } => Kind::Blocked,
            GitError::Unreachable { .. }
            | GitError::NotPushed { .. }
            | GitError::NotOurs { .. }
            | GitError::State { .. }
            | GitError::StateTooLarge { .. }
            | GitError::Moved { .. }
            | GitError::TagMoved { .. }
            | GitError::Program { .. }
            | GitError::Library { .. }
            | GitError::Temporary { .. }
            | GitError::Missing { .. }
            | GitError::Answer { .. } => Kind::Failed,
        };
        let hint = err.hint();
        Self::advised(kind, err, hint)
    }
}

impl From<PortError> for Failure {
    fn from(err: PortError) -> Self {
        let hint = err.advice().map(str::to_owned);
        Self::advised(Kind::Failed, err, hint)
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
            StackError::Malformed { .. } | StackError::Crashed { .. } => Self::new(Kind::Failed, err),
        }
    }
}

impl From<InvalidCommitter> for Failure {
    fn from(err: InvalidCommitter) -> Self {
        Self::new(Kind::Usage, err)
    }
}

impl From<ProcessError> for Failure {
    fn from(err: ProcessError) -> Self {
        let hint = err.hint();
        Self::advised(Kind::Failed, err, hint)
    }
}

impl From<HttpError> for Failure {
    fn from(err: HttpError) -> Self {
        let kind = match &err {
            HttpError::NotAllowed { .. } | HttpError::Proxy => Kind::Usage,
            HttpError::BadRedirect { .. }
            | HttpError::LeavesHost { .. }
            | HttpError::Moved { .. }
            | HttpError::TooManyRedirects { .. }
            | HttpError::Status { .. }
            | HttpError::TooLong { .. }
            | HttpError::TimedOut { .. }
            | HttpError::Unreachable { .. }
            | HttpError::Broken { .. } => Kind::Failed,
        };
        let hint = err.hint();
        Self::advised(kind, err, hint)
    }
}

impl From<ForgeError> for Failure {
    fn from(err: ForgeError) -> Self {
        let kind = match &err {
            ForgeError::NoToken { .. }
            | ForgeError::Unauthorized { .. }
            | ForgeError::PullRequestsNotPermitted { .. }
            | ForgeError::IssuesOff { .. }
            | ForgeError::Forbidden { .. } => Kind::Blocked,
            ForgeError::NotFound { .. }
            | ForgeError::RateLimited { .. }
            | ForgeError::Exists { .. }
            | ForgeError::Invalid { .. }
            | ForgeError::Unreachable { .. }
            | ForgeError::Unexpected { .. } => Kind::Failed,
        };
        let hint = err.hint();
        Self::advised(kind, err, hint)
    }
}

impl From<FeedError> for Failure {
    fn from(err: FeedError) -> Self {
        let hint = err.hint();
        Self::advised(Kind::Failed, err, hint)
    }
}

impl From<WorkspaceError> for Failure {
    fn from(err: WorkspaceError) -> Self {
        let kind = match &err {
            WorkspaceError::NoRoot { .. }
            | WorkspaceError::Missing { .. }
            | WorkspaceError::NotAFile { .. }
            | WorkspaceError::NotAFolder { .. }
            | WorkspaceError::Link { .. }
            | WorkspaceError::TooLarge { .. }
            | WorkspaceError::NotUtf8 { .. }
            | WorkspaceError::NotJson { .. }
            | WorkspaceError::Outside { .. }
            | WorkspaceError::TooMany { .. } => Kind::Usage,
            WorkspaceError::Read { .. } => Kind::Failed,
        };
        let hint = err.hint();
        Self::advised(kind, err, hint)
    }
}

impl From<SourcesError> for Failure {
    fn from(err: SourcesError) -> Self {
        let hint = err.hint();
        Self::advised(Kind::Usage, err, hint)
    }
}

impl From<ManifestError> for Failure {
    fn from(err: ManifestError) -> Self {
        let hint = err.hint();
        Self::advised(Kind::Usage, err, hint)
    }
}

impl From<ConfigError> for Failure {
    fn from(err: ConfigError) -> Self {
        let hint = err.hint();
        Self::advised(Kind::Usage, err, hint)
    }
}

impl From<GateClosed> for Failure {
    fn from(err: GateClosed) -> Self {
        let hint = err.hint();
        Self::advised(Kind::Blocked, err, hint)
    }
}

impl From<SwitchesError> for Failure {
    fn from(err: SwitchesError) -> Self {
        let kind = match err {
            SwitchesError::Syntax { .. } | SwitchesError::WrongType { .. } => Kind::Usage,
        };
        let hint = err.hint();
        Self::advised(kind, err, hint)
    }
}

impl From<LockError> for Failure {
    fn from(err: LockError) -> Self {
        let hint = err.hint();
        Self::advised(Kind::Usage, err, hint)
    }
}

impl From<SourceError> for Failure {
    fn from(err: SourceError) -> Self {
        let hint = err.hint();
        Self::advised(Kind::Usage, err, Some(hint))
    }
}

impl From<LayoutError> for Failure {
    fn from(err: LayoutError) -> Self {
        let hint = err.hint();
        Self::advised(Kind::Usage, err, Some(hint))
    }
}

impl From<SharedError> for Failure {
    fn from(err: SharedError) -> Self {
        let hint = err.hint();
        Self::advised(Kind::Usage, err, Some(hint))
    }
}

impl From<EventError> for Failure {
    fn from(err: EventError) -> Self {
        let hint = err.hint();
        Self::advised(Kind::Usage, err, hint)
    }
}

impl From<NotAnEvent> for Failure {
    fn from(err: NotAnEvent) -> Self {
        Self::new(Kind::Usage, err)
    }
}

impl From<StateError> for Failure {
    fn from(err: StateError) -> Self {
        Self::new(Kind::Failed, err)
    }
}

impl From<FlowResultError> for Failure {
    fn from(err: FlowResultError) -> Self {
        let hint = err.hint();
        Self::advised(Kind::Failed, err, hint)
    }
}

impl From<StoreError> for Failure {
    fn from(err: StoreError) -> Self {
        let hint = err.hint();
        Self::advised(Kind::Failed, err, hint)
    }
}

impl From<CheckError> for Failure {
    fn from(err: CheckError) -> Self {
        let kind = match &err {
            CheckError::NoCommand { .. } | CheckError::Withheld { .. } => Kind::Usage,
            CheckError::Interrupted { .. } | CheckError::Log { .. } => Kind::Failed,
        };
        let hint = err.hint();
        Self::advised(kind, err, hint)
    }
}

impl From<AccountingError> for Failure {
    fn from(err: AccountingError) -> Self {
        let hint = err.hint();
        Self::advised(Kind::Failed, err, Some(hint))
    }
}

impl From<ActionsError> for Failure {
    fn from(err: ActionsError) -> Self {
        let hint = err.hint();
        Self::advised(Kind::Failed, err, hint)
    }
}

impl From<InvalidName> for Failure {
    fn from(err: InvalidName) -> Self {
        Self::new(Kind::Usage, err)
    }
}

impl From<InvalidId> for Failure {
    fn from(err: InvalidId) -> Self {
        Self::new(Kind::Usage, err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_ends_the_one_that_needs_most_attention_counts() {
        use Kind::{Blocked, Done, Failed, NeedsPerson, Usage};
        let falling = [Failed, Usage, NeedsPerson, Blocked, Done];
        for (at, worse) in falling.into_iter().enumerate() {
            for better in &falling[at..] {
                assert_eq!(worse.worse(*better), worse);
                assert_eq!(better.worse(worse), worse);
            }
        }
        assert_eq!(falling.map(Kind::code), [1, 2, 3, 4, 0]);
    }

    #[test]
    fn a_failure_says_what_why_and_what_next() {
        let missing = WorkspaceError::Missing { path: "feed-sources.json".into() };
        let failure = Failure::from(missing).context("the sources cannot be read").hint("or name it");

        assert_eq!(failure.kind, Kind::Usage);
        assert_eq!(failure.title(), "the sources cannot be read");
        assert_eq!(failure.causes(), ["feed-sources.json does not exist"]);
        assert_eq!(failure.advice().len(), 2);
        assert_eq!(failure.advice()[1], "or name it");
    }
}
