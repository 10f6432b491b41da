//! What commands cost where 50,000 events, dispatches and attempts are recorded, and state.json is full.
//!
//! `cargo test --release --bench records -- --ignored --nocapture`. CPU seconds and the most memory are those
//! that GNU time gives of the program alone, the smallest of five runs each; where there is no
//! `/usr/bin/time`, that is said and nothing is measured.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a bench makes its own world, and a bench that cannot is broken"
)]

use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

const RECORDS: usize = 50_000;
const RUNS_KEPT: usize = 5_000;
const RUNS: usize = 5;

#[test]
#[ignore = "it measures, and proves nothing in a debug build"]
fn what_commands_cost_with_fifty_thousand_records() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path();
    let bytes = journals(&root.join("data"));
    let state = state(&root.join(".codex/workspace/actions/flow-client/state.json"));
    flow(root);
    println!("{RECORDS} records in {} MB, state.json {} MB", bytes / 1_000_000, state / 1_000_000);
    let known = id(RECORDS - 1);
    let attempt = format!("{known}:dispatch:{}", at(RECORDS - 1));
    let fresh = ["run", "release", "--repo", "acme/engine", "--tag", "new"];
    let all: [(&str, &[&str]); 9] = [
        ("status", &["status"]),
        ("status --json --limit 500", &["status", "--json", "--limit", "500"]),
        ("events --limit 500", &["events", "--limit", "500"]),
        ("dispatches, none fits", &["dispatches", "--status", "skipped"]),
        ("attempts, none fits", &["attempts", "--status", "blocked"]),
        ("sync", &["sync", &attempt]),
        ("retry --dry-run, newest", &["retry", &known, "--dry-run"]),
        ("run, a known event", &fresh),
        ("retry of what is done", &["retry", "patch:upstream.release:acme/engine:new"]),
    ];
    if !Path::new("/usr/bin/time").exists() {
        println!("there is no /usr/bin/time: nothing was measured");
        return;
    }
    println!("{:28} {:>8} {:>8}", "command", "CPU s", "MiB");
    let (cpu, kib) = measured(root, &fresh, 1);
    println!("{:28} {cpu:8.3} {:8.1}", "run, a new event", kib / 1024.0);
    for (name, args) in all {
        let (cpu, kib) = measured(root, args, RUNS);
        println!("{name:28} {cpu:8.3} {:8.1}", kib / 1024.0);
    }
}

