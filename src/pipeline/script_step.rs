//! Steps that are programs: `command` and `bun`.

use std::path::{Component, Path, PathBuf};

use super::execution::{Execution, context, environment};
use super::private_clone;
use super::session::Session;
use super::stack_step::Carried;
use super::step_log::{Hidden, logged};
use super::words::problem;
use crate::event::Event;
use crate::failure::{Failure, Kind, Result};
use crate::flow::{Flow, Origin, Runner, Selected};
use crate::git::Repository;
use crate::record::{Status, StepResult};
use crate::release::State;
use crate::runner::{StepSpec, run_step, script_command, shown};
use crate::workspace::read_bounded;

/// The largest script, in bytes.
const MAX_SCRIPT: u64 = 16 << 20;

/// How many paths of a dirty work tree are worth naming.
const SHOWN_PATHS: usize = 3;

/// What a step of any runner came to.
pub(super) struct Stepped {
    /// What is said about it.
    pub(super) carried: Carried,
    /// What its record keeps: its own result word for word, or why it gave none.
    pub(super) outcome: std::result::Result<StepResult, String>,
    /// Where its log is, as the workspace sees it.
    pub(super) log: Option<String>,
    /// Who ran it, where there is a choice.
    pub(super) host: Option<&'static str>,
}

impl From<Carried> for Stepped {
    fn from(carried: Carried) -> Self {
        let outcome = Ok(carried.result());
        Self { carried, outcome, log: None, host: None }
    }
}

impl Stepped {
    pub(super) fn new(
        status: Status,
        message: String,
        outcome: std::result::Result<StepResult, String>,
        done: State,
    ) -> Self {
        let state = match status {
            Status::Failed => State::Failed,
            Status::NeedsIntervention => State::Conflict,
            Status::Blocked => State::Blocked,
            Status::Skipped | Status::Completed | Status::Changed => done,
        };
        let carried = Carried { status, message, state, document: None, artifact: None, plan: None };
        Self { carried, outcome, log: None, host: None }
    }

    pub(super) fn blocked(message: String) -> Self {
        let result = StepResult::new(Status::Blocked).with("message", message.clone());
        Self::new(Status::Blocked, message, Ok(result), State::Blocked)
    }

    pub(super) fn failed(message: String, error: String) -> Self {
        Self::new(Status::Failed, message, Err(error), State::Failed)
    }

    /// The same with a log.
    pub(super) fn logged(self, log: String) -> Self {
        Self { log: Some(log), ..self }
    }

    /// The same, run by `host`.
    pub(super) fn by_host(self, host: &'static str) -> Self {
        Self { host: Some(host), ..self }
    }
}

/// What keeps a step from being started.
pub(super) enum Unready {
    /// Something around it has to change first.
    Blocked(String),
    /// It cannot be run as it is written.
    Failed(String),
}

/// The step cannot be run because of this error.
pub(super) fn broken(error: impl Into<Failure>) -> Unready {
    Unready::Failed(problem(&error.into()).message)
}

/// Runs a step that is a program, unless this is a dry run. `done` is where a release stands for
/// which there is nothing left to do. A step that fails is an outcome.
///
/// # Errors
/// Where its log cannot be written, or patch-moi was asked to end.
pub(super) fn run(
    session: &Session<'_>,
    event: &Event,
    selected: &Selected<'_>,
    execution: &Execution,
    done: State,
) -> Result<Stepped> {
    let title = title(selected);
    let spec = match prepare(session, event, selected, execution, &title) {
        Ok(spec) => spec,
        Err(Unready::Blocked(why)) => return Ok(Stepped::blocked(why)),
        Err(Unready::Failed(why)) => {
            return Ok(Stepped::failed(why.clone(), format!("{title} failed: {why}")));
        }
    };
    if !session.applies() {
        let message =
            format!("a dry run does not run it: `{}` in {}", shown(&spec.command), spec.dir.display());
        let result = StepResult::new(Status::Skipped).with("message", message.clone());
        return Ok(Stepped::new(Status::Skipped, message, Ok(result), done));
    }
    let (outcome, log) = logged(session, selected, execution, |log, on_line| run_step(&spec, log, on_line))?;
    Ok(match outcome {
        Ok(result) => Stepped::new(result.status(), said(&result, &log), Ok(result), done),
        Err(error) if error.is_interruption() => return Err(Failure::new(Kind::Failed, error)),
        Err(error) => ended_badly(session, selected, &error.to_string(), error.hint(), &log),
    }
    .logged(log))
}

fn title(selected: &Selected<'_>) -> String {
    let runner = if selected.step.runner == Runner::Bun { "Bun" } else { "Command" };
    format!("{runner} flow step {}", selected.full_name())
}

pub(super) fn said(result: &StepResult, log: &str) -> String {
    let message = result.message().map(|message| format!("{}; ", message.trim().trim_end_matches('.')));
    format!("{}log {log}", message.unwrap_or_default())
}

/// What a step comes to that ended with `error`. Values that it may know and nobody else are not repeated.
pub(super) fn ended_badly(
    session: &Session<'_>,
    selected: &Selected<'_>,
    error: &str,
    hint: Option<String>,
    log: &str,
) -> Stepped {
    let text = Hidden::of(session, selected).mask(error).into_owned();
    Stepped::failed(failed(&text, hint, log), text)
}

