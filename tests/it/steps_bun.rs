//! Scripts of the runner `bun`, run by a real Bun, and by Node where it will do.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::steps::{flow_toml, log, the_run};
use crate::support::{Output, Workspace, real_tool, write};

/// A PATH without bun and node, but with what else a run needs.
const PLAIN: [&str; 3] = ["git", "sh", "sleep"];

/// A workspace whose flow `demo` has one step, a script for the runner `bun`, and the PATH that it runs with.
struct Bun {
    workspace: Workspace,
    path: String,
    _tools: TempDir,
}

impl Bun {
    /// With a real Bun on PATH; `None` where this machine has none.
    #[track_caller]
    fn with(script: &str, text: &str) -> Option<Self> {
        real_tool("bun").map(|bun| Self::with_program("bun", &bun, script, text))
    }

    /// With Node on PATH and no Bun.
    #[track_caller]
    fn with_node(script: &str, text: &str) -> Option<Self> {
        real_tool("node").map(|node| Self::with_program("node", &node, script, text))
    }

    fn with_program(name: &str, program: &Path, script: &str, text: &str) -> Self {
        let tools = TempDir::new().unwrap();
        std::os::unix::fs::symlink(program, tools.path().join(name)).unwrap();
        for name in PLAIN {
            let path = std::env::var_os("PATH").unwrap();
            let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file());
            std::os::unix::fs::symlink(found.unwrap(), tools.path().join(name)).unwrap();
        }
        let workspace = Workspace::on_v1();
        let this = Self { path: tools.path().to_str().unwrap().to_owned(), workspace, _tools: tools };
        this.flow(&format!("script = {script:?}"));
        write(&this.workspace.path().join("flows/demo").join(script), text);
        this
    }

    /// Writes flow.toml with these keys in its step.
    fn flow(&self, step: &str) {
        write(&self.workspace.path().join("flows/demo/flow.toml"), flow_toml("demo", "bun", step));
    }

    fn run(&self) -> Output {
        self.workspace.run_tag("v2").env("PATH", &self.path).run()
    }

    fn record(&self) -> Value {
        the_run(&self.workspace)
    }

    fn log(&self) -> String {
        log(&self.workspace)
    }
}

#[test]
fn a_raw_typescript_step_reads_its_context_and_prints_its_result() {
    let script = "type Context = { flow: { event: { payload: { tag: string } } } };\n\
        const context = JSON.parse(await Bun.stdin.text()) as Context;\n\
        // A comment that says export default makes no module of it.\n\
        console.log('FLOW_RESULT ' + JSON.stringify({ status: 'changed', message: context.flow.event.payload.tag }));\n";
    let Some(bun) = Bun::with("exec/step.ts", script) else { return };
    let _ = bun.run().exits(0);
    assert_eq!(bun.record()["resultPayload"], json!({ "status": "changed", "message": "v2" }));
}

#[test]
fn a_handler_is_called_with_the_context_and_what_it_returns_is_the_result() {
    let script = "import { defineBunFlow } from '../lib/flow.ts';\n\
        console.log('FLOW_RESULT {\"status\":\"blocked\"}');\n\
        export default defineBunFlow(async ({ flow, runtime }) => {\n\
          await Bun.sleep(1);\n\
          process.stdout.write('FLOW_RESULT {\"status\":\"failed\"} and no end of the line');\n\
          return { status: 'completed', message: `${flow.step} of ${runtime.launchedBy}`, artifacts: { replay: runtime.replay } };\n\
        });\n";
    let Some(bun) = Bun::with("exec/step.ts", script) else { return };
    let lib = "type Handler = (context: any) => Promise<{ status: string }>;\n\
        export function defineBunFlow(handler: Handler): Handler { return handler; }\n";
    write(&bun.workspace.path().join("flows/demo/lib/flow.ts"), lib);

    let run = bun.run().exits(0);

    let expected = json!({
        "status": "completed",
        "message": "hello of flow-runtime-local-client",
        "artifacts": { "replay": false },
    });
    assert_eq!(bun.record()["resultPayload"], expected, "{run}");
    let log = bun.log();
    assert!(log.starts_with("$ ") && log.lines().next().unwrap().contains(" -e [module runner] "), "{log}");
}

