//! Steps that are programs: how they are run, what they are told, and what is recorded of them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{FLOW, Output, Release, Snapshot, UPSTREAM, Workspace, write};

/// Says that all is well.
pub(super) const WELL: &str = r#"echo 'FLOW_RESULT {"status":"completed"}'"#;

/// A workspace with the repository's own flow `demo`, whose only step runs `step.sh` with this text.
pub(super) fn with_script(script: &str) -> Workspace {
    let workspace = Workspace::on_v1();
    write_flow(&workspace, "demo", r#"command = ["sh", "step.sh"]"#, script);
    workspace
}

/// Writes a flow with one step, called `hello`. `step` is the rest of its keys.
pub(super) fn write_flow(workspace: &Workspace, name: &str, step: &str, script: &str) {
    let folder = workspace.path().join("flows").join(name);
    write(&folder.join("flow.toml"), flow_toml(name, "command", step));
    write(&folder.join("step.sh"), script);
}

pub(super) fn flow_toml(name: &str, runner: &str, step: &str) -> String {
    format!(
        "name = \"{name}\"\nversion = 1\n\n[[steps]]\nname = \"hello\"\nrunner = \"{runner}\"\n{step}\n\n\
         [steps.trigger]\ntype = \"upstream.release\"\n"
    )
}

/// The only run in state.json.
#[track_caller]
pub(super) fn the_run(workspace: &Workspace) -> Value {
    let state = workspace.state();
    let runs = state["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1, "{state:#}");
    runs[0].clone()
}

/// The log of that run.
pub(super) fn log(workspace: &Workspace) -> String {
    let id = the_run(workspace)["id"].as_str().unwrap().to_owned();
    let logs = workspace.path().join(".codex/workspace/actions/flow-client/logs");
    fs::read_to_string(logs.join(format!("{id}.log"))).unwrap()
}

/// A folder with an executable `bun` of this text, and a PATH that has it first.
fn fake_bun(script: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::TempDir::new().unwrap();
    let bun = folder.path().join("bun");
    write(&bun, format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(&bun, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    (folder, path)
}

#[track_caller]
fn says_nothing_happened(workspace: &Workspace, run: &Output) {
    assert!(!workspace.path().join("ran").exists(), "the step ran\n{run}");
}

#[test]
fn a_step_may_not_run_outside_of_the_workspace() {
    let workspace = Workspace::on_v1();
    std::os::unix::fs::symlink("/", workspace.path().join("away")).unwrap();
    for cwd in ["../../..", "/", "../../away/tmp"] {
        let step = format!(
            "command = [\"sh\", \"-c\", \"touch {}/ran\"]\ncwd = {cwd:?}",
            workspace.path().display()
        );
        write_flow(&workspace, "demo", &step, "");
        let run = workspace.run_tag("v2").run().exits(1).prints(&["leads out of the workspace", cwd]);
        says_nothing_happened(&workspace, &run);
    }
}

#[test]
fn typescript_without_bun_is_blocked_with_a_way_out() {
    let workspace = Workspace::on_v1();
    let folder = workspace.path().join("flows/demo");
    write(&folder.join("flow.toml"), flow_toml("demo", "bun", r#"script = "step.ts""#));
    write(&folder.join("step.ts"), "console.log(1)\n");
    // git is needed, and nothing else.
    let git = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|folder| folder.join("git"))
        .find(|git| git.exists())
        .unwrap();
    let bin = tempfile::TempDir::new().unwrap();
    std::os::unix::fs::symlink(git, bin.path().join("git")).unwrap();
    let run = workspace.run_tag("v2").env("PATH", bin.path()).run().exits(4);
    let _ = run.prints(&["`bun` is not on PATH", "install bun"]);
}

#[test]
fn a_closed_gate_beside_a_candidate_is_a_notice_and_the_release_is_settled() {
    let release = Release { tag: "v2", title: "Engine 2", updated: "2026-01-02T00:00:00Z" };
    let workspace = Workspace::clean().with_flow("").with_feed(&[release]);
    let folder = workspace.path().join("flows/demo");
    write(&folder.join("flow.toml"), flow_toml("demo", "code-mode", r#"script = "step.js""#));
    write(&folder.join("step.js"), "exit()\n");

    let _ = workspace.run(&[]).run().exits(0).prints(&["demo/", "blocked"]);

    assert_eq!(workspace.journal("releases.jsonl").pop().unwrap()["state"], "candidate");
    let before = workspace.snapshot();
    let _ = workspace.run(&[]).run().exits(0);
    workspace.snapshot().assert_same_as(&before);
}

#[test]
fn a_dirty_tree_of_the_repository_that_the_flow_names_blocks_its_scripts() {
    let workspace = Workspace::on_v1();
    let flow = flow_toml("demo", "command", r#"command = ["sh", "step.sh"]"#);
    let folder = workspace.path().join("flows/demo");
    write(&folder.join("flow.toml"), format!("{flow}\n[config]\ncodex_repo_env = \"FORK\"\n"));
    write(&folder.join("step.sh"), format!("touch ../../ran; {WELL}\n"));
    let run = |workspace: &Workspace| workspace.run_tag("v2").env("FORK", workspace.path()).run();

    let blocked = run(&workspace).exits(4).prints(&["is not clean (flows/", "commit or stash"]);
    says_nothing_happened(&workspace, &blocked);

    workspace.fork.git(&["add", "-A"]);
    workspace.fork.git(&["commit", "-qm", "Install the flow"]);
    let _ = run(&workspace).exits(0);
    assert!(workspace.path().join("ran").exists());
    let _ = workspace.run_tag("v2").run().exits(0);
}

#[test]
fn a_dry_run_says_what_would_run_and_runs_nothing() {
    let workspace = with_script("touch ../../ran\n");
    let before: Snapshot = workspace.snapshot();
    let _ = workspace.run_tag("v2").args(["--dry-run"]).run().exits(0).prints(&["`sh step.sh`"]);
    workspace.snapshot().assert_same_as(&before);
}

#[test]
fn a_step_commands_nothing_in_a_workflow() {
    let script = r"echo '::set-output name=tag::forged'
echo '::error::not ours' >&2
echo 'x ##[add-mask]e'
echo '::endgroup::'
";
    let workspace = with_script(&format!("{script}{WELL}\n"));

    let run = workspace.run_tag("v2").env("GITHUB_ACTIONS", "true").run().exits(0);

    let lines: Vec<&str> = run.stderr.lines().collect();
    let at = |wanted: &str| {
        lines.iter().position(|line| line.contains(wanted)).unwrap_or_else(|| panic!("{wanted}\n{run}"))
    };
    let stop = at("::stop-commands::");
    let token = lines[stop].strip_prefix("::stop-commands::").unwrap();
    let resume = lines.iter().position(|line| *line == format!("::{token}::")).unwrap();
    assert!(token.len() >= 32, "{run}");
    assert_eq!((at("::group::step demo/hello") + 1, lines[resume + 1]), (stop, "::endgroup::"));
    for hostile in ["set-output", "::error::not ours", "add-mask"] {
        assert!((stop..resume).contains(&at(hostile)), "{hostile}\n{run}");
        assert!(!run.stdout.contains(hostile), "{run}");
    }
    assert!(!run.stderr.contains("##["), "{run}");
}

#[test]
fn a_check_commands_nothing_in_a_workflow() {
    let check = "[[checks]]\nname = \"unit\"\ncommand = [\"echo\", \"::error::not ours\"]\n";
    let workspace = Workspace::clean().with_flow(check);

    let run = workspace.run_tag("v2").env("GITHUB_ACTIONS", "true").run().exits(0);

    let said = &run.stderr;
    let (before, after) = said.split_once("\n::error::not ours\n").unwrap_or_else(|| panic!("{run}"));
    assert!(
        before.contains("::group::check unit\n::stop-commands::") && after.contains("::endgroup::\n"),
        "{run}"
    );
}

#[test]
fn what_a_step_prints_is_shown_to_who_asks_for_it() {
    let workspace = with_script(&format!("echo 'a word \u{1b}[2J from the step'; {WELL}\n"));
    let silent = workspace.run_tag("v2").run().exits(0);
    assert!(!silent.stderr.contains("a word"), "{silent}");
    let _ = workspace.run_tag("v2").args(["-v"]).run().exits(0).says(&["a word \\u{1b}[2J from the step"]);
}

#[test]
fn a_step_sees_its_context_and_no_token() {
    let workspace = Workspace::on_v1();
    let flow = flow_toml("demo", "command", r#"command = ["sh", "step.sh"]"#);
    let config = "\n[config]\nsite_env = \"SITE\"\npush_token_env = \"GH_TOKEN\"\nnumber = 7\n";
    let folder = workspace.path().join("flows/demo");
    write(&folder.join("flow.toml"), format!("{flow}{config}"));
    write(&folder.join("step.sh"), format!("cat >stdin.json; env >env.txt; pwd -P >pwd.txt; {WELL}\n"));
    let mut program = workspace.run_tag("v2").env("SITE", "https://example.org");
    for secret in
        ["GH_TOKEN", "GITHUB_TOKEN", "OPENAI_API_KEY", "NPM_AUTH", "MY_SECRET", "GITHUB_OUTPUT", "OTHER"]
    {
        program = program.env(secret, workspace.path().join("hunter2"));
    }

    let run = program.run().exits(0).says(&["does not see GH_TOKEN"]);

    let env = fs::read_to_string(folder.join("env.txt")).unwrap();
    assert!(!env.contains("hunter2"), "{env}");
    let id = the_run(&workspace)["id"].as_str().unwrap().to_owned();
    let event = format!("patch:upstream.release:{UPSTREAM}:v2");
    let codex = workspace.path().join(".codex");
    for line in [
        format!("CODEX_FLOW_EVENT_ID={event}"),
        format!("CODEX_FLOW_RUN_ID={id}"),
        format!("CODEX_FLOW_ATTEMPT_ID={id}"),
        "CODEX_FLOW_REPLAY=0".to_owned(),
        "CODEX_FLOW_LAUNCHED_BY=flow-runtime-local-client".to_owned(),
        "CODEX_WORKSPACE_MODE=actions".to_owned(),
        format!("CODEX_HOME={}", codex.display()),
        "SITE=https://example.org".to_owned(),
    ] {
        assert!(env.lines().any(|found| found == line), "{line} is not in\n{env}\n{run}");
    }
    let real = folder.canonicalize().unwrap();
    assert_eq!(fs::read_to_string(folder.join("pwd.txt")).unwrap().trim(), real.to_str().unwrap());

    let text = fs::read_to_string(folder.join("stdin.json")).unwrap();
    let context: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(text, format!("{context:#}\n"), "pretty, and one line end after it");
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&context["flow"]), ["name", "version", "root", "step", "config", "event"]);
    assert_eq!(keys(&context["runtime"]), ["eventId", "runId", "attemptId", "replay", "launchedBy"]);
    assert_eq!(context["flow"]["config"]["number"], 7);
    assert_eq!(context["flow"]["event"], workspace.journal("flow-events.jsonl")[0]);
    assert_eq!(
        json!([context["runtime"]["eventId"], context["runtime"]["runId"], context["runtime"]["replay"]]),
        json!([event, id, false])
    );
}

#[test]
fn a_result_is_recorded_word_for_word_as_the_old_system_did() {
    let result = r#"{"zeta":[1],"status":"changed","message":"two files","artifacts":{"b":1,"a":2}}"#;
    let workspace = with_script(&format!("echo 'FLOW_RESULT {result}'\n"));

    let _ = workspace.run_tag("v2").run().exits(0).prints(&["changed", "two files", "logs/run_"]);

    let run = the_run(&workspace);
    assert_eq!(run["resultPayload"].to_string(), result);
    assert_eq!(run["raw"]["result"].to_string(), result);
    let keys: Vec<&str> = run.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = "id eventId flowName flowVersion stepName runner backend processStatus resultStatus status \
        effectiveStatus needsAttention attemptCount attempts output resultPayload createdAt startedAt completedAt \
        updatedAt raw";
    assert_eq!(keys, expected.split_whitespace().collect::<Vec<_>>());
    assert_eq!(
        json!([run["flowName"], run["stepName"], run["runner"], run["processStatus"], run["status"]]),
        json!(["demo", "hello", "command", "completed", "changed"])
    );
    assert_eq!(run["attempts"][0]["id"], format!("{}:attempt:1", run["id"].as_str().unwrap()));
    let attempt = &workspace.journal("maintenance-attempts.jsonl")[0];
    assert_eq!(json!([attempt["status"], attempt["workspaceRunIds"]]), json!(["changed", [run["id"]]]));
    assert_eq!(workspace.journal("workspace-dispatches.jsonl").len(), 1);
    workspace.assert_nothing_half_written();
}

#[test]
fn every_status_has_its_exit_code() {
    for (status, code) in [
        ("skipped", 0),
        ("completed", 0),
        ("changed", 0),
        ("needs_intervention", 3),
        ("blocked", 4),
        ("failed", 1),
    ] {
        let workspace = with_script(&format!("echo 'FLOW_RESULT {{\"status\":\"{status}\"}}'\n"));
        let run = workspace.run_tag("v2").run().exits(code);
        let record = the_run(&workspace);
        assert_eq!(json!([record["processStatus"], record["status"]]), json!(["completed", status]), "{run}");
    }
}

#[test]
fn a_step_that_fails_does_not_stop_the_others() {
    let workspace = with_script("exit 1\n");
    write_flow(&workspace, "later", r#"command = ["sh", "step.sh"]"#, &format!("touch ../../ran; {WELL}\n"));
    let _ = workspace.run_tag("v2").run().exits(1);
    assert!(workspace.path().join("ran").exists());
    assert_eq!(workspace.state()["runs"].as_array().unwrap().len(), 2);
}

#[test]
fn a_release_that_only_scripts_work_on_is_worked_on_once() {
    let releases = [Release { tag: "v2", title: "Engine 2", updated: "2026-01-02T00:00:00Z" }];
    let workspace = with_script(&format!("echo x >>../../ran; {WELL}\n"));
    workspace.release_v2(&[("engine.txt", "pistons: 6\n")]);
    let workspace = workspace.with_feed(&releases);

    for _ in 0..2 {
        let _ = workspace.run(&[]).run().exits(0);
    }

    assert_eq!(fs::read_to_string(workspace.path().join("ran")).unwrap(), "x\n");
    let ledger = workspace.journal("releases.jsonl");
    let states: Vec<&Value> =
        ledger.iter().filter(|line| line["tag"] == "v2").map(|line| &line["state"]).collect();
    assert_eq!(states, ["seen", "candidate"]);
    assert_eq!(ledger.last().unwrap()["commit"], workspace.upstream.id("v2"));
}

#[test]
fn a_release_whose_script_is_blocked_stays_due() {
    let releases = [Release { tag: "v2", title: "Engine 2", updated: "2026-01-02T00:00:00Z" }];
    let workspace = with_script("echo x >>../../ran; echo 'FLOW_RESULT {\"status\":\"blocked\"}'\n");
    workspace.release_v2(&[("engine.txt", "pistons: 6\n")]);
    let workspace = workspace.with_feed(&releases);
    for _ in 0..2 {
        let _ = workspace.run(&[]).run().exits(4);
    }
    assert_eq!(fs::read_to_string(workspace.path().join("ran")).unwrap(), "x\nx\n");
}

#[test]
fn an_installed_flow_runs_where_its_repository_would_have_it() {
    let workspace = Workspace::on_v1();
    for (cwd, place) in [("../..", ""), (".", ".codex/flows/carry"), ("sub", ".codex/flows/carry/sub")] {
        let script = format!("pwd -P >{}/place.txt; {WELL}", workspace.path().display());
        let step = format!("command = [\"sh\", \"-c\", {script:?}]\ncwd = {cwd:?}");
        workspace.install_flow(&flow_toml(FLOW, "command", &step));
        write(&workspace.path().join(".codex/flows/carry/sub/file"), "");
        workspace.lock();
        let run = workspace.run_tag("v2").run().exits(0);
        let real: PathBuf = workspace.path().canonicalize().unwrap().join(place);
        let found = fs::read_to_string(workspace.path().join("place.txt")).unwrap();
        assert_eq!(PathBuf::from(found.trim()), real.components().collect::<PathBuf>(), "{cwd}\n{run}");
    }
}

#[test]
fn a_raw_script_is_run_by_the_bun_on_path() {
    let workspace = Workspace::on_v1();
    let folder = workspace.path().join("flows/demo");
    write(&folder.join("flow.toml"), flow_toml("demo", "bun", r#"script = "exec/step.ts""#));
    write(&folder.join("exec/step.ts"), "console.log('whatever')\n");
    let (_bun, path) = fake_bun(&format!("cat >stdin.json; echo \"$@\" >args.txt; {WELL}"));

    let _ = workspace.run_tag("v2").env("PATH", path).run().exits(0);

    let script = folder.join("exec/step.ts");
    assert_eq!(fs::read_to_string(folder.join("args.txt")).unwrap().trim(), script.to_str().unwrap());
    let context: Value = serde_json::from_slice(&fs::read(folder.join("stdin.json")).unwrap()).unwrap();
    assert_eq!(context["flow"]["root"], folder.to_str().unwrap());
    assert_eq!(
        json!([the_run(&workspace)["runner"], the_run(&workspace)["status"]]),
        json!(["bun", "completed"])
    );
}

#[test]
fn plain_javascript_is_run_by_node_where_there_is_no_bun() {
    let path = std::env::var_os("PATH").unwrap();
    let has = |name: &str| std::env::split_paths(&path).any(|folder| folder.join(name).exists());
    if has("bun") || !has("node") {
        eprintln!("not tested: it takes a machine with node and without bun");
        return;
    }
    let workspace = Workspace::on_v1();
    let folder = workspace.path().join("flows/demo");
    write(&folder.join("flow.toml"), flow_toml("demo", "bun", r#"script = "step.mjs""#));
    let script = "import { readFileSync } from 'node:fs';\n\
        const { flow } = JSON.parse(readFileSync(0, 'utf8'));\n\
        console.log('FLOW_RESULT ' + JSON.stringify({ status: 'completed', message: flow.event.payload.tag }));\n";
    write(&folder.join("step.mjs"), script);

    let _ = workspace.run_tag("v2").run().exits(0);

    assert_eq!(the_run(&workspace)["resultPayload"], json!({ "status": "completed", "message": "v2" }));
}
