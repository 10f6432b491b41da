//! One merge on its new parents.
//!
//! The new parents are merged again, and what the person did in the old merge is carried over by a
//! three-way merge of (automatic merge of the old parents, automatic merge of the new parents, the
//! old merge). A conflict inside an automatic merge is content like any other, its markers have
//! constant labels, and the person's settlement replaces it.

use super::answers::Question;
use super::apply::{self, Application, Applied};
use super::commit::RawCommit;
use super::ports::{Merged, PathConflict};
use super::step::{Position, Settled, Step};
use super::walk::{Walk, lossy};
use super::{StackError, Verdict, settle, tree};
use crate::ids::{CommitId, TreeId};

/// How the automatic merge's markers begin, with their constant label.
const MARKER: &[u8] = b"<<<<<<< ours";

/// Carries one merge.
pub(super) fn step(walk: &Walk<'_>, id: CommitId, commit: &RawCommit) -> Result<Step, StackError> {
    if walk.inventory.flatten {
        let before = automatic(walk, &commit.parents, commit)?;
        return single(walk, id, commit, &before, walk.position(id));
    }
    let first = walk.position(commit.parents[0]);
    let parents = new_parents(walk, commit)?;
    let ids: Vec<CommitId> = parents.iter().map(|parent| parent.commit).collect();
    let whole = Application::new(walk.parent_tree(commit)?, commit.tree, first.tree);
    let touched = tree::touched(walk.objects, whole.parent, whole.commit, whole.there)?;
    let paths = apply::paths(&touched);
    if ids == commit.parents {
        let stands = Position { commit: id, tree: commit.tree };
        return Ok(Step::goes_on(whole, paths, Verdict::Clean, stands));
    }
    let before = automatic(walk, &commit.parents, commit)?;
    let [only] = &parents[..] else {
        let made = several(walk, id, commit.tree, &before, automatic(walk, &ids, commit)?)?;
        let Made { tree, settled } = match made {
            Ok(made) => made,
            Err(Open { outcome, on }) => {
                let question = Question { on, may_be_left_out: false };
                return Ok(walk.refuse(whole, &touched, outcome, first, question));
            }
        };
        let new = walk.join(commit, tree, &ids)?;
        let moved = touched.iter().any(|spot| spot.before != spot.there);
        let verdict = if moved { Verdict::Merged } else { Verdict::Clean };
        let mut step = Step::goes_on(whole, paths, verdict, Position { commit: new, tree });
        if let Some(Settling { paths, asked }) = settled {
            step.verdict = Verdict::Resolved;
            step.settled = Some(Settled { paths, answer: None });
            match asked {
                Some(on) => settle::by_answer(&mut step, on, tree),
                None => step.notes.push(settle::by_merge(step.verdict)),
            }
        }
        return Ok(step);
    };
    single(walk, id, commit, &before, *only)
}

/// What a merge of several parents makes.
pub(super) struct Made {
    tree: TreeId,
    settled: Option<Settling>,
}

/// Where a conflict of it was, and on which tree a person was asked; without one, a later merge has settled it.
struct Settling {
    paths: Vec<String>,
    asked: Option<TreeId>,
}

/// A conflict that nobody has settled yet, and the tree that an answer to it belongs to.
pub(super) struct Open {
    outcome: Merged,
    on: TreeId,
}

/// The person's part of the old merge on `after`, the automatic merge of its new parents. That one stands for
/// all of them, where the first one's tree would not.
pub(super) fn several(
    walk: &Walk<'_>,
    id: CommitId,
    old: TreeId,
    before: &Merged,
    after: Merged,
) -> Result<Result<Made, Open>, StackError> {
    let on = after.tree;
    let outcome = carry_over(walk, old, before, &after)?;
    if outcome.clean {
        return Ok(Ok(Made { tree: outcome.tree, settled: None }));
    }
    let settled = |tree, asked| {
        let settled = Some(Settling { paths: lossy(&outcome), asked });
        Ok(Ok(Made { tree, settled }))
    };
    if let Some(tree) = settle::settled(walk, id, Application::new(before.tree, old, on), &outcome)? {
        return settled(tree, None);
    }
    if let Some(tree) = walk.answer(id, on)? {
        return settled(tree, Some(on));
    }
    Ok(Err(Open { outcome, on }))
}

