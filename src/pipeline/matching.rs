//! `flow match` and `flow list`: which flows are here, and what one event makes run. Selection alone: no
//! git, no network, nothing is carried or written.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::Number;

use super::context::Context;
use super::found::{self, Found};
use super::selecting::{described, select};
use crate::event::{Event, MAX_EVENT_BYTES};
use crate::failure::Result;
use crate::flow::{Flow, Gates, Step, shadows};
use crate::ids::{EventId, RepoName, TagName};
use crate::report::Selection;
use crate::workspace::read_bounded;

/// The event that is asked about.
#[derive(Debug)]
pub(crate) enum Which {
    /// It stands in a file.
    File(PathBuf),
    /// It is the release of a tag.
    Release(RepoName, TagName),
}

/// What is asked.
#[derive(Debug)]
pub(crate) struct MatchAsked {
    /// About which event.
    pub(crate) event: Which,
    /// The only flows to choose from; none named means all.
    pub(crate) flows: Vec<String>,
    /// Whether flows count as allowed that are not as the lock pins them.
    pub(crate) allow_modified: bool,
}

/// `flow match --json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Matched {
    /// The event's id.
    pub(crate) id: EventId,
    /// Its type.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Which steps it selects, and why no others.
    #[serde(flatten)]
    pub(crate) selection: Selection,
    /// What else a reader should know.
    pub(crate) notes: Vec<String>,
}

/// Says what an event would make run.
///
/// # Errors
/// A file that cannot be read, an event that is none, an unknown flow.
pub(crate) fn matching(context: &Context<'_>, asked: &MatchAsked) -> Result<Matched> {
    let event = match &asked.event {
        Which::File(file) => Event::parse(&read_bounded(file, MAX_EVENT_BYTES as u64)?, file)?,
        Which::Release(repo, tag) => Event::of_tag(repo, tag, (context.now)()),
    };
    let Found { flows, notes, .. } = found::chosen(context, &asked.flows, asked.allow_modified)?;
    let gates = Gates::from_env(&|name| context.variable(name));
    let selection = described(&select(&event.kind, &event.payload, &flows, &gates));
    Ok(Matched { id: event.id, kind: event.kind, selection, notes })
}

/// `flow list --json`.
#[derive(Debug, Serialize)]
pub(crate) struct Listed {
    /// The flows, in the order in which they are asked.
    pub(crate) flows: Vec<ListedFlow>,
    /// What else a reader should know.
    pub(crate) notes: Vec<String>,
}

/// One flow.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListedFlow {
    /// Its name; its folder's where its flow.toml says none.
    pub(crate) name: String,
    /// Its version, as its author counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<Number>,
    /// What it does, in its author's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// Its folder, relative to the workspace root.
    pub(crate) place: String,
    /// What the lock says, by a name that never changes.
    pub(crate) standing: &'static str,
    /// Why it does not run, whatever happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<String>,
    /// What to do about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
    /// Its steps, in the order of the file.
    pub(crate) steps: Vec<ListedStep>,
}

/// One step of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListedStep {
    /// Its name.
    pub(crate) name: String,
    /// What runs it.
    pub(crate) runner: &'static str,
    /// The type of event that it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) on: Option<String>,
    /// Whether it may run at all.
    pub(crate) enabled: bool,
}

/// Says which flows are here.
///
/// # Errors
/// A folder, a lock or a workspace.toml that cannot be read.
pub(crate) fn list(context: &Context<'_>) -> Result<Listed> {
    let Found { flows, notes, .. } = found::chosen(context, &[], false)?;
    let shadows = shadows(&flows);
    let listed = flows.iter().zip(shadows).map(|(flow, shadow)| {
        let by =
            shadow.map(|first| format!("the flow of the same name in {} comes first", flows[first].place()));
        listed(flow, by)
    });
    Ok(Listed { flows: listed.collect(), notes })
}

fn listed(flow: &Flow, shadowed: Option<String>) -> ListedFlow {
    let manifest = flow.manifest.as_ref();
    let refused = (!flow.standing.may_run()).then_some(&flow.standing);
    let off = || flow.switched_off.flow.then(|| "it is disabled in .codex/workspace.toml".to_owned());
    let broken = manifest.err();
    let problem = broken.map(ToString::to_string).or(shadowed);
    let (problem, hint) = match (problem, refused) {
        (Some(problem), _) => (Some(problem), broken.and_then(|error| error.hint())),
        (None, Some(standing)) => (Some(standing.to_string()), standing.hint()),
        (None, None) => (off(), None),
    };
    let step = |step: &Step| ListedStep {
        name: step.name.clone(),
        runner: step.runner.name(),
        on: step.trigger.as_ref().map(|trigger| trigger.kind.clone()),
        enabled: step.enabled && !flow.switched_off.flow && !flow.switched_off.steps.contains(&step.name),
    };
    ListedFlow {
        name: flow.name().to_owned(),
        version: manifest.ok().map(|manifest| manifest.version.clone()),
        description: manifest.ok().and_then(|manifest| manifest.description.clone()),
        place: flow.place(),
        standing: flow.standing.name(),
        problem,
        hint,
        steps: manifest.iter().flat_map(|manifest| &manifest.steps).map(step).collect(),
    }
}
