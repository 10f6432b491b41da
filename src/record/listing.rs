//! Which records a list shows, and how many.

use super::{Attempt, AttemptStatus, Dispatch, DispatchStatus};

/// How many records a list shows: 1 to 500, and 50 where nothing was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit(usize);

impl Limit {
    const MOST: usize = 500;

    /// The nearest limit to what was asked for.
    pub(crate) fn nearest(asked: i64) -> Self {
        Self(usize::try_from(asked).unwrap_or(0).clamp(1, Self::MOST))
    }

    /// The limit as a number.
    pub(crate) const fn get(self) -> usize {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

/// Which events a list shows. Empty: all.
#[derive(Debug, Clone, Default)]
pub(crate) struct EventFilter {
    /// Only this type.
    pub(crate) kind: Option<String>,
}

impl EventFilter {
    /// Whether an event of this type is shown.
    pub(crate) fn accepts(&self, kind: &str) -> bool {
        self.kind.as_deref().is_none_or(|wanted| wanted == kind)
    }
}

/// Which dispatches a list shows. Empty: all.
#[derive(Debug, Clone, Default)]
pub(crate) struct DispatchFilter {
    /// Only this event's.
    pub(crate) event_id: Option<String>,
    /// Only those of this status.
    pub(crate) status: Option<DispatchStatus>,
}

impl DispatchFilter {
    /// Whether the dispatch is shown.
    pub(crate) fn accepts(&self, dispatch: &Dispatch) -> bool {
        self.event_id.as_ref().is_none_or(|id| *id == dispatch.event_id)
            && self.status.is_none_or(|status| status == dispatch.status)
    }
}

/// Which attempts a list shows. Empty: all.
#[derive(Debug, Clone, Default)]
pub(crate) struct AttemptFilter {
    /// Only this event's.
    pub(crate) event_id: Option<String>,
    /// Only those of this status.
    pub(crate) status: Option<AttemptStatus>,
}

impl AttemptFilter {
    /// Whether the attempt is shown.
    pub(crate) fn accepts(&self, attempt: &Attempt) -> bool {
        self.event_id.as_ref().is_none_or(|id| *id == attempt.event_id)
            && self.status.is_none_or(|status| status == attempt.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_stays_between_one_and_five_hundred() {
        for (asked, given) in
            [(i64::MIN, 1), (-1, 1), (0, 1), (1, 1), (20, 20), (500, 500), (501, 500), (i64::MAX, 500)]
        {
            assert_eq!(Limit::nearest(asked).get(), given, "{asked}");
        }
        assert_eq!(Limit::default().get(), 50);
    }
}
