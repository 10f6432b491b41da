//! Answers to conflicts.

use super::memory::Memory;
use crate::ids::{CommitId, TreeId};
use crate::stack::{Answers, Carry, Committer, Patch, Verdict, carry, take};

use Verdict::{Blocked, Clean, Conflict, Empty, Resolved};

fn carried(memory: &Memory, tip: CommitId, onto: CommitId, answers: &Answers) -> Carry {
    let inventory = take(memory, tip, onto, &[]).unwrap();
    carry(memory, memory, &inventory, &Committer::default(), answers, &mut |_, _| {}).unwrap()
}

/// The patch that is asked about, the tree to which the answer belongs, and whether it may be left out.
fn question(carry: &Carry) -> (&Patch, TreeId, bool) {
    let patch = carry.patches.iter().find(|patch| patch.verdict == Conflict).unwrap();
    let question = patch.question.unwrap();
    (patch, question.on, question.may_be_left_out)
}

fn verdicts(carry: &Carry) -> Vec<Verdict> {
    carry.patches.iter().map(|patch| patch.verdict).collect()
}

/// A stack of `first`, `second` and `free`, of which upstream changed what the first two do.
fn conflicting(memory: &Memory) -> (CommitId, CommitId) {
    let base = memory.commit("base", &[], &[("f", "0"), ("g", "0")]);
    let onto = memory.commit("v2", &[base], &[("f", "up"), ("g", "0")]);
    let first = memory.commit("first", &[base], &[("f", "1"), ("g", "0")]);
    let second = memory.commit("second", &[first], &[("f", "2"), ("g", "0")]);
    let free = memory.commit("free", &[second], &[("f", "2"), ("g", "1")]);
    (free, onto)
}

#[test]
fn an_answer_to_another_question_is_not_used() {
    let memory = Memory::default();
    let (tip, onto) = conflicting(&memory);
    let before = carried(&memory, tip, onto, &Answers::default());
    let (patch, on, _) = question(&before);
    let mut answers = Answers::default();
    let other = memory.files(&[("f", "elsewhere"), ("g", "0")]);
    answers.insert(patch.commit, other, memory.files(&[("f", "1"), ("g", "0")]));
    answers.insert(tip, on, memory.files(&[("f", "1"), ("g", "0")]));

    assert_eq!(carried(&memory, tip, onto, &answers), before);
}

#[test]
fn an_answer_whose_tree_is_gone_is_said_and_not_carried() {
    let memory = Memory::default();
    let (tip, onto) = conflicting(&memory);
    let before = carried(&memory, tip, onto, &Answers::default());
    let (patch, on, _) = question(&before);
    let mut answers = Answers::default();
    let gone = TreeId::new(memory.file("no tree"));
    answers.insert(patch.commit, on, gone);

    let inventory = take(&memory, tip, onto, &[]).unwrap();
    let carried = carry(&memory, &memory, &inventory, &Committer::default(), &answers, &mut |_, _| {});

    assert!(carried.unwrap_err().to_string().contains(&gone.to_string()));
}

#[test]
fn answers_are_carried_one_after_the_other_to_the_end() {
    let memory = Memory::default();
    let (tip, onto) = conflicting(&memory);
    let mut answers = Answers::default();
    let first = carried(&memory, tip, onto, &answers);
    assert_eq!(verdicts(&first), [Conflict, Blocked, Clean]);
    let (patch, on, may) = question(&first);
    assert_eq!((patch.tried_on, may), (Some(onto), true));
    answers.insert(patch.commit, on, memory.files(&[("f", "up and 1"), ("g", "0")]));

    let second = carried(&memory, tip, onto, &answers);
    assert_eq!(verdicts(&second), [Resolved, Conflict, Clean], "what was blocked is a question now");
    assert_eq!(second.patches[0].settled, ["f"]);
    let (patch, on, _) = question(&second);
    assert_eq!(patch.tried_on, second.patches[0].new_commit);
    answers.insert(patch.commit, on, memory.files(&[("f", "up and 2"), ("g", "0")]));

    let done = carried(&memory, tip, onto, &answers);
    assert_eq!(verdicts(&done), [Resolved, Resolved, Clean]);
    assert!(done.candidate.complete);
    assert_eq!(memory.content(done.candidate.commit)["f"], "up and 2");
    assert_eq!(done.settlements.iter().collect::<Answers>(), answers, "they can be handed on");
    assert_eq!(carried(&memory, tip, onto, &done.settlements.iter().collect()), done);
}

