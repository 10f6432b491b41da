//! Repositories that lack objects: what a remote has is fetched, and what nobody has is named.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Output, Program, Repo, executable, file_url, patch_moi};

/// Lines that can be merged one by one.
fn text(seed: usize, changes: &[(usize, &str)]) -> String {
    let mut text = String::new();
    for line in 0..60 {
        let word = changes.iter().find(|(at, _)| *at == line).map_or("line", |(_, word)| word);
        writeln!(text, "{word} {line} of {seed}").unwrap();
    }
    text
}

/// A server with tag `v2` and branch `fork`, whose patches need merges of texts, a rename of upstream's, a merge
/// commit, and one in conflict that needs its culprit found.
struct Server {
    dir: TempDir,
    repo: Repo,
    /// What a whole clone comes to.
    whole: Value,
}

impl Server {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let repo = Repo::at(&dir.path().join("server"));
        let name = |n: usize| format!("folder{}/deep/file{n}.txt", n % 3);
        for n in 0..12 {
            crate::support::write(&repo.path().join(name(n)), text(n, &[]));
        }
        repo.commit("Begin", &[("old.txt", &text(90, &[])), ("rest/a.txt", "a\n"), ("rest/b.txt", "b\n")]);
        repo.tag("v1").git(&["branch", "fork"]);
        for n in 0..6 {
            let subject = format!("Upstream {n} (#{n})");
            repo.commit(&subject, &[(&name(n), &text(n, &[(50, "upstream")])), ("rest/new.txt", &subject)]);
        }
        repo.commit("Clash (#9)", &[(&name(9), &text(9, &[(5, "theirs")]))]);
        repo.git(&["mv", "old.txt", "renamed.txt"]);
        repo.commit_all("Move it (#10)");
        repo.tag("v2").switch("fork");
        for n in 0..9 {
            repo.commit(&format!("Patch {n}"), &[(&name(n), &text(n, &[(5, "ours")]))]);
        }
        repo.commit("Change what moves", &[("old.txt", &text(90, &[(30, "ours")]))]);
        repo.branch("topic").commit("On a topic", &[("topic.txt", "topic\n")]);
        repo.switch("fork").commit("Beside it", &[("beside.txt", "beside\n")]);
        repo.merge("topic");
        repo.commit("In conflict", &[(&name(9), &text(9, &[(5, "ours")]))]);
        for (key, value) in [("allowFilter", "true"), ("allowAnySHA1InWant", "true")] {
            repo.git(&["config", &format!("uploadpack.{key}"), value]);
        }
        let mut this = Self { dir, repo, whole: Value::Null };
        let clone = this.clone("whole", &[]);
        this.whole = rebase(&clone).run().exits(3).json();
        this
    }

    fn clone(&self, name: &str, options: &[&str]) -> PathBuf {
        let to = self.dir.path().join(name);
        let (from, path) = (file_url(self.repo.path()), to.to_str().unwrap().to_owned());
        let clone = ["clone", "--quiet", "--no-checkout", "--branch", "fork"];
        self.repo.git(&[&clone, options, &[&from, &path]].concat());
        to
    }

    fn git(&self, clone: &Path, args: &[&str]) -> String {
        self.repo.git(&[&["-C", clone.to_str().unwrap()], args].concat())
    }

    /// The run came to what a whole clone comes to.
    #[track_caller]
    fn is_the_same(&self, run: &Output) {
        let mut came = run.json();
        came["objects"] = self.whole["objects"].clone();
        assert_eq!(came, self.whole, "{run}");
    }

    /// A clone in which the loose object of `revision` is as `harm` leaves it.
    fn damaged(&self, name: &str, revision: &str, harm: impl Fn(&Path)) -> (PathBuf, String) {
        let clone = self.clone(name, &[]);
        let packs = clone.join(".git/objects/pack");
        for entry in fs::read_dir(&packs).unwrap().map(Result::unwrap) {
            let apart = clone.join(entry.file_name());
            fs::rename(entry.path(), &apart).unwrap();
        }
        for entry in fs::read_dir(&clone).unwrap().map(Result::unwrap).map(|entry| entry.path()) {
            if entry.extension().is_some_and(|end| end == "pack") {
                let unpack = ["-C", clone.to_str().unwrap(), "unpack-objects", "-q"];
                assert_eq!(self.repo.git_with(&unpack, &fs::read(&entry).unwrap()).0, 0);
            }
        }
        let id = self.repo.git(&["rev-parse", revision]);
        let file = clone.join(".git/objects").join(&id[..2]).join(&id[2..]);
        harm(&file);
        (clone, id)
    }
}

