//! What was made on the workbench, brought to the fork: one pack, then the refs.

use super::repository::{commit_id, oid};
use super::{GitError, Repository, Workbench};
use crate::ids::{CommitId, RefName};

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

/// What a delivery did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// How many objects the fork did not have.
    pub(crate) objects: usize,
}

impl Workbench {
    /// Brings the moved refs' objects to `fork` as one pack, and then moves the refs, all or none.
    /// `known` are commits that the fork has.
    ///
    /// # Errors
    /// [`GitError::Moved`] where a ref does not stand where it should; then no ref has moved.
    pub(crate) fn deliver(
        &self,
        fork: &Repository,
        moves: &[RefMove],
        known: &[CommitId],
    ) -> Result<Delivery, GitError> {
        let objects = self.send(fork, moves, known)?;
        let failed = fork.library("moving refs");
        let mut transaction = fork.inner.transaction().map_err(&failed)?;
        for step in moves {
            transaction.lock_ref(step.name.as_str()).map_err(&failed)?;
        }
        for step in moves {
            let stands = fork.inner.find_reference(step.name.as_str()).ok().and_then(|found| found.target());
            if stands.map(commit_id) != step.from {
                return Err(GitError::Moved { name: step.name.clone(), expected: step.from });
            }
            match step.to {
                Some(to) => {
                    let who = git2::Signature::new("patch-moi", "patch-moi@localhost", &git2::Time::new(0, 0));
                    let who = who.map_err(&failed)?;
                    transaction
                        .set_target(step.name.as_str(), oid(to.object()), Some(&who), "patch-moi: carried")
                        .map_err(&failed)?;
                }
                None if step.from.is_some() => transaction.remove(step.name.as_str()).map_err(&failed)?,
                None => {}
            }
        }
        transaction.commit().map_err(&failed)?;
        Ok(Delivery { objects })
    }

    fn send(&self, fork: &Repository, moves: &[RefMove], known: &[CommitId]) -> Result<usize, GitError> {
        let failed = self.bench.library("packing what was carried");
        let new: Vec<CommitId> = moves.iter().filter_map(|step| step.to).filter(|to| !fork.has(*to)).collect();
        if new.is_empty() {
            return Ok(0);
        }
        let mut walk = self.bench.inner.revwalk().map_err(&failed)?;
        for commit in &new {
            walk.push(oid(commit.object())).map_err(&failed)?;
        }
        for commit in known.iter().filter(|commit| fork.has(**commit)) {
            walk.hide(oid(commit.object())).map_err(&failed)?;
        }
        let mut pack = self.bench.inner.packbuilder().map_err(&failed)?;
        pack.insert_walk(&mut walk).map_err(&failed)?;
        pack.write(&fork.objects_dir().join("pack"), 0o444).map_err(&failed)?;
        if let Ok(odb) = fork.inner.odb() {
            odb.refresh().map_err(&failed)?;
        }
        Ok(pack.object_count())
    }
}
