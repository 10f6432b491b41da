//! Looking at every source: what is new, what is due, what has moved.

use super::newest::newest;
use super::session::{Job, Repeat, Session};
use super::upstream::Upstream;
use super::words::{problem, standing};
use super::{event, gated, preparing, selecting, upstream};
use crate::failure::{Failure, Kind, Result};
use crate::feed;
use crate::git::{Listing, RemoteUrl};
use crate::http::{Client, Options};
use crate::ids::{CommitId, Digest, ObjectId, RepoName, TagName};
use crate::pack;
use crate::release::{
    Choice, Cursor, Due, Entry, FeedJob, LedgerLine, Moved, Newest, Release, RemoteTag, Signal, Source,
    State, choose, unseen,
};
use crate::report::{Problem, ReleaseReport, RunReport, SourceReport, Standing};

/// Looks at every source, or at one, and carries through what is due. What goes wrong with one
/// stops no other.
///
/// # Errors
/// No sources file, an unknown source, or product state that cannot be read or written.
pub(super) fn everything(session: &Session<'_>, only: Option<&str>, report: &mut RunReport) -> Result<Kind> {
    let sources = session.sources()?;
    if let Some(id) = only.filter(|id| sources.get(id).is_none()) {
        return Err(session.unknown_source(id));
    }
    let client = session.context.http(Options::default())?;
    let mut kind = Kind::Done;
    for source in sources.iter().filter(|source| only.is_none_or(|id| id == source.id)) {
        let mut about = blank(source);
        let looked = look(session, &client, source, &mut about);
        let due = match looked {
            Ok((due, found)) => {
                kind = kind.worse(found);
                due
            }
            Err(failure) => {
                about.error = Some(problem(&failure));
                kind = kind.worse(Kind::Failed);
                Vec::new()
            }
        };
        report.sources.push(about);
        for job in due {
            kind = kind.worse(event::scheduled(session, job, report)?);
        }
    }
    Ok(kind)
}

/// Looks at the upstream repository of a job that names no tag, and carries through what is due: what is
/// settled is left alone, as with a source of feed-sources.json. There is no feed.
///
/// # Errors
/// No flow or several, wrong configuration, an upstream that cannot be read, product state that cannot be
/// read or written.
pub(super) fn named(session: &Session<'_>, job: Job<'_>, report: &mut RunReport) -> Result<Kind> {
    let flows = selecting::flows_for(session, &job)?;
    let Some(Upstream { listing, tip }) = upstream::ask(session, &job, &flows)? else {
        return event::dispatch(session, job, report);
    };
    let page = format!("https://github.com/{}", job.repo);
    let page =
        page.parse().map_err(|err| Failure::new(Kind::Usage, anyhow::Error::new::<url::ParseError>(err)))?;
    let source = job.source.cloned().unwrap_or_else(|| Source::of_repository(job.repo.clone(), page));
    let (ledger, now) = (session.ledger()?, (session.context.now)());
    let digest = pack::flows_digest(&flows);
    let choice = choose(&source, &remote_tags(&listing), &[], &ledger, tip, &digest, now);
    if choice.newest.is_none() {
        return Err(preparing::no_release(&job.repo));
    }
    let mut about = SourceReport { starts_work: true, ..blank(&source) };
    let mut kind = settle(session, &source, &digest, &choice, tip, &mut about)?;
    // `publish` finds no source that it could look at for them, and without them the same is due.
    about.settled.clear();
    report.sources.push(about);
    for due in jobs(session, choice, &job)? {
        kind = kind.worse(event::scheduled(session, due, report)?);
    }
    Ok(kind)
}

/// What is to be done of what `asked` is about: the releases that are due, and of the newest one, where it is
/// settled, the steps whose gate has opened since.
fn jobs<'a>(session: &Session<'_>, choice: Choice, asked: &Job<'a>) -> Result<Vec<Job<'a>>> {
    let waiting = settled_release(&choice, &asked.repo);
    let mut jobs: Vec<Job<'a>> = choice.due.into_iter().map(|release| asked.due(release)).collect();
    if let Some(release) = waiting {
        let job = Job { repeat: Repeat::Rest, ..asked.due(release) };
        if gated::is_opened(session, &job)? {
            jobs.push(job);
        }
    }
    Ok(jobs)
}

/// A report of a source about which nothing is known yet.
fn blank(source: &Source) -> SourceReport {
    SourceReport {
        id: source.id.clone(),
        repo: Some(source.repo.name.clone()),
        starts_work: source.starts_work(),
        newest: None,
        warnings: Vec::new(),
        settled: Vec::new(),
        error: None,
    }
}

/// The tags of a remote.
fn remote_tags(listing: &Listing) -> Vec<RemoteTag> {
    let tag = |(name, (object, commit)): (&TagName, &(ObjectId, CommitId))| RemoteTag {
        name: name.clone(),
        object: *object,
        commit: *commit,
    };
    listing.tags.iter().map(tag).collect()
}

/// Looks at one source: the jobs that are due, and whether something is wrong.
fn look<'a>(
    session: &Session<'_>,
    client: &Client,
    source: &'a Source,
    about: &mut SourceReport,
) -> Result<(Vec<Job<'a>>, Kind)> {
    let entries = match feed::poll(client, source) {
        Ok(entries) => entries,
        Err(err) => {
            // The feed is a hint: without it names and dates are missing, and nothing else.
            let hint = err.hint();
            let failure = Failure::new(Kind::Failed, err);
            if !source.starts_work() {
                return Err(hint.into_iter().fold(failure, Failure::hint));
            }
            about.warnings.push(problem(&failure).message);
            Vec::new()
        }
    };
    note_entries(session, source, &entries)?;
    if !source.starts_work() {
        return Ok((Vec::new(), Kind::Done));
    }
    let (choice, tip) = chosen(session, source, &entries)?;
    let kind = settle(session, source, &session.flows_digest, &choice, tip, about)?;
    let jobs = jobs(session, choice, &Job::of_tag(source.repo.name.clone(), None, Some(source)))?;
    Ok((jobs, kind))
}

