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
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;

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
    fn add(&self, records: &[T]) -> Result<(), StoreError> {
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
            match record(&line, number) {
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

/// The record on a line; nothing on a blank one.
fn record<T: DeserializeOwned>(line: &[u8], number: u64) -> Result<Option<T>, String> {
    let text = String::from_utf8_lossy(line);
    let text = if number == 1 { text.trim_start_matches('\u{feff}').trim() } else { text.trim() };
    if text.is_empty() {
        return Ok(None);
    }
    serde_json::from_str(text).map(Some).map_err(|error| {
        let words: String = error.to_string().chars().take(200).collect();
        words.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
    })
}
