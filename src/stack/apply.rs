//! One ordinary patch on one new parent.

use super::StackError;
use super::ports::{FullMerge, Merged, Objects, PortError};
use super::tree::Touched;
use crate::ids::TreeId;

/// A patch as three trees: what it was written on, what it made of that, where it is to go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Application {
    pub(super) parent: TreeId,
    pub(super) commit: TreeId,
    pub(super) there: TreeId,
}

/// What became of an application.
#[derive(Debug)]
pub(super) enum Applied {
    /// It changed nothing where it was written.
    NothingBefore,
    /// It makes this tree.
    Carried { tree: TreeId, merged: bool },
    /// It changes nothing here.
    NothingHere,
    /// It does not go in.
    Conflict(Merged),
}

/// The patch by git's own merge. Where the new parent has the very tree that the patch was written
/// on there is nothing to merge.
pub(super) fn merge(merger: &dyn FullMerge, patch: Application) -> Result<Merged, PortError> {
    if patch.parent == patch.there || patch.there == patch.commit {
        return Ok(Merged::trivial(patch.commit));
    }
    if patch.parent == patch.commit {
        return Ok(Merged::trivial(patch.there));
    }
    merger.trees(patch.parent, patch.there, patch.commit)
}

/// Applies the patch.
pub(super) fn apply(
    merger: &dyn FullMerge,
    patch: Application,
    touched: &[Touched],
) -> Result<Applied, PortError> {
    if patch.parent == patch.commit {
        return Ok(Applied::NothingBefore);
    }
    let outcome = merge(merger, patch)?;
    if !outcome.clean {
        return Ok(Applied::Conflict(outcome));
    }
    if outcome.tree == patch.there {
        return Ok(Applied::NothingHere);
    }
    let merged = touched.iter().any(|spot| spot.before != spot.there);
    Ok(Applied::Carried { tree: outcome.tree, merged })
}

/// Whether `onto` has the patch: in the same words, so that it changes nothing there; or in other
/// words, so that it conflicts there while its inverse applies and takes effect.
pub(super) fn is_absorbed(merger: &dyn FullMerge, patch: Application, onto: TreeId) -> Result<bool, PortError> {
    let forward = merge(merger, Application { there: onto, ..patch })?;
    if forward.clean {
        return Ok(forward.tree == onto);
    }
    let inverse = merge(merger, Application { parent: patch.commit, commit: patch.parent, there: onto })?;
    Ok(inverse.clean && inverse.tree != onto)
}

/// The paths of a change, as a set would hold them: sorted, each once.
pub(super) fn paths(touched: &[Touched]) -> Vec<Vec<u8>> {
    touched.iter().map(|spot| spot.path.clone()).collect()
}

/// The tree of a commit's first parent, or the empty tree.
pub(super) fn parent_tree(
    objects: &dyn Objects,
    commit: &super::RawCommit,
) -> Result<TreeId, StackError> {
    let Some(parent) = commit.parents.first() else { return Ok(super::tree::empty()) };
    Ok(super::RawCommit::parse(*parent, &objects.commit(*parent)?)?.tree)
}