#[test]
fn a_handler_that_throws_has_failed_with_its_message_and_its_stack_is_in_the_log() {
    let script =
        "function deep() { throw new Error('no such tag: v2'); }\nexport default async () => deep();\n";
    let Some(bun) = Bun::with("exec/step.ts", script) else { return };
    let _ = bun.run().exits(1).prints(&["no such tag: v2"]);
    let record = bun.record();
    assert_eq!(record["resultPayload"], json!({ "status": "failed", "message": "no such tag: v2" }));
    assert_eq!(json!([record["processStatus"], record["status"]]), json!(["completed", "failed"]));
    assert!(bun.log().contains("deep") && bun.log().contains("exec/step.ts:1"), "{}", bun.log());
}

#[test]
fn a_handler_that_returns_no_result_is_told_so() {
    for (script, expected) in [
        ("export default async () => 'done'", "Bun module flow step must return a FlowResult object"),
        (
            "export default () => ({ message: 'no status' })",
            "Bun module flow step must return a FlowResult object",
        ),
        (
            "export default [{ status: 'completed' }]",
            "Bun module flow step must export a default handler function",
        ),
        ("export default () => { throw 'a string' }", "a string"),
        ("export default () => ({ status: 'completed', n: 1n })", "BigInt"),
        ("import './not-there.ts'; export default () => 1", "not-there.ts"),
        ("export default ((", "exec/step.ts"),
    ] {
        let Some(bun) = Bun::with("exec/step.ts", script) else { return };
        let run = bun.run().exits(1);
        let said = format!("{}{}", bun.record()["resultPayload"]["message"].as_str().unwrap(), bun.log());
        assert!(said.contains(expected), "{script}: {said}\n{run}");
    }
}

#[test]
fn a_handler_with_an_unknown_status_has_failed() {
    let Some(bun) = Bun::with("exec/step.ts", "export default () => ({ status: 'done' })") else { return };
    let _ =
        bun.run().exits(1).prints(&["FLOW_RESULT status is invalid: it is \"done\"", "use one of: skipped"]);
    assert_eq!(bun.record()["processStatus"], "failed");
}

#[test]
fn a_result_that_comes_after_much_output_is_found() {
    let script = "export default () => {\n\
          for (let i = 0; i < 3000; i += 1) console.log('x'.repeat(4000));\n\
          return { status: 'completed', message: 'y'.repeat(100000) };\n\
        }\n";
    let Some(bun) = Bun::with("exec/step.ts", script) else { return };
    let _ = bun.run().exits(0);
    assert_eq!(bun.record()["resultPayload"]["message"].as_str().unwrap().len(), 100_000);
    let log = bun.log();
    let end = &log[log.len() - 200..];
    assert!(log.contains("bytes left out") && end.ends_with("\n[completed]\n"), "{} bytes: {end}", log.len());
}

#[test]
fn nothing_that_a_handler_prints_is_lost() {
    let script = "export default () => {\n  process.stdout.write('begin\\n');\n\
        for (let at = 0; at < 20000; at++) console.log('line %d %s', at, 'x'.repeat(80));\n\
        return { status: 'completed' };\n};\n";
    for bun in
        [Bun::with("exec/step.ts", script), Bun::with_node("exec/step.mjs", script)].into_iter().flatten()
    {
        let _ = bun.run().exits(0);
        assert_eq!(bun.log().lines().filter(|line| line.starts_with("line ")).count(), 20_000);
    }
}

#[test]
fn a_script_that_ends_badly_has_failed_whatever_it_printed() {
    let script = "console.log('FLOW_RESULT {\"status\":\"completed\"}'); console.error('out of luck'); process.exit(3);\n";
    let Some(bun) = Bun::with("exec/step.ts", script) else { return };
    let _ = bun.run().exits(1);
    assert_eq!(bun.record()["error"], "Bun flow step demo/hello failed: exit code 3\nout of luck");
}

