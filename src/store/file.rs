//! Whole files and folders, written so that no moment shows half of one.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::error::{Operation, StoreError};

/// What a temporary file ends with; a killed run may leave one beside the file it was for.
pub(super) const TEMPORARY: &str = ".patch-moi-tmp";

/// Replaces `path` in one step: a reader sees the old file or the new one, whole, and after the
/// call it is the new one even if the machine stops. Folders on the way are created.
///
/// # Errors
/// Where a folder cannot be created, or the file not written or put in place. The old file stands
/// then.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    prepare(path, bytes)?
        .persist(path)
        .map_err(|error| StoreError::io(Operation::Rename, path)(error.error))?;
    sync_folder(folder_of(path))
}

/// Replaces several files: all are written beside their places before the first is put in place, so that
/// whatever can go wrong has gone wrong by then. A run that is killed leaves the old or the new of each.
///
/// # Errors
/// As [`replace`]. Where a file could not be written, every old one stands.
pub(crate) fn replace_all(files: &[(PathBuf, Vec<u8>)]) -> Result<(), StoreError> {
    for (path, _) in files {
        sweep(path)?;
    }
    let prepared = files.iter().map(|(path, bytes)| prepare(path, bytes)).collect::<Result<Vec<_>, _>>()?;
    for ((path, _), file) in files.iter().zip(prepared) {
        file.persist(path).map_err(|error| StoreError::io(Operation::Rename, path)(error.error))?;
    }
    files.iter().try_for_each(|(path, _)| sync_folder(folder_of(path)))
}

/// The new contents of `path`, on disk beside it under a temporary name.
fn prepare(path: &Path, bytes: &[u8]) -> Result<NamedTempFile, StoreError> {
    let folder = folder_of(path);
    create_folder(folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(&temporary_prefix(path))
        .suffix(TEMPORARY)
        .permissions(permissions(path))
        .tempfile_in(folder)
        .map_err(StoreError::io(Operation::Create, path))?;
    file.write_all(bytes).map_err(StoreError::io(Operation::Write, path))?;
    file.as_file().sync_all().map_err(StoreError::io(Operation::Sync, path))?;
    Ok(file)
}

/// Makes a new, empty file in the place of `path`, for who writes it while others may read it. What a link there
/// points to is not touched.
///
/// # Errors
/// Where a folder cannot be created, or the file not removed or created.
pub(super) fn begin(path: &Path) -> Result<File, StoreError> {
    create_folder(folder_of(path))?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(StoreError::io(Operation::Remove, path)(error));
        }
        _ => {}
    }
    let file = fs::OpenOptions::new().write(true).create_new(true).open(path);
    file.map_err(StoreError::io(Operation::Create, path))
}

/// Removes what killed runs left of a [`replace`] of `path`. Only for who holds the lock under
/// which `path` is replaced: another's temporary file may be in use.
///
/// # Errors
/// Where the folder cannot be read or a file in it not removed.
pub(super) fn sweep(path: &Path) -> Result<(), StoreError> {
    let prefix = temporary_prefix(path);
    for (name, place) in children(folder_of(path))? {
        if name.starts_with(&prefix) && is_temporary(&name) {
            match fs::remove_file(&place) {
                // Another run was faster: it has swept it, or put it in place.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed.map_err(StoreError::io(Operation::Remove, &place))?,
            }
        }
    }
    Ok(())
}

/// Creates a folder that belongs to patch-moi, with a `.gitignore` of `*` in it, so that it is no
/// dirt in a work tree. The folders above it are created where they are missing and belong to
/// whoever they belong to. A `.gitignore` that is there is left as it is.
///
/// # Errors
/// Where folder or file cannot be created.
pub(crate) fn own_folder(path: &Path) -> Result<(), StoreError> {
    create_folder(path)?;
    let ignore = path.join(".gitignore");
    match fs::symlink_metadata(&ignore) {
        // A run that was killed before may have left its own beside it.
        Ok(_) => sweep(&ignore),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match replace(&ignore, b"*\n") {
            // Another run was faster, and has swept what this one was writing.
            Err(_) if ignore.is_file() => Ok(()),
            replaced => replaced.and_then(|()| sweep(&ignore)),
        },
        Err(error) => Err(StoreError::io(Operation::Read, &ignore)(error)),
    }
}

/// Creates a folder and those above it, and brings each new name to disk.
///
/// # Errors
/// Where one cannot be created.
pub(super) fn create_folder(path: &Path) -> Result<(), StoreError> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let above = folder_of(path);
    create_folder(above)?;
    match fs::create_dir(path) {
        Ok(()) => sync_folder(above),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(StoreError::io(Operation::Create, path)(error)),
    }
}

/// Brings a folder's names to disk: a file that was created or renamed in it stays so.
///
/// # Errors
/// Where that fails. A file system that cannot do it for folders is taken at its word.
pub(super) fn sync_folder(path: &Path) -> Result<(), StoreError> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let synced = File::open(path).and_then(|folder| folder.sync_all());
    match synced {
        Err(error) if !matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Err(StoreError::io(Operation::Sync, path)(error))
        }
        _ => Ok(()),
    }
}

/// The whole file, or nothing where there is none.
///
/// # Errors
/// Where it cannot be read, or is larger than `limit` bytes.
pub(super) fn read_whole(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io(Operation::Read, path)(error)),
    };
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(StoreError::io(Operation::Read, path))?;
    if bytes.len() as u64 > limit {
        return Err(StoreError::TooLarge { path: path.to_owned(), bytes: bytes.len() as u64, limit });
    }
    Ok(Some(bytes))
}

