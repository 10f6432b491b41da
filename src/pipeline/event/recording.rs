//! What is written down about an event: before anything is done for it, after each step, and at the end.

use std::path::PathBuf;

use serde_json::Value;

use super::super::asked::Again;
use super::super::next_events::Following;
use super::super::script_step::Stepped;
use super::super::step_log::log_of;
use super::super::words::problem;
use super::super::{again, artifact, code_mode_step};
use super::through::Through;
use crate::failure::{Begun, Failure, Kind, Result};
use crate::flow::Selected;
use crate::process;
use crate::record::{
    Attempt, Dispatch, EventRecord, Operation, Run, RunReport as RunSays, RunSpan, RunStep, StepResult,
    merge_runs,
};
use crate::release::{LedgerLine, State};
use crate::report::EventReport;

/// What was done about an event, for its record.
pub(super) struct Done<'a> {
    pub(super) event: &'a Value,
    pub(super) runs: &'a [Value],
    pub(super) dispatch: Dispatch,
    pub(super) attempt: Attempt,
    pub(super) state: State,
    pub(super) warnings: &'a [String],
}

impl Through<'_> {
    /// Records that a step ended its event with an error, and hands the error back with what it leaves.
    pub(super) fn broken_off(
        &self,
        failure: Failure,
        (event, runs, begun): (&Value, &[Value], &str),
        about: &mut EventReport,
        next: &Following,
    ) -> Result<Failure> {
        let (dispatch, attempt) = self.record_dispatch(event, runs, begun)?;
        // Whoever cancels a run says nothing about the release: it stays as due as it was.
        let state = if process::is_interrupted() { State::Seen } else { State::Failed };
        if state == State::Failed {
            self.enter(state)?;
        }
        about.error = Some(problem(&failure));
        let done = Done { event, runs, dispatch, attempt, state, warnings: &next.warnings };
        Ok(match self.write_record(done, about)? {
            Some(folder) => {
                failure.leaving(Begun { id: self.event.id.clone(), tag: self.tag.clone(), folder })
            }
            None => failure,
        })
    }

    /// The event in the journal (once), in the flow client's state and in the ledger; and the runs that it
    /// has already.
    pub(super) fn record_event(&self) -> Result<(Value, Vec<Value>)> {
        let event = serde_json::to_value(&self.event).map_err(|err| Failure::new(Kind::Failed, err))?;
        let runs = again::record_event(self.session, &event)?;
        if self.session.ledger()?.latest(&self.job.repo, &self.tag).is_none() {
            self.enter(State::Seen)?;
        }
        Ok((event, runs))
    }

    pub(super) fn run_record(
        &self,
        selected: &Selected<'_>,
        event: &Value,
        started_at: &str,
        done: &Result<Stepped>,
    ) -> Run {
        let id = self.session.execution(&self.event.id, selected).run;
        let root = selected.flow.root.display().to_string();
        let step = RunStep {
            id: &id,
            event_id: &self.event.id,
            event,
            flow_name: &selected.manifest.name,
            flow_version: &selected.manifest.version,
            flow_root: &root,
            step_name: &selected.step.name,
            runner: selected.step.runner.name(),
        };
        let completed_at = self.session.context.stamp();
        let (outcome, log): (std::result::Result<StepResult, String>, _) = match done {
            Ok(stepped) => (stepped.outcome.clone(), stepped.log.clone()),
            Err(failure) => (Err(problem(failure).message), log_of(self.session, &id)),
        };
        let host = match done {
            Ok(stepped) => stepped.host,
            Err(_) => code_mode_step::host(self.session, selected),
        };
        let span = RunSpan { started_at, completed_at: &completed_at };
        Run::new(&step, span, outcome).with_log(log).with_host(host)
    }

    pub(super) fn record_dispatch(
        &self,
        event: &Value,
        runs: &[Value],
        begun: &str,
    ) -> Result<(Dispatch, Attempt)> {
        let says: Vec<RunSays> = runs.iter().map(RunSays::of_stored).collect();
        let ids = says.iter().map(|run| run.id.clone()).collect();
        let replays = self.session.again(&self.event.id) == Again::Replay;
        let operation = if replays { Operation::Replay } else { Operation::Dispatch };
        let dispatch = Dispatch::taken(&self.event.id, &self.event.kind, operation, ids, begun);
        let attempt = merge_runs(&Attempt::begun(&dispatch, event), &says, &self.session.context.stamp());
        self.session.context.data.dispatches().append(&dispatch)?;
        self.session.context.data.attempts().append(&attempt)?;
        Ok((dispatch, attempt))
    }

    /// Writes record.json for whoever keeps it on another machine, and says in which folder.
    pub(super) fn write_record(&self, done: Done<'_>, about: &EventReport) -> Result<Option<PathBuf>> {
        let line = self.line(done.state);
        let said = || about.steps.iter().rev().find_map(|step| step.message.clone());
        let message = about.error.as_ref().map(|error| error.message.clone()).or_else(said);
        let record = EventRecord {
            schema_version: EventRecord::schema_version(),
            event: done.event.clone(),
            repo: self.job.repo.clone(),
            tag: self.tag.clone(),
            tag_object: line.as_ref().map(|line| line.tag_object),
            commit: line.as_ref().map(|line| line.commit),
            tip: self.prepared.as_ref().map(|prepared| prepared.tip),
            flows: Some(self.digest.clone()),
            state: done.state,
            message: message.unwrap_or_default(),
            runs: done.runs.to_vec(),
            dispatch: Some(done.dispatch),
            attempt: Some(done.attempt),
            at: self.session.context.stamp(),
            warnings: self.warnings.iter().chain(done.warnings).cloned().collect(),
            followed: Vec::new(),
        };
        match &self.job.record {
            Some(folder) => artifact::keep_follower(self.session, folder, record),
            // The folder is named after the tag, and belongs to the event that the others follow.
            None if self.job.depth > 0 => Ok(None),
            None => artifact::keep_record(self.session, record, about),
        }
    }

    /// Adds a line to the ledger. An event that asked no upstream, and that no watch of one has found,
    /// is about no commit and has none.
    pub(super) fn enter(&self, state: State) -> Result<()> {
        if self.rest {
            return Ok(());
        }
        self.line(state).map_or(Ok(()), |line| self.session.enter(&line))
    }

    /// Where the release stands by the ledger.
    pub(super) fn stands(&self) -> Result<Option<State>> {
        Ok(self.session.ledger()?.latest(&self.job.repo, &self.tag).map(|line| line.state))
    }

    fn line(&self, state: State) -> Option<LedgerLine> {
        let release = self.prepared.as_ref().map(|prepared| &prepared.release);
        let release = release.or(self.job.release.as_ref())?;
        Some(LedgerLine {
            event_id: self.event.id.clone(),
            tag: self.tag.clone(),
            tip: self.prepared.as_ref().map(|prepared| prepared.tip),
            flows: Some(self.digest.clone()),
            ..LedgerLine::of(&self.job.repo, &release.remote_tag(), state, self.session.context.stamp())
        })
    }
}
