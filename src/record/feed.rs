//! How far a feed was read.

use serde::{Deserialize, Serialize};

/// A source's value in feed-state.json. It is a hint: which releases are settled is the ledger's to
/// say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FeedCursor {
    /// The id of the newest entry that was on the page.
    pub(crate) last_seen_id: String,
    /// When the page was read.
    pub(crate) last_checked_at: String,
}
