//! The engine: carries a patch stack to a release commit, inside the object database.
//!
//! [`carry`] is the way in: an [`Inventory`] and a release commit go in, a [`Carry`] comes out.
//! It reads no clock, environment, ref or work tree, and it moves no ref. The world reaches it
//! through two ports that it states itself: [`Objects`] reads and writes objects, [`FullMerge`] is
//! git's own merge, whose word holds.
//!
//! Every patch gets exactly one [`Verdict`]. A conflict is a result, not an error, and does not end
//! the run: the patch is left out, and each later one is tried on what has been carried so far.
//!
//! | file | what it knows |
//! |---|---|
//! | `inventory` | which commits are the fork's own, and what they stand on |
//! | `landed` | a candidate that landed as one commit, and recorded bases |
//! | `replay` | the way of each patch: tried, carried, dropped or left out |
//! | `walk` | where each commit has come to stand |
//! | `step` | what one patch came to |
//! | `traces` | which patches lie below which, what they changed and what they left open |
//! | `places` | sets of patches that share what they have in common |
//! | `apply` | one ordinary patch on one new parent |
//! | `fast` | the merge without git, for patches whose outcome is certain |
//! | `merges` | one merge on its new parents |
//! | `settle` | what a person settled when upstream was merged in |
//! | `answers` | what a person answered where a patch conflicts |
//! | `hand` | what of an answer does not follow from the patch |
//! | `upstream` | whether upstream had a patch and took it out again |
//! | `culprit` | the upstream commit that made the difference |
//! | `line` | upstream's way to the release, and where on it something changes |
//! | `commit`, `tree`, `raw` | git's raw formats |

mod answers;
mod apply;
mod commit;
mod culprit;
mod fast;
mod hand;
mod inventory;
mod landed;
mod line;
mod merges;
mod outcome;
mod pick;
mod places;
mod ports;
mod raw;
mod replay;
mod settle;
mod squash;
mod step;
#[cfg(test)]
mod tests;
mod traces;
mod tree;
mod upstream;
mod walk;

use thiserror::Error;

pub(crate) use answers::{Answers, Settlement};
pub(crate) use commit::{Committer, InvalidCommitter, RawCommit};
pub(crate) use hand::by_hand;
#[cfg(test)]
pub(crate) use inventory::take;
pub(crate) use inventory::{Inventory, take_landed};
pub(crate) use landed::{Landed, Recorded, Records, take_remembered};
pub(crate) use outcome::{
    Candidate, Carry, Conflict, ConflictKind, Counts, Culprit, LeftOut, Patch, Side, Verdict,
};
pub(crate) use pick::{Picked, pick};
#[cfg(test)]
pub(crate) use ports::Entry;
pub(crate) use ports::{Crash, FullMerge, Merged, Mode, Objects, PathConflict, PortError};
pub(crate) use raw::{differ, shared_end, shared_start};
pub(crate) use replay::{Progress, carry};
pub(crate) use squash::squash;
pub(crate) use tree::{empty as empty_tree, find};

use crate::ids::CommitId;

/// Why a stack could not be carried at all. A conflict is a [`Verdict`] instead.
#[derive(Debug, Error)]
pub(crate) enum StackError {
    /// The two histories never meet, so that no commit can be called a patch.
    #[error("{tip} and the release {onto} share no history")]
    Unrelated {
        /// The maintained branch's commit.
        tip: CommitId,
        /// The release commit.
        onto: CommitId,
    },
    /// A commit object that git itself would not have written.
    #[error("commit {commit} cannot be carried: {why}")]
    Malformed {
        /// The commit.
        commit: CommitId,
        /// What is wrong with it.
        why: &'static str,
    },
    /// `stack pick` carries ordinary commits only.
    #[error("commit {0} is a merge; a merge is carried with its stack (`stack rebase`)")]
    IsMerge(CommitId),
    /// git's own merge broke down, and there is no verdict in which to say so.
    #[error("git's own merge ended with {crash} on commit {commit}, so nobody knows what it makes")]
    Crashed {
        /// The commit.
        commit: CommitId,
        /// How git ended.
        crash: Crash,
    },
    /// The object database or git's merge failed.
    #[error(transparent)]
    Port(#[from] PortError),
}
