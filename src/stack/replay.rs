//! The walk over the stack: each commit on what has been carried before it.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::apply::{self, Application, Applied};
use super::commit::{Committer, RawCommit};
use super::culprit::{self, Line};
use super::inventory::Inventory;
use super::ports::{FullMerge, Merged, Objects, PathConflict};
use super::tree::{self, Touched};
use super::upstream::Upstream;
use super::{Candidate, Carry, Conflict, Counts, Culprit, Patch, StackError, Verdict, merges, settle};
use crate::ids::{CommitId, TreeId};

/// Told before each patch: how many are done, and of how many.
pub(crate) type Progress<'a> = &'a mut dyn FnMut(usize, usize);

/// Carries the stack of `inventory` to its release.
///
/// # Errors
/// Where an object is missing or malformed, or git's merge cannot run. A conflict is no error.
pub(crate) fn carry(
    objects: &dyn Objects,
    merger: &dyn FullMerge,
    inventory: &Inventory,
    committer: &Committer,
    progress: Progress<'_>,
) -> Result<Carry, StackError> {
    let mut walk = Walk::start(objects, merger, inventory, committer)?;
    for (done, (id, commit)) in inventory.commits.iter().enumerate() {
        progress(done, inventory.commits.len());
        let step = walk.step(*id, commit)?;
        walk.record(*id, commit, step);
    }
    progress(inventory.commits.len(), inventory.commits.len());
    walk.finish()
}

/// Where an old commit has come to stand.
#[derive(Debug, Clone)]
pub(super) struct Position {
    pub(super) commit: CommitId,
    pub(super) tree: TreeId,
    /// Which of its ancestors, itself included, were not carried: places in the stack, ascending.
    pub(super) gaps: Rc<Vec<usize>>,
}

/// What is known of a commit that was walked over.
#[derive(Debug)]
pub(super) struct Walked {
    pub(super) application: Application,
    pub(super) verdict: Verdict,
    /// Every path that the patch changes, and for one that was not carried those in which it
    /// conflicts: sorted.
    pub(super) paths: BTreeSet<Vec<u8>>,
}

/// What one step came to.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) application: Application,
    pub(super) paths: Vec<Vec<u8>>,
    pub(super) verdict: Verdict,
    /// The commit that carries it.
    pub(super) carried: Option<(CommitId, TreeId)>,
    /// Where the next commit on it stands, gaps excepted.
    pub(super) stands: Position,
    pub(super) conflicts: Vec<PathConflict>,
    pub(super) blocked_by: Option<usize>,
    pub(super) culprit: Option<Culprit>,
    pub(super) upstream: Option<Culprit>,
    pub(super) notes: Vec<String>,
}

impl Step {
    /// A step after which the branch stands where it stood before.
    pub(super) fn stays(
        application: Application,
        paths: Vec<Vec<u8>>,
        verdict: Verdict,
        stands: Position,
    ) -> Self {
        Self {
            application,
            paths,
            verdict,
            carried: None,
            stands,
            conflicts: Vec::new(),
            blocked_by: None,
            culprit: None,
            upstream: None,
            notes: Vec::new(),
        }
    }
}

/// The state of a carry between two patches.
pub(super) struct Walk<'a> {
    pub(super) objects: &'a dyn Objects,
    pub(super) merger: &'a dyn FullMerge,
    pub(super) inventory: &'a Inventory,
    committer: &'a Committer,
    pub(super) onto: RawCommit,
    positions: HashMap<CommitId, Position>,
    pub(super) places: HashMap<CommitId, usize>,
    pub(super) walked: Vec<Walked>,
    /// Every open path, with the places of the uncarried patches that touch it, ascending.
    open: HashMap<Vec<u8>, Vec<usize>>,
    line: OnceCell<Line>,
    upstream: OnceCell<Upstream>,
    patches: Vec<Patch>,
}

