//! What is recorded about a feed's entries, whether they start work or not. Format: patch.moi's.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::target::{ForkMode, Target};
use super::{Entry, Source, SourceEvent, stamp};

/// One line of feed-events.jsonl.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Signal {
    // The order of the fields is the order of the keys.
    /// The source's id.
    pub(crate) source_id: String,
    /// The forge.
    pub(crate) provider: String,
    /// `push` or `release`.
    pub(crate) event: String,
    /// The entry's id.
    pub(crate) entry_id: String,
    /// The entry's title.
    pub(crate) title: String,
    /// The entry's page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) author: Option<String>,
    /// When it was last changed or published, else when it was received.
    pub(crate) published_at: String,
    /// The source's `repo`, whole.
    pub(crate) repo: Value,
    /// `refs/heads/<default branch>` of a push, the git tag of a release.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub(crate) git_ref: Option<String>,
    /// The first commit id in the entry's page or id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sha: Option<String>,
    /// The source's `target`, whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<Value>,
    /// The entry by itself.
    pub(crate) raw: RawEntry,
}

/// An entry as it stands in a signal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawEntry {
    /// Its id.
    pub(crate) id: String,
    /// Its title.
    pub(crate) title: String,
    /// Its page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) author: Option<String>,
    /// As in the signal. (The old system repeated the feed's own text here.)
    pub(crate) published_at: String,
}

impl Signal {
    /// What is recorded about `entry`, received at `now`.
    pub(crate) fn new(source: &Source, entry: &Entry, now: Timestamp) -> Self {
        let published_at = stamp(entry.updated.or(entry.published).unwrap_or(now));
        let git_ref = match source.event {
            SourceEvent::Push => {
                source.repo.default_branch.as_ref().map(|branch| format!("refs/heads/{branch}"))
            }
            SourceEvent::Release => entry.tag.as_ref().map(ToString::to_string),
        };
        Self {
            source_id: source.id.clone(),
            provider: source.provider.as_str().to_owned(),
            event: source.event.as_str().to_owned(),
            entry_id: entry.id.clone(),
            title: entry.title.clone(),
            url: entry.url.clone(),
            author: entry.author.clone(),
            published_at: published_at.clone(),
            repo: source.raw_repo.clone(),
            git_ref,
            sha: first_commit_id(entry.url.as_deref().unwrap_or(&entry.id)),
            target: source.raw_target.clone(),
            raw: RawEntry {
                id: entry.id.clone(),
                title: entry.title.clone(),
                url: entry.url.clone(),
                author: entry.author.clone(),
                published_at,
            },
        }
    }
}

/// The first run of 40 hexadecimal digits in `text`.
fn first_commit_id(text: &str) -> Option<String> {
    let is_id = |window: &&[u8]| window.iter().all(u8::is_ascii_hexdigit);
    let found = text.as_bytes().windows(40).find(is_id)?;
    String::from_utf8(found.to_vec()).ok()
}

/// One line of feed-jobs.jsonl: a fork that is to follow a release. Only recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FeedJob {
    // The order of the fields is the order of the keys.
    /// `<provider>:<source id>:<entry id>:fork_sync`.
    pub(crate) id: String,
    /// `fork_sync`.
    pub(crate) kind: String,
    /// The source's id.
    pub(crate) source_id: String,
    /// The forge.
    pub(crate) provider: String,
    /// The repository that released.
    pub(crate) upstream_repo_full_name: String,
    /// The fork.
    pub(crate) target_repo_full_name: String,
    /// The fork's branch.
    pub(crate) branch: String,
    /// The git tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upstream_ref: Option<String>,
    /// The commit, where the entry names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upstream_sha: Option<String>,
    /// The entry's id.
    pub(crate) entry_id: String,
    /// The entry's page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// When.
    pub(crate) created_at: String,
}

