//! A conflict is not the end: `resume` from the first question to the candidate.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Output, Program, Repo, UPSTREAM, Workspace, executable, patch_moi, write};

/// `patch-moi resume` in the workspace.
fn resume(workspace: &Workspace, args: &[&str]) -> Program {
    resume_in(workspace, workspace.path(), args)
}

fn resume_in(workspace: &Workspace, dir: &Path, args: &[&str]) -> Program {
    patch_moi(dir).args(["resume"]).args(args).env("DATA_DIR", workspace.data())
}

/// Where the work tree is by default.
fn beside(workspace: &Workspace) -> PathBuf {
    workspace.path().with_file_name("fork-v2")
}

/// git in a work tree of the fork.
fn git(workspace: &Workspace, tree: &Path, args: &[&str]) -> String {
    let all = [&["-C", tree.to_str().unwrap()], args].concat();
    workspace.fork.git(&all)
}

fn settle(workspace: &Workspace, tree: &Path, content: &str) {
    write(&tree.join("engine.txt"), content);
    git(workspace, tree, &["add", "engine.txt"]);
}

fn refs(workspace: &Workspace) -> String {
    workspace.fork.git(&["for-each-ref", "--format=%(objectname) %(refname)"])
}

fn verdicts(document: &Value) -> Vec<&str> {
    document["patches"].as_array().unwrap().iter().map(|patch| patch["verdict"].as_str().unwrap()).collect()
}

/// A workspace in which v2 was carried as far as it goes.
fn carried() -> Workspace {
    let workspace = Workspace::conflicting().with_flow("");
    let _ = workspace.run_tag("v2").run().exits(3);
    workspace
}

#[track_caller]
fn stops_at(run: Output, subject: &str) -> Output {
    let run = run.exits(3);
    assert!(run.stdout.contains(subject), "{run}");
    run
}

#[test]
fn what_cannot_be_resumed_is_said() {
    let workspace = carried();
    let _ = resume(&workspace, &[]).run().exits(2).says(&["no release is named"]);
    let _ = resume(&workspace, &["v9", "--repo", UPSTREAM]).run().exits(2).says(&["v9"]);
    let _ = resume(&workspace, &["--continue"]).run().exits(0).prints(&["no release is being settled"]);
    let _ = resume(&workspace, &["v2", "--skip"]).run().exits(2).says(&["not being settled"]);
    let _ = resume(&workspace, &["./.codex"]).run().exits(2).says(&["no candidate.json"]);
    let _ = resume(&workspace, &["v2", "--continue", "--abort"]).run().exits(2);
    write(&beside(&workspace).join("mine"), "x");
    let _ = resume(&workspace, &["v2"]).run().exits(2).says(&["holds something already", "--worktree"]);
    assert_eq!(fs::read_to_string(beside(&workspace).join("mine")).unwrap(), "x");
}

#[test]
fn the_work_tree_is_as_git_leaves_it_when_a_person_types_the_commands_of_the_report() {
    let workspace = carried();
    let report = fs::read_to_string(workspace.artifact("v2").join("report.md")).unwrap();
    assert!(report.contains("patch-moi resume ARTIFACT"), "{report}");
    let document = workspace.candidate("v2");
    let config = workspace.path().join("../gitconfig");
    write(&config, "[merge]\n\tconflictStyle = zdiff3\n[rerere]\n\tenabled = true\n");

    let run = resume(&workspace, &["v2"]).env("GIT_CONFIG_GLOBAL", &config).run();
    let _ = stops_at(run, "More pistons");

    let plain = workspace.path().with_file_name("plain");
    let at = document["candidate"]["commit"].as_str().unwrap();
    let patch = document["patches"][1]["commit"].as_str().unwrap();
    assert!(report.contains(&format!("worktree add --detach ../patch-moi-v2 {at}")), "{report}");
    assert!(report.contains(&format!("cherry-pick {patch}")), "{report}");
    let global = format!("include.path={}", config.display());
    let with = ["-c", &global];
    workspace.fork.git(&["worktree", "add", "--detach", plain.to_str().unwrap(), at]);
    let all = [&["-C", plain.to_str().unwrap()], &with[..], &["cherry-pick", patch]].concat();
    assert_eq!(workspace.fork.try_git(&all).0, 1);
    let ours = beside(&workspace);
    for args in [
        &["ls-files", "--stage"][..],
        &["rev-parse", "HEAD", "CHERRY_PICK_HEAD"],
        &["status", "--porcelain=v2"],
        &["rerere", "status"],
    ] {
        assert_eq!(git(&workspace, &ours, args), git(&workspace, &plain, args), "{args:?}");
    }
    let text = fs::read_to_string(ours.join("engine.txt")).unwrap();
    assert_eq!(text, fs::read_to_string(plain.join("engine.txt")).unwrap());
    assert!(text.contains("|||||||"), "the person's own style\n{text}");
}

