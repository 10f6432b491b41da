//! One ordinary patch on one new parent.

use super::fast::Merger;
use super::ports::{Merged, Objects, PortError};
use super::tree::Touched;
use super::{RawCommit, StackError};
use crate::ids::{CommitId, ObjectId, TreeId};

/// A patch as three trees: what it was written on, what it made of that, where it is to go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Application {
    pub(super) parent: TreeId,
    pub(super) commit: TreeId,
    pub(super) there: TreeId,
    /// The commits of `there` and of the patch: git names colliding paths after them.
    names: Option<(CommitId, CommitId)>,
}

impl Application {
    /// The change from `parent` to `commit`, to be made of `there`.
    pub(super) const fn new(parent: TreeId, commit: TreeId, there: TreeId) -> Self {
        Self { parent, commit, there, names: None }
    }

    /// The same, said of the commits that `there` and `commit` are the trees of.
    pub(super) const fn named(self, there: CommitId, commit: CommitId) -> Self {
        Self { names: Some((there, commit)), ..self }
    }

    /// The same patch somewhere else.
    pub(super) const fn on(self, there: TreeId) -> Self {
        Self::new(self.parent, self.commit, there)
    }

    /// What stands for `there` and for the patch when git is asked.
    pub(super) const fn sides(self) -> (ObjectId, ObjectId) {
        match self.names {
            Some((there, commit)) => (there.object(), commit.object()),
            None => (self.there.object(), self.commit.object()),
        }
    }

    /// What comes of it where only one side has changed anything.
    pub(super) fn trivial(self) -> Option<TreeId> {
        match (self.parent == self.there, self.parent == self.commit) {
            (true, _) => Some(self.commit),
            (_, true) => Some(self.there),
            (false, false) => None,
        }
    }

    /// What takes the patch out of `there`.
    const fn inverse(self, there: TreeId) -> Self {
        Self::new(self.commit, self.parent, there)
    }
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

/// Applies the patch.
pub(super) fn apply(
    merger: &Merger<'_>,
    patch: Application,
    touched: &[Touched],
) -> Result<Applied, PortError> {
    if patch.parent == patch.commit {
        return Ok(Applied::NothingBefore);
    }
    let outcome = merger.merge(patch)?;
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
/// words, so that it conflicts there while all of it can be taken out.
pub(super) fn is_absorbed(merger: &Merger<'_>, patch: Application, onto: TreeId) -> Result<bool, PortError> {
    let forward = merger.merge(patch.on(onto))?;
    if forward.clean {
        return Ok(forward.tree == onto);
    }
    Ok(holds(merger, patch, onto)? == Held::Whole)
}

/// How much of a patch a tree holds, by taking it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// Its inverse applies, and the patch makes of the outcome what was there before.
    Whole,
    /// Its inverse applies and takes effect, but the patch does more than bring that back.
    Part,
    /// Its inverse changes nothing.
    Nothing,
    /// Its inverse conflicts: nobody can tell.
    Unknown,
}

/// How much of the patch `there` holds. That its inverse takes effect is not enough to know that all of it
/// is there: where upstream has not taken a part of the patch, the inverse of that part changes nothing.
pub(super) fn holds(merger: &Merger<'_>, patch: Application, there: TreeId) -> Result<Held, PortError> {
    let without = merger.merge(patch.inverse(there))?;
    if !without.clean {
        return Ok(Held::Unknown);
    }
    if without.tree == there {
        return Ok(Held::Nothing);
    }
    let again = merger.merge(patch.on(without.tree))?;
    Ok(if again.clean && again.tree == there { Held::Whole } else { Held::Part })
}

/// The paths of a change: sorted, each once.
pub(super) fn paths(touched: &[Touched]) -> Vec<Vec<u8>> {
    touched.iter().map(|spot| spot.path.clone()).collect()
}

/// The tree of a commit's first parent, or the empty tree.
pub(super) fn parent_tree(objects: &dyn Objects, commit: &RawCommit) -> Result<TreeId, StackError> {
    match commit.parents.first() {
        Some(parent) => tree_of(objects, *parent),
        None => Ok(super::tree::empty()),
    }
}

/// The tree of a commit.
pub(super) fn tree_of(objects: &dyn Objects, id: CommitId) -> Result<TreeId, StackError> {
    Ok(RawCommit::parse(id, &objects.commit(id)?)?.tree)
}
