//! Whether the newest run of a step came to what it should, for a workflow that has to know.

use serde_json::Value;

use crate::failure::{Failure, Kind, Result};
use crate::record::Status;
use crate::report::printable;
use crate::store::FlowClient;
use crate::workspace::Workspace;

/// What is asserted.
#[derive(Debug)]
pub(crate) struct Asserted {
    /// The flow.
    pub(crate) flow: String,
    /// Its step.
    pub(crate) step: String,
    /// The statuses that will do.
    pub(crate) statuses: Vec<Status>,
    /// A text that has to stand in the run's record.
    pub(crate) text: Option<String>,
}

/// The newest run of the step, which is as asserted.
///
/// # Errors
/// Where there is none, its process failed, it has another status or lacks the text.
pub(crate) fn assert_run(workspace: &Workspace, asserted: &Asserted) -> Result<Value> {
    let state = FlowClient::open(workspace.root()).read()?;
    let Asserted { flow, step, .. } = asserted;
    let name = format!("{}/{}", printable(flow), printable(step));
    let failed = |text: String| Failure::new(Kind::Failed, anyhow::Error::msg(text));
    let Some(run) = state.newest_run_of(flow, step) else {
        return Err(failed(format!("no run of {name} is recorded in {}", workspace.codex().display()))
            .hint("run the event first, in this workspace: `patch-moi run event --file FILE`"));
    };
    let text = |key: &str| run.get(key).and_then(Value::as_str).unwrap_or("unknown");
    let (process, status) = (text("processStatus"), text("effectiveStatus"));
    let wanted: Vec<&str> = asserted.statuses.iter().map(|status| status.name()).collect();
    if process != "completed" || !wanted.contains(&status) {
        let text = format!("the newest run of {name} is {}, not {}", printable(status), wanted.join(" or "));
        let error = run.get("error").and_then(Value::as_str);
        let failure = failed(text);
        return Err(match error {
            Some(error) => failure.because(printable(error)),
            None => failure.hint("allow it with --status, where that will do"),
        });
    }
    if let Some(text) = asserted.text.as_deref().filter(|text| !holds(run, text)) {
        return Err(failed(format!("the newest run of {name} does not hold the text `{}`", printable(text))));
    }
    Ok(run.clone())
}

/// Whether the text stands in the run's record: in one of its values, or in the JSON of it.
fn holds(run: &Value, text: &str) -> bool {
    fn in_value(value: &Value, text: &str) -> bool {
        match value {
            Value::String(own) => own.contains(text),
            Value::Array(list) => list.iter().any(|value| in_value(value, text)),
            Value::Object(object) => object.values().any(|value| in_value(value, text)),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
    in_value(run, text) || run.to_string().contains(text)
}
