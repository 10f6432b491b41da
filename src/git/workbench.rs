//! A private bare repository that borrows the fork's objects.
//!
//! Everything new is written here, so that a run that fails or is killed leaves nothing in the
//! fork, and so that the fork's configuration, attributes and hooks have no say.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::made::Made;
use super::program::{Git, option};
use super::stock::Errands;
use super::supply::Supply;
use super::{GitError, Repository};
use crate::ids::{CommitId, TreeId};
use crate::process::Command;

/// The private repository. Gone when dropped.
pub(crate) struct Workbench {
    pub(super) git: Git,
    pub(super) bench: Repository,
    pub(super) made: Made,
    /// The common history of two commits, asked for before.
    pub(super) bases: RefCell<HashMap<[CommitId; 2], Option<CommitId>>>,
    /// What the fork lacks comes from here.
    pub(super) supply: Supply,
    /// What is to be carried.
    pub(super) errand: Errands,
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
        // As in git itself, what was checked when it was fetched is not hashed again at every look.
        git2::opts::strict_hash_verification(false);
        let failed = |source| GitError::Temporary { dir: temporary.to_owned(), source };
        let dir = tempfile::Builder::new().prefix("patch-moi-").tempdir_in(temporary).map_err(failed)?;
        lay_out(dir.path()).and_then(|()| borrow(dir.path(), fork)).map_err(failed)?;
        let bench = opened(dir.path())?;
        let supply = Supply::of(git, fork, dir.path());
        supply.promise(&bench)?;
        let (made, bases, errand) = (Made::default(), RefCell::default(), Errands::default());
        Ok(Self { git: git.clone(), bench, made, bases, supply, errand, dir })
    }

    /// The same workbench after more history was fetched to it, which libgit2 notices only when it opens.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub(crate) fn reopened(mut self) -> Result<Self, GitError> {
        self.settle()?;
        self.bases.borrow_mut().clear();
        self.bench = opened(self.dir.path())?;
        Ok(self)
    }

    /// The repository, for reading refs and revisions.
    pub(crate) fn repository(&self) -> &Repository {
        if let Err(err) = self.settle() {
            // Whoever needs one of the objects finds it missing, and says so.
            tracing::warn!("what was made could not be written: {err}");
        }
        &self.bench
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A git in the workbench that sees nobody's configuration.
    ///
    /// # Errors
    /// Where what was made so far, which git is to see, cannot be written.
    pub(super) fn isolated(&self) -> Result<Command, GitError> {
        self.settle()?;
        let command = self.git.isolated(Some(self.path()));
        Ok(command.arg(option("--git-dir=", self.path())).cwd(self.path()))
    }

    /// The same, with the attributes that `tree` has and no others.
    pub(super) fn isolated_with_attributes(&self, tree: TreeId) -> Result<Command, GitError> {
        Ok(self.isolated()?.arg(format!("--attr-source={tree}")))
    }
}

/// The repository at `bench`, which knows no configuration but its own: libgit2 would read the person's and the
/// machine's too.
fn opened(bench: &Path) -> Result<Repository, GitError> {
    let opened = Repository::open(bench)?;
    let own = git2::Config::open(&bench.join("config"));
    own.and_then(|own| opened.inner.set_config(&own)).map_err(opened.library("setting a configuration"))?;
    Ok(opened)
}

/// Makes an empty bare repository of as few files as git needs: gitrepository-layout(5). Each new file costs the file
/// system more than ten patches cost here, and libgit2 would make twenty.
#[expect(clippy::disallowed_methods, reason = "a private repository that is gone with the run is no state")]
fn lay_out(bench: &Path) -> std::io::Result<()> {
    for folder in ["objects/info", "objects/pack", "refs"] {
        std::fs::create_dir_all(bench.join(folder))?;
    }
    std::fs::write(bench.join("HEAD"), "ref: refs/heads/none\n")?;
    std::fs::write(
        bench.join("config"),
        "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n",
    )
}

/// How far git and libgit2 follow a lender that borrows itself.
const DEPTH: usize = 5;

/// Names the lenders, for libgit2 and git alike, and where the fork's history was cut off:
/// gitrepository-layout(5), objects/info/alternates and shallow.
///
/// The lenders' own lenders are named too: libgit2 does not follow a relative path there.
#[expect(clippy::disallowed_methods, reason = "a private repository that is gone with the run is no state")]
pub(super) fn borrow(bench: &Path, fork: &Repository) -> std::io::Result<()> {
    let mut lenders = vec![fork.objects_dir()];
    let mut at = 0;
    for _ in 0..DEPTH {
        let end = lenders.len();
        let further: Vec<PathBuf> = lenders[at..end].iter().flat_map(|own| borrowed(own)).collect();
        lenders.extend(further.into_iter().filter(|lender| lender.is_dir()));
        at = end;
    }
    let mut lines = Vec::new();
    for (number, lender) in lenders.into_iter().enumerate() {
        let line = match lender.as_os_str().as_bytes().contains(&b'\n') {
            false => lender,
            true => {
                let link = bench.join(format!("lender-{number}"));
                std::os::unix::fs::symlink(lender, &link)?;
                link
            }
        };
        lines.extend_from_slice(line.as_os_str().as_bytes());
        lines.push(b'\n');
    }
    std::fs::create_dir_all(bench.join("objects/info"))?;
    std::fs::write(bench.join("objects/info/alternates"), lines)?;
    match std::fs::read(fork.inner.commondir().join("shallow")) {
        Ok(cut) => std::fs::write(bench.join("shallow"), cut),
        Err(_) => Ok(()),
    }
}

/// An empty object directory at `path`, whatever a fetch that did not end well has left there: half a pack.
#[expect(clippy::disallowed_methods, reason = "a private repository that is gone with the run is no state")]
pub(super) fn make_pantry(path: &Path) -> std::io::Result<()> {
    if path.exists() {
        std::fs::remove_dir_all(path)?;
    }
    std::fs::create_dir_all(path.join("pack")).and_then(|()| std::fs::create_dir_all(path.join("info")))
}

/// A folder of an object directory, such as the one of the objects whose ids begin alike.
#[expect(clippy::disallowed_methods, reason = "the object directory is git's, and git makes its folders so")]
pub(super) fn make_folder(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)
}

/// Moves every pack of the object directory `pantry` to `own`, the index last: it makes it one.
#[expect(clippy::disallowed_methods, reason = "a private repository that is gone with the run is no state")]
pub(super) fn take_over(pantry: &Path, own: &Path) -> std::io::Result<()> {
    let mut files = Vec::new();
    for entry in pantry.join("pack").read_dir()? {
        files.push(entry?.path());
    }
    files.sort_by_key(|file| file.extension().is_some_and(|end| end == "idx"));
    for (file, name) in files.iter().filter_map(|file| Some((file, file.file_name()?))) {
        std::fs::rename(file, own.join("pack").join(name))?;
    }
    Ok(())
}

/// Takes away the lock on the index that a git which broke down has left in its own folder `git_dir`.
#[expect(clippy::disallowed_methods, reason = "a lock whose owner has ended is no state")]
pub(super) fn unlock_index(git_dir: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(git_dir.join("index.lock")) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(source),
        _ => Ok(()),
    }
}

/// The object directories that `own` borrows from.
fn borrowed(own: &Path) -> Vec<PathBuf> {
    let listed = std::fs::read(own.join("info/alternates")).unwrap_or_default();
    let lines = listed.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && line[0] != b'#');
    lines.map(|line| own.join(OsStr::from_bytes(line))).collect()
}
