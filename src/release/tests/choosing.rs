use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::fixtures::{entry, object, remote, source};
use super::super::*;
use super::ledger::line;
use crate::ids::{CommitId, Digest};

const NOW: &str = "2026-11-22T06:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn tags(names: &[&str]) -> Vec<RemoteTag> {
    names.iter().zip(1..).map(|(name, n)| remote(name, n)).collect()
}

/// Chooses for a fork whose branch stands at 7 and whose flows are `f`.
fn pick(rules: Value, names: &[&str], lines: Vec<LedgerLine>, entries: &[Entry]) -> Choice {
    let (tip, flows) = (CommitId::new(object(7)), Digest::of(b"f"));
    choose(&source(rules), &tags(names), entries, &Ledger::from_lines(lines), Some(tip), &flows, now())
}

fn due(choice: &Choice) -> Vec<&str> {
    choice.due.iter().map(|release| release.tag.as_str()).collect()
}

fn superseded(choice: &Choice) -> Vec<&str> {
    choice.superseded.iter().map(|tag| tag.name.as_str()).collect()
}

fn explanation(choice: &Choice, tag: &str) -> String {
    let found = choice.explained.iter().find(|(name, _)| name.as_str() == tag);
    found.map(|(_, why)| why.clone()).unwrap_or_else(|| panic!("{tag} is explained: {:?}", choice.explained))
}

#[test]
fn a_pattern_that_matches_nothing_is_a_warning_and_never_a_fallback() {
    let choice = pick(json!({ "tagPattern": "^x(?<version>.*)$" }), &["v1.0.0", "v2.0.0"], vec![], &[]);
    assert_eq!(due(&choice), [""; 0]);
    assert!(
        choice.warnings[0].contains("matches none of the 2 tags of openai/codex (such as v2.0.0, v1.0.0)"),
        "{:?}",
        choice.warnings
    );
    assert!(explanation(&choice, "v2.0.0").contains("does not match"));

    assert!(pick(json!({}), &[], vec![], &[]).warnings[0].contains("has no tags"));
    assert!(pick(json!({}), &["v1.0.0-rc1"], vec![], &[]).warnings[0].contains("is a prerelease"));
}

#[test]
fn the_first_run_looks_at_the_newest_release_only() {
    let choice = pick(json!({}), &["v1.9.0", "v1.10.0", "v1.2.0", "v2.0.0-rc.1", "nightly"], vec![], &[]);
    assert_eq!(due(&choice), ["v1.10.0"]);
    assert_eq!(superseded(&choice), [""; 0], "nothing is recorded about the past");
    assert_eq!(choice.skipped, [(remote("v2.0.0-rc.1", 4), "prereleases: false".to_owned())]);
    assert_eq!(choice.newest.unwrap().tag.name.as_str(), "v1.10.0");
}

#[test]
fn a_first_run_that_waits_for_the_next_release_does_carry_to_that_one() {
    let rules = json!({ "onFirstRun": "none" });
    let first = pick(rules.clone(), &["v1.0.0", "v1.1.0"], vec![], &[]);
    assert_eq!(due(&first), [""; 0]);
    assert_eq!(first.skipped, [(remote("v1.1.0", 2), "onFirstRun: none".to_owned())]);

    let lines = vec![line("v1.1.0", 2, State::Skipped, 7, "f")];
    assert_eq!(due(&pick(rules.clone(), &["v1.0.0", "v1.1.0"], lines.clone(), &[])), [""; 0]);
    assert_eq!(due(&pick(rules, &["v1.0.0", "v1.1.0", "v1.2.0"], lines, &[])), ["v1.2.0"]);
}

#[test]
fn of_several_releases_the_newest_is_carried_to_and_the_others_are_superseded() {
    let lines = vec![line("v1.0.0", 1, State::Adopted, 7, "f")];
    let names = ["v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0", "v0.9.9"];
    let choice = pick(json!({}), &names, lines.clone(), &[]);
    assert_eq!(due(&choice), ["v1.3.0"]);
    assert_eq!(superseded(&choice), ["v1.1.0", "v1.2.0"]);
    assert!(explanation(&choice, "v0.9.9").contains("older than"));
    assert!(explanation(&choice, "v1.3.0").contains("it is new"));

    let each = pick(json!({ "whenSeveral": "each" }), &names, lines, &[]);
    assert_eq!(due(&each), ["v1.1.0", "v1.2.0", "v1.3.0"]);
    assert_eq!(superseded(&each), [""; 0]);
}

