//! The engine on a repository, without events or records: what other tools drive.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::recorded::own_records;
use crate::candidate::{DEFAULT_SQUASH_MESSAGE, accounting, squash_message};
use crate::failure::{Failure, Kind, Result};
use crate::git::{Git, GitMerge, RefMove, Repository, Workbench};
use crate::ids::{CommitId, RefName, TreeId};
use crate::stack::{self, Answers, Carry, Committer, Conflict, Objects, Picked, RawCommit, StackError};

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
    /// Whether the patches go on as one line without merges.
    pub(crate) flatten: bool,
    /// Who commits.
    pub(crate) committer: Committer,
}

/// What `stack rebase` has come to.
#[derive(Debug, Serialize)]
pub(crate) struct Rebased {
    /// The carry itself.
    #[serde(flatten)]
    pub(crate) carry: Carry,
    /// Where the candidate was made one commit: the last commit of the stack that it was made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stack: Option<CommitId>,
    /// How many new objects the repository was given; nothing where it cannot be written.
    pub(crate) objects: Option<usize>,
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
    let tips: Vec<CommitId> = [tip, onto].into_iter().chain(base).collect();
    let bench = Workbench::new(git, &repository, temporary)?.deepened(&tips)?;
    let records = own_records(&repository)?;
    let inventory = stack::take_remembered(&bench, tip, onto, base.as_slice(), &records).map_err(|err| {
        Failure::from(err).context(format!("`{}` cannot be carried to `{}`", asked.branch, asked.onto))
    })?;
    let inventory = inventory.flattened(asked.flatten);
    bench.stock(inventory.commits(), inventory.base, onto)?;
    let merger = GitMerge::new(&bench, tree_of(&bench, onto)?);
    let mut carry =
        stack::carry(&bench, &merger, &inventory, &asked.committer, &Answers::default(), progress)?;
    accounting(&carry, inventory.commits())?;
    let mut made: Vec<CommitId> =
        carry.patches.iter().filter_map(|patch| patch.new_commit).chain(carry.partial).collect();
    let message = || squash_message(DEFAULT_SQUASH_MESSAGE, &asked.onto, &carry);
    let squashed = match asked.squash {
        true => stack::squash(&bench, &carry, &message(), &asked.committer)?,
        false => None,
    };
    let stack = squashed.map(|commit| std::mem::replace(&mut carry.candidate.commit, commit));
    made.push(carry.candidate.commit);
    let known = [tip, onto];
    let wanted = asked.write_ref.as_ref().filter(|_| carry.candidate.complete);
    let objects = match (bench.send(&repository, made, &known), wanted) {
        (Ok(objects), _) => Some(objects),
        (Err(err), Some(_)) => return Err(err.into()),
        (Err(_), None) => None,
    };
    if let Some(name) = wanted {
        bench.deliver(
            &repository,
            &[RefMove { name: name.clone(), from, to: Some(carry.candidate.commit) }],
            &known,
        )?;
    }
    Ok(Rebased { stack, objects, written: wanted.cloned(), carry })
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
        let [commit, onto] =
            [commit, onto].map(|id| id.parse::<CommitId>().map_err(|err| Failure::new(Kind::Usage, err)));
        let (commit, onto) = (commit?, onto?);
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
