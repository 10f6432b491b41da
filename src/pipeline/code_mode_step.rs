//! Steps with the runner `code-mode`.

use serde_json::json;

use super::private_clone;
use super::relaying::relayed;
use super::script_step::{
    MAX_SCRIPT, Stepped, Unready, broken, context, failed, folder, must_be_clean, must_be_pinned, run_id,
    said, surroundings,
};
use super::session::Session;
use crate::event::Event;
use crate::failure::{Failure, Kind, Result};
use crate::flow::Selected;
use crate::record::{Status, StepResult};
use crate::release::State;
use crate::runner::{CodeModeSpec, Host, Source, run_code_mode};
use crate::workspace::read_bounded;

/// The app server that the older system used instead of its own where this was set.
const FOREIGN_SERVER: &str = "CODEX_WORKSPACE_APP_SERVER_WS_URL";

/// Runs a Code Mode step, unless this is a dry run. `done` is where a release stands for which there is nothing left
/// to do. A step that fails is an outcome.
///
/// # Errors
/// Where its log or its repository cannot be written, or patch-moi was asked to end.
pub(super) fn run(
    session: &Session<'_>,
    event: &Event,
    selected: &Selected<'_>,
    done: State,
) -> Result<Stepped> {
    let title = format!("Code Mode flow step {}/{}", selected.manifest.name, selected.step.name);
    let host = match Host::chosen(session.context.variables, session.context.cwd) {
        Ok(host) => host,
        Err(error) => return Ok(Stepped::blocked(advised(&error.to_string(), error.hint()))),
    };
    let name = host.name();
    if !session.applies() {
        let script = selected.step.script.as_deref().unwrap_or_default();
        let message = format!("a dry run does not run it: {script} by {}", host.shown());
        let result = StepResult::new(Status::Skipped).with("message", message.clone());
        return Ok(Stepped::new(Status::Skipped, message, Ok(result), done).by_host(name));
    }
    if session.context.variable(FOREIGN_SERVER).is_some() && matches!(host, Host::Codex(_)) {
        session.context.ui.warn(&format!(
            "{FOREIGN_SERVER} has no effect: a step is run by an app server of its own, never by a running one"
        ));
    }
    let stepped = match prepare(session, event, selected, title.clone(), host) {
        Ok(spec) => carry_out(session, event, selected, done, &spec)?,
        Err(Unready::Blocked(why)) => Stepped::blocked(why),
        Err(Unready::Failed(why)) => Stepped::failed(why.clone(), format!("{title} failed: {why}")),
    };
    Ok(stepped.by_host(name))
}

fn carry_out(
    session: &Session<'_>,
    event: &Event,
    selected: &Selected<'_>,
    done: State,
    spec: &CodeModeSpec,
) -> Result<Stepped> {
    let id = run_id(event, selected);
    let name = format!("step {}/{}", selected.manifest.name, selected.step.name);
    let mut log = Vec::new();
    let outcome = relayed(session, &name, |on_line| run_code_mode(spec, &mut log, on_line))?;
    let log = session.client.write_log(&id, &log)?;
    let log = log.strip_prefix(session.context.workspace.root()).unwrap_or(&log).display().to_string();
    match outcome {
        Ok(result) => {
            let mut message = said(&result, &log);
            if result.status() == Status::NeedsIntervention
                && let Some(place) = private_clone::keep(session, &id)?
            {
                message = format!("its repository is kept in {}; {message}", place.display());
            }
            Ok(Stepped::new(result.status(), message, Ok(result), done))
        }
        Err(error) if error.is_interruption() => Err(Failure::new(Kind::Failed, error)),
        Err(error) if error.is_blocked() => Ok(Stepped::blocked(advised(&error.to_string(), error.hint()))),
        Err(error) => {
            let text = error.to_string();
            Ok(Stepped::failed(failed(&text, error.hint(), &log), text))
        }
    }
}

fn advised(text: &str, hint: Option<String>) -> String {
    hint.map_or_else(|| text.to_owned(), |hint| format!("{text}; {hint}"))
}

fn prepare(
    session: &Session<'_>,
    event: &Event,
    selected: &Selected<'_>,
    title: String,
    host: Host,
) -> std::result::Result<CodeModeSpec, Unready> {
    let script = selected.flow.root.join(selected.step.script.as_deref().unwrap_or_default());
    must_be_pinned(selected.flow, &script)?;
    let text = read_bounded(&script, MAX_SCRIPT).map_err(broken)?;
    let dir = folder(session, selected)?;
    let id = run_id(event, selected);
    let clone = private_clone::provide(session, event, selected, &id).map_err(broken)?;
    if clone.is_none() {
        must_be_clean(session, selected)?;
    }
    let more: Vec<(&str, &str)> = clone.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let env = surroundings(session, event, selected, &title, &more);
    let flow = context(event, selected, &id)["flow"].take();
    let flow = if flow.is_null() { json!({}) } else { flow };
    let source = Source::new(&flow, &text);
    Ok(CodeModeSpec { title, host, script, source, dir, env, timeout: selected.step.timeout })
}
