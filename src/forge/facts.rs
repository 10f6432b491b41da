//! What GitHub says, and what is said to it. Fields that nobody uses are not read.
//! Source of the formats: GitHub's OpenAPI description (`@octokit/openapi`).

use serde::{Deserialize, Serialize};

use crate::ids::RepoName;

/// A repository.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct RepositoryFacts {
    /// `owner/name` as it is today: another one than was asked for where it was renamed.
    pub(crate) full_name: String,
    /// The default branch.
    pub(crate) default_branch: String,
    /// Whether only some may see it.
    #[serde(default)]
    pub(crate) private: bool,
    /// Whether GitHub knows it as a fork.
    #[serde(default)]
    pub(crate) fork: bool,
    /// Whether it has issues. A fork has none at first.
    #[serde(default)]
    pub(crate) has_issues: bool,
    /// Whether nobody may write to it any more.
    #[serde(default)]
    pub(crate) archived: bool,
    /// What the token may do, where there is one and GitHub says it. It is about the one to whom the token
    /// belongs; the token itself may be narrower.
    #[serde(default)]
    pub(crate) permissions: Option<Permissions>,
}

/// What somebody may do with a repository.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Permissions {
    /// Change its settings.
    pub(crate) admin: bool,
    /// Push to it.
    pub(crate) push: bool,
    /// Read it.
    pub(crate) pull: bool,
}

/// A branch.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct BranchFacts {
    /// Whether a branch protection of the older kind holds for it. Rules are of the newer kind.
    #[serde(default)]
    pub(crate) protected: bool,
}

/// Whether a pull request or an issue is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// It is.
    Open,
    /// It is not; a pull request may have been merged.
    Closed,
}

/// A pull request from a branch of the repository itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PullRequest {
    /// Its number.
    pub(crate) number: u64,
    /// Its page, as GitHub names it.
    pub(crate) url: String,
    /// Whether it is open.
    pub(crate) state: State,
    /// Whether it is a draft.
    pub(crate) draft: bool,
    /// Its title.
    pub(crate) title: String,
    /// Its description; empty where it has none.
    pub(crate) body: String,
    /// The branch that it comes from.
    pub(crate) head: String,
    /// The commit at which that branch stands, as text.
    pub(crate) head_commit: String,
    /// The branch that it would change.
    pub(crate) base: String,
}

/// An issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Issue {
    /// Its number.
    pub(crate) number: u64,
    /// Its page, as GitHub names it.
    pub(crate) url: String,
    /// Whether it is open.
    pub(crate) state: State,
    /// Its title.
    pub(crate) title: String,
    /// Its text; empty where it has none.
    pub(crate) body: String,
}

/// A pull request to open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct NewPullRequest {
    /// Its title.
    pub(crate) title: String,
    /// Its description.
    pub(crate) body: String,
    /// The branch that it comes from, in the same repository.
    pub(crate) head: String,
    /// The branch that it would change.
    pub(crate) base: String,
    /// Whether it is a draft.
    pub(crate) draft: bool,
}

/// What to change in a pull request or an issue; `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    /// The title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<String>,
    /// Whether it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<State>,
}

/// A workflow.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct WorkflowFacts {
    /// Its file, below the root of the repository.
    pub(crate) path: String,
    /// Whether it runs.
    pub(crate) state: WorkflowState,
}

/// Whether a workflow runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WorkflowState {
    /// It does.
    Active,
    /// Its file is gone.
    Deleted,
    /// Schedules of a fork are off until somebody turns them on.
    DisabledFork,
    /// Nothing happened in the repository for 60 days.
    DisabledInactivity,
    /// Somebody turned it off.
    DisabledManually,
    /// Something that GitHub did not know when this was written.
    #[serde(other)]
    Unknown,
}

/// What Actions may do in a repository.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct ActionsPermissions {
    /// Whether workflows run at all.
    pub(crate) enabled: bool,
    /// `all`, `local_only` or `selected`; absent where they do not run.
    #[serde(default)]
    pub(crate) allowed_actions: Option<String>,
    /// Whether every action must be pinned by a whole commit id.
    #[serde(default)]
    pub(crate) sha_pinning_required: bool,
}

/// What the token of a workflow may do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct WorkflowPermissions {
    /// `read` or `write`: what a workflow gets that asks for nothing.
    #[serde(rename = "default_workflow_permissions")]
    pub(crate) default: String,
    /// Whether workflows may open pull requests.
    pub(crate) can_approve_pull_request_reviews: bool,
}

/// One rule for a branch.
#[derive(Debug, Deserialize)]
pub(super) struct Rule {
    #[serde(rename = "type")]
    pub(super) kind: String,
}

/// A pull request as GitHub writes it.
#[derive(Debug, Deserialize)]
pub(super) struct RawPullRequest {
    number: u64,
    #[serde(default)]
    html_url: String,
    state: State,
    #[serde(default)]
    draft: bool,
    title: String,
    #[serde(default)]
    body: Option<String>,
    head: RawEnd,
    base: RawEnd,
}

/// One end of a pull request.
#[derive(Debug, Deserialize)]
struct RawEnd {
    #[serde(rename = "ref")]
    branch: String,
    #[serde(default)]
    sha: String,
    /// Absent where the repository is gone.
    #[serde(default)]
    repo: Option<RawRepository>,
}

#[derive(Debug, Deserialize)]
struct RawRepository {
    full_name: String,
}

impl RawPullRequest {
    /// Whether its branch is one of `repo`, and not of a fork.
    pub(super) fn is_from(&self, repo: &RepoName) -> bool {
        let from = |end: &RawEnd| end.repo.as_ref().map(|repo| repo.full_name.to_ascii_lowercase());
        from(&self.head).is_some_and(|head| {
            Some(&head) == from(&self.base).as_ref() || head == repo.as_str().to_ascii_lowercase()
        })
    }
}

impl From<RawPullRequest> for PullRequest {
    fn from(raw: RawPullRequest) -> Self {
        Self {
            number: raw.number,
            url: raw.html_url,
            state: raw.state,
            draft: raw.draft,
            title: raw.title,
            body: raw.body.unwrap_or_default(),
            head: raw.head.branch,
            head_commit: raw.head.sha,
            base: raw.base.branch,
        }
    }
}

/// An issue as GitHub writes it. Its lists of issues hold pull requests too.
#[derive(Debug, Deserialize)]
pub(super) struct RawIssue {
    number: u64,
    #[serde(default)]
    html_url: String,
    state: State,
    title: String,
    #[serde(default)]
    pub(super) body: Option<String>,
    #[serde(default)]
    pull_request: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    user: Option<RawUser>,
    #[serde(default)]
    author_association: String,
}

#[derive(Debug, Deserialize)]
struct RawUser {
    #[serde(rename = "type", default)]
    kind: String,
}

impl RawIssue {
    pub(super) const fn is_pull_request(&self) -> bool {
        self.pull_request.is_some()
    }

    /// Whether a program that was let in wrote it, or somebody who belongs to the repository.
    pub(super) fn is_by_one_of_us(&self) -> bool {
        let is_program = self.user.as_ref().is_some_and(|user| user.kind == "Bot");
        is_program || matches!(self.author_association.as_str(), "OWNER" | "MEMBER" | "COLLABORATOR")
    }
}

impl From<RawIssue> for Issue {
    fn from(raw: RawIssue) -> Self {
        Self {
            number: raw.number,
            url: raw.html_url,
            state: raw.state,
            title: raw.title,
            body: raw.body.unwrap_or_default(),
        }
    }
}
