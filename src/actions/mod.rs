//! GitHub's runner: environment, workflow commands and files.
//!
//! What is written to the two command files is appended whole, with limits checked before; what is
//! printed as a command is escaped. Lines that come from somebody else go through [`Relay`], so
//! that no test output can set an output or mask a letter.
//!
//! GitHub's rules for all of this:
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>.

mod commands;
mod files;
pub(crate) mod imitation;
mod outputs;
mod relay;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use thiserror::Error;

use crate::ids::Slug;

pub(crate) use commands::{Annotation, Level, Place, annotations};
pub(crate) use files::Written;
pub(crate) use outputs::Outputs;
pub(crate) use relay::{Nonce, Relay};

/// The step of a workflow that this process is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Actions {
    output: Option<PathBuf>,
    summary: Option<PathBuf>,
    run: Run,
}

/// The run that the step belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Run {
    id: String,
    attempt: String,
}

impl Actions {
    /// The step, where `env` says that GitHub's runner (or an imitation of it) started this process.
    pub(crate) fn detect(env: &BTreeMap<String, String>) -> Option<Self> {
        let value = |name: &str| env.get(name).filter(|value| !value.is_empty());
        if value("GITHUB_ACTIONS")? != "true" {
            return None;
        }
        let text = |name: &str| value(name).cloned().unwrap_or_default();
        Some(Self {
            output: value("GITHUB_OUTPUT").map(PathBuf::from),
            summary: value("GITHUB_STEP_SUMMARY").map(PathBuf::from),
            run: Run { id: text("GITHUB_RUN_ID"), attempt: text("GITHUB_RUN_ATTEMPT") },
        })
    }

    /// The name under which the artifact of the release `slug` is uploaded. A re-run keeps its run id and the
    /// artifacts of the attempts before it, so the attempt is part of the name.
    pub(crate) fn artifact_name(&self, slug: &Slug) -> String {
        let or_local = |text: &str| if text.is_empty() { "local".to_owned() } else { name_part(text) };
        let (id, attempt) = (or_local(&self.run.id), or_local(&self.run.attempt));
        format!("patch-moi-{}-{id}-{attempt}", name_part(slug.as_str()))
    }
}

/// A part of an artifact's name, without the characters that GitHub refuses in one.
fn name_part(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || "\":<>|*?\\/".contains(c) { '_' } else { c }).collect()
}

/// Why the runner could not be told something.
#[derive(Debug, Error)]
pub(crate) enum ActionsError {
    /// The runner gave no file for it.
    #[error("{variable} is not set, so {what} cannot be handed to GitHub's runner")]
    NoFile { variable: &'static str, what: &'static str },
    /// The name would be read as something else.
    #[error("`{name}` cannot be the name of an output")]
    BadName { name: String },
    /// The value holds the line that is to end it.
    #[error("the value of the output `{name}` holds its own delimiter")]
    Collision { name: String },
    /// GitHub takes 1 MB of outputs from a job.
    #[error("the outputs take {bytes} bytes, and GitHub takes 1,000,000; the longest is `{longest}`")]
    OutputsTooLong { bytes: usize, longest: String },
    /// The file could not be written.
    #[error("{} could not be written", .path.display())]
    Write { path: PathBuf, source: std::io::Error },
    /// What a step left could not be read.
    #[error("{} could not be read", .path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// The system gave no random bytes.
    #[error("no random bytes could be read from {}", .path.display())]
    NoRandom { path: PathBuf, source: std::io::Error },
}

impl ActionsError {
    /// What a person can do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::NoFile { variable, .. } => {
                Some(format!("run it in a step of a workflow, or set {variable} to a file's path"))
            }
            Self::OutputsTooLong { .. } => Some("read the whole of it in the artifact".to_owned()),
            Self::Read { .. } => None,
            Self::Write { path, .. } => Some(format!("check that {} may be written", path.display())),
            Self::BadName { .. } | Self::Collision { .. } | Self::NoRandom { .. } => None,
        }
    }
}
