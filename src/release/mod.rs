//! A feed's entries to releases; filters; what the ledger says is still to do.
//!
//! [`Sources`] says what is watched and by which rules. [`choose()`] takes what upstream has (tags),
//! what the feed adds (names, dates) and what was done before (the [`Ledger`]), and says what to do
//! now. Everything here is a function of its arguments: no clock, file, socket or process.

mod choose;
mod entry;
mod fields;
#[cfg(test)]
pub(crate) mod fixtures;
mod ledger;
mod rules;
mod signal;
mod source_file;
mod sources;
mod target;
#[cfg(test)]
mod tests;
mod version;

use crate::ids::{CommitId, ObjectId, RepoName, TagName};

pub(crate) use choose::{Choice, Moved, Newest, choose};
pub(crate) use entry::{Entry, tag_of};
pub(crate) use ledger::{Due, Ledger, LedgerLine, Pointed, State};
pub(crate) use rules::Rules;
pub(crate) use signal::{Cursor, FeedJob, FeedState, Signal, unseen};
pub(crate) use source_file::sources_schema;
pub(crate) use sources::{MAX_SOURCES_BYTES, Source, SourceEvent, Sources, SourcesError};
pub(crate) use version::Version;

/// A tag as the upstream repository has it now, by `ls-remote`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemoteTag {
    /// Its name.
    pub(crate) name: TagName,
    /// What the ref points to: the tag object of an annotated tag, else the commit.
    pub(crate) object: ObjectId,
    /// The commit in the end.
    pub(crate) commit: CommitId,
}

/// One upstream release, found and certain.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Release {
    /// The repository that releases.
    pub(crate) repo: RepoName,
    /// The git tag. Never a title.
    pub(crate) tag: TagName,
    /// What the tag's ref points to.
    pub(crate) object: ObjectId,
    /// The release commit.
    pub(crate) commit: CommitId,
    /// The source that it was found by; absent where a person named the tag.
    pub(crate) source_id: Option<String>,
    /// What the feed says about it, where it is in the feed.
    pub(crate) entry: Option<Entry>,
}

impl Release {
    /// Its tag, as upstream has it.
    pub(crate) fn remote_tag(&self) -> RemoteTag {
        RemoteTag { name: self.tag.clone(), object: self.object, commit: self.commit }
    }
}

/// A time as every file has it: UTC, milliseconds, `Z` (`2026-11-22T06:21:13.428Z`).
pub(crate) fn stamp(at: jiff::Timestamp) -> String {
    format!("{at:.3}")
}
