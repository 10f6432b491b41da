//! What will be done to the fork's remote with a proven candidate, as data.

mod target;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::candidate::{Outcome, Refs, recorded_base};
use crate::ids::{CommitId, EventId, InvalidName, ObjectId, RefName, RepoName, Slug, TagName};

pub(crate) use target::{named, repository_on, same_repository};

/// How many branches of one release are written beside each other before it is given up.
const MOST_SIBLINGS: usize = 20;

/// One line of `DATA_DIR/publications.jsonl`: what was put where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Published {
    /// The release's event.
    pub(crate) event_id: EventId,
    /// The repository that released.
    pub(crate) repo: RepoName,
    /// The release.
    pub(crate) tag: TagName,
    /// The ref that was written; null for a line about a request only.
    #[serde(rename = "ref")]
    pub(crate) name: Option<RefName>,
    /// The commit that it was put at.
    pub(crate) commit: Option<CommitId>,
    /// The pull request's number.
    #[serde(default)]
    pub(crate) pull_request: Option<u64>,
    /// The issue's number.
    #[serde(default)]
    pub(crate) issue: Option<u64>,
    /// Where people find the pull request or the issue.
    #[serde(default)]
    pub(crate) url: Option<String>,
    /// When: UTC, milliseconds, `Z`.
    pub(crate) at: String,
}

/// What is to be published of one release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Publication {
    /// Where: the remote as it may be shown.
    pub(crate) target: String,
    /// Whether the maintained branch has moved on since the candidate was made.
    pub(crate) stale: bool,
    /// The refs, and what becomes of each.
    pub(crate) refs: Vec<RefPlan>,
    /// Why no ref is written, where none is on purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) withheld: Option<String>,
    /// How people are told.
    pub(crate) request: Request,
    /// What a reader should know before it is done.
    pub(crate) notes: Vec<String>,
}

/// One ref of the remote and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RefPlan {
    /// The ref.
    pub(crate) name: RefName,
    /// What it is for: `candidate`, `stack`, `incomplete`, `partial` or `base`.
    pub(crate) part: Part,
    /// Where it stands; null where it does not exist.
    pub(crate) from: Option<ObjectId>,
    /// Where it will stand; null where it goes. The same as `from` where nothing is to do.
    pub(crate) to: Option<CommitId>,
}

impl RefPlan {
    /// Whether the remote is to be changed.
    pub(crate) fn is_move(&self) -> bool {
        self.from != self.to.map(|commit| commit.object())
    }
}

/// What a published ref is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Part {
    /// The complete candidate, a branch.
    Candidate,
    /// The patches one by one, where the candidate is one commit.
    Stack,
    /// The candidate that ends before the first open patch.
    Incomplete,
    /// Everything but root conflicts and what they block.
    Partial,
    /// The release commit that the complete candidate stands on.
    Base,
}

/// How people are told of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::enum_variant_names, reason = "a pull request is called so")]
pub(crate) enum Request {
    /// A draft pull request; an issue where that cannot be, and the summary where that cannot be either.
    PullRequest,
    /// An issue; the summary where that cannot be.
    Issue,
    /// The summary only.
    Summary,
}

/// What the person who runs it wants published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Refs beside the state.
    pub(crate) push: bool,
    /// Pull requests.
    pub(crate) pull_request: bool,
    /// Issues.
    pub(crate) issue: bool,
}

/// What a proven candidate has to publish.
#[derive(Debug, Clone)]
pub(crate) struct Proven<'a> {
    /// The release.
    pub(crate) slug: &'a Slug,
    /// What it is.
    pub(crate) status: Outcome,
    /// The release commit.
    pub(crate) onto: CommitId,
    /// What the stack stands on today.
    pub(crate) excluded: &'a [CommitId],
    /// How far the stack was carried without a gap.
    pub(crate) candidate: CommitId,
    /// The one commit, where the flow squashes.
    pub(crate) squashed: Option<CommitId>,
    /// What carries everything but the open patches.
    pub(crate) partial: Option<CommitId>,
    /// Whether the branch has moved on since.
    pub(crate) stale: bool,
    /// Whether the flow says `push = false`.
    pub(crate) flow_forbids: bool,
}

/// The remote as it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Remote<'a> {
    /// It, as it may be shown.
    pub(crate) target: &'a str,
    /// Its refs below `refs/heads/patch-moi/` and `refs/patch-moi/`.
    pub(crate) refs: &'a BTreeMap<RefName, ObjectId>,
    /// What was published of this release before, oldest first.
    pub(crate) before: &'a [Published],
}

/// The branch that a candidate gets, and those beside it: `candidate`, `candidate-2`, …
///
/// # Errors
/// Where the tag is so long that a ref with it would not be one.
pub(crate) fn candidate_branch(slug: &Slug, number: usize) -> Result<RefName, InvalidName> {
    let kind = if number < 2 { "candidate".to_owned() } else { format!("candidate-{number}") };
    RefName::join(&format!("refs/heads/patch-moi/{kind}"), slug.as_str())
}

