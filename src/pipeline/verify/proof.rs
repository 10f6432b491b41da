//! The proof of one artifact.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::ground::{self, Ground, Made};
use super::{Denied, Folder, How, bundle, flow_made, settled};
use crate::candidate::{
    self, Artifact, Claim, Document, Input, MADE_BY_FLOW, NamedRef, PlannedCheck, Refusal, Step,
};
use crate::event::Event;
use crate::failure::Failure;
use crate::flow::{Runner, Selected};
use crate::ids::{CommitId, Digest, RelPath};
use crate::pack;
use crate::pipeline::carrying::{self, Gathered};
use crate::pipeline::preparing::Prepared;
use crate::pipeline::session::Session;
use crate::pipeline::stack_step::{self, Frame};
use crate::report::Proved;
use crate::stack::{self, Objects, StackError};

/// An artifact that is what it says, and everything made again.
pub(in crate::pipeline) struct Proof {
    /// The event, as the workspace has it.
    pub(in crate::pipeline) event: Event,
    /// The step with its fork, upstream and workbench, on which the candidate's objects lie.
    pub(in crate::pipeline) prepared: Prepared,
    /// The document, from the carry that was made again. The checks' outcomes are the run's word.
    pub(in crate::pipeline) document: Document,
    /// Where the maintained branch stands.
    pub(in crate::pipeline) head: CommitId,
    /// The digest of the flows.
    pub(in crate::pipeline) digest: Digest,
    /// What was proved, one sentence each.
    proved: Vec<String>,
}

impl Proof {
    /// Whether the branch has moved on since the candidate was made.
    pub(in crate::pipeline) fn is_stale(&self) -> bool {
        self.head != self.document.carry.tip
    }

    /// The proof as a report has it.
    pub(in crate::pipeline) fn said(&self) -> Proved {
        Proved {
            event_id: self.document.event.id.clone(),
            repo: self.document.event.repo.clone(),
            tag: self.document.event.tag.clone(),
            status: self.document.status,
            commit: self.document.delivered(),
            tip: self.document.carry.tip,
            stale: self.is_stale(),
            settlements: self.document.carry.settlements.clone(),
            sentences: self.proved.clone(),
        }
    }
}

/// Makes the carry of an artifact again, and compares everything.
///
/// # Errors
/// The first thing that is not what the artifact says; or what kept it from being found out.
pub(in crate::pipeline) fn prove(
    session: &Session<'_>,
    claim: &Claim,
    folder: &Folder,
    how: &How,
) -> Result<Proof, Denied> {
    if claim.is_made_by_flow() && !how.descends {
        return Err(Refusal::MadeByFlow.into());
    }
    if !claim.settlements.is_empty() && !how.settlements {
        return Err(Refusal::Settled { patches: claim.settlements.len() }.into());
    }
    let is_it = |selected: &Selected<'_>| made_it(claim, selected);
    ground::with_step(session, (&claim.repo, &claim.tag), how, &is_it, |ground, flows| {
        let Ground { event, selected, mut prepared } = ground;
        let mut proved = vec!["The folder holds what a run leaves, and nothing else.".to_owned()];
        tag(claim, &prepared, &mut proved)?;
        let head = ground::head(session, &prepared, claim.tip, how)?;
        prepared.tip = claim.tip;
        proved.push(format!(
            "Branch {} of {} holds the tip {}.",
            prepared.branch, prepared.fork.name, claim.tip
        ));
        let gathered = carrying::gather(session, &prepared)?;
        excluded(claim, &prepared, &gathered, &mut proved)?;
        let made = match claim.is_made_by_flow() {
            true => flow_made::made(claim, folder, &prepared, gathered, &mut proved)?,
            false => again(session, claim, folder, &mut prepared, gathered, &mut proved)?,
        };
        let Made { gathered, carry, squashed } = made;
        let frame = Frame::begun(session, &event, selected, &prepared);
        let mut document = stack_step::document(&frame, &gathered.inventory, &gathered.refs, carry, squashed);
        if claim.is_made_by_flow() {
            document.flow.origin = MADE_BY_FLOW.to_owned();
        }
        let plan = Parts::of(&document, &selected.manifest.checks, &prepared)?;
        document.checks = claim.checked(&selected.manifest.checks, &plan.logs)?;
        document.status = stack_step::outcome(&document.carry, &document.checks);
        if document.status != claim.status {
            return Err(Refusal::Status { claimed: claim.status, made: document.status }.into());
        }
        checks(&document, &mut proved);
        document.bundle = (!plan.bundled.is_empty()).then(|| "candidate.bundle".to_owned());
        bundle::check(session, claim, folder, &prepared, &plan.bundled, &mut proved)?;
        Ok(Proof { digest: pack::flows_digest(flows), event, prepared, document, head, proved })
    })
}

