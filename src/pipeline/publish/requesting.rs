//! How people are told: a draft pull request, else an issue, else the summary. One a release.

use super::super::session::Session;
use super::super::verify::Proof;
use super::beforehand::{GitHub, sentence};
use super::remote::Server;
use crate::candidate::publication::{Part, Policy, Publication, Published, Request};
use crate::candidate::{Document, Outcome};
use crate::forge::{Change, Forge, ForgeError, Issue, NewPullRequest, PullRequest, State};
use crate::ids::TagName;
use crate::release::Version;
use crate::report::RequestReport;
use crate::report::request::{self, By, Text, Where};

/// What is said where there is no token.
const NO_TOKEN: &str = "There is no token, so that neither a pull request nor an issue is opened. The workflow's own \
                        would do: hand `${{ github.token }}` over as GITHUB_TOKEN, in a job with `contents`, \
                        `pull-requests` and `issues: write`.";

/// One release's telling.
pub(super) struct Telling<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) server: &'a Server,
    /// GitHub, where the fork is there and there is a token.
    pub(super) github: Option<&'a GitHub>,
    /// Whether the fork is on GitHub.
    pub(super) is_there: bool,
    pub(super) proof: &'a Proof,
    pub(super) plan: &'a Publication,
    pub(super) policy: Policy,
    /// The branch that the candidate stands on in the remote, without `refs/heads/`.
    pub(super) branch: Option<String>,
    /// What keeps it from being more than it is, in sentences.
    pub(super) reasons: Vec<String>,
    pub(super) workflow_files: Vec<String>,
    /// What was published of the repository's releases before.
    pub(super) before: &'a [Published],
    /// Whether GitHub could not be asked, or knows no such token: another time it may work.
    pub(super) again: bool,
}

