//! The two ports through which the world reaches the engine.

use std::collections::BTreeSet;
use std::rc::Rc;

use thiserror::Error;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::outcome::{Conflict, ConflictKind};
use super::raw::{self, RawEntry, RawTree};
use crate::ids::{CommitId, ObjectId, TreeId};

/// A port could not do what was asked of it.
#[derive(Debug, Error)]
#[error("{action}")]
pub(crate) struct PortError {
    action: String,
    advice: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl PortError {
    /// `action` failed because of `source`.
    pub(crate) fn new(
        action: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { action: action.into(), advice: None, source: Some(source.into()) }
    }

    /// An object is missing for good, which `action` says in whole, and `advice` what to do.
    pub(crate) fn lost(
        action: String,
        advice: String,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { action, advice: Some(advice), source: Some(source.into()) }
    }

    /// What a person can do about it.
    pub(crate) fn advice(&self) -> Option<&str> {
        self.advice.as_deref()
    }
}

/// The object database and the graph in it. What is written need not last.
pub(crate) trait Objects {
    /// The raw content of a commit, without its header.
    fn commit(&self, id: CommitId) -> Result<Vec<u8>, PortError>;
    /// The raw content of a tree, without its header. The empty tree is always there.
    fn raw_tree(&self, id: TreeId) -> Result<Rc<[u8]>, PortError>;
    /// The content of a blob.
    fn blob(&self, id: ObjectId) -> Result<Vec<u8>, PortError>;
    /// The content of a blob, unless it is longer than so many bytes.
    fn blob_within(&self, id: ObjectId, longest: usize) -> Result<Option<Vec<u8>>, PortError> {
        Ok(Some(self.blob(id)?).filter(|content| content.len() <= longest))
    }
    /// Stores a commit of this content.
    fn write_commit(&self, content: &[u8]) -> Result<CommitId, PortError>;
    /// Stores a tree of this raw content. It was made of the tree `like`, which may help to store it.
    fn write_raw_tree(&self, raw: Vec<u8>, like: TreeId) -> Result<TreeId, PortError>;
    /// Stores a blob of this content, which was made of the blob `like`.
    fn write_blob(&self, content: &[u8], like: ObjectId) -> Result<ObjectId, PortError>;
    /// What `tip` reaches and none of `hidden` does, in no particular order.
    fn reachable(&self, tip: &[CommitId], hidden: &[CommitId]) -> Result<Vec<CommitId>, PortError>;
    /// The first-parent line down from `tip`, newest first, as far as `hidden` does not reach it.
    fn first_parents(&self, tip: CommitId, hidden: CommitId) -> Result<Vec<CommitId>, PortError>;
    /// A best common ancestor of the two.
    fn merge_base(&self, one: CommitId, other: CommitId) -> Result<Option<CommitId>, PortError>;
    /// Whether `ancestor` is `descendant` or one of its ancestors.
    fn is_ancestor(&self, ancestor: CommitId, descendant: CommitId) -> Result<bool, PortError>;
    /// A digest of the change between two trees that line numbers and white space do not alter:
    /// git-patch-id(1).
    fn patch_id(&self, before: TreeId, after: TreeId) -> Result<ObjectId, PortError>;

    /// The entries of a tree, in git's order.
    fn tree(&self, id: TreeId) -> Result<Vec<Entry>, PortError> {
        let raw = self.raw_tree(id)?;
        let mut entries = RawTree::new(&raw);
        let entry = |entry: RawEntry<'_>| Entry { mode: entry.mode, name: entry.name.to_vec(), id: entry.id };
        let all = entries.by_ref().map(entry).collect();
        entries.check(id)?;
        Ok(all)
    }

    /// Stores a tree of these entries, which are in git's order.
    fn write_tree(&self, entries: &[Entry]) -> Result<TreeId, PortError> {
        let mut raw = Vec::new();
        for entry in entries {
            raw::push(&mut raw, &entry.name, entry.mode, entry.id);
        }
        self.write_raw_tree(raw, super::empty_tree())
    }
}

/// git's own merge: merge-ort, renames on, no configuration.
pub(crate) trait FullMerge {
    /// The three-way merge of trees. A side is a tree, or a commit that stands for its tree; its id
    /// becomes part of the names that git makes up where paths collide (`name~side`).
    fn trees(&self, base: TreeId, ours: ObjectId, theirs: ObjectId) -> Result<Merged, PortError>;
    /// The merge of commits, whose merge bases git finds itself. Markers in the result have
    /// constant labels.
    ///
    /// In either one git breaking down is an outcome and no error: [`Merged::crash`].
    fn commits(&self, ours: CommitId, theirs: CommitId) -> Result<Merged, PortError>;
}

/// What a merge came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Merged {
    /// The merged tree; where the merge conflicts, with markers in it.
    pub(crate) tree: TreeId,
    /// Whether git calls the merge clean.
    pub(crate) clean: bool,
    /// The paths in conflict, sorted. May be empty although the merge is not clean.
    pub(crate) conflicts: Vec<PathConflict>,
    /// How git's merge broke down, where it did: then it is not clean, nobody knows all paths in conflict, and
    /// `tree` stands for its own side.
    pub(crate) crash: Option<Crash>,
}

impl Merged {
    /// A merge that had nothing to decide.
    pub(crate) const fn trivial(tree: TreeId) -> Self {
        Self { tree, clean: true, conflicts: Vec::new(), crash: None }
    }

    /// A merge into `tree` in the middle of which git's process broke down.
    pub(crate) const fn broken(tree: TreeId, crash: Crash) -> Self {
        Self { tree, clean: false, conflicts: Vec::new(), crash: Some(crash) }
    }

