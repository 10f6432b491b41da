//! `patch-moi run` with nobody watching: what is due, what is settled, what is loud.

use std::fs;

use serde_json::json;

use crate::support::{Page, Release, Server, Workspace, atom};

const V1: Release = Release { tag: "v1", title: "It runs", updated: "2026-01-01T00:00:00Z" };
const V2: Release = Release { tag: "v2", title: "Engine 2: pistons", updated: "2026-01-02T00:00:00Z" };
const V3: Release = Release { tag: "v3", title: "Third time lucky", updated: "2026-01-03T00:00:00Z" };

fn release_v3(workspace: &Workspace) {
    workspace.upstream.commit("Polish (#30)", &[("polish", "shiny\n")]);
    workspace.upstream.branch("release/3").commit("Release v3", &[("VERSION", "3\n")]);
    workspace.upstream.tag("v3").switch("main");
}

/// The state that the ledger gives a tag last.
fn settled(workspace: &Workspace, tag: &str) -> String {
    let line = workspace.journal("releases.jsonl").into_iter().rfind(|line| line["tag"] == tag);
    line.map_or_else(|| "nothing".to_owned(), |line| line["state"].as_str().unwrap_or("?").to_owned())
}

#[test]
fn the_first_run_carries_the_newest_release_and_no_older_one() {
    let workspace = Workspace::clean().with_flow("").with_feed(&[V3, V2, V1]);
    release_v3(&workspace);

    let run = workspace.run(&[]).run().exits(0);

    assert_eq!(workspace.candidate("v3")["candidate"]["complete"], true, "{run}");
    assert!(!workspace.artifact("v2").exists());
    assert_eq!(workspace.journal("flow-events.jsonl").len(), 1);
    assert_eq!(settled(&workspace, "v3"), "candidate");
    assert_eq!(settled(&workspace, "v2"), "nothing", "what was old at the first look is nobody's work");
}

#[test]
fn a_run_with_nothing_new_does_nothing_and_writes_nothing() {
    for (workspace, first) in [(Workspace::clean(), 0), (Workspace::conflicting(), 3)] {
        let workspace = workspace.with_flow("").with_feed(&[V2, V1]);
        let _ = workspace.run(&[]).run().exits(first);
        let before = workspace.snapshot();

        // A conflict that was reported is no news: green, with a word about it.
        let _ = workspace.run(&[]).run().exits(0);

        workspace.snapshot().assert_same_as(&before);
    }
}

#[test]
fn the_next_release_is_carried_when_it_comes() {
    let workspace = Workspace::clean().with_flow("").with_feed(&[V2, V1]);
    let _ = workspace.run(&[]).run().exits(0);
    release_v3(&workspace);

    // The feed is a hint only: it does not know v3 yet.
    let _ = workspace.run(&[]).run().exits(0);

    assert_eq!(workspace.candidate("v3")["candidate"]["complete"], true);
    assert_eq!(workspace.journal("flow-events.jsonl").len(), 2);
}

#[test]
fn a_conflict_is_tried_again_when_the_stack_has_moved() {
    let workspace = Workspace::conflicting().with_flow("").with_feed(&[V2]);
    let _ = workspace.run(&[]).run().exits(3);
    workspace.fork.git(&["reset", "--quiet", "--hard", "HEAD~2"]);

    let _ = workspace.run(&[]).run().exits(0);

    assert_eq!(workspace.candidate("v2")["candidate"]["complete"], true);
    assert_eq!(settled(&workspace, "v2"), "candidate");
}

#[test]
fn a_tag_that_moved_is_loud_and_never_carried_silently() {
    let workspace = Workspace::clean().with_flow("").with_feed(&[V2]);
    let _ = workspace.run(&[]).run().exits(0);
    let carried = workspace.candidate("v2")["onto"].clone();
    workspace.upstream.switch("release/2").commit("Slip something in", &[("engine.txt", "pistons: 0\n")]);
    workspace.upstream.tag("v2").switch("main");

    for _ in 0..2 {
        let run = workspace.run(&[]).run().exits(1).says(&["v2", "moved"]);
        assert_eq!(workspace.candidate("v2")["onto"], carried, "{run}");
    }
}