/// The names in a folder that are text, with their places; none where there is no folder.
///
/// # Errors
/// Where the folder cannot be read.
pub(super) fn children(folder: &Path) -> Result<Vec<(String, PathBuf)>, StoreError> {
    let shown = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = match fs::read_dir(shown) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io(Operation::Read, folder)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(StoreError::io(Operation::Read, folder))?;
        if let Ok(name) = entry.file_name().into_string() {
            found.push((name, entry.path()));
        }
    }
    Ok(found)
}

/// The folder that holds `path`; empty where that is the current one.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// Whether a file of this name is what a killed run left of a [`replace`], or another one is making.
pub(super) fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(TEMPORARY)
}

pub(super) fn temporary_prefix(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!(".{name}.")
}

/// Those of the file that is replaced; else what the user's umask leaves of read and write for all.
pub(super) fn permissions(path: &Path) -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = fs::metadata(path).map_or(0o666, |metadata| metadata.permissions().mode() & 0o777);
    fs::Permissions::from_mode(mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let place = tempfile::tempdir().unwrap();
        let blocker = place.path().join("data");
        fs::write(&blocker, "a file").unwrap();
        let error = replace(&blocker.join("state.json"), b"{}").unwrap_err();
        assert!(matches!(error, StoreError::Io { operation: Operation::Create, .. }), "{error}");
        assert_eq!(error.path(), blocker);
        assert_eq!(fs::read(&blocker).unwrap(), b"a file");
    }

    #[test]
    fn a_failed_replacement_leaves_the_old_file_and_no_other() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("state.json");
        fs::create_dir_all(path.join("x")).unwrap();
        assert!(replace(&path, b"{}").is_err());
        assert_eq!(children(place.path()).unwrap().len(), 1);
    }

    #[test]
    fn of_several_files_none_is_replaced_where_one_cannot_be_written() {
        let place = tempfile::tempdir().unwrap();
        let (first, blocker) = (place.path().join("first"), place.path().join("blocker"));
        fs::write(&first, "old").unwrap();
        fs::write(&blocker, "a file").unwrap();
        let files = [(first.clone(), b"new".to_vec()), (blocker.join("second"), b"new".to_vec())];
        assert!(replace_all(&files).is_err());
        assert_eq!(fs::read(&first).unwrap(), b"old");
        assert_eq!(children(place.path()).unwrap().len(), 2);
    }

    #[test]
    fn several_files_are_replaced_and_what_a_killed_run_left_of_them_goes() {
        let place = tempfile::tempdir().unwrap();
        let (first, second) = (place.path().join("first"), place.path().join("a/second"));
        fs::write(place.path().join(".first.abc.patch-moi-tmp"), "half").unwrap();
        replace_all(&[(first.clone(), b"1".to_vec()), (second.clone(), b"2".to_vec())]).unwrap();
        assert_eq!((fs::read(&first).unwrap(), fs::read(&second).unwrap()), (b"1".to_vec(), b"2".to_vec()));
        assert_eq!(children(place.path()).unwrap().len(), 2);
    }

    #[test]
    fn a_replaced_file_is_new_and_its_permissions_are_old() {
        use std::os::unix::fs::PermissionsExt as _;

        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a/b/state.json");
        replace(&path, b"1").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        replace(&path, b"2").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"2");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(children(path.parent().unwrap()).unwrap().len(), 1);
    }

    #[test]
    fn a_link_is_replaced_and_what_it_points_to_is_not_touched() {
        let place = tempfile::tempdir().unwrap();
        let (outside, link) = (place.path().join("outside"), place.path().join("link"));
        fs::write(&outside, "theirs").unwrap();
        std::os::unix::fs::symlink(&outside, &link).unwrap();
        replace(&link, b"ours").unwrap();
        assert_eq!(fs::read(&outside).unwrap(), b"theirs");
        assert_eq!(fs::read(&link).unwrap(), b"ours");
    }

    #[test]
    fn only_the_leftovers_of_the_same_file_are_swept() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("state.json");
        for name in [
            ".state.json.abc.patch-moi-tmp",
            ".other.json.abc.patch-moi-tmp",
            ".state.json.abc",
            "state.json",
        ] {
            fs::write(place.path().join(name), "x").unwrap();
        }
        sweep(&path).unwrap();
        let mut left: Vec<_> = children(place.path()).unwrap().into_iter().map(|(name, _)| name).collect();
        left.sort();
        assert_eq!(left, [".other.json.abc.patch-moi-tmp", ".state.json.abc", "state.json"]);
    }

    #[test]
    fn an_own_folder_hides_itself_and_nothing_above_it() {
        let place = tempfile::tempdir().unwrap();
        let own = place.path().join(".codex/workspace/actions");
        own_folder(&own).unwrap();
        assert_eq!(fs::read(own.join(".gitignore")).unwrap(), b"*\n");
        assert!(!place.path().join(".codex/.gitignore").exists());

        let left = own.join("..gitignore.abc123.patch-moi-tmp");
        fs::write(&left, "").unwrap();
        fs::write(own.join(".gitignore"), "!kept\n").unwrap();
        own_folder(&own).unwrap();
        assert_eq!(fs::read(own.join(".gitignore")).unwrap(), b"!kept\n");
        assert!(!left.exists(), "what a killed run left goes");
    }

    #[test]
    fn a_file_beyond_the_limit_is_not_read() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("state.json");
        assert!(read_whole(&path, 3).unwrap().is_none());
        fs::write(&path, "abc").unwrap();
        assert_eq!(read_whole(&path, 3).unwrap().unwrap(), b"abc");
        assert!(matches!(read_whole(&path, 2), Err(StoreError::TooLarge { limit: 2, .. })));
    }
}
