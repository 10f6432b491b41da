//! GitHub's API: what is true of a repository, and the pull requests and issues that are made there.
//!
//! One small client over [`http::Client`](crate::http::Client), which keeps the limits, the pauses and
//! the token on its host. Every answer is bounded, of every list only the first pages are read, and only
//! the fields that are used. What strangers wrote comes out as they wrote it, except in errors.

mod answer;
mod error;
mod facts;
mod operation;
#[cfg(test)]
mod tests;

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use url::Url;

use crate::http::{Client, Header, HttpError, Limits, Method, Reply, Request};
use crate::ids::{RepoName, Secret};
use crate::report::request::event_of;

pub(crate) use error::ForgeError;
pub(crate) use facts::{
    ActionsPermissions, BranchFacts, Change, Issue, NewPullRequest, PullRequest, RepositoryFacts, State,
    WorkflowFacts, WorkflowPermissions, WorkflowState,
};
use facts::{RawIssue, RawPullRequest, Rule};
use operation::Operation;

/// The second type is for servers that know no types of GitHub's own.
const ACCEPT: &str = "application/vnd.github+json, application/json;q=0.9";
/// The version of the API that this client was written for.
const VERSION: &str = "2022-11-28";
/// The longest answer in bytes: a page of a hundred pull requests, each with the longest body, escaped.
const MAX_BYTES: u64 = 32 << 20;
/// How long one call may take, pauses that the server asks for included.
const MAX_TIME: Duration = Duration::from_secs(60);
/// So many pages of a list are read, each of [`PER_PAGE`].
const MAX_PAGES: usize = 10;
/// As many as GitHub gives at once.
const PER_PAGE: &str = "100";

/// How the token of a workflow, and that of every other app, begins.
/// Source: <https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/>.
const OF_AN_APP: &str = "ghs_";

/// Whether GitHub has given `token` to an app, as the one of a workflow. What such a token may do, GitHub
/// does not say with a repository's facts.
pub(crate) fn is_of_an_app(token: &Secret) -> bool {
    token.expose().starts_with(OF_AN_APP)
}

/// GitHub's API, for one repository.
pub(crate) struct Forge<'a> {
    client: &'a Client,
    api: Url,
    pages: Option<Url>,
    token: Option<Secret>,
    repo: RepoName,
    limits: Limits,
}

impl<'a> Forge<'a> {
    /// The API at `api` (`https://api.github.com`, or `GITHUB_API_URL`), for `repo`, with the rights of
    /// `token`. Nothing is asked yet.
    pub(crate) fn new(client: &'a Client, api: &Url, token: Option<Secret>, repo: RepoName) -> Self {
        let limits = Limits { body: MAX_BYTES, whole: MAX_TIME };
        Self { client, api: api.clone(), pages: None, token, repo, limits }
    }

    /// The same, which knows that the pages for people are at `pages` (`GITHUB_SERVER_URL`).
    #[must_use]
    pub(crate) fn with_pages(self, pages: &Url) -> Self {
        Self { pages: Some(pages.clone()), ..self }
    }

    /// The repository.
    ///
    /// # Errors
    /// Where GitHub does not say.
    pub(crate) fn repository(&self) -> Result<RepositoryFacts, ForgeError> {
        self.read(Operation::Repository, &[], &[])
    }

    /// The branch `branch`.
    ///
    /// # Errors
    /// [`ForgeError::NotFound`] where there is none; otherwise where GitHub does not say.
    pub(crate) fn branch(&self, branch: &str) -> Result<BranchFacts, ForgeError> {
        self.read(Operation::Branch, &["branches", branch], &[])
    }

    /// The kinds of all rules that apply to `branch`, such as `non_fast_forward` or `update`, whether it exists
    /// or not.
    ///
    /// # Errors
    /// Where GitHub does not say.
    pub(crate) fn branch_rules(&self, branch: &str) -> Result<Vec<String>, ForgeError> {
        let rules: Vec<Rule> = self.list(Operation::BranchRules, &["rules", "branches", branch], &[])?;
        Ok(rules.into_iter().map(|rule| rule.kind).collect())
    }

