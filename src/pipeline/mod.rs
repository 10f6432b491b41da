//! One event through all stages: gather, decide, act, report.

pub(crate) mod context;
pub(crate) mod outputs;
pub(crate) mod plumbing;
pub(crate) mod records;
pub(crate) mod run;
pub(crate) mod sample;
pub(crate) mod setup;
