//! What a person answered where a patch conflicts.
//!
//! An answer belongs to one patch on one tree. On any other tree the question is another one, and the
//! answer is not used.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{CommitId, TreeId};

/// A conflict that a person settled: candidate.json keeps it, so that whoever makes the carry again can
/// make it with the same answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Settlement {
    /// The fork's commit.
    pub(crate) commit: CommitId,
    /// The tree on which it conflicted; for a merge, git's automatic merge of its new parents.
    pub(crate) on_tree: TreeId,
    /// The tree after it, as the person left it. The same as the tree below it where nothing of the
    /// patch is left.
    pub(crate) tree: TreeId,
    /// The paths in which it conflicted, lossily decoded.
    pub(crate) paths: Vec<String>,
}

/// What is asked of a person about one patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Question {
    /// The tree to which the answer will belong.
    pub(crate) on: TreeId,
    /// Whether the patch may be left out. A merge may not: with it, everything would go that it
    /// brings in.
    pub(crate) may_be_left_out: bool,
}

/// Answers by the patch and the tree to which they belong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answers(BTreeMap<(CommitId, TreeId), TreeId>);

impl Answers {
    /// Remembers that `commit` on the tree `on` makes `tree`. A later answer to the same question
    /// takes the place of an earlier one.
    pub(crate) fn insert(&mut self, commit: CommitId, on: TreeId, tree: TreeId) {
        self.0.insert((commit, on), tree);
    }

    /// The tree that `commit` makes of the tree `on`.
    pub(crate) fn get(&self, commit: CommitId, on: TreeId) -> Option<TreeId> {
        self.0.get(&(commit, on)).copied()
    }
}

impl<'a> FromIterator<&'a Settlement> for Answers {
    fn from_iter<T: IntoIterator<Item = &'a Settlement>>(settlements: T) -> Self {
        let of = |one: &Settlement| ((one.commit, one.on_tree), one.tree);
        Self(settlements.into_iter().map(of).collect())
    }
}
