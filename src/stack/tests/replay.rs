//! Verdicts, where they need no git.

use super::memory::Memory;
use crate::ids::CommitId;
use crate::stack::{Answers, Carry, Committer, Side, Verdict, carry, squash, take};

fn carried(memory: &Memory, tip: CommitId, onto: CommitId) -> Carry {
    let inventory = take(memory, tip, onto, &[]).unwrap();
    carry(memory, memory, &inventory, &Committer::default(), &Answers::default(), &mut |_, _| {}).unwrap()
}

fn verdicts(carry: &Carry) -> Vec<(&str, Verdict)> {
    carry.patches.iter().map(|patch| (&patch.subject[..], patch.verdict)).collect()
}

fn subjects(memory: &Memory, mut at: CommitId, down_to: CommitId) -> Vec<String> {
    let mut subjects = Vec::new();
    while at != down_to {
        let commit = memory.parsed(at);
        subjects.push(commit.subject());
        at = commit.parents[0];
    }
    subjects.reverse();
    subjects
}

use Verdict::{Blocked, Clean, Conflict, Empty, Upstreamed};

#[test]
fn a_root_conflict_blocks_its_descendants_and_not_its_cousins() {
    let memory = Memory::default();
    let base = memory.commit("base", &[], &[("f", "0"), ("g", "0")]);
    let onto = memory.commit("v2 (#8)", &[base], &[("f", "up"), ("g", "0")]);
    let root = memory.commit("root", &[base], &[("f", "1"), ("g", "0")]);
    let child = memory.commit("child", &[root], &[("f", "2"), ("g", "0")]);
    let free = memory.commit("free", &[child], &[("f", "2"), ("g", "1")]);
    let cousin = memory.commit("cousin", &[base], &[("f", "3"), ("g", "0")]);
    let merge = memory.commit("merge", &[free, cousin], &[("f", "4"), ("g", "1")]);

    let carry = carried(&memory, merge, onto);

    assert_eq!(
        verdicts(&carry),
        [("root", Conflict), ("child", Blocked), ("free", Clean), ("cousin", Conflict), ("merge", Blocked)]
    );
    assert_eq!(carry.patches[1].blocked_by, Some(root));
    assert_eq!(carry.patches[4].blocked_by, Some(root), "the first of several");
    let culprit = carry.patches[0].culprit.as_ref().unwrap();
    assert_eq!((culprit.commit, culprit.pull_request, culprit.side), (onto, Some(8), Side::Onto));
    assert!(!carry.candidate.complete);
    assert_eq!(carry.candidate.commit, onto, "nothing stands below the root");
    assert_eq!(subjects(&memory, carry.partial.unwrap(), onto), ["free"]);
}

#[test]
fn the_candidate_is_on_the_first_parent_line() {
    let memory = Memory::default();
    let base = memory.commit("base", &[], &[("f", "0")]);
    let onto = memory.commit("v2", &[base], &[("f", "up")]);
    let a = memory.commit("a", &[base], &[("f", "0"), ("a", "1")]);
    let topic = memory.commit("topic", &[base], &[("f", "1")]);
    let merge = memory.commit("merge", &[a, topic], &[("f", "1"), ("a", "1")]);
    let b = memory.commit("b", &[merge], &[("f", "1"), ("a", "1"), ("b", "1")]);

    let carry = carried(&memory, b, onto);

    assert_eq!(subjects(&memory, carry.candidate.commit, onto), ["a"], "{:?}", verdicts(&carry));
    assert_eq!(memory.content(carry.partial.unwrap()).get("b").map(String::as_str), Some("1"));
    assert_eq!(
        carry.counts.conflict + carry.counts.blocked,
        carry.patches.iter().filter(|p| p.verdict.is_open()).count()
    );
}

#[test]
fn nothing_to_change_is_upstreamed_empty_or_kept() {
    let memory = Memory::default();
    let base = memory.commit("base", &[], &[("f", "0")]);
    let took = memory.commit("took (#3)", &[base], &[("f", "1")]);
    let onto = memory.commit("v2", &[took], &[("f", "1"), ("u", "1")]);
    let one = memory.commit("upstream took it", &[base], &[("f", "1")]);
    let mark = memory.commit("a mark", &[one], &[("f", "1")]);
    let topic = memory.commit("topic", &[mark], &[("f", "1"), ("n", "1")]);
    let twin = memory.commit("twin", &[mark], &[("f", "1"), ("n", "1")]);
    let merge = memory.commit("merge", &[topic, twin], &[("f", "1"), ("n", "1")]);

    let carry = carried(&memory, merge, onto);

    assert_eq!(verdicts(&carry)[..2], [("upstream took it", Upstreamed), ("a mark", Empty)]);
    let upstream = carry.patches[0].upstream.as_ref().unwrap();
    assert_eq!((upstream.commit, upstream.pull_request), (took, Some(3)));
    assert!(carry.patches[1].new_commit.is_some(), "kept");
    assert!(carry.candidate.complete);
    assert_eq!(carry.partial, None);
}

#[test]
fn a_patch_that_upstream_took_and_threw_out_is_carried_and_says_so() {
    let memory = Memory::default();
    let base = memory.commit("base", &[], &[("f", "0")]);
    let took = memory.commit("took (#3)", &[base], &[("f", "1")]);
    let onto = memory.commit("revert", &[took], &[("f", "0")]);
    let patch = memory.commit("patch", &[base], &[("f", "1")]);

    let carry = carried(&memory, patch, onto);

    assert_eq!(verdicts(&carry), [("patch", Clean)]);
    let note = carry.patches[0].notes.join("\n");
    assert!(note.contains("“took (#3)”") && note.contains("took it out again"), "{note}");
}

