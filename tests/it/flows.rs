//! Events of several steps: gates, and the events that follow.

use std::fs;

use serde_json::{Value, json};

use crate::support::{ForkServer, Release, STATE, UPSTREAM, Workspace, patch_moi, write};

/// Says that all is well.
const WELL: &str = r#"echo 'FLOW_RESULT {"status":"completed"}'"#;

/// Writes the repository's own flow `name` with one step `hello`, which waits for events of this type.
fn write_flow(workspace: &Workspace, name: &str, on: &str, step: &str, script: &str) {
    let folder = workspace.path().join("flows").join(name);
    let flow = format!(
        "name = \"{name}\"\nversion = 1\n\n[[steps]]\nname = \"hello\"\n{step}\n\n[steps.trigger]\ntype = \"{on}\"\n"
    );
    write(&folder.join("flow.toml"), flow);
    write(&folder.join("step.sh"), script);
    write(&folder.join("step.js"), "exit()\n");
}

const CODE_MODE: &str = "runner = \"code-mode\"\nscript = \"step.js\"";

/// A shell step whose script stands in `flows/NAME/step.sh`, which writes a line to `ran` each time.
fn write_shell(workspace: &Workspace, name: &str, on: &str, result: &str) {
    let step = format!("runner = \"command\"\ncommand = [\"sh\", \"flows/{name}/step.sh\"]\ncwd = \"../..\"");
    write_flow(workspace, name, on, &step, &format!("echo {name} >> ran\n{result}\n"));
}

