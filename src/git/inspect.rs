//! What a repository holds, for a person who sets it up: nothing here writes.

use std::collections::BTreeMap;

use git2::{Patch, TreeWalkMode, TreeWalkResult};

use super::repository::{object_id, oid};
use super::{GitError, Repository};
use crate::ids::{CommitId, ObjectId};

/// Where GitHub looks for workflows.
const WORKFLOWS: &str = ".github/workflows";

/// The largest file that is read out of a commit, in bytes.
const MAX_FILE: usize = 1 << 20;

impl Repository {
    /// Whether it has a work tree, whose top it was opened at.
    pub(crate) fn has_work_tree(&self) -> bool {
        self.inner.workdir().is_some()
    }

    /// The default branch of `origin`, as it was when the repository was cloned.
    pub(crate) fn default_of_origin(&self) -> Option<String> {
        let head = self.inner.find_reference("refs/remotes/origin/HEAD").ok()?;
        Some(head.symbolic_target().ok().flatten()?.strip_prefix("refs/remotes/origin/")?.to_owned())
    }

    /// Whether a commit is here.
    pub(crate) fn has_commit(&self, commit: CommitId) -> bool {
        self.inner.find_commit(oid(commit.object())).is_ok()
    }

    /// A text file of a commit; none where it is not there, no file, or too large.
    pub(crate) fn file_at(&self, commit: CommitId, path: &str) -> Option<String> {
        let tree = self.inner.find_commit(oid(commit.object())).ok()?.tree().ok()?;
        let entry = tree.get_path(path.as_ref()).ok()?;
        let blob = self.inner.find_blob(entry.id()).ok()?;
        (blob.size() <= MAX_FILE).then(|| String::from_utf8_lossy(blob.content()).into_owned())
    }

    /// The workflow files of a commit: their paths and contents' ids.
    ///
    /// # Errors
    /// Where the commit or its trees cannot be read.
    pub(crate) fn workflows(&self, commit: CommitId) -> Result<BTreeMap<String, ObjectId>, GitError> {
        let failed = self.library("reading the workflow files of a commit");
        let tree = self.inner.find_commit(oid(commit.object())).and_then(|commit| commit.tree());
        let tree = tree.map_err(&failed)?;
        let Ok(entry) = tree.get_path(WORKFLOWS.as_ref()) else { return Ok(BTreeMap::new()) };
        let Ok(folder) = self.inner.find_tree(entry.id()) else { return Ok(BTreeMap::new()) };
        let mut found = BTreeMap::new();
        let walk = folder.walk(TreeWalkMode::PreOrder, |above, entry| {
            if entry.kind() == Some(git2::ObjectType::Blob) {
                let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
                found.insert(format!("{WORKFLOWS}/{above}{name}"), object_id(entry.id()));
            }
            TreeWalkResult::Ok
        });
        walk.map_err(&failed)?;
        Ok(found)
    }

    /// Every branch that is known here, of the repository itself and of `origin`: its commit.
    ///
    /// # Errors
    /// Where the refs cannot be read.
    pub(crate) fn known_branches(&self) -> Result<Vec<CommitId>, GitError> {
        let mut found = Vec::new();
        for namespace in ["refs/heads", "refs/remotes/origin"] {
            found.extend(self.refs_below(namespace)?.into_iter().map(|(_, _, commit)| commit));
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}

/// The difference of two texts as `git diff` shows it, from its first `@@` on; empty where they are
/// the same.
pub(crate) fn difference(old: &str, new: &str) -> String {
    let patch = Patch::from_buffers(old.as_bytes(), None, new.as_bytes(), None, None);
    let text = patch.and_then(|mut patch| patch.to_buf());
    let text = text.map(|buffer| String::from_utf8_lossy(&buffer).into_owned()).unwrap_or_default();
    text.find("@@ ").map(|at| text[at..].to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn a_difference_shows_what_goes_and_what_comes() {
        assert_eq!(difference("a\n", "a\n"), "");
        assert_eq!(difference("", "a\n"), "@@ -0,0 +1 @@\n+a\n");
        assert_eq!(difference("a\nb\n", "a\nc\n"), "@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
    }
}