/// A merge of which one parent is left, as when it brought upstream in: what the person did in it
/// goes on as an ordinary commit with its message.
fn single(
    walk: &Walk<'_>,
    id: CommitId,
    commit: &RawCommit,
    before: &Merged,
    there: Position,
) -> Result<Step, StackError> {
    let application = Application::new(before.tree, commit.tree, there.tree);
    let touched = tree::touched(walk.objects, application.parent, application.commit, application.there)?;
    let applied = match before.crash {
        // What was done in it, and what it brought together, are not known apart.
        Some(crash) => Applied::Conflict(Merged::broken(there.tree, crash)),
        None => apply::apply(&walk.merger, application, &touched)?,
    };
    match applied {
        Applied::NothingBefore | Applied::NothingHere => {
            Ok(Step::stays(application, apply::paths(&touched), Verdict::Empty, there))
        }
        Applied::Carried { tree, merged } => {
            let verdict = if merged { Verdict::Merged } else { Verdict::Clean };
            let mut step = walk.go_on(commit, application, &touched, verdict, tree, there)?;
            step.notes.push("was a merge; what was done in it goes on as an ordinary commit".to_owned());
            Ok(step)
        }
        Applied::Conflict(outcome) => settle::step(walk, id, commit, application, &touched, outcome, there),
    }
}

/// Where the parents stand now. One that has nothing of its own any more is no parent: it is part of
/// another one, and was not so in the old merge (`git merge --no-ff`). The first parent goes only
/// where it has become the release itself: a branch whose patches upstream took still is the branch
/// that the others were merged into.
pub(super) fn new_parents(walk: &Walk<'_>, commit: &RawCommit) -> Result<Vec<Position>, StackError> {
    let stands: Vec<Position> = commit.parents.iter().map(|parent| walk.position(*parent)).collect();
    let mut kept = Vec::new();
    for (at, one) in stands.iter().enumerate() {
        let stays = at == 0 && one.commit != walk.inventory.onto;
        let mut needed = true;
        for (other_at, other) in stands.iter().enumerate().filter(|(other_at, _)| *other_at != at) {
            let repeats = if one.commit == other.commit {
                other_at < at
            } else {
                let was = walk.objects.is_ancestor(commit.parents[at], commit.parents[other_at])?;
                !stays && !was && walk.objects.is_ancestor(one.commit, other.commit)?
            };
            needed &= !repeats;
        }
        if needed {
            kept.push(*one);
        }
    }
    Ok(kept)
}

/// git's merge of `parents`, one after the other, conflicts and all.
pub(super) fn automatic(
    walk: &Walk<'_>,
    parents: &[CommitId],
    commit: &RawCommit,
) -> Result<Merged, StackError> {
    let mut at = parents[0];
    let mut merged = Merged::trivial(apply::tree_of(walk.objects, at)?);
    for (done, parent) in parents.iter().enumerate().skip(1) {
        let next = walk.merger.git().commits(at, *parent)?;
        let mut conflicts = std::mem::take(&mut merged.conflicts);
        conflicts.extend(next.conflicts);
        let (clean, crash) = (merged.clean && next.clean, merged.crash.or(next.crash));
        merged = Merged { tree: next.tree, clean, conflicts, crash };
        if done + 1 < parents.len() {
            at = walk.join(commit, merged.tree, &parents[..=done])?;
        }
    }
    Ok(merged)
}

/// The person's part of the old merge on the new automatic one.
fn carry_over(walk: &Walk<'_>, old: TreeId, before: &Merged, after: &Merged) -> Result<Merged, StackError> {
    let mut outcome = walk.merger.merge(Application::new(before.tree, old, after.tree))?;
    for conflict in &after.conflicts {
        let known = outcome.conflicts.iter().any(|other| other.path == conflict.path);
        if !known && is_open(walk, before, &outcome, conflict)? {
            outcome.conflicts.push(conflict.clone());
            outcome.clean = false;
        }
    }
    if !after.clean && after.conflicts.is_empty() && before.clean {
        outcome.clean = false;
    }
    if let Some(crash) = before.crash.or(after.crash) {
        outcome.clean = false;
        outcome.crash = Some(crash);
    }
    outcome.conflicts.sort();
    Ok(outcome)
}

/// Whether nobody has settled this conflict of the new automatic merge: the old one did not have
/// it, or markers are left.
fn is_open(
    walk: &Walk<'_>,
    before: &Merged,
    outcome: &Merged,
    conflict: &PathConflict,
) -> Result<bool, StackError> {
    if !before.conflicts.iter().any(|old| old.path == conflict.path) {
        return Ok(true);
    }
    let Some((mode, id)) = tree::find(walk.objects, outcome.tree, &conflict.path)? else { return Ok(false) };
    if mode.is_tree() || mode.is_submodule() {
        return Ok(false);
    }
    let content = walk.objects.blob(id)?;
    Ok(content.split(|byte| *byte == b'\n').any(|line| line.starts_with(MARKER)))
}
