//! What upstream has, what it had, and what earlier patches already do: dropped, kept or carried, and said.

use serde_json::Value;

use crate::stack::{POEM, carry, commit, patch, verdicts};
use crate::support::{Repo, fork_and_upstream};

fn notes(patch: &Value) -> String {
    patch["notes"].as_array().map_or_else(String::new, |notes| {
        notes.iter().map(|note| note.as_str().unwrap()).collect::<Vec<_>>().join("\n")
    })
}

/// The subjects of the candidate's own commits, oldest first.
fn subjects(repo: &Repo, carried: &Value) -> String {
    repo.git(&["log", "--format=%s", "--reverse", &format!("v2..{}", commit(carried))])
}

/// Lines that nobody changes, so that git knows the file wherever it is.
fn verse(name: &str) -> String {
    (1..=12).map(|n| format!("{name} line {n}\n")).collect()
}

/// A song in `song`, and a release that has moved it to `anthem`, with `more`, and has made something else
/// of `song`.
fn moved(more: &str) -> Repo {
    let repo = fork_and_upstream(&[("song", "la\nla\n"), ("prose", "once\n")]);
    repo.delete("Make room", &["song"]);
    repo.commit("Sing elsewhere (#31)", &[("anthem", &format!("la\nla\n{more}"))]);
    repo.tag("v2").switch("fork");
    repo
}

#[test]
fn what_upstream_took_as_it_is_leaves_the_stack_though_more_has_come_since() {
    let repo = fork_and_upstream(&[("poem", POEM), ("prose", "once\n")]);
    let fixed = POEM.replace("two", "too");
    repo.commit("Fix the spelling (#9)", &[("poem", &fixed)]);
    repo.commit("Rework the end (#10)", &[("poem", &fixed.replace("five", "V"))]);
    repo.tag("v2").switch("fork");
    repo.commit("Fix the spelling", &[("poem", &fixed)]);
    repo.commit("Tell on", &[("prose", "once upon\n")]);

    let carried = carry(&repo, 0);

    assert_eq!(verdicts(&carried), [("Fix the spelling", "upstreamed"), ("Tell on", "clean")]);
    let upstream = &patch(&carried, "Fix the spelling")["upstream"];
    assert_eq!(upstream["pull_request"], 9, "{carried:#}");
    assert_eq!(subjects(&repo, &carried), "Tell on");
}

#[test]
fn a_patch_of_which_upstream_has_one_file_in_other_words_is_not_upstreamed() {
    let grown = format!("la\nla\n{}{}", verse("first"), verse("second"));
    let repo = moved(&format!("{}{}", verse("first"), verse("second")));
    // The song is in the release, in another file; the tale is not in it at all.
    repo.commit("Sing and tell more", &[("song", &grown), ("prose", "once upon a time\n")]);

    let carried = carry(&repo, 3);

    let part = patch(&carried, "Sing and tell more");
    assert_eq!(part["verdict"], "conflict", "{carried:#}");
    assert!(notes(part).contains("a part of it is in the release"), "{part:#}");
}

#[test]
fn a_patch_of_which_upstream_has_one_place_of_a_file_in_other_words_is_not_upstreamed() {
    let repo = fork_and_upstream(&[("song", &format!("la\n{}da\n", verse("first")))]);
    let other = |end: &str| format!("la\nla\n{}{}{end}\n", verse("second"), verse("first"));
    repo.delete("Make room", &["song"]);
    repo.commit("Sing elsewhere (#31)", &[("anthem", &other("da"))]);
    repo.tag("v2").switch("fork");
    repo.commit("Sing more, and end well", &[("song", &other("dum"))]);

    let carried = carry(&repo, 3);

    assert_eq!(verdicts(&carried), [("Sing more, and end well", "conflict")], "{carried:#}");
}

#[test]
fn a_patch_that_landed_in_part_carries_the_rest() {
    let repo = fork_and_upstream(&[("poem", POEM), ("prose", "once\n")]);
    repo.commit("Fix the spelling (#9)", &[("poem", &POEM.replace("two", "too"))]);
    repo.tag("v2").switch("fork");
    let both = POEM.replace("two", "too").replace("four", "for");
    repo.commit("Fix all spelling", &[("poem", &both), ("prose", "once upon\n")]);

    let carried = carry(&repo, 0);

    assert_eq!(verdicts(&carried), [("Fix all spelling", "merged")]);
    let candidate = commit(&carried);
    assert_eq!(repo.file(&candidate, "poem"), both.trim_end());
    assert_eq!(
        repo.git(&["diff", "--stat", "--format=", "v2", &candidate]).lines().last().unwrap().trim(),
        "2 files changed, 2 insertions(+), 2 deletions(-)",
        "only what upstream has not"
    );
}

