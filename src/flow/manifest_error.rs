//! Why a flow.toml cannot be used.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::fields::WrongType;
use super::text::{NotToml, shown, shown_path};

/// Why a flow.toml cannot be used. It disables its own flow and no other.
///
/// Where codex-flows has a text for the case, this is that text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum ManifestError {
    /// The file is not TOML.
    #[error("{}:{}:{}: not valid TOML: {}", shown_path(.file), .at.line, .at.column, .at.message)]
    Syntax {
        /// The manifest.
        file: PathBuf,
        /// Where, and what the parser found.
        at: NotToml,
    },
    /// A field that every flow needs is missing, blank or no string.
    #[error("flow.toml requires {field}: {}", shown_path(.file))]
    Requires {
        /// The field, such as `steps[0].script`.
        field: String,
        /// The manifest.
        file: PathBuf,
    },
    /// `version` is missing or no finite number.
    #[error("flow.toml requires numeric version: {}", shown_path(.file))]
    Version {
        /// The manifest.
        file: PathBuf,
    },
    /// There is no step.
    #[error("flow.toml requires at least one [[steps]] entry: {}", shown_path(.file))]
    NoSteps {
        /// The manifest.
        file: PathBuf,
    },
    /// Something else stands where a table belongs.
    #[error("{field} must be a table: {}", shown_path(.file))]
    NotATable {
        /// The field, such as `steps[0]`.
        field: String,
        /// The manifest.
        file: PathBuf,
    },
    /// A runner that does not exist.
    #[error(
        "{field} must be bun or code-mode, or patch-moi's own patch-stack or command, and is `{found}`: {}",
        shown_path(.file)
    )]
    Runner {
        /// The field, such as `steps[0].runner`.
        field: String,
        /// What stands there.
        found: String,
        /// The manifest.
        file: PathBuf,
    },
    /// A value has the wrong type.
    #[error("{field} must be {expected}, and is {found}: {}", shown_path(.file))]
    WrongType {
        /// The field.
        field: String,
        /// What belongs there.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
        /// The manifest.
        file: PathBuf,
    },
    /// A value has the right type and cannot be used.
    #[error("{field} cannot be `{value}`: {why}: {}", shown_path(.file))]
    Value {
        /// The field.
        field: String,
        /// What stands there, escaped and cut.
        value: String,
        /// Why not.
        why: &'static str,
        /// The manifest.
        file: PathBuf,
    },
    /// The file could not be read at all.
    #[error("failed to read {}: {why}", shown_path(.file))]
    Unreadable {
        /// The manifest.
        file: PathBuf,
        /// What the file system or the decoder said.
        why: String,
    },
}

impl ManifestError {
    pub(super) fn syntax(error: &toml::de::Error, text: &str, file: &Path) -> Self {
        Self::Syntax { file: file.to_owned(), at: NotToml::of(error, text) }
    }

    pub(super) fn wrong_type(wrong: WrongType, file: &Path) -> Self {
        let WrongType { field, expected, found } = wrong;
        Self::WrongType { field, expected, found, file: file.to_owned() }
    }

    pub(super) fn value(field: String, value: &str, why: &'static str, file: &Path) -> Self {
        Self::Value { field, value: shown(value), why, file: file.to_owned() }
    }

    /// What to do next.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Syntax { at, .. } => format!("correct line {} of the file", at.line),
            Self::Requires { field, .. } => format!("write a non-blank string for `{field}`"),
            Self::Version { .. } => "write `version = 1`".to_owned(),
            Self::NoSteps { .. } => "add a [[steps]] table with `name` and `runner`".to_owned(),
            Self::NotATable { field, .. } => format!("write `{field}` as a table with keys of its own"),
            Self::Runner { .. } => {
                "a step that carries a patch stack has `runner = \"patch-stack\"`".to_owned()
            }
            Self::WrongType { field, expected, .. } => format!("write {expected} for `{field}`"),
            Self::Value { field, .. } => format!("choose another value for `{field}`"),
            Self::Unreadable { .. } => {
                "flow.toml has to be a regular file of UTF-8 text that may be read, below 1 MiB".to_owned()
            }
        };
        Some(hint)
    }
}
