//! `patch-moi stack rebase`: what becomes of each patch, with git's own rebase as the oracle.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Output, Program, Repo, Snapshot, fork_and_upstream, patch_moi, write};

/// A file whose lines are far enough apart to be merged one by one.
pub(crate) const POEM: &str = "one\n\ntwo\n\nthree\n\nfour\n\nfive\n";

pub(crate) fn rebase(repo: &Repo, args: &[&str]) -> Program {
    let at = repo.path().to_str().unwrap();
    patch_moi(repo.path()).args(["stack", "rebase", "--repo", at, "--branch", "fork", "--json"]).args(args)
}

/// Carries `fork` to tag `v2`, which must come to this exit code.
#[track_caller]
pub(crate) fn carry(repo: &Repo, code: i32) -> Value {
    rebase(repo, &["--onto", "v2"]).run().exits(code).json()
}

/// Subject and verdict of every patch, in order.
pub(crate) fn verdicts(carry: &Value) -> Vec<(&str, &str)> {
    let patches = carry["patches"].as_array().unwrap();
    patches
        .iter()
        .map(|patch| (patch["subject"].as_str().unwrap(), patch["verdict"].as_str().unwrap()))
        .collect()
}

#[track_caller]
pub(crate) fn patch<'a>(carry: &'a Value, subject: &str) -> &'a Value {
    let patches = carry["patches"].as_array().unwrap();
    patches
        .iter()
        .find(|patch| patch["subject"] == subject)
        .unwrap_or_else(|| panic!("no {subject} in {carry:#}"))
}

pub(crate) fn commit(carry: &Value) -> String {
    carry["candidate"]["commit"].as_str().unwrap().to_owned()
}

/// Author, message and tree of each commit above `onto`, newest first: all of it that a rebase keeps.
fn kept(repo: &Repo, onto: &str, tip: &str) -> String {
    repo.git(&["log", "--format=%an <%ae> %ad%n%B%T", "--date=raw", &format!("{onto}..{tip}")])
}

fn paths(conflicts: &Value) -> BTreeSet<&str> {
    conflicts.as_array().unwrap().iter().map(|conflict| conflict["path"].as_str().unwrap()).collect()
}

/// One patch in a file of its own, one in other lines of a file that upstream changed too.
fn linear() -> Repo {
    let repo = fork_and_upstream(&[("poem", POEM), ("prose", "once\n")]);
    repo.commit("Rework the end (#5)", &[("poem", &POEM.replace("five", "FIVE"))]);
    repo.tag("v2").switch("fork");
    repo.commit("Add a song", &[("song", "la\n")]);
    repo.commit("Shout the first line\n\nBecause we can.", &[("poem", &POEM.replace("one", "ONE"))]);
    repo
}

/// A root conflict in `poem`, a patch that waits for it, and others that do not.
fn conflicting() -> Repo {
    let repo = fork_and_upstream(&[("poem", POEM), ("prose", "once\n"), ("song", "la\n")]);
    repo.commit("Warm up (#20)", &[("prose", "once upon\n")]);
    repo.commit("Rework the middle (#21)", &[("poem", &POEM.replace("three", "III"))]);
    repo.commit("Cool down (#22)", &[("prose", "once upon a time\n")]);
    repo.tag("v2").switch("fork");
    repo.commit("Add a dance", &[("dance", "step\n")]);
    repo.commit("Count in German", &[("poem", &POEM.replace("three", "drei"))]);
    repo.commit("Count louder", &[("poem", &POEM.replace("three", "DREI"))]);
    repo.commit("Shout the first line", &[("poem", &POEM.replace("three", "DREI").replace("one", "ONE"))]);
    repo.commit("Sing on", &[("song", "la la\n")]);
    repo
}

