//! `pack inspect` and `pack list`: what a pack offers, and what is installed.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::context::Context;
use super::report::PackInfo;
use super::source::{self, Descriptor};
use super::state::{State, hold};
use super::text;
use crate::failure::Result;
use crate::ids::Digest;
use crate::pack::{ItemKind, LOCK, LockItem};

/// What `patch-moi pack inspect --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InspectReport {
    pub(super) source: Descriptor,
    pub(super) pack: PackInfo,
    pub(super) items: Vec<InspectedItem>,
    pub(super) warnings: Vec<String>,
}

/// An item of a pack.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct InspectedItem {
    pub(super) name: String,
    pub(super) kind: ItemKind,
    source_path: String,
    pub(super) source_relative_path: String,
    content_hash: Digest,
    bytes: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    plugin_has_hooks: bool,
    /// Why it cannot be installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<String>,
}

/// What `patch-moi pack list --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListReport {
    pub(super) workspace_root: String,
    pub(super) lock_path: String,
    pub(super) items: Vec<LockItem>,
    /// What stands in the lock and cannot be used.
    pub(super) warnings: Vec<String>,
}

/// Looks at the pack that `text` names.
///
/// # Errors
/// Where it names none, cannot be fetched, or says of itself what cannot be.
pub(crate) fn inspect(context: &Context<'_>, text: &str, reference: Option<&str>) -> Result<InspectReport> {
    let opened = source::open(context, text, reference, &[context.cwd])?;
    let items = opened.inspection.items.iter().map(|found| InspectedItem {
        name: found.name.clone(),
        kind: found.kind,
        source_path: opened.path_of(found),
        source_relative_path: found.path.clone(),
        content_hash: found.content_hash.clone(),
        bytes: found.files.bytes(),
        plugin_has_hooks: found.plugin_has_hooks,
        refusal: found.refusal.clone(),
    });
    let items = items.collect();
    Ok(InspectReport {
        pack: opened.info(),
        items,
        warnings: opened.inspection.warnings,
        source: opened.descriptor,
    })
}

/// Says what is installed.
///
/// # Errors
/// Where the lock cannot be read or is none.
pub(crate) fn list(context: &Context<'_>) -> Result<ListReport> {
    hold(context, false)?;
    let root = context.workspace.root();
    let state = State::read(root)?;
    Ok(ListReport {
        workspace_root: root.display().to_string(),
        lock_path: root.join(LOCK).display().to_string(),
        items: state.lock.items,
        warnings: state.lock.warnings,
    })
}

impl InspectReport {
    /// For people.
    pub(crate) fn text(&self) -> String {
        text::inspection(self)
    }
}

impl ListReport {
    /// For people.
    pub(crate) fn text(&self) -> String {
        text::list(self)
    }
}
