//! `patch-moi run` for a tag that a person names: one release through every stage.

use std::fs;

use serde_json::json;

use crate::support::{FLOW, Release, Repo, UPSTREAM, Workspace, find_files, patch_moi, write};

#[test]
fn a_first_try_on_ones_own_fork_needs_no_file() {
    let workspace = Workspace::clean();

    let run =
        workspace.run(&["release", "--repo", UPSTREAM, "--tag", "v2", "--branch", "main"]).run().exits(0);

    let candidate = workspace.candidate("v2");
    assert_eq!(candidate["candidate"]["complete"], true, "{run}");
    assert_eq!(candidate["counts"]["patches"], 2);
    assert_eq!(candidate["onto"], workspace.upstream.id("v2"));
    assert_eq!(candidate["tip"], workspace.fork.id("main"));
}

#[test]
fn the_release_commit_of_a_release_branch_is_carried_to_and_never_carried() {
    let workspace = Workspace::clean().with_flow("");

    let _ = workspace.run_tag("v2").run().exits(0);

    let candidate = workspace.candidate("v2");
    let commit = candidate["candidate"]["commit"].as_str().unwrap();
    assert_eq!(workspace.fork.file(commit, "VERSION"), "2");
    let subjects = workspace.fork.git(&["log", "--format=%s", "-3", commit]);
    assert_eq!(subjects, "Mind the gap\nColour output\nRelease v2");
}

#[test]
fn the_maintained_branch_the_tags_and_the_work_tree_stay_as_they_are() {
    for workspace in [Workspace::clean(), Workspace::conflicting()] {
        let workspace = workspace.with_flow("");
        write(&workspace.path().join("half-finished.txt"), "a dirty work tree is no obstacle\n");
        let (refs, status) =
            (workspace.fork.refs(), workspace.fork.git(&["status", "--porcelain", "--", ":!.codex"]));

        let _ = workspace.run_tag("v2").run();

        assert!(workspace.artifact("v2").join("candidate.json").exists());
        assert_eq!(workspace.fork.refs(), refs);
        assert_eq!(workspace.fork.git(&["status", "--porcelain", "--", ":!.codex"]), status);
    }
}

#[test]
fn a_complete_candidate_becomes_a_ref_of_the_fork() {
    let workspace = Workspace::clean().with_flow("");
    let _ = workspace.run_tag("v2").run().exits(0);
    let commit = workspace.candidate("v2")["candidate"]["commit"].clone();
    assert_eq!(workspace.fork.id("refs/patch-moi/candidate/v2"), commit);
}

#[test]
fn a_conflict_exits_3_and_says_who_where_and_since_when() {
    let workspace = Workspace::conflicting().with_flow("");

    let run = workspace.run_tag("v2").run().exits(3);

    let said = format!("{}{}", run.stdout, run.stderr);
    for phrase in ["More pistons", "engine.txt", "Rework the engine", "Even more pistons", "v2"] {
        assert!(said.contains(phrase), "{phrase}\n{run}");
    }
    let candidate = workspace.candidate("v2");
    assert_eq!(candidate["candidate"]["complete"], false);
    assert_eq!(candidate["counts"]["conflict"], 1);
    assert_eq!(candidate["counts"]["blocked"], 1);
    assert_eq!(
        workspace.fork.try_git(&["rev-parse", "--verify", "--quiet", "refs/patch-moi/candidate/v2"]).0,
        1
    );
}

#[test]
fn a_tag_of_the_fork_with_upstreams_name_is_no_obstacle() {
    let workspace = Workspace::clean().with_flow("");
    workspace.fork.tag("v2");
    let own = workspace.fork.id("v2");

    let _ = workspace.run_tag("v2").run().exits(0);

    assert_eq!(workspace.fork.id("v2"), own);
    assert_eq!(workspace.candidate("v2")["onto"], workspace.upstream.id("v2"));
}

#[test]
fn a_tag_with_a_slash_has_a_folder_and_a_ref_of_its_own() {
    let workspace = Workspace::clean().with_flow("");
    workspace.upstream.switch("release/2").tag("v2-final/x");

    let _ = workspace.run_tag("v2-final/x").run().exits(0);

    assert_eq!(workspace.candidate("v2-final%2Fx")["onto"], workspace.upstream.id("v2"));
    assert!(!workspace.fork.git(&["for-each-ref", "refs/patch-moi/candidate/v2-final%2Fx"]).is_empty());
}

