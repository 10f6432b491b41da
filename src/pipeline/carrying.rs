//! The engine on what a step has prepared: the same for a run, for a proof of it and for what a person
//! goes on with.

use super::plumbing::tree_of;
use super::preparing::Prepared;
use super::recorded;
use super::session::Session;
use crate::candidate;
use crate::failure::{Failure, Result};
use crate::git::{GitError, GitMerge, UpstreamRefs};
use crate::ids::CommitId;
use crate::stack::{self, Carry, Inventory, StackError};

/// What a carry starts from.
pub(super) struct Gathered {
    /// Upstream's refs as they are now.
    pub(super) refs: UpstreamRefs,
    /// The patches, and what they go onto.
    pub(super) inventory: Inventory,
}

/// Fetches upstream and finds the patches, by upstream's refs and by what the fork remembers.
///
/// # Errors
/// No network, a tag that moved, missing objects, histories that never meet.
pub(super) fn gather(session: &Session<'_>, prepared: &Prepared) -> Result<Gathered> {
    let (onto, refs) = fetch(session, prepared)?;
    let records = recorded::records(session, prepared)?;
    let _progress = session.context.ui.progress("looking for the patches", None);
    let inventory = stack::take_remembered(&prepared.bench, prepared.tip, onto, &refs.commits(), &records)
        .map_err(|err| explained(prepared, err))?;
    Ok(Gathered { refs, inventory: inventory.flattened(prepared.config.flatten) })
}

/// Carries the patches, and checks that every one of them is accounted for.
///
/// # Errors
/// Missing objects, a git that fails, a carry that does not add up.
pub(super) fn carry(session: &Session<'_>, prepared: &Prepared, inventory: &Inventory) -> Result<Carry> {
    let bench = &prepared.bench;
    stock(session, prepared, inventory)?;
    let merger = GitMerge::new(bench, tree_of(bench, inventory.onto)?);
    let progress = session.context.ui.progress("carrying", Some(inventory.len() as u64));
    let mut tell = |done: usize, _| progress.at(done as u64);
    let carry = stack::carry(bench, &merger, inventory, &prepared.committer, &prepared.answers, &mut tell)
        .map_err(|err| explained(prepared, err))?;
    drop(progress);
    candidate::accounting(&carry, inventory.commits())?;
    Ok(carry)
}

/// Has what the carry reads fetched together, where the fork was cloned without it.
fn stock(session: &Session<'_>, prepared: &Prepared, inventory: &Inventory) -> Result<()> {
    let _progress = session.context.ui.progress("fetching what the clone lacks", None);
    let stocked = prepared.bench.stock(inventory.commits(), inventory.base, inventory.onto);
    stocked.map_err(|err| explained(prepared, err.into()))
}

/// The candidate as one commit, where the flow asks for that and the candidate is complete.
///
/// # Errors
/// Where the commit cannot be written.
pub(super) fn squash(prepared: &Prepared, carry: &Carry) -> Result<Option<CommitId>> {
    if !prepared.config.squash {
        return Ok(None);
    }
    let template = prepared.config.squash_message.as_deref().unwrap_or(candidate::DEFAULT_SQUASH_MESSAGE);
    let message = candidate::squash_message(template, prepared.release.tag.as_str(), carry);
    Ok(stack::squash(&prepared.bench, carry, &message, &prepared.committer)?)
}

/// Upstream's refs in the fork; in a dry run on the workbench, which is gone with it.
fn fetch(session: &Session<'_>, prepared: &Prepared) -> Result<(CommitId, UpstreamRefs)> {
    let progress = session.context.ui.progress(&format!("fetching {}", prepared.release.repo), None);
    let listing = session.listing(&prepared.url, Some(&prepared.fork.repository))?;
    let branches: Vec<String> =
        prepared.config.upstream_branches.iter().map(|name| name.branch().to_owned()).collect();
    let into = if session.applies() { &prepared.fork.repository } else { prepared.bench.repository() };
    let release = &prepared.release;
    let mut refs = session.git.fetch_upstream(into, &prepared.url, &release.repo, &listing, &branches)?;
    drop(progress);
    refs.branches
        .retain(|name, _| branches.contains(name) || listing.default_branch.as_deref() == Some(name));
    let onto = refs.tags.get(&release.tag).map(|(_, commit)| *commit);
    let onto = onto.ok_or_else(|| GitError::TagOfNoCommit {
        upstream: release.repo.clone(),
        tag: release.tag.clone(),
    })?;
    // The ledger says which commit was dealt with: it must be the one that is carried to.
    if onto != release.commit {
        let (upstream, tag) = (release.repo.clone(), release.tag.clone());
        return Err(GitError::TagMoved { upstream, tag, listed: release.commit, fetched: onto }.into());
    }
    Ok((onto, refs))
}

fn explained(prepared: &Prepared, err: StackError) -> Failure {
    let shallow = prepared.bench.repository().is_shallow();
    let failure = Failure::from(err).context(format!(
        "branch {} of {} cannot be carried to {}",
        prepared.branch, prepared.fork.name, prepared.release.tag
    ));
    if shallow {
        failure.hint(format!(
            "the clone is shallow, and its `origin` did not have the rest: `git fetch --unshallow REMOTE {}` from one that has",
            prepared.branch
        ))
    } else {
        failure
    }
}
