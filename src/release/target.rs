//! What a source's news are for.

use serde_json::{Map, Value};
use url::Url;

use crate::ids::{RefName, RepoName};

use super::fields::{BadField, Fields, escaped, kind};
use super::sources::{PROVIDERS, Provider};

/// What a source's news are for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Target {
    /// Another repository that follows this one: its news are recorded only.
    Fork(ForkTarget),
    /// A flow: its releases start work.
    Flow(FlowTarget),
}

/// A repository that follows the source's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ForkTarget {
    /// Where it lives.
    pub(crate) provider: Provider,
    /// Which one it is.
    pub(crate) repo: RepoName,
    /// Its branch.
    pub(crate) branch: String,
    /// What the news mean to it.
    pub(crate) mode: ForkMode,
}

/// What news mean to a fork.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ForkMode {
    /// They are only told.
    NotifyOnly,
    /// They are written down as a job.
    ForkSync,
}

/// A flow that an event of this source is for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FlowTarget {
    /// The event's type.
    pub(crate) event_type: String,
    /// The workspace backend's address, or the variable that holds it.
    pub(crate) workspace_url: Option<String>,
    /// The variable that holds the backend's address.
    pub(crate) workspace_url_env: Option<String>,
    /// The variable that holds the backend's secret.
    pub(crate) workspace_secret_env: Option<String>,
    /// Older name of `workspace_url`.
    pub(crate) dispatch_url: Option<String>,
    /// Older name of `workspace_url_env`.
    pub(crate) dispatch_url_env: Option<String>,
    /// Older name of `workspace_secret_env`.
    pub(crate) dispatch_secret_env: Option<String>,
    /// What is laid over the event's payload.
    pub(crate) payload: Map<String, Value>,
}

#[derive(Clone, Copy)]
enum Mode {
    Fork(ForkMode),
    Flow,
}

const MODES: [(&str, Mode); 4] = [
    ("workspace_flow", Mode::Flow),
    ("flow_dispatch", Mode::Flow),
    ("notify_only", Mode::Fork(ForkMode::NotifyOnly)),
    ("fork_sync", Mode::Fork(ForkMode::ForkSync)),
];

impl Target {
    /// Reads a target; unknown keys go to `unknown`.
    pub(super) fn read(value: &Value, unknown: &mut Vec<String>) -> Result<Self, BadField> {
        let mut fields = Fields::of(value, "target")?;
        let target = match fields.needed_word("mode", &MODES)? {
            Mode::Fork(mode) => Self::Fork(read_fork(&mut fields, mode)?),
            Mode::Flow => Self::Flow(read_flow(&mut fields)?),
        };
        unknown.extend(fields.unknown());
        Ok(target)
    }
}

fn read_fork(fields: &mut Fields<'_>, mode: ForkMode) -> Result<ForkTarget, BadField> {
    let provider = fields.needed_word("provider", &PROVIDERS)?;
    let repo = fields.text("repoFullName")?;
    let repo =
        repo.parse().map_err(|error| fields.bad("repoFullName", format!("cannot be used: {error}")))?;
    let branch = branch(fields, "branch")?.ok_or_else(|| fields.bad("branch", "is missing"))?;
    Ok(ForkTarget { provider, repo, branch, mode })
}

fn read_flow(fields: &mut Fields<'_>) -> Result<FlowTarget, BadField> {
    let payload = match fields.value("payload") {
        None => Map::new(),
        Some(Value::Object(payload)) => payload.clone(),
        Some(other) => return Err(fields.bad("payload", format!("is {}, not an object", kind(other)))),
    };
    Ok(FlowTarget {
        event_type: fields.text("eventType")?.to_owned(),
        workspace_url: backend(fields, "workspaceUrl")?,
        workspace_url_env: variable(fields, "workspaceUrlEnv")?,
        workspace_secret_env: variable(fields, "workspaceSecretEnv")?,
        dispatch_url: backend(fields, "dispatchUrl")?,
        dispatch_url_env: variable(fields, "dispatchUrlEnv")?,
        dispatch_secret_env: variable(fields, "dispatchSecretEnv")?,
        payload,
    })
}

/// A branch's short name.
pub(super) fn branch(fields: &mut Fields<'_>, key: &'static str) -> Result<Option<String>, BadField> {
    let Some(text) = fields.optional_text(key)? else { return Ok(None) };
    let checked = RefName::join("refs/heads", text);
    checked.map_err(|error| fields.bad(key, format!("is no branch: {error}")))?;
    Ok(Some(text.to_owned()))
}

fn variable(fields: &mut Fields<'_>, key: &'static str) -> Result<Option<String>, BadField> {
    let Some(text) = fields.optional_text(key)? else { return Ok(None) };
    let is_name = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !text.starts_with(|c: char| c.is_ascii_digit());
    if is_name {
        return Ok(Some(text.to_owned()));
    }
    // Not repeated: a secret itself may have been written here.
    Err(fields.bad(key, "is not the name of an environment variable (letters, digits and _)"))
}

fn backend(fields: &mut Fields<'_>, key: &'static str) -> Result<Option<String>, BadField> {
    let Some(text) = fields.optional_text(key)? else { return Ok(None) };
    let scheme = Url::parse(text).map(|url| url.scheme().to_owned()).unwrap_or_default();
    if ["http", "https", "ws", "wss"].contains(&scheme.as_str()) {
        return Ok(Some(text.to_owned()));
    }
    Err(fields.bad(key, format!("`{}` is neither an http(s): nor a ws(s): address", escaped(text))))
}
