//! Steps and checks as child processes.
//!
//! What runs here is code of the fork and of upstream: it gets no token, no way to speak to the
//! workflow's runner, no terminal and no more time than it was given.

mod checks;
mod code_mode;
mod log;
mod script;
mod steps;

pub(crate) use checks::{CheckError, CheckResult, CheckSpec, run_check};
pub(crate) use code_mode::{CodeModeSpec, Host, Source, run_code_mode};
pub(crate) use script::{script_command, shown};
pub(crate) use steps::{EnvAsked, StepEnv, StepSpec, run_step, step_env};