impl Telling<'_> {
    /// Opens or updates what is wanted, and closes what it takes the place of. What GitHub does not do is a
    /// reason in the report, and never an error; with the report comes whether another try may help.
    pub(super) fn tell(mut self) -> (RequestReport, bool) {
        let told = self.told();
        let report = told.unwrap_or_else(|| RequestReport {
            kind: "summary".to_owned(),
            outcome: "written".to_owned(),
            number: None,
            url: None,
            reasons: Vec::new(),
        });
        if self.again {
            self.reasons.push(format!(
                "So nobody was told on GitHub. To try again, run this job once more, or the workflow with the tag \
                 {}.",
                self.document().event.tag
            ));
        }
        (RequestReport { reasons: self.reasons, ..report }, self.again)
    }

    fn told(&mut self) -> Option<RequestReport> {
        if !self.is_there || self.plan.request == Request::Summary {
            return None;
        }
        let Some(github) = self.github else {
            self.reasons.push(NO_TOKEN.to_owned());
            return None;
        };
        if let Some(trouble) = github.trouble() {
            return self.cannot(trouble);
        }
        if let Some(left) = self.taken_away() {
            return Some(left);
        }
        let forge = github.forge(self.server);
        let mut told = self.pull_request(github, &forge);
        if told.is_none() && !self.again {
            told = self.issue(github, &forge);
        }
        if !self.again {
            self.supersede(&forge);
        }
        told
    }

    /// The pull request whose branch a person has removed: that was an answer.
    fn taken_away(&mut self) -> Option<RequestReport> {
        let has_branch = self.plan.refs.iter().any(|plan| plan.part == Part::Candidate);
        if has_branch || self.document().status != Outcome::Candidate || self.plan.withheld.is_some() {
            return None;
        }
        let event = &self.document().event.id;
        let last =
            self.before.iter().rev().find(|line| line.event_id == *event && line.pull_request.is_some())?;
        Some(report("pull-request", "left", last.pull_request?, last.url.as_deref()?))
    }

    fn document(&self) -> &Document {
        &self.proof.document
    }

    fn place(&self) -> Where {
        let context = self.session.context;
        let run = (context.variable("GITHUB_REPOSITORY"), context.variable("GITHUB_RUN_ID"));
        let server = self.server.web.as_str().trim_end_matches('/');
        Where {
            run_url: match run {
                (Some(repo), Some(id)) => format!("{server}/{repo}/actions/runs/{id}").parse().ok(),
                _ => None,
            },
            artifact: crate::actions::Actions::detect(context.variables)
                .map(|actions| actions.artifact_name(&self.document().event.tag.slug())),
            artifact_url: None,
            branch: self.branch.clone(),
            stale: self.proof.is_stale().then_some(self.proof.head),
            sibling_of: self
                .branch
                .as_ref()
                .filter(|branch| !branch.starts_with("patch-moi/candidate/"))
                .map(|_| format!("patch-moi/candidate/{}", self.document().event.tag.slug())),
            workflow_files: self.workflow_files.clone(),
            reasons: self.reasons.clone(),
            pages: self.github.map(|github| github.pages(self.server)),
        }
    }

    /// The pull request; nothing where there cannot be one, with the reason.
    fn pull_request(&mut self, github: &GitHub, forge: &Forge<'_>) -> Option<RequestReport> {
        let branch = self.branch.clone().filter(|_| self.plan.request == Request::PullRequest)?;
        if let Some(err) = github.no_pull_request(self.server) {
            return self.cannot(&err);
        }
        let text = request::pull_request(self.document(), &self.place());
        let marker = request::marker(&self.document().event.id);
        let base = self.proof.prepared.branch.clone();
        let mut known = match forge.pull_requests(&branch, &base) {
            Ok(known) => known,
            Err(err) => return self.cannot(&err),
        };
        known.retain(|one| request::is_marked(&one.body, &marker));
        if let Some(open) = known.iter().find(|one| one.state == State::Open) {
            return self.update_pull_request(forge, open, &text);
        }
        // One that this program has closed is not opened again: GitHub refuses where the branch was moved.
        if let Some(closed) = known.iter().find(|one| !request::is_superseded(&one.body)) {
            self.reasons.push(format!(
                "Pull request #{} about this release is closed, and stays so: whoever closed it has decided.",
                closed.number
            ));
            return Some(report("pull-request", "left", closed.number, &closed.url));
        }
        let new = NewPullRequest { title: text.title, body: text.body, head: branch, base, draft: true };
        match forge.open_pull_request(&new) {
            Ok(opened) => {
                self.settle_issue(forge, opened.number);
                Some(report("pull-request", "opened", opened.number, &opened.url))
            }
            Err(ForgeError::Exists { number, url }) => {
                self.reasons.push(format!(
                    "Pull request #{number} for the same branch was opened by somebody, and is left as it is."
                ));
                Some(report("pull-request", "left", number, &url))
            }
            Err(err) => self.cannot(&err),
        }
    }

    fn update_pull_request(
        &mut self,
        forge: &Forge<'_>,
        ours: &PullRequest,
        text: &Text,
    ) -> Option<RequestReport> {
        let outcome = if is_same(&ours.title, &ours.body, text) {
            "unchanged"
        } else {
            if let Err(err) = forge.update_pull_request(ours.number, &change(text, None)) {
                return self.cannot(&err);
            }
            "updated"
        };
        self.settle_issue(forge, ours.number);
        Some(report("pull-request", outcome, ours.number, &ours.url))
    }

    /// The issue; nothing where there cannot be one, with the reason.
    fn issue(&mut self, github: &GitHub, forge: &Forge<'_>) -> Option<RequestReport> {
        if !self.policy.issue {
            return None;
        }
        if let Some(err) = github.no_issue(self.server) {
            return self.cannot(&err);
        }
        let text = request::issue(self.document(), &self.place());
        let known = match self.issues_about_this(forge) {
            Ok(known) => known,
            Err(err) => return self.cannot(&err),
        };
        let is_open = |one: &&Issue| one.state == State::Open;
        let by_somebody = |one: &&Issue| !request::is_superseded(&one.body);
        let ours = known.iter().find(is_open).or_else(|| known.iter().find(by_somebody)).or(known.first());
        let done = match ours {
            None => forge
                .open_issue(&text.title, &text.body)
                .map(|it| report("issue", "opened", it.number, &it.url)),
            Some(ours) if ours.state == State::Open && is_same(&ours.title, &ours.body, &text) => {
                Ok(report("issue", "unchanged", ours.number, &ours.url))
            }
            Some(ours) if ours.state == State::Open || request::is_superseded(&ours.body) => {
                let state = (ours.state != State::Open).then_some(State::Open);
                let updated = forge.update_issue(ours.number, &change(&text, state));
                updated.map(|_| report("issue", "updated", ours.number, &ours.url))
            }
            Some(ours) => {
                self.reasons.push(format!(
                    "Issue #{} about this release is closed, and stays so: whoever closed it has decided.",
                    ours.number
                ));
                Ok(report("issue", "left", ours.number, &ours.url))
            }
        };
        match done {
            Ok(done) => {
                self.hold_pull_request(forge, done.number);
                Some(done)
            }
            Err(err) => self.cannot(&err),
        }
    }

    fn issues_about_this(&self, forge: &Forge<'_>) -> Result<Vec<Issue>, ForgeError> {
        let marker = request::marker(&self.document().event.id);
        let mut issues = forge.marked_issues()?;
        issues.retain(|issue| request::is_marked(&issue.body, &marker));
        Ok(issues)
    }

    /// Keeps the reason, and goes on without.
    fn cannot(&mut self, err: &ForgeError) -> Option<RequestReport> {
        self.again |= err.may_pass();
        self.reasons.push(sentence(err));
        None
    }

    /// Closes the issue about this release, now that the pull request `number` is open.
    fn settle_issue(&self, forge: &Forge<'_>, number: u64) {
        // Where issues are off or may not be read, there is none to close.
        for issue in self.issues_about_this(forge).unwrap_or_default() {
            if issue.state == State::Open {
                let text = request::superseded(&issue.title, &issue.body, By::PullRequest(number));
                self.warn(forge.update_issue(issue.number, &change(&text, Some(State::Closed))).err());
            }
        }
    }

    /// Says in the open pull request about this release that it is no longer complete.
    fn hold_pull_request(&self, forge: &Forge<'_>, issue: Option<u64>) {
        let event = &self.document().event.id;
        let is_ours = |number| {
            self.before.iter().any(|line| line.event_id == *event && line.pull_request == Some(number))
        };
        let (Some(issue), Outcome::Incomplete) = (issue, self.document().status) else { return };
        if !self.before.iter().any(|line| line.event_id == *event && line.pull_request.is_some()) {
            return;
        }
        for open in forge.open_pull_requests(&self.proof.prepared.branch).unwrap_or_default() {
            let text = request::superseded(&open.title, &open.body, By::Issue(issue));
            if is_ours(open.number) && !is_same(&open.title, &open.body, &text) {
                self.warn(forge.update_pull_request(open.number, &change(&text, None)).err());
            }
        }
    }

    /// Marks and closes what older releases have left open. What cannot be changed stays.
    fn supersede(&self, forge: &Forge<'_>) {
        let tag = &self.document().event.tag;
        let older: Vec<&Published> = self.before.iter().filter(|line| self.is_older(&line.tag)).collect();
        // What a person has made another text of is theirs by now.
        let marked = |body: &str, line: &Published| request::event_of(body).as_ref() == Some(&line.event_id);
        if older.iter().any(|line| line.pull_request.is_some()) {
            for open in forge.open_pull_requests(&self.proof.prepared.branch).unwrap_or_default() {
                let is_ours =
                    |line: &Published| line.pull_request == Some(open.number) && marked(&open.body, line);
                if older.iter().any(|line| is_ours(line)) {
                    let text = request::superseded(&open.title, &open.body, By::Release(tag));
                    let closed = change(&text, Some(State::Closed));
                    self.warn(forge.update_pull_request(open.number, &closed).err());
                }
            }
        }
        if older.iter().any(|line| line.issue.is_some()) {
            for open in forge.marked_issues().unwrap_or_default() {
                let is_ours = |line: &Published| line.issue == Some(open.number) && marked(&open.body, line);
                if open.state == State::Open && older.iter().any(|line| is_ours(line)) {
                    let text = request::superseded(&open.title, &open.body, By::Release(tag));
                    self.warn(forge.update_issue(open.number, &change(&text, Some(State::Closed))).err());
                }
            }
        }
    }

    /// Whether a release came before this one, by the source's versions.
    fn is_older(&self, other: &TagName) -> bool {
        let Some(source) = self.session.source_of(&self.document().event.repo) else { return false };
        let version = |tag: &TagName| source.rules.tag_pattern.version_of(tag).and_then(Version::parse);
        match (version(other), version(&self.document().event.tag)) {
            (Some(other), Some(this)) => other < this,
            _ => false,
        }
    }

    fn warn(&self, err: Option<ForgeError>) {
        if let Some(err) = err {
            self.session.context.ui.warn(&format!("an earlier pull request or issue stays as it is: {err}"));
        }
    }
}

/// Whether nothing is to be changed. Whoever edits in a browser leaves other line ends.
fn is_same(title: &str, body: &str, text: &Text) -> bool {
    title == text.title && body.replace("\r\n", "\n").trim_end() == text.body.trim_end()
}

fn change(text: &Text, state: Option<State>) -> Change {
    Change { title: Some(text.title.clone()), body: Some(text.body.clone()), state }
}

fn report(kind: &str, outcome: &str, number: u64, url: &str) -> RequestReport {
    RequestReport {
        kind: kind.to_owned(),
        outcome: outcome.to_owned(),
        number: Some(number),
        url: Some(url.to_owned()),
        reasons: Vec::new(),
    }
}
