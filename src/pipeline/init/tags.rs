//! Which of upstream's tags seem to be its releases.

use std::collections::BTreeMap;

use regex::Regex;

use super::super::newest;
use crate::failure::{Failure, Result};
use crate::git::Listing;
use crate::ids::{RepoName, TagName};
use crate::release::{Rules, Version};

/// A pattern, and what it finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tags {
    /// The pattern that feed-sources.json gets; none where the usual one does.
    pub(super) pattern: Option<String>,
    /// The newest release by it.
    pub(super) newest: Option<TagName>,
    /// What was found, in a sentence.
    pub(super) words: String,
}

/// Chooses a pattern: the person's own, the usual one, or one for the prefix that most of the final
/// releases have.
///
/// # Errors
/// Where the person's own is none.
pub(super) fn suggest(upstream: &RepoName, listing: &Listing, own: Option<&str>) -> Result<Tags> {
    if let Some(pattern) = own {
        return chosen(upstream, listing, pattern);
    }
    let mut families: BTreeMap<&str, Family<'_>> = BTreeMap::new();
    for (prefix, version, tag) in listing.tags.keys().filter_map(parts) {
        families.entry(prefix).or_default().add(version, tag);
    }
    // Of two prefixes with as many releases the shorter one is more likely the project's own.
    let best = families
        .iter()
        .max_by_key(|(prefix, family)| (family.finals.len(), family.count, std::cmp::Reverse(prefix.len())));
    let Some((prefix, family)) = best.map(|(prefix, family)| (*prefix, family)) else {
        let shown = newest::names(listing, 3).join(", ");
        let tags =
            if shown.is_empty() { "it has no tag at all".to_owned() } else { format!("such as {shown}") };
        let words = format!(
            "no tag of {upstream} looks like a version ({tags}); name its releases with --tag-pattern"
        );
        return Ok(Tags { pattern: None, newest: None, words });
    };
    let pattern = (!prefix.is_empty()).then(|| family.pattern(prefix));
    let mut tags = found(upstream, listing, pattern.as_deref())?;
    let others: Vec<String> = families
        .iter()
        .filter(|(other, family)| **other != prefix && !family.finals.is_empty())
        .map(|(other, family)| match *other {
            "" => format!("{} plain versions", family.finals.len()),
            other => format!("{} with `{other}`", family.finals.len()),
        })
        .take(3)
        .collect();
    if !others.is_empty() {
        tags.words += &format!("; not taken for releases: {}", others.join(", "));
    }
    Ok(tags)
}

fn chosen(upstream: &RepoName, listing: &Listing, pattern: &str) -> Result<Tags> {
    Rules::with_pattern(pattern).map_err(|why| Failure::usage(format!("--tag-pattern {why}")))?;
    found(upstream, listing, Some(pattern))
}

/// What a pattern finds, the usual one where none is given.
fn found(upstream: &RepoName, listing: &Listing, pattern: Option<&str>) -> Result<Tags> {
    let rules = match pattern {
        Some(pattern) => Rules::with_pattern(pattern).map_err(Failure::usage)?,
        None => Rules::default(),
    };
    let newest = newest::newest_by(listing, &rules);
    let is_release = |tag: &&TagName| rules.tag_pattern.version_of(tag).is_some();
    let count = listing.tags.keys().filter(is_release).count();
    let what = match pattern.map(prefix_of) {
        None => "a tag that is a version and nothing else, such as v1.2.3, is a release".to_owned(),
        Some(Some(prefix)) => format!("a tag that is `{prefix}` and a version is a release"),
        Some(None) => format!("a tag that fits {} is a release", pattern.unwrap_or_default()),
    };
    let how_many = match (count, &newest) {
        (0, _) => format!("no tag of {upstream} is one"),
        (_, Some(newest)) => format!("{count} of {} tags fit, the newest is {newest}", listing.tags.len()),
        (_, None) => format!("{count} of {} tags fit, all of them prereleases", listing.tags.len()),
    };
    Ok(Tags { pattern: pattern.map(str::to_owned), newest, words: format!("{what}: {how_many}") })
}

/// The prefix that one of our own patterns begins with.
fn prefix_of(pattern: &str) -> Option<String> {
    let literal = pattern.strip_prefix('^')?.split("(?<version>").next()?;
    let plain = literal.replace('\\', "");
    (!plain.is_empty() && literally(&plain) == literal).then_some(plain)
}

/// `text` as a pattern of itself. A hyphen outside of brackets is one, and reads better as it is.
fn literally(text: &str) -> String {
    regex::escape(text).replace(r"\-", "-")
}

/// The tags with one prefix.
#[derive(Default)]
struct Family<'a> {
    finals: Vec<&'a str>,
    count: usize,
}

impl<'a> Family<'a> {
    fn add(&mut self, version: &'a str, _tag: &TagName) {
        self.count += 1;
        if Version::parse(version).is_some_and(|version| !version.is_prerelease()) {
            self.finals.push(version);
        }
    }

