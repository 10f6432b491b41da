//! A small object database, and a merge that knows whole files only.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use sha2::{Digest as _, Sha256};

use crate::ids::{CommitId, ObjectId, TreeId};
use crate::stack::{
    ConflictKind, Crash, Entry, FullMerge, Merged, Mode, Objects, PathConflict, PortError, RawCommit,
    empty_tree,
};

/// The merge breaks down where this file is in conflict.
pub(super) const BREAKS: &str = "breaks";

/// A file's mode.
pub(super) const FILE: Mode = Mode(0o100_644);

type Files = BTreeMap<Vec<u8>, (Mode, ObjectId)>;

/// Objects in memory.
#[derive(Default)]
pub(super) struct Memory {
    commits: RefCell<HashMap<CommitId, Vec<u8>>>,
    trees: RefCell<HashMap<TreeId, Rc<[u8]>>>,
    blobs: RefCell<HashMap<ObjectId, Vec<u8>>>,
    clock: Cell<i64>,
    /// How many trees were read.
    pub(super) read: Cell<usize>,
}

fn id(kind: &str, content: &[u8]) -> ObjectId {
    let digest = Sha256::new().chain_update(kind).chain_update([0]).chain_update(content).finalize();
    let mut bytes = [0; 20];
    bytes.copy_from_slice(&digest[..20]);
    ObjectId::from_bytes(bytes)
}

impl Memory {
    /// Stores a blob.
    pub(super) fn file(&self, content: &str) -> ObjectId {
        let id = id("blob", content.as_bytes());
        self.blobs.borrow_mut().insert(id, content.into());
        id
    }

    /// A tree of files.
    pub(super) fn files(&self, files: &[(&str, &str)]) -> TreeId {
        let node = |(path, content): &(&str, &str)| (path.as_bytes().to_vec(), (FILE, self.file(content)));
        self.tree_of(&files.iter().map(node).collect(), b"")
    }

    /// A tree of whatever stands at these paths.
    pub(super) fn nodes(&self, nodes: &[(&[u8], Mode, ObjectId)]) -> TreeId {
        self.tree_of(&nodes.iter().map(|(path, mode, id)| (path.to_vec(), (*mode, *id))).collect(), b"")
    }

    fn tree_of(&self, files: &Files, below: &[u8]) -> TreeId {
        let mut entries: BTreeMap<Vec<u8>, Entry> = BTreeMap::new();
        for (path, (mode, id)) in files.iter().filter(|(path, _)| path.starts_with(below)) {
            let rest = &path[below.len()..];
            match rest.iter().position(|byte| *byte == b'/') {
                None => {
                    entries.insert(rest.to_vec(), Entry { mode: *mode, name: rest.to_vec(), id: *id });
                }
                Some(end) if !entries.contains_key(&rest[..=end]) => {
                    let tree = self.tree_of(files, &[below, &rest[..=end]].concat());
                    let entry =
                        Entry { mode: Mode(0o040_000), name: rest[..end].to_vec(), id: tree.object() };
                    entries.insert(rest[..=end].to_vec(), entry);
                }
                Some(_) => {}
            }
        }
        self.write_tree(&entries.into_values().collect::<Vec<_>>()).unwrap()
    }

    fn flat(&self, tree: TreeId, below: &[u8], into: &mut Files) {
        for entry in self.tree(tree).unwrap() {
            let path = [below, &entry.name].concat();
            match entry.mode.is_tree() {
                true => self.flat(TreeId::new(entry.id), &[&path[..], b"/"].concat(), into),
                false => drop(into.insert(path, (entry.mode, entry.id))),
            }
        }
    }

    /// A commit, one second later than the last.
    pub(super) fn commit(&self, subject: &str, parents: &[CommitId], files: &[(&str, &str)]) -> CommitId {
        self.clock.set(self.clock.get() + 1);
        let mut text = format!("tree {}\n", self.files(files));
        for parent in parents {
            text.push_str(&format!("parent {parent}\n"));
        }
        let when = self.clock.get();
        text.push_str(&format!("author A <a@x> {when} +0100\ncommitter C <c@x> {when} +0100\n\n{subject}\n"));
        self.write_commit(text.as_bytes()).unwrap()
    }

    /// The content of every file of a commit.
    pub(super) fn content(&self, commit: CommitId) -> BTreeMap<String, String> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let mut files = Files::new();
        self.flat(self.parsed(commit).tree, b"", &mut files);
        let content = |id: ObjectId| text(&self.blob(id).unwrap());
        files.into_iter().map(|(path, (_, id))| (text(&path), content(id))).collect()
    }

    /// A commit, taken apart.
    pub(super) fn parsed(&self, id: CommitId) -> RawCommit {
        RawCommit::parse(id, &Objects::commit(self, id).unwrap()).unwrap()
    }

    fn ancestors(&self, tips: &[CommitId]) -> BTreeSet<CommitId> {
        let (mut seen, mut waiting) = (BTreeSet::new(), tips.to_vec());
        while let Some(id) = waiting.pop() {
            if seen.insert(id) {
                waiting.extend(self.parsed(id).parents);
            }
        }
        seen
    }

    fn tree_at(&self, id: ObjectId) -> TreeId {
        match self.commits.borrow().get(&CommitId::new(id)) {
            Some(content) => RawCommit::parse(CommitId::new(id), content).unwrap().tree,
            None => TreeId::new(id),
        }
    }
}

