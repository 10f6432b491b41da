//! What one step of a carry came to.

use std::collections::BTreeSet;

use super::answers::Question;
use super::apply::Application;
use super::ports::PathConflict;
use super::{Culprit, Verdict};
use crate::ids::{CommitId, TreeId};

/// Where an old commit has come to stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position {
    pub(super) commit: CommitId,
    pub(super) tree: TreeId,
}

/// What one step came to.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) application: Application,
    /// Every path that the patch changes, and for one that is refused those in which it conflicts.
    pub(super) paths: Vec<Vec<u8>>,
    pub(super) verdict: Verdict,
    /// Where the next commit on it stands.
    pub(super) stands: Position,
    /// Whether the commit there carries this patch.
    pub(super) is_commit: bool,
    pub(super) refusal: Option<Refusal>,
    pub(super) settled: Option<Settled>,
    /// With which upstream commit the patch stops applying, or has nothing left to change.
    pub(super) since: Option<Culprit>,
    pub(super) notes: Vec<String>,
}

/// Why a patch was not carried.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) conflicts: Vec<PathConflict>,
    /// The paths in conflict, and those that they stand for.
    pub(super) places: BTreeSet<Vec<u8>>,
    pub(super) blocked_by: Option<usize>,
    pub(super) question: Question,
}

/// How a conflict was settled.
#[derive(Debug)]
pub(super) struct Settled {
    /// Where it was.
    pub(super) paths: Vec<String>,
    /// The tree to which a person's answer belongs, and the answer, where it was given to this carry.
    pub(super) answer: Option<(TreeId, TreeId)>,
}

impl Step {
    /// A step after which the branch stands where it stood before.
    pub(super) const fn stays(
        application: Application,
        paths: Vec<Vec<u8>>,
        verdict: Verdict,
        stands: Position,
    ) -> Self {
        Self {
            application,
            paths,
            verdict,
            stands,
            is_commit: false,
            refusal: None,
            settled: None,
            since: None,
            notes: Vec::new(),
        }
    }

    /// A step to a commit of its own.
    pub(super) const fn goes_on(
        application: Application,
        paths: Vec<Vec<u8>>,
        verdict: Verdict,
        stands: Position,
    ) -> Self {
        let mut step = Self::stays(application, paths, verdict, stands);
        step.is_commit = true;
        step
    }

    /// For a root conflict, the places in conflict.
    pub(super) fn asks(&self) -> Option<&BTreeSet<Vec<u8>>> {
        self.refusal.as_ref().filter(|_| self.verdict == Verdict::Conflict).map(|refusal| &refusal.places)
    }
}
