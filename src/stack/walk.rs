//! The state of a carry: where each commit has come to stand, and what has been left open.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap, HashSet};

use super::answers::{Answers, Question, Settlement};
use super::apply::{self, Application};
use super::commit::{Committer, RawCommit};
use super::culprit::Grounds;
use super::fast::Merger;
use super::inventory::Inventory;
use super::ports::{FullMerge, Merged, Objects};
use super::settle::{Footings, Misfits};
use super::step::{Position, Refusal, Settled, Step};
use super::traces::Traces;
use super::tree::{Node, Touched};
use super::{Candidate, Carry, Conflict, Counts, Patch, StackError, Verdict, tree};
use crate::ids::{CommitId, ObjectId, TreeId};

/// How a patch is made again somewhere else.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    pub(super) patch: Application,
    /// Where the patch was settled: from the tree that it conflicted with to the settled one.
    pub(super) settled: Option<Application>,
}

impl Way {
    fn of(step: &Step) -> Self {
        let (patch, made) = (step.application, step.stands.tree);
        let settled = step.settled.as_ref().map(|_| Application::new(patch.there, made, patch.there));
        Self { patch, settled }
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
    pub(super) traces: Traces,
    /// What was done at each place so far.
    done: Vec<Way>,
    pub(super) grounds: Grounds,
    /// What of upstream is below each patch, found out when it is asked for.
    pub(super) footings: OnceCell<Footings>,
    pub(super) misfits: Misfits,
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
        let places: HashMap<CommitId, usize> =
            inventory.commits.iter().enumerate().map(|(place, (id, _))| (*id, place)).collect();
        let traces = Traces::of(inventory, &places);
        Ok(Self {
            objects,
            merger: Merger::new(objects, merger, onto.tree),
            inventory,
            committer,
            answers,
            onto,
            positions: HashMap::new(),
            places,
            traces,
            done: Vec::new(),
            grounds: Grounds::default(),
            footings: OnceCell::new(),
            misfits: Misfits::default(),
            patches: Vec::new(),
            settlements: Vec::new(),
        })
    }

    /// Where `old` stands now. Everything below the stack has become the release. In one line each patch
    /// stands on the one before it, whatever its parents were.
    pub(super) fn position(&self, old: CommitId) -> Position {
        let old = match self.here().checked_sub(1) {
            Some(last) if self.inventory.flatten => self.inventory.commits[last].0,
            _ => self.inventory.stand_in(old),
        };
        self.stands(old)
    }

    /// The place of the patch that is walked over now.
    pub(super) fn here(&self) -> usize {
        self.done.len()
    }

    /// What was done at a place before this one.
    pub(super) fn way(&self, place: usize) -> Way {
        self.done[place]
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
        let stands = Position { commit: new, tree };
        Ok(Step::goes_on(application, apply::paths(touched), verdict, stands))
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
        step.settled = Some(Settled { paths: lossy(outcome), answer: None });
        Ok(step)
    }

    /// The patch is left out: a root conflict, or blocked by one before it.
    pub(super) fn refuse(
        &self,
        application: Application,
        touched: &[Touched],
        outcome: Merged,
        there: Position,
        question: Question,
    ) -> Step {
        let mut places = outcome.places();
        places.extend(renamed(touched, &outcome));
        if outcome.crash.is_some() {
            // Any of them may be in conflict.
            places.extend(apply::paths(touched));
        }
        let blocked_by = self.traces.opener(self.here(), &places);
        let verdict = if blocked_by.is_some() { Verdict::Blocked } else { Verdict::Conflict };
        let mut step = Step::stays(application, apply::paths(touched), verdict, there);
        if let Some(crash) = outcome.crash {
            step.notes.push(format!(
                "git's own merge ended with {crash} on it, so nobody knows which paths are in conflict"
            ));
        } else if outcome.conflicts.is_empty() {
            step.notes.push(
                "git calls the merge not clean and names no path: a directory was renamed in several ways"
                    .to_owned(),
            );
        }
        step.paths.extend(places.iter().cloned());
        step.refusal = Some(Refusal { conflicts: outcome.conflicts, places, blocked_by, question });
        step
    }

