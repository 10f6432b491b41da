//! A `patch-stack` step: gather, carry, decide, act.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::json;

use super::artifact::{self, Evidence};
use super::carrying::{self, Gathered};
use super::checking;
use super::preparing::Prepared;
use super::session::Session;
use crate::candidate::{
    self, CheckOutcome, Document, EventRef, FlowRef, ForkRef, Input, NamedRef, Outcome, Plan, PlannedCheck,
    RunRef, SCHEMA_VERSION, Squashed, Step, Tool, UpstreamRef,
};
use crate::event::Event;
use crate::failure::{Kind, Result};
use crate::flow::Selected;
use crate::git::{RefMove, UpstreamRefs, Workbench};
use crate::ids::{CommitId, ObjectId, RefName, TagName};
use crate::record::{RunId, Status, StepResult};
use crate::release::State;
use crate::stack::{Carry, Inventory, Objects, StackError};

/// What a step came to.
pub(super) struct Carried {
    pub(super) status: Status,
    pub(super) message: String,
    pub(super) state: State,
    pub(super) document: Option<Document>,
    pub(super) artifact: Option<PathBuf>,
    pub(super) plan: Option<Plan>,
}

impl Carried {
    /// How the program ends because of it.
    pub(super) const fn kind(&self) -> Kind {
        match self.status {
            Status::Failed => Kind::Failed,
            Status::NeedsIntervention => Kind::NeedsPerson,
            Status::Blocked => Kind::Blocked,
            Status::Skipped | Status::Completed | Status::Changed => Kind::Done,
        }
    }

    /// The result as the flow client's state keeps it.
    pub(super) fn result(&self) -> StepResult {
        let mut result = StepResult::new(self.status).with("message", self.message.clone());
        if let Some(document) = &self.document {
            let refs: Vec<_> = document
                .refs
                .iter()
                .map(|named| {
                    json!({
                        "kind": "ref", "ref": named.name, "repo": document.fork.repository,
                        "sha": named.commit, "pushed": false,
                    })
                })
                .collect();
            let artifact = self.artifact.as_ref().map(|path| path.display().to_string());
            result = result.with(
                "artifacts",
                json!({
                    "candidateRefs": refs, "beforeSha": document.carry.tip, "afterSha": document.delivered(),
                    "counts": document.carry.counts, "artifact": artifact,
                }),
            );
        }
        result
    }
}

/// What stands around a carry in its document.
pub(super) struct Frame<'a> {
    pub(super) event: &'a Event,
    pub(super) selected: &'a Selected<'a>,
    pub(super) prepared: &'a Prepared,
    run: RunId,
    started_at: String,
}

impl<'a> Frame<'a> {
    /// What stands around a carry that begins now.
    pub(super) fn begun(
        session: &Session<'_>,
        event: &'a Event,
        selected: &'a Selected<'a>,
        prepared: &'a Prepared,
    ) -> Self {
        let run = session.execution(&event.id, selected).run;
        Self { event, selected, prepared, run, started_at: session.context.stamp() }
    }
}

/// Carries the stack, and delivers what came of it.
///
/// # Errors
/// Unrelated histories, missing objects, a git that fails, a ref that somebody else moved.
pub(super) fn carry(
    session: &Session<'_>,
    event: &Event,
    selected: &Selected<'_>,
    prepared: &Prepared,
) -> Result<Carried> {
    let frame = Frame::begun(session, event, selected, prepared);
    let bench = &prepared.bench;
    let Gathered { refs, inventory } = carrying::gather(session, prepared)?;
    if inventory.is_adopted(bench)? {
        return Ok(adopted(prepared));
    }
    let carry = carrying::carry(session, prepared, &inventory)?;
    let squashed = carrying::squash(prepared, &carry)?;
    let document = document(&frame, &inventory, &refs, carry, squashed);
    finish(session, &frame, bench, document)
}

