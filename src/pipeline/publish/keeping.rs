//! The second push: what is remembered, whatever came of the first.

use super::super::remembering::{self, Kept, Wanted};
use super::super::session::Session;
use super::super::words::problem;
use crate::failure::Result;
use crate::report::KeptReport;

/// Where the state is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keep {
    /// `auto`, `none` or a remote, as `--state` has it.
    pub(crate) state: String,
}

impl Keep {
    fn wanted(&self) -> Wanted {
        self.state.parse().unwrap_or_default()
    }
}

/// Reads what is remembered, before anything is decided.
///
/// # Errors
/// Where it cannot be read.
pub(super) fn restore(session: &Session<'_>, keep: &Keep) -> Result<()> {
    remembering::restore(session, &keep.wanted()).map(drop)
}

/// Writes what is remembered.
pub(super) fn keep(session: &Session<'_>, keep: &Keep) -> KeptReport {
    let said = |outcome: &str, commit, why| KeptReport { outcome: outcome.to_owned(), commit, why };
    match remembering::keep(session, &keep.wanted()) {
        Ok(Kept::Written { commit }) => said("written", Some(commit), None),
        Ok(Kept::Unchanged) => said("unchanged", None, None),
        Ok(Kept::Local) => said("disk", None, None),
        Ok(Kept::Nowhere { why }) => said("none", None, Some(why)),
        Ok(Kept::Refused { why }) => said("refused", None, Some(why)),
        Err(failure) => said("refused", None, Some(problem(&failure).message)),
    }
}
