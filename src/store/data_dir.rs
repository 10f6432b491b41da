//! DATA_DIR: patch-moi's own records.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::error::StoreError;
use super::file::{children, create_folder, own_folder, read_whole, replace, sweep};
use super::journal::Journal;
use super::lock::{self, Lock};
use crate::record::{Attempt, Dispatch};

const FEED_STATE: &str = "feed-state.json";
const FEED_EVENTS: &str = "feed-events.jsonl";
const FEED_JOBS: &str = "feed-jobs.jsonl";
const FLOW_EVENTS: &str = "flow-events.jsonl";
const DISPATCHES: &str = "workspace-dispatches.jsonl";
const OLDER_DISPATCHES: &str = "flow-dispatches.jsonl";
const ATTEMPTS: &str = "maintenance-attempts.jsonl";
const RELEASES: &str = "releases.jsonl";
const PUBLICATIONS: &str = "publications.jsonl";

/// Everything in DATA_DIR that patch-moi or the older patch.moi puts there.
const OURS: [&str; 10] = [
    FEED_STATE,
    FEED_EVENTS,
    FEED_JOBS,
    FLOW_EVENTS,
    DISPATCHES,
    OLDER_DISPATCHES,
    ATTEMPTS,
    RELEASES,
    PUBLICATIONS,
    lock::NAME,
];

/// The largest feed-state.json that is read, in bytes.
const LARGEST_STATE: u64 = 64 << 20;

/// The folder with patch-moi's journals. It is made with the first record.
#[derive(Debug, Clone)]
pub(crate) struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// The folder at `root`, which need not be there.
    pub(crate) fn open(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.root
    }

    /// Every event that was ever handed over.
    pub(crate) fn flow_events<E: Serialize + DeserializeOwned>(&self) -> Journal<E> {
        self.journal(FLOW_EVENTS)
    }

    /// Every handing-over. Those that the older patch.moi kept under another name come first.
    pub(crate) fn dispatches(&self) -> Journal<Dispatch> {
        Journal::new(self.root.join(DISPATCHES), Some(self.root.join(OLDER_DISPATCHES)))
    }

    /// The attempts, a line for each change.
    pub(crate) fn attempts(&self) -> Journal<Attempt> {
        self.journal(ATTEMPTS)
    }

    /// Every feed entry that was accepted.
    pub(crate) fn feed_events<E: Serialize + DeserializeOwned>(&self) -> Journal<E> {
        self.journal(FEED_EVENTS)
    }

    /// What releases gave somebody to do.
    pub(crate) fn feed_jobs<J: Serialize + DeserializeOwned>(&self) -> Journal<J> {
        self.journal(FEED_JOBS)
    }

    /// The ledger: what is settled of each release.
    pub(crate) fn releases<L: Serialize + DeserializeOwned>(&self) -> Journal<L> {
        self.journal(RELEASES)
    }

    /// What was published of each release, and where.
    pub(crate) fn publications<P: Serialize + DeserializeOwned>(&self) -> Journal<P> {
        self.journal(PUBLICATIONS)
    }

    /// How far each source was read, by its id; empty where none was.
    ///
    /// # Errors
    /// Where the file cannot be read or is not a JSON object.
    pub(crate) fn feed_state(&self) -> Result<Map<String, Value>, StoreError> {
        let path = self.root.join(FEED_STATE);
        let Some(bytes) = read_whole(&path, LARGEST_STATE)? else {
            return Ok(Map::new());
        };
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        serde_json::from_slice(bytes).map_err(|error| StoreError::Corrupt {
            path,
            reason: format!("it is not a JSON object: {error}"),
        })
    }

    /// Changes how far sources were read, with nobody else changing it in between. A change that
    /// changes nothing writes nothing.
    ///
    /// # Errors
    /// As [`DataDir::feed_state`], and where the folder cannot be locked or the file not replaced.
    pub(crate) fn update_feed_state(
        &self,
        change: impl FnOnce(&mut Map<String, Value>),
    ) -> Result<(), StoreError> {
        prepare(&self.root)?;
        let _lock = Lock::folder(&self.root)?;
        let path = self.root.join(FEED_STATE);
        let before = self.feed_state()?;
        let mut after = before.clone();
        change(&mut after);
        if after == before {
            return Ok(());
        }
        sweep(&path)?;
        replace(&path, format!("{:#}\n", Value::Object(after)).as_bytes())
    }

    fn journal<T>(&self, name: &str) -> Journal<T> {
        Journal::new(self.root.join(name), None)
    }
}

/// The names of the files that another machine has to know.
pub(super) fn lasting() -> impl Iterator<Item = &'static str> {
    OURS.into_iter().filter(|name| *name != lock::NAME)
}

/// Makes the folder before something is written into it. It becomes patch-moi's own unless it holds
/// files of others: those are not hidden from git.
pub(super) fn prepare(root: &Path) -> Result<(), StoreError> {
    let is_ours =
        |name: &str| OURS.contains(&name) || OURS.iter().any(|ours| name.starts_with(&format!(".{ours}.")));
    let all_ours = children(root)?.iter().all(|(name, _)| is_ours(name));
    if all_ours { own_folder(root) } else { create_folder(root) }
}
