//! Steps and checks as child processes.
//!
//! What runs here is code of the fork and of upstream: it gets no token, no way to speak to the
//! workflow's runner, no terminal and no more time than it was given.

mod checks;

pub(crate) use checks::{CheckError, CheckOutcome, CheckResult, CheckSpec, run_check};
