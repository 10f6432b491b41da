//! Publishing: what is proved reaches the fork's remote, and nothing else does.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Program, Repo, Workspace, executable, file_url, patch_moi, write};
use crate::verify::{LIES, carried, downloaded};

const CANDIDATE: &str = "refs/heads/patch-moi/candidate/v2";
const STATE: &str = "refs/patch-moi/state";

/// A fork with a remote of its own, and the folder that a run's job has handed on.
struct Publishing {
    workspace: Workspace,
    remote: PathBuf,
    dir: PathBuf,
}

impl Publishing {
    /// After a run of the carry to v2.
    fn after(workspace: Workspace) -> Self {
        let home = workspace.data().parent().unwrap().to_owned();
        let remote = home.join("remote.git");
        workspace.fork.git(&["init", "--quiet", "--bare", remote.to_str().unwrap()]);
        workspace.fork.git(&["remote", "add", "origin", &file_url(&remote)]);
        workspace.fork.git(&["push", "--quiet", "origin", "main"]);
        let dir = downloaded(&workspace, "v2");
        // The job that publishes has another machine.
        fs::remove_dir_all(workspace.path().join(".codex/workspace")).unwrap();
        let _ = fs::remove_dir_all(workspace.data());
        for name in workspace.fork.git(&["for-each-ref", "--format=%(refname)", "refs/patch-moi/"]).lines() {
            workspace.fork.git(&["update-ref", "-d", name]);
        }
        Self { workspace, remote, dir }
    }

    fn carried() -> Self {
        Self::after(carried())
    }

    /// A complete candidate after a conflict was settled and so on: the same fork, another run.
    fn carry_again(&mut self) {
        fs::remove_dir_all(&self.dir).unwrap();
        let _ = self.workspace.run_tag("v2").run();
        self.dir = downloaded(&self.workspace, "v2");
    }

    /// `publish`, as a step of a workflow runs it.
    fn publish(&self, args: &[&str]) -> Program {
        let data = self.workspace.data();
        let home = data.parent().unwrap();
        let _ = fs::remove_file(home.join("summary.md"));
        patch_moi(self.workspace.path())
            .args(["publish"])
            .args(args)
            .env("DATA_DIR", self.workspace.data())
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_OUTPUT", home.join("outputs.txt"))
            .env("GITHUB_STEP_SUMMARY", home.join("summary.md"))
    }

    fn publish_dir(&self) -> Program {
        self.publish(&[self.dir.to_str().unwrap()])
    }

    fn summary(&self) -> String {
        fs::read_to_string(self.workspace.data().parent().unwrap().join("summary.md")).unwrap()
    }

    fn outputs(&self) -> String {
        fs::read_to_string(self.workspace.data().parent().unwrap().join("outputs.txt")).unwrap()
    }

    /// Every ref of the remote but the state.
    fn refs(&self) -> String {
        let all = self.git(&["for-each-ref", "--format=%(objectname) %(refname)"]);
        all.lines().filter(|line| !line.ends_with(STATE)).collect::<Vec<_>>().join("\n")
    }

    fn git(&self, args: &[&str]) -> String {
        self.workspace.fork.git(&[&["--git-dir", self.remote.to_str().unwrap()], args].concat())
    }

    fn at(&self, name: &str) -> Option<String> {
        let all = self.git(&["for-each-ref", "--format=%(objectname)", name]);
        Some(all).filter(|id| !id.is_empty())
    }

    /// The last line of the ledger in the state.
    fn ledger(&self) -> Value {
        let text = self.git(&["show", &format!("{STATE}:data/releases.jsonl")]);
        serde_json::from_str(text.lines().last().unwrap()).unwrap()
    }

    fn candidate(&self) -> Value {
        serde_json::from_slice(&fs::read(self.dir.join("candidate.json")).unwrap()).unwrap()
    }

    /// Lets the remote say no to refs with this in their name, in these words.
    fn refuse(&self, part: &str, words: &str) {
        let hook = self.remote.join("hooks/update");
        executable(&hook, format!("#!/bin/sh\ncase \"$1\" in *{part}*) echo '{words}' >&2; exit 1;; esac\n"));
    }
}

