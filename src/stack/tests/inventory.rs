//! Which commits are the fork's own.

use super::memory::Memory;
use crate::ids::CommitId;
use crate::stack::{
    Inventory, Objects as _, Recorded, Records, StackError, take, take_landed, take_remembered,
};

fn own(inventory: &Inventory) -> Vec<CommitId> {
    inventory.commits().collect()
}

#[test]
fn histories_that_never_meet_are_refused() {
    let memory = Memory::default();
    let (tip, onto) = (memory.commit("one", &[], &[]), memory.commit("other", &[], &[]));
    assert!(matches!(take(&memory, tip, onto, &[]), Err(StackError::Unrelated { .. })));
}

#[test]
fn a_patch_that_git_would_not_write_is_named() {
    let memory = Memory::default();
    let base = memory.commit("base", &[], &[]);
    let odd = memory
        .write_commit(format!("tree {}\nparent {base}\n\nodd\n", memory.files(&[])).as_bytes())
        .unwrap();
    let onto = memory.commit("v2", &[base], &[]);
    let found = take(&memory, odd, onto, &[]);
    assert!(matches!(found, Err(StackError::Malformed { commit, .. }) if commit == odd));
}

#[test]
fn a_tip_that_is_upstreams_own_has_no_stack() {
    let memory = Memory::default();
    let base = memory.commit("base", &[], &[]);
    let tip = memory.commit("v1", &[base], &[("VERSION", "1")]);
    let onto = memory.commit("v2", &[base], &[("VERSION", "2")]);

    let inventory = take(&memory, tip, onto, &[tip]).unwrap();

    let mut excluded = vec![tip, onto];
    excluded.sort_unstable();
    assert_eq!((inventory.len(), inventory.base, inventory.excluded), (0, tip, excluded));
    assert_eq!(inventory.left_out[0].subject, "v1");
}

#[test]
fn a_topic_branch_stands_between_what_it_left_and_the_merge_that_brought_it() {
    let memory = Memory::default();
    let base = memory.commit("base", &[], &[]);
    let a = memory.commit("a", &[base], &[]);
    let topic = memory.commit("topic", &[base], &[]);
    let deeper = memory.commit("deeper", &[topic], &[]);
    let b = memory.commit("b", &[a], &[]);
    let merge = memory.commit("merge", &[b, deeper], &[]);
    let onto = memory.commit("v2", &[base], &[]);

    let order = own(&take(&memory, merge, onto, &[]).unwrap());

    assert_eq!(order, [a, b, topic, deeper, merge]);
}

#[test]
fn a_branch_that_kept_its_old_self_at_every_new_base_stands_on_the_newest_of_them() {
    let memory = Memory::default();
    let root = memory.commit("v0", &[], &[]);
    let (mut release, mut tip) = (root, memory.commit("patch 0", &[root], &[]));
    for n in 1..=8 {
        release = memory.commit(&format!("v{n}"), &[release], &[]);
        let start = memory.commit(&format!("start {n}"), &[release, tip], &[]);
        tip = memory.commit(&format!("patch {n}"), &[start], &[]);
    }
    let onto = memory.commit("v9", &[release], &[]);

    let inventory = take(&memory, tip, onto, &[]).unwrap();
    assert_eq!((inventory.base, inventory.len()), (release, 17));

    // With the old self first, what the first-parent line stands on is the oldest of all.
    let turned = memory.commit("turned", &[memory.commit("old", &[root], &[]), tip], &[]);
    assert_eq!(take(&memory, turned, onto, &[]).unwrap().base, release);
}

#[test]
fn the_order_depends_on_the_graph_and_not_on_what_was_excluded_in_which_order() {
    let memory = Memory::default();
    let base = memory.commit("base", &[], &[]);
    let release = memory.commit("v1", &[base], &[]);
    let mut line = vec![memory.commit("first", &[release], &[])];
    for n in 0..20 {
        let side = memory.commit(&format!("side {n}"), &[line[n / 2]], &[]);
        line.push(memory.commit(&format!("merge {n}"), &[line[n], side], &[]));
    }
    let onto = memory.commit("v2", &[base], &[]);

    let one = take(&memory, line[20], onto, &[release, base]).unwrap();
    let other = take(&memory, line[20], onto, &[base, release, onto]).unwrap();

    assert_eq!(own(&one), own(&other));
    assert_eq!(own(&one), own(&take(&memory, line[20], onto, &one.excluded).unwrap()), "excluded is enough");
    assert_eq!((one.len(), one.base), (41, release));
}