impl FeedJob {
    /// The job that `entry` makes; only a release of a source with a `fork_sync` target makes one.
    pub(crate) fn new(source: &Source, entry: &Entry, now: Timestamp) -> Option<Self> {
        let Some(Target::Fork(fork)) = &source.target else { return None };
        if source.event != SourceEvent::Release || fork.mode != ForkMode::ForkSync {
            return None;
        }
        let Signal { source_id, provider, entry_id, git_ref, sha, url, .. } = Signal::new(source, entry, now);
        Some(Self {
            id: format!("{provider}:{source_id}:{entry_id}:fork_sync"),
            kind: "fork_sync".to_owned(),
            source_id,
            provider,
            upstream_repo_full_name: source.repo.name.to_string(),
            target_repo_full_name: fork.repo.to_string(),
            branch: fork.branch.clone(),
            upstream_ref: git_ref,
            upstream_sha: sha,
            entry_id,
            url,
            created_at: stamp(now),
        })
    }
}

/// How far a source's feed was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cursor {
    /// The newest entry's id; empty where the feed had no entry.
    pub(crate) last_seen_id: String,
    /// When the feed was read.
    pub(crate) last_checked_at: String,
}

impl Cursor {
    /// The cursor after `entries` were read at `now`. An empty page keeps what was seen before; where
    /// nothing was, it says so, and the very first entry will be news.
    pub(crate) fn after(entries: &[Entry], before: Option<&Self>, now: Timestamp) -> Self {
        let newest = entries.first().map(|entry| entry.id.clone());
        let last_seen_id = newest.or_else(|| before.map(|cursor| cursor.last_seen_id.clone()));
        Self { last_seen_id: last_seen_id.unwrap_or_default(), last_checked_at: stamp(now) }
    }
}

/// feed-state.json: `{ "<source id>": cursor }`. Cursors of sources that are gone are kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct FeedState(Map<String, Value>);

impl FeedState {
    /// How far `source_id` was read; `None` where it never was, or where the record cannot be read.
    pub(crate) fn cursor(&self, source_id: &str) -> Option<Cursor> {
        serde_json::from_value(self.0.get(source_id)?.clone()).ok()
    }

    /// Remembers how far `source_id` was read.
    pub(crate) fn set(&mut self, source_id: &str, cursor: &Cursor) {
        let Cursor { last_seen_id, last_checked_at } = cursor.clone();
        let value = serde_json::json!({ "lastSeenId": last_seen_id, "lastCheckedAt": last_checked_at });
        self.0.insert(source_id.to_owned(), value);
    }
}

impl From<Map<String, Value>> for FeedState {
    fn from(map: Map<String, Value>) -> Self {
        Self(map)
    }
}

impl From<FeedState> for Map<String, Value> {
    fn from(state: FeedState) -> Self {
        state.0
    }
}

/// The entries that are news, oldest first; `entries` as the feed has them, newest first.
///
/// At the first look everything is old news, unless the source says `primeOnly: false`. Where the
/// entry that was last seen is not on the page any more (too many new ones, or it was deleted), those
/// that are not older than the last look are news; one without a date could be either, and is.
pub(crate) fn unseen<'a>(source: &Source, entries: &'a [Entry], cursor: Option<&Cursor>) -> Vec<&'a Entry> {
    let news: Vec<&Entry> = match cursor {
        None if source.prime_only => Vec::new(),
        None => entries.iter().collect(),
        Some(cursor) if cursor.last_seen_id.is_empty() => entries.iter().collect(),
        Some(cursor) => match entries.iter().position(|entry| entry.id == cursor.last_seen_id) {
            Some(seen) => entries[..seen].iter().collect(),
            None => {
                let checked: Option<Timestamp> = cursor.last_checked_at.parse().ok();
                let is_old = |entry: &Entry| {
                    let date = entry.updated.or(entry.published);
                    date.zip(checked).is_some_and(|(date, checked)| date < checked)
                };
                entries.iter().filter(|entry| !is_old(entry)).collect()
            }
        },
    };
    news.into_iter().rev().collect()
}
