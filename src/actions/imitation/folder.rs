//! The folders and files that a runner makes before a step, and what the step left in them.
#![expect(clippy::disallowed_methods, reason = "here the runner is played, which makes these files")]

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::files::{read_pairs, read_paths};
use super::log::Log;
use super::runner::{CommandFile, Job};
use crate::actions::ActionsError;
use crate::report::{LocalSummary, Pair};

/// How many bytes of outputs GitHub takes from a job, counted as UTF-16.
const OUTPUTS_LIMIT: usize = 1_000_000;
/// How many bytes a step's summary may have.
const SUMMARY_LIMIT: usize = 1024 * 1024;
/// So much of a command file is read at all.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// What a step told the runner.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Its outputs.
    pub(crate) outputs: Vec<Pair>,
    /// The variables for later steps.
    pub(crate) env: Vec<Pair>,
    /// The folders for later steps' PATH.
    pub(crate) path: Vec<String>,
    /// Its summary.
    pub(crate) summary: LocalSummary,
    /// What fails the step.
    pub(crate) faults: Vec<String>,
}

impl Job {
    /// Makes the empty command files, the event and the temporary folder, as a runner does before a step.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub(crate) fn prepare(&self) -> Result<(), ActionsError> {
        for kind in CommandFile::ALL {
            write(&self.file(kind), b"")?;
        }
        write(&self.event_file(), format!("{:#}\n", self.event()).as_bytes())
    }

    /// Reads what the step left, with GitHub's limits, and what `log` says that it set in the old way.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub(crate) fn told(&self, log: &Log) -> Result<Told, ActionsError> {
        let mut told = Told { faults: log.faults.clone(), ..Told::default() };
        told.outputs = self.pairs(CommandFile::Output, &mut told.faults)?;
        for pair in &log.outputs {
            told.outputs.retain(|known| known.name != pair.name);
            told.outputs.push(pair.clone());
        }
        let units = |text: &str| text.encode_utf16().count() * 2;
        let bytes: usize = told.outputs.iter().map(|pair| units(&pair.name) + units(&pair.value)).sum();
        if bytes > OUTPUTS_LIMIT {
            told.faults.push(format!("The outputs take {bytes} bytes, and a job may have {OUTPUTS_LIMIT}."));
        }
        told.env = self.pairs(CommandFile::Env, &mut told.faults)?;
        if told.env.iter().any(|pair| pair.name.eq_ignore_ascii_case("NODE_OPTIONS")) {
            told.faults
                .push("Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.".to_owned());
        }
        self.pairs(CommandFile::State, &mut told.faults)?;
        told.path = read_paths(&read(&self.file(CommandFile::Path))?);
        told.summary = summary(read(&self.file(CommandFile::Summary))?);
        Ok(told)
    }

    fn pairs(&self, kind: CommandFile, faults: &mut Vec<String>) -> Result<Vec<Pair>, ActionsError> {
        let found = read_pairs(&read(&self.file(kind))?);
        if let Some(fault) = found.fault {
            faults.push(format!("Unable to process file command '{}' successfully. {fault}", kind.name()));
        }
        Ok(found.pairs)
    }
}

fn summary(markdown: String) -> LocalSummary {
    let bytes = markdown.len();
    LocalSummary { markdown, bytes, limit: SUMMARY_LIMIT, shown: bytes > 0 && bytes <= SUMMARY_LIMIT }
}

/// A file that the step removed is an empty one.
fn read(path: &Path) -> Result<String, ActionsError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(String::from_utf8_lossy(&bytes).trim_start_matches('\u{feff}').to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(ActionsError::Read { path: path.to_owned(), source }),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), ActionsError> {
    let failed = |source| ActionsError::Write { path: PathBuf::from(path), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(path, bytes).map_err(failed)
}