fn ran(workspace: &Workspace) -> Vec<String> {
    let text = fs::read_to_string(workspace.path().join("ran")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn run_of(workspace: &Workspace, flow: &str) -> Value {
    let state = workspace.state();
    let runs = state["runs"].as_array().unwrap();
    runs.iter().find(|run| run["flowName"] == flow).unwrap_or_else(|| panic!("{state:#}")).clone()
}

fn run_of_event(workspace: &Workspace, id: &str) -> Value {
    let state = workspace.state();
    let runs = state["runs"].as_array().unwrap();
    runs.iter().find(|run| run["eventId"] == id).unwrap_or_else(|| panic!("{state:#}")).clone()
}

fn result(value: &Value) -> String {
    format!("echo 'FLOW_RESULT {value}'")
}

#[test]
fn a_closed_gate_blocks_its_own_step_and_the_others_run() {
    let workspace = Workspace::on_v1();
    write_flow(&workspace, "a-code", "upstream.release", CODE_MODE, "");
    write_shell(&workspace, "b-shell", "upstream.release", WELL);

    let _ = workspace
        .run_tag("v2")
        .run()
        .exits(0)
        .prints(&["a-code/hello  blocked", "CODEX_FLOWS_MODE=code-mode"]);

    assert_eq!(ran(&workspace), ["b-shell"]);
    let gated = run_of(&workspace, "a-code");
    assert_eq!(json!([gated["status"], gated["needsAttention"]]), json!(["blocked", true]));
    let message = gated["resultPayload"]["message"].as_str().unwrap();
    assert!(
        message.contains("CODEX_FLOWS_MODE=code-mode") && message.contains("CODEX_FLOWS_ENABLE_CODE_MODE=1")
    );
    assert_eq!(run_of(&workspace, "b-shell")["status"], "completed");
}

#[test]
fn an_event_with_nothing_but_a_closed_gate_exits_4() {
    let workspace = Workspace::on_v1();
    write_flow(&workspace, "a-code", "upstream.release", CODE_MODE, "");
    let _ = workspace.run_tag("v2").run().exits(4);
    assert_eq!(workspace.journal("maintenance-attempts.jsonl").pop().unwrap()["status"], "blocked");
}

#[test]
fn an_event_that_is_run_again_with_its_gate_open_does_the_rest_and_repeats_nothing() {
    let workspace = Workspace::on_v1();
    write_flow(&workspace, "a-code", "upstream.release", CODE_MODE, "");
    write_shell(&workspace, "b-shell", "upstream.release", WELL);
    let id = format!("patch:upstream.release:{UPSTREAM}:v2");
    let event = json!({"id": id, "type": "upstream.release", "payload": {"repo": UPSTREAM, "tag": "v2"}});
    write(&workspace.path().join("event.json"), event.to_string());
    let run = || workspace.run(&["event", "--file", "event.json"]);
    let _ = run().run().exits(0);
    assert_eq!(ran(&workspace), ["b-shell"]);

    let again = run().env("CODEX_FLOWS_MODE", "code-mode").run();

    assert_eq!(ran(&workspace), ["b-shell"], "what is done is not repeated\n{again}");
    let gated = run_of(&workspace, "a-code");
    assert_eq!(gated["resultPayload"].get("gate"), None, "the step was reached: {gated:#}");
    let _ = workspace.run_tag("v2").env("CODEX_FLOWS_MODE", "code-mode").run();
    assert_eq!(ran(&workspace), ["b-shell", "b-shell"], "a named tag repeats everything");
}

#[test]
fn the_schedule_does_what_a_gate_kept_back_once_it_is_open_and_the_release_stays_settled() {
    let release = Release { tag: "v2", title: "Engine 2", updated: "2026-01-02T00:00:00Z" };
    let workspace = Workspace::clean().with_flow("").with_feed(&[release]);
    write_flow(&workspace, "code", "upstream.release", CODE_MODE, "");
    let _ = workspace.run(&[]).run().exits(0);
    let ledger = workspace.journal("releases.jsonl");
    assert_eq!(ledger.last().unwrap()["state"], "candidate");
    let carried = workspace.candidate("v2")["run"].clone();
    let before = workspace.snapshot();
    let _ = workspace.run(&[]).run().exits(0);
    workspace.snapshot().assert_same_as(&before);

    let open = workspace.run(&[]).env("CODEX_FLOWS_MODE", "code-mode").run();

    assert_eq!(run_of(&workspace, "code")["resultPayload"].get("gate"), None, "{open}");
    assert_eq!(workspace.candidate("v2")["run"], carried, "the stack was not carried again");
    assert_eq!(workspace.journal("releases.jsonl"), ledger, "the release stays settled");
}

#[test]
fn the_events_that_a_step_wants_to_follow_are_dispatched_as_events_of_their_own() {
    let workspace = Workspace::on_v1();
    let wanted = json!({"status": "completed", "next": [
        {"id": "n1", "type": "fork.carried", "payload": {"repo": UPSTREAM, "tag": "v2"}},
        {"id": "n2", "type": "nobody.waits", "payload": {}},
        {"id": "n1", "type": "once.more"},
    ]});
    write_shell(&workspace, "first", "upstream.release", &result(&wanted));
    write_shell(&workspace, "second", "fork.carried", WELL);

    let run = workspace.run_tag("v2").args(["--json"]).run().exits(0).json();

    assert_eq!(ran(&workspace), ["first", "second"]);
    let ids = |events: &[Value]| events.iter().map(|event| event["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(run["events"].as_array().unwrap())[1..], [json!("n1"), json!("n2")]);
    assert_eq!(ids(&workspace.journal("flow-events.jsonl"))[1..], [json!("n1"), json!("n2")]);
    assert_eq!(run_of(&workspace, "second")["eventId"], "n1");
    assert_eq!(workspace.journal("workspace-dispatches.jsonl").len(), 2);
    let notes = run["notes"].to_string();
    assert!(notes.contains("next[2] of first/hello is not dispatched: n1 follows already"), "{notes}");
    assert_eq!(workspace.record("v2")["event"]["type"], "upstream.release");
    assert!(workspace.record("v2")["warnings"].to_string().contains("next[2] of first/hello"));
    workspace.assert_nothing_half_written();

    let again = workspace
        .run_tag("v2")
        .run()
        .exits(0)
        .prints(&["n1 follows patch:upstream.release", "it is not run again"]);
    assert_eq!(ran(&workspace), ["first", "second", "first"], "{again}");
}

#[test]
fn a_replay_runs_again_what_was_asked_for_and_of_what_follows_only_what_is_new() {
    let workspace = Workspace::on_v1();
    let event =
        |id: &str| json!({"id": id, "type": "fork.carried", "payload": {"repo": UPSTREAM, "tag": "v2"}});
    let (known, new) = (
        json!({"status": "completed", "next": [event("n1")]}),
        json!({"status": "completed", "next": [event("n1"), event("n2")]}),
    );
    let script =
        format!("if [ \"$CODEX_FLOW_REPLAY\" = 1 ]; then {}; else {}; fi", result(&new), result(&known));
    write_shell(&workspace, "first", "upstream.release", &script);
    write_shell(
        &workspace,
        "second",
        "fork.carried",
        &format!("echo \"$CODEX_FLOW_EVENT_ID $CODEX_FLOW_REPLAY $CODEX_FLOW_RUN_ID\" >> ran\n{WELL}"),
    );
    let _ = workspace.run_tag("v2").run().exits(0);
    fs::remove_file(workspace.path().join("ran")).unwrap();

    let id = format!("patch:upstream.release:{UPSTREAM}:v2");
    let again = patch_moi(workspace.path()).args(["replay", &id]).env("DATA_DIR", workspace.data());
    let run = again.run().exits(0).prints(&["n1 follows", "it is not run again"]);

    let ran = ran(&workspace);
    assert_eq!(ran[..2], ["first", "second"], "{run}");
    let second = run_of_event(&workspace, "n2")["id"].clone();
    assert_eq!(ran[2..], [format!("n2 0 {}", second.as_str().unwrap())]);
    assert!(!second.as_str().unwrap().ends_with("_replay"));
    let operations = workspace.journal("workspace-dispatches.jsonl");
    let operations: Vec<_> = operations.iter().map(|line| (&line["eventId"], &line["operation"])).collect();
    let expected = [
        (&json!(id), &json!("dispatch")),
        (&json!("n1"), &json!("dispatch")),
        (&json!(id), &json!("replay")),
        (&json!("n2"), &json!("dispatch")),
    ];
    assert_eq!(operations, expected);

    // One that followed is replayed where it is itself asked for.
    let again = patch_moi(workspace.path()).args(["replay", "n1"]).env("DATA_DIR", workspace.data());
    let _ = again.run().exits(0);
    let last = self::ran(&workspace).pop().unwrap();
    assert!(last.starts_with("n1 1 run_") && last.ends_with("_replay"), "{last}");
}

#[test]
fn what_followed_on_one_machine_is_kept_by_the_next_which_publishes() {
    for stack in [true, false] {
        let workspace = Workspace::clean();
        let next = json!({"status": "completed", "next": [{"id": "n1", "type": "fork.carried", "payload": {"why": "x"}}]});
        write_shell(&workspace, "first", "upstream.release", &result(&next));
        let next = json!({"status": "completed", "next": [{"id": "n2", "type": "fork.tested"}]});
        write_shell(&workspace, "second", "fork.carried", &result(&next));
        write_shell(&workspace, "third", "fork.tested", WELL);
        if !stack {
            write(&workspace.path().join(".codex/workspace.toml"), "flows.carry.enabled = false\n");
        }
        let server = ForkServer::of(workspace, &json!({}));

        let (_, publisher) = server.tick();

        assert!(publisher.is_some());
        let remembered = |file: &str| server.git(&["show", &format!("{STATE}:{file}")]);
        let events = remembered("data/flow-events.jsonl");
        for part in [r#""id":"n1""#, r#""why":"x""#, r#""id":"n2""#] {
            assert!(events.contains(part), "{events}");
        }
        for journal in ["data/workspace-dispatches.jsonl", "data/maintenance-attempts.jsonl"] {
            let lines = remembered(journal);
            assert_eq!(lines.lines().count(), 3, "{lines}");
            assert!(lines.contains(r#""eventId":"n1""#) && lines.contains(r#""eventId":"n2""#), "{lines}");
        }
        let state: Value = serde_json::from_str(&remembered("flow-client/state.json")).unwrap();
        let runs = state["runs"].as_array().unwrap();
        let run = |flow: &str| runs.iter().find(|run| run["flowName"] == flow).unwrap().clone();
        assert_eq!((&run("second")["eventId"], &run("third")["eventId"]), (&json!("n1"), &json!("n2")));
        assert_eq!(run("third")["reportedBy"], "run");
        assert!(server.tick().1.is_none(), "nothing is left to do");
    }
}

#[test]
fn an_event_that_followed_and_has_the_name_of_another_release_is_refused() {
    let workspace = Workspace::clean();
    let next = json!({"status": "completed", "next": [{"id": "n1", "type": "fork.carried"}]});
    write_shell(&workspace, "first", "upstream.release", &result(&next));
    write_shell(&workspace, "second", "fork.carried", WELL);
    let server = ForkServer::of(workspace, &json!({}));
    let runner = server.machine();
    let _ = runner.command("run").run().exits(0);
    let artifact = runner.artifact().unwrap();
    let file = std::path::Path::new(&artifact).join("record.json");
    let text = fs::read_to_string(&file).unwrap();
    let mut record: Value = serde_json::from_str(&text).unwrap();
    let follower = &mut record["followed"][0];
    let id = format!("patch:upstream.release:{UPSTREAM}:v9");
    follower["runs"] = json!([]);
    for about in ["/event/id", "/dispatch/eventId", "/attempt/eventId"] {
        *follower.pointer_mut(about).unwrap() = json!(id);
    }
    write(&file, record.to_string());

    let run =
        server.machine().command("publish").args([artifact]).env("PATCH_MOI_FAIL", "now").run().exits(1);

    let _ = run.says(&["what followed is not about the release of its name"]);
    assert!(!server.refs().contains("candidate"), "nothing is pushed: {}", server.refs());
}

#[test]
fn a_replay_of_an_event_that_followed_leaves_the_record_of_the_first_in_its_place() {
    let workspace = Workspace::on_v1();
    let next = json!({"id": "n1", "type": "fork.carried", "payload": {"repo": UPSTREAM, "tag": "v2"}});
    write_shell(
        &workspace,
        "first",
        "upstream.release",
        &result(&json!({"status": "completed", "next": [next]})),
    );
    write_shell(&workspace, "second", "fork.carried", WELL);
    let _ = workspace.run_tag("v2").run().exits(0);
    let again = patch_moi(workspace.path()).args(["replay", "n1"]).env("DATA_DIR", workspace.data());
    let _ = again.run().exits(0);
    let record = workspace.record("v2");
    assert_eq!(record["event"]["type"], "upstream.release");
    let followed = record["followed"].as_array().unwrap();
    assert_eq!((followed.len(), &followed[0]["dispatch"]["operation"]), (1, &json!("replay")), "{record:#}");
}

#[test]
fn events_that_follow_one_another_for_ever_end_and_say_so() {
    let workspace = Workspace::on_v1();
    let script = "read=$(cat); n=$(echo \"$read\" | grep -c . ); at=$(wc -l < ran 2>/dev/null || echo 0)\n\
                  echo \"FLOW_RESULT {\\\"status\\\":\\\"completed\\\",\\\"next\\\":[{\\\"id\\\":\\\"n$at\\\",\\\"type\\\":\\\"upstream.release\\\"}]}\"";
    write_shell(&workspace, "loop", "upstream.release", script);

    let run = workspace.run_tag("v2").run().exits(0);

    assert_eq!(ran(&workspace).len(), 4, "{run}");
    let _ = run.prints(&[
        "loop/hello wants 1 more events to follow, and after 3 that followed one another none is dispatched",
    ]);
}

#[test]
fn a_step_that_fails_in_an_event_that_follows_makes_the_run_fail() {
    let workspace = Workspace::on_v1();
    let wanted = json!({"status": "completed", "next": [{"id": "n1", "type": "fork.carried"}]});
    write_shell(&workspace, "first", "upstream.release", &result(&wanted));
    write_shell(&workspace, "second", "fork.carried", "exit 3");
    let _ = workspace.run_tag("v2").run().exits(1);
    assert_eq!(run_of(&workspace, "first")["status"], "completed");
    assert_eq!(run_of(&workspace, "second")["status"], "failed");
}
