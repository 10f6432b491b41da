//! What a machine without memory learns of earlier runs, and what it leaves for later ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Program, Release, Workspace, file_url, patch_moi};

const V2: Release = Release { tag: "v2", title: "v2", updated: "2026-02-01T00:00:00Z" };
const STATE: &str = "refs/patch-moi/state";

/// GitHub's runner around a run: its two files.
struct Runner {
    dir: TempDir,
}

impl Runner {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("output"), "").unwrap();
        fs::write(dir.path().join("summary"), "").unwrap();
        Self { dir }
    }

    fn around(&self, program: Program) -> Program {
        program
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_OUTPUT", self.dir.path().join("output"))
            .env("GITHUB_STEP_SUMMARY", self.dir.path().join("summary"))
    }

    fn summary(&self) -> String {
        fs::read_to_string(self.dir.path().join("summary")).unwrap()
    }

    fn output(&self, name: &str) -> String {
        let text = fs::read_to_string(self.dir.path().join("output")).unwrap();
        let mut lines = text.lines().skip_while(|line| !line.starts_with(&format!("{name}<<")));
        lines.nth(1).unwrap_or_else(|| panic!("no output {name} in {text}")).to_owned()
    }
}

/// A workspace whose checkout has an `origin`, a bare repository.
fn with_origin() -> (Workspace, PathBuf) {
    let workspace = Workspace::clean().with_flow("").with_feed(&[V2]);
    let origin = workspace.upstream.path().parent().unwrap().join("origin.git");
    workspace.fork.git(&["clone", "--quiet", "--bare", ".", origin.to_str().unwrap()]);
    workspace.fork.git(&["remote", "add", "origin", &file_url(&origin)]);
    (workspace, origin)
}

/// Pushes what lies on disk as a state, as a person could with plain git.
fn push_state(workspace: &Workspace) {
    let fork = &workspace.fork;
    let blob = |path: &Path| fork.git(&["hash-object", "-w", path.to_str().unwrap()]);
    let mktree = |lines: String| {
        let (_, id) = fork.git_with(&["mktree"], lines.as_bytes());
        String::from_utf8(id).unwrap().trim().to_owned()
    };
    let journals = fs::read_dir(workspace.data()).unwrap().map(|entry| entry.unwrap().path());
    let journals =
        journals.filter(|path| path.extension().is_some_and(|ext| ext == "jsonl" || ext == "json"));
    let lines: String = journals
        .map(|path| format!("100644 blob {}\t{}\n", blob(&path), path.file_name().unwrap().to_str().unwrap()))
        .collect();
    let data = mktree(lines);
    let client = workspace.path().join(".codex/workspace/actions/flow-client/state.json");
    let client = mktree(format!("100644 blob {}\tstate.json\n", blob(&client)));
    let root = mktree(format!("040000 tree {data}\tdata\n040000 tree {client}\tflow-client\n"));
    let commit = fork.git(&["commit-tree", "-m", "state", &root]);
    fork.git(&["push", "--quiet", "origin", &format!("{commit}:{STATE}")]);
}

/// Takes away everything that patch-moi left on this machine: the next runner starts empty.
fn forget(workspace: &Workspace) {
    fs::remove_dir_all(workspace.data()).unwrap();
    fs::remove_dir_all(workspace.path().join(".codex/workspace")).unwrap();
}

