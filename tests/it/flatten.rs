//! The patches as one line without merges, for those who want it.

use serde_json::Value;

use crate::stack::{POEM, commit, patch, rebase, verdicts};
use crate::support::{Repo, Workspace, fork_and_upstream};

#[track_caller]
fn flat(repo: &Repo, code: i32) -> Value {
    rebase(repo, &["--onto", "v2", "--flatten"]).run().exits(code).json()
}

fn merges(repo: &Repo, candidate: &str) -> String {
    repo.git(&["rev-list", "--count", "--merges", &format!("v2..{candidate}")])
}

/// Two branches that meet; with `settled`, both changed one line and a person settled it and added a file.
fn two_branches(settled: bool) -> Repo {
    let repo = fork_and_upstream(&[("poem", POEM), ("prose", "once\n")]);
    repo.commit("Go on", &[("prose", "once upon\n")]);
    repo.tag("v2").switch("fork");
    repo.commit("First", &[("first", "1\n")]);
    repo.branch("topic").commit("On the topic", &[("poem", &POEM.replace("three", "drei"))]);
    repo.commit("More on the topic", &[("topic", "1\n")]);
    repo.switch("fork");
    if settled {
        repo.commit("On the branch", &[("poem", &POEM.replace("three", "trois"))]);
        repo.merge_settled(
            "topic",
            &[("poem", &POEM.replace("three", "drei trois")), ("treaty", "signed\n")],
        );
    } else {
        repo.commit("On the branch", &[("poem", &POEM.replace("one", "un"))]);
        repo.merge("topic");
    }
    repo.commit("Last", &[("last", "1\n")]);
    repo
}

#[test]
fn branches_become_one_line_with_the_same_tree() {
    let repo = two_branches(false);

    let carried = flat(&repo, 0);

    assert_eq!(
        verdicts(&carried),
        [
            ("First", "clean"),
            ("On the branch", "clean"),
            ("On the topic", "merged"),
            ("More on the topic", "clean"),
            ("Merge branch 'topic'", "empty"),
            ("Last", "clean"),
        ]
    );
    let candidate = commit(&carried);
    assert_eq!(merges(&repo, &candidate), "0");
    let kept = rebase(&repo, &["--onto", "v2"]).run().exits(0).json();
    assert_eq!(carried["candidate"]["tree"], kept["candidate"]["tree"]);
    assert_eq!(merges(&repo, &commit(&kept)), "1", "without being asked, the merge is kept");
    repo.git(&["branch", "by-git", "fork"]);
    repo.git(&["rebase", "--quiet", "v2", "by-git"]);
    assert_eq!(repo.tree("by-git"), repo.tree(&candidate));
    let count = |rev: &str| repo.git(&["rev-list", "--count", &format!("v2..{rev}")]);
    assert_eq!(count("by-git"), count(&candidate));
}

#[test]
fn what_was_done_in_a_merge_goes_on_as_an_ordinary_commit_and_nothing_is_asked_again() {
    let repo = two_branches(true);

    let carried = flat(&repo, 0);

    assert_eq!(patch(&carried, "On the topic")["verdict"], "resolved", "{carried:#}");
    let merge = patch(&carried, "Merge branch 'topic'");
    assert_eq!(
        (&merge["merge"], &merge["verdict"]),
        (&Value::from(true), &Value::from("merged")),
        "{merge:#}"
    );
    let new = merge["new_commit"].as_str().unwrap();
    assert_eq!(repo.git(&["diff", "--name-only", &format!("{new}^"), new]), "treaty");
    assert_eq!(repo.git(&["log", "-1", "--format=%s", new]), "Merge branch 'topic'");
    let candidate = commit(&carried);
    assert_eq!(merges(&repo, &candidate), "0");
    assert_eq!(repo.file(&candidate, "poem"), POEM.replace("three", "drei trois").trim_end());
    let counts = &carried["counts"];
    assert_eq!((&counts["patches"], &counts["resolved"]), (&Value::from(6), &Value::from(1)));
}

#[test]
fn a_history_of_its_own_becomes_part_of_the_line() {
    let repo = two_branches(false);
    repo.git(&["switch", "--quiet", "--orphan", "other"]);
    repo.commit("Begin a tool", &[("tool", "1\n")]);
    repo.switch("fork").git(&[
        "merge",
        "--quiet",
        "--allow-unrelated-histories",
        "-m",
        "Bring the tool in",
        "other",
    ]);

    let carried = flat(&repo, 0);

    assert_eq!(patch(&carried, "Begin a tool")["verdict"], "clean");
    let candidate = commit(&carried);
    assert_eq!(merges(&repo, &candidate), "0");
    assert_eq!(repo.file(&candidate, "tool"), "1");
    assert_eq!(repo.git(&["rev-list", "--max-parents=0", "--count", &candidate]), "1");
}

#[test]
fn a_conflict_leaves_its_patch_out_of_the_line_and_nothing_else() {
    let repo = two_branches(false);
    repo.switch("main").git(&["tag", "--delete", "v2"]);
    repo.commit("Count (#9)", &[("poem", &POEM.replace("three", "III"))]);
    repo.tag("v2").switch("fork");

    let carried = flat(&repo, 3);

    assert_eq!(patch(&carried, "On the topic")["verdict"], "conflict");
    assert_eq!(carried["candidate"]["commit"], patch(&carried, "On the branch")["new_commit"]);
    let partial = carried["partial"].as_str().unwrap();
    assert_eq!((merges(&repo, partial).as_str(), repo.file(partial, "last").as_str()), ("0", "1"));
}

#[test]
fn a_flow_says_it_once_and_run_and_verify_agree() {
    let workspace = Workspace::clean();
    workspace.fork.git(&["branch", "topic", "main~1"]);
    workspace.fork.switch("topic").commit("On the topic", &[("topic.txt", "1\n")]);
    workspace.fork.switch("main").merge("topic");
    let flow = workspace.flow_toml("").replace("[config]\n", "[config]\nflatten = true\n");
    workspace.install_flow(&flow);
    workspace.lock();

    let _ = workspace.run_tag("v2").run().exits(0);

    let candidate = workspace.candidate("v2");
    let id = commit(&candidate);
    let onto = workspace.upstream.id("v2");
    assert_eq!(workspace.fork.git(&["rev-list", "--count", "--merges", &format!("{onto}..{id}")]), "0");
    assert_eq!(candidate["counts"]["empty"], 1);
    let dir = workspace.artifact("v2");
    let _ =
        crate::support::patch_moi(workspace.path()).args(["verify", dir.to_str().unwrap()]).run().exits(0);
}
