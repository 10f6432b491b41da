//! The artifact: what a person downloads, and what they can do with it without patch-moi.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Repo, Workspace, find_files};

/// A repository of somebody who knows upstream's release and nothing of the fork.
fn person(workspace: &Workspace) -> Repo {
    let person = Repo::new();
    let upstream = workspace.upstream.path().to_str().unwrap();
    person.git(&["fetch", "--quiet", upstream, "refs/tags/v2:refs/tags/v2"]);
    person
}

fn heads(repo: &Repo, bundle: &Path) -> String {
    repo.git(&["bundle", "list-heads", bundle.to_str().unwrap()])
}

#[test]
fn the_bundle_needs_the_release_and_nothing_else() {
    let workspace = Workspace::clean().with_flow("");
    let _ = workspace.run_tag("v2").run().exits(0);
    let bundle = workspace.artifact("v2").join("candidate.bundle");
    let candidate = workspace.candidate("v2");
    let person = person(&workspace);

    person.unbundle(&bundle, "refs/patch-moi/candidate/v2:refs/heads/mine");

    assert_eq!(person.id("mine"), candidate["candidate"]["commit"]);
    assert_eq!(person.git(&["rev-list", "--count", "v2..mine"]), "2");
    assert_eq!(heads(&person, &bundle).lines().count(), 1, "no partial one beside a complete candidate");
}

#[test]
fn a_bundle_without_its_release_is_refused_by_git() {
    let workspace = Workspace::clean().with_flow("");
    let _ = workspace.run_tag("v2").run().exits(0);
    let bundle = workspace.artifact("v2").join("candidate.bundle");
    assert!(bundle.exists());
    let stranger = Repo::new();
    assert_eq!(stranger.try_git(&["bundle", "verify", "--quiet", bundle.to_str().unwrap()]).0, 1);
}

#[test]
fn an_incomplete_candidate_brings_the_partial_one_with_it() {
    let workspace = Workspace::conflicting();
    workspace.fork.commit("Mind the gap", &[("notes.txt", "mind the gap\n")]);
    let workspace = workspace.with_flow("");
    let _ = workspace.run_tag("v2").run().exits(3);
    let candidate = workspace.candidate("v2");
    let bundle = workspace.artifact("v2").join("candidate.bundle");
    let person = person(&workspace);

    person.git(&["bundle", "verify", "--quiet", bundle.to_str().unwrap()]);
    person.git(&["fetch", "--quiet", bundle.to_str().unwrap(), "refs/patch-moi/*:refs/patch-moi/*"]);

    assert_eq!(person.id("refs/patch-moi/candidate/v2"), candidate["candidate"]["commit"]);
    assert_eq!(person.id("refs/patch-moi/partial/v2"), candidate["partial"]);
    assert_eq!(person.file("refs/patch-moi/partial/v2", "notes.txt"), "mind the gap");
}

#[test]
fn with_no_commit_of_its_own_there_is_no_bundle_and_that_is_said() {
    let workspace = Workspace::on_v1();
    workspace.fork.commit("More pistons", &[("engine.txt", "pistons: 8\n")]);
    workspace.release_v2(&[("engine.txt", "pistons: 6\n")]);
    let workspace = workspace.with_flow("");

    let _ = workspace.run_tag("v2").run().exits(3);

    let candidate = workspace.candidate("v2");
    assert_eq!(candidate["candidate"]["commit"], workspace.upstream.id("v2"));
    assert!(candidate.as_object().unwrap().contains_key("bundle"));
    assert_eq!(candidate["bundle"], Value::Null);
    assert!(!workspace.artifact("v2").join("candidate.bundle").exists());
}

#[test]
fn the_patches_apply_with_git_am_and_give_the_same_tree() {
    let workspace = Workspace::clean().with_flow("");
    let _ = workspace.run_tag("v2").run().exits(0);
    let patches = workspace.artifact("v2").join("patches");
    let series = fs::read_to_string(patches.join("series")).unwrap();
    let person = person(&workspace);
    person.git(&["switch", "--quiet", "--create", "by-mail", "v2"]);

    let names: Vec<&str> = series.lines().filter(|line| line.ends_with(".patch")).collect();
    assert_eq!(names.len(), 2, "{series}");
    for name in names {
        person.git(&["am", "--quiet", patches.join(name).to_str().unwrap()]);
    }

    let candidate = workspace.candidate("v2");
    assert_eq!(candidate["candidate"]["tree"], person.tree("by-mail"));
}

#[test]
fn a_conflict_comes_with_its_files_and_both_sides_in_them() {
    let workspace = Workspace::conflicting().with_flow("");
    let _ = workspace.run_tag("v2").run().exits(3);

    let conflicts = workspace.artifact("v2").join("conflicts");
    assert_eq!(find_files(&conflicts, "conflict.json").len(), 1, "one question, one folder");
    let file = fs::read_to_string(&find_files(&conflicts, "engine.txt")[0]).unwrap();
    for part in ["<<<<<<<", "pistons: 6", "|||||||", "pistons: 4", "=======", "pistons: 8", ">>>>>>>"] {
        assert!(file.contains(part), "{part} in\n{file}");
    }
}

#[test]
fn the_document_names_event_flow_run_tool_and_what_was_excluded() {
    let workspace = Workspace::clean().with_flow("");
    let _ = workspace.run_tag("v2").run().exits(0);
    let candidate = workspace.candidate("v2");
    for key in
        ["event", "flow", "run", "tip", "base", "onto", "excluded", "checks", "patches", "counts", "bundle"]
    {
        assert!(!candidate[key].is_null(), "{key} in {candidate:#}");
    }
    let excluded = candidate["excluded"].as_array().unwrap();
    assert!(excluded.contains(&candidate["onto"]), "{candidate:#}");
    assert!(candidate.to_string().contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_reports_can_be_read_without_a_network() {
    let workspace = Workspace::conflicting().with_flow("");
    let _ = workspace.run_tag("v2").run().exits(3);
    let html = fs::read_to_string(workspace.artifact("v2").join("report.html")).unwrap();
    assert!(html.contains("More pistons"));
    for loads in ["<script src", "<link rel=\"stylesheet\"", "<img src=\"http", "@import"] {
        assert!(!html.contains(loads), "{loads}");
    }
    assert!(fs::read_to_string(workspace.artifact("v2").join("report.md")).unwrap().contains("More pistons"));
    assert!(workspace.artifact("v2").join("range-diff.txt").exists());
}

#[test]
fn no_path_of_this_machine_is_in_the_artifact() {
    let workspace = Workspace::conflicting().with_flow("");
    let _ = workspace.run_tag("v2").run().exits(3);
    let here = workspace.data().parent().unwrap().to_str().unwrap().to_owned();
    for name in ["candidate.json", "conflict.json"] {
        for file in find_files(&workspace.artifact("v2"), name) {
            let text = fs::read_to_string(&file).unwrap();
            assert!(!text.contains(&format!("{here}/fork")), "{}: {text}", file.display());
        }
    }
}

#[test]
fn an_artifact_made_again_is_the_same_and_keeps_nothing_of_the_last_one() {
    let workspace = Workspace::conflicting().with_flow("");
    let _ = workspace.run_tag("v2").run().exits(3);
    workspace.fork.git(&["reset", "--quiet", "--hard", "HEAD~2"]);

    let _ = workspace.run_tag("v2").run().exits(0);

    assert!(find_files(&workspace.artifact("v2"), "conflict.json").is_empty(), "the old question is gone");
    assert_eq!(workspace.candidate("v2")["candidate"]["complete"], true);
    workspace.assert_nothing_half_written();
}
