//! The proof that every patch that went in is accounted for in what comes out.

use std::collections::{HashMap, HashSet};

use thiserror::Error;

use crate::ids::CommitId;
use crate::stack::{Carry, Counts, Patch, Verdict};

/// A carry that does not add up. It is a fault of this program, never of the patches, and ends the
/// event as failed before anything is published.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum AccountingError {
    /// A number in `counts` is not the number of patches with that verdict.
    #[error("the counts say {stated:?}, and the patches are {found:?}")]
    Counts {
        /// What `counts` says.
        stated: Box<Counts>,
        /// What the patches say.
        found: Box<Counts>,
    },
    /// A patch of the stack has no verdict at all.
    #[error("patch {commit} went in and has no verdict")]
    Unheard {
        /// The patch.
        commit: CommitId,
    },
    /// There are more verdicts than patches, or a patch went in twice.
    #[error("{stack} patches went in, and there are {carry} verdicts")]
    Number {
        /// How many patches the stack has.
        stack: usize,
        /// How many were answered for.
        carry: usize,
    },
    /// A patch is listed twice.
    #[error("patch {commit} is listed twice")]
    Twice {
        /// The patch.
        commit: CommitId,
    },
    /// A patch counts as carried, and no commit carries it.
    #[error("patch {commit} is {} and no new commit carries it", verdict.name())]
    Lost {
        /// The patch.
        commit: CommitId,
        /// Its verdict.
        verdict: Verdict,
    },
    /// A patch that was not carried has a new commit all the same.
    #[error("patch {commit} is {} and has the new commit {new}", verdict.name())]
    Smuggled {
        /// The patch.
        commit: CommitId,
        /// Its verdict.
        verdict: Verdict,
        /// The commit that should not be.
        new: CommitId,
    },
    /// Two patches were carried into one commit, and differ. (One that stands on two branches of the
    /// stack may come to the same bytes on both.)
    #[error("patch {commit} and an earlier one are carried by the same commit {new}")]
    Shared {
        /// The later patch.
        commit: CommitId,
        /// The commit.
        new: CommitId,
    },
    /// A patch is a conflict and does not say where or why.
    #[error("patch {commit} is a conflict, and names neither a path nor a reason")]
    Unexplained {
        /// The patch.
        commit: CommitId,
    },
    /// A patch is blocked, and not by an earlier patch that needs a person.
    #[error("patch {commit} is blocked by {}, which is no earlier patch that waits", name(*blocker))]
    Blocker {
        /// The patch.
        commit: CommitId,
        /// What it says blocks it.
        blocker: Option<CommitId>,
    },
    /// The candidate says that it is complete while patches are open, or the other way round; or only one of
    /// a complete candidate and a partial one is there to be had, and it is the other.
    #[error("the candidate is said to be {}, and {open} patches are open", completeness(*complete))]
    Completeness {
        /// What the candidate says.
        complete: bool,
        /// How many patches are in conflict or blocked.
        open: usize,
    },
}

impl AccountingError {
    /// What a person can do about it.
    pub(crate) fn hint(&self) -> String {
        "this is a bug in patch-moi, and nothing was published; please report it with the output of \
         `patch-moi stack rebase --json`"
            .to_owned()
    }
}

fn name(commit: Option<CommitId>) -> String {
    commit.map_or_else(|| "nothing".to_owned(), |commit| commit.to_string())
}

fn completeness(complete: bool) -> &'static str {
    if complete { "complete" } else { "incomplete" }
}

