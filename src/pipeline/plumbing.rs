//! The engine on a repository, without events or records: what other tools drive.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::failure::Result;
use crate::git::{Git, GitMerge, RefMove, Repository, Workbench};
use crate::ids::{CommitId, RefName, TreeId};
use crate::stack::{self, Carry, Committer, Conflict, Objects, Picked, RawCommit, StackError};

/// What `stack rebase` is to do.
#[derive(Debug)]
pub(crate) struct Rebase {
    /// The repository.
    pub(crate) repo: PathBuf,
    /// A revision of the maintained branch.
    pub(crate) branch: String,
    /// A revision of the release.
    pub(crate) onto: String,
    /// A revision of the commit that the stack stands on, where it shall not be found out.
    pub(crate) base: Option<String>,
    /// The ref that a complete candidate is written to.
    pub(crate) write_ref: Option<RefName>,
    /// Whether a complete candidate becomes one commit.
    pub(crate) squash: bool,
    /// Who commits.
    pub(crate) committer: Committer,
}

/// What `stack rebase` has come to.
#[derive(Debug, Serialize)]
pub(crate) struct Rebased {
    #[serde(flatten)]
    pub(crate) carry: Carry,
    /// The candidate as one commit, where it was asked for and is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) squashed: Option<CommitId>,
    /// The ref that was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) written: Option<RefName>,
}

/// Carries a stack within one repository.
///
/// # Errors
/// Unknown revisions, unrelated histories, a ref that somebody else moved.
pub(crate) fn rebase(
    git: &Git,
    temporary: &Path,
    asked: &Rebase,
    progress: stack::Progress<'_>,
) -> Result<Rebased> {
    let repository = Repository::open(&asked.repo)?;
    let from = asked.write_ref.as_ref().and_then(|name| repository.at(name));
    let (tip, onto) = (repository.commit(&asked.branch)?, repository.commit(&asked.onto)?);
    let base = asked.base.as_ref().map(|base| repository.commit(base)).transpose()?;
    let bench = Workbench::new(git, &repository, temporary)?;
    let inventory = stack::take(&bench, tip, onto, base.as_slice())?;
    let merger = GitMerge::new(&bench, tree_of(&bench, onto)?);
    let carry = stack::carry(&bench, &merger, &inventory, &asked.committer, progress)?;
    let squashed = match asked.squash {
        true => stack::squash(&bench, &carry, &stack::squash_message(&carry, &asked.onto), &asked.committer)?,
        false => None,
    };
    let mut written = None;
    if let Some(name) = asked.write_ref.as_ref().filter(|_| carry.candidate.complete) {
        let to = Some(squashed.unwrap_or(carry.candidate.commit));
        bench.deliver(&repository, &[RefMove { name: name.clone(), from, to }], &[tip, onto])?;
        written = Some(name.clone());
    }
    Ok(Rebased { carry, squashed, written })
}

/// The tree of a commit.
pub(crate) fn tree_of(objects: &dyn Objects, id: CommitId) -> Result<TreeId> {
    Ok(RawCommit::parse(id, &objects.commit(id).map_err(StackError::from)?)?.tree)
}

/// One answer of `stack pick`.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    commit: String,
    onto: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(flatten)]
    outcome: Option<Outcome>,
}

impl Answer {
    /// Whether the line could be answered.
    pub(crate) const fn is_error(&self) -> bool {
        self.error.is_some()
    }
}

#[derive(Debug, Serialize)]
struct Outcome {
    tree: Option<TreeId>,
    conflicts: Vec<Conflict>,
}

/// Answers lines of `<commit> <new parent>` in order.
pub(crate) struct Picker<'a> {
    bench: &'a Workbench,
}

impl<'a> Picker<'a> {
    /// A picker of commits that `bench` has.
    pub(crate) const fn new(bench: &'a Workbench) -> Self {
        Self { bench }
    }

    /// Answers one line.
    pub(crate) fn answer(&self, line: &str) -> Answer {
        let (commit, onto) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
        let (commit, onto) = (commit.to_owned(), onto.trim().to_owned());
        match self.pick(&commit, &onto) {
            Ok(outcome) => Answer { commit, onto, error: None, outcome: Some(outcome) },
            Err(failure) => {
                let error = std::iter::once(failure.title()).chain(failure.causes()).collect::<Vec<_>>();
                Answer { commit, onto, error: Some(error.join(": ")), outcome: None }
            }
        }
    }

    fn pick(&self, commit: &str, onto: &str) -> Result<Outcome> {
        let repository = self.bench.repository();
        let (commit, onto) = (repository.commit(commit)?, repository.commit(onto)?);
        let attributes = tree_of(self.bench, onto)?;
        let merger = GitMerge::new(self.bench, attributes);
        Ok(match stack::pick(self.bench, &merger, commit, onto)? {
            Picked::Clean(tree) => Outcome { tree: Some(tree), conflicts: Vec::new() },
            Picked::Conflict(paths) => {
                Outcome { tree: None, conflicts: paths.into_iter().map(Conflict::from).collect() }
            }
        })
    }
}
