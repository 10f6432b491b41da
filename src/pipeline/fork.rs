//! The fork's repository: where it is, and what it may be called outside this machine.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::session::Session;
use super::words::problem;
use crate::failure::{Failure, Result};
use crate::git::{GitError, RemoteUrl, Repository, Workbench};
use crate::ids::{CommitId, Digest, RefName, RepoName};
use crate::store;

/// The repository that carries the patches.
pub(super) struct Fork {
    pub(super) repository: Repository,
    /// `owner/name` where that is known, else the folder's name: never a path.
    pub(super) name: String,
    /// Where it is fetched from, where it is not a checkout of the user's.
    remote: Option<RemoteUrl>,
    /// The folder of a copy that a dry run made for itself.
    _passing: Option<TempDir>,
}

impl Fork {
    /// Finds the fork that a flow's configuration names: the workspace where it names none, a
    /// folder, a URL, or `owner/name` on GitHub.
    ///
    /// # Errors
    /// Where there is no repository, or one that cannot be opened.
    pub(super) fn find(session: &Session<'_>, named: Option<&str>) -> Result<Self> {
        let root = session.context.workspace.root();
        let Some(named) = named else { return Self::at(root) };
        // `.` and the like would stand in every path that is shown.
        let folder: PathBuf = root.join(named).components().collect();
        if folder.exists() {
            return Self::at(&folder);
        }
        if let Ok(repo) = named.parse::<RepoName>() {
            return Self::elsewhere(session, &format!("https://github.com/{repo}.git"), repo.to_string());
        }
        if is_remote(named) {
            return Self::elsewhere(session, named, public_name(named).unwrap_or_else(|| "fork".to_owned()));
        }
        Err(Failure::from(GitError::NotARepository(folder)))
    }

    fn at(folder: &Path) -> Result<Self> {
        let repository = Repository::open(folder)?;
        let origin = repository.remote("origin").and_then(|url| public_name(&url));
        let own = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = origin.or(own).unwrap_or_else(|| "fork".to_owned());
        Ok(Self { repository, name, remote: None, _passing: None })
    }

    /// A fork that lives elsewhere has a bare copy in the workspace; a dry run that finds none makes
    /// one that goes with it.
    fn elsewhere(session: &Session<'_>, url: &str, name: String) -> Result<Self> {
        let remote: RemoteUrl = url.parse()?;
        let folder = session.context.workspace.codex().join("workspace/actions/forks");
        let copy = folder.join(format!("{}.git", &Digest::of(url.as_bytes()).hex()[..16]));
        let mut passing = None;
        let repository = if copy.exists() {
            Repository::open(&copy)?
        } else if session.applies() {
            store::own_folder(&folder)?;
            Repository::make_bare(&copy)?
        } else {
            let temporary = session.context.temporary;
            let made = tempfile::Builder::new().prefix("patch-moi-fork-").tempdir_in(temporary);
            let made = made.map_err(|source| GitError::Temporary { dir: temporary.to_owned(), source })?;
            let repository = Repository::make_bare(made.path())?;
            passing = Some(made);
            repository
        };
        Ok(Self { repository, name, remote: Some(remote), _passing: passing })
    }

    /// The maintained branch: the one that is named, else the one that is checked out.
    ///
    /// # Errors
    /// Where none is named and none is checked out.
    pub(super) fn branch(&self, named: Option<&RefName>) -> Result<String> {
        let short = named.map(|name| name.branch().to_owned());
        short.or_else(|| self.repository.current_branch()).ok_or_else(|| {
            Failure::usage(format!("no branch of {} is named, and none is checked out", self.name))
                .hint("name the maintained branch with `target_branch` in flow.toml or with `--branch`")
        })
    }

    /// The commit of the maintained branch, fetched where this repository has none of its own; in a
    /// dry run to `bench`, which goes with it. A remote that cannot be read is no obstacle where it
    /// was fetched from before.
    ///
    /// # Errors
    /// [`GitError::NoBranch`]; a remote that cannot be read and was never fetched from.
    pub(super) fn tip(&self, session: &Session<'_>, branch: &str, bench: &Workbench) -> Result<CommitId> {
        let own = RefName::join("refs/heads", branch)?;
        let from = match &self.remote {
            Some(remote) => Some(remote.clone()),
            None if self.repository.at(&own).is_none() => self.origin(),
            None => None,
        };
        let into = if session.applies() { &self.repository } else { bench.repository() };
        if let Some(url) = from {
            match fetch(session, into, &url, branch) {
                Err(failure) if self.repository.branch(branch).is_some() => {
                    session.context.ui.warn(&problem(&failure).message);
                }
                fetched => fetched?,
            }
        }
        let no_branch = || GitError::NoBranch { fork: self.name.clone(), branch: branch.to_owned() };
        Ok(into.branch(branch).or_else(|| self.repository.branch(branch)).ok_or_else(no_branch)?)
    }

    fn origin(&self) -> Option<RemoteUrl> {
        located(self.repository.path(), &self.repository.remote("origin")?).parse().ok()
    }

    /// Where it is published: the place it was copied from, else its remote `origin`.
    pub(super) fn home(&self) -> Option<RemoteUrl> {
        self.remote.clone().or_else(|| self.origin())
    }

    /// Where upstream is fetched from, by the name of a remote of this repository.
    pub(super) fn remote(&self, name: &str) -> Option<String> {
        Some(located(self.repository.path(), &self.repository.remote(name)?))
    }

    /// The path by which people reach it.
    pub(super) fn path(&self) -> PathBuf {
        self.repository.path().to_owned()
    }
}

fn fetch(session: &Session<'_>, into: &Repository, url: &RemoteUrl, branch: &str) -> Result<()> {
    if session.listing(url, Some(into))?.branches.contains_key(branch) {
        session.git.fetch_branch(into, url, branch)?;
    }
    Ok(())
}

/// Whether `text` names a remote rather than a folder.
fn is_remote(text: &str) -> bool {
    text.contains("://")
        || text.split_once(':').is_some_and(|(host, _)| host.contains('@') && !host.contains('/'))
}

/// `text` with a relative path made absolute below `root`; a URL stays as it is.
pub(super) fn located(root: &Path, text: &str) -> String {
    if is_remote(text) {
        return text.to_owned();
    }
    let path = root.join(text);
    path.canonicalize().unwrap_or(path).display().to_string()
}

/// `owner/name` of a forge's URL. A path of this machine has none.
fn public_name(url: &str) -> Option<String> {
    if !is_remote(url) || url.starts_with("file:") {
        return None;
    }
    let path = url.trim_end_matches('/').trim_end_matches(".git");
    let mut parts = path.rsplit(['/', ':']);
    let (name, owner) = (parts.next()?, parts.next()?);
    Some(format!("{owner}/{name}").parse::<RepoName>().ok()?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_forges_url_has_a_public_name() {
        for (url, name) in [
            ("https://github.com/peezy-tech/codex.git", Some("peezy-tech/codex")),
            ("git@github.com:peezy-tech/codex", Some("peezy-tech/codex")),
            ("https://user:token@example.org/a/b/", Some("a/b")),
            ("/srv/git/codex.git", None),
            ("file:///srv/git/codex", None),
        ] {
            assert_eq!(public_name(url).as_deref(), name, "{url}");
        }
    }
}
