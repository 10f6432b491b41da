//! How steps end that do not want to, and what a cancelled or killed run leaves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::json;

use crate::steps::{WELL, flow_toml, log, the_run, with_script, write_flow};
use crate::support::{Release, UPSTREAM, Workspace, write};

/// Whoever cancels a workflow waits so long.
const SEVEN_SECONDS: Duration = Duration::from_secs(7);

/// Says who it is, ignores every request to end, and has a child that does the same.
const STUBBORN: &str = "trap '' TERM INT HUP\n\
    sh -c 'trap \"\" TERM INT HUP; echo $$ >../../grandchild; while :; do sleep 1; done' &\n\
    echo on it; echo $$ >../../begun; while :; do sleep 1; done\n";

/// Starts a run and waits until its step has written the file `begun`.
fn begin(workspace: &Workspace, args: &[&str]) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_patch-moi"))
        .args(args)
        .current_dir(workspace.path())
        .env("DATA_DIR", workspace.data())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = workspace.path().join("begun");
    while fs::read(&begun).unwrap_or_default().is_empty() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Whether the process whose number is in this file is gone, or will be as soon as somebody reaps it.
fn is_gone(file: &Path) -> bool {
    let pid = fs::read_to_string(file).unwrap();
    let stat = fs::read_to_string(PathBuf::from("/proc").join(pid.trim()).join("stat")).unwrap_or_default();
    stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z') || stat.is_empty()
}

#[test]
fn a_step_that_fails_is_recorded_with_its_last_words_and_exits_1() {
    let workspace = with_script("echo out; echo first >&2; echo 'no such tag' >&2; exit 3\n");

    let run = workspace.run_tag("v2").run().exits(1);

    let record = the_run(&workspace);
    assert_eq!(
        record["error"], "Command flow step demo/hello failed: exit code 3\nfirst\nno such tag",
        "{record:#}"
    );
    assert_eq!(
        json!([record["processStatus"], record["status"], record["needsAttention"]]),
        json!(["failed", "failed", false])
    );
    assert_eq!(record.get("resultStatus"), None);
    assert_eq!(record["attempts"][0]["error"], record["error"]);
    let _ = run.prints(&["exit code 3: no such tag", "logs/run_"]);
    let log = log(&workspace);
    assert!(log.contains("\nout\n") && log.contains("\nno such tag\n"), "{log}");
    assert_eq!(workspace.journal("maintenance-attempts.jsonl")[0]["status"], "failed");
    workspace.assert_nothing_half_written();
}

