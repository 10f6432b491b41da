//! What an imitated run of the workflow shows: the JSON of `patch-moi local --json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::candidate::Tool;
use crate::ids::CommitId;

/// Everything that an imitated run shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "patch-moi local --json")]
pub(crate) struct LocalReport {
    /// The version of this format, today 1.
    pub(crate) schema_version: u32,
    /// What ran.
    pub(crate) tool: Tool,
    /// `schedule` or `workflow_dispatch`.
    pub(crate) event: String,
    /// The commit that was checked out.
    pub(crate) commit: CommitId,
    /// The branch that it was checked out as.
    pub(crate) branch: String,
    /// What lies in the work tree and is not part of that commit, or is part of it and at no remote.
    pub(crate) unseen: Unseen,
    /// What the step was told besides: `PATH`, `GITHUB_SHA`, …, without the values.
    pub(crate) environment: Vec<String>,
    /// The command that the action would run.
    pub(crate) command: Vec<String>,
    /// The exit code of the step; none where a signal ended it.
    pub(crate) exit_code: Option<i32>,
    /// `success` or `failure`, as GitHub would show the step.
    pub(crate) conclusion: String,
    /// What the runner itself holds against the step: files or commands that it could not read.
    pub(crate) faults: Vec<String>,
    /// The outputs of the step.
    pub(crate) outputs: Vec<Pair>,
    /// The variables that later steps would have.
    pub(crate) env: Vec<Pair>,
    /// The folders that later steps would have on their PATH.
    pub(crate) path: Vec<String>,
    /// How many values would be masked in the log from then on.
    pub(crate) masks: usize,
    /// The summary.
    pub(crate) summary: LocalSummary,
    /// The annotations that GitHub would record.
    pub(crate) annotations: Vec<LocalAnnotation>,
    /// How many annotations more would stand in the log alone.
    pub(crate) only_in_log: OnlyInLog,
    /// The folders that would be uploaded, as they lie on this machine now.
    pub(crate) artifacts: Vec<String>,
}

/// What a runner would not see.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Unseen {
    /// Tracked files that differ from the commit.
    pub(crate) changed: Vec<String>,
    /// Files that are not tracked and not ignored.
    pub(crate) untracked: Vec<String>,
    /// Commits that `origin` was not seen to have.
    pub(crate) unpushed: Vec<UnpushedCommit>,
}

impl Unseen {
    /// Whether a runner sees everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.untracked.is_empty() && self.unpushed.is_empty()
    }
}

/// A commit that no remote is known to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct UnpushedCommit {
    /// Its id.
    pub(crate) commit: CommitId,
    /// Its subject.
    pub(crate) subject: String,
}

/// A name and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Pair {
    /// The name.
    pub(crate) name: String,
    /// The value.
    pub(crate) value: String,
}

/// A step's summary.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct LocalSummary {
    /// Its Markdown.
    pub(crate) markdown: String,
    /// How many bytes it has.
    pub(crate) bytes: usize,
    /// How many GitHub takes; of a longer one it shows nothing.
    pub(crate) limit: usize,
    /// Whether GitHub would show it.
    pub(crate) shown: bool,
}

/// An annotation as GitHub would record it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LocalAnnotation {
    /// `error`, `warning` or `notice`.
    pub(crate) level: String,
    /// What stands above it.
    pub(crate) title: Option<String>,
    /// What it says.
    pub(crate) message: String,
    /// The file that it belongs to.
    pub(crate) file: Option<String>,
    /// The line, from 1.
    pub(crate) line: Option<u32>,
    /// The last line.
    pub(crate) end_line: Option<u32>,
    /// The column, from 1.
    pub(crate) col: Option<u32>,
    /// The last column.
    pub(crate) end_col: Option<u32>,
}

/// How many annotations were too many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct OnlyInLog {
    /// Errors.
    pub(crate) errors: usize,
    /// Warnings.
    pub(crate) warnings: usize,
    /// Notices.
    pub(crate) notices: usize,
}

/// The JSON schema of `patch-moi local --json`, as published in docs/schemas.
pub(crate) fn local_schema() -> Value {
    schemars::schema_for!(LocalReport).to_value()
}
