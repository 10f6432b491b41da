//! Which steps one event makes run, and why the others do not.
//!
//! Pure: the flows, the schemas and the gates are arguments. Every step of every flow gets exactly
//! one answer, so that "nothing happened" can always be explained.

use serde_json::Value;
use thiserror::Error;

use super::gates::{GateClosed, Gates};
use super::manifest::{Manifest, Step, Trigger};
use super::manifest_error::ManifestError;
use super::payload::{self, Fault};
use super::{Flow, Standing};
use crate::ids::RelPath;

/// What one event selects.
#[derive(Debug)]
pub(crate) struct Selection<'a> {
    /// The steps that it makes run, in the order in which they do.
    pub(crate) selected: Vec<Selected<'a>>,
    /// The others, and why.
    pub(crate) passed_over: Vec<PassedOver<'a>>,
}

/// A step that the event makes run.
#[derive(Debug)]
pub(crate) struct Selected<'a> {
    /// Its flow.
    pub(crate) flow: &'a Flow,
    /// Its flow's manifest.
    pub(crate) manifest: &'a Manifest,
    /// The step.
    pub(crate) step: &'a Step,
    /// What keeps it from running all the same.
    pub(crate) gate: Option<GateClosed>,
}

impl Selected<'_> {
    /// Its flow's name and its own, as messages have them: `flow/step`.
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.manifest.name, self.step.name)
    }
}

/// A step, or a whole flow, that the event does not make run.
#[derive(Debug)]
pub(crate) struct PassedOver<'a> {
    /// The flow.
    pub(crate) flow: &'a Flow,
    /// The step; none where the whole flow is passed over.
    pub(crate) step: Option<&'a Step>,
    /// Why.
    pub(crate) reason: Reason,
}

/// Why a step does not run.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Reason {
    /// No event makes it run.
    #[error("it has no trigger")]
    NoTrigger,
    /// Another type of event makes it run.
    #[error("it waits for `{wanted}` events")]
    OtherEventType {
        /// The type that it waits for.
        wanted: String,
    },
    /// The payload does not meet its schema.
    #[error("the event does not meet its schema {schema}: {faults}")]
    SchemaMismatch {
        /// The schema's path in the flow's folder.
        schema: RelPath,
        /// What the validator says, place by place.
        faults: String,
    },
    /// Its schema is missing or is none.
    #[error("its schema {schema} cannot be used: {why}")]
    SchemaUnusable {
        /// The schema's path in the flow's folder.
        schema: RelPath,
        /// Why not.
        why: String,
    },
    /// `enabled = false`.
    #[error("it is disabled in {}", .0.file())]
    Disabled(Switch),
    /// A flow of the same name comes first.
    #[error("the flow of the same name in {by} comes first")]
    Shadowed {
        /// Where that flow lies, as in `.codex/flows/name`.
        by: String,
    },
    /// The lock does not let it run.
    #[error("{0}")]
    Standing(Standing),
    /// Its manifest cannot be read.
    #[error("{0}")]
    ManifestBroken(ManifestError),
}

/// Which file switches a step off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    /// The flow's own.
    Manifest,
    /// The workspace's.
    Workspace,
}

impl Switch {
    const fn file(self) -> &'static str {
        match self {
            Self::Manifest => "flow.toml",
            Self::Workspace => ".codex/workspace.toml",
        }
    }
}

impl Reason {
    /// The reason's name in JSON output; never changed.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::NoTrigger => "no-trigger",
            Self::OtherEventType { .. } => "other-event-type",
            Self::SchemaMismatch { .. } => "schema-mismatch",
            Self::SchemaUnusable { .. } => "schema-unusable",
            Self::Disabled(_) => "disabled",
            Self::Shadowed { .. } => "shadowed",
            Self::Standing(standing) => standing.name(),
            Self::ManifestBroken(_) => "manifest-broken",
        }
    }

    /// What to do next, where anything is to be done.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::NoTrigger => Some("give the step a [steps.trigger] table with `type`".to_owned()),
            Self::OtherEventType { .. } | Self::Shadowed { .. } => None,
            Self::SchemaMismatch { .. } => Some("compare the event's payload with the schema".to_owned()),
            Self::SchemaUnusable { .. } => Some(
                "the schema has to be a JSON schema inside the flow's folder that refers to no other file"
                    .to_owned(),
            ),
            Self::Disabled(switch) => {
                Some(format!("set `enabled = true` in {}, or remove the line", switch.file()))
            }
            Self::Standing(standing) => standing.hint(),
            Self::ManifestBroken(error) => error.hint(),
        }
    }
}

