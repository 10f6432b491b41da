//! `patch-moi publish`: what a run left, proved and brought to the fork.
//!
//! Two pushes: the candidate with its companions, all or none; then, whatever came of that, what is
//! remembered. See docs/guides/publish.md.

mod beforehand;
mod keeping;
mod nothing;
pub(crate) mod outputs;
mod pushing;
pub(super) mod recording;
pub(super) mod remote;
mod requesting;

use std::path::{Path, PathBuf};

use super::asked::{Asked, Effect};
use super::context::Context;
use super::remembering::{self, Wanted};
use super::session::Session;
use super::verify::{Denied, Folder, How, Proof, adopted, artifacts, prove, refused};
use super::words::problem;
use crate::actions::Actions;
use crate::candidate::publication::{self, Part, Policy, Proven, Publication, Published, Remote};
use crate::candidate::{Outcome, Refusal, Tool};
use crate::failure::{Failure, Kind, Result};
use crate::flow::Push as PushPolicy;
use crate::git::Git;
use crate::ids::{RepoName, TagName};
use crate::release::State;
use crate::report::{PublishReport, PublishedEvent, PublishedRef, RecordReport};
use pushing::Why;
use remote::{Server, Target};

/// What a token needs for everything.
const TOKEN: &str = "a token with Contents, Pull requests and Workflows (read and write) would be let through: \
                     hand it over as PATCH_MOI_TOKEN";

/// What `publish` was asked.
#[derive(Debug, Clone)]
pub(crate) struct Publish {
    /// The folder with one artifact or several; none where the run left nothing.
    pub(crate) dir: Option<PathBuf>,
    /// Whether the run came to its end: then no artifact means that there was nothing to carry, and not
    /// that it failed.
    pub(crate) ran: bool,
    /// The release that was asked for.
    pub(crate) tag: Option<TagName>,
    /// The upstream repository that was asked for, where no source says it.
    pub(crate) repo: Option<RepoName>,
    /// How artifacts are proved.
    pub(crate) how: How,
    /// What may be published.
    pub(crate) policy: Policy,
    /// Where the state is kept.
    pub(crate) state: Wanted,
    /// Whether it is done.
    pub(crate) effect: Effect,
    /// The command as it was typed, for the report.
    pub(crate) command: String,
}

/// Publishes what a run left.
///
/// # Errors
/// Where the workspace or what is remembered cannot be read. What is wrong with one artifact stands in the
/// report, and stops no other.
pub(crate) fn publish(context: &Context<'_>, asked: &Publish) -> Result<(PublishReport, Kind)> {
    let server = Server::of(context)?;
    let effect = Asked { effect: asked.effect, ..Asked::look(&asked.command) };
    let mut session = Session::open(context, &effect)?;
    session.git = session.git.with_credential(server.credential().as_ref());
    let memory = remembering::restore(&session, &asked.state)?;
    let mut report = PublishReport {
        schema_version: 1,
        tool: Tool::this(),
        command: asked.command.clone(),
        dry_run: asked.effect == Effect::Plan,
        events: Vec::new(),
        state: crate::report::KeptReport { outcome: "none".to_owned(), commit: None, why: None },
        notes: session.notes.clone(),
        exit_code: 0,
    };
    let (events, mut kind) = events(&session, &server, asked, &mut report.notes)?;
    report.events = events;
    if session.applies() {
        let (kept, ended) = keeping::keep(&session, &asked.state, &memory);
        (report.state, kind) = (kept, kind.worse(ended));
    } else {
        report.state.why = Some("this is a dry run".to_owned());
    }
    if !session.applies() && matches!(kind, Kind::NeedsPerson | Kind::Blocked) {
        kind = Kind::Done;
    }
    report.exit_code = kind.code();
    Ok((report, kind))
}

fn events(
    session: &Session<'_>,
    server: &Server,
    asked: &Publish,
    notes: &mut Vec<String>,
) -> Result<(Vec<PublishedEvent>, Kind)> {
    let folders = match &asked.dir {
        Some(dir) if dir.exists() => artifacts(dir),
        // On a runner it is the folder of a download that brought nothing.
        Some(dir) if Actions::detect(session.context.variables).is_none() => {
            return Err(Failure::usage(format!("there is no folder {}", dir.display())).hint(
                "name the artifact's folder; without one, what is due is recorded as failed, because the run left nothing",
            ));
        }
        _ => Ok(Vec::new()),
    };
    let folders = match folders {
        Ok(folders) => folders,
        Err(refusal) => {
            let mut event = PublishedEvent::new(asked.dir.as_ref().map(|dir| dir.display().to_string()));
            event.refusal = Some(refused(&refusal));
            event.published = "refused".to_owned();
            return Ok((vec![event], Kind::Failed));
        }
    };
    if folders.is_empty() && asked.ran {
        nothing::settle_others(session)?;
        return Ok((Vec::new(), Kind::Done));
    }
    if folders.is_empty() {
        return nothing::left(session, asked);
    }
    // Before the releases of this run are recorded, as the run itself has looked.
    if asked.tag.is_none()
        && let Err(failure) = nothing::settle_others(session)
    {
        notes.push(problem(&failure).message);
    }
    let (mut events, mut kind) = (Vec::new(), Kind::Done);
    for folder in folders {
        let mut event = PublishedEvent::new(Some(folder.display().to_string()));
        let one = Publishing { session, server, asked };
        kind = kind.worse(match one.folder(&folder, &mut event) {
            Ok(kind) => kind,
            Err(Denied::Refused(refusal)) => {
                event.refusal = Some(refused(&refusal));
                event.published = "refused".to_owned();
                if refusal.is_blocked() { Kind::Blocked } else { Kind::Failed }
            }
            Err(Denied::Failed(failure)) => {
                event.error = Some(problem(&failure));
                failure.kind
            }
        });
        events.push(event);
    }
    Ok((events, kind))
}