type Harm = fn(&Path);

/// What can happen to a loose object.
const HARMS: [(&str, Harm); 2] = [("lost", lose), ("broken", break_it)];

fn lose(file: &Path) {
    fs::remove_file(file).unwrap();
}

fn break_it(file: &Path) {
    lose(file);
    fs::write(file, b"no zlib stream").unwrap();
}

fn rebase(clone: &Path) -> Program {
    let at = clone.to_str().unwrap();
    patch_moi(clone).args([
        "stack",
        "rebase",
        "--repo",
        at,
        "--branch",
        "origin/fork",
        "--onto",
        "v2",
        "--json",
    ])
}

/// A PATH whose git writes down what it is asked, and the file that it is written to.
fn listening(dir: &Path) -> (String, PathBuf) {
    let path = std::env::var("PATH").unwrap();
    let real = std::env::split_paths(&path).map(|dir| dir.join("git")).find(|git| git.is_file()).unwrap();
    let (folder, log) = (dir.join("tools"), dir.join("asked"));
    let text = format!("#!/bin/sh\necho \"$*\" >>{}\nexec {} \"$@\"\n", log.display(), real.display());
    executable(&folder.join("git"), text);
    (format!("{}:{path}", folder.display()), log)
}

#[test]
fn a_clone_without_files_or_without_trees_carries_to_the_same_and_fetches_in_bulk() {
    let server = Server::new();
    for filter in ["blob:none", "tree:0"] {
        let clone = server.clone(filter, &[&format!("--filter={filter}")]);
        let dir = TempDir::new().unwrap();
        let (path, log) = listening(dir.path());
        let config = fs::read(clone.join(".git/config")).unwrap();

        let run = rebase(&clone).env("PATH", path).run().exits(3);

        server.is_the_same(&run);
        let asked = fs::read_to_string(&log).unwrap();
        let fetches = asked.lines().filter(|line| line.contains(" fetch ")).count();
        assert!((1..=8).contains(&fetches), "{filter}: {fetches} fetches\n{asked}");
        assert_eq!(
            fs::read(clone.join(".git/config")).unwrap(),
            config,
            "the clone's configuration is as it was"
        );

        // A complete candidate gets its ref, and git finds or is promised all of it.
        let at = clone.to_str().unwrap();
        let write = ["stack", "rebase", "--repo", at, "--branch", "origin/fork~1", "--onto", "v2"];
        let _ = patch_moi(&clone).args(write).args(["--write-ref", "refs/heads/carried"]).run().exits(0);
        server.git(&clone, &["fsck", "--connectivity-only"]);
        server.git(&clone, &["checkout", "--quiet", "carried"]);
        assert_eq!(
            fs::read_to_string(clone.join("folder0/deep/file3.txt")).unwrap(),
            text(3, &[(5, "ours"), (50, "upstream")])
        );
        let lines = ["pick", "--repo", at];
        let pair = format!("{} {}\n", server.repo.id("fork~5"), server.repo.id("v2~3"));
        let picked = patch_moi(&clone).args([&["stack"], &lines[..]].concat()).stdin(pair).run().exits(0);
        assert!(!picked.json()["tree"].is_null(), "{picked}");
    }
}

#[test]
fn a_clone_whose_history_ends_within_the_stack_or_at_its_tip_carries_to_the_same_and_stays_as_it_is() {
    let server = Server::new();
    for depth in ["--depth=1", "--depth=4"] {
        let clone = server.clone(&depth[2..], &[depth, "--no-single-branch"]);
        server.git(&clone, &["fetch", "--quiet", "--depth=1", "origin", "refs/tags/v2:refs/tags/v2"]);
        let cut = fs::read(clone.join(".git/shallow")).unwrap();

        let run = rebase(&clone).run().exits(3);

        server.is_the_same(&run);
        assert_eq!(fs::read(clone.join(".git/shallow")).unwrap(), cut);
    }
}

