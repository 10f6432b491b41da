//! What a step prints, on disk while it prints it.

use std::cmp::Reverse;
use std::collections::{HashSet, VecDeque};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::artifact::remove;
use super::error::{Operation, StoreError};
use super::file::{begin, children};
use crate::record::Archived;

/// How many bytes of a finished log are kept: half of them its beginning, half its end. While it is being
/// written the end may be twice as long.
const LIMIT: usize = 4 * 1024 * 1024;

/// How many bytes are held back at most until the next flush.
const HELD_BACK: usize = 64 * 1024;

/// So many logs of runs that the state does not have are kept: of those under way, and of killed ones.
const WITHOUT_RUN: usize = 100;

/// The file that the log of a run is in.
pub(super) fn name(run: &str) -> String {
    format!("{run}.log")
}

/// Removes the logs of runs that were archived, and the oldest of those that belong to no run of the state where
/// there are many. The log of a run of the state stays in any case, and one that cannot be removed stays too.
///
/// # Errors
/// Where the folder cannot be read.
pub(super) fn remove_old(
    folder: &Path,
    archived: &[Archived],
    kept: &HashSet<&str>,
) -> Result<(), StoreError> {
    if !folder.is_dir() {
        return Ok(());
    }
    let archived: HashSet<String> = archived.iter().flat_map(Archived::run_ids).map(name).collect();
    let kept: HashSet<String> = kept.iter().map(|run| name(run)).collect();
    let mut others = Vec::new();
    for (name, path) in children(folder)? {
        if kept.contains(&name) || !name.ends_with(".log") {
            continue;
        }
        if archived.contains(&name) {
            let _ = remove(&path);
        } else {
            others.push(path);
        }
    }
    if others.len() > WITHOUT_RUN {
        others.sort_by_cached_key(|path| {
            Reverse(path.symlink_metadata().and_then(|file| file.modified()).ok())
        });
        for path in &others[WITHOUT_RUN..] {
            let _ = remove(path);
        }
    }
    Ok(())
}

/// The log of one run. What is flushed is in the file, and stays there if this process is killed.
#[derive(Debug)]
pub(crate) struct RunLog {
    path: PathBuf,
    file: File,
    half: usize,
    /// How many bytes the beginning has.
    head: usize,
    /// The end, as long as it may be.
    tail: VecDeque<u8>,
    /// How many bytes after the beginning are in the file.
    after_head: usize,
    /// How many bytes have fallen out of `tail`.
    dropped: u64,
    held: Vec<u8>,
    failed: Option<io::Error>,
}

impl RunLog {
    /// A log that replaces what is at `path`.
    pub(super) fn begin(path: PathBuf) -> Result<Self, StoreError> {
        Self::with_limit(path, LIMIT)
    }

