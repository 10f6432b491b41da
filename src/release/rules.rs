//! Which of upstream's tags a source takes for a release.

use std::sync::LazyLock;

use jiff::{SignedDuration, Span, SpanRelativeTo};
use regex::{Regex, RegexBuilder};

use crate::ids::TagName;

use super::fields::{BadField, Fields, escaped};

/// The rules of one source. The keys are patch-moi's own, beside the old schema, and all optional.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// Which tags are releases, and which part of them is the version.
    pub(crate) tag_pattern: TagPattern,
    /// Whether prereleases count.
    pub(crate) prereleases: bool,
    /// What to do where nothing was done before.
    pub(crate) on_first_run: OnFirstRun,
    /// What to do where several releases came out since the last run.
    pub(crate) when_several: WhenSeveral,
    /// How old a release must be, where its date is known.
    pub(crate) minimum_age: Option<SignedDuration>,
}

/// What the first run for a repository does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnFirstRun {
    /// Carries to the newest release there is.
    Newest,
    /// Waits for the next one.
    None,
}

/// What happens where several releases are due at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WhenSeveral {
    /// Only the newest is carried; the others are superseded.
    Newest,
    /// Each is carried, the oldest first.
    Each,
}

/// A regular expression with a group `version`.
#[derive(Debug, Clone)]
pub(crate) struct TagPattern {
    regex: Regex,
    is_default: bool,
}

/// Two to four numbers, with or without `v` before them, and with or without a tail: `v1.2`, `1.2.3`,
/// `1.2.3.4`, `1.2.3-rc.1`, `1.2rc1`, `6.2.Final`. Nothing else may stand before it: `rust-v1.2.3`
/// and `lib/v1.2.3` need a `tagPattern`, because a repository that names its tags so may release more
/// than one thing.
const DEFAULT_PATTERN: &str = r"^v?(?<version>\d+(?:\.\d+){1,3}(?:[-+._~]?[0-9A-Za-z][0-9A-Za-z.+_~-]*)?)$";

#[expect(clippy::unwrap_used, reason = "a constant, and a test compiles it")]
static DEFAULT: LazyLock<Regex> = LazyLock::new(|| Regex::new(DEFAULT_PATTERN).unwrap());

/// What a compiled pattern may occupy in memory, in bytes.
const MAX_COMPILED: usize = 1 << 20;

impl TagPattern {
    /// Reads a pattern. The error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let regex = RegexBuilder::new(text).size_limit(MAX_COMPILED).build().map_err(|error| {
            // The crate draws the place over several lines; the last one says what it is.
            let error = error.to_string();
            let last = error.lines().last().unwrap_or_default();
            format!("`{}` is no regular expression: {}", escaped(text), last.trim_start_matches("error: "))
        })?;
        if regex.capture_names().flatten().any(|name| name == "version") {
            return Ok(Self { regex, is_default: false });
        }
        Err(format!(
            r"`{}` has no group `version`; write, for example, ^v(?<version>\d+\.\d+\.\d+)$",
            escaped(text)
        ))
    }

    /// The version's text in `tag`, where the tag matches.
    pub(crate) fn version_of<'a>(&self, tag: &'a TagName) -> Option<&'a str> {
        Some(self.regex.captures(tag.as_str())?.name("version")?.as_str())
    }

    /// Whether nobody has chosen it.
    pub(crate) fn is_default(&self) -> bool {
        self.is_default
    }

    /// The expression.
    pub(crate) fn as_str(&self) -> &str {
        self.regex.as_str()
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            tag_pattern: TagPattern { regex: DEFAULT.clone(), is_default: true },
            prereleases: false,
            on_first_run: OnFirstRun::Newest,
            when_several: WhenSeveral::Newest,
            minimum_age: None,
        }
    }
}

impl Rules {
    /// The usual rules with a pattern of one's own. The error says what is wrong with it.
    pub(crate) fn with_pattern(pattern: &str) -> Result<Self, String> {
        Ok(Self { tag_pattern: TagPattern::parse(pattern)?, ..Self::default() })
    }

