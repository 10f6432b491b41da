//! flow.toml's published JSON schema.
//!
//! These types are read by editors only: [`super::Manifest::parse`] reads the file itself, since
//! its messages are a contract. A test keeps the two from drifting apart.

use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use serde_json::Value;

/// flow.toml: what a flow is called, what makes it run, and what it does.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "flow.toml")]
struct FlowToml {
    /// The flow's name; one segment of a path.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// The flow's version, as its author counts.
    version: f64,
    /// What the flow does.
    description: Option<String>,
    /// Handed to every step. A `patch-stack` step takes its stack from here.
    config: Option<Value>,
    /// For the agents that run a step.
    guidance: Option<Guidance>,
    /// Names of environment variables that every step gets beside the ordinary ones.
    env: Option<Vec<String>>,
    /// What the flow does, in this order, with different names.
    #[schemars(length(min = 1))]
    steps: Vec<StepToml>,
    /// What a complete candidate has to pass before it is published.
    checks: Option<Vec<CheckToml>>,
}

/// For the agents that run a step.
#[derive(Serialize, JsonSchema)]
struct Guidance {
    /// Names of skills.
    skills: Option<Vec<String>>,
}

/// One thing that a flow does.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Step")]
struct StepToml {
    /// Its name, unique in the flow.
    #[schemars(length(min = 1, max = 200))]
    name: String,
    /// What runs it.
    runner: RunnerToml,
    /// The script, relative to the flow's folder; for `bun` and `code-mode`.
    script: Option<String>,
    /// The program and its arguments; for `command`.
    command: Option<Vec<String>>,
    /// How long it may take, in milliseconds; 300000 where it is absent.
    #[schemars(range(min = 1))]
    timeout_ms: Option<f64>,
    /// Where it runs, relative to the flow's folder.
    cwd: Option<String>,
    /// What makes it run. Without one it never does.
    trigger: Option<TriggerToml>,
    /// Whether it may run at all; true where it is absent.
    enabled: Option<bool>,
    /// Names of environment variables that it gets beside the ordinary ones.
    env: Option<Vec<String>>,
}

/// What runs a step.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Runner", rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
#[expect(dead_code, reason = "the schema lists them; nothing makes one")]
enum RunnerToml {
    /// The bun executable, with a script.
    Bun,
    /// Codex's Code Mode host, with a script.
    CodeMode,
    /// patch-moi itself: carries the patch stack that `[config]` names.
    PatchStack,
    /// Any program that speaks FLOW_RESULT.
    Command,
}

/// The events that make a step run.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Trigger")]
struct TriggerToml {
    /// The event's type.
    #[serde(rename = "type")]
    #[schemars(length(min = 1))]
    kind: String,
    /// The JSON schema of the payload, a path inside the flow's folder.
    schema: Option<String>,
}

/// One command that a complete candidate has to pass.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Check")]
struct CheckToml {
    /// Its name, unique in the flow and safe as a file name.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// The program and its arguments; no shell reads it.
    #[schemars(length(min = 1))]
    command: Vec<String>,
    /// How long it may take, in milliseconds; 1800000 where it is absent.
    #[schemars(range(min = 1))]
    timeout_ms: Option<f64>,
    /// Whether its failure keeps the candidate from being published; true where it is absent.
    required: Option<bool>,
    /// Names of environment variables that it gets beside the ordinary ones.
    env: Option<Vec<String>>,
}

/// The JSON schema of flow.toml.
pub(crate) fn flow_schema() -> Value {
    schema_for!(FlowToml).to_value()
}
