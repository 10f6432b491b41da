//! The one way to start a child: group, timeout, environment, output.
//!
//! A child gets exactly the environment that is handed in as data, no terminal, and a process
//! group of its own, so that it can be ended with everything it started. Its output is kept up to
//! a limit.
//!
//! A child that ends badly is a result ([`Output`]), not an error; [`Output::success`] makes it one.

mod capture;
mod command;
mod dialogue;
mod env;
mod group;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

pub(crate) use capture::{Capture, Captured, Lines};
pub(crate) use command::{Command, Listener, interrupt, is_interrupted};
pub(crate) use dialogue::{Dialogue, Heard};
pub(crate) use env::{Env, NETWORK, Passed};

/// Which of a child's two streams something came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// With this exit code.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
}

impl Status {
    /// Whether the child exited with 0.
    pub(crate) const fn is_success(self) -> bool {
        matches!(self, Self::Exited(0))
    }

    /// The exit code, where there is one.
    pub(crate) const fn code(self) -> Option<i32> {
        match self {
            Self::Exited(code) => Some(code),
            Self::Signalled(_) => None,
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exit code {code}"),
            Self::Signalled(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// What a child came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    /// The program, as it was named.
    pub(crate) program: String,
    /// How it ended.
    pub(crate) status: Status,
    /// What it wrote to standard output.
    pub(crate) stdout: Captured,
    /// What it wrote to standard error.
    pub(crate) stderr: Captured,
    /// Whether it was ended because its time was up.
    pub(crate) timed_out: bool,
    /// How long it ran.
    pub(crate) duration: Duration,
}

impl Output {
    /// The whole standard output of a child that exited with 0 in time.
    ///
    /// # Errors
    /// Where it did not, or where its standard output is longer than the limit: half an answer is none.
    pub(crate) fn success(self) -> Result<Vec<u8>, ProcessError> {
        let program = self.program;
        if self.timed_out {
            return Err(ProcessError::TimedOut { program, after: self.duration });
        }
        if !self.status.is_success() {
            let said = self.stderr.last_lines(20);
            return Err(ProcessError::Failed { program, status: self.status, said });
        }
        if self.stdout.dropped > 0 {
            return Err(ProcessError::TooMuchOutput { program, dropped: self.stdout.dropped });
        }
        Ok(self.stdout.bytes)
    }
}

/// Why a child could not be run, or what it did wrong.
#[derive(Debug, Error)]
pub(crate) enum ProcessError {
    /// There is no such program.
    #[error("the program `{program}` was not found")]
    NotFound { program: String },
    /// It was to run where nothing is.
    #[error("`{program}` cannot run in {}: that is no directory", .dir.display())]
    NoDirectory { program: String, dir: PathBuf },
    /// The system refused to start it.
    #[error("`{program}` could not be started")]
    Start { program: String, source: std::io::Error },
    /// The system lost it.
    #[error("waiting for `{program}` failed")]
    Wait { program: String, source: std::io::Error },
    /// It ended badly.
    #[error("`{program}` ended with {status}{}{said}", if .said.is_empty() { "" } else { ": " })]
    Failed { program: String, status: Status, said: String },
    /// It was ended because its time was up.
    #[error("`{program}` was ended after {:.1} seconds: its time was up", .after.as_secs_f64())]
    TimedOut { program: String, after: Duration },
    /// This process was asked to end, and its children with it.
    #[error("`{program}` was interrupted")]
    Interrupted { program: String },
    /// It wrote more than anyone is ready to read.
    #[error("`{program}` wrote {dropped} bytes more than the limit")]
    TooMuchOutput { program: String, dropped: u64 },
}

impl ProcessError {
    /// What a person can do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { program } if program.contains('/') => {
                Some(format!("check the path `{program}`, and that the interpreter it names exists"))
            }
            Self::NotFound { program } => Some(format!("install `{program}`, or put its directory on PATH")),
            Self::NoDirectory { dir, .. } => {
                Some(format!("create {} or name another directory", dir.display()))
            }
            Self::Start { program, .. } => Some(format!("check that `{program}` may be executed")),
            Self::TimedOut { .. } => Some("give it more time, or find out what it waits for".to_owned()),
            Self::Wait { .. }
            | Self::Failed { .. }
            | Self::Interrupted { .. }
            | Self::TooMuchOutput { .. } => None,
        }
    }
}
