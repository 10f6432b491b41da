//! The flow client's state: every event that was dispatched here, and the runs it led to.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::Run;
use super::report::text;
use super::verbatim::{Verbatim, without_halves};

/// The document that codex-flows' local client keeps: `events`, `runs`, and whatever else somebody
/// put into it.
///
/// It is held as JSON and changed in place. An element that is not an event or a run as codex-flows
/// knows them is not listed and not touched: whoever wrote it will find it again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct FlowClientState {
    pub(super) events: Vec<Value>,
    pub(super) runs: Vec<Value>,
    #[serde(flatten)]
    rest: Map<String, Value>,
    #[serde(skip)]
    verbatim: Verbatim,
}

/// An event of the state, as far as it is understood.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredEvent<'a> {
    /// The event's id.
    pub(crate) id: &'a str,
    /// The event's type.
    pub(crate) kind: &'a str,
    /// The event.
    pub(crate) event: &'a Value,
    /// When it was recorded here.
    pub(crate) created_at: &'a str,
    /// Its runs, oldest first.
    pub(crate) run_ids: Vec<&'a str>,
}

/// Whether an event was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// It stands in the state now, and did not before.
    New,
    /// It was there already and was left as it is.
    Already,
}

/// Why a text is not a flow client's state.
#[derive(Debug, Error)]
pub(crate) enum StateError {
    /// It is not JSON.
    #[error("it is not valid JSON: {0}")]
    Json(serde_json::Error),
    /// It is not UTF-8.
    #[error("it is not valid JSON: {0}")]
    NotText(#[from] std::str::Utf8Error),
    /// It is JSON of another kind.
    #[error("it is not a flow client's state, an object with the lists `events` and `runs`: {0}")]
    Shape(serde_json::Error),
}

/// A value without the `id` and `type` that make it an event.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("an event needs a non-blank `{0}`")]
pub(crate) struct NotAnEvent(&'static str);

impl FlowClientState {
    /// Reads the state's file.
    ///
    /// # Errors
    /// Where it is not a JSON object with both lists. A caller must not write over such a file.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, StateError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes)?;
        let whole = without_halves(text);
        let mut state: Self = serde_json::from_str(whole.as_deref().unwrap_or(text)).map_err(|error| {
            match error.classify() {
                Category::Data => StateError::Shape(error),
                Category::Io | Category::Syntax | Category::Eof => StateError::Json(error),
            }
        })?;
        if state.to_text() != text {
            state.verbatim.remember(text, "events", &state.events);
            state.verbatim.remember(text, "runs", &state.runs);
        }
        Ok(state)
    }

    /// The state's file: JSON indented by two spaces, with no newline at its end.
    pub(crate) fn to_text(&self) -> String {
        if self.verbatim.is_empty() {
            return serde_json::to_string_pretty(self).expect("JSON values under text keys are JSON");
        }
        let mut text = "{".to_owned();
        self.verbatim.write(&mut text, "events", &self.events);
        text.push(',');
        self.verbatim.write(&mut text, "runs", &self.runs);
        for (key, value) in &self.rest {
            let value = format!("{value:#}").replace('\n', "\n  ");
            text.push_str(&format!(",\n  {}: {value}", Value::from(key.as_str())));
        }
        text + "\n}"
    }

    /// The event with this id.
    pub(crate) fn event(&self, id: &str) -> Option<StoredEvent<'_>> {
        self.events.iter().filter_map(stored_event).find(|event| event.id == id)
    }

    /// The newest run of a step, as it stands there.
    pub(crate) fn newest_run_of(&self, flow: &str, step: &str) -> Option<&Value> {
        let is_one = |run: &&Value| is_run(run) && run["flowName"] == flow && run["stepName"] == step;
        self.runs.iter().rev().find(is_one)
    }

    /// The ids of all events, oldest first.
    pub(crate) fn event_ids(&self) -> impl Iterator<Item = &str> {
        self.events.iter().filter_map(stored_event).map(|event| event.id)
    }

    /// The run with this id.
    pub(crate) fn run(&self, id: &str) -> Option<&Value> {
        self.runs.iter().rev().find(|run| is_run(run) && run["id"] == id)
    }

