//! One handing-over of an event to what executes it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::EventId;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Operation {
    /// The event, for the first time or once more.
    Dispatch,
    /// All that the event once led to, again.
    Replay,
}

impl Operation {
    /// The operation's name in every file and output.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Dispatch => "dispatch",
            Self::Replay => "replay",
        }
    }
}

/// Who executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Target {
    /// This process.
    Local,
    /// A workspace backend.
    WorkspaceBackend,
}

/// How the event gets there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Transport {
    /// In this process, with nothing kept. Only the older system writes it.
    Local,
    /// In this process, with the flow client's state on disk.
    ActionsLocal,
    /// HTTP.
    WorkspaceHttp,
    /// A WebSocket.
    WorkspaceWs,
}

/// What came of the handing-over itself; the runs' outcomes stand in the attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DispatchStatus {
    /// It was taken.
    Dispatched,
    /// It was not.
    Failed,
    /// It was not tried.
    Skipped,
}

/// A line of workspace-dispatches.jsonl, in the older system's key order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Dispatch {
    /// The event's id.
    pub(crate) event_id: String,
    /// The event's type.
    pub(crate) event_type: String,
    /// What was asked for.
    pub(crate) operation: Operation,
    /// Who executes.
    pub(crate) target: Target,
    /// How the event got there.
    pub(crate) transport: Transport,
    /// The backend's base URL, or its WebSocket URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) workspace_backend_url: Option<String>,
    /// The URL that was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// What came of it.
    pub(crate) status: DispatchStatus,
    /// The backend's HTTP status, where it refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) http_status: Option<u16>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// The runs that it led to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) run_ids: Option<Vec<String>>,
    /// How many steps matched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) matched: Option<u64>,
    /// Whether the event was known, and nothing ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) idempotent: Option<bool>,
    /// When it was asked for.
    pub(crate) created_at: String,
    /// What somebody else put into the line.
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

impl Dispatch {
    /// A dispatch in this process that was taken and led to `run_ids`, one for each step that
    /// matched. `created_at` is a time as `event::stamp` writes it.
    pub(crate) fn taken(
        event_id: &EventId,
        event_type: &str,
        operation: Operation,
        run_ids: Vec<String>,
        created_at: &str,
    ) -> Self {
        let begun = Self::begun(event_id, event_type, operation, DispatchStatus::Dispatched, created_at);
        Self { matched: u64::try_from(run_ids.len()).ok(), run_ids: Some(run_ids), ..begun }
    }

    fn begun(
        event_id: &EventId,
        event_type: &str,
        operation: Operation,
        status: DispatchStatus,
        created_at: &str,
    ) -> Self {
        Self {
            event_id: event_id.to_string(),
            event_type: event_type.to_owned(),
            operation,
            target: Target::Local,
            transport: Transport::ActionsLocal,
            workspace_backend_url: None,
            url: None,
            status,
            http_status: None,
            error: None,
            run_ids: None,
            matched: None,
            idempotent: None,
            created_at: created_at.to_owned(),
            rest: Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> EventId {
        "e".parse().unwrap()
    }

    #[test]
    fn a_dispatch_that_was_taken_names_its_runs() {
        let taken = Dispatch::taken(&id(), "t", Operation::Replay, vec!["run_1".to_owned()], "T");
        assert_eq!(
            serde_json::to_string(&taken).unwrap(),
            r#"{"eventId":"e","eventType":"t","operation":"replay","target":"local","transport":"actions-local","status":"dispatched","runIds":["run_1"],"matched":1,"createdAt":"T"}"#
        );
    }

    #[test]
    fn a_backends_dispatch_survives_being_read_and_written() {
        let line = r#"{"eventId":"e","eventType":"t","operation":"dispatch","target":"workspace-backend","transport":"workspace-http","workspaceBackendUrl":"http://127.0.0.1:1","url":"http://127.0.0.1:1/events","status":"failed","httpStatus":401,"error":"failed with 401","createdAt":"T","newer":1}"#;
        let read: Dispatch = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), line);
    }
}
