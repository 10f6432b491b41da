//! Commits that a step of a flow made itself: that they stand on the release is proved, and nothing more.

use super::{Denied, Folder, settled};
use crate::candidate::{Claim, Refusal};
use crate::ids::CommitId;
use crate::pipeline::carrying::Gathered;
use crate::pipeline::flow_candidate;
use crate::pipeline::preparing::Prepared;
use crate::pipeline::verify::ground::Made;
use crate::stack::Objects as _;

/// Takes the commits of the artifact's bundle to the workbench, and checks that they stand on the release and
/// are what the artifact says.
///
/// # Errors
/// The first thing that is not so; missing objects.
pub(super) fn made(
    claim: &Claim,
    folder: &Folder,
    prepared: &Prepared,
    gathered: Gathered,
    proved: &mut Vec<String>,
) -> Result<Made, Denied> {
    let commit: CommitId = claim.commit();
    if let Some(path) = &folder.bundle {
        settled::take_in(claim, path, prepared)?;
    }
    if prepared.bench.commit(commit).is_err() {
        return Err(Refusal::BundleLacks { object: commit.object() }.into());
    }
    let onto = claim.onto;
    let carry = flow_candidate::carry_of(prepared, &gathered, commit)?;
    let carry = carry.ok_or(Refusal::NoDescent { commit, onto })?;
    claim.agrees(&carry, None)?;
    proved.push(format!(
        "{commit} descends from the release. A step of the flow made it, and by that step's word alone it holds the patches."
    ));
    Ok(Made { gathered, carry, squashed: None })
}
