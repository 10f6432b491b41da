//! One event: select, prepare, record, run, record.

use std::cell::Cell;
use std::path::PathBuf;

use serde_json::Value;

use super::asked::Again;
use super::next_events::{Following, Parent};
use super::preparing::{self, Prepared};
use super::script_step::{self, Stepped};
use super::selecting::{carrying, described, draft, flows_for, nothing_selected, selection_of, two_stacks};
use super::session::{Job, Session};
use super::stack_step::{self, Carried};
use super::step_log::log_of;
use super::words::{problem, standing};
use super::{again, artifact, code_mode_step, earlier, flow_candidate, gated, modified};
use crate::event::Event;
use crate::failure::{Begun, Failure, Kind, Result};
use crate::flow::{Flow, Runner, Selected, Selection};
use crate::ids::{Digest, TagName};
use crate::pack;
use crate::process;
use crate::record::{
    Attempt, Dispatch, EventRecord, Operation, Run, RunReport as RunSays, RunSpan, RunStep, StepResult,
    merge_runs,
};
use crate::release::{LedgerLine, Release, State};
use crate::report::{self, EventReport, RunReport, StepReport};

/// Carries an event through that a person asked for. What is wrong is an error.
///
/// # Errors
/// No flow matches, wrong configuration, and whatever keeps a step from being carried out.
pub(super) fn dispatch(session: &Session<'_>, job: Job<'_>, report: &mut RunReport) -> Result<Kind> {
    let flows = flows_for(session, &job)?;
    let (about, kind, next) = carry_through(session, &job, &flows, &mut report.notes)?;
    followed(session, &job, (about, kind, next), report)
}

/// Carries an event through that is due. What is wrong with it stands in the report.
///
/// # Errors
/// Only where product state cannot be written.
pub(super) fn scheduled(session: &Session<'_>, job: Job<'_>, report: &mut RunReport) -> Result<Kind> {
    let flows = flows_for(session, &job);
    match flows.and_then(|flows| carry_through(session, &job, &flows, &mut report.notes)) {
        Ok((about, kind, next)) => {
            if about.selection.selected.is_empty() {
                report
                    .notes
                    .push(format!("no flow matches {} {}: nothing was carried", about.repo, about.tag));
            }
            followed(session, &job, (about, kind, next), report)
        }
        Err(failure) => {
            let Some(tag) = job.tag.clone() else { return Err(failure) };
            let release = EventReport {
                id: crate::ids::EventId::of_release(&job.repo, &tag),
                repo: job.repo.clone(),
                tag,
                selection: selection_of(session, &job),
                steps: Vec::new(),
                ledger: None,
                record: failure.begun().map(|begun| begun.folder.display().to_string()),
                error: Some(problem(&failure)),
                plan: None,
            };
            report.events.push(release);
            Ok(failure.kind)
        }
    }
}

/// Reports an event that is done, and goes on with those that follow it.
fn followed(
    session: &Session<'_>,
    job: &Job<'_>,
    (about, kind, next): (EventReport, Kind, Following),
    report: &mut RunReport,
) -> Result<Kind> {
    let parent =
        Parent { id: about.id.clone(), repo: about.repo.clone(), tag: about.tag.clone(), depth: job.depth };
    report.notes.extend(next.warnings.iter().cloned());
    report.events.push(about);
    Ok(kind.worse(next.dispatch(session, &parent, report)?))
}

/// What the one step that carries a stack for the event needs.
///
/// # Errors
/// No such step, two of them, and whatever is wrong with it.
pub(super) fn prepare_stack(session: &Session<'_>, job: &Job<'_>) -> Result<Prepared> {
    let flows = flows_for(session, job)?;
    let (draft, _) = draft(session, job)?;
    let selection = session.select(&draft.kind, &draft.payload, &flows);
    match carrying(&selection)[..] {
        [one] => preparing::prepare(session, job, one),
        [one, other, ..] => Err(two_stacks(one, other)),
        [] => Err(nothing_selected(session, job, &draft, &selection)),
    }
}

