//! The sample that `run harness` carries: two repositories and a workspace, made on the spot.

use std::path::Path;

use crate::failure::Result;
use crate::git::{self, Git};
use crate::harness::{self, Conflict, Step};
use crate::store;

/// Makes the sample below `into`, which exists and is empty.
///
/// # Errors
/// Where git or the disk refuses.
pub(crate) fn make(git: &Git, into: &Path, conflict: Conflict) -> Result<()> {
    for step in harness::sample(conflict).steps(into) {
        match step {
            Step::Repository { dir, stream } => {
                let repository = git::import(git, &dir, harness::BRANCH, stream.as_bytes())?;
                if dir.ends_with("fork.git") {
                    repository
                        .add_remote("origin", &format!("https://github.com/{}.git", harness::FORK_REPO))?;
                }
            }
            Step::File { path, content } => store::replace(&path, content.as_bytes())?,
        }
    }
    Ok(())
}
