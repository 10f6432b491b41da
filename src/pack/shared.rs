//! Files that several packs and people share: marketplace.json and hooks.json.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use thiserror::Error;

use crate::flow::{shown, shown_path};

/// Why such a file cannot be added to. It is left as it is.
#[derive(Debug, Error)]
pub(crate) enum SharedError {
    /// It is no JSON.
    #[error("failed to parse {}: {}", shown_path(.file), shown(&.json.to_string()))]
    Syntax {
        /// The file.
        file: PathBuf,
        /// What the parser found, with line and column.
        json: serde_json::Error,
    },
    /// It is JSON of another shape.
    #[error("{}: {what}", shown_path(.file))]
    Shape {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        what: String,
    },
}

impl SharedError {
    /// What to do next.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Syntax { .. } | Self::Shape { .. } => {
                "mend the file, or restore it from git; nothing was written".to_owned()
            }
        }
    }

    pub(super) fn shape(file: &Path, what: impl Into<String>) -> Self {
        Self::Shape { file: file.to_owned(), what: what.into() }
    }
}

/// The object in the text of `file`; an empty one where there is no file.
pub(super) fn object(text: Option<&str>, file: &Path) -> Result<Map<String, Value>, SharedError> {
    let Some(text) = text else { return Ok(Map::new()) };
    let value = serde_json::from_str(text).map_err(|json| SharedError::Syntax { file: file.into(), json })?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(SharedError::shape(file, "it is no JSON object")),
    }
}

/// The text of a file, as codex-flows writes it: two spaces a level, and a line end.
pub(super) fn pretty(object: &Map<String, Value>) -> String {
    serde_json::to_string_pretty(object).unwrap_or_default() + "\n"
}
