//! What a person settled when upstream was merged into the branch.
//!
//! A patch that was written before such a merge conflicts with the release where it conflicted with
//! the merge. The person's answer stands in the merge's tree: the difference from the upstream that
//! was merged in to the merge is what the fork wants of a path, and it is carried to the release.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use super::answers::Question;
use super::apply::{self, Application};
use super::commit::RawCommit;
use super::inventory::newest;
use super::ports::{Merged, PortError};
use super::step::{Position, Step};
use super::tree::{self, Touched};
use super::walk::Walk;
use super::{StackError, Verdict};
use crate::ids::{CommitId, ObjectId, TreeId};

/// What becomes of the patch `id` that conflicts on `there`: it takes a later merge's settlement or a person's
/// answer, or it is refused.
pub(super) fn step(
    walk: &Walk<'_>,
    id: CommitId,
    commit: &RawCommit,
    application: Application,
    touched: &[Touched],
    outcome: Merged,
    there: Position,
) -> Result<Step, StackError> {
    if let Some(tree) = settled(walk, id, application, &outcome)? {
        let mut step = walk.settle(commit, application, touched, tree, &outcome, there)?;
        step.notes.push(by_merge(step.verdict));
        return Ok(step);
    }
    let on = there.tree;
    if let Some(tree) = walk.answer(id, on)? {
        let mut step = walk.settle(commit, application, touched, tree, &outcome, there)?;
        by_answer(&mut step, on, tree);
        return Ok(step);
    }
    let question = Question { on, may_be_left_out: true };
    Ok(walk.refuse(application, touched, outcome, there, question))
}

/// Says that a later merge has settled it.
pub(super) fn by_merge(verdict: Verdict) -> String {
    match verdict {
        Verdict::Empty => "a later merge settled it: nothing of it is left",
        _ => "takes the settlement of a later merge",
    }
    .to_owned()
}

/// Says that a person was asked and answered `tree` to the question on the tree `on`.
pub(super) fn by_answer(step: &mut Step, on: TreeId, tree: TreeId) {
    if let Some(settled) = &mut step.settled {
        settled.answer = Some((on, tree));
    }
    step.notes.push(
        match step.verdict {
            Verdict::Empty => "left out: whoever settled its conflict kept nothing of it",
            _ => "settled by hand with `patch-moi resume`",
        }
        .to_owned(),
    );
}

/// The tree that the patch `id` makes when every path in which it conflicts takes the settlement of
/// a later merge that brought upstream in: the nearest one whose answer fits. Nothing where there is
/// none, or where its answer conflicts with the release too.
pub(super) fn settled(
    walk: &Walk<'_>,
    id: CommitId,
    application: Application,
    outcome: &Merged,
) -> Result<Option<TreeId>, StackError> {
    if outcome.has_unnamed() {
        return Ok(None);
    }
    let paths = outcome.paths();
    for (brought, merge) in settling_merges(walk, id)? {
        let answer = Application::new(apply::tree_of(walk.objects, brought)?, merge, application.there);
        if walk.misfits.any(walk, answer, &paths)? {
            continue;
        }
        let wanted = walk.merger.merge(answer)?;
        walk.misfits.enter(walk, answer, &wanted.paths())?;
        if wanted.has_unnamed() || !wanted.paths().is_disjoint(&paths) {
            continue;
        }
        if let Some(tree) = take(walk, application, outcome.tree, wanted.tree, &paths)? {
            return Ok(Some(tree));
        }
    }
    Ok(None)
}

/// Three contents of a path that do not merge.
type Misfit = (Vec<u8>, [ObjectId; 3]);

/// Answers that have turned out not to fit. Where all three sides have a file, no rename has a say, and they do
/// not fit anywhere: so a fork that has merged upstream often does not try each merge again for each patch.
#[derive(Debug, Default)]
pub(super) struct Misfits(RefCell<HashSet<Misfit>>);