fn carry_through(
    session: &Session<'_>,
    job: &Job<'_>,
    flows: &[Flow],
    notes: &mut Vec<String>,
) -> Result<(EventReport, Kind, Following)> {
    let asked_at = session.context.stamp();
    let (draft, tag) = draft(session, job)?;
    let mut selection = session.select(&draft.kind, &draft.payload, flows);
    let said = described(&selection);
    let refused = modified::refused(session, &selection);
    let rest = gated::leave_due(session, job, &draft.id, &mut selection)?;
    if selection.selected.is_empty() {
        if job.asked_by.is_person() {
            return Err(nothing_selected(session, job, &draft, &selection));
        }
        let mut about = about(job, &draft, &tag, said);
        let kind = modified::tell(&refused, &mut about);
        return Ok((about, kind, Following::default()));
    }
    let stacks: Vec<&Selected<'_>> = carrying(&selection);
    if let [one, other, ..] = stacks[..] {
        return Err(two_stacks(one, other));
    }
    if let Some(steps) = again::all_done(session, &draft, &selection)? {
        let id = &draft.id;
        notes.push(format!(
            "every step of {id} is done, and nothing was run; `patch-moi replay {id}` runs them again"
        ));
        return Ok((
            EventReport { steps, ..about(job, &draft, &tag, said) },
            Kind::Done,
            Following::default(),
        ));
    }
    let mut prepared = match stacks.first() {
        Some(step) => Some(preparing::prepare(session, job, step)?),
        None => None,
    };
    notes.extend(prepared.as_mut().and_then(|prepared| earlier::take_along(session, prepared)));
    let event = match &prepared {
        Some(prepared) => event_of(session, job, &prepared.release),
        None => draft,
    };
    let tag = prepared.as_ref().map_or(tag, |prepared| prepared.release.tag.clone());
    let warnings = modified::let_run(&selection);
    let through = Through {
        session,
        job,
        event,
        tag,
        digest: pack::flows_digest(flows),
        prepared,
        asked_at,
        rest,
        has_candidate: Cell::default(),
        warnings,
    };
    let mut about = about(job, &through.event, &through.tag, said);
    let mut next = Following::default();
    let kind = if session.applies() {
        through.apply(&selection, &mut about, &mut next)?
    } else {
        through.plan(&selection, &mut about)?
    };
    let kind = kind.worse(modified::tell(&refused, &mut about));
    Ok((about, kind, next))
}

/// The event with the release as upstream has it. One that came in a file stays as it is.
fn event_of(session: &Session<'_>, job: &Job<'_>, release: &Release) -> Event {
    match &job.event {
        Some(event) => event.clone(),
        None => {
            let source = job.source.filter(|_| !job.asked_by.is_person());
            Event::upstream_release(release, source, (session.context.now)())
        }
    }
}

fn about(job: &Job<'_>, event: &Event, tag: &TagName, selection: report::Selection) -> EventReport {
    EventReport {
        id: event.id.clone(),
        repo: job.repo.clone(),
        tag: tag.clone(),
        selection,
        steps: Vec::new(),
        ledger: None,
        record: None,
        error: None,
        plan: None,
    }
}

/// What was done about an event, for its record.
struct Done<'a> {
    event: &'a Value,
    runs: &'a [Value],
    dispatch: Dispatch,
    attempt: Attempt,
    state: State,
    warnings: &'a [String],
}

/// One event on its way.
struct Through<'a> {
    session: &'a Session<'a>,
    job: &'a Job<'a>,
    event: Event,
    tag: TagName,
    digest: Digest,
    prepared: Option<Prepared>,
    /// When it was asked for: what another process does for the event from then on need not be done twice.
    asked_at: String,
    /// Whether only what a gate kept back before is done: then the release stands where it stood.
    rest: bool,
    /// Whether a step of a flow has made a candidate.
    has_candidate: Cell<bool>,
    /// What a reader of the record should know.
    warnings: Vec<String>,
}

