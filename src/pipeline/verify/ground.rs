//! What a proof stands on: the workspace's flow, the fork, upstream as it is now.

use super::{Denied, How};
use crate::candidate::Refusal;
use crate::event::Event;
use crate::failure::Failure;
use crate::flow::{Flow, Runner, Selected};
use crate::git::GitError;
use crate::ids::{CommitId, RepoName, TagName};
use crate::pipeline::carrying::{self, Gathered};
use crate::pipeline::preparing::{self, Prepared};
use crate::pipeline::selecting;
use crate::pipeline::session::{Job, Session};
use crate::stack::{Carry, Objects};

/// The step that carries a stack for a release, by the workspace alone.
pub(super) struct Ground<'a> {
    pub(super) event: Event,
    pub(super) selected: &'a Selected<'a>,
    pub(super) prepared: Prepared,
}

/// A carry that was made again.
pub(super) struct Made {
    pub(super) gathered: Gathered,
    pub(super) carry: Carry,
    pub(super) squashed: Option<CommitId>,
}

/// Finds the step that carries a stack for a release and prepares it, and lets `act` go on from there.
///
/// # Errors
/// [`Refusal::NoFlow`]; wrong configuration, no branch, no such tag, no network; what `act` gives.
pub(super) fn with<T>(
    session: &Session<'_>,
    repo: &RepoName,
    tag: &TagName,
    how: &How,
    act: impl FnOnce(Ground<'_>, &[Flow]) -> Result<T, Denied>,
) -> Result<T, Denied> {
    with_step(session, (repo, tag), how, &|step| step.step.runner == Runner::PatchStack, act)
}

/// The same of the step that made what an artifact holds.
///
/// # Errors
/// As [`with`].
pub(super) fn with_step<T>(
    session: &Session<'_>,
    (repo, tag): (&RepoName, &TagName),
    how: &How,
    is_it: &dyn Fn(&Selected<'_>) -> bool,
    act: impl FnOnce(Ground<'_>, &[Flow]) -> Result<T, Denied>,
) -> Result<T, Denied> {
    let source = session.source_of(repo);
    let mut job = Job::of_tag(repo.clone(), Some(tag.clone()), source);
    job.branch.clone_from(&how.branch);
    let flows = selecting::flows_for(session, &job)?;
    for event in events(session, &job, tag) {
        let selection = session.select(&event.kind, &event.payload, &flows);
        let stack = selection.selected.iter().find(|selected| is_it(selected));
        if let Some(selected) = stack {
            let mut prepared =
                preparing::prepare(session, &job, selected).map_err(|failure| gone(failure, repo, tag))?;
            prepared.by_remote = how.by_remote;
            return act(Ground { event, selected, prepared }, &flows);
        }
    }
    Err(Refusal::NoFlow { repo: repo.clone(), tag: tag.clone() }.into())
}

/// Where it failed because upstream does not have the tag, that is the artifact's matter.
pub(in crate::pipeline) fn gone(failure: Failure, repo: &RepoName, tag: &TagName) -> Denied {
    match failure.cause() {
        Some(GitError::NoTag { .. }) => Refusal::Gone { repo: repo.clone(), tag: tag.clone() }.into(),
        _ => failure.into(),
    }
}

/// The event as a person who names the tag has it, and as its source has it without the feed: a flow's
/// schema may ask for either.
fn events(session: &Session<'_>, job: &Job<'_>, tag: &TagName) -> Vec<Event> {
    let plain = Event::of_tag(&job.repo, tag, (session.context.now)());
    let of_source = job.source.map(|source| Event {
        kind: source.flow_target().map_or(&plain.kind, |target| &target.event_type).clone(),
        payload: crate::event::source_payload(source, tag),
        ..plain.clone()
    });
    of_source.into_iter().chain([plain]).collect()
}

/// The commit at which the maintained branch stands and whose history holds `tip`: this repository's
/// own branch where that has it and may say so, else the remote's.
///
/// # Errors
/// [`Refusal::Rewritten`] where neither holds it; a remote that cannot be read.
pub(super) fn head(
    session: &Session<'_>,
    prepared: &Prepared,
    tip: CommitId,
    how: &How,
) -> Result<CommitId, Denied> {
    let own = prepared.tip;
    if !how.by_remote && holds(prepared, own, tip) {
        return Ok(own);
    }
    let head = match remote_head(session, prepared)? {
        Some(head) => head,
        None => own,
    };
    if holds(prepared, head, tip) {
        return Ok(head);
    }
    Err(Refusal::Rewritten { branch: prepared.branch.clone(), head, tip }.into())
}

/// Where the fork's remote has the maintained branch, with its commits.
///
/// # Errors
/// Where the remote cannot be read.
pub(super) fn remote_head(session: &Session<'_>, prepared: &Prepared) -> Result<Option<CommitId>, Denied> {
    let Some(url) = prepared.fork.home() else { return Ok(None) };
    let listing = session.listing(&url, Some(&prepared.fork.repository))?;
    let Some(head) = listing.branches.get(&prepared.branch).copied() else { return Ok(None) };
    if prepared.bench.commit(head).is_err() {
        session.git.fetch_branch(prepared.bench.repository(), &url, &prepared.branch)?;
    }
    Ok(Some(head))
}

/// Whether `tip` is `head` or an ancestor of it. A commit that is not there is none.
pub(super) fn holds(prepared: &Prepared, head: CommitId, tip: CommitId) -> bool {
    let bench = &prepared.bench;
    bench.commit(head).is_ok() && bench.commit(tip).is_ok() && bench.is_ancestor(tip, head).unwrap_or(false)
}

/// Makes the carry of `prepared.tip` again.
///
/// # Errors
/// [`Refusal::Adopted`]; no network, missing objects, a git that fails.
pub(super) fn make(session: &Session<'_>, prepared: &Prepared) -> Result<Made, Denied> {
    let gathered = carrying::gather(session, prepared)?;
    carry(session, prepared, gathered)
}

/// The same from what was gathered.
///
/// # Errors
/// [`Refusal::Adopted`]; missing objects, a git that fails.
pub(super) fn carry(session: &Session<'_>, prepared: &Prepared, gathered: Gathered) -> Result<Made, Denied> {
    if gathered.inventory.is_adopted(&prepared.bench)? {
        let (branch, tag) = (prepared.branch.clone(), prepared.release.tag.clone());
        return Err(Refusal::Adopted { branch, tag }.into());
    }
    let carry = carrying::carry(session, prepared, &gathered.inventory)?;
    let squashed = carrying::squash(prepared, &carry)?;
    Ok(Made { gathered, carry, squashed })
}
