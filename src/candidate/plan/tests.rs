use super::*;
use crate::candidate::sample;
use crate::ids::TagName;

/// The plan as one line a step.
fn drawn(carry: &Carry, squashed: Option<CommitId>, existing: &[(&str, CommitId)]) -> String {
    let slug = "v1/x".parse::<TagName>().unwrap().slug();
    let check = |name: &str| PlannedCheck { name: name.to_owned(), command: vec!["make".to_owned()] };
    let existing = existing.iter().map(|(name, commit)| (name.parse().unwrap(), *commit)).collect();
    let input = Input {
        carry,
        slug: &slug,
        squashed,
        members: None,
        checks: &[check("unit"), check("unit")],
        existing: &existing,
    };
    let short = |commit: &Option<CommitId>| commit.map_or("nothing".to_owned(), |commit| commit.short());
    let line = |step: &Step| match step {
        Step::RecordEvent => "event".to_owned(),
        Step::RecordRun => "run".to_owned(),
        Step::RecordLedger { state } => format!("ledger {state}"),
        Step::RunCheck { name, log, .. } => format!("check {name} > {log}"),
        Step::DeleteRef { name, from } => format!("delete {name} at {}", from.short()),
        Step::MoveRef { name, from, to } => format!("move {name} {} -> {}", short(from), to.short()),
        Step::WriteArtifact { path, what: Artifact::Bundle { refs } } => {
            let refs: Vec<String> =
                refs.iter().map(|r| format!(" {}={}", r.name, r.commit.short())).collect();
            format!("write {path}{}", refs.concat())
        }
        Step::WriteArtifact { path, .. } => format!("write {path}"),
    };
    plan(&input).unwrap().steps.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_incomplete_candidate_is_kept_where_nothing_takes_it_for_a_candidate() {
    let old = [("refs/patch-moi/candidate/v1%2Fx", sample::commit(0x77))];
    insta::assert_snapshot!(drawn(&sample::conflicting(), None, &old), @r"
    event
    write candidate.bundle refs/patch-moi/candidate/v1%2Fx=464646464 refs/patch-moi/partial/v1%2Fx=4c4c4c4c4
    write patches/0001-Colour-output.patch
    write patches/0002-Read-the-configuration-from-XDG-folders.patch
    write patches/0003-Teach-the-parser-about-negative-numbers.patch
    write patches/0005-Add-a-progress-bar.patch
    write patches/series
    write range-diff.txt
    write conflicts/0007-Rename-the-flag
    delete refs/patch-moi/candidate/v1%2Fx at 777777777
    move refs/patch-moi/incomplete/v1%2Fx nothing -> 464646464
    move refs/patch-moi/partial/v1%2Fx nothing -> 4c4c4c4c4
    write candidate.json
    write report.html
    write report.md
    run
    ledger conflict
    ");
}

#[test]
fn a_squashed_candidate_keeps_its_patches_at_a_ref_of_their_own() {
    let old = [
        ("refs/patch-moi/incomplete/v1%2Fx", sample::commit(0x77)),
        ("refs/patch-moi/stack/v1%2Fx", sample::carried(12)),
    ];
    insta::assert_snapshot!(drawn(&sample::complete(), Some(sample::commit(0x66)), &old), @"
    event
    write candidate.bundle refs/patch-moi/candidate/v1%2Fx=666666666
    write patches/0001-Colour-output.patch
    write patches/0002-Read-the-configuration-from-XDG-folders.patch
    write patches/0003-Teach-the-parser-about-negative-numbers.patch
    write patches/0005-Add-a-progress-bar.patch
    write patches/0007-Rename-the-flag.patch
    write patches/0008-Document-the-flag.patch
    write patches/0009-Keep-the-fork-s-logo.patch
    write patches/0011-Pin-the-toolchain.patch
    write patches/0012-Say-the-fork-s-name-in-version.patch
    write patches/series
    write range-diff.txt
    check unit > checks/unit.log
    check unit > checks/unit-2.log
    move refs/patch-moi/candidate/v1%2Fx nothing -> 666666666
    delete refs/patch-moi/incomplete/v1%2Fx at 777777777
    move refs/patch-moi/base/v1%2Fx nothing -> c2c2c2c2c
    write candidate.json
    write report.html
    write report.md
    run
    ledger candidate
    ");
}

#[test]
fn the_base_moves_with_the_candidate_unless_the_stack_still_stands_on_the_older_one() {
    let base = |commit| drawn(&sample::complete(), None, &[("refs/patch-moi/base/v1%2Fx", commit)]);
    assert!(base(sample::commit(0x77)).contains("move refs/patch-moi/base/v1%2Fx 777777777 -> c2c2c2c2c"));
    assert!(!base(sample::upstream(1)).contains("refs/patch-moi/base"), "it is among the excluded ones");
    let old = [("refs/patch-moi/base/v1%2Fx", sample::commit(0x77))];
    assert!(!drawn(&sample::conflicting(), None, &old).contains("refs/patch-moi/base"));
}

#[test]
fn a_stack_that_stops_at_its_first_patch_has_no_candidate_to_bundle() {
    let alone = sample::carry(vec![sample::conflict(1, "First", &["a"]), sample::blocked(2, "Second", 1)]);
    let drawn = drawn(&alone, None, &[]);
    assert!(!drawn.contains("bundle") && !drawn.contains("move"), "{drawn}");
}

#[test]
fn a_stack_that_upstream_took_whole_is_a_candidate_without_a_bundle() {
    let taken = sample::carry(vec![sample::patch(1, Verdict::Upstreamed, "First")]);
    let drawn = drawn(&taken, None, &[]);
    assert!(!drawn.contains("bundle"), "{drawn}");
    assert!(drawn.contains("move refs/patch-moi/candidate/v1%2Fx nothing -> c2c2c2c2c"), "{drawn}");
}

#[test]
fn a_side_branch_that_the_candidate_does_not_hold_has_no_patch_file() {
    let carry = sample::conflicting();
    let members = [1, 3, 6].map(sample::carried).into();
    let numbers: Vec<usize> = held(&carry, Some(&members)).into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, [1, 3]);
}

#[test]
fn the_series_names_every_patch_of_the_stack_once() {
    insta::assert_snapshot!(series(&sample::conflicting(), None), @r"
    # 12 patches, carried to c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2
    0001-Colour-output.patch
    0002-Read-the-configuration-from-XDG-folders.patch
    0003-Teach-the-parser-about-negative-numbers.patch
    # 0004 upstreamed: 0404040404040404040404040404040404040404 Fix overflow in the parser
    0005-Add-a-progress-bar.patch
    # 0006 merge: 0606060606060606060606060606060606060606 Merge branch 'progress'
    # 0007 conflict: 0707070707070707070707070707070707070707 Rename the flag
    # 0008 blocked: 0808080808080808080808080808080808080808 Document the flag
    # 0009 only in the partial candidate: 0909090909090909090909090909090909090909 Keep the fork's logo
    # 0010 blocked: 0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a Complete the flag in shells
    # 0011 only in the partial candidate: 0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b Pin the toolchain
    # 0012 only in the partial candidate: 0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c Say the fork's name in --version
    ");
}

#[test]
fn a_plan_survives_its_own_text() {
    let slug = "v1".parse::<TagName>().unwrap().slug();
    let carry = sample::conflicting();
    let input = Input {
        carry: &carry,
        slug: &slug,
        squashed: None,
        members: None,
        checks: &[],
        existing: &BTreeMap::new(),
    };
    let plan = plan(&input).unwrap();
    let text = serde_json::to_string(&plan).unwrap();
    assert!(
        text.contains(r#"{"step":"write-artifact","path":"candidate.json","what":{"kind":"document"}}"#),
        "{text}"
    );
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
}
