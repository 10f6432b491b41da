//! What a step prints, on disk while it prints it.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::error::{Operation, StoreError};
use super::file::begin;

/// How many bytes of a finished log are kept: half of them its beginning, half its end. While it is being
/// written the end may be twice as long.
const LIMIT: usize = 4 * 1024 * 1024;

/// How many bytes are held back at most until the next flush.
const HELD_BACK: usize = 64 * 1024;

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
    fn a_new_log_replaces_the_old_one_and_what_a_kill_left_of_it() {
        let place = tempfile::tempdir().unwrap();
        let mut first = log(&place, 100);
        first.write_all(b"old").unwrap();
        first.finish().unwrap();
        std::fs::write(place.path().join("logs/.run.log.x.patch-moi-tmp"), "").unwrap();
        let second = log(&place, 100);
        assert_eq!(text(second.path()), "");
        assert_eq!(std::fs::read_dir(place.path().join("logs")).unwrap().count(), 1);
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
