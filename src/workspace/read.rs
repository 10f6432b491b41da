//! Reading a file that somebody else wrote.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde_json::Value;

use super::error::WorkspaceError;
use crate::ids::RelPath;

/// The largest JSON schema, in bytes.
const MAX_SCHEMA: u64 = 1 << 20;
/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a text file of at most `max` bytes, without the byte order mark that some editors put first.
///
/// # Errors
/// Each names the file: missing, not a regular file, larger than `max`, not UTF-8, unreadable.
pub(crate) fn read_bounded(path: &Path, max: u64) -> Result<String, WorkspaceError> {
    let mut bytes = read_bytes(path, max)?;
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        WorkspaceError::NotUtf8 { path: path.into(), offset }
    })
}

/// Reads the text file `path` below `root` that is to be written later; none where there is none.
///
/// # Errors
/// As [`read_bounded`]; also where it, or a folder on the way, is a link or no folder.
pub(crate) fn read_own(root: &Path, path: &RelPath, max: u64) -> Result<Option<String>, WorkspaceError> {
    let mut at = root.to_owned();
    let mut parts = path.as_str().split('/').peekable();
    while let Some(part) = parts.next() {
        at.push(part);
        let found = match at.symlink_metadata() {
            Ok(found) => found.file_type(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(WorkspaceError::io(&at, error)),
        };
        if found.is_symlink() {
            return Err(WorkspaceError::Link { path: at });
        }
        if parts.peek().is_some() && !found.is_dir() {
            return Err(WorkspaceError::NotAFolder { path: at });
        }
    }
    read_bounded(&at, max).map(Some)
}

/// Reads a JSON schema from a flow's folder.
///
/// # Errors
/// As [`read_bounded`]; also where it is not JSON, or where a link leads out of the folder.
pub(crate) fn read_schema(flow_root: &Path, schema: &RelPath) -> Result<Value, WorkspaceError> {
    let path = flow_root.join(schema.as_str());
    let root = flow_root.canonicalize().map_err(|source| WorkspaceError::io(flow_root, source))?;
    let real = path.canonicalize().map_err(|source| WorkspaceError::io(&path, source))?;
    if !real.starts_with(&root) {
        return Err(WorkspaceError::Outside { path, root: flow_root.into() });
    }
    let text = read_bounded(&real, MAX_SCHEMA)?;
    serde_json::from_str(&text).map_err(|json| WorkspaceError::NotJson { path, json })
}

/// Reads a regular file of at most `max` bytes. A pipe or device is refused before it is opened,
/// since opening one may wait for ever.
pub(super) fn read_bytes(path: &Path, max: u64) -> Result<Vec<u8>, WorkspaceError> {
    let failed = |source| WorkspaceError::io(path, source);
    let found = std::fs::metadata(path).map_err(failed)?;
    if !found.is_file() {
        return Err(WorkspaceError::NotAFile { path: path.into() });
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(max + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > max {
        return Err(WorkspaceError::TooLarge { path: path.into(), max });
    }
    Ok(bytes)
}