#[test]
fn what_is_settled_stays_so_until_its_inputs_change() {
    let names = ["v1.0.0", "v1.1.0"];
    let same = pick(json!({}), &names, vec![line("v1.1.0", 2, State::Conflict, 7, "f")], &[]);
    assert_eq!(due(&same), [""; 0]);
    assert!(same.newest.unwrap().stands.starts_with("conflict"));

    let moved_on = pick(json!({}), &names, vec![line("v1.1.0", 2, State::Conflict, 6, "f")], &[]);
    assert_eq!(due(&moved_on), ["v1.1.0"]);
}

#[test]
fn nothing_goes_back_behind_a_newer_release() {
    let lines = vec![line("v1.0.0", 1, State::Conflict, 6, "f"), line("v1.1.0", 2, State::Adopted, 7, "f")];
    for several in ["newest", "each"] {
        let choice = pick(json!({ "whenSeveral": several }), &["v1.0.0", "v1.1.0"], lines.clone(), &[]);
        assert_eq!(due(&choice), [""; 0], "{several}");
        assert_eq!(superseded(&choice), ["v1.0.0"], "{several}");
    }
}

#[test]
fn a_prerelease_that_was_skipped_does_not_hide_the_release_before_it() {
    let mut skipped = line("v1.2.0-rc.1", 2, State::Skipped, 7, "f");
    skipped.rule = Some("prereleases: false".to_owned());
    let lines = vec![line("v1.0.0", 1, State::Candidate, 7, "f"), skipped];
    let choice = pick(json!({}), &["v1.0.0", "v1.2.0-rc.1", "v1.1.0"], lines, &[]);
    assert_eq!(due(&choice), ["v1.1.0"]);
    assert_eq!(choice.skipped, [], "it is recorded once");
}

#[test]
fn prereleases_count_where_the_source_says_so() {
    let choice =
        pick(json!({ "prereleases": true }), &["v1.0.0", "v1.1.0-rc.9", "v1.1.0-rc.10"], vec![], &[]);
    assert_eq!(due(&choice), ["v1.1.0-rc.10"]);
}

#[test]
fn what_a_person_tried_by_hand_beside_the_rules_is_not_retried_on_a_schedule() {
    let lines =
        vec![line("v1.0.0", 1, State::Candidate, 7, "f"), line("v2.0.0-rc.1", 2, State::Failed, 7, "f")];
    let choice = pick(json!({}), &["v1.0.0", "v2.0.0-rc.1", "v1.1.0"], lines, &[]);
    assert_eq!(due(&choice), ["v1.1.0"]);
}

#[test]
fn a_moved_tag_is_named_and_not_carried_to() {
    let lines =
        vec![line("v1.0.0", 1, State::Candidate, 6, "f"), line("v1.1.0", 99, State::Candidate, 6, "f")];
    let choice = pick(json!({}), &["v1.0.0", "v1.1.0"], lines, &[]);
    assert_eq!(due(&choice), [""; 0]);
    assert_eq!(choice.moved.len(), 1);
    assert_eq!(choice.moved[0].tag.name.as_str(), "v1.1.0");
    assert_eq!(choice.moved[0].was.object, object(99));
    assert!(explanation(&choice, "v1.1.0").starts_with("moved"));

    let newer = vec![line("v1.1.0", 99, State::Candidate, 6, "f")];
    let choice = pick(json!({}), &["v1.0.0", "v1.1.0", "v1.2.0"], newer, &[]);
    assert_eq!(due(&choice), ["v1.2.0"], "an older one that moved does not stop the newest");
    assert_eq!(choice.moved.len(), 1);
}

#[test]
fn a_release_that_is_too_young_waits_and_the_one_before_it_goes_first() {
    let rules = json!({ "minimumAge": "2h" });
    let entries =
        [entry("v1.2.0", Some("2026-11-22T05:00:00Z")), entry("v1.1.0", Some("2026-11-22T03:59:00Z"))];
    let lines = vec![line("v1.0.0", 1, State::Candidate, 7, "f")];
    let choice = pick(rules.clone(), &["v1.0.0", "v1.1.0", "v1.2.0"], lines, &entries);
    assert_eq!(due(&choice), ["v1.1.0"]);
    assert!(explanation(&choice, "v1.2.0").contains("until 2026-11-22T07:00:00.000Z"));

    let first = pick(rules, &["v1.1.0", "v1.2.0"], vec![], &entries);
    assert_eq!(due(&first), ["v1.1.0"]);
}

#[test]
fn a_release_without_a_date_is_old_enough_and_that_is_said() {
    let choice = pick(json!({ "minimumAge": "2h" }), &["v1.0.0"], vec![], &[entry("v1.0.0", None)]);
    assert_eq!(due(&choice), ["v1.0.0"]);
    assert!(explanation(&choice, "v1.0.0").contains("its date is not known"));
}

