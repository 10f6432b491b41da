//! A candidate that landed as one commit: which commit of the branch it is, and whose stack stands in for it.
//!
//! Whoever squashes a candidate when it lands leaves one commit with the candidate's tree, and the patches
//! one by one are in the recorded candidate only. They are what the next release carries.

use std::collections::{HashMap, HashSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::commit::RawCommit;
use super::inventory::{Inventory, take, take_landed};
use super::ports::{Objects, PortError};
use super::{StackError, apply};
use crate::ids::{CommitId, TreeId};

/// A commit of the branch for which the stack of a candidate stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Landed {
    /// The commit of the branch: it has the candidate's tree and not its history.
    pub(crate) commit: CommitId,
    /// The candidate, whose patches are carried in place of the commit and all below it.
    pub(crate) candidate: CommitId,
}

/// What the fork remembers of earlier carries. Each commit is in the object database.
#[derive(Debug, Default)]
pub(crate) struct Records {
    /// The release commits that complete candidates stand on.
    pub(crate) bases: Vec<CommitId>,
    /// Complete candidates.
    pub(crate) candidates: Vec<Recorded>,
}

/// A recorded candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// The commit.
    pub(crate) commit: CommitId,
    /// Whether it holds the patches one by one of another one that is one commit.
    pub(crate) is_stack: bool,
}

/// Takes the inventory of the stack of `tip` by upstream's commits and by what the fork remembers: a recorded
/// base counts where it is an ancestor of the tip, and a candidate that landed as one commit is its patches.
///
/// # Errors
/// As [`take`].
pub(crate) fn take_remembered(
    objects: &dyn Objects,
    tip: CommitId,
    onto: CommitId,
    upstream: &[CommitId],
    records: &Records,
) -> Result<Inventory, StackError> {
    let excluded = with_bases(objects, tip, upstream, records)?;
    let Some(landed) = find(objects, tip, onto, &excluded, records)? else {
        return take(objects, tip, onto, &excluded);
    };
    let excluded = with_bases(objects, landed.candidate, &excluded, records)?;
    take_landed(objects, tip, onto, &excluded, Some(landed))
}

/// `excluded` and the recorded bases that `tip` holds.
fn with_bases(
    objects: &dyn Objects,
    tip: CommitId,
    excluded: &[CommitId],
    records: &Records,
) -> Result<Vec<CommitId>, PortError> {
    let mut all = excluded.to_vec();
    for base in &records.bases {
        if !all.contains(base) && objects.is_ancestor(*base, tip)? {
            all.push(*base);
        }
    }
    Ok(all)
}

/// The newest commit of the first-parent line that is a recorded candidate as one commit.
fn find(
    objects: &dyn Objects,
    tip: CommitId,
    onto: CommitId,
    excluded: &[CommitId],
    records: &Records,
) -> Result<Option<Landed>, StackError> {
    if records.candidates.is_empty() {
        return Ok(None);
    }
    let hidden = [excluded, &[onto]].concat();
    let by_tree = by_tree(objects, records)?;
    let own: HashSet<CommitId> = objects.reachable(&[tip], &hidden)?.into_iter().collect();
    let mut at = Some(tip).filter(|tip| own.contains(tip));
    while let Some(id) = at {
        let commit = RawCommit::parse(id, &objects.commit(id)?)?;
        for recorded in by_tree.get(&commit.tree).into_iter().flatten() {
            if stands_in(objects, id, *recorded, &hidden, records)? {
                return Ok(Some(Landed { commit: id, candidate: recorded.commit }));
            }
        }
        at = commit.parents.first().copied().filter(|parent| own.contains(parent));
    }
    Ok(None)
}

/// The candidates by their trees: the patches one by one first, then by id, the same on every machine.
fn by_tree(objects: &dyn Objects, records: &Records) -> Result<HashMap<TreeId, Vec<Recorded>>, StackError> {
    let mut all: HashMap<TreeId, Vec<Recorded>> = HashMap::new();
    for recorded in &records.candidates {
        all.entry(apply::tree_of(objects, recorded.commit)?).or_default().push(*recorded);
    }
    for same in all.values_mut() {
        same.sort_unstable_by_key(|recorded| (!recorded.is_stack, recorded.commit));
        same.dedup();
    }
    Ok(all)
}

/// Whether the commit `id`, which has the candidate's tree, is that candidate as one commit. It is not where
/// it holds the candidate, nor where a person has put the same patches on the same base one by one: their
/// commits and messages are what they want.
fn stands_in(
    objects: &dyn Objects,
    id: CommitId,
    recorded: Recorded,
    hidden: &[CommitId],
    records: &Records,
) -> Result<bool, StackError> {
    let candidate = recorded.commit;
    if objects.is_ancestor(candidate, id)? {
        return Ok(false);
    }
    let below = with_bases(objects, candidate, hidden, records)?;
    let patches = objects.reachable(&[candidate], &below)?;
    if patches.is_empty() {
        return Ok(false);
    }
    if recorded.is_stack && records.candidates.iter().any(|other| other.commit == id) {
        return Ok(true);
    }
    let own = objects.reachable(&[id], hidden)?;
    Ok(own.len() < patches.len() || !stands_on_the_same(objects, id, &patches)?)
}

/// Whether everything that `patches` stand on is below `id` too.
fn stands_on_the_same(objects: &dyn Objects, id: CommitId, patches: &[CommitId]) -> Result<bool, StackError> {
    let own: HashSet<CommitId> = patches.iter().copied().collect();
    for patch in patches {
        let commit = RawCommit::parse(*patch, &objects.commit(*patch)?)?;
        for parent in commit.parents.iter().filter(|parent| !own.contains(parent)) {
            if !objects.is_ancestor(*parent, id)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
