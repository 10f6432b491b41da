//! `patch-moi sync`: what an attempt has come to, by what the runs say now.

use serde::Serialize;

use super::again::{Named, newest_names, unknown};
use super::context::Context;
use crate::failure::{Failure, Kind, Result};
use crate::record::{Attempt, AttemptStatus, FlowClientState, RunReport, merge_runs};
use crate::store::FlowClient;

/// An attempt, as the journal has it now.
#[derive(Debug, Serialize)]
pub(crate) struct Synced {
    /// The attempt.
    pub(crate) attempt: Attempt,
    /// Whether it is news, so that a line was added.
    pub(crate) stored: bool,
}

/// Merges what state.json says of an attempt's runs into it. What is returned is what is stored: where
/// nothing has changed, the line that was there. The kind is what the attempt has come to.
///
/// # Errors
/// No such attempt, runs that are not there, records that cannot be read or written.
pub(crate) fn sync(context: &Context<'_>, id: &str) -> Result<(Synced, Kind)> {
    let attempts = context.data.attempts();
    let Some(attempt) = attempts.newest::<Named>(|known| known.id == id)? else {
        return Err(unknown("attempt", id, newest_names(&attempts)?, "patch-moi attempts"));
    };
    if let Some(url) = &attempt.workspace_backend_url {
        let url = crate::git::shown(url);
        let text = format!("the runs of `{}` are at the backend {url}", id.escape_debug());
        return Err(Failure::new(Kind::Failed, anyhow::Error::msg(text)).hint(
            "this version asks no backend: what state.json of this workspace says would not be about them",
        ));
    }
    let client = FlowClient::open(context.workspace.root());
    let runs = reports(&attempt, &client.read()?, &client)?;
    let merged = merge_runs(&attempt, &runs, &context.stamp());
    let stored = Attempt { updated_at: attempt.updated_at.clone(), ..merged.clone() } != attempt;
    if stored {
        attempts.append(&merged)?;
    }
    let attempt = if stored { merged } else { attempt };
    let kind = ends(attempt.status);
    Ok((Synced { attempt, stored }, kind))
}

/// What the runs of an attempt say; those of its event, where it names none.
fn reports(attempt: &Attempt, state: &FlowClientState, client: &FlowClient) -> Result<Vec<RunReport>> {
    if attempt.workspace_run_ids.is_empty() {
        return Ok(state.runs_of(&attempt.event_id).into_iter().map(RunReport::of_stored).collect());
    }
    let report = |id: &String| {
        state.run(id).map(RunReport::of_stored).ok_or_else(|| {
            let text = format!("{} has no run {}", client.path().display(), id.escape_debug());
            Failure::new(Kind::Failed, anyhow::Error::msg(text)).hint(
                "what is too old for it stands in state-archive.jsonl beside it; the attempt was left as it is",
            )
        })
    };
    attempt.workspace_run_ids.iter().map(report).collect()
}

/// How the program ends because of an attempt.
const fn ends(status: AttemptStatus) -> Kind {
    match status {
        AttemptStatus::Failed => Kind::Failed,
        AttemptStatus::NeedsIntervention => Kind::NeedsPerson,
        AttemptStatus::Blocked => Kind::Blocked,
        AttemptStatus::Started
        | AttemptStatus::Skipped
        | AttemptStatus::Completed
        | AttemptStatus::Changed => Kind::Done,
    }
}
