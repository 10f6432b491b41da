//! patch-moi carries a fork's patch stack to every upstream release, and says what became of
//! each patch.
//!
//! The crate is a program, not a library: [`main`] is the way in. The rooms and the one direction
//! in which they may name each other are drawn in `docs/ARCHITECTURE.md`.

#[cfg(windows)]
compile_error!("patch-moi is made for Linux and macOS; on Windows it runs in the Linux that WSL brings");

// base: anyone may use them
mod http;
mod ids;
mod process;

// core: pure; no clock, environment, file, socket or process
mod candidate;
mod event;
mod flow;
mod pack;
mod record;
mod release;
mod report;
mod stack;
mod state;

// edge: each the only one that touches its part of the world
mod actions;
mod feed;
mod forge;
mod git;
mod runner;
mod store;
mod ui;
mod workspace;

// entry: edges meet here
mod cli;
mod failure;
mod harness;
mod pipeline;

/// The engine for benches and fuzzing, and for nobody else: it may change with every release.
pub mod door {
    use std::path::Path;

    use crate::cli::environment::Environment;
    use crate::failure::{Failure, Result};
    use crate::git::Git;
    use crate::pipeline::plumbing::{Rebase, rebase};
    use crate::stack::Committer;

    /// Carries the stack of `branch` to `onto` in the repository at `repo`, and says how many patches
    /// went on. Writes objects there and no ref.
    ///
    /// # Errors
    /// What went wrong, in words: `repo` is no repository, a revision names no commit, the histories
    /// never meet, git 2.45 or newer is not on the PATH.
    pub fn carry_in(repo: &Path, branch: &str, onto: &str) -> std::result::Result<usize, String> {
        let words = |failure: Failure| {
            std::iter::once(failure.title()).chain(failure.causes()).collect::<Vec<_>>().join(": ")
        };
        carried(repo, branch, onto).map_err(words)
    }

    fn carried(repo: &Path, branch: &str, onto: &str) -> Result<usize> {
        let environment = Environment::of_process();
        let asked = Rebase {
            repo: environment.resolve(repo),
            branch: branch.to_owned(),
            onto: onto.to_owned(),
            base: None,
            write_ref: None,
            squash: false,
            flatten: false,
            committer: Committer::default(),
        };
        let git = Git::find(environment.variables())?;
        let rebased = rebase(&git, environment.temporary(), &asked, &mut |_, _| {})?;
        Ok(rebased.carry.counts.carried())
    }
}

/// Runs the program with the process's arguments and says how it ended.
pub fn main() -> std::process::ExitCode {
    cli::run()
}
