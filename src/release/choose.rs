//! Which release to carry to now.
//!
//! Truth is what upstream has (`ls-remote`); the feed adds names and dates; the ledger says what was
//! done. [`choose`] puts the three together by the source's [`Rules`](super::Rules):
//!
//! 1. A tag *fits* where the pattern matches it, its group `version` is a version, and it is no
//!    prerelease (or they count).
//! 2. The *floor* is the newest fitting tag about which the ledger has a line. Without one this is
//!    the first run, and only the newest fitting tag is looked at.
//! 3. *Open* is every fitting tag above the floor that is old enough, and every fitting tag whose
//!    line is still due. What a person asked for by hand, beside the rules, stays with that person.
//! 4. By `whenSeveral` the newest is chosen, or each; never one older than an adopted one. An open
//!    one that is not chosen is superseded.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::ids::{CommitId, Digest, TagName};

use super::rules::{OnFirstRun, WhenSeveral};
use super::{Due, Entry, Ledger, Pointed, Release, RemoteTag, Source, State, Version, stamp};

/// How many of the newest tags are explained, chosen or not.
const EXPLAINED: usize = 20;

/// The rule under which the first run skips the newest release.
const RULE_FIRST_RUN: &str = "onFirstRun: none";

/// The rule under which prereleases are skipped.
const RULE_PRERELEASES: &str = "prereleases: false";

/// What to do about a source's releases.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    /// To carry to, oldest first. At most one, where the newest is wanted.
    pub(crate) due: Vec<Release>,
    /// Open, and not chosen because a newer one is: to be recorded as superseded.
    pub(crate) superseded: Vec<RemoteTag>,
    /// New, and excluded by the rule that stands with it: to be recorded as skipped.
    pub(crate) skipped: Vec<(RemoteTag, String)>,
    /// Dealt with before, and pointing elsewhere now.
    pub(crate) moved: Vec<Moved>,
    /// The newest fitting release, chosen or not, and where it stands.
    pub(crate) newest: Option<Newest>,
    /// Why each of the newest tags, and each tag named above, was chosen or not; newest first.
    pub(crate) explained: Vec<(TagName, String)>,
    /// What a person should look at, though nothing is wrong.
    pub(crate) warnings: Vec<String>,
}

/// A tag that points elsewhere than when it was dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moved {
    /// The tag as it is now.
    pub(crate) tag: RemoteTag,
    /// Where it pointed.
    pub(crate) was: Pointed,
}

/// The newest release of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Newest {
    /// The tag.
    pub(crate) tag: RemoteTag,
    /// What the ledger says about it.
    pub(crate) due: Due,
    /// Where it stands, in words.
    pub(crate) stands: String,
}

/// What the rules make of a tag.
enum Fit {
    NoMatch,
    NoVersion,
    Prerelease(Version),
    Fits(Version),
}

/// A fitting tag.
struct Fitting<'a> {
    tag: &'a RemoteTag,
    version: Version,
    due: Due,
    has_line: bool,
    /// Until when it is too young.
    young_until: Option<Timestamp>,
    has_date: bool,
}

/// Everything that is looked at, together.
struct Look<'a> {
    source: &'a Source,
    entries: BTreeMap<&'a TagName, &'a Entry>,
    ledger: &'a Ledger,
    tip: Option<CommitId>,
    flows: &'a Digest,
    now: Timestamp,
}

/// Says what to do about the releases of `source`: `tags` is what upstream has, `entries` what the
/// feed says, `tip` where the maintained branch stands (where known), `flows` the digest of the flows.
pub(crate) fn choose(
    source: &Source,
    tags: &[RemoteTag],
    entries: &[Entry],
    ledger: &Ledger,
    tip: Option<CommitId>,
    flows: &Digest,
    now: Timestamp,
) -> Choice {
    let mut dated: BTreeMap<&TagName, &Entry> = BTreeMap::new();
    for entry in entries {
        if let Some(tag) = &entry.tag {
            // The first one is the newest one, where a feed names a tag twice.
            dated.entry(tag).or_insert(entry);
        }
    }
    let look = Look { source, entries: dated, ledger, tip, flows, now };
    let mut choice = Choice::default();
    let mut fitting: Vec<Fitting<'_>> = tags.iter().filter_map(|tag| look.fitting(tag)).collect();
    fitting.sort_by(|one, other| (&one.version, &one.tag.name).cmp(&(&other.version, &other.tag.name)));

    choice.moved = tags.iter().filter_map(|tag| look.moved(tag)).collect();
    match look.floor() {
        Some(floor) => look.choose_again(&fitting, &floor, &mut choice),
        None => look.choose_first(&fitting, &mut choice),
    }
    look.skip_prereleases(tags, &mut choice);
    choice.newest = fitting.last().map(|newest| Newest {
        tag: newest.tag.clone(),
        due: newest.due.clone(),
        stands: look.stands(newest, &choice),
    });
    choice.warnings = look.warnings(tags);
    choice.explained = look.explain(tags, &fitting, &choice);
    choice
}