#[test]
fn a_step_whose_time_is_up_fails_and_says_how_much_it_had() {
    let workspace = Workspace::on_v1();
    let step = "command = [\"sh\", \"step.sh\"]\ntimeout_ms = 1500";
    write_flow(&workspace, "demo", step, &format!("trap '{}; exit 0' TERM\nsleep 300 & wait\n", "echo bye"));

    let run = workspace.run_tag("v2").run().exits(1).prints(&["its timeout_ms being 1500", "timeout_ms"]);

    let error = the_run(&workspace)["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("Command flow step demo/hello failed: it was ended after "), "{error}\n{run}");
}

#[test]
fn a_step_without_a_result_has_failed_and_is_told_how_to_give_one() {
    let workspace = with_script("echo all is well\n");
    let _ = workspace.run_tag("v2").run().exits(1).prints(&["FLOW_RESULT {"]);
    assert_eq!(the_run(&workspace)["error"], "Step did not emit FLOW_RESULT");
}

#[test]
fn a_step_that_cannot_be_started_names_the_program() {
    let workspace = Workspace::on_v1();
    write_flow(&workspace, "demo", r#"command = ["no-such-program"]"#, "");
    let _ = workspace.run_tag("v2").run().exits(1).prints(&["`no-such-program` was not found"]);
    let error = the_run(&workspace)["error"].clone();
    assert_eq!(error, "Command flow step demo/hello failed: the program `no-such-program` was not found");
}

#[test]
fn a_script_that_is_not_there_is_named() {
    let workspace = Workspace::on_v1();
    let folder = workspace.path().join("flows/demo");
    write(&folder.join("flow.toml"), flow_toml("demo", "bun", r#"script = "exec/step.ts""#));
    let _ = workspace.run_tag("v2").run().exits(1).prints(&["flows/demo/exec/step.ts"]);
    let error = the_run(&workspace)["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("Bun flow step demo/hello failed: "), "{error}");
}

#[test]
fn a_run_that_is_cancelled_ends_its_step_and_records_it() {
    let workspace = with_script("echo on it; echo $$ >../../begun; sleep 600 & wait\n");
    let child = begin(&workspace, &["run", "release", "--repo", UPSTREAM, "--tag", "v2"]);

    signal(&child, "-TERM");

    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("interrupted"), "{said}");
    let record = the_run(&workspace);
    assert_eq!(record["status"], "failed", "{record:#}");
    assert!(log(&workspace).contains("\non it\n"));
    assert_eq!(workspace.journal("workspace-dispatches.jsonl").len(), 1);
    workspace.assert_nothing_half_written();
}

#[test]
fn a_cancelled_run_ends_within_seven_seconds_with_a_step_that_ignores_every_request() {
    for name in ["-INT", "-TERM"] {
        let workspace = with_script(STUBBORN);
        let child = begin(&workspace, &["run", "release", "--repo", UPSTREAM, "--tag", "v2"]);
        let grandchild = workspace.path().join("grandchild");
        while fs::read(&grandchild).unwrap_or_default().is_empty() {
            std::thread::sleep(Duration::from_millis(20));
        }

        let asked = Instant::now();
        signal(&child, name);
        let ended = child.wait_with_output().unwrap();

        assert!(asked.elapsed() < SEVEN_SECONDS, "{:?}", asked.elapsed());
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(is_gone(&workspace.path().join("begun")) && is_gone(&grandchild), "{said}");
        let record = the_run(&workspace);
        assert_eq!(record["status"], "failed", "{record:#}");
        assert!(record["error"].as_str().unwrap().contains("was interrupted"), "{record:#}");
        assert!(log(&workspace).contains("\non it\n"));
        assert_eq!(workspace.journal("maintenance-attempts.jsonl")[0]["status"], "failed");
        workspace.assert_nothing_half_written();
    }
}

#[test]
fn a_release_whose_run_was_cancelled_stays_due() {
    let script = format!("[ -e ../../begun ] && {{ {WELL}; exit 0; }}\n{STUBBORN}");
    let release = Release { tag: "v2", title: "Engine 2", updated: "2026-01-02T00:00:00Z" };
    let workspace = with_script(&script);
    workspace.release_v2(&[("engine.txt", "pistons: 6\n")]);
    let workspace = workspace.with_feed(&[release]);
    let mut child = begin(&workspace, &["run"]);
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let ledger = workspace.journal("releases.jsonl");
    assert_eq!(ledger.last().unwrap()["state"], "seen", "{ledger:#?}");

    let run = workspace.run(&[]).run().exits(0);

    let record = the_run(&workspace);
    assert_eq!(
        json!([record["status"], record["processStatus"]]),
        json!(["completed", "completed"]),
        "{run}"
    );
    assert_eq!(workspace.journal("releases.jsonl").last().unwrap()["state"], "candidate");
}

#[test]
fn a_killed_run_leaves_what_its_step_had_said() {
    let workspace = with_script("echo a word to keep; sleep 1; echo $$ >../../begun; sleep 30\n");
    let mut child = begin(&workspace, &["run", "release", "--repo", UPSTREAM, "--tag", "v2"]);
    child.kill().unwrap();
    child.wait().unwrap();
    let logs = workspace.path().join(".codex/workspace/actions/flow-client/logs");
    let files: Vec<_> = fs::read_dir(&logs).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let text = fs::read_to_string(&files[0]).unwrap();
    assert_eq!(text, "$ sh step.sh\na word to keep\n");
    let step = fs::read_to_string(workspace.path().join("begun")).unwrap();
    // Not by `kill -KILL -PID`: procps 4.0.2 reads the first digit alone, and -1 is every process there is.
    let leader = Pid::from_raw(step.trim().parse().unwrap()).unwrap();
    kill_process_group(leader, Signal::KILL).unwrap();
}

#[test]
fn a_log_is_in_the_record_and_replaced_by_the_next_run_of_the_same_id() {
    let workspace = with_script(&format!("echo first; {WELL}\n"));
    let _ = workspace.run_tag("v2").run().exits(0);
    let place = the_run(&workspace)["raw"]["log"].as_str().unwrap().to_owned();
    let text = || fs::read_to_string(workspace.path().join(&place)).unwrap();
    assert!(place.starts_with(".codex/workspace/actions/flow-client/logs/run_"), "{place}");
    assert!(text().contains("\nfirst\n") && text().ends_with("[completed]\n"), "{}", text());

    fs::write(workspace.path().join("flows/demo/step.sh"), format!("echo second; {WELL}\n")).unwrap();
    let _ = workspace.run_tag("v2").run();
    let again = the_run(&workspace);
    assert_eq!(again["raw"]["log"], place);
    assert!(!text().contains("first") || !text().contains("second"), "{}", text());
    workspace.assert_nothing_half_written();
}

#[test]
fn a_step_that_says_more_than_is_kept_loses_the_middle_of_its_log() {
    let workspace = with_script(&format!("echo begin; yes 0123456789 | head -n 900000; echo end; {WELL}\n"));
    let _ = workspace.run_tag("v2").run().exits(0);
    let log = log(&workspace);
    assert!(log.len() < 4 * 1024 * 1024 + 100, "{}", log.len());
    assert!(log.starts_with("$ sh step.sh\nbegin\n") && log.contains("bytes left out"));
    assert!(log.contains("\nend\nFLOW_RESULT ") && log.ends_with("[completed]\n"));
}
