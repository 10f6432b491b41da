//! The merge without git, for patches whose outcome is certain.
//!
//! Parent, new parent and commit are walked together, going down only where the commit differs from its
//! parent, so that the cost follows the patch. As soon as anything is not plain, git is asked about the
//! whole patch, and its word holds. Why what is left is certain:
//!
//! - A path that the patch changes has something on the new side, so git finds no rename of it there.
//! - A path that the patch deletes is unchanged on the new side, so wherever git believes it was renamed
//!   to, the content there is the patch's.
//! - A path that the patch adds is free on the new side, and every directory above it still is one: git
//!   takes a directory for renamed only where nothing is left of it.
//! - A file that both sides add, the same on both, stays: whatever one side made it of, it comes to this
//!   content, and its directory is there on both sides. A directory that only the sides have was renamed by
//!   neither.
//! - A tree that is merged is one that git would write just so: what git merges it writes anew, with the modes
//!   and in the order of today.
//! - A directory of which the patch leaves nothing is unchanged on the new side, so nothing was added there
//!   that git would take along.

mod align;
mod attributes;
mod lines;
#[cfg(test)]
mod tests;
mod texts;

use std::cell::RefCell;
use std::collections::HashSet;

use super::apply::Application;
use super::ports::{FullMerge, Merged, Mode, Objects, PortError};
use super::raw;
use super::tree::{self, Node};
use crate::ids::{ObjectId, TreeId};

/// A longer file is git's to merge, in bytes.
const LONGEST: usize = 1 << 20;

/// So far into a file git looks for a NUL, which makes it binary.
const BINARY: usize = 8000;

/// A merge of trees: here where the outcome is certain, else by git.
pub(super) struct Merger<'a> {
    objects: &'a dyn Objects,
    git: &'a dyn FullMerge,
    /// The tree whose attributes hold.
    attributes: TreeId,
    known: RefCell<attributes::Known>,
    /// Trees that git would write just so.
    plain: RefCell<HashSet<TreeId>>,
}

/// Why there is no answer from here.
enum Stop {
    AskGit,
    Failed(PortError),
}

impl From<PortError> for Stop {
    fn from(err: PortError) -> Self {
        Self::Failed(err)
    }
}

impl<'a> Merger<'a> {
    /// A merger with the attributes of the tree `attributes`, which `git` has too.
    pub(super) fn new(objects: &'a dyn Objects, git: &'a dyn FullMerge, attributes: TreeId) -> Self {
        Self { objects, git, attributes, known: RefCell::default(), plain: RefCell::default() }
    }

