//! The upstream commit that is named for a root conflict, with `git merge-tree` as the oracle: with the commit
//! the patch conflicts, with its first parent it does not.

use serde_json::Value;

use crate::stack::{POEM, carry, patch, rebase, verdicts};
use crate::support::{Repo, fork_and_upstream};

/// Whether git finds a conflict in the last of `patches`, when they are put on `there` one after the other.
fn conflicts(repo: &Repo, there: &str, patches: &[&str]) -> bool {
    let mut tree = repo.tree(there);
    for (at, patch) in patches.iter().enumerate() {
        let base = format!("--merge-base={}", repo.tree(&format!("{patch}^")));
        let (code, out) = repo.try_git(&["merge-tree", "--write-tree", &base, &tree, &repo.tree(patch)]);
        if at + 1 == patches.len() {
            return code == 1;
        }
        assert_eq!(code, 0, "an earlier patch does not apply on {there}");
        tree = out;
    }
    false
}

/// The culprit of the last of `patches`, by its subject, after it was held against git.
#[track_caller]
fn culprit<'a>(repo: &Repo, carried: &'a Value, patches: &[&str]) -> &'a Value {
    let last = repo.git(&["log", "-1", "--format=%s", patches[patches.len() - 1]]);
    let root = patch(carried, &last);
    assert_eq!(root["verdict"], "conflict", "{carried:#}");
    let culprit = &root["culprit"];
    let commit = culprit["commit"].as_str().unwrap_or_else(|| panic!("no culprit: {root:#}"));
    if culprit["side"] == "onto" {
        assert!(conflicts(repo, commit, patches), "no conflict with {culprit:#}");
        assert!(!conflicts(repo, &format!("{commit}^"), patches), "a conflict before {culprit:#}");
    }
    culprit
}

/// Every root has one.
fn all_have_one(carried: &Value) {
    for patch in carried["patches"].as_array().unwrap() {
        assert_eq!(patch["verdict"] == "conflict", patch["culprit"].is_object(), "{patch:#}");
    }
}

#[test]
fn every_root_conflict_names_its_upstream_commit_and_the_pull_request_of_its_subject() {
    let repo = fork_and_upstream(&[("poem", POEM), ("prose", "once\n"), ("song", "la\n")]);
    repo.commit("Warm up (#20)", &[("hum", "hm\n")]);
    repo.branch("topic").commit("Count as the Romans did", &[("poem", &POEM.replace("three", "III"))]);
    repo.switch("main").commit("Hum on", &[("hum", "hmm\n")]);
    repo.git(&["merge", "--quiet", "--no-ff", "-m", "Merge pull request #21 from roman/topic", "topic"]);
    repo.commit("Begin as all tales do (#22)", &[("prose", "once upon a time\n")]);
    repo.commit("Sing louder", &[("song", "LA\n")]);
    repo.commit("Cool down (#23)", &[("hum", "h\n")]);
    repo.tag("v2").switch("fork");
    let count = repo.commit("Count in German", &[("poem", &POEM.replace("three", "drei"))]);
    let tell = repo.commit("Tell in German", &[("prose", "es war einmal\n")]);
    let sing = repo.commit("Sing twice", &[("song", "la la\n")]);

    let carried = carry(&repo, 3);

    all_have_one(&carried);
    let said = |one: &Value| (one["subject"].as_str().unwrap().to_owned(), one["pull_request"].as_u64());
    let merge = culprit(&repo, &carried, &[&count]);
    assert_eq!(said(merge), ("Merge pull request #21 from roman/topic".to_owned(), Some(21)));
    assert_eq!(
        said(culprit(&repo, &carried, &[&tell])),
        ("Begin as all tales do (#22)".to_owned(), Some(22))
    );
    assert_eq!(said(culprit(&repo, &carried, &[&sing])), ("Sing louder".to_owned(), None));
}

