//! What an event makes run: `flow match`, `flow list`, the dry run, the lock and what a workspace switches off.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{FLOW, Program, UPSTREAM, Workspace, content_hash, patch_moi, write};

/// A schema that takes releases of one repository.
fn schema_of(repo: &str) -> String {
    json!({"type": "object", "required": ["repo", "tag"], "properties": {"repo": {"enum": [repo]}}})
        .to_string()
}

/// Writes a flow with one step, called `hello`, below `folder`.
fn write_flow(folder: &Path, name: &str, step: &str) {
    let flow = format!(
        "name = \"{name}\"\nversion = 1\n\n[[steps]]\nname = \"hello\"\n{step}\n\n[steps.trigger]\n\
         type = \"upstream.release\"\nschema = \"schemas/release.json\"\n"
    );
    write(&folder.join("flow.toml"), flow);
    write(&folder.join("schemas/release.json"), schema_of(UPSTREAM));
    write(&folder.join("step.js"), "exit()\n");
}

/// A folder that is a workspace and no repository, with two installed flows of which one is for Code Mode.
fn installed() -> tempfile::TempDir {
    let root = tempfile::TempDir::new().unwrap();
    let flows = root.path().join(".codex/flows");
    write_flow(
        &flows.join("bindings"),
        "bindings",
        "runner = \"bun\"\nscript = \"step.js\"\ncwd = \"../..\"",
    );
    write_flow(&flows.join("codex-fork"), "codex-fork", "runner = \"code-mode\"\nscript = \"step.js\"");
    lock(root.path(), &["bindings", "codex-fork"]);
    root
}

/// Pins these flows in the lock.
fn lock(root: &Path, names: &[&str]) {
    let item = |name: &&str| {
        let hash = content_hash(&root.join(".codex/flows").join(name));
        json!({
            "name": name, "kind": "flow", "source": {"input": "../pack", "type": "local"},
            "sourcePath": format!("flows/{name}"), "destinationPath": format!(".codex/flows/{name}"),
            "contentHash": hash, "installedAt": "2026-01-01T00:00:00.000Z"
        })
    };
    let lock = json!({"version": 1, "items": names.iter().map(item).collect::<Vec<_>>()});
    write(&root.join(".codex/pack-lock.json"), format!("{lock:#}\n"));
}

/// `flow match` for a release, without one program on PATH.
fn matching(root: &Path, repo: &str) -> Program {
    patch_moi(root).args(["flow", "match", "--repo", repo, "--tag", "v2"]).env("PATH", "/nowhere")
}

#[track_caller]
fn codes(run: &Value) -> Vec<String> {
    let passed = run["passedOver"].as_array().unwrap();
    let code = |one: &Value| {
        let text = |key: &str| one[key].as_str().unwrap().to_owned();
        format!("{}/{}: {}", text("flow"), text("step"), text("code"))
    };
    passed.iter().map(code).collect()
}

#[test]
fn an_event_is_matched_without_git_and_every_step_is_told_why() {
    let root = installed();
    let own = root.path().join("flows");
    write_flow(&own.join("other"), "other", "runner = \"command\"\ncommand = [\"true\"]\nenabled = false");
    write(&own.join("broken/flow.toml"), "name = = 1");
    write_flow(
        &root.path().join(".codex/flows/stranger"),
        "stranger",
        "runner = \"bun\"\nscript = \"step.js\"",
    );
    write(
        &own.join("later/flow.toml"),
        "name = \"later\"\nversion = 1\n[[steps]]\nname = \"a\"\nrunner = \"patch-stack\"\n[steps.trigger]\ntype = \"downstream.release\"\n[[steps]]\nname = \"b\"\nrunner = \"patch-stack\"\n",
    );

    let run = matching(root.path(), UPSTREAM).args(["--json"]).run().exits(0).json();

    assert_eq!(run["id"], "patch:upstream.release:acme/engine:v2");
    let selected = run["selected"].as_array().unwrap();
    assert_eq!(
        (&selected[0]["flow"], &selected[0]["runner"], selected[0].get("gate")),
        (&json!("bindings"), &json!("bun"), None)
    );
    assert_eq!(selected[1]["flow"], "codex-fork");
    assert!(selected[1]["gate"].as_str().unwrap().contains("CODEX_FLOWS_MODE=code-mode"), "{run:#}");
    assert_eq!(
        codes(&run),
        [
            "stranger/hello: not-in-lock",
            "broken/*: manifest-broken",
            "later/a: other-event-type",
            "later/b: no-trigger",
            "other/hello: disabled"
        ]
    );
    let open = matching(root.path(), UPSTREAM).args(["--json"]).env("CODEX_FLOWS_MODE", "code-mode");
    assert_eq!(open.run().exits(0).json()["selected"][1].get("gate"), None);
}