/// Whether a step is the one of which an artifact is: that which carries the stack, or the very one that made
/// the commits itself.
fn made_it(claim: &Claim, selected: &Selected<'_>) -> bool {
    let carries = selected.step.runner == Runner::PatchStack;
    match &claim.made_by {
        None => carries,
        Some((flow, step)) => !carries && *flow == selected.manifest.name && *step == selected.step.name,
    }
}

/// Makes the carry again, and compares it with what the artifact says.
fn again(
    session: &Session<'_>,
    claim: &Claim,
    folder: &Folder,
    prepared: &mut Prepared,
    gathered: Gathered,
    proved: &mut Vec<String>,
) -> Result<Made, Denied> {
    prepared.answers = settled::answers(claim, folder, prepared)?;
    let made = ground::carry(session, prepared, gathered)?;
    settled::used(claim, &made.carry)?;
    claim.agrees(&made.carry, made.squashed)?;
    proved.push(format!(
        "The carry, made again, gives the same commits: {} {}.",
        if made.carry.candidate.complete {
            "the candidate is"
        } else {
            "what can be carried without a gap ends at"
        },
        made.squashed.unwrap_or(made.carry.candidate.commit)
    ));
    proved.extend(settled::sentence(prepared, &made.carry)?);
    Ok(made)
}

fn tag(claim: &Claim, prepared: &Prepared, proved: &mut Vec<String>) -> Result<(), Refusal> {
    let release = &prepared.release;
    let moved = |claimed, now| Refusal::TagMoved {
        repo: release.repo.clone(),
        tag: release.tag.clone(),
        claimed,
        now,
    };
    if release.commit != claim.onto {
        return Err(moved(claim.onto.object(), release.commit.object()));
    }
    if release.object != claim.object {
        return Err(moved(claim.object, release.object));
    }
    proved.push(format!("Tag {} of {} is {}.", release.tag, release.repo, release.commit));
    Ok(())
}

/// The stack by what the artifact excludes is the stack by upstream's refs.
fn excluded(
    claim: &Claim,
    prepared: &Prepared,
    gathered: &Gathered,
    proved: &mut Vec<String>,
) -> Result<(), Denied> {
    let bench = &prepared.bench;
    if let Some(commit) = claim.excluded.iter().find(|commit| bench.commit(**commit).is_err()) {
        return Err(Refusal::ExcludedUnknown { commit: *commit }.into());
    }
    let by_claim = stack::take(bench, claim.tip, claim.onto, &claim.excluded)?;
    let by_claim: HashSet<CommitId> = by_claim.commits().collect();
    let actual: HashSet<CommitId> = gathered.inventory.commits().collect();
    if by_claim != actual {
        let hides = actual.difference(&by_claim).count();
        return Err(Refusal::Excluded { hides, actual: actual.len(), claimed: by_claim.len() }.into());
    }
    let patches = if actual.len() == 1 { "1 patch".to_owned() } else { format!("{} patches", actual.len()) };
    proved.push(format!("The stack is the fork's {patches} by upstream's refs of today."));
    Ok(())
}

fn checks(document: &Document, proved: &mut Vec<String>) {
    if !document.checks.is_empty() {
        let said = document.checks.iter().map(|check| format!("{} {}", check.name, check.outcome.name()));
        proved.push(format!(
            "By the run's own word, which cannot be proved: {}.",
            said.collect::<Vec<_>>().join(", ")
        ));
    }
}

/// What the plan of a carry says of the artifact.
struct Parts {
    logs: Vec<RelPath>,
    bundled: Vec<NamedRef>,
}

impl Parts {
    fn of(document: &Document, checks: &[crate::flow::Check], prepared: &Prepared) -> Result<Self, Failure> {
        let carry = &document.carry;
        let reachable = prepared.bench.reachable(&[carry.candidate.commit], &[carry.onto]);
        let members: BTreeSet<CommitId> = reachable.map_err(StackError::from)?.into_iter().collect();
        let checks: Vec<PlannedCheck> = checks
            .iter()
            .map(|check| PlannedCheck { name: check.name.clone(), command: check.command.clone() })
            .collect();
        let plan = candidate::plan(&Input {
            carry,
            slug: &document.event.tag.slug(),
            squashed: document.squashed.map(|squashed| squashed.commit),
            members: Some(&members),
            checks: &checks,
            existing: &BTreeMap::new(),
        })?;
        let mut parts = Self { logs: Vec::new(), bundled: Vec::new() };
        for step in plan.steps {
            match step {
                Step::RunCheck { log, .. } => parts.logs.push(log),
                Step::WriteArtifact { what: Artifact::Bundle { refs }, .. } => parts.bundled = refs,
                _ => {}
            }
        }
        Ok(parts)
    }
}
