//! One run of one step for one event, as the flow client's state holds it.

use serde::Serialize;
use serde_json::{Number, Value};

use super::{RunId, Status, StepResult};
use crate::ids::EventId;

/// How a step's process ended, whatever it said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProcessStatus {
    /// It gave a valid result.
    Completed,
    /// It gave none.
    Failed,
}

impl ProcessStatus {
    /// The status's name in every file and output.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

/// Which step a run belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunStep<'a> {
    /// The run's id.
    pub(crate) id: &'a RunId,
    /// The event that the step ran for.
    pub(crate) event_id: &'a EventId,
    /// The whole event.
    pub(crate) event: &'a Value,
    /// The flow's name.
    pub(crate) flow_name: &'a str,
    /// The flow's version.
    pub(crate) flow_version: &'a Number,
    /// The folder that the flow was read from.
    pub(crate) flow_root: &'a str,
    /// The step's name.
    pub(crate) step_name: &'a str,
    /// What ran it: `bun`, `code-mode`, `patch-stack`.
    pub(crate) runner: &'a str,
}

/// When a run began and ended, as `event::stamp` writes times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunSpan<'a> {
    /// When it began.
    pub(crate) started_at: &'a str,
    /// When it ended.
    pub(crate) completed_at: &'a str,
}

