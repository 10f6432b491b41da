//! What a carry is going to read, fetched together beforehand where the fork does not have all of it.

use std::cell::RefCell;
use std::collections::BTreeSet;

use git2::ObjectType;

use super::repository::oid;
use super::supply::{Lack, TREES};
use super::{GitError, Workbench};
use crate::ids::{CommitId, ObjectId, TreeId};
use crate::stack::{Objects, PortError, RawCommit, empty_tree, find};

/// Upstream's commits are looked at one by one where they are no more than this.
const HISTORY: usize = 4096;

/// What is to be carried.
#[derive(Debug, Default)]
pub(super) struct Errand {
    pub(super) stack: Vec<CommitId>,
    base: Option<CommitId>,
    pub(super) onto: Option<CommitId>,
    paths: BTreeSet<Vec<u8>>,
    /// How much more than what is certainly needed has been fetched.
    stage: usize,
    /// Whether the trees of all of upstream's commits were asked for.
    roots: bool,
}

pub(super) type Errands = RefCell<Errand>;

impl Workbench {
    /// Fetches what carrying `stack` from `base` to `onto` certainly reads, where the fork was cloned without it.
    ///
    /// # Errors
    /// A commit or tree that is missing for good.
    pub(crate) fn stock(
        &self,
        stack: impl Iterator<Item = CommitId>,
        base: CommitId,
        onto: CommitId,
    ) -> Result<(), PortError> {
        let stack: Vec<CommitId> = stack.collect();
        *self.errand.borrow_mut() =
            Errand { stack: stack.clone(), base: Some(base), onto: Some(onto), ..Errand::default() };
        if self.supply.lack != Lack::Partial {
            return Ok(());
        }
        let mut pairs = Vec::with_capacity(stack.len());
        for id in stack {
            let commit = self.parsed(id)?;
            for parent in &commit.parents {
                pairs.push((self.parsed(*parent)?.tree, commit.tree));
            }
        }
        let (base, onto) = (self.parsed(base)?.tree, self.parsed(onto)?.tree);
        self.bring_trees(pairs.iter().flat_map(|(one, other)| [*one, *other]).chain([base, onto]));
        let mut lacking = self.compare_all(&pairs, false)?;
        lacking.blobs.extend(self.lacking_at(&[base, onto], &lacking.paths)?);
        self.bring_blobs(&lacking.blobs);
        self.errand.borrow_mut().paths = lacking.paths;
        Ok(())
    }

    /// The same workbench with the history of `tips` that a shallow clone lacks, where a remote has it.
    ///
    /// # Errors
    /// Where the history cannot be walked.
    pub(crate) fn deepened(self, tips: &[CommitId]) -> Result<Self, GitError> {
        if self.supply.lack != Lack::Shallow {
            return Ok(self);
        }
        let bench = self.repository();
        for url in &self.supply.remotes {
            let mut cut = Vec::new();
            for tip in tips {
                cut.extend(bench.cut_below(*tip)?);
            }
            cut.sort_unstable();
            cut.dedup();
            if cut.is_empty() {
                break;
            }
            if let Err(err) = self.git.fetch_history(bench, url, &cut) {
                tracing::info!("{url} does not have the history: {err}");
            }
        }
        self.reopened()
    }

    /// Fetches every file of `commit`.
    ///
    /// # Errors
    /// What is missing for good.
    pub(super) fn stock_whole(&self, commit: CommitId) -> Result<(), PortError> {
        if self.supply.lack == Lack::Partial {
            let tree = self.parsed(commit)?.tree;
            let lacking = self.compare_all(&[(empty_tree(), tree)], false)?;
            self.bring_blobs(&lacking.blobs);
            if let Some(id) = lacking.blobs.into_iter().find(|id| !self.holds(*id)) {
                return Err(self.lost(id, ObjectType::Blob, "it was not found"));
            }
        }
        Ok(())
    }

    /// Fetches what git may read for a merge. With `thorough` also what is there and cannot be read. The first object
    /// that is missing for good.
    pub(super) fn stock_merge(
        &self,
        base: ObjectId,
        sides: [ObjectId; 2],
        thorough: bool,
    ) -> Result<Option<ObjectId>, PortError> {
        if !thorough && self.supply.lack != Lack::Partial {
            return Ok(None);
        }
        let base = self.tree_at(base)?;
        let [ours, theirs] = sides.map(|side| self.tree_at(side));
        let lacking = self.compare_all(&[(base, ours?), (base, theirs?)], thorough)?;
        self.bring_blobs(&lacking.blobs);
        Ok(lacking.blobs.into_iter().find(|id| !self.is_readable(*id)))
    }

    /// The first object of the trees of `commits` that is missing; nothing where they are whole.
    ///
    /// # Errors
    /// A tree that is missing.
    pub(super) fn first_missing(&self, commits: &[CommitId]) -> Result<Option<ObjectId>, PortError> {
        for commit in commits {
            let tree = self.parsed(*commit)?.tree;
            let lacking = self.compare_all(&[(empty_tree(), tree)], false)?;
            if let Some(id) = lacking.blobs.first() {
                return Ok(Some(*id));
            }
        }
        Ok(None)
    }

