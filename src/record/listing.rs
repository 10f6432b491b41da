//! Which records a list shows, and how many.

use std::collections::VecDeque;

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

/// The newest of the records that were pushed, oldest first; it never holds more than its limit.
#[derive(Debug, Clone)]
pub(crate) struct Newest<T> {
    limit: usize,
    records: VecDeque<T>,
}

impl<T> Newest<T> {
    /// Room for `limit` records.
    pub(crate) fn new(limit: Limit) -> Self {
        Self { limit: limit.get(), records: VecDeque::new() }
    }

    /// The newest of `records`, which come oldest first: newest first.
    pub(crate) fn of(limit: Limit, records: impl Iterator<Item = T>) -> Vec<T> {
        let mut newest = Self::new(limit);
        records.for_each(|record| newest.push(record));
        newest.into_list()
    }

    /// Takes a record that is newer than all before it.
    pub(crate) fn push(&mut self, record: T) {
        if self.records.len() == self.limit {
            self.records.pop_front();
        }
        self.records.push_back(record);
    }

    /// What is left, newest first.
    pub(crate) fn into_list(self) -> Vec<T> {
        self.records.into_iter().rev().collect()
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

    #[test]
    fn the_newest_stand_first_and_the_rest_is_let_go() {
        assert_eq!(Newest::of(Limit::nearest(3), 1..=9), [9, 8, 7]);
        assert_eq!(Newest::of(Limit::nearest(3), 1..=2), [2, 1]);
        assert!(Newest::of(Limit::default(), std::iter::empty::<u8>()).is_empty());
    }
}
