//! What can go wrong before anything is carried: which message, which exit code, and nothing left behind.

use std::fs;

use serde_json::json;

use crate::support::{
    FLOW, Output, Page, Release, Server, Snapshot, UPSTREAM, Workspace, content_hash, patch_moi, write,
};

const V2: Release = Release { tag: "v2", title: "Engine 2", updated: "2026-01-02T00:00:00Z" };

/// Checks exit code and phrases, and that configuration errors leave the workspace as it was.
#[track_caller]
fn refused(workspace: &Workspace, run: impl FnOnce() -> Output, phrases: &[&str]) {
    let before = workspace.snapshot();
    let run = run().exits(2).says(phrases);
    assert_eq!(run.stdout, "", "{run}");
    workspace.snapshot().assert_same_as(&before);
}

#[test]
fn no_flow_for_a_named_tag_is_a_mistake() {
    let workspace = Workspace::clean().with_flow("");
    let run = workspace.run(&["release", "--repo", "somebody/else", "--tag", "v2"]).run().exits(2);
    let _ = run.says(&["somebody/else", "flow"]);
    workspace.assert_nothing_half_written();
}

#[test]
fn a_flow_that_is_installed_without_a_lock_is_refused() {
    let workspace = Workspace::clean();
    workspace.install_flow(&workspace.flow_toml(""));
    refused(&workspace, || workspace.run_tag("v2").run(), &["pack-lock.json", FLOW]);
}

#[test]
fn a_flow_that_is_not_in_the_lock_is_refused() {
    let workspace = Workspace::clean();
    workspace.install_flow(&workspace.flow_toml(""));
    workspace.write_lock(&json!([]));
    refused(&workspace, || workspace.run_tag("v2").run(), &["pack-lock.json", FLOW]);
}

#[test]
fn a_flow_that_is_not_what_was_locked_is_refused() {
    let workspace = Workspace::clean().with_flow("");
    let dir = workspace.path().join(".codex/flows").join(FLOW);
    let locked = content_hash(&dir);
    write(&dir.join("added-later.txt"), "surprise\n");
    let found = content_hash(&dir);
    assert_ne!(locked, found);
    let before = workspace.snapshot();
    let run = workspace.run_tag("v2").run().exits(4).says(&[FLOW]);
    assert_eq!(run.stdout, "", "{run}");
    workspace.snapshot().assert_same_as(&before);
}

#[test]
fn a_tag_that_upstream_does_not_have_is_named_and_so_is_upstream() {
    let workspace = Workspace::clean().with_flow("");
    let _ = workspace.run_tag("v9").run().exits(2).says(&["v9", UPSTREAM]);
    assert!(!workspace.artifact("v9").exists());
    workspace.assert_nothing_half_written();
}

#[test]
fn a_branch_that_is_not_there_is_named() {
    let workspace = Workspace::clean();
    workspace.install_flow(
        &workspace.flow_toml("").replace("target_branch = \"main\"", "target_branch = \"nowhere\""),
    );
    workspace.lock();
    let _ = workspace.run_tag("v2").run().exits(2).says(&["nowhere"]);
    assert!(!workspace.artifact("v2").exists());
    workspace.assert_nothing_half_written();
}

#[test]
fn a_branch_and_a_release_without_common_history_are_named() {
    let workspace = Workspace::clean().with_flow("");
    workspace.fork.git(&["switch", "--quiet", "--orphan", "stranger"]);
    workspace.fork.commit("Begin elsewhere", &[("other", "1\n")]);
    workspace.fork.git(&["branch", "--force", "main"]);
    workspace.fork.switch("main");

    let _ = workspace.run_tag("v2").run().exits(2).says(&["main", "v2", "histor"]);

    assert!(!workspace.artifact("v2").join("candidate.json").exists());
    assert_eq!(workspace.record("v2")["state"], "failed");
    workspace.assert_nothing_half_written();
}

#[test]
fn an_upstream_that_cannot_be_reached_is_a_failure_that_names_it() {
    let workspace = Workspace::clean();
    let flow = workspace.flow_toml("");
    let url = format!("file://{}", workspace.upstream.path().display());
    workspace.install_flow(&flow.replace(&url, "file:///nowhere/at/all"));
    workspace.lock();
    workspace.fork.git(&["remote", "remove", "upstream"]);

    let _ = workspace.run_tag("v2").run().exits(1).says(&["/nowhere/at/all"]);

    assert!(!workspace.artifact("v2").exists());
    workspace.assert_nothing_half_written();
}

#[test]
fn a_feed_and_an_upstream_that_are_both_gone_are_a_failure_on_a_schedule() {
    let workspace = Workspace::clean().with_flow("");
    let gone = Server::new([("/releases.atom", Page::status(500))]);
    let url = gone.url("/releases.atom");
    drop(gone);
    let repo = json!({
        "owner": "acme", "name": "engine", "fullName": UPSTREAM, "webUrl": "file:///nowhere/at/all"
    });
    workspace.follow(&url, &json!({ "repo": repo }));

    let _ = workspace.run(&[]).run().exits(1).says(&["acme-engine-releases"]);

    assert!(workspace.journal("flow-events.jsonl").is_empty());
    workspace.assert_nothing_half_written();
}

#[test]
fn a_folder_that_is_no_repository_is_named_with_what_to_do() {
    let folder = tempfile::TempDir::new().unwrap();
    let before = Snapshot::of(&[folder.path()]);

    let run = patch_moi(folder.path())
        .args(["run", "release", "--repo", UPSTREAM, "--tag", "v2", "--branch", "main"])
        .run()
        .exits(2)
        .says(&["git repository"]);

    Snapshot::of(&[folder.path()]).assert_same_as(&before);
    assert_eq!(run.stdout, "");
}