/// The least CPU seconds and KiB of so many runs.
fn measured(root: &Path, args: &[&str], runs: usize) -> (f64, f64) {
    let run = |_| {
        let done = Command::new("/usr/bin/time")
            .args(["-f", "measured %U %S %M", env!("CARGO_BIN_EXE_patch-moi")])
            .args(args)
            .current_dir(root)
            .stdout(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{args:?}: {said}");
        let line = said.lines().find_map(|line| line.strip_prefix("measured ")).unwrap();
        let numbers: Vec<f64> = line.split(' ').map(|number| number.parse().unwrap()).collect();
        (numbers[0] + numbers[1], numbers[2])
    };
    (0..runs).map(run).fold((f64::MAX, f64::MAX), |least, run| (least.0.min(run.0), least.1.min(run.1)))
}

fn id(n: usize) -> String {
    format!("patch:upstream.release:acme/engine:v{n}")
}

fn at(n: usize) -> String {
    format!(
        "2026-01-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        1 + n / 36_000,
        n / 3600 % 24,
        n / 60 % 60,
        n % 60,
        n % 1000
    )
}

fn event(n: usize) -> Value {
    json!({
        "id": id(n), "type": "upstream.release", "source": "patch", "occurredAt": at(n), "receivedAt": at(n),
        "payload": {
            "provider": "github", "event": "release", "sourceId": "acme-engine-releases", "repo": "acme/engine",
            "repoOwner": "acme", "repoName": "engine", "ref": format!("v{n}"), "tag": format!("v{n}")
        }
    })
}

fn run_id(n: usize) -> String {
    format!("run_{n:012x}")
}

/// Writes the three journals, and says how large they are together.
fn journals(data: &Path) -> u64 {
    fs::create_dir_all(data).unwrap();
    let write = |name: &str, line: &dyn Fn(usize) -> Value| {
        let mut file = BufWriter::new(fs::File::create(data.join(name)).unwrap());
        (0..RECORDS).for_each(|n| writeln!(file, "{}", line(n)).unwrap());
        file.flush().unwrap();
        fs::metadata(data.join(name)).unwrap().len()
    };
    write("flow-events.jsonl", &event)
        + write("workspace-dispatches.jsonl", &|n| {
            json!({
                "eventId": id(n), "eventType": "upstream.release", "operation": "dispatch", "target": "local",
                "transport": "actions-local", "status": "dispatched", "runIds": [run_id(n)], "matched": 1,
                "createdAt": at(n)
            })
        })
        + write("maintenance-attempts.jsonl", &|n| {
            json!({
                "id": format!("{}:dispatch:{}", id(n), at(n)), "eventId": id(n), "eventType": "upstream.release",
                "operation": "dispatch", "status": "changed", "upstreamRepo": "acme/engine",
                "upstreamTag": format!("v{n}"), "workspaceRunIds": [run_id(n)], "candidateRefs": [],
                "createdAt": at(n), "updatedAt": at(n), "workspaceRunStatuses": {run_id(n): "changed"},
                "message": "12 patches: 9 carried, 3 upstreamed", "completedAt": at(n)
            })
        })
}

/// Writes a state.json with as many runs as are kept, and says how large it is.
fn state(path: &Path) -> u64 {
    let newest = RECORDS - RUNS_KEPT..RECORDS;
    let entry = |n| json!({"event": event(n), "createdAt": at(n), "runIds": [run_id(n)]});
    let run = |n| {
        let result = json!({
            "status": "changed", "message": "12 patches: 9 carried, 3 upstreamed",
            "artifacts": {"candidateRefs": [{"kind": "ref", "ref": format!("refs/patch-moi/candidate/v{n}")}]}
        });
        json!({
            "id": run_id(n), "eventId": id(n), "flowName": "demo", "flowVersion": 1, "stepName": "hello",
            "runner": "command", "backend": "local", "processStatus": "completed", "resultStatus": "changed",
            "status": "changed", "effectiveStatus": "changed", "needsAttention": false, "attemptCount": 1,
            "attempts": [{
                "id": format!("{}:attempt:1", run_id(n)), "status": "completed", "attemptNumber": 1,
                "startedAt": at(n), "completedAt": at(n), "raw": {"kind": "local-attempt", "runId": run_id(n)}
            }],
            "output": [], "resultPayload": result, "createdAt": at(n), "startedAt": at(n), "completedAt": at(n),
            "updatedAt": at(n),
            "raw": {
                "kind": "local-run", "event": event(n), "flowRoot": "/ws/flows/demo", "flowName": "demo",
                "stepName": "hello", "result": result
            }
        })
    };
    let events: Vec<Value> = newest.clone().map(entry).collect();
    let runs: Vec<Value> = newest.map(run).collect();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("{:#}", json!({"events": events, "runs": runs}))).unwrap();
    fs::metadata(path).unwrap().len()
}

/// A flow with a step that does nothing.
fn flow(root: &Path) {
    let folder = root.join("flows/demo");
    fs::create_dir_all(&folder).unwrap();
    let command = r#"["sh", "-c", "echo 'FLOW_RESULT {\"status\":\"completed\"}'"]"#;
    let toml = format!(
        "name = \"demo\"\nversion = 1\n\n[[steps]]\nname = \"hello\"\nrunner = \"command\"\ncommand = {command}\n\n\
         [steps.trigger]\ntype = \"upstream.release\"\n"
    );
    fs::write(folder.join("flow.toml"), toml).unwrap();
}
