//! The workspace: the folder that holds a fork's `.codex`, `flows` and `feed-sources.json`.
//!
//! An edge that only reads. Everything in here was written by somebody else, so sizes are bounded,
//! links are not followed out of where they stand, and nothing is judged: `flow` and `pack` do that.

mod error;
mod find;
mod flows;
mod listing;
mod read;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::flow::{Origin, shown};
use crate::pack::{Contents, FoundFlow};

pub(crate) use error::WorkspaceError;
pub(crate) use listing::{listing, place};
pub(crate) use read::{read_bounded, read_own, read_schema};

/// The largest pack-lock.json, in bytes.
const MAX_LOCK: u64 = 8 << 20;

/// The largest workspace.toml, in bytes.
const MAX_SETTINGS: u64 = 1 << 20;

/// A workspace, by its root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Workspace {
    root: PathBuf,
    cwd: PathBuf,
}

impl Workspace {
    /// The workspace of the absolute folder `cwd`: `explicit` (relative to `cwd`) where it is given,
    /// else the nearest that the folders above show.
    ///
    /// # Errors
    /// Where `explicit` is no folder.
    pub(crate) fn find(cwd: &Path, explicit: Option<&Path>) -> Result<Self, WorkspaceError> {
        let root = match explicit {
            None => find::root_for(cwd),
            Some(path) => below(cwd, path),
        };
        if !root.is_dir() {
            return Err(WorkspaceError::NoRoot { path: root });
        }
        Ok(Self { root, cwd: cwd.to_owned() })
    }

    /// The root.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// `.codex`, whether or not it exists.
    pub(crate) fn codex(&self) -> PathBuf {
        self.root.join(".codex")
    }

    /// Where candidates are put, one folder an event.
    pub(crate) fn artifacts_dir(&self) -> PathBuf {
        self.codex().join("workspace/actions/artifacts")
    }

    /// Where product state is kept: `named`, relative to the root, else `data` where it exists, else
    /// a folder under `.codex`.
    pub(crate) fn data_dir(&self, named: Option<&Path>) -> PathBuf {
        if let Some(named) = named {
            return below(&self.root, named);
        }
        let data = self.root.join("data");
        if data.is_dir() { data } else { self.codex().join("workspace/actions/data") }
    }

    /// The file with the feed sources: `flag` (`--feed-sources`), else `env` (FEED_SOURCES_PATH), each
    /// relative to where the program was started, else the root's feed-sources.json where there is one.
    ///
    /// A file that was named is returned whether or not it exists, so that reading it can say so.
    pub(crate) fn sources_file(&self, flag: Option<&Path>, env: Option<&str>) -> Option<PathBuf> {
        let named = flag.or_else(|| env.filter(|path| !path.trim().is_empty()).map(Path::new));
        let bundled = || Some(self.root.join("feed-sources.json")).filter(|path| path.is_file());
        named.map(|path| below(&self.cwd, path)).or_else(bundled)
    }

    /// Every folder directly below `.codex/flows`, then below `flows`, that holds a flow.toml.
    ///
    /// What is wrong with one of them is told in it, and hides no other.
    ///
    /// # Errors
    /// Where one of the two folders cannot be read or holds too many entries.
    pub(crate) fn found_flows(&self) -> Result<Vec<FoundFlow>, WorkspaceError> {
        let mut found = flows::found_in(&self.root, Origin::Installed)?;
        found.extend(flows::found_in(&self.root, Origin::Source)?);
        Ok(found)
    }

    /// What a folder holds, or why that cannot be said.
    ///
    /// # Errors
    /// Where it cannot be read, or holds more than a flow may.
    pub(crate) fn contents_of(&self, folder: &Path) -> Result<Contents, String> {
        flows::contents(folder)
    }

    /// The files of `contents` in `folder` that were written after `since`.
    pub(crate) fn changed_after(&self, folder: &Path, contents: &Contents, since: Timestamp) -> Vec<String> {
        let written =
            |path: &str| folder.join(path).symlink_metadata().and_then(|found| found.modified()).ok();
        let is_newer = |path: &str| {
            written(path).and_then(|at| Timestamp::try_from(at).ok()).is_some_and(|at| at > since)
        };
        contents.files.iter().filter(|(path, _)| is_newer(path)).map(|(path, _)| shown(path)).collect()
    }

    /// The path and text of `.codex/workspace.toml`, where there is one.
    ///
    /// # Errors
    /// Where it is there and cannot be read.
    pub(crate) fn settings(&self) -> Result<Option<(PathBuf, String)>, WorkspaceError> {
        self.optional("workspace.toml", MAX_SETTINGS)
    }

    /// The lock's path and text, where there is one.
    ///
    /// # Errors
    /// Where it is there and cannot be read.
    pub(crate) fn lock(&self) -> Result<Option<(PathBuf, String)>, WorkspaceError> {
        self.optional("pack-lock.json", MAX_LOCK)
    }

    /// A file of `.codex` and its text, where it is there.
    fn optional(&self, name: &str, max: u64) -> Result<Option<(PathBuf, String)>, WorkspaceError> {
        let path = self.codex().join(name);
        match path.symlink_metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            _ => read_bounded(&path, max).map(|text| Some((path, text))),
        }
    }
}

/// `path` seen from `folder`, without the `.` in `./file` that people type and no message needs.
fn below(folder: &Path, path: &Path) -> PathBuf {
    folder.join(path).components().collect()
}