/// The whole way, from the first question to the candidate.
fn settled_one_after_the_other(workspace: &Workspace, begin: &[&str]) -> Value {
    let tree = beside(workspace);
    let _ = stops_at(resume(workspace, begin).run(), "patch 2 of 3");
    settle(workspace, &tree, "pistons: 6 and 8\n");
    let _ = stops_at(resume_in(workspace, &tree, &["--continue"]).run(), "patch 3 of 3");
    assert_eq!(git(workspace, &tree, &["diff", "--name-only", "--diff-filter=U"]), "engine.txt");
    // This time as git says it.
    settle(workspace, &tree, "pistons: 6 and 12\n");
    git(workspace, &tree, &["cherry-pick", "--continue"]);
    let run = resume(workspace, &["v2", "--continue", "--json"]).run().exits(0);
    let said = run.json();
    assert_eq!(said["state"], "done", "{run}");
    assert_eq!(said["settled"].as_array().unwrap().len(), 2);
    assert!(!tree.exists(), "the work tree goes");
    assert!(!workspace.path().join(".codex/workspace/actions/resume/v2.json").exists());
    let document = workspace.candidate("v2");
    assert_eq!(document["status"], "candidate");
    assert_eq!(verdicts(&document), ["clean", "resolved", "resolved"]);
    let commit = document["candidate"]["commit"].as_str().unwrap();
    assert_eq!(workspace.fork.id("refs/patch-moi/candidate/v2"), commit);
    assert_eq!(workspace.fork.git(&["show", &format!("{commit}:engine.txt")]), "pistons: 6 and 12");
    assert_eq!(workspace.journal("releases.jsonl").last().unwrap()["state"], "candidate");
    workspace.fork.git(&["fsck", "--strict"]);
    workspace.assert_nothing_half_written();
    document
}

#[test]
fn two_conflicts_are_settled_one_after_the_other_and_the_end_is_a_candidate() {
    let workspace = carried();

    let document = settled_one_after_the_other(&workspace, &["v2"]);

    assert_eq!(document["patches"][1]["settled"], serde_json::json!(["engine.txt"]));
    let settlements = document["settlements"].as_array().unwrap();
    assert_eq!(settlements.len(), 2);
    assert_eq!(settlements[0]["commit"], document["patches"][1]["commit"]);
    assert_eq!(settlements[0]["tree"], document["patches"][1]["tree"]);
    let _ = resume(&workspace, &["v2"]).run().exits(0).prints(&["complete already"]);
}

#[test]
fn the_same_answers_give_the_same_candidate_in_another_clone_and_from_an_artifact() {
    let first = carried();
    let artifact = first.path().with_file_name("downloaded");
    copy(&first.artifact("v2"), &artifact);
    let candidate = settled_one_after_the_other(&first, &["v2"])["candidate"].clone();

    let second = Workspace::conflicting().with_flow("");
    let from = second.path().with_file_name("downloaded");
    copy(&artifact, &from);
    let other = settled_one_after_the_other(&second, &[from.to_str().unwrap()]);

    assert_eq!(other["candidate"], candidate);
}

#[test]
fn nothing_but_the_tag_is_enough() {
    let workspace = Workspace::conflicting();
    let url = format!("file://{}", workspace.upstream.path().display());
    let begin = ["v2", "--repo", UPSTREAM, "--branch", "main", "--upstream-url", &url];

    settled_one_after_the_other(&workspace, &begin);
}

