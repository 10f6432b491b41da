//! Steps that are programs: `command`, and `bun` with a raw script.

use std::path::{Component, Path, PathBuf};

use serde_json::{Value, json};

use super::relaying::relayed;
use super::session::Session;
use super::stack_step::Carried;
use super::words::problem;
use crate::event::Event;
use crate::failure::{Failure, Kind, Result};
use crate::flow::{Flow, Origin, Runner, Selected};
use crate::git::Repository;
use crate::record::{RunId, Status, StepResult};
use crate::release::State;
use crate::runner::{StepError, StepSpec, interpreter, run_step, step_env};
use crate::workspace::read_bounded;

/// The largest script, in bytes.
const MAX_SCRIPT: u64 = 16 << 20;

/// How many paths of a dirty work tree are worth naming.
const SHOWN_PATHS: usize = 3;

/// Who starts the steps, in the words that codex-flows' local client has for itself.
const LAUNCHED_BY: &str = "flow-runtime-local-client";

/// What a step of any runner came to.
pub(super) struct Stepped {
    /// What is said about it.
    pub(super) carried: Carried,
    /// What its record keeps: its own result word for word, or why it gave none.
    pub(super) outcome: std::result::Result<StepResult, String>,
}

impl From<Carried> for Stepped {
    fn from(carried: Carried) -> Self {
        let outcome = Ok(carried.result());
        Self { carried, outcome }
    }
}

impl Stepped {
    fn new(
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
        Self { carried, outcome }
    }

    fn blocked(message: String) -> Self {
        let result = StepResult::new(Status::Blocked).with("message", message.clone());
        Self::new(Status::Blocked, message, Ok(result), State::Blocked)
    }

    fn failed(message: String, error: String) -> Self {
        Self::new(Status::Failed, message, Err(error), State::Failed)
    }
}

/// What keeps a step from being started.
enum Unready {
    /// Something around it has to change first.
    Blocked(String),
    /// It cannot be run as it is written.
    Failed(String),
}

/// The step cannot be run because of this error.
fn broken(error: impl Into<Failure>) -> Unready {
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
    done: State,
) -> Result<Stepped> {
    let title = title(selected);
    let spec = match prepare(session, event, selected, &title) {
        Ok(spec) => spec,
        Err(Unready::Blocked(why)) => return Ok(Stepped::blocked(why)),
        Err(Unready::Failed(why)) => {
            return Ok(Stepped::failed(why.clone(), format!("{title} failed: {why}")));
        }
    };
    if !session.applies() {
        let message =
            format!("a dry run does not run it: `{}` in {}", spec.command.join(" "), spec.dir.display());
        let result = StepResult::new(Status::Skipped).with("message", message.clone());
        return Ok(Stepped::new(Status::Skipped, message, Ok(result), done));
    }
    let name = format!("step {}/{}", selected.manifest.name, selected.step.name);
    let (outcome, log) = relayed(session, &name, |on_line| run_step(&spec, on_line))?;
    let log = session.client.write_log(&run_id(event, selected), &log)?;
    let log = log.strip_prefix(session.context.workspace.root()).unwrap_or(&log).display().to_string();
    match outcome {
        Ok(result) => Ok(Stepped::new(result.status(), said(&result, &log), Ok(result), done)),
        Err(error) if error.is_interruption() => Err(Failure::new(Kind::Failed, error)),
        Err(error) => Ok(Stepped::failed(failed(&error, &log), error.to_string())),
    }
}

fn title(selected: &Selected<'_>) -> String {
    let runner = if selected.step.runner == Runner::Bun { "Bun" } else { "Command" };
    format!("{runner} flow step {}/{}", selected.manifest.name, selected.step.name)
}

fn run_id(event: &Event, selected: &Selected<'_>) -> RunId {
    RunId::of(&event.id, &selected.manifest.name, &selected.step.name)
}

fn said(result: &StepResult, log: &str) -> String {
    let message = result.message().map(|message| format!("{}; ", message.trim())).unwrap_or_default();
    format!("{message}log {log}")
}

/// The error in one line: how it ended, and its last word.
fn failed(error: &StepError, log: &str) -> String {
    let text = error.to_string();
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let last = lines.next_back().map(|last| format!(": {}", last.trim())).unwrap_or_default();
    let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("{first}{last}{hint}; log {log}")
}

