use super::*;
use crate::candidate::sample;
use crate::report::tests::{hostile, nothing_new, run};
use crate::stack::LeftOut;

/// `text` with a letter for the one that takes no room.
fn visible(text: impl AsRef<str>) -> String {
    text.as_ref().replace('\u{200b}', "¦")
}

#[test]
fn a_conflict_is_read_top_down() {
    insta::assert_snapshot!(visible(document_markdown(&sample::document())), @"
    ## sample/upstream v1.1.0

    **1 of 12 patches needs you before sample/fork can move to v1.1.0; 2 more wait for it.**

    | | Patch | Verdict | Where and why |
    |---:|---|---|---|
    | 0007 | Rename the flag `070707070` | conflict | `src/args.rs`<br>since upstream c9c9c9c9c “Rework arguments” (#¦21) |
    | 0008 | Document the flag `080808080` | blocked | waits for 0007 |
    | 0010 | Complete the flag in shells `0a0a0a0a0` | blocked | waits for 0007 |

    ### What to do

    1. In a clone of the fork, settle “Rename the flag” where git stops at it. ARTIFACT is the folder that holds candidate.json.

       ```sh
       patch-moi resume ARTIFACT
       ```

    2. Or, with plain git: bring the release and what was carried, and stop at “Rename the flag”.

       ```sh
       git fetch --no-tags https://git.example.org/sample/upstream refs/tags/v1.1.0:refs/patch-moi/upstream/sample/upstream/tags/v1.1.0
       git fetch --no-tags ARTIFACT/candidate.bundle +refs/patch-moi/candidate/v1.1.0:refs/patch-moi/incomplete/v1.1.0 +refs/patch-moi/partial/v1.1.0:refs/patch-moi/partial/v1.1.0
       git worktree add --detach ../patch-moi-v1.1.0 4646464646464646464646464646464646464646
       git -C ../patch-moi-v1.1.0 cherry-pick 0707070707070707070707070707070707070707
       ```

    <details><summary>8 carried, 1 as a person settled it · 1 upstreamed · 1 check</summary>

    - ⋯ check `build` not run

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
    ");
}

#[test]
fn a_complete_candidate_says_how_to_land_it() {
    insta::assert_snapshot!(visible(document_markdown(&sample::about(sample::complete()))), @"
    ## sample/upstream v1.1.0

    **The stack stands on v1.1.0: 10 patches carried, 1 already upstream, 1 empty by now.**

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

    <details><summary>10 carried, 1 as a person settled it · 1 upstreamed · 1 empty · 1 check</summary>

    - ✓ check `build` passed after 12.3 s

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
    ");
}

#[test]
fn with_nothing_new_the_summary_is_one_sentence() {
    insta::assert_snapshot!(run_markdown(&nothing_new()), @r"
    sample/upstream: the newest release, v1.1.0, was carried already; nothing to do.
    ");
}

#[test]
fn hostile_words_stay_words() {
    let text = run_markdown(&hostile());
    let prose: String = text.lines().filter(|line| !line.starts_with("   git ")).collect();
    assert!(!prose.contains("<script") && !prose.contains("@maintainer"), "{prose}");
    assert!(!text.contains("##["), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    assert!(text.lines().filter(|line| line.starts_with('|')).all(|line| cells(line) == 5), "{text}");
    insta::assert_snapshot!(visible(text), @r"
    ## sample/upstream v1.1.0

    **Failed:** \\u{1b}\[31m\\u{202e}&lt;script&gt;alert(1)&lt;/script&gt; \| \`x\` @¦maintainer #¦1 #¦#¦\\\[error\]no\\r\\n::set-output name=a::b

    What to do: \\u{1b}\[31m\\u{202e}&lt;script&gt;alert(1)&lt;/script&gt; \| \`x\` @¦maintainer #¦1 #¦#¦\\\[error\]no\\r\\n::set-output name=a::b

    **1 of 2 patches needs you before \\u{1b}\[31m\\u{202e}&lt;script&gt;alert(1)&lt;/script&gt; \| \`x\` @¦maintainer #¦1 #¦#¦\\\[error\]no\\r\\n::set-output name=a::b can move to v1.1.0; 1 more waits for it.**

    | | Patch | Verdict | Where and why |
    |---:|---|---|---|
    | 0001 | \\u{1b}\[31m\\u{202e}&lt;script&gt;alert(1)&lt;/script&gt; \| \`x\` @¦maintainer #¦1 #¦#¦\\\[error\]no\\r\\n::set-output name=a::b `010101010` | conflict | <code>\\u{1b}\[31m\\u{202e}&lt;script&gt;alert(1)&lt;/script&gt; \| \`x\` @¦maintainer #¦1 #¦#¦\\\[error\]no\\r\\n::set-output name=a::b</code><br><code>a\|b\`c.txt</code><br>since upstream c9c9c9c9c “\\u{1b}\[31m\\u{202e}&lt;script&gt;alert(1)&lt;/script&gt; \| \`x\` @¦maintainer #¦1 #¦#¦\\\[error\]no\\r\\n::set-output name=a::b” (#¦21)<br>\\u{1b}\[31m\\u{202e}&lt;script&gt;alert(1)&lt;/script&gt; \| \`x\` @¦maintainer #¦1 #¦#¦\\\[error\]no\\r\\n::set-output name=a::b |
    | 0002 | \\u{1b}\[31m\\u{202e}&lt;script&gt;alert(1)&lt;/script&gt; \| \`x\` @¦maintainer #¦1 #¦#¦\\\[error\]no\\r\\n::set-output name=a::b `020202020` | blocked | waits for 0001 |

    ### What to do

    1. In a clone of the fork, settle “\\u{1b}\[31m\\u{202e}&lt;script&gt;alert(1)&lt;/script&gt; \| \`x\` @¦maintainer #¦1 #¦#¦\\\[error\]no\\r\\n::set-output name=a::b” where git stops at it. ARTIFACT is the folder that holds candidate.json.

       ```sh
       patch-moi resume ARTIFACT
       ```

    2. Or, with plain git: bring the release and what was carried, and stop at “\\u{1b}\[31m\\u{202e}&lt;script&gt;alert(1)&lt;/script&gt; \| \`x\` @¦maintainer #¦1 #¦#¦\\\[error\]no\\r\\n::set-output name=a::b”.

       ```sh
       git fetch --no-tags '\u{1b}[31m\u{202e}<script>alert(1)</script> | `x` @maintainer #1 ##\[error]no\r\n::set-output name=a::b' refs/tags/v1.1.0:refs/patch-moi/upstream/sample/upstream/tags/v1.1.0
       git worktree add --detach ../patch-moi-v1.1.0 c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2
       git -C ../patch-moi-v1.1.0 cherry-pick 0101010101010101010101010101010101010101
       ```

    <details><summary>1 check</summary>

    - ⋯ check <code>\\u{1b}\[31m\\u{202e}&lt;script&gt;alert(1)&lt;/script&gt; \| \`x\` @¦maintainer #¦1 #¦#¦\\\[error\]no\\r\\n::set-output name=a::b</code> not run

    - The stack stood on upstream commits that v1.1.0 does not hold:
      - `c7c7c7c7c` \\u{1b}\[31m\\u{202e}&lt;script&gt;alert(1)&lt;/script&gt; \| \`x\` @¦maintainer #¦1 #¦#¦\\\[error\]no\\r\\n::set-output name=a::b

    </details>

    <details><summary>1 flow steps were not selected</summary>

    - `bindings/generate`: \\u{1b}\[31m\\u{202e}&lt;script&gt;alert(1)&lt;/script&gt; \| \`x\` @¦maintainer #¦1 #¦#¦\\\[error\]no\\r\\n::set-output name=a::b

    </details>

    - sample-releases: \\u{1b}\[31m\\u{202e}&lt;script&gt;alert(1)&lt;/script&gt; \| \`x\` @¦maintainer #¦1 #¦#¦\\\[error\]no\\r\\n::set-output name=a::b
    - \\u{1b}\[31m\\u{202e}&lt;script&gt;alert(1)&lt;/script&gt; \| \`x\` @¦maintainer #¦1 #¦#¦\\\[error\]no\\r\\n::set-output name=a::b
    ");
}

#[test]
fn several_releases_begin_with_the_one_that_waits_for_somebody() {
    let mut both = run(sample::about(sample::complete()));
    let waiting = run(sample::document()).events.remove(0);
    both.events.push(EventReport { tag: "v1.2.0".parse().unwrap(), ..waiting });
    let text = run_markdown(&both);
    assert!(
        text.starts_with("2 releases were carried through: sample/upstream v1.1.0, sample/upstream v1.2.0. sample/upstream v1.2.0 needs you.\n"),
        "{text}"
    );
    assert!(
        text.find("## sample/upstream v1.2.0").unwrap() < text.find("## sample/upstream v1.1.0").unwrap()
    );
}

#[test]
fn a_tag_that_moved_is_said_once_with_the_way_out() {
    let mut moved = nothing_new();
    moved.sources[0].error = Some(Problem {
        message: "tag v1.1.0 moved: it was a, and is b now".to_owned(),
        hint: Some("ask upstream".to_owned()),
    });
    assert_eq!(
        run_markdown(&moved),
        "**sample/upstream: tag v1.1.0 moved: it was a, and is b now**\n\nWhat to do: ask upstream\n\n"
    );
}

#[test]
fn a_check_that_failed_stands_above_the_fold() {
    let mut document = sample::about(sample::complete());
    document.status = crate::candidate::Outcome::Failed;
    document.checks[0].outcome = CheckResult::Failed;
    let text = document_markdown(&document);
    assert!(text.find("✗ check `build`").unwrap() < text.find("<details>").unwrap(), "{text}");
}

#[test]
fn nothing_becomes_a_link_that_its_writer_chose() {
    for (text, escaped) in [
        ("https://evil.example", "https:&#47;/evil.example"),
        ("www.evil.example", "www&#46;evil.example"),
        ("[x](y) ![z]", "\\[x\\](y) !\\[z\\]"),
        ("o/r#1 GH-1 @team", "o/r#\u{200b}1 GH&#45;1 @\u{200b}team"),
        ("&lt;b&gt;", "&amp;lt;b&amp;gt;"),
    ] {
        assert_eq!(escape(text), escaped);
    }
}

#[test]
fn a_command_cannot_end_its_block() {
    assert_eq!(fence("echo ````"), "`````");
    assert_eq!(fence("echo"), "```");
}

#[test]
fn the_largest_stack_stays_below_what_github_takes() {
    let long = "<".repeat(300);
    let patches = (0..3_000u32)
        .map(|n| Patch {
            commit: format!("{:040x}", n + 1).parse().unwrap(),
            ..sample::conflict(1, &long, &[long.as_str(); 25])
        })
        .collect();
    let mut document = sample::about(sample::carry(patches));
    document.carry.left_out = vec![LeftOut { commit: sample::upstream(1), subject: long.clone() }; 500];
    let mut run = run(document);
    run.notes = vec![long; 1000];
    let event = run.events[0].clone();
    run.events.extend([event.clone(), event.clone(), event]);

    let text = run_markdown(&run);

    assert!(text.len() < 1024 * 1024, "{}", text.len());
    assert!(text.contains("more are listed in candidate.json"));
    assert!(text.contains("### What to do"));
}

#[test]
fn only_an_address_of_the_pages_that_are_known_is_a_link() {
    let pages = Some("https://github.com/you/fork/");
    let text = "tick it at https://github.com/you/fork/settings/actions (or *not*), see https://evil.example/you/fork/";
    assert_eq!(
        linked(text, pages),
        "tick it at <https://github.com/you/fork/settings/actions> (or \\*not\\*), see \
         https:&#47;/evil.example/you/fork/"
    );
    assert_eq!(linked(text, None), escape(text));
    assert_eq!(linked("https://github.com/you/fork/a>b", pages), "<https://github.com/you/fork/a>&gt;b");
}
