//! Merges of the stack: carried with their shape, and nothing that a person did in one is asked again or lost.

use serde_json::Value;

use crate::stack::{POEM, carry, commit, patch, rebase, verdicts};
use crate::support::{Repo, fork_and_upstream, write};

/// Upstream changes a file that nobody else touches, and releases that as v2. The work tree is on `fork`.
fn upstream_goes_on(repo: &Repo) {
    repo.switch("main").commit("Go on (#10)", &[("prose", "once upon\n")]);
    repo.tag("v2").switch("fork");
}

/// A fork with one patch, from which branches can begin.
fn begun() -> Repo {
    let repo = fork_and_upstream(&[("poem", POEM), ("prose", "once\n")]);
    repo.switch("fork").commit("First", &[("first", "1\n")]);
    repo
}

/// A branch off `fork` with one patch that is called like it; the work tree is on `fork` afterwards.
fn branch(repo: &Repo, name: &str, files: &[(&str, &str)]) {
    repo.branch(name).commit(name, files);
    repo.switch("fork");
}

/// One merge of `fork` and all of `others` with these files, whatever git would make of it by itself.
fn join(repo: &Repo, subject: &str, others: &[&str], files: &[(&str, &str)]) -> String {
    for (path, content) in files {
        write(&repo.path().join(path), content);
    }
    repo.git(&["add", "--all"]);
    let tree = repo.git(&["write-tree"]);
    let parents: Vec<&str> = others.iter().flat_map(|other| ["-p", *other]).collect();
    let id = repo.git(&[&["commit-tree", &tree, "-m", subject, "-p", "fork"], &parents[..]].concat());
    repo.git(&["reset", "--quiet", "--hard", &id]);
    id
}

/// The subjects of the parents of what carries a patch.
fn parents(repo: &Repo, carried: &Value, subject: &str) -> Vec<String> {
    let new = patch(carried, subject)["new_commit"].as_str().unwrap();
    let ids = repo.git(&["log", "-1", "--format=%P", new]);
    ids.split(' ').map(|id| repo.git(&["log", "-1", "--format=%s", id])).collect()
}

/// What the candidate has and the branch has not, upstream's own change aside.
fn difference(repo: &Repo, carried: &Value) -> String {
    repo.git(&["diff", "--name-only", "fork", &commit(carried), "--", ".", ":!prose"])
}

#[test]
fn an_octopus_keeps_its_three_branches_and_what_was_edited_in_it() {
    let repo = begun();
    for name in ["one", "two", "three"] {
        branch(&repo, name, &[(name, "1\n")]);
    }
    let all = [("one", "1\n"), ("two", "1\n"), ("three", "1 and more\n"), ("treaty", "signed\n")];
    join(&repo, "Octopus", &["one", "two", "three"], &all);
    repo.commit("Last", &[("last", "1\n")]);
    upstream_goes_on(&repo);

    let carried = carry(&repo, 0);

    assert_eq!(parents(&repo, &carried, "Octopus"), ["First", "one", "two", "three"]);
    assert_eq!(difference(&repo, &carried), "");
    assert_eq!(carried["counts"]["patches"], 6);
}

#[test]
fn an_octopus_with_a_conflict_is_not_asked_again_what_was_settled_in_it() {
    let repo = begun();
    branch(&repo, "german", &[("poem", &POEM.replace("three", "drei"))]);
    branch(&repo, "french", &[("poem", &POEM.replace("three", "trois"))]);
    branch(&repo, "other", &[("other", "1\n")]);
    let settled = POEM.replace("three", "drei, trois");
    join(&repo, "Octopus", &["german", "french", "other"], &[("poem", &settled), ("other", "1\n")]);
    repo.switch("main").commit("Rework the first line (#9)", &[("poem", &POEM.replace("one", "I"))]);
    upstream_goes_on(&repo);

    let carried = carry(&repo, 0);

    assert_eq!(repo.file(&commit(&carried), "poem"), settled.replace("one", "I").trim_end());
    assert_eq!(parents(&repo, &carried, "Octopus"), ["First", "german", "french", "other"]);
}

#[test]
fn an_octopus_loses_only_the_parent_that_upstream_took_away() {
    let repo = begun();
    for name in ["one", "two"] {
        branch(&repo, name, &[(name, "1\n")]);
    }
    join(&repo, "Octopus", &["one", "two"], &[("one", "1\n"), ("two", "1\n"), ("treaty", "signed\n")]);
    repo.switch("main").commit("Take one (#9)", &[("one", "1\n")]);
    upstream_goes_on(&repo);

    let carried = carry(&repo, 0);

    assert_eq!(patch(&carried, "one")["verdict"], "upstreamed");
    assert_eq!(parents(&repo, &carried, "Octopus"), ["First", "two"]);
    assert_eq!(difference(&repo, &carried), "");
}

