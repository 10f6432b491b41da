//! What is recorded, once more: `retry`, `replay`, `sync`.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Output, UPSTREAM, Workspace, patch_moi, write};

/// Says that all is well.
const WELL: &str = r#"echo 'FLOW_RESULT {"status":"completed"}'"#;

/// The id of the release's event.
fn event_id(tag: &str) -> String {
    format!("patch:upstream.release:{UPSTREAM}:{tag}")
}

/// A workspace with a flow of two steps, `one` and `two`, which are run in that order. Each says in ran.txt of
/// the workspace root which run it is.
fn two_steps(one: &str, two: &str) -> Workspace {
    let workspace = Workspace::on_v1();
    let folder = workspace.path().join("flows/demo");
    let step = |name: &str| {
        format!(
            "[[steps]]\nname = \"{name}\"\nrunner = \"command\"\ncommand = [\"sh\", \"{name}.sh\"]\n\
             [steps.trigger]\ntype = \"upstream.release\"\n\n"
        )
    };
    write(
        &folder.join("flow.toml"),
        format!("name = \"demo\"\nversion = 1\n\n{}{}", step("one"), step("two")),
    );
    for (name, script) in [("one", one), ("two", two)] {
        let says = format!("echo \"{name} $CODEX_FLOW_REPLAY $CODEX_FLOW_RUN_ID\" >> ../../ran.txt");
        write(&folder.join(format!("{name}.sh")), format!("{says}\n{script}\n"));
    }
    workspace
}

/// Ends well once the file `mended` is in the workspace root, else with `otherwise`.
fn once_mended(otherwise: &str) -> String {
    format!("if [ -e ../../mended ]; then {WELL}; else {otherwise}; fi")
}

fn mend(workspace: &Workspace) {
    write(&workspace.path().join("mended"), "");
}

/// The lines of ran.txt, as words.
fn ran(workspace: &Workspace) -> Vec<Vec<String>> {
    let text = fs::read_to_string(workspace.path().join("ran.txt")).unwrap_or_default();
    text.lines().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
}

/// The names of the steps that have run, in their order.
fn steps(workspace: &Workspace) -> Vec<String> {
    ran(workspace).into_iter().map(|words| words[0].clone()).collect()
}

fn command(workspace: &Workspace, args: &[&str]) -> Output {
    patch_moi(workspace.path()).args(args).env("DATA_DIR", workspace.data()).run()
}

fn retry(workspace: &Workspace) -> Output {
    command(workspace, &["retry", &event_id("v2"), "--json"])
}

#[test]
fn an_event_or_attempt_that_is_not_recorded_is_refused_with_the_nearest_one() {
    let workspace = two_steps(WELL, WELL);
    for known in [false, true] {
        if known {
            let _ = workspace.run_tag("v2").run().exits(0);
        }
        let nearest = event_id("v2");
        let hint = if known { nearest.as_str() } else { "no event is recorded here at all" };
        for name in ["retry", "replay"] {
            let _ = command(&workspace, &[name, &event_id("v22")]).exits(2).says(&["v22", hint]);
        }
        let hint = if known { nearest.as_str() } else { "no attempt is recorded here at all" };
        let _ = command(&workspace, &["sync", &event_id("v2"), "--json"]).exits(2).says(&[hint]);
    }
    assert_eq!(steps(&workspace), ["one", "two"]);
}

#[test]
fn a_retry_runs_what_failed_under_the_same_run_id_and_nothing_else() {
    let workspace = two_steps(WELL, &once_mended("exit 3"));
    let _ = workspace.run_tag("v2").run().exits(1);
    let _ = retry(&workspace).exits(1);
    mend(&workspace);

    let said = retry(&workspace).exits(0).json();

    assert_eq!(steps(&workspace), ["one", "two", "two", "two"]);
    let ids: Vec<String> = ran(&workspace).into_iter().map(|words| words[1..].join(" ")).collect();
    assert!(
        ids[0].starts_with("0 run_") && ids[1] == ids[2] && ids[2] == ids[3] && ids[0] != ids[1],
        "{ids:?}"
    );
    let state = workspace.state();
    assert_eq!(state["runs"].as_array().unwrap().len(), 2);
    assert!(state["runs"].as_array().unwrap().iter().all(|run| run["status"] == "completed"));
    let (dispatches, attempts) =
        (workspace.journal("workspace-dispatches.jsonl"), workspace.journal("maintenance-attempts.jsonl"));
    assert_eq!((dispatches.len(), attempts.len()), (3, 3));
    let last = attempts.last().unwrap();
    assert_eq!((&last["status"], &last["operation"]), (&json!("completed"), &json!("dispatch")), "{last:#}");
    assert_eq!(last["workspaceRunIds"].as_array().unwrap().len(), 2);
    assert_eq!(last.get("error"), None);
    assert_eq!((&said["record"], &said["attempt"]), (dispatches.last().unwrap(), last));
    assert_eq!(said["event"], workspace.journal("flow-events.jsonl")[0]);
    assert_eq!(workspace.record("v2")["runs"].as_array().unwrap().len(), 2);
    assert_eq!(said["exitCode"], 0);
}

