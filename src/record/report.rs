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

/// The part of a run's record that an attempt is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunReport {
    /// The run's id.
    pub(crate) id: String,
    /// The status that decides.
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
    pub(super) fn standing(&self) -> Standing {
        match self.status.as_deref() {
            Some("canceled" | "cancelled") => Standing::Canceled,
            Some(word) => Status::from_name(word).map_or(Standing::Open, Standing::Ended),
            None => Standing::Open,
        }
    }
}

impl RunReport {
    /// What a run says that the flow client's state holds, whoever wrote it. A backend puts a result into
    /// another object; what the result says comes before what the run says of it.
    pub(crate) fn of_stored(run: &Value) -> Self {
        let payload = run.get("resultPayload").unwrap_or(&Value::Null);
        let inner = payload.get("result").unwrap_or(&Value::Null);
        let is_result = |value: &&Value| value.get("status").is_some_and(Value::is_string);
        let payload = [payload, inner].into_iter().find(is_result).unwrap_or(&Value::Null);
        let status = text(payload, "status").or_else(|| text(run, "effectiveStatus"));
        Self {
            id: text(run, "id").unwrap_or_default(),
            status: status.or_else(|| text(run, "status")),
            error: text(run, "error"),
            message: text(payload, "message"),
            artifacts: payload.get("artifacts").cloned(),
            completed_at: text(run, "completedAt"),
        }
    }

    /// What it came to, where that was a good end.
    pub(crate) fn good_end(&self) -> Option<Status> {
        match self.standing() {
            Standing::Ended(status @ (Status::Skipped | Status::Completed | Status::Changed)) => Some(status),
            _ => None,
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

    use super::super::Status;
    use super::super::run::tests::run_for;
    use super::*;

    fn crashed() -> RunReport {
        RunReport::from(&run_for(&json!({"id": "e", "type": "t"}), "s", Err("boom".to_owned())))
    }

    #[test]
    fn a_run_without_a_result_has_failed_and_says_why() {
        let report = crashed();
        assert_eq!(report.standing(), Standing::Ended(Status::Failed));
        assert_eq!((report.error.as_deref(), report.message), (Some("boom"), None));
    }

    #[test]
    fn a_stored_run_says_what_its_result_says_even_where_a_backend_wrapped_it() {
        let bare = json!({"id": "r", "status": "queued", "effectiveStatus": "running", "raw": {}});
        let of = |payload: Value| {
            let mut run = bare.clone();
            run["resultPayload"] = payload;
            RunReport::of_stored(&run)
        };
        assert_eq!(RunReport::of_stored(&bare).status.as_deref(), Some("running"));
        assert_eq!(of(json!({"status": " "})).status.as_deref(), Some("running"));
        assert_eq!(of(json!({"flow": "f"})).good_end(), None);
        let result = json!({"status": "changed", "message": "m", "artifacts": {"candidateRef": "r"}});
        for payload in [result.clone(), json!({"flow": "f", "step": "s", "result": result})] {
            let report = of(payload);
            assert_eq!((report.good_end(), report.message.as_deref()), (Some(Status::Changed), Some("m")));
            assert_eq!(report.artifacts, Some(json!({"candidateRef": "r"})));
        }
        let run = run_for(&json!({"id": "e", "type": "t"}), "s", Err("boom".to_owned()));
        assert_eq!(RunReport::of_stored(&serde_json::to_value(&run).unwrap()), crashed());
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
            let report = RunReport { status: Some(word.to_owned()), ..crashed() };
            assert_eq!(report.standing(), standing, "{word}");
        }
    }
}
