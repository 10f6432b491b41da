//! What was made on the workbench, brought to the fork: one pack, then the refs.

use std::collections::HashSet;

use git2::ObjectType;

use super::made::{Made, Object};
use super::moves::RefMove;
use super::repository::oid;
use super::settling::{copy_loose, copy_promised, loose};
use super::supply::Lack;
use super::{GitError, Repository, Workbench};
use crate::ids::{CommitId, ObjectId};
use crate::stack::{Mode, PortError, RawCommit, differ, empty_tree};

/// An object of more bytes is handed on in the file that git wrote.
const LARGE: usize = 1 << 20;

/// What a delivery did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// How many objects the fork did not have.
    pub(crate) objects: usize,
}

impl Workbench {
    /// Brings the moved refs' objects to `fork` as one pack, and then moves the refs, all or none.
    /// `known` are commits that the fork has.
    ///
    /// # Errors
    /// [`GitError::Moved`] where a ref does not stand where it should; then no ref has moved.
    pub(crate) fn deliver(
        &self,
        fork: &Repository,
        moves: &[RefMove],
        known: &[CommitId],
    ) -> Result<Delivery, GitError> {
        let objects = self.send(fork, moves.iter().filter_map(|step| step.to), known)?;
        self.git.move_refs(fork, moves)?;
        Ok(Delivery { objects })
    }

    /// Brings to `fork` what `tips` need and it does not have, as one pack: how many objects that is.
    /// No ref names them yet.
    ///
    /// # Errors
    /// Where the fork cannot be written, or an object is missing.
    pub(crate) fn send(
        &self,
        fork: &Repository,
        tips: impl IntoIterator<Item = CommitId>,
        known: &[CommitId],
    ) -> Result<usize, GitError> {
        let failed = self.bench.library("packing what was carried");
        let tips: Vec<CommitId> = tips.into_iter().collect();
        self.must_be_whole(&tips)?;
        self.hand_on(fork)?;
        let missing = self.missing(fork, tips, known).map_err(&failed)?;
        if missing.is_empty() {
            return Ok(0);
        }
        let (large, packed): (Vec<ObjectId>, Vec<ObjectId>) =
            missing.iter().copied().partition(|id| self.is_large(*id));
        for id in large {
            let (from, to) = (loose(&self.bench.objects_dir(), id), loose(&fork.objects_dir(), id));
            copy_loose(&from, &to).map_err(|source| GitError::Temporary { dir: to, source })?;
        }
        if !packed.is_empty() {
            let to = fork.objects_dir().join("pack");
            self.write_pack(&to, &packed, |id| self.object(id).map_err(&failed))?;
        }
        fork.inner.odb().and_then(|odb| odb.refresh()).map_err(fork.library("writing what was carried"))?;
        Ok(missing.len())
    }

    /// Whether git wrote the object to a file of its own, and it is so large that it is better handed on as it is than
    /// read whole and packed.
    fn is_large(&self, id: ObjectId) -> bool {
        let is_loose = || !self.made.has(id) && loose(&self.bench.objects_dir(), id).is_file();
        let header = || self.bench.inner.odb().and_then(|odb| odb.read_header(oid(id)));
        is_loose() && header().is_ok_and(|(size, _)| size > LARGE)
    }

    /// In a clone that lacks objects, and that nobody promises them to any more, every object of `tips` has to be there.
    fn must_be_whole(&self, tips: &[CommitId]) -> Result<(), GitError> {
        if self.supply.lack != Lack::Partial || self.supply.is_promised() {
            return Ok(());
        }
        let failed = |source| GitError::Missing { what: "what was carried", source };
        match self.first_missing(tips).map_err(failed)? {
            Some(id) => Err(failed(self.lost(id, ObjectType::Blob, "it was not found"))),
            None => Ok(()),
        }
    }

    /// Brings what was fetched for a partial clone to it: by the trees among it git knows what else was promised.
    fn hand_on(&self, fork: &Repository) -> Result<(), GitError> {
        if !self.supply.is_promised() {
            return Ok(());
        }
        let own = self.bench.objects_dir().join("pack");
        let to = fork.objects_dir().join("pack");
        let failed = |source| GitError::Temporary { dir: to.clone(), source };
        for entry in own.read_dir().map_err(failed)? {
            let file = entry.map_err(failed)?.path();
            let name = file.file_stem().and_then(|name| name.to_str()?.strip_prefix("pack-"));
            if let Some(name) = name.filter(|_| file.extension().is_some_and(|end| end == "promisor")) {
                copy_promised(&own, &to, name).map_err(failed)?;
            }
        }
        fork.inner.odb().and_then(|odb| odb.refresh()).map_err(fork.library("writing what was fetched"))
    }

