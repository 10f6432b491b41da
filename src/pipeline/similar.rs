//! Which known name somebody may have meant.

use std::collections::HashSet;

/// So many are worth reading.
const SHOWN: usize = 3;

/// Less alike than this, in parts of a thousand, nobody meant it.
const LEAST: usize = 400;

/// The names that are most like `wanted`, the likest first.
pub(super) fn nearest(wanted: &str, known: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut seen = HashSet::new();
    let fresh = known.into_iter().filter(|name| seen.insert(name.clone()));
    let rated = fresh.map(|name| (likeness(wanted, &name), name));
    let mut rated: Vec<(usize, String)> = rated.filter(|(likeness, _)| *likeness >= LEAST).collect();
    rated.sort_by_key(|(likeness, _)| std::cmp::Reverse(*likeness));
    rated.into_iter().take(SHOWN).map(|(_, name)| name).collect()
}

/// How alike two names are, up to 1000: the pairs of letters that both have. One that holds the other is
/// liker than any other.
fn likeness(one: &str, other: &str) -> usize {
    let (one, other) = (one.trim().to_lowercase(), other.trim().to_lowercase());
    if one.is_empty() || other.is_empty() {
        return 0;
    }
    if one.contains(&other) || other.contains(&one) {
        return 1001;
    }
    let pairs = |text: &str| -> HashSet<(char, char)> { text.chars().zip(text.chars().skip(1)).collect() };
    let (one, other) = (pairs(&one), pairs(&other));
    let all = one.len() + other.len();
    (2000 * one.intersection(&other).count()).checked_div(all).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<String> {
        ["patch:upstream.release:o/n:v2", "patch:upstream.release:o/n:v1", "workspace:x"]
            .map(str::to_owned)
            .into()
    }

    #[test]
    fn what_nobody_can_have_meant_is_not_offered() {
        for wanted in ["", " ", "zzz", "#"] {
            assert_eq!(nearest(wanted, known()), [""; 0], "{wanted:?}");
        }
    }

    #[test]
    fn a_part_of_a_name_or_one_letter_too_many_finds_it() {
        assert_eq!(nearest("o/n:v1", known())[0], "patch:upstream.release:o/n:v1");
        assert_eq!(nearest("patch:upstream.release:o/n:v22", known())[0], "patch:upstream.release:o/n:v2");
        assert_eq!(nearest("workspcae:x", known()), ["workspace:x"]);
    }
}