fn person(publishing: &Publishing) -> Repo {
    let person = Repo::new();
    person.git(&["fetch", "--quiet", &file_url(&publishing.remote), "+refs/heads/*:refs/theirs/*"]);
    person
}

#[test]
fn every_lie_leaves_the_remote_as_it_is() {
    let publishing = Publishing::carried();
    // What these lies change is found in the fork's own objects.
    let _ = publishing.workspace.run_tag("v2").run().exits(0);
    let before = publishing.refs();
    for (number, lie) in LIES.iter().enumerate() {
        let dir = downloaded(&publishing.workspace, "v2");
        (lie.how)(&publishing.workspace, &dir);

        let output = publishing.publish(&[dir.to_str().unwrap(), "--json"]).run();

        let stdout = output.stdout.split("\n::").next().unwrap();
        let report: Value = serde_json::from_str(stdout).unwrap_or_else(|err| panic!("{err}\n{output}"));
        assert_eq!(report["events"][0]["refusal"]["code"], lie.code, "lie {number}\n{output}");
        assert_eq!(output.code, Some(if lie.code == "rewritten" { 4 } else { 1 }), "lie {number}\n{output}");
        assert_eq!(publishing.refs(), before, "lie {number}");
        fs::remove_dir_all(&dir).unwrap();
    }
}

#[test]
fn a_proven_candidate_becomes_a_branch_and_is_remembered() {
    let publishing = Publishing::carried();
    let output = publishing.publish_dir().run().exits(0);
    let commit = publishing.candidate()["candidate"]["commit"].as_str().unwrap().to_owned();
    assert_eq!(publishing.at(CANDIDATE).as_deref(), Some(&*commit), "{output}");
    assert_eq!(publishing.ledger()["state"], "candidate");
    assert_eq!(person(&publishing).file("refs/theirs/patch-moi/candidate/v2", "colour.txt"), "red");
    let outputs = publishing.outputs();
    for expected in [CANDIDATE, &commit, "published<<", "candidate\n", "red<<", "false\n"] {
        assert!(outputs.contains(expected), "{expected} in\n{outputs}");
    }
    let summary = publishing.summary();
    assert!(!summary.contains("remembered") && summary.contains("patch-moi/candidate/v2"), "{summary}");
    assert!(!publishing.workspace.journal("publications.jsonl").is_empty());
}

#[test]
fn publishing_twice_does_nothing_the_second_time() {
    let publishing = Publishing::carried();
    let _ = publishing.publish_dir().run().exits(0);
    let before = publishing.git(&["for-each-ref"]);
    let output = publishing.publish_dir().run().exits(0).prints(&["stands at", "already", "unchanged"]);
    assert_eq!(publishing.git(&["for-each-ref"]), before, "{output}");
}

#[test]
fn a_dry_run_says_everything_and_writes_nothing() {
    let publishing = Publishing::carried();
    let before = (publishing.git(&["for-each-ref"]), publishing.workspace.snapshot());
    let _ = publishing
        .publish_dir()
        .args(["--dry-run"])
        .run()
        .exits(0)
        .prints(&["patch-moi/candidate/v2 would move: nothing", "dry run"]);
    assert_eq!(publishing.git(&["for-each-ref"]), before.0);
    publishing.workspace.snapshot().assert_same_as(&before.1);
}

#[test]
fn a_remote_that_refuses_the_candidate_still_gets_the_state() {
    let publishing = Publishing::carried();
    let words = "refusing to allow a GitHub App to create or update workflow `.github/workflows/x.yml` without `workflows` permission";
    publishing.refuse("candidate", words);
    let before = publishing.refs();

    let output = publishing.publish_dir().run().exits(4);

    assert_eq!(publishing.refs(), before);
    assert_eq!(publishing.ledger()["state"], "candidate");
    let output = output.prints(&["was not written", "refusing to allow"]);
    let summary = publishing.summary();
    for expected in
        ["The artifact is the delivery", "Contents, Pull requests and Workflows", "PATCH\\_MOI\\_TOKEN"]
    {
        assert!(summary.contains(expected), "{expected} in\n{summary}\n{output}");
    }
}

