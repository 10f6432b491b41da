//! state.json between patch-moi and codex-flows' local client, which wrote it first: in both directions, by
//! the rules of that client's format.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{Output, UPSTREAM, Workspace, write};

/// Says that all is well.
const WELL: &str = r#"echo "FLOW_RESULT {\"status\":\"changed\",\"message\":\"ünï\"}""#;

/// A workspace whose only step is this script.
fn with_script(script: &str) -> Workspace {
    let workspace = Workspace::on_v1();
    let folder = workspace.path().join("flows/demo");
    write(
        &folder.join("flow.toml"),
        "name = \"demo\"\nversion = 1\n\n[[steps]]\nname = \"hello\"\nrunner = \"command\"\n\
         command = [\"sh\", \"step.sh\"]\n\n[steps.trigger]\ntype = \"upstream.release\"\n",
    );
    write(&folder.join("step.sh"), format!("{script}\n"));
    workspace
}

fn file(workspace: &Workspace) -> PathBuf {
    workspace.path().join(".codex/workspace/actions/flow-client/state.json")
}

fn archive(workspace: &Workspace) -> Vec<Value> {
    let text = fs::read_to_string(file(workspace).with_file_name("state-archive.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What the older client loads of a file: an element that is not formed as it wants is dropped, and a file
/// without both lists counts as empty.
struct Loaded {
    events: Vec<Value>,
    runs: Vec<Value>,
}

fn load(text: &str) -> Loaded {
    let state: Value = serde_json::from_str(text).unwrap();
    let strings = |value: &Value, keys: &[&str]| keys.iter().all(|key| value[key].is_string());
    let is_event = |element: &Value| {
        strings(&element["event"], &["id", "type", "receivedAt"])
            && strings(element, &["createdAt"])
            && element["runIds"].as_array().is_some_and(|ids| ids.iter().all(Value::is_string))
    };
    let is_run = |run: &Value| {
        strings(run, &["id", "status", "effectiveStatus"])
            && run["needsAttention"].is_boolean()
            && run["attemptCount"].is_number()
            && run["attempts"].is_array()
            && run["output"].is_array()
            && run.get("raw").is_some()
    };
    let empty = Vec::new();
    let list = |key: &str| state[key].as_array().unwrap_or(&empty).clone();
    Loaded {
        events: list("events").into_iter().filter(is_event).collect(),
        runs: list("runs").into_iter().filter(is_run).collect(),
    }
}

/// A run as the older client writes it, with all its keys in their order.
fn old_run(event: &Value, step: &str) -> Value {
    let result = json!({"status": "changed", "message": "tail \u{2028} / <b> \u{7f} \t", "n": 1.5, "big": 9_007_199_254_740_993_u64});
    json!({
        "id": format!("run_{step}"), "eventId": event["id"], "flowName": "old", "flowVersion": 1,
        "stepName": step, "runner": "bun", "backend": "local", "processStatus": "completed",
        "resultStatus": "changed", "status": "changed", "effectiveStatus": "changed", "needsAttention": false,
        "attemptCount": 1,
        "attempts": [{
            "id": format!("run_{step}:attempt:1"), "status": "completed", "attemptNumber": 1,
            "startedAt": "2025-12-01T00:00:02.000Z", "completedAt": "2025-12-01T00:00:03.000Z",
            "raw": {"kind": "local-attempt", "runId": format!("run_{step}")}
        }],
        "output": [], "resultPayload": result, "createdAt": "2025-12-01T00:00:02.000Z",
        "startedAt": "2025-12-01T00:00:02.000Z", "completedAt": "2025-12-01T00:00:03.000Z",
        "updatedAt": "2025-12-01T00:00:03.000Z",
        "raw": {"kind": "local-run", "event": event, "flowRoot": "/old/flows/old", "flowName": "old",
                "stepName": step, "result": result}
    })
}

fn old_event(tag: &str) -> Value {
    json!({
        "id": format!("patch:upstream.release:{UPSTREAM}:{tag}"), "type": "upstream.release", "source": "patch",
        "receivedAt": "2025-12-01T00:00:00.000Z", "payload": {"repo": UPSTREAM, "tag": tag}
    })
}

/// A state as the older client writes it: indented by two, without a newline at its end.
fn old_state() -> String {
    let event = old_event("v0");
    let entry =
        json!({"event": event, "createdAt": "2025-12-01T00:00:01.000Z", "runIds": ["run_a", "run_b"]});
    format!("{:#}", json!({"events": [entry], "runs": [old_run(&event, "a"), old_run(&event, "b")]}))
}

/// An element as it stands in the file, two levels deep.
fn as_written(element: &Value) -> String {
    format!("{element:#}").replace('\n', "\n    ")
}

#[test]
fn a_state_that_is_no_state_is_named_and_never_written_over() {
    for content in ["", "[1]", "{}", "{\"events\": {}, \"runs\": []}", "{\"events\": []}", "{\"runs\": [],"] {
        let workspace = with_script("touch ../../ran");
        write(&file(&workspace), content);
        let _ = workspace.run_tag("v2").run().exits(1).says(&["state.json", "nothing was written over it"]);
        assert_eq!(fs::read_to_string(file(&workspace)).unwrap(), content);
        assert!(!workspace.path().join("ran").exists(), "no step runs whose record would be lost");
    }
}

#[test]
fn what_the_older_client_wrote_stays_byte_for_byte_where_a_run_is_added() {
    let workspace = with_script(WELL);
    write(&file(&workspace), old_state());
    let before: Value = serde_json::from_str(&old_state()).unwrap();

    let _ = workspace.run_tag("v2").run().exits(0);

    let text = fs::read_to_string(file(&workspace)).unwrap();
    assert!(!text.ends_with('\n'));
    let after: Value = serde_json::from_str(&text).unwrap();
    for list in ["events", "runs"] {
        for element in before[list].as_array().unwrap() {
            assert!(text.contains(&as_written(element)), "{element:#}\nis not in\n{text}");
        }
        assert_eq!(after[list].as_array().unwrap().len(), before[list].as_array().unwrap().len() + 1);
    }
    assert_eq!(format!("{after:#}"), text, "the file is written as the older client writes it");
}

#[test]
fn an_event_of_the_older_client_is_run_again_in_its_place() {
    let workspace = with_script(WELL);
    write(&file(&workspace), old_state());

    let _ = workspace.run_tag("v0").run().exits(0);

    let after = workspace.state();
    assert_eq!(after["events"].as_array().unwrap().len(), 1);
    let ids = after["events"][0]["runIds"].as_array().unwrap();
    assert_eq!(ids[..2], [json!("run_a"), json!("run_b")]);
    assert_eq!(ids.len(), 3);
    assert_eq!(after["events"][0]["event"], old_event("v0"), "the stored event is not replaced");
}

#[test]
fn what_the_older_client_would_drop_is_kept() {
    let workspace = with_script(WELL);
    let odd = json!({
        "events": [{"event": {"id": "no type"}}, null], "runs": [{"id": "half"}, 7], "later": {"z": 1, "a": 2}
    });
    write(&file(&workspace), format!("{odd:#}"));

    let _ = workspace.run_tag("v2").run().exits(0);

    let after = workspace.state();
    for (list, place) in [("events", 0), ("events", 1), ("runs", 0), ("runs", 1)] {
        assert_eq!(after[list][place], odd[list][place]);
    }
    assert_eq!(after["later"].to_string(), odd["later"].to_string());
}

#[test]
fn the_older_client_loads_everything_that_is_written_here() {
    let results = [
        (WELL, 0),
        ("exit 3", 1),
        (r#"echo 'FLOW_RESULT {"status":"blocked"}'"#, 4),
        (r#"echo 'FLOW_RESULT {"status":"needs_intervention","message":"m"}'"#, 3),
        (r#"echo 'FLOW_RESULT {"status":"skipped"}'"#, 0),
    ];
    for (script, code) in results {
        let workspace = with_script(script);
        write(&file(&workspace), old_state());
        let _ = workspace.run_tag("v2").run().exits(code);

        let text = fs::read_to_string(file(&workspace)).unwrap();
        let loaded = load(&text);
        let whole: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json!({"events": loaded.events, "runs": loaded.runs}), whole, "nothing is dropped");
        let (run, old) = (&loaded.runs[2], &loaded.runs[0]);
        let keys = |run: &Value| run.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let expected: Vec<String> = if code == 1 {
            let without = keys(old).into_iter().filter(|key| key != "resultStatus");
            without.map(|key| if key == "resultPayload" { "error".to_owned() } else { key }).collect()
        } else {
            keys(old)
        };
        assert_eq!(keys(run), expected, "{script}");
        assert_eq!(loaded.events[1]["runIds"], json!([run["id"]]));
        assert_eq!(run["raw"]["event"], loaded.events[1]["event"]);
        assert_eq!(run["needsAttention"], json!(matches!(code, 3 | 4)));
        assert_eq!((&run["createdAt"], &run["updatedAt"]), (&run["startedAt"], &run["completedAt"]));
    }
}

#[test]
fn three_runs_at_the_same_time_lose_nothing() {
    let workspace = with_script(WELL);
    let tags = ["v1", "v2", "v3"];

    let ends: Vec<Output> = std::thread::scope(|scope| {
        let started: Vec<_> = tags
            .map(|tag| workspace.run_tag(tag))
            .into_iter()
            .map(|run| scope.spawn(move || run.run()))
            .collect();
        started.into_iter().map(|run| run.join().unwrap()).collect()
    });

    for end in ends {
        let _ = end.exits(0);
    }
    let loaded = load(&fs::read_to_string(file(&workspace)).unwrap());
    assert_eq!((loaded.events.len(), loaded.runs.len()), (3, 3));
    for journal in ["flow-events.jsonl", "workspace-dispatches.jsonl", "maintenance-attempts.jsonl"] {
        assert_eq!(workspace.journal(journal).len(), 3, "{journal}");
    }
    workspace.assert_nothing_half_written();
}

#[test]
fn what_is_too_old_is_moved_to_the_archive_and_never_lost() {
    let workspace = with_script(WELL);
    write(&workspace.path().join(".codex/workspace.toml"), "[records]\nkeep = 2\n");
    let mut state: Value = serde_json::from_str(&old_state()).unwrap();
    state["events"].as_array_mut().unwrap().push(json!("not understood"));
    write(&file(&workspace), format!("{state:#}"));

    for tag in ["v1", "v2", "v3"] {
        let _ = workspace.run_tag(tag).run().exits(0);
    }

    let kept = workspace.state();
    let id = |tag: &str| json!(format!("patch:upstream.release:{UPSTREAM}:{tag}"));
    assert_eq!(kept["events"][0], "not understood");
    let events = kept["events"].as_array().unwrap();
    assert_eq!(
        (&events[1]["event"]["id"], &events[2]["event"]["id"], events.len()),
        (&id("v2"), &id("v3"), 3)
    );
    assert_eq!(kept["runs"].as_array().unwrap().len(), 2);
    let archive = archive(&workspace);
    let archived: Vec<&Value> = archive.iter().map(|line| &line["event"]["id"]).collect();
    assert_eq!(archived, [&id("v0"), &id("v1")]);
    assert_eq!(archive[0]["runs"], state["runs"], "as they stood");
    assert_eq!(workspace.journal("flow-events.jsonl").len(), 3, "journals are not cut");

    let _ = workspace.run_tag("v1").run().exits(0);
    assert_eq!(workspace.state()["events"].as_array().unwrap().last().unwrap()["event"]["id"], id("v1"));
}

#[test]
fn a_number_of_records_that_makes_no_sense_is_refused_before_anything_is_written() {
    let workspace = with_script("touch ../../ran");
    for settings in ["[records]\nkeep = 0\n", "[records]\nkeep = \"all\"\n"] {
        write(&workspace.path().join(".codex/workspace.toml"), settings);
        let _ = workspace.run_tag("v2").run().exits(2).says(&["workspace.toml", "keep = 5000"]);
    }
    assert!(!file(&workspace).exists() && !workspace.path().join("ran").exists());
}
