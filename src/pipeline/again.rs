//! An event that is recorded: which of its steps are due, and as which runs they are executed.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use super::asked::Again;
use super::session::{Job, Session};
use super::similar::nearest;
use crate::event::Event;
use crate::failure::{Failure, Kind, Result};
use crate::flow::{Runner, Selected, Selection};
use crate::ids::EventId;
use crate::record::{Attempt, Dispatch, Retention, Run, RunReport as RunSays, Status};
use crate::release::State;
use crate::report::StepReport;
use crate::store::DataDir;

/// So many of the newest names are compared with one that is not known.
const COMPARED: usize = 1000;

/// What a line of a journal is called.
#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) id: String,
}

/// What a line of a journal is about.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct About {
    event_id: String,
}

/// The event in the journal and in the flow client's state, once. Returns the runs that it has there.
///
/// # Errors
/// Where product state cannot be read or written.
pub(super) fn record_event(session: &Session<'_>, event: &Value) -> Result<Vec<Value>> {
    let id = event["id"].as_str().unwrap_or_default();
    let journal = session.context.data.flow_events::<Value>();
    journal.append_unless::<Named>(event, |known| known.id == id)?;
    let now = session.context.stamp();
    let (recorded, runs) = session.client.update(|client| {
        let recorded = client.record_event(event, &now);
        (recorded, client.runs_of(id).into_iter().cloned().collect())
    })?;
    recorded.map(|_| runs).map_err(|err| Failure::new(Kind::Failed, err))
}

/// A step that is done already, and is not run again.
pub(super) struct Kept {
    /// Its run, as the flow client's state has it.
    pub(super) run: Value,
    status: Status,
}

impl Kept {
    /// Where the release stands because of it.
    pub(super) fn state(&self, selected: &Selected<'_>, beside_stack: bool) -> State {
        match (selected.step.runner, self.status) {
            (Runner::PatchStack, Status::Changed) => State::Candidate,
            (Runner::PatchStack, _) => State::Adopted,
            _ if beside_stack => State::Adopted,
            _ => State::Candidate,
        }
    }

    /// What is said about it.
    pub(super) fn report(&self, selected: &Selected<'_>) -> StepReport {
        let ended = self.run.get("completedAt").and_then(Value::as_str).unwrap_or("an earlier run");
        StepReport {
            flow: selected.manifest.name.clone(),
            step: selected.step.name.clone(),
            runner: selected.step.runner.name().to_owned(),
            status: self.status.name().to_owned(),
            message: Some(format!("done since {ended}, and not run again")),
            document: None,
            artifact: None,
            checkout: None,
        }
    }
}

/// The run of a step that came to a good end, so that the step need not be run. A retry runs only what did
/// not come to one; any other run goes by what another process has ended for the event since `asked_at`, and
/// carries a stack in any case.
pub(super) fn kept(
    session: &Session<'_>,
    runs: &[Value],
    (event, selected): (&Event, &Selected<'_>),
    asked_at: &str,
) -> Option<Kept> {
    let id = session.execution(&event.id, selected).run;
    let run = runs.iter().rev().find(|run| run["id"] == id.as_str())?;
    let status = RunSays::of_stored(run).good_end()?;
    let is_stack = selected.step.runner == Runner::PatchStack;
    let counts = match session.again(&event.id) {
        Again::Replay => false,
        Again::Retry => !is_stack || status != Status::Changed || has_candidate(session, event),
        Again::No => !is_stack && run["completedAt"].as_str().is_some_and(|at| at >= asked_at),
    };
    counts.then(|| Kept { run: run.clone(), status })
}

/// Whether the candidate of the event's tag lies on this machine.
fn has_candidate(session: &Session<'_>, event: &Event) -> bool {
    let Some(tag) = event.tag() else { return false };
    let folder = session.context.workspace.artifacts_dir().join(tag.slug().as_str());
    folder.join("candidate.json").is_file()
}

/// What is said of the steps where a retry has nothing to do: all of them came to a good end.
///
/// # Errors
/// Where the flow client's state cannot be read.
pub(super) fn all_done(
    session: &Session<'_>,
    event: &Event,
    selection: &Selection<'_>,
) -> Result<Option<Vec<StepReport>>> {
    if session.again(&event.id) != Again::Retry {
        return Ok(None);
    }
    let runs = runs_of(session, &event.id)?;
    let kept = |selected| Some(kept(session, &runs, (event, selected), "")?.report(selected));
    Ok(selection.selected.iter().map(kept).collect())
}

/// The runs that the flow client's state has of an event.
///
/// # Errors
/// Where it cannot be read.
pub(super) fn runs_of(session: &Session<'_>, event: &EventId) -> Result<Vec<Value>> {
    Ok(session.client.read()?.runs_of(event.as_str()).into_iter().cloned().collect())
}

/// The recorded event with this id, to be run again.
///
/// # Errors
/// Where there is none, or it cannot be run; where records cannot be read.
pub(super) fn job<'a>(session: &'a Session<'_>, id: &str) -> Result<Job<'a>> {
    let data = session.context.data;
    let Some(event) = recorded_event(session, id)? else { return Err(unknown_event(session, id)?) };
    let place = data.path().join("flow-events.jsonl");
    let event = Event::parse(&event.to_string(), &place)?;
    let mut job = job_of(session, event, &format!("the recorded event {}", id.escape_debug()))?;
    job.source = session.source_of(&job.repo);
    Ok(job)
}

/// The job of an event that is already one. `what` names it in a message.
///
/// # Errors
/// Where the payload names no repository or no tag.
pub(super) fn job_of<'a>(session: &Session<'_>, mut event: Event, what: &str) -> Result<Job<'a>> {
    event.received_at.get_or_insert_with(|| session.context.stamp());
    let lacks = |field: &str| {
        Failure::usage(format!("{what}: the event's payload names no {field}"))
            .hint(r#"a release event has a payload like {"repo": "owner/name", "tag": "v1.2.3"}"#)
    };
    let repo = event.repo().ok_or_else(|| lacks("repo"))?;
    let tag = event.tag().ok_or_else(|| lacks("tag"))?;
    Ok(Job { event: Some(event), ..Job::of_tag(repo, Some(tag), None) })
}

