use super::*;
use crate::candidate::sample;
use crate::ids::EventId;
use crate::stack::Verdict;

/// What GitHub takes, however it counts.
const GITHUB: usize = 65_536;

/// `text` with a letter for the one that takes no room.
fn visible(text: &Text) -> String {
    format!("{}\n\n{}", text.title, text.body).replace('\u{200b}', "¦")
}

fn place() -> Where {
    Where {
        run_url: Some("https://github.com/sample/fork/actions/runs/7".parse().unwrap()),
        artifact: Some("patch-moi-v1.1.0-7-1".to_owned()),
        artifact_url: Some("https://github.com/sample/fork/actions/runs/7/artifacts/8".parse().unwrap()),
        branch: Some("patch-moi/candidate/v1.1.0".to_owned()),
        ..Where::default()
    }
}

/// Everything at once, each as hostile as it can be.
fn hostile_place() -> Where {
    let many = || vec![sample::HOSTILE.repeat(9); 40];
    Where {
        run_url: Some("https://example.org/a)>b".parse().unwrap()),
        artifact: Some(sample::HOSTILE.repeat(40)),
        artifact_url: None,
        branch: Some(sample::HOSTILE.to_owned()),
        stale: Some(sample::commit(0x33)),
        sibling_of: Some(sample::HOSTILE.to_owned()),
        workflow_files: many(),
        reasons: many(),
        pages: Some("https://github.com/sample/fork/".to_owned()),
    }
}

fn tag(text: &str) -> TagName {
    text.parse().unwrap()
}