#[test]
fn a_remote_that_refuses_the_state_too_is_said_in_the_first_line() {
    let publishing = Publishing::carried();
    publishing.refuse("patch-moi", "read only");
    let _ = publishing.publish_dir().run().exits(4);
    let summary = publishing.summary();
    assert!(summary.starts_with("**Nothing will be remembered of this:**"), "{summary}");
    let _ = publishing.publish_dir().env("PATCH_MOI_FAIL", "later").run().exits(0);
}

#[test]
fn a_branch_that_a_person_pushed_to_is_left_alone_and_gets_a_sibling() {
    let publishing = Publishing::carried();
    let _ = publishing.publish_dir().run().exits(0);
    let theirs = publishing.git(&["rev-parse", "refs/heads/main"]);
    publishing.git(&["update-ref", CANDIDATE, &theirs]);

    let _ = publishing.publish_dir().run().exits(0).prints(&["is left alone", "candidate-2/v2"]);

    assert_eq!(publishing.at(CANDIDATE), Some(theirs));
    let commit = publishing.candidate()["candidate"]["commit"].as_str().unwrap().to_owned();
    assert_eq!(publishing.at("refs/heads/patch-moi/candidate-2/v2"), Some(commit));
}

#[test]
fn an_incomplete_candidate_gets_refs_and_no_branch() {
    let workspace = Workspace::conflicting().with_flow("");
    workspace.follow("file:///none", &json!({}));
    let _ = workspace.run_tag("v2").run().exits(3);
    let publishing = Publishing::after(workspace);

    let output = publishing.publish_dir().run().exits(3);

    assert_eq!(publishing.at(CANDIDATE), None, "{output}");
    assert!(publishing.at("refs/patch-moi/incomplete/v2").is_some(), "{output}");
    assert_eq!(publishing.ledger()["state"], "conflict");
    assert!(!publishing.summary().contains("land it with"), "{}", publishing.summary());
}

#[test]
fn the_flow_can_forbid_every_push_but_the_state() {
    let workspace = Workspace::clean();
    let toml = workspace.flow_toml("").replace("[config]\n", "[config]\npush = false\n");
    workspace.install_flow(&toml);
    workspace.lock();
    workspace.follow("file:///none", &json!({}));
    let _ = workspace.run_tag("v2").run().exits(0);
    let publishing = Publishing::after(workspace);
    let _ =
        publishing.publish_dir().run().exits(0).prints(&["No ref is written: the flow says `push = false`."]);
    assert_eq!(publishing.at(CANDIDATE), None);
    assert_eq!(publishing.ledger()["state"], "candidate");
}

#[test]
fn upstream_is_never_pushed_to() {
    let publishing = Publishing::carried();
    let upstream = file_url(publishing.workspace.upstream.path());
    publishing.workspace.fork.git(&["remote", "set-url", "origin", &upstream]);
    publishing.workspace.upstream.git(&[
        "fetch",
        "--quiet",
        publishing.remote.to_str().unwrap(),
        "main:main-of-fork",
    ]);
    publishing.workspace.upstream.git(&["branch", "--quiet", "--force", "other", "main-of-fork"]);
    let before = publishing.workspace.upstream.git(&["for-each-ref"]);

    let output = publishing.publish_dir().run();

    assert_eq!(publishing.workspace.upstream.git(&["for-each-ref"]), before, "{output}");
    assert!(matches!(output.code, Some(1 | 4)), "{output}");
    let output = output.prints(&["upstream's own repository"]);
    drop(output);
}

#[test]
fn a_branch_that_moved_on_makes_the_candidate_stale() {
    let publishing = Publishing::carried();
    publishing.workspace.fork.commit("One more", &[("more.txt", "more\n")]);
    publishing.workspace.fork.git(&["push", "--quiet", "origin", "main"]);
    let _ = publishing.publish_dir().run().exits(0).prints(&["marked stale"]);
    assert!(publishing.at(CANDIDATE).is_some());
    assert_ne!(publishing.ledger()["tip"], json!(publishing.workspace.fork.id("main")), "so it is due again");
}

