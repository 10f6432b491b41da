//! What was settled, handed to the fork: by the rules by which `publish` writes, with the person's own
//! credentials.

use super::super::preparing::Prepared;
use super::super::publish::recording;
use super::super::publish::remote::{Server, Target, own_refs};
use super::Resume;
use crate::candidate::publication::{Part, Policy, Proven, Published, Remote, publication};
use crate::candidate::{NamedRef, Outcome, Refs};
use crate::failure::{Failure, Kind, Result};
use crate::flow::Push;
use crate::git::{PushOutcome, RefMove, Rejection};
use crate::ids::{CommitId, EventId, ObjectId, RefName};

/// What a push came to.
pub(super) struct Handed {
    pub(super) refs: Vec<NamedRef>,
    pub(super) notes: Vec<String>,
    pub(super) kind: Kind,
}

/// Pushes the complete candidate that the fork's own refs name.
///
/// # Errors
/// No candidate, no remote, a remote that is upstream or that refuses.
pub(super) fn push(resume: &Resume<'_, '_>, prepared: &Prepared, onto: CommitId) -> Result<Handed> {
    let session = resume.session;
    let repository = &prepared.fork.repository;
    let slug = prepared.release.tag.slug();
    let names = Refs::of(&slug)?;
    let delivered = repository.at(&names.candidate).ok_or_else(|| {
        Failure::usage(format!("{} has no candidate to push", prepared.release.tag))
            .hint("settle its conflicts first; a candidate that a check refuses is not pushed")
    })?;
    let stack = repository.at(&names.stack).filter(|_| prepared.config.squash);
    // An older one that the run has left where it was.
    let recorded = repository.at(&names.base).filter(|base| *base != onto);
    let target = target(prepared)?;
    let credential = Server::of(session.context)?.credential();
    let git = session.git.with_credential(credential.as_ref());
    let listing = target.listing(&git, prepared)?;
    let (refs, head) = (own_refs(&listing), listing.branches.get(&prepared.branch).copied());
    let before = recording::before(session, &prepared.release.repo)?;
    let before = recording::of_tag(&before, &prepared.release.tag);
    let shown = target.url.to_string();
    let plan = publication(
        &Proven {
            slug: &slug,
            status: Outcome::Candidate,
            onto,
            excluded: recorded.as_slice(),
            candidate: stack.unwrap_or(delivered),
            squashed: stack.map(|_| delivered),
            partial: None,
            stale: head.is_some_and(|head| head != prepared.tip),
            flow_forbids: prepared.config.push == Push::Never,
        },
        &Remote { target: &shown, refs: &refs, before: &before },
        Policy { push: true, pull_request: false, issue: false },
    )?;
    let mut notes = plan.notes;
    notes.extend(plan.withheld.map(|why| format!("nothing was pushed: {why}")));
    let commit = |id: ObjectId| CommitId::new(id);
    let moves: Vec<RefMove> = plan
        .refs
        .iter()
        .filter(|plan| plan.is_move())
        .map(|plan| RefMove { name: plan.name.clone(), from: plan.from.map(commit), to: plan.to })
        .collect();
    let mut kind = Kind::Done;
    for pushed in session.git.push(repository, &target.url, &moves, credential.as_ref())? {
        if let PushOutcome::Rejected(why) = pushed.outcome {
            kind = Kind::Blocked;
            notes.push(format!("{} was not pushed: {}", pushed.name, said(&why)));
        }
    }
    let wanted = plan.refs.iter().filter_map(|plan| Some((plan.name.clone(), plan.part, plan.to?)));
    let stands: Vec<(RefName, Part, CommitId)> = wanted.filter(|_| kind == Kind::Done).collect();
    for (name, _, commit) in &stands {
        if moves.iter().any(|step| step.name == *name) {
            remember(resume, prepared, name, *commit)?;
        }
    }
    let refs = stands.into_iter().map(|(name, _, commit)| NamedRef { name, commit }).collect();
    Ok(Handed { refs, notes, kind })
}

fn said(why: &Rejection) -> String {
    match why {
        Rejection::Stale => "somebody moved it meanwhile; run this again".to_owned(),
        Rejection::Remote { reason } => reason.clone(),
        Rejection::Atomic => "another ref of the same push was refused".to_owned(),
    }
}

/// The fork's own remote, which is never upstream.
fn target(prepared: &Prepared) -> Result<Target> {
    match Target::of(prepared) {
        Ok(Some(target)) => Ok(target),
        Ok(None) => {
            let text = format!("{} has no remote `origin` to push to", prepared.fork.name);
            Err(Failure::usage(text).hint("add it: `git remote add origin URL`"))
        }
        Err(refusal) => Err(Failure::usage(refusal.to_string())
            .hint("point `origin` to the fork: `git remote set-url origin URL`")),
    }
}

fn remember(resume: &Resume<'_, '_>, prepared: &Prepared, name: &RefName, commit: CommitId) -> Result<()> {
    let release = &prepared.release;
    let line = Published {
        event_id: EventId::of_release(&release.repo, &release.tag),
        repo: release.repo.clone(),
        tag: release.tag.clone(),
        name: Some(name.clone()),
        commit: Some(commit),
        pull_request: None,
        issue: None,
        url: None,
        at: resume.session.context.stamp(),
    };
    recording::published(resume.session, line)
}
