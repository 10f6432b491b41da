//! Every call that the client can make.

use crate::ids::RepoName;

/// A call of GitHub's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Repository,
    Branch,
    BranchRules,
    PullRequests,
    OpenPullRequest,
    UpdatePullRequest,
    Issues,
    OpenIssue,
    UpdateIssue,
    Workflow,
    ActionsPermissions,
    WorkflowPermissions,
}

impl Operation {
    /// What it does to `repo`, as in "GitHub does not allow this token to …".
    pub(super) fn what(self, repo: &RepoName) -> String {
        let what = match self {
            Self::Repository => "read the repository",
            Self::Branch => "read a branch of",
            Self::BranchRules => "read the rules for a branch of",
            Self::PullRequests => "list the pull requests of",
            Self::OpenPullRequest => "open a pull request in",
            Self::UpdatePullRequest => "change a pull request of",
            Self::Issues => "list the issues of",
            Self::OpenIssue => "open an issue in",
            Self::UpdateIssue => "change an issue of",
            Self::Workflow => "read a workflow of",
            Self::ActionsPermissions => "read the Actions settings of",
            Self::WorkflowPermissions => "read the workflow permissions of",
        };
        format!("{what} {repo}")
    }

    /// Whether it is about issues, which a repository may not have.
    pub(super) const fn is_about_issues(self) -> bool {
        matches!(self, Self::Issues | Self::OpenIssue | Self::UpdateIssue)
    }
}
