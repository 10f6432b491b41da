//! The steps of an event that were selected, one after the other.

use std::cell::Cell;

use super::super::next_events::Following;
use super::super::preparing::Prepared;
use super::super::script_step::{self, Stepped};
use super::super::session::{Job, Session};
use super::super::stack_step::{self, Carried};
use super::super::words::standing;
use super::super::{again, code_mode_step, flow_candidate, gated};
use super::recording::Done;
use crate::event::Event;
use crate::failure::{Failure, Kind, Result};
use crate::flow::{Runner, Selected, Selection};
use crate::ids::{Digest, TagName};
use crate::process::{self, ProcessError};
use crate::record::Status;
use crate::release::State;
use crate::report::{EventReport, StepReport};

/// One event on its way.
pub(super) struct Through<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) job: &'a Job<'a>,
    pub(super) event: Event,
    pub(super) tag: TagName,
    pub(super) digest: Digest,
    pub(super) prepared: Option<Prepared>,
    /// When it was asked for: what another process does for the event from then on need not be done twice.
    pub(super) asked_at: String,
    /// Whether only what a gate kept back before is done: then the release stands where it stood.
    pub(super) rest: bool,
    /// Whether a step of a flow has made a candidate.
    pub(super) has_candidate: Cell<bool>,
    /// What a reader of the record should know.
    pub(super) warnings: Vec<String>,
}