#[test]
fn a_release_that_the_fork_already_stands_on_is_adopted() {
    let workspace = Workspace::clean().with_flow("").with_feed(&[V2]);
    let upstream = workspace.upstream.path().to_str().unwrap().to_owned();
    workspace.fork.git(&["fetch", "--quiet", "--no-tags", &upstream, "refs/tags/v2:refs/elsewhere/v2"]);
    workspace.fork.git(&["reset", "--quiet", "--hard", "refs/elsewhere/v2"]);

    let _ = workspace.run(&[]).run().exits(0);

    assert_eq!(settled(&workspace, "v2"), "adopted");
    assert!(!workspace.artifact("v2").join("candidate.json").exists());
    assert_eq!(workspace.record("v2")["state"], "adopted");
}

#[test]
fn what_does_not_fit_the_pattern_is_no_release() {
    let workspace = Workspace::clean().with_flow("").with_feed(&[V2]);
    workspace.upstream.commit("Try something (#40)", &[("try", "1\n")]);
    workspace.upstream.tag("v3-alpha.1").tag("nightly");

    let _ = workspace.run(&[]).run().exits(0);

    assert_eq!(workspace.candidate("v2")["candidate"]["complete"], true);
    assert!(!workspace.artifact("v3-alpha.1").exists() && !workspace.artifact("nightly").exists());
}

#[test]
fn a_pattern_that_fits_nothing_is_a_warning_and_no_fallback() {
    let workspace = Workspace::clean().with_flow("").with_feed(&[V2]);
    let feed = format!("file://{}", workspace.data().with_file_name("releases.atom").display());
    workspace.follow(&feed, &json!({ "tagPattern": r"^rust-v(?<version>\d+)$" }));

    let _ = workspace.run(&[]).run().exits(0).says(&["rust-v"]);

    assert!(workspace.journal("flow-events.jsonl").is_empty());
}

#[test]
fn a_source_that_starts_no_flow_is_only_looked_at() {
    let workspace = Workspace::clean().with_flow("").with_feed(&[V2]);
    let feed = format!("file://{}", workspace.data().with_file_name("releases.atom").display());
    let target =
        json!({ "provider": "github", "repoFullName": "acme/fork", "branch": "main", "mode": "notify_only" });
    workspace.follow(&feed, &json!({ "target": target, "primeOnly": false }));

    let _ = workspace.run(&[]).run().exits(0);

    assert!(!workspace.journal("feed-events.jsonl").is_empty(), "it is recorded");
    assert!(workspace.journal("flow-events.jsonl").is_empty());
    assert!(!workspace.artifact("v2").exists());
}

#[test]
fn a_feed_on_a_loopback_server_is_read() {
    let workspace = Workspace::clean().with_flow("");
    let server = Server::new([("/releases.atom", Page::atom(atom(&[V2, V1])))]);
    workspace.follow(&server.url("/releases.atom"), &json!({}));

    let run = workspace.run(&[]).run().exits(0);

    assert!(server.requests()[0].starts_with("GET /releases.atom"), "{run}");
    assert_eq!(workspace.candidate("v2")["candidate"]["complete"], true);
}

#[test]
fn no_flow_for_a_release_is_no_failure_on_a_schedule() {
    let workspace = Workspace::clean().with_feed(&[V2]);
    let run = workspace.run(&[]).run().exits(0);
    assert!(format!("{}{}", run.stdout, run.stderr).contains("flow"), "but it is said\n{run}");
    assert!(!workspace.artifact("v2").exists());
}

#[test]
fn one_source_that_fails_does_not_stop_the_others() {
    let workspace = Workspace::clean().with_flow("").with_feed(&[V2]);
    let path = workspace.path().join("feed-sources.json");
    let mut sources: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let mut broken = sources["sources"][0].clone();
    broken["id"] = json!("broken");
    broken["repo"]["fullName"] = json!("acme/gone");
    broken["repo"]["name"] = json!("gone");
    broken["repo"]["webUrl"] = json!("file:///nowhere/at/all");
    broken["url"] = json!("file:///nowhere/releases.atom");
    sources["sources"].as_array_mut().unwrap().insert(0, broken);
    fs::write(&path, sources.to_string()).unwrap();

    let _ = workspace.run(&[]).run().exits(1).says(&["broken"]);

    assert_eq!(workspace.candidate("v2")["candidate"]["complete"], true);
}
