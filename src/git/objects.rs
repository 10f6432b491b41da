//! The engine's first port: objects and the graph in them, by libgit2.

use std::collections::HashSet;
use std::rc::Rc;

use git2::{ErrorClass, ErrorCode, ObjectType, Sort};

use super::Workbench;
use super::made::Object;
use super::repository::{commit_id, object_id, oid};
use super::supply::Lack;
use crate::ids::{CommitId, ObjectId, TreeId};
use crate::stack::{Objects, PortError, RawCommit, empty_tree};

impl Workbench {
    /// What is made `of` the content of an object, wherever it lies.
    fn read<T>(&self, id: ObjectId, kind: ObjectType, of: impl FnOnce(&[u8]) -> T) -> Result<T, PortError> {
        let unexpected = |found: ObjectType| {
            PortError::new(
                format!("object {id} could not be read"),
                format!("it is a {found}, where a {kind} was expected"),
            )
        };
        if let Some(made) = self.made.get(id) {
            return if made.kind == kind { Ok(of(&made.content)) } else { Err(unexpected(made.kind)) };
        }
        let failed = |source: git2::Error| self.lost(id, kind, source);
        let odb = self.bench.inner.odb().map_err(failed)?;
        let object = match odb.read(oid(id)) {
            Err(_) if self.supplied(id, kind) => odb.read(oid(id)),
            read => read,
        };
        let object = object.map_err(failed)?;
        if object.kind() != kind {
            return Err(unexpected(object.kind()));
        }
        Ok(of(object.data()))
    }

    fn write(&self, object: Object) -> Result<ObjectId, PortError> {
        let (id, is_much) = self.made.put(object);
        if is_much {
            self.settle().map_err(|source| PortError::new("what was made could not be written", source))?;
        }
        Ok(id)
    }

    /// libgit2 knows nothing of commits in memory.
    fn show(&self, commits: &[CommitId]) -> Result<(), PortError> {
        match commits.iter().any(|commit| self.made.has(commit.object())) {
            true => {
                self.settle().map_err(|source| PortError::new("what was made could not be written", source))
            }
            false => Ok(()),
        }
    }

    fn walk(&self, tips: &[CommitId], hidden: &[CommitId], line: bool) -> Result<Vec<CommitId>, PortError> {
        let failed = |source: git2::Error| PortError::new("the history could not be walked", source);
        self.show(tips)?;
        self.show(hidden)?;
        let walk = || {
            let mut walk = self.bench.inner.revwalk()?;
            walk.set_sorting(if line { Sort::TOPOLOGICAL } else { Sort::NONE })?;
            if line {
                walk.simplify_first_parent()?;
            }
            for tip in tips {
                walk.push(oid(tip.object()))?;
            }
            for commit in hidden {
                walk.hide(oid(commit.object()))?;
            }
            walk.map(|id| id.map(commit_id)).collect()
        };
        self.mended(&[tips, hidden].concat(), walk)?.map_err(failed)
    }

    /// What libgit2 finds out about the history of `tips`: where it fails at a commit that is missing or damaged, once
    /// more with that fetched.
    fn mended<T>(
        &self,
        tips: &[CommitId],
        find: impl Fn() -> Result<T, git2::Error>,
    ) -> Result<Result<T, git2::Error>, PortError> {
        let found = find();
        let is_lost = |err: &git2::Error| err.class() != ErrorClass::Merge;
        if self.supply.lack == Lack::Shallow || !found.as_ref().is_err_and(is_lost) {
            return Ok(found);
        }
        let (mut seen, mut next) = (HashSet::new(), tips.to_vec());
        while let Some(id) = next.pop() {
            if seen.insert(id) {
                next.extend(self.parsed(id)?.parents);
            }
        }
        Ok(find())
    }
}

impl Objects for Workbench {
    fn commit(&self, id: CommitId) -> Result<Vec<u8>, PortError> {
        self.read(id.object(), ObjectType::Commit, <[u8]>::to_vec)
    }

