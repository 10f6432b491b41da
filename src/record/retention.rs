//! How much of the past the flow client's state holds, and what is taken out of it.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

use super::FlowClientState;
use super::client::{ended, is_run, stored_event};

/// How many runs the state keeps where nobody says a number.
const DEFAULT: usize = 5_000;

/// The most that can be asked for.
const MOST: usize = 1_000_000;

/// How many runs the state keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retention(usize);

impl Default for Retention {
    fn default() -> Self {
        Self(DEFAULT)
    }
}

/// Why a workspace's configuration says nothing about how much is kept.
#[derive(Debug, Error)]
pub(crate) enum RetentionError {
    /// It is not TOML.
    #[error("it is not valid TOML")]
    NotToml(#[from] toml::de::Error),
    /// The key holds something else.
    #[error("`keep` of [records] is no number from 1 to {MOST}")]
    NotANumber,
}

impl Retention {
    /// What `.codex/workspace.toml` says with `keep` in its table `records`; else the default.
    ///
    /// # Errors
    /// Where it is not TOML, or `keep` is no number that makes sense.
    pub(crate) fn parse(text: &str) -> Result<Self, RetentionError> {
        let document: toml::Table = text.strip_prefix('\u{feff}').unwrap_or(text).parse()?;
        let Some(keep) = document.get("records").and_then(|records| records.get("keep")) else {
            return Ok(Self::default());
        };
        let keep = keep.as_integer().and_then(|keep| usize::try_from(keep).ok());
        keep.filter(|keep| (1..=MOST).contains(keep)).map(Self).ok_or(RetentionError::NotANumber)
    }

    /// To keep this many.
    #[cfg(test)]
    pub(crate) const fn of(runs: usize) -> Self {
        Self(runs)
    }
}

/// A line of state-archive.jsonl: an event of the state with all of its runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Archived {
    /// The event's element, as the state had it; empty where its runs stood alone.
    #[serde(flatten)]
    element: Map<String, Value>,
    /// Its runs, as the state had them.
    runs: Vec<Value>,
}

impl Archived {
    /// The ids of its runs.
    pub(crate) fn run_ids(&self) -> impl Iterator<Item = &str> {
        self.runs.iter().filter_map(|run| run.get("id")?.as_str())
    }
}

/// The event that a run is about; a run of none is by itself.
fn about(run: &Value) -> &str {
    run.get("eventId").or_else(|| run.get("id")).and_then(Value::as_str).unwrap_or_default()
}

impl FlowClientState {
    /// Takes the oldest events with their runs out, until no more runs are there than are to be kept, and
    /// no more events without a run either. An event and its runs stay or go together, and the one with the
    /// newest run stays in any case: who runs an event again finds everything that was done for it. What is
    /// not understood stays.
    pub(crate) fn trim(&mut self, keep: Retention) -> Vec<Archived> {
        let gone = self.beyond(keep);
        if gone.is_empty() {
            return Vec::new();
        }
        let mut archived: Vec<Archived> =
            gone.iter().map(|_| Archived { element: Map::new(), runs: Vec::new() }).collect();
        let place_of: HashMap<&str, usize> =
            gone.iter().enumerate().map(|(place, id)| (id.as_str(), place)).collect();
        self.events.retain(|element| {
            let Some(place) = stored_event(element).and_then(|event| place_of.get(event.id)) else {
                return true;
            };
            if archived[*place].element.is_empty() {
                archived[*place].element = element.as_object().cloned().unwrap_or_default();
            }
            false
        });
        self.runs.retain(|run| {
            let Some(place) = place_of.get(about(run)).filter(|_| is_run(run)) else { return true };
            archived[*place].runs.push(run.clone());
            false
        });
        archived
    }

    /// The ids of the events that are too old to be kept, the oldest first.
    fn beyond(&self, keep: Retention) -> Vec<String> {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        let mut newest_first = Vec::new();
        for run in self.runs.iter().rev().filter(|run| is_run(run)) {
            let count = counts.entry(about(run)).or_insert(0);
            if *count == 0 {
                newest_first.push(about(run));
            }
            *count += 1;
        }
        let mut kept = 0;
        let fitting = newest_first.iter().take_while(|id| {
            let is_first = kept == 0;
            kept += counts[**id];
            is_first || kept <= keep.0
        });
        let fitting = fitting.count();
        let idle = self.events.iter().rev().filter_map(stored_event);
        let idle = idle.map(|event| event.id).filter(|id| !counts.contains_key(id)).skip(keep.0);
        let gone: Vec<&str> = newest_first[fitting..].iter().copied().chain(idle).collect();
        gone.into_iter().rev().map(str::to_owned).collect()
    }