#[test]
fn what_the_release_has_and_an_earlier_answer_took_back_is_not_upstreamed() {
    let memory = Memory::default();
    let base = memory.commit("base", &[], &[("f", "0"), ("g", "0")]);
    let onto = memory.commit("v2 without f", &[base], &[("g", "0")]);
    let keep = memory.commit("keep f", &[base], &[("f", "1"), ("g", "0")]);
    let drop = memory.commit("drop f after all", &[keep], &[("g", "0")]);
    let mut answers = Answers::default();
    answers.insert(keep, memory.parsed(onto).tree, memory.files(&[("f", "1, as settled"), ("g", "0")]));

    let inventory = take(&memory, drop, onto, &[]).unwrap();
    let carry = carry(&memory, &memory, &inventory, &Committer::default(), &answers, &mut |_, _| {}).unwrap();

    // The release has no f; but what this stands on has one again, and dropping the patch would keep it.
    assert_eq!(verdicts(&carry), [("keep f", Verdict::Resolved), ("drop f after all", Conflict)]);
}

#[test]
fn what_was_done_in_a_merge_is_done_in_its_successor() {
    let memory = Memory::default();
    let base = memory.commit("base", &[], &[("f", "0"), ("u", "0")]);
    let onto = memory.commit("v2", &[base], &[("f", "0"), ("u", "1")]);
    let a = memory.commit("a", &[base], &[("f", "a"), ("u", "0")]);
    let b = memory.commit("b", &[base], &[("f", "b"), ("u", "0")]);
    let c = memory.commit("c", &[base], &[("f", "0"), ("u", "0"), ("c", "1")]);
    let merge = memory.commit("octopus", &[a, b, c], &[("f", "a+b"), ("u", "0"), ("c", "1"), ("evil", "1")]);

    let carry = carried(&memory, merge, onto);

    assert!(carry.candidate.complete, "{:?}", verdicts(&carry));
    let content = memory.content(carry.candidate.commit);
    let expected = [("c", "1"), ("evil", "1"), ("f", "a+b"), ("u", "1")];
    assert_eq!(content.iter().map(|(path, text)| (&path[..], &text[..])).collect::<Vec<_>>(), expected);
    assert_eq!(memory.parsed(carry.candidate.commit).parents.len(), 3);
}

#[test]
fn a_history_of_its_own_stays_as_it_is_and_is_no_candidate() {
    let memory = Memory::default();
    let base = memory.commit("base", &[], &[("f", "0")]);
    let onto = memory.commit("v2", &[base], &[("f", "up")]);
    let library = memory.commit("library", &[], &[("lib", "1")]);
    let merge = memory.commit("upstream into library", &[library, base], &[("f", "0"), ("lib", "1")]);
    let patch = memory.commit("patch", &[merge], &[("f", "1"), ("lib", "1")]);

    let whole = carried(&memory, merge, onto);
    let broken = carried(&memory, patch, onto);

    assert_eq!(verdicts(&whole), [("library", Clean), ("upstream into library", Clean)]);
    assert_eq!(memory.parsed(whole.candidate.commit).parents, [library, onto]);
    assert_eq!(verdicts(&broken)[2], ("patch", Conflict));
    assert_eq!(broken.candidate.commit, whole.candidate.commit);
}

#[test]
fn a_stack_whose_base_did_not_move_stays_the_same_commits() {
    let memory = Memory::default();
    let base = memory.commit("base", &[], &[("f", "0")]);
    let a = memory.commit("a", &[base], &[("f", "1")]);
    let b = memory.commit("b", &[base], &[("f", "0"), ("b", "1")]);
    let merge = memory.commit("merge", &[a, b], &[("f", "1"), ("b", "1")]);

    let carry = carried(&memory, merge, base);

    assert_eq!(carry.candidate.commit, merge);
    assert!(carry.patches.iter().all(|patch| patch.new_commit == Some(patch.commit)));
}

#[test]
fn only_a_complete_candidate_is_squashed_and_keeps_the_last_author() {
    let memory = Memory::default();
    let base = memory.commit("base", &[], &[("f", "0")]);
    let onto = memory.commit("v2", &[base], &[("f", "up")]);
    let good = memory.commit("good", &[base], &[("f", "0"), ("g", "1")]);
    let bad = memory.commit("bad", &[good], &[("f", "1"), ("g", "1")]);
    let squashed = |carry: &Carry| squash(&memory, carry, "All of it\n", &Committer::default()).unwrap();

    assert_eq!(squashed(&carried(&memory, bad, onto)), None);
    let carry = carried(&memory, good, onto);
    let commit = memory.parsed(squashed(&carry).unwrap());

    assert_eq!((commit.parents.clone(), commit.tree), (vec![onto], carry.candidate.tree));
    assert_eq!((commit.subject().as_str(), commit.author().as_str()), ("All of it", "A <a@x>"));
}

#[test]
fn every_patch_of_a_long_stack_has_one_verdict() {
    let memory = Memory::default();
    let base = memory.commit("base", &[], &[("f", "0")]);
    let onto = memory.commit("v2", &[base], &[("f", "up")]);
    let mut tip = base;
    for n in 0..300 {
        let (f, g) = ((n / 2).to_string(), (n % 7).to_string());
        tip = memory.commit(&format!("patch {n}"), &[tip], &[("f", &f), ("g", &g)]);
    }

    let carry = carried(&memory, tip, onto);

    assert_eq!((carry.patches.len(), carry.counts.patches), (300, 300));
    assert_eq!(carry.counts.conflict, 1, "one root, and the rest waits for it: {:?}", carry.counts);
}
