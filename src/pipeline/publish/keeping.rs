//! The second push: what is remembered, whatever came of the first.

use super::super::session::Session;
use crate::failure::Result;
use crate::report::KeptReport;

/// Where the state is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keep {
    /// `auto`, `none` or a remote, as `--state` has it.
    pub(crate) state: String,
}

/// Reads what is remembered, before anything is decided.
///
/// # Errors
/// Where it cannot be read.
pub(super) fn restore(_session: &Session<'_>, _keep: &Keep) -> Result<()> {
    Ok(())
}

/// Writes what is remembered.
pub(super) fn keep(_session: &Session<'_>, keep: &Keep) -> KeptReport {
    let why = match keep.state.as_str() {
        "none" => "`--state none` was asked for",
        _ => "this version keeps no state in a ref yet",
    };
    KeptReport { outcome: "none".to_owned(), commit: None, why: Some(why.to_owned()) }
}