#[test]
fn an_artifact_whose_release_or_patches_are_other_ones_now_is_refused() {
    let workspace = carried();
    let artifact = workspace.artifact("v2");
    let file = artifact.join("candidate.json");
    let text = fs::read_to_string(&file).unwrap();
    let (tip, onto) = (workspace.fork.id("main"), workspace.upstream.id("v2"));
    let dir = artifact.to_str().unwrap();

    fs::write(&file, text.replace(&tip, &"1".repeat(40))).unwrap();
    let _ = resume(&workspace, &[dir]).run().exits(2).says(&["does not have 1111"]);
    fs::write(&file, text.replace(&onto, &workspace.upstream.id("v1"))).unwrap();
    let _ = resume(&workspace, &[dir]).run().exits(1).says(&["was carried to", "names"]);
    fs::write(&file, "[]").unwrap();
    let _ = resume(&workspace, &[dir]).run().exits(2).says(&["is not a candidate.json"]);
    assert!(!beside(&workspace).exists());
}

#[test]
fn a_tag_that_moved_since_is_loud() {
    let workspace = carried();
    let _ = resume(&workspace, &["v2"]).run().exits(3);
    workspace.upstream.git(&["tag", "--force", "v2", "main"]);
    settle(&workspace, &beside(&workspace), "pistons: 6 and 8\n");

    let _ = resume(&workspace, &["--continue"]).run().exits(1).says(&["named", "names", "now"]);
    let _ = resume(&workspace, &["--status"]).run().exits(0).prints(&["settled", "More pistons"]);
}

#[test]
fn what_is_not_settled_is_not_taken() {
    let workspace = carried();
    let tree = beside(&workspace);
    let _ = resume(&workspace, &["v2"]).run().exits(3);

    let _ = resume(&workspace, &["--continue"]).run().exits(3).says(&["still in conflict: engine.txt"]);
    git(&workspace, &tree, &["add", "engine.txt"]);
    let run = resume(&workspace, &["--continue"]).run().exits(3);
    let run = run.says(&["full of conflict markers: engine.txt"]);
    assert!(run.stderr.contains("resume v2 --continue"), "{run}");
    settle(&workspace, &tree, "pistons: 6 and 8\n");
    write(&tree.join("engine.txt"), "not staged\n");
    let _ = resume(&workspace, &["--continue"]).run().exits(3).says(&["not staged: engine.txt"]);
    git(&workspace, &tree, &["checkout", "--quiet", "--force", "--detach", "main"]);
    let _ = resume(&workspace, &["--continue"]).run().exits(2).says(&["does not stand on"]);

    let status = resume(&workspace, &["--status", "--json"]).run().exits(0).json();
    assert_eq!((&status["state"], &status["patch"]["number"]), (&"stopped".into(), &2.into()));
    assert_eq!(status["settled"], serde_json::json!([]));
    assert_eq!(status["patch"]["conflicts"][0]["path"], "engine.txt");
}

#[test]
fn a_patch_that_is_skipped_is_left_out_and_said() {
    let workspace = carried();
    let _ = resume(&workspace, &["v2"]).run().exits(3);
    write(&beside(&workspace).join("engine.txt"), "thrown away\n");

    let _ = stops_at(resume(&workspace, &["--skip"]).run(), "left out");
    settle(&workspace, &beside(&workspace), "pistons: 12 on 6\n");
    let _ = resume(&workspace, &["--continue"]).run().exits(0).prints(&["left out  0002 More pistons"]);

    let document = workspace.candidate("v2");
    assert_eq!(verdicts(&document), ["clean", "empty", "resolved"]);
    assert!(document["patches"][1]["notes"][0].as_str().unwrap().contains("left out"));
    let report = fs::read_to_string(workspace.artifact("v2").join("report.md")).unwrap();
    assert!(report.contains("kept nothing of it"), "{report}");
}

#[test]
fn giving_up_leaves_the_fork_as_it_was() {
    let workspace = carried();
    let before = refs(&workspace);
    let _ = resume(&workspace, &["v2"]).run().exits(3);
    settle(&workspace, &beside(&workspace), "pistons: 6 and 8\n");
    let _ = resume(&workspace, &["--continue"]).run().exits(3);

    let _ = resume(&workspace, &["--abort"]).run().exits(0).prints(&["given up"]);

    assert_eq!(refs(&workspace), before);
    assert!(!beside(&workspace).exists());
    assert_eq!(workspace.fork.git(&["worktree", "list"]).lines().count(), 1);
    let _ = resume(&workspace, &["--status"]).run().exits(0).prints(&["no release is being settled"]);
    workspace.assert_nothing_half_written();
}

