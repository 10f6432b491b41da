//! Upstream's own changes on the way to the release: had one of them been the patch?
//!
//! A patch-id match proves nothing about the release: upstream may have taken the change out again,
//! or may still have it in another place. The patch is carried all the same, and that is said.

use std::collections::HashMap;

use super::apply::{self, Application};
use super::culprit::Line;
use super::walk::Walk;
use super::{RawCommit, StackError, tree};
use crate::ids::{CommitId, TreeId};

/// A way with more commits than this is not looked at: it would take longer than the carry.
const LIMIT: usize = 20_000;

/// Upstream's commits by the paths that they change.
#[derive(Debug, Default)]
pub(super) struct Upstream(HashMap<Vec<Vec<u8>>, Vec<Change>>);

#[derive(Debug)]
struct Change {
    commit: CommitId,
    subject: String,
    before: TreeId,
    after: TreeId,
}

impl Upstream {
    /// The ordinary commits that the release has and base does not.
    pub(super) fn of(walk: &Walk<'_>, line: &Line) -> Result<Self, StackError> {
        let mut all = Self::default();
        let mut ids = walk.objects.reachable(&[walk.inventory.onto], &[line.start])?;
        if ids.len() > LIMIT {
            return Ok(all);
        }
        ids.sort_unstable();
        for id in ids {
            let commit = RawCommit::parse(id, &walk.objects.commit(id)?)?;
            if commit.parents.len() != 1 {
                continue;
            }
            let before = apply::parent_tree(walk.objects, &commit)?;
            let paths = tree::changed(walk.objects, before, commit.tree)?;
            let change = Change { commit: id, subject: commit.subject(), before, after: commit.tree };
            all.0.entry(paths).or_default().push(change);
        }
        Ok(all)
    }

    /// What to say of a patch that takes effect on the release although upstream has had it.
    pub(super) fn had(
        &self,
        walk: &Walk<'_>,
        patch: Application,
        paths: &[Vec<u8>],
    ) -> Result<Option<String>, StackError> {
        let Some(changes) = self.0.get(paths) else { return Ok(None) };
        let wanted = walk.objects.patch_id(patch.parent, patch.commit)?;
        for change in changes {
            if walk.objects.patch_id(change.before, change.after)? != wanted {
                continue;
            }
            let twice = apply::can_be_taken_out(&walk.merger, patch, walk.onto.tree)?;
            let then = match twice {
                true => "still has it: this carries it a second time",
                false => "took it out again",
            };
            return Ok(Some(format!(
                "upstream had it with {} “{}” and {then}",
                change.commit.short(),
                change.subject
            )));
        }
        Ok(None)
    }
}
