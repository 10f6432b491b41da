//! The three places where feed-sources.json, flows and workflow can live.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Repo, UPSTREAM, Workspace, file_url, patch_moi, write};

/// A flow of the repository's own, which needs no lock.
fn source_flow(root: &Path, repo: Option<&str>, upstream: &Repo) {
    let repo = repo.map(|repo| format!("repo = {repo:?}\n")).unwrap_or_default();
    let url = file_url(upstream.path());
    let text = format!(
        "name = \"carry\"\nversion = 1\n\n[config]\n{repo}target_branch = \"main\"\n\
         upstream_repo_url = {url:?}\n\n[[steps]]\nname = \"carry\"\nrunner = \"patch-stack\"\n\n\
         [steps.trigger]\ntype = \"upstream.release\"\n"
    );
    write(&root.join("flows/carry/flow.toml"), text);
}

fn candidate(root: &Path) -> Value {
    let path = root.join(".codex/workspace/actions/artifacts/v2/candidate.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn carry(root: &Path) -> Value {
    let _ = patch_moi(root).args(["run", "release", "--repo", UPSTREAM, "--tag", "v2"]).run().exits(0);
    candidate(root)
}

/// A checkout of a branch as a runner has one: with the whole history, or without.
fn checkout(of: &Repo, branch: &str, depth: &[&str], dir: &Path) -> PathBuf {
    let (url, checkout) = (file_url(of.path()), dir.join("checkout"));
    let place = [url.as_str(), checkout.to_str().unwrap()];
    of.git(&[&["clone", "--quiet", "--single-branch", "--branch", branch], depth, &place].concat());
    checkout
}

const DEPTHS: [&[&str]; 2] = [&[], &["--depth=1"]];

#[test]
fn the_configuration_is_a_patch_of_the_stack_and_is_carried_with_it() {
    let workspace = Workspace::clean();
    source_flow(workspace.path(), None, &workspace.upstream);
    workspace.fork.commit_all("Follow upstream");

    let carried = carry(workspace.path());

    assert_eq!(carried["counts"]["patches"], 3);
    let commit = carried["candidate"]["commit"].as_str().unwrap();
    assert!(workspace.fork.file(commit, "flows/carry/flow.toml").contains("patch-stack"));
    for depth in DEPTHS {
        let runner = tempfile::TempDir::new().unwrap();
        let again = carry(&checkout(&workspace.fork, "main", depth, runner.path()));
        assert_eq!(again["candidate"], carried["candidate"], "{depth:?}");
    }
}

#[test]
fn the_configuration_lives_on_another_branch_and_the_maintained_one_is_fetched() {
    let workspace = Workspace::clean();
    workspace.fork.git(&["switch", "--quiet", "--orphan", "automation"]);
    source_flow(workspace.path(), None, &workspace.upstream);
    workspace.fork.commit_all("Follow upstream");
    let tip = workspace.fork.id("main");
    for depth in DEPTHS {
        let runner = tempfile::TempDir::new().unwrap();

        let carried = carry(&checkout(&workspace.fork, "automation", depth, runner.path()));

        assert_eq!(carried["tip"], tip);
        assert_eq!(carried["counts"]["patches"], 2, "the automation branch is no patch: {depth:?}");
    }
}

#[test]
fn a_repository_of_its_own_names_the_fork_and_needs_no_checkout_of_it() {
    let workspace = Workspace::clean();
    let own = Repo::new();
    source_flow(own.path(), Some(&file_url(workspace.path())), &workspace.upstream);
    own.commit_all("Follow upstream");
    let refs = workspace.fork.refs();

    let carried = carry(own.path());

    assert_eq!(carried["tip"], workspace.fork.id("main"));
    assert_eq!(carried["candidate"]["complete"], true);
    assert_eq!(workspace.fork.refs(), refs, "the fork itself is only read");
    for depth in DEPTHS {
        let runner = tempfile::TempDir::new().unwrap();
        let place = checkout(&own, "main", depth, runner.path());
        for _ in 0..2 {
            assert_eq!(carry(&place)["candidate"], carried["candidate"], "{depth:?}");
        }
    }
}