impl Objects for Memory {
    fn commit(&self, id: CommitId) -> Result<Vec<u8>, PortError> {
        self.commits
            .borrow()
            .get(&id)
            .cloned()
            .ok_or_else(|| PortError::new(format!("object {id} is missing"), "it was never written"))
    }

    fn raw_tree(&self, id: TreeId) -> Result<Rc<[u8]>, PortError> {
        self.read.set(self.read.get() + 1);
        if id == empty_tree() {
            return Ok([].into());
        }
        self.trees
            .borrow()
            .get(&id)
            .cloned()
            .ok_or_else(|| PortError::new(format!("object {id} is missing"), "it was never written"))
    }

    fn blob(&self, id: ObjectId) -> Result<Vec<u8>, PortError> {
        self.blobs
            .borrow()
            .get(&id)
            .cloned()
            .ok_or_else(|| PortError::new(format!("object {id} is missing"), "it was never written"))
    }

    fn write_commit(&self, content: &[u8]) -> Result<CommitId, PortError> {
        let id = CommitId::new(id("commit", content));
        self.commits.borrow_mut().insert(id, content.to_vec());
        Ok(id)
    }

    fn write_raw_tree(&self, raw: Vec<u8>, _: TreeId) -> Result<TreeId, PortError> {
        if raw.is_empty() {
            return Ok(empty_tree());
        }
        let id = TreeId::new(id("tree", &raw));
        self.trees.borrow_mut().insert(id, raw.into());
        Ok(id)
    }

    fn write_blob(&self, content: &[u8], _: ObjectId) -> Result<ObjectId, PortError> {
        let id = id("blob", content);
        self.blobs.borrow_mut().insert(id, content.to_vec());
        Ok(id)
    }

    fn reachable(&self, tips: &[CommitId], hidden: &[CommitId]) -> Result<Vec<CommitId>, PortError> {
        let hidden = self.ancestors(hidden);
        Ok(self.ancestors(tips).difference(&hidden).copied().collect())
    }

    fn first_parents(&self, tip: CommitId, hidden: CommitId) -> Result<Vec<CommitId>, PortError> {
        let hidden = self.ancestors(&[hidden]);
        let line = std::iter::successors(Some(tip), |id| self.parsed(*id).parents.first().copied());
        Ok(line.take_while(|id| !hidden.contains(id)).collect())
    }

    fn merge_base(&self, one: CommitId, other: CommitId) -> Result<Option<CommitId>, PortError> {
        let (one, other) = (self.ancestors(&[one]), self.ancestors(&[other]));
        let common: Vec<CommitId> = one.intersection(&other).copied().collect();
        let parents: Vec<CommitId> = common.iter().flat_map(|id| self.parsed(*id).parents).collect();
        let below = self.ancestors(&parents);
        Ok(common.into_iter().find(|id| !below.contains(id)))
    }

    fn is_ancestor(&self, ancestor: CommitId, descendant: CommitId) -> Result<bool, PortError> {
        Ok(self.ancestors(&[descendant]).contains(&ancestor))
    }

    fn patch_id(&self, before: TreeId, after: TreeId) -> Result<ObjectId, PortError> {
        Ok(id("patch", format!("{before} {after}").as_bytes()))
    }
}

impl FullMerge for Memory {
    fn trees(&self, base: TreeId, ours: ObjectId, theirs: ObjectId) -> Result<Merged, PortError> {
        let own = self.tree_at(ours);
        let [base, ours, theirs] = [base, own, self.tree_at(theirs)].map(|tree| {
            let mut files = Files::new();
            self.flat(tree, b"", &mut files);
            files
        });
        let mut merged = Files::new();
        let mut conflicts = Vec::new();
        let paths: BTreeSet<_> = base.keys().chain(ours.keys()).chain(theirs.keys()).collect();
        for path in paths {
            let [before, one, other] = [&base, &ours, &theirs].map(|files| files.get(path).copied());
            let node = if one == other || before == other {
                one
            } else if before == one {
                other
            } else if path == BREAKS.as_bytes() {
                return Ok(Merged::broken(own, Crash::of(6).unwrap()));
            } else {
                conflicts.push(PathConflict {
                    path: path.clone(),
                    kind: ConflictKind::Content,
                    objects: Vec::new(),
                });
                let marked = format!("<<<<<<< ours\n{one:?}\n=======\n{other:?}\n>>>>>>> theirs\n");
                Some((FILE, self.file(&marked)))
            };
            merged.extend(node.map(|node| (path.clone(), node)));
        }
        Ok(Merged { tree: self.tree_of(&merged, b""), clean: conflicts.is_empty(), conflicts, crash: None })
    }

    fn commits(&self, ours: CommitId, theirs: CommitId) -> Result<Merged, PortError> {
        let base = self.merge_base(ours, theirs)?.map_or_else(empty_tree, |base| self.parsed(base).tree);
        self.trees(base, ours.object(), theirs.object())
    }
}
