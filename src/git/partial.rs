//! Partial clones, in which libgit2 misses objects: what git says of them is enough to work on a copy.

use std::path::Path;

use super::program::{Git, option};
use crate::ids::{CommitId, RefName};
use crate::process::{Command, Output};

/// A clone without all of its objects (`git clone --filter`).
#[derive(Debug)]
pub(crate) struct PartialClone {
    /// Where it was cloned from.
    pub(crate) origin: String,
    /// The branch that is checked out, if one is.
    pub(crate) branch: Option<String>,
}

impl Git {
    /// What the checkout at `folder` says of itself, where it is a partial clone that has an `origin`.
    pub(crate) fn partial_clone(&self, folder: &Path) -> Option<PartialClone> {
        let config = |key: &str| said(self.at(folder).args(["config", "--get", key]));
        let sign = r"^(remote\..*\.promisor|extensions\.partialclone)$";
        said(self.at(folder).args(["config", "--get-regexp", sign]))?;
        let branch = said(self.at(folder).args(["symbolic-ref", "--quiet", "--short", "HEAD"]));
        Some(PartialClone { origin: config("remote.origin.url")?, branch })
    }

    /// Where a branch of the partial clone at `folder` stands, if it has the branch.
    pub(crate) fn branch_of_partial(&self, folder: &Path, branch: &RefName) -> Option<CommitId> {
        let asked = self.at(folder).args(["rev-parse", "--verify", "--quiet", branch.as_str()]);
        Some(CommitId::new(said(asked)?.parse().ok()?))
    }

    fn at(&self, folder: &Path) -> Command {
        self.isolated(None).arg("-c").arg(option("safe.directory=", folder)).cwd(folder)
    }
}

/// What git prints, where it succeeds and prints a line.
fn said(command: Command) -> Option<String> {
    let printed = command.run().and_then(Output::success).ok()?;
    let line = String::from_utf8(printed).ok()?.trim_end().to_owned();
    Some(line).filter(|line| !line.is_empty())
}