impl<'a> Walk<'a> {
    fn start(
        objects: &'a dyn Objects,
        merger: &'a dyn FullMerge,
        inventory: &'a Inventory,
        committer: &'a Committer,
    ) -> Result<Self, StackError> {
        let onto = RawCommit::parse(inventory.onto, &objects.commit(inventory.onto)?)?;
        let places = inventory.commits.iter().enumerate().map(|(place, (id, _))| (*id, place)).collect();
        Ok(Self {
            objects,
            merger,
            inventory,
            committer,
            onto,
            positions: HashMap::new(),
            places,
            walked: Vec::new(),
            open: HashMap::new(),
            line: OnceCell::new(),
            upstream: OnceCell::new(),
            patches: Vec::new(),
        })
    }

    /// Where `old` stands now. Everything below the stack has become the release.
    pub(super) fn position(&self, old: CommitId) -> Position {
        self.positions.get(&old).cloned().unwrap_or_else(|| Position {
            commit: self.inventory.onto,
            tree: self.onto.tree,
            gaps: Rc::default(),
        })
    }

    /// Upstream's way to the release, looked up once.
    pub(super) fn line(&self) -> Result<&Line, StackError> {
        if let Some(line) = self.line.get() {
            return Ok(line);
        }
        let line = Line::of(self)?;
        Ok(self.line.get_or_init(|| line))
    }

    /// Upstream's own changes on the way to the release, looked up once.
    fn upstream(&self) -> Result<&Upstream, StackError> {
        if let Some(upstream) = self.upstream.get() {
            return Ok(upstream);
        }
        let upstream = Upstream::of(self)?;
        Ok(self.upstream.get_or_init(|| upstream))
    }

    /// The tree of a commit's first parent, or the empty tree.
    pub(super) fn parent_tree(&self, commit: &RawCommit) -> Result<TreeId, StackError> {
        match commit.parents.first().and_then(|parent| self.places.get(parent)) {
            Some(place) => Ok(self.inventory.commits[*place].1.tree),
            None => apply::parent_tree(self.objects, commit),
        }
    }

    fn step(&self, id: CommitId, commit: &RawCommit) -> Result<Step, StackError> {
        match commit.parents[..] {
            [] => Ok(self.keep(id, commit)),
            [parent] => self.ordinary(id, commit, self.position(parent), parent),
            _ => merges::step(self, id, commit),
        }
    }

    /// A history of its own that was merged in stands on nothing and stays as it is.
    fn keep(&self, id: CommitId, commit: &RawCommit) -> Step {
        let application = Application::new(tree::empty(), commit.tree, tree::empty());
        let stands = Position { commit: id, tree: commit.tree, gaps: Rc::default() };
        let mut step = Step::stays(application, Vec::new(), Verdict::Clean, stands);
        step.carried = Some((id, commit.tree));
        step
    }

    fn ordinary(
        &self,
        id: CommitId,
        commit: &RawCommit,
        there: Position,
        parent: CommitId,
    ) -> Result<Step, StackError> {
        let application =
            Application::new(self.parent_tree(commit)?, commit.tree, there.tree).named(there.commit, id);
        let touched = tree::touched(self.objects, application.parent, application.commit, application.there)?;
        let paths = apply::paths(&touched);
        if there.commit == parent {
            let mut step = Step::stays(application, paths, self.unmoved(application), there);
            step.carried = Some((id, commit.tree));
            step.stands = Position { commit: id, tree: commit.tree, gaps: step.stands.gaps };
            return Ok(step);
        }
        match apply::apply(self.merger, application, &touched)? {
            Applied::NothingBefore => {
                self.go_on(commit, application, &touched, Verdict::Empty, there.tree, there)
            }
            Applied::Carried { tree, merged } => {
                let verdict = if merged { Verdict::Merged } else { Verdict::Clean };
                let mut step = self.go_on(commit, application, &touched, verdict, tree, there)?;
                step.notes.extend(self.upstream()?.had(self, application, &step.paths)?);
                Ok(step)
            }
            Applied::NothingHere => self.gone(application, paths, there),
            Applied::Conflict(outcome) => self.conflict(id, commit, application, &touched, outcome, there),
        }
    }