#[test]
fn the_feed_and_the_tag_speak_of_the_same_event() {
    let releases = [Release { tag: "v2", title: "Engine 2", updated: "2026-01-02T00:00:00Z" }];
    let workspace = Workspace::clean().with_flow("").with_feed(&releases);

    let _ = workspace.run(&[]).run().exits(0);
    let _ = workspace.run_tag("v2").run().exits(0);

    let events = workspace.journal("flow-events.jsonl");
    assert_eq!(events.len(), 1, "{events:#?}");
    assert_eq!(events[0]["id"], format!("patch:upstream.release:{UPSTREAM}:v2"));
    assert_eq!(events[0]["type"], "upstream.release");
    assert_eq!(events[0]["payload"]["repo"], UPSTREAM);
    assert_eq!(events[0]["payload"]["tag"], "v2");
}

#[test]
fn a_dispatch_delivers_again_and_comes_to_the_same_candidate() {
    let workspace = Workspace::clean().with_flow("");
    let _ = workspace.run_tag("v2").run().exits(0);
    let first = workspace.candidate("v2")["candidate"].clone();
    fs::remove_dir_all(workspace.artifact("v2")).unwrap();

    let _ = workspace.run_tag("v2").run().exits(0);

    assert_eq!(workspace.candidate("v2")["candidate"], first);
}

#[test]
fn the_records_are_those_of_the_old_system() {
    let workspace = Workspace::clean().with_flow("");
    let _ = workspace.run_tag("v2").run().exits(0);
    let id = format!("patch:upstream.release:{UPSTREAM}:v2");

    let state = workspace.state();
    assert_eq!(state["events"][0]["event"]["id"], id.as_str());
    let run = &state["runs"][0];
    assert_eq!((&run["flowName"], &run["stepName"]), (&json!(FLOW), &json!("carry")));
    assert_eq!(run["id"], run_id(&id, FLOW, "carry"));
    assert_eq!(run["processStatus"], "completed");
    assert_eq!(state["events"][0]["runIds"], json!([run["id"]]));

    let dispatch = &workspace.journal("workspace-dispatches.jsonl")[0];
    let keys: Vec<&str> = dispatch.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys[..5], ["eventId", "eventType", "operation", "target", "transport"]);
    assert_eq!(
        (&dispatch["transport"], &dispatch["status"]),
        (&json!("actions-local"), &json!("dispatched"))
    );

    let attempt = workspace.journal("maintenance-attempts.jsonl").pop().unwrap();
    assert_eq!(attempt["upstreamRepo"], UPSTREAM);
    assert_eq!(attempt["upstreamTag"], "v2");
    let sha = &workspace.candidate("v2")["candidate"]["commit"];
    assert!(
        attempt["candidateRefs"].as_array().unwrap().iter().any(|found| &found["sha"] == sha),
        "{attempt:#}"
    );
}

/// `run_` and the first twelve digits of the SHA-256 of event, flow and step with NULs between.
fn run_id(event: &str, flow: &str, step: &str) -> String {
    use sha2::{Digest as _, Sha256};
    let hash = Sha256::digest([event, flow, step].join("\0"));
    format!("run_{}", &hex::encode(hash)[..12])
}

#[test]
fn the_fixture_knows_the_published_example_of_a_run_id() {
    assert_eq!(
        run_id("patch:upstream.release:openai/codex:rust-v0.130.0", "demo", "hello"),
        "run_6ca1f4662abc"
    );
}

#[test]
fn a_conflict_is_recorded_as_an_attempt_that_needs_a_person() {
    let workspace = Workspace::conflicting().with_flow("");
    let _ = workspace.run_tag("v2").run().exits(3);
    let attempt = workspace.journal("maintenance-attempts.jsonl").pop().unwrap();
    assert_eq!(attempt["status"], "needs_intervention", "{attempt:#}");
    assert_eq!(workspace.state()["runs"][0]["needsAttention"], true);
}

#[test]
fn what_was_recorded_can_be_listed() {
    let workspace = Workspace::clean().with_flow("");
    let _ = workspace.run_tag("v2").run().exits(0);
    let list = |command: &str| {
        let run =
            patch_moi(workspace.path()).args([command, "--json"]).env("DATA_DIR", workspace.data()).run();
        run.exits(0).json()
    };
    assert_eq!(list("events")["events"].as_array().unwrap().len(), 1);
    assert_eq!(list("dispatches")["dispatches"].as_array().unwrap().len(), 1);
    assert_eq!(list("attempts")["attempts"].as_array().unwrap().len(), 1);
    assert!(list("status")["attemptStatusCounts"].is_object());
}