/// Upstream's first change, which conflicts with the fork's first patch, at branch `upstream-then`.
fn upstream_then() -> Repo {
    let repo = begun();
    repo.commit("Count in German", &[("poem", &POEM.replace("three", "drei"))]);
    repo.switch("main").commit("Count in Roman (#9)", &[("poem", &POEM.replace("three", "III"))]);
    repo.git(&["branch", "upstream-then"]);
    repo.switch("fork");
    repo
}

#[test]
fn a_merge_of_upstream_keeps_its_settlement_and_its_extra_edit() {
    let repo = upstream_then();
    let settled = POEM.replace("three", "III (drei)");
    repo.merge_settled("upstream-then", &[("poem", &settled), ("treaty", "signed\n")]);
    repo.commit("Last", &[("last", "1\n")]);
    upstream_goes_on(&repo);

    let carried = carry(&repo, 0);

    let merge = "Merge branch 'upstream-then'";
    assert_eq!(
        verdicts(&carried),
        [("First", "clean"), ("Count in German", "resolved"), (merge, "merged"), ("Last", "clean")]
    );
    let new = patch(&carried, merge)["new_commit"].as_str().unwrap();
    assert_eq!(repo.git(&["diff", "--name-only", &format!("{new}^"), new]), "treaty");
    assert_eq!(difference(&repo, &carried), "");
    assert_eq!(repo.file(&commit(&carried), "poem"), settled.trim_end());
}

#[test]
fn a_settlement_counts_also_where_upstream_came_in_by_way_of_another_branch() {
    let repo = upstream_then();
    repo.git(&["branch", "topic", "fork~1"]);
    repo.switch("topic").commit("On the topic", &[("topic", "1\n")]);
    repo.merge("upstream-then");
    repo.switch("fork");
    let settled = POEM.replace("three", "III (drei)");
    repo.merge_settled("topic", &[("poem", &settled), ("treaty", "signed\n")]);
    upstream_goes_on(&repo);

    let carried = carry(&repo, 0);

    assert_eq!(
        verdicts(&carried),
        [
            ("First", "clean"),
            ("Count in German", "resolved"),
            ("On the topic", "clean"),
            ("Merge branch 'upstream-then'", "empty"),
            ("Merge branch 'topic'", "merged"),
        ],
        "{carried:#}"
    );
    assert_eq!(difference(&repo, &carried), "");
    assert_eq!(parents(&repo, &carried, "Merge branch 'topic'"), ["Count in German", "On the topic"]);
    let flat = rebase(&repo, &["--onto", "v2", "--flatten"]).run().exits(0).json();
    assert_eq!(flat["candidate"]["tree"], carried["candidate"]["tree"]);
}

#[test]
fn a_merge_of_two_branches_of_the_fork_settles_nothing_with_upstream() {
    let repo = begun();
    branch(&repo, "topic", &[("topic", "1\n")]);
    repo.commit("Count in German", &[("poem", &POEM.replace("three", "drei"))]);
    repo.merge("topic");
    repo.commit("Count in Dutch", &[("poem", &POEM.replace("three", "drie"))]);
    repo.switch("main").commit("Count in Roman (#9)", &[("poem", &POEM.replace("three", "III"))]);
    upstream_goes_on(&repo);

    let carried = carry(&repo, 3);

    assert_eq!(patch(&carried, "Count in German")["verdict"], "conflict");
    assert_eq!(patch(&carried, "Count in Dutch")["verdict"], "blocked");
}

#[test]
fn what_was_done_in_one_merge_of_upstream_and_settled_in_the_next_is_not_asked() {
    let repo = upstream_then();
    let first = POEM.replace("three", "III (drei)");
    repo.merge_settled("upstream-then", &[("poem", &first), ("treaty", "signed\n")]);
    repo.switch("main").commit("Sign too (#11)", &[("treaty", "upstream's own\n")]);
    repo.git(&["branch", "upstream-later"]);
    repo.switch("fork");
    repo.merge_settled("upstream-later", &[("treaty", "upstream's own, signed\n")]);
    upstream_goes_on(&repo);

    let carried = carry(&repo, 0);

    assert_eq!(patch(&carried, "Merge branch 'upstream-then'")["verdict"], "resolved", "{carried:#}");
    assert_eq!(patch(&carried, "Merge branch 'upstream-later'")["verdict"], "empty");
    assert_eq!(difference(&repo, &carried), "");
}

