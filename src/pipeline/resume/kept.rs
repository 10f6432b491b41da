//! What is kept of an intervention from one command to the next.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::super::session::{Job, Session};
use crate::failure::{Failure, Kind, Result};
use crate::git::{RemoteUrl, Repository};
use crate::ids::{CommitId, RepoName, TagName, TreeId};
use crate::report::{AskedPatch, SettledPatch};
use crate::stack::{Answers, Settlement};

/// The version of the file that this program writes.
pub(super) const VERSION: u32 = 1;

/// One release that somebody is settling. Nothing in it is a result: the carry is made again with the
/// answers, every time.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Kept {
    pub(super) schema_version: u32,
    pub(super) repo: RepoName,
    pub(super) tag: TagName,
    pub(super) branch: Option<String>,
    pub(super) fork: Option<PathBuf>,
    pub(super) upstream_url: Option<String>,
    pub(super) upstream_hint: Option<String>,
    pub(super) onto: CommitId,
    pub(super) tip: CommitId,
    /// Which commits counted as upstream's when it was begun.
    pub(super) excluded: Vec<CommitId>,
    /// The fork's repository.
    pub(super) repository: PathBuf,
    pub(super) worktree: PathBuf,
    pub(super) answers: Vec<Given>,
    /// The patch that waits in the work tree; none while nothing is asked.
    pub(super) asked: Option<Asked>,
    /// What stands in the work tree from the answer before, until the next patch takes its place.
    pub(super) leaving: Option<Leaving>,
    pub(super) begun_at: String,
}

/// An answer, and whose it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Given {
    pub(super) number: usize,
    pub(super) subject: String,
    pub(super) left_out: bool,
    #[serde(flatten)]
    pub(super) settlement: Settlement,
}

impl Given {
    /// The same for a report.
    pub(super) fn said(&self) -> SettledPatch {
        SettledPatch {
            number: self.number,
            commit: self.settlement.commit,
            subject: self.subject.clone(),
            paths: self.settlement.paths.clone(),
            left_out: self.left_out,
        }
    }
}

/// A question to a person.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    pub(super) patch: AskedPatch,
    /// The tree to which the answer will belong.
    pub(super) on_tree: TreeId,
    pub(super) may_be_left_out: bool,
    /// Whether the work tree stands as it should. A command that was killed may have left it half way.
    pub(super) ready: bool,
    /// Whether git could not even begin with the patch, so that a person makes all of it.
    #[serde(default)]
    pub(super) by_hand: bool,
}

/// What stands in the work tree after an answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Leaving {
    /// What was staged or committed there; nothing where it was given up.
    pub(super) tree: Option<TreeId>,
}

impl Kept {
    /// The carry that it is about, with the answers whose trees `repository` still has, and those that
    /// it has not.
    ///
    /// # Errors
    /// An upstream URL that is none.
    pub(super) fn job<'a>(
        &self,
        session: &'a Session<'_>,
        repository: &Repository,
    ) -> Result<(Job<'a>, Vec<&Given>)> {
        let mut answers = Answers::default();
        let mut gone = Vec::new();
        for given in &self.answers {
            let Settlement { commit, on_tree, tree, .. } = given.settlement;
            match repository.has_tree(tree) {
                true => answers.insert(commit, on_tree, tree),
                false => gone.push(given),
            }
        }
        let url = |url: &Option<String>| url.as_deref().map(str::parse::<RemoteUrl>).transpose();
        let mut job = Job::of_tag(self.repo.clone(), Some(self.tag.clone()), session.source_of(&self.repo));
        job.branch.clone_from(&self.branch);
        job.fork.clone_from(&self.fork);
        job.upstream_url = url(&self.upstream_url)?;
        job.upstream_hint = url(&self.upstream_hint)?;
        job.tip = Some(self.tip);
        job.answers = answers;
        Ok((job, gone))
    }

    /// Refuses to go on with a release whose tag points elsewhere than when it was begun.
    ///
    /// # Errors
    /// Where it does.
    pub(super) fn must_be_about(&self, onto: CommitId) -> Result<()> {
        if onto == self.onto {
            return Ok(());
        }
        let text = format!(
            "tag {} of {} named {} when this was begun, and names {onto} now",
            self.tag, self.repo, self.onto
        );
        Err(Failure::new(Kind::Failed, anyhow::Error::msg(text)).hint(format!(
            "ask upstream whether that was meant; `patch-moi resume {} --abort` gives the old one up",
            self.tag
        )))
    }
}
