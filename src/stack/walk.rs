//! The state of a carry: where each commit has come to stand, and what has been left open.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::answers::{Answers, Question, Settlement};
use super::apply::{self, Application};
use super::commit::{Committer, RawCommit};
use super::fast::Merger;
use super::inventory::Inventory;
use super::ports::{FullMerge, Merged, Objects, PathConflict};
use super::tree::Touched;
use super::{Candidate, Carry, Conflict, Counts, Culprit, Patch, StackError, Verdict};
use crate::ids::{CommitId, TreeId};

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
    /// The paths that a person settled.
    pub(super) settled: Vec<String>,
    /// The tree to which the answer belongs, and the answer.
    pub(super) answer: Option<(TreeId, TreeId)>,
    pub(super) question: Option<Question>,
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
            settled: Vec::new(),
            answer: None,
            question: None,
            notes: Vec::new(),
        }
    }
}

/// The state of a carry between two patches.
pub(super) struct Walk<'a> {
    pub(super) objects: &'a dyn Objects,
    pub(super) merger: Merger<'a>,
    pub(super) inventory: &'a Inventory,
    committer: &'a Committer,
    answers: &'a Answers,
    pub(super) onto: RawCommit,
    positions: HashMap<CommitId, Position>,
    pub(super) places: HashMap<CommitId, usize>,
    pub(super) walked: Vec<Walked>,
    /// Every open path, with the places of the uncarried patches that touch it, ascending.
    open: HashMap<Vec<u8>, Vec<usize>>,
    patches: Vec<Patch>,
    settlements: Vec<Settlement>,
}

impl<'a> Walk<'a> {
    /// Before the first patch.
    pub(super) fn start(
        objects: &'a dyn Objects,
        merger: &'a dyn FullMerge,
        inventory: &'a Inventory,
        committer: &'a Committer,
        answers: &'a Answers,
    ) -> Result<Self, StackError> {
        let onto = RawCommit::parse(inventory.onto, &objects.commit(inventory.onto)?)?;
        let places = inventory.commits.iter().enumerate().map(|(place, (id, _))| (*id, place)).collect();
        Ok(Self {
            objects,
            merger: Merger::new(objects, merger, onto.tree),
            inventory,
            committer,
            answers,
            onto,
            positions: HashMap::new(),
            places,
            walked: Vec::new(),
            open: HashMap::new(),
            patches: Vec::new(),
            settlements: Vec::new(),
        })
    }

    /// Where `old` stands now. Everything below the stack has become the release. In one line each patch
    /// stands on the one before it, whatever its parents were.
    pub(super) fn position(&self, old: CommitId) -> Position {
        let old = match self.walked.len().checked_sub(1) {
            Some(last) if self.inventory.flatten => self.inventory.commits[last].0,
            _ => self.inventory.stand_in(old),
        };
        self.positions.get(&old).cloned().unwrap_or_else(|| self.release())
    }

    /// The tree of a commit's first parent, or the empty tree.
    pub(super) fn parent_tree(&self, commit: &RawCommit) -> Result<TreeId, StackError> {
        match commit.parents.first().and_then(|parent| self.places.get(parent)) {
            Some(place) => Ok(self.inventory.commits[*place].1.tree),
            None => apply::parent_tree(self.objects, commit),
        }
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

    /// The tree that a person made of the patch `id` on the tree `on`, where somebody was asked.
    pub(super) fn answer(&self, id: CommitId, on: TreeId) -> Result<Option<TreeId>, StackError> {
        let Some(tree) = self.answers.get(id, on) else { return Ok(None) };
        // One that is gone is found out here, and not by whoever needs the candidate.
        self.objects.tree(tree)?;
        Ok(Some(tree))
    }

    /// The patch becomes what a person settled: a commit of `tree`, or nothing where that is the tree
    /// it stands on.
    pub(super) fn settle(
        &self,
        commit: &RawCommit,
        application: Application,
        touched: &[Touched],
        tree: TreeId,
        outcome: &Merged,
        there: Position,
    ) -> Result<Step, StackError> {
        let mut step = if tree == there.tree {
            Step::stays(application, apply::paths(touched), Verdict::Empty, there)
        } else {
            self.go_on(commit, application, touched, Verdict::Resolved, tree, there)?
        };
        step.settled = lossy(outcome);
        Ok(step)
    }

    /// The patch is left out: a root conflict, or blocked by one before it.
    pub(super) fn refuse(
        &self,
        application: Application,
        paths: Vec<Vec<u8>>,
        outcome: Merged,
        there: Position,
        question: Question,
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
        step.question = Some(question);
        step
    }

    /// Remembers what a step came to, for the steps after it.
    pub(super) fn record(&mut self, id: CommitId, commit: &RawCommit, step: Step) {
        let place = self.walked.len();
        let tried_on = step.verdict.is_open().then_some(step.stands.commit);
        let mut stands = step.stands;
        let paths: BTreeSet<Vec<u8>> = step.paths.into_iter().collect();
        let mut notes = step.notes;
        if step.verdict.is_open() {
            stands.gaps = Rc::new(stands.gaps.iter().copied().chain([place]).collect());
            for path in &paths {
                self.open.entry(path.clone()).or_default().push(place);
            }
        } else if step.verdict.is_carried() {
            notes.extend(self.open_ground(&stands, &paths));
        }
        if let Some((on_tree, tree)) = step.answer {
            self.settlements.push(Settlement { commit: id, on_tree, tree, paths: step.settled.clone() });
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
            settled: step.settled,
            question: step.question,
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

    /// After the last patch.
    pub(super) fn finish(self) -> Result<Carry, StackError> {
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
            landed: self.inventory.landed,
            settlements: self.settlements,
        })
    }

    /// The last position on the first-parent line without a gap below it, if it holds the release: a
    /// history of its own that was merged in does not.
    fn whole(&self) -> Result<Position, StackError> {
        let mut at = Some(self.inventory.stand_in(self.inventory.tip));
        while let Some(id) = at {
            let position = self.positions.get(&id).cloned().unwrap_or_else(|| self.release());
            if position.gaps.is_empty() {
                let holds = self.objects.is_ancestor(self.inventory.onto, position.commit)?;
                return Ok(if holds { position } else { self.release() });
            }
            at = self.places.get(&id).and_then(|place| self.inventory.before(*place));
        }
        Ok(self.release())
    }

    fn release(&self) -> Position {
        Position { commit: self.inventory.onto, tree: self.onto.tree, gaps: Rc::default() }
    }
}

/// The paths in conflict, for people.
pub(super) fn lossy(outcome: &Merged) -> Vec<String> {
    outcome.conflicts.iter().cloned().map(|conflict| Conflict::from(conflict).path).collect()
}
