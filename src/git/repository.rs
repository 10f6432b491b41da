//! One repository: what is in it, and where its refs stand.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, RepositoryState};

use super::GitError;
use crate::ids::{CommitId, ObjectId, RefName};

/// A repository on this machine.
pub(crate) struct Repository {
    pub(super) inner: git2::Repository,
    path: PathBuf,
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Repository").field(&self.path).finish()
    }
}

/// What keeps a file out of the next commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exclusion {
    /// It is ignored, or in no repository that can be read.
    Out,
    /// Nothing: `git add` of its folder takes it.
    NotIgnored,
    /// Nothing: it is part of the repository already.
    Tracked,
}

impl Exclusion {
    /// Of a file, which need not be there.
    pub(crate) fn of(file: &Path) -> Self {
        Self::find(file).unwrap_or(Self::Out)
    }

    fn find(file: &Path) -> Option<Self> {
        let folder = file.ancestors().skip(1).find(|folder| folder.is_dir())?;
        let repository = git2::Repository::discover(folder).ok()?;
        let root = repository.workdir()?.canonicalize().ok()?;
        let file = folder.canonicalize().ok()?.join(file.strip_prefix(folder).ok()?);
        let path = file.strip_prefix(root).ok()?;
        let tracked = repository.index().ok()?.get_path(path, 0).is_some();
        let ignored = repository.status_should_ignore(path).ok()?;
        Some(match (tracked, ignored) {
            (true, _) => Self::Tracked,
            (false, true) => Self::Out,
            (false, false) => Self::NotIgnored,
        })
    }
}

impl Repository {
    /// Opens the repository whose work tree or git directory is `path`.
    ///
    /// # Errors
    /// [`GitError::NotARepository`], [`GitError::Foreign`] for one that somebody else owns, or
    /// [`GitError::Format`] for SHA-256 objects and reftables.
    pub(crate) fn open(path: &Path) -> Result<Self, GitError> {
        let flags = git2::RepositoryOpenFlags::NO_SEARCH;
        let opened = git2::Repository::open_ext(path, flags, std::iter::empty::<&Path>());
        match opened {
            Ok(inner) => Ok(Self { inner, path: path.to_owned() }),
            Err(_) if !path.join(".git").exists() && !path.join("HEAD").exists() => {
                Err(GitError::NotARepository(path.to_owned()))
            }
            Err(source) if source.code() == ErrorCode::Owner => Err(GitError::Foreign(path.to_owned())),
            Err(source) => {
                Err(GitError::Format { path: path.to_owned(), format: source.message().to_owned() })
            }
        }
    }