impl Misfits {
    fn any(
        &self,
        walk: &Walk<'_>,
        answer: Application,
        paths: &BTreeSet<Vec<u8>>,
    ) -> Result<bool, PortError> {
        for path in paths {
            if let Some(files) = files(walk, answer, path)?
                && self.0.borrow().contains(&(path.clone(), files))
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn enter(
        &self,
        walk: &Walk<'_>,
        answer: Application,
        paths: &BTreeSet<Vec<u8>>,
    ) -> Result<(), PortError> {
        for path in paths {
            if let Some(files) = files(walk, answer, path)? {
                self.0.borrow_mut().insert((path.clone(), files));
            }
        }
        Ok(())
    }
}

/// What stands at a path, where it is a file on all sides.
fn files(walk: &Walk<'_>, answer: Application, path: &[u8]) -> Result<Option<[ObjectId; 3]>, PortError> {
    let mut files = Vec::with_capacity(3);
    for side in [answer.there, answer.parent, answer.commit] {
        match tree::find(walk.objects, side, path)? {
            Some((mode, id)) if mode.is_regular() => files.push(id),
            _ => return Ok(None),
        }
    }
    Ok(files.try_into().ok())
}

/// `tree` with what `wanted` has at `paths`. Nothing where one of them is a name that git made up
/// for a collision: what a person settled has other names.
fn take(
    walk: &Walk<'_>,
    application: Application,
    mut tree: TreeId,
    wanted: TreeId,
    paths: &BTreeSet<Vec<u8>>,
) -> Result<Option<TreeId>, StackError> {
    for path in paths {
        let node = tree::find(walk.objects, wanted, path)?;
        let mut known = node.is_some();
        for side in [application.parent, application.there, application.commit] {
            known = known || tree::find(walk.objects, side, path)?.is_some();
        }
        if !known {
            return Ok(None);
        }
        tree = tree::replace(walk.objects, tree, path, node)?;
    }
    Ok(Some(tree))
}

/// The merges above `id` in which somebody may have settled it, oldest first: each commit that they brought
/// in, and their tree. They are those that brought upstream in, also by way of another branch; where the
/// patches go on as one line, also those that brought another branch in, for then the branches meet sooner.
fn settling_merges(walk: &Walk<'_>, id: CommitId) -> Result<Vec<(CommitId, TreeId)>, StackError> {
    let Some(place) = walk.places.get(&id) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for merge in walk.traces.merges_above(*place) {
        let commit = &walk.inventory.commits[merge].1;
        for brought in &commit.parents {
            let parent = walk.inventory.stand_in(*brought);
            let known = walk.places.get(&parent);
            if known.is_some_and(|known| walk.traces.holds(*known, *place)) {
                continue;
            }
            let is_beside = known.is_some_and(|known| !walk.traces.holds(*place, *known));
            if (walk.inventory.flatten && is_beside) || brings_upstream(walk, id, parent)? {
                // What the merge was made with: a candidate that stands in for it holds more.
                found.push((*brought, commit.tree));
            }
        }
    }
    Ok(found)
}

/// The newest of upstream below the branch that ends with each patch.
pub(super) type Footings = HashMap<CommitId, Rc<BTreeSet<CommitId>>>;

/// Whether `parent` is something of upstream, or holds something of it, that `id` does not hold.
fn brings_upstream(walk: &Walk<'_>, id: CommitId, parent: CommitId) -> Result<bool, PortError> {
    let footings = match walk.footings.get() {
        Some(footings) => footings,
        None => {
            let footings = footings(walk)?;
            walk.footings.get_or_init(|| footings)
        }
    };
    let (brought, own) = (footing(footings, parent), footing(footings, id));
    for upstream in brought.difference(&own) {
        let mut held = false;
        for known in own.iter() {
            held = held || walk.objects.is_ancestor(*upstream, *known)?;
        }
        if !held {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What is not in the stack is upstream's.
fn footing(known: &Footings, id: CommitId) -> Rc<BTreeSet<CommitId>> {
    known.get(&id).cloned().unwrap_or_else(|| Rc::new(BTreeSet::from([id])))
}

fn footings(walk: &Walk<'_>) -> Result<Footings, PortError> {
    let mut all = Footings::with_capacity(walk.inventory.commits.len());
    for (id, commit) in &walk.inventory.commits {
        let below = below(walk, &all, commit)?;
        all.insert(*id, below);
    }
    Ok(all)
}

/// Of a line of patches it is one and the same set.
fn below(walk: &Walk<'_>, known: &Footings, commit: &RawCommit) -> Result<Rc<BTreeSet<CommitId>>, PortError> {
    let mut parents = commit.parents.iter().map(|parent| footing(known, walk.inventory.stand_in(*parent)));
    let Some(first) = parents.next() else { return Ok(Rc::default()) };
    let mut all: BTreeSet<CommitId> = (*first).clone();
    parents.for_each(|parent| all.extend(parent.iter()));
    if all.len() == first.len() {
        return Ok(first);
    }
    Ok(Rc::new(newest(walk.objects, &all, None)?.into_iter().collect()))
}
