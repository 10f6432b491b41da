//! The outputs of the action. Later steps of other people's workflows read them: none is renamed or removed.

use crate::ids::{CommitId, EventId, RefName, TagName};

use super::{Actions, ActionsError, Nonce};

/// What the newest event of a run came to, for the steps after it. What there is none of is an empty text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outputs {
    /// Whether there was a release to carry the stack to.
    pub(crate) has_release: bool,
    /// Its tag.
    pub(crate) tag: Option<TagName>,
    /// Its event.
    pub(crate) event_id: Option<EventId>,
    /// What it came to, in one word of the attempt's states.
    pub(crate) status: String,
    /// The candidate's ref.
    pub(crate) candidate_ref: Option<RefName>,
    /// The candidate's commit.
    pub(crate) candidate_sha: Option<CommitId>,
    /// How many patches need a person.
    pub(crate) conflicts: usize,
    /// The name under which the artifact is uploaded.
    pub(crate) artifact: String,
    /// What is uploaded under that name: folders, one a line.
    pub(crate) artifact_path: String,
    /// The path of the report for people.
    pub(crate) report: String,
    /// Every event of the run, as a JSON array.
    pub(crate) events: String,
    /// Whether a record was left, so that there is something to publish.
    pub(crate) publish: bool,
    /// Whether the job is to be red in the end.
    pub(crate) red: bool,
}

impl Outputs {
    /// Names and values, as action.yml declares them.
    pub(crate) fn pairs(&self) -> [(&'static str, String); 13] {
        [
            ("has-release", self.has_release.to_string()),
            ("tag", text(self.tag.as_ref())),
            ("event-id", text(self.event_id.as_ref())),
            ("status", self.status.clone()),
            ("candidate-ref", text(self.candidate_ref.as_ref())),
            ("candidate-sha", text(self.candidate_sha.as_ref())),
            ("conflicts", self.conflicts.to_string()),
            ("artifact", self.artifact.clone()),
            ("artifact-path", self.artifact_path.clone()),
            ("report", self.report.clone()),
            ("events", if self.events.is_empty() { "[]".to_owned() } else { self.events.clone() }),
            ("publish", self.publish.to_string()),
            ("red", self.red.to_string()),
        ]
    }

    /// Hands all of them to the runner.
    ///
    /// # Errors
    /// Like [`Actions::set_outputs`].
    pub(crate) fn write(&self, actions: &Actions, nonce: &Nonce) -> Result<(), ActionsError> {
        let pairs = self.pairs();
        let borrowed = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>();
        actions.set_outputs(&borrowed, nonce)
    }
}

fn text(value: Option<&impl ToString>) -> String {
    value.map_or_else(String::new, ToString::to_string)
}
