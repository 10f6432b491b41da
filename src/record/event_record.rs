//! record.json: what a run did about one event, for whoever keeps it on another machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::{Attempt, Dispatch, RunId};
use crate::ids::{CommitId, Digest, EventId, ObjectId, RepoName, TagName};
use crate::release::State;

/// The version of record.json that this program writes.
const SCHEMA_VERSION: u32 = 1;

/// The longest record.json that is read, in bytes.
pub(crate) const MAX_EVENT_RECORD_BYTES: u64 = 16 << 20;

/// So many runs of one event are read.
const MOST_RUNS: usize = 1000;

/// So many records of events that followed are read.
const MOST_FOLLOWED: usize = 1000;

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
    /// The records of the events that steps of this one wanted to follow, and of those that followed them, in the
    /// order in which they ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) followed: Vec<EventRecord>,
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
    /// More events follow it than any run dispatches.
    #[error("{0} events follow it, and {MOST_FOLLOWED} are read")]
    TooManyFollowed(usize),
    /// The record of an event that followed is not in order.
    #[error("the record of an event that followed cannot be used: {0}")]
    Followed(Box<EventRecordError>),
    /// The record of an event that followed has a list of its own.
    #[error("it has followers of its own, which belong into the one list")]
    Nested,
    /// A run has not the id that its event, flow and step give it.
    #[error("its run `{}` is not one of its steps", .0.escape_debug())]
    ForeignRun(String),
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
        record.check()?;
        let followed = record.followed.len();
        if followed > MOST_FOLLOWED {
            return Err(EventRecordError::TooManyFollowed(followed));
        }
        for follower in &record.followed {
            follower.check_follower().map_err(|err| EventRecordError::Followed(Box::new(err)))?;
        }
        Ok(record)
    }

    /// Those of the one list are all: a record in it has no list of its own. Its runs have the ids of its own
    /// steps, for nothing else says whose they are.
    fn check_follower(&self) -> Result<(), EventRecordError> {
        self.check()?;
        if !self.followed.is_empty() {
            return Err(EventRecordError::Nested);
        }
        let id = self.event_id().ok_or(EventRecordError::Mixed { part: "event" })?;
        let text = |run: &Value, key| run.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let is_own = |run: &&Value| {
            let own = RunId::of(&id, &text(run, "flowName"), &text(run, "stepName"));
            let found = text(run, "id");
            found == own.as_str() || RunId::is_of_replay(&found)
        };
        let foreign = self.runs.iter().find(|run| !is_own(run));
        foreign.map_or(Ok(()), |run| Err(EventRecordError::ForeignRun(text(run, "id"))))
    }

    fn check(&self) -> Result<(), EventRecordError> {
        let record = self;
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
            None => Ok(()),
        }
    }

    /// The same with the record of an event that followed, in place of an earlier one of the same event.
    #[must_use]
    pub(crate) fn followed_by(mut self, follower: Self) -> Self {
        let same = |other: &Self| other.event.get("id") == follower.event.get("id");
        self.followed.retain(|other| !same(other));
        self.followed.push(Self { followed: Vec::new(), ..follower });
        self
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
            followed: Vec::new(),
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
    fn a_follower_that_has_foreign_runs_or_followers_of_its_own_is_refused() {
        let id = RunId::of(&"e".parse().unwrap(), "f", "s").to_string();
        let run = |id: &str| json!({"id": id, "eventId": "e", "flowName": "f", "stepName": "s"});
        let head = || EventRecord { runs: Vec::new(), ..record() };
        for fine in [id.as_str(), "run_0123456789ab_replay"] {
            let follower = EventRecord { runs: vec![run(fine)], ..record() };
            let whole = head().followed_by(follower.clone()).followed_by(follower);
            assert_eq!(whole.followed.len(), 1);
            assert_eq!(EventRecord::parse(whole.to_text().as_bytes()).unwrap(), whole);
        }
        let foreign = head().followed_by(record());
        let error = EventRecord::parse(foreign.to_text().as_bytes()).unwrap_err();
        assert!(error.to_string().ends_with("its run `run_1` is not one of its steps"), "{error}");
        let nested = EventRecord { followed: vec![head().followed_by(head())], ..head() };
        let error = EventRecord::parse(nested.to_text().as_bytes()).unwrap_err();
        assert!(matches!(error, EventRecordError::Followed(_)), "{error}");
        let mixed = EventRecord { event: json!({"id": "other", "type": "t"}), ..head() };
        let error = EventRecord::parse(head().followed_by(mixed).to_text().as_bytes()).unwrap_err();
        assert!(matches!(error, EventRecordError::Followed(_)), "{error}");
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
