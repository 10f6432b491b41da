//! How people are told: a draft pull request, else an issue, else the summary. One a release.

use super::super::session::Session;
use super::super::verify::Proof;
use super::remote::{Server, Target};
use crate::candidate::Document;
use crate::candidate::publication::{Policy, Publication, Published, Request};
use crate::failure::{Failure, Result};
use crate::forge::{Change, Forge, ForgeError, NewPullRequest, State};
use crate::http::{Client, Options};
use crate::ids::TagName;
use crate::release::Version;
use crate::report::RequestReport;
use crate::report::request::{self, Text, Where};

/// One release's telling.
pub(super) struct Telling<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) server: &'a Server,
    pub(super) target: Option<&'a Target>,
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
}

impl Telling<'_> {
    /// Opens or updates what is wanted, and closes what an older release has left. What GitHub does not do
    /// is a reason in the report, and never an error.
    ///
    /// # Errors
    /// Where the HTTP client cannot be made.
    pub(super) fn tell(mut self) -> Result<RequestReport> {
        let summary = |reasons| RequestReport {
            kind: "summary".to_owned(),
            outcome: "written".to_owned(),
            number: None,
            url: None,
            reasons,
        };
        let Some(repo) = self.target.and_then(|target| self.server.repository(&target.url)) else {
            return Ok(summary(self.reasons));
        };
        if self.plan.request == Request::Summary {
            return Ok(summary(self.reasons));
        }
        let Some(token) = self.server.token.clone() else {
            self.reasons
                .push("There is no token, so that neither a pull request nor an issue is opened.".to_owned());
            return Ok(summary(self.reasons));
        };
        let proxy = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        let proxy = proxy.iter().find_map(|name| self.session.context.variable(name));
        let client = Client::new(Options { proxy, ..Options::default() })?;
        let forge = Forge::new(&client, &self.server.api, Some(token), repo);
        let told = self.pull_request(&forge).or_else(|| self.issue(&forge));
        if told.is_some() {
            self.supersede(&forge);
        }
        Ok(told.unwrap_or_else(|| summary(self.reasons)))
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
        }
    }

    /// The pull request; nothing where there cannot be one, with the reason.
    fn pull_request(&mut self, forge: &Forge<'_>) -> Option<RequestReport> {
        if self.plan.request != Request::PullRequest {
            return None;
        }
        let branch = self.branch.clone()?;
        let text = request::pull_request(self.document(), &self.place());
        let marker = request::marker(&self.document().event.id);
        let base = self.proof.prepared.branch.clone();
        let known = match forge.pull_requests(&branch, &base) {
            Ok(known) => known,
            Err(err) => return self.cannot(err),
        };
        let ours = known.into_iter().find(|one| request::is_marked(&one.body, &marker));
        if let Some(ours) = ours {
            let report = |outcome: &str| report("pull-request", outcome, ours.number, &ours.url);
            return Some(match ours.state {
                State::Open if (&ours.title, &ours.body) == (&text.title, &text.body) => report("unchanged"),
                State::Open => match forge.update_pull_request(ours.number, &change(&text, None)) {
                    Ok(_) => report("updated"),
                    Err(err) => return self.cannot(err),
                },
                // Whoever closed it has decided.
                _ => report("left"),
            });
        }
        let new = NewPullRequest { title: text.title, body: text.body, head: branch, base, draft: true };
        match forge.open_pull_request(&new) {
            Ok(opened) => Some(report("pull-request", "opened", opened.number, &opened.url)),
            Err(ForgeError::Exists { number, url }) => Some(report("pull-request", "left", number, &url)),
            Err(err) => self.cannot(err),
        }
    }

    /// The issue; nothing where there cannot be one, with the reason.
    fn issue(&mut self, forge: &Forge<'_>) -> Option<RequestReport> {
        if !self.policy.issue {
            return None;
        }
        let text = request::issue(self.document(), &self.place());
        let known = match forge.issues_with_marker(&request::marker(&self.document().event.id)) {
            Ok(known) => known,
            Err(err) => return self.cannot(err),
        };
        let reasons = std::mem::take(&mut self.reasons);
        let report = |outcome: &str, number, url: &str| RequestReport {
            reasons: reasons.clone(),
            ..report("issue", outcome, number, url)
        };
        if let Some(ours) = known.first() {
            return Some(match ours.state {
                State::Open if (&ours.title, &ours.body) == (&text.title, &text.body) => {
                    report("unchanged", ours.number, &ours.url)
                }
                State::Open => match forge.update_issue(ours.number, &change(&text, None)) {
                    Ok(_) => report("updated", ours.number, &ours.url),
                    Err(err) => return self.cannot(err),
                },
                _ => report("left", ours.number, &ours.url),
            });
        }
        match forge.open_issue(&text.title, &text.body) {
            Ok(opened) => Some(report("opened", opened.number, &opened.url)),
            Err(err) => {
                self.reasons = reasons;
                self.cannot(err)
            }
        }
    }

    /// Keeps the reason, and goes on without.
    fn cannot(&mut self, err: ForgeError) -> Option<RequestReport> {
        let hint = err.hint();
        let said = crate::pipeline::words::problem(&Failure::from(err)).message;
        self.reasons.push(match hint {
            Some(hint) => format!("{said}: {hint}."),
            None => format!("{said}."),
        });
        None
    }

    /// Marks and closes what older releases have left open. What cannot be changed stays.
    fn supersede(&self, forge: &Forge<'_>) {
        let tag = &self.document().event.tag;
        let base = &self.proof.prepared.branch;
        let older: Vec<&Published> = self.before.iter().filter(|line| self.is_older(&line.tag)).collect();
        if older.iter().any(|line| line.pull_request.is_some()) {
            for open in forge.open_pull_requests(base).unwrap_or_default() {
                let is_older = older.iter().any(|line| line.pull_request == Some(open.number))
                    && request::event_of(&open.body).is_some();
                if is_older {
                    let text = request::superseded(&open.title, &open.body, tag);
                    self.warn(
                        forge.update_pull_request(open.number, &change(&text, Some(State::Closed))).err(),
                    );
                }
            }
        }
        let mut events: Vec<_> =
            older.iter().filter(|line| line.issue.is_some()).map(|line| &line.event_id).collect();
        events.dedup();
        for event in events {
            let issues = forge.issues_with_marker(&request::marker(event)).unwrap_or_default();
            for open in issues.iter().filter(|issue| issue.state == State::Open) {
                let text = request::superseded(&open.title, &open.body, tag);
                self.warn(forge.update_issue(open.number, &change(&text, Some(State::Closed))).err());
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
            self.session.context.ui.warn(&format!("an older release's request stays as it is: {err}"));
        }
    }
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
