//! What a run says to whoever asks, wherever it was kept.

use serde_json::Value;

use super::{Run, Status};

/// How far a run is, as one word of its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It came to something.
    Ended(Status),
    /// It was called off: it ended, and came to nothing.
    Canceled,
    /// It is queued or running, or its word is not known.
    Open,
}

/// The part of a run's record that an attempt is made of, read from whatever a backend or a state
/// file holds. Blank texts count as absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunReport {
    /// The run's id.
    pub(crate) id: String,
    /// The status that decides: the result's, else the record's effective status, else its status.
    pub(crate) status: Option<String>,
    /// Why it gave no result.
    pub(crate) error: Option<String>,
    /// One sentence from its result.
    pub(crate) message: Option<String>,
    /// What its result lists as made.
    pub(crate) artifacts: Option<Value>,
    /// When it ended.
    pub(crate) completed_at: Option<String>,
}

impl RunReport {
    /// Reads a run's record; nothing where it has no id.
    ///
    /// A result stands in `resultPayload`, or one level deeper in `resultPayload.result`, where
    /// the workspace backend puts it.
    pub(crate) fn of(run: &Value) -> Option<Self> {
        let payload = run.get("resultPayload");
        let result = [payload, payload.and_then(|payload| payload.get("result"))]
            .into_iter()
            .flatten()
            .find(|candidate| candidate.get("status").is_some_and(Value::is_string));
        let status = [
            result.and_then(|result| text(result, "status")),
            text(run, "effectiveStatus"),
            text(run, "status"),
        ];
        Some(Self {
            id: text(run, "id")?,
            status: status.into_iter().flatten().next(),
            error: text(run, "error"),
            message: result.and_then(|result| text(result, "message")),
            artifacts: result.and_then(|result| result.get("artifacts")).cloned(),
            completed_at: text(run, "completedAt"),
        })
    }

    pub(super) fn standing(&self) -> Standing {
        match self.status.as_deref() {
            Some("canceled" | "cancelled") => Standing::Canceled,
            Some(word) => Status::from_name(word).map_or(Standing::Open, Standing::Ended),
            None => Standing::Open,
        }
    }
}

impl From<&Run> for RunReport {
    fn from(run: &Run) -> Self {
        Self {
            id: run.id().to_string(),
            status: Some(run.status().name().to_owned()),
            error: run.error().map(str::to_owned),
            message: run.result().and_then(|result| result.message()).map(str::to_owned),
            artifacts: run.result().and_then(|result| result.artifacts()).cloned(),
            completed_at: Some(run.completed_at().to_owned()),
        }
    }
}

/// The text under `key`, unless it is blank.
pub(super) fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::run::tests::run_for;
    use super::super::{Status, StepResult};
    use super::*;

    #[test]
    fn a_run_without_an_id_says_nothing() {
        assert_eq!(RunReport::of(&json!({"status": "completed"})), None);
        assert_eq!(RunReport::of(&json!({"id": " "})), None);
        assert_eq!(RunReport::of(&json!(["id"])), None);
    }

    #[test]
    fn a_result_that_the_backend_wrapped_still_decides() {
        let run = json!({"id": "r", "effectiveStatus": "completed",
            "resultPayload": {"flow": "f", "step": "s", "result": {"status": "blocked", "message": "no token"}}});
        let report = RunReport::of(&run).unwrap();
        assert_eq!(report.standing(), Standing::Ended(Status::Blocked));
        assert_eq!(report.message.as_deref(), Some("no token"));
    }

    #[test]
    fn a_word_that_nobody_knows_is_no_end() {
        for (word, standing) in [
            ("running", Standing::Open),
            ("queued", Standing::Open),
            ("sideways", Standing::Open),
            ("canceled", Standing::Canceled),
            ("failed", Standing::Ended(Status::Failed)),
        ] {
            assert_eq!(
                RunReport::of(&json!({"id": "r", "status": word})).unwrap().standing(),
                standing,
                "{word}"
            );
        }
    }

    #[test]
    fn a_run_reports_the_same_from_memory_and_from_its_record() {
        let event = json!({"id": "e", "type": "t"});
        let result = StepResult::new(Status::Changed).with("artifacts", json!({"candidateRef": "refs/x"}));
        for outcome in [Ok(result.with("message", "done")), Err("boom".to_owned())] {
            let run = run_for(&event, "s", outcome);
            assert_eq!(RunReport::of(&serde_json::to_value(&run).unwrap()), Some(RunReport::from(&run)));
        }
    }
}
