//! Packs: what is installed, what pins it, and so which flows may run.
//!
//! Pure: `workspace` reads the files, this room judges them. The lock and its hashes are those of
//! codex-flows, so either program can install what the other runs.

mod active;
mod changes;
mod collation;
mod hash;
mod lock;
mod pin;
mod splice;

#[cfg(test)]
mod tests;

pub(crate) use active::{Contents, FoundFlow, active};
pub(crate) use changes::changes;
pub(crate) use hash::{content_hash, flows_digest};
pub(crate) use lock::{Lock, LockError, LockItem, lock_schema};
pub(crate) use pin::Pin;
pub(crate) use splice::{Edit, edited};
