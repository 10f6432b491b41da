//! Journals: files to which a line of JSON is added for everything that happened.
//!
//! A line is added in one write under the folder's lock and brought to disk. A run that is killed
//! in the middle of it leaves a torn last line: readers pass it over and say so, and the next line
//! that is added begins on a line of its own. No line is ever removed, and none that cannot be
//! read keeps the others from being read.

use std::collections::VecDeque;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::backwards::{self, Backwards};
use super::data_dir;
use super::error::{Operation, StoreError};
use super::file::{folder_of, sync_folder};
use super::lock::Lock;

/// The longest line that is written or read, in bytes.
const LONGEST_LINE: u64 = 16 << 20;
/// How many lines a read complains of one by one.
const MOST_WARNINGS: usize = 20;

/// A file of records, one a line, oldest first.
#[derive(Debug, Clone)]
pub(crate) struct Journal<T> {
    pub(super) path: PathBuf,
    older: Option<PathBuf>,
    records: PhantomData<fn(T) -> T>,
}

/// What was read from a journal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Journaled<T> {
    /// The records, oldest first.
    pub(crate) records: Vec<T>,
    /// What could not be read.
    pub(crate) warnings: Vec<JournalWarning>,
}

/// A line that could not be read and was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JournalWarning {
    /// The journal.
    pub(crate) path: PathBuf,
    /// The first such line, counted from 1, that this warning stands for.
    pub(crate) line: u64,
    /// Why it could not be read, with nothing in it that a terminal would obey.
    pub(crate) why: String,
}

impl fmt::Display for JournalWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {} was passed over: {}", self.path.display(), self.line, self.why)
    }
}

impl<T> Journal<T> {
    pub(super) fn new(path: PathBuf, older: Option<PathBuf>) -> Self {
        Self { path, older, records: PhantomData }
    }
}