#[test]
fn a_linear_stack_comes_out_as_git_rebase_brings_it_out() {
    let repo = linear();

    let carried = carry(&repo, 0);

    assert_eq!(
        verdicts(&carried),
        [("Add a song", "clean"), ("Shout the first line", "merged")],
        "{carried:#}"
    );
    assert_eq!(carried["candidate"]["complete"], true);
    assert_eq!(carried["partial"], Value::Null);
    assert_eq!(carried["base"], repo.id("v1"));
    assert_eq!(carried["onto"], repo.id("v2"));
    assert_eq!(carried["tip"], repo.id("fork"));
    let candidate = commit(&carried);
    assert_eq!(carried["candidate"]["tree"], repo.tree(&candidate));
    repo.git(&["branch", "by-git", "fork"]);
    repo.git(&["rebase", "--quiet", "v2", "by-git"]);
    assert_eq!(kept(&repo, "v2", &candidate), kept(&repo, "v2", "by-git"));
    assert_eq!(repo.try_git(&["fsck", "--strict", "--no-dangling"]), (0, String::new()));
}

#[test]
fn a_conflict_stops_only_the_patches_that_need_it() {
    let repo = conflicting();

    let carried = carry(&repo, 3);

    assert_eq!(
        verdicts(&carried),
        [
            ("Add a dance", "clean"),
            ("Count in German", "conflict"),
            ("Count louder", "blocked"),
            ("Shout the first line", "merged"),
            ("Sing on", "clean"),
        ]
    );
    let root = patch(&carried, "Count in German");
    assert_eq!(paths(&root["conflicts"]), BTreeSet::from(["poem"]));
    assert_eq!(root["conflicts"][0]["kind"], "content");
    assert_eq!(root["new_commit"], Value::Null);
    assert_eq!(patch(&carried, "Count louder")["blocked_by"], root["commit"]);
    let counts = &carried["counts"];
    let sum = ["clean", "merged", "resolved", "upstreamed", "empty", "conflict", "blocked"];
    assert_eq!(
        sum.iter().map(|name| counts[name].as_u64().unwrap()).sum::<u64>(),
        counts["patches"].as_u64().unwrap()
    );
}

#[test]
fn the_candidate_ends_before_the_first_gap_and_the_partial_one_has_all_the_rest() {
    let repo = conflicting();

    let carried = carry(&repo, 3);

    assert_eq!(carried["candidate"]["complete"], false);
    assert_eq!(carried["candidate"]["commit"], patch(&carried, "Add a dance")["new_commit"]);
    let partial = carried["partial"].as_str().unwrap();
    repo.git(&["switch", "--quiet", "--detach", "v2"]);
    for subject in ["Add a dance", "Shout the first line", "Sing on"] {
        repo.git(&["cherry-pick", patch(&carried, subject)["commit"].as_str().unwrap()]);
    }
    assert_eq!(repo.tree(partial), repo.tree("HEAD"));
}

#[test]
fn the_culprit_is_the_upstream_commit_with_which_the_patch_stops_applying() {
    let repo = conflicting();
    let rework = repo.id("v2~1");

    let carried = carry(&repo, 3);

    let culprit = &patch(&carried, "Count in German")["culprit"];
    assert_eq!(culprit["commit"], rework, "{culprit:#}");
    assert_eq!(culprit["subject"], "Rework the middle (#21)");
    assert_eq!(culprit["pull_request"], 21);
    assert_eq!(culprit["side"], "onto");
    assert!(culprit["probes"].as_u64().unwrap() >= 1);
}

#[test]
fn a_patch_that_upstream_took_leaves_the_stack() {
    let repo = fork_and_upstream(&[("poem", POEM)]);
    repo.commit("Fix the spelling (#9)", &[("poem", &POEM.replace("two", "too"))]);
    repo.commit("Go on (#10)", &[("prose", "once\n")]);
    repo.tag("v2").switch("fork");
    repo.commit("Fix the spelling", &[("poem", &POEM.replace("two", "too"))]);
    repo.commit("Add a song", &[("song", "la\n")]);

    let carried = carry(&repo, 0);

    assert_eq!(verdicts(&carried), [("Fix the spelling", "upstreamed"), ("Add a song", "clean")]);
    assert_eq!(carried["candidate"]["complete"], true);
    assert_eq!(patch(&carried, "Fix the spelling")["upstream"]["commit"], repo.id("v2~1"));
    assert_eq!(repo.git(&["log", "--format=%s", &format!("v2..{}", commit(&carried))]), "Add a song");
}

