//! What can go wrong with files that last.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::record::StateError;

/// A file or folder that could not be read or written, and why.
#[derive(Debug, Error)]
pub(crate) enum StoreError {
    /// The operating system refused.
    #[error("cannot {operation} {}", path.display())]
    Io {
        /// What was tried.
        operation: Operation,
        /// With which file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Somebody else kept a lock for longer than is worth waiting.
    #[error("{} is still locked by {holder} after {seconds} s", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, by its own words.
        holder: String,
        /// How long was waited.
        seconds: u64,
    },
    /// A file that is rewritten as a whole holds something else than it should. It was left alone.
    #[error("{} cannot be used: {reason}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A record or file is larger than this program reads.
    #[error("{}: {bytes} bytes are more than the {limit} that one record or file may have", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// How much it would be, or is.
        bytes: u64,
        /// How much it may be.
        limit: u64,
    },
    /// A record has no form in JSON.
    #[error("a record for {} cannot be written as JSON", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

/// What was tried with a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Read,
    Write,
    Append,
    Sync,
    Rename,
    Remove,
    Lock,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Write => "write",
            Self::Append => "append to",
            Self::Sync => "bring to disk",
            Self::Rename => "put in place",
            Self::Remove => "remove",
            Self::Lock => "lock",
        })
    }
}

impl StoreError {
    /// For `map_err`: the operating system's error at this place.
    pub(super) fn io(operation: Operation, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { operation, path: path.to_owned(), source }
    }

    pub(super) fn not_a_state(path: &Path, error: &StateError) -> Self {
        Self::Corrupt { path: path.to_owned(), reason: error.to_string() }
    }

    /// The file or folder that it is about.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Io { path, .. }
            | Self::Locked { path, .. }
            | Self::Corrupt { path, .. }
            | Self::TooLarge { path, .. }
            | Self::Encode { path, .. } => path,
        }
    }

    /// What a person can do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        let path = self.path().display();
        match self {
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(
                    "make room on the disk and run this again; nothing that was there is lost".to_owned(),
                ),
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Some(format!(
                    "make {path} writable for this user, or name another place with --data-dir or --workspace-root"
                )),
                io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory | io::ErrorKind::AlreadyExists => {
                    Some(format!("move away what stands at {path}, or name another place"))
                }
                io::ErrorKind::InvalidFilename => {
                    Some("the tag's name is longer than the names of this file system".to_owned())
                }
                io::ErrorKind::Unsupported => {
                    Some("use a file system with file locks, such as the machine's own disk".to_owned())
                }
                _ => None,
            },
            Self::Locked { .. } => Some("wait for that run to end, or end it, and run this again".to_owned()),
            Self::Corrupt { .. } => Some(format!(
                "nothing was written over it: mend {path}, or move it away to begin with an empty one"
            )),
            Self::TooLarge { .. } => Some(format!("move {path} away to begin with an empty one")),
            Self::Encode { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_place_and_what_to_do() {
        let path = Path::new("data/flow-events.jsonl");
        let full = StoreError::io(Operation::Append, path)(io::Error::from_raw_os_error(28));
        assert_eq!(full.to_string(), "cannot append to data/flow-events.jsonl");
        assert!(full.hint().unwrap().contains("make room"));

        let denied = StoreError::io(Operation::Create, path)(io::ErrorKind::PermissionDenied.into());
        assert_eq!(denied.to_string(), "cannot create data/flow-events.jsonl");
        assert!(denied.hint().unwrap().contains("--data-dir"));

        let locked =
            StoreError::Locked { path: "data/.lock".into(), holder: "process 7".to_owned(), seconds: 30 };
        assert_eq!(locked.to_string(), "data/.lock is still locked by process 7 after 30 s");
    }
}
