//! One event through all stages: gather, decide, act, report.

pub(crate) mod context;
pub(crate) mod plumbing;
pub(crate) mod run;
pub(crate) mod sample;
