//! One event through all stages: gather, decide, act, report.

pub(crate) mod plumbing;