#[test]
fn a_dry_run_says_everything_and_writes_nothing() {
    for (workspace, subject) in
        [(Workspace::clean(), "Mind the gap"), (Workspace::conflicting(), "More pistons")]
    {
        let workspace = workspace.with_flow("");
        let before = workspace.snapshot();

        let run = workspace.run_tag("v2").args(["--dry-run"]).run().exits(0);

        workspace.snapshot().assert_same_as(&before);
        assert!(run.stdout.contains(subject), "{run}");
    }
}

#[test]
fn a_dry_run_on_a_schedule_writes_nothing_either() {
    let releases = [Release { tag: "v2", title: "Engine 2", updated: "2026-01-02T00:00:00Z" }];
    let workspace = Workspace::clean().with_flow("").with_feed(&releases);
    let before = workspace.snapshot();

    let _ = workspace.run(&["--dry-run"]).run().exits(0).prints(&["v2", "Mind the gap"]);

    workspace.snapshot().assert_same_as(&before);
}

#[test]
fn codex_release_means_openai_codex() {
    let workspace = Workspace::clean();
    let codex = workspace.flow_toml("").replace("schemas/event.json", "schemas/codex.json");
    workspace.install_flow(&codex);
    let schema = r#"{"type":"object","required":["repo"],"properties":{"repo":{"enum":["openai/codex"]}}}"#;
    write(&workspace.path().join(".codex/flows").join(FLOW).join("schemas/codex.json"), schema);
    workspace.lock();

    let _ = workspace.run(&["codex-release", "--tag", "v2"]).run().exits(0);

    assert_eq!(workspace.journal("flow-events.jsonl")[0]["id"], "patch:upstream.release:openai/codex:v2");
}

#[test]
fn the_old_commands_allow_local_is_accepted_and_changes_nothing() {
    let workspace = Workspace::clean().with_flow("");
    let _ = workspace.run_tag("v2").args(["--allow-local"]).run().exits(0);
    assert_eq!(workspace.candidate("v2")["candidate"]["complete"], true);
}

#[test]
fn an_event_in_a_file_is_carried_like_any_other() {
    let workspace = Workspace::clean().with_flow("");
    let event = json!({
        "id": format!("patch:upstream.release:{UPSTREAM}:v2"),
        "type": "upstream.release",
        "receivedAt": "2026-01-02T00:00:00.000Z",
        "payload": { "repo": UPSTREAM, "tag": "v2" }
    });
    write(&workspace.path().join("event.json"), event.to_string());

    let _ = workspace.run(&["event", "--file", "event.json"]).run().exits(0);

    assert_eq!(workspace.candidate("v2")["candidate"]["complete"], true);
}

#[test]
fn a_flow_of_the_repositorys_own_needs_no_lock() {
    let workspace = Workspace::clean();
    workspace.install_flow(&workspace.flow_toml(""));
    fs::create_dir_all(workspace.path().join("flows")).unwrap();
    fs::rename(workspace.path().join(".codex/flows").join(FLOW), workspace.path().join("flows").join(FLOW))
        .unwrap();

    let _ = workspace.run_tag("v2").run().exits(0);

    assert_eq!(workspace.candidate("v2")["candidate"]["complete"], true);
}

#[test]
fn json_is_the_whole_of_stdout_whatever_the_end() {
    for (workspace, code) in [(Workspace::clean(), 0), (Workspace::conflicting(), 3)] {
        let workspace = workspace.with_flow("");
        let run = workspace.run_tag("v2").args(["--json"]).run().exits(code);
        assert!(run.json().is_object());
    }
}

#[test]
fn a_required_check_that_passes_is_in_the_document_and_its_log_in_the_artifact() {
    let check = "[[checks]]\nname = \"colour\"\ncommand = [\"cat\", \"colour.txt\"]\nrequired = true\n";
    let workspace = Workspace::clean().with_flow(check);

    let run = workspace.run_tag("v2").run().exits(0);

    assert_eq!(workspace.candidate("v2")["checks"][0]["name"], "colour", "{run}");
    let log = fs::read_to_string(workspace.artifact("v2").join("checks/colour.log")).unwrap();
    assert!(log.contains("red"), "{log}");
}

