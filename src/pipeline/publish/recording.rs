//! What is remembered of a release: from the carry that was made again, and from the run's own records.

use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;

use super::super::session::Session;
use super::super::verify::{Adopted, Denied, Folder, Proof};
use super::super::{again, selecting};
use crate::candidate::publication::Published;
use crate::candidate::{Outcome, Refusal, quoted};
use crate::event::Event;
use crate::failure::{Failure, Kind, Result};
use crate::ids::{EventId, RepoName, TagName};
use crate::record::EventRecord;
use crate::release::{LedgerLine, RemoteTag, State};

/// What the records say of a release.
const fn state(status: Outcome) -> State {
    match status {
        Outcome::Candidate => State::Candidate,
        Outcome::Incomplete => State::Conflict,
        Outcome::Failed => State::Failed,
        Outcome::Adopted => State::Adopted,
    }
}

/// record.json of an artifact, where it has one.
///
/// # Errors
/// Where it is not one, or is about another release than its event says.
pub(super) fn record(folder: &Folder) -> std::result::Result<Option<EventRecord>, Refusal> {
    let Some(text) = folder.record()? else { return Ok(None) };
    crate::candidate::claim::check_shape("record.json", &text)?;
    let record = EventRecord::parse(text.as_bytes())
        .map_err(|err| Refusal::NotOurs { file: "record.json", why: quoted(&err.to_string()) })?;
    let id = record.event_id();
    if id.as_ref() != Some(&EventId::of_release(&record.repo, &record.tag)) {
        let (repo, tag) = (record.repo.clone(), record.tag.clone());
        return Err(match id {
            Some(id) => Refusal::EventId { id, repo, tag },
            None => Refusal::NotOurs { file: "record.json", why: "its event has no id".to_owned() },
        });
    }
    for follower in &record.followed {
        event_of(follower, Timestamp::UNIX_EPOCH)?;
    }
    Ok(Some(record))
}

/// Records a proven candidate: its event, what the run says of its runs, and the ledger's line.
///
/// # Errors
/// Where product state cannot be read or written.
pub(super) fn proven(session: &Session<'_>, proof: &Proof, said: Option<&EventRecord>) -> Result<State> {
    let release = &proof.prepared.release;
    event(session, &proof.event)?;
    if let Some(said) = said.filter(|said| said.repo == release.repo && said.tag == release.tag) {
        reported(session, said)?;
    }
    let state = state(proof.document.status);
    enter(
        session,
        LedgerLine {
            event_id: proof.event.id.clone(),
            tip: Some(proof.document.carry.tip),
            flows: Some(proof.digest.clone()),
            ..LedgerLine::of(&release.repo, &release.remote_tag(), state, session.context.stamp())
        },
    )?;
    Ok(state)
}

/// Records that there was nothing to carry.
///
/// # Errors
/// Where product state cannot be read or written.
pub(super) fn adopted(session: &Session<'_>, held: &Adopted, said: &EventRecord) -> Result<()> {
    event(session, &held.event)?;
    reported(session, said)?;
    let line = LedgerLine {
        event_id: held.event.id.clone(),
        tip: Some(held.tip),
        flows: Some(held.digest.clone()),
        ..LedgerLine::of(
            &held.release.repo,
            &held.release.remote_tag(),
            State::Adopted,
            session.context.stamp(),
        )
    };
    enter(session, line)
}

/// Whether the workspace's flows have only programs to run for the release: then no candidate could be
/// proved, and none is kept from being carried.
fn is_for_programs_only(session: &Session<'_>, said: &EventRecord) -> bool {
    let payload = serde_json::json!({ "repo": said.repo, "tag": said.tag });
    let selection = session.select(crate::event::UPSTREAM_RELEASE, &payload, &session.flows);
    !selection.selected.is_empty() && selecting::carrying(&selection).is_empty()
}

/// Records what a run says that left no candidate: that it failed or waits, or what programs came to
/// where nothing else is done for the release.
/// Tag and commit are upstream's of now.
///
/// # Errors
/// Where the record claims more than that; where product state cannot be read or written.
pub(super) fn unproven(session: &Session<'_>, said: &EventRecord) -> std::result::Result<State, Denied> {
    let state = match said.state {
        State::Failed | State::Blocked | State::Seen => said.state,
        State::Candidate | State::Conflict if is_for_programs_only(session, said) => said.state,
        claimed => {
            let why = format!(
                "it claims `{}`, and there is no candidate.json that could be proved",
                claimed.name()
            );
            return Err(Refusal::NotOurs { file: "record.json", why }.into());
        }
    };
    let event = Event::of_tag(&said.repo, &said.tag, (session.context.now)());
    self::event(session, &event)?;
    reported(session, said)?;
    if let (Some(object), Some(commit)) = (said.tag_object, said.commit) {
        let tag = RemoteTag { name: said.tag.clone(), object, commit };
        let line = LedgerLine {
            tip: said.tip,
            flows: said.flows.clone(),
            ..LedgerLine::of(&said.repo, &tag, state, session.context.stamp())
        };
        if upstream_agrees(session, &line)? {
            enter(session, line)?;
        }
    }
    Ok(state)
}

