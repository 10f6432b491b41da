//! A private bare repository that borrows the fork's objects.
//!
//! Everything new is written here, so that a run that fails or is killed leaves nothing in the
//! fork, and so that the fork's configuration, attributes and hooks have no say.

use std::path::Path;

use tempfile::TempDir;

use super::program::Git;
use super::{GitError, Repository};
use crate::ids::TreeId;
use crate::process::Command;

/// The private repository. Gone when dropped.
pub(crate) struct Workbench {
    pub(super) git: Git,
    pub(super) bench: Repository,
    dir: TempDir,
}

impl std::fmt::Debug for Workbench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Workbench").field(&self.dir.path()).finish()
    }
}

impl Workbench {
    /// A workbench below `temporary` on which the objects of `fork` lie.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub(crate) fn new(git: &Git, fork: &Repository, temporary: &Path) -> Result<Self, GitError> {
        let failed = |source| GitError::Temporary { dir: temporary.to_owned(), source };
        let dir = tempfile::Builder::new().prefix("patch-moi-").tempdir_in(temporary).map_err(failed)?;
        drop(Repository::make_bare(dir.path())?);
        let lent = format!("{}\n", fork.objects_dir().display());
        borrow(&dir.path().join("objects/info"), &lent).map_err(failed)?;
        let bench = Repository::open(dir.path())?;
        Ok(Self { git: git.clone(), bench, dir })
    }

    /// The repository, for reading refs and revisions.
    pub(crate) fn repository(&self) -> &Repository {
        &self.bench
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A git in the workbench that sees nobody's configuration.
    pub(super) fn isolated(&self) -> Command {
        let command = self.git.isolated(Some(self.path()));
        command.arg(format!("--git-dir={}", self.path().display())).cwd(self.path())
    }

    /// The same, with the attributes that `tree` has and no others.
    pub(super) fn isolated_with_attributes(&self, tree: TreeId) -> Command {
        self.isolated().arg(format!("--attr-source={tree}"))
    }

    /// A git in the workbench with the user's configuration, for transport.
    pub(super) fn transport(&self) -> Command {
        let command = self.git.transport();
        command.arg(format!("--git-dir={}", self.path().display())).cwd(self.path())
    }
}

/// Names the lender, for libgit2 and git alike: gitrepository-layout(5), objects/info/alternates.
#[expect(clippy::disallowed_methods, reason = "a private repository that is gone with the run is no state")]
fn borrow(info: &Path, lender: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(info)?;
    std::fs::write(info.join("alternates"), lender)
}