#[test]
fn the_pull_request_says_first_that_the_button_is_the_wrong_way() {
    let text = pull_request(&sample::about(sample::complete()), &place());
    insta::assert_snapshot!(visible(&text), @r"
    sample/upstream: 10 patches on v1.1.0

    > [!CAUTION]
    > **Do not press “Merge”.** This does not go into `main`, it replaces `main`: merged, every patch would be there twice. The line under “What to do” lands it.

    **The stack stands on v1.1.0: 10 patches carried, 1 already upstream, 1 empty by now.**

    Checks, as the run has reported them:

    - ✓ check `build` passed after 12.3 s

    Everything is in [the run](<https://github.com/sample/fork/actions/runs/7>) and the artifact [patch-moi-v1.1.0-7-1](<https://github.com/sample/fork/actions/runs/7/artifacts/8>).

    ### What to do

    1. In a clone of the fork, fetch the carried stack and look at it.

       ```sh
       git fetch origin refs/heads/patch-moi/candidate/v1.1.0
       git log --oneline --graph c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2..4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c
       ```

    2. Land it: this replaces main by the carried stack.

       ```sh
       git push --force-with-lease=refs/heads/main:0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c origin 4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c:refs/heads/main
       ```

    <details><summary>10 carried, 1 as a person settled it · 1 upstreamed · 1 empty</summary>

    | | Patch | Verdict | Where and why |
    |---:|---|---|---|
    | 0001 | Colour output `010101010` | carried |  |
    | 0002 | Read the configuration from XDG folders `020202020` | carried |  |
    | 0003 | Teach the parser about negative numbers `030303030` | carried |  |
    | 0004 | Fix overflow in the parser `040404040` | upstreamed | upstream c3c3c3c3c (#¦17) |
    | 0005 | Add a progress bar `050505050` | carried |  |
    | 0006 | Merge branch 'progress' `060606060` | carried |  |
    | 0007 | Rename the flag `070707070` | carried |  |
    | 0008 | Document the flag `080808080` | carried |  |
    | 0009 | Keep the fork's logo `090909090` | carried |  |
    | 0010 | Complete the flag in shells `0a0a0a0a0` | empty |  |
    | 0011 | Pin the toolchain `0b0b0b0b0` | resolved |  |
    | 0012 | Say the fork's name in --version `0c0c0c0c0` | carried |  |

    </details>

    <!-- patch-moi:patch:upstream.release:sample/upstream:v1.1.0 -->
    ");
}

#[test]
fn a_conflict_says_what_is_open_and_how_it_is_settled() {
    let place = Where { branch: None, ..place() };
    insta::assert_snapshot!(visible(&issue(&sample::document(), &place)), @"
    sample/upstream v1.1.0: 1 of 12 patches needs you

    **1 of 12 patches needs you before sample/fork can move to v1.1.0; 2 more wait for it.**

    Checks, as the run has reported them:

    - ⋯ check `build` not run

    Everything is in [the run](<https://github.com/sample/fork/actions/runs/7>) and the artifact [patch-moi-v1.1.0-7-1](<https://github.com/sample/fork/actions/runs/7/artifacts/8>).

    | | Patch | Verdict | Where and why |
    |---:|---|---|---|
    | 0007 | Rename the flag `070707070` | conflict | `src/args.rs`<br>since upstream c9c9c9c9c “Rework arguments” (#¦21) |
    | 0008 | Document the flag `080808080` | blocked | waits for 0007 |
    | 0010 | Complete the flag in shells `0a0a0a0a0` | blocked | waits for 0007 |

    ### What to do

    1. In a clone of the fork, settle what is open, one patch after the other, in a worktree of its own. Or do the same with plain git, as below; there ARTIFACT is the folder that holds candidate.json.

       ```sh
       patch-moi resume v1.1.0
       ```

    2. Or, with plain git: bring the release and what was carried, and stop at “Rename the flag”.

       ```sh
       git fetch --no-tags https://git.example.org/sample/upstream refs/tags/v1.1.0:refs/patch-moi/upstream/sample/upstream/tags/v1.1.0
       git fetch --no-tags ARTIFACT/candidate.bundle +refs/patch-moi/candidate/v1.1.0:refs/patch-moi/incomplete/v1.1.0 +refs/patch-moi/partial/v1.1.0:refs/patch-moi/partial/v1.1.0
       git worktree add --detach ../patch-moi-v1.1.0 4646464646464646464646464646464646464646
       git -C ../patch-moi-v1.1.0 cherry-pick 0707070707070707070707070707070707070707
       ```

    <details><summary>8 carried, 1 as a person settled it · 1 upstreamed</summary>

    | | Patch | Verdict | Where and why |
    |---:|---|---|---|
    | 0001 | Colour output `010101010` | carried |  |
    | 0002 | Read the configuration from XDG folders `020202020` | carried |  |
    | 0003 | Teach the parser about negative numbers `030303030` | carried |  |
    | 0004 | Fix overflow in the parser `040404040` | upstreamed | upstream c3c3c3c3c (#¦17) |
    | 0005 | Add a progress bar `050505050` | carried |  |
    | 0006 | Merge branch 'progress' `060606060` | carried |  |
    | 0009 | Keep the fork's logo `090909090` | carried |  |
    | 0011 | Pin the toolchain `0b0b0b0b0` | resolved |  |
    | 0012 | Say the fork's name in --version `0c0c0c0c0` | carried |  |

    </details>

    <!-- patch-moi:patch:upstream.release:sample/upstream:v1.1.0 -->
    ");
}

#[test]
fn where_no_pull_request_is_possible_the_issue_says_why_and_how_to_land() {
    let mut document = sample::about(sample::complete());
    document.carry.patches.truncate(2);
    let place = Where {
        branch: None,
        stale: Some(sample::commit(0x33)),
        sibling_of: Some("patch-moi/candidate/v1.1.0".to_owned()),
        workflow_files: vec![".github/workflows/ci.yml".to_owned()],
        reasons: vec!["GitHub Actions is not permitted to open pull requests in this repository.".to_owned()],
        ..place()
    };
    insta::assert_snapshot!(visible(&issue(&document, &place)), @"
    sample/upstream v1.1.0: the stack is carried and waits for you

    **The stack stands on v1.1.0: 10 patches carried, 1 already upstream, 1 empty by now.**

    GitHub Actions is not permitted to open pull requests in this repository.

    The candidate has other workflow files than the fork: `.github/workflows/ci.yml`. The token of a workflow may not push those; a token of your own with the permission “Workflows” may.

    `main` has moved since, from `0c0c0c0c0` to `333333333`. So this cannot be landed, and the stack is carried again by the next run.

    Somebody has pushed to `patch-moi/candidate/v1.1.0`, so it was left as it is, and this stands beside it.

    Checks, as the run has reported them:

    - ✓ check `build` passed after 12.3 s

    Everything is in [the run](<https://github.com/sample/fork/actions/runs/7>) and the artifact [patch-moi-v1.1.0-7-1](<https://github.com/sample/fork/actions/runs/7/artifacts/8>).

    ### What to do

    1. In a clone of the fork, bring the release and what was carried. ARTIFACT is the folder that holds candidate.json.

       ```sh
       git fetch --no-tags https://git.example.org/sample/upstream refs/tags/v1.1.0:refs/patch-moi/upstream/sample/upstream/tags/v1.1.0
       git fetch --no-tags ARTIFACT/candidate.bundle +refs/patch-moi/candidate/v1.1.0:refs/patch-moi/candidate/v1.1.0
       ```

    2. Look at the stack as it would be.

       ```sh
       git log --oneline --graph c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2..4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c
       ```

    3. Land it: this replaces main by the carried stack.

       ```sh
       git push --force-with-lease=refs/heads/main:0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c origin 4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c4c:refs/heads/main
       ```

    <details><summary>10 carried, 1 as a person settled it · 1 upstreamed · 1 empty</summary>

    | | Patch | Verdict | Where and why |
    |---:|---|---|---|
    | 0001 | Colour output `010101010` | carried |  |
    | 0002 | Read the configuration from XDG folders `020202020` | carried |  |

    </details>

    <!-- patch-moi:patch:upstream.release:sample/upstream:v1.1.0 -->
    ");
}

#[test]
fn what_would_be_refused_by_the_lease_is_not_offered() {
    let place = Where { stale: Some(sample::commit(0x33)), ..place() };
    let body = pull_request(&sample::about(sample::complete()), &place).body;
    assert!(body.contains("`main` has moved since, from `0c0c0c0c0` to `333333333`"), "{body}");
    assert!(!body.contains("git push") && !body.contains("lands it"), "{body}");
    assert!(body.contains("**Do not press “Merge”.**"));
}

#[test]
fn a_stack_of_ten_thousand_patches_is_cut_at_a_whole_row() {
    let one = |n: usize| {
        let mut patch = match n % 3 {
            0 => sample::conflict(1, "Ändere die Ausgabe", &["src/args.rs"]),
            _ => sample::patch(2, Verdict::Clean, "Färbe die Ausgabe"),
        };
        patch.commit = format!("{n:040x}").parse().unwrap();
        patch
    };
    let document = sample::about(sample::carry((1..=10_000).map(one).collect()));

    for text in [issue(&document, &place()), pull_request(&document, &place())] {
        assert!(text.body.len() < GITHUB, "{}", text.body.len());
        assert!(text.body.ends_with(&marker(&document.event.id)));
        assert!(text.body.contains(" more are listed in candidate.json.\n"), "{}", text.body);
        let rows = text.body.lines().filter(|line| line.starts_with("| 0"));
        assert!(rows.inspect(|row| assert!(row.ends_with(" |"), "{row}")).count() > 100);
        assert_eq!(text.body.matches("<details>").count(), text.body.matches("</details>").count());
    }
    let body = issue(&document, &place()).body;
    assert!(body.contains("patch-moi resume v1.1.0"), "what to do is said however much is open");
}

#[test]
fn hostile_words_stay_words_and_fit() {
    let mut carry = sample::hostile();
    let long = sample::HOSTILE.repeat(9);
    carry.patches[0].notes = vec![long.clone(); 40];
    carry.patches = (0..50).flat_map(|_| carry.patches.clone()).collect();
    let mut document = sample::about(carry);
    document.fork.repository = long.clone();
    document.fork.branch = sample::HOSTILE.to_owned();
    document.upstream.url = "x".repeat(100_000);
    document.checks = vec![document.checks[0].clone(); 60];
    document.checks.iter_mut().for_each(|check| check.name.clone_from(&long));

    for text in [issue(&document, &hostile_place()), pull_request(&document, &hostile_place())] {
        assert!(text.body.len() < GITHUB, "{}", text.body.len());
        assert!(text.title.chars().count() <= 256 && !text.title.contains('\n'));
        let body = &text.body;
        assert!(!body.contains('\u{1b}') && !body.contains('\u{202e}'));
        // In a block of code nothing is a mention.
        let prose = body.lines().filter(|line| !line.starts_with("   "));
        assert!(
            !prose
                .clone()
                .any(|line| ["@maintainer", " #1", "<script"].iter().any(|word| line.contains(word))),
            "{body}"
        );
        assert!(is_marked(body, &marker(&document.event.id)));
    }
}

#[test]
fn the_marker_is_found_at_either_end_and_nowhere_else() {
    let repo = "sample/upstream".parse().unwrap();
    // A tag that would end the comment, and one that looks like the escape of it.
    for name in ["v1.1.0", "v1--><b>", "v1%3E", "ä/ß"] {
        let event = EventId::of_release(&repo, &tag(name));
        let line = marker(&event);
        assert_eq!(line.matches("-->").count(), 1, "{line}");
        for body in
            [format!("{line}\ntext"), format!("text\r\n\r\n{line}\r\n"), line.clone(), format!("\n {line} ")]
        {
            assert!(is_marked(&body, &line), "{body:?}");
            assert_eq!(event_of(&body).as_ref(), Some(&event), "{body:?}");
        }
        assert!(!is_marked(&format!("before\n{line}\nafter"), &line));
        assert!(!is_marked(&format!("quoting {line}"), &line));
    }
    let other = marker(&EventId::of_release(&repo, &tag("v1.1.1")));
    assert!(!is_marked(&other, &marker(&EventId::of_release(&repo, &tag("v1.1.0")))));
    assert_eq!(event_of("no marker"), None);
}

#[test]
fn what_is_superseded_says_so_once_and_stays_findable() {
    let document = sample::about(sample::complete());
    let text = pull_request(&document, &place());

    let once = superseded(&text.title, &text.body, By::Release(&tag("v1.2.0")));
    let twice = superseded(&once.title, &once.body, By::Release(&tag("v1.3.0-`x`")));

    assert_eq!(once.title, format!("[superseded by v1.2.0] {}", text.title));
    assert!(
        once.body.starts_with("**Superseded by v1.2.0.** What follows is kept as it was.\n\n> [!CAUTION]")
    );
    assert_eq!(superseded(&once.title, &once.body, By::Release(&tag("v1.2.0"))), once);
    assert_eq!(twice.title, format!("[superseded by v1.3.0-`x`] {}", text.title));
    assert!(twice.body.starts_with("**Superseded by v1.3.0-\\`x\\`.**"), "{}", twice.body);
    for body in [&once.body, &twice.body] {
        assert!(is_marked(body, &marker(&document.event.id)));
        assert_eq!(body.matches("Superseded by").count(), 1);
    }
}

#[test]
fn a_body_that_a_person_made_longer_still_fits_once_it_is_superseded() {
    let line = marker(&sample::document().event.id);
    for body in
        [format!("{}\n{line}", "more\n".repeat(13_000)), format!("{line}\n{}", "more\n".repeat(13_000))]
    {
        let text = superseded("title", &body, By::Release(&tag("v1.2.0")));
        assert!(text.body.len() < GITHUB, "{}", text.body.len());
        assert!(is_marked(&text.body, &line));
        assert!(text.body.contains("was too long for this page"));
    }
    let empty = superseded("", "", By::Release(&tag("v1.2.0")));
    assert_eq!(empty.body, "**Superseded by v1.2.0.** What follows is kept as it was.");
}

#[test]
fn what_has_taken_the_place_of_a_text_is_said_once_whatever_it_is() {
    let text = issue(&sample::document(), &place());
    assert!(!is_superseded(&text.body));

    let carried = superseded(&text.title, &text.body, By::PullRequest(5));
    assert_eq!(carried.title, format!("[carried] {}", text.title));
    assert!(
        carried.body.starts_with("**Carried by now: see pull request #5.** What follows is kept as it was.")
    );
    assert!(is_superseded(&carried.body) && is_marked(&carried.body, &marker(&sample::document().event.id)));

    let newer = superseded(&carried.title, &carried.body, By::Release(&tag("v1.2.0")));
    assert_eq!(newer, superseded(&text.title, &text.body, By::Release(&tag("v1.2.0"))));
    let waits = superseded(&newer.title, &newer.body, By::Issue(6));
    assert_eq!(waits.title, format!("[waits] {}", text.title));
    assert_eq!(waits.body.matches("see issue #6").count(), 1);
}
