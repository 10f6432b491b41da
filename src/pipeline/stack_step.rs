//! A `patch-stack` step: gather, carry, decide, act.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::json;

use super::artifact::{self, Evidence};
use super::carrying::{self, Gathered};
use super::checking;
use super::fork::{self, Fork};
use super::session::{Job, Session};
use crate::candidate::{
    self, CheckOutcome, Document, EventRef, FlowRef, ForkRef, Input, NamedRef, Outcome, Plan, PlannedCheck,
    RunRef, SCHEMA_VERSION, Squashed, Step, Tool, UpstreamRef,
};
use crate::event::{Event, UPSTREAM_RELEASE};
use crate::failure::{Failure, Kind, Result};
use crate::flow::{self, PatchStackConfig, Selected};
use crate::git::{GitError, RefMove, RemoteUrl, UpstreamRefs, Workbench};
use crate::ids::{CommitId, ObjectId, RefName, RepoName, TagName};
use crate::record::{RunId, Status, StepResult};
use crate::release::{Release, Source, State};
use crate::stack::{Answers, Carry, Committer, InvalidCommitter, Inventory, Objects, StackError};

/// What a step needs before anything is begun: everything that can be wrong is found out here.
pub(super) struct Prepared {
    pub(super) config: PatchStackConfig,
    pub(super) fork: Fork,
    pub(super) branch: String,
    pub(super) tip: CommitId,
    pub(super) release: Release,
    pub(super) bench: Workbench,
    pub(super) url: RemoteUrl,
    pub(super) committer: Committer,
    /// What a person settled, where the carry is made for one who was asked.
    pub(super) answers: Answers,
}

impl Prepared {
    /// Lets the patches end with `tip` instead of the branch's commit.
    ///
    /// # Errors
    /// Where the fork does not have it.
    pub(super) fn pin(&mut self, tip: CommitId) -> Result<()> {
        if !self.bench.repository().has_commit(tip) {
            let text = format!("{} does not have {tip}, with which the patches end", self.fork.name);
            let path = self.fork.path().display().to_string();
            return Err(Failure::usage(text).hint(format!(
                "fetch it (`git -C {path} fetch --all`), or name the fork's repository with `--fork DIR`"
            )));
        }
        self.tip = tip;
        Ok(())
    }
}

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

/// Where the maintained branch of the fork stands that a release of `source` would be carried for;
/// nothing where that cannot be said before the event is.
pub(super) fn tip_for(session: &Session<'_>, source: &Source, tag: &TagName) -> Option<CommitId> {
    let kind = source.flow_target().map_or(UPSTREAM_RELEASE, |target| &target.event_type);
    let payload = json!({ "repo": source.repo.name, "tag": tag });
    let selection = session.select(kind, &payload, &session.flows);
    let selected =
        selection.selected.iter().find(|selected| selected.step.runner == flow::Runner::PatchStack)?;
    let config = config(session, selected).ok()?;
    fork::stands(session, config.repo.as_deref(), config.target_branch.as_ref()).ok()
}

/// Where upstream of a job is, and where the maintained branch stands, as far as that can be said before
/// anything is fetched.
///
/// # Errors
/// Wrong configuration, no repository.
pub(super) fn look(
    session: &Session<'_>,
    job: &Job<'_>,
    selected: &Selected<'_>,
) -> Result<(RemoteUrl, Option<CommitId>)> {
    let config = config(session, selected)?;
    let (named, branch) = named(session, job)?;
    let named = named.as_deref().or(config.repo.as_deref());
    let url = upstream_url(session, job, &config, &Fork::find(session, named)?)?;
    let tip = fork::stands(session, named, branch.as_ref().or(config.target_branch.as_ref()));
    Ok((url, tip.ok()))
}

/// The fork and the branch that the command line names.
fn named(session: &Session<'_>, job: &Job<'_>) -> Result<(Option<String>, Option<RefName>)> {
    let fork = job.fork.as_ref().map(|path| session.context.cwd.join(path).display().to_string());
    let branch = job.branch.as_deref().map(|branch| RefName::join("refs/heads", branch)).transpose()?;
    Ok((fork, branch))
}

fn config(session: &Session<'_>, selected: &Selected<'_>) -> Result<PatchStackConfig> {
    let file = selected.flow.manifest_file();
    Ok(PatchStackConfig::from_config(&selected.manifest.config, &file, &|name| {
        session.context.variable(name)
    })?)
}