    /// The runs of an event, oldest first.
    pub(crate) fn runs_of(&self, event: &str) -> Vec<&Value> {
        self.runs
            .iter()
            .filter(|run| is_run(run) && run.get("eventId").is_some_and(|id| id == event))
            .collect()
    }

    /// Records an event, with no run yet: before anything is done for it, so that a run that is
    /// killed leaves a trace. An event without a time of receipt was received `now`; one without a
    /// payload has an empty one.
    ///
    /// # Errors
    /// Where `event` has no `id` or no `type`.
    pub(crate) fn record_event(&mut self, event: &Value, now: &str) -> Result<Recorded, NotAnEvent> {
        let id = text(event, "id").ok_or(NotAnEvent("id"))?;
        text(event, "type").ok_or(NotAnEvent("type"))?;
        if self.event(&id).is_some() {
            return Ok(Recorded::Already);
        }
        let mut event = event.clone();
        if text(&event, "receivedAt").is_none() {
            event["receivedAt"] = json!(now);
        }
        if event.get("payload").is_none() {
            event["payload"] = json!({});
        }
        self.events.push(json!({"event": event, "createdAt": now, "runIds": []}));
        Ok(Recorded::New)
    }

    /// Adds a run, or puts it in the place of the older run with its id; either way it is the
    /// newest now. An event that is not there yet is recorded from the run.
    ///
    /// # Errors
    /// Where the run's event is needed and has no `id` or no `type`.
    pub(crate) fn put_run(&mut self, run: &Run) -> Result<(), NotAnEvent> {
        if self.event(run.event_id().as_str()).is_none() {
            self.record_event(run.event(), run.started_at())?;
        }
        let id = run.id().as_str();
        self.runs.retain(|older| !(is_run(older) && older["id"] == id));
        self.runs.push(serde_json::to_value(run).expect("texts, numbers and JSON values are JSON"));
        let is_its_event = |element: &&mut Value| {
            stored_event(element).is_some_and(|event| event.id == run.event_id().as_str())
        };
        let event = self.events.iter_mut().find(is_its_event);
        if let Some(Value::Array(ids)) = event.and_then(|element| element.get_mut("runIds"))
            && !ids.iter().any(|known| known == id)
        {
            ids.push(json!(id));
        }
        Ok(())
    }
}

/// What two machines wrote: how it becomes one.
impl FlowClientState {
    /// Everything that stands in either. An event that both have names the runs of both, and was recorded
    /// when the first of them did; of a run that both have the later one stands. Events are put in the
    /// order of their recording, runs in that of their ends; among equals `self` comes first. What is not
    /// understood is kept, and once where both have the same.
    pub(crate) fn union(&self, other: &Self) -> Self {
        let mut one = self.clone();
        for element in &other.events {
            let known = stored_event(element).and_then(|event| {
                one.events.iter().position(|own| stored_event(own).is_some_and(|own| own.id == event.id))
            });
            match known {
                Some(at) => one.events[at] = earlier_event(&one.events[at], element),
                None if one.events.contains(element) => {}
                None => one.events.push(element.clone()),
            }
        }
        for run in &other.runs {
            let known = one.runs.iter().position(|own| is_run(own) && is_run(run) && own["id"] == run["id"]);
            match known {
                Some(at) if is_later(run, &one.runs[at]) => one.runs[at] = run.clone(),
                Some(_) => {}
                None if one.runs.contains(run) => {}
                None => one.runs.push(run.clone()),
            }
        }
        one.verbatim.extend(&other.verbatim);
        in_order(&mut one.events, |event| event.get("createdAt")?.as_str());
        in_order(&mut one.runs, |run| Some(ended(run)).filter(|time| !time.is_empty()));
        for (key, value) in &other.rest {
            if !one.rest.contains_key(key) {
                one.rest.insert(key.clone(), value.clone());
            }
        }
        one
    }

    /// The ids of its runs.
    pub(crate) fn run_ids(&self) -> HashSet<&str> {
        self.runs.iter().filter_map(|run| run.get("id")?.as_str()).collect()
    }