impl Look<'_> {
    fn fit(&self, tag: &TagName) -> Fit {
        let Some(text) = self.source.rules.tag_pattern.version_of(tag) else { return Fit::NoMatch };
        match Version::parse(text) {
            None => Fit::NoVersion,
            Some(version) if version.is_prerelease() && !self.source.rules.prereleases => {
                Fit::Prerelease(version)
            }
            Some(version) => Fit::Fits(version),
        }
    }

    fn fitting<'t>(&self, tag: &'t RemoteTag) -> Option<Fitting<'t>> {
        let Fit::Fits(version) = self.fit(&tag.name) else { return None };
        let repo = &self.source.repo.name;
        let date = self.entries.get(&tag.name).and_then(|entry| entry.date());
        let ready =
            date.zip(self.source.rules.minimum_age).and_then(|(date, age)| date.checked_add(age).ok());
        Some(Fitting {
            tag,
            version,
            due: self.ledger.due(repo, tag, self.tip, self.flows),
            has_line: self.ledger.latest(repo, &tag.name).is_some(),
            young_until: ready.filter(|ready| *ready > self.now),
            has_date: date.is_some(),
        })
    }

    fn moved(&self, tag: &RemoteTag) -> Option<Moved> {
        let was = self.ledger.tag_moved(&self.source.repo.name, &tag.name, tag.object, tag.commit)?;
        Some(Moved { tag: tag.clone(), was })
    }

    /// The newest fitting version about which the ledger has a line.
    fn floor(&self) -> Option<Version> {
        let known = self.ledger.tags(&self.source.repo.name);
        known.filter_map(|(tag, _)| self.version_that_fits(tag)).max()
    }

    /// The newest fitting version that the maintained branch stands on: nothing goes back behind it.
    fn adopted(&self) -> Option<Version> {
        let known = self.ledger.tags(&self.source.repo.name);
        let adopted = known.filter(|(_, line)| line.state == State::Adopted);
        adopted.filter_map(|(tag, _)| self.version_that_fits(tag)).max()
    }

    fn version_that_fits(&self, tag: &TagName) -> Option<Version> {
        match self.fit(tag) {
            Fit::Fits(version) => Some(version),
            _ => None,
        }
    }

    fn choose_first(&self, fitting: &[Fitting<'_>], choice: &mut Choice) {
        match self.source.rules.on_first_run {
            OnFirstRun::Newest => {
                let newest = fitting.iter().rev().find(|one| one.young_until.is_none());
                choice.due.extend(newest.map(|one| self.release(one.tag)));
            }
            // The line that this leaves is the floor of every later run.
            OnFirstRun::None => {
                choice.skipped.extend(fitting.last().map(|one| (one.tag.clone(), RULE_FIRST_RUN.to_owned())));
            }
        }
    }

    fn choose_again(&self, fitting: &[Fitting<'_>], floor: &Version, choice: &mut Choice) {
        let counts = |one: &&Fitting<'_>| one.has_line || (one.version > *floor && one.young_until.is_none());
        let counting: Vec<&Fitting<'_>> = fitting.iter().filter(counts).collect();
        let adopted = self.adopted();
        let Some(newest) = counting.last() else { return };
        if matches!(newest.due, Due::Moved { .. }) {
            // Where the newest tag cannot be trusted, a person looks before anything is decided.
            return;
        }
        for one in counting.iter().filter(|one| matches!(one.due, Due::Now(_))) {
            let is_wanted = match self.source.rules.when_several {
                WhenSeveral::Newest => one.tag.name == newest.tag.name,
                WhenSeveral::Each => true,
            };
            if is_wanted && adopted.as_ref().is_none_or(|adopted| one.version >= *adopted) {
                choice.due.push(self.release(one.tag));
            } else {
                choice.superseded.push(one.tag.clone());
            }
        }
    }

    /// A prerelease is recorded as skipped once, where it is newer than everything that was dealt
    /// with; the old ones are nobody's business.
    fn skip_prereleases(&self, tags: &[RemoteTag], choice: &mut Choice) {
        let chosen = choice.due.iter().map(|release| &release.tag);
        let decided = chosen.chain(choice.skipped.iter().map(|(tag, _)| &tag.name));
        let decided = decided.filter_map(|tag| self.version_that_fits(tag)).max();
        let Some(floor) = self.floor().max(decided) else { return };
        for tag in tags {
            let is_known = self.ledger.latest(&self.source.repo.name, &tag.name).is_some();
            if let Fit::Prerelease(version) = self.fit(&tag.name)
                && version > floor
                && !is_known
            {
                choice.skipped.push((tag.clone(), RULE_PRERELEASES.to_owned()));
            }
        }
    }

    fn release(&self, tag: &RemoteTag) -> Release {
        Release {
            repo: self.source.repo.name.clone(),
            tag: tag.name.clone(),
            object: tag.object,
            commit: tag.commit,
            source_id: Some(self.source.id.clone()),
            entry: self.entries.get(&tag.name).map(|entry| (*entry).clone()),
        }
    }

    fn warnings(&self, tags: &[RemoteTag]) -> Vec<String> {
        let (id, repo, pattern) = (&self.source.id, &self.source.repo.name, &self.source.rules.tag_pattern);
        if tags.is_empty() {
            return vec![format!("source `{id}`: {repo} has no tags")];
        }
        let fits: Vec<Fit> = tags.iter().map(|tag| self.fit(&tag.name)).collect();
        if fits.iter().any(|fit| matches!(fit, Fit::Fits(_))) {
            return Vec::new();
        }
        if fits.iter().any(|fit| matches!(fit, Fit::Prerelease(_))) {
            return vec![format!(
                "source `{id}`: every matching tag of {repo} is a prerelease; `\"prereleases\": true` counts them"
            )];
        }
        let newest: Vec<&str> = newest_first(tags).iter().take(3).map(|tag| tag.name.as_str()).collect();
        let which = if pattern.is_default() { "no tagPattern is set, and the default" } else { "tagPattern" };
        vec![format!(
            "source `{id}`: {which} {} matches none of the {} tags of {repo} (such as {}): give the source one that does",
            pattern.as_str(),
            tags.len(),
            newest.join(", ")
        )]
    }

    /// Where a fitting tag stands, in words.
    fn stands(&self, one: &Fitting<'_>, choice: &Choice) -> String {
        let tag = &one.tag.name;
        let is_due = choice.due.iter().any(|release| release.tag == *tag);
        let rule = choice.skipped.iter().find(|(skipped, _)| skipped.name == *tag);
        let is_superseded = choice.superseded.iter().any(|other| other.name == *tag);
        match (&one.due, one.young_until) {
            (due, _) if is_due => match self.source.rules.minimum_age {
                Some(_) if !one.has_date => {
                    format!("chosen: {due}; its date is not known, so it counts as old enough")
                }
                _ => format!("chosen: {due}"),
            },
            _ if rule.is_some() => format!("skipped by {RULE_FIRST_RUN}"),
            _ if is_superseded => "superseded by a newer one".to_owned(),
            (Due::Now(_), Some(until)) if !one.has_line => {
                format!("waits: it is younger than minimumAge until {}", stamp(until))
            }
            (Due::Now(_), _) if one.has_line => {
                "waits: the newest tag has moved, and a person looks first".to_owned()
            }
            (Due::Now(_), _) => "not looked at: older than what was dealt with or chosen".to_owned(),
            (due, _) => due.to_string(),
        }
    }

    fn explain(
        &self,
        tags: &[RemoteTag],
        fitting: &[Fitting<'_>],
        choice: &Choice,
    ) -> Vec<(TagName, String)> {
        let fitting: BTreeMap<&TagName, &Fitting<'_>> =
            fitting.iter().map(|one| (&one.tag.name, one)).collect();
        let is_named = |tag: &TagName| {
            choice.due.iter().any(|release| release.tag == *tag)
                || choice.superseded.iter().any(|other| other.name == *tag)
                || choice.moved.iter().any(|moved| moved.tag.name == *tag)
                || choice.newest.as_ref().is_some_and(|newest| newest.tag.name == *tag)
        };
        let listed = newest_first(tags).into_iter().enumerate();
        let listed = listed.filter(|(place, tag)| *place < EXPLAINED || is_named(&tag.name));
        let mut explained: Vec<(TagName, String)> = listed
            .map(|(_, tag)| {
                let why = match fitting.get(&tag.name) {
                    Some(one) => self.stands(one, choice),
                    None => self.why_not(tag),
                };
                (tag.name.clone(), why)
            })
            .collect();
        let upstream: BTreeSet<&TagName> = tags.iter().map(|tag| &tag.name).collect();
        let only_in_feed = self.entries.keys().filter(|tag| !upstream.contains(*tag));
        let ignored = "ignored: it is in the feed, and upstream has no such tag";
        explained.extend(only_in_feed.take(EXPLAINED).map(|tag| ((*tag).clone(), ignored.to_owned())));
        explained
    }

    fn why_not(&self, tag: &RemoteTag) -> String {
        let pattern = self.source.rules.tag_pattern.as_str();
        let why = match self.fit(&tag.name) {
            Fit::NoMatch if self.source.rules.tag_pattern.is_default() => {
                "not a release: it is not a version and nothing else, and there is no tagPattern".to_owned()
            }
            Fit::NoMatch => format!("not a release: tagPattern {pattern} does not match"),
            Fit::NoVersion => format!("not a release: what tagPattern {pattern} calls its version is none"),
            Fit::Prerelease(_) => format!("a prerelease ({RULE_PRERELEASES})"),
            Fit::Fits(_) => String::new(),
        };
        match self.ledger.due(&self.source.repo.name, tag, self.tip, self.flows) {
            due @ Due::Moved { .. } => format!("{due}; {why}"),
            _ => why,
        }
    }
}

/// The tags in the order of what their names seem to say.
fn newest_first(tags: &[RemoteTag]) -> Vec<&RemoteTag> {
    let mut guessed: Vec<(Option<Version>, &RemoteTag)> =
        tags.iter().map(|tag| (Version::guess(tag.name.as_str()), tag)).collect();
    guessed.sort_by(|one, other| (&other.0, &other.1.name).cmp(&(&one.0, &one.1.name)));
    guessed.into_iter().map(|(_, tag)| tag).collect()
}