#[test]
fn the_logs_of_runs_that_are_archived_go_and_those_of_kept_ones_stay() {
    let workspace = two_steps(WELL, WELL);
    write(&workspace.path().join(".codex/workspace.toml"), "records.keep = 2\n");
    let logs = || -> Vec<String> {
        let folder = workspace.path().join(".codex/workspace/actions/flow-client/logs");
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    };
    let _ = workspace.run_tag("v1").run().exits(0);
    let first = logs();
    assert_eq!(first.len(), 2);
    let _ = workspace.run_tag("v2").run().exits(0);
    let second = logs();
    let state = workspace.state();
    let mut kept: Vec<String> = state["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| format!("{}.log", run["id"].as_str().unwrap()))
        .collect();
    kept.sort();
    assert_eq!(second, kept);
    assert!(first.iter().all(|name| !second.contains(name)), "{first:?} {second:?}");
}

#[test]
fn a_retry_of_an_event_whose_steps_are_done_says_so_and_writes_nothing() {
    let workspace = two_steps(WELL, WELL);
    let _ = workspace.run_tag("v2").run().exits(0);
    let before = workspace.snapshot();

    let _ = command(&workspace, &["retry", &event_id("v2")]).exits(0).prints(&["every step of", "replay"]);
    let said = retry(&workspace).exits(0).json();

    assert_eq!(said["events"][0]["steps"].as_array().unwrap().len(), 2, "{said:#}");
    assert_eq!(workspace.snapshot(), before);
}

#[test]
fn a_dry_retry_says_what_would_run_and_writes_nothing() {
    let workspace = two_steps(WELL, "exit 3");
    let _ = workspace.run_tag("v2").run().exits(1);
    let before = workspace.snapshot();

    let said = command(&workspace, &["retry", &event_id("v2"), "--dry-run", "--json"]).exits(0).json();

    let steps = said["events"][0]["steps"].as_array().unwrap();
    let message = |step: &Value| step["message"].as_str().unwrap().to_owned();
    assert!(message(&steps[0]).contains("not run again"), "{said:#}");
    assert!(message(&steps[1]).contains("a dry run does not run it"), "{said:#}");
    assert_eq!(workspace.snapshot(), before);
}

#[test]
fn what_was_done_before_a_kill_is_kept_and_a_retry_does_the_rest() {
    let workspace = two_steps(WELL, &once_mended("kill -9 $PPID"));
    let killed = workspace.run_tag("v2").run();
    assert_ne!(killed.code, Some(0), "{killed}");
    let runs = workspace.state()["runs"].clone();
    assert_eq!((runs.as_array().unwrap().len(), &runs[0]["stepName"]), (1, &json!("one")), "{runs:#}");
    mend(&workspace);

    let _ = retry(&workspace).exits(0);

    assert_eq!(steps(&workspace), ["one", "two", "two"]);
    assert_eq!(workspace.state()["runs"].as_array().unwrap().len(), 2);
    assert_eq!(workspace.state()["runs"][0], runs[0]);
    workspace.assert_nothing_half_written();
}

#[test]
fn a_blocked_step_is_run_by_the_next_run_and_by_a_retry_once_nothing_blocks_it() {
    let blocked = once_mended(r#"echo 'FLOW_RESULT {"status":"blocked","message":"wait"}'"#);
    for again in ["run", "retry"] {
        let workspace = two_steps(WELL, &blocked);
        let _ = workspace.run_tag("v2").run().exits(4);
        assert_eq!(workspace.journal("maintenance-attempts.jsonl")[0]["status"], "blocked");
        mend(&workspace);

        let run = if again == "run" { workspace.run_tag("v2").run() } else { retry(&workspace) };

        let _ = run.exits(0);
        let run = &workspace.state()["runs"][1];
        assert_eq!(
            (&run["stepName"], &run["status"]),
            (&json!("two"), &json!("completed")),
            "{again}: {run:#}"
        );
    }
}

#[test]
fn a_replay_runs_everything_under_new_ids_and_tells_the_steps() {
    let workspace = two_steps(WELL, WELL);
    let _ = workspace.run_tag("v2").run().exits(0);

    for _ in 0..2 {
        let _ = command(&workspace, &["replay", &event_id("v2")]).exits(0);
    }

    assert_eq!(steps(&workspace), ["one", "two"].repeat(3));
    let words = ran(&workspace);
    let mut ids: Vec<&str> = words.iter().map(|words| words[2].as_str()).collect();
    assert!(words[2..].iter().all(|words| words[1] == "1"), "{words:?}");
    let is_replay = |id: &str| {
        let digits = id.strip_prefix("run_").and_then(|id| id.strip_suffix("_replay"));
        digits.is_some_and(|digits| digits.len() == 12)
    };
    assert!(ids[2..].iter().all(|id| is_replay(id)), "{ids:?}");
    assert_eq!(workspace.state()["events"][0]["runIds"], json!(ids));
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 6);
    for journal in ["workspace-dispatches.jsonl", "maintenance-attempts.jsonl"] {
        let operations: Vec<Value> =
            workspace.journal(journal).iter().map(|line| line["operation"].clone()).collect();
        assert_eq!(operations, ["dispatch", "replay", "replay"], "{journal}");
    }
    assert_eq!(workspace.journal("flow-events.jsonl").len(), 1);
}

#[test]
fn a_replay_that_fails_exits_1() {
    let workspace = two_steps(WELL, &once_mended("exit 3"));
    mend(&workspace);
    let _ = workspace.run_tag("v2").run().exits(0);
    fs::remove_file(workspace.path().join("mended")).unwrap();

    let _ = command(&workspace, &["replay", &event_id("v2")]).exits(1);

    let runs = workspace.state()["runs"].clone();
    let statuses: Vec<&str> =
        runs.as_array().unwrap().iter().map(|run| run["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["completed", "completed", "completed", "failed"], "the first time stays recorded");
}

#[test]
fn a_carry_that_is_replayed_gives_the_same_candidate() {
    let workspace = Workspace::clean().with_flow("");
    let _ = workspace.run_tag("v2").run().exits(0);
    let first = workspace.candidate("v2");
    let refs = workspace.fork.git(&["for-each-ref"]);

    let _ = retry(&workspace).exits(0).prints(&["not run again"]);
    assert_eq!(workspace.candidate("v2"), first);
    let _ = command(&workspace, &["replay", &event_id("v2")]).exits(0);

    let again = workspace.candidate("v2");
    assert_eq!(again["candidate"], first["candidate"]);
    assert_eq!(workspace.fork.git(&["for-each-ref"]), refs);
    assert!(again["run"]["id"].as_str().unwrap().ends_with("_replay"), "{:#}", again["run"]);

    fs::remove_dir_all(workspace.artifact("v2")).unwrap();
    let _ = retry(&workspace).exits(0);
    assert_eq!(workspace.candidate("v2")["candidate"], first["candidate"], "carried again where it is gone");
}

#[test]
fn an_event_that_only_state_json_has_can_be_run_again() {
    let workspace = two_steps(WELL, "exit 3");
    let _ = workspace.run_tag("v2").run().exits(1);
    fs::remove_file(workspace.data().join("flow-events.jsonl")).unwrap();

    let _ = retry(&workspace).exits(1);

    assert_eq!(steps(&workspace), ["one", "two", "two"]);
    assert_eq!(workspace.journal("flow-events.jsonl").len(), 1, "and stands in the journal again");
}

#[test]
fn the_same_event_run_twice_at_once_executes_its_steps_once() {
    let workspace = two_steps(&format!("sleep 2; {WELL}"), WELL);

    let ends: Vec<Output> = std::thread::scope(|scope| {
        let started: Vec<_> =
            (0..2).map(|_| workspace.run_tag("v2")).map(|run| scope.spawn(move || run.run())).collect();
        started.into_iter().map(|run| run.join().unwrap()).collect()
    });

    for end in ends {
        let _ = end.exits(0);
    }
    assert_eq!(steps(&workspace), ["one", "two"]);
    assert_eq!(workspace.state()["runs"].as_array().unwrap().len(), 2);
}

/// A workspace with one attempt, as patch.moi leaves it whose runs go on elsewhere, and a state.json with runs
/// of these ids and statuses.
fn attempted(attempt: &Value, runs: &[(&str, &str)]) -> Workspace {
    let workspace = Workspace::on_v1();
    let run = |(id, status): &(&str, &str)| {
        let mut run = json!({
            "id": id, "eventId": "e", "status": status, "effectiveStatus": status, "needsAttention": false,
            "attemptCount": 1, "attempts": [], "output": [], "raw": {}
        });
        if !matches!(*status, "running" | "queued") {
            run["resultPayload"] = json!({"status": status, "message": format!("it is {status}")});
            run["completedAt"] = json!("2026-01-02T00:00:00.000Z");
        }
        run
    };
    let runs: Vec<Value> = runs.iter().map(run).collect();
    let state = json!({"events": [], "runs": runs});
    write(&workspace.path().join(".codex/workspace/actions/flow-client/state.json"), format!("{state:#}"));
    write(&workspace.data().join("maintenance-attempts.jsonl"), format!("{attempt}\n"));
    workspace
}

fn attempt(status: &str, runs: &[&str]) -> Value {
    json!({
        "id": "e:dispatch:T0", "eventId": "e", "eventType": "upstream.release", "operation": "dispatch",
        "status": status, "workspaceRunIds": runs, "candidateRefs": [], "createdAt": "2026-01-01T00:00:00.000Z",
        "updatedAt": "2026-01-01T00:00:00.000Z"
    })
}

fn sync(workspace: &Workspace) -> Output {
    command(workspace, &["sync", "e:dispatch:T0", "--json"])
}

#[test]
fn a_sync_ends_as_its_attempt_does_and_prints_what_is_stored() {
    for (status, code) in
        [("failed", 1), ("needs_intervention", 3), ("blocked", 4), ("changed", 0), ("skipped", 0)]
    {
        let workspace = attempted(&attempt("started", &["r"]), &[("r", status)]);
        let said = sync(&workspace).exits(code).json();
        let lines = workspace.journal("maintenance-attempts.jsonl");
        assert_eq!((lines.len(), &said["stored"]), (2, &json!(true)));
        assert_eq!((&said["attempt"], &said["attempt"]["status"]), (&lines[1], &json!(status)));
        assert_eq!(said["attempt"]["completedAt"], "2026-01-02T00:00:00.000Z");

        let again = sync(&workspace).exits(code).json();
        assert_eq!((&again["attempt"], &again["stored"]), (&lines[1], &json!(false)), "nothing was news");
        assert_eq!(workspace.journal("maintenance-attempts.jsonl").len(), 2);
    }
}

#[test]
fn an_attempt_has_not_ended_while_one_of_its_runs_is_under_way() {
    for ended in ["changed", "failed"] {
        let workspace = attempted(&attempt("started", &["a", "b"]), &[("a", ended), ("b", "running")]);
        let said = sync(&workspace).exits(0).json();
        assert_eq!(
            (&said["attempt"]["status"], said["attempt"].get("completedAt")),
            (&json!("started"), None)
        );
        assert_eq!(said["attempt"]["workspaceRunStatuses"], json!({"a": ended, "b": "running"}));
    }
}

#[test]
fn an_error_goes_with_a_later_success() {
    let mut failed = attempt("failed", &["r"]);
    failed["error"] = json!("boom");
    let workspace = attempted(&failed, &[("r", "changed")]);
    let said = sync(&workspace).exits(0).json();
    assert_eq!(
        (&said["attempt"]["status"], said["attempt"].get("error")),
        (&json!("changed"), None),
        "{said:#}"
    );
}

#[test]
fn an_attempt_whose_runs_are_not_there_is_left_as_it_is() {
    let workspace = attempted(&attempt("started", &["a", "gone"]), &[("a", "changed")]);
    let before = workspace.snapshot();
    let _ = sync(&workspace).exits(1).says(&["state.json", "no run gone", "state-archive.jsonl"]);

    let mut elsewhere = attempt("started", &["a"]);
    elsewhere["workspaceBackendUrl"] = json!("https://ada:secret@backend.example");
    assert_eq!(workspace.snapshot(), before);
    let workspace = attempted(&elsewhere, &[("a", "changed")]);
    let run = sync(&workspace).exits(1).says(&["backend.example"]);
    assert!(!run.stderr.contains("secret"), "{run}");
}

#[test]
fn an_attempt_that_names_no_runs_is_told_those_of_its_event() {
    let workspace = attempted(&attempt("started", &[]), &[("r", "completed")]);
    let said = sync(&workspace).exits(0).json();
    assert_eq!(said["attempt"]["workspaceRunIds"], json!(["r"]));
    assert_eq!(said["attempt"]["status"], "completed");
}