    /// Adds a run that another machine wrote, where it is one, is about an event of the state and no later
    /// one with its id is there. Says whether it stands in the state now.
    pub(crate) fn adopt_run(&mut self, run: &Value) -> bool {
        let about = run.get("eventId").and_then(Value::as_str).unwrap_or_default();
        let is_its_event = |element: &&Value| stored_event(element).is_some_and(|event| event.id == about);
        let Some(element) = self.events.iter().find(is_its_event).filter(|_| is_run(run)) else {
            return false;
        };
        let mut element = element.clone();
        if let Some(Value::Array(ids)) = element.get_mut("runIds")
            && !ids.contains(&run["id"])
        {
            ids.push(run["id"].clone());
        }
        let theirs = Self { events: vec![element], runs: vec![run.clone()], ..Self::default() };
        *self = self.union(&theirs);
        self.runs.contains(run)
    }
}

/// The event that was recorded first, with the runs of both.
fn earlier_event(one: &Value, other: &Value) -> Value {
    let created = |element: &Value| element["createdAt"].as_str().unwrap_or_default().to_owned();
    let first = (created(other), other["event"].to_string()) < (created(one), one["event"].to_string());
    let mut kept = if first { other.clone() } else { one.clone() };
    let runs = |element: &Value| element["runIds"].as_array().cloned().unwrap_or_default();
    let mut ids = runs(one);
    ids.extend(runs(other).into_iter().filter(|id| !runs(one).contains(id)));
    kept["runIds"] = Value::Array(ids);
    kept
}

/// Whether a run is the later state of the two; of two that ended at once always the same one is.
fn is_later(run: &Value, than: &Value) -> bool {
    let order = ended(run).cmp(ended(than));
    order.then_with(|| run.to_string().cmp(&than.to_string())).is_gt()
}

/// When a run ended, or was changed last.
pub(super) fn ended(run: &Value) -> &str {
    let time = |key| run.get(key).and_then(Value::as_str);
    time("completedAt").max(time("updatedAt")).unwrap_or_default()
}

/// Sorts by time. What has none stays behind what it stood behind.
fn in_order(elements: &mut Vec<Value>, time: impl Fn(&Value) -> Option<&str>) {
    let mut last = String::new();
    let mut timed: Vec<(String, Value)> = Vec::with_capacity(elements.len());
    for element in elements.drain(..) {
        if let Some(time) = time(&element) {
            time.clone_into(&mut last);
        }
        timed.push((last.clone(), element));
    }
    timed.sort_by(|one, other| one.0.cmp(&other.0));
    elements.extend(timed.into_iter().map(|(_, element)| element));
}

/// The element as an event, by codex-flows' own rules for what it loads.
pub(super) fn stored_event(element: &Value) -> Option<StoredEvent<'_>> {
    let event = element.get("event")?;
    let string = |key| event.get(key).and_then(Value::as_str);
    string("receivedAt")?;
    let run_ids = element.get("runIds")?.as_array()?.iter().map(Value::as_str).collect::<Option<_>>()?;
    Some(StoredEvent {
        id: string("id")?,
        kind: string("type")?,
        event,
        created_at: element.get("createdAt")?.as_str()?,
        run_ids,
    })
}

/// Whether codex-flows would load the element as a run.
pub(super) fn is_run(element: &Value) -> bool {
    let has = |key, check: fn(&Value) -> bool| element.get(key).is_some_and(check);
    ["id", "status", "effectiveStatus"].into_iter().all(|key| has(key, Value::is_string))
        && has("needsAttention", Value::is_boolean)
        && has("attemptCount", Value::is_number)
        && ["attempts", "output"].into_iter().all(|key| has(key, Value::is_array))
        && has("raw", |_| true)
}

#[cfg(test)]
mod tests {
    use super::super::run::tests::run_for;
    use super::super::{Status, StepResult};
    use super::*;

    fn event(id: &str) -> Value {
        json!({"id": id, "type": "upstream.release", "receivedAt": "T0", "payload": {"tag": "v1"}})
    }