/// Checks that `carry` has a verdict for each of the commits in `stack`, and loses none.
///
/// # Errors
/// The first thing that does not add up.
pub(crate) fn accounting(
    carry: &Carry,
    stack: impl IntoIterator<Item = CommitId>,
) -> Result<(), AccountingError> {
    let listed: HashSet<CommitId> = carry.patches.iter().map(|patch| patch.commit).collect();
    let mut patches = 0;
    for commit in stack {
        patches += 1;
        if !listed.contains(&commit) {
            return Err(AccountingError::Unheard { commit });
        }
    }
    if patches != carry.patches.len() {
        return Err(AccountingError::Number { stack: patches, carry: carry.patches.len() });
    }
    let found = Counts::of(carry.patches.iter().map(|patch| patch.verdict));
    if found != carry.counts {
        return Err(AccountingError::Counts { stated: Box::new(carry.counts), found: Box::new(found) });
    }
    let mut books = Books::default();
    for patch in &carry.patches {
        books.enter(patch)?;
    }
    let open = books.open.len();
    let complete = carry.candidate.complete;
    if complete != (open == 0) || complete == carry.partial.is_some() {
        return Err(AccountingError::Completeness { complete, open });
    }
    Ok(())
}

/// What is known of the patches before the one at hand.
#[derive(Default)]
struct Books {
    seen: HashSet<CommitId>,
    /// What the patch says that a new commit carries.
    made: HashMap<CommitId, (String, String)>,
    open: HashSet<CommitId>,
}