#[test]
fn a_tag_that_only_the_feed_has_is_ignored_and_that_is_said() {
    let choice = pick(json!({}), &["v1.0.0"], vec![], &[entry("v9.9.9", None), entry("v1.0.0", None)]);
    assert_eq!(due(&choice), ["v1.0.0"]);
    assert!(explanation(&choice, "v9.9.9").starts_with("ignored"));
    assert_eq!(choice.due[0].entry.as_ref().unwrap().title, "Title of v1.0.0");
    assert_eq!(choice.due[0].source_id.as_deref(), Some("codex"));
}

#[test]
fn the_newest_release_is_explained_however_many_other_tags_there_are() {
    let mut names: Vec<String> = (0..40).map(|n| format!("rust-v1.0.{n}-alpha.1")).collect();
    names.push("rust-v0.9.0".to_owned());
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let choice = pick(json!({ "tagPattern": r"^rust-v(?<version>\d+\.\d+\.\d+)$" }), &names, vec![], &[]);
    assert_eq!(due(&choice), ["rust-v0.9.0"]);
    assert_eq!(choice.explained.len(), 21);
    assert_eq!(choice.explained[0].0.as_str(), "rust-v1.0.39-alpha.1");
}

fn arb_lines() -> impl Strategy<Value = Vec<LedgerLine>> {
    let states = prop_oneof![
        Just(State::Seen),
        Just(State::Failed),
        Just(State::Candidate),
        Just(State::Conflict),
        Just(State::Skipped),
        Just(State::Adopted),
        Just(State::Superseded),
        Just(State::Blocked),
        Just(State::Moved),
    ];
    let line = (0usize..6, 0u32..2, states, 6u32..8, 0usize..2).prop_map(|(tag, off, state, tip, flows)| {
        line(NAMES[tag], tag as u32 + 1 + off * 50, state, tip, ["f", "g"][flows])
    });
    prop::collection::vec(line, 0..12)
}

const NAMES: [&str; 6] = ["v1.0.0", "v1.1.0-rc.1", "v1.1.0", "v1.1.1", "v2.0.0-beta", "v2.0.0"];

proptest! {
    /// Whatever was done before: what is chosen is due by the ledger, newer than what is adopted,
    /// never also superseded, skipped or moved; and recording it leaves nothing to choose.
    #[test]
    fn a_choice_agrees_with_the_ledger_and_with_itself(
        lines in arb_lines(),
        how_many in 0usize..7,
        prereleases in any::<bool>(),
        each in any::<bool>(),
        none in any::<bool>(),
    ) {
        let rules = json!({
            "prereleases": prereleases,
            "whenSeveral": if each { "each" } else { "newest" },
            "onFirstRun": if none { "none" } else { "newest" },
        });
        let ledger = Ledger::from_lines(lines.clone());
        let choice = pick(rules.clone(), &NAMES[..how_many], lines.clone(), &[]);
        let repo = "openai/codex".parse().unwrap();

        prop_assert!(each || choice.due.len() <= 1);
        let mut seen = std::collections::BTreeSet::new();
        let mut after = lines;
        for release in &choice.due {
            let tag = RemoteTag { name: release.tag.clone(), object: release.object, commit: release.commit };
            let tip = Some(CommitId::new(object(7)));
            let due = ledger.due(&repo, &tag, tip, &Digest::of(b"f"));
            prop_assert!(matches!(due, Due::Now(_)), "{:?} is {:?}", tag, due);
            prop_assert!(seen.insert(tag.name.clone()));
            let n = NAMES.iter().position(|name| *name == tag.name.as_str()).unwrap() as u32 + 1;
            after.push(line(tag.name.as_str(), n, State::Candidate, 7, "f"));
        }
        for tag in &choice.superseded {
            prop_assert!(seen.insert(tag.name.clone()));
            after.push(line(tag.name.as_str(), 1, State::Superseded, 7, "f"));
        }
        for (tag, _) in &choice.skipped {
            prop_assert!(seen.insert(tag.name.clone()));
            after.push(line(tag.name.as_str(), 1, State::Skipped, 7, "f"));
        }
        for moved in &choice.moved {
            prop_assert!(seen.insert(moved.tag.name.clone()) || choice.superseded.contains(&moved.tag));
        }

        let again = pick(rules, &NAMES[..how_many], after, &[]);
        prop_assert!(again.due.is_empty() && again.superseded.is_empty() && again.skipped.is_empty(), "{:?}", again);
    }
}
