//! A run that left nothing: what it was asked for has failed.

use super::super::event;
use super::super::preparing;
use super::super::run::the_one_source;
use super::super::selecting;
use super::super::session::{Job, Session};
use super::super::verify::{Denied, gone, refused};
use super::super::watch;
use super::{Publish, recording};
use crate::candidate::Refusal;
use crate::failure::{Failure, Kind, Result};
use crate::feed;
use crate::git::GitError;
use crate::http::Options;
use crate::ids::{CommitId, RepoName};
use crate::pack;
use crate::release::{Choice, Due, Entry, LedgerLine, RemoteTag, Source, State};
use crate::report::{PublishedEvent, RecordReport};

/// What is said of it.
const MESSAGE: &str = "the run left nothing";

/// Records as failed what was asked for: a repository's or a source's release, else what is due by the
/// ledger.
///
/// # Errors
/// No sources, an upstream that cannot be read, product state that cannot be written.
pub(super) fn left(session: &Session<'_>, asked: &Publish) -> Result<(Vec<PublishedEvent>, Kind)> {
    if asked.tag.is_some() || asked.repo.is_some() {
        let repo = match &asked.repo {
            Some(repo) => repo.clone(),
            None => the_one_source(session, None)?.repo.name.clone(),
        };
        let event = match asked_for(session, asked, &repo) {
            Ok(None) => return Ok((Vec::new(), Kind::Done)),
            Ok(Some(line)) => failed(session, line)?,
            Err(Denied::Refused(refusal)) => {
                let mut event = PublishedEvent::new(None);
                (event.repo, event.tag) = (Some(repo), asked.tag.clone());
                event.refusal = Some(refused(&refusal));
                event.published = "refused".to_owned();
                event
            }
            Err(Denied::Failed(failure)) => return Err(failure),
        };
        return Ok((vec![event], Kind::Failed));
    }
    let mut events = Vec::new();
    for source in session.sources()?.iter().filter(|source| source.starts_work()) {
        let (choice, tip) = watch::chosen(session, source, &entries(session, source)?)?;
        settle(session, source, &choice, tip)?;
        for release in &choice.due {
            events.push(failed(session, line(session, &source.repo.name, &release.remote_tag(), tip))?);
        }
    }
    let kind = if events.is_empty() { Kind::Done } else { Kind::Failed };
    Ok((events, kind))
}

/// The line about the release that was asked for: a named one, else the newest where it is due. What kept the run from it may keep this from it too; then
/// the source says where upstream is.
fn asked_for(
    session: &Session<'_>,
    asked: &Publish,
    repo: &RepoName,
) -> std::result::Result<Option<LedgerLine>, Denied> {
    let source = session.source_of(repo);
    let mut job = Job::of_tag(repo.clone(), asked.tag.clone(), source);
    job.branch.clone_from(&asked.how.branch);
    let flows = selecting::flows_for(session, &job).unwrap_or_else(|_| session.flows.clone());
    let (release, tip) = match (event::prepare_stack(session, &job), source, &asked.tag) {
        (Ok(prepared), ..) => (prepared.release.remote_tag(), Some(prepared.tip)),
        (Err(failure), Some(source), Some(tag))
            if failure.cause::<GitError>().is_none_or(|err| !is_no_tag(err)) =>
        {
            let listing = session.listing(&source.repo.web_url.as_str().parse()?, None)?;
            let Some((object, commit)) = listing.tags.get(tag).copied() else {
                return Err(Refusal::Gone { repo: repo.clone(), tag: tag.clone() }.into());
            };
            (RemoteTag { name: tag.clone(), object, commit }, preparing::tip_for(session, source, tag))
        }
        (Err(failure), _, Some(tag)) => return Err(gone(failure, repo, tag)),
        (Err(failure), ..) => return Err(failure.into()),
    };
    let digest = pack::flows_digest(&flows);
    if asked.tag.is_none() && !matches!(session.ledger()?.due(repo, &release, tip, &digest), Due::Now(_)) {
        return Ok(None);
    }
    let line = line(session, repo, &release, tip);
    Ok(Some(LedgerLine { flows: Some(digest), ..line }))
}

const fn is_no_tag(err: &GitError) -> bool {
    matches!(err, GitError::NoTag { .. })
}

fn failed(session: &Session<'_>, line: LedgerLine) -> Result<PublishedEvent> {
    let mut event = PublishedEvent::new(None);
    event.id = Some(line.event_id.clone());
    event.repo = Some(line.repo.clone());
    event.tag = Some(line.tag.clone());
    event.record = Some(RecordReport { state: State::Failed.name().to_owned(), message: MESSAGE.to_owned() });
    event.ledger = Some(State::Failed.name().to_owned());
    recording::enter(session, line)?;
    Ok(event)
}

/// Writes the lines that a look at the sources leaves beside the work: superseded and skipped releases.
///
/// # Errors
/// An upstream that cannot be read, or a feed whose dates a rule needs; product state that cannot be
/// written.
pub(super) fn settle_others(session: &Session<'_>) -> Result<()> {
    let Ok(sources) = session.sources() else { return Ok(()) };
    for source in sources.iter().filter(|source| source.starts_work()) {
        let (choice, tip) = watch::chosen(session, source, &entries(session, source)?)?;
        settle(session, source, &choice, tip)?;
    }
    Ok(())
}

/// What the feed says, where a rule goes by its dates.
fn entries(session: &Session<'_>, source: &Source) -> Result<Vec<Entry>> {
    if source.rules.minimum_age.is_none() {
        return Ok(Vec::new());
    }
    feed::poll(&session.context.http(Options::default())?, source)
        .map_err(|err| Failure::new(Kind::Failed, err))
}

fn settle(session: &Session<'_>, source: &Source, choice: &Choice, tip: Option<CommitId>) -> Result<()> {
    let lines = watch::settled(session, source, &session.flows_digest, choice, tip);
    lines.into_iter().try_for_each(|line| recording::enter(session, line))
}

/// The line that says that carrying to the tag has failed.
fn line(session: &Session<'_>, repo: &RepoName, tag: &RemoteTag, tip: Option<CommitId>) -> LedgerLine {
    LedgerLine {
        tip,
        flows: Some(session.flows_digest.clone()),
        ..LedgerLine::of(repo, tag, State::Failed, session.context.stamp())
    }
}