#[test]
fn what_was_edited_in_a_merge_of_two_branches_and_settled_with_upstream_is_not_asked() {
    let repo = begun();
    branch(&repo, "topic", &[("topic", "1\n")]);
    let edited = POEM.replace("three", "drei");
    join(&repo, "Evil merge", &["topic"], &[("topic", "1\n"), ("poem", &edited)]);
    repo.switch("main").commit("Count in Roman (#9)", &[("poem", &POEM.replace("three", "III"))]);
    repo.git(&["branch", "upstream-then"]);
    repo.switch("fork");
    repo.merge_settled("upstream-then", &[("poem", &POEM.replace("three", "III (drei)"))]);
    upstream_goes_on(&repo);

    let carried = carry(&repo, 0);

    let merge = patch(&carried, "Evil merge");
    assert_eq!((&merge["verdict"], &merge["settled"][0]), (&"resolved".into(), &"poem".into()), "{merge:#}");
    assert_eq!(parents(&repo, &carried, "Evil merge"), ["First", "topic"]);
    assert_eq!(difference(&repo, &carried), "");
}

#[test]
fn a_merge_that_only_brings_upstream_is_empty() {
    let repo = begun();
    repo.switch("main").commit("Rework (#9)", &[("poem", &POEM.replace("three", "III"))]);
    repo.git(&["branch", "upstream-then"]);
    repo.switch("fork").merge("upstream-then");
    repo.commit("Last", &[("last", "1\n")]);
    upstream_goes_on(&repo);

    let carried = carry(&repo, 0);

    assert_eq!(
        verdicts(&carried),
        [("First", "clean"), ("Merge branch 'upstream-then'", "empty"), ("Last", "clean")]
    );
    assert_eq!(repo.git(&["log", "--format=%s", &format!("v2..{}", commit(&carried))]), "Last\nFirst");
}

#[test]
fn a_file_that_was_renamed_on_the_merged_side_has_everybodys_changes() {
    let repo = begun();
    repo.branch("topic").git(&["mv", "poem", "verse"]);
    repo.commit_all("Rename the poem");
    repo.switch("fork").commit("Count in German", &[("poem", &POEM.replace("three", "drei"))]);
    repo.merge("topic");
    repo.commit("Say it", &[("verse", &POEM.replace("three", "drei").replace("five", "fünf"))]);
    repo.switch("main").commit("Rework the first line (#9)", &[("poem", &POEM.replace("one", "I"))]);
    upstream_goes_on(&repo);

    let carried = carry(&repo, 0);

    let expected = POEM.replace("one", "I").replace("three", "drei").replace("five", "fünf");
    assert_eq!(repo.file(&commit(&carried), "verse"), expected.trim_end());
    assert_eq!(repo.try_git(&["cat-file", "-e", &format!("{}:first", commit(&carried))]).0, 0);
    assert_eq!(parents(&repo, &carried, "Merge branch 'topic'"), ["Count in German", "Rename the poem"]);
}

#[test]
fn branches_that_merged_each_other_are_carried_with_their_shape() {
    let repo = begun();
    branch(&repo, "one", &[("poem", &POEM.replace("one", "eins"))]);
    branch(&repo, "two", &[("poem", &POEM.replace("five", "fünf"))]);
    let (one, two) = (repo.id("one"), repo.id("two"));
    repo.switch("one").git(&["merge", "--quiet", "--no-ff", "-m", "Two into one", &two]);
    repo.commit("After one", &[("one", "1\n")]);
    repo.switch("two").git(&["merge", "--quiet", "--no-ff", "-m", "One into two", &one]);
    repo.commit("After two", &[("two", "1\n")]);
    repo.switch("fork").merge("one");
    repo.merge("two");
    upstream_goes_on(&repo);

    let carried = carry(&repo, 0);

    assert_eq!(difference(&repo, &carried), "");
    let merges = |range: &str| repo.git(&["log", "--merges", "--topo-order", "--format=%s", range]);
    assert_eq!(merges(&format!("v2..{}", commit(&carried))), merges("v1..fork"));
}