/// Whether upstream has the tag where the run says. A line about another place would make the tag look moved.
fn upstream_agrees(session: &Session<'_>, line: &LedgerLine) -> Result<bool> {
    let Some(source) = session.source_of(&line.repo) else { return Ok(true) };
    let listing = session.listing(&source.repo.web_url.as_str().parse()?, None)?;
    Ok(listing.tags.get(&line.tag) == Some(&(line.tag_object, line.commit)))
}

/// The event in the journal and in the flow client's state, once.
fn event(session: &Session<'_>, event: &Event) -> Result<()> {
    if !session.applies() {
        return Ok(());
    }
    let value = serde_json::to_value(event).map_err(|err| Failure::new(Kind::Failed, err))?;
    again::record_event(session, &value).map(drop)
}

/// What the run says of its runs, marked as its own word. Each once.
fn reported(session: &Session<'_>, said: &EventRecord) -> Result<()> {
    if !session.applies() {
        return Ok(());
    }
    session.client.update(|client| {
        for run in &said.runs {
            let mut run = run.clone();
            run["reportedBy"] = Value::from("run");
            client.adopt_run(&run);
        }
    })?;
    let data = session.context.data;
    if let Some(dispatch) = &said.dispatch {
        data.dispatches().append_after(|known| {
            let same = |line: &crate::record::Dispatch| {
                line.event_id == dispatch.event_id && line.created_at == dispatch.created_at
            };
            (!known.iter().any(same)).then(|| dispatch.clone())
        })?;
    }
    if let Some(attempt) = &said.attempt {
        data.attempts().append_after(|known| {
            let last = known.into_iter().rfind(|line: &crate::record::Attempt| line.id == attempt.id);
            (last.as_ref() != Some(attempt)).then(|| attempt.clone())
        })?;
    }
    Ok(())
}

/// Records the events that followed, and what the run says of their runs. None of them says where a release
/// stands.
///
/// # Errors
/// Where product state cannot be read or written.
pub(super) fn followed(session: &Session<'_>, said: &EventRecord) -> std::result::Result<(), Denied> {
    for follower in &said.followed {
        event(session, &event_of(follower, (session.context.now)())?)?;
        reported(session, follower)?;
    }
    Ok(())
}

/// The event that followed. That of a release is what it says of repository and tag, and nothing else.
///
/// # Errors
/// Where it is no event, or has the name of another release's.
fn event_of(follower: &EventRecord, now: Timestamp) -> std::result::Result<Event, Refusal> {
    let refuse = |why: String| Refusal::NotOurs { file: "record.json", why: quoted(&why) };
    let text = follower.event.to_string();
    let event = Event::parse(&text, Path::new("record.json")).map_err(|err| refuse(err.to_string()))?;
    if event.id == EventId::of_release(&follower.repo, &follower.tag) {
        return Ok(Event::of_tag(&follower.repo, &follower.tag, now));
    }
    if event.id.is_of_a_release() {
        return Err(refuse(format!("what followed is not about the release of its name {}", event.id)));
    }
    Ok(event)
}

/// Adds a line to the ledger, unless its last one about the release says the same.
///
/// # Errors
/// Where the ledger cannot be read or written.
pub(super) fn enter(session: &Session<'_>, line: LedgerLine) -> Result<()> {
    let ledger = session.ledger()?;
    let last = ledger.latest(&line.repo, &line.tag);
    let same = last.is_some_and(|last| LedgerLine { at: line.at.clone(), ..last.clone() } == line);
    // Each failure counts as a try.
    if same && line.state != State::Failed {
        return Ok(());
    }
    session.enter(&line)
}

/// What was published of a repository's releases before, oldest first.
///
/// # Errors
/// Where the journal cannot be read at all.
pub(in crate::pipeline) fn before(session: &Session<'_>, repo: &RepoName) -> Result<Vec<Published>> {
    let read = session.context.data.publications::<Published>().read()?;
    for warning in read.warnings {
        session.context.ui.warn(&warning.to_string());
    }
    let is_of = |line: &Published| line.repo.as_str().eq_ignore_ascii_case(repo.as_str());
    Ok(read.records.into_iter().filter(is_of).collect())
}

/// The lines about one release.
pub(in crate::pipeline) fn of_tag(lines: &[Published], tag: &TagName) -> Vec<Published> {
    lines.iter().filter(|line| line.tag == *tag).cloned().collect()
}

/// Remembers what was put where, where the last line about the same place does not say it already.
///
/// # Errors
/// Where it cannot be written.
pub(in crate::pipeline) fn published(session: &Session<'_>, line: Published) -> Result<()> {
    if session.applies() {
        session.context.data.publications::<Published>().append_after(|known: Vec<Published>| {
            let place =
                |one: &Published| (one.event_id.clone(), one.name.clone(), one.pull_request, one.issue);
            let last = known.into_iter().rfind(|one| place(one) == place(&line));
            let same = last.is_some_and(|last| Published { at: line.at.clone(), ..last } == line);
            (!same).then_some(line)
        })?;
    }
    Ok(())
}