#[test]
fn a_script_that_ignores_the_request_to_end_at_its_timeout_has_failed_and_is_gone() {
    let script = "process.on('SIGTERM', () => console.log('FLOW_RESULT {\"status\":\"completed\"}'));\n\
        setInterval(() => {}, 1000);\n\
        console.log('ready', process.pid);\n";
    let Some(bun) = Bun::with("exec/step.ts", script) else { return };
    bun.flow("script = \"exec/step.ts\"\ntimeout_ms = 3000");
    let _ = bun.run().exits(1).prints(&["its timeout_ms being 3000"]);
    assert_eq!(bun.record()["processStatus"], "failed");
    let log = bun.log();
    let pid = log.lines().find_map(|line| line.strip_prefix("ready ")).unwrap_or_else(|| panic!("{log}"));
    assert!(!Path::new("/proc").join(pid).exists(), "{log}");
}

#[test]
fn a_result_that_is_printed_when_the_time_is_up_is_no_success() {
    let script = "process.on('SIGTERM', () => {\n\
          console.log('FLOW_RESULT {\"status\":\"completed\"}');\n\
          process.exit(0);\n\
        });\n\
        setInterval(() => {}, 1000);\n";
    let Some(bun) = Bun::with("exec/step.ts", script) else { return };
    bun.flow("script = \"exec/step.ts\"\ntimeout_ms = 3000");
    let _ = bun.run().exits(1);
    let error = bun.record()["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("Bun flow step demo/hello failed: it was ended after "), "{error}");
}

#[test]
fn a_grandchild_that_holds_standard_output_keeps_nobody_waiting() {
    let script = "import { spawn } from 'node:child_process';\n\
        spawn('sleep', ['300'], { stdio: 'inherit' }).unref();\n\
        console.log('FLOW_RESULT {\"status\":\"completed\"}');\n\
        process.exit(0);\n";
    let Some(bun) = Bun::with("exec/step.ts", script) else { return };
    bun.flow("script = \"exec/step.ts\"\ntimeout_ms = 60000");
    let _ = bun.run().exits(0);
    assert_eq!(bun.record()["status"], "completed");
}

#[test]
fn a_folder_that_is_not_there_is_named_and_not_taken_for_a_missing_bun() {
    let Some(bun) = Bun::with("exec/step.ts", "console.log(1)") else { return };
    bun.flow("script = \"exec/step.ts\"\ncwd = \"nowhere\"");
    let _ = bun.run().exits(1).prints(&["flows/demo/nowhere: that is no directory"]);
}

#[test]
fn plain_javascript_in_either_style_is_run_by_node_where_bun_is_missing() {
    let handler =
        "export default async ({ flow }) => ({ status: 'completed', message: flow.event.payload.tag });\n";
    let raw = "import { readFileSync } from 'node:fs';\n\
        const { flow } = JSON.parse(readFileSync(0, 'utf8'));\n\
        console.log('FLOW_RESULT ' + JSON.stringify({ status: 'completed', message: flow.event.payload.tag }));\n";
    let common = "const { flow } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));\n\
        console.log('FLOW_RESULT ' + JSON.stringify({ status: 'completed', message: flow.event.payload.tag }));\n";
    for (script, text) in [
        ("step.mjs", raw),
        ("step.js", raw),
        ("step.js", common),
        ("step.cjs", common),
        ("step.mjs", handler),
        ("a b/step.js", handler),
    ] {
        let Some(node) = Bun::with_node(script, text) else { return };
        let run = node.run().exits(0);
        let expected = json!({ "status": "completed", "message": "v2" });
        assert_eq!(node.record()["resultPayload"], expected, "{script}\n{run}\n{}", node.log());
    }
}

#[test]
fn a_dry_run_names_the_command_and_not_our_own_code_in_it() {
    let Some(bun) = Bun::with("step.ts", "export default () => ({ status: 'completed' })") else { return };
    let run = bun.workspace.run_tag("v2").args(["--dry-run"]).env("PATH", &bun.path).run().exits(0);
    let _ = run.prints(&["bun -e [module runner] ", "flows/demo/step.ts"]);
}