#[test]
fn a_release_commit_off_the_main_line_can_be_the_culprit() {
    let manifest = |channel: &str, edition: &str| format!("channel = {channel}\n\nedition = {edition}\n");
    let repo = fork_and_upstream(&[("manifest", &manifest("none", "1")), ("prose", "once\n")]);
    repo.commit("Go on (#10)", &[("prose", "once upon\n")]);
    repo.branch("release/2").commit("Branch off", &[("notes", "soon\n")]);
    let bump = repo.commit("Release v2", &[("manifest", &manifest("stable", "1")), ("notes", "now\n")]);
    repo.tag("v2");
    repo.switch("main").commit("Go on and on (#11)", &[("prose", "once upon a time\n")]);
    repo.switch("fork");
    let own = repo.commit("Have a channel of our own", &[("manifest", &manifest("ours", "1"))]);

    let carried = carry(&repo, 3);

    let found = culprit(&repo, &carried, &[&own]);
    assert_eq!((found["commit"].as_str(), found["side"].as_str()), (Some(&bump[..]), Some("onto")));
}

#[test]
fn what_conflicts_with_the_common_history_is_the_fault_of_the_base() {
    let repo = Repo::new();
    repo.commit("Begin", &[("poem", POEM), ("VERSION", "0\n")]);
    repo.branch("release/1").commit("Prepare", &[("notes", "soon\n")]);
    let bump = repo.commit("Release v1 (#7)", &[("VERSION", "1\n")]);
    repo.commit("Say so", &[("notes", "now\n")]);
    repo.tag("v1").branch("fork").commit("Have a version of our own", &[("VERSION", "1, ours\n")]);
    repo.switch("main").commit("Go on (#10)", &[("prose", "once\n")]);
    repo.branch("release/2").commit("Prepare again", &[("notes", "later\n")]);
    repo.tag("v2");

    let carried = rebase(&repo, &["--onto", "v2", "--base", "v1"]).run().exits(3).json();

    let found = &patch(&carried, "Have a version of our own")["culprit"];
    assert_eq!(found["side"], "base", "{carried:#}");
    assert_eq!((found["commit"].as_str(), found["pull_request"].as_u64()), (Some(&bump[..]), Some(7)));
}

#[test]
fn on_the_way_back_to_an_older_release_the_culprit_is_on_the_side_of_the_base() {
    let repo = fork_and_upstream(&[("poem", POEM)]);
    let rework = repo.commit("Rework the middle (#21)", &[("poem", &POEM.replace("three", "III"))]);
    repo.commit("Go on (#22)", &[("prose", "once\n")]);
    repo.tag("v2").git(&["branch", "--force", "fork", "v2"]);
    repo.switch("fork").commit("Count on", &[("poem", &POEM.replace("three", "IIII"))]);

    let carried = rebase(&repo, &["--onto", "v1", "--base", "v2"]).run().exits(3).json();

    let found = &patch(&carried, "Count on")["culprit"];
    assert_eq!((found["commit"].as_str(), found["side"].as_str()), (Some(&rework[..]), Some("base")));
}

#[test]
fn a_patch_that_needs_an_earlier_one_is_probed_with_it() {
    let repo = fork_and_upstream(&[("poem", POEM), ("prose", "once\n")]);
    repo.commit("Warm up (#30)", &[("prose", "once upon\n")]);
    repo.commit("Rework the end (#31)", &[("poem", &POEM.replace("five", "V"))]);
    repo.commit("Cool down (#32)", &[("prose", "once upon a time\n")]);
    repo.tag("v2").switch("fork");
    let ours = POEM.replace("one\n", "one\nuno\n");
    let first = repo.commit("Count in Italian too", &[("poem", &ours)]);
    let ours = ours.replace("uno", "UNO").replace("five", "FIVE");
    let second = repo.commit("Shout the ends", &[("poem", &ours)]);

    let carried = carry(&repo, 3);

    assert!(conflicts(&repo, "v1", &[&second]), "alone it never applies");
    let found = culprit(&repo, &carried, &[&first, &second]);
    assert_eq!(found["pull_request"], 31, "{found:#}");
}

