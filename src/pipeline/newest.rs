//! The newest release of a repository, where nobody names a tag.

use crate::git::Listing;
use crate::ids::TagName;
use crate::release::{Rules, Source, Version};

/// The newest tag that the source's rules accept; without a source, by the rules that hold where
/// none are given.
pub(super) fn newest(listing: &Listing, source: Option<&Source>) -> Option<TagName> {
    let usual = Rules::default();
    newest_by(listing, source.map_or(&usual, |source| &source.rules))
}

/// The newest tag that these rules accept.
pub(super) fn newest_by(listing: &Listing, rules: &Rules) -> Option<TagName> {
    versions(listing, rules).into_iter().next_back().map(|(_, tag)| tag.clone())
}

/// The newest `count` tags for a message, newest first; where none looks like a release, any.
pub(super) fn names(listing: &Listing, count: usize) -> Vec<String> {
    let rules = Rules { prereleases: true, ..Rules::default() };
    let found: Vec<String> =
        versions(listing, &rules).into_iter().rev().take(count).map(|(_, tag)| tag.to_string()).collect();
    if found.is_empty() {
        listing.tags.keys().rev().take(count).map(ToString::to_string).collect()
    } else {
        found
    }
}

/// The accepted tags with their versions, oldest first.
fn versions<'a>(listing: &'a Listing, rules: &Rules) -> Vec<(Version, &'a TagName)> {
    let version = |tag: &'a TagName| {
        let version = Version::parse(rules.tag_pattern.version_of(tag)?)?;
        (rules.prereleases || !version.is_prerelease()).then_some((version, tag))
    };
    let mut found: Vec<_> = listing.tags.keys().filter_map(version).collect();
    found.sort();
    found
}
