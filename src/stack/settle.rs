//! What a person settled when upstream was merged into the branch.
//!
//! A patch that was written before such a merge conflicts with the release where it conflicted with
//! the merge. The person's answer stands in the merge's tree: the difference from the upstream that
//! was merged in to the merge is what the fork wants of a path, and it is carried to the release.

use std::collections::BTreeSet;

use super::apply::{self, Application};
use super::ports::Merged;
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
    if outcome.conflicts.is_empty() {
        return Ok(None);
    }
    let paths = outcome.paths();
    for (upstream, merge) in upstream_merges(walk, id) {
        let upstream = apply::tree_of(walk.objects, upstream)?;
        let wanted = apply::merge(&walk.merger, Application::new(upstream, merge, application.there))?;
        let is_open = !wanted.clean && wanted.conflicts.is_empty();
        if is_open || !wanted.paths().is_disjoint(&paths) {
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

/// The merges of upstream above `id`, oldest first: the upstream commit that each brought in, and
/// its tree.
fn upstream_merges<'a>(walk: &'a Walk<'_>, id: CommitId) -> impl Iterator<Item = (CommitId, TreeId)> + 'a {
    let place = walk.places.get(&id).copied();
    let above = place.into_iter().flat_map(|place| walk.traces.upstream_merges(place));
    above.map(|(merge, upstream)| (upstream, walk.inventory.commits[merge].1.tree))
}
