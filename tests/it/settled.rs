//! What a person settled, on other machines: proved, published where that is accepted, and kept.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{ForkServer, STATE, Workspace, write};

#[test]
fn what_a_person_settled_is_proved_but_for_what_they_settled() {
    let server = ForkServer::of(Workspace::conflicting(), &json!({}));
    let laptop = server.laptop();
    laptop.settle_all();
    let artifact = laptop.checkout().join(".codex/workspace/actions/artifacts/v2");
    let elsewhere = server.machine();

    let run = elsewhere.plain("verify").args([artifact.to_str().unwrap(), "--json"]).run().exits(0);

    let proved = run.json()["proved"].clone();
    let said = proved["sentences"].to_string();
    assert!(said.contains("A person settled 2 paths") && said.contains("engine.txt of"), "{said}");
    assert_eq!(proved["settlements"].as_array().unwrap().len(), 2);
    let commit = proved["commit"].as_str().unwrap().to_owned();
    assert_eq!(
        elsewhere.git(&["cat-file", "-e", &commit]),
        None,
        "nothing of it reaches the fork's checkout"
    );

    // The same from the ref, once the person has handed it over: nobody needs the artifact.
    let _ = laptop.plain("resume").args(["v2", "--push"]).run().exits(0);
    assert!(server.refs().contains(&commit), "{}", server.refs());
    let run = server.machine().plain("verify").args(["patch-moi/candidate/v2", "--json"]).run().exits(0);
    assert_eq!(run.json()["proved"]["commit"], commit);
    assert!(run.stdout.contains("A person settled 2 paths"), "{run}");
}

#[test]
fn what_a_person_settled_is_published_only_where_that_is_accepted() {
    let server = ForkServer::of(Workspace::conflicting(), &json!({}));
    let laptop = server.laptop();
    laptop.settle_all();
    let artifact = laptop.checkout().join(".codex/workspace/actions/artifacts/v2");
    let dir = artifact.to_str().unwrap();

    let publisher = server.machine();
    let run = publisher.command("publish").args([dir]).env("PATCH_MOI_FAIL", "now").run().exits(4);
    let run = run.says(&["2 patches were settled by a person", "--accept settlements"]);
    assert!(!server.refs().contains("candidate"), "{run}");

    let publisher = server.machine();
    let accepting = publisher.command("publish").args([dir]).env("PATCH_MOI_ACCEPT", "descends,settlements");
    let _ = accepting.run().exits(0).prints(&["Settled by a person, and not proved: engine.txt"]);
    assert_eq!(server.git(&["show", "patch-moi/candidate/v2:engine.txt"]), "pistons: 6 and 8 and 12");
    assert_eq!(server.settled("v2"), ["candidate"]);
}

#[test]
fn a_settlement_that_the_carry_does_not_ask_for_is_refused() {
    let server = ForkServer::of(Workspace::conflicting(), &json!({}));
    let laptop = server.laptop();
    laptop.settle_all();
    let artifact = laptop.checkout().join(".codex/workspace/actions/artifacts/v2");
    let file = artifact.join("candidate.json");
    let whole: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let clean = whole["patches"][0]["commit"].clone();
    let verifier = server.machine();
    for (code, spoil) in [
        (
            "settlement",
            (|json, _| json["settlements"][1]["onTree"] = json["settlements"][0]["onTree"].clone())
                as fn(&mut Value, &Value),
        ),
        ("settlement", |json, clean| json["settlements"][0]["commit"] = clean.clone()),
        ("settlement", |json, _| json["settlements"][1] = json["settlements"][0].clone()),
        ("settlement", |json, _| json["settlements"][0]["paths"] = json!(["README.md"])),
        ("differs", |json, _| json["settlements"][1]["tree"] = json["patches"][0]["tree"].clone()),
        ("bundle-lacks", |json, _| json["settlements"][0]["tree"] = json!("1".repeat(40))),
        ("verdict", |json, _| json["settlements"] = json!([])),
    ] {
        let mut json = whole.clone();
        spoil(&mut json, &clean);
        fs::write(&file, json.to_string()).unwrap();
        let run = verifier.plain("verify").args([artifact.to_str().unwrap(), "--json"]).run().exits(1);
        assert_eq!(run.json()["refusal"]["code"], code, "{run}");
    }
}

