//! Locks between processes, held by the operating system: a process that dies leaves none behind.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::error::{Operation, StoreError};
use super::file::{create_folder, folder_of};

/// How long a lock is waited for. Folders are locked for milliseconds; whoever holds one for this
/// long is stuck.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(15);

/// What the lock file of a folder is called.
pub(super) const NAME: &str = ".lock";

/// Keeps every other process that asks for the same lock waiting, until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    path: PathBuf,
    leaves: Leaves,
}

/// What a lock leaves when it is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaves {
    /// The lock file, for the next.
    File,
    /// Nothing.
    Nothing,
}

impl Lock {
    /// Takes the lock of a folder, which is created where it is missing.
    ///
    /// # Errors
    /// Where the lock file cannot be made, or somebody else holds it for longer than half a minute.
    pub(crate) fn folder(folder: &Path) -> Result<Self, StoreError> {
        Self::acquire(folder.join(NAME), "", PATIENCE, Leaves::File)
    }

    /// Takes a lock of its own at `path`, whose file goes with it. `holder` is what others are told
    /// who wait for it in vain.
    ///
    /// # Errors
    /// As [`Lock::folder`].
    pub(super) fn claim(path: PathBuf, holder: &str) -> Result<Self, StoreError> {
        Self::acquire(path, holder, PATIENCE, Leaves::Nothing)
    }

    /// The same without waiting: an error where somebody holds it.
    ///
    /// # Errors
    /// As [`Lock::folder`].
    pub(super) fn try_claim(path: PathBuf) -> Result<Self, StoreError> {
        Self::acquire(path, "", Duration::ZERO, Leaves::Nothing)
    }

    fn acquire(path: PathBuf, holder: &str, patience: Duration, leaves: Leaves) -> Result<Self, StoreError> {
        let begun = Instant::now();
        loop {
            create_folder(folder_of(&path))?;
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            // The holder writes itself into the file: through a link that a checkout brought it would be another one.
            options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
            let opened = options.open(&path);
            let mut file = match opened {
                // Whoever held it may have taken the folder away with it.
                Err(error) if error.kind() == ErrorKind::NotFound && begun.elapsed() < patience => continue,
                opened => opened.map_err(StoreError::io(Operation::Lock, &path))?,
            };
            match file.try_lock() {
                // Whoever held it may have taken the file away since it was opened here.
                Ok(()) if is_at(&file, &path) => {
                    // The words are for people; the lock holds without them.
                    let _ = introduce(&mut file, holder);
                    return Ok(Self { file, path, leaves });
                }
                Ok(()) => {}
                Err(TryLockError::Error(source)) => {
                    return Err(StoreError::io(Operation::Lock, &path)(source));
                }
                Err(TryLockError::WouldBlock) if begun.elapsed() >= patience => {
                    let holder = who_holds(&mut file);
                    return Err(StoreError::Locked { path, holder, seconds: patience.as_secs() });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(POLL),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Removed while it is held, so that nobody can hold what is removed.
        if self.leaves == Leaves::Nothing {
            let _ = fs::remove_file(&self.path);
        }
        let _ = self.file.unlock();
    }
}

/// Whether `path` still names the opened file.
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    match (file.metadata(), fs::metadata(path)) {
        (Ok(held), Ok(named)) => (held.dev(), held.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

fn introduce(file: &mut File, holder: &str) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    let purpose = if holder.is_empty() { String::new() } else { format!(", {holder}") };
    write!(file, "process {}{purpose}", std::process::id())
}

/// What the holder wrote of itself, on one line.
fn who_holds(file: &mut File) -> String {
    let mut bytes = Vec::new();
    let read = file.rewind().and_then(|()| file.take(300).read_to_end(&mut bytes));
    let words: String = String::from_utf8_lossy(&bytes).chars().filter(|c| !c.is_control()).collect();
    match read {
        Ok(_) if !words.trim().is_empty() => words,
        _ => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_a_link_is_refused_and_what_it_leads_to_stays() {
        let place = tempfile::tempdir().unwrap();
        let precious = place.path().join("precious");
        fs::write(&precious, "words").unwrap();
        std::os::unix::fs::symlink(&precious, place.path().join(NAME)).unwrap();

        assert!(matches!(Lock::folder(place.path()), Err(StoreError::Io { .. })));
        assert_eq!(fs::read_to_string(&precious).unwrap(), "words");
    }

    #[test]
    fn who_waits_in_vain_is_told_who_holds_the_lock() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("x/claim");
        let held = Lock::claim(path.clone(), "carrying \u{1b}[31mv1").unwrap();
        let error = Lock::acquire(path.clone(), "", Duration::ZERO, Leaves::Nothing).unwrap_err();
        let StoreError::Locked { holder, .. } = &error else { panic!("{error}") };
        assert_eq!(*holder, format!("process {}, carrying [31mv1", std::process::id()));
        assert!(error.hint().is_some());

        drop(held);
        assert!(!path.exists(), "a claim leaves no file");
        assert!(Lock::acquire(path, "", Duration::ZERO, Leaves::Nothing).is_ok());
    }

    #[test]
    fn a_lock_has_one_holder_at_a_time_even_while_its_file_comes_and_goes() {
        let place = tempfile::tempdir().unwrap();
        let (path, tally) = (place.path().join("claim"), place.path().join("tally"));
        fs::write(&tally, "0").unwrap();
        let count = || {
            for _ in 0..25 {
                let _lock = Lock::claim(path.clone(), "counting").unwrap();
                let seen: u32 = fs::read_to_string(&tally).unwrap().parse().unwrap();
                fs::write(&tally, (seen + 1).to_string()).unwrap();
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(count);
            }
        });
        assert_eq!(fs::read_to_string(&tally).unwrap(), "100");
    }
}
