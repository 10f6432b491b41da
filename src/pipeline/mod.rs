//! One event through all stages: gather, decide, act, report.

mod artifact;
pub(crate) mod asked;
mod carrying;
mod checking;
pub(crate) mod context;
pub(crate) mod doctor;
mod event;
mod fork;
pub(crate) mod init;
pub(crate) mod local;
mod newest;
pub(crate) mod outputs;
pub(crate) mod plumbing;
pub(crate) mod publish;
pub(crate) mod records;
mod relaying;
pub(crate) mod remembering;
pub(crate) mod resume;
pub(crate) mod run;
pub(crate) mod sample;
mod script_step;
mod session;
pub(crate) mod setup;
mod stack_step;
pub(crate) mod verify;
mod watch;
mod words;