#[test]
fn a_patch_that_upstream_took_and_changed_since_is_a_question_that_names_it() {
    let repo = fork_and_upstream(&[("poem", POEM)]);
    repo.commit("Fix the spelling (#9)", &[("poem", &POEM.replace("two", "too"))]);
    let again = repo.commit("Fix it better (#10)", &[("poem", &POEM.replace("two", "2"))]);
    repo.tag("v2").switch("fork");
    repo.commit("Fix the spelling", &[("poem", &POEM.replace("two", "too"))]);

    let carried = carry(&repo, 3);

    let fix = patch(&carried, "Fix the spelling");
    assert_eq!(
        (fix["verdict"].as_str(), fix["culprit"]["commit"].as_str()),
        (Some("conflict"), Some(&again[..]))
    );
    let notes = notes(fix);
    assert!(notes.contains("“Fix the spelling (#9)” and has changed it since"), "{notes}");
}

#[test]
fn a_patch_that_goes_in_a_second_time_says_so() {
    // The same lines around two places: upstream made the change in the one, the fork in the other.
    let part = "begin\n  sit\n  wait\n  rest\n  sleep\n  dream\nend\n";
    let more = "begin\n  sit\n  wait\n  work\n  rest\n  sleep\n  dream\nend\n";
    let text = |one: &str, other: &str| format!("{}{one}{}{other}{}", verse("a"), verse("b"), verse("c"));
    let repo = fork_and_upstream(&[("plan", &text(part, part))]);
    repo.commit("Work (#12)", &[("plan", &text(part, more))]);
    repo.tag("v2").switch("fork");
    repo.commit("Work", &[("plan", &text(more, part))]);

    let carried = carry(&repo, 0);

    let work = patch(&carried, "Work");
    assert_eq!(work["verdict"], "merged", "{carried:#}");
    assert!(notes(work).contains("“Work (#12)” and still has it: this carries it a second time"), "{work:#}");
    assert_eq!(repo.file(&commit(&carried), "plan"), text(more, more).trim_end());
}

#[test]
fn a_patch_that_upstream_took_back_again_is_carried_in_whole_or_in_part() {
    let fixed = POEM.replace("two", "too").replace("four", "for");
    for (left, said) in
        [(POEM.to_owned(), "took it out again"), (POEM.replace("two", "too"), "took a part of it out again")]
    {
        let repo = fork_and_upstream(&[("poem", POEM)]);
        repo.commit("Fix the spelling (#9)", &[("poem", &fixed)]);
        repo.commit("Think again (#11)", &[("poem", &left)]);
        repo.tag("v2").switch("fork");
        repo.commit("Fix the spelling", &[("poem", &fixed)]);

        let carried = carry(&repo, 0);

        let fix = patch(&carried, "Fix the spelling");
        assert!(notes(fix).contains(&format!("“Fix the spelling (#9)” and {said}")), "{said}: {fix:#}");
        assert_eq!(repo.file(&commit(&carried), "poem"), fixed.trim_end());
    }
}

#[test]
fn a_patch_and_its_revert_stay_a_patch_and_its_revert() {
    let fixed = POEM.replace("two", "too");
    let stack = |upstream: &[&str]| {
        let repo = fork_and_upstream(&[("poem", POEM)]);
        for (n, poem) in upstream.iter().enumerate() {
            repo.commit(&format!("Step {n} (#{n})"), &[("poem", poem)]);
        }
        repo.commit("Go on (#10)", &[("prose", "once\n")]);
        repo.tag("v2").switch("fork");
        repo.commit("Fix the spelling", &[("poem", &fixed)]);
        repo.commit("Revert \"Fix the spelling\"", &[("poem", POEM)]);
        repo
    };
    let names = ["Fix the spelling", "Revert \"Fix the spelling\""];

    let neither = stack(&[]);
    let carried = carry(&neither, 0);
    assert_eq!(verdicts(&carried), [(names[0], "clean"), (names[1], "clean")]);
    assert_eq!(subjects(&neither, &carried), names.join("\n"));

    // Upstream took the first: what the fork thinks of it still counts.
    let first = stack(&[&fixed]);
    let carried = carry(&first, 0);
    assert_eq!(verdicts(&carried), [(names[0], "upstreamed"), (names[1], "clean")]);
    assert_eq!(first.file(&commit(&carried), "poem"), POEM.trim_end());

    // Upstream has done both: nothing goes in twice, and nothing false is said.
    let both = stack(&[&fixed, POEM]);
    let carried = carry(&both, 0);
    assert_eq!(verdicts(&carried), [(names[0], "clean"), (names[1], "clean")]);
    assert!(notes(patch(&carried, names[0])).contains("took it out again"), "{carried:#}");
    assert_eq!(notes(patch(&carried, names[1])), "", "it undoes the patch before it");
}