    /// git's own merge of commits.
    pub(super) const fn git(&self) -> &'a dyn FullMerge {
        self.git
    }

    /// Merges the change of a patch into the tree it is to go to.
    pub(super) fn merge(&self, patch: Application) -> Result<Merged, PortError> {
        let outcome = match patch.trivial() {
            Some(tree) if self.are_plain([patch.parent, tree])? => Ok(Some((TREE, tree.object()))),
            Some(_) => Err(Stop::AskGit),
            None => self.directory(patch.parent, patch.there, patch.commit, &mut Vec::new()),
        };
        match outcome {
            Ok(node) => Ok(Merged::trivial(node.map_or_else(tree::empty, |(_, id)| TreeId::new(id)))),
            Err(Stop::AskGit) => {
                let (ours, theirs) = patch.sides();
                self.git.trees(patch.parent, ours, theirs)
            }
            Err(Stop::Failed(err)) => Err(err),
        }
    }

    /// The directory at `path`, which all three sides have; nothing where no entry is left.
    fn directory(
        &self,
        before: TreeId,
        there: TreeId,
        after: TreeId,
        path: &mut Vec<u8>,
    ) -> Result<Node, Stop> {
        let raw = |id| self.objects.raw_tree(id).map(|raw| (id, raw));
        let (before, there, after) = (raw(before)?, raw(there)?, raw(after)?);
        if [&before, &there, &after].into_iter().any(|(id, raw)| !self.is_plain(*id, raw)) {
            return Err(Stop::AskGit);
        }
        let spots = raw::differ((before.0, &before.1), (after.0, &after.1))?;
        let names: Vec<&[u8]> = spots.iter().map(|spot| spot.name).collect();
        let here = raw::look_up((there.0, &there.1), &names)?;
        let mut changes: Vec<(&[u8], Node)> = Vec::with_capacity(spots.len());
        for (spot, here) in spots.iter().zip(here) {
            let length = path.len();
            path.extend_from_slice(spot.name);
            let new = self.node(spot.before, here, spot.after, path)?;
            path.truncate(length);
            if new != here {
                changes.push((spot.name, new));
            }
        }
        if changes.is_empty() {
            return Ok(Some((TREE, there.0.object())));
        }
        let new = raw::replaced(&there.1, &changes);
        if new.is_empty() {
            return Ok(None);
        }
        let new = self.objects.write_raw_tree(new, there.0)?;
        self.plain.borrow_mut().insert(new);
        Ok(Some((TREE, new.object())))
    }

    /// Whether git, which writes anew what it merges, would write the tree just so.
    fn is_plain(&self, id: TreeId, raw: &[u8]) -> bool {
        let mut plain = self.plain.borrow_mut();
        plain.contains(&id) || raw::is_plain(raw) && plain.insert(id)
    }

    fn are_plain(&self, trees: [TreeId; 2]) -> Result<bool, PortError> {
        let [one, other] = trees.map(|id| Ok(self.is_plain(id, &self.objects.raw_tree(id)?)));
        Ok(one? && other?)
    }

    /// What stands at `path` afterwards.
    fn node(&self, before: Node, here: Node, after: Node, path: &mut Vec<u8>) -> Result<Node, Stop> {
        let is_tree = |node: Node| node.is_some_and(|(mode, _)| mode.is_tree());
        if [before, here, after].into_iter().flatten().any(|(mode, _)| !mode.is_usual()) {
            return Err(Stop::AskGit);
        }
        // A directory without entries is nothing for git, and so is not always kept.
        let has_entries = |id: ObjectId| id != tree::empty().object();
        match (before, here, after) {
            (Some((_, was)), Some((_, is)), Some((_, new)))
                if [before, here, after].into_iter().all(is_tree) =>
            {
                if was == is {
                    return Ok(after);
                }
                path.push(b'/');
                let [was, is, new] = [was, is, new].map(TreeId::new);
                self.directory(was, is, new, path)
            }
            (Some(was), Some(is), Some(new)) if ![before, here, after].into_iter().any(is_tree) => match is {
                _ if is == was => Ok(after),
                _ if is == new => Ok(here),
                _ => self.file(was, is, new, path).map(Some),
            },
            (None, None, Some((_, id))) if has_entries(id) => Ok(after),
            // Both added it.
            (None, Some(is), Some(new)) if is.0.is_regular() && is == new => Ok(here),
            (None, Some((is, here)), Some((new, after)))
                if is.is_tree() && new.is_tree() && has_entries(here) && has_entries(after) =>
            {
                path.push(b'/');
                self.directory(tree::empty(), TreeId::new(here), TreeId::new(after), path)
            }
            (Some(was), Some(is), None) if was == is => Ok(None),
            _ => Err(Stop::AskGit),
        }
    }

    /// The file that all three sides have and that is another one on each.
    fn file(
        &self,
        was: (Mode, ObjectId),
        is: (Mode, ObjectId),
        new: (Mode, ObjectId),
        path: &[u8],
    ) -> Result<(Mode, ObjectId), Stop> {
        if ![was, is, new].iter().all(|(mode, _)| mode.is_regular()) {
            return Err(Stop::AskGit);
        }
        let mode = either(was.0, is.0, new.0).ok_or(Stop::AskGit)?;
        if let Some(id) = either(was.1, is.1, new.1) {
            return Ok((mode, id));
        }
        if self.has_attribute(path)? {
            return Err(Stop::AskGit);
        }
        let mut texts = [const { Vec::new() }; 3];
        for (text, id) in texts.iter_mut().zip([was.1, is.1, new.1]) {
            *text = self.objects.blob_within(id, LONGEST)?.ok_or(Stop::AskGit)?;
            if text[..text.len().min(BINARY)].contains(&0) {
                return Err(Stop::AskGit);
            }
        }
        let merged = lines::merge(&texts[0], &texts[1], &texts[2]).ok_or(Stop::AskGit)?;
        Ok((mode, self.objects.write_blob(&merged, is.1)?))
    }

    /// Whether an attribute may say how `path` is merged.
    fn has_attribute(&self, path: &[u8]) -> Result<bool, Stop> {
        let mut known = self.known.borrow_mut();
        let folders = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| &path[..at]);
        let folders: Vec<&[u8]> = std::iter::once(&path[..0]).chain(folders).collect();
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        for folder in folders {
            if !known.0.contains_key(folder) {
                known.0.insert(folder.to_vec(), self.patterns(folder)?);
            }
            if known.0[folder].iter().any(|pattern| attributes::may_mean(pattern, name)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn patterns(&self, folder: &[u8]) -> Result<Vec<Vec<u8>>, Stop> {
        let path = [folder, if folder.is_empty() { b"" } else { b"/" }, attributes::FILE].concat();
        Ok(match tree::find(self.objects, self.attributes, &path)? {
            // git reads whatever blob stands there, a link's too.
            Some((mode, id)) if !mode.is_tree() && !mode.is_submodule() => {
                attributes::patterns(&self.objects.blob(id)?)
            }
            _ => Vec::new(),
        })
    }
}

const TREE: Mode = Mode(0o040_000);

/// The one that differs from `was`, or `was`; nothing where both do, and in different ways.
fn either<T: PartialEq>(was: T, is: T, new: T) -> Option<T> {
    match (is == was, new == was) {
        (true, _) => Some(new),
        (_, true) => Some(is),
        _ => (is == new).then_some(is),
    }
}