    /// The pull requests from `head_branch` of this repository onto `base`, open or not, newest first.
    ///
    /// # Errors
    /// Where GitHub does not say.
    pub(crate) fn pull_requests(
        &self,
        head_branch: &str,
        base: &str,
    ) -> Result<Vec<PullRequest>, ForgeError> {
        let head = format!("{}:{head_branch}", self.repo.owner());
        self.list_pull_requests(&[("state", "all"), ("head", &head), ("base", base)])
    }

    /// The open pull requests from branches of this repository onto `base`, newest first.
    ///
    /// # Errors
    /// Where GitHub does not say.
    pub(crate) fn open_pull_requests(&self, base: &str) -> Result<Vec<PullRequest>, ForgeError> {
        self.list_pull_requests(&[("state", "open"), ("base", base)])
    }

    /// Opens a pull request.
    ///
    /// # Errors
    /// [`ForgeError::Exists`] where one from the same branch onto the same base is open;
    /// [`ForgeError::PullRequestsNotPermitted`] where the repository's settings forbid it; otherwise where
    /// GitHub does not do it.
    pub(crate) fn open_pull_request(&self, new: &NewPullRequest) -> Result<PullRequest, ForgeError> {
        let opened = self.write::<RawPullRequest>(Operation::OpenPullRequest, Method::Post, &["pulls"], new);
        match opened {
            // Its words are all that GitHub has for this case, so it is asked instead.
            Err(invalid @ ForgeError::Invalid { .. }) => {
                let same = self.pull_requests(&new.head, &new.base).unwrap_or_default();
                match same.into_iter().find(|pull_request| pull_request.state == State::Open) {
                    Some(open) => Err(ForgeError::Exists { number: open.number, url: open.url }),
                    None => Err(invalid),
                }
            }
            opened => opened.map(PullRequest::from),
        }
    }

    /// Changes the pull request `number`.
    ///
    /// # Errors
    /// Where GitHub does not do it.
    pub(crate) fn update_pull_request(
        &self,
        number: u64,
        change: &Change,
    ) -> Result<PullRequest, ForgeError> {
        let path = ["pulls", &number.to_string()];
        let changed: RawPullRequest =
            self.write(Operation::UpdatePullRequest, Method::Patch, &path, change)?;
        Ok(changed.into())
    }

    /// The issues, open or not, that are marked as being about a release, the last changed first.
    ///
    /// Anybody may write anything into an issue, so only those count that were written by a program that
    /// the repository lets in or by somebody who belongs to it.
    ///
    /// # Errors
    /// [`ForgeError::IssuesOff`] where the repository has none; otherwise where GitHub does not say.
    pub(crate) fn marked_issues(&self) -> Result<Vec<Issue>, ForgeError> {
        let query = [("state", "all"), ("sort", "updated"), ("direction", "desc")];
        let issues: Vec<RawIssue> = self.list(Operation::Issues, &["issues"], &query)?;
        let is_ours = |issue: &RawIssue| {
            !issue.is_pull_request()
                && issue.is_by_one_of_us()
                && issue.body.as_deref().is_some_and(|body| event_of(body).is_some())
        };
        Ok(issues.into_iter().filter(is_ours).map(Issue::from).collect())
    }

    /// Opens an issue.
    ///
    /// # Errors
    /// [`ForgeError::IssuesOff`] where the repository has none; otherwise where GitHub does not do it.
    pub(crate) fn open_issue(&self, title: &str, body: &str) -> Result<Issue, ForgeError> {
        let new = serde_json::json!({ "title": title, "body": body });
        let opened: RawIssue = self.write(Operation::OpenIssue, Method::Post, &["issues"], &new)?;
        Ok(opened.into())
    }

    /// Changes the issue `number`.
    ///
    /// # Errors
    /// Where GitHub does not do it.
    pub(crate) fn update_issue(&self, number: u64, change: &Change) -> Result<Issue, ForgeError> {
        let path = ["issues", &number.to_string()];
        let changed: RawIssue = self.write(Operation::UpdateIssue, Method::Patch, &path, change)?;
        Ok(changed.into())
    }

    /// The workflow in the file `file` of `.github/workflows`, such as `upstream-release.yml`.
    ///
    /// # Errors
    /// [`ForgeError::NotFound`] where the default branch has never had it; otherwise where GitHub does not
    /// say.
    pub(crate) fn workflow(&self, file: &str) -> Result<WorkflowFacts, ForgeError> {
        self.read(Operation::Workflow, &["actions", "workflows", file], &[])
    }