    fn with_limit(path: PathBuf, limit: usize) -> Result<Self, StoreError> {
        Ok(Self {
            file: begin(&path)?,
            path,
            half: limit / 2,
            head: 0,
            tail: VecDeque::new(),
            after_head: 0,
            dropped: 0,
            held: Vec::new(),
            failed: None,
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Brings it to its final length.
    ///
    /// # Errors
    /// The first that came while it was written.
    pub(crate) fn finish(mut self) -> Result<(), StoreError> {
        let _ = self.flush();
        if self.dropped > 0 {
            let cut = self.cut();
            self.note(cut);
        }
        self.failed.map_or(Ok(()), |error| Err(StoreError::io(Operation::Write, &self.path)(error)))
    }

    fn take(&mut self, bytes: &[u8]) {
        let (head, rest) = bytes.split_at(self.half.saturating_sub(self.head).min(bytes.len()));
        self.head += head.len();
        let kept = &rest[rest.len().saturating_sub(self.half)..];
        let over = (self.tail.len() + kept.len()).saturating_sub(self.half);
        self.tail.drain(..over);
        self.tail.extend(kept);
        self.dropped += (over + rest.len() - kept.len()) as u64;
        self.after_head += rest.len();
        self.held.extend_from_slice(bytes);
    }

    fn write_out(&mut self) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        self.file.write_all(&held)?;
        if self.after_head > 2 * self.half { self.cut() } else { Ok(()) }
    }

    /// Takes what lies between beginning and end out of the file. A kill in between leaves both.
    fn cut(&mut self) -> io::Result<()> {
        let said = format!("\n[.. {} bytes left out ..]\n", self.dropped);
        self.file.seek(SeekFrom::Start(self.head as u64))?;
        self.file.write_all(said.as_bytes())?;
        let (first, second) = self.tail.as_slices();
        self.file.write_all(first)?;
        self.file.write_all(second)?;
        self.after_head = said.len() + self.tail.len();
        self.file.set_len((self.head + self.after_head) as u64)
    }

    /// Nothing more is written where something is missing.
    fn note(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.failed.get_or_insert(error);
        }
    }
}

impl Write for RunLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failed.is_none() {
            self.take(bytes);
            if self.held.len() > HELD_BACK {
                self.flush()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.failed.is_none() {
            let written = self.write_out();
            self.note(written);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(place: &tempfile::TempDir, limit: usize) -> RunLog {
        RunLog::with_limit(place.path().join("logs/run.log"), limit).unwrap()
    }

    fn text(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap()
    }

    fn logs(place: &tempfile::TempDir) -> Vec<String> {
        let mut names: Vec<String> =
            children(place.path()).unwrap().into_iter().map(|(name, _)| name).collect();
        names.sort();
        names
    }

    #[test]
    fn of_logs_without_a_run_the_newest_hundred_stay() {
        let place = tempfile::tempdir().unwrap();
        for at in 0..130 {
            let file = File::create(place.path().join(format!("run_{at:03}.log"))).unwrap();
            let age = std::time::Duration::from_secs(at);
            file.set_modified(std::time::UNIX_EPOCH + age).unwrap();
        }
        remove_old(place.path(), &[], &HashSet::from(["run_003", "run_007"])).unwrap();
        let left = logs(&place);
        assert_eq!(left.len(), 102, "{left:?}");
        assert_eq!(left[..3], ["run_003.log", "run_007.log", "run_030.log"]);
    }

    #[test]
    fn a_log_that_cannot_be_begun_is_named() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("logs"), "a file").unwrap();
        let error = RunLog::begin(place.path().join("logs/run.log")).unwrap_err();
        assert!(error.to_string().contains("logs"), "{error}");
    }

    #[test]
    fn what_is_flushed_can_be_read_while_the_log_is_open() {
        let place = tempfile::tempdir().unwrap();
        let mut log = log(&place, 100);
        log.write_all(b"one\n").unwrap();
        log.flush().unwrap();
        assert_eq!(text(log.path()), "one\n");
    }

    #[test]
    fn a_new_log_replaces_the_old_one_and_touches_nothing_that_a_link_points_to() {
        let place = tempfile::tempdir().unwrap();
        let mut first = log(&place, 100);
        first.write_all(b"old").unwrap();
        first.finish().unwrap();
        let second = log(&place, 100);
        assert_eq!(text(second.path()), "");

        let outside = place.path().join("outside");
        std::fs::write(&outside, "theirs").unwrap();
        std::fs::remove_file(second.path()).unwrap();
        std::os::unix::fs::symlink(&outside, second.path()).unwrap();
        let mut third = log(&place, 100);
        third.write_all(b"ours").unwrap();
        third.finish().unwrap();
        assert_eq!(text(&outside), "theirs");
    }

    #[test]
    fn of_a_long_log_the_file_always_holds_head_and_tail_and_never_much_more() {
        for size in [1, 3, 7, 50] {
            let place = tempfile::tempdir().unwrap();
            let mut log = log(&place, 8);
            let whole: Vec<u8> = (0..100).map(|at| b'a' + at % 26).collect();
            for piece in whole.chunks(size) {
                log.write_all(piece).unwrap();
                log.flush().unwrap();
                let now = text(log.path());
                assert!(now.starts_with(&"abcd"[..now.len().min(4)]), "{now}");
                assert!(
                    now.ends_with(std::str::from_utf8(&piece[piece.len().saturating_sub(4)..]).unwrap()),
                    "{now}"
                );
                assert!(now.len() < 8 + 50 + 40, "{now}");
            }
            let path = log.path().to_owned();
            log.finish().unwrap();
            assert_eq!(text(&path), "abcd\n[.. 92 bytes left out ..]\nstuv", "in pieces of {size}");
        }
    }
}
