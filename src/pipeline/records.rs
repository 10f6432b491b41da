//! What the journals of DATA_DIR say, newest first: the lists of `events`, `dispatches`,
//! `attempts`, and `status`.
//!
//! A line that cannot be read hides no other line: it is passed over and told.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::Result;
use crate::record::{Attempt, AttemptFilter, Dispatch, DispatchFilter, EventFilter, Limit};
use crate::report::printable;
use crate::store::{DataDir, JournalWarning, Journaled};

/// An event as it stands in its journal: whoever wrote it, it has an id and a type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub(crate) struct JournalEvent {
    kind: String,
    value: Value,
}

impl TryFrom<Value> for JournalEvent {
    type Error = &'static str;

    fn try_from(value: Value) -> std::result::Result<Self, Self::Error> {
        let text = |key| value.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        text("id").ok_or("it is no event: it has no `id`")?;
        let kind = text("type").ok_or("it is no event: it has no `type`")?.to_owned();
        Ok(Self { kind, value })
    }
}

impl From<JournalEvent> for Value {
    fn from(event: JournalEvent) -> Self {
        event.value
    }
}

/// The events that `filter` lets through, newest first.
///
/// # Errors
/// Where the journal cannot be read at all.
pub(crate) fn events(data: &DataDir, filter: &EventFilter, limit: Limit) -> Result<Journaled<JournalEvent>> {
    let mut listed = Listed::new(limit);
    let warnings = data
        .flow_events::<JournalEvent>()
        .each_from_newest(|event| if filter.accepts(&event.kind) { listed.push(event) } else { GO_ON })?;
    Ok(Journaled { records: listed.records, warnings })
}

/// The dispatches that `filter` lets through, newest first.
///
/// # Errors
/// Where a journal cannot be read at all.
pub(crate) fn dispatches(
    data: &DataDir,
    filter: &DispatchFilter,
    limit: Limit,
) -> Result<Journaled<Dispatch>> {
    let mut listed = Listed::new(limit);
    let warnings = data
        .dispatches()
        .each_from_newest(|dispatch| if filter.accepts(&dispatch) { listed.push(dispatch) } else { GO_ON })?;
    Ok(Journaled { records: listed.records, warnings })
}

/// The attempts that `filter` lets through, each as its last line has it, newest news first.
///
/// # Errors
/// Where the journal cannot be read at all.
pub(crate) fn attempts(data: &DataDir, filter: &AttemptFilter, limit: Limit) -> Result<Journaled<Attempt>> {
    let mut listed = Listed::new(limit);
    let mut superseded = HashSet::new();
    let warnings = data.attempts().each_from_newest(|attempt| {
        let is_last = superseded.insert(attempt.id.clone());
        if is_last && filter.accepts(&attempt) { listed.push(attempt) } else { GO_ON }
    })?;
    Ok(Journaled { records: listed.records, warnings })
}

const GO_ON: ControlFlow<()> = ControlFlow::Continue(());

/// The records of a list, which come newest first.
struct Listed<T> {
    limit: Limit,
    records: Vec<T>,
}

impl<T> Listed<T> {
    const fn new(limit: Limit) -> Self {
        Self { limit, records: Vec::new() }
    }

    /// Takes one more, and says whether there is room for another.
    fn push(&mut self, record: T) -> ControlFlow<()> {
        self.records.push(record);
        if self.records.len() < self.limit.get() { GO_ON } else { ControlFlow::Break(()) }
    }
}

/// `status --json`. The counts cover what is listed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Overview {
    data_dir: String,
    latest: Latest,
    attempt_status_counts: BTreeMap<&'static str, usize>,
    dispatch_status_counts: BTreeMap<String, usize>,
    #[serde(skip)]
    warnings: Vec<JournalWarning>,
}

#[derive(Debug, Serialize)]
struct Latest {
    events: Vec<JournalEvent>,
    dispatches: Vec<Dispatch>,
    attempts: Vec<Attempt>,
}

/// The newest of everything.
///
/// # Errors
/// Where a journal cannot be read at all.
pub(crate) fn overview(data: &DataDir, limit: Limit) -> Result<Overview> {
    let events = events(data, &EventFilter::default(), limit)?;
    let dispatches = dispatches(data, &DispatchFilter::default(), limit)?;
    let attempts = attempts(data, &AttemptFilter::default(), limit)?;
    let warnings = [events.warnings, dispatches.warnings, attempts.warnings].concat();
    Ok(Overview {
        data_dir: data.path().display().to_string(),
        attempt_status_counts: counts(attempts.records.iter().map(|attempt| attempt.status.name())),
        dispatch_status_counts: counts(dispatches.records.iter().map(dispatch_status)),
        latest: Latest { events: events.records, dispatches: dispatches.records, attempts: attempts.records },
        warnings,
    })
}

