use super::*;
use crate::candidate::{self, sample};
use crate::ids::TagName;
use crate::report::tests::{hostile, nothing_new, run};
use crate::stack::{ConflictKind, Side, Verdict};

fn plain(run: &RunReport, look: &Look) -> String {
    anstream::adapter::strip_str(&run_text(run, look)).to_string()
}

#[test]
fn a_conflict_says_who_is_needed_where_and_what_to_type() {
    insta::assert_snapshot!(plain(&run(sample::document()), &Look { width: 120, ..Look::default() }), @"
    sample/upstream  v1.0.0 → v1.1.0        sample/fork  main, 12 patches

      ✓ 0001 carried     Colour output
      ✓ 0002 carried     Read the configuration from XDG folders
      ✓ 0003 carried     Teach the parser about negative numbers
      = 0004 upstreamed  Fix overflow in the parser                            upstream c3c3c3c3c (#17)
      ✓ 0005 carried     Add a progress bar
      ✓ 0006 carried     Merge branch 'progress'
      ✗ 0007 conflict    Rename the flag                          src/args.rs
                         070707070, since upstream c9c9c9c9c “Rework arguments” (#21)
      ⋯ 0008 blocked     Document the flag                                     080808080, by 0007
      ✓ 0009 carried     Keep the fork's logo
      ⋯ 0010 blocked     Complete the flag in shells                           0a0a0a0a0, by 0007
      ✓ 0011 resolved    Pin the toolchain
      ✓ 0012 carried     Say the fork's name in --version

    8 carried, 1 as a person settled it · 1 upstreamed · 1 needs you · 2 wait for it
    ⋯ check build  not run
    report    .codex/workspace/actions/artifacts/v1.1.0/report.html
    next      patch-moi resume v1.1.0
              Or, with plain git:
              git -C /home/ada/fork worktree add --detach /home/ada/fork-v1.1.0 4646464646464646464646464646464646464646 &&
              git -C /home/ada/fork-v1.1.0 cherry-pick 0707070707070707070707070707070707070707
    ");
}

#[test]
fn a_narrow_terminal_puts_the_reason_below_the_patch() {
    insta::assert_snapshot!(plain(&run(sample::document()), &Look { width: 60, ascii: true, verbose: false }), @r#"
    sample/upstream  v1.0.0 -> v1.1.0        sample/fork  main, 12 patches

      + 0001 carried     Colour output
      + 0002 carried     Read the configuration from XDG folders
      + 0003 carried     Teach the parser about negative numbers
      = 0004 upstreamed  Fix overflow in the parser
                         upstream c3c3c3c3c (#17)
      + 0005 carried     Add a progress bar
      + 0006 carried     Merge branch 'progress'
      x 0007 conflict    Rename the flag
                         070707070, since upstream c9c9c9c9c
                         "Rework arguments" (#21)
                         - src/args.rs
      - 0008 blocked     Document the flag
                         080808080, by 0007
      + 0009 carried     Keep the fork's logo
      - 0010 blocked     Complete the flag in shells
                         0a0a0a0a0, by 0007
      + 0011 resolved    Pin the toolchain
      + 0012 carried     Say the fork's name in --version

    8 carried, 1 as a person settled it; 1 upstreamed; 1 needs you; 2 wait for it
    - check build  not run
    report    .codex/workspace/actions/artifacts/v1.1.0/report.html
    next      patch-moi resume v1.1.0
              Or, with plain git:
              git -C /home/ada/fork worktree add --detach /home/ada/fork-v1.1.0 4646464646464646464646464646464646464646 &&
              git -C /home/ada/fork-v1.1.0 cherry-pick 0707070707070707070707070707070707070707
    "#);
}

#[test]
fn a_complete_candidate_ends_with_how_to_look_at_it() {
    let mut document = sample::about(sample::complete());
    document.signatures_dropped = 2;
    insta::assert_snapshot!(plain(&run(document), &Look::default()), @r"
    sample/upstream  v1.0.0 → v1.1.0        sample/fork  main, 12 patches

      ✓ 0001 carried     Colour output
      ✓ 0002 carried     Read the configuration from XDG folders
      ✓ 0003 carried     Teach the parser about negative numbers
      = 0004 upstreamed  Fix overflow in the parser               upstream c3c3c3c3c (#17)
      ✓ 0005 carried     Add a progress bar
      ✓ 0006 carried     Merge branch 'progress'
      ✓ 0007 carried     Rename the flag
      ✓ 0008 carried     Document the flag
      ✓ 0009 carried     Keep the fork's logo
      ~ 0010 empty       Complete the flag in shells
      ✓ 0011 resolved    Pin the toolchain
      ✓ 0012 carried     Say the fork's name in --version

    10 carried, 1 as a person settled it · 1 upstreamed · 1 empty
    ✓ check build  passed after 12.3 s
    note 2 signatures were not carried along
    report    .codex/workspace/actions/artifacts/v1.1.0/report.html
    next      git -C /home/ada/fork log --oneline --graph c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2..4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c
    ");
}

#[test]
fn with_nothing_new_one_sentence_says_where_the_newest_release_stands() {
    insta::assert_snapshot!(plain(&nothing_new(), &Look::default()), @r"
    ✓ sample/upstream: the newest release, v1.1.0, was carried already; nothing to do.
    ");
}

#[test]
fn several_paths_and_their_kinds_are_named_one_by_one() {
    let mut patch = sample::conflict(
        1,
        "Rework the release workflow",
        &["a/long/path/to/rust-release.yml", "Cargo.toml"],
    );
    patch.conflicts[1].kind = ConflictKind::ModifyDelete;
    patch.culprit.as_mut().unwrap().side = Side::Base;
    patch.notes.push("upstream had this and took it out again".to_owned());
    let text = carry_text(&sample::carry(vec![patch]), "v1.1.0", &Look::default());
    insta::assert_snapshot!(anstream::adapter::strip_str(&text), @"
      ✗ 0001 conflict    Rework the release workflow  2 paths
                         010101010, needs upstream c9c9c9c9c “Rework arguments” (#21), which v1.1.0 does
                         not hold
                         - a/long/path/to/rust-release.yml
                         - Cargo.toml (modify-delete)
                         upstream had this and took it out again
    1 needs you
    ");
}

#[test]
fn hostile_words_steer_neither_the_terminal_nor_the_runner() {
    let text = plain(&hostile(), &Look { verbose: true, ..Look::default() });
    let steers = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    assert!(!text.contains(steers), "{text:?}");
    assert!(!text.contains("##["), "{text}");
    assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{text}");
    insta::assert_snapshot!(text, @r"
    ⋯ sample/upstream: the newest release, v1.1.0, is due.
    warning: sample-releases: \u{1b}[31m\u{202e}<script>alert(1)</script> | `x` @maintainer #1 ##\[error]no\r\n::set-output name=a::b

      ✓ sample/carry  selected (patch-stack)
      ~ bindings/generate  not selected: \u{1b}[31m\u{202e}<script>alert(1)</script> | `x` @maintainer #1 ##\[error]no\r\n::set-output name=a::b

    sample/upstream  v1.0.0 → v1.1.0        \u{1b}[31m\u{202e}<script>alert(1)</script> | `x` @maintainer #1 ##\[error]no\r\n::set-output name=a::b  \u{1b}[31m\u{202e}<script>alert(1)</script> | `x` @maintainer #1 ##\[error]no\r\n::set-output name=a::b, 2 patches

      ✗ 0001 conflict    \u{1b}[31m\u{202e}<script>alert(1)</sc…  2 paths
                         010101010, since upstream c9c9c9c9c
                         “\u{1b}[31m\u{202e}<script>alert(1)</script> | `x` @maintainer #1
                         ##\[error]no\r\n::set-output name=a::b” (#21)
                         - \u{1b}[31m\u{202e}<script>alert(1)</script> | `x` @maintainer #1 ##\[error]no\r\n::set-output name=a::b
                         - a|b`c.txt
                         \u{1b}[31m\u{202e}<script>alert(1)</script> | `x` @maintainer #1
                         ##\[error]no\r\n::set-output name=a::b
      ⋯ 0002 blocked     \u{1b}[31m\u{202e}<script>alert(1)</sc…           020202020, by 0001

    1 needs you · 1 waits for it
    ⋯ check \u{1b}[31m\u{202e}<script>alert(1)</script> | `x` @maintainer #1 ##\[error]no\r\n::set-output name=a::b  not run
    note the stack stood on upstream commits that v1.1.0 does not hold: c7c7c7c7c “\u{1b}[31m\u{202e}<script>alert(1)</script> | `x` @maintainer #1 ##\[error]no\r\n::set-output name=a::b”
    report    \u{1b}[31m\u{202e}<script>alert(1)</script> | `x` @maintainer #1 ##\[error]no\r\n::set-output name=a::b/report.html
    next      patch-moi resume v1.1.0
              Or, with plain git:
              git -C '\u{1b}[31m\u{202e}<script>alert(1)</script> | `x` @maintainer #1 ##\[error]no\r\n::set-output name=a::b' worktree add --detach '../script> | `x` @maintainer #1 ##\[error]no\r\n::set-output name=a::b-v1.1.0' c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2 &&
              git -C '\u{1b}[31m\u{202e}<script>alert(1)</script> | `x` @maintainer #1 ##\[error]no\r\n::set-output name=a::b/../script> | `x` @maintainer #1 ##\[error]no\r\n::set-output name=a::b-v1.1.0' cherry-pick 0101010101010101010101010101010101010101
    error: \u{1b}[31m\u{202e}<script>alert(1)</script> | `x` @maintainer #1 ##\[error]no\r\n::set-output name=a::b
      hint: \u{1b}[31m\u{202e}<script>alert(1)</script> | `x` @maintainer #1 ##\[error]no\r\n::set-output name=a::b
    note \u{1b}[31m\u{202e}<script>alert(1)</script> | `x` @maintainer #1 ##\[error]no\r\n::set-output name=a::b
    ");
}

#[test]
fn the_colours_are_all_that_a_terminal_gets_and_a_file_does_not() {
    let text = run_text(&run(sample::document()), &Look::default());
    assert!(text.contains("\u{1b}[1m\u{1b}[31m✗\u{1b}[0m 0007"), "{text:?}");
}

#[test]
fn of_a_long_stack_only_what_needs_somebody_is_listed() {
    let mut patches: Vec<_> = (1..=60).map(|n| sample::patch(n, Verdict::Clean, "Fine")).collect();
    patches.insert(30, sample::conflict(61, "Odd", &["a"]));
    let text = carry_text(&sample::carry(patches), "v2", &Look::default());
    insta::assert_snapshot!(anstream::adapter::strip_str(&text), @"
      ✗ 0031 conflict    Odd  a  3d3d3d3d3, since upstream c9c9c9c9c “Rework arguments” (#21)
      … 60 patches that need nobody
    60 carried · 1 needs you
    ");
}

#[test]
fn wide_letters_keep_the_columns_straight() {
    let carry = sample::carry(vec![
        sample::patch(1, Verdict::Upstreamed, "修正"),
        sample::patch(2, Verdict::Upstreamed, "e\u{301}té"),
        sample::conflict(3, &"長い件名".repeat(20), &["src/主.rs"]),
        sample::blocked(4, "x", 3),
    ]);
    let text = carry_text(&carry, "v2", &Look { width: 90, ..Look::default() });
    insta::assert_snapshot!(anstream::adapter::strip_str(&text), @"
      = 0001 upstreamed  修正
      = 0002 upstreamed  été
      ✗ 0003 conflict    長い件名長い件名長い件名長い件名…   src/主.rs
                         030303030, since upstream c9c9c9c9c “Rework arguments” (#21)
      ⋯ 0004 blocked     x                                              040404040, by 0003
    2 upstreamed · 1 needs you · 1 waits for it
    ");
}

#[test]
fn a_dry_run_prints_the_selection_the_verdicts_and_the_plan() {
    let mut run = run(sample::about(sample::complete()));
    run.dry_run = true;
    let slug = "v1.1.0".parse::<TagName>().unwrap().slug();
    let carry = sample::complete();
    let check = candidate::PlannedCheck {
        name: "build".to_owned(),
        command: vec!["make".to_owned(), "a b".to_owned()],
    };
    let input = candidate::Input {
        carry: &carry,
        slug: &slug,
        squashed: None,
        members: None,
        checks: &[check],
        existing: &std::collections::BTreeMap::new(),
    };
    run.events[0].plan = Some(candidate::plan(&input).unwrap());
    insta::assert_snapshot!(plain(&run, &Look::default()), @"
      ✓ sample/carry  selected (patch-stack)
      ~ bindings/generate  not selected: needs CODEX_FLOWS_MODE=code-mode

    sample/upstream  v1.0.0 → v1.1.0        sample/fork  main, 12 patches

      ✓ 0001 carried     Colour output
      ✓ 0002 carried     Read the configuration from XDG folders
      ✓ 0003 carried     Teach the parser about negative numbers
      = 0004 upstreamed  Fix overflow in the parser               upstream c3c3c3c3c (#17)
      ✓ 0005 carried     Add a progress bar
      ✓ 0006 carried     Merge branch 'progress'
      ✓ 0007 carried     Rename the flag
      ✓ 0008 carried     Document the flag
      ✓ 0009 carried     Keep the fork's logo
      ~ 0010 empty       Complete the flag in shells
      ✓ 0011 resolved    Pin the toolchain
      ✓ 0012 carried     Say the fork's name in --version

    10 carried, 1 as a person settled it · 1 upstreamed · 1 empty
    ✓ check build  passed after 12.3 s

    a real run would
      write     15 parts of the artifact, candidate.json and report.html among them
      check     build: make 'a b'
      set       refs/patch-moi/candidate/v1.1.0 to 4c4c4c4c4
      set       refs/patch-moi/base/v1.1.0 to c2c2c2c2c
      record    the release as candidate
    dry run: everything was computed, nothing was written
    ");
}

#[test]
fn a_step_of_another_kind_and_an_error_have_their_lines() {
    let mut run = run(sample::document());
    run.events[0].steps[0].document = None;
    run.events[0].steps[0].status = "blocked".to_owned();
    run.events[0].steps[0].message = Some("CODEX_FLOWS_MODE=code-mode is not set".to_owned());
    run.events[0].error = Some(Problem {
        message: "the tag v1.1.0 is not at https://git.example.org".to_owned(),
        hint: Some("name a tag that `git ls-remote --tags` lists".to_owned()),
    });
    insta::assert_snapshot!(plain(&run, &Look::default()), @r"
    sample/upstream  v1.1.0
      ⋯ sample/carry  blocked: CODEX_FLOWS_MODE=code-mode is not set
    error: the tag v1.1.0 is not at https://git.example.org
      hint: name a tag that `git ls-remote --tags` lists
    ");
}