    /// The verdict of a commit whose parent did not move: it stays the same commit.
    fn unmoved(&self, application: Application) -> Verdict {
        if application.parent == application.commit { Verdict::Empty } else { Verdict::Clean }
    }

    /// The patch becomes a commit of `tree` on `there`.
    pub(super) fn go_on(
        &self,
        commit: &RawCommit,
        application: Application,
        touched: &[Touched],
        verdict: Verdict,
        tree: TreeId,
        there: Position,
    ) -> Result<Step, StackError> {
        let content = commit.rebuild(tree, &[there.commit], self.committer, &self.onto);
        let new = self.objects.write_commit(&content)?;
        let stands = Position { commit: new, tree, gaps: there.gaps };
        let mut step = Step::stays(application, apply::paths(touched), verdict, stands);
        step.carried = Some((new, tree));
        Ok(step)
    }

    /// A merge of these new parents.
    pub(super) fn join(
        &self,
        commit: &RawCommit,
        tree: TreeId,
        parents: &[CommitId],
    ) -> Result<CommitId, StackError> {
        Ok(self.objects.write_commit(&commit.rebuild(tree, parents, self.committer, &self.onto))?)
    }

    /// The patch changes nothing here: upstream has it, or patches before it do.
    fn gone(
        &self,
        application: Application,
        paths: Vec<Vec<u8>>,
        there: Position,
    ) -> Result<Step, StackError> {
        let onto = self.onto.tree;
        if there.tree == onto || apply::is_absorbed(self.merger, application, onto)? {
            return self.upstreamed(application, paths, there);
        }
        Ok(Step::stays(application, paths, Verdict::Empty, there))
    }

    fn upstreamed(
        &self,
        application: Application,
        paths: Vec<Vec<u8>>,
        there: Position,
    ) -> Result<Step, StackError> {
        let upstream = culprit::absorbing(self, application)?;
        let mut step = Step::stays(application, paths, Verdict::Upstreamed, there);
        step.upstream = upstream;
        Ok(step)
    }

    fn conflict(
        &self,
        id: CommitId,
        commit: &RawCommit,
        application: Application,
        touched: &[Touched],
        outcome: Merged,
        there: Position,
    ) -> Result<Step, StackError> {
        let paths = apply::paths(touched);
        let onto = self.onto.tree;
        let absorbed = match there.tree == onto {
            true => apply::can_be_taken_out(self.merger, application, onto)?,
            false => apply::is_absorbed(self.merger, application, onto)?,
        };
        if absorbed {
            return self.upstreamed(application, paths, there);
        }
        if let Some(tree) = settle::settled(self, id, application, &outcome)? {
            if tree == there.tree {
                let mut step = Step::stays(application, paths, Verdict::Empty, there);
                step.notes
                    .push("the merge that brought upstream in settled it: nothing of it is left".to_owned());
                return Ok(step);
            }
            let mut step = self.go_on(commit, application, touched, Verdict::Resolved, tree, there)?;
            step.notes.push("takes the settlement of the merge that brought upstream in".to_owned());
            return Ok(step);
        }
        let places = outcome.places();
        let mut step = self.refuse(application, paths, outcome, there);
        if step.verdict == Verdict::Conflict {
            step.culprit = culprit::breaking(self, id, application, &places)?;
        }
        Ok(step)
    }

