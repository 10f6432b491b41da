//! What a carry has come to: one verdict a patch, and the candidate.
//!
//! These types are the JSON contract of `patch-moi stack rebase --json` and the heart of
//! candidate.json; a field is never renamed or removed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answers::{Question, Settlement};
use super::landed::Landed;
use crate::ids::{CommitId, TreeId};

/// A patch stack carried to a release commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Carry {
    /// The upstream commit that the stack stands on today.
    pub(crate) base: CommitId,
    /// The release commit that the stack was carried to.
    pub(crate) onto: CommitId,
    /// The commit at which the maintained branch stood.
    pub(crate) tip: CommitId,
    /// How far the stack was carried without a gap.
    pub(crate) candidate: Candidate,
    /// The commit that carries everything except root conflicts and what they block, for building
    /// and triage; absent where the candidate is complete.
    pub(crate) partial: Option<CommitId>,
    /// How many patches came to which verdict.
    pub(crate) counts: Counts,
    /// Every patch of the stack, oldest first.
    pub(crate) patches: Vec<Patch>,
    /// Upstream's commits below the tip that are not in the release.
    pub(crate) left_out: Vec<LeftOut>,
    /// The commits whose history was taken for upstream's.
    pub(crate) excluded: Vec<CommitId>,
    /// The commit of the branch that is a candidate as one commit, and that candidate, whose patches were
    /// carried in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) landed: Option<Landed>,
    /// The conflicts that a person settled for this carry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) settlements: Vec<Settlement>,
}

/// The last commit on the branch's first-parent line all of whose stack ancestors are carried,
/// upstreamed or empty; `onto` where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Candidate {
    /// The commit.
    pub(crate) commit: CommitId,
    /// Its tree.
    pub(crate) tree: TreeId,
    /// Whether it stands for the whole stack. Only then may it be published as the candidate.
    pub(crate) complete: bool,
}

/// One patch and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Patch {
    /// The fork's commit.
    pub(crate) commit: CommitId,
    /// The first line of its message, lossily decoded.
    pub(crate) subject: String,
    /// `Name <address>` of its author, lossily decoded.
    pub(crate) author: String,
    /// Whether it is a merge.
    #[serde(default)]
    pub(crate) merge: bool,
    /// What became of it.
    pub(crate) verdict: Verdict,
    /// The commit that carries it, where one does.
    pub(crate) new_commit: Option<CommitId>,
    /// The tree after it, where it was carried.
    pub(crate) tree: Option<TreeId>,
    /// For `conflict` and `blocked`: the commit on which it was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tried_on: Option<CommitId>,
    /// Where it conflicts.
    pub(crate) conflicts: Vec<Conflict>,
    /// For `blocked`: the first uncarried patch that touched a path in which this one conflicts.
    pub(crate) blocked_by: Option<CommitId>,
    /// For `conflict`: the upstream commit with which the patch stops applying.
    pub(crate) culprit: Option<Culprit>,
    /// For `upstreamed`: the upstream commit with which the patch has nothing left to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upstream: Option<Culprit>,
    /// The paths in which it conflicted and that a person settled, lossily decoded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) settled: Vec<String>,
    /// For `conflict` and `blocked`, as long as the carry is at hand: what an answer has to say.
    #[serde(skip)]
    pub(crate) question: Option<Question>,
    /// What else a reader should know about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
}

/// What became of one patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// Carried: every path that it touches has the same entry in its old and its new parent.
    Clean,
    /// Carried by an automatic merge.
    Merged,
    /// Carried by a settlement that a person made before.
    Resolved,
    /// Not needed any more: upstream has it.
    Upstreamed,
    /// It changed nothing before (kept), or earlier carried patches already do it (dropped).
    Empty,
    /// A root conflict: a question to a person.
    Conflict,
    /// It conflicts where an uncarried patch left a path open, and is no question yet.
    Blocked,
}

impl Verdict {
    /// Whether the patch itself goes on in the candidate.
    pub(crate) const fn is_carried(self) -> bool {
        matches!(self, Self::Clean | Self::Merged | Self::Resolved)
    }

    /// Whether the patch stops the candidate before it.
    pub(crate) const fn is_open(self) -> bool {
        matches!(self, Self::Conflict | Self::Blocked)
    }

