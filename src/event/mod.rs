//! The event record, its deterministic id, its payload, as patch.moi writes them.
//!
//! One upstream happening has one [`Event`] and one id, whoever noticed it: a feed, a person with
//! `--tag`, or a file that another system wrote.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::ids::{EventId, InvalidName, RepoName, TagName};
use crate::release::{Entry, Release, Signal, Source};

pub(crate) use crate::release::stamp;

/// The type of a release's event, unless its source says another.
pub(crate) const UPSTREAM_RELEASE: &str = "upstream.release";

/// The longest event file, in bytes.
pub(crate) const MAX_EVENT_BYTES: usize = 1 << 20;

/// One upstream happening. The order of the fields is the order of the keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event {
    /// What names it for ever.
    pub(crate) id: EventId,
    /// What happened, such as `upstream.release`. `type` in JSON.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Who noticed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<String>,
    /// When it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) occurred_at: Option<String>,
    /// When it was noticed; absent only in what [`Event::parse`] was given so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) received_at: Option<String>,
    /// What is known about it.
    #[serde(default = "empty")]
    pub(crate) payload: Value,
    /// Keys that are not ours, kept as they are.
    #[serde(flatten)]
    pub(crate) extra: Map<String, Value>,
}

/// Why a text is no event.
#[derive(Debug, Error)]
pub(crate) enum EventError {
    /// It is too long.
    #[error("{} is longer than {MAX_EVENT_BYTES} bytes", file.display())]
    TooLong {
        /// The file.
        file: PathBuf,
    },
    /// It is not JSON.
    #[error("{} is not JSON", file.display())]
    NotJson {
        /// The file.
        file: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// It is JSON, and not an object.
    #[error("{} holds JSON, but not an object", file.display())]
    NotAnObject {
        /// The file.
        file: PathBuf,
    },
    /// A field that an event needs is missing or of another kind.
    #[error("{}: {field} {why}", file.display())]
    Field {
        /// The file.
        file: PathBuf,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The id cannot be used.
    #[error("{}: id cannot be used", file.display())]
    Id {
        /// The file.
        file: PathBuf,
        /// Why.
        source: InvalidName,
    },
}

impl EventError {
    /// What to do next.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::TooLong { .. } => "an event names what happened; what belongs to it is fetched by the flow",
            Self::NotJson { .. } => "look for a missing or left-over comma, quote or bracket at that place",
            Self::NotAnObject { .. } | Self::Field { .. } | Self::Id { .. } => {
                r#"the least there is: {"id": "…", "type": "upstream.release", "payload": {"repo": "owner/name", "tag": "v1"}}"#
            }
        };
        Some(hint.to_owned())
    }
}

impl Event {
    /// The event of an upstream release, noticed at `now`. With the source that found it, the payload
    /// says what the feed says, overlaid with the source's own payload; without one (a person named
    /// the tag) it is `{repo, tag}`. The id is the same both times, and `tag` is always the git tag.
    pub(crate) fn upstream_release(release: &Release, source: Option<&Source>, now: Timestamp) -> Self {
        let named = Self::of_tag(&release.repo, &release.tag, now);
        let Some(source) = source else { return named };
        let kind = source.flow_target().map(|target| target.event_type.clone());
        Self {
            kind: kind.unwrap_or(named.kind),
            occurred_at: release.entry.as_ref().and_then(occurred).map(stamp),
            payload: feed_payload(release, source, now),
            ..named
        }
    }

    /// The event of a release as a person has it who names the tag, at `now`.
    pub(crate) fn of_tag(repo: &RepoName, tag: &TagName, now: Timestamp) -> Self {
        Self {
            id: EventId::of_release(repo, tag),
            kind: UPSTREAM_RELEASE.to_owned(),
            source: Some("patch".to_owned()),
            occurred_at: None,
            received_at: Some(stamp(now)),
            payload: json!({ "repo": repo, "tag": tag }),
            extra: Map::new(),
        }
    }

