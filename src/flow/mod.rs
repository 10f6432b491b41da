//! flow.toml, its triggers, schemas and gates: from an event to the steps that it makes run.
//!
//! Pure: texts, flows, the environment and the payload are arguments. `workspace` finds the files,
//! `pack` says which flows the lock allows, and [`select()`] says what one event does with them.

mod built_in;
mod checks;
mod fields;
mod gates;
mod manifest;
mod manifest_error;
mod payload;
mod schema;
mod select;
mod stack_config;
mod switches;
mod text;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use thiserror::Error;

use crate::ids::Digest;

pub(crate) use built_in::{BUILT_IN, BuiltIn, built_in, built_in_file, built_in_schema};
pub(crate) use checks::Check;
pub(crate) use gates::{GateClosed, Gates};
pub(crate) use manifest::{Manifest, Runner, Step};
pub(crate) use manifest_error::ManifestError;
pub(crate) use schema::flow_schema;
pub(crate) use select::{PassedOver, Reason, Selected, Selection, select, shadows};
pub(crate) use stack_config::{ConfigError, PatchStackConfig, Push, upstream_url};
pub(crate) use switches::{SwitchedOff, Switches, SwitchesError, switching_off, workspace_schema};
pub(crate) use text::{NotToml, check_segment, shown, shown_path};

/// A flow that was found, whether or not it may run.
#[derive(Debug, Clone)]
pub(crate) struct Flow {
    /// The name of its folder; for the built-in flow, its own name.
    pub(crate) folder: String,
    /// What its flow.toml says, or why it says nothing.
    pub(crate) manifest: Result<Manifest, ManifestError>,
    /// Where it comes from.
    pub(crate) origin: Origin,
    /// The absolute path of its folder; scripts, schemas and `cwd` are relative to it.
    pub(crate) root: PathBuf,
    /// The hash of its contents; none where they could not be read whole.
    pub(crate) digest: Option<Digest>,
    /// What the lock says about it.
    pub(crate) standing: Standing,
    /// What of it the workspace's own configuration switches off.
    pub(crate) switched_off: SwitchedOff,
    /// What else a person should know about it, such as links that the hash does not cover.
    pub(crate) notes: Vec<String>,
}

impl Flow {
    /// The name that it goes by: the manifest's, else the folder's.
    pub(crate) fn name(&self) -> &str {
        self.manifest.as_ref().map_or(&self.folder, |manifest| &manifest.name)
    }

    /// Its flow.toml, for messages about what stands in it.
    pub(crate) fn manifest_file(&self) -> PathBuf {
        match self.origin {
            Origin::Installed | Origin::Source => self.root.join("flow.toml"),
            Origin::BuiltIn => PathBuf::from("(the built-in flow patch-stack)"),
        }
    }

    /// Where it lies, relative to the workspace's root, fit for a message.
    pub(crate) fn place(&self) -> String {
        match self.origin.folder() {
            Some(parent) => format!("{parent}/{}", shown(&self.folder)),
            None => "patch-moi itself".to_owned(),
        }
    }
}

/// Where a flow comes from, in the order in which one of a name is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// Installed from a pack, under `.codex/flows`; the lock has to allow it.
    Installed,
    /// The repository's own, under `flows`.
    Source,
    /// Part of patch-moi.
    BuiltIn,
}

impl Origin {
    /// The origin's name in every output.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Source => "source",
            Self::BuiltIn => "built-in",
        }
    }

    /// The folder that holds such flows, relative to the workspace's root.
    pub(crate) const fn folder(self) -> Option<&'static str> {
        match self {
            Self::Installed => Some(".codex/flows"),
            Self::Source => Some("flows"),
            Self::BuiltIn => None,
        }
    }
}

/// What the lock says about a flow.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Standing {
    /// Installed, and the lock has the hash of exactly these contents.
    #[error("it is pinned by .codex/pack-lock.json")]
    Pinned,
    /// The repository's own: its history pins it.
    #[error("it is the repository's own")]
    SourceOwned,
    /// Part of patch-moi.
    #[error("it is part of patch-moi")]
    BuiltIn,
    /// Installed, and changed since.
    #[error("its contents ({actual}) are not those that .codex/pack-lock.json pins ({expected})")]
    Differs {
        /// What the lock says.
        expected: Digest,
        /// What is there.
        actual: Digest,
    },
    /// Installed, changed since, and let through by whoever started the run.
    #[error(
        "`--allow-modified` lets it run although its contents ({actual}) are not those that .codex/pack-lock.json pins ({expected})"
    )]
    Modified {
        /// What the lock says.
        expected: Digest,
        /// What is there.
        actual: Digest,
    },
    /// Installed, and the lock does not name it.
    #[error("it lies in .codex/flows and .codex/pack-lock.json does not name it")]
    NotInLock,
    /// Installed, and there is no lock.
    #[error("it lies in .codex/flows and there is no .codex/pack-lock.json to pin it")]
    NoLock,
    /// Installed, and its contents could not be read whole.
    #[error("its contents cannot be compared with .codex/pack-lock.json: {why}")]
    Unread {
        /// Why not.
        why: String,
    },
}

impl Standing {
    /// The standing's name in JSON output; never changed.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::SourceOwned => "source",
            Self::BuiltIn => "built-in",
            Self::Differs { .. } => "differs-from-lock",
            Self::Modified { .. } => "modified",
            Self::NotInLock => "not-in-lock",
            Self::NoLock => "no-lock",
            Self::Unread { .. } => "not-comparable-with-lock",
        }
    }

    /// Whether such a flow may run.
    pub(crate) const fn may_run(&self) -> bool {
        match self {
            Self::Pinned | Self::SourceOwned | Self::BuiltIn | Self::Modified { .. } => true,
            Self::Differs { .. } | Self::NotInLock | Self::NoLock | Self::Unread { .. } => false,
        }
    }

    /// What to do next, where anything is to be done.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Pinned | Self::SourceOwned | Self::BuiltIn | Self::Modified { .. } => return None,
            Self::Differs { .. } => {
                "look at what changed; then put the old contents back, install the flow again so that the lock has the new hash, or run it as it is with `--allow-modified`"
            }
            Self::NotInLock | Self::NoLock => {
                "install the flow with its pack, which writes the lock, or move it to flows/ to make it the repository's own"
            }
            Self::Unread { .. } => "remove from the flow's folder what does not belong to it",
        };
        Some(hint.to_owned())
    }
}
