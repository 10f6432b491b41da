//! The flow client's state on disk.

use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::file::{own_folder, read_whole, replace, sweep};
use super::journal::Journal;
use super::lock::Lock;
use super::run_log::{self, RunLog};
use crate::ids::{Digest, EventId};
use crate::record::{Archived, FlowClientState, Retention, RunId};

/// The largest state.json that is read, in bytes.
const LARGEST: u64 = 512 << 20;

/// `.codex/workspace/actions/flow-client/state.json` of a workspace. It is made with the first
/// change. What is too old for it is moved to state-archive.jsonl beside it, which only grows; the logs of its
/// runs go.
#[derive(Debug, Clone)]
pub(crate) struct FlowClient {
    own: PathBuf,
    folder: PathBuf,
    retention: Retention,
}

impl FlowClient {
    /// The state of the workspace at `workspace`.
    pub(crate) fn open(workspace: &Path) -> Self {
        let own = workspace.join(".codex/workspace/actions");
        Self { folder: own.join("flow-client"), own, retention: Retention::default() }
    }

    /// The same, keeping so much of the past.
    pub(crate) fn keeping(self, retention: Retention) -> Self {
        Self { retention, ..self }
    }

    /// The state's file.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join("state.json")
    }

    /// Where what was taken out of the state stands.
    pub(super) fn archive(&self) -> PathBuf {
        self.folder.join("state-archive.jsonl")
    }

    /// The folder that hides itself and what is in it from git.
    pub(super) fn own(&self) -> &Path {
        &self.own
    }

    /// The folder of the state's file.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The state as it is now; empty where there is no file.
    ///
    /// # Errors
    /// Where the file cannot be read, or is something else than a state.
    pub(crate) fn read(&self) -> Result<FlowClientState, StoreError> {
        let path = self.path();
        match read_whole(&path, LARGEST)? {
            None => Ok(FlowClientState::default()),
            Some(bytes) => {
                FlowClientState::parse(&bytes).map_err(|error| StoreError::not_a_state(&path, &error))
            }
        }
    }

    /// Changes the state, with nobody else changing it in between, and returns what `change` says.
    /// A change that changes nothing writes nothing. What is too old afterwards is in the archive before
    /// it is gone from the state: a run that is killed in between leaves it in both.
    ///
    /// # Errors
    /// As [`FlowClient::read`], and then the file stays as it is; where the folder cannot be locked
    /// or a file not be written.
    pub(crate) fn update<R>(&self, change: impl FnOnce(&mut FlowClientState) -> R) -> Result<R, StoreError> {
        own_folder(&self.own)?;
        let _lock = Lock::folder(&self.folder)?;
        let path = self.path();
        let mut state = self.read()?;
        let before = state.to_text();
        let said = change(&mut state);
        let archived = state.trim(self.retention);
        let after = state.to_text();
        if after != before {
            Journal::<Archived>::new(self.archive(), None).add(&archived)?;
            sweep(&path)?;
            replace(&path, after.as_bytes())?;
        }
        run_log::remove_old(&self.logs(), &archived, &state.run_ids())?;
        Ok(said)
    }

    /// Begins the log of a run, in place of what an earlier one with its id has left.
    ///
    /// # Errors
    /// Where the file cannot be created.
    pub(crate) fn begin_log(&self, run: &RunId) -> Result<RunLog, StoreError> {
        own_folder(&self.own)?;
        RunLog::begin(self.log_path(run))
    }

    /// The log of a run, where it has one.
    pub(crate) fn log_of(&self, run: &RunId) -> Option<PathBuf> {
        Some(self.log_path(run)).filter(|path| path.is_file())
    }

    fn log_path(&self, run: &RunId) -> PathBuf {
        self.logs().join(run_log::name(run.as_str()))
    }

    fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// Keeps every other process from carrying the same event, until the lock is dropped.
    ///
    /// # Errors
    /// Where another process carries it for longer than half a minute.
    pub(crate) fn claim(&self, event: &EventId) -> Result<Lock, StoreError> {
        own_folder(&self.own)?;
        let digits = &Digest::of(event.as_str().as_bytes()).hex()[..16];
        Lock::claim(self.folder.join(format!(".claim-{digits}")), &format!("which carries {event}"))
    }
}
