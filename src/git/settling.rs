//! From memory to the workbench's own disk.

use std::fs::{File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::made::Object;
use super::pack::Pack;
use super::repository::object_id;
use super::workbench::make_folder;
use super::{GitError, Workbench};
use crate::ids::ObjectId;

/// Fewer objects than this become a file each: a pack is three files, and slows every later git down.
const FEW: usize = 24;

impl Workbench {
    /// Writes what lies in memory to the workbench, so that git and libgit2 see it.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub(super) fn settle(&self) -> Result<(), GitError> {
        let ids = self.made.all();
        if ids.is_empty() {
            return Ok(());
        }
        if ids.len() < FEW {
            let failed = self.bench.library("writing what was made");
            let odb = self.bench.inner.odb().map_err(&failed)?;
            for object in ids.iter().filter_map(|id| self.made.get(*id)) {
                odb.write(object.kind, &object.content).map(object_id).map_err(&failed)?;
            }
        } else {
            let dir = self.path().to_owned();
            let gone = || GitError::Temporary { dir, source: io::Error::other("an object is gone") };
            self.write_pack(&self.bench.objects_dir().join("pack"), &ids, |id| {
                self.made.get(id).ok_or_else(gone.clone())
            })?;
        }
        self.made.written();
        Ok(())
    }

    /// Writes a pack of `ids` to the folder `dir`: first the pack and then its index, which makes it one. What a kill leaves
    /// begins with `tmp_`, and git's own gc clears it away; what libgit2 leaves where it writes has a name that nobody
    /// clears away.
    pub(super) fn write_pack(
        &self,
        dir: &Path,
        ids: &[ObjectId],
        read: impl Fn(ObjectId) -> Result<Object, GitError>,
    ) -> Result<(), GitError> {
        let failed = |source| GitError::Temporary { dir: dir.to_owned(), source };
        let mut file = tempfile::Builder::new().prefix("tmp_").tempfile_in(dir).map_err(failed)?;
        let mut pack = Pack::new(BufWriter::new(file.as_file_mut()), ids.len()).map_err(failed)?;
        for id in ids {
            let object = read(*id)?;
            let like = object.like.filter(|like| pack.can_lend(*like));
            let like = like.map(|like| read(like).map(|object| (like, object.content))).transpose()?;
            let like = like.as_ref().map(|(id, content)| (*id, &content[..]));
            pack.add(*id, object.kind, &object.content, like).map_err(failed)?;
        }
        let (name, index) = pack.finish().map_err(failed)?;
        let is_kept = !dir.starts_with(self.path());
        let to = |end: &str| dir.join(format!("pack-{name}.{end}"));
        last(file, &to("pack"), is_kept).map_err(failed)?;
        let mut beside = tempfile::Builder::new().prefix("tmp_").tempfile_in(dir).map_err(failed)?;
        beside.write_all(&index).map_err(failed)?;
        last(beside, &to("idx"), is_kept).map_err(failed)
    }
}

/// Gives a finished file its name. One that is kept is on the disk before.
fn last(file: NamedTempFile, name: &Path, is_kept: bool) -> io::Result<()> {
    if is_kept {
        file.as_file().set_permissions(Permissions::from_mode(0o444))?;
        file.as_file().sync_all()?;
    }
    file.persist(name)?;
    Ok(())
}

/// Where an object that has a file of its own lies below the object directory `objects`: gitrepository-layout(5).
pub(super) fn loose(objects: &Path, id: ObjectId) -> PathBuf {
    let id = id.to_string();
    objects.join(&id[..2]).join(&id[2..])
}

/// Copies the file of one object to `to`. What a kill leaves has a name that git's own gc clears away.
pub(super) fn copy_loose(from: &Path, to: &Path) -> io::Result<()> {
    let dir = to.parent().unwrap_or(to);
    make_folder(dir)?;
    let mut beside = tempfile::Builder::new().prefix("tmp_obj_").tempfile_in(dir)?;
    io::copy(&mut File::open(from)?, &mut beside)?;
    last(beside, to, true)
}

/// Copies the finished pack `name` of promised objects from the folder `own` to the folder `to`.
pub(super) fn copy_promised(own: &Path, to: &Path, name: &str) -> io::Result<()> {
    for end in ["promisor", "pack", "idx"] {
        let name = format!("pack-{name}.{end}");
        let mut beside = tempfile::Builder::new().prefix("tmp_").tempfile_in(to)?;
        io::copy(&mut File::open(own.join(&name))?, &mut beside)?;
        last(beside, &to.join(name), true)?;
    }
    Ok(())
}