    /// Remembers what a step came to, for the steps after it.
    pub(super) fn record(
        &mut self,
        id: CommitId,
        commit: &RawCommit,
        mut step: Step,
    ) -> Result<(), StackError> {
        let paths: BTreeSet<Vec<u8>> = std::mem::take(&mut step.paths).into_iter().collect();
        if !step.verdict.is_open() {
            step.notes.extend(self.open_ground(&paths));
            self.pass_on(step.application, &paths)?;
        }
        self.traces.enter(self.here(), step.verdict.is_open(), paths);
        self.done.push(Way::of(&step));
        self.positions.insert(id, step.stands);
        let (new_commit, tree) = match step.is_commit {
            true => (Some(step.stands.commit), Some(step.stands.tree)),
            false => (None, None),
        };
        let settled = step.settled.map_or_else(Vec::new, |settled| {
            if let Some((on_tree, tree)) = settled.answer {
                let paths = settled.paths.clone();
                self.settlements.push(Settlement { commit: id, on_tree, tree, paths });
            }
            settled.paths
        });
        let (culprit, upstream) = match step.verdict {
            Verdict::Upstreamed => (None, step.since),
            _ => (step.since, None),
        };
        let mut patch = Patch {
            commit: id,
            subject: commit.subject(),
            author: commit.author(),
            merge: commit.parents.len() > 1,
            verdict: step.verdict,
            new_commit,
            tree,
            tried_on: None,
            conflicts: Vec::new(),
            blocked_by: None,
            culprit,
            upstream,
            settled,
            question: None,
            notes: step.notes,
        };
        if let Some(refusal) = step.refusal {
            patch.tried_on = Some(step.stands.commit);
            patch.conflicts = refusal.conflicts.into_iter().map(Conflict::from).collect();
            patch.blocked_by = refusal.blocked_by.map(|place| self.inventory.commits[place].0);
            patch.question = Some(refusal.question);
        }
        self.patches.push(patch);
        Ok(())
    }

    /// A patch that takes an open path away leaves open what it adds: that may be the same file.
    fn pass_on(&mut self, patch: Application, paths: &BTreeSet<Vec<u8>>) -> Result<(), StackError> {
        let is_in = |tree, path: &Vec<u8>| tree::find(self.objects, tree, path).map(|node| node.is_some());
        let (mut gone, mut added) = (Vec::new(), Vec::new());
        for path in paths.iter().filter(|path| self.traces.is_open(path)) {
            if !is_in(patch.commit, path)? {
                gone.push(path);
            }
        }
        if gone.is_empty() {
            return Ok(());
        }
        for path in paths {
            if !is_in(patch.parent, path)? {
                added.push(path);
            }
        }
        self.traces.pass_on(&gone, &added);
        Ok(())
    }

    /// What to say of a patch that touches what an uncarried one left open.
    fn open_ground(&self, paths: &BTreeSet<Vec<u8>>) -> Option<String> {
        let (id, commit) = &self.inventory.commits[self.traces.opener(self.here(), paths)?];
        Some(format!("touches a path that {} “{}” left open", id.short(), commit.subject()))
    }

    /// Whether a patch at or below `old` was not carried.
    fn has_gap(&self, old: CommitId) -> bool {
        self.places.get(&old).is_some_and(|place| self.traces.has_gap(*place))
    }

    /// After the last patch.
    pub(super) fn finish(self) -> Result<Carry, StackError> {
        let tip = self.position(self.inventory.tip);
        let whole = self.whole()?;
        let complete = !self.has_gap(self.inventory.stand_in(self.inventory.tip));
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
            if !self.has_gap(id) {
                let position = self.stands(id);
                let holds = self.objects.is_ancestor(self.inventory.onto, position.commit)?;
                return Ok(if holds { position } else { self.release() });
            }
            at = self.places.get(&id).and_then(|place| self.inventory.before(*place));
        }
        Ok(self.release())
    }

    fn stands(&self, id: CommitId) -> Position {
        self.positions.get(&id).copied().unwrap_or_else(|| self.release())
    }

    const fn release(&self) -> Position {
        Position { commit: self.inventory.onto, tree: self.onto.tree }
    }
}

/// The paths under which the patch has what is in conflict elsewhere: git has found a rename.
fn renamed(touched: &[Touched], outcome: &Merged) -> Vec<Vec<u8>> {
    let objects: HashSet<ObjectId> =
        outcome.conflicts.iter().flat_map(|conflict| &conflict.objects).copied().collect();
    let is_there = |node: Node| node.is_some_and(|(_, id)| objects.contains(&id));
    let spots = touched.iter().filter(|spot| is_there(spot.before) || is_there(spot.after));
    spots.map(|spot| spot.path.clone()).collect()
}

/// The paths in conflict, for people.
pub(super) fn lossy(outcome: &Merged) -> Vec<String> {
    outcome.conflicts.iter().cloned().map(|conflict| Conflict::from(conflict).path).collect()
}
