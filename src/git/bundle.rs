//! Whether git can take in a bundle, tried in a repository that is gone afterwards.

use std::collections::BTreeSet;
use std::path::Path;

use super::program::Git;
use super::{GitError, Repository, Workbench};
use crate::ids::{CommitId, ObjectId, RefName};
use crate::process::{Command, Output};

/// A listing of objects that is longer is cut, and then fails: twenty million objects.
const LONGEST: usize = 1 << 30;

fn done(what: &'static str, command: Command) -> Result<Vec<u8>, GitError> {
    command.run().and_then(Output::success).map_err(|source| GitError::Program { what, source })
}

impl Git {
    /// The objects that the bundle at `path` brings to whoever has `onto`, by git's own reading of it.
    /// `lender` has `onto` and is not touched; `objects` is how many the pack says that it holds.
    ///
    /// # Errors
    /// Where git cannot take the bundle in.
    pub(crate) fn objects_in_bundle(
        &self,
        path: &Path,
        lender: &Repository,
        onto: CommitId,
        objects: u32,
        temporary: &Path,
    ) -> Result<BTreeSet<ObjectId>, GitError> {
        let bench = Workbench::new(self, lender, temporary)?;
        let held = RefName::join("refs/heads", "onto").map_err(|_| GitError::Answer { what: "bundle" })?;
        bench.name(&held, onto)?;
        done("bundle verify", bench.isolated()?.args(["bundle", "verify", "--quiet"]).arg(path))?;
        done("bundle unbundle", bench.isolated()?.args(["bundle", "unbundle"]).arg(path))?;
        let packs = bench.path().join("objects/pack");
        let failed = |source| GitError::Temporary { dir: packs.clone(), source };
        let mut found: Vec<(u64, ObjectId)> = Vec::new();
        for entry in packs.read_dir().map_err(failed)? {
            let file = entry.map_err(failed)?.path();
            if file.extension().is_some_and(|end| end == "idx") {
                let index = std::fs::read(&file).map_err(failed)?;
                let listed = done(
                    "show-index",
                    bench.isolated()?.arg("show-index").stdin(index).output_limit(LONGEST),
                )?;
                found.extend(String::from_utf8_lossy(&listed).lines().filter_map(entry_of));
            }
        }
        // What git has added to a thin pack stands behind what was in it.
        found.sort_unstable();
        found.truncate(usize::try_from(objects).unwrap_or(usize::MAX));
        Ok(found.into_iter().map(|(_, id)| id).collect())
    }
}

impl Workbench {
    /// Takes the objects of a bundle's pack to the workbench, and nowhere else: each has to be sound and
    /// whole.
    ///
    /// # Errors
    /// Where git refuses.
    pub(crate) fn take_in(&self, pack: Vec<u8>) -> Result<(), GitError> {
        let command =
            self.isolated()?.args(["index-pack", "--strict", "--fsck-objects", "--stdin", "--fix-thin"]);
        done("index-pack", command.stdin(pack)).map(drop)
    }

    /// The objects that `commits` need beyond what comes with `onto`: what git would put into a bundle.
    ///
    /// # Errors
    /// Where git refuses.
    pub(crate) fn objects_beyond(
        &self,
        commits: &[CommitId],
        onto: CommitId,
    ) -> Result<BTreeSet<ObjectId>, GitError> {
        let command = self.isolated()?.args(["rev-list", "--objects", "--no-object-names"]);
        let command = command.args(commits.iter().map(ToString::to_string)).arg(format!("^{onto}"));
        let listed = done("rev-list", command.output_limit(LONGEST))?;
        Ok(String::from_utf8_lossy(&listed).lines().filter_map(|line| line.parse().ok()).collect())
    }
}

/// Lines of `<offset> <id> (<crc>)`.
fn entry_of(line: &str) -> Option<(u64, ObjectId)> {
    let mut words = line.split_whitespace();
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}
