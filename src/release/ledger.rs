//! What was done about each release, and what that leaves to do.
//!
//! The ledger is `DATA_DIR/releases.jsonl`: one line whenever something has become of a release. The
//! file is a union of what several runs wrote, so lines are put in the order of their times.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{CommitId, Digest, EventId, ObjectId, RepoName, TagName};

use super::RemoteTag;

/// How often a failed release is tried on a schedule before it waits for a person or for new inputs.
pub(crate) const MAX_TRIES: usize = 3;

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LedgerLine {
    /// The release's event.
    pub(crate) event_id: EventId,
    /// The repository that released.
    pub(crate) repo: RepoName,
    /// The tag.
    pub(crate) tag: TagName,
    /// What the tag's ref pointed to.
    pub(crate) tag_object: ObjectId,
    /// The release commit.
    pub(crate) commit: CommitId,
    /// Where the maintained branch stood, where that was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tip: Option<CommitId>,
    /// The digest of the flows and their configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) flows: Option<Digest>,
    /// What became of it.
    pub(crate) state: State,
    /// For `skipped`: the rule that skipped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rule: Option<String>,
    /// When: UTC, milliseconds, `Z`.
    pub(crate) at: String,
}

/// What became of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// It was noticed, and nothing more is known.
    Seen,
    /// The run failed.
    Failed,
    /// The stack was carried to it.
    Candidate,
    /// A patch needs a person.
    Conflict,
    /// A rule says that it is not carried to.
    Skipped,
    /// The maintained branch already stands on it.
    Adopted,
    /// A newer release came before it was carried to.
    Superseded,
    /// A gate was closed.
    Blocked,
    /// Its tag points elsewhere than when it was dealt with.
    Moved,
}

impl State {
    /// The state's name in every output.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Failed => "failed",
            Self::Candidate => "candidate",
            Self::Conflict => "conflict",
            Self::Skipped => "skipped",
            Self::Adopted => "adopted",
            Self::Superseded => "superseded",
            Self::Blocked => "blocked",
            Self::Moved => "moved",
        }
    }

    /// Whether work went into the release, so that it matters where its tag points.
    const fn is_bound_to_a_commit(self) -> bool {
        !matches!(self, Self::Seen | Self::Skipped | Self::Superseded)
    }
}

/// Where a tag points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pointed {
    /// What its ref points to.
    pub(crate) object: ObjectId,
    /// The commit in the end.
    pub(crate) commit: CommitId,
}

/// Whether something is to be done about a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Due {
    /// It is to be carried to.
    Now(WhyDue),
    /// Nothing is to be done.
    Settled(State, WhySettled),
    /// It points elsewhere than when it was dealt with: loud, and never carried to on a schedule.
    Moved {
        /// Where it pointed.
        was: Pointed,
        /// Where it points now.
        is: Pointed,
    },
}

/// Why a release is to be carried to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WhyDue {
    /// Nothing was done about it yet.
    New,
    /// A run noticed it and left nothing.
    Unfinished,
    /// It failed so many times in a row with the same inputs.
    Failed(usize),
    /// A gate was closed when it was tried.
    WasBlocked,
    /// The maintained branch has moved since.
    TipChanged,
    /// The flows have changed since.
    FlowsChanged,
}

/// Why nothing is to be done about a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WhySettled {
    /// The same inputs would give the same outcome.
    NothingChanged,
    /// It failed so many times in a row; it waits for a person or for new inputs.
    GaveUp(usize),
    /// It is settled for ever; with the rule that did it, where one did.
    ForEver(Option<String>),
}

/// What was done about every release of every repository.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    lines: BTreeMap<String, BTreeMap<TagName, Vec<LedgerLine>>>,
}

impl Ledger {
    /// Sorts `lines` by release and time.
    pub(crate) fn from_lines(lines: Vec<LedgerLine>) -> Self {
        let mut ledger = Self::default();
        for line in lines {
            let of_repo = ledger.lines.entry(key(&line.repo)).or_default();
            of_repo.entry(line.tag.clone()).or_default().push(line);
        }
        for history in ledger.lines.values_mut().flat_map(BTreeMap::values_mut) {
            // Stable: of two lines with one time the later written one is the later one.
            history.sort_by(|one, other| one.at.cmp(&other.at));
        }
        ledger
    }

    /// Every line about a release, oldest first.
    pub(crate) fn history(&self, repo: &RepoName, tag: &TagName) -> &[LedgerLine] {
        self.lines.get(&key(repo)).and_then(|tags| tags.get(tag)).map_or(&[], Vec::as_slice)
    }

    /// The last line about a release.
    pub(crate) fn latest(&self, repo: &RepoName, tag: &TagName) -> Option<&LedgerLine> {
        self.history(repo, tag).last()
    }

    /// The tags of `repo` about which there is a line, each with its last one.
    pub(crate) fn tags(&self, repo: &RepoName) -> impl Iterator<Item = (&TagName, &LedgerLine)> {
        let tags = self.lines.get(&key(repo)).into_iter().flatten();
        tags.filter_map(|(tag, history)| Some((tag, history.last()?)))
    }

    /// The repositories about whose release `tag` there is a line.
    pub(crate) fn repositories(&self, tag: &TagName) -> impl Iterator<Item = &RepoName> {
        self.lines.values().filter_map(|tags| tags.get(tag)?.last().map(|line| &line.repo))
    }

