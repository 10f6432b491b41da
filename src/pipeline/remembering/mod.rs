//! What must last where the machine has no memory: read from a ref of a remote at the start, and written
//! back at the end.

use std::str::FromStr;

use tempfile::TempDir;

use super::context::Context;
use super::fork::{checkout, located};
use super::session::Session;
use super::words::problem;
use crate::actions::Actions;
use crate::failure::{Failure, Kind, Result};
use crate::git::{GitError, Listing, PushOutcome, RefMove, Rejection, RemoteUrl, Repository};
use crate::ids::{CommitId, RefName};
use crate::report::Memory;
use crate::state::{Files, union};
use crate::store::Lasting;

/// The ref that holds the state.
pub(super) const STATE: &str = "refs/patch-moi/state";

/// How often a lost race is run again.
const TRIES: usize = 5;

/// Where the state is to be, as `--state` and PATCH_MOI_STATE say it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// On a runner in the remote `origin` of the workspace's checkout; elsewhere on this machine's disk.
    #[default]
    Auto,
    /// Nowhere but on this machine's disk.
    None,
    /// In this remote of the workspace's checkout, or at this URL.
    Remote(String),
    /// On this machine's disk, and that is as it should be: for a workspace that goes with its run.
    Disk,
}

impl FromStr for Wanted {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        Ok(match text.trim() {
            "" | "auto" => Self::Auto,
            "none" => Self::None,
            remote => Self::Remote(remote.to_owned()),
        })
    }
}

/// What became of a state that was to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kept {
    /// The ref stands here now.
    Written {
        /// The state's commit.
        commit: CommitId,
    },
    /// The ref holds everything already.
    Unchanged,
    /// This machine's disk is the memory.
    Local,
    /// There is no place for it, or none is wanted.
    Nowhere {
        /// Why not.
        why: String,
    },
    /// It cannot be written there.
    Refused {
        /// Why not.
        why: String,
    },
}

/// Where a state is.
enum Found {
    There(Box<Place>),
    Disk,
    Nowhere(String),
}

/// A remote that holds a state, and a repository to bring it to.
struct Place {
    url: RemoteUrl,
    repository: Repository,
    name: RefName,
    /// The folder of a repository that is there for this run alone.
    _passing: Option<TempDir>,
}

/// Brings what earlier runs have left to this machine, before anything is decided: the union of both is
/// written where it differs. A dry run writes nothing, and decides by the union all the same.
///
/// # Errors
/// Where the state cannot be read. Whoever goes on without it does what was done before once more.
pub(super) fn restore(session: &Session<'_>, wanted: &Wanted) -> Result<Memory> {
    let place = match find(session, wanted)? {
        Found::There(place) => place,
        Found::Disk => return Ok(Memory::Disk),
        Found::Nowhere(why) => return Ok(Memory::None { why }),
    };
    let read = place.read(session)?;
    let commit = read.as_ref().map(|(commit, _)| *commit);
    if let Some((_, theirs)) = read {
        let lasting = Lasting::new(&session.client, session.context.data);
        if session.applies() {
            lasting.update(|ours| union(ours, &theirs))?;
        } else {
            session.recall(union(&lasting.read()?, &theirs));
        }
    }
    Ok(Memory::Ref { name: place.name, commit })
}

/// Whether this machine's disk is all the memory that there is.
pub(super) fn is_on_disk(context: &Context<'_>, wanted: &Wanted) -> bool {
    match wanted {
        Wanted::Disk | Wanted::None => true,
        Wanted::Auto => Actions::detect(context.variables).is_none(),
        Wanted::Remote(_) => false,
    }
}

/// What a remote's state and this machine know together, and where that is; nothing where there is no
/// remote for it. Nothing is written.
///
/// # Errors
/// Where the state cannot be read.
pub(super) fn known(session: &Session<'_>, wanted: &Wanted) -> Result<Option<(String, Files)>> {
    let Found::There(place) = find(session, wanted)? else { return Ok(None) };
    let theirs = place.read(session)?.map(|(_, files)| files).unwrap_or_default();
    let ours = Lasting::new(&session.client, session.context.data).read()?;
    Ok(Some((format!("{STATE} of {}", place.url), union(&ours, &theirs))))
}

/// The remote that the state is written to; nothing where there is none, or none that can be found.
pub(super) fn remote(session: &Session<'_>, wanted: &Wanted) -> Option<RemoteUrl> {
    match find(session, wanted) {
        Ok(Found::There(place)) => Some(place.url),
        _ => None,
    }
}

/// Writes what this machine knows to where the state is, on top of what others have written there. A race
/// that is lost to another run is run again with what that one wrote.
///
/// # Errors
/// Where the remote cannot be read, the state there is none or too large, or every race was lost.
pub(super) fn keep(session: &Session<'_>, wanted: &Wanted) -> Result<Kept> {
    let place = match find(session, wanted)? {
        Found::There(place) => place,
        Found::Disk => return Ok(Kept::Local),
        Found::Nowhere(why) => return Ok(Kept::Nowhere { why }),
    };
    let ours = Lasting::new(&session.client, session.context.data).read()?;
    let mut old = place.commit(&*session.listing(&place.url, Some(&place.repository))?);
    for _ in 0..TRIES {
        let outcome = match place.attempt(session, &ours, old) {
            Err(Attempt::Done(kept)) => return Ok(kept),
            Err(Attempt::Failed(failure)) => return Err(failure),
            Ok(rejection) => rejection,
        };
        // What the remote says in words may be a race as well: where the ref stands now tells.
        let now = place.commit(&session.git.list(&place.url, Some(&place.repository))?);
        match outcome {
            Rejection::Remote { reason } if now == old => return Ok(Kept::Refused { why: reason }),
            _ => old = now,
        }
    }
    let text = format!("{STATE} of {} moved {TRIES} times while it was written", place.url);
    Err(Failure::new(Kind::Failed, anyhow::Error::msg(text)).hint(
        "another run writes there all the time: let them wait for each other with `concurrency` in the workflow, and run this again",
    ))
}

