//! Finding flows: the folders directly below `.codex/flows` and `flows` that hold a flow.toml.

use std::path::Path;

use walkdir::{DirEntry, WalkDir};

use super::error::WorkspaceError;
use super::read::{read_bounded, read_bytes};
use crate::flow::{ManifestError, Origin, shown};
use crate::ids::Digest;
use crate::pack::{Contents, FoundFlow};

/// What a flow.toml is called.
pub(super) const MANIFEST: &str = "flow.toml";
/// The largest flow.toml, in bytes.
const MAX_MANIFEST: u64 = 1 << 20;
/// The most entries that are looked at below `.codex/flows` or `flows`.
const MAX_ENTRIES: usize = 1_000;
/// The most files and folders in one flow.
const MAX_FILES: usize = 5_000;
/// The most bytes in one flow.
const MAX_BYTES: u64 = 64 << 20;

/// The flows of one origin, sorted by the UTF-16 code units of their folders' names, as JavaScript sorts.
pub(super) fn found_in(root: &Path, origin: Origin) -> Result<Vec<FoundFlow>, WorkspaceError> {
    let Some(parent) = origin.folder().map(|folder| root.join(folder)) else { return Ok(Vec::new()) };
    let mut folders = Vec::new();
    for folder in child_folders(&parent)? {
        // A link in the place of flow.toml is found too, and refused by name.
        if folder.join(MANIFEST).symlink_metadata().is_ok() {
            folders.push(folder);
        }
    }
    let name = |folder: &Path| folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    folders.sort_by_cached_key(|folder| name(folder).encode_utf16().collect::<Vec<_>>());
    let found = folders.into_iter().map(|folder| {
        let manifest_file = folder.join(MANIFEST);
        FoundFlow {
            origin,
            folder: name(&folder),
            manifest: manifest(&manifest_file),
            manifest_file,
            contents: contents(&folder),
            root: folder,
        }
    });
    Ok(found.collect())
}

/// The folders directly below `parent`; none where it does not exist. Links are not followed.
pub(super) fn child_folders(parent: &Path) -> Result<Vec<std::path::PathBuf>, WorkspaceError> {
    let entries = match std::fs::read_dir(parent) {
        Ok(entries) => entries,
        Err(source) => {
            return match WorkspaceError::io(parent, source) {
                WorkspaceError::Missing { .. } => Ok(Vec::new()),
                error if parent.is_dir() => Err(error),
                _ => Ok(Vec::new()),
            };
        }
    };
    let mut folders = Vec::new();
    for (count, entry) in entries.enumerate() {
        if count >= MAX_ENTRIES {
            return Err(WorkspaceError::TooMany { path: parent.into(), max: MAX_ENTRIES });
        }
        let entry = entry.map_err(|source| WorkspaceError::io(parent, source))?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}

/// The text of a flow.toml. A link is refused: the content hash would not cover what it says.
fn manifest(file: &Path) -> Result<String, ManifestError> {
    let unreadable = |why: String| ManifestError::Unreadable { file: file.into(), why };
    if file.is_symlink() {
        return Err(unreadable("it is a symbolic link".to_owned()));
    }
    read_bounded(file, MAX_MANIFEST).map_err(|error| unreadable(why(&error)))
}

/// What a flow's folder holds, or why it cannot be hashed.
pub(super) fn contents(folder: &Path) -> Result<Contents, String> {
    let mut contents = Contents::default();
    let mut bytes_left = MAX_BYTES;
    let walk = WalkDir::new(folder).follow_links(false).min_depth(1);
    let entries = walk.into_iter().filter_entry(|entry| entry.file_name() != ".git");
    for (count, entry) in entries.enumerate() {
        if count >= MAX_FILES {
            return Err(format!("its folder holds more than {MAX_FILES} files and folders"));
        }
        let entry = entry.map_err(|error| shown(&error.to_string()))?;
        let kind = entry.file_type();
        if kind.is_symlink() {
            contents.links.push(path_below(folder, &entry)?);
        } else if kind.is_file() {
            let path = path_below(folder, &entry)?;
            let bytes = read_bytes(entry.path(), bytes_left).map_err(|error| match error {
                WorkspaceError::TooLarge { .. } => format!("its folder holds more than {MAX_BYTES} bytes"),
                other => why(&other),
            })?;
            bytes_left -= bytes.len() as u64;
            contents.files.push((path, Digest::of(&bytes)));
        }
    }
    contents.files.sort();
    contents.links.sort();
    Ok(contents)
}

/// The entry's path below `folder`, with `/` between its parts.
fn path_below(folder: &Path, entry: &DirEntry) -> Result<String, String> {
    let below = entry.path().strip_prefix(folder).unwrap_or(entry.path());
    let parts = below.iter().map(|part| part.to_str()).collect::<Option<Vec<_>>>();
    parts
        .map(|parts| parts.join("/"))
        .ok_or_else(|| format!("the name {} is not UTF-8", shown(&below.to_string_lossy())))
}

/// The error with its cause.
fn why(error: &WorkspaceError) -> String {
    match error {
        WorkspaceError::Read { source, .. } => format!("{error}: {source}"),
        _ => error.to_string(),
    }
}