#[test]
fn a_patch_that_upstream_has_in_other_words_leaves_the_stack() {
    let verse = |name: &str| (1..=12).map(|n| format!("{name} line {n}\n")).collect::<String>();
    let repo = fork_and_upstream(&[("song", "la\nla\n")]);
    let grown = format!("la\nla\n{}{}", verse("first"), verse("second"));
    repo.delete("Make room", &["song"]);
    repo.commit("Sing more, elsewhere (#31)", &[("music/anthem", &grown)]);
    repo.tag("v2").switch("fork");
    repo.commit("Sing more", &[("song", &grown)]);

    // Forward it meets a deleted file. Backward, git finds the renamed one and takes the verses out of it.
    let carried = carry(&repo, 0);

    assert_eq!(verdicts(&carried), [("Sing more", "upstreamed")], "{carried:#}");
    assert_eq!(commit(&carried), repo.id("v2"));
}

#[test]
fn a_patch_that_upstream_took_and_threw_out_again_is_carried_and_that_is_said() {
    let repo = fork_and_upstream(&[("poem", POEM)]);
    repo.commit("Fix the spelling (#9)", &[("poem", &POEM.replace("two", "too"))]);
    repo.commit("Revert \"Fix the spelling (#9)\" (#11)", &[("poem", POEM)]);
    repo.tag("v2").switch("fork");
    repo.commit("Fix the spelling", &[("poem", &POEM.replace("two", "too"))]);

    let carried = carry(&repo, 0);

    let fix = patch(&carried, "Fix the spelling");
    assert_eq!(fix["verdict"], "clean");
    assert!(fix["notes"].as_array().is_some_and(|notes| !notes.is_empty()), "{fix:#}");
    assert_eq!(repo.file(&commit(&carried), "poem"), POEM.replace("two", "too").trim_end());
}

#[test]
fn a_patch_that_was_empty_before_is_kept() {
    let repo = fork_and_upstream(&[("poem", POEM)]);
    repo.commit("Go on (#10)", &[("prose", "once\n")]);
    repo.tag("v2").switch("fork");
    repo.commit_all("Mark the start of our patches");
    repo.commit("Add a song", &[("song", "la\n")]);

    let carried = carry(&repo, 0);

    assert_eq!(verdicts(&carried), [("Mark the start of our patches", "empty"), ("Add a song", "clean")]);
    assert_eq!(
        repo.git(&["log", "--format=%s", "--reverse", &format!("v2..{}", commit(&carried))]),
        "Mark the start of our patches\nAdd a song"
    );
}

#[test]
fn a_stack_that_upstream_took_whole_is_complete_and_is_the_release() {
    let repo = fork_and_upstream(&[("poem", POEM)]);
    repo.commit("Add a song (#3)", &[("song", "la\n")]);
    repo.tag("v2").switch("fork");
    repo.commit("Add a song", &[("song", "la\n")]);

    let carried = carry(&repo, 0);

    assert_eq!(commit(&carried), repo.id("v2"));
    assert_eq!(carried["candidate"]["complete"], true);
}

