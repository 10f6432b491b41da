//! Which commits are the fork's own, in which order, and what they stand on.
//!
//! The stack is everything that the tip reaches and the excluded commits do not, merges included.
//! A plain merge base would count a release commit that lives on a release branch only as a patch.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::commit::RawCommit;
use super::landed::Landed;
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
    /// The commit of the branch for which a candidate's stack stands in.
    pub(crate) landed: Option<Landed>,
    /// Whether the patches go on as one line without merges.
    pub(crate) flatten: bool,
    /// That commit and the fork's own ones below it, which are not carried.
    replaced: HashSet<CommitId>,
}

impl Inventory {
    /// The same, to be carried as one line without merges where `flatten` says so.
    pub(crate) fn flattened(self, flatten: bool) -> Self {
        Self { flatten, ..self }
    }

    /// `id`, or the candidate whose stack stands in for it.
    pub(super) fn stand_in(&self, id: CommitId) -> CommitId {
        stand_in(self.landed, &self.replaced, id)
    }

    /// What the patch at `place` goes on from: its first parent, or in one line the patch before it.
    pub(super) fn before(&self, place: usize) -> Option<CommitId> {
        if self.flatten {
            return place.checked_sub(1).map(|before| self.commits[before].0);
        }
        self.commits[place].1.parents.first().map(|parent| self.stand_in(*parent))
    }

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
        let landed = self.landed.map(|landed| landed.candidate);
        for tip in [self.tip].into_iter().chain(landed) {
            if objects.is_ancestor(self.onto, tip)? {
                return Ok(true);
            }
        }
        Ok(false)
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
    take_landed(objects, tip, onto, excluded, None)
}

/// The same where a candidate's stack stands in for a commit of the branch and all below it.
///
/// # Errors
/// As [`take`].
pub(crate) fn take_landed(
    objects: &dyn Objects,
    tip: CommitId,
    onto: CommitId,
    excluded: &[CommitId],
    landed: Option<Landed>,
) -> Result<Inventory, StackError> {
    let hidden = [excluded, &[onto]].concat();
    let (own, replaced) = own(objects, tip, &hidden, landed)?;
    let mut raw = HashMap::with_capacity(own.len());
    for id in &own {
        let commit = RawCommit::parse(*id, &objects.commit(*id)?)?;
        commit.must_be_whole(*id)?;
        raw.insert(*id, commit);
    }
    let graph = Graph { tip: stand_in(landed, &replaced, tip), landed, own, replaced, raw };
    let boundary = graph.boundary();
    // Below the stack, tip and boundary have the same history.
    let below = if let [only] = boundary.iter().collect::<Vec<_>>()[..] { *only } else { graph.tip };
    if objects.merge_base(below, onto)?.is_none() {
        return Err(StackError::Unrelated { tip, onto });
    }
    let base = base(objects, onto, &graph, &boundary)?;
    let left_out = left_out(objects, &boundary, onto)?;
    let order = graph.parents_first();
    let Graph { mut raw, replaced, .. } = graph;
    let commits = order.into_iter().filter_map(|id| raw.remove(&id).map(|commit| (id, commit))).collect();
    let excluded = boundary.into_iter().chain([onto]).collect::<BTreeSet<_>>().into_iter().collect();
    Ok(Inventory { tip, onto, base, commits, excluded, left_out, landed, flatten: false, replaced })
}

/// The commits of the stack, and those of the branch for which a candidate's stack stands in.
fn own(
    objects: &dyn Objects,
    tip: CommitId,
    hidden: &[CommitId],
    landed: Option<Landed>,
) -> Result<(HashSet<CommitId>, HashSet<CommitId>), PortError> {
    let Some(landed) = landed else {
        return Ok((objects.reachable(&[tip], hidden)?.into_iter().collect(), HashSet::new()));
    };
    let mut own: HashSet<CommitId> = objects.reachable(&[landed.candidate], hidden)?.into_iter().collect();
    let below = objects.reachable(&[landed.commit], hidden)?.into_iter();
    let replaced: HashSet<CommitId> = below.filter(|id| !own.contains(id)).collect();
    own.extend(objects.reachable(&[tip], &[hidden, &[landed.commit]].concat())?);
    Ok((own, replaced))
}

