//! `patch-moi run`: what was asked for, through all stages.

use super::asked::{Asked, Effect, What};
use super::context::Context;
use super::session::{Job, Repeat, Session};
use super::words::problem;
use super::{again, event, remembering, upstream, watch};
use crate::candidate::Tool;
use crate::event::{Event, MAX_EVENT_BYTES};
use crate::failure::{Failure, Kind, Result};
use crate::git::RemoteUrl;
use crate::release::Source;
use crate::report::{Memory, RunReport};
use crate::workspace::read_bounded;

/// Runs what was asked for, and says everything about it.
///
/// # Errors
/// A person's request that cannot be begun or carried through. On a schedule what goes wrong with
/// one source or event stands in the report instead, and stops no other.
pub(crate) fn run(context: &Context<'_>, asked: &Asked) -> Result<(RunReport, Kind)> {
    let session = Session::open(context, asked)?;
    let mut notes = session.notes.clone();
    let memory = match remembering::restore(&session, &asked.state) {
        Ok(memory) => memory,
        // Nobody watches: it would do again what was done, with every tick.
        Err(failure) if names_no_tag(&asked.what, &session) => return Err(failure),
        Err(failure) => {
            let why = problem(&failure).message;
            context.ui.warn(&why);
            notes.push(format!("went on without knowing what earlier runs did: {why}"));
            Memory::Ref { name: remembering::STATE.parse()?, commit: None }
        }
    };
    if let Memory::None { why } = &memory {
        notes.push(format!("what this run did will not be remembered: {why}"));
    }
    let mut report = RunReport { notes, memory: Some(memory), ..blank_report(&session, &asked.command) };
    let kind = match &asked.what {
        What::Schedule { tag: None, source } => watch::everything(&session, source.as_deref(), &mut report)?,
        What::Schedule { tag: Some(tag), source } => {
            let source = the_one_source(&session, source.as_deref())?;
            let job = Job::of_tag(source.repo.name.clone(), Some(tag.clone()), Some(source));
            event::dispatch(&session, job, &mut report)?
        }
        What::Release { repo, tag, branch, fork, upstream_url } => {
            let mut job = Job::of_tag(repo.clone(), tag.clone(), session.source_of(repo));
            job.branch.clone_from(branch);
            job.fork.clone_from(fork);
            job.upstream_url = upstream_url.as_deref().map(str::parse::<RemoteUrl>).transpose()?;
            match names_no_tag(&asked.what, &session) {
                true => watch::named(&session, job, &mut report)?,
                false => event::dispatch(&session, upstream::with_newest(&session, job)?, &mut report)?,
            }
        }
        What::Event { file } => {
            let mut job = read_event(&session, file)?;
            job.source = session.source_of(&job.repo);
            event::dispatch(&session, job, &mut report)?
        }
        What::Again { event: id, branch, fork, upstream_url, .. } => {
            let mut job = again::job(&session, id)?;
            job.branch.clone_from(branch);
            job.fork.clone_from(fork);
            job.upstream_url = upstream_url.as_deref().map(str::parse::<RemoteUrl>).transpose()?;
            event::dispatch(&session, job, &mut report)?
        }
    };
    let computed = matches!(kind, Kind::NeedsPerson | Kind::Blocked);
    let kind = if asked.effect == Effect::Plan && computed { Kind::Done } else { kind };
    report.exit_code = kind.code();
    Ok((report, kind))
}

/// Whether what is due is to be found out: a workflow that names repository and branch and no tag asks each
/// day anew, and a person who does so wants to see the newest release carried.
fn names_no_tag(what: &What, session: &Session<'_>) -> bool {
    match what {
        What::Schedule { tag, .. } => tag.is_none(),
        What::Release { tag, .. } => tag.is_none() && session.is_on_runner(),
        What::Event { .. } | What::Again { .. } => false,
    }
}

/// A report in which nothing has happened yet.
pub(super) fn blank_report(session: &Session<'_>, command: &str) -> RunReport {
    let context = session.context;
    RunReport {
        schema_version: 1,
        tool: Tool::this(),
        command: command.to_owned(),
        trigger: context.variable("GITHUB_EVENT_NAME").unwrap_or_else(|| "person".to_owned()),
        workspace: context.workspace.root().display().to_string(),
        dry_run: session.effect == Effect::Plan,
        sources: Vec::new(),
        events: Vec::new(),
        notes: session.notes.clone(),
        memory: None,
        error: None,
        exit_code: 0,
    }
}

fn read_event<'a>(session: &Session<'_>, file: &std::path::Path) -> Result<Job<'a>> {
    let file = session.context.cwd.join(file);
    let text = read_bounded(&file, MAX_EVENT_BYTES as u64)?;
    let job = again::job_of(session, Event::parse(&text, &file)?, &file.display().to_string())?;
    Ok(Job { repeat: Repeat::RestOrEverything, ..job })
}

/// The source that a tag without a repository is about.
pub(super) fn the_one_source<'a>(session: &'a Session<'_>, id: Option<&str>) -> Result<&'a Source> {
    let sources = session.sources()?;
    if let Some(id) = id {
        return sources.get(id).ok_or_else(|| session.unknown_source(id));
    }
    let working: Vec<&Source> = sources.iter().filter(|source| source.starts_work()).collect();
    match working[..] {
        [only] => Ok(only),
        [] => {
            Err(Failure::usage("no source of feed-sources.json starts work, so a tag alone names no release")
                .hint("name the repository: `patch-moi run release --repo OWNER/NAME --tag TAG`"))
        }
        _ => Err(Failure::usage("several sources start work, so a tag alone names no release")
            .hint("name one with `--source ID`, or use `patch-moi run release --repo OWNER/NAME --tag TAG`")),
    }
}
