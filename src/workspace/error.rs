//! Why a workspace, or a file in it, cannot be read.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::flow::{shown, shown_path};

/// Why a workspace, or a file in it, cannot be read.
#[derive(Debug, Error)]
pub(crate) enum WorkspaceError {
    /// `--workspace-root` names no folder.
    #[error("the workspace root {} is not a folder", shown_path(.path))]
    NoRoot {
        /// The path.
        path: PathBuf,
    },
    /// There is no such file.
    #[error("{} does not exist", shown_path(.path))]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// It is a folder, a pipe, a device or, where links are not followed, a link.
    #[error("{} is not a regular file", shown_path(.path))]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// A file stands where a folder is needed.
    #[error("{} is no folder", shown_path(.path))]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// It is a link, or lies below one, where a file is to be written.
    #[error("{} is a symbolic link, and what is written there would land elsewhere", shown_path(.path))]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// It is larger than anything of its kind has reason to be.
    #[error("{} is larger than {max} bytes", shown_path(.path))]
    TooLarge {
        /// The path.
        path: PathBuf,
        /// The limit in bytes.
        max: u64,
    },
    /// It is not text.
    #[error("{} is not UTF-8: the byte at offset {offset} is none", shown_path(.path))]
    NotUtf8 {
        /// The path.
        path: PathBuf,
        /// Where the first bad byte is, counted from 0.
        offset: usize,
    },
    /// It is not JSON.
    #[error("failed to parse {}: {}", shown_path(.path), shown(&.json.to_string()))]
    NotJson {
        /// The path.
        path: PathBuf,
        /// What the parser found, with line and column.
        json: serde_json::Error,
    },
    /// It lies, through a link, outside the folder that it belongs to.
    #[error("{} lies outside the flow's folder {}", shown_path(.path), shown_path(.root))]
    Outside {
        /// The path.
        path: PathBuf,
        /// The folder.
        root: PathBuf,
    },
    /// A folder holds more than can be looked at.
    #[error("{} holds more than {max} entries", shown_path(.path))]
    TooMany {
        /// The path.
        path: PathBuf,
        /// The limit.
        max: usize,
    },
    /// The file system refused.
    #[error("failed to read {}", shown_path(.path))]
    Read {
        /// The path.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl WorkspaceError {
    /// The error for what the file system said about `path`.
    pub(super) fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { path },
            _ => Self::Read { path, source },
        }
    }

    /// What to do next.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoRoot { .. } => "name an existing folder with `--workspace-root`".to_owned(),
            Self::Missing { .. } => "create the file, or name another one".to_owned(),
            Self::NotAFile { .. } => "put a regular file in its place".to_owned(),
            Self::NotAFolder { .. } => "move it away, or name another place".to_owned(),
            Self::Link { .. } => {
                "put a folder or a regular file in its place, or name another place".to_owned()
            }
            Self::TooLarge { max, .. } => format!("keep the file below {max} bytes"),
            Self::NotUtf8 { .. } => "save the file as UTF-8 text".to_owned(),
            Self::NotJson { json, .. } => format!("correct line {} of the file", json.line()),
            Self::Outside { .. } => "copy what the link points to into the flow's folder".to_owned(),
            Self::TooMany { .. } => "move out of the folder what is no flow".to_owned(),
            Self::Read { .. } => "check the permissions of the file and of the folders above it".to_owned(),
        };
        Some(hint)
    }
}
