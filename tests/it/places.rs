//! `patch-moi stack rebase` where a fork lies oddly or borrows its objects, and where a conflict has no
//! name of its own.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use serde_json::Value;

use crate::support::{Repo, fork_and_upstream, patch_moi, write};

fn carry(repo: &Path, code: i32) -> Value {
    let run = patch_moi(repo)
        .args(["stack", "rebase", "--repo", ".", "--branch", "fork", "--onto", "v2", "--json"]);
    run.run().exits(code).json()
}

fn candidate(carry: &Value) -> &str {
    carry["candidate"]["commit"].as_str().unwrap()
}

/// One patch beside one upstream commit.
fn small() -> Repo {
    let repo = fork_and_upstream(&[("poem", "one\n")]);
    repo.commit("Go on (#5)", &[("prose", "once\n")]);
    repo.tag("v2").switch("fork").commit("Add a song", &[("song", "la\n")]);
    repo
}

#[test]
fn a_fork_may_lie_in_a_folder_of_any_name_and_be_a_linked_work_tree() {
    let repo = small();
    let expected = carry(repo.path(), 0);
    for name in [&b"a:b"[..], b"\"quoted", b"#hash", b"two\nlines", b"caf\xe9 \xff"] {
        let path = repo.path().parent().unwrap().join(OsStr::from_bytes(name));
        std::fs::rename(repo.path(), &path).unwrap();
        let carried = carry(&path, 0);
        std::fs::rename(&path, repo.path()).unwrap();
        assert_eq!(candidate(&carried), candidate(&expected), "{path:?}");
    }
    repo.git(&["worktree", "add", "--quiet", "--detach", "../linked"]);
    assert_eq!(candidate(&carry(&repo.path().join("../linked"), 0)), candidate(&expected));
}

#[test]
fn a_fork_may_borrow_from_one_that_borrows_by_a_relative_path() {
    let repo = small();
    let expected = carry(repo.path(), 0);
    let beside = |name: &str| repo.path().parent().unwrap().join(name);
    repo.git(&["clone", "--quiet", "--shared", ".", "../middle"]);
    repo.git(&["clone", "--quiet", "--shared", "../middle", "../last"]);
    write(&beside("middle/.git/objects/info/alternates"), "../../../repo/.git/objects\n");

    let carried = carry(&beside("last"), 0);

    assert_eq!(candidate(&carried), candidate(&expected));
}

#[test]
fn a_shallow_clone_that_reaches_the_base_is_enough() {
    let repo = small();
    let expected = carry(repo.path(), 0);
    let url = format!("file://{}", repo.path().to_str().unwrap());
    repo.git(&[
        "clone",
        "--quiet",
        "--depth",
        "2",
        "--no-single-branch",
        "--branch",
        "v2",
        &url,
        "../shallow",
    ]);
    let shallow = repo.path().parent().unwrap().join("shallow");
    write(&shallow.join(".git/refs/heads/fork"), format!("{}\n", repo.id("fork")));

    assert_eq!(candidate(&carry(&shallow, 0)), candidate(&expected));
}

#[test]
fn a_name_that_git_made_up_for_a_collision_is_an_open_path_by_its_own_name() {
    let repo = fork_and_upstream(&[("poem", "one\n")]);
    repo.commit("Make a folder (#6)", &[("song/verse", "la\n")]);
    repo.tag("v2").switch("fork");
    repo.commit("Add a song", &[("song", "la la\n")]);
    repo.commit("Sing on", &[("song", "la la\nla\n")]);

    let carried = carry(repo.path(), 3);

    let patch = |n: usize| &carried["patches"][n];
    assert_eq!(patch(0)["verdict"], "conflict");
    let made_up = format!("song~{}", repo.id("fork~1"));
    assert_eq!(patch(0)["conflicts"][0]["path"], made_up);
    assert_eq!((&patch(1)["verdict"], &patch(1)["blocked_by"]), (&"blocked".into(), &patch(0)["commit"]));
}

#[test]
fn a_conflict_that_the_second_merge_of_upstream_settled_is_not_asked_again() {
    let poem = |word: &str| format!("one\n\n{word}\n\nfive\n");
    let repo = fork_and_upstream(&[("poem", &poem("three")), ("old", "an old file\nof its own\n")]);
    repo.commit("Early (#1)", &[("early", "1\n")]);
    repo.git(&["branch", "first"]);
    repo.commit("Rework (#2)", &[("poem", &poem("III"))]);
    repo.delete("Drop it (#3)", &["old"]);
    repo.git(&["branch", "second"]);
    repo.commit("Late (#4)", &[("late", "1\n")]);
    repo.tag("v2").switch("fork");
    repo.commit("Count in German", &[("poem", &poem("drei"))]);
    repo.commit("Keep the old one fresh", &[("old", "an old file\nof its own, kept\n")]);
    repo.merge("first");
    let (code, _) = repo.try_git(&["merge", "--no-ff", "--no-commit", "second"]);
    assert_eq!(code, 1);
    repo.git(&["rm", "--quiet", "--force", "old"]);
    repo.commit("Merge branch 'second'", &[("poem", &poem("III (drei)")), ("extra", "1\n")]);

    let carried = carry(repo.path(), 0);

    let verdicts: Vec<_> = carried["patches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|patch| patch["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(verdicts, ["resolved", "empty", "empty", "merged"], "{carried:#}");
    let tree = repo.git(&["ls-tree", "--name-only", candidate(&carried)]);
    assert_eq!(tree.lines().collect::<Vec<_>>(), ["early", "extra", "late", "poem"]);
    assert_eq!(repo.file(candidate(&carried), "poem"), poem("III (drei)").trim_end());
}
