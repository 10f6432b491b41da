//! What one run of patch-moi says: the JSON of `--json`, and what every renderer is given.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::candidate::{Document, Plan, Tool};
use crate::ids::{CommitId, EventId, RefName, RepoName, TagName};

/// Everything that one run says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "patch-moi run --json")]
pub(crate) struct RunReport {
    /// The version of this format, today 1.
    pub(crate) schema_version: u32,
    /// What ran.
    pub(crate) tool: Tool,
    /// The command, such as `run codex-release --tag rust-v0.131.0`.
    pub(crate) command: String,
    /// What started it: `schedule`, `workflow_dispatch`, `person`, …
    pub(crate) trigger: String,
    /// The workspace's folder.
    pub(crate) workspace: String,
    /// Whether everything was only computed.
    pub(crate) dry_run: bool,
    /// The sources that were looked at.
    pub(crate) sources: Vec<SourceReport>,
    /// The events that were carried through, in their order.
    pub(crate) events: Vec<EventReport>,
    /// What else a reader should know.
    pub(crate) notes: Vec<String>,
    /// Where what was done is remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<Memory>,
    /// What went wrong outside of any source and event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Problem>,
    /// The exit code of the process.
    pub(crate) exit_code: u8,
}

/// Where the next run learns what this one did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Memory {
    /// From a ref of a remote.
    Ref {
        /// The ref.
        #[serde(rename = "ref")]
        name: RefName,
        /// Where it stood when it was read; nothing where it was not there yet.
        commit: Option<CommitId>,
    },
    /// From the folders of this machine.
    Disk,
    /// From nowhere: it will do the same again.
    None {
        /// Why not.
        why: String,
    },
}

/// What was found at one source of releases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SourceReport {
    /// The source's id in feed-sources.json.
    pub(crate) id: String,
    /// The repository that it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) repo: Option<RepoName>,
    /// Whether its releases start work; else what it says is only recorded.
    #[serde(default)]
    pub(crate) starts_work: bool,
    /// The newest release that the source's rules accept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) newest: Option<ReleaseReport>,
    /// What does not look right and stops nothing.
    #[serde(default)]
    pub(crate) warnings: Vec<String>,
    /// Releases that were recorded without any work, as superseded or skipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) settled: Vec<TagName>,
    /// Why nothing can be said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Problem>,
}

/// A release and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReleaseReport {
    /// Its tag.
    pub(crate) tag: TagName,
    /// The commit that the tag names, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<CommitId>,
    /// When it was published: UTC with milliseconds and `Z`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) published_at: Option<String>,
    /// Where it stands.
    pub(crate) standing: Standing,
}

/// Where a release stands, by the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Standing {
    /// Nothing is recorded about it, or what it depends on has changed since.
    Due,
    /// Its event is recorded, and nothing has come of it yet.
    Seen,
    /// The stack was carried to it.
    Candidate,
    /// The stack was carried to it as far as it goes; a person is needed.
    Conflict,
    /// Carrying or checking it failed.
    Failed,
    /// A rule passes it over.
    Skipped,
    /// The fork holds it already.
    Adopted,
    /// A newer release took its place.
    Superseded,
    /// Its tag names another commit than when it was settled.
    Moved,
}

impl Standing {
    /// The standing as the end of a sentence that begins with the tag.
    pub(crate) const fn phrase(self) -> &'static str {
        match self {
            Self::Due => "is due",
            Self::Seen => "was seen and is not carried yet",
            Self::Candidate => "was carried already",
            Self::Conflict => "was carried as far as it goes, and waits for a person",
            Self::Failed => "failed, and waits for another try",
            Self::Skipped => "is passed over by a rule",
            Self::Adopted => "is in the fork already",
            Self::Superseded => "was superseded by a newer release",
            Self::Moved => "now names another commit than when it was settled",
        }
    }

    /// Whether nothing is left to do for the release.
    pub(crate) const fn is_settled(self) -> bool {
        matches!(self, Self::Candidate | Self::Skipped | Self::Adopted | Self::Superseded)
    }
}

/// One event, from what it selected to what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventReport {
    /// The event's id.
    pub(crate) id: EventId,
    /// The repository that released.
    pub(crate) repo: RepoName,
    /// The release's tag.
    pub(crate) tag: TagName,
    /// Which steps it selected, and which not.
    pub(crate) selection: Selection,
    /// The selected steps and what came of them.
    pub(crate) steps: Vec<StepReport>,
    /// Where the release stands now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ledger: Option<Standing>,
    /// The folder that holds the event's record.json.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) record: Option<String>,
    /// What ended the event early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Problem>,
    /// What a dry run would have done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) plan: Option<Plan>,
}

/// Which steps an event selected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Selection {
    /// The steps that run.
    pub(crate) selected: Vec<Selected>,
    /// The steps that do not, each with its reason.
    pub(crate) passed_over: Vec<PassedOver>,
}

/// A step that an event selected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Selected {
    /// The flow.
    pub(crate) flow: String,
    /// The step.
    pub(crate) step: String,
    /// Its runner.
    pub(crate) runner: String,
    /// What keeps it from running all the same, and what opens that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) gate: Option<String>,
}

/// A step that an event did not select.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct PassedOver {
    /// The flow.
    pub(crate) flow: String,
    /// The step.
    pub(crate) step: String,
    /// The reason's name, which never changes.
    pub(crate) code: String,
    /// Why not, in words.
    pub(crate) reason: String,
    /// What to do about it, where anything is to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

/// One step that ran, or would.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StepReport {
    /// The flow.
    pub(crate) flow: String,
    /// The step.
    pub(crate) step: String,
    /// Its runner.
    pub(crate) runner: String,
    /// `completed`, `changed`, `skipped`, `needs_intervention`, `blocked` or `failed`.
    pub(crate) status: String,
    /// What it says for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// What became of the stack, where the step carried one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) document: Option<Box<Document>>,
    /// The artifact's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) artifact: Option<String>,
    /// The fork's repository on this machine, where the candidate's commits are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) checkout: Option<String>,
}

/// Something that went wrong, and the way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Problem {
    /// What happened to what.
    pub(crate) message: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

/// The JSON schema of `patch-moi run --json`, as published in docs/schemas.
pub(crate) fn run_schema() -> Value {
    schemars::schema_for!(RunReport).to_value()
}