    /// How often a release failed in a row, up to now, with this tip and these flows. Where the tip
    /// is not known, any tip counts.
    pub(crate) fn tries(
        &self,
        repo: &RepoName,
        tag: &TagName,
        tip: Option<CommitId>,
        flows: &Digest,
    ) -> usize {
        let finished = self.history(repo, tag).iter().rev().filter(|line| line.state != State::Seen);
        let same = |line: &&LedgerLine| line.state == State::Failed && line.changed(tip, flows).is_none();
        finished.take_while(same).count()
    }

    /// Where the tag pointed when it was dealt with, where that is not where it points now.
    pub(crate) fn tag_moved(
        &self,
        repo: &RepoName,
        tag: &TagName,
        object: ObjectId,
        commit: CommitId,
    ) -> Option<Pointed> {
        let bound = |line: &&LedgerLine| line.state != State::Moved && line.state.is_bound_to_a_commit();
        let line = self.history(repo, tag).iter().rev().find(bound)?;
        let was = Pointed { object: line.tag_object, commit: line.commit };
        (was != Pointed { object, commit }).then_some(was)
    }

    /// Whether something is to be done about `tag`, where the maintained branch stands at `tip` and
    /// the flows are `flows`. Where the tip is not known, it counts as unchanged.
    pub(crate) fn due(&self, repo: &RepoName, tag: &RemoteTag, tip: Option<CommitId>, flows: &Digest) -> Due {
        if let Some(was) = self.tag_moved(repo, &tag.name, tag.object, tag.commit) {
            return Due::Moved { was, is: Pointed { object: tag.object, commit: tag.commit } };
        }
        // A tag that moved and moved back is where it was: what was known then holds again.
        let known = self.history(repo, &tag.name).iter().rev().find(|line| line.state != State::Moved);
        let Some(line) = known else { return Due::Now(WhyDue::New) };
        match line.state {
            State::Seen => Due::Now(WhyDue::Unfinished),
            State::Blocked => Due::Now(WhyDue::WasBlocked),
            State::Candidate | State::Conflict | State::Failed => self.due_again(repo, line, tip, flows),
            State::Skipped | State::Adopted | State::Superseded | State::Moved => {
                Due::Settled(line.state, WhySettled::ForEver(line.rule.clone()))
            }
        }
    }

    fn due_again(&self, repo: &RepoName, line: &LedgerLine, tip: Option<CommitId>, flows: &Digest) -> Due {
        if let Some(changed) = line.changed(tip, flows) {
            return Due::Now(changed);
        }
        if line.state != State::Failed {
            return Due::Settled(line.state, WhySettled::NothingChanged);
        }
        match self.tries(repo, &line.tag, tip, flows) {
            tries if tries < MAX_TRIES => Due::Now(WhyDue::Failed(tries)),
            tries => Due::Settled(State::Failed, WhySettled::GaveUp(tries)),
        }
    }
}

impl LedgerLine {
    /// What became of a tag of `repo`, where neither tip nor flows are known and no rule did it.
    pub(crate) fn of(repo: &RepoName, tag: &RemoteTag, state: State, at: String) -> Self {
        Self {
            event_id: EventId::of_release(repo, &tag.name),
            repo: repo.clone(),
            tag: tag.name.clone(),
            tag_object: tag.object,
            commit: tag.commit,
            tip: None,
            flows: None,
            state,
            rule: None,
            at,
        }
    }

    /// Which of its inputs is another one now.
    fn changed(&self, tip: Option<CommitId>, flows: &Digest) -> Option<WhyDue> {
        if tip.is_some() && self.tip != tip {
            return Some(WhyDue::TipChanged);
        }
        (self.flows.as_ref() != Some(flows)).then_some(WhyDue::FlowsChanged)
    }
}

/// Forges do not tell `A/b` from `a/B`.
fn key(repo: &RepoName) -> String {
    repo.as_str().to_ascii_lowercase()
}

impl fmt::Display for WhyDue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => f.write_str("it is new"),
            Self::Unfinished => f.write_str("an earlier run noticed it and did not finish"),
            Self::Failed(tries) => write!(f, "it failed {tries} of {MAX_TRIES} times and is tried again"),
            Self::WasBlocked => f.write_str("it was blocked, and may not be any more"),
            Self::TipChanged => f.write_str("the maintained branch has moved since it was carried"),
            Self::FlowsChanged => f.write_str("the flows have changed since it was carried"),
        }
    }
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(why) => why.fmt(f),
            Self::Settled(state, WhySettled::NothingChanged) => {
                write!(f, "{}: the stack and the flows are what they were then", state.name())
            }
            Self::Settled(_, WhySettled::GaveUp(tries)) => {
                write!(f, "it failed {tries} times in a row: it waits for `--tag`, a new tip or other flows")
            }
            Self::Settled(state, WhySettled::ForEver(Some(rule))) => write!(f, "{} by {rule}", state.name()),
            Self::Settled(state, WhySettled::ForEver(None)) => f.write_str(state.name()),
            Self::Moved { was, is } => {
                write!(
                    f,
                    "moved: it pointed to {} and points to {} now",
                    was.commit.short(),
                    is.commit.short()
                )
            }
        }
    }
}
