//! What `pack add`, `pack update` and `pack remove` say.

use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use serde_json::Value;

use super::source::{Descriptor, Opened};
use super::text;
use crate::failure::Kind;
use crate::ids::Digest;
use crate::pack::{Action, Decision, Found, ItemKind, LockItem};

/// What `patch-moi pack add --json`, `pack update --json` and `pack remove --json` print.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "patch-moi pack add")]
pub(crate) struct PlanReport {
    /// Whether it was to be done, and not only shown.
    pub(super) apply: bool,
    /// The workspace.
    pub(super) workspace_root: String,
    /// Where the pack is; only of `pack add`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<Descriptor>,
    /// What the pack says about itself; only of `pack add`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pack: Option<PackInfo>,
    /// What becomes of each item.
    pub(super) items: Vec<PlannedItem>,
    /// What a person should know.
    pub(super) warnings: Vec<String>,
    /// The lock.
    pub(super) lock_path: String,
    /// Where what is overwritten goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) backup_root: Option<String>,
    /// Where the marketplace goes that is changed against its owner's will.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) marketplace_backup_path: Option<String>,
    /// Whether anything was written.
    pub(super) applied: bool,
    /// What was written, or would be, relative to the workspace; empty where a conflict stands in the way.
    pub(super) written: Vec<String>,
}

/// What a pack says about itself.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PackInfo {
    /// Its name; where it gives itself none, its folder's.
    pub(super) name: String,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    /// Its codex-pack.toml.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) manifest_path: Option<String>,
}

/// What becomes of an item.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlannedItem {
    /// Its name.
    pub(super) name: String,
    /// What it is.
    pub(super) kind: ItemKind,
    /// Its folder in the pack; of a pack that was fetched, relative to the pack.
    pub(super) source_path: String,
    /// Its folder, relative to the pack.
    pub(super) source_relative_path: String,
    /// Where it is installed.
    pub(super) destination_path: String,
    /// Where it is installed, relative to the workspace.
    pub(super) destination_relative_path: String,
    /// The hash of its files.
    pub(super) content_hash: Digest,
    /// How many bytes they have.
    pub(super) bytes: u64,
    /// What becomes of it.
    pub(super) action: Action,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// Where goes what stands in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) backup_path: Option<String>,
}

impl PlannedItem {
    /// The item of a pack, with what was decided about it.
    pub(super) fn found(root: &std::path::Path, opened: &Opened, found: &Found, decision: Decision) -> Self {
        let destination = found.kind.destination(&found.name);
        Self {
            name: found.name.clone(),
            kind: found.kind,
            source_path: opened.path_of(found),
            source_relative_path: found.path.clone(),
            destination_path: root.join(&destination).display().to_string(),
            destination_relative_path: destination,
            content_hash: found.content_hash.clone(),
            bytes: found.files.bytes(),
            action: decision.0,
            reason: decision.1,
            backup_path: None,
        }
    }

    /// An item of the lock, with what was decided about it.
    pub(super) fn locked(root: &std::path::Path, item: &LockItem, decision: Decision) -> Self {
        Self {
            name: item.name.clone(),
            kind: item.kind,
            source_path: item.source_path.clone(),
            source_relative_path: item.source_path.clone(),
            destination_path: root.join(&item.destination_path).display().to_string(),
            destination_relative_path: item.destination_path.clone(),
            content_hash: item.content_hash.clone(),
            bytes: 0,
            action: decision.0,
            reason: decision.1,
            backup_path: None,
        }
    }
}

impl PlanReport {
    /// How many items have this action.
    pub(super) fn count(&self, action: Action) -> usize {
        self.items.iter().filter(|item| item.action == action).count()
    }

    /// How the command ends: with a conflict nothing at all is installed, which is a failure where it was to be.
    pub(crate) fn kind(&self) -> Kind {
        if self.apply && self.count(Action::Conflict) > 0 { Kind::Failed } else { Kind::Done }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        text::plan(self)
    }
}

/// The JSON schema of [`PlanReport`].
pub(crate) fn pack_schema() -> Value {
    schema_for!(PlanReport).to_value()
}
