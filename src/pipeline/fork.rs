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
        Self::open(session, Place::of(session, named)?)
    }

    /// A fork that lives elsewhere has a bare copy in the workspace; a dry run that finds none makes
    /// one that goes with it.
    fn open(session: &Session<'_>, place: Place) -> Result<Self> {
        let Elsewhere { name, url } = match place {
            Place::Elsewhere(elsewhere) => elsewhere,
            Place::Here { repository, name } => {
                return Ok(Self { repository, name, remote: None, _passing: None });
            }
        };
        let (folder, copy) = copies(session, &url);
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
        Ok(Self { repository, name, remote: Some(url), _passing: passing })
    }

    /// The maintained branch: the one that is named, else the one that is checked out, else the one that
    /// started the workflow; of a fork elsewhere its default branch.
    ///
    /// # Errors
    /// Where none is named and none is checked out.
    pub(super) fn branch(&self, session: &Session<'_>, named: Option<&RefName>) -> Result<String> {
        if let Some(named) = named {
            return Ok(named.branch().to_owned());
        }
        let current = match &self.remote {
            Some(url) => current(session, url)?,
            None => self.repository.current_branch(),
        };
        current.or_else(|| Some(self.checked_out(session)?.0)).ok_or_else(|| {
            Failure::usage(format!("no branch of {} is named, and none is checked out", self.name))
                .hint("name the maintained branch with `target_branch` in flow.toml or with `--branch`")
        })
    }

    fn stands(&self, session: &Session<'_>, branch: &str) -> Result<CommitId> {
        if let Some(own) = self.own(session, branch) {
            return Ok(own);
        }
        let listed = self.home().map(|url| session.listing(&url, Some(&self.repository)));
        let listed = self.unless_known(session, branch, listed.transpose())?.flatten();
        let tip = listed.and_then(|listing| listing.branches.get(branch).copied());
        Ok(tip.or_else(|| self.repository.branch(branch)).ok_or_else(|| lacks(&self.name, branch))?)
    }

    /// A workbench and the commit of the maintained branch, with its history: what this repository lacks of
    /// that is fetched, in a dry run to the workbench, which goes with it. A remote that cannot be read is
    /// no obstacle where there is a commit to go on with.
    ///
    /// # Errors
    /// [`GitError::NoBranch`]; a remote that cannot be read and was never fetched from.
    pub(super) fn ready(&self, session: &Session<'_>, branch: &str) -> Result<(Workbench, CommitId)> {
        let own = self.own(session, branch);
        let incomplete = own.is_none() || self.repository.is_shallow();
        let make = || Workbench::new(&session.git, &self.repository, session.context.temporary);
        let bench = match (incomplete, session.applies()) {
            (false, _) => make()?,
            (true, true) => {
                self.bring(session, branch, own, &self.repository)?;
                make()?
            }
            (true, false) => {
                let bench = make()?;
                self.bring(session, branch, own, bench.repository())?;
                bench.reopened()?
            }
        };
        let fetched = || bench.repository().branch(branch).or_else(|| self.repository.branch(branch));
        let tip = own.or_else(fetched).ok_or_else(|| lacks(&self.name, branch))?;
        Ok((bench, tip))
    }

    /// The commit of the branch in a checkout of its own: what a person or a workflow has there counts, and
    /// not what its remote has by now.
    fn own(&self, session: &Session<'_>, branch: &str) -> Option<CommitId> {
        if self.remote.is_some() {
            return None;
        }
        let local = self.repository.at(&RefName::join("refs/heads", branch).ok()?);
        local.or_else(|| Some(self.checked_out(session).filter(|(started, _)| started == branch)?.1))
    }

    /// The branch that started the workflow, where its commit is what is checked out without a branch.
    fn checked_out(&self, session: &Session<'_>) -> Option<(String, CommitId)> {
        session.started_by().filter(|(_, commit)| self.repository.detached() == Some(*commit))
    }

    /// Fetches the branch and the history that is missing to `into`.
    fn bring(
        &self,
        session: &Session<'_>,
        branch: &str,
        own: Option<CommitId>,
        into: &Repository,
    ) -> Result<()> {
        let Some(url) = self.home() else { return Ok(()) };
        let fetch = || -> Result<()> {
            if session.listing(&url, Some(&self.repository))?.branches.contains_key(branch) {
                let _progress = session.context.ui.progress(&format!("fetching {branch}"), None);
                session.git.fetch_branch(into, &url, branch)?;
            }
            // The branch may have gone another way since this was checked out.
            let cut = own.map_or_else(|| Ok(Vec::new()), |own| into.cut_below(own))?;
            if !cut.is_empty() {
                session.git.fetch_history(into, &url, &cut)?;
            }
            Ok(())
        };
        self.unless_known(session, branch, fetch()).map(drop)
    }

    /// What a remote that cannot be read said is a warning, where the branch is known without it.
    fn unless_known<T>(&self, session: &Session<'_>, branch: &str, asked: Result<T>) -> Result<Option<T>> {
        let here = |commit: CommitId| self.repository.commit(&commit.to_string()).is_ok();
        let known = || match self.own(session, branch) {
            Some(own) => here(own),
            None => self.repository.branch(branch).is_some(),
        };
        match asked {
            Err(failure) if known() => {
                session.context.ui.warn(&problem(&failure).message);
                Ok(None)
            }
            asked => asked.map(Some),
        }
    }

    /// Where other people find the fork, and where its branch and history come from: where it is fetched
    /// from, else the checkout's `origin`.
    pub(super) fn home(&self) -> Option<RemoteUrl> {
        self.remote.clone().or_else(|| self.origin())
    }

    fn origin(&self) -> Option<RemoteUrl> {
        located(self.repository.path(), &self.repository.remote("origin")?).parse().ok()
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

/// Where the maintained branch stands, and nothing more: for a look that may well find nothing to do. No
/// copy is made and nothing fetched, and only a branch that this machine does not have costs a question to
/// its remote.
///
/// # Errors
/// As [`Fork::find`], [`Fork::branch`] and [`Fork::ready`].
pub(super) fn stands(
    session: &Session<'_>,
    named: Option<&str>,
    branch: Option<&RefName>,
) -> Result<CommitId> {
    let there = match Place::of(session, named)? {
        Place::Elsewhere(there) if !copies(session, &there.url).1.exists() => there,
        place => {
            let fork = Fork::open(session, place)?;
            let branch = fork.branch(session, branch)?;
            return fork.stands(session, &branch);
        }
    };
    let branch = match branch {
        Some(branch) => branch.branch().to_owned(),
        None => current(session, &there.url)?
            .ok_or_else(|| Failure::usage(format!("no branch of {} is named", there.name)))?,
    };
    let listing = session.listing(&there.url, None)?;
    Ok(listing.branches.get(&branch).copied().ok_or_else(|| lacks(&there.name, &branch))?)
}

/// The repository that a flow's configuration names for a step that is given a clone of it. A folder that this
/// machine does not have was written for another one: then it is nothing, which is the workspace's own checkout.
pub(super) fn on_this_machine(session: &Session<'_>, named: Option<String>) -> Option<String> {
    named.filter(|named| {
        let is_folder = !is_remote(named) && named.parse::<RepoName>().is_err();
        !is_folder || session.context.workspace.root().join(named).exists()
    })
}

/// Where a fork lies.
enum Place {
    /// In a checkout of the user's.
    Here {
        repository: Repository,
        name: String,
    },
    Elsewhere(Elsewhere),
}

/// A fork of which a copy is used.
struct Elsewhere {
    name: String,
    url: RemoteUrl,
}

impl Place {
    fn of(session: &Session<'_>, named: Option<&str>) -> Result<Self> {
        let root = session.context.workspace.root();
        let Some(named) = named else { return Self::at(session, root) };
        // `.` and the like would stand in every path that is shown.
        let folder: PathBuf = root.join(named).components().collect();
        if folder.exists() {
            return Self::at(session, &folder);
        }
        if let Ok(repo) = named.parse::<RepoName>() {
            let url = format!("https://github.com/{repo}.git").parse()?;
            return Ok(Self::Elsewhere(Elsewhere { name: repo.to_string(), url }));
        }
        if is_remote(named) {
            let name = public_name(named).unwrap_or_else(|| "fork".to_owned());
            return Ok(Self::Elsewhere(Elsewhere { name, url: named.parse()? }));
        }
        Err(Failure::from(GitError::NotARepository(folder)))
    }

    fn at(session: &Session<'_>, folder: &Path) -> Result<Self> {
        let named = |origin: Option<&str>| {
            let own = || folder.file_name().map(|name| name.to_string_lossy().into_owned());
            origin.and_then(public_name).or_else(own).unwrap_or_else(|| "fork".to_owned())
        };
        let repository = checkout(session, folder)?;
        let name = named(repository.remote("origin").as_deref());
        Ok(Self::Here { repository, name })
    }
}

/// The branch of a fork elsewhere that is meant where none is named.
fn current(session: &Session<'_>, url: &RemoteUrl) -> Result<Option<String>> {
    Ok(session.listing(url, None)?.default_branch.clone())
}

/// The folder of the copies of forks elsewhere, and the copy of the one at `url`.
fn copies(session: &Session<'_>, url: &RemoteUrl) -> (PathBuf, PathBuf) {
    let folder = session.context.workspace.codex().join("workspace/actions/forks");
    let copy = folder.join(format!("{}.git", &Digest::of(url.as_str().as_bytes()).hex()[..16]));
    (folder, copy)
}

fn lacks(fork: &str, branch: &str) -> GitError {
    GitError::NoBranch { fork: fork.to_owned(), branch: branch.to_owned() }
}

/// The checkout at `folder`.
///
/// # Errors
/// As [`Repository::open`].
pub(super) fn checkout(session: &Session<'_>, folder: &Path) -> std::result::Result<Repository, GitError> {
    match Repository::open(folder) {
        // The job of a container is another user than the runner, whose checkout this is.
        Err(GitError::Foreign(_)) if session.is_runners(folder) => Repository::open_whoever_owns_it(folder),
        opened => opened,
    }
}

/// Whether `text` names a remote rather than a folder.
pub(super) fn is_remote(text: &str) -> bool {
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
pub(super) fn public_name(url: &str) -> Option<String> {
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
