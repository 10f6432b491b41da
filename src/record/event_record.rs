//! record.json: what a run did about one event, for whoever keeps it on another machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::{Attempt, Dispatch};
use crate::ids::{CommitId, Digest, EventId, ObjectId, RepoName, TagName};
use crate::release::State;

/// The version of record.json that this program writes.
const SCHEMA_VERSION: u32 = 1;

/// The longest record.json that is read, in bytes.
pub(crate) const MAX_EVENT_RECORD_BYTES: u64 = 16 << 20;

/// So many runs of one event are read.
const MOST_RUNS: usize = 1000;

/// One event that a run has begun, and what came of it: also where a step failed or waits, and there is
/// no candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "record.json of an event")]
pub(crate) struct EventRecord {
    /// The version of this format, today 1.
    pub(crate) schema_version: u32,
    /// The event, as flow-events.jsonl has it.
    pub(crate) event: Value,
    /// The repository that released.
    pub(crate) repo: RepoName,
    /// The release's tag.
    pub(crate) tag: TagName,
    /// What the tag's ref pointed to; nothing for an event about no commit.
    pub(crate) tag_object: Option<ObjectId>,
    /// The release commit.
    pub(crate) commit: Option<CommitId>,
    /// Where the maintained branch stood, where that was known.
    pub(crate) tip: Option<CommitId>,
    /// The digest of the flows and their configuration.
    pub(crate) flows: Option<Digest>,
    /// What became of the release, as in releases.jsonl.
    pub(crate) state: State,
    /// What came of it, in a sentence.
    pub(crate) message: String,
    /// The runs of the event's steps, as state.json has them.
    pub(crate) runs: Vec<Value>,
    /// The line of workspace-dispatches.jsonl.
    #[schemars(with = "Option<Value>")]
    pub(crate) dispatch: Option<Dispatch>,
    /// The line of maintenance-attempts.jsonl.
    #[schemars(with = "Option<Value>")]
    pub(crate) attempt: Option<Attempt>,
    /// When this was written: UTC, milliseconds, `Z`.
    pub(crate) at: String,
    /// What else a reader should know: events that were not dispatched, flows that are not as they were pinned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<String>,
}

/// Why a text is no record of an event.
#[derive(Debug, Error)]
pub(crate) enum EventRecordError {
    /// It is not JSON, or not of this kind.
    #[error("it is no record of an event: {0}")]
    NotARecord(#[from] serde_json::Error),
    /// It is of a version that this program does not know.
    #[error("it has format version {0}, and this version of patch-moi reads {SCHEMA_VERSION}")]
    Version(u32),
    /// A part of it is about something else than the rest.
    #[error("its {part} is about another event than the rest")]
    Mixed {
        /// Which part.
        part: &'static str,
    },
    /// It has more runs than anybody's flows have steps.
    #[error("it has {0} runs, and {MOST_RUNS} are read")]
    TooManyRuns(usize),
}

impl EventRecord {
    /// The version that is written.
    pub(crate) const fn schema_version() -> u32 {
        SCHEMA_VERSION
    }

    /// Reads record.json. What it says of the world is the word of whoever wrote it; that its parts are
    /// about the same event is checked.
    ///
    /// # Errors
    /// Where it is something else, of another version, or about several events.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, EventRecordError> {
        let record: Self = serde_json::from_slice(bytes)?;
        if record.schema_version != SCHEMA_VERSION {
            return Err(EventRecordError::Version(record.schema_version));
        }
        if record.runs.len() > MOST_RUNS {
            return Err(EventRecordError::TooManyRuns(record.runs.len()));
        }
        let id = record.event_id().ok_or(EventRecordError::Mixed { part: "event" })?;
        let is_about = |run: &Value| run["eventId"] == id.as_str() && run["id"].is_string();
        let parts = [
            ("runs", record.runs.iter().all(is_about)),
            ("dispatch", record.dispatch.iter().all(|dispatch| dispatch.event_id == id.as_str())),
            ("attempt", record.attempt.iter().all(|attempt| attempt.event_id == id.as_str())),
        ];
        match parts.into_iter().find(|(_, fits)| !fits) {
            Some((part, _)) => Err(EventRecordError::Mixed { part }),
            None => Ok(record),
        }
    }

    /// The event's id.
    pub(crate) fn event_id(&self) -> Option<EventId> {
        self.event.get("id")?.as_str()?.parse().ok()
    }

    /// record.json.
    pub(crate) fn to_text(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("texts, numbers and JSON values are JSON");
        text + "\n"
    }
}

/// The JSON schema of record.json, as published in docs/schemas.
pub(crate) fn record_schema() -> Value {
    schemars::schema_for!(EventRecord).to_value()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Operation;
    use super::*;

    fn record() -> EventRecord {
        let event = json!({"id": "e", "type": "upstream.release", "payload": {}});
        let dispatch = Dispatch::taken(
            &"e".parse().unwrap(),
            "upstream.release",
            Operation::Dispatch,
            vec!["run_1".to_owned()],
            "T",
        );
        EventRecord {
            schema_version: 1,
            attempt: Some(Attempt::begun(&dispatch, &event)),
            event,
            repo: "acme/engine".parse().unwrap(),
            tag: "v1".parse().unwrap(),
            tag_object: None,
            commit: Some("1".repeat(40).parse().unwrap()),
            tip: None,
            flows: None,
            state: State::Failed,
            message: "a step failed".to_owned(),
            runs: vec![json!({"id": "run_1", "eventId": "e"})],
            dispatch: Some(dispatch),
            at: "T".to_owned(),
            warnings: Vec::new(),
        }
    }

    #[test]
    fn a_record_about_several_events_is_refused() {
        let text = record().to_text();
        for (from, to, part) in
            [(r#""id": "e""#, r#""id": """#, "event"), (r#""eventId": "e""#, r#""eventId": "f""#, "runs")]
        {
            let mixed = text.replacen(from, to, 1);
            let error = EventRecord::parse(mixed.as_bytes()).unwrap_err();
            assert!(matches!(error, EventRecordError::Mixed { part: found } if found == part), "{error}");
        }
        let mut other = record();
        other.attempt.as_mut().unwrap().event_id = "f".to_owned();
        let error = EventRecord::parse(other.to_text().as_bytes()).unwrap_err();
        assert!(matches!(error, EventRecordError::Mixed { part: "attempt" }), "{error}");
    }

    #[test]
    fn a_record_of_another_kind_or_version_is_refused() {
        for text in ["", "[]", "{}", "{\"schemaVersion\": 1}"] {
            assert!(matches!(EventRecord::parse(text.as_bytes()), Err(EventRecordError::NotARecord(_))));
        }
        let newer = EventRecord { schema_version: 2, ..record() };
        assert!(matches!(EventRecord::parse(newer.to_text().as_bytes()), Err(EventRecordError::Version(2))));
        let many = EventRecord { runs: vec![json!({"id": "r", "eventId": "e"}); 1001], ..record() };
        assert!(matches!(
            EventRecord::parse(many.to_text().as_bytes()),
            Err(EventRecordError::TooManyRuns(1001))
        ));
    }

    #[test]
    fn a_record_survives_being_written_and_read() {
        assert_eq!(EventRecord::parse(record().to_text().as_bytes()).unwrap(), record());
    }
}
