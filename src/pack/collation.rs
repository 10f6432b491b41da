//! The order in which codex-flows sorts names: ICU's root collation, as JavaScript's
//! `localeCompare` has it wherever it runs in English.
//!
//! A content hash depends on it, so it is part of the format.

use std::cmp::Ordering;

use icu_collator::options::CollatorOptions;
use icu_collator::{CollatorBorrowed, CollatorPreferences};

/// Compares names. The tables are part of the program, and nothing is read.
#[derive(Debug)]
pub(super) struct Collation(CollatorBorrowed<'static>);

impl Collation {
    /// The root collation at the tertiary strength, where punctuation counts: what `localeCompare` takes by default.
    pub(super) fn new() -> Self {
        let (preferences, options) = (CollatorPreferences::default(), CollatorOptions::default());
        let root = CollatorBorrowed::try_new(preferences, options);
        Self(root.expect("the root collation is compiled in"))
    }

    /// Compares two names. A total order: only equal names are equal, where to ICU those are too that
    /// differ in what it ignores.
    pub(super) fn compare(&self, a: &str, b: &str) -> Ordering {
        self.0.compare(a, b).then_with(|| a.cmp(b))
    }

    /// Whether both are one name to a file system that tells neither case nor how a letter is composed.
    pub(super) fn are_one(&self, a: &str, b: &str) -> bool {
        self.compare_folded(&folded(a), &folded(b)).is_eq()
    }

    /// Compares what [`folded`] made of two names: equal where they are one.
    pub(super) fn compare_folded(&self, a: &str, b: &str) -> Ordering {
        self.0.compare(a, b)
    }

    /// Compares two paths as a walk meets them: folder by folder, each sorted by [`Collation::compare`].
    pub(super) fn compare_paths(&self, a: &str, b: &str) -> Ordering {
        let mut left = a.split('/');
        let mut right = b.split('/');
        loop {
            match (left.next(), right.next()) {
                (None, None) => return Ordering::Equal,
                (None, Some(_)) => return Ordering::Less,
                (Some(_), None) => return Ordering::Greater,
                (Some(one), Some(other)) => match self.compare(one, other) {
                    Ordering::Equal => {}
                    unequal => return unequal,
                },
            }
        }
    }
}

/// The name without its case. Upper case comes first, for letters that have two lower ones or none.
pub(super) fn folded(name: &str) -> String {
    name.to_uppercase().to_lowercase()
}

/// Whether both are one name to a file system that tells neither case nor how a letter is composed.
pub(crate) fn is_one_name(a: &str, b: &str) -> bool {
    a == b || Collation::new().are_one(a, b)
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
            ("résumé", "resumes"),
            ("resume", "résumé"),
            ("Ångström", "azure"),
            ("æther", "b"),
            ("zebra", "Ωmega"),
            ("ωmega", "Ωmega"),
            ("яблоко", "日本"),
            ("e\u{301}", "f"),
        ] {
            assert_eq!(Collation::new().compare(first, second), Ordering::Less, "{first} before {second}");
        }
    }

    #[test]
    fn names_are_one_whatever_their_case_and_however_they_are_composed() {
        for (one, other) in
            [("a", "A"), ("é", "E\u{301}"), ("straße", "STRASSE"), ("οδός", "ΟΔΌΣ"), ("\u{212b}", "å")]
        {
            assert!(is_one_name(one, other), "{one} {other}");
        }
        for (one, other) in [("a", "b"), ("e", "é"), ("あ", "ア"), ("a-b", "a_b"), ("1", "①"), ("a", "aa")]
        {
            assert!(!is_one_name(one, other), "{one} {other}");
        }
    }

    #[test]
    fn a_folder_is_met_among_the_files_beside_it() {
        let mut paths = ["b.txt", "a/z", "a.txt", "a/Z/1", "C"];
        paths.sort_by(|a, b| Collation::new().compare_paths(a, b));
        assert_eq!(paths, ["a/z", "a/Z/1", "a.txt", "b.txt", "C"]);
    }

    fn name() -> impl Strategy<Value = String> {
        prop_oneof!["[ -~]{0,6}", "[aAbB/_.]{0,5}", "\\PC{0,4}"]
    }

    proptest! {
        #[test]
        fn turning_the_question_round_turns_the_answer_round(a in name(), b in name()) {
            prop_assert_eq!(Collation::new().compare(&a, &b), Collation::new().compare(&b, &a).reverse());
            prop_assert_eq!(Collation::new().compare(&a, &b) == Ordering::Equal, a == b);
            prop_assert_eq!(Collation::new().compare_paths(&a, &b), Collation::new().compare_paths(&b, &a).reverse());
        }

        #[test]
        fn what_comes_before_comes_before_all_that_follows(a in name(), b in name(), c in name()) {
            let mut sorted = [a, b, c];
            let collation = Collation::new();
            sorted.sort_by(|a, b| collation.compare(a, b));
            prop_assert_ne!(Collation::new().compare(&sorted[0], &sorted[1]), Ordering::Greater);
            prop_assert_ne!(Collation::new().compare(&sorted[1], &sorted[2]), Ordering::Greater);
            prop_assert_ne!(Collation::new().compare(&sorted[0], &sorted[2]), Ordering::Greater);
        }
    }
}
