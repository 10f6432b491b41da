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

    /// The result that `payload` states. Records are read this way: whatever else stands in it is left alone.
    ///
    /// # Errors
    /// Where it is not an object, or its `status` is none of [`Status::ALL`].
    pub(crate) fn from_value(payload: Value) -> Result<Self, NotAResult> {
        let Value::Object(payload) = payload else {
            return Err(NotAResult::NotAnObject);
        };
        let stated = payload.get("status");
        let status = stated.and_then(Value::as_str).and_then(Status::from_name);
        let found = || stated.map(|stated| stated.to_string().chars().take(60).collect());
        let status = status.ok_or_else(|| NotAResult::BadStatus { found: found() })?;
        Ok(Self { payload, status })
    }

    /// The result that a step states, which is to be acted upon.
    ///
    /// # Errors
    /// As [`StepResult::from_value`], and where `artifacts` or `next` are not what they have to be.
    pub(crate) fn of_step(payload: Value) -> Result<Self, NotAResult> {
        let result = Self::from_value(payload)?;
        check_artifacts(result.payload.get("artifacts"))?;
        check_next(result.payload.get("next"))?;
        Ok(result)
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

/// Why a value is no result.
#[derive(Debug, Error)]
pub(crate) enum NotAResult {
    /// It is no JSON.
    #[error("FLOW_RESULT is not valid JSON: {0}")]
    NotJson(serde_json::Error),
    /// The JSON is something else than an object.
    #[error("FLOW_RESULT must be a JSON object")]
    NotAnObject,
    /// `status` is absent or not one of the six.
    #[error("FLOW_RESULT status is invalid: it {}", .found.as_ref().map_or("has none".to_owned(), |found| format!("is {found}")))]
    BadStatus { found: Option<String> },
    /// `artifacts` is something else than an object.
    #[error("FLOW_RESULT artifacts must be a JSON object, and is {found}")]
    Artifacts { found: &'static str },
    /// `next` is something else than a list.
    #[error("FLOW_RESULT next must be a list of events, and is {found}")]
    Next { found: &'static str },
}

fn check_artifacts(value: Option<&Value>) -> Result<(), NotAResult> {
    match value {
        None | Some(Value::Null | Value::Object(_)) => Ok(()),
        Some(other) => Err(NotAResult::Artifacts { found: kind_of(other) }),
    }
}

fn check_next(value: Option<&Value>) -> Result<(), NotAResult> {
    match value {
        None | Some(Value::Null | Value::Array(_)) => Ok(()),
        Some(other) => Err(NotAResult::Next { found: kind_of(other) }),
    }
}

const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