/// The error in one line: how it ended, and its last word.
fn failed(text: &str, hint: Option<String>, log: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let last = lines.next_back().map(|last| format!(": {}", last.trim())).unwrap_or_default();
    let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("{first}{last}{hint}; log {log}")
}

fn prepare(
    session: &Session<'_>,
    event: &Event,
    selected: &Selected<'_>,
    execution: &Execution,
    title: &str,
) -> std::result::Result<StepSpec, Unready> {
    let command = command(session, selected)?;
    must_be_clean(session, selected)?;
    let dir = folder(session, selected)?;
    let env = environment(session, event, selected, execution);
    let input = format!("{:#}\n", context(event, selected, execution)).into_bytes();
    Ok(StepSpec { title: title.to_owned(), command, dir, env, input, timeout: selected.step.timeout })
}

/// Program and arguments.
fn command(session: &Session<'_>, selected: &Selected<'_>) -> std::result::Result<Vec<String>, Unready> {
    match selected.step.runner {
        Runner::Command => Ok(selected.step.command.clone()),
        Runner::Bun => {
            let (script, source) = script(session, selected)?;
            let path = session.context.variables.get("PATH").map_or("", String::as_str);
            script_command(&script, &source, path)
                .map_err(|error| Unready::Blocked(format!("{error}; {}", error.hint())))
        }
        Runner::CodeMode | Runner::PatchStack => {
            Err(Unready::Blocked("nothing was prepared for it".to_owned()))
        }
    }
}

/// The script of a step, and its text.
pub(super) fn script(
    session: &Session<'_>,
    selected: &Selected<'_>,
) -> std::result::Result<(PathBuf, String), Unready> {
    let flow = selected.flow;
    let named = selected.step.script.as_deref().unwrap_or_default();
    let script = without_dots(&flow.root.join(named));
    if !script.starts_with(without_dots(&flow.root)) {
        let shown = named.escape_debug();
        if flow.origin == Origin::Installed {
            let why = "the lock does not pin what it runs";
            return Err(Unready::Failed(format!(
                "its script `{shown}` leads out of its flow's folder: {why}"
            )));
        }
        let step = selected.full_name();
        session.context.ui.warn(&format!(
            "the script `{shown}` of {step} leads out of its flow's folder: no pack can hold it"
        ));
    }
    must_be_pinned(flow, &script)?;
    let source = read_bounded(&script, MAX_SCRIPT).map_err(broken)?;
    Ok((script, source))
}

/// The lock pins an installed flow by the content of its files: where a link leads, it does not say.
fn must_be_pinned(flow: &Flow, script: &Path) -> std::result::Result<(), Unready> {
    let inside = script.strip_prefix(&flow.root).unwrap_or(script);
    let real = flow.root.canonicalize().map(|root| root.join(inside));
    let is_itself = real.is_ok_and(|real| real.canonicalize().is_ok_and(|end| end == without_dots(&real)));
    // What is not there at all is said by whoever reads it.
    if flow.origin != Origin::Installed || is_itself || script.symlink_metadata().is_err() {
        return Ok(());
    }
    let script = script.display();
    Err(Unready::Failed(format!("the lock does not pin {script}: it is reached by a symbolic link")))
}

/// A script may commit what it finds in the work tree of the repository that its flow names, so
/// nothing of a person's may lie there.
pub(super) fn must_be_clean(
    session: &Session<'_>,
    selected: &Selected<'_>,
) -> std::result::Result<(), Unready> {
    let Some(named) = private_clone::named(session, selected) else { return Ok(()) };
    let folder = session.context.workspace.root().join(named);
    // What is no repository here is the script's own business: a URL, or a clone that it makes.
    let Ok(repository) = Repository::open(&folder) else { return Ok(()) };
    let dirt = repository.dirt(SHOWN_PATHS + 1).map_err(broken)?;
    if dirt.is_empty() {
        return Ok(());
    }
    let more = if dirt.len() > SHOWN_PATHS { ", …" } else { "" };
    let paths = dirt.iter().take(SHOWN_PATHS).cloned().collect::<Vec<_>>().join(", ");
    Err(Unready::Blocked(format!(
        "the work tree of {} is not clean ({paths}{more}); commit or stash what is in it",
        folder.display()
    )))
}

/// Where the step runs. An installed flow was written for `flows/<name>` of its repository, so its
/// `cwd` is meant as seen from there.
pub(super) fn folder(
    session: &Session<'_>,
    selected: &Selected<'_>,
) -> std::result::Result<PathBuf, Unready> {
    let (flow, root) = (selected.flow, session.context.workspace.root());
    let Some(cwd) = selected.step.cwd.as_deref() else { return Ok(flow.root.clone()) };
    let home = match flow.origin {
        Origin::Installed => root.join("flows").join(&flow.folder),
        Origin::Source | Origin::BuiltIn => flow.root.clone(),
    };
    let meant = without_dots(&home.join(cwd));
    let meant = match meant.strip_prefix(&home) {
        Ok(inside) => without_dots(&flow.root.join(inside)),
        Err(_) => meant,
    };
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if meant.starts_with(root) && real(&meant).starts_with(real(root)) {
        return Ok(meant);
    }
    let (cwd, root) = (cwd.escape_debug(), root.display());
    Err(Unready::Failed(format!("its cwd `{cwd}` leads out of the workspace {root}")))
}

/// The path with every `.` and `..` taken at its word.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}