/// One artifact on its way.
struct Publishing<'a> {
    session: &'a Session<'a>,
    server: &'a Server,
    asked: &'a Publish,
}

impl Publishing<'_> {
    fn folder(&self, path: &Path, event: &mut PublishedEvent) -> std::result::Result<Kind, Denied> {
        let folder = Folder::open(path)?;
        let said = recording::record(&folder)?;
        let claim = folder.claim()?;
        let about = claim.as_ref().map(|claim| (&claim.event, &claim.repo, &claim.tag));
        if let Some((id, repo, tag)) = about {
            (event.id, event.repo, event.tag) = (Some(id.clone()), Some(repo.clone()), Some(tag.clone()));
        } else if let Some(said) = &said {
            (event.id, event.repo, event.tag) =
                (said.event_id(), Some(said.repo.clone()), Some(said.tag.clone()));
        }
        if let (Some(found), Some(asked)) = (&event.tag, &self.asked.tag)
            && found != asked
        {
            return Err(Refusal::OtherTag { found: found.clone(), asked: asked.clone() }.into());
        }
        let Some(claim) = claim else {
            let Some(said) = said else { return Ok(Kind::Done) };
            let kind = self.record(&said, event)?;
            recording::followed(self.session, &said)?;
            return Ok(kind);
        };
        let proof = prove(self.session, &claim, &folder, &self.asked.how)?;
        event.proved = Some(proof.said());
        let published = self.proven(&proof, event);
        // What was found out is remembered, whatever came of the push.
        let state = recording::proven(self.session, &proof, said.as_ref())?;
        event.ledger = Some(state.name().to_owned());
        if let Some(said) = &said {
            recording::followed(self.session, said)?;
        }
        published
    }

    /// A run that failed or waits, and left no candidate.
    fn record(
        &self,
        said: &crate::record::EventRecord,
        event: &mut PublishedEvent,
    ) -> std::result::Result<Kind, Denied> {
        if said.state == State::Adopted {
            let held = adopted(self.session, said, &self.asked.how)?;
            recording::adopted(self.session, &held, said)?;
            event.record =
                Some(RecordReport { state: State::Adopted.name().to_owned(), message: held.message });
            event.ledger = Some(State::Adopted.name().to_owned());
            return Ok(Kind::Done);
        }
        let state = recording::unproven(self.session, said)?;
        event.record = Some(RecordReport { state: state.name().to_owned(), message: said.message.clone() });
        event.ledger = Some(state.name().to_owned());
        Ok(match state {
            State::Blocked => Kind::Blocked,
            State::Conflict => Kind::NeedsPerson,
            State::Seen | State::Candidate => Kind::Done,
            _ => Kind::Failed,
        })
    }

    /// Plans and pushes a proven candidate, and tells people.
    fn proven(&self, proof: &Proof, event: &mut PublishedEvent) -> std::result::Result<Kind, Denied> {
        let target = Target::of(&proof.prepared)?;
        let lines = recording::before(self.session, &proof.document.event.repo)?;
        let before = recording::of_tag(&lines, &proof.document.event.tag);
        let git = &self.session.git;
        let github = beforehand::GitHub::ask(self.session, self.server, target.as_ref())?;
        let github = github.as_ref();
        let mut reasons = Vec::new();
        let mut blocked = false;
        // Somebody may move a ref between the listing and the push: then once more.
        let plan = match self.pushed(git, proof, target.as_ref(), github, &before, event)? {
            (_, Some(Why::Moved)) => self.pushed(git, proof, target.as_ref(), github, &before, event)?,
            done => done,
        };
        let (plan, refused) = plan;
        if let Some(why) = &refused {
            blocked = true;
            reasons.push(said(why));
        }
        self.remember(proof, event)?;
        let branch = event.pushed.iter().find(|pushed| pushed.outcome != "refused" && is_candidate(pushed));
        let branch = branch.map(|pushed| pushed.name.branch().to_owned());
        event.published = match (&branch, proof.document.status) {
            _ if refused.is_some() => "refused",
            (Some(_), _) => "candidate",
            (None, Outcome::Incomplete) if !event.pushed.is_empty() => "incomplete",
            _ => "nothing",
        }
        .to_owned();
        if self.session.applies() {
            let telling = requesting::Telling {
                session: self.session,
                server: self.server,
                github,
                is_there: target.as_ref().is_some_and(|target| self.server.repository(&target.url).is_some()),
                proof,
                plan: &plan,
                policy: self.asked.policy,
                branch,
                reasons,
                workflow_files: event.workflow_files.clone(),
                before: &lines,
                again: false,
            };
            let (request, again) = telling.tell();
            event.request = Some(request);
            blocked |= again;
            self.remember_request(proof, event)?;
        }
        event.plan = Some(plan);
        Ok(match proof.document.status {
            Outcome::Incomplete => Kind::NeedsPerson,
            Outcome::Failed => Kind::Failed,
            _ if blocked => Kind::Blocked,
            Outcome::Candidate | Outcome::Adopted => Kind::Done,
        })
    }

    fn pushed(
        &self,
        git: &Git,
        proof: &Proof,
        target: Option<&Target>,
        github: Option<&beforehand::GitHub>,
        before: &[Published],
        event: &mut PublishedEvent,
    ) -> Result<(Publication, Option<Why>)> {
        let document = &proof.document;
        let slug = document.event.tag.slug();
        let proven = Proven {
            slug: &slug,
            status: document.status,
            onto: document.carry.onto,
            excluded: &document.carry.excluded,
            candidate: document.carry.candidate.commit,
            squashed: document.squashed.map(|squashed| squashed.commit),
            partial: document.carry.partial,
            stale: proof.is_stale(),
            flow_forbids: proof.prepared.config.push == PushPolicy::Never,
        };
        let Some(target) = target else {
            let nowhere = Remote { target: "", refs: &Default::default(), before };
            let mut plan =
                publication::publication(&proven, &nowhere, Policy { push: false, ..self.asked.policy })?;
            plan.withheld = Some("the fork's checkout has no remote `origin`".to_owned());
            return Ok((plan, None));
        };
        let listing = target.listing(git, &proof.prepared)?;
        let refs = remote::own_refs(&listing);
        let shown = target.url.to_string();
        let known = Remote { target: &shown, refs: &refs, before };
        let mut plan = publication::publication(&proven, &known, self.asked.policy)?;
        event.pushed.clear();
        let moves = plan.refs.iter().any(|plan| plan.is_move() && plan.part == Part::Candidate);
        if moves {
            event.workflow_files = remote::workflow_files(&proof.prepared, document.delivered(), &listing)?;
            if let Some(repo) =
                self.server.repository(&target.url).filter(|_| !event.workflow_files.is_empty())
            {
                plan.notes.push(beforehand::about_workflows(self.server, &repo, &event.workflow_files));
            }
        }
        plan.notes.extend(github.map(|github| github.notes(self.server, &plan)).unwrap_or_default());
        if !self.session.applies() {
            return Ok((plan, None));
        }
        let push = pushing::push(git, &proof.prepared, target, &plan)?;
        event.pushed = push.refs;
        Ok((plan, push.refused))
    }

    /// What stands in the remote now.
    fn remember(&self, proof: &Proof, event: &PublishedEvent) -> Result<()> {
        for pushed in event.pushed.iter().filter(|pushed| pushed.outcome != "refused") {
            let line = Published { name: Some(pushed.name.clone()), commit: pushed.to, ..self.line(proof) };
            recording::published(self.session, line)?;
        }
        Ok(())
    }

    fn remember_request(&self, proof: &Proof, event: &PublishedEvent) -> Result<()> {
        let Some(request) = event.request.as_ref().filter(|request| request.number.is_some()) else {
            return Ok(());
        };
        let is_pull_request = request.kind == "pull-request";
        let line = Published {
            pull_request: request.number.filter(|_| is_pull_request),
            issue: request.number.filter(|_| !is_pull_request),
            url: request.url.clone(),
            ..self.line(proof)
        };
        recording::published(self.session, line)
    }

    fn line(&self, proof: &Proof) -> Published {
        let about = &proof.document.event;
        Published {
            event_id: about.id.clone(),
            repo: about.repo.clone(),
            tag: about.tag.clone(),
            name: None,
            commit: None,
            pull_request: None,
            issue: None,
            url: None,
            at: self.session.context.stamp(),
        }
    }
}

fn is_candidate(pushed: &PublishedRef) -> bool {
    pushed.to.is_some() && matches!(publication::of_ref(&pushed.name), Some((_, Part::Candidate)))
}

fn said(why: &Why) -> String {
    match why {
        Why::Moved => "Somebody else moves the same refs: nothing was pushed. Run this again.".to_owned(),
        Why::Workflows(said) => format!(
            "The remote refused the candidate because of its workflow files ({said}). The artifact is the delivery; {TOKEN}."
        ),
        Why::Remote(said) => {
            format!("The remote refused the candidate ({said}). The artifact is the delivery; {TOKEN}.")
        }
    }
}