    /// Takes out what stands in the archive, so that it does not come back from a machine that still had
    /// it. What was run or recorded anew since then stays. Says whether anything went.
    pub(crate) fn leave_out(&mut self, archived: impl IntoIterator<Item = Archived>) -> bool {
        let (mut runs, mut events) = (HashMap::new(), HashMap::new());
        for Archived { element, runs: gone } in archived {
            for run in gone {
                let end = ended(&run).to_owned();
                let last = runs.entry(run["id"].as_str().unwrap_or_default().to_owned()).or_default();
                *last = end.max(std::mem::take(last));
            }
            if let Some(event) = stored_event(&Value::Object(element)) {
                let last: &mut String = events.entry(event.id.to_owned()).or_default();
                *last = event.created_at.to_owned().max(std::mem::take(last));
            }
        }
        let before = self.events.len() + self.runs.len();
        self.runs.retain(|run| {
            let last = run.get("id").and_then(Value::as_str).and_then(|id| runs.get(id));
            !is_run(run) || last.is_none_or(|last: &String| ended(run) > last.as_str())
        });
        let busy: HashSet<&str> = self.runs.iter().filter(|run| is_run(run)).map(about).collect();
        self.events.retain(|element| {
            stored_event(element).is_none_or(|event| {
                busy.contains(event.id)
                    || events.get(event.id).is_none_or(|last| event.created_at > last.as_str())
            })
        });
        before != self.events.len() + self.runs.len()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(id: &str, at: &str, runs: &[&str]) -> Value {
        json!({"event": {"id": id, "type": "t", "receivedAt": at}, "createdAt": at, "runIds": runs})
    }

    fn run(id: &str, event: &str, at: &str) -> Value {
        json!({
            "id": id, "eventId": event, "status": "changed", "effectiveStatus": "changed", "needsAttention": false,
            "attemptCount": 1, "attempts": [], "output": [], "completedAt": at, "updatedAt": at, "raw": {}
        })
    }

    fn state(events: &[Value], runs: &[Value]) -> FlowClientState {
        FlowClientState::parse(json!({"events": events, "runs": runs}).to_string().as_bytes()).unwrap()
    }

    fn ids(state: &FlowClientState) -> (Vec<&str>, Vec<&str>) {
        let events = state.events.iter().map(|event| event["event"]["id"].as_str().unwrap_or("?")).collect();
        (events, state.runs.iter().map(|run| run["id"].as_str().unwrap_or("?")).collect())
    }

    #[test]
    fn a_number_that_makes_no_sense_is_refused() {
        for keep in ["0", "-1", "\"5\"", "1.5", "1000001", "true"] {
            let error = Retention::parse(&format!("[records]\nkeep = {keep}\n")).unwrap_err();
            assert!(matches!(error, RetentionError::NotANumber), "{keep}: {error}");
        }
        assert!(matches!(Retention::parse("[records"), Err(RetentionError::NotToml(_))));
    }

    #[test]
    fn without_a_number_five_thousand_runs_are_kept() {
        for text in ["", "[workspace]\nname = \"x\"\n", "[records]\n"] {
            assert_eq!(Retention::parse(text).unwrap(), Retention::of(5_000), "{text}");
        }
        assert_eq!(Retention::parse("[records]\nkeep = 7\n").unwrap(), Retention::of(7));
    }

    #[test]
    fn the_newest_runs_stay_and_an_event_goes_with_all_of_its_own() {
        let events = [event("a", "T1", &["1", "4"]), event("b", "T2", &["2", "3"]), event("c", "T3", &["5"])];
        let runs = [
            run("1", "a", "T1"),
            run("2", "b", "T2"),
            run("3", "b", "T3"),
            run("4", "a", "T4"),
            run("5", "c", "T5"),
        ];
        let mut kept = state(&events, &runs);
        assert_eq!(kept.clone().trim(Retention::of(5)), []);

        let gone = kept.trim(Retention::of(4));

        assert_eq!(ids(&kept), (vec!["a", "c"], vec!["1", "4", "5"]), "the retried event is newer than `b`");
        let line = serde_json::to_string(&gone).unwrap();
        let mut expected = events[1].clone();
        expected["runs"] = json!([runs[1], runs[2]]);
        assert_eq!(line, format!("[{expected}]"));
        assert_eq!(serde_json::from_str::<Vec<Archived>>(&line).unwrap(), gone);
    }

    #[test]
    fn the_newest_event_stays_even_with_more_runs_than_are_kept() {
        let mut kept = state(
            &[event("a", "T1", &["1", "2"]), event("b", "T0", &["0"])],
            &[run("0", "b", "T0"), run("1", "a", "T1"), run("2", "a", "T2")],
        );
        assert_eq!(kept.trim(Retention::of(1)).len(), 1);
        assert_eq!(ids(&kept), (vec!["a"], vec!["1", "2"]));
    }

    #[test]
    fn what_is_not_understood_and_what_has_not_run_yet_stays() {
        let mut kept = state(
            &[json!(7), event("a", "T1", &["1"]), event("b", "T2", &["2"]), event("waits", "T0", &[])],
            &[json!({"id": "half"}), run("1", "a", "T1"), run("2", "b", "T2")],
        );
        assert_eq!(kept.trim(Retention::of(1)).len(), 1);
        assert_eq!(ids(&kept), (vec!["?", "b", "waits"], vec!["half", "2"]));
    }

    #[test]
    fn events_that_never_ran_are_bounded_too() {
        let mut kept = state(&[event("a", "T1", &[]), event("b", "T2", &[]), event("c", "T3", &[])], &[]);
        assert_eq!(kept.trim(Retention::of(2)).len(), 1);
        assert_eq!(ids(&kept).0, ["b", "c"]);
    }

    #[test]
    fn what_was_archived_does_not_come_back_unless_it_was_run_anew() {
        let old = state(
            &[event("a", "T1", &["1"]), event("b", "T2", &["2"]), event("c", "T3", &["3"])],
            &[run("1", "a", "T1"), run("2", "b", "T2"), run("3", "c", "T3")],
        );
        let mut trimmed = old.clone();
        let gone = trimmed.trim(Retention::of(1));
        let mut united = trimmed.union(&old);
        assert!(united.leave_out(gone.clone()));
        assert_eq!(united, trimmed);
        assert!(!united.leave_out(gone.clone()));

        let anew = state(&[event("a", "T8", &["1"])], &[run("1", "a", "T9")]);
        let mut united = trimmed.union(&anew);
        assert!(!united.leave_out(gone));
        assert_eq!(ids(&united), (vec!["c", "a"], vec!["3", "1"]));
    }
}
