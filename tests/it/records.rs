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