#[test]
fn a_mismatch_names_the_schema_and_what_is_wrong() {
    let root = installed();
    let _ = matching(root.path(), "acme/other").run().exits(0).prints(&[
        "bindings/hello  not selected: the event does not meet its schema schemas/release.json: $.repo: ",
        "acme/other",
    ]);
    let event = json!({"id": "e", "type": "upstream.release", "payload": {"repo": UPSTREAM}});
    write(&root.path().join("event.json"), event.to_string());
    let file =
        patch_moi(root.path()).args(["flow", "match", "--event", "event.json"]).env("PATH", "/nowhere");
    let _ = file.run().exits(0).prints(&["\"tag\" is a required property"]);
}

#[test]
fn a_match_without_an_event_is_a_wrong_command() {
    let root = installed();
    for args in [
        &["flow", "match"][..],
        &["flow", "match", "--repo", UPSTREAM],
        &["flow", "match", "--event", "e", "--tag", "v"],
    ] {
        let _ = patch_moi(root.path()).args(args).run().exits(2);
    }
    let gone = patch_moi(root.path()).args(["flow", "match", "--event", "gone.json"]).run();
    let _ = gone.exits(2).says(&["gone.json does not exist"]);
}

#[test]
fn the_flows_are_listed_with_what_the_lock_says_of_each() {
    let root = installed();
    fs::remove_file(root.path().join(".codex/flows/bindings/step.js")).unwrap();
    write(&root.path().join(".codex/workspace.toml"), "[flows.codex-fork.steps.hello]\nenabled = false\n");
    let list = || patch_moi(root.path()).args(["flow", "list"]).env("PATH", "/nowhere");
    let _ = list().run().exits(0).prints(&[
        "bindings 1  .codex/flows/bindings  differs-from-lock",
        "does not run: its contents (sha256:",
        "codex-fork 1  .codex/flows/codex-fork  pinned",
        "hello  code-mode on upstream.release, disabled",
    ]);
    let flows = list().args(["--json"]).run().exits(0).json();
    assert_eq!(flows["flows"][0]["standing"], "differs-from-lock");
    assert_eq!(
        flows["flows"][1]["steps"],
        json!([{"name": "hello", "runner": "code-mode", "on": "upstream.release", "enabled": false}])
    );
}

#[test]
fn a_dry_run_of_both_old_flows_selects_both_and_names_the_variable_of_the_gate() {
    let root = installed();
    write(&root.path().join("bin/node"), "");
    // No remote is asked: no step carries a stack.
    let run = patch_moi(root.path()).args(["run", "release", "--repo", UPSTREAM, "--tag", "v2", "--dry-run"]);
    let run = run.env("https_proxy", "http://127.0.0.1:9").run().exits(0);
    let _ = run.prints(&[
        "bindings/hello  selected (bun)",
        "codex-fork/hello  selected (code-mode), and waits: Code Mode is off",
        "CODEX_FLOWS_MODE=code-mode",
    ]);
    assert!(!root.path().join(".codex/workspace").exists());
}

#[test]
fn what_the_workspace_switches_off_does_not_run() {
    let root = installed();
    let settings = root.path().join(".codex/workspace.toml");
    write(
        &settings,
        "[flows.bindings]\nenabled = false\n[flows.codex-fork.steps.hello]\nenabled = false\n[flows.gone]\nenabled = false\n",
    );
    let run = matching(root.path(), UPSTREAM).args(["--json"]).run().exits(0).json();
    assert_eq!(codes(&run), ["bindings/*: disabled", "codex-fork/hello: disabled"]);
    assert!(run["passedOver"][0]["reason"].as_str().unwrap().ends_with(".codex/workspace.toml"), "{run:#}");
    assert_eq!(
        run["notes"],
        json!([".codex/workspace.toml: `flows.gone` has no effect: no flow is called so"])
    );

    write(&settings, "[flows.bindings]\nenabled = \"no\"\n");
    let _ = matching(root.path(), UPSTREAM)
        .run()
        .exits(2)
        .says(&["flows.bindings.enabled must be true or false", "workspace.toml"]);
}

#[test]
fn a_flow_that_is_switched_off_makes_a_settled_release_due_again() {
    let workspace = Workspace::clean().with_flow("").with_feed(&[]);
    let _ = workspace.run(&[]).run().exits(0);
    let before = workspace.journal("releases.jsonl").len();
    write(&workspace.path().join(".codex/workspace.toml"), format!("[flows.{FLOW}]\nenabled = false\n"));
    let run = workspace.run(&["--json"]).run().exits(0).json();
    assert_eq!(run["events"][0]["selection"]["passedOver"][0]["code"], "disabled", "{run:#}");
    assert_eq!(workspace.journal("releases.jsonl").len(), before, "nothing came of it");
}