    /// The keys that [`Rules::read`] asks for.
    pub(super) const KEYS: [&str; 5] =
        ["tagPattern", "prereleases", "onFirstRun", "whenSeveral", "minimumAge"];

    /// Reads the rules among a source's fields.
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Self, BadField> {
        let default = Self::default();
        let [pattern, prereleases, first, several, age] = Self::KEYS;
        let tag_pattern = match fields.optional_text(pattern)? {
            Some(text) => TagPattern::parse(text).map_err(|why| fields.bad(pattern, why))?,
            None => default.tag_pattern,
        };
        let minimum_age = match fields.optional_text(age)? {
            Some(text) => Some(parse_age(text).map_err(|why| fields.bad(age, why))?),
            None => None,
        };
        let first_words = [("newest", OnFirstRun::Newest), ("none", OnFirstRun::None)];
        let several_words = [("newest", WhenSeveral::Newest), ("each", WhenSeveral::Each)];
        Ok(Self {
            tag_pattern,
            prereleases: fields.flag(prereleases)?.unwrap_or(default.prereleases),
            on_first_run: fields.word(first, &first_words)?.unwrap_or(default.on_first_run),
            when_several: fields.word(several, &several_words)?.unwrap_or(default.when_several),
            minimum_age,
        })
    }
}

fn parse_age(text: &str) -> Result<SignedDuration, String> {
    let wanted = "write, for example, 2h, 3 days or P1W";
    let span: Span = text.parse().map_err(|_| format!("`{}` is no duration; {wanted}", escaped(text)))?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| {
        format!("`{}` is longer in one month than in another; use days or weeks", escaped(text))
    })?;
    if duration.is_negative() {
        return Err(format!("`{}` is less than nothing; {wanted}", escaped(text)));
    }
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version_of(tag: &str) -> Option<String> {
        let tag: TagName = tag.parse().unwrap();
        Rules::default().tag_pattern.version_of(&tag).map(str::to_owned)
    }

    #[test]
    fn without_a_pattern_a_tag_is_a_version_and_nothing_else() {
        for tag in ["nightly", "v1", "20240131", "rust-v1.2.3", "lib/v1.2.3", "1.2.3/x", "v1.2.3 "] {
            let Ok(tag) = tag.parse::<TagName>() else { continue };
            assert_eq!(version_of(tag.as_str()), None, "{tag}");
        }
        for (tag, version) in [
            ("v1.2", "1.2"),
            ("1.2.3", "1.2.3"),
            ("v1.2.3.4", "1.2.3.4"),
            ("v1.2.3-rc.1", "1.2.3-rc.1"),
            ("1.2rc1", "1.2rc1"),
            ("6.2.Final", "6.2.Final"),
            ("1.0.0+5", "1.0.0+5"),
        ] {
            assert_eq!(version_of(tag).as_deref(), Some(version), "{tag}");
        }
    }

    #[test]
    fn a_pattern_says_what_is_wrong_with_it() {
        for (pattern, says) in [
            (r"^v(\d+)$", "no group `version`"),
            (r"^v(?<Version>\d+)$", "no group `version`"),
            ("(", "unclosed group"),
            (r"(?<version>(?:\d{1000}){1000})", "size limit"),
        ] {
            let error = TagPattern::parse(pattern).unwrap_err();
            assert!(error.contains(says), "{pattern}: {error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn an_age_is_written_as_people_write_it() {
        for (text, hours) in
            [("2h", 2), ("3 days", 72), ("P1W", 168), ("1 week 2 hours", 170), ("PT30M", 0), ("0s", 0)]
        {
            assert_eq!(parse_age(text).unwrap().as_hours(), hours, "{text}");
        }
        for text in ["2", "soon", "-2h", "1 month", "1 year", "2h ago"] {
            assert!(parse_age(text).is_err(), "{text}");
        }
    }
}