impl Books {
    fn enter(&mut self, patch: &Patch) -> Result<(), AccountingError> {
        let Patch { commit, verdict, .. } = *patch;
        if !self.seen.insert(commit) {
            return Err(AccountingError::Twice { commit });
        }
        match (verdict, patch.new_commit) {
            (Verdict::Clean | Verdict::Merged | Verdict::Resolved, None) => {
                return Err(AccountingError::Lost { commit, verdict });
            }
            (Verdict::Upstreamed | Verdict::Conflict | Verdict::Blocked, Some(new)) => {
                return Err(AccountingError::Smuggled { commit, verdict, new });
            }
            (_, Some(new)) if verdict.is_carried() => {
                let says = (patch.author.clone(), patch.subject.clone());
                if *self.made.entry(new).or_insert_with(|| says.clone()) != says {
                    return Err(AccountingError::Shared { commit, new });
                }
            }
            _ => {}
        }
        if verdict == Verdict::Conflict && patch.conflicts.is_empty() && patch.notes.is_empty() {
            return Err(AccountingError::Unexplained { commit });
        }
        let waits_for_something = patch.blocked_by.is_some_and(|blocker| self.open.contains(&blocker));
        if verdict == Verdict::Blocked && !waits_for_something {
            return Err(AccountingError::Blocker { commit, blocker: patch.blocked_by });
        }
        if verdict.is_open() {
            self.open.insert(commit);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candidate::sample;

    /// The carry against the stack that it lists.
    fn accounting(carry: &Carry) -> Result<(), AccountingError> {
        super::accounting(carry, carry.patches.iter().map(|patch| patch.commit))
    }

    #[test]
    fn a_carry_that_adds_up_passes() {
        assert_eq!(accounting(&sample::conflicting()), Ok(()));
        assert_eq!(accounting(&sample::complete()), Ok(()));
    }

    /// The sample with one thing spoilt. The counts are made to fit again, so that only the spoilt
    /// thing is left to be found.
    fn spoilt(spoil: impl FnOnce(&mut Carry)) -> Result<(), AccountingError> {
        let mut carry = sample::conflicting();
        spoil(&mut carry);
        carry.counts = Counts::of(carry.patches.iter().map(|patch| patch.verdict));
        accounting(&carry)
    }

    fn place(carry: &Carry, verdict: Verdict) -> usize {
        carry.patches.iter().position(|patch| patch.verdict == verdict).unwrap()
    }

    #[test]
    fn a_count_that_is_one_short_fails() {
        let mut carry = sample::conflicting();
        carry.counts.clean -= 1;
        assert!(matches!(accounting(&carry), Err(AccountingError::Counts { .. })));
    }

    #[test]
    fn a_patch_that_vanished_fails() {
        let mut carry = sample::conflicting();
        carry.patches.remove(0);
        assert!(matches!(accounting(&carry), Err(AccountingError::Counts { .. })));
    }

    #[test]
    fn a_patch_without_a_verdict_fails_even_where_the_counts_fit() {
        let mut carry = sample::conflicting();
        let stack: Vec<_> = carry.patches.iter().map(|patch| patch.commit).collect();
        carry.patches.remove(0);
        carry.counts = Counts::of(carry.patches.iter().map(|patch| patch.verdict));
        let result = super::accounting(&carry, stack.clone());
        assert_eq!(result, Err(AccountingError::Unheard { commit: stack[0] }));
    }

    #[test]
    fn a_verdict_for_what_never_went_in_fails() {
        let carry = sample::conflicting();
        let stack = carry.patches.iter().skip(1).map(|patch| patch.commit);
        assert!(matches!(super::accounting(&carry, stack), Err(AccountingError::Number { .. })));
    }

    #[test]
    fn one_patch_on_two_branches_may_come_to_one_commit() {
        let result = spoilt(|carry| {
            let (author, subject) = (carry.patches[0].author.clone(), carry.patches[0].subject.clone());
            let new_commit = carry.patches[0].new_commit;
            let twin = &mut carry.patches[1];
            (twin.author, twin.subject, twin.new_commit) = (author, subject, new_commit);
        });
        assert_eq!(result, Ok(()));
    }

    #[test]
    fn a_patch_that_is_listed_twice_fails() {
        let result = spoilt(|carry| carry.patches[1].commit = carry.patches[0].commit);
        assert!(matches!(result, Err(AccountingError::Twice { .. })), "{result:?}");
    }

    #[test]
    fn a_carried_patch_without_a_commit_fails() {
        let result = spoilt(|carry| carry.patches[0].new_commit = None);
        assert!(matches!(result, Err(AccountingError::Lost { .. })), "{result:?}");
    }

    #[test]
    fn two_patches_in_one_commit_fail() {
        let result = spoilt(|carry| carry.patches[1].new_commit = carry.patches[0].new_commit);
        assert!(matches!(result, Err(AccountingError::Shared { .. })), "{result:?}");
    }

    #[test]
    fn a_conflict_that_is_in_the_candidate_fails() {
        let result = spoilt(|carry| {
            let at = place(carry, Verdict::Conflict);
            carry.patches[at].new_commit = Some(sample::commit(99));
        });
        assert!(matches!(result, Err(AccountingError::Smuggled { .. })), "{result:?}");
    }

    #[test]
    fn a_patch_that_upstream_has_and_the_candidate_too_fails() {
        let result = spoilt(|carry| {
            let at = place(carry, Verdict::Upstreamed);
            carry.patches[at].new_commit = Some(sample::commit(99));
        });
        assert!(matches!(result, Err(AccountingError::Smuggled { .. })), "{result:?}");
    }

    #[test]
    fn an_incomplete_candidate_without_a_partial_one_fails() {
        let result = spoilt(|carry| carry.partial = None);
        assert!(matches!(result, Err(AccountingError::Completeness { .. })), "{result:?}");
    }

    #[test]
    fn a_conflict_without_a_place_or_a_reason_fails() {
        let result = spoilt(|carry| {
            let at = place(carry, Verdict::Conflict);
            carry.patches[at].conflicts.clear();
        });
        assert!(matches!(result, Err(AccountingError::Unexplained { .. })), "{result:?}");
    }

    #[test]
    fn a_patch_blocked_by_a_carried_or_a_later_one_fails() {
        for blocker in [None, Some(0), Some(11)] {
            let result = spoilt(|carry| {
                let at = place(carry, Verdict::Blocked);
                carry.patches[at].blocked_by = blocker.map(|place: usize| carry.patches[place].commit);
            });
            assert!(matches!(result, Err(AccountingError::Blocker { .. })), "{blocker:?}: {result:?}");
        }
    }

    #[test]
    fn a_candidate_that_claims_to_be_complete_fails() {
        let result = spoilt(|carry| carry.candidate.complete = true);
        assert!(matches!(result, Err(AccountingError::Completeness { .. })), "{result:?}");
    }
}