    /// As narrow as the final releases are: a tail means a prerelease where no final release has one.
    fn pattern(&self, prefix: &str) -> String {
        let is_plain = |version: &&str| version.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let dots = |version: &&str| version.matches('.').count() == 2;
        let version = if self.finals.iter().all(|version| is_plain(version) && dots(version)) {
            r"\d+\.\d+\.\d+"
        } else if self.finals.iter().all(is_plain) {
            r"\d+(?:\.\d+){1,3}"
        } else {
            r"\d+(?:\.\d+){1,3}(?:[-+._~]?[0-9A-Za-z][0-9A-Za-z.+_~-]*)?"
        };
        format!("^{}(?<version>{version})$", literally(prefix))
    }
}

/// A tag as prefix and version, where it ends with one. A `v` alone is no prefix.
fn parts(tag: &TagName) -> Option<(&str, &str, &TagName)> {
    static SHAPE: std::sync::LazyLock<Option<Regex>> = std::sync::LazyLock::new(|| {
        Regex::new(r"^(?<prefix>(?:.*?[^0-9.])?)(?<version>\d+(?:\.\d+){1,3}(?:[-+._~]?[0-9A-Za-z][0-9A-Za-z.+_~-]*)?)$").ok()
    });
    let found = SHAPE.as_ref()?.captures(tag.as_str())?;
    let prefix = found.name("prefix").map_or("", |found| found.as_str());
    let prefix = if matches!(prefix, "v" | "V") { "" } else { prefix };
    // A commit's id or a word with digits in it is no prefix that a project would choose.
    (prefix.len() <= 60).then(|| (prefix, found.name("version").map_or("", |found| found.as_str()), tag))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CommitId, ObjectId};

    fn listing(tags: &[&str]) -> Listing {
        let id = ObjectId::from_bytes([1; 20]);
        let tag = |name: &&str| (name.parse().unwrap(), (id, CommitId::new(id)));
        Listing { tags: tags.iter().map(tag).collect(), ..Listing::default() }
    }

    fn suggested(tags: &[&str]) -> Tags {
        suggest(&"acme/engine".parse().unwrap(), &listing(tags), None).unwrap()
    }

    #[test]
    fn where_no_tag_looks_like_a_version_nothing_is_guessed() {
        for tags in [&[][..], &["nightly", "stable"], &["v1", "20240131"]] {
            let found = suggested(tags);
            assert_eq!((found.pattern, found.newest), (None, None), "{tags:?}");
            assert!(found.words.contains("--tag-pattern"), "{}", found.words);
        }
    }

    #[test]
    fn a_pattern_of_a_persons_own_must_be_one() {
        let upstream = "acme/engine".parse().unwrap();
        for pattern in ["(", r"^v\d+$"] {
            let error = suggest(&upstream, &listing(&["v1"]), Some(pattern)).unwrap_err();
            assert!(error.title().contains("--tag-pattern"), "{}", error.title());
        }
        let found = suggest(&upstream, &listing(&["v1", "v2"]), Some(r"^v(?<version>\d+)$")).unwrap();
        assert_eq!(found.newest.unwrap().as_str(), "v2");
    }

    #[test]
    fn the_usual_names_need_no_pattern() {
        let found = suggested(&["v1.2.3", "1.3", "v1.4.0-rc.1", "lib/v9.0.0", "nightly"]);
        assert_eq!(found.pattern, None);
        assert_eq!(found.newest.unwrap().as_str(), "1.3");
        assert!(found.words.contains("not taken for releases: 1 with `lib/v`"), "{}", found.words);
    }

    #[test]
    fn a_prefix_becomes_a_pattern_that_says_so() {
        for (tags, pattern, newest) in [
            (
                &["rust-v0.9.0", "rust-v0.10.0", "rust-v0.11.0-alpha.1", "v0.1.2"][..],
                r"^rust-v(?<version>\d+\.\d+\.\d+)$",
                "rust-v0.10.0",
            ),
            (&["release-1.2", "release-1.2.1"], r"^release-(?<version>\d+(?:\.\d+){1,3})$", "release-1.2.1"),
            (
                &["rel/6.1.Final", "rel/6.2.Final"],
                r"^rel/(?<version>\d+(?:\.\d+){1,3}(?:[-+._~]?[0-9A-Za-z][0-9A-Za-z.+_~-]*)?)$",
                "rel/6.2.Final",
            ),
        ] {
            let found = suggested(tags);
            assert_eq!(found.pattern.as_deref(), Some(pattern));
            assert_eq!(found.newest.unwrap().as_str(), newest);
        }
        let words = suggested(&["rust-v0.9.0"]).words;
        assert_eq!(
            words,
            "a tag that is `rust-v` and a version is a release: 1 of 1 tags fit, the newest is rust-v0.9.0"
        );
    }
}
