//! What a step is told: its environment, and that its own script is the one that the lock pins.

use std::fs;

use serde_json::json;

use crate::steps::{WELL, flow_toml, log, the_run, with_script, write_flow};
use crate::support::{FLOW, Workspace, write};

#[test]
fn a_step_gets_the_secrets_that_its_flow_lists_and_the_run_says_so() {
    let workspace = Workspace::on_v1();
    let step =
        "command = [\"sh\", \"step.sh\"]\nenv = [\"GH_TOKEN\", \"FLAVOUR\", \"GITHUB_OUTPUT\", \"ABSENT\"]";
    write_flow(&workspace, "demo", step, &format!("env >env.txt; {WELL}\n"));
    let flow = workspace.path().join("flows/demo");
    let toml = fs::read_to_string(flow.join("flow.toml")).unwrap();
    write(
        &flow.join("flow.toml"),
        format!("{toml}\n[config]\nother_env = \"NPM_TOKEN\"\nrun_env = \"GITHUB_RUN_ID\"\n"),
    );
    let mut program = workspace.run_tag("v2");
    for (name, value) in [
        ("GH_TOKEN", "hunter2"),
        ("FLAVOUR", "vanilla"),
        ("GITHUB_OUTPUT", "/out"),
        ("GITHUB_RUN_ID", "42"),
        ("NPM_TOKEN", "hunter3"),
        ("CODEX_FLOWS_MODE", "code-mode"),
        ("CODEX_FLOW_TOKEN", "hunter4"),
        ("https_proxy", "http://user:pass@127.0.0.1:1"),
        ("CARGO_HOME", "/cargo"),
        ("LANG", "C"),
    ] {
        program = program.env(name, value);
    }

    let run = program.run().exits(0).says(&["step demo/hello sees GH_TOKEN, which may be a secret"]);

    let env = fs::read_to_string(flow.join("env.txt")).unwrap();
    for line in [
        "GH_TOKEN=hunter2",
        "FLAVOUR=vanilla",
        "GITHUB_RUN_ID=42",
        "CODEX_FLOWS_MODE=code-mode",
        "https_proxy=http://user:pass@127.0.0.1:1",
        "CARGO_HOME=/cargo",
        "LANG=C",
    ] {
        assert!(env.lines().any(|found| found == line), "{line} is not in\n{env}");
    }
    for secret in ["hunter3", "hunter4", "GITHUB_OUTPUT", "ABSENT"] {
        assert!(!env.contains(secret), "{secret} is in\n{env}");
    }
    assert_eq!(run.stderr.matches("sees GH_TOKEN").count(), 1, "{run}");
    let _ = run.says(&["does not see GITHUB_OUTPUT", "does not see NPM_TOKEN"]);
}

#[test]
fn a_listed_secret_that_a_step_says_is_hidden_in_log_record_and_report() {
    let workspace = Workspace::on_v1();
    let step = "command = [\"sh\", \"step.sh\"]\nenv = [\"GH_TOKEN\"]";
    write_flow(
        &workspace,
        "demo",
        step,
        "echo \"url https://x:$GH_TOKEN@host\"; echo \"no $GH_TOKEN\" >&2; exit 1\n",
    );
    for actions in ["false", "true"] {
        let run = workspace
            .run_tag("v2")
            .args(["-v"])
            .env("GITHUB_ACTIONS", actions)
            .env("GH_TOKEN", "hunter22")
            .run();
        let run = run.exits(1);
        let state = workspace.state().to_string();
        let log = log(&workspace);
        for text in [&run.stdout, &run.stderr, &state, &log] {
            assert!(!text.contains("hunter22"), "{text}");
        }
        assert!(log.contains("url https://x:***@host\n") && state.contains("no ***"), "{log}{state}");
    }
}

#[test]
fn a_check_gets_no_secret_even_where_it_lists_one() {
    let check = "[[checks]]\nname = \"unit\"\ncommand = [\"true\"]\nenv = [\"GH_TOKEN\"]\n";
    let workspace = Workspace::clean().with_flow(check);
    let run = workspace.run_tag("v2").env("GH_TOKEN", "hunter2").run();
    assert_ne!(run.code, Some(0), "{run}");
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(said.contains("asks for the variable `GH_TOKEN`"), "{run}");
}

#[test]
fn a_script_outside_of_an_installed_flow_is_refused_and_outside_of_a_source_flow_warned_about() {
    let workspace = Workspace::on_v1();
    let step = r#"script = "../../../outside.mjs""#;
    write(&workspace.path().join("outside.mjs"), "console.log('FLOW_RESULT {\"status\":\"completed\"}')\n");
    workspace.install_flow(&flow_toml(FLOW, "bun", step));
    workspace.lock();
    let _ = workspace
        .run_tag("v2")
        .run()
        .exits(1)
        .prints(&["leads out of its flow's folder: the lock does not pin what it runs"]);

    let workspace = Workspace::on_v1();
    let tools = tempfile::TempDir::new().unwrap();
    write(&tools.path().join("bun"), format!("#!/bin/sh\n{WELL}\n"));
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(tools.path().join("bun"), mode).unwrap();
    let path = format!("{}:{}", tools.path().display(), std::env::var("PATH").unwrap());
    write(&workspace.path().join("outside.mjs"), "console.log(1)\n");
    write(
        &workspace.path().join("flows/demo/flow.toml"),
        flow_toml("demo", "bun", r#"script = "../../outside.mjs""#),
    );
    let _ = workspace
        .run_tag("v2")
        .env("PATH", path)
        .run()
        .exits(0)
        .says(&["the script `../../outside.mjs` of demo/hello leads out of its flow's folder"]);
}

#[test]
fn a_result_that_is_none_says_what_is_wrong_with_it() {
    for (line, expected) in [
        (
            "FLOW_RESULT {\"status\":\"done\"}",
            "FLOW_RESULT status is invalid: it is \"done\"; line 2 of its output",
        ),
        ("FLOW_RESULT {\"status\":", "FLOW_RESULT is not valid JSON: EOF"),
        ("FLOW_RESULT:{\"status\":\"completed\"}", "line 2 of its output has the word and no space after it"),
        (
            "FLOW_RESULT {\"status\":\"completed\",\"next\":{}}",
            "FLOW_RESULT next must be a list of events, and is an object",
        ),
    ] {
        let workspace = with_script(&format!("echo begin\necho '{line}'\n"));
        let _ = workspace.run_tag("v2").run().exits(1).prints(&[expected, "FLOW_RESULT"]);
        let record = the_run(&workspace);
        assert_eq!(json!([record["processStatus"], record.get("resultStatus")]), json!(["failed", null]));
        assert!(record["error"].as_str().unwrap().contains(expected), "{record:#}");
    }
}
