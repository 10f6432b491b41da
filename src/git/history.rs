//! What a folder held in earlier commits.

use git2::{ObjectType, Oid, Sort, Tree, TreeWalkMode, TreeWalkResult};

use super::{GitError, Repository};
use crate::ids::Digest;

/// How far back commits are looked at that left the folder alone.
const MOST_COMMITS: usize = 5_000;

/// The mode of a symbolic link in a tree.
const LINK: i32 = 0o120_000;

/// Each file of a folder, by its path below it with `/`, and the digest of its bytes.
pub(crate) type FolderVersion = Vec<(String, Digest)>;

impl Repository {
    /// The newest version of `folder` (relative to the work tree, with `/`) that `is_it` takes: that of HEAD
    /// first, then those of the commits before it, at most `most` of them that differ from the one after.
    ///
    /// # Errors
    /// Where commits or trees cannot be read. A repository without a commit has no version.
    pub(crate) fn version_of_folder(
        &self,
        folder: &str,
        most: usize,
        is_it: &mut dyn FnMut(&FolderVersion) -> bool,
    ) -> Result<Option<FolderVersion>, GitError> {
        let failed = self.library("reading earlier versions of a folder");
        if self.inner.head().is_err() {
            return Ok(None);
        }
        let mut walk = self.inner.revwalk().map_err(&failed)?;
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME).map_err(&failed)?;
        walk.push_head().map_err(&failed)?;
        let (mut last, mut seen): (Option<Oid>, usize) = (None, 0);
        for commit in walk.take(MOST_COMMITS) {
            let tree = commit.and_then(|id| self.inner.find_commit(id)?.tree()).map_err(&failed)?;
            let Ok(entry) = tree.get_path(folder.as_ref()) else { continue };
            if last.replace(entry.id()) == Some(entry.id()) {
                continue;
            }
            if seen > most {
                break;
            }
            seen += 1;
            let Ok(tree) = self.inner.find_tree(entry.id()) else { continue };
            let version = self.files_of(&tree).map_err(&failed)?;
            if is_it(&version) {
                return Ok(Some(version));
            }
        }
        Ok(None)
    }

    fn files_of(&self, folder: &Tree<'_>) -> Result<FolderVersion, git2::Error> {
        let mut files = Vec::new();
        folder.walk(TreeWalkMode::PreOrder, |above, entry| {
            if entry.kind() == Some(ObjectType::Blob) && entry.filemode() != LINK {
                files.push((format!("{above}{}", String::from_utf8_lossy(entry.name_bytes())), entry.id()));
            }
            TreeWalkResult::Ok
        })?;
        let read = |(path, id): (String, Oid)| Ok((path, Digest::of(self.inner.find_blob(id)?.content())));
        files.into_iter().map(read).collect()
    }
}
