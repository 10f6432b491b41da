//! feed-sources.json as a JSON schema describes it, for editors and for writing one.
//!
//! [`Sources::parse`](super::Sources::parse) does not read through these types, because its errors
//! name more than serde can; a test holds the two together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Which upstream repositories are watched, and what their news are for.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "feed-sources.json")]
pub(super) struct SourcesFile {
    /// The sources. Each stands for itself: one that cannot be reached stops no other.
    #[serde(default)]
    pub(super) sources: Vec<RawSource>,
}

/// One feed of one repository.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawSource {
    /// The source's name, the same for ever: what was seen is remembered under it.
    #[schemars(length(min = 1, max = 200))]
    id: String,
    /// The forge.
    provider: RawProvider,
    /// The feed (Atom or RSS): `https:`, `file:`, or `http:` on this machine.
    url: String,
    /// What the feed tells.
    event: RawEvent,
    /// The repository that the feed tells about.
    repo: RawRepo,
    /// What the news are for. Without it they are recorded only.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<RawTarget>,
    /// For a service that polls; a scheduled run does not look at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    poll_interval_seconds: Option<f64>,
    /// `false`: entries that were there at the first look are recorded too.
    #[serde(skip_serializing_if = "Option::is_none")]
    prime_only: Option<bool>,
    /// Which tags are releases: a regular expression with a group named `version`. Without it a tag
    /// is a release where it is a version and nothing else: `v1.2`, `1.2.3`, `1.2.3-rc.1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_pattern: Option<String>,
    /// Whether prereleases count. Default: `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    prereleases: Option<bool>,
    /// What the first run does: carry to the `newest` release (default), or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_first_run: Option<RawOnFirstRun>,
    /// Where several releases came out: carry to the `newest` (default), or to `each`.
    #[serde(skip_serializing_if = "Option::is_none")]
    when_several: Option<RawWhenSeveral>,
    /// How old a release must be: `2h`, `3 days`, `P1W`. Where the feed gives no date, it is old
    /// enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum_age: Option<String>,
}

/// A forge.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum RawProvider {
    Github,
    Codeberg,
    Jojo,
}

/// What a feed tells.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum RawEvent {
    Push,
    Release,
}

/// A repository.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RawRepo {
    /// The part before the slash.
    owner: String,
    /// The part after the slash.
    name: String,
    /// `owner/name`.
    full_name: String,
    /// Its page.
    web_url: String,
    /// Its default branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    default_branch: Option<String>,
}

/// What the news are for.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum RawTarget {
    Fork(RawForkTarget),
    Flow(RawFlowTarget),
}

/// A repository that follows this one.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RawForkTarget {
    /// Its forge.
    provider: RawProvider,
    /// `owner/name`.
    repo_full_name: String,
    /// Its branch.
    branch: String,
    /// What the news mean to it.
    mode: RawForkMode,
}

/// What news mean to a fork.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum RawForkMode {
    NotifyOnly,
    ForkSync,
}

/// A flow that is started.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RawFlowTarget {
    /// Both mean the same; `flow_dispatch` is the older name.
    mode: RawFlowMode,
    /// The event's type, such as `upstream.release`.
    event_type: String,
    /// The address of a workspace backend.
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace_url: Option<String>,
    /// The environment variable that holds that address.
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace_url_env: Option<String>,
    /// The environment variable that holds the backend's secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace_secret_env: Option<String>,
    /// Older name of `workspaceUrl`.
    #[serde(skip_serializing_if = "Option::is_none")]
    dispatch_url: Option<String>,
    /// Older name of `workspaceUrlEnv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    dispatch_url_env: Option<String>,
    /// Older name of `workspaceSecretEnv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    dispatch_secret_env: Option<String>,
    /// What is laid over the event's payload.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Map<String, Value>>,
}

/// How a flow is named.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum RawFlowMode {
    WorkspaceFlow,
    FlowDispatch,
}

/// What the first run does.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum RawOnFirstRun {
    Newest,
    None,
}

/// What happens where several releases are due.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum RawWhenSeveral {
    Newest,
    Each,
}

/// The JSON schema of feed-sources.json.
pub(crate) fn sources_schema() -> Value {
    schemars::schema_for!(SourcesFile).to_value()
}