impl Through<'_> {
    /// The dry run: everything but writing.
    fn plan(&self, selection: &Selection<'_>, about: &mut EventReport) -> Result<Kind> {
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
    fn apply(
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
                        next.add(&named(selected), result.next(), self.job.depth);
                    }
                    carried
                }
                Err(failure) => {
                    let (dispatch, attempt) = self.record_dispatch(&event, &runs, &begun)?;
                    // Whoever cancels a run says nothing about the release: it stays as due as it was.
                    let state = if process::is_interrupted() { State::Seen } else { State::Failed };
                    if state == State::Failed {
                        self.enter(state)?;
                    }
                    let warnings = &next.warnings;
                    let done = Done { event: &event, runs: &runs, dispatch, attempt, state, warnings };
                    about.error = Some(problem(&failure));
                    return Err(match self.write_record(done, about)? {
                        Some(folder) => failure.leaving(Begun {
                            id: self.event.id.clone(),
                            tag: self.tag.clone(),
                            folder,
                        }),
                        None => failure,
                    });
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
                Ok(if prepared.is_some() {
                    flow_candidate::second(stepped)
                } else {
                    self.kept(selected, stepped)
                })
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

    /// The event in the journal (once), in the flow client's state and in the ledger; and the runs that it
    /// has already.
    fn record_event(&self) -> Result<(Value, Vec<Value>)> {
        let event = serde_json::to_value(&self.event).map_err(|err| Failure::new(Kind::Failed, err))?;
        let runs = again::record_event(self.session, &event)?;
        if self.session.ledger()?.latest(&self.job.repo, &self.tag).is_none() {
            self.enter(State::Seen)?;
        }
        Ok((event, runs))
    }

    fn run_record(
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
        let host = done.as_ref().ok().and_then(|stepped| stepped.host);
        let span = RunSpan { started_at, completed_at: &completed_at };
        Run::new(&step, span, outcome).with_log(log).with_host(host)
    }

    fn record_dispatch(&self, event: &Value, runs: &[Value], begun: &str) -> Result<(Dispatch, Attempt)> {
        let says: Vec<RunSays> = runs.iter().map(RunSays::of_stored).collect();
        let ids = says.iter().map(|run| run.id.clone()).collect();
        let replays = self.session.again == Again::Replay;
        let operation = if replays { Operation::Replay } else { Operation::Dispatch };
        let dispatch = Dispatch::taken(&self.event.id, &self.event.kind, operation, ids, begun);
        let attempt = merge_runs(&Attempt::begun(&dispatch, event), &says, &self.session.context.stamp());
        self.session.context.data.dispatches().append(&dispatch)?;
        self.session.context.data.attempts().append(&attempt)?;
        Ok((dispatch, attempt))
    }

    /// Writes record.json for whoever keeps it on another machine, and says in which folder.
    fn write_record(&self, done: Done<'_>, about: &EventReport) -> Result<Option<PathBuf>> {
        // The folder is named after the tag, and belongs to the event that the others follow.
        if self.job.depth > 0 {
            return Ok(None);
        }
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
        };
        artifact::keep_record(self.session, &record, about)
    }

    /// Adds a line to the ledger. An event that asked no upstream, and that no watch of one has found,
    /// is about no commit and has none.
    fn enter(&self, state: State) -> Result<()> {
        if self.rest {
            return Ok(());
        }
        self.line(state).map_or(Ok(()), |line| self.session.enter(&line))
    }

    /// Where the release stands by the ledger.
    fn stands(&self) -> Result<Option<State>> {
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

fn named(selected: &Selected<'_>) -> String {
    format!("{}/{}", selected.manifest.name, selected.step.name)
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
