//! What a change of a workspace writes down before it begins, and what of that can be believed afterwards.
//!
//! A journal lies in the workspace, and so may come with a checkout that somebody else made: it moves nothing but
//! what its own transaction has staged, to nowhere but where packs are installed.

use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

use super::super::error::{Operation, StoreError};
use crate::ids::{Digest, RelPath};
use crate::pack::{BACKUPS, is_installed_at};

/// The only version of the format.
const VERSION: u32 = 1;

/// A step of a journal. Files and folders are known by their inode numbers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) place: String,
    /// What is put there.
    pub(super) new: Option<u64>,
    /// What stood there.
    pub(super) old: Option<u64>,
    /// How that looked.
    pub(super) was: Option<Digest>,
    pub(super) backup: Option<String>,
}

/// What is to be changed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Journal {
    version: u32,
    pub(super) steps: Vec<Step>,
}

impl Journal {
    pub(super) const fn of(steps: Vec<Step>) -> Self {
        Self { version: VERSION, steps }
    }

    /// Reads the journal `file` of the workspace `root`.
    ///
    /// # Errors
    /// Where it is none, or names a place at which no pack is installed.
    pub(super) fn parse(bytes: &[u8], file: &Path, root: &Path) -> Result<Self, StoreError> {
        let corrupt = |reason: String| StoreError::Corrupt { path: file.to_owned(), reason };
        let journal: Self = serde_json::from_slice(bytes).map_err(|error| corrupt(error.to_string()))?;
        if journal.version != VERSION {
            return Err(corrupt(format!("its version is {}, and only {VERSION} is known", journal.version)));
        }
        for step in &journal.steps {
            let is_backup = |path: &str| path.starts_with(BACKUPS) && path.parse::<RelPath>().is_ok();
            if !is_installed_at(&step.place) || !step.backup.as_deref().is_none_or(is_backup) {
                return Err(corrupt("it names a place at which no pack is installed".to_owned()));
            }
            no_link(root, &step.place)?;
            step.backup.as_deref().map_or(Ok(()), |backup| no_link(root, backup))?;
        }
        Ok(journal)
    }
}

/// Refuses a path below `root` of which a folder on the way is a link: what is put there would land elsewhere.
pub(super) fn no_link(root: &Path, path: &str) -> Result<(), StoreError> {
    for (at, _) in path.match_indices('/') {
        let folder = root.join(&path[..at]);
        if folder.is_symlink() {
            let reason = "it is a symbolic link, and nothing is written through it".to_owned();
            return Err(StoreError::Corrupt { path: folder, reason });
        }
    }
    Ok(())
}

/// What stands there, itself and not what it points to; none where nothing does.
pub(super) fn inode(path: &Path) -> Result<Option<u64>, StoreError> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found.ino())),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(StoreError::io(Operation::Read, path)(error)),
    }
}

/// How what stands there looks: which files, how large and when written. Whoever writes into one of them changes
/// that, and whoever moves the whole does not. None where nothing stands there.
pub(super) fn look(path: &Path) -> Result<Option<Digest>, StoreError> {
    if inode(path)?.is_none() {
        return Ok(None);
    }
    let failed = |error: walkdir::Error| StoreError::io(Operation::Read, path)(error.into());
    let mut text = String::new();
    for entry in WalkDir::new(path).follow_links(false).sort_by_file_name() {
        let entry = entry.map_err(failed)?;
        let found = entry.metadata().map_err(failed)?;
        let written = match found.is_dir() {
            true => (0, 0, 0),
            false => (found.size(), found.mtime(), found.mtime_nsec()),
        };
        let below = entry.path().strip_prefix(path).unwrap_or(entry.path());
        let _ = writeln!(text, "{} {} {written:?} {below:?}", found.ino(), found.mode());
    }
    Ok(Some(Digest::of(text.as_bytes())))
}