    /// Opens the checkout at `path` whoever owns it: for one whose owner is known to be no stranger.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn open_whoever_owns_it(path: &Path) -> Result<Self, GitError> {
        let opened = git2::Repository::open_bare(path.join(".git"));
        let opened = opened.and_then(|inner| inner.set_workdir(path, false).map(|()| inner));
        let format = |format: &str| GitError::Format { path: path.to_owned(), format: format.to_owned() };
        match opened {
            Ok(inner) => Ok(Self { inner, path: path.to_owned() }),
            Err(source) => Err(format(source.message())),
        }
    }

    /// Makes an empty bare repository.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub(crate) fn make_bare(path: &Path) -> Result<Self, GitError> {
        let mut options = git2::RepositoryInitOptions::new();
        options.bare(true).external_template(false).no_reinit(true).initial_head("refs/heads/none");
        git2::Repository::init_opts(path, &options).map_err(|source| GitError::Library {
            what: "making a repository",
            repo: path.to_owned(),
            source,
        })?;
        Self::open(path)
    }

    /// The path by which it was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The object directory, shared by all linked work trees.
    pub(super) fn objects_dir(&self) -> PathBuf {
        let common = self.inner.commondir().join("objects");
        common.canonicalize().unwrap_or(common)
    }

    pub(super) fn library(&self, what: &'static str) -> impl Fn(git2::Error) -> GitError + '_ {
        move |source| GitError::Library { what, repo: self.path.clone(), source }
    }

    /// The commit that `rev` names, by git's rules of revisions.
    ///
    /// # Errors
    /// [`GitError::NoCommit`].
    pub(crate) fn commit(&self, rev: &str) -> Result<CommitId, GitError> {
        let found = self.inner.revparse_single(rev).and_then(|object| object.peel_to_commit());
        let found = found.map_err(|_| GitError::NoCommit { rev: rev.to_owned(), repo: self.path.clone() })?;
        Ok(commit_id(found.id()))
    }

    /// The commit of a ref, if the ref exists and leads to one.
    pub(crate) fn at(&self, name: &RefName) -> Option<CommitId> {
        let commit = self.inner.find_reference(name.as_str()).ok()?.peel_to_commit().ok()?;
        Some(commit_id(commit.id()))
    }

    /// The commit of a branch: the local one, or where there is none that of `origin`.
    pub(crate) fn branch(&self, branch: &str) -> Option<CommitId> {
        ["refs/heads", "refs/remotes/origin"]
            .iter()
            .filter_map(|namespace| RefName::join(namespace, branch).ok())
            .find_map(|name| self.at(&name))
    }

    /// The branch that is checked out, if one is.
    pub(crate) fn current_branch(&self) -> Option<String> {
        let head = self.inner.find_reference("HEAD").ok()?;
        Some(head.symbolic_target().ok().flatten()?.strip_prefix("refs/heads/")?.to_owned())
    }

    /// The commit that is checked out where no branch is.
    pub(crate) fn detached(&self) -> Option<CommitId> {
        self.inner.find_reference("HEAD").ok()?.target().map(commit_id)
    }

    /// The URL of a remote.
    pub(crate) fn remote(&self, name: &str) -> Option<String> {
        self.inner.find_remote(name).ok()?.url().ok().map(str::to_owned)
    }

    /// The URLs of its remotes: first those that promised what a partial clone lacks, then `origin`'s.
    pub(super) fn remotes(&self) -> Vec<String> {
        let promised = self.setting(r"^remote\..*\.promisor$");
        let names = self.inner.remotes().ok();
        let names = names.iter().flat_map(|names| names.iter());
        let mut names: Vec<String> =
            names.filter_map(|name| name.ok().flatten().map(str::to_owned)).collect();
        let promises = |name: &String| promised.contains(&format!("remote.{name}.promisor"));
        names.sort_by_key(|name| (!promises(name), name != "origin", name.clone()));
        names.iter().filter_map(|name| self.remote(name)).map(|url| self.located(&url)).collect()
    }

    /// A relative path, as a remote of this repository may be one.
    fn located(&self, url: &str) -> String {
        let path = self.path.join(url);
        if url.contains("://") || !path.is_dir() { url.to_owned() } else { path.display().to_string() }
    }

    /// Whether objects were left out when it was cloned, as its configuration says (git-config(1),
    /// `remote.<name>.promisor`) or, where its remote was taken away, the packs that came from there.
    pub(crate) fn is_partial(&self) -> bool {
        let is_promisors = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.is_ok_and(|entry| entry.path().extension().is_some_and(|end| end == "promisor"))
        };
        !self.setting(r"^remote\..*\.promisor$").is_empty()
            || self.objects_dir().join("pack").read_dir().is_ok_and(|mut all| all.any(is_promisors))
    }

    /// The names of the switches in its own configuration that fit `pattern` and are on.
    fn setting(&self, pattern: &str) -> Vec<String> {
        let config = self.inner.config().and_then(|mut config| config.snapshot());
        let Ok(config) = config else { return Vec::new() };
        let Ok(mut entries) = config.entries(Some(pattern)) else { return Vec::new() };
        let mut on = Vec::new();
        while let Some(Ok(entry)) = entries.next() {
            let name = entry.name().ok().filter(|name| config.get_bool(name).unwrap_or(false));
            on.extend(name.map(str::to_owned));
        }
        on
    }

    /// Adds a remote.
    ///
    /// # Errors
    /// Where it exists or the name is not valid.
    pub(crate) fn add_remote(&self, name: &str, url: &str) -> Result<(), GitError> {
        self.inner.remote(name, url).map(drop).map_err(self.library("adding a remote"))
    }

    /// Whether history is missing below some commits. libgit2 looks in the folder of a linked work tree,
    /// where git never writes that file.
    pub(crate) fn is_shallow(&self) -> bool {
        !self.cut().is_empty()
    }

    /// The commits below which history is missing.
    pub(super) fn cut(&self) -> Vec<CommitId> {
        let file = self.inner.commondir().join("shallow");
        let lines = std::fs::read_to_string(file).unwrap_or_default();
        lines.lines().filter_map(|line| line.parse().ok().map(CommitId::new)).collect()
    }

    /// Of the commits below which history is missing, those that `tip` stands on. Looks at the
    /// repository as it is now: libgit2 notices a history that has become longer only when it opens.
    ///
    /// # Errors
    /// Where the history cannot be walked.
    pub(crate) fn cut_below(&self, tip: CommitId) -> Result<Vec<CommitId>, GitError> {
        let cut: HashSet<CommitId> = self.cut().into_iter().collect();
        if cut.is_empty() {
            return Ok(Vec::new());
        }
        let failed = self.library("looking for the end of the history");
        let fresh = git2::Repository::open_bare(self.inner.commondir()).map_err(&failed)?;
        // Not by libgit2's own walk, which would look for the parents of a commit below which nothing is.
        let (mut found, mut seen, mut next) = (Vec::new(), HashSet::new(), vec![oid(tip.object())]);
        while let Some(id) = next.pop() {
            let commit = commit_id(id);
            if cut.contains(&commit) {
                found.push(commit);
                continue;
            }
            let parents = fresh.find_commit(id).map_err(&failed)?;
            next.extend(parents.parent_ids().filter(|parent| seen.insert(*parent)));
        }
        Ok(found)
    }

    /// The paths of the work tree that differ from HEAD or are not tracked, at most `limit`.
    ///
    /// # Errors
    /// Where the index cannot be read.
    pub(crate) fn dirt(&self, limit: usize) -> Result<Vec<String>, GitError> {
        if self.inner.is_bare() {
            return Ok(Vec::new());
        }
        let mut options = git2::StatusOptions::new();
        options.include_untracked(true).exclude_submodules(true);
        let statuses =
            self.inner.statuses(Some(&mut options)).map_err(self.library("reading the work tree"))?;
        let path = |entry: git2::StatusEntry<'_>| String::from_utf8_lossy(entry.path_bytes()).into_owned();
        Ok(statuses.iter().map(path).take(limit).collect())
    }

    /// Refuses to go on while a rebase or the like of `branch` is in progress in its work tree.
    ///
    /// # Errors
    /// [`GitError::InProgress`].
    pub(crate) fn must_be_idle(&self, branch: &str) -> Result<(), GitError> {
        let what = match self.inner.state() {
            RepositoryState::Rebase | RepositoryState::RebaseInteractive | RepositoryState::RebaseMerge => {
                "a rebase"
            }
            RepositoryState::ApplyMailbox | RepositoryState::ApplyMailboxOrRebase => "a rebase or `git am`",
            _ => return Ok(()),
        };
        let head_name = ["rebase-merge/head-name", "rebase-apply/head-name"]
            .iter()
            .find_map(|file| std::fs::read_to_string(self.inner.path().join(file)).ok());
        let elsewhere = head_name.is_some_and(|name| name.trim() != format!("refs/heads/{branch}"));
        if elsewhere { Ok(()) } else { Err(GitError::InProgress { repo: self.path.clone(), what }) }
    }

    /// Every ref below `namespace` that leads to a commit: what follows the namespace, the object
    /// that the ref names, and the commit.
    ///
    /// # Errors
    /// Where the refs cannot be read.
    pub(crate) fn refs_below(&self, namespace: &str) -> Result<Vec<(String, ObjectId, CommitId)>, GitError> {
        let failed = self.library("reading refs");
        let mut found = Vec::new();
        for reference in self.inner.references_glob(&format!("{namespace}/*")).map_err(&failed)? {
            let Ok(reference) = reference else { continue };
            let (Ok(name), Some(object)) = (reference.name(), reference.target()) else { continue };
            let Some(rest) = name.strip_prefix(namespace).and_then(|rest| rest.strip_prefix('/')) else {
                continue;
            };
            let Ok(commit) = reference.peel_to_commit() else { continue };
            found.push((rest.to_owned(), object_id(object), commit_id(commit.id())));
        }
        Ok(found)
    }

    /// How many of these commits carry notes in `refs/notes/commits`.
    pub(crate) fn notes(&self, commits: impl Iterator<Item = CommitId>) -> usize {
        commits.filter(|id| !matches!(self.inner.find_note(None, oid(id.object())), Err(err) if err.code() != ErrorCode::Exists)).count()
    }
}

pub(super) fn commit_id(id: git2::Oid) -> CommitId {
    CommitId::new(object_id(id))
}

pub(super) fn object_id(id: git2::Oid) -> ObjectId {
    let mut bytes = [0; 20];
    bytes.copy_from_slice(&id.as_bytes()[..20]);
    ObjectId::from_bytes(bytes)
}

pub(super) fn oid(id: ObjectId) -> git2::Oid {
    git2::Oid::from_bytes(id.as_bytes()).unwrap_or(git2::Oid::ZERO_SHA1)
}