/// Finds everything that the step needs, and whatever is wrong with it. Nothing is written but the
/// fork's own branch, where only its remote has it.
///
/// # Errors
/// Wrong configuration, no repository, no branch, no such tag, a rebase in progress, no network.
pub(super) fn prepare(session: &Session<'_>, job: &Job<'_>, selected: &Selected<'_>) -> Result<Prepared> {
    let config = config(session, selected)?;
    let (named, named_branch) = named(session, job)?;
    let fork = Fork::find(session, named.as_deref().or(config.repo.as_deref()))?;
    let branch = fork.branch(session, named_branch.as_ref().or(config.target_branch.as_ref()))?;
    fork.repository.must_be_idle(&branch)?;
    let (bench, tip) = fork.ready(session, &branch)?;
    for warning in &config.warnings {
        session.context.ui.warn(&format!("{}: {warning}", selected.flow.place()));
    }
    let url = upstream_url(session, job, &config, &fork)?;
    let release = release(session, job, &url, &fork)?;
    let committer = committer(&config, selected)?;
    let mut prepared =
        Prepared { config, fork, branch, tip, release, bench, url, committer, answers: job.answers.clone() };
    if let Some(tip) = job.tip {
        prepared.pin(tip)?;
    }
    Ok(prepared)
}

fn committer(config: &PatchStackConfig, selected: &Selected<'_>) -> Result<Committer> {
    let Some(text) = &config.committer else { return Ok(Committer::default()) };
    let place = || format!("config.committer in {} cannot be used", selected.flow.manifest_file().display());
    text.parse().map_err(|err: InvalidCommitter| Failure::from(err).context(place()))
}

/// The command line, the flow, a remote of the fork, the source, GitHub: the first that says it.
fn upstream_url(
    session: &Session<'_>,
    job: &Job<'_>,
    config: &PatchStackConfig,
    fork: &Fork,
) -> Result<RemoteUrl> {
    if let Some(url) = &job.upstream_url {
        return Ok(url.clone());
    }
    let root = session.context.workspace.root();
    let flow = config.upstream_url.as_deref().map(|url| fork::located(root, url));
    let remote = || fork.remote(&config.upstream_remote);
    let source = || job.source.map(|source| source.repo.web_url.to_string());
    let hint = || job.upstream_hint.as_ref().map(|url| url.as_str().to_owned());
    let forge = || format!("https://github.com/{}.git", job.repo);
    Ok(flow.or_else(remote).or_else(source).or_else(hint).unwrap_or_else(forge).parse()?)
}

/// The release as upstream has it now.
fn release(session: &Session<'_>, job: &Job<'_>, url: &RemoteUrl, fork: &Fork) -> Result<Release> {
    let listing = session.listing(url, Some(&fork.repository))?;
    let tag = match &job.tag {
        Some(tag) => tag.clone(),
        None => super::newest::newest(&listing, job.source).ok_or_else(|| no_release(&job.repo))?,
    };
    let Some((object, commit)) = listing.tags.get(&tag).copied() else {
        let known = super::newest::names(&listing, 5);
        return Err(GitError::NoTag { upstream: job.repo.to_string(), tag, known }.into());
    };
    let known = job.release.clone().filter(|release| release.tag == tag);
    let source_id = known.as_ref().and_then(|release| release.source_id.clone());
    let entry = known.and_then(|release| release.entry);
    Ok(Release { repo: job.repo.clone(), tag, object, commit, source_id, entry })
}

/// No tag of the repository looks like a release.
pub(super) fn no_release(repo: &RepoName) -> Failure {
    Failure::usage(format!("no tag of {repo} fits the pattern of a release"))
        .hint("name one with `--tag TAG`, or set `tagPattern` in feed-sources.json")
}

/// What stands around a carry in its document.
pub(super) struct Frame<'a> {
    pub(super) event: &'a Event,
    pub(super) selected: &'a Selected<'a>,
    pub(super) prepared: &'a Prepared,
    pub(super) started_at: String,
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
    let frame = Frame { event, selected, prepared, started_at: session.context.stamp() };
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
fn finish(
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
    let run = RunId::of(&frame.event.id, &frame.selected.manifest.name, &frame.selected.step.name);
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
            id: run.as_str().to_owned(),
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