#[test]
fn a_run_after_everything_was_settled_takes_the_answers_along() {
    let server = ForkServer::of(Workspace::conflicting(), &json!({}));
    let laptop = server.laptop();
    let candidate = laptop.settle_all();

    let run = laptop.plain("run").args(["--tag", "v2"]).run().exits(0);

    assert!(run.stdout.contains("settled for v2 before"), "{run}");
    assert_eq!(laptop.git(&["rev-parse", "refs/patch-moi/candidate/v2"]), Some(candidate));
    let artifact = laptop.checkout().join(".codex/workspace/actions/artifacts/v2");
    assert!(fs::read_to_string(artifact.join("candidate.json")).unwrap().contains("resolved"));

    // One more patch is another question.
    write(&laptop.checkout().join("more.txt"), "more\n");
    laptop.git(&["add", "more.txt"]);
    laptop.git(&["-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "More"]);
    let _ = laptop.plain("run").args(["--tag", "v2"]).run().exits(3);
}

#[test]
fn a_laptop_can_ask_what_the_runs_did_and_tell_them_what_it_did() {
    let server = ForkServer::of(Workspace::conflicting(), &json!({}));
    let runner = server.machine();
    let _ = runner.command("run").run().exits(0);
    let publisher = server.machine();
    let _ = publisher.command("publish").args([runner.artifact().unwrap()]).run().exits(0);
    let laptop = server.laptop();
    let _ = laptop.plain("status").run().exits(0).prints(&["attempts    0"]);

    let run = laptop.plain("status").args(["--state", "origin"]).run().exits(0);
    let run = run.prints(&["attempts    1: 1 needs_intervention", STATE]);
    assert!(!laptop.folder.join("data").exists(), "nothing stays\n{run}");

    laptop.settle_all();
    let push = laptop.plain("resume").args(["v2", "--push", "--state", "origin"]).run().exits(0);
    let _ = push.prints(&["runs know of this candidate"]);
    assert_eq!(server.settled("v2").last().map(String::as_str), Some("candidate"));
    assert!(server.tick().1.is_none(), "it is settled for the runs too");
}

#[test]
fn a_published_candidate_is_proved_also_where_patches_were_left_out_and_all_is_one_commit() {
    let workspace = Workspace::conflicting();
    let server = ForkServer::with(workspace, &json!({}), "squash = true\n");
    let laptop = server.laptop();
    let _ = laptop.plain("run").args(["--tag", "v2"]).run().exits(3);
    let _ = laptop.plain("resume").args(["v2"]).run().exits(3);
    let _ = laptop.plain("resume").args(["v2", "--skip"]).run().exits(3);
    let tree = laptop.folder.join("checkout-v2");
    write(&tree.join("engine.txt"), "pistons: 12\n");
    write(&tree.join("smuggled.txt"), "mine\n");
    let staged = Command::new("git").arg("-C").arg(&tree).args(["add", "--all"]).status().unwrap();
    assert!(staged.success());
    let _ = laptop.plain("resume").args(["v2", "--continue", "--push"]).run().exits(0);

    let run = server.machine().plain("verify").args(["patch-moi/candidate/v2", "--json"]).run().exits(0);

    let said = run.json()["proved"]["sentences"].to_string();
    assert!(said.contains("was left out") && said.contains("engine.txt, smuggled.txt of"), "{said}");
    let other = server.git(&["rev-parse", "main"]);
    server.git(&["update-ref", "refs/heads/patch-moi/candidate/v2", &other]);
    let run = server.machine().plain("verify").args(["patch-moi/candidate/v2", "--json"]).run().exits(1);
    assert_eq!(run.json()["refusal"]["code"], "ref");
}
