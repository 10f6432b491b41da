//! One commit on one new parent, outside any stack.

use super::StackError;
use super::apply::{self, Application};
use super::commit::RawCommit;
use super::fast::Merger;
use super::ports::{FullMerge, Objects, PathConflict};
use crate::ids::{CommitId, TreeId};

/// What a pick came to: a tree, or the paths in conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Picked {
    /// It applies and makes this tree.
    Clean(TreeId),
    /// It conflicts in these paths.
    Conflict(Vec<PathConflict>),
}

/// Applies `commit` to `onto` by a three-way merge of (its parent, `onto`, it). A root commit's
/// parent is the empty tree.
///
/// # Errors
/// [`StackError::IsMerge`] for a merge; [`StackError::Crashed`]; a missing or malformed object.
pub(crate) fn pick(
    objects: &dyn Objects,
    merger: &dyn FullMerge,
    commit: CommitId,
    onto: CommitId,
) -> Result<Picked, StackError> {
    let raw = RawCommit::parse(commit, &objects.commit(commit)?)?;
    if raw.parents.len() > 1 {
        return Err(StackError::IsMerge(commit));
    }
    let there = RawCommit::parse(onto, &objects.commit(onto)?)?.tree;
    let parent = apply::parent_tree(objects, &raw)?;
    let merger = Merger::new(objects, merger, there);
    let outcome = merger.merge(Application::new(parent, raw.tree, there).named(onto, commit))?;
    if let Some(crash) = outcome.crash {
        return Err(StackError::Crashed { commit, crash });
    }
    if outcome.clean {
        return Ok(Picked::Clean(outcome.tree));
    }
    Ok(Picked::Conflict(outcome.conflicts))
}