#[test]
fn an_earlier_patch_that_upstream_took_on_the_way_is_probed_with_too() {
    let repo = fork_and_upstream(&[("poem", POEM), ("prose", "once\n")]);
    let taken = POEM.replace("one\n", "one\nuno\n");
    repo.commit("Warm up (#30)", &[("prose", "once upon\n")]);
    repo.commit("Count in Italian too (#31)", &[("poem", &taken)]);
    repo.commit("Go on (#32)", &[("prose", "once upon a time\n")]);
    repo.commit("Rework the end (#33)", &[("poem", &taken.replace("five", "V"))]);
    repo.commit("Cool down (#34)", &[("prose", "once\n")]);
    repo.tag("v2").switch("fork");
    let first = repo.commit("Count in Italian too", &[("poem", &taken)]);
    let ours = taken.replace("uno", "UNO").replace("five", "FIVE");
    let second = repo.commit("Shout the ends", &[("poem", &ours)]);

    let carried = carry(&repo, 3);

    assert_eq!(verdicts(&carried)[0], ("Count in Italian too", "upstreamed"));
    let found = culprit(&repo, &carried, &[&first, &second]);
    assert_eq!(found["pull_request"], 33, "{found:#}");
}

#[test]
fn of_a_conflict_that_comes_and_goes_one_coming_is_named() {
    let repo = fork_and_upstream(&[("poem", POEM), ("prose", "0\n")]);
    let to = |subject: &str, three: &str| repo.commit(subject, &[("poem", &POEM.replace("three", three))]);
    for n in 0..3 {
        repo.commit("Go on", &[("prose", &format!("{n} times\n"))]);
        to(&format!("Count as the Romans did (#{}1)", n + 1), "III");
        repo.commit("Go on again", &[("prose", &format!("{n} times, and more\n"))]);
        to(&format!("Count as we did (#{}2)", n + 1), "three");
    }
    to("Count as the Romans did (#41)", "III");
    repo.tag("v2").switch("fork");
    let count = repo.commit("Count in German", &[("poem", &POEM.replace("three", "drei"))]);

    let carried = carry(&repo, 3);

    let found = culprit(&repo, &carried, &[&count]);
    assert_eq!(found["pull_request"].as_u64().unwrap() % 10, 1, "{found:#}");
}

#[test]
fn a_stack_on_a_topic_that_upstream_merged_later_is_not_blamed_on_what_came_before_the_merge() {
    let repo = fork_and_upstream(&[("poem", POEM), ("prose", "0\n")]);
    let other = POEM.replace("one\n", "one\nuno\n");
    repo.branch("topic").commit("Count in Italian too", &[("poem", &other)]);
    repo.switch("main");
    for n in 1..=9 {
        repo.commit(&format!("Go on (#{n})"), &[("prose", &format!("{n}\n"))]);
    }
    repo.git(&["merge", "--quiet", "--no-ff", "-m", "Merge pull request #10 from roman/topic", "topic"]);
    repo.commit("Rework the beginning (#11)", &[("poem", &other.replace("uno", "I"))]);
    repo.commit("Cool down (#12)", &[("prose", "10\n")]);
    repo.tag("v2").git(&["branch", "--force", "fork", "topic"]);
    repo.switch("fork");
    let shout = repo.commit("Shout in Italian", &[("poem", &other.replace("uno", "UNO"))]);

    let carried = carry(&repo, 3);

    assert_eq!(culprit(&repo, &carried, &[&shout])["pull_request"], 11, "{carried:#}");
}

#[test]
fn what_was_done_in_a_merge_has_a_culprit_too() {
    let repo = fork_and_upstream(&[("poem", POEM), ("prose", "once\n"), ("song", "la\n")]);
    repo.commit("Warm up (#40)", &[("prose", "once upon\n")]);
    let rework = repo.commit("Rework the middle (#41)", &[("poem", &POEM.replace("three", "III"))]);
    repo.commit("Cool down (#42)", &[("prose", "once upon a time\n")]);
    repo.tag("v2").switch("fork").branch("topic").commit("Sing on", &[("song", "la la\n")]);
    repo.switch("fork").commit("Shout the first line", &[("poem", &POEM.replace("one", "ONE"))]);
    repo.git(&["merge", "--quiet", "--no-ff", "--no-commit", "topic"]);
    let both = POEM.replace("one", "ONE").replace("three", "drei");
    repo.commit("Merge branch 'topic'", &[("poem", &both)]);

    let carried = carry(&repo, 3);

    all_have_one(&carried);
    assert_eq!(
        verdicts(&carried),
        [("Shout the first line", "merged"), ("Sing on", "clean"), ("Merge branch 'topic'", "conflict")]
    );
    let culprit = &patch(&carried, "Merge branch 'topic'")["culprit"];
    assert_eq!((culprit["commit"].as_str(), culprit["pull_request"].as_u64()), (Some(&rework[..]), Some(41)));
    // What the person did in it, by git: on the culprit it conflicts, before it it does not.
    let automatic = repo.git(&["merge-tree", "--write-tree", "fork^1", "fork^2"]);
    let edit = |there: &str| {
        let base = format!("--merge-base={automatic}");
        repo.try_git(&["merge-tree", "--write-tree", &base, &repo.tree(there), &repo.tree("fork")]).0
    };
    assert_eq!((edit(&rework), edit(&format!("{rework}^"))), (1, 0));
}

