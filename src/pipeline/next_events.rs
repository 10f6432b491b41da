//! Events that a step wants to follow: each is recorded, selects flows and is carried through as one of its
//! own, within limits.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::asked::AskedBy;
use super::event;
use super::session::{Job, Session};
use super::words::problem;
use crate::event::Event;
use crate::failure::{Failure, Kind, Result};
use crate::ids::{EventId, RepoName, TagName};
use crate::process;
use crate::report::RunReport;

/// How many events may follow one another: the third one's own are not dispatched.
const DEEPEST: u8 = 3;

/// How many events one event may lead to.
const MOST: usize = 20;

/// What is to follow an event.
#[derive(Debug, Default)]
pub(super) struct Following {
    events: Vec<Event>,
    /// What is not, and why, in words.
    pub(super) warnings: Vec<String>,
}

impl Following {
    /// Adds what the step called `by` wants to follow an event that is `depth` events deep.
    pub(super) fn add(&mut self, by: &str, wanted: &[Value], depth: u8) {
        if wanted.is_empty() {
            return;
        }
        if depth >= DEEPEST {
            let count = wanted.len();
            self.warnings.push(format!(
                "{by} wants {count} more events to follow, and after {DEEPEST} that followed one another none is dispatched"
            ));
            return;
        }
        for (at, value) in wanted.iter().enumerate() {
            if self.events.len() >= MOST {
                let left = wanted.len() - at;
                self.warnings.push(format!(
                    "{left} of the {} events that {by} wants to follow are not dispatched: one event leads to {MOST} at most",
                    wanted.len()
                ));
                return;
            }
            let place = format!("next[{at}] of {by}");
            match Event::parse(&value.to_string(), Path::new(&place)) {
                Ok(event) if self.events.iter().any(|other| other.id == event.id) => {
                    self.warnings.push(format!("{place} is not dispatched: {} follows already", event.id));
                }
                Ok(event) => self.events.push(event),
                Err(error) => {
                    let why = problem(&Failure::from(error)).message;
                    self.warnings.push(format!("{place} is not dispatched: {why}"));
                }
            }
        }
    }

    /// Dispatches the events in their order, after the one that `parent` was about is done. One that is known
    /// already is not run again; one that names no repository or tag is about its parent's.
    ///
    /// # Errors
    /// Only where product state cannot be read or written.
    pub(super) fn dispatch(
        self,
        session: &Session<'_>,
        parent: &Parent,
        report: &mut RunReport,
    ) -> Result<Kind> {
        let mut kind = Kind::Done;
        for mut event in self.events {
            if process::is_interrupted() {
                report.notes.push(format!("{} was not dispatched: the run was asked to end", event.id));
                continue;
            }
            event.received_at.get_or_insert_with(|| session.context.stamp());
            if !record(session, &event)? {
                let id = &event.id;
                report
                    .notes
                    .push(format!("{id} follows {} and is known already: it is not run again", parent.id));
                continue;
            }
            let repo = event.repo().unwrap_or_else(|| parent.repo.clone());
            let tag = event.tag().unwrap_or_else(|| parent.tag.clone());
            let source = session.source_of(&repo);
            let job = Job {
                asked_by: AskedBy::Schedule,
                event: Some(event),
                depth: parent.depth + 1,
                record: parent.record.clone(),
                ..Job::of_tag(repo, Some(tag), source)
            };
            kind = kind.worse(event::scheduled(session, job, report)?);
        }
        Ok(kind)
    }
}

/// The event that others follow.
#[derive(Debug)]
pub(super) struct Parent {
    /// Its id.
    pub(super) id: EventId,
    /// The repository that it is about.
    pub(super) repo: RepoName,
    /// The tag that it is about.
    pub(super) tag: TagName,
    /// How many events it follows itself.
    pub(super) depth: u8,
    /// The folder with its record.
    pub(super) record: Option<PathBuf>,
}

/// Records the event, whether or not anything is there to run for it, and says whether it is new.
fn record(session: &Session<'_>, event: &Event) -> Result<bool> {
    let value = serde_json::to_value(event).map_err(|err| Failure::new(Kind::Failed, err))?;
    let id = event.id.as_str();
    let mut is_new = session.client.read()?.event(id).is_none();
    session.context.data.flow_events::<Value>().append_after(|known| {
        is_new &= !known.iter().any(|line| line["id"] == id);
        is_new.then(|| value.clone())
    })?;
    Ok(is_new)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn following(depth: u8, wanted: &[Value]) -> Following {
        let mut following = Following::default();
        following.add("f/s", wanted, depth);
        following
    }

    fn numbered(count: usize) -> Vec<Value> {
        (0..count).map(|at| json!({ "id": format!("e{at}"), "type": "t" })).collect()
    }

    #[test]
    fn what_is_no_event_is_named_and_stops_no_other() {
        let wanted =
            [json!(1), json!({"id": "a"}), json!({"id": "a", "type": "t"}), json!({"id": "a", "type": "u"})];
        let following = following(0, &wanted);
        assert_eq!(following.events.len(), 1);
        let said = following.warnings.join("\n");
        assert!(said.starts_with("next[0] of f/s is not dispatched: "), "{said}");
        assert!(said.contains("next[1] of f/s is not dispatched: ") && said.contains("is missing"), "{said}");
        assert!(said.ends_with("next[3] of f/s is not dispatched: a follows already"), "{said}");
    }

    #[test]
    fn one_event_leads_to_twenty_at_most_and_says_how_many_were_left_out() {
        let mut following = following(0, &numbered(19));
        following.add("f/t", &numbered(23)[19..], 0);
        assert_eq!(following.events.len(), 20);
        assert_eq!(
            following.warnings,
            ["3 of the 4 events that f/t wants to follow are not dispatched: one event leads to 20 at most"]
        );
    }

    #[test]
    fn events_that_follow_one_another_end_after_the_third() {
        assert_eq!(following(2, &numbered(1)).events.len(), 1);
        let last = following(3, &numbered(2));
        assert!(last.events.is_empty());
        assert_eq!(
            last.warnings,
            ["f/s wants 2 more events to follow, and after 3 that followed one another none is dispatched"]
        );
    }
}
