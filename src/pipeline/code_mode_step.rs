//! Steps with the runner `code-mode`.

use super::execution::{Execution, context, environment};
use super::private_clone;
use super::script_step::{Stepped, Unready, broken, ended_badly, folder, must_be_clean, said, script};
use super::session::Session;
use super::step_log::logged;
use crate::event::Event;
use crate::failure::{Failure, Kind, Result};
use crate::flow::{Runner, Selected};
use crate::record::{Status, StepResult};
use crate::release::State;
use crate::runner::{CodeModeSpec, Host, Source, run_code_mode};

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
    execution: &Execution,
    done: State,
) -> Result<Stepped> {
    let title = format!("Code Mode flow step {}", selected.full_name());
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
    let stepped = match prepare(session, event, selected, execution, title.clone(), host) {
        Ok(spec) => carry_out(session, selected, execution, done, &spec)?,
        Err(Unready::Blocked(why)) => Stepped::blocked(why),
        Err(Unready::Failed(why)) => Stepped::failed(why.clone(), format!("{title} failed: {why}")),
    };
    Ok(stepped.by_host(name))
}

/// Who runs a step, or would: nobody where it is no Code Mode step, or no host can be had.
pub(super) fn host(session: &Session<'_>, selected: &Selected<'_>) -> Option<&'static str> {
    let is_code_mode = selected.step.runner == Runner::CodeMode;
    let chosen = is_code_mode.then(|| Host::chosen(session.context.variables, session.context.cwd));
    Some(chosen?.ok()?.name())
}

fn carry_out(
    session: &Session<'_>,
    selected: &Selected<'_>,
    execution: &Execution,
    done: State,
    spec: &CodeModeSpec,
) -> Result<Stepped> {
    let (outcome, log) =
        logged(session, selected, execution, |log, on_line| run_code_mode(spec, log, on_line))?;
    let stepped = match outcome {
        Ok(result) => {
            let mut message = said(&result, &log);
            if result.status() == Status::NeedsIntervention
                && let Some(place) = private_clone::keep(session, &execution.run)?
            {
                let place = place.display();
                message = format!(
                    "its repository is kept in {place}: settle it there and run the same command again; {message}"
                );
            }
            if matches!(result.status(), Status::Completed | Status::Changed) {
                private_clone::bring_back(session, &execution.run);
            }
            Stepped::new(result.status(), message, Ok(result), done)
        }
        Err(error) if error.is_interruption() => return Err(Failure::new(Kind::Failed, error)),
        Err(error) if error.is_blocked() => Stepped::blocked(advised(&error.to_string(), error.hint())),
        Err(error) => ended_badly(session, selected, &error.to_string(), error.hint(), &log),
    };
    Ok(stepped.logged(log))
}

fn advised(text: &str, hint: Option<String>) -> String {
    hint.map_or_else(|| text.to_owned(), |hint| format!("{text}; {hint}"))
}

fn prepare(
    session: &Session<'_>,
    event: &Event,
    selected: &Selected<'_>,
    execution: &Execution,
    title: String,
    host: Host,
) -> std::result::Result<CodeModeSpec, Unready> {
    let (script, text) = script(session, selected)?;
    let dir = folder(session, selected)?;
    let clone = private_clone::provide(session, event, selected, &execution.run).map_err(broken)?;
    if clone.is_none() {
        must_be_clean(session, selected)?;
    }
    let mut env = environment(session, event, selected, execution);
    clone.iter().for_each(|(name, value)| env.set(name, value));
    let source = Source::new(&context(event, selected, execution)["flow"], &text);
    Ok(CodeModeSpec { title, host, script, source, dir, env, timeout: selected.step.timeout })
}
