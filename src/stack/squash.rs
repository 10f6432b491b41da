//! A complete candidate as one commit.

use super::commit::{Committer, RawCommit};
use super::ports::Objects;
use super::{Carry, StackError};
use crate::ids::CommitId;

/// One commit on the release with the candidate's tree: author and author date of the last carried
/// patch, and `message`. Nothing where the candidate is not complete or holds no commit of its own.
pub(crate) fn squash(
    objects: &dyn Objects,
    carry: &Carry,
    message: &str,
    committer: &Committer,
) -> Result<Option<CommitId>, StackError> {
    let last = carry.patches.iter().rev().find(|patch| patch.verdict.is_carried());
    let Some(last) = last.and_then(|patch| patch.new_commit).filter(|_| carry.candidate.complete) else {
        return Ok(None);
    };
    let last = RawCommit::parse(last, &objects.commit(last)?)?.with_message(message);
    let onto = RawCommit::parse(carry.onto, &objects.commit(carry.onto)?)?;
    let content = last.rebuild(carry.candidate.tree, &[carry.onto], committer, &onto);
    Ok(Some(objects.write_commit(&content)?))
}
