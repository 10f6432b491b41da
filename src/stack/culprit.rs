//! The upstream commit that made the difference for a patch.
//!
//! Between the common history of base and release and the release itself lies upstream's
//! first-parent line. At its beginning the patch does one thing and at its end another; a binary
//! search finds a commit at which it changes. The answer is true for that commit and its first
//! parent even where the patch changes its mind more than once.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};

use super::apply::{self, Application, tree_of};
use super::line::{Found, Line, base_side, named};
use super::walk::Walk;
use super::{Culprit, RawCommit, Side, StackError, merges, settle};
use crate::ids::{CommitId, TreeId};

/// Not more earlier patches than this are all put on an upstream commit, where those that share the paths in
/// conflict do not make it.
const ALL: usize = 300;

/// What an earlier patch makes of a tree, for each that was tried.
#[derive(Debug, Default)]
pub(super) struct Grounds(RefCell<HashMap<(TreeId, usize), TreeId>>);

impl Grounds {
    /// `there` after the patches at these places, as far as they apply.
    fn after(&self, walk: &Walk<'_>, mut there: TreeId, places: &[usize]) -> Result<TreeId, StackError> {
        for place in places {
            let known = self.0.borrow().get(&(there, *place)).copied();
            let after = match known {
                Some(after) => after,
                None => made_again(walk, *place, there)?,
            };
            self.0.borrow_mut().insert((there, *place), after);
            there = after;
        }
        Ok(there)
    }
}

/// What the patch at `place` makes of `there`: as it was written, else as it was settled, else nothing.
fn made_again(walk: &Walk<'_>, place: usize, there: TreeId) -> Result<TreeId, StackError> {
    let way = walk.way(place);
    for patch in [Some(way.patch), way.settled].into_iter().flatten() {
        let merged = walk.merger.merge(patch.on(there))?;
        if merged.clean {
            return Ok(merged.tree);
        }
    }
    Ok(there)
}

/// The upstream commit with which the patch stops applying.
///
/// Each probe puts the earlier patches that share the conflicting `paths` and were not refused on an upstream
/// commit, and then the patch `id`. A settlement of a later merge counts where it fits, as in the carry.
pub(super) fn breaking(
    walk: &Walk<'_>,
    line: &Line,
    id: CommitId,
    patch: Application,
    paths: &BTreeSet<Vec<u8>>,
) -> Result<Option<Culprit>, StackError> {
    let probes = Cell::new(0);
    let look = |before: &[usize]| {
        line.change(&|upstream| {
            probes.set(probes.get() + 1);
            let there = walk.grounds.after(walk, tree_of(walk.objects, upstream)?, before)?;
            let patch = patch.on(there);
            let outcome = walk.merger.merge(patch)?;
            Ok(!outcome.clean && settle::settled(walk, id, patch, &outcome)?.is_none())
        })
    };
    let sharing = walk.traces.taken(walk.here(), paths);
    let found = look(&sharing)?;
    if let Some(culprit) = answer(walk, line, paths, found, &probes)? {
        return Ok(Some(culprit));
    }
    // It takes other patches than these to make the conflict.
    let all = walk.traces.all_taken(walk.here());
    for before in [&[][..], &all] {
        if before.len() <= ALL
            && before != sharing
            && let Found::At(commit) = look(before)?
        {
            return named(walk, commit, Side::Onto, &probes).map(Some);
        }
    }
    Ok(None)
}

fn answer(
    walk: &Walk<'_>,
    line: &Line,
    paths: &BTreeSet<Vec<u8>>,
    found: Found,
    probes: &Cell<u32>,
) -> Result<Option<Culprit>, StackError> {
    match found {
        Found::At(commit) => named(walk, commit, Side::Onto, probes).map(Some),
        Found::Before => {
            let commit = base_side(walk, line, paths)?;
            commit.map(|commit| named(walk, commit, Side::Base, probes)).transpose()
        }
        Found::Nowhere => Ok(None),
    }
}

