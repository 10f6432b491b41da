//! What a run with nothing to do may cost: no child, no request and no write that it could do without.

use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::TempDir;

use crate::support::{Page, Program, Release, Server, Snapshot, Workspace, atom, executable, file_url};

const V1: Release = Release { tag: "v1", title: "It runs", updated: "2026-01-01T00:00:00Z" };
const V2: Release = Release { tag: "v2", title: "Engine 2", updated: "2026-01-02T00:00:00Z" };

/// A git on PATH that notes how it was called, and is the real one otherwise.
struct Witness(TempDir);

impl Witness {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let path = std::env::var_os("PATH").unwrap();
        let real = std::env::split_paths(&path).map(|dir| dir.join("git")).find(|git| git.is_file()).unwrap();
        let program = dir.path().join("git");
        let log = dir.path().join("log");
        let script = format!("#!/bin/sh\necho \"$*\" >> {}\nexec {} \"$@\"\n", log.display(), real.display());
        executable(&program, script);
        Self(dir)
    }

    fn watches(&self, program: Program) -> Program {
        let path = std::env::var_os("PATH").unwrap();
        let all = std::iter::once(self.0.path().to_owned()).chain(std::env::split_paths(&path));
        program.env("PATH", std::env::join_paths(all).unwrap())
    }

    /// Every call since the last time.
    fn calls(&self) -> Vec<String> {
        let log = self.0.path().join("log");
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        let _ = std::fs::remove_file(log);
        text.lines().map(str::to_owned).collect()
    }
}

/// How often each of these remotes was asked what it has, once it is clear that nothing else was done.
#[track_caller]
fn asked(calls: &[String], remotes: &[&Path]) -> Vec<usize> {
    let is_question = |call: &&String| call.contains(" ls-remote ") || call.starts_with("ls-remote ");
    let others: Vec<_> =
        calls.iter().filter(|call| !is_question(call) && !call.ends_with("--version")).collect();
    assert!(others.is_empty(), "a look needs none of this: {others:#?}");
    let of = |remote: &&Path| {
        let url = format!("{} HEAD ", remote.display());
        calls.iter().filter(|call| call.contains(&url)).count()
    };
    let counts: Vec<usize> = remotes.iter().map(of).collect();
    assert_eq!(counts.iter().sum::<usize>(), calls.iter().filter(is_question).count(), "{calls:#?}");
    counts
}

/// The workspace follows a feed on a server of this machine.
fn followed(workspace: &Workspace) -> Server {
    let server = Server::new([("/releases.atom", Page::atom(atom(&[V2, V1])))]);
    workspace.follow(&server.url("/releases.atom"), &json!({}));
    server
}

#[test]
fn a_look_that_finds_nothing_asks_the_feed_and_upstream_once() {
    let workspace = Workspace::clean().with_flow("");
    let server = followed(&workspace);
    let _ = workspace.run(&[]).run().exits(0);
    let (before, requests) = (workspace.snapshot(), server.requests().len());
    let witness = Witness::new();

    let run = witness.watches(workspace.run(&[])).run().exits(0);

    let calls = witness.calls();
    assert_eq!(asked(&calls, &[workspace.upstream.path()]), [1], "{run}");
    assert_eq!(server.requests().len(), requests + 1);
    workspace.snapshot().assert_same_as(&before);
    let left: Vec<PathBuf> =
        std::fs::read_dir(run.home()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "left in the temporary folder: {left:?}");
}

/// The fork as it lies at its forge, and a shallow checkout of it in which a workflow runs.
fn on_a_runner(workspace: &Workspace, branch: &str) -> (TempDir, PathBuf, PathBuf) {
    let dir = TempDir::new().unwrap();
    let (bare, checkout) = (dir.path().join("fork.git"), dir.path().join("checkout"));
    let at = |path: &Path| path.to_str().unwrap().to_owned();
    workspace.fork.git(&["clone", "--quiet", "--bare", &at(workspace.path()), &at(&bare)]);
    let clone = ["clone", "--quiet", "--depth=1", "--branch", branch, &file_url(&bare), &at(&checkout)];
    workspace.fork.git(&clone);
    (dir, bare, checkout)
}

#[test]
fn a_shallow_checkout_stays_shallow_until_something_is_due() {
    for branch in ["main", "automation"] {
        let workspace = Workspace::clean().with_flow("");
        let server = followed(&workspace);
        // The flow finds the fork where it lies itself.
        let flow = workspace.flow_toml("").replace("repo = ", "# ");
        workspace.install_flow(&flow);
        workspace.lock();
        if branch == "automation" {
            workspace.fork.git(&["switch", "--quiet", "--orphan", "automation"]);
            workspace.install_flow(&flow);
            workspace.lock();
            workspace.follow(&server.url("/releases.atom"), &json!({}));
        }
        workspace.fork.commit_all("Follow upstream");
        let (_dir, bare, checkout) = on_a_runner(&workspace, branch);
        let data = checkout.join("data");
        let run = || {
            let program = crate::support::patch_moi(&checkout).args(["run"]);
            program.env("DATA_DIR", &data).env("GITHUB_ACTIONS", "true")
        };
        let witness = Witness::new();
        let _ = witness.watches(run()).run().exits(0);
        let calls = witness.calls();
        let questions = |remote: &Path| {
            let asked = format!("{} HEAD ", remote.display());
            calls.iter().filter(|call| call.contains("ls-remote") && call.contains(&asked)).count()
        };
        assert_eq!(questions(workspace.upstream.path()), 1, "one question also where a release is carried");
        assert_eq!(questions(&bare), 1);
        // As a new runner finds it, with what is remembered.
        std::fs::remove_dir_all(checkout.join(".git")).unwrap();
        let again = on_a_runner(&workspace, branch);
        std::fs::rename(again.2.join(".git"), checkout.join(".git")).unwrap();
        let git = checkout.join(".git");
        let url = file_url(&bare);
        workspace.fork.git(&["--git-dir", git.to_str().unwrap(), "remote", "set-url", "origin", &url]);
        let before = Snapshot::of(&[&checkout]);

        let run = witness.watches(run()).run().exits(0);

        let counts = asked(&witness.calls(), &[workspace.upstream.path(), &bare]);
        assert_eq!(
            counts,
            [1, 1],
            "the fork is asked once, for its branch and for what is remembered\n{run}"
        );
        Snapshot::of(&[&checkout]).assert_same_as(&before);
        assert!(git.join("shallow").exists());
    }
}

#[test]
fn a_fork_elsewhere_is_not_copied_to_know_where_it_stands() {
    let workspace = Workspace::clean().with_flow("");
    let server = followed(&workspace);
    let own = format!("repo = {:?}", workspace.path().to_str().unwrap());
    let flow = workspace.flow_toml("").replace(&own, &format!("repo = {:?}", file_url(workspace.path())));
    workspace.install_flow(&flow);
    workspace.lock();
    let _ = workspace.run(&[]).run().exits(0);
    // As a new runner finds it, with what is remembered.
    let forks = workspace.path().join(".codex/workspace/actions/forks");
    assert_eq!(std::fs::read_dir(&forks).unwrap().count(), 2, "a copy, and what keeps git from seeing it");
    std::fs::remove_dir_all(&forks).unwrap();
    let (before, requests) = (workspace.snapshot(), server.requests().len());
    let witness = Witness::new();

    let run = witness.watches(workspace.run(&[])).run().exits(0);

    assert_eq!(asked(&witness.calls(), &[workspace.upstream.path(), workspace.path()]), [1, 1], "{run}");
    assert_eq!(server.requests().len(), requests + 1);
    workspace.snapshot().assert_same_as(&before);
}