    /// Whether the object that could not be read has come, with what lies beside it.
    pub(super) fn supplied(&self, id: ObjectId, kind: ObjectType) -> bool {
        while kind == ObjectType::Blob && self.supply.lack == Lack::Partial && self.widen() {
            if self.holds(id) {
                return true;
            }
        }
        if kind == ObjectType::Tree
            && self.supply.lack == Lack::Partial
            && self.bring_roots()
            && self.holds(id)
        {
            return true;
        }
        let came = match kind {
            ObjectType::Commit => self.supply.bring_without(TREES, &[id]),
            _ => self.supply.bring(&[id]),
        };
        came && self.refreshed()
    }

    /// Fetches more than was thought to be needed: first whatever upstream changed, then what stood in the patches'
    /// paths in all of upstream's commits. Whether there was more to fetch.
    fn widen(&self) -> bool {
        let (stage, base, onto) = {
            let mut errand = self.errand.borrow_mut();
            errand.stage += 1;
            (errand.stage, errand.base, errand.onto)
        };
        let (Some(base), Some(onto)) = (base, onto) else { return false };
        match stage {
            1 => self.bring_difference(base, onto).is_ok(),
            2 => self.bring_history(base, onto).is_ok(),
            _ => false,
        }
    }

    fn bring_difference(&self, base: CommitId, onto: CommitId) -> Result<(), PortError> {
        let lacking = self.compare_all(&[(self.parsed(base)?.tree, self.parsed(onto)?.tree)], false)?;
        self.bring_blobs(&lacking.blobs);
        Ok(())
    }

    /// Fetches the trees of upstream's commits, where that was not done before. Whether it was done.
    fn bring_roots(&self) -> bool {
        let (done, base, onto) = {
            let mut errand = self.errand.borrow_mut();
            (std::mem::replace(&mut errand.roots, true), errand.base, errand.onto)
        };
        let (false, Some(base), Some(onto)) = (done, base, onto) else { return false };
        self.upstreams(base, onto).map(|trees| self.bring_trees(trees.into_iter())).is_ok()
    }

    /// The trees of upstream's commits.
    fn upstreams(&self, base: CommitId, onto: CommitId) -> Result<Vec<TreeId>, PortError> {
        let line = self.first_parents(onto, base)?.into_iter().take(HISTORY);
        line.map(|commit| Ok(self.parsed(commit)?.tree)).collect()
    }

    fn bring_history(&self, base: CommitId, onto: CommitId) -> Result<(), PortError> {
        let trees = self.upstreams(base, onto)?;
        self.bring_trees(trees.iter().copied());
        let paths = self.errand.borrow().paths.clone();
        let blobs = self.lacking_at(&trees, &paths)?;
        self.bring_blobs(&blobs);
        Ok(())
    }

    /// The files at `paths` in `trees` that are not there.
    fn lacking_at(
        &self,
        trees: &[TreeId],
        paths: &BTreeSet<Vec<u8>>,
    ) -> Result<BTreeSet<ObjectId>, PortError> {
        let mut blobs = BTreeSet::new();
        for tree in trees {
            for path in paths {
                if let Some((mode, id)) = find(self, *tree, path)?
                    && !mode.is_tree()
                    && !mode.is_submodule()
                    && !self.holds(id)
                {
                    blobs.insert(id);
                }
            }
        }
        Ok(blobs)
    }

    fn bring_trees(&self, roots: impl Iterator<Item = TreeId>) {
        let roots: BTreeSet<ObjectId> =
            roots.filter(|tree| *tree != empty_tree()).map(|tree| tree.object()).collect();
        let missing: Vec<ObjectId> = roots.into_iter().filter(|id| !self.holds(*id)).collect();
        if !missing.is_empty() && self.supply.bring(&missing) {
            self.refreshed();
        }
    }

    fn bring_blobs(&self, blobs: &BTreeSet<ObjectId>) {
        let blobs: Vec<ObjectId> = blobs.iter().copied().collect();
        if !blobs.is_empty() && self.supply.bring(&blobs) {
            self.refreshed();
        }
    }

    pub(super) fn parsed(&self, id: CommitId) -> Result<RawCommit, PortError> {
        let content = self.commit(id)?;
        RawCommit::parse(id, &content)
            .map_err(|err| PortError::new(format!("commit {id} could not be read"), err.to_string()))
    }

    /// The tree that an object is or leads to.
    pub(super) fn tree_at(&self, id: ObjectId) -> Result<TreeId, PortError> {
        let is_commit = match self.made.get(id) {
            Some(made) => made.kind == ObjectType::Commit,
            None => {
                let odb = self.bench.inner.odb();
                odb.and_then(|odb| odb.read_header(oid(id))).is_ok_and(|(_, kind)| kind == ObjectType::Commit)
            }
        };
        if is_commit { Ok(self.parsed(CommitId::new(id))?.tree) } else { Ok(TreeId::new(id)) }
    }

    /// Lets libgit2 see what came.
    pub(super) fn refreshed(&self) -> bool {
        self.bench.inner.odb().and_then(|odb| odb.refresh()).is_ok()
    }
}
