//! What a flow step says about itself: FLOW_RESULT.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

/// What a step came to, in codex-flows' words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// There was nothing to do.
    Skipped,
    /// Done, and nothing changed.
    Completed,
    /// Done, and something changed.
    Changed,
    /// A person has to decide something.
    NeedsIntervention,
    /// Something outside has to change first.
    Blocked,
    /// It went wrong.
    Failed,
}

impl Status {
    /// Every status, in the order in which codex-flows lists them.
    pub(crate) const ALL: [Self; 6] =
        [Self::Skipped, Self::Completed, Self::Changed, Self::NeedsIntervention, Self::Blocked, Self::Failed];

    /// The status's name in every file and output.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Completed => "completed",
            Self::Changed => "changed",
            Self::NeedsIntervention => "needs_intervention",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
        }
    }

    /// The status with this name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Whether a person should look. A failure is counted apart.
    pub(crate) const fn needs_attention(self) -> bool {
        matches!(self, Self::Blocked | Self::NeedsIntervention)
    }
}

/// A step's result: a status, and whatever else the step chose to say.
///
/// The whole object is kept as the step wrote it, keys in their order; the methods read the keys
/// that have a meaning.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct StepResult {
    payload: Map<String, Value>,
    #[serde(skip)]
    status: Status,
}

impl StepResult {
    /// A result with nothing but a status.
    pub(crate) fn new(status: Status) -> Self {
        let payload = Map::from_iter([("status".to_owned(), Value::from(status.name()))]);
        Self { payload, status }
    }

    /// The result that `payload` states.
    ///
    /// # Errors
    /// Where it is not an object, or its `status` is none of [`Status::ALL`].
    pub(crate) fn from_value(payload: Value) -> Result<Self, FlowResultError> {
        let Value::Object(payload) = payload else {
            return Err(FlowResultError::NotAnObject);
        };
        let status = payload.get("status").and_then(Value::as_str).and_then(Status::from_name);
        let status = status.ok_or(FlowResultError::BadStatus)?;
        Ok(Self { payload, status })
    }

    /// The same result with `key` set. `status` is not changed this way.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        if key != "status" {
            self.payload.insert(key.to_owned(), value.into());
        }
        self
    }

    /// What the step came to.
    pub(crate) const fn status(&self) -> Status {
        self.status
    }

    /// One sentence for a person, where the step said one.
    pub(crate) fn message(&self) -> Option<&str> {
        self.payload.get("message").and_then(Value::as_str).filter(|text| !text.trim().is_empty())
    }

    /// What the step made.
    pub(crate) fn artifacts(&self) -> Option<&Value> {
        self.payload.get("artifacts")
    }

    /// Events that the step wants to follow.
    pub(crate) fn next(&self) -> &[Value] {
        self.payload.get("next").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
}

impl<'de> Deserialize<'de> for StepResult {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_value(Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Why a step's output holds no result. The texts are those of codex-flows, which stand in
/// records.
#[derive(Debug, Error)]
pub(crate) enum FlowResultError {
    /// No line of the output has the marker.
    #[error("Step did not emit FLOW_RESULT")]
    Missing,
    /// What follows the marker is not JSON.
    #[error("FLOW_RESULT is not valid JSON: {0}")]
    NotJson(serde_json::Error),
    /// The JSON is something else than an object.
    #[error("FLOW_RESULT must be a JSON object")]
    NotAnObject,
    /// `status` is absent or not one of the six.
    #[error("FLOW_RESULT status is invalid")]
    BadStatus,
}

impl FlowResultError {
    /// What the step's author can do.
    pub(crate) fn hint(&self) -> Option<String> {
        let names = Status::ALL.map(Status::name).join(", ");
        Some(match self {
            Self::Missing => {
                "print one line `FLOW_RESULT {\"status\":\"completed\"}` on stdout before the step ends"
                    .to_owned()
            }
            Self::NotJson(_) | Self::NotAnObject => {
                "put one JSON object on the same line, after `FLOW_RESULT `; the last such line counts"
                    .to_owned()
            }
            Self::BadStatus => format!("use one of: {names}"),
        })
    }
}

const MARKER: &str = "FLOW_RESULT ";

/// The result in a step's standard output: the JSON after the first marker of the last line that
/// has one. Earlier lines are no fallback.
///
/// # Errors
/// Where no line has the marker, or what follows it is not a result.
pub(crate) fn parse_flow_result(stdout: &str) -> Result<StepResult, FlowResultError> {
    let json =
        stdout.rsplit('\n').find_map(|line| line.split_once(MARKER)).ok_or(FlowResultError::Missing)?.1;
    StepResult::from_value(serde_json::from_str(json.trim()).map_err(FlowResultError::NotJson)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_without_a_valid_result_says_what_is_wrong() {
        for (stdout, expected) in [
            ("", "Step did not emit FLOW_RESULT"),
            ("FLOW_RESULT\n", "Step did not emit FLOW_RESULT"),
            ("FLOW_RESULT []", "FLOW_RESULT must be a JSON object"),
            ("FLOW_RESULT \"changed\"", "FLOW_RESULT must be a JSON object"),
            ("FLOW_RESULT {}", "FLOW_RESULT status is invalid"),
            ("FLOW_RESULT {\"status\":\"done\"}", "FLOW_RESULT status is invalid"),
            ("FLOW_RESULT {\"status\":1}", "FLOW_RESULT status is invalid"),
        ] {
            let error = parse_flow_result(stdout).unwrap_err();
            assert_eq!(error.to_string(), expected, "{stdout:?}");
            assert!(error.hint().is_some());
        }
    }

    #[test]
    fn a_broken_last_result_is_not_replaced_by_an_earlier_one() {
        let stdout = "FLOW_RESULT {\"status\":\"completed\"}\nFLOW_RESULT {\"status\":\n";
        assert!(matches!(parse_flow_result(stdout), Err(FlowResultError::NotJson(_))));
    }

    #[test]
    fn the_last_line_with_the_marker_decides_whatever_stands_around_it() {
        let stdout = "FLOW_RESULT {\"status\":\"failed\"}\r\nlog: FLOW_RESULT {\"status\":\"changed\",\"message\":\"FLOW_RESULT \"}  \r\nbye\n";
        let result = parse_flow_result(stdout).unwrap();
        assert_eq!(result.status(), Status::Changed);
        assert_eq!(result.message(), Some("FLOW_RESULT "));
    }

    #[test]
    fn every_key_of_a_result_is_kept_in_its_order() {
        let text = r#"{"zeta":1,"status":"needs_intervention","next":[{"id":"x"}],"message":7}"#;
        let result = parse_flow_result(&format!("FLOW_RESULT {text}")).unwrap();
        assert_eq!(serde_json::to_string(&result).unwrap(), text);
        assert_eq!(result.next().len(), 1);
        assert_eq!(result.message(), None, "a message that is no text is not read as one");
        assert_eq!(serde_json::from_str::<StepResult>(text).unwrap(), result);
    }

    #[test]
    fn a_result_made_here_reads_back_as_itself() {
        for status in Status::ALL {
            let made = StepResult::new(status).with("message", "hello").with("status", "nonsense");
            let line = format!("FLOW_RESULT {}", serde_json::to_string(&made).unwrap());
            assert_eq!(parse_flow_result(&line).unwrap(), made);
        }
    }
}
