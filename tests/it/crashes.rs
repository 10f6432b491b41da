//! Changes on which git's own merge dies (2.47 breaks an assertion of its own where a link is renamed on one side, and
//! on the other becomes a submodule whose new name is taken): they are a conflict like any other.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;

use crate::pick::pick;
use crate::stack::rebase;
use crate::support::{Program, Repo, Workspace, patch_moi, write};

/// Upstream makes a submodule of a link that the fork moves, and takes the new name.
fn world() -> Workspace {
    let workspace = Workspace::on_v1();
    let (upstream, fork) = (&workspace.upstream, &workspace.fork);
    symlink("target", upstream.path().join("link")).unwrap();
    upstream.commit_all("Link (#2)");
    fork.git(&["pull", "--quiet", "--ff-only", "upstream", "main"]);
    fork.commit("Colour output", &[("colour.txt", "red\n")]);
    fork.git(&["mv", "link", "moved"]);
    fork.commit_all("Move the link");
    fork.commit("Mind the gap", &[("notes.txt", "mind the gap\n")]);
    fs::remove_file(fork.path().join("moved")).unwrap();
    symlink("elsewhere", fork.path().join("moved")).unwrap();
    fork.commit_all("Point elsewhere");
    fs::remove_file(upstream.path().join("link")).unwrap();
    fs::create_dir(upstream.path().join("link")).unwrap();
    let submodule = format!("160000,{},link", "1".repeat(40));
    upstream.git(&["update-index", "--add", "--cacheinfo", &submodule]);
    upstream.commit("A module (#7)", &[("moved", "upstream's\n")]);
    workspace.release_v2(&[("engine.txt", "pistons: 6\n")]);
    workspace
}

/// Whether this git dies of it too: one day it will not, and then there is nothing to see here.
fn dies(repo: &Repo, onto: &str, patch: &str) -> bool {
    let base = format!("--merge-base={patch}~1");
    let run = std::process::Command::new("git")
        .current_dir(repo.path())
        .args(["merge-tree", "--write-tree", &base, onto, patch])
        .output()
        .unwrap();
    run.status.code().is_none()
}

fn patches(document: &Value) -> Vec<(&str, &str)> {
    let patches = document["patches"].as_array().unwrap().iter();
    patches.map(|patch| (patch["subject"].as_str().unwrap(), patch["verdict"].as_str().unwrap())).collect()
}

const NOTE: &str =
    "git's own merge ended with signal 6 (SIGABRT) on it, so nobody knows which paths are in conflict";

#[test]
fn a_patch_on_which_git_dies_gets_a_verdict_as_all_others_do() {
    let workspace = world();
    let repo = &workspace.fork;
    repo.git(&["fetch", "--quiet", "--tags", "upstream"]);
    repo.git(&["branch", "fork", "main"]);
    if !dies(repo, "v2", "main~2") {
        return;
    }

    let run = rebase(repo, &["--onto", "v2"]).run().exits(3);

    let json = run.json();
    let expected = [
        ("Colour output", "clean"),
        ("Move the link", "conflict"),
        ("Mind the gap", "clean"),
        ("Point elsewhere", "blocked"),
    ];
    assert_eq!(patches(&json), expected, "{run}");
    let patch = &json["patches"][1];
    assert_eq!(patch["conflicts"], serde_json::json!([]));
    assert_eq!(patch["notes"], serde_json::json!([NOTE]));
    assert_eq!(patch["culprit"]["pull_request"], 7, "{patch}");

    // A pick has no verdict to say it with.
    let (moved, plain, onto) = (repo.id("main~2"), repo.id("main~1"), repo.id("v2"));
    let run = pick(repo, &[(&moved, &onto), (&plain, &onto)]).exits(1);
    let answers = run.json_lines();
    assert!(answers[0]["error"].as_str().unwrap().contains("signal 6 (SIGABRT)"), "{run}");
    assert!(answers[1]["tree"].is_string(), "{run}");
}

#[test]
fn a_person_makes_by_hand_what_git_dies_of() {
    let workspace = world();
    workspace.fork.git(&["fetch", "--quiet", "upstream", "refs/tags/v2:refs/check/v2"]);
    if !dies(&workspace.fork, "refs/check/v2", "main~2") {
        return;
    }
    workspace.fork.git(&["update-ref", "-d", "refs/check/v2"]);
    let workspace = workspace.with_flow("");
    let run = workspace.run_tag("v2").run().exits(3);
    let document = workspace.candidate("v2");
    assert_eq!(document["patches"][1]["verdict"], "conflict", "{run}");
    let report = fs::read_to_string(workspace.artifact("v2").join("report.md")).unwrap();
    assert!(report.contains("SIGABRT"), "{report}");

    let tree = workspace.path().with_file_name("fork-v2");
    let resume = |args: &[&str]| -> Program {
        patch_moi(workspace.path()).args(["resume"]).args(args).env("DATA_DIR", workspace.data())
    };
    let git =
        |dir: &Path, args: &[&str]| workspace.fork.git(&[&["-C", dir.to_str().unwrap()], args].concat());
    let show = format!("git show {}", workspace.fork.id("main~2"));
    let run = resume(&["v2"]).run().exits(3);
    let _ = run.prints(&["Move the link", NOTE, "cherry-pick ended with signal 6", &show]);
    assert_eq!(git(&tree, &["status", "--porcelain"]), "", "the state before the patch");
    assert_eq!(git(&tree, &["log", "-1", "--format=%s"]), "Colour output");

    // Who goes on without having made anything has left nothing out.
    let _ = resume(&["v2", "--continue"]).run().exits(3).says(&["nothing of", "--skip", &show]);
    write(&tree.join("moved"), "upstream's, and ours\n");
    git(&tree, &["add", "moved"]);
    let _ = resume(&["v2", "--continue"]).run().exits(3).prints(&["Point elsewhere"]);
    let run = resume(&["v2", "--skip"]).run().exits(0);

    let document = workspace.candidate("v2");
    let verdicts: Vec<&str> = patches(&document).iter().map(|(_, verdict)| *verdict).collect();
    assert_eq!(verdicts, ["clean", "resolved", "clean", "empty"], "{run}");
    let commit = document["candidate"]["commit"].as_str().unwrap();
    assert_eq!(workspace.fork.git(&["show", &format!("{commit}:moved")]), "upstream's, and ours");
    let artifact = workspace.artifact("v2");
    let verify = ["verify", artifact.to_str().unwrap()];
    let _ = patch_moi(workspace.path()).args(verify).env("DATA_DIR", workspace.data()).run().exits(0);
}
