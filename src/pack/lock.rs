//! `.codex/pack-lock.json`: what was installed from packs, and the hash of each.

use std::path::{Path, PathBuf};

use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::flow::{shown, shown_path};
use crate::ids::Digest;

/// The only version of the format.
pub(super) const VERSION: u32 = 1;

/// `.codex/pack-lock.json`, as codex-flows writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lock {
    /// What is installed, in the file's order.
    pub(crate) items: Vec<LockItem>,
    /// What stands in the file and cannot be used, in words for a person.
    pub(crate) warnings: Vec<String>,
}

/// The file, for its schema; [`Lock::parse`] warns about one item and reads the others.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "pack-lock.json")]
struct LockFile {
    /// Always 1.
    version: u32,
    /// What is installed, sorted by kind and name.
    items: Vec<LockItem>,
}

/// One installed item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LockItem {
    /// Its name.
    pub(crate) name: String,
    /// What it is.
    pub(crate) kind: ItemKind,
    /// Where its pack came from.
    pub(crate) source: LockSource,
    /// Its folder in the pack.
    pub(crate) source_path: String,
    /// Its folder in the workspace, relative to the root.
    pub(crate) destination_path: String,
    /// The hash of what was installed.
    pub(crate) content_hash: Digest,
    /// When, UTC.
    pub(crate) installed_at: String,
}

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ItemKind {
    /// Instructions for an agent.
    Skill,
    /// A flow.
    Flow,
    /// A plugin of Codex.
    Plugin,
    /// A hook of Codex.
    Hook,
}

impl ItemKind {
    /// The kind's name in the lock.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Skill => "skill",
            Self::Flow => "flow",
            Self::Plugin => "plugin",
            Self::Hook => "hook",
        }
    }
}

/// Where a pack came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct LockSource {
    /// What was typed.
    pub(crate) input: String,
    /// `local`, `github` or `git`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The URL that was cloned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// The ref that was asked for.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
    /// The commit that was found there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<String>,
}

impl LockSource {
    /// A folder of this machine, as it was typed.
    pub(crate) fn local(input: impl Into<String>) -> Self {
        Self { input: input.into(), kind: "local".to_owned(), url: None, reference: None, commit: None }
    }
}

#[cfg(test)]
impl LockItem {
    /// An item that lies where such items lie.
    pub(crate) fn sample(kind: ItemKind, name: &str, content_hash: Digest) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            source: LockSource::local("../p"),
            source_path: format!("{}s/{name}", kind.name()),
            destination_path: kind.destination(name),
            content_hash,
            installed_at: "2026-05-18T00:04:17.788Z".to_owned(),
        }
    }
}

/// Why a lock cannot be used.
#[derive(Debug, Error)]
pub(crate) enum LockError {
    /// The file is not JSON.
    #[error("failed to parse {}: {}", shown_path(.file), shown(&.json.to_string()))]
    Syntax {
        /// The lock.
        file: PathBuf,
        /// What the parser found, with line and column.
        json: serde_json::Error,
    },
    /// The file is JSON and no lock.
    #[error("{} is no lock: {what}", shown_path(.file))]
    Shape {
        /// The lock.
        file: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
}

impl LockError {
    /// What to do next.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Syntax { .. } | Self::Shape { .. } => {
                Some("restore the lock from git, or install the packs again; no flow in .codex/flows runs without it".to_owned())
            }
        }
    }
}

impl Lock {
    /// Reads the text of the lock at `file`, which is only named in messages.
    ///
    /// An item that lacks a field or has one of the wrong type is left out with a warning: what it
    /// installed then counts as not in the lock.
    ///
    /// # Errors
    /// Where the text is not JSON, or is not an object with a list of items.
    pub(crate) fn parse(text: &str, file: &Path) -> Result<Self, LockError> {
        let shape = |what| LockError::Shape { file: file.into(), what };
        let document: Value =
            serde_json::from_str(text).map_err(|json| LockError::Syntax { file: file.into(), json })?;
        let Value::Object(mut document) = document else { return Err(shape("it is no JSON object")) };
        let mut warnings = Vec::new();
        let version = document.get("version");
        if version != Some(&Value::from(VERSION)) {
            let found = version.map_or_else(|| "none".to_owned(), |value| shown(&value.to_string()));
            warnings.push(format!("the lock's version is {found}, and only {VERSION} is known"));
        }
        let Some(Value::Array(listed)) = document.remove("items") else {
            return Err(shape("it has no list called `items`"));
        };
        let mut items: Vec<LockItem> = Vec::with_capacity(listed.len());
        for (index, value) in listed.into_iter().enumerate() {
            let name = value.get("name").and_then(Value::as_str).map(shown).unwrap_or_default();
            match serde_json::from_value::<LockItem>(value) {
                Ok(item) if items.iter().any(|other| other.kind == item.kind && other.name == item.name) => {
                    let kind = item.kind.name();
                    warnings.push(format!(
                        "items[{index}] is not used: {kind} `{name}` stands in the lock before it"
                    ));
                }
                Ok(item) => items.push(item),
                Err(error) => {
                    warnings
                        .push(format!("items[{index}] `{name}` is not used: {}", shown(&error.to_string())));
                }
            }
        }
        Ok(Self { items, warnings })
    }

    /// The item that pins the flow in `.codex/flows/<folder>`: the one that was installed there,
    /// else the one of this name.
    pub(crate) fn flow(&self, folder: &str, name: &str) -> Option<&LockItem> {
        let destination = format!(".codex/flows/{folder}");
        let flows = || self.items.iter().filter(|item| item.kind == ItemKind::Flow);
        let lies_there = |item: &&LockItem| {
            let path = item.destination_path.trim_start_matches("./").trim_end_matches('/');
            path == destination
        };
        flows().find(lies_there).or_else(|| flows().find(|item| item.name == name))
    }
}

/// The JSON schema of pack-lock.json.
pub(crate) fn lock_schema() -> Value {
    schema_for!(LockFile).to_value()
}
