//! The world that a test needs, and nothing of the program itself.
//!
//! What a format demands (the pack hash, the lock, a feed) is written here a second time on purpose: a
//! fixture that asked the program would agree with its mistakes.

mod act;
mod dice;
mod files;
mod github;
mod http;
mod machines;
mod pack;
mod program;
pub(crate) mod raw;
mod repo;
mod tools;
mod workspace;

pub(crate) use act::{Ended, Fork, Workflow, copy_to, repository};
pub(crate) use dice::Dice;
pub(crate) use files::{Snapshot, executable, find_files, write};
pub(crate) use github::{Asked, GitHub, REPO, Said, TOKEN, basic};
pub(crate) use http::{Page, Server};
pub(crate) use machines::{ForkServer, STATE};
pub(crate) use pack::content_hash;
pub(crate) use program::{Output, Program, patch_moi};
pub(crate) use repo::{Repo, fork_and_upstream};
pub(crate) use tools::real_tool;
pub(crate) use workspace::{FLOW, Release, UPSTREAM, Workspace, atom, file_url};
