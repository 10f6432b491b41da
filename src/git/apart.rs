//! A work tree of its own for a program that changes what it finds.

use std::path::Path;

use super::program::{Git, in_repository};
use super::repository::oid;
use super::workbench::{borrow, take_over};
use super::{GitError, Repository, Workbench};
use crate::ids::CommitId;
use crate::process::Output;

/// The repository that is to be made.
#[derive(Debug)]
pub(crate) struct Apart<'a> {
    /// The branch that is checked out.
    pub(crate) branch: &'a str,
    /// Where it stands.
    pub(crate) tip: CommitId,
    /// Where `origin` points.
    pub(crate) origin: &'a str,
    /// Who commits, where the person's own configuration names nobody: name and address.
    pub(crate) committer: (&'a str, &'a str),
}

impl Git {
    /// Makes `into` a repository with one branch, one remote and no tag, which borrows the objects of `fork`: what is
    /// done there reaches nothing of the fork's. What a partial clone lacks of what is checked out is fetched by way of a
    /// workbench in `temporary`.
    ///
    /// # Errors
    /// Where git refuses, or something is missing for good.
    pub(crate) fn set_apart(
        &self,
        fork: &Repository,
        asked: &Apart<'_>,
        into: &Path,
        temporary: &Path,
    ) -> Result<Repository, GitError> {
        let run = |what: &'static str, args: &[&str]| {
            let done = self.isolated(None).args(args).run().and_then(Output::success);
            done.map(drop).map_err(|source| GitError::Program { what, source })
        };
        let dir = into.to_string_lossy();
        let branch = asked.branch;
        run("init", &["init", "--quiet", "--template=", &format!("--initial-branch={branch}"), "--", &dir])?;
        let failed = |source| GitError::Temporary { dir: into.to_owned(), source };
        borrow(&into.join(".git"), fork).map_err(failed)?;
        let made = Repository::open(into)?;
        let set = made.library("setting a branch");
        made.inner
            .reference(&format!("refs/heads/{branch}"), oid(asked.tip.object()), true, "set apart")
            .map_err(set)?;
        if fork.is_partial() {
            let bench = Workbench::new(self, fork, temporary)?;
            let what = "a repository for a step";
            bench.stock_whole(asked.tip).map_err(|source| GitError::Missing { what, source })?;
            bench.supply.promise(&made)?;
            take_over(&bench.repository().objects_dir(), &into.join(".git/objects")).map_err(failed)?;
        }
        run("reset", &["-C", &dir, "reset", "--quiet", "--hard"])?;
        made.add_remote("origin", asked.origin)?;
        if fork.inner.signature().is_err() {
            let failed = made.library("naming a committer");
            let mut config = made.inner.config().map_err(&failed)?;
            config.set_str("user.name", asked.committer.0).map_err(&failed)?;
            config.set_str("user.email", asked.committer.1).map_err(&failed)?;
        }
        Ok(made)
    }

    /// Brings what is checked out in `apart` to the objects of `fork`, under no name, and says what it is.
    ///
    /// # Errors
    /// Where nothing is checked out, or git refuses.
    pub(crate) fn bring_back(&self, apart: &Repository, fork: &Repository) -> Result<CommitId, GitError> {
        let commit = apart.commit("HEAD")?;
        if !fork.has_commit(commit) {
            // In a URL git takes `%20` and the like for other characters.
            let url = format!("file://{}", apart.path().display().to_string().replace('%', "%25"));
            let fetch = in_repository(self.isolated(None), fork)
                .args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"])
                .args(["--", &url, "HEAD"]);
            let done = fetch.run().and_then(Output::success);
            done.map_err(|source| GitError::Program { what: "fetch", source })?;
        }
        Ok(commit)
    }
}