#[test]
fn an_object_that_was_lost_or_damaged_is_fetched_again_where_a_remote_has_it() {
    let server = Server::new();
    for (name, harm) in HARMS {
        let (clone, id) = server.damaged(name, "fork:folder0/deep/file3.txt", harm);
        assert_ne!(server.repo.try_git(&["-C", clone.to_str().unwrap(), "cat-file", "-e", &id]).0, 2);
        server.is_the_same(&rebase(&clone).run().exits(3));

        // The same where nobody can be asked.
        server.git(&clone, &["remote", "set-url", "origin", "file:///nowhere/at-all"]);
        let run = rebase(&clone).args(["--write-ref", "refs/heads/carried"]).run().exits(1);
        let patch = server.repo.id("fork~9");
        let run = run.says(&[
            &id,
            "folder0/deep/file3.txt",
            &patch,
            "damaged",
            "file:///nowhere/at-all",
            "--refetch",
        ]);
        assert_eq!(
            server.repo.try_git(&["-C", clone.to_str().unwrap(), "rev-parse", "-q", "--verify", "carried"]).0,
            1,
            "{run}"
        );
    }
}

#[test]
fn a_tree_or_a_commit_that_was_lost_or_damaged_is_fetched_again_where_a_remote_has_it() {
    let server = Server::new();
    for (harmed, harm) in HARMS {
        for (what, revision) in
            [("tree", "fork~5^{tree}"), ("folder", "v2:folder0/deep"), ("commit", "fork~5")]
        {
            let (clone, id) = server.damaged(&format!("{harmed} {what}"), revision, harm);
            let run = rebase(&clone).run();
            assert_eq!(run.code, Some(3), "{harmed} {what} {id}\n{run}");
            server.is_the_same(&run);

            // The same where nobody can be asked. The clone's path has a space.
            server.git(&clone, &["remote", "set-url", "origin", "file:///nowhere/at-all"]);
            let run = rebase(&clone).args(["--write-ref", "refs/heads/carried"]).run();
            assert_eq!(run.code, Some(1), "{harmed} {what} {id}\n{run}");
            let _ = run.says(&[&id, "damaged", "--refetch", &format!("git -C '{}'", clone.display())]);
            assert!(!clone.join(".git/refs/heads/carried").exists());
        }
    }
}

#[test]
fn a_multi_pack_index_of_packs_that_are_gone_is_no_obstacle() {
    let server = Server::new();
    let clone = server.clone("index", &[]);
    server.git(&clone, &["multi-pack-index", "write"]);
    let file = clone.join(".git/objects/pack/multi-pack-index");
    let index = fs::read(&file).unwrap();
    server.git(&clone, &["repack", "-adfq", "--window=0"]);
    let _ = fs::remove_file(&file);
    fs::write(&file, index).unwrap();

    server.is_the_same(&rebase(&clone).run().exits(3));
}

#[test]
fn a_clone_without_files_that_nobody_promises_them_to_any_more_gets_no_ref() {
    let server = Server::new();
    let clone = server.clone("forsaken", &["--filter=blob:none"]);
    // All that the carry reads is there, and a file that it leaves alone is not.
    let _ = server.git(&clone, &["checkout", "--quiet", "-b", "work", "origin/fork"]);
    server.git(&clone, &["checkout", "--quiet", "--detach", "v1"]);
    server.git(&clone, &["cat-file", "-e", "v2:folder0/deep/file3.txt"]);
    server.git(&clone, &["remote", "remove", "origin"]);
    let at = clone.to_str().unwrap();
    let write = ["--write-ref", "refs/heads/carried"];

    // The song is all that is new, and what upstream changed is nobody's any more.
    let onto = ["stack", "rebase", "--repo", at, "--branch", "work~1", "--base", "work~3", "--onto", "v2"];
    let run = patch_moi(&clone).args(onto).args(write).run().exits(1);

    let run = run.says(&["is missing", "a partial clone", "no remote", "--refetch"]);
    assert_eq!(
        server.repo.try_git(&["-C", at, "rev-parse", "-q", "--verify", "refs/heads/carried"]).0,
        1,
        "{run}"
    );
}
