//! The proof that there was nothing to carry: the maintained branch holds the release.

use super::ground::{self, Ground};
use super::{Denied, How};
use crate::candidate::Refusal;
use crate::event::Event;
use crate::ids::{CommitId, Digest};
use crate::pack;
use crate::pipeline::carrying;
use crate::pipeline::session::Session;
use crate::record::EventRecord;
use crate::release::Release;

/// A release that the maintained branch holds.
pub(in crate::pipeline) struct Adopted {
    /// The event, as the workspace has it.
    pub(in crate::pipeline) event: Event,
    /// The release as upstream has it now.
    pub(in crate::pipeline) release: Release,
    /// The commit of the branch that holds it.
    pub(in crate::pipeline) tip: CommitId,
    /// The digest of the flows.
    pub(in crate::pipeline) digest: Digest,
    /// What was found, in a sentence.
    pub(in crate::pipeline) message: String,
}

/// Finds out whether the branch holds the release, as a run says: whoever believed that unseen would
/// never carry the release.
///
/// # Errors
/// [`Refusal::NotAdopted`], [`Refusal::TagMoved`], [`Refusal::Rewritten`]; or what kept it from being
/// found out.
pub(in crate::pipeline) fn adopted(
    session: &Session<'_>,
    said: &EventRecord,
    how: &How,
) -> Result<Adopted, Denied> {
    ground::with(session, &said.repo, &said.tag, how, |ground, flows| {
        let Ground { event, mut prepared, .. } = ground;
        let release = prepared.release.clone();
        if let Some(claimed) = said.commit.filter(|claimed| *claimed != release.commit) {
            let (repo, tag, claimed, now) =
                (said.repo.clone(), said.tag.clone(), claimed.object(), release.commit.object());
            return Err(Refusal::TagMoved { repo, tag, claimed, now }.into());
        }
        let head = ground::head(session, &prepared, said.tip.unwrap_or(prepared.tip), how)?;
        prepared.tip = said.tip.unwrap_or(head);
        let gathered = carrying::gather(session, &prepared)?;
        let (branch, tag) = (prepared.branch.clone(), release.tag.clone());
        if !gathered.inventory.is_adopted(&prepared.bench)? {
            return Err(Refusal::NotAdopted { branch, tag }.into());
        }
        let message = format!("branch {branch} of {} holds {tag} already", prepared.fork.name);
        Ok(Adopted { event, release, tip: prepared.tip, digest: pack::flows_digest(flows), message })
    })
}
