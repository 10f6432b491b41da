//! Folders that appear at their place whole, or not at all.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::error::{Operation, StoreError};
use super::file::{children, folder_of, own_folder, sync_folder};
use super::lock::Lock;
use crate::ids::{RelPath, Slug};

/// A folder that is being filled beside the place where it will stand.
///
/// Dropped without [`ArtifactDir::publish`], it is removed. A process that is killed leaves it
/// behind under a hidden name, and the next one that opens the same artifact removes it.
#[derive(Debug)]
pub(crate) struct ArtifactDir {
    staging: PathBuf,
    place: PathBuf,
    /// Where an older artifact waits while the new one takes its place, if they cannot be exchanged.
    former: PathBuf,
    /// Held for as long as this process fills the folder, so that no other takes it for a leftover.
    _filling: File,
}

impl ArtifactDir {
    /// Begins the artifact `name` in `parent`, which becomes a folder of patch-moi's own.
    ///
    /// # Errors
    /// Where `parent` cannot be made or locked, or what killed runs left in it not be removed.
    pub(crate) fn open(parent: &Path, name: &Slug) -> Result<Self, StoreError> {
        own_folder(parent)?;
        let _lock = Lock::folder(parent)?;
        let place = parent.join(name.as_str());
        let partial = format!(".{name}.partial-");
        let former = format!(".{name}.former-");
        recover(parent, &place, &partial, &former)?;

        let staging = tempfile::Builder::new()
            .prefix(&partial)
            .permissions(open_to_all())
            .tempdir_in(parent)
            .map_err(StoreError::io(Operation::Create, &place))?
            .keep();
        let filling = File::open(&staging).map_err(StoreError::io(Operation::Read, &staging))?;
        filling.lock().map_err(StoreError::io(Operation::Lock, &staging))?;
        let random = staging.file_name().and_then(OsStr::to_str).and_then(|name| name.strip_prefix(&partial));
        let former = parent.join(format!("{former}{}", random.unwrap_or_default()));
        Ok(Self { staging, place, former, _filling: filling })
    }

    /// Adds a file.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(crate) fn write(&self, file: &RelPath, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.reserve(file)?;
        fs::write(&path, bytes).map_err(StoreError::io(Operation::Write, &path))
    }

    /// Adds a copy of a file.
    ///
    /// # Errors
    /// Where it cannot be read or written.
    pub(crate) fn copy(&self, file: &RelPath, from: &Path) -> Result<(), StoreError> {
        let path = self.reserve(file)?;
        fs::copy(from, &path).map(drop).map_err(StoreError::io(Operation::Write, &path))
    }

    /// Where somebody else, such as git, is to write `file` (or a folder) before the artifact is
    /// published. The folders above it are there.
    ///
    /// # Errors
    /// Where those cannot be made.
    pub(crate) fn reserve(&self, file: &RelPath) -> Result<PathBuf, StoreError> {
        let path = self.staging.join(file.as_str());
        fs::create_dir_all(folder_of(&path)).map_err(StoreError::io(Operation::Create, &path))?;
        Ok(path)
    }

    /// Brings everything to disk and puts the folder at its place, instead of an older one.
    /// Returns the place.
    ///
    /// # Errors
    /// Where that fails. The older one stands then.
    pub(crate) fn publish(self) -> Result<PathBuf, StoreError> {
        let parent = folder_of(&self.place);
        sync_tree(&self.staging)?;
        let _lock = Lock::folder(parent)?;
        if fs::symlink_metadata(&self.place).is_ok() {
            self.change_places()?;
        } else {
            fs::rename(&self.staging, &self.place).map_err(StoreError::io(Operation::Rename, &self.place))?;
        }
        sync_folder(parent)?;
        let place = self.place.clone();
        // The older one goes while the lock is still held.
        drop(self);
        Ok(place)
    }

    /// Puts the new folder in the old one's place in one step, where the file system can; the old
    /// one is then where the new one was, and goes when this value is dropped.
    fn change_places(&self) -> Result<(), StoreError> {
        match exchange(&self.staging, &self.place) {
            Err(error) if cannot_exchange(&error) => self.change_places_in_two_steps(),
            done => done.map_err(StoreError::io(Operation::Rename, &self.place)),
        }
    }

    /// The same where names cannot be exchanged. A kill between the two renames leaves the place
    /// empty and both folders whole; [`recover`] puts the old one back.
    fn change_places_in_two_steps(&self) -> Result<(), StoreError> {
        let renamed = |from: &Path, to: &Path| {
            fs::rename(from, to).map_err(StoreError::io(Operation::Rename, &self.place))
        };
        renamed(&self.place, &self.former)?;
        if let Err(error) = renamed(&self.staging, &self.place) {
            renamed(&self.former, &self.place)?;
            return Err(error);
        }
        remove(&self.former)
    }
}

