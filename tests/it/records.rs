//! What lasts from run to run, where the old system was known to lose or burn it.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Output, UPSTREAM, Workspace, patch_moi, write};

fn list(workspace: &Workspace, command: &str) -> Output {
    patch_moi(workspace.path()).args([command, "--json"]).env("DATA_DIR", workspace.data()).run()
}

fn event_ids(state: &Value) -> Vec<&str> {
    state["events"].as_array().unwrap().iter().map(|entry| entry["event"]["id"].as_str().unwrap()).collect()
}

/// A folder with journals that somebody else wrote, and the program in it.
struct Journals(tempfile::TempDir);

impl Journals {
    fn new(files: &[(&str, &[Value])]) -> Self {
        let folder = tempfile::TempDir::new().unwrap();
        for (name, records) in files {
            let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
            write(&folder.path().join("data").join(name), lines);
        }
        Self(folder)
    }

    fn list(&self, args: &[&str]) -> Output {
        patch_moi(self.0.path()).args(args).run()
    }
}

fn event(id: &str, kind: &str) -> Value {
    json!({ "id": id, "type": kind, "source": "patch", "receivedAt": "2025-12-01T00:00:00.000Z", "payload": {} })
}

fn dispatch(id: &str, status: &str, at: &str) -> Value {
    json!({
        "eventId": id, "eventType": "upstream.release", "operation": "dispatch", "target": "local",
        "transport": "actions-local", "status": status, "createdAt": at
    })
}

fn attempt(id: &str, status: &str, at: &str) -> Value {
    json!({
        "id": format!("{id}:dispatch:T0"), "eventId": id, "eventType": "upstream.release",
        "operation": "dispatch", "status": status, "workspaceRunIds": [], "candidateRefs": [],
        "createdAt": "T0", "updatedAt": at
    })
}

/// The values of one key in a list.
fn each<'a>(document: &'a Value, list: &str, key: &str) -> Vec<&'a str> {
    document[list].as_array().unwrap().iter().map(|record| record[key].as_str().unwrap()).collect()
}

#[test]
fn where_nothing_is_recorded_the_lists_are_empty_and_nothing_is_made() {
    let journals = Journals::new(&[]);
    for command in ["events", "dispatches", "attempts"] {
        let run = journals.list(&[command]).exits(0);
        assert_eq!(run.stdout, "", "{run}");
        assert_eq!(journals.list(&[command, "--json"]).exits(0).json(), json!({ command: [] }));
    }
    let status = journals.list(&["status", "--json"]).exits(0).json();
    assert_eq!(status["latest"], json!({ "events": [], "dispatches": [], "attempts": [] }));
    assert_eq!(fs::read_dir(journals.0.path()).unwrap().count(), 0);
}

#[test]
fn a_journal_that_cannot_be_read_at_all_is_a_failure() {
    let journals = Journals::new(&[]);
    fs::create_dir_all(journals.0.path().join("data/flow-events.jsonl")).unwrap();
    let run = journals.list(&["events", "--json"]).exits(1).says(&["flow-events.jsonl"]);
    let said = run.json();
    assert_eq!((&said["exitCode"], &said["error"]["kind"]), (&json!(1), &json!("failed")), "{said:#}");
}

#[test]
fn a_line_that_is_no_record_is_told_and_hides_no_other() {
    let journals = Journals::new(&[("flow-events.jsonl", &[json!(7), event("e", "t"), json!({"id": "f"})])]);
    let run = journals.list(&["events", "--json"]).exits(0).says(&["line 1", "line 3"]);
    assert_eq!(each(&run.json(), "events", "id"), ["e"]);
}

#[test]
fn events_are_listed_by_type_newest_first_and_not_more_than_asked_for() {
    let all = [event("a", "push"), event("b", "upstream.release"), event("c", "upstream.release")];
    let journals = Journals::new(&[("flow-events.jsonl", &all)]);
    let ids = |args: &[&str]| -> Vec<String> {
        let run = journals.list(&[&["events", "--json"], args].concat()).exits(0).json();
        each(&run, "events", "id").into_iter().map(str::to_owned).collect()
    };
    assert_eq!(ids(&[]), ["c", "b", "a"]);
    assert_eq!(ids(&["--type", "upstream.release"]), ["c", "b"]);
    assert_eq!(ids(&["--limit", "2"]), ["c", "b"]);
    assert_eq!(ids(&["--limit", "-7"]), ["c"], "clamped to one, as it always was");
    let _ = journals.list(&["events", "--limit", "many"]).exits(2);
}

