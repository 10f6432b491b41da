//! The bundle of an artifact: people fetch from it, so it is what candidate.json says, or it is refused.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::{Denied, Folder};
use crate::candidate::bundle::{Head, LONGEST_HEAD};
use crate::candidate::{Claim, NamedRef, Refusal, quoted};
use crate::failure::Failure;
use crate::ids::CommitId;
use crate::pipeline::preparing::Prepared;
use crate::pipeline::session::Session;
use crate::pipeline::words::problem;

/// Checks the bundle against what it should hold. Nothing of it reaches the fork.
pub(super) fn check(
    session: &Session<'_>,
    claim: &Claim,
    folder: &Folder,
    prepared: &Prepared,
    expected: &[NamedRef],
    proved: &mut Vec<String>,
) -> Result<(), Denied> {
    let wanted = !expected.is_empty();
    if claim.bundle != wanted || folder.bundle.is_some() != wanted {
        return Err(Refusal::Bundle { expected: wanted }.into());
    }
    let Some(path) = &folder.bundle else { return Ok(()) };
    let head = Head::parse(&beginning(path)?)?;
    head.holds(expected, claim.onto)?;
    // Upstream's commits lie in the fork, or on the workbench where nothing may be written there.
    let lender = if session.applies() { &prepared.fork.repository } else { prepared.bench.repository() };
    let held = session
        .git
        .objects_in_bundle(path, lender, claim.onto, head.objects, session.context.temporary)
        .map_err(|err| Refusal::BundleBroken { why: said(err.into()) })?;
    let commits: Vec<CommitId> = expected.iter().map(|named| named.commit).collect();
    let needed = prepared.bench.objects_beyond(&commits, claim.onto)?;
    if let Some(object) = needed.into_iter().find(|object| !held.contains(object)) {
        return Err(Refusal::BundleLacks { object }.into());
    }
    proved.push(
        "The bundle holds these commits, all that they need beside the release, and no other ref.".to_owned(),
    );
    Ok(())
}

/// The beginning of a bundle, as far as its head can go.
///
/// # Errors
/// Where it cannot be read.
pub(super) fn beginning(path: &Path) -> Result<Vec<u8>, Refusal> {
    let unreadable = |err: std::io::Error| Refusal::Unreadable {
        file: "candidate.bundle".to_owned(),
        why: err.to_string(),
    };
    let mut bytes = Vec::new();
    File::open(path).map_err(unreadable)?.take(LONGEST_HEAD).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// What git said of a bundle, for a message.
pub(super) fn said(failure: Failure) -> String {
    quoted_whole(&problem(&failure).message)
}

/// What git said, cut: a path in it would be cut too soon by less.
fn quoted_whole(text: &str) -> String {
    text.chars()
        .collect::<Vec<_>>()
        .chunks(80)
        .take(4)
        .map(|part| quoted(&part.iter().collect::<String>()))
        .collect()
}
