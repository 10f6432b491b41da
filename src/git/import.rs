//! A repository made from a fast-import stream.

use std::path::Path;

use super::program::Git;
use super::{GitError, Repository};
use crate::process::Output;

/// Makes a repository with a work tree at `path` from `stream` (git-fast-import(1)) and checks
/// `branch` out.
///
/// # Errors
/// Where git refuses.
pub(crate) fn import(git: &Git, path: &Path, branch: &str, stream: &[u8]) -> Result<Repository, GitError> {
    let run = |what: &'static str, args: &[&str], stdin: &[u8]| {
        let command = git.isolated(None).args(args).cwd(path).stdin(stdin);
        command.run().and_then(Output::success).map_err(|source| GitError::Program { what, source })
    };
    run("init", &["init", "--quiet", "--template=", &format!("--initial-branch={branch}")], &[])?;
    run("fast-import", &["fast-import", "--quiet", "--done"], stream)?;
    run("checkout", &["reset", "--quiet", "--hard"], &[])?;
    Repository::open(path)
}