#[test]
fn a_step_that_fails_leaves_its_record_and_says_what_to_publish_and_that_the_job_is_red() {
    let workspace = Workspace::clean().with_flow("").with_feed(&[V2]);
    workspace.fork.git(&["switch", "--quiet", "--orphan", "stranger"]);
    workspace.fork.commit("Begin elsewhere", &[("other", "1\n")]);
    workspace.fork.git(&["branch", "--force", "main"]);
    for (program, code) in [(workspace.run(&[]), 2), (workspace.run_tag("v2"), 2)] {
        let runner = Runner::new();
        let _ = runner.around(program).env("PATCH_MOI_FAIL", "later").run().exits(code);

        let record = workspace.record("v2");
        assert_eq!(record["schemaVersion"], 1);
        assert_eq!(
            (&record["repo"], &record["tag"], &record["state"]),
            (&"acme/engine".into(), &"v2".into(), &"failed".into())
        );
        assert_eq!(record["runs"].as_array().unwrap().len(), 1);
        assert_eq!(record["event"]["id"], record["attempt"]["eventId"]);
        assert!(record["message"].as_str().unwrap().contains("histor"), "{record:#}");
        let report = fs::read_to_string(workspace.artifact("v2").join("report.md")).unwrap();
        assert!(report.contains("**Failed:**"), "{report}");
        assert_eq!((runner.output("publish"), runner.output("red")), ("true".to_owned(), "true".to_owned()));
        assert_eq!(runner.output("artifact-path"), workspace.artifact("v2").to_str().unwrap());
    }
}

#[test]
fn a_red_job_can_wait_until_everything_is_published() {
    let workspace = Workspace::conflicting().with_flow("").with_feed(&[V2]);
    let runner = Runner::new();

    let _ = runner.around(workspace.run(&[])).env("PATCH_MOI_FAIL", "later").run().exits(0);
    assert_eq!((runner.output("publish"), runner.output("red")), ("true".to_owned(), "true".to_owned()));
    assert_eq!(workspace.record("v2")["state"], "conflict");
    assert!(workspace.artifact("v2").join("candidate.json").exists());

    // Without files for the outputs nobody would ever hear of it.
    let _ = workspace.run_tag("v2").env("PATCH_MOI_FAIL", "later").run().exits(3);
    let _ = runner.around(workspace.run_tag("v2")).run().exits(3);
    let _ = runner.around(workspace.run_tag("v9")).env("PATCH_MOI_FAIL", "later").run().exits(2);
}

#[test]
fn a_word_that_does_not_say_when_the_job_fails_is_refused_before_anything_is_done() {
    let workspace = Workspace::clean().with_flow("").with_feed(&[V2]);
    for args in [&["run"][..], &["publish"]] {
        let run = patch_moi(workspace.path()).args(args).env("PATCH_MOI_FAIL", "never");
        let _ = run.run().exits(2).says(&["PATCH_MOI_FAIL", "`never`", "now or later"]);
    }
    assert!(!workspace.data().exists() && !workspace.artifact("v2").exists());
}

#[test]
fn a_workflow_without_any_file_leaves_a_settled_release_alone() {
    let workspace = Workspace::conflicting();
    workspace.upstream.git(&["tag", "v2.0.0", "v2"]);
    let upstream = file_url(workspace.upstream.path());
    let named = [
        "release",
        "--repo",
        "acme/engine",
        "--branch",
        "main",
        "--upstream-url",
        &upstream,
        "--state",
        "none",
    ];
    let runner = Runner::new();
    let _ = runner.around(workspace.run(&named)).run().exits(3);
    assert_eq!(runner.output("publish"), "true");
    let journal = workspace.journal("releases.jsonl");

    let runner = Runner::new();
    let _ = runner.around(workspace.run(&named)).run().exits(0).says(&["::warning", "v2.0.0: conflict"]);
    assert_eq!((runner.output("publish"), runner.output("red")), ("false".to_owned(), "false".to_owned()));
    assert_eq!(workspace.journal("releases.jsonl"), journal);

    // A person wants to see it all the same.
    let _ = workspace.run(&named).run().exits(3);
    let _ = Runner::new().around(workspace.run(&named).args(["--tag", "v2.0.0"])).run().exits(3);
    workspace.fork.commit("Another patch", &[("another", "1\n")]);
    let _ = Runner::new().around(workspace.run(&named)).run().exits(3);
}

#[test]
fn a_dry_run_leaves_no_record() {
    let workspace = Workspace::clean().with_flow("").with_feed(&[V2]);
    let runner = Runner::new();
    let _ = runner.around(workspace.run(&["--dry-run"])).run().exits(0);
    assert_eq!((runner.output("publish"), runner.output("red")), ("false".to_owned(), "false".to_owned()));
    assert!(!workspace.artifact("v2").exists());
}

