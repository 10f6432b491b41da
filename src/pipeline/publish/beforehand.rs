//! What GitHub says of the fork before anything is pushed: what will not come about is known by then.

use super::super::session::Session;
use super::remote::{Server, Target};
use crate::candidate::publication::{Publication, Request};
use crate::failure::Result;
use crate::forge::{Forge, ForgeError, RepositoryFacts, is_of_an_app};
use crate::http::{Client, Options};
use crate::ids::RepoName;

/// GitHub, where the fork is there and there is a token, and what it says of the fork.
pub(super) struct GitHub {
    client: Client,
    /// The fork by its name of today.
    repo: RepoName,
    /// What the remote calls it, where that is another name.
    called: Option<RepoName>,
    /// Nothing where GitHub does not tell.
    facts: Option<RepositoryFacts>,
    /// Why asking on is of no use.
    trouble: Option<ForgeError>,
    /// Whether it is sure that this token may open no pull request.
    opens_none: bool,
}

impl GitHub {
    /// Asks it. Nothing where the fork is elsewhere, or where there is no token.
    ///
    /// # Errors
    /// Where the HTTP client cannot be made.
    pub(super) fn ask(
        session: &Session<'_>,
        server: &Server,
        target: Option<&Target>,
    ) -> Result<Option<Self>> {
        let repo = target.and_then(|target| server.repository(&target.url));
        let (Some(repo), Some(token)) = (repo, &server.token) else { return Ok(None) };
        let client = session.context.http(Options::default())?;
        let mut this = Self { client, repo, called: None, facts: None, trouble: None, opens_none: false };
        match this.forge(server).repository() {
            Ok(facts) => {
                let is_same = facts.full_name.eq_ignore_ascii_case(this.repo.as_str());
                if let Some(name) = facts.full_name.parse().ok().filter(|_| !is_same) {
                    this.called = Some(std::mem::replace(&mut this.repo, name));
                }
                this.facts = Some(facts);
            }
            Err(err) if err.may_pass() || matches!(err, ForgeError::NotFound { .. }) => {
                this.trouble = Some(err);
            }
            Err(_) => {}
        }
        // The setting is about the tokens of workflows; most of them may not read it.
        if this.trouble.is_none() && is_of_an_app(token) {
            let said = this.forge(server).workflow_permissions();
            this.opens_none = said.is_ok_and(|said| !said.can_approve_pull_request_reviews);
        }
        Ok(Some(this))
    }

    /// Its API, for the fork.
    pub(super) fn forge<'a>(&'a self, server: &Server) -> Forge<'a> {
        let forge = Forge::new(&self.client, &server.api, server.token.clone(), self.repo.clone());
        forge.with_pages(&server.web)
    }

    /// Where the fork's pages begin.
    pub(super) fn pages(&self, server: &Server) -> String {
        self.forge(server).page("")
    }

    /// Why asking on is of no use.
    pub(super) const fn trouble(&self) -> Option<&ForgeError> {
        self.trouble.as_ref()
    }

    /// Why there can be no pull request, where that is sure.
    pub(super) fn no_pull_request(&self, server: &Server) -> Option<ForgeError> {
        let settings = self.forge(server).page("settings/actions");
        self.opens_none.then_some(ForgeError::PullRequestsNotPermitted { settings })
    }

    /// Why there can be no issue, where that is sure.
    pub(super) fn no_issue(&self, server: &Server) -> Option<ForgeError> {
        let is_off = self.facts.as_ref().is_some_and(|facts| !facts.has_issues);
        is_off.then(|| ForgeError::IssuesOff { settings: self.forge(server).page("settings") })
    }

    /// What a reader should know before `plan` is done, a sentence each.
    pub(super) fn notes(&self, server: &Server, plan: &Publication) -> Vec<String> {
        let page = |path: &str| self.forge(server).page(path);
        let mut notes = Vec::new();
        if let Some(called) = &self.called {
            let (web, repo) = (server.web.as_str().trim_end_matches('/'), &self.repo);
            notes.push(format!(
                "GitHub calls {called} {repo} now; the remote should do so too: git remote set-url origin \
                 {web}/{repo}.git"
            ));
        }
        if self.facts.as_ref().is_some_and(|facts| facts.archived) {
            notes.push(format!("the repository is archived and takes nothing: see {}", page("settings")));
        }
        let may_push = self.facts.as_ref().and_then(|facts| facts.permissions).is_none_or(|may| may.push);
        if !may_push && !server.token.as_ref().is_some_and(is_of_an_app) {
            notes.push(format!(
                "whoever the token belongs to may not push to {}: see {}",
                self.repo,
                page("settings/access")
            ));
        }
        notes.extend(self.trouble.as_ref().map(sentence));
        let none_opened = self.no_pull_request(server).filter(|_| plan.request == Request::PullRequest);
        let needs_issue = plan.request == Request::Issue || none_opened.is_some();
        notes.extend(none_opened.as_ref().map(sentence));
        notes.extend(self.no_issue(server).filter(|_| needs_issue).as_ref().map(sentence));
        notes
    }
}

/// What is to be said of workflow files in the way of a push, with the page where a token is handed over.
pub(super) fn about_workflows(server: &Server, repo: &RepoName, files: &[String]) -> String {
    let web = server.web.as_str().trim_end_matches('/');
    format!(
        "workflow files that no branch of the fork has, as far as they are here, and that GitHub's own token may not push: {}; a token with \
         Contents, Pull requests and Workflows may: add it as the secret PATCH_MOI_TOKEN at \
         {web}/{repo}/settings/secrets/actions/new",
        files.join(", ")
    )
}

/// What GitHub did not do, why, and what mends it.
pub(super) fn sentence(err: &ForgeError) -> String {
    // What a failure is called stands in its cause where GitHub was not reached.
    let said = match err {
        ForgeError::Unreachable { source, .. } => format!("{err}: {source}"),
        _ => err.to_string(),
    };
    let mut letters = said.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let hint = err.hint().map_or_else(String::new, |hint| format!(": {hint}"));
    format!("{first}{}{hint}.", letters.as_str())
}
