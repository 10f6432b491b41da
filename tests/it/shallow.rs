//! Checkouts that lack something, as runners have them: no history, no branch, not all objects, another
//! owner. What is due is carried all the same, and to the same commits.

use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Output, Program, UPSTREAM, Workspace, file_url, patch_moi};

/// A fork at its forge, whose upstream is a folder.
struct Forge {
    workspace: Workspace,
    dir: TempDir,
    /// What a whole clone comes to.
    candidate: String,
}

impl Forge {
    fn new() -> Self {
        let workspace = Workspace::clean();
        let _ = workspace.run_tag("v2").args(["--branch", "main"]).run().exits(0);
        let candidate = commit(&workspace.candidate("v2"));
        let this = Self { workspace, dir: TempDir::new().unwrap(), candidate };
        let bare = this.bare();
        this.git(&["clone", "--quiet", "--bare", text(this.workspace.path()), text(&bare)]);
        // Workers on a forge may ask for any commit, and other servers only for what a branch has.
        this.git(&["--git-dir", text(&bare), "config", "uploadpack.allowAnySHA1InWant", "true"]);
        this
    }

    fn bare(&self) -> PathBuf {
        self.dir.path().join("fork.git")
    }

    fn git(&self, args: &[&str]) -> String {
        self.workspace.fork.git(args)
    }

    /// A clone with these options.
    fn clone(&self, options: &[&str]) -> PathBuf {
        let checkout = self.dir.path().join("checkout");
        let (url, path) = (file_url(&self.bare()), text(&checkout).to_owned());
        self.git(&[&["clone", "--quiet"], options, &[&url, &path]].concat());
        checkout
    }

    /// `run release` of v2 in a checkout.
    fn run(&self, checkout: &Path) -> Program {
        let upstream = file_url(self.workspace.upstream.path());
        let tag = ["run", "release", "--repo", UPSTREAM, "--tag", "v2", "--upstream-url", &upstream];
        patch_moi(checkout).args(tag)
    }

    /// The run gave the candidate that a whole clone gives.
    #[track_caller]
    fn is_the_same(&self, checkout: &Path, run: &Output) {
        let file = checkout.join(".codex/workspace/actions/artifacts/v2/candidate.json");
        let document = std::fs::read(file).unwrap_or_else(|err| panic!("{err}\n{run}"));
        assert_eq!(commit(&serde_json::from_slice(&document).unwrap()), self.candidate, "{run}");
    }
}

