//! Ctrl-C: the program ends soon, says so, and leaves nothing behind. A kill: the next run goes on.

use std::io::Read;
use std::process::{Command, Stdio};

use crate::support::{Release, Workspace, fork_and_upstream};

#[test]
fn whoever_waits_for_input_can_be_asked_to_end() {
    let repo = fork_and_upstream(&[("poem", "one\n")]);
    let commit = repo.id("v1");
    let temporary = tempfile::TempDir::new().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_patch-moi"))
        .args(["stack", "pick", "--repo", repo.path().to_str().unwrap()])
        .env("TMPDIR", temporary.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // An answer shows that it has begun to listen.
    let mut input = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, format!("{commit} {commit}\n").as_bytes()).unwrap();
    let mut first = [0];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();

    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();

    assert!(sent.success());
    let ended = child.wait().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(ended.code(), Some(1), "{said}");
    assert!(said.contains("interrupted"), "{said}");
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0, "nothing is left behind");
    drop(input);
}

#[test]
fn a_run_that_is_killed_at_any_moment_is_finished_by_the_next() {
    let release = Release { tag: "v2", title: "Engine 2", updated: "2026-01-02T00:00:00Z" };
    let undisturbed = Workspace::conflicting().with_flow("");
    let _ = undisturbed.run_tag("v2").run().exits(3);
    let workspace = Workspace::conflicting().with_flow("").with_feed(&[release]);

    for milliseconds in (0..24).map(|step| 5 + step * 20) {
        let _ = workspace.run(&[]).killed_after(milliseconds).run();
    }
    let _ = workspace.run_tag("v2").run().exits(3);

    assert_eq!(workspace.candidate("v2")["candidate"], undisturbed.candidate("v2")["candidate"]);
    assert_eq!(workspace.candidate("v2")["patches"], undisturbed.candidate("v2")["patches"]);
    assert_eq!(workspace.journal("flow-events.jsonl").len(), 1);
    assert_eq!(workspace.state()["runs"].as_array().map(Vec::len), Some(1));
    workspace.assert_nothing_half_written();
    // The release stays settled for the schedule, however often it was begun.
    let _ = workspace.run(&[]).run().exits(0);
}