impl Drop for ArtifactDir {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next `open`.
        let _ = remove(&self.staging);
    }
}

/// Puts right what killed runs left: an old artifact that was moved away and not replaced goes back
/// to its place, and everything else that nobody is filling any more is removed. The caller holds
/// the folder's lock.
fn recover(parent: &Path, place: &Path, partial: &str, former: &str) -> Result<(), StoreError> {
    // What follows is random and has no dot: the rest belongs to an artifact with a longer name.
    let is_one = |name: &str, of: &str| name.strip_prefix(of).is_some_and(|rest| !rest.contains('.'));
    for (name, path) in children(parent)? {
        if is_one(&name, former) {
            if fs::symlink_metadata(place).is_err() {
                fs::rename(&path, place).map_err(StoreError::io(Operation::Rename, place))?;
            } else {
                remove(&path)?;
            }
        } else if is_one(&name, partial) && !is_being_filled(&path) {
            remove(&path)?;
        }
    }
    Ok(())
}

fn is_being_filled(staging: &Path) -> bool {
    File::open(staging).is_ok_and(|folder| matches!(folder.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Removes a file or a folder with all that is in it; a link goes, and what it points to stays.
pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::io(Operation::Remove, path)(error))
        }
        _ => Ok(()),
    }
}

/// Brings every file below `root`, and every name, to disk.
pub(super) fn sync_tree(root: &Path) -> Result<(), StoreError> {
    for entry in WalkDir::new(root).contents_first(true) {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(root).to_owned();
            StoreError::io(Operation::Read, &path)(error.into())
        })?;
        if entry.file_type().is_dir() {
            sync_folder(entry.path())?;
        } else if entry.file_type().is_file() {
            let synced = File::open(entry.path()).and_then(|file| file.sync_all());
            synced.map_err(StoreError::io(Operation::Sync, entry.path()))?;
        }
    }
    Ok(())
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub(super) fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};

    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(super) fn exchange(_one: &Path, _other: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn cannot_exchange(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput)
}

/// What the user's umask leaves of a folder open to all.
fn open_to_all() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;

    fs::Permissions::from_mode(0o777)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TagName;

    #[test]
    fn where_names_cannot_be_exchanged_the_new_folder_still_takes_the_old_ones_place() {
        let place = tempfile::tempdir().unwrap();
        let name = "v1".parse::<TagName>().unwrap().slug();
        for (generation, published) in [("old", false), ("new", true)] {
            let artifact = ArtifactDir::open(place.path(), &name).unwrap();
            artifact.write(&generation.parse().unwrap(), b"").unwrap();
            if published {
                artifact.change_places_in_two_steps().unwrap()
            } else {
                drop(artifact.publish().unwrap())
            }
        }
        let found = children(&place.path().join(name.as_str())).unwrap();
        assert_eq!(found.into_iter().map(|(name, _)| name).collect::<Vec<_>>(), ["new"]);
        assert_eq!(children(place.path()).unwrap().len(), 3);
    }
}
