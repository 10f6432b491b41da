//! A linked work tree in which a person settles a conflict, as git itself would leave it.
//!
//! git runs here with the person's own configuration (conflict style, rerere, attributes, filters), as
//! if they had typed the command. The repository's hooks stay out of it: nobody asked for those.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::merge::crash;
use super::program::{Git, in_repository};
use super::repository::{commit_id, oid};
use super::workbench::unlock_index;
use super::{GitError, Repository};
use crate::ids::{CommitId, ObjectId, TreeId};
use crate::process::{Command, Output};
use crate::stack::Crash;

/// A file of the work tree's own git directory that names the workspace it belongs to.
pub(crate) const MARKER: &str = "patch-moi-resume";

/// A linked work tree.
#[derive(Debug)]
pub(crate) struct WorkTree {
    git: Git,
    path: PathBuf,
}

/// What a cherry-pick came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Picked {
    /// It stopped: in conflict, or because nothing is left of the patch.
    Stopped,
    /// git committed it.
    Applied,
    /// git broke down, and the work tree stands as before.
    Crashed(Crash),
}

/// How a work tree stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The commit that is checked out.
    pub(crate) head: CommitId,
    /// The commit whose cherry-pick is in progress.
    pub(crate) picking: Option<CommitId>,
    /// The paths whose conflicts are not marked as settled.
    pub(crate) unmerged: Vec<String>,
    /// Tracked files whose changes are not staged.
    pub(crate) unstaged: Vec<String>,
    /// Files that git neither tracks nor ignores.
    pub(crate) untracked: Vec<String>,
}

impl WorkTree {
    /// The work tree at `path`, which need not be there.
    pub(crate) fn at(git: &Git, path: &Path) -> Self {
        Self { git: git.clone(), path: path.to_owned() }
    }

    /// Whether there is one.
    pub(crate) fn exists(&self) -> bool {
        self.path.join(".git").exists()
    }

    /// Whether it is a linked work tree of `repository`, and nobody has put something else in its place.
    pub(crate) fn belongs_to(&self, repository: &Repository) -> bool {
        let own = self.git_dir().ok().and_then(|dir| dir.canonicalize().ok());
        let all = repository.inner.commondir().join("worktrees").canonicalize().ok();
        matches!((own, all), (Some(own), Some(all)) if own.starts_with(&all))
    }

    /// Makes it, with `commit` checked out and no branch. One of which only the folder was removed is
    /// made again.
    ///
    /// # Errors
    /// Where git refuses, as for a folder that holds something.
    pub(crate) fn add(&self, repository: &Repository, commit: CommitId) -> Result<(), GitError> {
        let command = in_repository(self.git.personal(), repository);
        let command = command.args(["worktree", "add", "--quiet", "--force", "--detach", "--"]);
        done("worktree add", command.arg(&self.path).arg(commit.to_string())).map(drop)
    }

    /// Removes it, with everything in it where `with_changes` says so.
    ///
    /// # Errors
    /// Where git refuses, as for files that it does not know.
    pub(crate) fn remove(&self, repository: &Repository, with_changes: bool) -> Result<(), GitError> {
        let command = in_repository(self.git.personal(), repository).args(["worktree", "remove"]);
        let command = if with_changes { command.arg("--force") } else { command };
        done("worktree remove", command.arg("--").arg(&self.path)).map(drop)
    }

    /// Begins the cherry-pick of `commit`; of a merge, what it did to its first parent.
    ///
    /// # Errors
    /// Where it was not even begun.
    pub(crate) fn pick(&self, commit: CommitId, is_merge: bool) -> Result<Picked, GitError> {
        let mainline: &[&str] = if is_merge { &["-m", "1"] } else { &[] };
        let command = self.command().arg("cherry-pick").args(mainline).arg(commit.to_string());
        let output = run("cherry-pick", command)?;
        if output.status.is_success() {
            return Ok(Picked::Applied);
        }
        if let Some(crash) = crash(&output) {
            self.tidy()?;
            return Ok(Picked::Crashed(crash));
        }
        if self.picking()? == Some(commit) {
            return Ok(Picked::Stopped);
        }
        failed("cherry-pick", output).map(|_| Picked::Stopped)
    }

