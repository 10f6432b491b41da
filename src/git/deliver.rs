//! What was made on the workbench, brought to the fork: one pack, then the refs.

use std::collections::HashSet;
use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

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
        let objects = self.send(fork, moves.iter().filter_map(|step| step.to), known)?;
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
                    let who =
                        git2::Signature::new("patch-moi", "patch-moi@localhost", &git2::Time::new(0, 0));
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

    /// Brings to `fork` what `tips` need and it does not have, as one pack: how many objects that is.
    /// No ref names them yet.
    ///
    /// # Errors
    /// Where the fork cannot be written, or an object is missing.
    pub(crate) fn send(
        &self,
        fork: &Repository,
        tips: impl IntoIterator<Item = CommitId>,
        known: &[CommitId],
    ) -> Result<usize, GitError> {
        let failed = self.bench.library("packing what was carried");
        let missing = self.missing(fork, tips, known).map_err(&failed)?;
        if missing.is_empty() {
            return Ok(0);
        }
        let mut pack = self.bench.inner.packbuilder().map_err(&failed)?;
        for id in &missing {
            pack.insert_object(*id, None).map_err(&failed)?;
        }
        let own = self.bench.objects_dir().join("pack");
        pack.write(&own, 0o444).map_err(&failed)?;
        let name = pack.name().ok().flatten().unwrap_or_default();
        let to = fork.objects_dir().join("pack");
        place(&own, &to, name).map_err(|source| GitError::Temporary { dir: to.clone(), source })?;
        fork.inner.odb().and_then(|odb| odb.refresh()).map_err(fork.library("writing what was carried"))?;
        Ok(missing.len())
    }

    /// Every object that `tips` reach and `fork` does not have. Goes down only where something is
    /// missing, so the cost follows what is new.
    fn missing(
        &self,
        fork: &Repository,
        tips: impl IntoIterator<Item = CommitId>,
        known: &[CommitId],
    ) -> Result<Vec<git2::Oid>, git2::Error> {
        let (odb, bench) = (fork.inner.odb()?, &self.bench.inner);
        let mut seen: HashSet<git2::Oid> = known.iter().map(|commit| oid(commit.object())).collect();
        let mut is_new =
            |id: git2::Oid| seen.insert(id) && !odb.exists_ext(id, git2::OdbLookupFlags::NO_REFRESH);
        let (mut missing, mut trees) = (Vec::new(), Vec::new());
        let mut commits: Vec<git2::Oid> =
            tips.into_iter().map(|tip| oid(tip.object())).filter(|id| is_new(*id)).collect();
        while let Some(id) = commits.pop() {
            let commit = bench.find_commit(id)?;
            missing.push(id);
            commits.extend(commit.parent_ids().filter(|id| is_new(*id)));
            trees.extend(Some(commit.tree_id()).filter(|id| is_new(*id)));
        }
        while let Some(id) = trees.pop() {
            missing.push(id);
            for entry in &bench.find_tree(id)? {
                match entry.kind() {
                    Some(git2::ObjectType::Tree) => trees.extend(Some(entry.id()).filter(|id| is_new(*id))),
                    Some(git2::ObjectType::Blob) => missing.extend(Some(entry.id()).filter(|id| is_new(*id))),
                    _ => {}
                }
            }
        }
        Ok(missing)
    }
}

/// Copies the finished pack `name` from the folder `own` to the folder `to`: first the pack and then its index, which
/// makes it one. What a kill leaves begins with `tmp_`, and git's own gc clears it away; what libgit2 leaves where it writes
/// has a name that nobody clears away.
fn place(own: &Path, to: &Path, name: &str) -> io::Result<()> {
    for end in ["pack", "idx"] {
        let name = format!("pack-{name}.{end}");
        let mut beside = tempfile::Builder::new().prefix("tmp_").tempfile_in(to)?;
        io::copy(&mut File::open(own.join(&name))?, &mut beside)?;
        beside.as_file().set_permissions(Permissions::from_mode(0o444))?;
        beside.as_file().sync_all()?;
        beside.persist(to.join(name))?;
    }
    Ok(())
}