#[test]
fn a_required_check_that_fails_keeps_the_candidate_from_being_published() {
    let check = "[[checks]]\nname = \"paint\"\ncommand = [\"cat\", \"no-such-paint.txt\"]\nrequired = true\n";
    let workspace = Workspace::clean().with_flow(check);

    let run = workspace.run_tag("v2").run().exits(1);

    let said = format!("{}{}", run.stdout, run.stderr);
    for phrase in ["paint", "cat no-such-paint.txt", "checks/paint.log"] {
        assert!(said.contains(phrase), "{phrase}\n{run}");
    }
    assert!(workspace.artifact("v2").join("checks/paint.log").exists());
    assert_eq!(workspace.journal("maintenance-attempts.jsonl").pop().unwrap()["status"], "failed");
    assert_eq!(
        workspace.fork.try_git(&["rev-parse", "--verify", "--quiet", "refs/patch-moi/candidate/v2"]).0,
        1
    );
}

#[test]
fn a_check_that_is_added_later_withdraws_the_candidate_that_it_refuses() {
    let workspace = Workspace::clean().with_flow("");
    let _ = workspace.run_tag("v2").run().exits(0);
    let workspace =
        workspace.with_flow("[[checks]]\nname = \"paint\"\ncommand = [\"cat\", \"no-such-paint.txt\"]\n");

    let _ = workspace.run_tag("v2").run().exits(1);

    assert_eq!(workspace.fork.git(&["for-each-ref", "refs/patch-moi/candidate"]), "");
    let base = json!([{ "name": "refs/patch-moi/base/v2", "commit": workspace.upstream.id("v2") }]);
    assert_eq!(workspace.candidate("v2")["refs"], base, "what is known of upstream stays");
    assert_eq!(workspace.candidate("v2")["status"], "failed");
}

#[test]
fn a_check_that_is_not_required_may_fail() {
    let check =
        "[[checks]]\nname = \"paint\"\ncommand = [\"cat\", \"no-such-paint.txt\"]\nrequired = false\n";
    let workspace = Workspace::clean().with_flow(check);
    let _ = workspace.run_tag("v2").run().exits(0);
    assert!(workspace.artifact("v2").join("checks/paint.log").exists());
}

#[test]
fn a_check_that_hangs_is_ended_with_all_its_children() {
    let check = "[[checks]]\nname = \"patience\"\ncommand = [\"sh\", \"-c\", \"sleep 600 & sleep 600\"]\n\
                 timeout_ms = 300\nrequired = true\n";
    let workspace = Workspace::clean().with_flow(check);

    // The runner of the tests gives up long before the sleep does.
    let run = workspace.run_tag("v2").run().exits(1);

    assert!(format!("{}{}", run.stdout, run.stderr).contains("patience"), "{run}");
}

#[test]
fn a_check_sees_the_candidate_and_neither_the_work_tree_nor_a_token() {
    let script = "cat engine.txt colour.txt; ls; test ! -e half-finished.txt; env; pwd";
    let check =
        format!("[[checks]]\nname = \"look\"\ncommand = [\"sh\", \"-c\", \"{script}\"]\nrequired = true\n");
    let workspace = Workspace::clean().with_flow(&check);
    write(&workspace.path().join("half-finished.txt"), "mine\n");

    let _ = workspace
        .run_tag("v2")
        .env("GITHUB_TOKEN", "s3cret-one")
        .env("GH_TOKEN", "s3cret-two")
        .env("ACTIONS_RUNTIME_TOKEN", "s3cret-three")
        .run()
        .exits(0);

    let log = fs::read_to_string(workspace.artifact("v2").join("checks/look.log")).unwrap();
    assert!(log.contains("pistons: 6") && log.contains("red"), "{log}");
    let said = log.split_once('\n').unwrap().1;
    assert!(!said.contains("s3cret") && !said.contains("half-finished"), "{log}");
}

#[test]
fn an_incomplete_candidate_is_not_checked() {
    let check = "[[checks]]\nname = \"never\"\ncommand = [\"false\"]\nrequired = true\n";
    let workspace = Workspace::conflicting().with_flow(check);
    let _ = workspace.run_tag("v2").run().exits(3);
    assert!(find_files(&workspace.artifact("v2"), "never.log").is_empty());
}

#[test]
fn on_a_runner_the_outputs_and_the_summary_are_written() {
    let workspace = Workspace::conflicting().with_flow("");
    let run = workspace.run_tag("v2");
    let (summary, output) = (run.home().join("summary.md"), run.home().join("output"));
    write(&summary, "");
    write(&output, "");

    let run = run
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", &summary)
        .env("GITHUB_OUTPUT", &output)
        .run()
        .exits(3);

    let summary = fs::read_to_string(summary).unwrap();
    assert!(summary.contains("More pistons") && summary.contains("v2"), "{summary}\n{run}");
    assert!(!fs::read_to_string(output).unwrap().is_empty());
}

