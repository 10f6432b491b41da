//! `.codex` of a workspace as the home of a Codex: its login, and what it leaves behind.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::error::{Operation, StoreError};
use super::file::{TEMPORARY, folder_of, sweep, sync_folder, temporary_prefix};

/// The file that holds the login.
const AUTH: &str = "auth.json";

/// What a Codex and its sessions leave, by its place. The login comes first.
const LEFT: [&str; 21] = [
    AUTH,
    "install_id",
    "install-id",
    "installation_id",
    "sessions",
    "archived_sessions",
    "history.jsonl",
    "log",
    "shell_snapshots",
    "shell-snapshots",
    "tmp",
    "temp",
    ".tmp",
    "cache",
    ".cache",
    "models_cache.json",
    "version.json",
    "phase2_workspace_diff.md",
    "memories/.git",
    "memories/phase2_workspace_diff.md",
    "skills/.system",
];

/// Where other people's files lie, which may be databases too.
const NOT_OURS: [&str; 5] = ["flows", "hooks", "skills", "plugins", "workspace/actions"];

/// How the names of databases end, and of the files that SQLite keeps beside them.
const DATABASES: [&str; 3] = [".sqlite", ".sqlite3", ".db"];
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What was taken away.
#[derive(Debug, Default)]
pub(crate) struct Cleaned {
    /// Paths below `.codex`, sorted.
    pub(crate) removed: Vec<String>,
    /// What could not be taken away.
    pub(crate) errors: Vec<StoreError>,
}

/// `.codex` as the home of a Codex.
#[derive(Debug, Clone)]
pub(crate) struct CodexHome(PathBuf);

impl CodexHome {
    /// The one at `path`.
    ///
    /// # Errors
    /// Where a symbolic link stands there: what a login is written to has to be what it looks like.
    pub(crate) fn open(path: PathBuf) -> Result<Self, StoreError> {
        if path.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
            let reason = "it is a symbolic link, and a login would be written where that leads".to_owned();
            return Err(StoreError::Corrupt { path, reason });
        }
        Ok(Self(path))
    }

    /// Where the login is.
    pub(crate) fn auth(&self) -> PathBuf {
        self.0.join(AUTH)
    }

    /// Replaces the login in one step. At no moment can anybody else read it; a folder that is made for it is its
    /// owner's alone.
    ///
    /// # Errors
    /// Where folder or file cannot be written. The old login stands then.
    pub(crate) fn write_auth(&self, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.auth();
        match DirBuilder::new().mode(0o700).create(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(StoreError::io(Operation::Create, &self.0)(error));
            }
            _ => {}
        }
        sweep(&path)?;
        let mut file = tempfile::Builder::new()
            .prefix(&temporary_prefix(&path))
            .suffix(TEMPORARY)
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(&self.0)
            .map_err(StoreError::io(Operation::Create, &path))?;
        file.write_all(bytes).map_err(StoreError::io(Operation::Write, &path))?;
        file.as_file().sync_all().map_err(StoreError::io(Operation::Sync, &path))?;
        file.persist(&path).map_err(|error| StoreError::io(Operation::Rename, &path)(error.error))?;
        sync_folder(folder_of(&path))
    }

    /// Takes away the login, sessions, logs, caches and databases of a Codex; `installed` are the folders of what
    /// packs brought, relative to `.codex`. What cannot be taken away hinders nothing else.
    pub(crate) fn clean(&self, installed: &[PathBuf]) -> Cleaned {
        let mut cleaned = Cleaned::default();
        // A killed run may have left the login under another name.
        if let Err(error) = sweep(&self.auth()) {
            cleaned.errors.push(error);
        }
        for name in LEFT {
            self.remove(Path::new(name), &mut cleaned);
        }
        let kept = |below: &Path| {
            NOT_OURS
                .iter()
                .map(Path::new)
                .chain(installed.iter().map(PathBuf::as_path))
                .any(|kept| below == kept)
        };
        let below = |path: &Path| path.strip_prefix(&self.0).map(Path::to_owned).unwrap_or_default();
        let walk = WalkDir::new(&self.0).into_iter();
        let found: Vec<PathBuf> = walk
            .filter_entry(|entry| entry.depth() == 0 || !kept(&below(entry.path())))
            .filter_map(Result::ok)
            .filter(|entry| !entry.file_type().is_dir() && is_database(&entry.file_name().to_string_lossy()))
            .map(|entry| below(entry.path()))
            .collect();
        found.iter().for_each(|path| self.remove(path, &mut cleaned));
        cleaned.removed.sort();
        cleaned
    }

    fn remove(&self, below: &Path, cleaned: &mut Cleaned) {
        let path = self.0.join(below);
        let removed = match path.symlink_metadata() {
            Ok(found) if found.is_dir() => fs::remove_dir_all(&path),
            Ok(_) => fs::remove_file(&path),
            Err(error) => Err(error),
        };
        match removed {
            Ok(()) => cleaned.removed.push(below.to_string_lossy().into_owned()),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(error) => cleaned.errors.push(StoreError::io(Operation::Remove, &path)(error)),
        }
    }
}

fn is_database(name: &str) -> bool {
    let name = name.to_lowercase();
    let stem = BESIDE.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    DATABASES.iter().any(|end| stem.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_known_with_what_lies_beside_it() {
        for (name, is) in [
            ("state.SQLITE", true),
            ("a.db-wal", true),
            ("a.sqlite3-shm", true),
            ("a.db-journal", true),
            ("a.db.txt", false),
            ("db", false),
            ("notes-wal", false),
        ] {
            assert_eq!(is_database(name), is, "{name}");
        }
    }

    #[test]
    fn a_login_is_never_readable_by_others_and_replaces_what_was_there() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join(".codex");
        let home = CodexHome::open(path.clone()).unwrap();
        home.write_auth(b"1").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&home.auth())), (0o700, 0o600));

        fs::set_permissions(home.auth(), Permissions::from_mode(0o644)).unwrap();
        home.write_auth(b"2").unwrap();
        assert_eq!((fs::read(home.auth()).unwrap(), mode(&home.auth())), (b"2".to_vec(), 0o600));
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
    }

    #[test]
    fn a_home_that_is_a_link_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let link = place.path().join(".codex");
        std::os::unix::fs::symlink(place.path(), &link).unwrap();
        assert!(CodexHome::open(link).unwrap_err().to_string().contains("symbolic link"));
    }
}
