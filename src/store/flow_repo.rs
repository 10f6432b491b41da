//! Folders in which a step of a flow works on a repository of its own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::{Operation, StoreError};
use super::file::{own_folder, read_whole, replace};
use super::lock::Lock;
use crate::record::RunId;

/// The largest note that is read, in bytes.
const LARGEST_NOTE: u64 = 4096;

/// `.codex/workspace/actions/flow-repos/RUN` of a workspace. Dropped, it is removed, unless it is to be kept for a
/// person. A run that is killed leaves it behind, and the next one of any id removes it.
#[derive(Debug)]
pub(crate) struct FlowRepo {
    path: PathBuf,
    note: PathBuf,
    is_kept: bool,
    /// Held as long as the folder is in use.
    _lock: Lock,
}

impl FlowRepo {
    /// The folder of a run, which is not there yet, or was kept by an earlier run: then with what it noted.
    ///
    /// # Errors
    /// Where the folder above cannot be made, or what a killed run left not be removed.
    pub(crate) fn open(workspace: &Path, run: &RunId) -> Result<(Self, Option<String>), StoreError> {
        let own = workspace.join(".codex/workspace/actions");
        own_folder(&own)?;
        let path = own.join("flow-repos").join(run.as_str());
        let lock = Lock::claim(path.with_extension("lock"), &format!("which works in {}", path.display()))?;
        let repo = Self { note: path.with_extension("kept"), path, is_kept: false, _lock: lock };
        repo.sweep();
        if repo.path.is_dir()
            && let Some(note) = read_whole(&repo.note, LARGEST_NOTE)?
        {
            return Ok((repo, Some(String::from_utf8_lossy(&note).trim().to_owned())));
        }
        repo.remove()?;
        Ok((repo, None))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves it to a person, with a note for the next run.
    ///
    /// # Errors
    /// Where the note cannot be written.
    pub(crate) fn keep(&mut self, note: &str) -> Result<(), StoreError> {
        self.is_kept = true;
        replace(&self.note, format!("{note}\n").as_bytes())
    }

    /// Removes what killed runs of other ids left: a replay's id never comes again.
    fn sweep(&self) {
        let entries = self.path.parent().and_then(|folder| fs::read_dir(folder).ok());
        for path in entries.into_iter().flatten().flatten().map(|entry| entry.path()) {
            let is_ours = path == self.path;
            if !is_ours && path.is_dir() && !path.with_extension("kept").exists() {
                // What cannot be removed now may be another time. Who holds the lock is at work there.
                let _ = Lock::try_claim(path.with_extension("lock")).map(|_lock| fs::remove_dir_all(&path));
            }
        }
    }

    fn remove(&self) -> Result<(), StoreError> {
        for removed in [fs::remove_dir_all(&self.path), fs::remove_file(&self.note)] {
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(StoreError::io(Operation::Remove, &self.path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Drop for FlowRepo {
    fn drop(&mut self) {
        if !self.is_kept {
            // What cannot be removed now is removed by the next run of the same id.
            let _ = self.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> RunId {
        RunId::of(&"e".parse().unwrap(), "demo", "hello")
    }

    #[test]
    fn what_a_killed_run_of_another_id_left_goes_and_what_is_in_use_or_kept_stays() {
        let place = tempfile::tempdir().unwrap();
        let open =
            |step| FlowRepo::open(place.path(), &RunId::of(&"e".parse().unwrap(), "demo", step)).unwrap().0;
        let [in_use, mut kept, left] = ["one", "two", "three"].map(open);
        let paths = [&in_use, &kept, &left].map(|repo| repo.path().to_owned());
        paths.iter().for_each(|path| fs::create_dir_all(path.join(".git")).unwrap());
        kept.keep("tip").unwrap();
        drop(kept);
        // A kill drops the lock and nothing else.
        let FlowRepo { note, .. } = &left;
        fs::remove_file(note.with_extension("lock")).unwrap();
        std::mem::forget(left);

        drop(open("four"));
        assert_eq!(paths.map(|path| path.exists()), [true, true, false]);
    }

    #[test]
    fn what_a_killed_run_left_goes_and_what_was_kept_stays() {
        let place = tempfile::tempdir().unwrap();
        let open = || FlowRepo::open(place.path(), &run()).unwrap();
        let (mut repo, note) = open();
        assert_eq!(note, None);
        fs::create_dir_all(repo.path().join(".git")).unwrap();
        let path = repo.path().to_owned();
        // A kill drops the lock and nothing else.
        fs::remove_file(path.with_extension("lock")).unwrap();
        std::mem::forget(repo);
        (repo, _) = open();
        assert!(!path.exists(), "nobody noted that it is to be kept");

        fs::create_dir_all(&path).unwrap();
        repo.keep("tip").unwrap();
        drop(repo);
        let (repo, note) = open();
        assert_eq!((note.as_deref(), path.is_dir()), (Some("tip"), true));
        drop(repo);
        assert!(!path.exists() && fs::read_dir(path.parent().unwrap()).unwrap().next().is_none());
    }
}
