//! What `patch-moi resume` says: the JSON of `--json`, and the text for a person.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::printable::printable;
use super::run::RunReport;
use super::words::{place, shown};
use crate::candidate::{NamedRef, Tool};
use crate::ids::{CommitId, RepoName, TagName};
use crate::stack::{Conflict, Culprit};

/// Everything that one `patch-moi resume` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "patch-moi resume --json")]
pub(crate) struct ResumeReport {
    /// The version of this format, today 1.
    pub(crate) schema_version: u32,
    /// What wrote it.
    pub(crate) tool: Tool,
    /// How it stands now.
    pub(crate) state: ResumeState,
    /// The same in a sentence.
    pub(crate) message: String,
    /// The release, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) about: Option<Resumed>,
    /// The folder in which the patch waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) worktree: Option<String>,
    /// The patch that waits there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) patch: Option<AskedPatch>,
    /// What was settled so far, in that order.
    pub(crate) settled: Vec<SettledPatch>,
    /// What could not be used of it, because the patch does not stand on the same any more.
    pub(crate) unused: Vec<SettledPatch>,
    /// What else a reader should know.
    pub(crate) notes: Vec<String>,
    /// The commands to go on with.
    pub(crate) next: Vec<String>,
    /// The refs that were pushed to the fork.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) pushed: Vec<NamedRef>,
    /// What was made of it at the end, as `patch-moi run --json` says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) run: Option<Box<RunReport>>,
    /// The exit code of the process.
    pub(crate) exit_code: u8,
}

/// How a resumed carry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ResumeState {
    /// A patch waits for a person.
    Stopped,
    /// Every conflict is settled, and what comes of it was not made or was refused.
    Settled,
    /// It is a candidate.
    Done,
    /// It was given up.
    Aborted,
    /// There was nothing to resume.
    Nothing,
}

/// The release that is resumed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Resumed {
    /// The repository that released.
    pub(crate) repo: RepoName,
    /// The tag.
    pub(crate) tag: TagName,
    /// The release commit.
    pub(crate) onto: CommitId,
    /// The fork's commit whose patches are carried.
    pub(crate) tip: CommitId,
}

/// A patch that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AskedPatch {
    /// Its place in the stack, from 1.
    pub(crate) number: usize,
    /// How many patches the stack has.
    pub(crate) of: usize,
    /// The fork's commit.
    pub(crate) commit: CommitId,
    /// The first line of its message.
    pub(crate) subject: String,
    /// Whether it is a merge.
    pub(crate) merge: bool,
    /// The commit on which it was tried.
    pub(crate) tried_on: CommitId,
    /// Where it conflicts.
    pub(crate) conflicts: Vec<Conflict>,
    /// The upstream commit with which it stops applying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) culprit: Option<Culprit>,
    /// What else a reader should know about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
    /// How many patches are in conflict, this one included.
    pub(crate) conflicting: usize,
    /// How many wait for those.
    pub(crate) blocked: usize,
}

/// A patch that a person settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SettledPatch {
    /// Its place in the stack, from 1.
    pub(crate) number: usize,
    /// The fork's commit.
    pub(crate) commit: CommitId,
    /// The first line of its message.
    pub(crate) subject: String,
    /// The paths in which it conflicted.
    pub(crate) paths: Vec<String>,
    /// Whether it was left out.
    pub(crate) left_out: bool,
}

/// The JSON schema of `patch-moi resume --json`, as published in docs/schemas.
pub(crate) fn resume_schema() -> Value {
    schemars::schema_for!(ResumeReport).to_value()
}

/// The text for a person. What a run made of it is said as a run says it.
pub(crate) fn resume_text(report: &ResumeReport) -> String {
    let mut text = String::new();
    let mut line = |words: &str| {
        text.push_str(words.trim_end());
        text.push('\n');
    };
    line(&printable(&report.message));
    for patch in &report.settled {
        let how = if patch.left_out { "left out" } else { "settled " };
        line(&format!("  {how}  {:04} {}", patch.number, shown(&patch.subject)));
    }
    for patch in &report.unused {
        line(&format!(
            "  not used  {:04} {}: the patch does not stand on what it stood on when it was settled",
            patch.number,
            shown(&patch.subject)
        ));
    }
    if let Some(patch) = &report.patch {
        line("");
        question(patch).iter().for_each(|words| line(words));
    }
    for note in &report.notes {
        line(&format!("note {}", printable(note)));
    }
    for pushed in &report.pushed {
        line(&format!("pushed    {} {}", printable(pushed.name.as_str()), pushed.commit));
    }
    if !report.next.is_empty() {
        line("");
    }
    for (at, command) in report.next.iter().enumerate() {
        line(&format!("{}{}", if at == 0 { "next      " } else { "          " }, printable(command)));
    }
    text
}

/// The patch that waits for a person.
fn question(patch: &AskedPatch) -> Vec<String> {
    let mut lines = Vec::new();
    lines.push(format!(
        "  patch {} of {}  {} “{}”",
        patch.number,
        patch.of,
        patch.commit.short(),
        shown(&patch.subject)
    ));
    for conflict in &patch.conflicts {
        lines.push(format!("    {}", place(conflict)));
    }
    if let Some(culprit) = &patch.culprit {
        let number = culprit.pull_request.map(|number| format!(" (#{number})")).unwrap_or_default();
        let named = format!("(#{})", culprit.pull_request.unwrap_or_default());
        let subject = shown(&culprit.subject);
        let number = if subject.ends_with(&named) { String::new() } else { number };
        lines.push(format!("    since upstream {} “{subject}”{number}", culprit.commit.short()));
    }
    lines.extend(patch.notes.iter().map(|note| format!("    {}", printable(note))));
    let others = match patch.conflicting.saturating_sub(1) {
        0 => None,
        others => Some(format!("{others} more in conflict")),
    };
    let waiting = match patch.blocked {
        0 => None,
        1 => Some("1 that waits".to_owned()),
        waiting => Some(format!("{waiting} that wait")),
    };
    let after: Vec<String> = others.into_iter().chain(waiting).collect();
    if !after.is_empty() {
        lines.push(format!("    after it: {}", after.join(", ")));
    }
    lines
}