    /// The patch is left out: a root conflict, or blocked by one before it.
    pub(super) fn refuse(
        &self,
        application: Application,
        paths: Vec<Vec<u8>>,
        outcome: Merged,
        there: Position,
    ) -> Step {
        let places = outcome.places();
        let opener = self.opener(&there, &places);
        let verdict = if opener.is_some() { Verdict::Blocked } else { Verdict::Conflict };
        let mut step = Step::stays(application, paths, verdict, there);
        if outcome.conflicts.is_empty() {
            step.notes.push(
                "git calls the merge not clean and names no path: a directory was renamed in several ways"
                    .to_owned(),
            );
        }
        step.paths.extend(places);
        step.conflicts = outcome.conflicts;
        step.blocked_by = opener;
        step
    }

    fn record(&mut self, id: CommitId, commit: &RawCommit, step: Step) {
        let place = self.walked.len();
        let tried_on = step.verdict.is_open().then_some(step.stands.commit);
        let mut stands = step.stands;
        let mut paths: BTreeSet<Vec<u8>> = step.paths.into_iter().collect();
        let mut notes = step.notes;
        if step.verdict.is_open() {
            stands.gaps = Rc::new(stands.gaps.iter().copied().chain([place]).collect());
            for path in &paths {
                self.open.entry(path.clone()).or_default().push(place);
            }
        } else if step.verdict.is_carried() {
            notes.extend(self.open_ground(&stands, &paths));
        }
        self.positions.insert(id, stands);
        self.walked.push(Walked { application: step.application, verdict: step.verdict, paths });
        self.patches.push(Patch {
            commit: id,
            subject: commit.subject(),
            author: commit.author(),
            merge: commit.parents.len() > 1,
            verdict: step.verdict,
            new_commit: step.carried.map(|(new, _)| new),
            tree: step.carried.map(|(_, tree)| tree),
            tried_on,
            conflicts: step.conflicts.into_iter().map(Conflict::from).collect(),
            blocked_by: step.blocked_by.map(|place| self.inventory.commits[place].0),
            culprit: step.culprit,
            upstream: step.upstream,
            notes,
        });
    }

    /// The first uncarried patch below `there` that left one of `paths` open.
    fn opener(&self, there: &Position, paths: &BTreeSet<Vec<u8>>) -> Option<usize> {
        if there.gaps.is_empty() {
            return None;
        }
        let open = paths.iter().filter_map(|path| self.open.get(path));
        open.filter_map(|places| places.iter().copied().find(|place| there.gaps.binary_search(place).is_ok()))
            .min()
    }

    /// What to say of a carried patch that touches what an uncarried one left open.
    fn open_ground(&self, stands: &Position, paths: &BTreeSet<Vec<u8>>) -> Option<String> {
        let (id, commit) = &self.inventory.commits[self.opener(stands, paths)?];
        Some(format!("touches a path that {} “{}” left open", id.short(), commit.subject()))
    }

    fn finish(self) -> Result<Carry, StackError> {
        let tip = self.position(self.inventory.tip);
        let whole = self.whole()?;
        let complete = tip.gaps.is_empty();
        let tree = whole.tree;
        let partial = (!complete).then_some(tip.commit);
        Ok(Carry {
            base: self.inventory.base,
            onto: self.inventory.onto,
            tip: self.inventory.tip,
            candidate: Candidate { commit: whole.commit, tree, complete },
            partial,
            counts: Counts::of(self.patches.iter().map(|patch| patch.verdict)),
            patches: self.patches,
            left_out: self.inventory.left_out.clone(),
            excluded: self.inventory.excluded.clone(),
        })
    }

    /// The last position on the first-parent line without a gap below it, if it holds the release: a
    /// history of its own that was merged in does not.
    fn whole(&self) -> Result<Position, StackError> {
        let mut at = Some(self.inventory.tip);
        while let Some(id) = at {
            let position = self.position(id);
            if position.gaps.is_empty() {
                let holds = self.objects.is_ancestor(self.inventory.onto, position.commit)?;
                return Ok(if holds { position } else { self.position(self.inventory.onto) });
            }
            at = self
                .places
                .get(&id)
                .and_then(|place| self.inventory.commits[*place].1.parents.first().copied());
        }
        Ok(self.position(self.inventory.onto))
    }
}
