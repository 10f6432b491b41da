//! Which commits are the fork's own, in which order, and what they stand on.
//!
//! The stack is everything that the tip reaches and the excluded commits do not, merges included.
//! A plain merge base would count a release commit that lives on a release branch only as a patch.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::commit::RawCommit;
use super::ports::{Objects, PortError};
use super::{LeftOut, StackError};
use crate::ids::CommitId;

/// At most so many left-out commits are listed; more would say nothing new.
const LEFT_OUT: usize = 200;

/// The fork's own commits and what they stand on.
#[derive(Debug)]
pub(crate) struct Inventory {
    /// The maintained branch's commit.
    pub(crate) tip: CommitId,
    /// The release commit that the stack is to be carried to.
    pub(crate) onto: CommitId,
    /// The upstream commit that the stack stands on.
    pub(crate) base: CommitId,
    /// The fork's own commits, parents before children.
    pub(super) commits: Vec<(CommitId, RawCommit)>,
    /// The excluded commits that stack commits stand on, and the release, sorted. Excluding just
    /// these gives the same stack again.
    pub(crate) excluded: Vec<CommitId>,
    /// Upstream's commits below the tip that the release does not hold.
    pub(crate) left_out: Vec<LeftOut>,
}

impl Inventory {
    /// How many patches the stack has.
    pub(crate) fn len(&self) -> usize {
        self.commits.len()
    }

    /// The patches' commits, parents before children.
    pub(crate) fn commits(&self) -> impl Iterator<Item = CommitId> + '_ {
        self.commits.iter().map(|(id, _)| *id)
    }

    /// Whether the release already is in the branch: nothing is to be carried.
    pub(crate) fn is_adopted(&self, objects: &dyn Objects) -> Result<bool, StackError> {
        Ok(objects.is_ancestor(self.onto, self.tip)?)
    }

    /// How many signatures the carry will drop.
    pub(crate) fn signatures(&self) -> usize {
        self.commits.iter().map(|(_, commit)| commit.signatures()).sum()
    }
}

/// Takes the inventory of the stack of `tip`: what neither `onto` nor `excluded` reaches.
///
/// # Errors
/// [`StackError::Unrelated`] where tip and release share no history; a missing or malformed object.
pub(crate) fn take(
    objects: &dyn Objects,
    tip: CommitId,
    onto: CommitId,
    excluded: &[CommitId],
) -> Result<Inventory, StackError> {
    let mut hidden = excluded.to_vec();
    hidden.push(onto);
    let own: HashSet<CommitId> = objects.reachable(&[tip], &hidden)?.into_iter().collect();
    let mut raw = HashMap::with_capacity(own.len());
    for id in &own {
        let commit = RawCommit::parse(*id, &objects.commit(*id)?)?;
        commit.must_be_whole(*id)?;
        raw.insert(*id, commit);
    }
    let boundary = boundary(tip, &own, &raw);
    // Below the stack, tip and boundary have the same history.
    let below = if let [only] = boundary.iter().collect::<Vec<_>>()[..] { *only } else { tip };
    if objects.merge_base(below, onto)?.is_none() {
        return Err(StackError::Unrelated { tip, onto });
    }
    let base = base(objects, tip, onto, &own, &raw, &boundary)?;
    let left_out = left_out(objects, &boundary, onto)?;
    let order = parents_first(tip, &own, &raw);
    let commits = order.into_iter().filter_map(|id| raw.remove(&id).map(|commit| (id, commit))).collect();
    let excluded = boundary.into_iter().chain([onto]).collect::<BTreeSet<_>>();
    Ok(Inventory { tip, onto, base, commits, excluded: excluded.into_iter().collect(), left_out })
}

/// The commits outside the stack that it stands on.
fn boundary(
    tip: CommitId,
    own: &HashSet<CommitId>,
    raw: &HashMap<CommitId, RawCommit>,
) -> BTreeSet<CommitId> {
    if own.is_empty() {
        return BTreeSet::from([tip]);
    }
    raw.values().flat_map(|commit| &commit.parents).filter(|parent| !own.contains(parent)).copied().collect()
}

/// The newest commit of the boundary: the one that no other one of it holds. Where several are
/// newest, the one on the first-parent line; where that is older, what they share with the release.
fn base(
    objects: &dyn Objects,
    tip: CommitId,
    onto: CommitId,
    own: &HashSet<CommitId>,
    raw: &HashMap<CommitId, RawCommit>,
    boundary: &BTreeSet<CommitId>,
) -> Result<CommitId, PortError> {
    let newest = newest(objects, boundary)?;
    if let [only] = newest[..] {
        return Ok(only);
    }
    let mut at = tip;
    while own.contains(&at) {
        match raw.get(&at).and_then(|commit| commit.parents.first()) {
            Some(parent) => at = *parent,
            None => break,
        }
    }
    if newest.contains(&at) {
        return Ok(at);
    }
    Ok(objects.merge_base(tip, onto)?.unwrap_or(at))
}

/// The commits that no other one of them holds. Each is compared with the newest so far alone, so
/// that many old ones cost little.
fn newest(objects: &dyn Objects, boundary: &BTreeSet<CommitId>) -> Result<Vec<CommitId>, PortError> {
    let mut newest: Vec<CommitId> = Vec::new();
    for one in boundary {
        let mut held = false;
        for other in &newest {
            held = held || objects.is_ancestor(*one, *other)?;
        }
        if held {
            continue;
        }
        let mut kept = Vec::with_capacity(newest.len() + 1);
        for other in newest {
            if !objects.is_ancestor(other, *one)? {
                kept.push(other);
            }
        }
        kept.push(*one);
        newest = kept;
    }
    Ok(newest)
}

/// What the boundary reaches and the release does not.
fn left_out(
    objects: &dyn Objects,
    boundary: &BTreeSet<CommitId>,
    onto: CommitId,
) -> Result<Vec<LeftOut>, StackError> {
    let from: Vec<CommitId> = boundary.iter().copied().collect();
    let mut ids = objects.reachable(&from, &[onto])?;
    ids.sort_unstable();
    ids.truncate(LEFT_OUT);
    let named = |id: CommitId| {
        let commit = RawCommit::parse(id, &objects.commit(id)?)?;
        Ok(LeftOut { commit: id, subject: commit.subject() })
    };
    ids.into_iter().map(named).collect()
}

/// The stack with parents before children: depth first from the tip, first parents first. The order
/// depends on the graph alone, so it is the same on every machine.
fn parents_first(
    tip: CommitId,
    own: &HashSet<CommitId>,
    raw: &HashMap<CommitId, RawCommit>,
) -> Vec<CommitId> {
    let mut order = Vec::with_capacity(own.len());
    let mut seen = HashSet::with_capacity(own.len());
    let mut path: Vec<(CommitId, usize)> = Vec::new();
    if own.contains(&tip) && seen.insert(tip) {
        path.push((tip, 0));
    }
    while let Some((id, next)) = path.last_mut() {
        let parent = raw.get(id).and_then(|commit| commit.parents.get(*next)).copied();
        *next += 1;
        match parent {
            Some(parent) if own.contains(&parent) && seen.insert(parent) => path.push((parent, 0)),
            Some(_) => {}
            None => {
                order.push(*id);
                path.pop();
            }
        }
    }
    order
}
