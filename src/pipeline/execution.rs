//! What every step that is somebody's program is told: its context, and its environment.

use serde_json::{Value, json};

use super::asked::Again;
use super::session::Session;
use crate::event::Event;
use crate::flow::Selected;
use crate::ids::EventId;
use crate::process::Env;
use crate::record::RunId;
use crate::runner::{EnvAsked, StepEnv, step_env};

/// Who starts the steps, in the words that codex-flows' local client has for itself.
const LAUNCHED_BY: &str = "flow-runtime-local-client";

/// One execution of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Execution {
    /// Under which id it is recorded and logged.
    pub(super) run: RunId,
    /// Whether a person asked to run again what has run.
    pub(super) replay: bool,
}

impl Session<'_> {
    /// As which run a step is executed for an event.
    pub(super) fn execution(&self, event: &EventId, selected: &Selected<'_>) -> Execution {
        let (flow, step) = (&selected.manifest.name, &selected.step.name);
        let replay = self.again(event) == Again::Replay;
        let run = match replay {
            true => RunId::of_replay(event, flow, step, &self.nonce),
            false => RunId::of(event, flow, step),
        };
        Execution { run, replay }
    }
}

/// What a step reads.
pub(super) fn context(event: &Event, selected: &Selected<'_>, execution: &Execution) -> Value {
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
    let run = execution.run.as_str();
    json!({
        "flow": flow,
        "runtime": {
            "eventId": event.id, "runId": run, "attemptId": run, "replay": execution.replay,
            "launchedBy": LAUNCHED_BY,
        },
    })
}

/// The environment of a step. What it does not get, and which secrets it does, is said once.
pub(super) fn environment(
    session: &Session<'_>,
    event: &Event,
    selected: &Selected<'_>,
    execution: &Execution,
) -> Env {
    let codex_home = session.context.workspace.codex().display().to_string();
    let own = [
        ("CODEX_FLOW_EVENT_ID", event.id.as_str()),
        ("CODEX_FLOW_RUN_ID", execution.run.as_str()),
        ("CODEX_FLOW_ATTEMPT_ID", execution.run.as_str()),
        ("CODEX_FLOW_REPLAY", if execution.replay { "1" } else { "0" }),
        ("CODEX_FLOW_LAUNCHED_BY", LAUNCHED_BY),
        ("CODEX_HOME", &codex_home),
        ("CODEX_WORKSPACE_MODE", "actions"),
    ];
    let named = selected.manifest.config.iter().filter(|(key, _)| key.ends_with("_env"));
    let named = named.filter_map(|(_, name)| name.as_str()).collect();
    let asked = EnvAsked { listed: &selected.step.env, named };
    let StepEnv { env, withheld, secrets } = step_env(session.context.variables, &asked, &own);
    let step = format!("step {}", selected.full_name());
    for name in withheld {
        let why = "it may be a secret, which flow.toml has to list in `env`, or is the runner's own";
        session.context.ui.note(&format!("{step} does not see {name}: {why}"));
    }
    for name in secrets {
        session
            .context
            .ui
            .note(&format!("{step} sees {name}, which may be a secret: its flow.toml lists it"));
    }
    env
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
