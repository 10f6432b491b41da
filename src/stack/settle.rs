//! What a person settled when upstream was merged into the branch.
//!
//! A patch that was written before such a merge conflicts with the release where it conflicted with
//! the merge. The person's answer stands in the merge's tree: the difference from the upstream that
//! was merged in to the merge is what the fork wants of a path, and it is carried to the release.

use std::collections::HashSet;

use super::apply::Application;
use super::ports::Merged;
use super::replay::Walk;
use super::{RawCommit, StackError, tree};
use crate::ids::{CommitId, TreeId};

/// The tree that the patch `id` makes when every path in which it conflicts takes the settlement of
/// the next merge after it that brought upstream in. Nothing where there is no such merge, or where
/// its settlement conflicts with the release too.
pub(super) fn settled(
    walk: &Walk<'_>,
    id: CommitId,
    application: Application,
    outcome: &Merged,
) -> Result<Option<TreeId>, StackError> {
    if outcome.conflicts.is_empty() {
        return Ok(None);
    }
    let Some((upstream, merge)) = next_upstream_merge(walk, id) else { return Ok(None) };
    let upstream = RawCommit::parse(upstream, &walk.objects.commit(upstream)?)?.tree;
    let wanted = walk.merger.trees(upstream, application.there, merge)?;
    let paths = outcome.paths();
    if !wanted.paths().is_disjoint(&paths) || (!wanted.clean && wanted.conflicts.is_empty()) {
        return Ok(None);
    }
    let mut tree = outcome.tree;
    for path in paths {
        let node = tree::find(walk.objects, wanted.tree, &path)?;
        tree = tree::replace(walk.objects, tree, &path, node)?;
    }
    Ok(Some(tree))
}

/// The first merge of upstream above `id`: the upstream commit it brought in, and its tree.
fn next_upstream_merge(walk: &Walk<'_>, id: CommitId) -> Option<(CommitId, TreeId)> {
    let start = *walk.places.get(&id)?;
    let mut above = HashSet::from([id]);
    for (commit_id, commit) in &walk.inventory.commits[start + 1..] {
        if !commit.parents.iter().any(|parent| above.contains(parent)) {
            continue;
        }
        above.insert(*commit_id);
        let brought = commit.parents.iter().find(|parent| !walk.places.contains_key(parent));
        if let Some(upstream) = brought {
            return Some((*upstream, commit.tree));
        }
    }
    None
}
