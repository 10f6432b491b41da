//! Which commits are the fork's own.

use super::memory::Memory;
use crate::ids::CommitId;
use crate::stack::{Inventory, Objects as _, StackError, take};

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
