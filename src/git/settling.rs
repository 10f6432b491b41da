//! From memory to the workbench's own disk.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use super::made::Object;
use super::pack::Pack;
use super::repository::object_id;
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
            self.write_pack(&ids, |id| self.made.get(id).ok_or_else(gone.clone()))?;
        }
        self.made.written();
        Ok(())
    }

    /// Writes a pack of `ids` to the workbench; its name.
    pub(super) fn write_pack(
        &self,
        ids: &[ObjectId],
        read: impl Fn(ObjectId) -> Result<Object, GitError>,
    ) -> Result<String, GitError> {
        let dir = self.bench.objects_dir().join("pack");
        let failed = |source| GitError::Temporary { dir: dir.clone(), source };
        let mut file = tempfile::Builder::new().prefix("tmp_").tempfile_in(&dir).map_err(failed)?;
        let mut pack = Pack::new(BufWriter::new(file.as_file_mut()), ids.len()).map_err(failed)?;
        for id in ids {
            let object = read(*id)?;
            let like = object.like.filter(|like| pack.can_lend(*like));
            let like = like.map(|like| read(like).map(|object| (like, object.content))).transpose()?;
            let like = like.as_ref().map(|(id, content)| (*id, &content[..]));
            pack.add(*id, object.kind, &object.content, like).map_err(failed)?;
        }
        let (name, index) = pack.finish().map_err(failed)?;
        let to = |end: &str| dir.join(format!("pack-{name}.{end}"));
        file.persist(to("pack")).map_err(|err| failed(err.error))?;
        let mut beside = tempfile::Builder::new().prefix("tmp_").tempfile_in(&dir).map_err(failed)?;
        beside.write_all(&index).and_then(|()| beside.flush()).map_err(failed)?;
        beside.persist(to("idx")).map_err(|err| failed(err.error)).map(|_: File| name)
    }
}