    /// Reads an event that another system wrote. `file` is only its name in messages. What the file
    /// does not say stays absent, except the payload, which is then empty.
    ///
    /// # Errors
    /// Where it is too long, is not a JSON object, or `id`, `type` or another key of an event is not
    /// a text.
    pub(crate) fn parse(text: &str, file: &Path) -> Result<Self, EventError> {
        let file = || file.to_owned();
        if text.len() > MAX_EVENT_BYTES {
            return Err(EventError::TooLong { file: file() });
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let value =
            serde_json::from_str(text).map_err(|source| EventError::NotJson { file: file(), source })?;
        let Value::Object(mut object) = value else { return Err(EventError::NotAnObject { file: file() }) };
        let mut take = |field: &'static str| match object.shift_remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.chars().any(char::is_control) => {
                Err(EventError::Field { file: file(), field, why: "holds a control character" })
            }
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(EventError::Field { file: file(), field, why: "is not a text" }),
        };
        let missing = |field| EventError::Field { file: file(), field, why: "is missing" };
        let id = take("id")?.ok_or_else(|| missing("id"))?;
        let kind = take("type")?.filter(|kind| !kind.trim().is_empty()).ok_or_else(|| missing("type"))?;
        let source = take("source")?;
        let occurred_at = take("occurredAt")?;
        // The old system took an empty one for an absent one.
        let received_at = take("receivedAt")?.filter(|at| !at.is_empty());
        let id = id.parse().map_err(|source| EventError::Id { file: file(), source })?;
        let payload = object.shift_remove("payload").unwrap_or_else(empty);
        Ok(Self { id, kind, source, occurred_at, received_at, payload, extra: object })
    }

    /// The repository that the payload names, where it names one.
    pub(crate) fn repo(&self) -> Option<RepoName> {
        self.payload.get("repo")?.as_str()?.parse().ok()
    }

    /// The tag that the payload names, where it names one.
    pub(crate) fn tag(&self) -> Option<TagName> {
        self.payload.get("tag")?.as_str()?.parse().ok()
    }
}

fn empty() -> Value {
    Value::Object(Map::new())
}

/// A feed says when an entry was changed; the old system took that first, and records agree with it.
fn occurred(entry: &Entry) -> Option<Timestamp> {
    entry.updated.or(entry.published)
}

/// The payload of a release of `source` without what its feed says of it.
pub(crate) fn source_payload(source: &Source, tag: &TagName) -> Value {
    let keys = [
        ("provider", json!(source.provider.as_str())),
        ("event", json!(source.event.as_str())),
        ("sourceId", json!(source.id)),
    ];
    let repo = &source.repo.name;
    let release = [
        ("repo", json!(repo)),
        ("repoOwner", json!(repo.owner())),
        ("repoName", json!(repo.name())),
        ("ref", json!(tag)),
        ("tag", json!(tag)),
    ];
    let known = keys.into_iter().chain(release).map(|(key, value)| (key.to_owned(), value));
    let mut payload: Map<String, Value> = known.collect();
    for (key, value) in source.flow_target().into_iter().flat_map(|target| &target.payload) {
        payload.insert(key.clone(), value.clone());
    }
    payload.insert("tag".to_owned(), json!(tag));
    Value::Object(payload)
}

/// The payload of a release that a source found, in patch.moi's order. Where the feed does not
/// list the release (any more), what it would have said is absent.
fn feed_payload(release: &Release, source: &Source, now: Timestamp) -> Value {
    let signal = release.entry.as_ref().map(|entry| Signal::new(source, entry, now));
    let signal = signal.as_ref();
    let text = |text: Option<&String>| text.map(|text| json!(text));
    let keys = [
        ("provider", Some(json!(source.provider.as_str()))),
        ("event", Some(json!(source.event.as_str()))),
        ("sourceId", Some(json!(source.id))),
        ("entryId", text(signal.map(|signal| &signal.entry_id))),
        ("title", text(signal.map(|signal| &signal.title))),
        ("url", text(signal.and_then(|signal| signal.url.as_ref()))),
        ("author", text(signal.and_then(|signal| signal.author.as_ref()))),
        ("publishedAt", text(signal.map(|signal| &signal.published_at))),
        ("repo", Some(json!(release.repo))),
        ("repoOwner", Some(json!(release.repo.owner()))),
        ("repoName", Some(json!(release.repo.name()))),
        ("ref", Some(json!(release.tag))),
        ("sha", text(signal.and_then(|signal| signal.sha.as_ref()))),
        ("tag", Some(json!(release.tag))),
        ("raw", signal.map(|signal| json!(signal.raw))),
    ];
    let known = keys.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    let mut payload: Map<String, Value> = known.collect();
    for (key, value) in source.flow_target().into_iter().flat_map(|target| &target.payload) {
        payload.insert(key.clone(), value.clone());
    }
    // The one thing that everything after this rests on is not for a source to say.
    payload.insert("tag".to_owned(), json!(release.tag));
    Value::Object(payload)
}
