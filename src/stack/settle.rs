//! What a person settled when upstream was merged into the branch.
//!
//! A patch that was written before such a merge conflicts with the release where it conflicted with
//! the merge. The person's answer stands in the merge's tree: the difference from the upstream that
//! was merged in to the merge is what the fork wants of a path, and it is carried to the release.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::apply::{self, Application};
use super::commit::RawCommit;
use super::inventory::Inventory;
use super::ports::{Merged, PortError};
use super::walk::Walk;
use super::{StackError, tree};
use crate::ids::{CommitId, TreeId};

/// The tree that the patch `id` makes when every path in which it conflicts takes the settlement of
/// a later merge that brought upstream in: the nearest one whose answer fits. Nothing where there is
/// none, or where its answer conflicts with the release too.
pub(super) fn settled(
    walk: &Walk<'_>,
    id: CommitId,
    application: Application,
    outcome: &Merged,
) -> Result<Option<TreeId>, StackError> {
    if outcome.has_unnamed() {
        return Ok(None);
    }
    let paths = outcome.paths();
    for (brought, merge) in settling_merges(walk, id)? {
        let brought = apply::tree_of(walk.objects, brought)?;
        let wanted = walk.merger.merge(Application::new(brought, merge, application.there))?;
        if wanted.has_unnamed() || !wanted.paths().is_disjoint(&paths) {
            continue;
        }
        if let Some(tree) = take(walk, application, outcome.tree, wanted.tree, &paths)? {
            return Ok(Some(tree));
        }
    }
    Ok(None)
}

/// `tree` with what `wanted` has at `paths`. Nothing where one of them is a name that git made up
/// for a collision: what a person settled has other names.
fn take(
    walk: &Walk<'_>,
    application: Application,
    mut tree: TreeId,
    wanted: TreeId,
    paths: &BTreeSet<Vec<u8>>,
) -> Result<Option<TreeId>, StackError> {
    for path in paths {
        let node = tree::find(walk.objects, wanted, path)?;
        let mut known = node.is_some();
        for side in [application.parent, application.there, application.commit] {
            known = known || tree::find(walk.objects, side, path)?.is_some();
        }
        if !known {
            return Ok(None);
        }
        tree = tree::replace(walk.objects, tree, path, node)?;
    }
    Ok(Some(tree))
}

/// The merges above `id` in which somebody may have settled it, oldest first: the commit that each brought
/// in, and its tree. They are those that brought upstream in, also by way of another branch; where the
/// patches go on as one line, all of them, for then the branches meet each other sooner.
fn settling_merges(walk: &Walk<'_>, id: CommitId) -> Result<Vec<(CommitId, TreeId)>, StackError> {
    let Some(place) = walk.places.get(&id) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for merge in walk.traces.merges_above(*place) {
        let commit = &walk.inventory.commits[merge].1;
        for parent in commit.parents.iter().map(|parent| walk.inventory.stand_in(*parent)) {
            let is_above = walk.places.get(&parent).is_some_and(|parent| walk.traces.holds(*parent, *place));
            if !is_above && (walk.inventory.flatten || brings_upstream(walk, id, parent)?) {
                found.push((parent, commit.tree));
                break;
            }
        }
    }
    Ok(found)
}

/// What of upstream is directly below the branch that ends with each patch.
pub(super) type Footings = HashMap<CommitId, Rc<BTreeSet<CommitId>>>;

/// Whether `parent` is upstream's, or holds something of upstream that `id` does not.
fn brings_upstream(walk: &Walk<'_>, id: CommitId, parent: CommitId) -> Result<bool, PortError> {
    if !walk.places.contains_key(&parent) {
        return Ok(true);
    }
    let footings = walk.footings.get_or_init(|| footings(walk.inventory));
    let (Some(brought), Some(own)) = (footings.get(&parent), footings.get(&id)) else { return Ok(false) };
    for upstream in brought.difference(own) {
        let mut held = false;
        for known in own.iter() {
            held = held || walk.objects.is_ancestor(*upstream, *known)?;
        }
        if !held {
            return Ok(true);
        }
    }
    Ok(false)
}

fn footings(inventory: &Inventory) -> Footings {
    let mut all = Footings::with_capacity(inventory.commits.len());
    for (id, commit) in &inventory.commits {
        let below = below(inventory, &all, commit);
        all.insert(*id, below);
    }
    all
}

/// Of a line of patches it is one and the same set.
fn below(inventory: &Inventory, known: &Footings, commit: &RawCommit) -> Rc<BTreeSet<CommitId>> {
    let of = |parent: &CommitId| {
        let parent = inventory.stand_in(*parent);
        known.get(&parent).cloned().unwrap_or_else(|| Rc::new(BTreeSet::from([parent])))
    };
    match &commit.parents[..] {
        [only] => of(only),
        several => Rc::new(
            several.iter().flat_map(|parent| of(parent).iter().copied().collect::<Vec<_>>()).collect(),
        ),
    }
}
