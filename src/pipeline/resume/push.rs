//! What was settled, handed to the fork: by the rules by which `publish` writes, with the person's own
//! credentials.

use std::collections::BTreeMap;

use super::super::stack_step::Prepared;
use super::Resume;
use crate::candidate::publication::{Part, Policy, Proven, Published, Remote, publication, same_repository};
use crate::candidate::{NamedRef, Outcome, Refs};
use crate::failure::{Failure, Kind, Result};
use crate::flow::Push;
use crate::git::{Credential, Git, PushOutcome, RefMove, Rejection, RemoteUrl};
use crate::ids::{CommitId, EventId, ObjectId, RefName, Secret};

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
    let url = target(prepared)?;
    let credential = credential(resume)?;
    let git = session.git.with_credential(credential.as_ref());
    let (refs, head) = remote_refs(&git, &url, prepared)?;
    let before: Vec<Published> = published(resume, prepared)?;
    let shown = url.to_string();
    let plan = publication(
        &Proven {
            slug: &slug,
            status: Outcome::Candidate,
            onto,
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
    for pushed in session.git.push(repository, &url, &moves, credential.as_ref())? {
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
fn target(prepared: &Prepared) -> Result<RemoteUrl> {
    let url = prepared.fork.home().ok_or_else(|| {
        Failure::usage(format!("{} has no remote `origin` to push to", prepared.fork.name))
            .hint("add it: `git remote add origin URL`")
    })?;
    if same_repository(url.as_str(), prepared.url.as_str()) {
        let text = format!("the remote `origin` of {} is upstream itself ({url})", prepared.fork.name);
        return Err(Failure::usage(text).hint("point `origin` to the fork: `git remote set-url origin URL`"));
    }
    Ok(url)
}

/// The refs below which patch-moi writes, and the maintained branch.
fn remote_refs(
    git: &Git,
    url: &RemoteUrl,
    prepared: &Prepared,
) -> Result<(BTreeMap<RefName, ObjectId>, Option<CommitId>)> {
    let listing = git.list(url, Some(&prepared.fork.repository))?;
    let mut refs = listing.ours.clone();
    for (branch, commit) in listing.branches.iter().filter(|(name, _)| name.starts_with("patch-moi/")) {
        refs.insert(RefName::join("refs/heads", branch)?, commit.object());
    }
    Ok((refs, listing.branches.get(&prepared.branch).copied()))
}

/// A token, where one is set: it is shown to GitHub's server and to no other.
fn credential(resume: &Resume<'_, '_>) -> Result<Option<Credential>> {
    let context = resume.session.context;
    let token =
        ["PATCH_MOI_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"].iter().find_map(|name| context.variable(name));
    let Some(token) = token.and_then(|token| Secret::new(&token)) else { return Ok(None) };
    let server = context.variable("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
    let server = server.parse().map_err(|err: url::ParseError| {
        Failure::new(Kind::Usage, err).context("GITHUB_SERVER_URL is no URL")
    })?;
    Ok(Some(Credential::new(token, &server)))
}

/// What was published of the release before, oldest first.
fn published(resume: &Resume<'_, '_>, prepared: &Prepared) -> Result<Vec<Published>> {
    let release = &prepared.release;
    let lines = resume.session.context.data.publications::<Published>().read()?.records;
    Ok(lines.into_iter().filter(|line| line.repo == release.repo && line.tag == release.tag).collect())
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
    Ok(resume.session.context.data.publications().append(&line)?)
}
