//! A runner has no memory: each command on a machine that has nothing but a fresh checkout of one commit.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{ForkServer, STATE, Workspace, file_url, write};

#[test]
fn a_release_that_the_fork_stands_on_is_remembered_and_nothing_is_done_again() {
    let server = ForkServer::of(Workspace::on_v1(), &json!({}));
    let (_, publisher) = server.tick();
    assert_eq!(server.settled("v1"), ["adopted"]);
    let summary = publisher.unwrap().summary();
    assert!(summary.contains("holds v1 already") && !summary.contains("own word"), "{summary}");

    let refs = server.refs();
    let (runner, publisher) = server.tick();
    assert!(publisher.is_none() && runner.artifact().is_none());
    assert_eq!(server.refs(), refs);
}

#[test]
fn that_the_fork_stands_on_a_release_is_not_believed() {
    let server = ForkServer::of(Workspace::clean(), &json!({}));
    let runner = server.machine();
    let _ = runner.command("run").run().exits(0);
    let artifact = runner.artifact().unwrap();
    fs::remove_file(Path::new(&artifact).join("candidate.json")).unwrap();
    let file = Path::new(&artifact).join("record.json");
    let mut record: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    record["state"] = json!("adopted");
    fs::write(&file, record.to_string()).unwrap();

    let publisher = server.machine();
    let run = publisher.command("publish").args([&artifact]).run().exits(0);

    assert!(run.stderr.contains("the run says that branch main holds v2 already"), "{run}");
    assert_eq!(publisher.output("red"), "true");
    assert!(!server.refs().contains(STATE) || server.settled("v2").is_empty(), "{}", server.refs());
}

#[test]
fn a_first_run_that_only_notes_the_newest_release_is_remembered_so_that_the_next_one_is_carried() {
    let server = ForkServer::of(Workspace::clean(), &json!({ "onFirstRun": "none" }));
    let (runner, publisher) = server.tick();
    assert!(runner.artifact().is_none() && publisher.is_some());
    assert_eq!(server.settled("v2"), ["skipped"]);
    let (_, publisher) = server.tick();
    assert!(publisher.is_none(), "there is nothing more to remember");

    server.workspace.upstream.commit("More", &[("more.txt", "more\n")]);
    server.workspace.upstream.tag("v3");
    let _ = server.tick();
    assert_eq!(server.settled("v3"), ["candidate"]);
    assert!(server.refs().contains("refs/heads/patch-moi/candidate/v3"));
}

#[test]
fn a_prerelease_that_is_passed_by_is_remembered_once() {
    let workspace = Workspace::on_v1();
    let more = json!({ "tagPattern": r"^v(?<version>\d+(-\w+)?)$" });
    let server = ForkServer::of(workspace, &more);
    let _ = server.tick();
    server.workspace.upstream.commit("Try", &[("try.txt", "1\n")]);
    server.workspace.upstream.tag("v2-rc");

    let (runner, publisher) = server.tick();

    assert!(runner.artifact().is_none() && publisher.is_some());
    assert_eq!(server.settled("v2-rc"), ["skipped"]);
    assert!(server.tick().1.is_none());
}

#[test]
fn what_is_superseded_beside_the_work_is_remembered_with_it() {
    let server = ForkServer::of(Workspace::on_v1(), &json!({}));
    let _ = server.tick();
    for tag in ["v2", "v3"] {
        server.workspace.upstream.commit(tag, &[("engine.txt", tag)]);
        server.workspace.upstream.tag(tag);
    }
    let _ = server.tick();
    assert_eq!(
        (server.settled("v2"), server.settled("v3")),
        (vec!["superseded".into()], vec!["candidate".into()])
    );
    assert!(server.tick().1.is_none());
}