/// The release and the part that a published ref is about: its slug's tag, the part.
pub(crate) fn of_ref(name: &RefName) -> Option<(TagName, Part)> {
    let rest = name.as_str().strip_prefix("refs/").map(|rest| rest.strip_prefix("heads/").unwrap_or(rest))?;
    let (kind, slug) = rest.strip_prefix("patch-moi/")?.split_once('/')?;
    let sibling = |kind: &str| kind.strip_prefix("candidate-").is_some_and(|n| n.parse::<usize>().is_ok());
    let part = match kind {
        "candidate" => Part::Candidate,
        kind if sibling(kind) => Part::Candidate,
        "stack" => Part::Stack,
        "incomplete" => Part::Incomplete,
        "partial" => Part::Partial,
        "base" => Part::Base,
        _ => return None,
    };
    let tag: TagName = slug.replace("%2F", "/").replace("%25", "%").parse().ok()?;
    (tag.slug().as_str() == slug).then_some((tag, part))
}

/// Plans what becomes of the remote.
///
/// # Errors
/// Where the tag is so long that a ref with it would not be one.
pub(crate) fn publication(
    proven: &Proven<'_>,
    remote: &Remote<'_>,
    policy: Policy,
) -> Result<Publication, InvalidName> {
    let mut notes = Vec::new();
    let withheld = withheld(proven, policy);
    let refs = if withheld.is_some() { Vec::new() } else { refs(proven, remote, &mut notes)? };
    let has_candidate = refs.iter().any(|plan| plan.part == Part::Candidate && plan.to.is_some());
    let request = match proven.status {
        Outcome::Candidate if has_candidate && policy.pull_request => Request::PullRequest,
        Outcome::Candidate | Outcome::Incomplete | Outcome::Failed if policy.issue => Request::Issue,
        _ => Request::Summary,
    };
    if proven.stale {
        notes.push(
            "the maintained branch has moved on since: this is marked stale, and the release is carried again"
                .to_owned(),
        );
    }
    Ok(Publication { target: remote.target.to_owned(), stale: proven.stale, refs, withheld, request, notes })
}

/// Why no ref is written at all.
fn withheld(proven: &Proven<'_>, policy: Policy) -> Option<String> {
    let why = match proven.status {
        _ if proven.flow_forbids => "the flow says `push = false`",
        _ if !policy.push => "`--push none` was asked for",
        Outcome::Failed => "a required check did not pass",
        Outcome::Adopted => "the branch holds the release already",
        Outcome::Candidate | Outcome::Incomplete => return None,
    };
    Some(why.to_owned())
}

fn refs(
    proven: &Proven<'_>,
    remote: &Remote<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<RefPlan>, InvalidName> {
    let names = Refs::of(proven.slug)?;
    let at = |name: &RefName| remote.refs.get(name).copied();
    let own = |commit: CommitId| Some(commit).filter(|commit| *commit != proven.onto);
    let mut refs = Vec::new();
    let mut put = |name: RefName, part, to: Option<CommitId>| {
        let from = at(&name);
        if to.is_some() || from.is_some() {
            refs.push(RefPlan { name, part, from, to });
        }
    };
    if proven.status == Outcome::Candidate {
        let delivered = proven.squashed.unwrap_or(proven.candidate);
        if let Some(name) = branch(proven.slug, delivered, remote, notes)? {
            put(name, Part::Candidate, Some(delivered));
            let recorded = at(&names.base).map(CommitId::new);
            let base = recorded_base(proven.onto, proven.excluded, recorded);
            put(names.base, Part::Base, Some(base));
        }
        if proven.squashed.is_some() {
            put(names.stack, Part::Stack, Some(proven.candidate));
        }
        put(names.incomplete, Part::Incomplete, None);
        put(names.partial, Part::Partial, None);
    } else {
        put(names.incomplete, Part::Incomplete, own(proven.candidate));
        put(names.partial, Part::Partial, proven.partial.and_then(own));
        let older = candidate_branch(proven.slug, 1)?;
        if let Some(stands) = at(&older) {
            notes.push(format!(
                "{} stays at {stands}: it was carried from where the branch stood before",
                older.branch()
            ));
        }
    }
    Ok(refs)
}

/// The branch for the candidate: the first that does not exist, stands there already, or stands where
/// this program has put it. One that somebody else has moved is theirs. None where it was there, and a
/// person has taken it away.
fn branch(
    slug: &Slug,
    delivered: CommitId,
    remote: &Remote<'_>,
    notes: &mut Vec<String>,
) -> Result<Option<RefName>, InvalidName> {
    for number in 1..=MOST_SIBLINGS {
        let name = candidate_branch(slug, number)?;
        let last = remote.before.iter().rev().find(|line| line.name.as_ref() == Some(&name));
        let put_at = last.and_then(|line| line.commit);
        match remote.refs.get(&name) {
            Some(stands) if *stands == delivered.object() => return Ok(Some(name)),
            Some(stands) if put_at.is_some_and(|commit| commit.object() == *stands) => return Ok(Some(name)),
            Some(stands) => notes.push(format!(
                "{} stands at {stands}, where patch-moi did not put it, and is left alone",
                name.branch()
            )),
            None if put_at == Some(delivered) => {
                notes.push(format!(
                    "{} held this very candidate and was removed since: it is not written again",
                    name.branch()
                ));
                return Ok(None);
            }
            None => return Ok(Some(name)),
        }
    }
    notes.push(format!("the candidate has {MOST_SIBLINGS} branches that others have moved: none is written"));
    Ok(None)
}
