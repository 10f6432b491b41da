//! A run that left nothing: what it was asked for has failed.

use super::super::run::the_one_source;
use super::super::session::Session;
use super::super::stack_step;
use super::super::watch;
use super::recording;
use crate::failure::{Failure, Kind, Result};
use crate::feed;
use crate::ids::{EventId, TagName};
use crate::release::{Choice, Entry, LedgerLine, RemoteTag, Source, State};
use crate::report::{PublishedEvent, RecordReport};

/// What is said of it.
const MESSAGE: &str = "the run left nothing";

/// Records as failed what was asked for: `tag`, else what is due by the ledger.
///
/// # Errors
/// No sources, an upstream that cannot be read, product state that cannot be written.
pub(super) fn left(session: &Session<'_>, tag: Option<&TagName>) -> Result<(Vec<PublishedEvent>, Kind)> {
    let mut events = Vec::new();
    if let Some(tag) = tag {
        let source = the_one_source(session, None)?;
        let listing = session.listing(&source.repo.web_url.as_str().parse()?, None)?;
        let Some((object, commit)) = listing.tags.get(tag).copied() else {
            return Err(crate::git::GitError::NoTag {
                upstream: source.repo.name.to_string(),
                tag: tag.clone(),
                known: super::super::newest::names(&listing, 5),
            }
            .into());
        };
        let tip = stack_step::tip_for(session, source, tag);
        let line =
            line(session, source, &RemoteTag { name: tag.clone(), object, commit }, tip, State::Failed);
        events.push(failed(session, line)?);
        return Ok((events, Kind::Failed));
    }
    for source in session.sources()?.iter().filter(|source| source.starts_work()) {
        let (choice, tip) = watch::chosen(session, source, &entries(session, source)?)?;
        settle(session, source, &choice, tip)?;
        for release in &choice.due {
            let tag = RemoteTag { name: release.tag.clone(), object: release.object, commit: release.commit };
            events.push(failed(session, line(session, source, &tag, tip, State::Failed))?);
        }
    }
    let kind = if events.is_empty() { Kind::Done } else { Kind::Failed };
    Ok((events, kind))
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
    feed::poll(&watch::client(session)?, source).map_err(|err| Failure::new(Kind::Failed, err))
}

fn settle(
    session: &Session<'_>,
    source: &Source,
    choice: &Choice,
    tip: Option<crate::ids::CommitId>,
) -> Result<()> {
    for tag in &choice.superseded {
        recording::enter(session, line(session, source, tag, tip, State::Superseded))?;
    }
    for (tag, rule) in &choice.skipped {
        let line = line(session, source, tag, tip, State::Skipped);
        recording::enter(session, LedgerLine { rule: Some(rule.clone()), ..line })?;
    }
    Ok(())
}

fn line(
    session: &Session<'_>,
    source: &Source,
    tag: &RemoteTag,
    tip: Option<crate::ids::CommitId>,
    state: State,
) -> LedgerLine {
    LedgerLine {
        event_id: EventId::of_release(&source.repo.name, &tag.name),
        repo: source.repo.name.clone(),
        tag: tag.name.clone(),
        tag_object: tag.object,
        commit: tag.commit,
        tip,
        flows: Some(session.flows_digest.clone()),
        state,
        rule: None,
        at: session.context.stamp(),
    }
}
