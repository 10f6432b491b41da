//! Repositories (git2) and the git program; implements the engine's two ports.
//!
//! git2 reads and writes objects and refs. The git program does what libgit2 does otherwise or not
//! at all: transport with the user's credentials, merge-ort, bundles, range-diffs, checkouts.
//! Nobody else starts git or opens a repository.
//!
//! All work on a stack happens on a [`Workbench`]: a private bare repository that borrows the
//! fork's objects. What is made there reaches the fork only by [`Workbench::deliver`].

mod apart;
mod bundle;
mod checkout;
mod clone;
mod credential;
mod deliver;
mod error;
mod evidence;
mod fetch;
mod history;
mod import;
mod inspect;
mod lacking;
mod lost;
mod made;
mod merge;
mod moves;
mod objects;
mod pack;
mod program;
mod push;
mod remote;
mod repository;
mod settling;
mod state_ref;
mod stock;
mod supply;
mod workbench;
mod worktree;

pub(crate) use apart::Apart;
pub(crate) use checkout::{Checkout, NotAtRemote};
pub(crate) use clone::FetchedPack;
pub(crate) use credential::Credential;
pub(crate) use error::GitError;
pub(crate) use evidence::ConflictFile;
pub(crate) use fetch::UpstreamRefs;
pub(crate) use import::import;
pub(crate) use inspect::difference;
pub(crate) use merge::GitMerge;
pub(crate) use moves::RefMove;
pub(crate) use program::Git;
pub(crate) use push::{PushOutcome, Rejection};
pub(crate) use remote::{Listing, RemoteUrl, shown};
pub(crate) use repository::{Exclusion, Repository};
pub(crate) use workbench::Workbench;
pub(crate) use worktree::{MARKER as WORKTREE_MARKER, Picked, Standing, WorkTree};
