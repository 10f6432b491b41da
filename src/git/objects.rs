//! The engine's first port: objects and the graph in them, by libgit2.

use std::rc::Rc;

use git2::{ErrorCode, ObjectType, Sort};

use super::Workbench;
use super::repository::{commit_id, object_id, oid};
use crate::ids::{CommitId, ObjectId, TreeId};
use crate::stack::{Objects, PortError, empty_tree};

impl Workbench {
    fn read(&self, id: ObjectId, kind: ObjectType) -> Result<Vec<u8>, PortError> {
        let failed = |source: git2::Error| match source.code() {
            ErrorCode::NotFound => PortError::missing(id),
            _ => PortError::new(format!("object {id} could not be read"), source),
        };
        let odb = self.bench.inner.odb().map_err(failed)?;
        let object = odb.read(oid(id)).map_err(failed)?;
        if object.kind() != kind {
            return Err(PortError::new(
                format!("object {id} could not be read"),
                format!("it is a {}, where a {kind} was expected", object.kind()),
            ));
        }
        Ok(object.data().to_vec())
    }

    fn write(&self, kind: ObjectType, content: &[u8]) -> Result<ObjectId, PortError> {
        let failed = |source: git2::Error| PortError::new(format!("a {kind} could not be written"), source);
        let odb = self.bench.inner.odb().map_err(failed)?;
        odb.write(kind, content).map(object_id).map_err(failed)
    }

    fn walk(&self, tips: &[CommitId], hidden: &[CommitId], line: bool) -> Result<Vec<CommitId>, PortError> {
        let failed = |source: git2::Error| PortError::new("the history could not be walked", source);
        let mut walk = self.bench.inner.revwalk().map_err(failed)?;
        walk.set_sorting(if line { Sort::TOPOLOGICAL } else { Sort::NONE }).map_err(failed)?;
        if line {
            walk.simplify_first_parent().map_err(failed)?;
        }
        for tip in tips {
            walk.push(oid(tip.object())).map_err(failed)?;
        }
        for commit in hidden {
            walk.hide(oid(commit.object())).map_err(failed)?;
        }
        walk.map(|id| id.map(commit_id).map_err(failed)).collect()
    }
}

impl Objects for Workbench {
    fn commit(&self, id: CommitId) -> Result<Vec<u8>, PortError> {
        self.read(id.object(), ObjectType::Commit)
    }

    fn raw_tree(&self, id: TreeId) -> Result<Rc<[u8]>, PortError> {
        if id == empty_tree() {
            return Ok([].into());
        }
        self.read(id.object(), ObjectType::Tree).map(Rc::from)
    }

    fn blob(&self, id: ObjectId) -> Result<Vec<u8>, PortError> {
        self.read(id, ObjectType::Blob)
    }

    fn write_commit(&self, content: &[u8]) -> Result<CommitId, PortError> {
        self.write(ObjectType::Commit, content).map(CommitId::new)
    }

    fn write_raw_tree(&self, raw: Vec<u8>, _like: TreeId) -> Result<TreeId, PortError> {
        self.write(ObjectType::Tree, &raw).map(TreeId::new)
    }

    fn write_blob(&self, content: &[u8], _like: ObjectId) -> Result<ObjectId, PortError> {
        self.write(ObjectType::Blob, content)
    }

    fn reachable(&self, tips: &[CommitId], hidden: &[CommitId]) -> Result<Vec<CommitId>, PortError> {
        self.walk(tips, hidden, false)
    }

    fn first_parents(&self, tip: CommitId, hidden: CommitId) -> Result<Vec<CommitId>, PortError> {
        self.walk(&[tip], &[hidden], true)
    }

    fn merge_base(&self, one: CommitId, other: CommitId) -> Result<Option<CommitId>, PortError> {
        match self.bench.inner.merge_base(oid(one.object()), oid(other.object())) {
            Ok(id) => Ok(Some(commit_id(id))),
            Err(err) if err.code() == ErrorCode::NotFound => {
                // Also said of a commit that is not there, which is another thing.
                self.commit(one).and_then(|_| self.commit(other)).map(|_| None)
            }
            Err(source) => {
                Err(PortError::new(format!("the history of {one} and {other} could not be read"), source))
            }
        }
    }

    fn is_ancestor(&self, ancestor: CommitId, descendant: CommitId) -> Result<bool, PortError> {
        let failed =
            |source| PortError::new(format!("the history of {descendant} could not be read"), source);
        Ok(ancestor == descendant
            || self
                .bench
                .inner
                .graph_descendant_of(oid(descendant.object()), oid(ancestor.object()))
                .map_err(failed)?)
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