/// The newest release, where it is settled.
fn settled_release(choice: &Choice, repo: &RepoName) -> Option<Release> {
    let newest = choice.newest.as_ref().filter(|newest| matches!(newest.due, Due::Settled(..)))?;
    let RemoteTag { name, object, commit } = newest.tag.clone();
    Some(Release { repo: repo.clone(), tag: name, object, commit, source_id: None, entry: None })
}

/// What is to be done about a source's releases by upstream's tags, the ledger and what the feed says; and
/// where the maintained branch stands, where that is known.
///
/// # Errors
/// An upstream or a ledger that cannot be read.
pub(super) fn chosen(
    session: &Session<'_>,
    source: &Source,
    entries: &[Entry],
) -> Result<(Choice, Option<CommitId>)> {
    let url: RemoteUrl = source.repo.web_url.as_str().parse()?;
    let listing = session.listing(&url, None)?;
    let tags = remote_tags(&listing);
    let tip = newest(&listing, Some(source)).and_then(|tag| preparing::tip_for(session, source, &tag));
    let now = (session.context.now)();
    Ok((choose(source, &tags, entries, &session.ledger()?, tip, &session.flows_digest, now), tip))
}

/// Records what the feed says for the first time, and how far it was read.
fn note_entries(session: &Session<'_>, source: &Source, entries: &[Entry]) -> Result<()> {
    if !session.applies() {
        return Ok(());
    }
    let data = session.context.data;
    let state = crate::release::FeedState::from(data.feed_state()?);
    let before = state.cursor(&source.id);
    let now = (session.context.now)();
    for entry in unseen(source, entries, before.as_ref()) {
        data.feed_events::<Signal>().append(&Signal::new(source, entry, now))?;
        if let Some(job) = FeedJob::new(source, entry, now) {
            data.feed_jobs::<FeedJob>().append(&job)?;
        }
    }
    let after = Cursor::after(entries, before.as_ref(), now);
    if before.is_none_or(|before| before.last_seen_id != after.last_seen_id) {
        data.update_feed_state(|map| {
            let mut state = crate::release::FeedState::from(std::mem::take(map));
            state.set(&source.id, &after);
            *map = state.into();
        })?;
    }
    Ok(())
}

/// The ledger's lines about what needs no work: superseded, then skipped releases.
pub(super) fn settled(
    session: &Session<'_>,
    source: &Source,
    flows: &Digest,
    choice: &Choice,
    tip: Option<CommitId>,
) -> Vec<LedgerLine> {
    let line = |tag: &RemoteTag, state| LedgerLine {
        tip,
        flows: Some(flows.clone()),
        ..LedgerLine::of(&source.repo.name, tag, state, session.context.stamp())
    };
    let superseded = choice.superseded.iter().map(|tag| line(tag, State::Superseded));
    let skipped = choice.skipped.iter();
    let skipped =
        skipped.map(|(tag, rule)| LedgerLine { rule: Some(rule.clone()), ..line(tag, State::Skipped) });
    superseded.chain(skipped).collect()
}

/// Records what needs no work, and says where the source stands.
fn settle(
    session: &Session<'_>,
    source: &Source,
    flows: &Digest,
    choice: &Choice,
    tip: Option<CommitId>,
    about: &mut SourceReport,
) -> Result<Kind> {
    for line in settled(session, source, flows, choice, tip) {
        session.enter(&line)?;
        about.settled.push(line.tag);
    }
    about.warnings.extend(choice.warnings.iter().cloned());
    about.newest = choice.newest.as_ref().map(|newest| {
        standing_of(newest, &choice.due.iter().map(|release| &release.tag).collect::<Vec<_>>())
    });
    if let Some(newest) = choice
        .newest
        .as_ref()
        .filter(|newest| matches!(newest.due, Due::Settled(State::Conflict | State::Failed, _)))
    {
        about.warnings.push(format!("{}: {}", newest.tag.name, newest.stands));
    }
    match choice.moved.first() {
        None => Ok(Kind::Done),
        Some(moved) => {
            about.error = Some(moved_tag(moved));
            Ok(Kind::Failed)
        }
    }
}

fn moved_tag(moved: &Moved) -> Problem {
    Problem {
        message: format!(
            "tag {} moved: it was {} when it was dealt with, and is {} now",
            moved.tag.name, moved.was.commit, moved.tag.commit
        ),
        hint: Some(format!(
            "ask upstream whether that was meant; `--tag {}` carries the stack to where it points now",
            moved.tag.name
        )),
    }
}

fn standing_of(newest: &Newest, due: &[&TagName]) -> ReleaseReport {
    let standing = match &newest.due {
        _ if due.contains(&&newest.tag.name) => Standing::Due,
        Due::Now(_) => Standing::Seen,
        Due::Moved { .. } => Standing::Moved,
        Due::Settled(state, _) => standing(*state),
    };
    ReleaseReport {
        tag: newest.tag.name.clone(),
        commit: Some(newest.tag.commit),
        published_at: None,
        standing,
    }
}