#[test]
fn a_merge_of_upstream_that_conflicts_has_a_culprit_too() {
    let repo = fork_and_upstream(&[("poem", POEM), ("prose", "once\n"), ("song", "la\n")]);
    repo.commit("Warm up (#40)", &[("prose", "once upon\n")]);
    repo.git(&["branch", "upstream-then"]);
    let rework = repo.commit("Rework the middle (#41)", &[("poem", &POEM.replace("three", "III"))]);
    repo.tag("v2").switch("fork").commit("Sing on", &[("song", "la la\n")]);
    repo.git(&["merge", "--quiet", "--no-ff", "--no-commit", "upstream-then"]);
    repo.commit("Merge branch 'upstream-then'", &[("poem", &POEM.replace("three", "drei"))]);

    let carried = carry(&repo, 3);

    assert_eq!(
        verdicts(&carried),
        [("Sing on", "clean"), ("Merge branch 'upstream-then'", "conflict")],
        "{carried:#}"
    );
    let culprit = &patch(&carried, "Merge branch 'upstream-then'")["culprit"];
    assert_eq!((culprit["commit"].as_str(), culprit["side"].as_str()), (Some(&rework[..]), Some("onto")));
}

#[test]
fn the_culprit_of_a_patch_that_a_merge_had_settled_is_what_the_settlement_does_not_fit() {
    let repo = fork_and_upstream(&[("poem", POEM), ("prose", "once\n")]);
    repo.commit("Rework the middle (#41)", &[("poem", &POEM.replace("three", "III"))]);
    repo.git(&["branch", "upstream-then"]);
    repo.commit("Warm up (#42)", &[("prose", "once upon\n")]);
    let again = repo.commit("Rework it again (#43)", &[("poem", &POEM.replace("three", "IIII"))]);
    repo.commit("Cool down (#44)", &[("prose", "once upon a time\n")]);
    repo.tag("v2").switch("fork").commit("Count in German", &[("poem", &POEM.replace("three", "drei"))]);
    repo.merge_settled("upstream-then", &[("poem", &POEM.replace("three", "III (drei)"))]);

    let carried = carry(&repo, 3);

    let culprit = &patch(&carried, "Count in German")["culprit"];
    assert_eq!((culprit["commit"].as_str(), culprit["side"].as_str()), (Some(&again[..]), Some("onto")));
    assert_eq!(patch(&carried, "Merge branch 'upstream-then'")["verdict"], "blocked", "{carried:#}");
}

#[test]
fn a_history_of_its_own_that_cannot_be_merged_any_more_has_a_culprit_too() {
    let repo = fork_and_upstream(&[("poem", POEM), ("prose", "once\n")]);
    repo.commit("Warm up (#40)", &[("prose", "once upon\n")]);
    let tool = repo.commit("Have a tool (#41)", &[("tool", "theirs\n")]);
    repo.tag("v2").switch("fork").commit("Sing", &[("song", "la\n")]);
    repo.git(&["switch", "--quiet", "--orphan", "other"]);
    repo.commit("Begin a tool", &[("tool", "ours\n")]);
    repo.commit("Go on with it", &[("tool", "ours, and more\n")]);
    repo.switch("fork").git(&[
        "merge",
        "--quiet",
        "--allow-unrelated-histories",
        "-m",
        "Bring it in",
        "other",
    ]);

    let carried = carry(&repo, 3);

    let merge = patch(&carried, "Bring it in");
    assert_eq!(
        (&merge["verdict"], &merge["culprit"]["commit"]),
        (&"conflict".into(), &tool.into()),
        "{merge:#}"
    );
}