    /// Takes away what a git that broke down has left: its lock, and what it had begun.
    fn tidy(&self) -> Result<(), GitError> {
        let dir = self.git_dir()?;
        unlock_index(&dir).map_err(|source| GitError::Temporary { dir, source })?;
        self.discard()
    }

    /// How it stands.
    ///
    /// # Errors
    /// Where git refuses.
    pub(crate) fn standing(&self) -> Result<Standing, GitError> {
        let head = self.commit("HEAD")?.ok_or(GitError::Answer { what: "rev-parse" })?;
        let staged = self.say("ls-files", &["ls-files", "--unmerged", "-z", "--full-name", ":/"])?;
        let path =
            |entry: &[u8]| entry.iter().position(|byte| *byte == b'\t').map(|at| lossy(&entry[at + 1..]));
        let mut unmerged: Vec<String> = split(&staged).filter_map(path).collect();
        unmerged.dedup();
        let changed =
            self.say("diff", &["diff", "--name-only", "-z", "--no-ext-diff", "--ignore-submodules=dirty"])?;
        let mut unstaged: Vec<String> =
            split(&changed).map(lossy).filter(|path| !unmerged.contains(path)).collect();
        unstaged.dedup();
        let others =
            self.say("ls-files", &["ls-files", "--others", "--exclude-standard", "-z", "--full-name", ":/"])?;
        let untracked = split(&others).map(lossy).collect();
        Ok(Standing { head, picking: self.picking()?, unmerged, unstaged, untracked })
    }

    /// The commit whose cherry-pick is in progress.
    ///
    /// # Errors
    /// Where git refuses.
    pub(crate) fn picking(&self) -> Result<Option<CommitId>, GitError> {
        self.commit("CHERRY_PICK_HEAD")
    }

    /// The commit that is checked out.
    ///
    /// # Errors
    /// Where git refuses.
    pub(crate) fn head(&self) -> Result<Option<CommitId>, GitError> {
        self.commit("HEAD")
    }

    /// The tree of what is staged, written to the repository.
    ///
    /// # Errors
    /// Where a conflict is left in the index.
    pub(crate) fn staged(&self) -> Result<TreeId, GitError> {
        let said = self.say("write-tree", &["write-tree"])?;
        let id = std::str::from_utf8(&said).ok().and_then(|id| id.trim().parse::<ObjectId>().ok());
        id.map(TreeId::new).ok_or(GitError::Answer { what: "write-tree" })
    }

    /// Lets `git rerere` remember how the conflict was settled, where that is on.
    pub(crate) fn learn(&self) {
        // Where it is off or has nothing to learn it does nothing, and nothing depends on it.
        let _ = self.say("rerere", &["rerere"]);
    }

    /// Throws away what is staged and what was changed in tracked files, and ends the cherry-pick.
    ///
    /// # Errors
    /// Where git refuses.
    pub(crate) fn discard(&self) -> Result<(), GitError> {
        self.say("reset", &["reset", "--quiet", "--hard"])?;
        self.say("checkout", &["checkout", "--quiet", "--detach"]).map(drop)
    }

    /// Checks `commit` out, and overwrites nothing that a person put there.
    ///
    /// # Errors
    /// Where something is in the way.
    pub(crate) fn check_out(&self, commit: CommitId) -> Result<(), GitError> {
        self.say("checkout", &["checkout", "--quiet", "--detach", &commit.to_string()]).map(drop)
    }

    /// Its own git directory.
    ///
    /// # Errors
    /// Where git refuses.
    pub(crate) fn git_dir(&self) -> Result<PathBuf, GitError> {
        let said = self.say("rev-parse", &["rev-parse", "--absolute-git-dir"])?;
        let path = said.strip_suffix(b"\n").unwrap_or(&said);
        Ok(PathBuf::from(std::ffi::OsStr::from_bytes(path)))
    }

    fn commit(&self, rev: &str) -> Result<Option<CommitId>, GitError> {
        let command = self.command().args(["rev-parse", "--quiet", "--verify", &format!("{rev}^{{commit}}")]);
        let output = run("rev-parse", command)?;
        if !output.status.is_success() {
            return Ok(None);
        }
        Ok(std::str::from_utf8(&output.stdout.bytes).ok().and_then(|id| id.trim().parse().ok()))
    }

