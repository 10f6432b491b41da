//! What the program says of itself: help, usage errors, the reference.

use std::fs;
use std::path::Path;

use crate::support::{Output, patch_moi};

fn help(command: &str) -> Output {
    patch_moi(Path::new("/")).args(command.split_whitespace()).args(["--help"]).run().exits(0)
}

#[test]
fn a_newcomer_finds_the_way_in_and_the_exit_codes() {
    let run = help("").prints(&[
        "Getting started:",
        "patch-moi run harness",
        "patch-moi run release --repo OWNER/NAME --branch main",
        "Exit codes:",
        "3  a patch needs a person",
        "4  blocked",
    ]);
    assert!(!run.stdout.contains("reference"), "a tool of the project's own\n{run}");

    let bare = patch_moi(Path::new("/")).run().exits(0);

    assert_eq!(bare.stdout, run.stdout, "no arguments are a question too");
}

#[test]
fn every_command_says_what_it_writes_how_it_ends_and_an_example() {
    for command in [
        "run",
        "run release",
        "run codex-release",
        "run event",
        "run harness",
        "resume",
        "publish",
        "verify",
        "local",
        "stack rebase",
        "stack pick",
        "events",
        "dispatches",
        "attempts",
        "status",
        "pack",
        "pack add",
        "pack inspect",
        "pack list",
        "pack doctor",
        "pack update",
        "pack remove",
        "setup codex",
        "schema",
    ] {
        let run = help(command).prints(&["Example", &format!("patch-moi {command}"), "rites"]);
        let text = run.stdout.to_lowercase();
        assert!(text.contains("exit"), "{run}");
        assert!(run.stdout.lines().all(|line| line.chars().count() <= 100), "wider than a page\n{run}");
    }
}

#[test]
fn the_options_of_every_run_stand_at_every_run() {
    for command in ["run", "run release", "run codex-release", "run event", "run harness"] {
        let run = help(command).prints(&["--dry-run", "--feed-sources <FILE>", "--record-only", "--json"]);
        assert!(!run.stdout.contains("--allow-local"), "it says nothing any more\n{run}");
    }
}

#[test]
fn a_wrong_command_line_is_no_document() {
    for args in
        [&["events", "--json", "--limit"] as &[&str], &["--json", "frobnicate"], &["run", "--tag", "a b"]]
    {
        let run = patch_moi(Path::new("/")).args(args).run().exits(2).says(&["error:"]);
        assert_eq!(run.stdout, "", "{run}");
    }
}

#[test]
fn a_tag_before_a_command_of_run_is_not_silently_lost() {
    let args = ["run", "--tag", "v2", "release", "--repo", "acme/engine"];
    let _ = patch_moi(Path::new("/")).args(args).run().exits(2).says(&["--tag", "hint"]);
}

#[test]
fn with_json_a_failure_is_one_document_too() {
    let run = patch_moi(Path::new("/")).args(["status", "--json", "--workspace-root", "/no/where"]).run();
    let run = run.exits(2).says(&["error:", "/no/where", "hint:"]);
    let said = run.json();
    assert_eq!(said["exitCode"], 2);
    assert_eq!(said["error"]["kind"], "usage");
    assert!(said["error"]["message"].as_str().unwrap().contains("/no/where"), "{said:#}");
    assert!(said["error"]["causes"].is_array() && said["error"]["hints"].is_array(), "{said:#}");
}

#[test]
fn on_a_runner_a_failure_is_an_annotation_and_an_output() {
    let home = tempfile::TempDir::new().unwrap();
    let output = home.path().join("output");
    fs::write(&output, "").unwrap();

    let run = patch_moi(home.path())
        .args(["run", "release", "--repo", "acme/engine", "--workspace-root", "/no/where"])
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_OUTPUT", &output)
        .run()
        .exits(2);

    let run = run.says(&["::error title=patch-moi::the workspace root /no/where"]);
    let output = fs::read_to_string(&output).unwrap();
    assert!(output.contains("status<<") && output.contains("\nfailed\n"), "{output}\n{run}");
}

#[test]
fn the_cli_reference_is_what_the_program_says() {
    is_current("docs/cli.md", &["reference"], "cli_reference");
}

#[test]
fn every_published_schema_is_what_the_program_says() {
    for name in [
        "candidate",
        "record",
        "run",
        "publish",
        "verify",
        "resume",
        "local",
        "init",
        "doctor",
        "flow",
        "workspace",
        "feed-sources",
        "pack-lock",
        "pack",
        "pack-doctor",
    ] {
        is_current(&format!("docs/schemas/{name}.schema.json"), &["schema", name], "schema");
    }
}

/// That the committed page is what the program prints; with UPDATE_DOCS it is written anew.
fn is_current(page: &str, args: &[&str], test: &str) {
    let printed = patch_moi(Path::new("/")).args(args).run().exits(0).stdout;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &printed).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(committed, printed, "{page} is stale: run `UPDATE_DOCS=1 cargo test {test}`");
}
