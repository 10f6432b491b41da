//! Upstream's own changes on the way to the release: had one of them been the patch?
//!
//! A patch-id match proves nothing about the release: upstream may have taken the change out again,
//! or may still have it in another place. The patch is carried all the same, and that is said.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use super::apply::{self, Application, Held};
use super::line::Line;
use super::walk::Walk;
use super::{RawCommit, StackError, tree};
use crate::ids::{CommitId, ObjectId, TreeId};

/// A way with more commits than this is not looked at: it would take longer than the carry.
const LIMIT: usize = 20_000;

/// Upstream's commits by the paths that they change.
#[derive(Debug, Default)]
pub(super) struct Upstream {
    by_paths: HashMap<Vec<Vec<u8>>, Vec<Change>>,
    /// How much of each file is no white space, as far as it was asked.
    sizes: RefCell<HashMap<ObjectId, usize>>,
}

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
        let ids = walk.objects.reachable(&[walk.inventory.onto], &[line.start])?;
        if ids.len() > LIMIT {
            return Ok(all);
        }
        let ours = paths_of(walk)?;
        let mut commits = HashMap::with_capacity(ids.len());
        for id in ids {
            commits.insert(id, RawCommit::parse(id, &walk.objects.commit(id)?)?);
        }
        for (&id, commit) in &commits {
            let [parent] = commit.parents[..] else { continue };
            let before = match commits.get(&parent) {
                Some(parent) => parent.tree,
                None => apply::tree_of(walk.objects, parent)?,
            };
            let Some(paths) = tree::changed_within(walk.objects, before, commit.tree, &ours)? else {
                continue;
            };
            let change = Change { commit: id, subject: commit.subject(), before, after: commit.tree };
            all.by_paths.entry(paths).or_default().push(change);
        }
        // Whatever order they came in: of several, the same one is named everywhere.
        all.by_paths.values_mut().for_each(|changes| changes.sort_unstable_by_key(|change| change.commit));
        Ok(all)
    }

    /// What to say of a patch that takes effect on the release, or conflicts with it, although upstream has
    /// had it.
    pub(super) fn had(
        &self,
        walk: &Walk<'_>,
        patch: Application,
        paths: &[Vec<u8>],
    ) -> Result<Option<String>, StackError> {
        let Some(changes) = self.by_paths.get(paths) else { return Ok(None) };
        let grown = self.growth(walk, patch.parent, patch.commit, paths)?;
        let mut wanted = None;
        for change in changes {
            if self.growth(walk, change.before, change.after, paths)? != grown {
                continue;
            }
            let digest = |before, after| walk.objects.patch_id(before, after);
            let own = match wanted {
                Some(own) => own,
                None => digest(patch.parent, patch.commit)?,
            };
            wanted = Some(own);
            if digest(change.before, change.after)? != own {
                continue;
            }
            let Change { commit, subject, .. } = change;
            let since = since(walk, patch, change)?;
            return Ok(
                since.map(|since| format!("upstream had it with {} “{subject}” and {since}", commit.short()))
            );
        }
        Ok(None)
    }

    /// By how much each of `paths` grows from one tree to the other, white space aside. Changes of one digest
    /// grow by the same, and this is found out sooner.
    fn growth(
        &self,
        walk: &Walk<'_>,
        before: TreeId,
        after: TreeId,
        paths: &[Vec<u8>],
    ) -> Result<Vec<usize>, StackError> {
        let size = |tree, path: &Vec<u8>| -> Result<usize, StackError> {
            match tree::find(walk.objects, tree, path)? {
                Some((mode, id)) if !mode.is_tree() && !mode.is_submodule() => self.size(walk, id),
                _ => Ok(0),
            }
        };
        paths.iter().map(|path| Ok(size(after, path)?.wrapping_sub(size(before, path)?))).collect()
    }

    /// How much of a file is no white space.
    fn size(&self, walk: &Walk<'_>, id: ObjectId) -> Result<usize, StackError> {
        if let Some(known) = self.sizes.borrow().get(&id) {
            return Ok(*known);
        }
        let size = walk.objects.blob(id)?.iter().filter(|byte| !byte.is_ascii_whitespace()).count();
        self.sizes.borrow_mut().insert(id, size);
        Ok(size)
    }
}

/// What upstream has done since with a change that is also `patch`. Nothing to say where the release has
/// the patch: then an earlier one of the stack took it out, and this one brings it back.
fn since(walk: &Walk<'_>, patch: Application, change: &Change) -> Result<Option<&'static str>, StackError> {
    let onto = walk.onto.tree;
    let on_release = walk.merger.merge(patch.on(onto))?;
    if on_release.clean && on_release.tree == onto {
        return Ok(None);
    }
    // The change, not the patch: upstream may have made it in another place.
    let change = Application::new(change.before, change.after, onto);
    Ok(Some(match apply::holds(&walk.merger, change, onto)? {
        Held::Whole if on_release.clean => "still has it: this carries it a second time",
        Held::Whole => "still has it, in another place",
        Held::Part => "took a part of it out again",
        Held::Nothing => "took it out again",
        Held::Unknown => "has changed it since",
    }))
}

/// Every path that a patch of the stack changes, and the directories above it.
fn paths_of(walk: &Walk<'_>) -> Result<HashSet<Vec<u8>>, StackError> {
    let mut known = HashSet::new();
    for (_, commit) in walk.inventory.commits.iter().filter(|(_, commit)| commit.parents.len() < 2) {
        for path in tree::changed(walk.objects, walk.parent_tree(commit)?, commit.tree)? {
            let above =
                path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| path[..at].to_vec());
            known.extend(above.collect::<Vec<_>>());
            known.insert(path);
        }
    }
    Ok(known)
}
