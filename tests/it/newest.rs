//! `run release` without `--tag`, where programs are run for a release and no stack is carried.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Output, Program, UPSTREAM, Workspace, file_url, write};

/// Writes the repository's own flow `name`, whose step `hello` is this and waits for releases with a tag like `v1.0.0`.
fn write_flow(workspace: &Workspace, name: &str, config: &str, step: &str) {
    let folder = workspace.path().join("flows").join(name);
    let flow = format!(
        "name = \"{name}\"\nversion = 1\n\n[config]\n{config}\n[[steps]]\nname = \"hello\"\n{step}\n\n\
         [steps.trigger]\ntype = \"upstream.release\"\nschema = \"schema.json\"\n"
    );
    write(&folder.join("flow.toml"), flow);
    let schema = json!({"properties": {"repo": {"enum": [UPSTREAM]}, "tag": {"pattern": "^v[0-9.]+$"}}});
    write(&folder.join("schema.json"), schema.to_string());
    write(&folder.join("step.js"), "exit()\n");
}

/// A step that writes its event to `ran` of the workspace root.
const WRITES: &str = "runner = \"command\"\ncwd = \"../..\"\n\
    command = [\"sh\", \"-c\", \"cat $CODEX_FLOW_EVENT_PATH >> ran; echo >> ran; echo 'FLOW_RESULT {\\\"status\\\":\\\"completed\\\"}'\"]";

fn located(workspace: &Workspace) -> String {
    format!("upstream_repo_url = \"{}\"", file_url(workspace.upstream.path()))
}

/// Upstream with the releases v1 and v2.0.0.
fn released() -> Workspace {
    let workspace = Workspace::clean();
    workspace.upstream.git(&["tag", "v2.0.0", "v2"]);
    workspace
}

/// Upstream with its releases, and a flow that runs a program for them and says where upstream is.
fn program() -> Workspace {
    let workspace = released();
    write_flow(&workspace, "demo", &located(&workspace), WRITES);
    workspace
}

fn newest(workspace: &Workspace) -> Program {
    workspace.run(&["release", "--repo", UPSTREAM])
}

fn on_runner(workspace: &Workspace) -> Program {
    newest(workspace).env("GITHUB_ACTIONS", "true")
}

/// How often the program has run.
fn times(workspace: &Workspace) -> usize {
    fs::read_to_string(workspace.path().join("ran")).unwrap_or_default().matches("\"repo\"").count()
}

#[track_caller]
fn is_about_v2(workspace: &Workspace, run: &Output) {
    let events = workspace.journal("flow-events.jsonl");
    let about = |event: &Value| (event["id"].clone(), event["payload"]["tag"].clone());
    let id = format!("patch:upstream.release:{UPSTREAM}:v2.0.0");
    assert_eq!(events.iter().map(about).collect::<Vec<_>>(), [(json!(id), json!("v2.0.0"))], "{run}");
    assert_eq!(workspace.record("v2.0.0")["tag"], "v2.0.0");
}

#[test]
fn where_nobody_knows_where_upstream_is_the_run_is_refused_and_told_to_name_a_tag() {
    let workspace = Workspace::clean();
    write_flow(&workspace, "demo", "", WRITES);
    for run in [newest(&workspace), on_runner(&workspace)] {
        let nowhere = run.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "url./nowhere/.insteadOf");
        let nowhere = nowhere.env("GIT_CONFIG_VALUE_0", "https://github.com/").run().exits(2);
        let _ = nowhere.says(&["nothing says where upstream is", "--tag TAG", "upstream_repo_url"]);
    }
    assert_eq!(times(&workspace), 0);
    assert!(workspace.journal("flow-events.jsonl").is_empty());
}

#[test]
fn flows_that_name_two_upstreams_are_refused() {
    let workspace = program();
    write_flow(&workspace, "other", "upstream_url = \"https://example.org/engine\"", WRITES);
    let _ = newest(&workspace).run().exits(2).says(&["flow demo says", "flow other", "--tag", "--flow"]);
    let _ = newest(&workspace).args(["--flow", "demo"]).run().exits(0);
    assert_eq!(times(&workspace), 1);
}

#[test]
fn the_event_of_programs_is_about_the_newest_tag_that_upstream_has() {
    let workspace = program();
    let run = newest(&workspace).run().exits(0);
    is_about_v2(&workspace, &run);

    let workspace = released();
    workspace.follow(&file_url(workspace.upstream.path()), &json!({"tagPattern": "^v(?<version>[0-9.]+)$"}));
    write_flow(&workspace, "demo", "", WRITES);
    let run = newest(&workspace).run().exits(0);
    is_about_v2(&workspace, &run);
}

#[test]
fn on_a_runner_a_program_is_run_once_for_each_release() {
    let workspace = program();
    let run = on_runner(&workspace).run().exits(0);
    is_about_v2(&workspace, &run);
    assert_eq!(workspace.journal("releases.jsonl").last().unwrap()["state"], "candidate");
    let _ = on_runner(&workspace).run().exits(0);
    assert_eq!(times(&workspace), 1, "a settled release is left alone");

    workspace.upstream.commit("More", &[("more.txt", "more\n")]);
    workspace.upstream.tag("v3.0.0");
    let _ = on_runner(&workspace).run().exits(0);
    assert_eq!(times(&workspace), 2);
}

#[test]
fn on_a_runner_a_step_runs_once_its_gate_is_open_whether_a_source_names_the_upstream_or_not() {
    for stack in [false, true] {
        let workspace = if stack { released().with_flow("") } else { program() };
        write_flow(&workspace, "code", &located(&workspace), "runner = \"code-mode\"\nscript = \"step.js\"");
        let _ = on_runner(&workspace).run().exits(0);
        let gated = |workspace: &Workspace| {
            let state = workspace.state();
            let runs = state["runs"].as_array().unwrap().clone();
            runs.into_iter().find(|run| run["flowName"] == "code").unwrap()["resultPayload"]["gate"].clone()
        };
        assert!(gated(&workspace).is_string());
        let ledger = workspace.journal("releases.jsonl");

        let open = on_runner(&workspace).env("CODEX_FLOWS_MODE", "code-mode").run();

        assert_eq!(gated(&workspace), Value::Null, "{open}");
        assert_eq!(times(&workspace), usize::from(!stack), "what is done is not repeated\n{open}");
        assert_eq!(workspace.journal("releases.jsonl"), ledger, "the release stays settled");
    }
}
