//! The way of each patch: tried, carried, dropped or left out.

use std::cell::OnceCell;

use super::answers::Answers;
use super::apply::{self, Application, Applied, Held};
use super::commit::{Committer, RawCommit};
use super::culprit;
use super::inventory::Inventory;
use super::line::Line;
use super::ports::{FullMerge, Merged, Objects};
use super::step::{Position, Step};
use super::tree::{self, Touched};
use super::upstream::Upstream;
use super::walk::Walk;
use super::{Carry, StackError, Verdict, merges, settle};
use crate::ids::CommitId;

/// Told before each patch: how many are done, and of how many.
pub(crate) type Progress<'a> = &'a mut dyn FnMut(usize, usize);

/// Carries the stack of `inventory` to its release. A patch that conflicts, and for which `answers`
/// has a tree there, is carried with it.
///
/// # Errors
/// Where an object is missing or malformed, or git's merge cannot run. A conflict is no error.
pub(crate) fn carry(
    objects: &dyn Objects,
    merger: &dyn FullMerge,
    inventory: &Inventory,
    committer: &Committer,
    answers: &Answers,
    progress: Progress<'_>,
) -> Result<Carry, StackError> {
    let walk = Walk::start(objects, merger, inventory, committer, answers)?;
    let mut replay = Replay { walk, line: OnceCell::new(), upstream: OnceCell::new() };
    for (done, (id, commit)) in inventory.commits.iter().enumerate() {
        progress(done, inventory.commits.len());
        let step = replay.step(*id, commit)?;
        replay.walk.record(*id, commit, step)?;
    }
    progress(inventory.commits.len(), inventory.commits.len());
    replay.walk.finish()
}

/// A carry on its way.
struct Replay<'a> {
    walk: Walk<'a>,
    line: OnceCell<Line>,
    upstream: OnceCell<Upstream>,
}

impl Replay<'_> {
    /// Upstream's way to the release, looked up once.
    fn line(&self) -> Result<&Line, StackError> {
        if let Some(line) = self.line.get() {
            return Ok(line);
        }
        let line = Line::of(&self.walk)?;
        Ok(self.line.get_or_init(|| line))
    }

    /// Upstream's own changes on the way to the release, looked up once.
    fn upstream(&self) -> Result<&Upstream, StackError> {
        if let Some(upstream) = self.upstream.get() {
            return Ok(upstream);
        }
        let upstream = Upstream::of(&self.walk, self.line()?)?;
        Ok(self.upstream.get_or_init(|| upstream))
    }

    fn step(&self, id: CommitId, commit: &RawCommit) -> Result<Step, StackError> {
        match commit.parents[..] {
            [] if self.walk.inventory.flatten => self.ordinary(id, commit, self.walk.position(id), id),
            [] => Ok(keep(id, commit)),
            [parent] => self.ordinary(id, commit, self.walk.position(parent), parent),
            _ => self.merge(id, commit),
        }
    }

    fn merge(&self, id: CommitId, commit: &RawCommit) -> Result<Step, StackError> {
        let mut step = merges::step(&self.walk, id, commit)?;
        if let Some(places) = step.asks() {
            step.since =
                culprit::breaking_merge(&self.walk, self.line()?, id, commit, step.application, places)?;
        }
        Ok(step)
    }

    fn ordinary(
        &self,
        id: CommitId,
        commit: &RawCommit,
        there: Position,
        parent: CommitId,
    ) -> Result<Step, StackError> {
        let application =
            Application::new(self.walk.parent_tree(commit)?, commit.tree, there.tree).named(there.commit, id);
        let touched =
            tree::touched(self.walk.objects, application.parent, application.commit, application.there)?;
        let paths = apply::paths(&touched);
        if there.commit == parent {
            // Its parent did not move, and it stays the same commit.
            let is_empty = application.parent == application.commit;
            let verdict = if is_empty { Verdict::Empty } else { Verdict::Clean };
            let stands = Position { commit: id, tree: commit.tree };
            return Ok(Step::goes_on(application, paths, verdict, stands));
        }
        match apply::apply(&self.walk.merger, application, &touched)? {
            Applied::NothingBefore => {
                self.walk.go_on(commit, application, &touched, Verdict::Empty, there.tree, there)
            }
            Applied::Carried { tree, merged } => {
                let verdict = if merged { Verdict::Merged } else { Verdict::Clean };
                let mut step = self.walk.go_on(commit, application, &touched, verdict, tree, there)?;
                step.notes.extend(self.upstream()?.had(&self.walk, application, &step.paths)?);
                Ok(step)
            }
            Applied::NothingHere => self.gone(application, paths, there),
            Applied::Conflict(outcome) => self.conflict(id, commit, application, &touched, outcome, there),
        }
    }

    /// The patch changes nothing here: upstream has it, or patches before it do.
    fn gone(
        &self,
        application: Application,
        paths: Vec<Vec<u8>>,
        there: Position,
    ) -> Result<Step, StackError> {
        let onto = self.walk.onto.tree;
        if there.tree == onto || apply::is_absorbed(&self.walk.merger, application, onto)? {
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
        let mut step = Step::stays(application, paths, Verdict::Upstreamed, there);
        step.since = culprit::absorbing(&self.walk, self.line()?, application)?;
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
        let held = self.held(application)?;
        if held == Held::Whole {
            return self.upstreamed(application, paths, there);
        }
        let mut step = settle::step(&self.walk, id, commit, application, touched, outcome, there)?;
        if let Some(places) = step.asks() {
            step.since = culprit::breaking(&self.walk, self.line()?, id, application, places)?;
            step.notes.extend(self.upstream()?.had(&self.walk, application, &paths)?);
            if held == Held::Part {
                step.notes.push("a part of it is in the release, in other words".to_owned());
            }
        }
        Ok(step)
    }

    /// How much of a patch that conflicts the release holds. Where earlier patches have changed what it
    /// touches, they must have left it there.
    fn held(&self, patch: Application) -> Result<Held, StackError> {
        let (merger, onto) = (&self.walk.merger, self.walk.onto.tree);
        let held = apply::holds(merger, patch, patch.there)?;
        if held == Held::Whole && patch.there != onto && !apply::is_absorbed(merger, patch, onto)? {
            return Ok(Held::Unknown);
        }
        Ok(held)
    }
}

/// A history of its own that was merged in stands on nothing and stays as it is.
fn keep(id: CommitId, commit: &RawCommit) -> Step {
    let application = Application::new(tree::empty(), commit.tree, tree::empty());
    Step::goes_on(application, Vec::new(), Verdict::Clean, Position { commit: id, tree: commit.tree })
}
