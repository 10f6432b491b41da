//! Where an intervention begins: an artifact, what is recorded of a release, or nothing but its tag.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::super::carrying::{self, Gathered};
use super::super::event;
use super::super::preparing::Prepared;
use super::super::session::{Job, Session};
use super::kept::{Kept, VERSION};
use super::{From, Resume, said};
use crate::candidate::Refs;
use crate::failure::{Failure, Kind, Result};
use crate::git::RemoteUrl;
use crate::ids::{CommitId, RepoName, TagName};
use crate::release::State;
use crate::report::{ResumeReport, beside};
use crate::stack::{self, Inventory, Landed};
use crate::workspace::read_bounded;

/// A candidate.json that is larger is not read, in bytes.
const LARGEST: u64 = 256 << 20;

/// What is taken of a candidate.json, and nothing else: the carry itself is made again.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Handed {
    pub(super) event: HandedEvent,
    fork: HandedFork,
    upstream: HandedUpstream,
    status: String,
    onto: CommitId,
    tip: CommitId,
    excluded: Vec<CommitId>,
    #[serde(default)]
    landed: Option<Landed>,
    candidate: HandedCandidate,
    squashed: Option<HandedCandidate>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct HandedEvent {
    repo: RepoName,
    pub(super) tag: TagName,
}

#[derive(Debug, Clone, Deserialize)]
struct HandedFork {
    branch: String,
}

#[derive(Debug, Clone, Deserialize)]
struct HandedUpstream {
    url: String,
}

#[derive(Debug, Clone, Deserialize)]
struct HandedCandidate {
    commit: CommitId,
}

/// Reads the candidate.json of an artifact's folder.
///
/// # Errors
/// Where there is none, or it is none.
pub(super) fn handed(folder: &Path) -> Result<Handed> {
    let file = folder.join("candidate.json");
    let text = read_bounded(&file, LARGEST)?;
    serde_json::from_str(&text).map_err(|err| {
        Failure::new(Kind::Usage, err)
            .context(format!("{} is not a candidate.json", file.display()))
            .hint("name the folder of an artifact, or the release's tag")
    })
}

/// Said where the stack is not the one that the artifact was made of.
const OTHER_PATCHES: &str = "upstream has other refs than then, and other commits count as patches now";

/// Makes the carry of a release again, and stops at its first conflict.
///
/// # Errors
/// Where it is not known which release or patches are meant, or they cannot be carried.
pub(super) fn begin(resume: &Resume<'_, '_>, named: &From) -> Result<(ResumeReport, Kind)> {
    let session = resume.session;
    let (tag, handed) = match named {
        From::Artifact { handed, .. } => (handed.event.tag.clone(), Some((**handed).clone())),
        From::Tag(tag) => (tag.clone(), own_artifact(session, tag)),
    };
    let repo = repository(resume, &tag, handed.as_ref())?;
    let handed = handed.filter(|handed| handed.event.repo == repo);
    let job = job(resume, &repo, &tag, handed.as_ref())?;
    let asked = resume.asked;
    let mut prepared = event::prepare_stack(session, &job)?;
    let mut notes = Vec::new();
    match named {
        From::Artifact { handed, folder } => pinned(handed, folder, &mut prepared)?,
        From::Tag(_) => newest_tip(session, handed.as_ref(), &mut prepared, &mut notes)?,
    }
    let Gathered { inventory, .. } = carrying::gather(session, &prepared)?;
    if handed.as_ref().is_some_and(|handed| counts_others(handed, &prepared, &inventory)) {
        notes.push(OTHER_PATCHES.to_owned());
    }
    if inventory.is_adopted(&prepared.bench)? {
        let sentence = format!("branch {} of {} holds {tag} already", prepared.branch, prepared.fork.name);
        return Ok(said::nothing(&sentence, notes));
    }
    if let Some(sentence) = handed.as_ref().and_then(|handed| delivered(handed, &prepared)) {
        let (report, kind) = said::nothing(&sentence, notes);
        return match asked.push {
            true => super::forward::handed_over(resume, &prepared, report),
            false => Ok((report, kind)),
        };
    }
    let carry = carrying::carry(session, &prepared, &inventory)?;
    if carry.candidate.complete {
        let sentence = format!(
            "all {} patches stand on {tag}, and none needs a person: `patch-moi run` makes the candidate",
            carry.counts.patches
        );
        return Ok(said::nothing(&sentence, notes));
    }
    let mut kept = Kept {
        schema_version: VERSION,
        repo,
        tag,
        branch: job.branch.clone(),
        fork: job.fork.clone(),
        upstream_url: asked.upstream_url.clone(),
        upstream_hint: job.upstream_hint.as_ref().map(|url| url.as_str().to_owned()),
        onto: inventory.onto,
        tip: prepared.tip,
        excluded: carry.excluded.clone(),
        repository: prepared.fork.path(),
        worktree: worktree(resume, &prepared)?,
        answers: Vec::new(),
        asked: None,
        leaving: None,
        begun_at: session.context.stamp(),
    };
    super::forward::stop(resume, &mut kept, &prepared, &carry, notes)
}

/// Whether other commits of the same tip count as patches now than when the artifact was made.
fn counts_others(handed: &Handed, prepared: &Prepared, inventory: &Inventory) -> bool {
    let (bench, onto) = (&prepared.bench, inventory.onto);
    // Whose commits these are is not known from the artifact: what is not here was never counted here.
    let landed = handed.landed.filter(|landed| inventory.landed == Some(*landed));
    let then = stack::take_landed(bench, prepared.tip, onto, &handed.excluded, landed);
    handed.tip == prepared.tip && then.is_ok_and(|then| !then.commits().eq(inventory.commits()))
}

