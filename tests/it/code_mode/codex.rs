//! The host `codex`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{demo, event_id, log, program, run, the_run};
use crate::support::{Output, Workspace, real_tool};

const SCRIPT: &str = "text('hi');\nresult({ status: 'completed' });\n";

/// An app server that behaves as the scenario says.
struct AppServer {
    folder: TempDir,
}

impl AppServer {
    fn new(scenario: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let this = Self { folder };
        let text = include_str!("app_server.js").replace("SCENARIO", scenario);
        program(&this.command(), &text.replace("SEEN", this.seen().to_str().unwrap()));
        this
    }

    fn command(&self) -> PathBuf {
        self.folder.path().join("my codex")
    }

    fn seen(&self) -> PathBuf {
        self.folder.path().join("seen.jsonl")
    }

    /// What it was started with, and then every message that it was sent.
    fn messages(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.seen()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Runs the step of a fresh workspace.
    fn run(&self, step: &str) -> (Workspace, Output) {
        let workspace = demo(step, SCRIPT);
        let run = run(&workspace)
            .env("CODEX_APP_SERVER_CODEX_COMMAND", self.command())
            .env("OPENAI_API_KEY", "hunter2")
            .run();
        (workspace, run)
    }
}

#[track_caller]
fn error(workspace: &Workspace) -> String {
    let run = the_run(workspace);
    assert_eq!(run["status"], "failed", "{run:#}");
    run["error"].as_str().unwrap().to_owned()
}

#[test]
fn a_script_is_run_word_for_word_by_the_wire_of_the_older_system() {
    let server = AppServer::new("good");
    let (workspace, run) = server.run("");
    let run = run.exits(0).prints(&["all is well"]);

    let record = the_run(&workspace);
    assert_eq!(
        json!([
            record["runner"],
            record["status"],
            record["raw"]["host"],
            record["resultPayload"]["message"]
        ]),
        json!(["code-mode", "completed", "codex", "all is well"]),
        "{run}"
    );
    let messages = server.messages();
    let flow = workspace.path().join("flows/demo");
    let root = flow.canonicalize().unwrap();
    assert_eq!(
        messages[0],
        json!({
            "args": ["app-server", "--listen", "stdio://", "--enable", "apps", "--enable", "hooks",
                     "--enable", "code_mode", "--enable", "code_mode_only"],
            "home": workspace.path().join(".codex").to_str().unwrap(),
            "secret": null,
            "cwd": root.to_str().unwrap(),
        })
    );
    let methods: Vec<&str> =
        messages.iter().skip(1).map(|message| message["method"].as_str().unwrap_or("answer")).collect();
    let expected =
        ["initialize", "initialized", "thread/start", "thread/codeMode/execute", "answer", "thread/read"];
    assert_eq!(methods, expected);
    assert_eq!(messages[3]["params"]["cwd"], flow.to_str().unwrap());
    assert_eq!(messages[5]["error"]["message"], "flow runner does not handle server requests");
    assert_eq!(messages[6]["params"], json!({"threadId": "t1", "includeTurns": true}));

    let source = messages[4]["params"]["source"].as_str().unwrap();
    assert_eq!(messages[4]["params"]["threadId"], "t1");
    assert!(source.starts_with("const flow = {\n  \"name\": \"demo\",\n  \"version\": 1,\n"), "{source}");
    assert!(source.contains(&event_id()) && !source.contains("runtime"), "{source}");
    assert!(source.ends_with(&format!("  exit();\n}}\n{SCRIPT}")), "{source}");
}

#[test]
fn the_log_has_what_the_server_said_of_our_thread_and_on_standard_error() {
    let server = AppServer::new("good");
    let (workspace, run) = server.run("");
    let log = log(&workspace);
    for line in [
        "-> thread/codeMode/execute\n",
        "\nbuilding\nhalf a line\n",
        "\na word on standard error\n",
        "\n<- no message: this is no message\n",
        "\ncodex configWarning: nobody listens\n",
        "requestApproval",
        "\n[completed]\n",
    ] {
        assert!(log.contains(line), "{line:?} is not in\n{log}\n{run}");
    }
    assert!(!log.contains("FLOW_RESULT {\"status\":\"failed\"}"), "of another thread:\n{log}");
}

#[test]
fn what_a_thread_says_never_reaches_the_json_of_standard_output() {
    let server = AppServer::new("commands");
    let workspace = demo("", SCRIPT);
    let run = run(&workspace)
        .args(["--json"])
        .env("CODEX_APP_SERVER_CODEX_COMMAND", server.command())
        .env("GITHUB_ACTIONS", "true")
        .run()
        .exits(0);
    let _ = run.json();
    let stopped = run.stderr.find("::stop-commands::").expect("the relay guards what it relays");
    let injected = run.stderr.find("::error::injected").unwrap();
    assert!(stopped < injected && !run.stderr.contains("##[error]"), "{run}");
}

#[test]
fn a_thread_without_messages_is_read_by_its_deltas() {
    let (workspace, run) = AppServer::new("deltas").run("");
    let _ = run.exits(0);
    assert_eq!(the_run(&workspace)["status"], "changed");
}

#[test]
fn a_failed_turn_says_why_it_failed() {
    let (workspace, run) = AppServer::new("failed").run("");
    let _ = run.exits(1).prints(&["the script broke"]);
    assert_eq!(
        error(&workspace),
        "Code Mode flow step demo/hello failed: the turn ended as failed: the script broke: line 3"
    );
}

#[test]
fn the_death_of_the_server_is_noticed_at_once_with_its_last_words() {
    let before = Instant::now();
    let (workspace, run) = AppServer::new("dies").run("timeout_ms = 3600000");
    let _ = run.exits(1).prints(&["panicked at the disco"]);
    assert!(before.elapsed() < Duration::from_secs(100), "nobody waits for the hour that the step has");
    assert_eq!(
        error(&workspace),
        "Code Mode flow step demo/hello failed: the Codex app server ended with exit code 101 while the script ran\n\
         panicked at the disco"
    );
    assert!(log(&workspace).contains("half a word"));
}

#[test]
fn a_command_that_ends_right_away_is_no_broken_pipe() {
    let (workspace, run) = AppServer::new("gone").run("");
    let _ = run.exits(1);
    assert_eq!(
        error(&workspace),
        "Code Mode flow step demo/hello failed: the Codex app server ended with exit code 2 while it was asked for \
         initialize\nno such subcommand: app-server"
    );
}

#[test]
fn a_server_that_hangs_is_ended_when_the_time_of_the_whole_step_is_up() {
    let (workspace, run) = AppServer::new("hangs").run("timeout_ms = 2500");
    let _ = run.exits(1).prints(&["give it a longer timeout_ms"]);
    let error = error(&workspace);
    assert!(
        error.starts_with(
            "Code Mode flow step demo/hello failed: it was ended while the script ran, its timeout_ms being 2500"
        ),
        "{error}"
    );
}

#[test]
fn a_line_that_nobody_could_keep_ends_the_conversation() {
    let (workspace, run) = AppServer::new("huge").run("");
    let _ = run.exits(1);
    assert!(error(&workspace).contains("said a line of 41943040 bytes"), "{}", error(&workspace));
}

#[test]
fn an_answer_that_is_an_error_or_lacks_the_thread_says_to_what() {
    let (workspace, run) = AppServer::new("refuses").run("");
    let _ = run.exits(1);
    assert_eq!(
        error(&workspace),
        "Code Mode flow step demo/hello failed: the Codex app server refused thread/start: no room (code -32000)"
    );
    let (workspace, _) = AppServer::new("nameless").run("");
    assert!(error(&workspace).ends_with("the Codex app server's answer to thread/start has no thread id"));
}

#[test]
fn a_codex_without_code_mode_blocks_the_step_with_advice() {
    let (workspace, run) = AppServer::new("old").run("");
    let _ =
        run.exits(4).prints(&["lacks Code Mode", "CODEX_FLOWS_CODE_MODE_HOST=local", "@peezy.tech/codex"]);
    let record = the_run(&workspace);
    assert_eq!(json!([record["status"], record["needsAttention"]]), json!(["blocked", true]));
}

#[test]
fn no_codex_at_all_blocks_the_step_with_advice() {
    let workspace = demo("", SCRIPT);
    let run = run(&workspace).env("CODEX_APP_SERVER_CODEX_COMMAND", "no-such-codex").run().exits(4);
    let _ = run.prints(&["`no-such-codex` was not found", "CODEX_FLOWS_CODE_MODE_HOST=local"]);
    assert_eq!(the_run(&workspace)["raw"]["host"], "codex");
}

#[test]
fn a_foreign_app_server_is_not_used_in_silence() {
    let server = AppServer::new("good");
    let workspace = demo("", SCRIPT);
    let run = run(&workspace)
        .env("CODEX_APP_SERVER_CODEX_COMMAND", server.command())
        .env("CODEX_WORKSPACE_APP_SERVER_WS_URL", "ws://127.0.0.1:9")
        .run();
    let _ = run.exits(0).says(&["CODEX_WORKSPACE_APP_SERVER_WS_URL has no effect"]);
    assert!(server.messages().len() > 1);
}

#[test]
fn a_closed_gate_starts_no_server() {
    let server = AppServer::new("good");
    let workspace = demo("", SCRIPT);
    let run = workspace.run_tag("v2").env("CODEX_APP_SERVER_CODEX_COMMAND", server.command()).run().exits(4);
    let _ = run.prints(&["CODEX_FLOWS_MODE=code-mode"]);
    assert!(!server.seen().exists());
}

#[test]
fn a_dry_run_starts_no_server_and_says_which() {
    let server = AppServer::new("good");
    let workspace = demo("", SCRIPT);
    let command = server.command();
    let run =
        run(&workspace).args(["--dry-run"]).env("CODEX_APP_SERVER_CODEX_COMMAND", &command).run().exits(0);
    let _ = run.prints(&[command.to_str().unwrap(), "a dry run does not run it"]);
    assert!(!server.seen().exists());
}

#[test]
fn a_run_that_is_cancelled_ends_the_server_and_what_it_started() {
    let server = AppServer::new("hangs");
    let workspace = demo("timeout_ms = 600000", SCRIPT);
    let mut child = Command::new(env!("CARGO_BIN_EXE_patch-moi"))
        .args(["run", "release", "--repo", crate::support::UPSTREAM, "--tag", "v2"])
        .current_dir(workspace.path())
        .env("DATA_DIR", workspace.data())
        .env("CODEX_FLOWS_ENABLE_CODE_MODE", "1")
        .env("CODEX_APP_SERVER_CODEX_COMMAND", server.command())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let is_running = || fs::read_to_string(server.seen()).is_ok_and(|seen| seen.contains("codeMode/execute"));
    while !is_running() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("interrupted"), "{said}");
    assert_eq!(the_run(&workspace)["status"], "failed");
    workspace.assert_nothing_half_written();
}

#[test]
fn the_real_codex_answers_until_it_is_asked_for_code_mode() {
    let Some(codex) = real_tool("codex") else { return };
    let workspace = demo("timeout_ms = 120000", SCRIPT);
    let run = run(&workspace).env("CODEX_APP_SERVER_CODEX_COMMAND", codex).run();
    let run = run.exits(4).prints(&["lacks Code Mode", "CODEX_FLOWS_CODE_MODE_HOST=local"]);
    let log = log(&workspace);
    assert!(
        log.contains("-> thread/start") && log.contains("<- thread/codeMode/execute refused"),
        "{log}\n{run}"
    );
    assert!(workspace.path().join(".codex/sessions").is_dir() || log.contains("unknown variant"), "{log}");
}