impl Overview {
    /// The same under the name of the place where the records are.
    #[must_use]
    pub(crate) fn of(self, place: String) -> Self {
        Self { data_dir: place, ..self }
    }

    /// What could not be read.
    pub(crate) fn warnings(&self) -> &[JournalWarning] {
        &self.warnings
    }

    /// For people: how much there is, and what happened last.
    pub(crate) fn text(&self) -> String {
        let Latest { events, dispatches, attempts } = &self.latest;
        let newest = |line: Option<String>| line.map(|line| format!("; newest: {line}")).unwrap_or_default();
        let mut text = format!("data dir    {}\n", printable(&self.data_dir));
        text += &format!("events      {}{}\n", events.len(), newest(events.first().map(event_line)));
        text += &format!("dispatches  {}{}\n", dispatches.len(), in_words(&self.dispatch_status_counts));
        text += &format!("attempts    {}{}\n", attempts.len(), in_words(&self.attempt_status_counts));
        if let Some(attempt) = attempts.first() {
            text += &format!("last        {}\n", attempt_line(attempt));
            let said = attempt.error.as_deref().or(attempt.message.as_deref());
            text += &said.map(|said| format!("            {}\n", printable(said))).unwrap_or_default();
        }
        text
    }
}

fn counts<K: Ord>(statuses: impl Iterator<Item = K>) -> BTreeMap<K, usize> {
    let mut counts = BTreeMap::new();
    statuses.for_each(|status| *counts.entry(status).or_insert(0) += 1);
    counts
}

fn in_words<K: AsRef<str>>(counts: &BTreeMap<K, usize>) -> String {
    let words: Vec<String> =
        counts.iter().map(|(status, count)| format!("{count} {}", status.as_ref())).collect();
    if words.is_empty() { String::new() } else { format!(": {}", words.join(", ")) }
}

/// `<receivedAt> <type> <id>`.
pub(crate) fn event_line(event: &JournalEvent) -> String {
    let text = |key| event.value.get(key).and_then(Value::as_str);
    line(&[text("receivedAt"), Some(&event.kind), text("id")])
}

/// `<createdAt> <status> <operation> <eventId>`.
pub(crate) fn dispatch_line(dispatch: &Dispatch) -> String {
    let Dispatch { created_at, operation, event_id, .. } = dispatch;
    line(&[Some(created_at), Some(&dispatch_status(dispatch)), Some(operation.name()), Some(event_id)])
}

/// `<updatedAt> <status> <operation> <id>`.
pub(crate) fn attempt_line(attempt: &Attempt) -> String {
    let Attempt { updated_at, status, operation, id, .. } = attempt;
    line(&[Some(updated_at), Some(status.name()), Some(operation.name()), Some(id)])
}

/// The word that stands in the file.
fn dispatch_status(dispatch: &Dispatch) -> String {
    let word = serde_json::to_value(dispatch.status).ok();
    word.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Words with a space between; `-` where there is none.
fn line(words: &[Option<&str>]) -> String {
    let word = |word: &Option<&str>| match word.map(str::trim) {
        None | Some("") => "-".to_owned(),
        Some(word) => printable(word).into_owned(),
    };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_has_no_id_or_no_type_is_no_event() {
        for value in [json!(7), json!({"id": " ", "type": "t"}), json!({"id": "e"}), json!([])] {
            assert!(serde_json::from_value::<JournalEvent>(value.clone()).is_err(), "{value}");
        }
    }

    #[test]
    fn an_event_is_listed_as_it_stands() {
        let value = json!({"z": 1, "id": "e", "type": "t", "a": null});
        let event: JournalEvent = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(serde_json::to_string(&event).unwrap(), value.to_string());
    }

    #[test]
    fn what_is_missing_is_a_dash_and_nothing_breaks_the_line() {
        let event = json!({"id": "e\u{1b}[31m\nf", "type": "t"}).try_into().unwrap();
        assert_eq!(event_line(&event), r"- t e\u{1b}[31m\nf");
    }
}