impl Through<'_> {
    /// The dry run: everything but writing.
    pub(super) fn plan(&self, selection: &Selection<'_>, about: &mut EventReport) -> Result<Kind> {
        let mut kind = Kind::Done;
        let stored = again::runs_of(self.session, &self.event.id)?;
        for selected in &selection.selected {
            if let Some(kept) = again::kept(self.session, &stored, (&self.event, selected), &self.asked_at) {
                about.steps.push(kept.report(selected));
                continue;
            }
            let Stepped { carried, .. } = self.step(selected)?;
            kind = kind.worse(ends(selection, selected, &carried));
            about.plan = about.plan.take().or_else(|| carried.plan.clone());
            about.steps.push(self.step_report(selected, carried));
        }
        Ok(kind)
    }

    /// The real run: the event is recorded before anything is done for it.
    pub(super) fn apply(
        &self,
        selection: &Selection<'_>,
        about: &mut EventReport,
        next: &mut Following,
    ) -> Result<Kind> {
        let _claim = self.session.client.claim(&self.event.id)?;
        let (event, stored) = self.record_event()?;
        if self.session.record_only {
            about.ledger = Some(standing(State::Seen));
            return Ok(Kind::Done);
        }
        let begun = self.session.context.stamp();
        let (mut kind, mut state, mut runs) = (Kind::Done, State::Adopted, Vec::new());
        for selected in &selection.selected {
            if let Some(kept) = again::kept(self.session, &stored, (&self.event, selected), &self.asked_at) {
                state = weightier(state, kept.state(selected, self.prepared.is_some()));
                about.steps.push(kept.report(selected));
                runs.push(kept.run);
                continue;
            }
            let started_at = self.session.context.stamp();
            let done = self.step(selected);
            let run = self.run_record(selected, &event, &started_at, &done);
            self.session
                .client
                .update(|client| client.put_run(&run))?
                .map_err(|err| Failure::new(Kind::Failed, err))?;
            runs.push(again::stored(&run)?);
            let carried = match done {
                Ok(Stepped { carried, outcome, .. }) => {
                    if let Ok(result) = &outcome {
                        next.add(&selected.full_name(), result.next(), self.job.depth);
                    }
                    carried
                }
                Err(failure) => {
                    return Err(self.broken_off(failure, (&event, &runs, &begun), about, next)?);
                }
            };
            kind = kind.worse(ends(selection, selected, &carried));
            state = weightier(state, carried.state);
            about.steps.push(self.step_report(selected, carried));
        }
        let (dispatch, attempt) = self.record_dispatch(&event, &runs, &begun)?;
        let state = if self.rest { self.stands()?.unwrap_or(state) } else { state };
        self.enter(state)?;
        about.ledger = Some(standing(state));
        let done = Done { event: &event, runs: &runs, dispatch, attempt, state, warnings: &next.warnings };
        about.record = self.write_record(done, about)?.map(|folder| folder.display().to_string());
        Ok(kind)
    }

    fn step(&self, selected: &Selected<'_>) -> Result<Stepped> {
        if let Some(gate) = selected.gate {
            return Ok(gated::waits(gate));
        }
        match (selected.step.runner, &self.prepared) {
            (Runner::PatchStack, Some(prepared)) => {
                stack_step::carry(self.session, &self.event, selected, prepared).map(Stepped::from)
            }
            (runner, prepared) => {
                // Beside a stack it is the stack that says where the release stands.
                let done = if prepared.is_some() { State::Adopted } else { State::Candidate };
                let execution = self.session.execution(&self.event.id, selected);
                let run = if runner == Runner::CodeMode { code_mode_step::run } else { script_step::run };
                let stepped = run(self.session, &self.event, selected, &execution, done)?;
                let stepped = match prepared {
                    Some(_) => flow_candidate::second(stepped),
                    None => self.kept(selected, stepped),
                };
                self.unless_interrupted(selected, stepped)
            }
        }
    }

    /// What a step that made commits itself leaves. One event has one candidate.
    fn kept(&self, selected: &Selected<'_>, stepped: Stepped) -> Stepped {
        if !self.session.applies() {
            return stepped;
        }
        if self.has_candidate.get() {
            return flow_candidate::second(stepped);
        }
        let stepped = flow_candidate::keep(self.session, self.job, &self.event, selected, stepped);
        self.has_candidate.set(stepped.carried.document.is_some());
        stepped
    }

    /// Where patch-moi was asked to end, what is not whole says nothing about the step: it is to be run again.
    fn unless_interrupted(&self, selected: &Selected<'_>, stepped: Stepped) -> Result<Stepped> {
        let Carried { status, document, .. } = &stepped.carried;
        let lacks_candidate =
            self.prepared.is_none() && document.is_none() && flow_candidate::reports(&stepped);
        let is_undone = matches!(status, Status::Failed | Status::Blocked) || lacks_candidate;
        if is_undone && process::is_interrupted() {
            let program = format!("step {}", selected.full_name());
            return Err(Failure::new(Kind::Failed, ProcessError::Interrupted { program }));
        }
        Ok(stepped)
    }

    fn step_report(&self, selected: &Selected<'_>, carried: Carried) -> StepReport {
        StepReport {
            flow: selected.manifest.name.clone(),
            step: selected.step.name.clone(),
            runner: selected.step.runner.name().to_owned(),
            status: carried.status.name().to_owned(),
            message: Some(carried.message),
            document: carried.document.map(Box::new),
            artifact: carried.artifact.map(|path| path.display().to_string()),
            checkout: self.prepared.as_ref().map(|prepared| prepared.fork.path().display().to_string()),
        }
    }
}

/// What a step adds to the end of its event: a closed gate beside other work is no more than a
/// notice in the report.
fn ends(selection: &Selection<'_>, selected: &Selected<'_>, carried: &Carried) -> Kind {
    let others = selection.selected.iter().any(|other| other.gate.is_none());
    if selected.gate.is_some() && others { Kind::Done } else { carried.kind() }
}

/// The state that stands for an event of several steps. A candidate settles it although a step was
/// blocked: else the stack would be carried again with every schedule.
fn weightier(one: State, other: State) -> State {
    const fn weight(state: State) -> u8 {
        match state {
            State::Failed => 6,
            State::Conflict => 5,
            State::Candidate => 4,
            State::Blocked => 3,
            State::Moved => 2,
            State::Seen => 1,
            State::Skipped | State::Adopted | State::Superseded => 0,
        }
    }
    if weight(one) >= weight(other) { one } else { other }
}