#[test]
fn the_base_is_the_newest_that_the_stack_stands_on() {
    let memory = Memory::default();
    let old = memory.commit("old", &[], &[]);
    let newer = memory.commit("newer", &[old], &[]);
    let onto = memory.commit("v2", &[newer], &[]);
    let mine = memory.commit("mine", &[old], &[]);
    let merge = memory.commit("bring upstream in", &[mine, newer], &[]);
    assert_eq!(take(&memory, merge, onto, &[]).unwrap().base, newer);

    // Two release branches: the one on the first-parent line.
    let (left, right) = (memory.commit("v1.1", &[newer], &[]), memory.commit("v1.2", &[newer], &[]));
    let (on_left, on_right) = (memory.commit("l", &[left], &[]), memory.commit("r", &[right], &[]));
    for (first, second, base) in [(on_left, on_right, left), (on_right, on_left, right)] {
        let merge = memory.commit("both", &[first, second], &[]);
        let found = take(&memory, merge, onto, &[left, right]).unwrap();
        assert_eq!((found.base, found.left_out.len()), (base, 2));
    }

    // Neither is on the first-parent line, which is older: what all share with the release.
    let both = memory.commit("both", &[on_left, on_right], &[]);
    let first = memory.commit("first", &[old], &[]);
    let merge = memory.commit("all", &[first, both], &[]);
    assert_eq!(take(&memory, merge, onto, &[left, right]).unwrap().base, newer);
}

#[test]
fn a_long_stack_is_no_deep_call() {
    let memory = Memory::default();
    let base = memory.commit("base", &[], &[]);
    let onto = memory.commit("v2", &[base], &[]);
    let tip = (0..20_000).fold(base, |parent, _| memory.commit("patch", &[parent], &[]));
    assert_eq!(take(&memory, tip, onto, &[]).unwrap().len(), 20_000);
}

/// A branch on which a candidate of two patches on a release has landed as one commit, with patches above it
/// and a branch that left below it: the tip, the commit, and what is recorded.
fn landed(memory: &Memory) -> (CommitId, CommitId, Records) {
    let (one, both) = ([("one", "1")], [("one", "1"), ("two", "1")]);
    let base = memory.commit("base", &[], &[]);
    let release = memory.commit("v1", &[base], &[]);
    let first = memory.commit("one", &[base], &one);
    let old = memory.commit("two", &[first], &[("two", "old"), one[0]]);
    let carried = memory.commit("one", &[release], &one);
    let candidate = memory.commit("two", &[carried], &both);
    let squash = memory.commit("squash", &[old], &both);
    let topic = memory.commit("topic", &[first], &[one[0], ("topic", "1")]);
    let above = memory.commit("above", &[squash], &[both[0], both[1], ("above", "1")]);
    let tip = memory.commit("merge", &[above, topic], &[both[0], both[1], ("above", "1"), ("topic", "1")]);
    let candidates = vec![Recorded { commit: candidate, is_stack: false }];
    (tip, squash, Records { bases: vec![release], candidates })
}

#[test]
fn a_candidate_stands_in_for_the_commit_that_it_landed_as_and_that_can_be_made_again() {
    let memory = Memory::default();
    let (tip, squash, records) = landed(&memory);
    let onto = memory.commit("v2", &[records.bases[0]], &[]);

    let inventory = take_remembered(&memory, tip, onto, &[], &records).unwrap();

    let subjects: Vec<String> = own(&inventory).iter().map(|id| memory.parsed(*id).subject()).collect();
    assert_eq!(subjects, ["one", "two", "above", "topic", "merge"]);
    let found = inventory.landed.unwrap();
    assert_eq!((found.commit, found.candidate), (squash, records.candidates[0].commit));
    assert_eq!((inventory.base, inventory.tip), (records.bases[0], tip));
    let again = take_landed(&memory, tip, onto, &inventory.excluded, inventory.landed).unwrap();
    assert_eq!((own(&again), again.base), (own(&inventory), inventory.base));
    assert_eq!(take(&memory, tip, onto, &inventory.excluded).unwrap().len(), 6, "not without what landed");
}

#[test]
fn a_recorded_base_counts_only_where_the_branch_or_its_candidate_holds_it() {
    let memory = Memory::default();
    let (tip, _, records) = landed(&memory);
    let onto = memory.commit("v2", &[memory.parsed(records.bases[0]).parents[0]], &[]);
    let elsewhere = memory.commit("nightly", &[tip], &[]);
    let bases = vec![records.bases[0], elsewhere];

    let inventory = take_remembered(&memory, tip, onto, &[], &Records { bases, ..records }).unwrap();

    assert_eq!((inventory.len(), inventory.left_out.len()), (5, 1), "the release is not in the new one");
    assert!(!inventory.excluded.contains(&elsewhere));
}