    /// Whether paths may be in conflict that are not named.
    pub(crate) const fn has_unnamed(&self) -> bool {
        self.crash.is_some() || !self.clean && self.conflicts.is_empty()
    }

    /// The paths in conflict.
    pub(crate) fn paths(&self) -> BTreeSet<Vec<u8>> {
        self.conflicts.iter().map(|conflict| conflict.path.clone()).collect()
    }

    /// The places in conflict: the paths, and for names that git made up for a collision
    /// (`name~side`) the name that both sides wanted too.
    pub(crate) fn places(&self) -> BTreeSet<Vec<u8>> {
        let mut places = self.paths();
        let wanted: Vec<_> = places.iter().filter_map(|path| wanted(path)).map(<[u8]>::to_vec).collect();
        places.extend(wanted);
        places
    }
}

/// How git's own merge broke down: by a signal with which a program ends itself, at an assertion or a fault. Out of
/// memory, disk or time, or told to end, it ends in other ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Crash {
    signal: i32,
    name: &'static str,
}

impl Crash {
    /// The signals' numbers and names, the same on Linux and macOS.
    const ALL: [(i32, &'static str); 5] =
        [(4, "SIGILL"), (5, "SIGTRAP"), (6, "SIGABRT"), (8, "SIGFPE"), (11, "SIGSEGV")];

    /// A process that this signal ended, where it is one of those.
    pub(crate) fn of(signal: i32) -> Option<Self> {
        let found = Self::ALL.into_iter().find(|(number, _)| *number == signal);
        found.map(|(signal, name)| Self { signal, name })
    }
}

impl std::fmt::Display for Crash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "signal {} ({})", self.signal, self.name)
    }
}

/// The name in front of `~` and a side: an object's id, or the words for the sides of a merge of
/// commits. Where that name was taken too, `_` and a number follow.
fn wanted(path: &[u8]) -> Option<&[u8]> {
    let at = path.iter().rposition(|byte| *byte == b'~')?;
    let mut parts = path[at + 1..].split(|byte| *byte == b'_');
    let side = parts.next()?;
    if !parts.all(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit)) {
        return None;
    }
    let is_id = side.len() == 40 && side.iter().all(u8::is_ascii_hexdigit);
    (is_id || side == b"ours" || side == b"theirs").then(|| &path[..at])
}

/// One path in conflict, as bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PathConflict {
    /// The path from the root of the tree.
    pub(crate) path: Vec<u8>,
    /// What kind of conflict it is.
    pub(crate) kind: ConflictKind,
    /// What git tried to merge there. Where a file was renamed, this tells which one it is.
    pub(crate) objects: Vec<ObjectId>,
}

impl From<PathConflict> for Conflict {
    fn from(conflict: PathConflict) -> Self {
        let lossy = std::str::from_utf8(&conflict.path).is_err();
        Self {
            path: String::from_utf8_lossy(&conflict.path).into_owned(),
            path_base64: lossy.then(|| STANDARD.encode(&conflict.path)),
            kind: conflict.kind,
        }
    }
}

/// An entry's mode, as the raw tree has it in octal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mode(pub(crate) u32);

impl Mode {
    /// Whether the entry is a directory.
    pub(crate) const fn is_tree(self) -> bool {
        self.0 & 0o170_000 == 0o040_000
    }

    /// Whether the entry is a file, executable or not.
    pub(crate) const fn is_regular(self) -> bool {
        matches!(self.0, 0o100_644 | 0o100_755)
    }

    /// Whether git writes such a mode today. Old trees have others, which git reads as one of these.
    pub(crate) const fn is_usual(self) -> bool {
        self.is_regular() || matches!(self.0, 0o040_000 | 0o120_000 | 0o160_000)
    }

    /// Whether the entry names a commit of another repository.
    pub(crate) const fn is_submodule(self) -> bool {
        self.0 & 0o170_000 == 0o160_000
    }
}

/// One entry of a raw tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// What kind of thing it is.
    pub(crate) mode: Mode,
    /// Its name in this directory, as bytes.
    pub(crate) name: Vec<u8>,
    /// The object.
    pub(crate) id: ObjectId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_to_end_or_has_no_room_left_does_not_break_down() {
        assert_eq!(Crash::of(6).expect("a crash").to_string(), "signal 6 (SIGABRT)");
        assert_eq!(Crash::of(11).expect("a crash").to_string(), "signal 11 (SIGSEGV)");
        // Hang-up, Ctrl-C, a page that the disk does not have (Linux, macOS), kill, a pipe, an end, too long, too much.
        for signal in [0, 1, 2, 3, 7, 9, 10, 13, 15, 24, 25] {
            assert_eq!(Crash::of(signal), None, "{signal}");
        }
    }

    #[test]
    fn a_name_that_git_made_up_stands_for_the_name_that_was_wanted() {
        let id = "0123456789012345678901234567890123456789";
        let wanted =
            |path: String| wanted(path.as_bytes()).map(|name| String::from_utf8_lossy(name).into_owned());
        for made in
            [format!("d/x~{id}"), "d/x~ours".to_owned(), format!("d/x~{id}_0"), "d/x~theirs_12".to_owned()]
        {
            assert_eq!(wanted(made).as_deref(), Some("d/x"));
        }
        for own in
            ["x".to_owned(), "x~".to_owned(), "x~1".to_owned(), format!("x~{id}_"), "x~ours_a".to_owned()]
        {
            assert_eq!(wanted(own), None);
        }
    }
}
