//! Packs: what is installed, what pins it, and so which flows may run.
//!
//! Pure: `workspace` reads the files, this room judges them. The lock and its hashes are those of
//! codex-flows, so either program can install what the other runs.

mod active;
mod changes;
mod collation;
mod doctor;
mod hash;
mod hooks;
mod inspect;
mod layout;
mod listing;
mod lock;
mod lock_edit;
mod marketplace;
mod pin;
mod plan;
mod shared;
mod source;
mod splice;

#[cfg(test)]
mod tests;

pub(crate) use active::{Contents, FoundFlow, active};
pub(crate) use changes::changes;
pub(crate) use collation::is_one_name;
pub(crate) use doctor::{Changed, Code, Problem, examine, flow_not_in_lock};
pub(crate) use hash::{content_hash, flows_digest};
pub(crate) use hooks::{HOOKS, has as has_hooks, merged as hooks_merged};
pub(crate) use inspect::{Found, Inspection, inspect};
pub(crate) use layout::{BACKUPS, Layout, LayoutError, PACK_FILE, is_installed_at};
pub(crate) use listing::{Files, Listing, Node, PackFile};
pub(crate) use lock::{ItemKind, Lock, LockError, LockItem, LockSource, lock_schema};
pub(crate) use lock_edit::LOCK;
pub(crate) use marketplace::{MARKETPLACE, clash, has as has_plugin, marketplace};
pub(crate) use pin::{INSTALLER, Pin};
pub(crate) use plan::{Action, Decision, Here, Place, add, left_out, names_item, remove, update};
pub(crate) use shared::SharedError;
pub(crate) use source::{Origin as PackOrigin, Seen, SourceError, check_ref, origin};
pub(crate) use splice::{Edit, edited};
