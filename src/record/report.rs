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