#[test]
fn a_tip_that_a_checkout_of_one_commit_does_not_have_is_no_rewritten_branch() {
    let server = ForkServer::of(Workspace::clean(), &json!({}));
    let runner = server.machine();
    let _ = runner.command("run").run().exits(0);
    let artifact = runner.artifact().unwrap();
    for number in 0..3 {
        server.workspace.fork.commit(&format!("More {number}"), &[("more.txt", &number.to_string())]);
    }
    server.workspace.fork.git(&["push", "--quiet", &file_url(&server.origin()), "main"]);

    let verifier = server.machine();
    assert_eq!(verifier.git(&["rev-list", "--count", "HEAD"]).as_deref(), Some("1"));
    let run = verifier.plain("verify").args([&*artifact, "--json"]).run().exits(0);
    assert_eq!(run.json()["proved"]["stale"], true, "{run}");
    assert_eq!(verifier.git(&["rev-list", "--count", "HEAD"]).as_deref(), Some("1"), "nothing was written");

    let publisher = server.machine();
    let _ = publisher.command("publish").args([&artifact]).run().exits(0).prints(&["marked stale"]);
    assert!(server.refs().contains("refs/heads/patch-moi/candidate/v2"));
    let run = server.machine().plain("verify").args(["patch-moi/candidate/v2", "--json"]).run();
    assert_eq!(run.json()["refusal"]["code"], "ref", "this machine knows no other tip\n{run}");

    // A branch that really went another way.
    server.workspace.fork.git(&["reset", "--quiet", "--soft", "v1"]);
    server.workspace.fork.commit("All of it", &[("all.txt", "1\n")]);
    server.workspace.fork.git(&["push", "--quiet", "--force", &file_url(&server.origin()), "main"]);
    let run = server.machine().plain("verify").args([&*artifact, "--json"]).run().exits(1);
    assert_eq!(run.json()["refusal"]["code"], "rewritten", "{run}");
}

#[test]
fn a_tag_that_upstream_has_taken_back_is_said_and_nothing_is_published() {
    let server = ForkServer::of(Workspace::clean(), &json!({}));
    let runner = server.machine();
    let _ = runner.command("run").run().exits(0);
    let artifact = runner.artifact().unwrap();
    server.workspace.upstream.git(&["tag", "--delete", "v2"]);
    let before = server.refs();

    for args in [vec![&*artifact], vec!["--tag", "v2"]] {
        let publisher = server.machine();
        let run = publisher.command("publish").args(args).args(["--json"]).env("PATCH_MOI_FAIL", "now");
        let run = run.run().exits(1);
        assert!(run.stdout.contains("\"code\": \"gone\""), "{run}");
        assert_eq!(publisher.output("red"), "true");
    }
    assert_eq!(server.refs().replace(STATE, ""), before.replace(STATE, ""));
    let run = server.machine().plain("verify").args([&*artifact, "--json"]).run().exits(1);
    assert_eq!(run.json()["refusal"]["code"], "gone");
}

#[test]
fn a_publication_that_cannot_begin_is_red_and_says_why() {
    let server = ForkServer::of(Workspace::clean(), &json!({}));
    let machine = server.machine();
    write(&machine.checkout().join(".codex/pack-lock.json"), "no");
    let _ = machine.command("publish").args(["--tag", "v2"]).run().exits(2);
    assert_eq!((machine.output("red"), machine.output("published")), ("true".into(), "nothing".into()));

    let machine = server.machine();
    let nowhere = format!("{}-gone", file_url(&server.origin()));
    machine.git(&["remote", "set-url", "origin", &nowhere]).unwrap();
    let _ = machine.command("publish").args(["--tag", "v2"]).run().exits(0).says(&["--state none"]);
    assert_eq!(machine.output("red"), "true");
    let summary = machine.summary();
    assert!(summary.starts_with("**Nothing was published, and nothing will be remembered"), "{summary}");
    assert!(summary.contains("cannot be read"), "{summary}");
}

#[test]
fn a_run_of_a_named_repository_that_left_nothing_has_failed_for_its_release() {
    let server = ForkServer::of(Workspace::clean(), &json!({}));
    let fork = &server.workspace.fork;
    fork.git(&["rm", "--quiet", "-r", "feed-sources.json", "flows"]);
    fork.git(&["commit", "--quiet", "-m", "No files"]);
    fork.git(&["push", "--quiet", &file_url(&server.origin()), "main"]);
    server.workspace.upstream.git(&["tag", "v2.0.0", "v2"]);
    let upstream = file_url(server.workspace.upstream.path());
    for (tag, settled) in [(Some("v1"), "v1"), (None, "v2.0.0")] {
        let machine = server.machine();
        machine.git(&["remote", "add", "upstream", &upstream]).unwrap();
        let publish = machine.command("publish").args(tag.into_iter().flat_map(|tag| ["--tag", tag]));
        let publish = publish.env("PATCH_MOI_REPO", "acme/engine").env("PATCH_MOI_BRANCH", "main");

        let _ = publish.run().exits(0);

        assert_eq!((machine.output("red"), machine.output("state")), ("true".into(), "written".into()));
        assert_eq!(server.settled(settled), ["failed"]);
    }
}
