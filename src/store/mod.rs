//! What lasts: the journals of DATA_DIR, the flow client's state, the artifact folders.
//!
//! The one room that writes files which outlive the run. A file that is rewritten is replaced in
//! one step, and a line that is added is added whole: a reader, and whoever comes after a run that
//! was killed, finds the old or the new. Whoever changes a folder holds its lock, so that of
//! several processes none undoes what another did. Nothing is created until something is written:
//! a dry run leaves no trace.

#![expect(clippy::disallowed_methods, reason = "store is where lasting files are written and removed")]

mod artifact;
mod backwards;
mod codex_home;
mod data_dir;
mod error;
mod file;
mod flow_client;
mod flow_repo;
mod install;
mod journal;
mod lasting;
mod lock;
mod resume;
mod run_log;
#[cfg(test)]
mod tests;

pub(crate) use artifact::ArtifactDir;
pub(crate) use codex_home::CodexHome;
pub(crate) use data_dir::DataDir;
pub(crate) use error::StoreError;
pub(crate) use file::{own_folder, replace, replace_all};
pub(crate) use flow_client::FlowClient;
pub(crate) use flow_repo::FlowRepo;
pub(crate) use install::{Change, Install, New, Recovered};
pub(crate) use journal::{Journal, JournalWarning, Journaled};
pub(crate) use lasting::Lasting;
pub(crate) use resume::Interventions;
