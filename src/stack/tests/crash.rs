//! What becomes of patches on which git's own merge breaks down.

use super::memory::{BREAKS, Memory};
use crate::ids::{CommitId, TreeId};
use crate::stack::{Answers, Carry, Committer, Patch, Verdict, carry, take};

fn carried(memory: &Memory, tip: CommitId, onto: CommitId, flatten: bool, answers: &Answers) -> Carry {
    let inventory = take(memory, tip, onto, &[]).unwrap().flattened(flatten);
    carry(memory, memory, &inventory, &Committer::default(), answers, &mut |_, _| {}).unwrap()
}

fn verdicts(carry: &Carry) -> Vec<(&str, Verdict)> {
    carry.patches.iter().map(|patch| (&patch.subject[..], patch.verdict)).collect()
}

fn says_so(patch: &Patch) -> bool {
    patch.notes.iter().any(|note| note.contains("ended with signal 6 (SIGABRT)"))
}

use Verdict::{Blocked, Clean, Conflict, Resolved};

#[test]
fn a_patch_that_breaks_the_merge_is_a_root_conflict_without_paths_and_the_others_go_on() {
    let memory = Memory::default();
    let base = memory.commit("base", &[], &[(BREAKS, "0"), ("f", "0"), ("g", "0")]);
    let harmless =
        memory.commit("harmless (#6)", &[base], &[(BREAKS, "0"), ("f", "0"), ("g", "0"), ("u", "")]);
    let onto = memory.commit("v2 (#8)", &[harmless], &[(BREAKS, "up"), ("f", "0"), ("g", "0"), ("u", "")]);
    let root = memory.commit("root", &[base], &[(BREAKS, "1"), ("f", "1"), ("g", "0")]);
    let child = memory.commit("child", &[root], &[(BREAKS, "1"), ("f", "2"), ("g", "0")]);
    let again = memory.commit("again", &[child], &[(BREAKS, "2"), ("f", "2"), ("g", "0")]);
    let free = memory.commit("free", &[again], &[(BREAKS, "2"), ("f", "2"), ("g", "1")]);

    let carry = carried(&memory, free, onto, false, &Answers::default());

    let expected = [("root", Conflict), ("child", Blocked), ("again", Blocked), ("free", Clean)];
    assert_eq!(verdicts(&carry), expected);
    let patch = &carry.patches[0];
    assert!(patch.conflicts.is_empty() && says_so(patch), "{:?}", patch.notes);
    assert_eq!(patch.culprit.as_ref().unwrap().commit, onto);
    assert!(!says_so(&carry.patches[1]) && says_so(&carry.patches[2]));
}

#[test]
fn a_merge_in_which_git_breaks_down_is_asked_and_never_guessed() {
    let memory = Memory::default();
    let base = memory.commit("base", &[], &[(BREAKS, "0")]);
    let onto = memory.commit("v2", &[base], &[(BREAKS, "0"), ("u", "1")]);
    let one = memory.commit("one", &[base], &[(BREAKS, "1")]);
    let other = memory.commit("other", &[base], &[(BREAKS, "2"), ("n", "1")]);
    let merge = memory.commit("merge", &[one, other], &[(BREAKS, "3"), ("n", "1"), ("done", "here")]);
    let settled = memory.files(&[(BREAKS, "3"), ("n", "1"), ("done", "here"), ("u", "1")]);

    for flatten in [false, true] {
        let carry = carried(&memory, merge, onto, flatten, &Answers::default());
        let open: Vec<&Patch> = carry.patches.iter().filter(|patch| patch.verdict.is_open()).collect();
        assert!(open.iter().all(|patch| says_so(patch)), "{:?}", carry.patches);
        let patch = open.last().unwrap();
        assert_eq!((patch.commit, patch.culprit.clone()), (merge, None));
        if flatten {
            continue;
        }
        assert_eq!(verdicts(&carry), [("one", Clean), ("other", Clean), ("merge", Conflict)]);
        let mut answers = Answers::default();
        let on: TreeId = patch.question.unwrap().on;
        answers.insert(merge, on, settled);
        let carry = carried(&memory, merge, onto, flatten, &answers);
        assert_eq!(carry.patches[2].verdict, Resolved);
        assert_eq!(memory.parsed(carry.candidate.commit).tree, settled);
        assert!(carry.candidate.complete);
    }
}