#[test]
fn a_run_that_left_nothing_has_failed_for_what_was_asked() {
    let publishing = Publishing::carried();
    let typo = publishing.publish(&["./a-typo", "--tag", "v2"]).env("GITHUB_ACTIONS", "");
    let _ = typo.run().exits(2).says(&["a-typo"]);
    let _ = publishing.publish(&["--tag", "v2"]).run().exits(1).prints(&["the run left nothing"]);
    assert_eq!(publishing.ledger()["state"], "failed");
    assert_eq!(publishing.ledger()["tag"], "v2");

    let publishing = Publishing::carried();
    let empty = publishing.dir.parent().unwrap().join("empty");
    fs::create_dir_all(&empty).unwrap();
    let _ = publishing.publish(&[empty.to_str().unwrap()]).run().exits(1);
    assert_eq!(publishing.ledger()["state"], "failed");
}

#[test]
fn a_record_without_a_candidate_is_remembered_as_failed_and_as_nothing_else() {
    let publishing = Publishing::carried();
    let record = publishing.dir.join("record.json");
    assert!(record.exists(), "a run leaves its record");
    fs::remove_file(publishing.dir.join("candidate.json")).unwrap();
    fs::remove_file(publishing.dir.join("candidate.bundle")).unwrap();

    let _ = publishing.publish_dir().run().exits(1).prints(&["no candidate.json that could be proved"]);

    let mut json: Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
    json["state"] = json!("failed");
    fs::write(&record, json.to_string()).unwrap();
    let before = publishing.refs();
    let _ = publishing.publish_dir().run().exits(1).prints(&["the run's own word"]);
    assert_eq!(publishing.ledger()["state"], "failed");
    assert_eq!(publishing.refs(), before);
}

#[test]
fn what_the_run_says_of_its_runs_is_kept_and_marked() {
    let publishing = Publishing::carried();
    let _ = publishing.publish_dir().run().exits(0);
    let runs = publishing.workspace.state()["runs"].as_array().unwrap().clone();
    assert!(!runs.is_empty() && runs.iter().all(|run| run["reportedBy"] == "run"), "{runs:#?}");
    let events = publishing.workspace.journal("flow-events.jsonl");
    assert_eq!(events.len(), 1);
    assert_eq!(publishing.workspace.journal("maintenance-attempts.jsonl").len(), 1);
}

#[test]
fn several_artifacts_are_each_by_itself() {
    let publishing = Publishing::carried();
    let parent: &Path = publishing.dir.parent().unwrap();
    write(&parent.join("broken/candidate.json"), "no");
    let output = publishing.publish(&[parent.to_str().unwrap()]).run().exits(1);
    assert!(publishing.at(CANDIDATE).is_some(), "one that is broken stops no other\n{output}");
}

#[test]
fn a_complete_candidate_takes_the_place_of_an_incomplete_one() {
    let workspace = Workspace::conflicting().with_flow("");
    workspace.follow("file:///none", &json!({}));
    let _ = workspace.run_tag("v2").run().exits(3);
    let mut publishing = Publishing::after(workspace);
    let _ = publishing.publish_dir().run().exits(3);
    assert!(publishing.at("refs/patch-moi/incomplete/v2").is_some());

    let fork = &publishing.workspace.fork;
    fork.git(&["checkout", "--quiet", "HEAD~2", "--", "engine.txt"]);
    fork.git(&["commit", "--quiet", "--all", "--message", "Give in"]);
    fork.git(&["reset", "--quiet", "--soft", "v1"]);
    fork.git(&["commit", "--quiet", "--message", "All of it"]);
    fork.git(&["push", "--quiet", "--force", "origin", "main"]);
    publishing.carry_again();
    let _ = publishing.publish_dir().run().exits(0);
    assert!(publishing.at(CANDIDATE).is_some());
    assert_eq!(publishing.at("refs/patch-moi/incomplete/v2"), None);
}

#[test]
fn a_wrong_word_in_a_variable_is_a_usage_error() {
    let publishing = Publishing::carried();
    let _ = publishing
        .publish_dir()
        .env("PATCH_MOI_PUSH", "maybe")
        .run()
        .exits(2)
        .says(&["PATCH_MOI_PUSH", "auto or none"]);
}