#[test]
fn an_unknown_source_is_named() {
    let workspace = Workspace::clean().with_flow("").with_feed(&[V2]);
    refused(&workspace, || workspace.run(&["--source", "no-such-source"]).run(), &["no-such-source"]);
}

#[test]
fn a_flow_that_is_no_toml_is_named_with_the_line() {
    let workspace = Workspace::clean();
    workspace.install_flow("name = \"carry\"\nversion = = 1\n");
    workspace.lock();
    refused(&workspace, || workspace.run_tag("v2").run(), &["flow.toml", "2"]);
}

#[test]
fn a_flow_that_lacks_a_field_is_named_with_the_field() {
    let workspace = Workspace::clean();
    workspace
        .install_flow(&workspace.flow_toml("").replace("runner = \"patch-stack\"", "runner = \"magic\""));
    workspace.lock();
    refused(&workspace, || workspace.run_tag("v2").run(), &["flow.toml", "runner"]);
}

#[test]
fn a_lock_that_is_no_json_is_named() {
    let workspace = Workspace::clean().with_flow("");
    write(&workspace.path().join(".codex/pack-lock.json"), "{ \"version\": 1, \"items\": [ }");
    refused(&workspace, || workspace.run_tag("v2").run(), &["pack-lock.json", "line 1"]);
}

#[test]
fn sources_that_are_no_json_are_named() {
    let workspace = Workspace::clean().with_flow("");
    write(&workspace.path().join("feed-sources.json"), "{\n  \"sources\": [,]\n}\n");
    refused(&workspace, || workspace.run(&[]).run(), &["feed-sources.json", "line 2"]);
}

#[test]
fn a_source_that_is_wrong_is_named_with_its_field() {
    for (field, value) in [
        ("url", json!("http://example.org/feed.atom")),
        ("event", json!("explosion")),
        ("tagPattern", json!("v(")),
        ("provider", json!(7)),
    ] {
        let workspace = Workspace::clean().with_flow("").with_feed(&[V2]);
        let path = workspace.path().join("feed-sources.json");
        let mut sources: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        sources["sources"][0][field] = value;
        fs::write(&path, sources.to_string()).unwrap();

        refused(
            &workspace,
            || workspace.run(&[]).run(),
            &["feed-sources.json", "acme-engine-releases", field],
        );
    }
}

#[test]
fn an_event_file_that_is_no_event_is_refused() {
    for (content, phrase) in
        [("{ not json", "event.json"), ("{\"type\":\"upstream.release\"}", "id"), ("[]", "event.json")]
    {
        let workspace = Workspace::clean().with_flow("");
        write(&workspace.path().join("event.json"), content);
        refused(&workspace, || workspace.run(&["event", "--file", "event.json"]).run(), &[phrase]);
    }
}

#[test]
fn a_name_that_could_be_taken_for_an_option_or_a_path_is_refused() {
    let workspace = Workspace::clean().with_flow("");
    for tag in ["../../etc", "--upload-pack=touch", "a b", "v2\n", "", "v2^{}"] {
        let tag = format!("--tag={tag}");
        let before = workspace.snapshot();
        let _ = workspace.run(&["release", "--repo", UPSTREAM, &tag]).run().exits(2);
        workspace.snapshot().assert_same_as(&before);
    }
}

#[test]
fn a_rebase_in_progress_of_the_maintained_branch_blocks_it() {
    let workspace = Workspace::conflicting().with_flow("");
    let upstream = workspace.upstream.path().to_str().unwrap().to_owned();
    workspace.fork.git(&["fetch", "--quiet", "--no-tags", &upstream, "refs/tags/v2:refs/elsewhere/v2"]);
    assert_eq!(workspace.fork.try_git(&["rebase", "refs/elsewhere/v2", "main"]).0, 1);

    let _ = workspace.run_tag("v2").run().exits(4).says(&["rebase"]);

    assert!(!workspace.artifact("v2").exists());
}

#[test]
fn usage_that_makes_no_sense_is_2_and_help_is_0() {
    let dir = tempfile::TempDir::new().unwrap();
    for args in
        [&["frobnicate"] as &[&str], &["run", "release", "--tag"], &["stack", "rebase"], &["run", "nonsense"]]
    {
        let _ = patch_moi(dir.path()).args(args).run().exits(2);
    }
    let help =
        ["", "run", "run release", "run codex-release", "run event", "run harness", "stack", "stack rebase"];
    let more = ["stack pick", "events", "dispatches", "attempts", "status", "setup", "setup codex"];
    for command in help.iter().chain(&more) {
        let run = patch_moi(dir.path()).args(command.split_whitespace()).args(["--help"]).run().exits(0);
        assert!(run.stdout.len() > 100, "{run}");
    }
}

#[test]
fn no_colour_reaches_a_file() {
    let workspace = Workspace::conflicting().with_flow("");
    let run = workspace.run_tag("v2").env("TERM", "xterm-256color").run().exits(3);
    assert!(!run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'), "{run}");
}

#[test]
fn the_message_of_a_missing_lock_says_what_where_and_what_next() {
    let workspace = Workspace::clean();
    workspace.install_flow(&workspace.flow_toml(""));

    let run = workspace.run_tag("v2").run().exits(2);

    let shown = run.redacted(&[(workspace.path(), "[FORK]"), (&workspace.data(), "[DATA]")]);
    assert!(shown.contains("hint") || shown.contains("next") || shown.contains("run "), "{shown}");
    assert!(!shown.contains(workspace.path().to_str().unwrap()), "{shown}");
}