/// Says what an event of type `event_type` with this payload makes run.
///
/// `schemas` reads a schema from a flow's folder, or says why it cannot; it is asked only for steps
/// that would run if their schema said yes. A closed gate marks a selected step and does not
/// deselect it. One broken manifest or schema passes over its own flow or step and no other.
pub(crate) fn select<'a>(
    event_type: &str,
    payload: &Value,
    flows: &'a [Flow],
    schemas: &dyn Fn(&Flow, &RelPath) -> Result<Value, String>,
    gates: &Gates,
) -> Selection<'a> {
    let mut selection = Selection { selected: Vec::new(), passed_over: Vec::new() };
    let shadows = shadows(flows);
    for (flow, shadow) in flows.iter().zip(shadows) {
        let manifest = match (&flow.manifest, shadow) {
            (Err(error), _) => {
                // What somebody has changed is the news, and not what became of it.
                let reason = match &flow.standing {
                    standing @ Standing::Differs { .. } => Reason::Standing(standing.clone()),
                    _ => Reason::ManifestBroken(error.clone()),
                };
                selection.passed_over.push(PassedOver { flow, step: None, reason });
                continue;
            }
            (Ok(_), Some(first)) => {
                let reason = Reason::Shadowed { by: flows[first].place() };
                selection.passed_over.push(PassedOver { flow, step: None, reason });
                continue;
            }
            (Ok(_), None) if flow.switched_off.flow => {
                let reason = Reason::Disabled(Switch::Workspace);
                selection.passed_over.push(PassedOver { flow, step: None, reason });
                continue;
            }
            (Ok(manifest), None) => manifest,
        };
        for step in &manifest.steps {
            match reason_against(step, flow, event_type, payload, schemas) {
                Some(reason) => {
                    selection.passed_over.push(PassedOver { flow, step: Some(step), reason });
                }
                None => selection.selected.push(Selected {
                    flow,
                    manifest,
                    step,
                    gate: gates.closed_for(step.runner),
                }),
            }
        }
    }
    selection
}

/// Why `step` does not run. The questions go from what the author meant to what may be wrong, and
/// nothing of a flow that the lock does not allow is read.
fn reason_against(
    step: &Step,
    flow: &Flow,
    event_type: &str,
    payload: &Value,
    schemas: &dyn Fn(&Flow, &RelPath) -> Result<Value, String>,
) -> Option<Reason> {
    let Some(Trigger { kind, schema }) = &step.trigger else { return Some(Reason::NoTrigger) };
    if kind != event_type {
        return Some(Reason::OtherEventType { wanted: super::text::shown(kind) });
    }
    if !step.enabled {
        return Some(Reason::Disabled(Switch::Manifest));
    }
    if flow.switched_off.steps.contains(&step.name) {
        return Some(Reason::Disabled(Switch::Workspace));
    }
    if !flow.standing.may_run() {
        return Some(Reason::Standing(flow.standing.clone()));
    }
    let schema = schema.as_ref()?;
    let document = match schemas(flow, schema) {
        Ok(document) => document,
        Err(why) => return Some(Reason::SchemaUnusable { schema: schema.clone(), why }),
    };
    match payload::validate(&document, payload) {
        Ok(()) => None,
        Err(Fault::Schema(why)) => Some(Reason::SchemaUnusable { schema: schema.clone(), why }),
        Err(Fault::Payload(faults)) => Some(Reason::SchemaMismatch { schema: schema.clone(), faults }),
    }
}

/// For each flow the place of the one that shadows it: the first of the same manifest name.
///
/// A flow that the lock refuses still shadows: another one of its name must not run in its place
/// unnoticed. A broken manifest has no name, and shadows nothing.
pub(crate) fn shadows(flows: &[Flow]) -> Vec<Option<usize>> {
    let name = |flow: &Flow| flow.manifest.as_ref().ok().map(|manifest| manifest.name.clone());
    let names: Vec<Option<String>> = flows.iter().map(name).collect();
    let mut order: Vec<usize> = (0..flows.len()).collect();
    order.sort_by_key(|at| flows[*at].origin);
    let first = |name: &String| order.iter().copied().find(|at| names[*at].as_ref() == Some(name));
    let shadow = |at: usize| names[at].as_ref().and_then(first).filter(|first| *first != at);
    (0..flows.len()).map(shadow).collect()
}
