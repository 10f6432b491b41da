//! A repository made from a fast-import stream.

use std::path::Path;

use super::program::Git;
use super::{GitError, Repository};
use crate::process::Output;

/// Makes a bare repository at `path`, whose HEAD is `branch`, from `stream` (git-fast-import(1)).
///
/// # Errors
/// Where git refuses.
pub(crate) fn import(git: &Git, path: &Path, branch: &str, stream: &[u8]) -> Result<Repository, GitError> {
    let run = |what: &'static str, args: &[&str], stdin: &[u8]| {
        let command = git.isolated(None).args(args).stdin(stdin);
        command.run().and_then(Output::success).map_err(|source| GitError::Program { what, source })
    };
    let dir = path.to_string_lossy();
    run(
        "init",
        &["init", "--quiet", "--bare", "--template=", &format!("--initial-branch={branch}"), "--", &dir],
        &[],
    )?;
    run("fast-import", &[&format!("--git-dir={dir}"), "fast-import", "--quiet"], stream)?;
    Repository::open(path)
}
