//! Clones that lack objects, history or files, through everything that a fork goes through: run, checks, `resume`,
//! `verify`, `publish`.

use std::fs;
use std::path::Path;

use crate::support::{Program, Workspace, file_url, patch_moi, write};
use crate::verify::downloaded;

/// How a clone lacks something: the options of `git clone`.
const CLONES: [&[&str]; 3] = [&["--filter=blob:none"], &["--filter=tree:0"], &["--depth=1"]];

const CHECK: &str = "[[checks]]\nname = \"build\"\ncommand = [\"grep\", \"-r\", \"\", \"engine.txt\", \"README.md\", \"colour.txt\"]\n";

/// A server of what the workspace's fork has.
fn serve(workspace: &Workspace) -> String {
    let bare = workspace.data().parent().unwrap().join("fork.git");
    if !bare.exists() {
        let at = bare.to_str().unwrap();
        workspace.fork.git(&["clone", "--quiet", "--bare", workspace.path().to_str().unwrap(), at]);
        for key in ["allowFilter", "allowAnySHA1InWant"] {
            workspace.fork.git(&["--git-dir", at, "config", &format!("uploadpack.{key}"), "true"]);
        }
    }
    file_url(&bare)
}

/// Makes a clone with these options of the workspace's fork. Its files stay, and so do flows and lock.
pub(crate) fn clone_anew(workspace: &Workspace, options: &[&str]) {
    let url = serve(workspace);
    let clone = workspace.data().parent().unwrap().join("clone");
    let to = clone.to_str().unwrap().to_owned();
    let args = [&["clone", "--quiet", "--no-checkout", "--branch", "main"], options, &[&url, &to]].concat();
    workspace.upstream.git(&args);
    fs::remove_dir_all(workspace.path().join(".git")).unwrap();
    fs::rename(clone.join(".git"), workspace.path().join(".git")).unwrap();
    fs::remove_dir_all(clone).unwrap();
    let upstream = file_url(workspace.upstream.path());
    workspace.fork.git(&["remote", "add", "upstream", &upstream]);
    workspace.fork.git(&["reset", "--quiet"]);
}

fn inside(workspace: &Workspace, args: &[&str]) -> Program {
    let home = workspace.data().parent().unwrap().to_owned();
    patch_moi(workspace.path())
        .args(args)
        .env("DATA_DIR", workspace.data())
        .env("GITHUB_OUTPUT", home.join("outputs.txt"))
        .env("GITHUB_STEP_SUMMARY", home.join("summary.md"))
}

#[test]
fn a_candidate_is_checked_verified_and_published_from_a_clone_that_lacks_something() {
    for options in CLONES {
        let workspace = Workspace::clean().with_flow(CHECK);
        workspace.follow("file:///none", &serde_json::json!({}));
        clone_anew(&workspace, options);

        let run = workspace.run_tag("v2").run().exits(0);

        let log = fs::read_to_string(workspace.artifact("v2").join("checks/build.log")).unwrap();
        assert!(
            log.contains("colour.txt:red") && log.contains("README.md:# engine"),
            "{options:?}\n{log}\n{run}"
        );
        let commit = workspace.candidate("v2")["candidate"]["commit"].as_str().unwrap().to_owned();
        let dir = downloaded(&workspace, "v2");
        fs::remove_dir_all(workspace.path().join(".codex/workspace")).unwrap();
        fs::remove_dir_all(workspace.data()).unwrap();
        // The job that publishes has another machine.
        clone_anew(&workspace, options);
        let dir = dir.to_str().unwrap();
        let _ = inside(&workspace, &["verify", dir]).run().exits(0);
        clone_anew(&workspace, options);
        let run = inside(&workspace, &["publish", dir]).env("GITHUB_ACTIONS", "true").run().exits(0);
        let bare = workspace.data().parent().unwrap().join("fork.git");
        let at = ["--git-dir", bare.to_str().unwrap()];
        let published = [&at[..], &["rev-parse", "refs/heads/patch-moi/candidate/v2"]].concat();
        assert_eq!(workspace.upstream.git(&published), commit, "{options:?}\n{run}");
        workspace.upstream.git(&[&at[..], &["fsck", "--connectivity-only"]].concat());
    }
}

/// From the first conflict to the candidate: its work tree, and the check at the end, need what the clone lacks.
fn settle(workspace: &Workspace, about: &str) {
    let tree = workspace.path().with_file_name("fork-v2");
    let _ = workspace.run_tag("v2").run().exits(3);
    let _ = inside(workspace, &["resume", "v2"]).run().exits(3).prints(&["More pistons"]);
    for pistons in ["6 and 8", "6 and 12"] {
        write(&tree.join("engine.txt"), format!("pistons: {pistons}\n"));
        workspace.fork.git(&["-C", tree.to_str().unwrap(), "add", "--sparse", "engine.txt"]);
        let run = inside(workspace, &["resume", "v2", "--continue"]).run();
        assert_eq!(run.code, Some(if pistons == "6 and 12" { 0 } else { 3 }), "{about}\n{run}");
    }
    let document = workspace.candidate("v2");
    let commit = document["candidate"]["commit"].as_str().unwrap();
    assert_eq!(workspace.fork.id("refs/patch-moi/candidate/v2"), commit, "{about}");
    assert_eq!(workspace.fork.git(&["show", &format!("{commit}:engine.txt")]), "pistons: 6 and 12");
    workspace.fork.git(&["fsck", "--connectivity-only"]);
}

#[test]
fn a_conflict_is_settled_in_a_clone_that_lacks_something() {
    for options in CLONES {
        let workspace = Workspace::conflicting().with_flow(CHECK);
        clone_anew(&workspace, options);
        settle(&workspace, &format!("{options:?}"));
    }
}

#[test]
fn a_sparse_checkout_is_carried_and_settled_as_a_whole_one() {
    let workspace = Workspace::conflicting().with_flow(CHECK);
    workspace.fork.git(&["sparse-checkout", "set", "--no-cone", "/README.md"]);
    assert!(!workspace.path().join("engine.txt").exists());
    settle(&workspace, "sparse");
    assert!(!Path::new(&workspace.path().join("engine.txt")).exists(), "it stays as it was");
}