    fn say(&self, what: &'static str, args: &[&str]) -> Result<Vec<u8>, GitError> {
        done(what, self.command().args(args))
    }

    fn command(&self) -> Command {
        self.git.personal().cwd(&self.path)
    }
}

impl Repository {
    /// The tree of a commit.
    ///
    /// # Errors
    /// Where there is no such commit.
    pub(crate) fn tree_of(&self, commit: CommitId) -> Result<TreeId, GitError> {
        let found = self.inner.find_commit(oid(commit.object())).map_err(self.library("reading a commit"))?;
        Ok(TreeId::new(super::repository::object_id(found.tree_id())))
    }

    /// Whether this repository has the tree.
    pub(crate) fn has_tree(&self, tree: TreeId) -> bool {
        tree == crate::stack::empty_tree() || self.inner.find_tree(oid(tree.object())).is_ok()
    }

    /// Whether `descendant` holds `ancestor`.
    pub(crate) fn holds(&self, descendant: CommitId, ancestor: CommitId) -> bool {
        let bases = self.inner.merge_base(oid(descendant.object()), oid(ancestor.object()));
        bases.is_ok_and(|base| commit_id(base) == ancestor)
    }

    /// The paths in which `tree` has conflict markers that neither the commit it stands on nor the
    /// patch has: a file that is about markers is no conflict.
    ///
    /// # Errors
    /// Where an object cannot be read.
    pub(crate) fn newly_marked(
        &self,
        tried_on: CommitId,
        patch: CommitId,
        tree: TreeId,
    ) -> Result<Vec<String>, GitError> {
        let failed = self.library("looking for conflict markers");
        let find = |id: TreeId| match id == crate::stack::empty_tree() {
            true => Ok(None),
            false => self.inner.find_tree(oid(id.object())).map(Some).map_err(&failed),
        };
        let (before, after, wanted) =
            (find(self.tree_of(tried_on)?)?, find(tree)?, find(self.tree_of(patch)?)?);
        let diff = self.inner.diff_tree_to_tree(before.as_ref(), after.as_ref(), None).map_err(&failed)?;
        let is_marked = |tree: &Option<git2::Tree<'_>>, path: &Path| {
            let entry = tree.as_ref().and_then(|tree| tree.get_path(path).ok());
            let blob = entry.and_then(|entry| self.inner.find_blob(entry.id()).ok());
            blob.is_some_and(|blob| has_markers(blob.content()))
        };
        let changed = diff.deltas().filter_map(|delta| delta.new_file().path().map(Path::to_owned));
        let marked = changed
            .filter(|path| is_marked(&after, path) && !is_marked(&before, path) && !is_marked(&wanted, path));
        Ok(marked.map(|path| path.to_string_lossy().into_owned()).collect())
    }
}

/// Whether a text holds a line with which git begins or ends a conflict, or parts its sides.
fn has_markers(content: &[u8]) -> bool {
    let has = |marker: &[u8]| content.split(|byte| *byte == b'\n').any(|line| line.starts_with(marker));
    has(b"<<<<<<< ") || has(b">>>>>>> ") || has(b"||||||| ")
}

fn run(what: &'static str, command: Command) -> Result<Output, GitError> {
    command.run().map_err(|source| GitError::Program { what, source })
}

fn failed(what: &'static str, output: Output) -> Result<Vec<u8>, GitError> {
    output.success().map_err(|source| GitError::Program { what, source })
}

fn done(what: &'static str, command: Command) -> Result<Vec<u8>, GitError> {
    failed(what, run(what, command)?)
}

fn split(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == 0).filter(|part| !part.is_empty())
}

fn lossy(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

#[cfg(test)]
mod tests {
    use super::has_markers;

    #[test]
    fn a_heading_underlined_with_seven_signs_is_no_marker() {
        assert!(!has_markers(b"Title\n=======\n<<<<<<<<\n"));
        assert!(has_markers(b"a\n<<<<<<< HEAD\nb\n"));
        assert!(has_markers(b">>>>>>> 1234567 (Rename)\n"));
    }
}
