//! A checkout as a runner would have it: what it would lack, and a fresh one.

use std::path::Path;

use super::program::{Git, in_repository};
use super::{GitError, RemoteUrl, Repository};
use crate::ids::CommitId;
use crate::process::{Command, Output};

/// So many names of each kind are worth knowing.
const MOST: usize = 1000;

/// What a runner would not see of a checkout.
#[derive(Debug, Default)]
pub(crate) struct NotAtRemote {
    /// Tracked files that differ from HEAD.
    pub(crate) changed: Vec<String>,
    /// Files that are neither tracked nor ignored.
    pub(crate) untracked: Vec<String>,
    /// Commits that no branch of `origin` was seen to have, newest first, with their subjects.
    pub(crate) unpushed: Vec<(CommitId, String)>,
}

/// The checkout that is to be made.
#[derive(Debug)]
pub(crate) struct Checkout<'a> {
    /// The commit.
    pub(crate) commit: CommitId,
    /// The branch that stands on it.
    pub(crate) branch: &'a str,
    /// Where `origin` points.
    pub(crate) origin: Option<&'a RemoteUrl>,
    /// How many commits deep the history goes; 0 for all of it.
    pub(crate) depth: u32,
}

impl Git {
    /// What a push has not brought to `origin`: changes of the work tree, and commits of `commit`. Where
    /// there is no remote `origin`, or nothing of it is known, no commit is named.
    ///
    /// # Errors
    /// Where git cannot say.
    pub(crate) fn not_at_remote(
        &self,
        repository: &Repository,
        commit: CommitId,
    ) -> Result<NotAtRemote, GitError> {
        let mut found = NotAtRemote::default();
        let status = in_work_tree(self.personal(), repository)
            .args(["-c", "core.fsmonitor=false", "status", "--porcelain", "-z", "--untracked-files=all"])
            .args(["--no-renames"]);
        for entry in lines(status, "status", '\0')?.into_iter().filter(|entry| entry.len() > 3) {
            let (state, path) = entry.split_at(3);
            let list = if state.starts_with("??") { &mut found.untracked } else { &mut found.changed };
            if list.len() < MOST {
                list.push(path.to_owned());
            }
        }
        if repository.refs_below("refs/remotes/origin")?.is_empty() {
            return Ok(found);
        }
        let log = in_work_tree(self.personal(), repository)
            .args(["log", "--format=%H %s", &format!("--max-count={MOST}"), &commit.to_string()])
            .args(["--not", "--remotes=origin"]);
        for line in lines(log, "log", '\n')? {
            let (id, subject) = line.split_once(' ').unwrap_or((&line, ""));
            if let Ok(id) = id.parse() {
                found.unpushed.push((CommitId::new(id), subject.to_owned()));
            }
        }
        Ok(found)
    }

    /// Makes `into` a checkout of a commit of `from`, the way `actions/checkout` makes one: one branch, one
    /// remote, no tags, nothing that is not committed.
    ///
    /// # Errors
    /// Where git refuses.
    pub(crate) fn check_out_afresh(
        &self,
        from: &Repository,
        asked: &Checkout<'_>,
        into: &Path,
    ) -> Result<Repository, GitError> {
        let run = |what: &'static str, args: &[&str]| {
            let command = self.isolated(None).args(args);
            let done = command.run().and_then(Output::success);
            done.map(drop).map_err(|source| GitError::Program { what, source })
        };
        let dir = into.to_string_lossy();
        let branch = asked.branch;
        run("init", &["init", "--quiet", "--template=", &format!("--initial-branch={branch}"), "--", &dir])?;
        let work_tree = format!("--work-tree={dir}");
        let git_dir = format!("--git-dir={dir}/.git");
        let tracking = format!("refs/remotes/origin/{branch}");
        let wanted = format!("+{}:{tracking}", asked.commit);
        let depth = format!("--depth={}", asked.depth);
        // In a URL git takes `%20` and the like for other characters.
        let url = format!("file://{}", absolute(from).display().to_string().replace('%', "%25"));
        let mut fetch = vec![git_dir.as_str(), "fetch", "--quiet", "--no-tags", "--no-write-fetch-head"];
        if asked.depth > 0 {
            fetch.push(&depth);
        }
        fetch.extend(["--", &url, &wanted]);
        run("fetch", &fetch)?;
        run("checkout", &[&work_tree, &git_dir, "checkout", "--quiet", "--force", "-B", branch, &tracking])?;
        let made = Repository::open(into)?;
        if let Some(origin) = asked.origin {
            made.add_remote("origin", origin.as_str())?;
        }
        Ok(made)
    }
}

fn absolute(repository: &Repository) -> std::path::PathBuf {
    repository.path().canonicalize().unwrap_or_else(|_| repository.path().to_owned())
}

/// A git command in the work tree, whoever owns it: the user named it.
fn in_work_tree(command: Command, repository: &Repository) -> Command {
    let mut work_tree = std::ffi::OsString::from("--work-tree=");
    work_tree.push(absolute(repository));
    in_repository(command, repository).arg(work_tree)
}

fn lines(command: Command, what: &'static str, end: char) -> Result<Vec<String>, GitError> {
    let said = command.run().and_then(Output::success);
    let said = said.map_err(|source| GitError::Program { what, source })?;
    let text = String::from_utf8_lossy(&said);
    Ok(text.split(end).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}