fn commit(document: &Value) -> String {
    document["candidate"]["commit"].as_str().unwrap().to_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_shallow_checkout_of_the_branch_gives_the_candidate_of_a_whole_clone() {
    let forge = Forge::new();
    let checkout = forge.clone(&["--depth=1"]);

    let planned = forge.run(&checkout).args(["--branch", "main", "--dry-run", "--json"]).run().exits(0);
    assert!(checkout.join(".git/shallow").exists(), "a dry run leaves the clone as it is\n{planned}");
    assert!(planned.stdout.contains("\"complete\": true") || planned.stdout.contains("\"complete\":true"));

    let run = forge.run(&checkout).args(["--branch", "main"]).run().exits(0);
    forge.is_the_same(&checkout, &run);
    assert!(!checkout.join(".git/shallow").exists());
}

#[test]
fn a_detached_checkout_is_the_branch_that_started_the_workflow() {
    let forge = Forge::new();
    let checkout = forge.clone(&["--depth=1"]);
    let started = forge.workspace.fork.id("main");
    forge.git(&["-C", text(&checkout), "checkout", "--quiet", "--detach"]);
    forge.git(&["-C", text(&checkout), "branch", "--quiet", "-D", "main"]);
    // The branch goes on while the job waits, and then another way.
    forge.workspace.fork.commit("Later", &[("later", "1\n")]);
    forge.git(&["push", "--quiet", text(&forge.bare()), "main"]);
    let run = |name: &str| {
        let args = ["--branch", name];
        let run = forge.run(&checkout).env("GITHUB_ACTIONS", "true").env("GITHUB_SHA", &started);
        run.env("GITHUB_REF", "refs/heads/main").args(if name.is_empty() { &args[..0] } else { &args[..] })
    };

    let ran = run("main").run().exits(0);
    forge.is_the_same(&checkout, &ran);

    forge.git(&["reset", "--quiet", "--hard", "v1"]);
    forge.git(&["push", "--quiet", "--force", text(&forge.bare()), "main"]);
    std::fs::remove_dir_all(&checkout).unwrap();
    forge.git(&["init", "--quiet", text(&checkout)]);
    let inside = |args: &[&str]| forge.git(&[&["-C", text(&checkout)], args].concat());
    inside(&["remote", "add", "origin", &file_url(&forge.bare())]);
    inside(&["fetch", "--quiet", "--depth=1", "origin", &started]);
    inside(&["checkout", "--quiet", "--detach", &started]);
    let ran = run("main").run().exits(0);
    forge.is_the_same(&checkout, &ran);
}

#[test]
fn a_maintained_branch_that_was_not_cloned_is_fetched_whole() {
    let forge = Forge::new();
    forge.git(&["switch", "--quiet", "--orphan", "automation"]);
    forge.workspace.fork.commit("Follow upstream", &[("notes", "1\n")]);
    forge.git(&["push", "--quiet", text(&forge.bare()), "automation"]);
    let checkout = forge.clone(&["--depth=1", "--single-branch", "--branch", "automation"]);

    let _ = forge.run(&checkout).args(["--branch", "main", "--dry-run"]).run().exits(0);
    let run = forge.run(&checkout).args(["--branch", "main"]).run().exits(0);

    forge.is_the_same(&checkout, &run);
}

#[test]
fn a_linked_work_tree_of_a_shallow_clone_is_a_checkout_like_any_other() {
    let forge = Forge::new();
    let clone = forge.clone(&["--depth=1"]);
    let linked = forge.dir.path().join("linked");
    forge.git(&["-C", text(&clone), "worktree", "add", "--quiet", "--detach", text(&linked)]);

    let _ = forge.run(&linked).args(["--branch", "main", "--dry-run"]).run().exits(0);
    let run = forge.run(&linked).args(["--branch", "main"]).run().exits(0);

    forge.is_the_same(&linked, &run);
}

#[test]
fn an_upstream_that_is_a_shallow_clone_is_named_as_one() {
    let forge = Forge::new();
    let shallow = forge.dir.path().join("upstream");
    let upstream = file_url(forge.workspace.upstream.path());
    forge.git(&["clone", "--quiet", "--depth=1", "--no-single-branch", &upstream, text(&shallow)]);
    forge.git(&["-C", text(&shallow), "fetch", "--quiet", "--depth=1", "--tags"]);
    let checkout = forge.clone(&[]);
    let args = ["run", "release", "--repo", UPSTREAM, "--tag", "v2", "--branch", "main", "--upstream-url"];

    let run = patch_moi(&checkout).args(args).args([file_url(&shallow)]).run();

    let _ = run.exits(2).says(&["shallow clone", "--unshallow"]);
}

#[test]
fn a_shallow_clone_that_cannot_reach_its_origin_says_so() {
    let forge = Forge::new();
    let checkout = forge.clone(&["--depth=1"]);
    std::fs::rename(forge.bare(), forge.dir.path().join("gone")).unwrap();

    let run = forge.run(&checkout).args(["--branch", "main"]).run();

    assert_ne!(run.code, Some(0), "{run}");
    let _ = run.says(&["could not be read", "shallow"]);
}

#[test]
fn a_partial_clone_is_carried_as_it_is_with_what_it_lacks_fetched_for_the_carry() {
    let forge = Forge::new();
    forge.git(&["--git-dir", text(&forge.bare()), "config", "uploadpack.allowFilter", "true"]);
    for filter in ["--filter=blob:none", "--filter=tree:0"] {
        let checkout = forge.clone(&[filter, "--no-checkout"]);
        let held = || {
            let packs = std::fs::read_dir(checkout.join(".git/objects/pack")).unwrap();
            let mut names: Vec<_> = packs.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            (names, std::fs::read(checkout.join(".git/config")).unwrap())
        };
        let before = held();

        let planned = forge.run(&checkout).args(["--branch", "main", "--dry-run"]).run().exits(0);
        assert!(!checkout.join(".codex").exists(), "{planned}");
        assert_eq!(held(), before, "a dry run leaves the clone as it is\n{planned}");
        let run = forge.run(&checkout).args(["--branch", "main"]).run().exits(0);
        forge.is_the_same(&checkout, &run);
        let inside = |args: &[&str]| forge.git(&[&["-C", text(&checkout)], args].concat());
        assert_eq!(inside(&["rev-parse", "refs/patch-moi/candidate/v2"]), forge.candidate);
        inside(&["fsck", "--connectivity-only"]);

        // What only the clone has is carried with the rest.
        let tree = inside(&["rev-parse", "HEAD^{tree}"]);
        let own = inside(&["commit-tree", "-p", "HEAD", "-m", "Mine", &tree]);
        inside(&["update-ref", "refs/heads/main", &own]);
        let _ = forge.run(&checkout).args(["--branch", "main"]).run().exits(0).prints(&["3 patches", "Mine"]);
        std::fs::remove_dir_all(&checkout).unwrap();
    }
}

#[test]
fn a_checkout_of_the_runner_is_no_strangers_in_a_container() {
    let forge = Forge::new();
    let checkout = forge.clone(&["--depth=1"]);
    // Only root can give files away; elsewhere there is nothing to test.
    if std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() != 0) {
        return;
    }
    for entry in walkdir::WalkDir::new(&checkout).into_iter().map(Result::unwrap) {
        chown(entry.path(), Some(12_345), Some(12_345)).unwrap();
    }

    let _ = forge.run(&checkout).args(["--branch", "main"]).run().exits(2).says(&["another user"]);

    let runner = forge.run(&checkout).args(["--branch", "main"]).env("GITHUB_ACTIONS", "true");
    let run = runner.env("GITHUB_WORKSPACE", text(&checkout)).run().exits(0);
    forge.is_the_same(&checkout, &run);
}
