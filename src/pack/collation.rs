//! The order in which codex-flows sorts names: ICU's root collation, as JavaScript's
//! `localeCompare` has it.
//!
//! A content hash depends on it, so it is part of the format. For ASCII it is
//! exact. Names beyond ASCII come after it in code point order, where ICU would weave them in:
//! an item with two such names in one folder may hash differently from codex-flows.

use std::cmp::Ordering;

/// Every printable ASCII character but the capitals, lightest first.
const WEIGHTS: &str = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz";

/// Compares two names. A total order: only equal names are equal.
pub(crate) fn collate(a: &str, b: &str) -> Ordering {
    let weights = |text: &str| text.chars().map(weight).collect::<Vec<_>>();
    weights(a).cmp(&weights(b)).then_with(|| case(a).cmp(case(b))).then_with(|| a.cmp(b))
}

/// Compares two paths as a walk meets them: folder by folder, each sorted by [`collate`].
pub(crate) fn collate_paths(a: &str, b: &str) -> Ordering {
    let mut left = a.split('/');
    let mut right = b.split('/');
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(one), Some(other)) => match collate(one, other) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
        }
    }
}

/// A character's weight without regard to case: control characters, then the table, then the rest.
fn weight(c: char) -> (u8, u32) {
    let folded = c.to_ascii_lowercase();
    match WEIGHTS.find(folded) {
        Some(at) => (1, u32::try_from(at).unwrap_or(u32::MAX)),
        None if c.is_ascii() => (0, u32::from(c)),
        None => (2, u32::from(c)),
    }
}

/// Which characters are capitals: a small letter comes before its capital.
fn case(text: &str) -> impl Iterator<Item = bool> + '_ {
    text.chars().map(|c| c.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_would_sort_these_differently() {
        for (first, second) in [
            ("a.txt", "Z.txt"),
            ("a", "A"),
            ("A", "b"),
            ("ab", "aB"),
            ("aB", "Ab"),
            ("Ab", "AB"),
            ("AB", "abc"),
            ("_x", "-x"),
            ("-x", ".x"),
            ("x.y", "x1"),
            ("x~", "x$"),
            ("x$", "x0"),
            ("file-2", "file.1"),
            ("README.md", "schemas"),
            ("", "a"),
        ] {
            assert_eq!(collate(first, second), Ordering::Less, "{first} before {second}");
        }
    }

    #[test]
    fn a_folder_is_met_among_the_files_beside_it() {
        let mut paths = ["b.txt", "a/z", "a.txt", "a/Z/1", "C"];
        paths.sort_by(|a, b| collate_paths(a, b));
        assert_eq!(paths, ["a/z", "a/Z/1", "a.txt", "b.txt", "C"]);
    }

    fn name() -> impl Strategy<Value = String> {
        prop_oneof!["[ -~]{0,6}", "[aAbB/_.]{0,5}", "\\PC{0,4}"]
    }

    proptest! {
        #[test]
        fn turning_the_question_round_turns_the_answer_round(a in name(), b in name()) {
            prop_assert_eq!(collate(&a, &b), collate(&b, &a).reverse());
            prop_assert_eq!(collate(&a, &b) == Ordering::Equal, a == b);
            prop_assert_eq!(collate_paths(&a, &b), collate_paths(&b, &a).reverse());
        }

        #[test]
        fn what_comes_before_comes_before_all_that_follows(a in name(), b in name(), c in name()) {
            let mut sorted = [a, b, c];
            sorted.sort_by(|a, b| collate(a, b));
            prop_assert_ne!(collate(&sorted[0], &sorted[1]), Ordering::Greater);
            prop_assert_ne!(collate(&sorted[1], &sorted[2]), Ordering::Greater);
            prop_assert_ne!(collate(&sorted[0], &sorted[2]), Ordering::Greater);
        }
    }
}