#[test]
fn two_steps_that_would_carry_the_same_branch_are_refused_and_the_advice_helps() {
    let workspace = Workspace::clean().with_flow("");
    let more = workspace.flow_toml("").replacen(FLOW, "second", 1);
    write(&workspace.path().join("flows/second/flow.toml"), more);
    write(&workspace.path().join("flows/second/schemas/event.json"), "{}");

    let run = workspace.run_tag("v2").run().exits(2).says(&[
        "carry/carry and second/carry",
        ".codex/workspace.toml",
        "flows.second.steps.carry.enabled = false",
        "flows.carry.steps.carry.enabled = false",
        "--flow carry",
    ]);
    assert!(!workspace.artifact("v2").exists(), "{run}");

    write(&workspace.path().join(".codex/workspace.toml"), "flows.second.steps.carry.enabled = false\n");
    let _ = workspace.run_tag("v2").run().exits(0);
    assert_eq!(workspace.candidate("v2")["flow"]["name"], "carry");
    fs::remove_file(workspace.path().join(".codex/workspace.toml")).unwrap();
    let _ = workspace.run_tag("v2").args(["--flow", "second"]).run().exits(0);
    assert_eq!(workspace.candidate("v2")["flow"]["name"], "second");
}

/// A workspace whose installed flow was changed after it was pinned and committed.
fn changed() -> Workspace {
    let workspace = Workspace::clean().with_flow("");
    let git = |args: &[&str]| drop(workspace.fork.git(args));
    git(&["add", "-A", ".codex/flows", ".codex/pack-lock.json"]);
    git(&["commit", "-qm", "Install the flow"]);
    let flow = workspace.path().join(".codex/flows").join(FLOW);
    let text = fs::read_to_string(flow.join("flow.toml")).unwrap();
    write(&flow.join("flow.toml"), format!("{text}\n# mine\n"));
    write(&flow.join("extra.txt"), "x");
    workspace
}

#[test]
fn a_flow_that_differs_from_its_lock_is_refused_by_the_names_of_its_files() {
    let workspace = changed();
    let run = workspace.run_tag("v2").run().exits(4).says(&[
        "flow carry (.codex/flows/carry) is not as .codex/pack-lock.json pins it: extra.txt added, flow.toml changed",
        "--allow-modified",
    ]);
    assert!(!run.stderr.contains("event.json"), "a file that is as it was is not named\n{run}");
    assert!(!workspace.artifact("v2").exists());

    // Also where a later commit holds the change, and where other steps run.
    workspace.fork.git(&["add", "-A", ".codex/flows"]);
    workspace.fork.git(&["commit", "-qm", "Change the flow"]);
    write_flow(
        &workspace.path().join("flows/other"),
        "other",
        "runner = \"command\"\ncommand = [\"sh\", \"-c\", \"touch ../../ran; echo 'FLOW_RESULT {\\\"status\\\":\\\"completed\\\"}'\"]",
    );
    let _ = workspace.run_tag("v2").run().exits(4).says(&["extra.txt added, flow.toml changed"]);
    assert!(workspace.path().join("ran").exists());
}

#[test]
fn a_changed_flow_runs_where_it_is_allowed_and_run_and_record_say_so() {
    for by_variable in [false, true] {
        let workspace = changed();
        let run = workspace.run_tag("v2");
        let run = if by_variable {
            run.env("PATCH_MOI_ALLOW_MODIFIED", "1")
        } else {
            run.args(["--allow-modified"])
        };
        let _ = run.run().exits(0).prints(&["`--allow-modified` lets it run"]);
        let warnings = &workspace.record("v2")["warnings"];
        assert!(
            warnings[0]
                .as_str()
                .unwrap()
                .starts_with("flow carry (.codex/flows/carry): `--allow-modified` lets it run"),
            "{warnings}"
        );
    }
    let workspace = changed();
    let _ = workspace.run_tag("v2").env("PATCH_MOI_ALLOW_MODIFIED", "0").run().exits(4);
}

#[test]
fn without_a_history_the_pack_says_which_files_differ_and_else_their_times() {
    let root = installed();
    let flow = root.path().join(".codex/flows/bindings");
    let run = || {
        patch_moi(root.path())
            .args(["run", "release", "--repo", UPSTREAM, "--tag", "v2", "--flow", "bindings"])
            .run()
            .exits(4)
    };
    write(&flow.join("step.js"), "changed()\n");
    let _ = run().says(&["changed after it was installed"]);

    let mut lock: Value =
        serde_json::from_slice(&fs::read(root.path().join(".codex/pack-lock.json")).unwrap()).unwrap();
    lock["items"][0]["installedAt"] = json!("2999-01-01T00:00:00.000Z");
    write(&root.path().join(".codex/pack-lock.json"), lock.to_string());
    let _ = run().says(&[
        "its pinned version is not to be found, and it holds flow.toml, schemas/release.json, step.js",
    ]);

    let inside = root.path().join("pack/flows/bindings");
    write_flow(&inside, "bindings", "runner = \"bun\"\nscript = \"step.js\"\ncwd = \"../..\"");
    lock["items"][0]["source"]["input"] = json!("pack");
    write(&root.path().join(".codex/pack-lock.json"), lock.to_string());
    let _ = run().says(&["is not as .codex/pack-lock.json pins it: step.js changed\n"]);
}
