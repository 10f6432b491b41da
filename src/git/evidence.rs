//! What git can say of a carry: bundle, patches, range-diff, conflicted files, a checkout.

use std::path::{Path, PathBuf};

use super::merge::crash;
use super::repository::oid;
use super::{GitError, Workbench};
use crate::ids::{CommitId, ObjectId, RefName, TreeId};
use crate::process::{Command, Output};
use crate::stack::{Objects, PortError};

/// A stack of more patches than this is compared patch by patch: git's range-diff compares each
/// with each.
const RANGE_DIFF: usize = 1000;

/// A file as git leaves it in a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConflictFile {
    /// The path from the root of the tree, as bytes.
    pub(crate) path: Vec<u8>,
    /// Its content, with diff3 markers where git could write some; nothing where no file is left.
    pub(crate) content: Option<Vec<u8>>,
}

fn done(what: &'static str, command: Command) -> Result<Vec<u8>, GitError> {
    command.run().and_then(Output::success).map_err(|source| GitError::Program { what, source })
}

/// A path that git made up for a collision ends in `~` and the name of a side; the engine names
/// sides by their ids, the markers by words.
fn renamed(path: &[u8], sides: &[(String, &str)]) -> Vec<u8> {
    for (id, word) in sides {
        if let Some(stem) = path.strip_suffix(id.as_bytes()).filter(|stem| stem.ends_with(b"~")) {
            return [stem, word.as_bytes()].concat();
        }
    }
    path.to_vec()
}

impl Workbench {
    /// Points a ref of the workbench, which no one else sees, at a commit.
    ///
    /// # Errors
    /// Where libgit2 refuses.
    pub(crate) fn name(&self, name: &RefName, commit: CommitId) -> Result<(), GitError> {
        self.settle()?;
        let named = self.bench.inner.reference(name.as_str(), oid(commit.object()), true, "carried");
        named.map(drop).map_err(self.bench.library("naming a commit"))
    }

    /// A bundle of refs of the workbench at `path`, for whoever has `prerequisite`.
    ///
    /// # Errors
    /// Where git refuses.
    pub(crate) fn bundle(
        &self,
        path: &Path,
        refs: &[RefName],
        prerequisite: CommitId,
    ) -> Result<(), GitError> {
        let command = self.isolated()?.args(["bundle", "create", "--quiet"]).arg(path);
        let command = command.args(refs.iter().map(RefName::as_str)).arg(format!("^{prerequisite}"));
        done("bundle create", command).map(drop)
    }

    /// A commit as a mail at `path`, as git-am(1) reads it.
    ///
    /// # Errors
    /// Where git refuses.
    pub(crate) fn format_patch(&self, path: &Path, commit: CommitId) -> Result<(), GitError> {
        let command = self
            .isolated()?
            .args(["format-patch", "--quiet", "-1", "--binary", "--full-index", "--no-signature"])
            .arg(format!("--output={}", path.display()))
            .arg(commit.to_string());
        done("format-patch", command).map(drop)
    }

    /// git's comparison of the old stack with the new one; patch by patch where the old one is no range of
    /// commits.
    ///
    /// # Errors
    /// Where git refuses.
    pub(crate) fn range_diff(
        &self,
        old: Option<(CommitId, CommitId)>,
        new: (CommitId, CommitId),
        pairs: &[(CommitId, CommitId)],
    ) -> Result<Vec<u8>, GitError> {
        if old.is_some_and(|(from, to)| from == to) || new.0 == new.1 {
            return Ok(b"nothing to compare: one of the stacks is empty\n".to_vec());
        }
        let command = || {
            let options = ["range-diff", "--no-color", "--no-ext-diff", "--creation-factor=90"];
            self.isolated().map(|git| git.args(options))
        };
        if let Some(old) = old.filter(|_| pairs.len() <= RANGE_DIFF) {
            let ranges = [format!("{}..{}", old.0, old.1), format!("{}..{}", new.0, new.1)];
            return done("range-diff", command()?.args(ranges));
        }
        let mut text = Vec::new();
        for (old, new) in pairs {
            text.extend(done("range-diff", command()?.args([format!("{old}^!"), format!("{new}^!")]))?);
        }
        Ok(text)
    }