#[test]
fn whoever_is_killed_in_between_goes_on_where_they_were() {
    let workspace = carried();
    let tree = beside(&workspace);
    let mut killed = 0;
    for milliseconds in (20..600).step_by(40) {
        let run = resume(&workspace, &["v2"]).killed_after(milliseconds).run();
        killed += usize::from(run.code.is_none());
    }
    assert!(killed > 0);
    let _ = stops_at(resume(&workspace, &["v2"]).run(), "patch 2 of 3");
    assert!(fs::read_to_string(tree.join("engine.txt")).unwrap().contains("<<<<<<<"));
    settle(&workspace, &tree, "pistons: 6 and 8\n");
    for milliseconds in (20..600).step_by(40) {
        let _ = resume(&workspace, &["--continue"]).killed_after(milliseconds).run();
    }
    let _ = resume(&workspace, &["v2"]).run().exits(3).prints(&["settled   0002", "patch 3 of 3"]);
    settle(&workspace, &tree, "pistons: 6 and 12\n");
    for milliseconds in (20..600).step_by(60) {
        let _ = resume(&workspace, &["v2", "--continue"]).killed_after(milliseconds).run();
    }
    let run = resume(&workspace, &["v2"]).run().exits(0);
    assert!(run.stdout.contains("settled") || run.stdout.contains("complete already"), "{run}");
    assert_eq!(verdicts(&workspace.candidate("v2")), ["clean", "resolved", "resolved"]);
    workspace.assert_nothing_half_written();
    workspace.fork.git(&["fsck", "--strict"]);
}

#[test]
fn a_work_tree_that_was_removed_is_made_again() {
    let workspace = carried();
    let _ = resume(&workspace, &["v2"]).run().exits(3);
    fs::remove_dir_all(beside(&workspace)).unwrap();

    let _ = stops_at(resume(&workspace, &["--continue"]).run(), "nothing was taken as settled");

    assert!(fs::read_to_string(beside(&workspace).join("engine.txt")).unwrap().contains("<<<<<<<"));
}

#[test]
fn something_else_in_the_work_trees_place_is_not_touched() {
    let workspace = carried();
    let tree = beside(&workspace);
    let _ = resume(&workspace, &["v2"]).run().exits(3);
    fs::remove_dir_all(&tree).unwrap();
    let other = Repo::at(&tree);
    other.commit("Mine", &[("mine", "1\n")]);
    write(&tree.join("mine"), "2\n");

    for act in ["--continue", "--skip"] {
        let _ = resume(&workspace, &[act]).run().exits(2).says(&["is no work tree of"]);
    }
    let _ = resume(&workspace, &["--abort"]).run().exits(0).prints(&["stays"]);

    assert_eq!(fs::read_to_string(tree.join("mine")).unwrap(), "2\n");
}

#[test]
fn files_of_the_persons_own_are_not_removed_with_the_work_tree() {
    let workspace = carried();
    let tree = beside(&workspace);
    let _ = resume(&workspace, &["v2"]).run().exits(3);
    settle(&workspace, &tree, "pistons: 6 and 8\n");
    write(&tree.join("notes"), "mine\n");
    let _ = resume(&workspace, &["--continue"]).run().exits(3).prints(&["does not track it: notes"]);
    let _ = resume(&workspace, &["--skip"]).run().exits(0).prints(&["stays, because"]);

    assert_eq!(fs::read_to_string(tree.join("notes")).unwrap(), "mine\n");
}

#[test]
fn the_hooks_of_the_repository_are_not_run() {
    let workspace = carried();
    for hook in ["post-checkout", "pre-commit", "prepare-commit-msg", "post-commit", "commit-msg"] {
        let path = workspace.path().join(".git/hooks").join(hook);
        executable(&path, "#!/bin/sh\ntouch \"$HOME/hooked\"\nexit 1\n");
    }

    let run = resume(&workspace, &["v2"]).run().exits(3);

    assert!(!run.home().join("hooked").exists());
}

#[test]
fn a_candidate_that_a_check_refuses_is_none_and_what_was_settled_is_kept() {
    let check = "[[checks]]\nname = \"no\"\ncommand = [\"false\"]\n";
    let workspace = Workspace::conflicting().with_flow(check);
    let _ = resume(&workspace, &["v2", "--repo", UPSTREAM]).run().exits(3);
    let _ = resume(&workspace, &["--skip"]).run().exits(3);

    let _ = resume(&workspace, &["--skip"]).run().exits(1).prints(&["no candidate"]);

    let _ = resume(&workspace, &["--status"]).run().exits(0).prints(&["left out  0002", "left out  0003"]);
}