fn adopted(prepared: &Prepared) -> Carried {
    Carried {
        status: Status::Skipped,
        message: format!(
            "branch {} of {} holds {} already",
            prepared.branch, prepared.fork.name, prepared.release.tag
        ),
        state: State::Adopted,
        document: None,
        artifact: None,
        plan: None,
    }
}

/// Decides what becomes of the carry, and does it unless this is a dry run. What the world adds to
/// the document is filled in on the way.
///
/// # Errors
/// A git that fails, a ref that somebody else moved, a file that cannot be written.
pub(super) fn finish(
    session: &Session<'_>,
    frame: &Frame<'_>,
    bench: &Workbench,
    mut document: Document,
) -> Result<Carried> {
    let Frame { selected, prepared, .. } = frame;
    let carry = &document.carry;
    let slug = prepared.release.tag.slug();
    let members: BTreeSet<CommitId> = bench
        .reachable(&[carry.candidate.commit], &[carry.onto])
        .map_err(StackError::from)?
        .into_iter()
        .collect();
    let checks: Vec<PlannedCheck> = selected
        .manifest
        .checks
        .iter()
        .map(|check| PlannedCheck { name: check.name.clone(), command: check.command.clone() })
        .collect();
    let plan = candidate::plan(&Input {
        carry,
        slug: &slug,
        squashed: document.squashed.as_ref().map(|squashed| squashed.commit),
        members: Some(&members),
        checks: &checks,
        existing: &existing(prepared, &slug)?,
    })?;
    if !session.applies() {
        return Ok(carried(document, None, Some(plan)));
    }
    let evidence = Evidence { bench, carry: document.carry.clone(), members, slug, plan: &plan };
    let artifact = artifact::open(session, &evidence, &prepared.release.repo)?;
    let extras = artifact::contents(&evidence, &artifact)?;
    document.bundle = evidence.bundle();
    document.checks = checking::run(session, selected, bench, &artifact, &plan, document.delivered())?;
    document.status = outcome(&document.carry, &document.checks);
    document.refs = deliver(prepared, bench, &document, &plan)?;
    document.run.completed_at = session.context.stamp();
    artifact::documents(&evidence, &artifact, &document, &extras)?;
    let place = artifact.publish()?;
    Ok(carried(document, Some(place), None))
}

/// The refs below `refs/patch-moi` that this release has now.
fn existing(prepared: &Prepared, slug: &crate::ids::Slug) -> Result<BTreeMap<RefName, CommitId>> {
    let refs = candidate::Refs::of(slug)?;
    let all = [refs.candidate, refs.stack, refs.incomplete, refs.partial];
    Ok(all.into_iter().filter_map(|name| Some((name.clone(), prepared.fork.repository.at(&name)?))).collect())
}

/// Moves the fork's own refs as planned, and says where they stand. A candidate that a check has
/// refused gets none, and takes the place of an older one that was not refused; the patches that an
/// older squashed one was made of stay, for nothing else has them one by one.
fn deliver(
    prepared: &Prepared,
    bench: &Workbench,
    document: &Document,
    plan: &Plan,
) -> Result<Vec<NamedRef>> {
    let slug = prepared.release.tag.slug();
    let moves = match document.status {
        Outcome::Failed => withdrawn(existing(prepared, &slug)?, &candidate::Refs::of(&slug)?.stack),
        Outcome::Candidate | Outcome::Incomplete | Outcome::Adopted => planned(plan),
    };
    let known = [document.carry.onto, document.carry.tip];
    bench.deliver(&prepared.fork.repository, &moves, &known)?;
    let stands = existing(prepared, &slug)?;
    Ok(stands.into_iter().map(|(name, commit)| NamedRef { name, commit }).collect())
}

fn planned(plan: &Plan) -> Vec<RefMove> {
    let moved = |step: &Step| match step {
        Step::MoveRef { name, from, to } => Some(RefMove { name: name.clone(), from: *from, to: Some(*to) }),
        Step::DeleteRef { name, from } => Some(RefMove { name: name.clone(), from: Some(*from), to: None }),
        _ => None,
    };
    plan.steps.iter().filter_map(moved).collect()
}