fn recorded_event(session: &Session<'_>, id: &str) -> Result<Option<Value>> {
    let journal = session.context.data.flow_events::<Value>();
    match journal.newest::<Named>(|known| known.id == id)? {
        Some(event) => Ok(Some(event)),
        None => Ok(session.client.read()?.event(id).map(|stored| stored.event.clone())),
    }
}

fn unknown_event(session: &Session<'_>, id: &str) -> Result<Failure> {
    let mut known = newest_names::<Value>(&session.context.data.flow_events())?;
    known.extend(session.client.read()?.event_ids().map(str::to_owned));
    Ok(unknown("event", id, known, "patch-moi events"))
}

/// No record has this name.
pub(super) fn unknown(what: &str, id: &str, known: Vec<String>, list: &str) -> Failure {
    let failure = Failure::usage(format!("no {what} is recorded as `{}`", id.escape_debug()));
    if known.is_empty() {
        return failure.hint(format!(
            "no {what} is recorded here at all; `--workspace-root` and `--data-dir` say where to look"
        ));
    }
    let near: Vec<String> = nearest(id, known).iter().map(|id| id.escape_debug().to_string()).collect();
    let near = if near.is_empty() { String::new() } else { format!("near to it: {}; ", near.join(", ")) };
    failure.hint(format!("{near}`{list}` lists them"))
}

/// The names of the newest records.
pub(super) fn newest_names<T>(journal: &crate::store::Journal<T>) -> Result<Vec<String>>
where
    T: serde::Serialize + serde::de::DeserializeOwned,
{
    let mut names = Vec::new();
    journal.newest::<Named>(|known| {
        names.push(known.id.clone());
        names.len() == COMPARED
    })?;
    Ok(names)
}

/// What is recorded of an event: itself, how it was handed over last, what came of it last.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Recorded {
    event: Value,
    record: Option<Dispatch>,
    attempt: Option<Attempt>,
}

/// What is recorded of the event with this id.
///
/// # Errors
/// Where a journal cannot be read at all.
pub(crate) fn recorded(data: &DataDir, id: &str) -> Result<Recorded> {
    Ok(Recorded {
        event: data.flow_events::<Value>().newest::<Named>(|known| known.id == id)?.unwrap_or_default(),
        record: data.dispatches().newest::<About>(|known| known.event_id == id)?,
        attempt: data.attempts().newest::<About>(|known| known.event_id == id)?,
    })
}

/// A run as the flow client's state has it.
///
/// # Errors
/// Where it is no JSON.
pub(super) fn stored(run: &Run) -> Result<Value> {
    serde_json::to_value(run).map_err(|err| Failure::new(Kind::Failed, err))
}

/// How much of the past the workspace wants to be kept, by its workspace.toml.
///
/// # Errors
/// Where that says no number that makes sense.
pub(super) fn retention(settings: Option<(PathBuf, String)>) -> Result<Retention> {
    let Some((file, text)) = settings else { return Ok(Retention::default()) };
    Retention::parse(&text).map_err(|err| {
        Failure::new(Kind::Usage, err)
            .context(format!("{} cannot be used", file.display()))
            .hint("how many runs are kept in state.json stands there as `keep = 5000` below `[records]`")
    })
}
