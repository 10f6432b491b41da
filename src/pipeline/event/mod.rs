//! One event: select, prepare, record, run, record.
//!
//! `through` runs the steps that were selected, and `recording` writes down what they came to.

mod recording;
mod through;

use std::cell::Cell;
use std::path::PathBuf;

use super::next_events::{Following, Parent};
use super::preparing::{self, Prepared};
use super::selecting::{carrying, described, draft, flows_for, nothing_selected, selection_of, two_stacks};
use super::session::{Job, Session};
use super::words::problem;
use super::{again, earlier, gated, modified};
use crate::event::Event;
use crate::failure::{Kind, Result};
use crate::flow::Flow;
use crate::ids::TagName;
use crate::pack;
use crate::release::Release;
use crate::report::{self, EventReport, RunReport};
use through::Through;

/// Carries an event through that a person asked for. What is wrong is an error.
///
/// # Errors
/// No flow matches, wrong configuration, and whatever keeps a step from being carried out.
pub(super) fn dispatch(session: &Session<'_>, job: Job<'_>, report: &mut RunReport) -> Result<Kind> {
    let flows = flows_for(session, &job)?;
    let (about, kind, next) = carry_through(session, &job, &flows, &mut report.notes)?;
    followed(session, &job, (about, kind, next), report)
}

/// Carries an event through that is due. What is wrong with it stands in the report.
///
/// # Errors
/// Only where product state cannot be written.
pub(super) fn scheduled(session: &Session<'_>, job: Job<'_>, report: &mut RunReport) -> Result<Kind> {
    let flows = flows_for(session, &job);
    match flows.and_then(|flows| carry_through(session, &job, &flows, &mut report.notes)) {
        Ok((about, kind, next)) => {
            if about.selection.selected.is_empty() {
                report
                    .notes
                    .push(format!("no flow matches {} {}: nothing was carried", about.repo, about.tag));
            }
            followed(session, &job, (about, kind, next), report)
        }
        Err(failure) => {
            let Some(tag) = job.tag.clone() else { return Err(failure) };
            let release = EventReport {
                id: crate::ids::EventId::of_release(&job.repo, &tag),
                repo: job.repo.clone(),
                tag,
                selection: selection_of(session, &job),
                steps: Vec::new(),
                ledger: None,
                record: failure.begun().map(|begun| begun.folder.display().to_string()),
                error: Some(problem(&failure)),
                plan: None,
            };
            report.events.push(release);
            Ok(failure.kind)
        }
    }
}

/// Reports an event that is done, and goes on with those that follow it.
fn followed(
    session: &Session<'_>,
    job: &Job<'_>,
    (about, kind, next): (EventReport, Kind, Following),
    report: &mut RunReport,
) -> Result<Kind> {
    let record = about.record.as_ref().map(PathBuf::from).or_else(|| job.record.clone());
    let (id, repo, tag) = (about.id.clone(), about.repo.clone(), about.tag.clone());
    let parent = Parent { id, repo, tag, depth: job.depth, record };
    report.notes.extend(next.warnings.iter().cloned());
    report.events.push(about);
    Ok(kind.worse(next.dispatch(session, &parent, report)?))
}

/// What the one step that carries a stack for the event needs.
///
/// # Errors
/// No such step, two of them, and whatever is wrong with it.
pub(super) fn prepare_stack(session: &Session<'_>, job: &Job<'_>) -> Result<Prepared> {
    let flows = flows_for(session, job)?;
    let (draft, _) = draft(session, job)?;
    let selection = session.select(&draft.kind, &draft.payload, &flows);
    match carrying(&selection)[..] {
        [one] => preparing::prepare(session, job, one),
        [one, other, ..] => Err(two_stacks(one, other)),
        [] => Err(nothing_selected(session, job, &draft, &selection)),
    }
}

fn carry_through(
    session: &Session<'_>,
    job: &Job<'_>,
    flows: &[Flow],
    notes: &mut Vec<String>,
) -> Result<(EventReport, Kind, Following)> {
    let asked_at = session.context.stamp();
    let (draft, tag) = draft(session, job)?;
    let mut selection = session.select(&draft.kind, &draft.payload, flows);
    let said = described(&selection);
    let refused = modified::refused(session, &selection);
    let rest = gated::leave_due(session, job, &draft.id, &mut selection)?;
    if selection.selected.is_empty() {
        if job.asked_by.is_person() {
            return Err(nothing_selected(session, job, &draft, &selection));
        }
        let mut about = about(job, &draft, &tag, said);
        let kind = modified::tell(&refused, &mut about);
        return Ok((about, kind, Following::default()));
    }
    let stacks = carrying(&selection);
    if let [one, other, ..] = stacks[..] {
        return Err(two_stacks(one, other));
    }
    if let Some(steps) = again::all_done(session, &draft, &selection)? {
        let id = &draft.id;
        notes.push(format!(
            "every step of {id} is done, and nothing was run; `patch-moi replay {id}` runs them again"
        ));
        let about = EventReport { steps, ..about(job, &draft, &tag, said) };
        return Ok((about, Kind::Done, Following::default()));
    }
    let prepared = stacks.first().map(|step| preparing::prepare(session, job, step));
    let mut prepared = prepared.transpose()?;
    notes.extend(prepared.as_mut().and_then(|prepared| earlier::take_along(session, prepared)));
    let event = match &prepared {
        Some(prepared) => event_of(session, job, &prepared.release),
        None => draft,
    };
    let tag = prepared.as_ref().map_or(tag, |prepared| prepared.release.tag.clone());
    let warnings = modified::let_run(&selection);
    let through = Through {
        session,
        job,
        event,
        tag,
        digest: pack::flows_digest(flows),
        prepared,
        asked_at,
        rest,
        has_candidate: Cell::default(),
        warnings,
    };
    let mut about = about(job, &through.event, &through.tag, said);
    let mut next = Following::default();
    let kind = if session.applies() {
        through.apply(&selection, &mut about, &mut next)?
    } else {
        through.plan(&selection, &mut about)?
    };
    let kind = kind.worse(modified::tell(&refused, &mut about));
    Ok((about, kind, next))
}

/// The event with the release as upstream has it. One that came in a file stays as it is.
fn event_of(session: &Session<'_>, job: &Job<'_>, release: &Release) -> Event {
    match &job.event {
        Some(event) => event.clone(),
        None => {
            let source = job.source.filter(|_| !job.asked_by.is_person());
            Event::upstream_release(release, source, (session.context.now)())
        }
    }
}

fn about(job: &Job<'_>, event: &Event, tag: &TagName, selection: report::Selection) -> EventReport {
    EventReport {
        id: event.id.clone(),
        repo: job.repo.clone(),
        tag: tag.clone(),
        selection,
        steps: Vec::new(),
        ledger: None,
        record: None,
        error: None,
        plan: None,
    }
}
