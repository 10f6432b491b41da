//! What a carry is going to read, found out beforehand where the fork does not have all of it, so that it is fetched
//! together; and what becomes of an object that is missing all the same.

use std::cell::RefCell;
use std::collections::BTreeSet;

use git2::ObjectType;

use super::repository::oid;
use super::settling::loose;
use super::supply::{Lack, TREES};
use super::{GitError, Workbench};
use crate::ids::{CommitId, ObjectId, TreeId};
use crate::stack::{Objects, PortError, RawCommit, differ, empty_tree, find};

/// Upstream's commits are looked at one by one where they are no more than this.
const HISTORY: usize = 4096;
/// Trees lie no deeper than this, or are fetched one by one.
const DEEPEST: usize = 64;

/// What is to be carried.
#[derive(Debug, Default)]
pub(super) struct Errand {
    stack: Vec<CommitId>,
    base: Option<CommitId>,
    onto: Option<CommitId>,
    paths: BTreeSet<Vec<u8>>,
    /// How much more than what is certainly needed has been fetched.
    stage: usize,
    /// Whether the trees of all of upstream's commits were asked for.
    roots: bool,
}

/// What is not there.
#[derive(Debug, Default)]
struct Lacking {
    trees: BTreeSet<ObjectId>,
    blobs: BTreeSet<ObjectId>,
    paths: BTreeSet<Vec<u8>>,
    /// Whether each object is read, and not only looked for.
    thorough: bool,
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
        for path in &lacking.paths {
            for tree in [base, onto] {
                if let Some((mode, id)) = find(self, tree, path)?
                    && !mode.is_tree()
                    && !mode.is_submodule()
                    && !self.holds(id)
                {
                    lacking.blobs.insert(id);
                }
            }
        }
        self.bring_blobs(&lacking);
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
    /// A tree that is missing for good.
    pub(super) fn stock_whole(&self, commit: CommitId) -> Result<(), PortError> {
        if self.supply.lack == Lack::Partial {
            let tree = self.parsed(commit)?.tree;
            let lacking = self.compare_all(&[(empty_tree(), tree)], false)?;
            self.bring_blobs(&lacking);
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
        self.bring_blobs(&lacking);
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

    /// What to say of an object that is missing for good.
    pub(super) fn lost(
        &self,
        id: ObjectId,
        kind: ObjectType,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> PortError {
        let (place, needed) = (self.supply.path.display(), self.needed_by(id));
        let needed = needed.map_or_else(String::new, |(commit, path)| {
            let path = String::from_utf8_lossy(&path).escape_debug().to_string();
            match path.is_empty() {
                true => format!(", the root of commit {commit}"),
                false => format!(" ({path} of commit {commit})"),
            }
        });
        let lists: Vec<String> = self.supply.remotes.iter().map(ToString::to_string).collect();
        let had = match lists.is_empty() {
            true => "and it has no remote to fetch it from".to_owned(),
            false => format!("and it could not be fetched from {}", lists.join(" or ")),
        };
        let (cause, option) = match self.supply.lack {
            Lack::Partial => ("a partial clone", "--refetch"),
            Lack::Shallow => ("a shallow clone", "--unshallow"),
            Lack::Damage => ("damaged", "--refetch"),
        };
        let loose = loose(&self.supply.objects, id);
        let remove = match loose.exists() {
            true => format!("rm -f {} && ", loose.display()),
            false => String::new(),
        };
        let advice = format!(
            "`{remove}git -C {place} fetch {option} REMOTE`, with a remote or URL that has it, mends the clone"
        );
        let action = format!("{kind} {id}{needed} is missing: {place} is {cause}, {had}");
        PortError::lost(action, advice, source)
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
        self.bring_blobs(&lacking);
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
        let mut lacking = Lacking::default();
        let paths = self.errand.borrow().paths.clone();
        for tree in trees {
            for path in &paths {
                if let Some((mode, id)) = find(self, tree, path)?
                    && !mode.is_tree()
                    && !mode.is_submodule()
                    && !self.holds(id)
                {
                    lacking.blobs.insert(id);
                }
            }
        }
        self.bring_blobs(&lacking);
        Ok(())
    }

    fn bring_trees(&self, roots: impl Iterator<Item = TreeId>) {
        let roots: BTreeSet<ObjectId> =
            roots.filter(|tree| *tree != empty_tree()).map(|tree| tree.object()).collect();
        let missing: Vec<ObjectId> = roots.into_iter().filter(|id| !self.holds(*id)).collect();
        if !missing.is_empty() && self.supply.bring(&missing) {
            self.refreshed();
        }
    }

    fn bring_blobs(&self, lacking: &Lacking) {
        let blobs: Vec<ObjectId> = lacking.blobs.iter().copied().collect();
        if !blobs.is_empty() && self.supply.bring(&blobs) {
            self.refreshed();
        }
    }

    /// What is lacking of the trees in which pairs differ. Trees are fetched on the way.
    fn compare_all(&self, pairs: &[(TreeId, TreeId)], thorough: bool) -> Result<Lacking, PortError> {
        for _ in 0..DEEPEST {
            let mut lacking = Lacking { thorough, ..Lacking::default() };
            for (before, after) in pairs {
                self.compare(*before, *after, &[], &mut lacking)?;
            }
            let trees: Vec<ObjectId> = lacking.trees.iter().copied().collect();
            let Some(first) = trees.first() else { return Ok(lacking) };
            if !self.supply.bring(&trees) {
                return Err(self.lost(*first, ObjectType::Tree, "it was not found"));
            }
            self.refreshed();
        }
        Err(PortError::new("the trees could not be fetched", "they lie too deep"))
    }

    fn compare(
        &self,
        before: TreeId,
        after: TreeId,
        at: &[u8],
        lacking: &mut Lacking,
    ) -> Result<(), PortError> {
        if before == after {
            return Ok(());
        }
        let there =
            |id: ObjectId, thorough: bool| if thorough { self.is_readable(id) } else { self.holds(id) };
        let missing =
            [before, after].map(|tree| tree != empty_tree() && !there(tree.object(), lacking.thorough));
        lacking.trees.extend(missing[0].then(|| before.object()));
        lacking.trees.extend(missing[1].then(|| after.object()));
        if missing != [false, false] {
            return Ok(());
        }
        let (one, other) = (self.raw_tree(before)?, self.raw_tree(after)?);
        for spot in differ((before, &one), (after, &other))? {
            let path = match at.is_empty() {
                true => spot.name.to_vec(),
                false => [at, b"/", spot.name].concat(),
            };
            let nodes = [spot.before, spot.after];
            let trees = nodes.map(|node| node.filter(|(mode, _)| mode.is_tree()));
            if trees != [None, None] {
                let [one, other] = trees.map(|tree| tree.map_or_else(empty_tree, |(_, id)| TreeId::new(id)));
                self.compare(one, other, &path, lacking)?;
            }
            let files = nodes.into_iter().flatten();
            let mut is_file = false;
            for (_, id) in files.filter(|(mode, _)| !mode.is_tree() && !mode.is_submodule()) {
                is_file = true;
                if !there(id, lacking.thorough) {
                    lacking.blobs.insert(id);
                }
            }
            if is_file {
                lacking.paths.insert(path);
            }
        }
        Ok(())
    }

    /// The commit of the errand, and the path in it, that an object is needed for.
    fn needed_by(&self, id: ObjectId) -> Option<(CommitId, Vec<u8>)> {
        let (stack, onto) = {
            let errand = self.errand.borrow();
            (errand.stack.clone(), errand.onto)
        };
        stack.into_iter().chain(onto).find_map(|commit| {
            let content = self.plainly(commit.object())?;
            let tree = RawCommit::parse(commit, &content).ok()?.tree;
            let mut at = vec![(tree.object(), Vec::new())];
            while let Some((tree, path)) = at.pop() {
                if tree == id {
                    return Some((commit, path));
                }
                let Some(content) = self.plainly(tree) else { continue };
                let all = differ((empty_tree(), &[]), (TreeId::new(tree), &content)).ok()?;
                for spot in all {
                    let Some((mode, own)) = spot.after else { continue };
                    let path = match path.is_empty() {
                        true => spot.name.to_vec(),
                        false => [&path[..], b"/", spot.name].concat(),
                    };
                    if own == id {
                        return Some((commit, path));
                    }
                    if mode.is_tree() {
                        at.push((own, path));
                    }
                }
            }
            None
        })
    }

    fn parsed(&self, id: CommitId) -> Result<RawCommit, PortError> {
        let content = self.commit(id)?;
        RawCommit::parse(id, &content)
            .map_err(|err| PortError::new(format!("commit {id} could not be read"), err.to_string()))
    }

    /// The tree that an object is or leads to.
    fn tree_at(&self, id: ObjectId) -> Result<TreeId, PortError> {
        let is_commit = match self.made.get(id) {
            Some(made) => made.kind == ObjectType::Commit,
            None => {
                let odb = self.bench.inner.odb();
                odb.and_then(|odb| odb.read_header(oid(id))).is_ok_and(|(_, kind)| kind == ObjectType::Commit)
            }
        };
        if is_commit { Ok(self.parsed(CommitId::new(id))?.tree) } else { Ok(TreeId::new(id)) }
    }

    /// Whether the object lies here or with the fork.
    pub(super) fn holds(&self, id: ObjectId) -> bool {
        let there = |odb: git2::Odb<'_>| odb.exists_ext(oid(id), git2::OdbLookupFlags::NO_REFRESH);
        self.made.has(id) || self.bench.inner.odb().is_ok_and(there)
    }

    fn is_readable(&self, id: ObjectId) -> bool {
        self.made.has(id) || self.plainly(id).is_some()
    }

    /// The content of an object, where it can be read as things are.
    fn plainly(&self, id: ObjectId) -> Option<Vec<u8>> {
        let odb = self.bench.inner.odb().ok()?;
        odb.read(oid(id)).ok().map(|object| object.data().to_vec())
    }

    /// Lets libgit2 see what came.
    fn refreshed(&self) -> bool {
        self.bench.inner.odb().and_then(|odb| odb.refresh()).is_ok()
    }
}