#[test]
fn dispatches_and_attempts_are_listed_by_event_and_status() {
    let journals = Journals::new(&[
        ("flow-dispatches.jsonl", &[dispatch("old", "dispatched", "T9")]),
        ("workspace-dispatches.jsonl", &[dispatch("a", "failed", "T1"), dispatch("b", "dispatched", "T2")]),
        (
            "maintenance-attempts.jsonl",
            &[attempt("a", "started", "T1"), attempt("b", "failed", "T2"), attempt("a", "changed", "T3")],
        ),
    ]);
    let ids = |args: &[&str]| -> Vec<String> {
        let run = journals.list(&[args, &["--json"]].concat()).exits(0).json();
        each(&run, args[0], "eventId").into_iter().map(str::to_owned).collect()
    };
    assert_eq!(ids(&["dispatches"]), ["b", "a", "old"], "the older journal's come before all others");
    assert_eq!(ids(&["dispatches", "--status", "failed"]), ["a"]);
    assert_eq!(ids(&["dispatches", "--event-id", "b"]), ["b"]);
    assert_eq!(ids(&["attempts"]), ["a", "b"], "one an attempt, the newest news first");
    assert_eq!(ids(&["attempts", "--status", "started"]), [""; 0], "it has moved on since");
    assert_eq!(ids(&["attempts", "--event-id", "b", "--status", "failed"]), ["b"]);
    let _ = journals.list(&["attempts", "--status", "lost"]).exits(2).says(&["needs_intervention"]);

    let status = journals.list(&["status", "--json"]).exits(0).json();
    assert_eq!(status["attemptStatusCounts"], json!({ "changed": 1, "failed": 1 }));
    assert_eq!(status["dispatchStatusCounts"], json!({ "dispatched": 2, "failed": 1 }));
}

#[test]
fn a_person_reads_one_line_a_record_and_never_undefined() {
    let bare = json!({ "id": "bare", "type": "push" });
    let journals = Journals::new(&[
        ("flow-events.jsonl", &[bare, event("e\u{1b}[31m", "upstream.release")]),
        ("workspace-dispatches.jsonl", &[dispatch("e", "failed", "T1")]),
        ("maintenance-attempts.jsonl", &[attempt("e", "needs_intervention", "T2")]),
    ]);
    let said = |command: &str| journals.list(&[command]).exits(0).stdout;
    assert_eq!(said("events"), "2025-12-01T00:00:00.000Z upstream.release e\\u{1b}[31m\n- push bare\n");
    assert_eq!(said("dispatches"), "T1 failed dispatch e\n");
    assert_eq!(said("attempts"), "T2 needs_intervention dispatch e:dispatch:T0\n");
    let status = said("status");
    assert!(status.contains("1 needs_intervention") && status.lines().count() <= 6, "{status}");
}