/// What a merge joins.
enum Branch {
    /// Upstream's own.
    Upstream,
    /// A history of its own, which stays as it is.
    Kept(CommitId),
    /// The patches that share the paths in question.
    Carried(Vec<usize>),
}

impl Branch {
    fn of(walk: &Walk<'_>, parent: CommitId, paths: &BTreeSet<Vec<u8>>) -> Self {
        match walk.places.get(&walk.inventory.stand_in(parent)) {
            None => Self::Upstream,
            Some(_) if walk.position(parent).commit == parent => Self::Kept(parent),
            Some(place) => Self::Carried(walk.traces.taken(*place, paths)),
        }
    }

    fn patches(&self) -> Option<&Vec<usize>> {
        match self {
            Self::Carried(places) => Some(places),
            Self::Upstream | Self::Kept(_) => None,
        }
    }
}

/// The upstream commit with which a merge stops being what it was: `patch` is what was done in it, `paths`
/// are those in conflict.
///
/// Each probe makes the new parents again on an upstream commit, of the patches that share the paths, merges
/// them, and carries over what was done in the old merge. Upstream's own history is there as it is, and so is
/// one that shares nothing with it.
pub(super) fn breaking_merge(
    walk: &Walk<'_>,
    line: &Line,
    id: CommitId,
    commit: &RawCommit,
    patch: Application,
    paths: &BTreeSet<Vec<u8>>,
) -> Result<Option<Culprit>, StackError> {
    let before = merges::automatic(walk, &commit.parents, commit)?;
    if before.crash.is_some() {
        // It is in conflict wherever it goes.
        return Ok(None);
    }
    if merges::new_parents(walk, commit)?.len() < 2 {
        return breaking(walk, line, id, patch, paths);
    }
    let lines: Vec<Branch> = commit.parents.iter().map(|parent| Branch::of(walk, *parent, paths)).collect();
    let (probes, grounds) = (Cell::new(0), &walk.grounds);
    let carried = lines.iter().filter_map(Branch::patches).collect::<Vec<_>>();
    let in_all = |place: &usize| carried.iter().all(|line| line.binary_search(place).is_ok());
    let shared: Vec<usize> = carried.iter().take(1).copied().flatten().copied().filter(in_all).collect();
    let found = line.change(&|upstream| {
        probes.set(probes.get() + 1);
        let bare = tree_of(walk.objects, upstream)?;
        let tree = grounds.after(walk, bare, &shared)?;
        let ground = if tree == bare { upstream } else { walk.join(commit, tree, &[upstream])? };
        let mut parents = Vec::with_capacity(lines.len());
        for line in &lines {
            parents.push(match line {
                Branch::Upstream => upstream,
                Branch::Kept(parent) => *parent,
                Branch::Carried(places) => {
                    let own: Vec<usize> = places.iter().copied().filter(|place| !in_all(place)).collect();
                    walk.join(commit, grounds.after(walk, tree, &own)?, &[ground])?
                }
            });
        }
        let after = merges::automatic(walk, &parents, commit)?;
        Ok(merges::several(walk, id, commit.tree, &before, after)?.is_err())
    })?;
    answer(walk, line, paths, found, &probes)
}

/// The upstream commit with which the patch has nothing left to change.
pub(super) fn absorbing(
    walk: &Walk<'_>,
    line: &Line,
    patch: Application,
) -> Result<Option<Culprit>, StackError> {
    let probes = Cell::new(0);
    let found = line.change(&|upstream| {
        probes.set(probes.get() + 1);
        Ok(apply::is_absorbed(&walk.merger, patch, tree_of(walk.objects, upstream)?)?)
    })?;
    match found {
        Found::At(commit) => named(walk, commit, Side::Onto, &probes).map(Some),
        Found::Before | Found::Nowhere => Ok(None),
    }
}
