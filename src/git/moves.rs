//! Refs that move together.

use super::program::{Git, in_repository};
use super::{GitError, Repository};
use crate::ids::{CommitId, RefName};
use crate::process::Output;

/// One ref to move, with where it must stand before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefMove {
    /// The ref.
    pub(crate) name: RefName,
    /// Where it stands now; nothing where it must not exist.
    pub(crate) from: Option<CommitId>,
    /// Where it shall stand; nothing where it shall go.
    pub(crate) to: Option<CommitId>,
}

/// git's word for a ref that is not there.
const NOWHERE: &str = "0000000000000000000000000000000000000000";

impl Git {
    /// Moves the refs of `fork`, all or none.
    ///
    /// git does it, in a process that outlives this one: what libgit2 has locked stays locked where this
    /// process is killed, and the next run finds a lock that belongs to nobody.
    ///
    /// # Errors
    /// [`GitError::Moved`] where a ref does not stand where it should; then no ref has moved.
    pub(super) fn move_refs(&self, fork: &Repository, moves: &[RefMove]) -> Result<(), GitError> {
        if moves.is_empty() {
            return Ok(());
        }
        let moved = in_repository(self.isolated(None), fork)
            .args(["-c", "core.hooksPath=/dev/null", "-c", "core.fsync=reference"])
            // Whoever else moves one of them is done in a moment; in milliseconds.
            .args(["-c", "core.filesRefLockTimeout=5000", "-c", "core.packedRefsTimeout=5000"])
            .args(["-c", "user.name=patch-moi", "-c", "user.email=patch-moi@localhost"])
            .args(["update-ref", "--no-deref", "-m", "patch-moi: carried", "--stdin"])
            .stdin(orders(moves))
            .run()
            .and_then(Output::success);
        let Err(source) = moved else { return Ok(()) };
        match moves.iter().find(|step| fork.at(&step.name) != step.from) {
            Some(step) => Err(GitError::Moved { name: step.name.clone(), expected: step.from }),
            None => Err(GitError::Program { what: "update-ref", source }),
        }
    }
}

/// What git-update-ref(1) is told. Where the end is missing, it does nothing.
fn orders(moves: &[RefMove]) -> String {
    let place = |commit: Option<CommitId>| commit.map_or_else(|| NOWHERE.to_owned(), |id| id.to_string());
    let order = |step: &RefMove| {
        let (name, from) = (&step.name, place(step.from));
        match (step.from, step.to) {
            (_, Some(to)) => format!("update {name} {to} {from}\n"),
            (Some(_), None) => format!("delete {name} {from}\n"),
            (None, None) => format!("verify {name} {from}\n"),
        }
    };
    let all: String = moves.iter().map(order).collect();
    format!("start\n{all}prepare\ncommit\n")
}