#[test]
fn what_earlier_patches_already_do_is_dropped_and_what_did_nothing_before_is_kept() {
    let repo = fork_and_upstream(&[("poem", POEM), ("prose", "once\n")]);
    repo.commit("Go on (#10)", &[("prose", "once upon\n")]);
    repo.tag("v2").switch("fork");
    let fixed = POEM.replace("two", "too");
    repo.commit("Fix the spelling", &[("poem", &fixed)]);
    repo.branch("topic");
    repo.git(&["reset", "--quiet", "--hard", "v1"]);
    repo.commit("Fix it on a topic", &[("poem", &fixed)]);
    repo.commit("Add a song", &[("song", "la\n")]);
    repo.git(&["rebase", "--quiet", "--reapply-cherry-picks", "--empty=keep", "fork"]);
    // The same change twice in a line: the second is nothing since the first.
    repo.switch("fork").git(&["merge", "--quiet", "--ff-only", "topic"]);
    repo.commit_all("Mark the end of our patches");

    let carried = carry(&repo, 0);

    assert_eq!(carried["counts"]["empty"], 2, "{carried:#}");
    let mark = patch(&carried, "Mark the end of our patches");
    assert!(mark["new_commit"].is_string(), "{mark:#}");
}

#[test]
fn a_patch_that_an_earlier_settlement_made_needless_is_dropped() {
    // Upstream has the second line of the patch; the first patch of the stack brings the first line.
    let repo = fork_and_upstream(&[("poem", POEM), ("a", "0\n"), ("b", "0\n")]);
    repo.commit("Take a part (#10)", &[("b", "1\n")]);
    repo.tag("v2").switch("fork");
    repo.commit("Begin", &[("a", "1\n")]);
    repo.branch("topic");
    repo.git(&["reset", "--quiet", "--hard", "v1"]);
    repo.commit("Do both", &[("a", "1\n"), ("b", "1\n")]);
    repo.switch("fork");
    repo.git(&["cherry-pick", "--allow-empty", "topic"]);

    let carried = carry(&repo, 0);

    assert_eq!(verdicts(&carried), [("Begin", "clean"), ("Do both", "upstreamed")], "{carried:#}");
    assert_eq!(subjects(&repo, &carried), "Begin");
}

#[test]
fn what_the_release_has_and_an_earlier_patch_took_away_is_not_upstreamed() {
    // Upstream says 3, as the stack does in the end; the first patch says that the line goes elsewhere.
    let line = |word: &str| POEM.replace("three", word);
    let repo = fork_and_upstream(&[("poem", POEM), ("prose", "once\n")]);
    repo.commit("Count in figures (#10)", &[("poem", &line("3"))]);
    repo.tag("v2").switch("fork");
    repo.commit("Count in German", &[("poem", &line("drei"))]);
    repo.git(&["branch", "then", "main"]);
    repo.merge_settled("then", &[("poem", &line("III"))]);
    repo.commit("Count in figures after all", &[("poem", &line("3"))]);

    let carried = carry(&repo, 0);

    assert_eq!(repo.file(&commit(&carried), "poem"), line("3").trim_end(), "{carried:#}");
}

#[test]
fn a_patch_that_changes_nothing_where_another_was_left_out_says_so() {
    let repo = fork_and_upstream(&[("poem", POEM)]);
    repo.commit("Rework the middle (#21)", &[("poem", &POEM.replace("three", "III"))]);
    repo.tag("v2").switch("fork");
    repo.commit("Count in German, and sing", &[("poem", &POEM.replace("three", "drei")), ("song", "la\n")]);
    repo.delete("Sing no more", &["song"]);

    let carried = carry(&repo, 3);

    let last = patch(&carried, "Sing no more");
    assert_eq!(last["verdict"], "upstreamed", "{carried:#}");
    assert!(notes(last).contains("“Count in German, and sing” left open"), "{last:#}");
}