#[test]
fn data_dir_is_the_option_then_the_variable_then_data_in_the_root() {
    let journals = Journals::new(&[("flow-events.jsonl", &[event("in data", "t")])]);
    let root = journals.0.path();
    write(&root.join("two/flow-events.jsonl"), format!("{}\n", event("in two", "t")));
    write(&root.join("three/flow-events.jsonl"), format!("{}\n", event("in three", "t")));
    fs::create_dir_all(root.join("below")).unwrap();
    let found = |args: &[&str], variable: Option<&str>| {
        let run =
            patch_moi(&root.join("below")).args(["events", "--json", "--workspace-root", ".."]).args(args);
        let run = variable.into_iter().fold(run, |run, value| run.env("DATA_DIR", value)).run().exits(0);
        run.json()["events"][0]["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(found(&[], None), "in data");
    assert_eq!(found(&[], Some("./two")), "in two", "relative to the workspace root");
    assert_eq!(found(&["--data-dir", "three"], Some("./two")), "in three");
}

#[test]
fn what_the_old_system_recorded_is_kept_and_listed() {
    let workspace = Workspace::clean().with_flow("");
    let event = json!({
        "id": "patch:upstream.release:acme/engine:v0",
        "type": "upstream.release",
        "source": "patch",
        "receivedAt": "2025-12-01T00:00:00.000Z",
        "payload": { "repo": UPSTREAM, "tag": "v0" }
    });
    let state = json!({
        "events": [{ "event": event, "createdAt": "2025-12-01T00:00:01.000Z", "runIds": [] }],
        "runs": []
    });
    let path = workspace.path().join(".codex/workspace/actions/flow-client/state.json");
    write(&path, format!("{state:#}"));
    write(&workspace.data().join("flow-events.jsonl"), format!("{event}\n"));

    let _ = workspace.run_tag("v2").run().exits(0);

    let new = format!("patch:upstream.release:{UPSTREAM}:v2");
    assert_eq!(event_ids(&workspace.state()), ["patch:upstream.release:acme/engine:v0", &new]);
    let listed = list(&workspace, "events").exits(0).json();
    assert_eq!(listed["events"][0]["id"], new, "newest first");
    assert_eq!(listed["events"][1], event);
}

#[test]
fn a_torn_line_hides_no_other_line() {
    let workspace = Workspace::clean().with_flow("");
    let _ = workspace.run_tag("v2").run().exits(0);
    let path = workspace.data().join("flow-events.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{whole}{{\"id\":\"patch:torn")).unwrap();

    let run = list(&workspace, "events").exits(0).says(&["flow-events.jsonl"]);

    assert_eq!(run.json()["events"].as_array().unwrap().len(), 1);
}

#[test]
fn a_state_that_cannot_be_read_is_named_and_never_written_over() {
    for content in ["{ \"events\": [", "{ \"something\": \"else\" }"] {
        let workspace = Workspace::clean().with_flow("");
        let path = workspace.path().join(".codex/workspace/actions/flow-client/state.json");
        write(&path, content);

        let run = workspace.run_tag("v2").run().says(&["state.json"]);

        assert_ne!(run.code, Some(0), "{run}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn an_event_that_no_flow_wanted_is_not_used_up() {
    let workspace = Workspace::clean();
    workspace.install_flow(&workspace.flow_toml("").replace("upstream.release", "downstream.release"));
    workspace.lock();
    let _ = workspace.run_tag("v2").run().exits(2);

    let workspace = workspace.with_flow("");
    let _ = workspace.run_tag("v2").run().exits(0);

    assert_eq!(workspace.candidate("v2")["candidate"]["complete"], true);
}

#[test]
fn a_failed_event_is_carried_again_by_the_next_dispatch() {
    let check = "[[checks]]\nname = \"paint\"\ncommand = [\"cat\", \"paint.txt\"]\nrequired = true\n";
    let workspace = Workspace::clean().with_flow(check);
    let _ = workspace.run_tag("v2").run().exits(1);
    workspace.fork.git(&["checkout", "--quiet", "main"]);
    write(&workspace.path().join("paint.txt"), "blue\n");
    workspace.fork.git(&["add", "paint.txt"]);
    workspace.fork.git(&["commit", "--quiet", "-m", "Bring the paint"]);

    let _ = workspace.run_tag("v2").run().exits(0);

    assert_eq!(workspace.candidate("v2")["counts"]["patches"], 3);
    let status = |line: &Value| line["status"].as_str().unwrap().to_owned();
    let attempts = workspace.journal("maintenance-attempts.jsonl");
    assert_eq!(status(&attempts[0]), "failed");
    assert_ne!(status(attempts.last().unwrap()), "failed");
}

#[test]
fn two_runs_at_the_same_time_lose_nothing_of_each_other() {
    let workspace = Workspace::clean().with_flow("");
    workspace.upstream.switch("release/2").commit("Release v3", &[("VERSION", "3\n")]);
    workspace.upstream.tag("v3").switch("main");

    let runs = ["v2", "v3"].map(|tag| workspace.run_tag(tag));
    let ends: Vec<Output> = std::thread::scope(|scope| {
        let started: Vec<_> = runs.into_iter().map(|run| scope.spawn(move || run.run())).collect();
        started.into_iter().map(|run| run.join().unwrap()).collect()
    });

    for end in ends {
        let _ = end.exits(0);
    }
    let state = workspace.state();
    let mut ids = event_ids(&state);
    ids.sort_unstable();
    assert_eq!(ids, ["v2", "v3"].map(|tag| format!("patch:upstream.release:{UPSTREAM}:{tag}")));
    assert_eq!(workspace.journal("flow-events.jsonl").len(), 2);
    workspace.assert_nothing_half_written();
}

#[test]
fn every_folder_that_a_run_makes_hides_itself_from_git() {
    let workspace = Workspace::clean();
    let before = workspace.fork.git(&["status", "--porcelain"]);
    let run = workspace.run(&["release", "--repo", UPSTREAM, "--tag", "v2", "--branch", "main"]);

    let _ = run.run().exits(0);

    assert!(workspace.artifact("v2").exists());
    assert_eq!(workspace.fork.git(&["status", "--porcelain"]), before);
}