    #[test]
    fn a_file_that_is_no_state_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "not valid JSON"),
            ("{\"events\": [", "not valid JSON"),
            ("[]", "not a flow client's state"),
            ("{}", "missing field `events`"),
            ("{\"events\": []}", "missing field `runs`"),
            ("{\"events\": {}, \"runs\": []}", "expected a sequence"),
        ] {
            let error = FlowClientState::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(reason), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_value_without_id_or_type_is_not_recorded() {
        let mut state = FlowClientState::default();
        for value in [
            json!({"type": "t"}),
            json!({"id": " ", "type": "t"}),
            json!({"id": "e"}),
            json!("e"),
            json!(null),
        ] {
            assert!(state.record_event(&value, "T1").is_err(), "{value}");
        }
        assert_eq!(state, FlowClientState::default());
    }

    #[test]
    fn what_is_not_understood_is_kept_where_it_stands() {
        let text = json!({
            "events": [7, {"event": {"id": "no receivedAt"}}, {"event": event("e"), "createdAt": "T1", "runIds": [], "x": 1}],
            "runs": [{"id": "half a run"}, null],
            "version": 2,
        });
        let text = format!("{text:#}");
        let mut state = FlowClientState::parse(text.as_bytes()).unwrap();
        assert_eq!(state.to_text(), text);

        state.put_run(&run_for(&event("e"), "hello", Ok(StepResult::new(Status::Changed)))).unwrap();

        let written: Value = serde_json::from_str(&state.to_text()).unwrap();
        assert_eq!(written["events"][0], json!(7));
        assert_eq!(written["events"][2]["x"], json!(1));
        assert_eq!(written["runs"][0], json!({"id": "half a run"}));
        assert_eq!(written["version"], json!(2));
        assert_eq!(state.event("e").unwrap().run_ids.len(), 1);
    }

    #[test]
    fn an_event_is_recorded_before_its_runs_and_only_once() {
        let mut state = FlowClientState::default();

        assert_eq!(state.record_event(&event("e"), "T1"), Ok(Recorded::New));
        assert_eq!(state.record_event(&event("e"), "T2"), Ok(Recorded::Already));

        let stored = state.event("e").unwrap();
        assert_eq!((stored.created_at, stored.kind, stored.run_ids.len()), ("T1", "upstream.release", 0));
    }

    #[test]
    fn an_event_without_receipt_and_payload_gets_them_at_its_end() {
        let mut state = FlowClientState::default();
        state.record_event(&json!({"id": "e", "type": "t", "receivedAt": "", "by": "hand"}), "T1").unwrap();
        state.record_event(&json!({"id": "f", "type": "t"}), "T1").unwrap();
        assert_eq!(
            serde_json::to_string(state.event("e").unwrap().event).unwrap(),
            r#"{"id":"e","type":"t","receivedAt":"T1","by":"hand","payload":{}}"#
        );
        assert_eq!(
            serde_json::to_string(state.event("f").unwrap().event).unwrap(),
            r#"{"id":"f","type":"t","receivedAt":"T1","payload":{}}"#
        );
    }

    #[test]
    fn a_retried_run_takes_the_place_of_the_failed_one() {
        let mut state = FlowClientState::default();
        state.record_event(&event("e"), "T1").unwrap();
        let failed = run_for(&event("e"), "hello", Err("boom".to_owned()));
        let other = run_for(&event("e"), "other", Ok(StepResult::new(Status::Completed)));
        let changed = run_for(&event("e"), "hello", Ok(StepResult::new(Status::Changed)));
        for run in [&failed, &other, &changed] {
            state.put_run(run).unwrap();
        }

        assert_eq!(state.event("e").unwrap().run_ids, [failed.id().as_str(), other.id().as_str()]);
        assert_eq!(state.runs.iter().map(|run| &run["status"]).collect::<Vec<_>>(), ["completed", "changed"]);
        assert_eq!(state.runs[1]["error"], Value::Null);
    }

    #[test]
    fn a_run_never_stands_without_its_event() {
        let mut state = FlowClientState::default();
        let run = run_for(&event("e"), "hello", Ok(StepResult::new(Status::Skipped)));
        state.put_run(&run).unwrap();
        assert_eq!(state.event("e").unwrap().run_ids, [run.id().as_str()]);
    }

    #[test]
    fn a_new_state_is_written_as_codex_flows_writes_it() {
        let mut state = FlowClientState::default();
        assert_eq!(state.to_text(), "{\n  \"events\": [],\n  \"runs\": []\n}");
        state.record_event(&json!({"id": "e", "type": "t"}), "T1").unwrap();
        assert!(
            state
                .to_text()
                .starts_with("{\n  \"events\": [\n    {\n      \"event\": {\n        \"id\": \"e\",")
        );
    }
}