    /// What Actions may do in the repository at all. GitHub tells it to administrators only.
    ///
    /// # Errors
    /// Where GitHub does not say.
    pub(crate) fn actions_permissions(&self) -> Result<ActionsPermissions, ForgeError> {
        self.read(Operation::ActionsPermissions, &["actions", "permissions"], &[])
    }

    /// What the token of a workflow may do. GitHub tells it to administrators only.
    ///
    /// # Errors
    /// Where GitHub does not say.
    pub(crate) fn workflow_permissions(&self) -> Result<WorkflowPermissions, ForgeError> {
        self.read(Operation::WorkflowPermissions, &["actions", "permissions", "workflow"], &[])
    }

    /// The page `path` of the repository, for people, such as `settings`.
    pub(crate) fn page(&self, path: &str) -> String {
        self.asker().page(path)
    }

    fn list_pull_requests(&self, query: &[(&str, &str)]) -> Result<Vec<PullRequest>, ForgeError> {
        let raw: Vec<RawPullRequest> = self.list(Operation::PullRequests, &["pulls"], query)?;
        Ok(raw.into_iter().filter(|it| it.is_from(&self.repo)).map(PullRequest::from).collect())
    }

    /// The address of `path` below the repository. A slash within a part is escaped.
    fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.api.clone();
        // What cannot have a path is no https: address, and the HTTP client refuses it by name.
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().extend(["repos", self.repo.owner(), self.repo.name()]).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    fn read<T: DeserializeOwned>(
        &self,
        operation: Operation,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, ForgeError> {
        let reply = self.ask(operation, Method::Get, &self.url(path, query), None)?;
        answer::parse(operation, &self.repo, &reply)
    }

    /// The first [`MAX_PAGES`] pages. Only the number of the next page is ours to choose: an address that
    /// a server names is not followed.
    fn list<T: DeserializeOwned>(
        &self,
        operation: Operation,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, ForgeError> {
        let mut all = Vec::new();
        for page in 1..=MAX_PAGES {
            let page = page.to_string();
            let query = [query, &[("per_page", PER_PAGE), ("page", &page)]].concat();
            let reply = self.ask(operation, Method::Get, &self.url(path, &query), None)?;
            all.extend(answer::parse::<Vec<T>>(operation, &self.repo, &reply)?);
            if !answer::has_next(&reply) {
                break;
            }
        }
        Ok(all)
    }

    fn write<T: DeserializeOwned>(
        &self,
        operation: Operation,
        method: Method,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, ForgeError> {
        if self.token.is_none() {
            return Err(ForgeError::NoToken { what: operation.what(&self.repo) });
        }
        let unexpected = |error: serde_json::Error| ForgeError::Unexpected {
            what: operation.what(&self.repo),
            why: error.to_string(),
        };
        let body = serde_json::to_vec(body).map_err(unexpected)?;
        let reply = self.ask(operation, method, &self.url(path, &[]), Some(&body))?;
        answer::parse(operation, &self.repo, &reply)
    }

    fn ask(
        &self,
        operation: Operation,
        method: Method,
        url: &Url,
        body: Option<&[u8]>,
    ) -> Result<Reply, ForgeError> {
        let mut headers =
            vec![Header::Plain("accept", ACCEPT), Header::Plain("x-github-api-version", VERSION)];
        headers.extend(self.token.as_ref().map(Header::Bearer));
        headers.extend(body.map(|_| Header::Plain("content-type", "application/json")));
        let request = Request { method, url, headers: &headers, body, limits: self.limits };
        let what = || operation.what(&self.repo);
        let reply = self.client.send(&request).map_err(|source| match source {
            HttpError::TooLong { .. } => ForgeError::Unexpected { what: what(), why: source.to_string() },
            source => ForgeError::Unreachable { what: what(), source },
        })?;
        if reply.is_success() {
            return Ok(reply);
        }
        Err(answer::refusal(operation, &self.asker(), &reply))
    }

    const fn asker(&self) -> answer::Asker<'_> {
        let has_token = self.token.is_some();
        answer::Asker { api: &self.api, pages: self.pages.as_ref(), repo: &self.repo, has_token }
    }
}