    /// Every object that `tips` reach and `fork` does not have, the oldest commit's first. Goes down only
    /// where something is missing, so the cost follows what is new.
    fn missing(
        &self,
        fork: &Repository,
        tips: impl IntoIterator<Item = CommitId>,
        known: &[CommitId],
    ) -> Result<Vec<ObjectId>, git2::Error> {
        let seen = known.iter().map(CommitId::object).collect();
        let mut there = There { fork: fork.inner.odb()?, made: &self.made, seen };
        let mut commits: Vec<ObjectId> =
            tips.into_iter().map(|tip| tip.object()).filter(|id| there.lacks(*id)).collect();
        let (mut missing, mut trees) = (Vec::new(), Vec::new());
        while let Some(id) = commits.pop() {
            let commit = RawCommit::parse(CommitId::new(id), &self.object(id)?.content);
            let commit = commit.map_err(|err| git2::Error::from_str(&err.to_string()))?;
            missing.push(id);
            commits.extend(commit.parents.iter().map(CommitId::object).filter(|id| there.lacks(*id)));
            trees.push(commit.tree.object());
        }
        missing.reverse();
        // The newest first, so that the oldest is looked at first: a tree is packed as what makes it of an
        // older one.
        trees.retain(|id| there.lacks(*id));
        while let Some(id) = trees.pop() {
            let object = self.object(id)?;
            missing.push(id);
            for (mode, id) in self.own_entries(&object, &there)? {
                // What a partial clone was promised came unread from the release or from a patch.
                if self.supply.is_promised() && !self.holds(id) {
                    continue;
                }
                match mode {
                    mode if mode.is_tree() => trees.extend(Some(id).filter(|id| there.lacks(*id))),
                    mode if mode.is_submodule() => {}
                    _ => missing.extend(Some(id).filter(|id| there.lacks(*id))),
                }
            }
        }
        Ok(missing)
    }

    /// The entries of a tree; where it was made of one that the fork has or will get, only those that
    /// the other one does not have.
    fn own_entries(&self, tree: &Object, there: &There<'_>) -> Result<Vec<(Mode, ObjectId)>, git2::Error> {
        let like = tree.like.filter(|like| *like != empty_tree().object() && there.has(*like));
        let like = like.map(|like| self.object(like)).transpose()?;
        let like = like.as_ref().map_or(&[][..], |like| &like.content);
        let odd = |err: PortError| git2::Error::from_str(&err.to_string());
        let own = differ((empty_tree(), like), (empty_tree(), &tree.content)).map_err(odd)?;
        Ok(own.into_iter().filter_map(|entry| entry.after).collect())
    }

    /// An object, wherever it lies.
    fn object(&self, id: ObjectId) -> Result<Object, git2::Error> {
        if let Some(made) = self.made.get(id) {
            return Ok(made);
        }
        let odb = self.bench.inner.odb()?;
        let object = odb.read(oid(id))?;
        Ok(Object { kind: object.kind(), content: object.data().into(), like: self.made.like(id) })
    }
}

/// What the fork has or will get.
struct There<'a> {
    fork: git2::Odb<'a>,
    made: &'a Made,
    seen: HashSet<ObjectId>,
}

impl There<'_> {
    /// Whether it does not have `id`, which it gets then. What was made of something here is not looked for: a
    /// large repository is slow to say that it lacks something, and an object may lie in two packs.
    fn lacks(&mut self, id: ObjectId) -> bool {
        self.seen.insert(id) && (self.made.like(id).is_some() || !self.in_fork(id))
    }

    /// Whether it has `id` or will get it.
    fn has(&self, id: ObjectId) -> bool {
        self.seen.contains(&id) || self.in_fork(id)
    }

    fn in_fork(&self, id: ObjectId) -> bool {
        self.fork.exists_ext(oid(id), git2::OdbLookupFlags::NO_REFRESH)
    }
}