    /// The verdict's name in every output.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Merged => "merged",
            Self::Resolved => "resolved",
            Self::Upstreamed => "upstreamed",
            Self::Empty => "empty",
            Self::Conflict => "conflict",
            Self::Blocked => "blocked",
        }
    }
}

/// One path in conflict.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Conflict {
    /// The path, lossily decoded where it is not UTF-8.
    pub(crate) path: String,
    /// The path's bytes in base64, only where it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path_base64: Option<String>,
    /// What kind of conflict it is.
    pub(crate) kind: ConflictKind,
}

impl Conflict {
    /// The path's bytes, as the tree has them.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let exact = self.path_base64.as_ref().and_then(|text| STANDARD.decode(text).ok());
        exact.unwrap_or_else(|| self.path.as_bytes().to_vec())
    }
}

/// git's kinds of conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ConflictKind {
    /// Both sides changed the same lines.
    Content,
    /// Both sides added the path with different contents.
    AddAdd,
    /// One side changed what the other deleted.
    ModifyDelete,
    /// Both sides renamed one path, or renamed two paths to one.
    RenameRename,
    /// One side renamed what the other deleted.
    RenameDelete,
    /// A rename meets an added path.
    RenameAdd,
    /// A directory was renamed, and where a path in it belongs is not certain.
    DirectoryRename,
    /// A file on one side is a directory on the other.
    FileDirectory,
    /// Both sides changed a binary file.
    Binary,
    /// Both sides moved a submodule.
    Submodule,
    /// The sides disagree about the type of the path.
    Mode,
}

impl ConflictKind {
    /// The kind's name in every output.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::AddAdd => "add-add",
            Self::ModifyDelete => "modify-delete",
            Self::RenameRename => "rename-rename",
            Self::RenameDelete => "rename-delete",
            Self::RenameAdd => "rename-add",
            Self::DirectoryRename => "directory-rename",
            Self::FileDirectory => "file-directory",
            Self::Binary => "binary",
            Self::Submodule => "submodule",
            Self::Mode => "mode",
        }
    }
}

/// The upstream commit that made the difference for a patch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Culprit {
    /// The commit.
    pub(crate) commit: CommitId,
    /// The first line of its message.
    pub(crate) subject: String,
    /// The pull request that its subject names, as in `Rework arguments (#21)`.
    pub(crate) pull_request: Option<u64>,
    /// On which side of the common history it lies.
    pub(crate) side: Side,
    /// How many trial applications found it.
    pub(crate) probes: u32,
}

/// A side of the common history of base and release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Side {
    /// Between the common history and the base.
    Base,
    /// Between the common history and the release.
    Onto,
}

/// An upstream commit that the stack stood on and the release does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct LeftOut {
    /// The commit.
    pub(crate) commit: CommitId,
    /// The first line of its message.
    pub(crate) subject: String,
}

/// How many patches came to which verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Counts {
    /// All patches.
    pub(crate) patches: usize,
    /// `clean`.
    pub(crate) clean: usize,
    /// `merged`.
    pub(crate) merged: usize,
    /// `resolved`.
    pub(crate) resolved: usize,
    /// `upstreamed`.
    pub(crate) upstreamed: usize,
    /// `empty`.
    pub(crate) empty: usize,
    /// `conflict`.
    pub(crate) conflict: usize,
    /// `blocked`.
    pub(crate) blocked: usize,
}

impl Counts {
    /// Counts the verdicts.
    pub(crate) fn of(verdicts: impl Iterator<Item = Verdict>) -> Self {
        let mut counts = Self::default();
        for verdict in verdicts {
            counts.patches += 1;
            *match verdict {
                Verdict::Clean => &mut counts.clean,
                Verdict::Merged => &mut counts.merged,
                Verdict::Resolved => &mut counts.resolved,
                Verdict::Upstreamed => &mut counts.upstreamed,
                Verdict::Empty => &mut counts.empty,
                Verdict::Conflict => &mut counts.conflict,
                Verdict::Blocked => &mut counts.blocked,
            } += 1;
        }
        counts
    }

    /// How many patches go on in the candidate.
    pub(crate) const fn carried(&self) -> usize {
        self.clean + self.merged + self.resolved
    }
}
