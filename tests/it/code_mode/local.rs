//! The host `local`.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{demo, event_id, log, run_locally, the_run};
use crate::support::{Output, Workspace, real_tool};

/// A PATH with nothing but what is linked into its folder.
struct Path {
    folder: tempfile::TempDir,
}

impl Path {
    fn new() -> Self {
        let this = Self { folder: tempfile::TempDir::new().unwrap() };
        for name in ["git", "sh", "sleep", "env", "head", "seq", "tr"] {
            this.link(name, &on_path(name).unwrap());
        }
        this
    }

    fn link(&self, name: &str, program: &std::path::Path) {
        std::os::unix::fs::symlink(program, self.folder.path().join(name)).unwrap();
    }

    fn text(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Runs the script in each program that runs JavaScript here, and hands over what came of it.
fn in_both(step: &str, script: &str, check: impl Fn(&Workspace, Output)) {
    for name in ["bun", "node"] {
        let Some(program) = real_tool(name) else { continue };
        let path = Path::new();
        path.link(name, &program);
        let workspace = demo(step, script);
        let run = run_locally(&workspace).env("PATH", path.text()).run();
        check(&workspace, run);
    }
}

#[track_caller]
fn payload(workspace: &Workspace, run: &Output) -> Value {
    let record = the_run(workspace);
    assert!(record["resultPayload"].is_object(), "{record:#}\n{run}");
    record["resultPayload"].clone()
}

#[test]
fn a_script_finds_the_functions_of_code_mode_and_nothing_of_its_program() {
    let script = "\
const result_of = await tools.exec_command({ cmd: 'printf %s \"$GREETING$0\"; exit 3', workdir: '/' });
text('one line\\n');
text({ a: 1 });
console.log('for the log', 7);
result({
  status: 'changed',
  command: result_of,
  flow: [flow.name, flow.step, flow.event.id, flow.config ?? null],
  hidden: [typeof process, typeof require, typeof Bun, typeof module],
});
";
    in_both("", script, |workspace, run| {
        let run = run.exits(0);
        let mut said = payload(workspace, &run);
        assert!(said["command"]["wall_time_seconds"].take().is_number());
        assert_eq!(said["status"], "changed");
        assert_eq!(
            said["command"],
            json!({"wall_time_seconds": null, "exit_code": 3, "original_token_count": 1, "output": "sh"})
        );
        assert_eq!(said["flow"], json!(["demo", "hello", event_id(), null]));
        assert_eq!(said["hidden"], json!(["undefined", "undefined", "undefined", "undefined"]));
        assert_eq!(the_run(workspace)["raw"]["host"], "local");
        let log = log(workspace);
        for line in [
            "[command 1 in /] $ printf",
            "[command 1: exit code 3 after ",
            "\none line\n",
            "\nfor the log 7\n",
        ] {
            assert!(log.contains(line), "{line:?} is not in\n{log}");
        }
    });
}

#[test]
fn a_script_may_have_names_of_its_own_that_the_host_knows() {
    let script = "\
const module = 'codex-rs', exports = 1, process = 2;
function require(name) { return name + exports + process; }
result({ status: 'completed', message: require(module) });
";
    in_both("", script, |workspace, run| {
        let run = run.exits(0);
        assert_eq!(payload(workspace, &run)["message"], "codex-rs12");
    });
}

#[test]
fn nothing_of_a_long_output_is_lost_on_its_way_from_the_host() {
    // Bun and Node write no more to a full pipe once this was looked at.
    let script = "\
globalThis.process.stdout.isTTY;
const said = await tools.exec_command({ cmd: 'seq 1 300000', max_output_tokens: 10 });
for (let at = 0; at < 3000; at++) { console.log('x'.repeat(1000)); text('y'.repeat(300)); }
result({ status: 'completed', tokens: said.original_token_count, message: 'z'.repeat(900000) });
";
    in_both("", script, |workspace, run| {
        let run = run.exits(0);
        let said = payload(workspace, &run);
        assert_eq!(said["message"].as_str().unwrap().len(), 900_000);
        assert_eq!(said["tokens"], 497_224);
    });
}

#[test]
fn exit_ends_the_script_at_once_however_deep_it_is_called() {
    let script = "\
async function deep() {
  try { await null; result({ status: 'completed', message: 'first' }); } finally { text('never'); }
}
tools.exec_command({ cmd: 'sleep 600' });
await Promise.all([deep(), new Promise(() => {})]);
result({ status: 'failed' });
";
    let before = Instant::now();
    in_both("", script, |workspace, run| {
        let run = run.exits(0);
        assert_eq!(payload(workspace, &run), json!({"status": "completed", "message": "first"}));
        assert!(!log(workspace).contains("never"));
    });
    assert!(before.elapsed() < Duration::from_secs(300), "the command that nobody waits for is ended");
}

#[test]
fn an_error_names_the_line_of_the_script() {
    for (script, message, line) in [
        (
            "text('a');\n\nfunction deep() {\n  throw new TypeError('no such tag');\n}\nawait deep();\n",
            "TypeError: no such tag",
            4,
        ),
        ("text('a');\nconst x = ;\n", "SyntaxError: ", 2),
        (
            "text('a');\nawait tools.apply_patch('x');\n",
            "the local Code Mode host has no tools.apply_patch",
            2,
        ),
        ("text('a');\nundeclared = 1;\n", "ReferenceError: ", 2),
        (
            "setTimeout(() => {\n  throw new Error('later');\n});\nawait new Promise(() => {});\n",
            "Error: later",
            2,
        ),
    ] {
        in_both("", script, |workspace, run| {
            let run = run.exits(1);
            let error = the_run(workspace)["error"].as_str().unwrap().to_owned();
            assert!(
                error.starts_with("Code Mode flow step demo/hello failed: ") && error.contains(message),
                "{error}"
            );
            let place = format!("flows/demo/exec/hello.code-mode.js:{line})");
            assert!(error.ends_with(&place), "{error} does not end with {place}\n{run}");
        });
    }
}

#[test]
fn what_a_script_is_shown_of_a_long_output_is_bounded_and_marked() {
    let script = "\
const long = await tools.exec_command({ cmd: 'seq 1 20000; echo last >&2', max_output_tokens: 100 });
result({ status: 'completed', output: long.output, tokens: long.original_token_count });
";
    in_both("", script, |workspace, run| {
        let run = run.exits(0);
        let said = payload(workspace, &run);
        let output = said["output"].as_str().unwrap();
        assert!(output.starts_with("1\n2\n") && output.ends_with("20000\nlast\n"), "{output}");
        assert!(output.contains("\n[.. 108499 bytes left out ..]\n") && output.len() < 450, "{output}");
        assert!(said["tokens"].as_u64().unwrap() > 27_000);
        assert!(log(workspace).contains("108499 bytes of its output are not shown to the script"));
    });
}

#[test]
fn a_command_that_cannot_run_is_an_exit_code_for_the_script() {
    let script = "\
const codes = [];
for (const [cmd, workdir] of [['true', '/no/such/place'], ['no-such-program'], ['test -f ../../.git/HEAD || test -d ../../.git', 'exec/..'], ['kill -9 $$'], ['sleep 600 & echo done']]) {
  codes.push((await tools.exec_command({ cmd, workdir })).exit_code);
}
result({ status: 'completed', codes });
";
    in_both("", script, |workspace, run| {
        let run = run.exits(0);
        assert_eq!(payload(workspace, &run)["codes"], json!([127, 127, 0, 137, 0]));
        assert!(log(workspace).contains("cannot run a command in /no/such/place"));
    });
}

#[test]
fn the_time_of_the_step_holds_for_its_commands_and_for_a_script_that_never_rests() {
    for script in ["await tools.exec_command({ cmd: 'sleep 600' });\n", "for (;;) {}\n"] {
        in_both("timeout_ms = 3000", script, |workspace, run| {
            let _ = run.exits(1);
            let error = the_run(workspace)["error"].as_str().unwrap().to_owned();
            assert!(error.contains("its timeout_ms being 3000"), "{error}");
        });
    }
}

#[test]
fn a_script_that_waits_for_nothing_and_one_without_result_are_told_apart() {
    in_both("", "await new Promise(() => {});\n", |workspace, run| {
        let _ = run.exits(1);
        assert!(
            the_run(workspace)["error"].as_str().unwrap().contains("waits for something that never comes")
        );
    });
    in_both("", "text('done')\n", |workspace, run| {
        let _ = run.exits(1).prints(&["call `result("]);
        assert_eq!(the_run(workspace)["error"], "Step did not emit FLOW_RESULT");
    });
}

#[test]
fn a_file_of_variables_beside_the_script_changes_nothing() {
    let script = "\
const all = await tools.exec_command({ cmd: 'env' });
result({ status: 'completed', output: all.output });
";
    for name in ["bun", "node"] {
        let Some(program) = real_tool(name) else { continue };
        let path = Path::new();
        path.link(name, &program);
        let workspace = demo("", script);
        for folder in [workspace.path().to_owned(), workspace.path().join("flows/demo")] {
            fs::write(folder.join(".env"), "SNEAKED_IN=1\n").unwrap();
        }
        let run = run_locally(&workspace)
            .env("PATH", path.text())
            .env("GITHUB_TOKEN", "hunter2")
            .env("GITHUB_ENV", "/tmp/x")
            .run()
            .exits(0);
        let said = payload(&workspace, &run)["output"].as_str().unwrap().to_owned();
        assert!(said.contains("CODEX_FLOW_RUN_ID=run_"), "{said}");
        for absent in ["SNEAKED_IN", "hunter2", "GITHUB_ENV"] {
            assert!(!said.contains(absent), "{absent} is in\n{said}");
        }
    }
}

#[test]
fn a_listed_secret_is_hidden_in_what_is_recorded_of_an_error() {
    let script = "\
const said = await tools.exec_command({ cmd: 'printf %s \"$GH_TOKEN\"' });
throw new Error('refused: https://x:' + said.output + '@host');
";
    let workspace = demo("env = [\"GH_TOKEN\"]", script);
    let run = run_locally(&workspace).env("GH_TOKEN", "hunter22").run().exits(1);
    let (state, log) = (workspace.state().to_string(), log(&workspace));
    for text in [&run.stdout, &run.stderr, &state, &log] {
        assert!(!text.contains("hunter22"), "{text}");
    }
    assert!(state.contains("refused: https://x:***@host"), "{state}");
}

#[test]
fn without_bun_and_node_the_step_is_blocked_and_another_host_is_never_taken() {
    let workspace = demo("", "result({ status: 'completed' });\n");
    let run = run_locally(&workspace).env("PATH", Path::new().text()).run().exits(4);
    let _ = run.prints(&["neither `bun` nor `node` is on PATH"]);

    let workspace = demo("", "result({ status: 'completed' });\n");
    let run = super::run(&workspace).env("CODEX_FLOWS_CODE_MODE_HOST", "bun").run().exits(4);
    let _ = run.prints(&["there is no Code Mode host `bun`"]);
}

#[test]
fn the_gate_holds_for_the_local_host_too() {
    let workspace = demo("", "result({ status: 'completed' });\n");
    let run = workspace.run_tag("v2").env("CODEX_FLOWS_CODE_MODE_HOST", "local").run().exits(4);
    let _ = run.prints(&["CODEX_FLOWS_MODE=code-mode"]);
}