impl<T: Serialize + DeserializeOwned> Journal<T> {
    /// Adds a record.
    ///
    /// # Errors
    /// Where the folder cannot be made or locked, the record is too long, or the file not written.
    /// The record is not there then, or stands there as a torn line.
    pub(crate) fn append(&self, record: &T) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        self.add(std::slice::from_ref(record))
    }

    /// Reads the journal and adds what `decide` makes of it, with nobody else adding in between.
    /// Returns what was added, and what could not be read.
    ///
    /// # Errors
    /// As [`Journal::append`] and [`Journal::read`].
    pub(crate) fn append_after<I: IntoIterator<Item = T>>(
        &self,
        decide: impl FnOnce(Vec<T>) -> I,
    ) -> Result<Journaled<T>, StoreError> {
        let _lock = self.lock()?;
        let Journaled { records, warnings } = self.read()?;
        let records: Vec<T> = decide(records).into_iter().collect();
        self.add(&records)?;
        Ok(Journaled { records, warnings })
    }

    /// Adds a record, unless one that is there `is_same`, with nobody else adding in between, and says
    /// whether it was added. The newest are looked at first, each only as far as `K` asks.
    ///
    /// # Errors
    /// As [`Journal::append`], and where a file cannot be read at all.
    pub(crate) fn append_unless<K: DeserializeOwned>(
        &self,
        record: &T,
        mut is_same: impl FnMut(&K) -> bool,
    ) -> Result<bool, StoreError> {
        let _lock = self.lock()?;
        let mut is_known = false;
        self.each_from_end::<K>(|known, _| {
            is_known = is_same(&known);
            if is_known { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if !is_known {
            self.add(std::slice::from_ref(record))?;
        }
        Ok(!is_known)
    }

    /// The newest record that `is_it`; the others are read only as far as `K` asks.
    ///
    /// # Errors
    /// Where a file cannot be read at all.
    pub(crate) fn newest<K: DeserializeOwned>(
        &self,
        mut is_it: impl FnMut(&K) -> bool,
    ) -> Result<Option<T>, StoreError> {
        let mut found = None;
        self.each_from_end::<K>(|known, line| {
            if is_it(&known) {
                found = record(line, false).ok().flatten();
            }
            if found.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(found)
    }

    /// Shows the records to `see`, newest first and one at a time, until it has seen enough. Returns what
    /// could not be read on the way.
    ///
    /// # Errors
    /// Where a file cannot be read at all.
    pub(crate) fn each_from_newest(
        &self,
        mut see: impl FnMut(T) -> ControlFlow<()>,
    ) -> Result<Vec<JournalWarning>, StoreError> {
        self.each_from_end::<T>(|record, _| see(record))
    }

    /// The files from the newest line to the oldest, each line as a `K` and as it stands.
    fn each_from_end<K: DeserializeOwned>(
        &self,
        mut see: impl FnMut(K, &[u8]) -> ControlFlow<()>,
    ) -> Result<Vec<JournalWarning>, StoreError> {
        let mut warnings = Vec::new();
        for path in std::iter::once(&self.path).chain(&self.older) {
            let failed = StoreError::io(Operation::Read, path);
            let file = match File::open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(error)),
            };
            let (flow, found) = each_from_end(file, path, &mut see).map_err(failed)?;
            // The older file's come first, as its lines do.
            warnings.splice(0..0, found);
            if flow.is_break() {
                break;
            }
        }
        Ok(warnings)
    }

    /// Every record, oldest first. A file that is not there has none.
    ///
    /// # Errors
    /// Where a file cannot be read at all.
    pub(crate) fn read(&self) -> Result<Journaled<T>, StoreError> {
        let mut records = Vec::new();
        let warnings = self.for_each(|record| records.push(record))?;
        Ok(Journaled { records, warnings })
    }

    /// Shows every record to `see`, oldest first, holding one at a time. Returns what could not be
    /// read.
    ///
    /// # Errors
    /// Where a file cannot be read at all.
    pub(crate) fn for_each(&self, mut see: impl FnMut(T)) -> Result<Vec<JournalWarning>, StoreError> {
        let mut warnings = VecDeque::new();
        for path in self.older.iter().chain([&self.path]) {
            let file = match File::open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(StoreError::io(Operation::Read, path)(error)),
            };
            let skipped =
                each_line(BufReader::new(file), &mut see).map_err(StoreError::io(Operation::Read, path))?;
            warnings.extend(skipped.into_iter().map(|(line, why)| JournalWarning {
                path: path.clone(),
                line,
                why,
            }));
        }
        Ok(warnings.into())
    }

    fn lock(&self) -> Result<Lock, StoreError> {
        let folder = folder_of(&self.path);
        data_dir::prepare(folder)?;
        Lock::folder(folder)
    }

    /// The records as lines.
    fn encode(&self, records: &[T]) -> Result<Vec<u8>, StoreError> {
        let mut lines = Vec::new();
        for record in records {
            let begin = lines.len();
            serde_json::to_writer(&mut lines, record)
                .map_err(|source| StoreError::Encode { path: self.path.clone(), source })?;
            lines.push(b'\n');
            let bytes = (lines.len() - begin) as u64;
            if bytes > LONGEST_LINE {
                return Err(StoreError::TooLarge { path: self.path.clone(), bytes, limit: LONGEST_LINE });
            }
        }
        Ok(lines)
    }

    /// Adds records. The caller holds the lock.
    pub(super) fn add(&self, records: &[T]) -> Result<(), StoreError> {
        let mut lines = self.encode(records)?;
        if lines.is_empty() {
            return Ok(());
        }
        let is_new = !self.path.exists();
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&self.path)
            .map_err(StoreError::io(Operation::Append, &self.path))?;
        let length = file.seek(SeekFrom::End(0)).map_err(StoreError::io(Operation::Read, &self.path))?;
        if ends_torn(&mut file, length).map_err(StoreError::io(Operation::Read, &self.path))? {
            lines.insert(0, b'\n');
        }
        write_once(&mut file, &lines, length).map_err(StoreError::io(Operation::Append, &self.path))?;
        file.sync_data().map_err(StoreError::io(Operation::Sync, &self.path))?;
        if is_new { sync_folder(folder_of(&self.path)) } else { Ok(()) }
    }
}

/// Writes the lines with a single call, so that a process that knows of no lock cannot come in
/// between. What a full disk cut off is taken back, unless somebody wrote behind it.
fn write_once(file: &mut File, lines: &[u8], length: u64) -> io::Result<()> {
    let written = loop {
        match file.write(lines) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            written => break written?,
        }
    };
    if written == lines.len() {
        return Ok(());
    }
    if file.metadata()?.len() == length + written as u64 {
        file.set_len(length)?;
    }
    Err(io::ErrorKind::StorageFull.into())
}