#[test]
fn an_empty_machine_does_nothing_that_another_has_done() {
    let (workspace, _) = with_origin();
    let _ = Runner::new().around(workspace.run(&[])).run().exits(0);
    assert_eq!(workspace.record("v2")["state"], "candidate");
    push_state(&workspace);
    let lines = workspace.journal("releases.jsonl");
    forget(&workspace);

    let runner = Runner::new();
    let dry = runner.around(workspace.run(&["--dry-run", "--json"])).run().exits(0);
    assert_eq!(dry.json()["events"].as_array().unwrap().len(), 0, "{dry}");
    assert!(!workspace.data().exists());
    let run = runner.around(workspace.run(&["--json"])).run().exits(0);

    let said = run.json();
    assert_eq!(said["events"].as_array().unwrap().len(), 0, "{said:#}");
    assert_eq!((&said["memory"]["kind"], &said["memory"]["ref"]), (&"ref".into(), &STATE.into()));
    assert_eq!(workspace.journal("releases.jsonl"), lines);
    assert_eq!(runner.output("publish"), "false");
    assert!(!workspace.artifact("v2").exists());
}

#[test]
fn a_state_that_cannot_be_read_stops_a_schedule_and_no_person() {
    let (workspace, origin) = with_origin();
    fs::remove_dir_all(&origin).unwrap();

    let runner = Runner::new();
    let run = runner.around(workspace.run(&[])).run().exits(1);
    let _ = run.says(&[STATE, "--state none"]);
    assert!(!workspace.artifact("v2").exists() && !workspace.data().exists());

    let _ = runner.around(workspace.run_tag("v2")).run().exits(0).says(&[STATE]);
    assert!(workspace.artifact("v2").exists());
}

#[test]
fn where_nothing_is_remembered_the_summary_says_so_first() {
    let (workspace, origin) = with_origin();
    fs::remove_dir_all(&origin).unwrap();
    let runner = Runner::new();

    let _ = runner.around(workspace.run(&[])).env("PATCH_MOI_STATE", "none").run().exits(0);

    let summary = runner.summary();
    assert!(summary.starts_with("**What this run did will not be remembered:** "), "{summary}");
    // On a laptop the disk remembers.
    let run = workspace.run(&["--json", "--state", "none"]).run().exits(0);
    assert_eq!(run.json()["memory"]["kind"], "disk");
}

#[test]
fn a_run_that_is_killed_while_it_reads_the_state_leaves_every_file_whole() {
    let (workspace, _) = with_origin();
    let _ = Runner::new().around(workspace.run(&[])).run().exits(0);
    push_state(&workspace);
    let lines = workspace.journal("releases.jsonl");
    for pause in [0, 15, 30, 45, 60, 80, 110] {
        forget(&workspace);
        let mut child = Command::new(env!("CARGO_BIN_EXE_patch-moi"))
            .arg("run")
            .current_dir(workspace.path())
            .env("GITHUB_ACTIONS", "true")
            .env("DATA_DIR", workspace.data())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(pause));
        let _ = child.kill();
        child.wait().unwrap();

        for file in ["releases.jsonl", "flow-events.jsonl", "maintenance-attempts.jsonl"] {
            let _: Vec<Value> = workspace.journal(file);
        }
        let _ = Runner::new().around(workspace.run(&[])).run().exits(0);
        assert_eq!(workspace.journal("releases.jsonl"), lines);
        let _ = workspace.state();
        // The .gitignore of a folder has no lock, and so nobody may sweep what a kill left of it.
        for folder in [workspace.data(), workspace.path().join(".codex/workspace/actions/flow-client")] {
            let names = fs::read_dir(folder).unwrap();
            let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let half = names.filter(|name| name.ends_with("-tmp") && !name.contains("gitignore"));
            assert_eq!(half.collect::<Vec<_>>(), [""; 0]);
        }
    }
}