#[test]
fn a_merge_of_a_topic_branch_stays_a_merge() {
    let repo = fork_and_upstream(&[("poem", POEM), ("prose", "once\n")]);
    repo.commit("Rework the end (#5)", &[("poem", &POEM.replace("five", "FIVE"))]);
    repo.tag("v2").switch("fork").branch("topic");
    repo.commit("Add a song", &[("song", "la\n")]);
    repo.switch("fork").commit("Shout the first line", &[("poem", &POEM.replace("one", "ONE"))]);
    repo.merge("topic");
    repo.commit("Add a dance", &[("dance", "step\n")]);

    let carried = carry(&repo, 0);

    let candidate = commit(&carried);
    let merges = |tip: &str| repo.git(&["log", "--merges", "--format=%s %T", &format!("v2..{tip}")]);
    repo.git(&["branch", "by-git", "fork"]);
    repo.git(&["rebase", "--quiet", "--rebase-merges", "v2", "by-git"]);
    assert_eq!(merges(&candidate), merges("by-git"));
    assert_eq!(repo.tree(&candidate), repo.tree("by-git"));
    assert_eq!(carried["counts"]["patches"], 4);
    assert_eq!(patch(&carried, "Merge branch 'topic'")["merge"], true);
}

#[test]
fn what_a_person_settled_in_a_merge_is_not_lost() {
    let repo = fork_and_upstream(&[("poem", POEM), ("prose", "once\n")]);
    repo.commit("Go on (#10)", &[("prose", "once upon a time\n")]);
    repo.tag("v2").switch("fork").branch("topic");
    repo.commit("Count in German", &[("poem", &POEM.replace("three", "drei"))]);
    repo.switch("fork").commit("Count in French", &[("poem", &POEM.replace("three", "trois"))]);
    let both = POEM.replace("three", "drei, trois");
    repo.merge_settled("topic", &[("poem", &both), ("treaty", "signed\n")]);

    let carried = carry(&repo, 0);

    let candidate = commit(&carried);
    assert_eq!(repo.file(&candidate, "poem"), both.trim_end());
    assert_eq!(repo.file(&candidate, "treaty"), "signed");
    assert_eq!(repo.file(&candidate, "prose"), "once upon a time");
    assert_eq!(repo.git(&["rev-list", "--count", "--merges", &format!("v2..{candidate}")]), "1");
}

#[test]
fn a_conflict_that_was_settled_when_upstream_was_merged_is_not_asked_again() {
    let repo = fork_and_upstream(&[("poem", POEM), ("prose", "once\n")]);
    repo.commit("Rework the middle (#21)", &[("poem", &POEM.replace("three", "III"))]);
    repo.git(&["branch", "upstream-then"]);
    repo.commit("Go on (#22)", &[("prose", "once upon a time\n")]);
    repo.tag("v2").switch("fork");
    repo.commit("Count in German", &[("poem", &POEM.replace("three", "drei"))]);
    repo.merge_settled("upstream-then", &[("poem", &POEM.replace("three", "III (drei)"))]);
    repo.commit("Add a song", &[("song", "la\n")]);

    let carried = carry(&repo, 0);

    assert_eq!(patch(&carried, "Count in German")["verdict"], "resolved", "{carried:#}");
    let candidate = commit(&carried);
    assert_eq!(repo.file(&candidate, "poem"), POEM.replace("three", "III (drei)").trim_end());
    assert_eq!(repo.file(&candidate, "prose"), "once upon a time");
    assert_eq!(carried["candidate"]["complete"], true);
}

#[test]
fn a_release_commit_that_main_never_saw_is_not_a_patch() {
    let repo = Repo::new();
    repo.commit("Begin", &[("poem", POEM), ("VERSION", "0\n")]);
    repo.branch("release/1").commit("Release v1", &[("VERSION", "1\n")]);
    repo.tag("v1").branch("fork").commit("Add a song", &[("song", "la\n")]);
    repo.switch("main").commit("Go on (#10)", &[("prose", "once\n")]);
    repo.branch("release/2").commit("Release v2", &[("VERSION", "2\n")]);
    repo.tag("v2");

    let carried = rebase(&repo, &["--onto", "v2", "--base", "v1"]).run().exits(0).json();

    assert_eq!(verdicts(&carried), [("Add a song", "clean")]);
    assert_eq!(carried["base"], repo.id("v1"));
    assert_eq!(carried["left_out"][0]["subject"], "Release v1");
    assert_eq!(repo.file(&commit(&carried), "VERSION"), "2");
}