/// Every ref of the release goes but `kept`.
fn withdrawn(existing: BTreeMap<RefName, CommitId>, kept: &RefName) -> Vec<RefMove> {
    let gone = |(name, from)| RefMove { name, from: Some(from), to: None };
    existing.into_iter().filter(|(name, _)| name != kept).map(gone).collect()
}

/// The document as far as the carry alone says it.
pub(super) fn document(
    frame: &Frame<'_>,
    inventory: &Inventory,
    refs: &UpstreamRefs,
    carry: Carry,
    squashed: Option<CommitId>,
) -> Document {
    let prepared = frame.prepared;
    let release = &prepared.release;
    let annotated = release.object != release.commit.object();
    Document {
        schema_version: SCHEMA_VERSION,
        tool: Tool::this(),
        event: EventRef {
            id: frame.event.id.clone(),
            kind: frame.event.kind.clone(),
            repo: release.repo.clone(),
            tag: release.tag.clone(),
            tag_object: annotated.then_some(release.object),
            commit: carry.onto,
        },
        fork: ForkRef { repository: prepared.fork.name.clone(), branch: prepared.branch.clone() },
        upstream: UpstreamRef {
            repository: release.repo.clone(),
            url: prepared.url.to_string(),
            base_tag: base_tag(refs, carry.base),
        },
        flow: FlowRef {
            name: frame.selected.manifest.name.clone(),
            version: frame.selected.manifest.version.clone(),
            step: frame.selected.step.name.clone(),
            origin: frame.selected.flow.origin.name().to_owned(),
        },
        run: RunRef {
            id: frame.run.to_string(),
            started_at: frame.started_at.clone(),
            completed_at: frame.started_at.clone(),
        },
        status: outcome(&carry, &[]),
        squashed: squashed.map(|commit| Squashed { commit, tree: carry.candidate.tree }),
        bundle: None,
        refs: Vec::new(),
        checks: Vec::new(),
        signatures_dropped: inventory.signatures(),
        notes_not_carried: prepared.fork.repository.notes(carry.patches.iter().map(|patch| patch.commit)),
        carry,
    }
}

/// The release that the base is, where a tag of upstream says so.
fn base_tag(refs: &UpstreamRefs, base: CommitId) -> Option<TagName> {
    let of_base = |(_, (_, commit)): &(&TagName, &(ObjectId, CommitId))| *commit == base;
    refs.tags.iter().find(of_base).map(|(tag, _)| tag.clone())
}

/// What a carry has come to, with its checks.
pub(super) fn outcome(carry: &Carry, checks: &[CheckOutcome]) -> Outcome {
    if !carry.candidate.complete {
        return Outcome::Incomplete;
    }
    if checks.iter().any(CheckOutcome::refuses) { Outcome::Failed } else { Outcome::Candidate }
}

fn carried(document: Document, artifact: Option<PathBuf>, plan: Option<Plan>) -> Carried {
    let counts = &document.carry.counts;
    let tag = &document.event.tag;
    let (status, state, message) = match document.status {
        Outcome::Incomplete => (
            Status::NeedsIntervention,
            State::Conflict,
            format!(
                "{} of {} patches need a person on {tag}, {} wait for them",
                counts.conflict, counts.patches, counts.blocked
            ),
        ),
        Outcome::Failed => {
            let refusing = document.checks.iter().find(|check| check.refuses());
            let said =
                refusing.map(|check| format!("{} {} ({})", check.name, check.outcome.name(), check.log));
            (
                Status::Failed,
                State::Failed,
                format!(
                    "the stack stands on {tag}, and a required check did not pass: {}",
                    said.unwrap_or_default()
                ),
            )
        }
        Outcome::Candidate => {
            (Status::Changed, State::Candidate, format!("{} patches stand on {tag}", counts.carried()))
        }
        Outcome::Adopted => (Status::Skipped, State::Adopted, format!("the fork holds {tag} already")),
    };
    Carried { status, message, state, document: Some(document), artifact, plan }
}
