//! Why a Code Mode step gave no result.

use std::time::Duration;

use thiserror::Error;

use super::super::steps::{RESULT_LIMIT, line_end, with_cause};
use crate::process::{ProcessError, Status};
use crate::record::FlowResultError;

/// What to do where a Codex cannot run scripts.
const OTHERWISE: &str = "or set CODEX_FLOWS_CODE_MODE_HOST=local";

/// Why a step gave no result. The texts stand in records.
#[derive(Debug, Error)]
pub(crate) enum CodeModeError {
    /// CODEX_FLOWS_CODE_MODE_HOST names another host than the two.
    #[error("there is no Code Mode host `{}`", .0.escape_debug())]
    UnknownHost(String),
    /// Nothing on this machine runs JavaScript.
    #[error("neither `bun` nor `node` is on PATH to run a Code Mode script")]
    NoInterpreter,
    /// There is no Codex.
    #[error("{source}")]
    NoCodex { source: ProcessError },
    /// Its Codex runs no scripts.
    #[error("this Codex lacks Code Mode (thread/codeMode/execute)")]
    LacksCodeMode,
    /// The host could not be started, or was stopped together with this process.
    #[error("{title} failed: {}", with_cause(.source))]
    NotRun { title: String, source: ProcessError },
    /// The host ended before it had answered.
    #[error("{title} failed: {host} ended with {status} {during}{}{said}", line_end(.said))]
    Died { title: String, host: &'static str, status: Status, during: String, said: String },
    /// The time for the whole step was up.
    #[error("{title} failed: it was ended {during}, its timeout_ms being {}{}{said}", .limit.as_millis(), line_end(.said))]
    TimedOut { title: String, limit: Duration, during: String, said: String },
    /// The app server answered with an error.
    #[error("{title} failed: the Codex app server refused {method}: {message} (code {code})")]
    Refused { title: String, method: &'static str, code: i64, message: String },
    /// The app server's answer lacks what has to be in it.
    #[error("{title} failed: the Codex app server's answer to {method} has no {lacks}")]
    Answer { title: String, method: &'static str, lacks: &'static str },
    /// The app server said more than is read, or reads nothing itself.
    #[error("{title} failed: the Codex app server {what}")]
    Broken { title: String, what: String },
    /// The turn in which the script ran ended badly.
    #[error("{title} failed: the turn ended as {status}{}{message}", if .message.is_empty() { "" } else { ": " })]
    TurnFailed { title: String, status: String, message: String },
    /// The script threw an error.
    #[error("{title} failed: {message} ({place})")]
    Threw { title: String, message: String, place: String },
    /// The script waits for something that cannot come.
    #[error("{title} failed: the script waits for something that never comes: nothing runs any more")]
    Stuck { title: String },
    /// The script's texts hold no result.
    #[error("{0}")]
    NoResult(FlowResultError),
    /// Its result is too long to be kept.
    #[error("FLOW_RESULT has {bytes} bytes, and may have {RESULT_LIMIT}")]
    TooLong { bytes: usize },
}

impl CodeModeError {
    /// Whether something around the step has to change first, and the step itself did nothing.
    pub(crate) const fn is_blocked(&self) -> bool {
        matches!(
            self,
            Self::UnknownHost(_) | Self::NoInterpreter | Self::NoCodex { .. } | Self::LacksCodeMode
        )
    }

    /// Whether it was stopped together with this process, which says nothing about the step.
    pub(crate) const fn is_interruption(&self) -> bool {
        matches!(self, Self::NotRun { source: ProcessError::Interrupted { .. }, .. })
    }

    /// What a person can do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        let text = match self {
            Self::UnknownHost(_) => {
                "set CODEX_FLOWS_CODE_MODE_HOST to `codex` or `local`, or take it out: that means `codex`"
                    .to_owned()
            }
            Self::NoInterpreter => "install bun, or put its directory on PATH".to_owned(),
            Self::NoCodex { .. } => format!(
                "install one that has Code Mode and name it with CODEX_APP_SERVER_CODEX_COMMAND, {OTHERWISE}"
            ),
            Self::LacksCodeMode => {
                format!("install one that has it, such as the package {}, {OTHERWISE}", super::PACKAGE)
            }
            Self::TimedOut { .. } => "give it a longer timeout_ms, or find out what it waits for".to_owned(),
            Self::NoResult(_) => "call `result({ status: \"completed\" })` before the script ends".to_owned(),
            Self::TooLong { .. } => "write what is long into a file, and name that".to_owned(),
            Self::Stuck { .. } => "look for a promise that nobody resolves".to_owned(),
            Self::NotRun { source, .. } => return source.hint(),
            Self::Died { .. }
            | Self::Refused { .. }
            | Self::Answer { .. }
            | Self::Broken { .. }
            | Self::TurnFailed { .. }
            | Self::Threw { .. } => return None,
        };
        Some(text)
    }
}
