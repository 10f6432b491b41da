//! Steps that a closed gate keeps from running, and what is done about them once it is open.

use std::collections::BTreeSet;

use super::script_step::Stepped;
use super::selecting::{draft, flows_for};
use super::session::{Job, Repeat, Session};
use crate::failure::Result;
use crate::flow::{GateClosed, Selection};
use crate::ids::EventId;
use crate::record::{RunId, Status, StepResult};
use crate::release::State;

/// The key of a run's result that says which gate was closed.
const GATE: &str = "gate";

/// What a step comes to that a gate keeps from running.
pub(super) fn waits(gate: GateClosed) -> Stepped {
    let hint = gate.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
    let message = format!("{gate}{hint}");
    let result = StepResult::new(Status::Blocked).with("message", message.clone()).with(GATE, gate.name());
    Stepped::new(Status::Blocked, message, Ok(result), State::Blocked)
}

/// The steps of an event that only a gate kept from running when it was carried through, and which it keeps
/// no longer.
///
/// # Errors
/// Where the runs of earlier events cannot be read.
fn opened(session: &Session<'_>, event: &EventId, selection: &Selection<'_>) -> Result<BTreeSet<RunId>> {
    let ids: Vec<RunId> = selection
        .selected
        .iter()
        .filter(|selected| selected.gate.is_none() && GateClosed::of(selected.step.runner).is_some())
        .map(|selected| session.execution(event, selected).run)
        .collect();
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let state = session.client.read()?;
    let was_gated = |id: &RunId| {
        let run = state.run(id.as_str());
        run.is_some_and(|run| {
            run["status"] == Status::Blocked.name() && run["resultPayload"][GATE].is_string()
        })
    };
    Ok(ids.into_iter().filter(was_gated).collect())
}

/// Whether a gate kept a step of a settled release from running and keeps it no longer. Nothing is read
/// while every gate is closed.
///
/// # Errors
/// Where the runs of earlier events cannot be read.
pub(super) fn is_opened(session: &Session<'_>, job: &Job<'_>) -> Result<bool> {
    if !session.gates.any_open() {
        return Ok(false);
    }
    let flows = flows_for(session, job)?;
    let (draft, _) = draft(session, job)?;
    let selection = session.select(&draft.kind, &draft.payload, &flows);
    Ok(!opened(session, &draft.id, &selection)?.is_empty())
}

/// Leaves the steps in `selection` that are to run now, and says whether those are only the ones that a
/// gate kept back before.
///
/// # Errors
/// Where the runs of earlier events cannot be read.
pub(super) fn leave_due(
    session: &Session<'_>,
    job: &Job<'_>,
    event: &EventId,
    selection: &mut Selection<'_>,
) -> Result<bool> {
    if job.repeat == Repeat::Everything {
        return Ok(false);
    }
    let opened = opened(session, event, selection)?;
    if opened.is_empty() && job.repeat == Repeat::RestOrEverything {
        return Ok(false);
    }
    selection.selected.retain(|selected| opened.contains(&session.execution(event, selected).run));
    Ok(true)
}