    fn raw_tree(&self, id: TreeId) -> Result<Rc<[u8]>, PortError> {
        if id == empty_tree() {
            return Ok([].into());
        }
        if let Some(known) = self.made.tree(id.object()) {
            return Ok(known);
        }
        if let Some(made) = self.made.get(id.object()).filter(|made| made.kind == ObjectType::Tree) {
            return Ok(made.content);
        }
        let raw = self.read(id.object(), ObjectType::Tree, |content| Rc::<[u8]>::from(content))?;
        self.made.remember(id.object(), Rc::clone(&raw));
        Ok(raw)
    }

    fn blob(&self, id: ObjectId) -> Result<Vec<u8>, PortError> {
        self.read(id, ObjectType::Blob, <[u8]>::to_vec)
    }

    fn blob_within(&self, id: ObjectId, longest: usize) -> Result<Option<Vec<u8>>, PortError> {
        self.read(id, ObjectType::Blob, |content| (content.len() <= longest).then(|| content.to_vec()))
    }

    fn write_commit(&self, content: &[u8]) -> Result<CommitId, PortError> {
        self.write(Object { kind: ObjectType::Commit, content: content.into(), like: None })
            .map(CommitId::new)
    }

    fn write_raw_tree(&self, raw: Vec<u8>, like: TreeId) -> Result<TreeId, PortError> {
        let like = Some(like.object());
        self.write(Object { kind: ObjectType::Tree, content: raw.into(), like }).map(TreeId::new)
    }

    fn write_blob(&self, content: &[u8], like: ObjectId) -> Result<ObjectId, PortError> {
        self.write(Object { kind: ObjectType::Blob, content: content.into(), like: Some(like) })
    }

    fn reachable(&self, tips: &[CommitId], hidden: &[CommitId]) -> Result<Vec<CommitId>, PortError> {
        self.walk(tips, hidden, false)
    }

    fn first_parents(&self, tip: CommitId, hidden: CommitId) -> Result<Vec<CommitId>, PortError> {
        self.walk(&[tip], &[hidden], true)
    }

    fn merge_base(&self, one: CommitId, other: CommitId) -> Result<Option<CommitId>, PortError> {
        if let Some(known) = self.bases.borrow().get(&[one, other]) {
            return Ok(*known);
        }
        self.show(&[one, other])?;
        let find = || self.bench.inner.merge_base(oid(one.object()), oid(other.object()));
        let base = match self.mended(&[one, other], find)? {
            Ok(id) => Ok(Some(commit_id(id))),
            Err(err) if err.code() == ErrorCode::NotFound => {
                // Also said of a commit that is not there, which is another thing.
                self.commit(one).and_then(|_| self.commit(other)).map(|_| None)
            }
            Err(source) => {
                Err(PortError::new(format!("the history of {one} and {other} could not be read"), source))
            }
        }?;
        self.bases.borrow_mut().insert([one, other], base);
        Ok(base)
    }

    fn is_ancestor(&self, ancestor: CommitId, descendant: CommitId) -> Result<bool, PortError> {
        let failed =
            |source| PortError::new(format!("the history of {descendant} could not be read"), source);
        let mut descendant = descendant;
        // Down a line of commits in memory it is plain.
        while ancestor != descendant {
            let Some(made) = self.made.get(descendant.object()) else { break };
            let Ok(commit) = RawCommit::parse(descendant, &made.content) else { break };
            let [only] = commit.parents[..] else { break };
            descendant = only;
        }
        self.show(&[ancestor, descendant])?;
        if ancestor == descendant {
            return Ok(true);
        }
        let [below, above] = [ancestor, descendant].map(|commit| oid(commit.object()));
        let find = || self.bench.inner.graph_descendant_of(above, below);
        self.mended(&[ancestor, descendant], find)?.map_err(failed)
    }

    fn patch_id(&self, before: TreeId, after: TreeId) -> Result<ObjectId, PortError> {
        let failed =
            |source| PortError::new(format!("the change from {before} to {after} could not be read"), source);
        let tree = |id: TreeId| match id == empty_tree() {
            true => Ok(None),
            false => self.bench.inner.find_tree(oid(id.object())).map(Some),
        };
        let (before, after) = (tree(before).map_err(failed)?, tree(after).map_err(failed)?);
        let diff =
            self.bench.inner.diff_tree_to_tree(before.as_ref(), after.as_ref(), None).map_err(failed)?;
        diff.patchid(None).map(object_id).map_err(failed)
    }
}