#[test]
fn a_subject_from_outside_can_neither_colour_a_terminal_nor_command_a_runner() {
    let workspace = Workspace::conflicting().with_flow("");
    workspace
        .fork
        .commit("\u{1b}[31mred <img src=x onerror=alert(1)> | `tick` ::error::boo", &[("more", "1\n")]);
    workspace.fork.commit("::set-output name=x::y", &[("more", "2\n")]);

    let run = workspace.run_tag("v2").env("GITHUB_ACTIONS", "true").run().exits(3);

    for text in [&run.stdout, &run.stderr] {
        assert!(!text.contains('\u{1b}'), "{run}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("::set-output")), "{run}");
    }
    let html = fs::read_to_string(workspace.artifact("v2").join("report.html")).unwrap();
    assert!(!html.contains("<img src=x"));
    let markdown = fs::read_to_string(workspace.artifact("v2").join("report.md")).unwrap();
    assert!(!markdown.contains("<img src=x"), "{markdown}");
}

#[test]
fn a_fork_in_another_repository_than_the_workspace_is_found_by_the_flow() {
    let workspace = Workspace::clean();
    let home = tempfile::TempDir::new().unwrap();
    Repo::at(home.path());
    write(
        &home.path().join("flows/carry/flow.toml"),
        workspace.flow_toml("").replace("schema = \"schemas/event.json\"\n", ""),
    );

    let _ = patch_moi(home.path())
        .args(["run", "release", "--repo", UPSTREAM, "--tag", "v2"])
        .env("CODEX_WORKSPACE_MODE", "actions")
        .env("DATA_DIR", home.path().join("data"))
        .run()
        .exits(0);

    assert_eq!(find_files(home.path(), "candidate.json").len(), 1);
    assert!(!workspace.path().join(".codex").exists(), "nothing in the fork's checkout");
}

#[test]
fn setup_says_what_a_checkout_lacks_and_changes_it_only_when_told_to() {
    let workspace = Workspace::clean();
    workspace.fork.git(&["remote", "remove", "upstream"]);
    let url = format!("file://{}", workspace.upstream.path().display());
    let at = workspace.path().to_str().unwrap().to_owned();
    let setup = |more: &[&str]| {
        patch_moi(workspace.path())
            .args([
                "setup",
                "codex",
                "--json",
                "--repo",
                &at,
                "--target-branch",
                "main",
                "--upstream-url",
                &url,
            ])
            .args(more)
            .run()
    };

    let told = setup(&[]).json();
    assert_eq!((&told["ready"], &told["addedUpstream"]), (&json!(false), &json!(false)), "{told:#}");
    assert_eq!(workspace.fork.git(&["remote"]), "");

    let done = setup(&["--apply"]).exits(0).json();
    assert_eq!((&done["ready"], &done["addedUpstream"]), (&json!(true), &json!(true)), "{done:#}");
    assert_eq!(workspace.fork.git(&["remote", "get-url", "upstream"]), url);
}

#[test]
fn of_two_flows_for_a_release_the_one_that_is_named_is_run() {
    let workspace = Workspace::clean().with_flow("");
    let (flow, other) =
        (workspace.path().join(".codex/flows").join(FLOW), workspace.path().join("flows/other"));
    let text = workspace.flow_toml("").replace(&format!("name = \"{FLOW}\""), "name = \"other\"");
    write(&other.join("flow.toml"), &text);
    write(&other.join("schemas/event.json"), fs::read_to_string(flow.join("schemas/event.json")).unwrap());
    let _ = workspace.run_tag("v2").run().exits(2).says(&[FLOW, "other"]);
    let _ =
        workspace.run_tag("v2").args(["--flow", "another"]).run().exits(2).says(&["another", FLOW, "other"]);

    let _ = workspace.run_tag("v2").env("PATCH_MOI_FLOWS", FLOW).run().exits(0);
    assert_eq!(workspace.candidate("v2")["flow"]["name"], FLOW);

    let _ = workspace.run_tag("v2").args(["--flow", "other"]).env("PATCH_MOI_FLOWS", FLOW).run().exits(0);
    assert_eq!(workspace.candidate("v2")["flow"]["name"], "other");
}
