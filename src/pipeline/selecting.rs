//! Which flows are for an event, which of their steps it selects, and why it selects no others.

use serde_json::Value;

use super::session::{Job, Session};
use super::words::problem;
use super::{modified, newest, preparing};
use crate::event::Event;
use crate::failure::{Failure, Kind, Result};
use crate::flow::{self, BuiltIn, Flow, Gates, Reason, Runner, Selected, Selection, Standing, switching_off};
use crate::ids::{RelPath, TagName};
use crate::report::{self, PassedOver};
use crate::workspace::read_schema;

/// The flows that a job chooses from: those that were found. Where none of them is for the event and
/// a branch is named, the built-in one; a flow that is for it and may not run is not passed by.
pub(super) fn flows_for(session: &Session<'_>, job: &Job<'_>) -> Result<Vec<Flow>> {
    let Some(branch) = job.branch.as_deref() else { return Ok(session.flows.clone()) };
    let (draft, _) = draft(session, job)?;
    let selection = session.select(&draft.kind, &draft.payload, &session.flows);
    if !selection.selected.is_empty()
        || selection.passed_over.iter().any(|passed| is_in_the_way(&passed.reason))
    {
        return Ok(session.flows.clone());
    }
    let built_in = BuiltIn { repo: None, target_branch: branch, upstream_url: None };
    Ok(vec![flow::built_in(built_in, session.context.workspace.root())])
}

/// Whether a flow might have been meant, had it been in order.
const fn is_in_the_way(reason: &Reason) -> bool {
    matches!(reason, Reason::SchemaUnusable { .. } | Reason::Standing(_) | Reason::ManifestBroken(_))
}

/// Which steps a job would have selected, for the report about one that ended early.
pub(super) fn selection_of(session: &Session<'_>, job: &Job<'_>) -> report::Selection {
    match draft(session, job) {
        Ok((draft, _)) => described(&session.select(&draft.kind, &draft.payload, &session.flows)),
        Err(_) => report::Selection { selected: Vec::new(), passed_over: Vec::new() },
    }
}

impl Session<'_> {
    /// Which steps an event selects.
    pub(super) fn select<'f>(&self, kind: &str, payload: &Value, flows: &'f [Flow]) -> Selection<'f> {
        select(kind, payload, flows, &self.gates)
    }
}

/// Which steps an event selects, with the schemas as they lie in the flows' folders.
pub(super) fn select<'f>(kind: &str, payload: &Value, flows: &'f [Flow], gates: &Gates) -> Selection<'f> {
    let schemas = |flow: &Flow, schema: &RelPath| {
        read_schema(&flow.root, schema).map_err(|err| problem(&Failure::from(err)).message)
    };
    flow::select(kind, payload, flows, &schemas, gates)
}

pub(super) fn carrying<'s, 'f>(selection: &'s Selection<'f>) -> Vec<&'s Selected<'f>> {
    selection.selected.iter().filter(|selected| selected.step.runner == Runner::PatchStack).collect()
}

/// The event as far as it is known before upstream is asked, and its tag: enough to select flows.
pub(super) fn draft(session: &Session<'_>, job: &Job<'_>) -> Result<(Event, TagName)> {
    let tag = match (&job.tag, job.source) {
        (Some(tag), _) => tag.clone(),
        (None, Some(source)) => {
            let listing = session.listing(&source.repo.web_url.as_str().parse()?, None)?;
            newest::newest(&listing, Some(source)).ok_or_else(|| preparing::no_release(&job.repo))?
        }
        // Flows choose by repository; which tag is newest is asked where the flow says to ask.
        (None, None) => "newest".parse()?,
    };
    if let Some(event) = &job.event {
        return Ok((event.clone(), tag));
    }
    if let Some(release) = &job.release {
        return Ok((Event::upstream_release(release, job.source, (session.context.now)()), tag));
    }
    let event = Event::of_tag(&job.repo, &tag, (session.context.now)());
    Ok((event, tag))
}

pub(super) fn described(selection: &Selection<'_>) -> report::Selection {
    let selected = |selected: &Selected<'_>| report::Selected {
        flow: selected.manifest.name.clone(),
        step: selected.step.name.clone(),
        runner: selected.step.runner.name().to_owned(),
        gate: selected.gate.map(|gate| gate.to_string()),
    };
    let passed_over = |passed: &flow::PassedOver<'_>| PassedOver {
        flow: passed.flow.name().to_owned(),
        step: passed.step.map_or_else(|| "*".to_owned(), |step| step.name.clone()),
        code: passed.reason.name().to_owned(),
        reason: passed.reason.to_string(),
        hint: passed.reason.hint(),
    };
    report::Selection {
        selected: selection.selected.iter().map(selected).collect(),
        passed_over: selection.passed_over.iter().map(passed_over).collect(),
    }
}

/// Nothing runs for what a person named: why, and what to do about it.
pub(super) fn nothing_selected(
    session: &Session<'_>,
    job: &Job<'_>,
    event: &Event,
    selection: &Selection<'_>,
) -> Failure {
    let what = match (&job.event, &job.tag) {
        (Some(_), _) => event.id.to_string(),
        (None, Some(tag)) => format!("{} {tag}", job.repo),
        (None, None) => format!("releases of {}", job.repo),
    };
    let mut failure = Failure::usage(format!("no flow matches {what}"));
    let refused = modified::refused(session, selection);
    if !refused.is_empty() {
        failure.kind = Kind::Blocked;
        failure = modified::because(failure, &refused);
    }
    if selection.passed_over.is_empty() {
        return failure.hint(
            "no flow is installed: `patch-moi run release --repo OWNER/NAME --branch BRANCH` uses the built-in one",
        );
    }
    for passed in &selection.passed_over {
        let step = passed.step.map_or_else(String::new, |step| format!(", step {}", step.name));
        failure = failure.because(format!(
            "flow {} ({}){step}: {}",
            passed.flow.name(),
            passed.flow.place(),
            passed.reason
        ));
        failure = passed.reason.hint().into_iter().fold(failure, Failure::hint);
        if let (Reason::Standing(Standing::NoLock | Standing::NotInLock), Some(digest)) =
            (&passed.reason, &passed.flow.digest)
        {
            failure = failure
                .hint(format!("an entry of the lock that pins it has `\"contentHash\": \"{digest}\"`"));
        }
    }
    failure
}

pub(super) fn two_stacks(one: &Selected<'_>, other: &Selected<'_>) -> Failure {
    let (first, second) = (one.full_name(), other.full_name());
    Failure::usage(format!("two steps would carry a stack for the same event: {first} and {second}"))
        .hint(format!(
            "one event has one candidate; to keep {first}, write at the top of .codex/workspace.toml: {}",
            switching_off(&other.manifest.name, &other.step.name)
        ))
        .hint(format!("to keep {second}, write there: {}", switching_off(&one.manifest.name, &one.step.name)))
        .hint(format!(
            "for this run alone, `--flow {}` or `--flow {}` chooses",
            one.manifest.name, other.manifest.name
        ))
}
