//! Failures and states as the report says them.

use crate::failure::Failure;
use crate::release::State;
use crate::report::{Problem, Standing};

/// A problem as the report has it.
pub(super) fn problem(failure: &Failure) -> Problem {
    let mut message = failure.title();
    for cause in failure.causes() {
        message.push_str(": ");
        message.push_str(&cause.lines().collect::<Vec<_>>().join("; "));
    }
    let hint = (!failure.advice().is_empty()).then(|| failure.advice().join("; "));
    Problem { message, hint }
}

/// Where a release stands, by its newest line in the ledger.
pub(super) const fn standing(state: State) -> Standing {
    match state {
        State::Seen | State::Blocked => Standing::Seen,
        State::Failed => Standing::Failed,
        State::Candidate => Standing::Candidate,
        State::Conflict => Standing::Conflict,
        State::Skipped => Standing::Skipped,
        State::Adopted => Standing::Adopted,
        State::Superseded => Standing::Superseded,
        State::Moved => Standing::Moved,
    }
}