#[test]
fn a_merge_that_took_nothing_over_takes_nothing_over() {
    let repo = begun();
    branch(&repo, "topic", &[("poem", &POEM.replace("three", "drei")), ("topic", "1\n")]);
    repo.git(&["merge", "--quiet", "-s", "ours", "-m", "Only by name", "topic"]);
    repo.switch("main").commit("Rework the first line (#9)", &[("poem", &POEM.replace("one", "I"))]);
    upstream_goes_on(&repo);

    let carried = carry(&repo, 0);

    let new = patch(&carried, "Only by name")["new_commit"].as_str().unwrap().to_owned();
    assert_eq!(parents(&repo, &carried, "Only by name"), ["First", "topic"]);
    assert_eq!(repo.tree(&new), repo.tree(&format!("{new}^1")));
    assert_eq!(
        repo.file(&format!("{new}^2"), "poem"),
        POEM.replace("one", "I").replace("three", "drei").trim_end()
    );
}

#[test]
fn a_merge_of_a_branch_that_was_only_ahead_stays_a_merge() {
    let repo = begun();
    branch(&repo, "topic", &[("topic", "1\n")]);
    repo.merge("topic");
    upstream_goes_on(&repo);

    let carried = carry(&repo, 0);

    assert_eq!(parents(&repo, &carried, "Merge branch 'topic'"), ["First", "topic"]);
}

#[test]
fn what_was_done_in_a_merge_and_conflicts_with_upstream_is_a_question_of_its_own() {
    let repo = begun();
    branch(&repo, "topic", &[("topic", "1\n")]);
    let edited = [("topic", "1\n"), ("poem", &*POEM.replace("three", "drei"))];
    join(&repo, "Evil merge", &["topic"], &edited);
    repo.commit("Last", &[("last", "1\n")]);
    repo.switch("main").commit("Count in Roman (#9)", &[("poem", &POEM.replace("three", "III"))]);
    upstream_goes_on(&repo);

    let carried = carry(&repo, 3);

    let merge = patch(&carried, "Evil merge");
    assert_eq!((&merge["verdict"], &merge["conflicts"][0]["path"]), (&"conflict".into(), &"poem".into()));
    assert_eq!(carried["counts"]["conflict"], 1);
    assert_eq!(patch(&carried, "Last")["verdict"], "clean");
    assert_eq!(carried["candidate"]["commit"], patch(&carried, "First")["new_commit"], "{carried:#}");
}

#[test]
fn a_merge_into_what_a_branch_began_on_brings_nothing_and_settles_nothing() {
    let repo = fork_and_upstream(&[("poem", POEM), ("prose", "once\n")]);
    repo.commit("Count in Roman (#9)", &[("poem", &POEM.replace("three", "III"))]);
    repo.tag("v2").switch("fork");
    repo.branch("topic").commit("Count in German", &[("poem", &POEM.replace("three", "drei"))]);
    repo.commit("Take it back, and end", &[("poem", &POEM.replace("five", "fünf"))]);
    repo.switch("fork").merge("topic");

    for args in [&["--onto", "v2"][..], &["--onto", "v2", "--flatten"]] {
        let carried = rebase(&repo, args).run().exits(3).json();

        assert_eq!(
            verdicts(&carried)[..2],
            [("Count in German", "conflict"), ("Take it back, and end", "blocked")],
            "{carried:#}"
        );
    }
}

#[test]
fn an_octopus_that_brought_upstream_in_beside_a_branch_settles_what_it_settled() {
    let repo = upstream_then();
    branch(&repo, "topic", &[("topic", "1\n")]);
    let settled = POEM.replace("three", "III (drei)");
    join(&repo, "Octopus", &["topic", "upstream-then"], &[("topic", "1\n"), ("poem", &settled)]);
    upstream_goes_on(&repo);

    for args in [&["--onto", "v2"][..], &["--onto", "v2", "--flatten"]] {
        let carried = rebase(&repo, args).run().exits(0).json();

        assert_eq!(patch(&carried, "Count in German")["verdict"], "resolved", "{carried:#}");
        assert_eq!(difference(&repo, &carried), "");
    }
}

#[test]
fn what_a_merge_did_not_want_is_not_wanted_when_upstream_takes_it() {
    let repo = begun();
    branch(&repo, "topic", &[("poem", &POEM.replace("three", "drei"))]);
    repo.git(&["merge", "--quiet", "-s", "ours", "-m", "Only by name", "topic"]);
    repo.switch("main").commit("Count in German (#9)", &[("poem", &POEM.replace("three", "drei"))]);
    upstream_goes_on(&repo);

    let carried = carry(&repo, 0);

    assert_eq!(patch(&carried, "topic")["verdict"], "upstreamed", "{carried:#}");
    assert_eq!(parents(&repo, &carried, "Only by name"), ["First"]);
    assert_eq!(difference(&repo, &carried), "", "as after a patch and its revert");
}