#[test]
fn the_candidate_is_the_same_whoever_asks_and_wherever() {
    let repo = linear();
    let calm = commit(&carry(&repo, 0));

    let elsewhere = rebase(&repo, &["--onto", "v2"]);
    write(
        &elsewhere.home().join(".gitconfig"),
        "[user]\n name = Somebody Else\n email = else@example.org\n\
         [core]\n autocrlf = true\n attributesFile = ~/attributes\n\
         [merge]\n conflictStyle = zdiff3\n renames = false\n\
         [merge \"eat\"]\n driver = false\n[commit]\n gpgSign = true\n[diff]\n algorithm = patience\n renames = copies\n",
    );
    write(&elsewhere.home().join("attributes"), "* merge=eat text=auto eol=crlf\n");
    write(&repo.path().join(".git/info/attributes"), "* merge=union\n");
    repo.git(&["config", "merge.renames", "false"]);
    repo.git(&["config", "user.name", "The Repository"]);
    let hostile = elsewhere
        .env("TZ", "Asia/Kathmandu")
        .env("LC_ALL", "de_DE.UTF-8")
        .env("GIT_COMMITTER_NAME", "An Environment")
        .env("GIT_COMMITTER_DATE", "@1 +0000")
        .env("GIT_AUTHOR_NAME", "An Environment")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "core.autocrlf")
        .env("GIT_CONFIG_VALUE_0", "true")
        .run()
        .exits(0)
        .json();

    assert_eq!(commit(&hostile), calm);
}

#[test]
fn the_committer_is_configured_and_its_date_comes_from_the_histories() {
    let repo = linear();
    let show = |carried: &Value| repo.git(&["log", "-1", "--format=%cn <%ce>", &commit(carried)]);

    let bot = carry(&repo, 0);
    assert_eq!(show(&bot), "github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>");
    let own =
        rebase(&repo, &["--onto", "v2", "--committer", "Tea Room <tea@example.org>"]).run().exits(0).json();
    assert_eq!(show(&own), "Tea Room <tea@example.org>");

    let date = |rev: &str| repo.git(&["log", "-1", "--format=%ct", rev]).parse::<i64>().unwrap();
    for patch in bot["patches"].as_array().unwrap() {
        let (old, new) = (patch["commit"].as_str().unwrap(), patch["new_commit"].as_str().unwrap());
        assert_eq!(date(new), date(old).max(date("v2")));
    }
}

#[test]
fn a_ref_is_written_for_a_complete_candidate_and_for_no_other() {
    const REF: &str = "refs/patch-moi/candidate/v2";
    let write_ref = |repo: &Repo, code| {
        let run: Output = rebase(repo, &["--onto", "v2", "--write-ref", REF]).run();
        commit(&run.exits(code).json())
    };

    let whole = linear();
    assert_eq!(write_ref(&whole, 0), whole.id(REF));
    assert_eq!(write_ref(&whole, 0), whole.id(REF), "again, over the ref that is there");

    let broken = conflicting();
    write_ref(&broken, 3);
    assert_eq!(broken.try_git(&["rev-parse", "--verify", "--quiet", REF]).0, 1);
    broken.git(&["update-ref", REF, "v1"]);
    write_ref(&broken, 3);
    assert_eq!(broken.id(REF), broken.id("v1"), "an older candidate stays");
}

#[test]
fn nothing_but_objects_is_written_unless_a_ref_is_asked_for() {
    for repo in [linear(), conflicting()] {
        let before = Snapshot::of(&[repo.path()]);

        let carried = rebase(&repo, &["--onto", "v2"]).run().json();

        assert!(carried["candidate"]["commit"].is_string());
        Snapshot::of(&[repo.path()]).assert_same_as(&before);
    }
}

