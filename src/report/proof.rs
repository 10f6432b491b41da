//! What `patch-moi verify` says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::candidate::{Outcome, Tool};
use crate::ids::{CommitId, EventId, RepoName, TagName};
use crate::report::terminal::Look;
use crate::report::words::shown;
use crate::stack::Settlement;

/// Everything that one `verify` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "patch-moi verify --json")]
pub(crate) struct VerifyReport {
    /// The version of this format, today 1.
    pub(crate) schema_version: u32,
    /// What ran.
    pub(crate) tool: Tool,
    /// The command.
    pub(crate) command: String,
    /// What was looked at: a folder, a ref or a commit.
    pub(crate) what: String,
    /// What it is, where it is what it says.
    pub(crate) proved: Option<Proved>,
    /// Why it is not what it says.
    pub(crate) refusal: Option<RefusalReport>,
    /// The exit code of the process.
    pub(crate) exit_code: u8,
}

/// Something that was proved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Proved {
    /// The release's event.
    pub(crate) event_id: EventId,
    /// The repository that released.
    pub(crate) repo: RepoName,
    /// The release.
    pub(crate) tag: TagName,
    /// What it is. That required checks passed is the run's word.
    pub(crate) status: Outcome,
    /// The commit that was made again.
    pub(crate) commit: CommitId,
    /// The commit of the maintained branch that it was made from.
    pub(crate) tip: CommitId,
    /// Whether the branch has moved on since.
    pub(crate) stale: bool,
    /// What a person settled, and nothing proves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) settlements: Vec<Settlement>,
    /// What was proved, one sentence each.
    pub(crate) sentences: Vec<String>,
}

/// Why something is not published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RefusalReport {
    /// The reason's name, which never changes.
    pub(crate) code: String,
    /// What is not as it should be.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hint: String,
}

/// The JSON schema of `patch-moi verify --json`, as published in docs/schemas.
pub(crate) fn verify_schema() -> Value {
    schemars::schema_for!(VerifyReport).to_value()
}

/// The text of a proof that went well. A refusal is said on standard error.
pub(crate) fn verify_text(report: &VerifyReport, look: &Look) -> String {
    let Some(proved) = &report.proved else { return String::new() };
    let (good, waits) = if look.ascii { ("+", "-") } else { ("✓", "⋯") };
    let mut text = format!("{} {}: {}\n\n", proved.repo, shown(proved.tag.as_str()), proved.sentence());
    for sentence in &proved.sentences {
        text.push_str(&format!("  {good} {}\n", shown(sentence)));
    }
    if proved.stale {
        text.push_str(&format!(
            "  {waits} The branch has moved on since {}: the next run carries the release again.\n",
            proved.tip.short()
        ));
    }
    text
}

impl Proved {
    /// What it is, in half a sentence.
    pub(crate) fn sentence(&self) -> String {
        let commit = self.commit.short();
        match self.status {
            Outcome::Candidate => format!("proved, a complete candidate at {commit}"),
            Outcome::Incomplete => format!("proved, and incomplete: {commit} cannot be landed"),
            Outcome::Failed => format!("proved, and refused by a check: {commit} is no candidate"),
            Outcome::Adopted => "the fork holds the release already".to_owned(),
        }
    }
}