/// The carry that is asked for, and what an artifact adds where nobody says otherwise.
fn job<'a>(
    resume: &Resume<'a, '_>,
    repo: &RepoName,
    tag: &TagName,
    handed: Option<&Handed>,
) -> Result<Job<'a>> {
    let asked = resume.asked;
    let source = resume.session.source_of(repo);
    let mut job = Job::of_tag(repo.clone(), Some(tag.clone()), source);
    job.branch = asked.branch.clone().or_else(|| handed.map(|handed| handed.fork.branch.clone()));
    job.fork.clone_from(&asked.fork);
    job.upstream_url = asked.upstream_url.as_deref().map(str::parse::<RemoteUrl>).transpose()?;
    job.upstream_hint = handed.and_then(|handed| handed.upstream.url.parse().ok());
    Ok(job)
}

/// The artifact that an earlier run here has left of a release.
fn own_artifact(session: &Session<'_>, tag: &TagName) -> Option<Handed> {
    let folder = session.context.workspace.artifacts_dir().join(tag.slug().as_str());
    handed(&folder).ok().filter(|handed| handed.event.tag == *tag)
}

/// Whose release it is: the one that is named, that was carried to before, that a source follows.
fn repository(resume: &Resume<'_, '_>, tag: &TagName, handed: Option<&Handed>) -> Result<RepoName> {
    if let Some(repo) = &resume.asked.repo {
        return Ok(repo.clone());
    }
    let session = resume.session;
    if let Some(source) = &resume.asked.source {
        return Ok(super::super::run::the_one_source(session, Some(source))?.repo.name.clone());
    }
    if let Some(handed) = handed {
        return Ok(handed.event.repo.clone());
    }
    let ledger = session.ledger()?;
    let mut known = ledger.repositories(tag);
    if let (Some(repo), None) = (known.next(), known.next()) {
        return Ok(repo.clone());
    }
    super::super::run::the_one_source(session, None).map(|source| source.repo.name.clone()).map_err(|failure| {
        failure.hint(format!("or name the repository: `patch-moi resume {tag} --repo OWNER/NAME`, and `--branch BRANCH` where no flow says it"))
    })
}

/// Exactly what an artifact was made of.
fn pinned(handed: &Handed, folder: &Path, prepared: &mut Prepared) -> Result<()> {
    let release = &prepared.release;
    if handed.onto != release.commit {
        let text = format!(
            "{} was carried to {}, and tag {} of {} names {} now",
            folder.display(),
            handed.onto,
            release.tag,
            release.repo,
            release.commit
        );
        return Err(Failure::new(Kind::Failed, anyhow::Error::msg(text)).hint(format!(
            "ask upstream whether the tag was meant to move; `patch-moi resume {}` takes it as it is now",
            release.tag
        )));
    }
    prepared.pin(handed.tip)
}

/// Where the patches end: the branch, or where the release was last carried from if this repository's
/// branch is only behind that.
fn newest_tip(
    session: &Session<'_>,
    handed: Option<&Handed>,
    prepared: &mut Prepared,
    notes: &mut Vec<String>,
) -> Result<()> {
    let release = &prepared.release;
    let ledger = session.ledger()?;
    let line = ledger.latest(&release.repo, &release.tag);
    let line = line.filter(|line| matches!(line.state, State::Conflict | State::Failed | State::Candidate));
    let recorded = line.and_then(|line| line.tip).or_else(|| handed.map(|handed| handed.tip));
    let Some(recorded) = recorded.filter(|recorded| *recorded != prepared.tip) else { return Ok(()) };
    let has = prepared.fork.repository.has_commit(recorded);
    if has && prepared.fork.repository.holds(recorded, prepared.tip) {
        notes.push(format!(
            "{} stands at {} here; {} was carried from {}, which is newer, and so are these patches",
            prepared.branch,
            prepared.tip.short(),
            release.tag,
            recorded.short()
        ));
        return prepared.pin(recorded);
    }
    notes.push(format!(
        "{} was carried from {}, and {} stands at {} now: the patches are those of now",
        release.tag,
        recorded.short(),
        prepared.branch,
        prepared.tip.short()
    ));
    Ok(())
}

/// A sentence about a candidate that is there already, of the very same inputs.
fn delivered(handed: &Handed, prepared: &Prepared) -> Option<String> {
    let same = handed.tip == prepared.tip && handed.onto == prepared.release.commit;
    let commit = handed.squashed.as_ref().unwrap_or(&handed.candidate).commit;
    let name = Refs::of(&prepared.release.tag.slug()).ok()?.candidate;
    let stands = prepared.fork.repository.at(&name) == Some(commit);
    (same && stands && handed.status == "candidate")
        .then(|| format!("{} is complete already: {name} is {commit}", prepared.release.tag))
}

/// The folder that is asked for, else one beside the fork's checkout.
fn worktree(resume: &Resume<'_, '_>, prepared: &Prepared) -> Result<PathBuf> {
    let context = resume.session.context;
    let path = match &resume.asked.worktree {
        Some(path) => context.cwd.join(path),
        None => {
            // A copy that is our own lies where nobody looks.
            let own = prepared.fork.path().starts_with(context.workspace.codex());
            let checkout = if own { context.workspace.root().to_owned() } else { prepared.fork.path() };
            let checkout = checkout.canonicalize().unwrap_or(checkout);
            let slug = prepared.release.tag.slug();
            PathBuf::from(beside(&checkout.to_string_lossy(), slug.as_str()).from_here)
        }
    };
    super::forward::must_be_free(&path)?;
    Ok(path)
}