#[test]
fn what_was_settled_is_handed_to_the_fork_and_a_persons_branch_is_left_alone() {
    let workspace = carried();
    let origin = Repo::at(&workspace.path().with_file_name("origin"));
    let _ = resume(&workspace, &["v2"]).run().exits(3);
    let _ = resume(&workspace, &["--skip"]).run().exits(3);
    let _ = resume(&workspace, &["--skip"]).run().exits(0);
    let _ = resume(&workspace, &["v2", "--push"]).run().exits(2).says(&["no remote `origin`"]);
    let url = workspace.upstream.path().to_str().unwrap().to_owned();
    workspace.fork.git(&["remote", "add", "origin", &url]);
    let _ = resume(&workspace, &["v2", "--push"]).run().exits(2).says(&["upstream's own repository"]);
    workspace.fork.git(&["remote", "set-url", "origin", origin.path().to_str().unwrap()]);

    let said = resume(&workspace, &["v2", "--push", "--json"]).run().exits(0).json();

    let candidate = workspace.fork.id("refs/patch-moi/candidate/v2");
    assert_eq!(said["pushed"][0]["name"], "refs/heads/patch-moi/candidate/v2");
    assert_eq!(origin.id("patch-moi/candidate/v2"), candidate);
    assert_eq!(said["pushed"][1]["name"], "refs/patch-moi/base/v2");
    assert_eq!(origin.id("refs/patch-moi/base/v2"), workspace.upstream.id("v2"));
    assert_eq!(workspace.journal("publications.jsonl").len(), 2);
    let _ = resume(&workspace, &["v2", "--push"]).run().exits(0);
    assert_eq!(workspace.journal("publications.jsonl").len(), 2, "nothing to do, nothing recorded");

    let theirs = workspace.fork.id("main");
    workspace.fork.git(&["push", "--quiet", "--force", "origin", "main:patch-moi/candidate/v2"]);
    let _ = resume(&workspace, &["v2", "--push"]).run().exits(0).prints(&["is left alone", "candidate-2/v2"]);
    assert_eq!(origin.id("patch-moi/candidate/v2"), theirs);
    assert_eq!(origin.id("patch-moi/candidate-2/v2"), candidate);
}

#[test]
fn a_merge_in_conflict_is_settled_and_stays_a_merge() {
    let workspace = Workspace::on_v1();
    let fork = &workspace.fork;
    fork.branch("topic").commit("On the side", &[("side.txt", "1\n")]);
    fork.switch("main").commit("Colour output", &[("colour.txt", "red\n")]);
    fork.git(&["merge", "--quiet", "--no-ff", "--no-commit", "topic"]);
    fork.commit("Merge topic, with more pistons", &[("engine.txt", "pistons: 9\n")]);
    workspace.release_v2(&[("engine.txt", "pistons: 6\n")]);
    let workspace = workspace.with_flow("");
    let tree = beside(&workspace);

    let run = stops_at(resume(&workspace, &["v2", "--repo", UPSTREAM]).run(), "Merge topic");
    assert!(tree.join("side.txt").exists(), "what the merge brings in is there\n{run}");
    let _ = resume(&workspace, &["--skip"]).run().exits(2).says(&["is a merge", "settle it"]);
    settle(&workspace, &tree, "pistons: 15\n");
    let _ = resume(&workspace, &["--continue"]).run().exits(0);

    let document = workspace.candidate("v2");
    assert_eq!(verdicts(&document).last(), Some(&"resolved"));
    let candidate = document["candidate"]["commit"].as_str().unwrap();
    let parents = workspace.fork.git(&["show", "--no-patch", "--format=%P", candidate]);
    assert_eq!(parents.split(' ').count(), 2, "{parents}");
    assert_eq!(workspace.fork.git(&["show", &format!("{candidate}:engine.txt")]), "pistons: 15");
    assert_eq!(workspace.fork.git(&["show", &format!("{candidate}:side.txt")]), "1");
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).into_iter().map(Result::unwrap) {
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_file() {
            write(&target, fs::read(entry.path()).unwrap());
        }
    }
}