fn ends_torn(file: &mut File, length: u64) -> io::Result<bool> {
    if length == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::Start(length - 1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// Shows every record in `lines` to `see`; returns number and fault of each line that is none. The
/// last entry stands for all the lines beyond the first few.
fn each_line<T: DeserializeOwned>(
    mut lines: impl BufRead,
    see: &mut impl FnMut(T),
) -> io::Result<Vec<(u64, String)>> {
    let mut skipped: Vec<(u64, String)> = Vec::new();
    let (mut number, mut beyond) = (0, 0_u64);
    let mut line = Vec::new();
    loop {
        line.clear();
        number += 1;
        let read = lines.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        let is_whole = line.ends_with(b"\n");
        let fault = if !is_whole && read as u64 > LONGEST_LINE {
            lines.skip_until(b'\n')?;
            Some(format!("it is longer than {LONGEST_LINE} bytes"))
        } else {
            match record(&line, number == 1) {
                Ok(Some(record)) => {
                    see(record);
                    None
                }
                Ok(None) => None,
                Err(_) if !is_whole => Some("it was not written to its end".to_owned()),
                Err(fault) => Some(fault),
            }
        };
        match fault {
            Some(fault) if skipped.len() < MOST_WARNINGS => skipped.push((number, fault)),
            Some(_) => beyond += 1,
            None => {}
        }
    }
    if let Some((_, fault)) = skipped.last_mut().filter(|_| beyond > 0) {
        fault.push_str(&format!("; and {beyond} more lines after it"));
    }
    Ok(skipped)
}

/// Shows the records of one file to `see`, the newest first; what could not be read comes in the file's
/// order. The first entry stands for all the lines before the last few.
fn each_from_end<K: DeserializeOwned>(
    file: File,
    path: &Path,
    see: &mut impl FnMut(K, &[u8]) -> ControlFlow<()>,
) -> io::Result<(ControlFlow<()>, Vec<JournalWarning>)> {
    let mut lines = Backwards::new(file, LONGEST_LINE)?;
    let mut skipped: VecDeque<(u64, String)> = VecDeque::new();
    let (mut flow, mut beyond) = (ControlFlow::Continue(()), 0_u64);
    while let (true, Some(line)) = (flow.is_continue(), lines.next()?) {
        let fault = match line.bytes.as_deref().map(|bytes| (bytes, record(bytes, line.offset == 0))) {
            None => Some(format!("it is longer than {LONGEST_LINE} bytes")),
            Some((bytes, Ok(Some(record)))) => {
                flow = see(record, bytes);
                None
            }
            Some((_, Ok(None))) => None,
            Some((_, Err(_))) if !line.is_whole => Some("it was not written to its end".to_owned()),
            Some((_, Err(fault))) => Some(fault),
        };
        match fault {
            Some(fault) if skipped.len() < MOST_WARNINGS => skipped.push_front((line.offset, fault)),
            Some(_) => beyond += 1,
            None => {}
        }
    }
    if let Some((_, fault)) = skipped.front_mut().filter(|_| beyond > 0) {
        fault.push_str(&format!("; and {beyond} more lines before it"));
    }
    if skipped.is_empty() {
        return Ok((flow, Vec::new()));
    }
    let offsets: Vec<u64> = skipped.iter().map(|(offset, _)| *offset).collect();
    let numbers = backwards::numbers(File::open(path)?, &offsets)?;
    let warning = |((_, why), line)| JournalWarning { path: path.to_owned(), line, why };
    Ok((flow, skipped.into_iter().zip(numbers).map(warning).collect()))
}

/// The record on a line; nothing on a blank one.
fn record<T: DeserializeOwned>(line: &[u8], is_first: bool) -> Result<Option<T>, String> {
    let text = String::from_utf8_lossy(line);
    let text = if is_first { text.trim_start_matches('\u{feff}').trim() } else { text.trim() };
    if text.is_empty() {
        return Ok(None);
    }
    serde_json::from_str(text).map(Some).map_err(|error| {
        let words: String = error.to_string().chars().take(200).collect();
        words.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
    })
}