/// A finished run, in codex-flows' key order (state.json).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Run {
    id: RunId,
    event_id: EventId,
    flow_name: String,
    flow_version: Number,
    step_name: String,
    runner: String,
    backend: &'static str,
    process_status: ProcessStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    result_status: Option<Status>,
    status: &'static str,
    effective_status: &'static str,
    needs_attention: bool,
    attempt_count: u32,
    attempts: [RunAttempt; 1],
    output: [Value; 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    result_payload: Option<StepResult>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    created_at: String,
    started_at: String,
    completed_at: String,
    updated_at: String,
    raw: RawRun,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct RunAttempt {
    id: String,
    status: ProcessStatus,
    attempt_number: u32,
    started_at: String,
    completed_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    raw: RawAttempt,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct RawAttempt {
    kind: &'static str,
    run_id: RunId,
}

/// Event and result once more: readers of the older system look for them here.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct RawRun {
    kind: &'static str,
    event: Value,
    flow_root: String,
    flow_name: String,
    step_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<StepResult>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Where what the step printed is kept; `output` stays empty, as it always was.
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<String>,
    /// Who ran a `code-mode` step. The older system passes it over.
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'static str>,
}

impl Run {
    /// The same, of a step that `host` has run, where there is a choice.
    #[must_use]
    pub(crate) fn with_host(mut self, host: Option<&'static str>) -> Self {
        self.raw.host = host;
        self
    }

    /// The record of a run that ended with a result, or with the text of an error.
    pub(crate) fn new(step: &RunStep<'_>, span: RunSpan<'_>, outcome: Result<StepResult, String>) -> Self {
        let (result, error) = match outcome {
            Ok(result) => (Some(result), None),
            Err(error) => (None, Some(error)),
        };
        let process_status = if error.is_none() { ProcessStatus::Completed } else { ProcessStatus::Failed };
        let result_status = result.as_ref().map(StepResult::status);
        let status = result_status.map_or(process_status.name(), Status::name);
        let attempt = RunAttempt {
            id: format!("{}:attempt:1", step.id),
            status: process_status,
            attempt_number: 1,
            started_at: span.started_at.to_owned(),
            completed_at: span.completed_at.to_owned(),
            error: error.clone(),
            raw: RawAttempt { kind: "local-attempt", run_id: step.id.clone() },
        };
        Self {
            id: step.id.clone(),
            event_id: step.event_id.clone(),
            flow_name: step.flow_name.to_owned(),
            flow_version: step.flow_version.clone(),
            step_name: step.step_name.to_owned(),
            runner: step.runner.to_owned(),
            backend: "local",
            process_status,
            result_status,
            status,
            effective_status: status,
            needs_attention: result_status.is_some_and(Status::needs_attention),
            attempt_count: 1,
            attempts: [attempt],
            output: [],
            result_payload: result.clone(),
            error: error.clone(),
            created_at: span.started_at.to_owned(),
            started_at: span.started_at.to_owned(),
            completed_at: span.completed_at.to_owned(),
            updated_at: span.completed_at.to_owned(),
            raw: RawRun {
                kind: "local-run",
                event: step.event.clone(),
                flow_root: step.flow_root.to_owned(),
                flow_name: step.flow_name.to_owned(),
                step_name: step.step_name.to_owned(),
                result,
                error,
                log: None,
                host: None,
            },
        }
    }

    /// The same with a log, named as the workspace sees it.
    #[must_use]
    pub(crate) fn with_log(mut self, log: Option<String>) -> Self {
        self.raw.log = log;
        self
    }

    /// The run's id.
    pub(crate) const fn id(&self) -> &RunId {
        &self.id
    }

    /// The event that it ran for.
    pub(crate) const fn event_id(&self) -> &EventId {
        &self.event_id
    }

    /// The event as the run saw it.
    pub(crate) const fn event(&self) -> &Value {
        &self.raw.event
    }

    /// When it began.
    pub(crate) fn started_at(&self) -> &str {
        &self.started_at
    }

    /// When it ended.
    pub(crate) fn completed_at(&self) -> &str {
        &self.completed_at
    }

    /// What its step came to; nothing where it gave no result.
    pub(crate) const fn result(&self) -> Option<&StepResult> {
        self.result_payload.as_ref()
    }

    /// Why it gave no result.
    pub(crate) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// What it came to: the result's status, else `failed`.
    pub(crate) fn status(&self) -> Status {
        self.result_status.unwrap_or(Status::Failed)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// A run of `flow`/`step` for `event`, which has to have a good id.
    pub(crate) fn run_for(event: &Value, step: &str, outcome: Result<StepResult, String>) -> Run {
        let event_id: EventId = event["id"].as_str().unwrap().parse().unwrap();
        let run_step = RunStep {
            id: &RunId::of(&event_id, "demo", step),
            event_id: &event_id,
            event,
            flow_name: "demo",
            flow_version: &Number::from(1),
            flow_root: "/ws/flows/demo",
            step_name: step,
            runner: "bun",
        };
        let span =
            RunSpan { started_at: "2026-11-22T06:21:13.428Z", completed_at: "2026-11-22T06:21:14.000Z" };
        Run::new(&run_step, span, outcome)
    }

    #[test]
    fn a_run_without_a_result_is_recorded_as_failed_and_says_why() {
        let run = run_for(&json!({"id": "e", "type": "t"}), "hello", Err("no FLOW_RESULT".to_owned()));

        let id = run.id();
        let expected = format!(
            concat!(
                r#"{{"id":"{id}","eventId":"e","flowName":"demo","flowVersion":1,"stepName":"hello","#,
                r#""runner":"bun","backend":"local","processStatus":"failed","status":"failed","#,
                r#""effectiveStatus":"failed","needsAttention":false,"attemptCount":1,"#,
                r#""attempts":[{{"id":"{id}:attempt:1","status":"failed","attemptNumber":1,"#,
                r#""startedAt":"2026-11-22T06:21:13.428Z","completedAt":"2026-11-22T06:21:14.000Z","#,
                r#""error":"no FLOW_RESULT","raw":{{"kind":"local-attempt","runId":"{id}"}}}}],"output":[],"#,
                r#""error":"no FLOW_RESULT","createdAt":"2026-11-22T06:21:13.428Z","#,
                r#""startedAt":"2026-11-22T06:21:13.428Z","completedAt":"2026-11-22T06:21:14.000Z","#,
                r#""updatedAt":"2026-11-22T06:21:14.000Z","raw":{{"kind":"local-run","#,
                r#""event":{{"id":"e","type":"t"}},"flowRoot":"/ws/flows/demo","flowName":"demo","#,
                r#""stepName":"hello","error":"no FLOW_RESULT"}}}}"#
            ),
            id = id
        );
        assert_eq!(serde_json::to_string(&run).unwrap(), expected);
    }

    #[test]
    fn a_runs_keys_stand_in_the_order_of_codex_flows() {
        let result = StepResult::new(Status::NeedsIntervention).with("message", "one conflict");
        let run =
            serde_json::to_value(run_for(&json!({"id": "e", "type": "t"}), "hello", Ok(result))).unwrap();

        let keys: Vec<&str> = run.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            keys.join(" "),
            "id eventId flowName flowVersion stepName runner backend processStatus resultStatus status \
             effectiveStatus needsAttention attemptCount attempts output resultPayload createdAt startedAt \
             completedAt updatedAt raw"
        );
        assert_eq!(run["processStatus"], json!("completed"));
        assert_eq!(run["effectiveStatus"], json!("needs_intervention"));
        assert_eq!(run["resultPayload"], run["raw"]["result"]);
    }

    #[test]
    fn only_blocked_and_needs_intervention_need_attention() {
        for status in Status::ALL {
            let run = run_for(&json!({"id": "e"}), "hello", Ok(StepResult::new(status)));
            let expected = matches!(status, Status::Blocked | Status::NeedsIntervention);
            assert_eq!(serde_json::to_value(&run).unwrap()["needsAttention"], json!(expected), "{status:?}");
        }
    }
}