fn prepare(
    session: &Session<'_>,
    event: &Event,
    selected: &Selected<'_>,
    title: &str,
) -> std::result::Result<StepSpec, Unready> {
    let command = command(session, selected)?;
    must_be_clean(session, selected)?;
    let dir = folder(session, selected)?;
    let id = run_id(event, selected);
    let codex_home = session.context.workspace.codex().display().to_string();
    let own = [
        ("CODEX_FLOW_EVENT_ID", event.id.as_str()),
        ("CODEX_FLOW_RUN_ID", id.as_str()),
        ("CODEX_FLOW_ATTEMPT_ID", id.as_str()),
        ("CODEX_FLOW_REPLAY", "0"),
        ("CODEX_FLOW_LAUNCHED_BY", LAUNCHED_BY),
        ("CODEX_HOME", &codex_home),
        ("CODEX_WORKSPACE_MODE", "actions"),
    ];
    let config = &selected.manifest.config;
    let named = config.iter().filter(|(key, _)| key.ends_with("_env"));
    let named: Vec<&str> = named.filter_map(|(_, name)| name.as_str()).collect();
    let (env, withheld) = step_env(session.context.variables, &named, &own);
    for name in withheld {
        session
            .context
            .ui
            .note(&format!("{title} does not see {name}: it may be a secret, or is the runner's own"));
    }
    let input = format!("{:#}\n", context(event, selected, &id)).into_bytes();
    Ok(StepSpec { title: title.to_owned(), command, dir, env, input, timeout: selected.step.timeout })
}

/// Program and arguments.
fn command(session: &Session<'_>, selected: &Selected<'_>) -> std::result::Result<Vec<String>, Unready> {
    match selected.step.runner {
        Runner::Command => Ok(selected.step.command.clone()),
        Runner::Bun => {
            let script = selected.flow.root.join(selected.step.script.as_deref().unwrap_or_default());
            must_be_pinned(selected.flow, &script)?;
            let source = read_bounded(&script, MAX_SCRIPT).map_err(broken)?;
            let path = session.context.variables.get("PATH").map_or("", String::as_str);
            let program = interpreter(&script, &source, path)
                .map_err(|error| Unready::Blocked(format!("{error}; {}", error.hint())))?;
            Ok(vec![program.display().to_string(), script.display().to_string()])
        }
        Runner::CodeMode => Err(Unready::Blocked("this version has no Code Mode host".to_owned())),
        Runner::PatchStack => Err(Unready::Blocked("nothing was prepared for it".to_owned())),
    }
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
fn must_be_clean(session: &Session<'_>, selected: &Selected<'_>) -> std::result::Result<(), Unready> {
    let text = |key: &str| selected.manifest.config.get(key).and_then(toml::Value::as_str);
    let variable = ["codex_repo_env", "repo_env"].iter().find_map(|key| text(key));
    let named = variable.and_then(|name| session.context.variable(name));
    let written = || ["codex_repo", "repo"].iter().find_map(|key| text(key)).map(str::to_owned);
    let Some(named) = named.or_else(written).filter(|named| !named.trim().is_empty()) else { return Ok(()) };
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
fn folder(session: &Session<'_>, selected: &Selected<'_>) -> std::result::Result<PathBuf, Unready> {
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

/// What a step reads.
fn context(event: &Event, selected: &Selected<'_>, id: &RunId) -> Value {
    let mut flow = json!({
        "name": selected.manifest.name,
        "version": selected.manifest.version,
        "root": selected.flow.root.display().to_string(),
        "step": selected.step.name,
    });
    if !selected.manifest.config.is_empty() {
        flow["config"] =
            selected.manifest.config.iter().map(|(key, value)| (key.clone(), json_of(value))).collect();
    }
    flow["event"] = json!(event);
    json!({
        "flow": flow,
        "runtime": {
            "eventId": event.id, "runId": id.as_str(), "attemptId": id.as_str(), "replay": false,
            "launchedBy": LAUNCHED_BY,
        },
    })
}

fn json_of(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => json!(text),
        toml::Value::Integer(whole) => json!(whole),
        toml::Value::Float(float) => json!(float),
        toml::Value::Boolean(boolean) => json!(boolean),
        toml::Value::Datetime(time) => json!(time.to_string()),
        toml::Value::Array(list) => list.iter().map(json_of).collect(),
        toml::Value::Table(table) => table.iter().map(|(key, value)| (key.clone(), json_of(value))).collect(),
    }
}
