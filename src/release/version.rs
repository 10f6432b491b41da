//! Versions as people write them, in one total order.
//!
//! Semantic versions are ordered as semver.org says, with one difference: digits at the end of a
//! word count as a number, so that `rc9` comes before `rc10`. What is not a semantic version (`1.2`,
//! `4.19.0.1`, `2024-01-31`, `1.2rc1`) goes into the same order by its numbers.

/// What the group `version` of a tag stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    // The order of the fields is the order of versions.
    /// Without zeros at the end, so that 1.0 is 1.0.0.
    numbers: Vec<Number>,
    is_final: bool,
    pre: Vec<Identifier>,
}

/// Digits without zeros before them: more digits are more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Number {
    length: usize,
    digits: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(Number),
    Word(Vec<Chunk>),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Chunk {
    Number(Number),
    Letters(String),
}

/// What some projects put behind the numbers of a final release.
const FINAL_WORDS: [&str; 4] = ["final", "ga", "release", "stable"];

impl Version {
    /// Reads `text`; `None` where it does not begin with a number (after a `v`).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let (numbers, tail) = leading_numbers(text)?;
        // What follows `+` says how it was built, and does not count (semver.org, 10).
        let tail = tail.split('+').next().unwrap_or_default();
        if semver::Version::parse(text).is_ok() {
            let pre = tail.strip_prefix('-').unwrap_or_default();
            return Some(Self::new(numbers, pre.split('.')));
        }
        let parts = || tail.split(['.', '-', '_', '~', ' ']).filter(|part| !part.is_empty());
        if parts().all(is_digits) {
            let numbers = numbers.into_iter().chain(parts().map(Number::new)).collect();
            return Some(Self::new(numbers, std::iter::empty()));
        }
        Some(Self::new(numbers, parts()))
    }

    /// The version that a tag seems to hold, for putting tags that nobody has described in order.
    pub(super) fn guess(tag: &str) -> Option<Self> {
        Self::parse(&tag[tag.find(|c: char| c.is_ascii_digit())?..])
    }

    /// Whether it comes before the release that its numbers name.
    pub(crate) fn is_prerelease(&self) -> bool {
        !self.is_final
    }

    fn new<'a>(mut numbers: Vec<Number>, pre: impl Iterator<Item = &'a str>) -> Self {
        while numbers.last().is_some_and(|number| number.length == 0) {
            numbers.pop();
        }
        let words: Vec<&str> = pre.filter(|part| !part.is_empty()).collect();
        let is_final = match words.as_slice() {
            [] => true,
            [word] => FINAL_WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)),
            _ => false,
        };
        let pre = if is_final { Vec::new() } else { words.into_iter().map(Identifier::new).collect() };
        Self { numbers, is_final, pre }
    }
}

impl Number {
    fn new(digits: &str) -> Self {
        let digits = digits.trim_start_matches('0').to_owned();
        Self { length: digits.len(), digits }
    }
}

impl Identifier {
    fn new(text: &str) -> Self {
        if is_digits(text) {
            return Self::Number(Number::new(text));
        }
        let chunks = text.as_bytes().chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit());
        let mut at = 0;
        let chunk = |bytes: &[u8]| {
            let chunk = &text[at..at + bytes.len()];
            at += bytes.len();
            if is_digits(chunk) {
                Chunk::Number(Number::new(chunk))
            } else {
                Chunk::Letters(chunk.to_owned())
            }
        };
        Self::Word(chunks.map(chunk).collect())
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// The numbers at the start of `text`, separated by dots, and what follows them.
fn leading_numbers(text: &str) -> Option<(Vec<Number>, &str)> {
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let mut rest = text;
    let mut numbers = Vec::new();
    loop {
        let length = digits(rest);
        if length == 0 {
            return None;
        }
        numbers.push(Number::new(&rest[..length]));
        rest = &rest[length..];
        match rest.strip_prefix('.') {
            Some(next) if digits(next) > 0 => rest = next,
            _ => return Some((numbers, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap_or_else(|| panic!("{text} is a version"))
    }

    #[test]
    fn versions_that_people_write_stand_in_the_order_that_people_expect() {
        let ascending = [
            "0.9",
            "0.10.0-alpha.1",
            "0.10.0-alpha.2",
            "0.10.0-alpha.10",
            "0.10.0-beta",
            "0.10.0-rc9",
            "0.10.0-rc10",
            "0.10.0",
            "0.10.0.1",
            "1.2rc1",
            "1.2",
            "1.2.1",
            "1.10",
            "2024-01-31",
            "2024-02-01",
            "2024.10.1",
            "99999999999999999999999.1",
        ];
        for pair in ascending.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{} before {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn one_version_written_in_two_ways_is_one_version() {
        for (one, other) in [
            ("1.0", "1.0.0"),
            ("v1.2.3", "1.2.3"),
            ("1.2.3+a", "1.2.3+b"),
            ("01.02", "1.2"),
            ("5.3.0.Final", "5.3.0"),
        ] {
            assert_eq!(version(one), version(other), "{one} and {other}");
        }
    }

    #[test]
    fn a_prerelease_is_told_by_semver_or_by_a_tail_that_is_no_number() {
        for text in ["1.0.0-rc.1", "1.0.0-1", "1.2rc1", "1.2.3.beta", "1.0.0-0.3.7", "1.0-SNAPSHOT"] {
            assert!(version(text).is_prerelease(), "{text}");
        }
        for text in ["1.0.0", "1.2", "1.0.0+build.5", "1.2-3", "2024-01-31", "6.2.Final", "1.0.0-stable"] {
            assert!(!version(text).is_prerelease(), "{text}");
        }
    }

    #[test]
    fn what_begins_with_no_number_is_no_version() {
        for text in ["", "v", "nightly", "-1", ".1", "vv1"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in any::<String>(), tag in "[0-9a-z.+~_ü-]{0,30}") {
            let _ = (Version::parse(&text), Version::parse(&tag), Version::guess(&text), Version::guess(&tag));
        }

        #[test]
        fn semantic_versions_stand_in_the_order_of_the_semver_crate(
            one in "[0-3]\\.[0-3]\\.[0-3](-(alpha|beta|[0-9]|1[0-9])(\\.(x|[0-9]))?)?",
            other in "[0-3]\\.[0-3]\\.[0-3](-(alpha|beta|[0-9]|1[0-9])(\\.(x|[0-9]))?)?",
        ) {
            let expected = semver::Version::parse(&one).unwrap().cmp_precedence(&semver::Version::parse(&other).unwrap());
            prop_assert_eq!(version(&one).cmp(&version(&other)), expected);
        }
    }
}
