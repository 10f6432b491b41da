//! What a person is settling, from one command to the next: one file a release.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Operation, StoreError};
use super::file::{children, own_folder, read_whole, replace, sweep, sync_folder};
use super::lock::Lock;
use crate::ids::{Slug, TagName};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 64 << 20;

/// What a file's name ends with.
const ENDING: &str = ".json";

/// `.codex/workspace/actions/resume/` of a workspace. It is made with the first file.
#[derive(Debug, Clone)]
pub(crate) struct Interventions {
    own: PathBuf,
    folder: PathBuf,
}

impl Interventions {
    /// Those of the workspace at `workspace`.
    pub(crate) fn open(workspace: &Path) -> Self {
        let own = workspace.join(".codex/workspace/actions");
        Self { folder: own.join("resume"), own }
    }

    /// Where the one about a release is.
    pub(crate) fn path(&self, slug: &Slug) -> PathBuf {
        self.folder.join(format!("{slug}{ENDING}"))
    }

    /// The releases that somebody is settling.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub(crate) fn all(&self) -> Result<Vec<TagName>, StoreError> {
        let stem = |(name, _): &(String, PathBuf)| {
            name.strip_suffix(ENDING).map(|stem| stem.replace("%2F", "/").replace("%25", "%"))
        };
        let mut tags: Vec<TagName> =
            children(&self.folder)?.iter().filter_map(stem).filter_map(|tag| tag.parse().ok()).collect();
        tags.sort();
        Ok(tags)
    }

    /// The one about a release, if there is one.
    ///
    /// # Errors
    /// Where it cannot be read, or is something else.
    pub(crate) fn read<T: DeserializeOwned>(&self, slug: &Slug) -> Result<Option<T>, StoreError> {
        let path = self.path(slug);
        let Some(bytes) = read_whole(&path, LARGEST)? else { return Ok(None) };
        let corrupt = |error: serde_json::Error| StoreError::Corrupt { path, reason: error.to_string() };
        serde_json::from_slice(&bytes).map(Some).map_err(corrupt)
    }

    /// Replaces the one about a release in one step.
    ///
    /// # Errors
    /// Where it cannot be written. The old one stands then.
    pub(crate) fn write<T: Serialize>(&self, slug: &Slug, one: &T) -> Result<(), StoreError> {
        own_folder(&self.own)?;
        let path = self.path(slug);
        let text = serde_json::to_string_pretty(one)
            .map_err(|error| StoreError::Corrupt { path: path.clone(), reason: error.to_string() })?;
        replace(&path, (text + "\n").as_bytes())
    }

    /// Removes the one about a release; none is fine.
    ///
    /// # Errors
    /// Where it cannot be removed.
    pub(crate) fn remove(&self, slug: &Slug) -> Result<(), StoreError> {
        let path = self.path(slug);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::io(Operation::Remove, &path)(error))
            }
            Err(_) => Ok(()),
            Ok(()) => sync_folder(&self.folder),
        }
    }

    /// Keeps every other process from settling the same release, until the lock is dropped.
    ///
    /// # Errors
    /// Where another process does so for longer than half a minute.
    pub(crate) fn claim(&self, slug: &Slug) -> Result<Lock, StoreError> {
        own_folder(&self.own)?;
        let lock = Lock::claim(self.folder.join(format!(".claim-{slug}")), &format!("which resumes {slug}"))?;
        sweep(&self.path(slug))?;
        Ok(lock)
    }
}