    /// The files in which `patch` conflicts on `there`, as git leaves them, with diff3 markers.
    ///
    /// # Errors
    /// Where git refuses.
    pub(crate) fn conflict_files(
        &self,
        patch: CommitId,
        there: CommitId,
        attributes: TreeId,
        paths: &[Vec<u8>],
    ) -> Result<Vec<ConflictFile>, PortError> {
        let failed = |err: GitError| PortError::new("the conflicted files could not be written", err);
        let name = |name: &str, commit| {
            RefName::join("refs/heads", name)
                .map_err(|err| PortError::new("naming", err))
                .and_then(|name| self.name(&name, commit).map_err(failed))
        };
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        name("carried-so-far", there)?;
        name("patch", patch)?;
        let parent = self
            .bench
            .commit(&format!("{patch}^1"))
            .map_or_else(|_| crate::stack::empty_tree().to_string(), |parent| parent.to_string());
        let command = self
            .isolated_with_attributes(attributes)
            .map_err(failed)?
            .args(["-c", "merge.conflictStyle=diff3", "merge-tree", "--write-tree", "-z", "--no-messages"])
            .arg(format!("--merge-base={parent}"))
            .args(["carried-so-far", "patch"]);
        let output =
            command.run().map_err(|source| failed(GitError::Program { what: "merge-tree", source }))?;
        if crash(&output).is_some() {
            return Ok(paths.iter().map(|path| ConflictFile { path: path.clone(), content: None }).collect());
        }
        let tree =
            output.stdout.bytes.split(|byte| *byte == 0).next().and_then(|id| std::str::from_utf8(id).ok());
        let tree: Option<ObjectId> = tree.and_then(|id| id.parse().ok());
        let tree = tree.ok_or_else(|| failed(GitError::Answer { what: "merge-tree" }))?;
        let sides = [(there.to_string(), "carried-so-far"), (patch.to_string(), "patch")];
        let file = |path: &Vec<u8>| {
            Ok(ConflictFile { path: path.clone(), ..self.file(TreeId::new(tree), &renamed(path, &sides))? })
        };
        paths.iter().map(file).collect()
    }

    fn file(&self, tree: TreeId, path: &[u8]) -> Result<ConflictFile, PortError> {
        let node = crate::stack::find(self, tree, path)?;
        let content = match node {
            Some((mode, id)) if !mode.is_tree() && !mode.is_submodule() => Some(self.blob(id)?),
            _ => None,
        };
        Ok(ConflictFile { path: path.to_vec(), content })
    }

    /// A fresh checkout of `commit` at `dir`, for checks: a repository of its own that no
    /// configuration, hook or credential reaches.
    ///
    /// # Errors
    /// Where git refuses.
    pub(crate) fn check_out(&self, dir: &Path, commit: CommitId) -> Result<PathBuf, GitError> {
        let clone = self.git.isolated(Some(self.path())).args([
            "clone",
            "--quiet",
            "--shared",
            "--no-checkout",
            "--no-tags",
            "--template=",
        ]);
        let stocked = self.stock_whole(commit);
        stocked.map_err(|source| GitError::Missing { what: "a checkout", source })?;
        self.name_for_checkout(commit)?;
        done("clone", clone.arg("--").arg(self.path()).arg(dir).cwd(self.path()))?;
        let checkout = self.git.isolated(Some(self.path())).args([
            "-c",
            "advice.detachedHead=false",
            "checkout",
            "--quiet",
            "--detach",
        ]);
        done("checkout", checkout.arg(commit.to_string()).cwd(dir))?;
        Ok(dir.to_owned())
    }

    /// A clone brings what refs reach; without one the commit would not come along.
    fn name_for_checkout(&self, commit: CommitId) -> Result<(), GitError> {
        match RefName::join("refs/heads", "check") {
            Ok(name) => self.name(&name, commit),
            Err(_) => Err(GitError::Answer { what: "clone" }),
        }
    }
}