fn stand_in(landed: Option<Landed>, replaced: &HashSet<CommitId>, id: CommitId) -> CommitId {
    landed.filter(|_| replaced.contains(&id)).map_or(id, |landed| landed.candidate)
}

/// The stack as a graph.
struct Graph {
    tip: CommitId,
    landed: Option<Landed>,
    own: HashSet<CommitId>,
    replaced: HashSet<CommitId>,
    raw: HashMap<CommitId, RawCommit>,
}

impl Graph {
    /// A parent of a commit of the stack.
    fn parent(&self, id: CommitId, at: usize) -> Option<CommitId> {
        let parent = self.raw.get(&id).and_then(|commit| commit.parents.get(at))?;
        Some(stand_in(self.landed, &self.replaced, *parent))
    }

    /// The commits outside the stack that it stands on.
    fn boundary(&self) -> BTreeSet<CommitId> {
        if self.own.is_empty() {
            return BTreeSet::from([self.tip]);
        }
        let outside = |id: &&CommitId| !self.own.contains(id) && !self.replaced.contains(id);
        self.raw.values().flat_map(|commit| &commit.parents).filter(outside).copied().collect()
    }

    /// The stack with parents before children: depth first from the tip, first parents first. The order
    /// depends on the graph alone, so it is the same on every machine.
    fn parents_first(&self) -> Vec<CommitId> {
        let mut order = Vec::with_capacity(self.own.len());
        let mut seen = HashSet::with_capacity(self.own.len());
        let mut path: Vec<(CommitId, usize)> = Vec::new();
        if self.own.contains(&self.tip) && seen.insert(self.tip) {
            path.push((self.tip, 0));
        }
        while let Some((id, next)) = path.last_mut() {
            let parent = self.parent(*id, *next);
            *next += 1;
            match parent {
                Some(parent) if self.own.contains(&parent) && seen.insert(parent) => path.push((parent, 0)),
                Some(_) => {}
                None => {
                    order.push(*id);
                    path.pop();
                }
            }
        }
        order
    }
}

/// The newest commit of the boundary: the one that no other one of it holds. Where several are
/// newest, the one on the first-parent line; where that is older, what they share with the release.
fn base(
    objects: &dyn Objects,
    onto: CommitId,
    graph: &Graph,
    boundary: &BTreeSet<CommitId>,
) -> Result<CommitId, PortError> {
    let mut below = graph.tip;
    while graph.own.contains(&below) {
        match graph.parent(below, 0) {
            Some(parent) => below = parent,
            None => break,
        }
    }
    let newest = newest(objects, boundary, Some(below))?;
    if let [only] = newest[..] {
        return Ok(only);
    }
    if newest.contains(&below) {
        return Ok(below);
    }
    Ok(objects.merge_base(graph.tip, onto)?.unwrap_or(below))
}

/// Of more commits than this it is found out together which of them hold others.
const FEW: usize = 4;

/// The commits that no other one of them holds. `likely` may hold all of them.
pub(super) fn newest(
    objects: &dyn Objects,
    boundary: &BTreeSet<CommitId>,
    likely: Option<CommitId>,
) -> Result<Vec<CommitId>, PortError> {
    if boundary.len() > FEW {
        return newest_of_many(objects, boundary, likely);
    }
    let mut newest: Vec<CommitId> = Vec::new();
    for one in boundary {
        let mut held = false;
        for other in boundary.iter().filter(|other| *other != one) {
            held = held || objects.is_ancestor(*one, *other)?;
        }
        if !held {
            newest.push(*one);
        }
    }
    Ok(newest)
}

/// The same in one walk, where `likely` holds all others: asking for pairs would be walks without end where a branch
/// was put on a new base again and again, and kept its old self each time. Its boundary has thousands of commits.
fn newest_of_many(
    objects: &dyn Objects,
    boundary: &BTreeSet<CommitId>,
    likely: Option<CommitId>,
) -> Result<Vec<CommitId>, PortError> {
    let mut left = boundary.clone();
    let mut newest: Vec<CommitId> = Vec::new();
    while let Some(one) = likely.and_then(|likely| left.take(&likely)).or_else(|| left.pop_first()) {
        let held: HashSet<CommitId> = objects.reachable(&[one], &[])?.into_iter().collect();
        left.retain(|other| !held.contains(other));
        newest.retain(|other| !held.contains(other));
        newest.push(one);
    }
    newest.sort_unstable();
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
