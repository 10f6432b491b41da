//! candidate.json: everything that lasts of one carry.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::ids::{CommitId, EventId, ObjectId, RefName, RepoName, TagName, TreeId};
use crate::stack::Carry;

/// The version of candidate.json that this program writes. It grows when a reader of an older one
/// would be misled; a new optional key leaves it as it is.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// The origin of a flow whose step made the commits itself.
pub(crate) const MADE_BY_FLOW: &str = "flow";

/// candidate.json. Readers ignore keys that they do not know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "candidate.json")]
pub(crate) struct Document {
    /// The version of this format, today 1.
    pub(crate) schema_version: u32,
    /// What wrote it.
    pub(crate) tool: Tool,
    /// The upstream happening that it answers.
    pub(crate) event: EventRef,
    /// Whose patches they are.
    pub(crate) fork: ForkRef,
    /// Where the release comes from.
    pub(crate) upstream: UpstreamRef,
    /// The flow step that asked for it.
    pub(crate) flow: FlowRef,
    /// The run that made it.
    pub(crate) run: RunRef,
    /// What it has come to.
    pub(crate) status: Outcome,
    /// The carry itself: base, onto, tip, candidate, partial, counts, patches, left_out, excluded.
    #[serde(flatten)]
    pub(crate) carry: Carry,
    /// The one commit that stands for the stack, where squashing was asked for.
    pub(crate) squashed: Option<Squashed>,
    /// The bundle's file name beside this file; null where there is no commit of its own to hold.
    pub(crate) bundle: Option<String>,
    /// The refs that were written into the fork's repository.
    pub(crate) refs: Vec<NamedRef>,
    /// The checks of the flow, in their order.
    pub(crate) checks: Vec<CheckOutcome>,
    /// How many commits lost their signature, because a carried commit is a new one.
    pub(crate) signatures_dropped: usize,
    /// How many commits have git notes, which stay at the old commits.
    pub(crate) notes_not_carried: usize,
}

impl Document {
    /// The commit that a reader should take: the squashed one where there is one.
    pub(crate) fn delivered(&self) -> CommitId {
        self.squashed.map_or(self.carry.candidate.commit, |squashed| squashed.commit)
    }

    /// Whether the document names a commit that is not upstream's own.
    pub(crate) fn has_own_commit(&self) -> bool {
        self.carry.candidate.commit != self.carry.onto
    }
}

/// The program that wrote a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Tool {
    /// `patch-moi`.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
}

impl Tool {
    /// This program.
    pub(crate) fn this() -> Self {
        Self { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

/// The event that a candidate answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventRef {
    /// The event's id, the same on every machine.
    pub(crate) id: EventId,
    /// `upstream.release`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The repository that released.
    pub(crate) repo: RepoName,
    /// The release's tag.
    pub(crate) tag: TagName,
    /// The annotated tag's own object, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tag_object: Option<ObjectId>,
    /// The commit that the tag names.
    pub(crate) commit: CommitId,
}

/// The fork, as its configuration names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ForkRef {
    /// A path or `owner/name`.
    pub(crate) repository: String,
    /// The maintained branch.
    pub(crate) branch: String,
}

/// The upstream repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpstreamRef {
    /// `owner/name`.
    pub(crate) repository: RepoName,
    /// Where it was fetched from.
    pub(crate) url: String,
    /// The release that the stack's base is, where a tag says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base_tag: Option<TagName>,
}

/// The flow step that asked for a carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct FlowRef {
    /// The flow's name.
    pub(crate) name: String,
    /// The flow's version.
    pub(crate) version: Number,
    /// The step's name.
    pub(crate) step: String,
    /// Where the flow came from: `installed`, `source` or `built-in`; `flow` where a step of the
    /// flow made the commits itself.
    pub(crate) origin: String,
}

/// The run that made a candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunRef {
    /// The run's id.
    pub(crate) id: String,
    /// When it began: UTC with milliseconds and `Z`.
    pub(crate) started_at: String,
    /// When it ended: UTC with milliseconds and `Z`.
    pub(crate) completed_at: String,
}

/// What a candidate has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// The whole stack stands on the release, and every required check passed.
    Candidate,
    /// At least one patch needs a person. What could be carried is there, and cannot be landed.
    Incomplete,
    /// The whole stack stands on the release, and a required check did not pass.
    Failed,
    /// The fork holds the release already; there was nothing to carry.
    Adopted,
}

impl Outcome {
    /// The outcome's name in every output.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Candidate => "candidate",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
            Self::Adopted => "adopted",
        }
    }
}

/// The stack as one commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Squashed {
    /// The commit.
    pub(crate) commit: CommitId,
    /// Its tree, the same as the candidate's.
    pub(crate) tree: TreeId,
}

/// A ref and what it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct NamedRef {
    /// The ref's full name.
    pub(crate) name: RefName,
    /// The commit that it names.
    pub(crate) commit: CommitId,
}

/// One check and how it went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CheckOutcome {
    /// Its name in flow.toml.
    pub(crate) name: String,
    /// The program and its arguments.
    pub(crate) command: Vec<String>,
    /// Whether the candidate is refused when it does not pass.
    pub(crate) required: bool,
    /// How it went.
    pub(crate) outcome: CheckResult,
    /// The exit code, where the command ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exit_code: Option<i32>,
    /// How long it took, in seconds.
    pub(crate) seconds: f64,
    /// Its log, relative to the artifact.
    pub(crate) log: String,
}

impl CheckOutcome {
    /// Whether it keeps the candidate from being published.
    pub(crate) fn refuses(&self) -> bool {
        self.required && self.outcome != CheckResult::Passed
    }
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CheckResult {
    /// It exited with 0.
    Passed,
    /// It could not be started, exited with another code, or was ended by a signal.
    Failed,
    /// It was ended because its time was up.
    TimedOut,
    /// It was not started, because the candidate is incomplete or an earlier required check failed.
    NotRun,
}

impl CheckResult {
    /// The result's name in every output.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::TimedOut => "timed out",
            Self::NotRun => "not run",
        }
    }
}

/// The JSON schema of candidate.json, as published in docs/schemas.
pub(crate) fn document_schema() -> Value {
    schemars::schema_for!(Document).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candidate::sample;

    #[test]
    fn a_document_without_its_tip_is_refused() {
        let mut value = serde_json::to_value(sample::document()).unwrap();
        value.as_object_mut().unwrap().remove("tip");

        let error = serde_json::from_value::<Document>(value).unwrap_err();

        assert!(error.to_string().contains("tip"), "{error}");
    }

    #[test]
    fn a_document_survives_its_own_text_and_keys_of_a_later_version() {
        let document = sample::document();
        let mut value = serde_json::to_value(&document).unwrap();
        value["laterKey"] = Value::from(1);
        value["candidate"]["later"] = Value::from(1);

        let read: Document = serde_json::from_value(value).unwrap();

        assert_eq!(read, document);
    }

    #[test]
    fn a_document_fits_its_schema() {
        let validator = jsonschema::validator_for(&document_schema()).unwrap();
        let mut value = serde_json::to_value(sample::document()).unwrap();
        assert!(validator.is_valid(&value));
        value["status"] = Value::from("perhaps");
        assert!(!validator.is_valid(&value), "the schema can say no");
    }

    #[test]
    fn the_carry_stands_beside_its_circumstances_and_not_below_them() {
        let value = serde_json::to_value(sample::document()).unwrap();
        let keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            keys.join(" "),
            "schemaVersion tool event fork upstream flow run status base onto tip candidate partial counts \
             patches left_out excluded squashed bundle refs checks signaturesDropped notesNotCarried"
        );
    }
}