#[test]
fn a_patch_of_which_nothing_is_kept_is_empty_and_said() {
    let memory = Memory::default();
    let (tip, onto) = conflicting(&memory);
    let before = carried(&memory, tip, onto, &Answers::default());
    let (patch, on, _) = question(&before);
    let mut answers = Answers::default();
    answers.insert(patch.commit, on, on);

    let after = carried(&memory, tip, onto, &answers);

    assert_eq!(verdicts(&after), [Empty, Conflict, Clean]);
    assert_eq!(after.patches[0].new_commit, None);
    assert!(after.patches[0].notes[0].contains("left out"), "{:?}", after.patches[0].notes);
    assert_eq!(after.settlements.len(), 1);
}

#[test]
fn a_merge_can_be_answered_and_keeps_what_it_merged() {
    let memory = Memory::default();
    let base = memory.commit("base", &[], &[("f", "0"), ("g", "0"), ("h", "0")]);
    let onto = memory.commit("v2", &[base], &[("f", "up"), ("g", "0"), ("h", "0")]);
    let one = memory.commit("one", &[base], &[("f", "0"), ("g", "1"), ("h", "0")]);
    let two = memory.commit("two", &[base], &[("f", "0"), ("g", "0"), ("h", "2")]);
    // The person changed in the merge what upstream changes as well.
    let merge = memory.commit("merge", &[one, two], &[("f", "mine"), ("g", "1"), ("h", "2")]);
    let last = memory.commit("last", &[merge], &[("f", "mine"), ("g", "1"), ("h", "3")]);

    let before = carried(&memory, last, onto, &Answers::default());
    let (patch, on, may) = question(&before);
    assert_eq!((patch.commit, may), (merge, false));
    let mut answers = Answers::default();
    answers.insert(merge, on, memory.files(&[("f", "both"), ("g", "1"), ("h", "2")]));
    let after = carried(&memory, last, onto, &answers);

    assert!(after.candidate.complete, "{:?}", verdicts(&after));
    let new = after.patches.iter().find(|patch| patch.commit == merge).unwrap();
    assert_eq!(new.verdict, Resolved);
    let parents = memory.parsed(new.new_commit.unwrap()).parents;
    assert_eq!(parents.len(), 2);
    assert_eq!(memory.content(after.candidate.commit)["f"], "both");
}

#[test]
fn a_merge_of_upstream_can_be_answered_like_a_patch() {
    let memory = Memory::default();
    let base = memory.commit("base", &[], &[("f", "0")]);
    let v2 = memory.commit("v2", &[base], &[("f", "up")]);
    let onto = memory.commit("v3", &[v2], &[("f", "up again")]);
    let patch = memory.commit("patch", &[base], &[("f", "0"), ("g", "1")]);
    let merge = memory.commit("merge v2", &[patch, v2], &[("f", "mine"), ("g", "1")]);

    let before = carried(&memory, merge, onto, &Answers::default());
    let (asked, on, may) = question(&before);
    assert_eq!((asked.commit, may), (merge, true));
    let mut answers = Answers::default();
    answers.insert(merge, on, memory.files(&[("f", "mine too"), ("g", "1")]));
    let after = carried(&memory, merge, onto, &answers);

    assert!(after.candidate.complete, "{:?}", verdicts(&after));
    assert_eq!(memory.content(after.candidate.commit)["f"], "mine too");
}