/// How a try to write the state ended, where it is not to be tried again.
enum Attempt {
    Done(Kept),
    Failed(Failure),
}

impl From<GitError> for Attempt {
    fn from(err: GitError) -> Self {
        match err {
            GitError::NotAllowed { .. } => {
                let failure = Failure::from(err);
                Self::Done(Kept::Refused { why: problem(&failure).message })
            }
            err => Self::Failed(err.into()),
        }
    }
}

impl Place {
    fn commit(&self, listing: &Listing) -> Option<CommitId> {
        listing.ours.get(&self.name).copied().map(CommitId::new)
    }

    /// The state that the remote names, and its files.
    fn read(&self, session: &Session<'_>) -> Result<Option<(CommitId, Files)>> {
        let unread = |failure: Failure| {
            failure
                .context(format!("what earlier runs did cannot be read from {STATE} of {}", self.url))
                .hint("without it every release would look new; `--state none` goes on all the same")
        };
        let listing = session.listing(&self.url, Some(&self.repository)).map_err(unread)?;
        let Some(commit) = self.commit(&listing) else { return Ok(None) };
        Ok(Some((commit, self.files(session, commit).map_err(unread)?)))
    }

    /// The files of a state that the remote names; fetched where they are not here yet.
    fn files(&self, session: &Session<'_>, commit: CommitId) -> Result<Files> {
        if let Some(files) = self.repository.state_files(commit)? {
            return Ok(files);
        }
        let _progress = session.context.ui.progress("fetching what earlier runs did", None);
        session.git.fetch_unnamed(&self.repository, &self.url, std::slice::from_ref(&self.name))?;
        Ok(self.repository.state_files(commit)?.ok_or_else(|| GitError::NoCommit {
            rev: commit.to_string(),
            repo: self.repository.path().to_owned(),
        })?)
    }

    /// Unites, commits and pushes once. A lost race is the only thing that comes back as a result.
    fn attempt(
        &self,
        session: &Session<'_>,
        ours: &Files,
        old: Option<CommitId>,
    ) -> std::result::Result<Rejection, Attempt> {
        let theirs = match old {
            None => Files::new(),
            Some(commit) => match self.files(session, commit) {
                Ok(files) => files,
                // It may have moved on since it was listed, and be nowhere now.
                Err(_) if self.has_moved(session, commit) => return Ok(Rejection::Stale),
                Err(failure) => return Err(Attempt::Failed(failure)),
            },
        };
        let all = union(&theirs, ours);
        if all == theirs {
            return Err(Attempt::Done(Kept::Unchanged));
        }
        let at = (session.context.now)().as_second();
        let commit = self.repository.commit_state(&all, old, at)?;
        let step = RefMove { name: self.name.clone(), from: old, to: Some(commit) };
        let pushed = session.git.push(&self.repository, &self.url, &[step], None)?;
        match pushed.into_iter().next().map(|pushed| pushed.outcome) {
            Some(PushOutcome::Rejected(rejection)) => Ok(rejection),
            _ => Err(Attempt::Done(Kept::Written { commit })),
        }
    }

    fn has_moved(&self, session: &Session<'_>, from: CommitId) -> bool {
        let listing = session.git.list(&self.url, Some(&self.repository));
        listing.is_ok_and(|listing| self.commit(&listing) != Some(from))
    }
}

/// Where the state is: what was asked for, as this workspace has it.
fn find(session: &Session<'_>, wanted: &Wanted) -> Result<Found> {
    let is_runner = Actions::detect(session.context.variables).is_some();
    let root = session.context.workspace.root();
    let remote = match wanted {
        Wanted::Disk => return Ok(Found::Disk),
        Wanted::Auto | Wanted::None if !is_runner => return Ok(Found::Disk),
        Wanted::None => return Ok(Found::Nowhere("the state is switched off (`--state none`)".to_owned())),
        Wanted::Auto => "origin",
        Wanted::Remote(remote) => remote,
    };
    let repository = match checkout(session, root) {
        Ok(repository) => Some(repository),
        Err(GitError::NotARepository(_)) => None,
        Err(err) => return Err(err.into()),
    };
    let known = repository.as_ref().and_then(|repository| repository.remote(remote));
    let url = match known {
        Some(url) => located(root, &url),
        None if *wanted == Wanted::Auto => {
            let why = match repository {
                None => "the workspace is no git checkout, so there is no `origin` to keep the state in",
                Some(_) => "the workspace's checkout has no remote `origin` to keep the state in",
            };
            return Ok(Found::Nowhere(why.to_owned()));
        }
        None if remote.contains(['/', ':']) => located(root, remote),
        None => {
            return Err(Failure::usage(format!(
                "the workspace's checkout has no remote `{}`",
                remote.escape_debug()
            ))
            .hint("`--state` takes auto, none, the name of a remote, or a URL"));
        }
    };
    let url: RemoteUrl = url.parse()?;
    let name: RefName = STATE.parse()?;
    let (repository, passing) = match repository {
        Some(repository) => (repository, None),
        None => {
            let temporary = session.context.temporary;
            let made = tempfile::Builder::new().prefix("patch-moi-state-").tempdir_in(temporary);
            let made = made.map_err(|source| GitError::Temporary { dir: temporary.to_owned(), source })?;
            (Repository::make_bare(made.path())?, Some(made))
        }
    };
    Ok(Found::There(Box::new(Place { url, repository, name, _passing: passing })))
}

#[cfg(test)]
mod tests;