#[test]
fn a_squashed_candidate_is_one_commit_with_the_last_authors_name_and_the_same_tree() {
    let repo = linear();
    let plain = carry(&repo, 0);

    let squashed = rebase(&repo, &["--onto", "v2", "--squash"]).run().exits(0).json();

    let candidate = commit(&squashed);
    assert_eq!(repo.git(&["rev-list", "--count", &format!("v2..{candidate}")]), "1");
    assert_eq!(repo.id(&format!("{candidate}^")), repo.id("v2"));
    assert_eq!(repo.tree(&candidate), repo.tree(&commit(&plain)));
    let author = |rev: &str| repo.git(&["log", "-1", "--format=%an <%ae> %at", rev]);
    assert_eq!(author(&candidate), author("fork"));
    let message = repo.git(&["log", "-1", "--format=%B", &candidate]);
    assert!(message.contains("Add a song") && message.contains("Shout the first line"), "{message}");
}

#[test]
fn an_incomplete_stack_is_never_squashed() {
    let repo = conflicting();

    let carried = rebase(&repo, &["--onto", "v2", "--squash"]).run().exits(3).json();

    assert_eq!(carried["candidate"]["complete"], false);
    assert_eq!(carried["candidate"]["commit"], carry(&repo, 3)["candidate"]["commit"]);
}

#[test]
fn histories_with_nothing_in_common_are_a_mistake_and_not_a_stack() {
    let repo = fork_and_upstream(&[("poem", POEM)]);
    repo.git(&["switch", "--quiet", "--orphan", "stranger"]);
    repo.commit("Begin elsewhere", &[("other", "1\n")]);
    repo.tag("v2");

    let run = rebase(&repo, &["--onto", "v2"]).run().exits(2);

    assert!(run.json()["patches"].is_null(), "no document about a carry that never was\n{run}");
    assert!(run.stderr.contains("v2") && run.stderr.contains("fork"), "{run}");
}

#[test]
fn a_revision_that_is_not_there_is_named() {
    let repo = linear();
    let _ = rebase(&repo, &["--onto", "v9"]).run().exits(2).says(&["v9"]);
    let at = repo.path().to_str().unwrap();
    let _ = patch_moi(repo.path())
        .args(["stack", "rebase", "--repo", at, "--branch", "nowhere", "--onto", "v2"])
        .run()
        .exits(2)
        .says(&["nowhere"]);
}

#[test]
fn bytes_of_a_message_survive_whatever_its_encoding() {
    let repo = fork_and_upstream(&[("poem", POEM)]);
    repo.commit("Go on (#10)", &[("prose", "once\n")]);
    repo.tag("v2").switch("fork");
    let tree = repo.tree("fork");
    let raw = [
        format!("tree {tree}\nparent {}\n", repo.id("fork")).as_bytes(),
        b"author Jos\xe9 <jose@example.org> 1767300000 +0530\n",
        b"committer Jos\xe9 <jose@example.org> 1767300000 +0530\nencoding ISO-8859-1\n\nCaf\xe9\n\n\n",
    ]
    .concat();
    let (code, id) = repo.git_with(&["hash-object", "-t", "commit", "-w", "--stdin"], &raw);
    assert_eq!(code, 0);
    repo.git(&["reset", "--quiet", "--hard", String::from_utf8(id).unwrap().trim()]);

    let carried = carry(&repo, 0);

    let (_, new) = repo.git_with(&["cat-file", "commit", &commit(&carried)], b"");
    let has = |bytes: &[u8]| new.windows(bytes.len()).any(|window| window == bytes);
    assert!(has(b"author Jos\xe9 <jose@example.org> 1767300000 +0530\n"));
    assert!(has(b"encoding ISO-8859-1\n"));
    assert!(new.ends_with(b"\n\nCaf\xe9\n\n\n"));
}
