//! The sample of `patch-moi run harness`: an upstream, a fork with a patch stack, a feed and a flow.
//!
//! Goes in: whether the stack is to collide with the release. Comes out: data. [`Sample::steps`] says
//! what has to be made where; nothing in this room touches a file, a clock or a process. The histories are tables
//! (`upstream.rs`, `fork.rs`), rendered to git-fast-import(1) streams. Every date, name and byte
//! is fixed, so the ids, the candidate's among them, are the same on every machine.
//!
//! What a carry of `main` of `sample/fork` from v1.0.0 to v1.1.0 comes to, checked against git by
//! this room's tests:
//!
//! | patch | [`Conflict::With`] | [`Conflict::Without`] | why |
//! |---|---|---|---|
//! | Colour output | clean | clean | upstream never touched its files |
//! | Add East Frisian tea | merged | merged | upstream added green tea to `src/tea.rs` |
//! | Fix overflow in the parser | upstreamed | upstreamed | upstream took it as #17 |
//! | Add a quiet mode | clean | clean | a new file, on a topic branch |
//! | Explain the quiet mode | clean | clean | a new file, on a topic branch |
//! | Merge branch 'quiet-mode' | clean | clean | git merges it alone |
//! | Rename the flag | conflict | clean | upstream rewrote `src/args.rs` in #21 |
//! | Document the flag | blocked | clean | edits the line that the rename edited |
//! | Accept the old flag too, with a sigh | blocked | clean | edits the line that the rename edited |
//! | Say whose kettle this is | merged | merged | upstream added a chapter to `README.md` |
//! | Never publish by accident | merged | merged | the release changed the version in `Cargo.toml` |
//! | Keep a log of every pot | clean | clean | a new file |
//!
//! That is 8 carried, 1 upstreamed, 1 conflict and 2 blocked with the conflict, and 11 carried and 1
//! upstreamed without it. "Release v1.0.0" is upstream's though no branch of v1.1.0 has it: it is
//! `left_out`. The fork has a tag v1.1.0 of its own and none of the objects of upstream's.

mod files;
mod fork;
mod history;
mod stream;
mod upstream;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub(crate) use stream::Stream;

use history::History;

/// `owner/name` of the sample's upstream.
pub(crate) const UPSTREAM_REPO: &str = "sample/upstream";
/// `owner/name` of the sample's fork.
pub(crate) const FORK_REPO: &str = "sample/fork";
/// The branch of the fork that carries the patches.
pub(crate) const BRANCH: &str = "main";
/// The release that the stack is carried to.
pub(crate) const TAG: &str = "v1.1.0";

/// Whether one patch of the stack collides with the release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// One patch needs a person and two wait for it: `run harness`.
    With,
    /// Upstream never reworked its arguments, and everything is carried: `run harness --clean`.
    Without,
}

/// Two repositories, as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sample {
    /// `sample/upstream`, with its releases.
    pub(crate) upstream: Stream,
    /// `sample/fork`, which knows nothing of upstream after v1.0.0.
    pub(crate) fork: Stream,
}

/// One thing to make, in this order, for the sample to exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// `git init --bare --initial-branch=main DIR`, then `git fast-import --quiet` in it with this input.
    Repository {
        /// Where: it does not exist yet.
        dir: PathBuf,
        /// The input.
        stream: &'a Stream,
    },
    /// A file, its folder included.
    File {
        /// Where.
        path: PathBuf,
        /// All of it.
        content: String,
    },
}

/// The sample with or without its one conflict.
pub(crate) fn sample(conflict: Conflict) -> Sample {
    let upstream = upstream_history(conflict);
    let fork = fork_history(&upstream);
    Sample { upstream: Stream::of(&upstream), fork: Stream::of(&fork) }
}

impl Sample {
    /// What to make below `root`, an absolute path: `upstream.git`, `fork.git`, and around them a
    /// workspace with feed, sources and flow, whose root is `root`.
    pub(crate) fn steps(&self, root: &Path) -> Vec<Step<'_>> {
        let repository = |name: &str, stream| Step::Repository { dir: root.join(name), stream };
        let mut steps = vec![repository("upstream.git", &self.upstream), repository("fork.git", &self.fork)];
        let written = files::of_workspace(root);
        steps
            .extend(written.into_iter().map(|(path, content)| Step::File { path: root.join(path), content }));
        steps
    }
}

fn upstream_history(conflict: Conflict) -> History {
    let history = History::new(upstream::COMMITS, upstream::REFS);
    match conflict {
        Conflict::With => history,
        Conflict::Without => history.without(upstream::REWORK),
    }
}

fn fork_history(upstream: &History) -> History {
    upstream.clone().up_to(upstream::BASE).and(fork::COMMITS, fork::REFS)
}
