//! The proof: an artifact is what carrying the patches gives, or it is refused with its reason.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Workspace, patch_moi, write};

/// One artifact of a run, and what can be done to it. `publish` and `verify` refuse the same.
pub(crate) struct Tampered {
    pub(crate) code: &'static str,
    pub(crate) how: fn(&Workspace, &Path),
}

/// Every way to lie that has a reason of its own.
pub(crate) const LIES: &[Tampered] = &[
    Tampered {
        code: "differs",
        how: |_, dir| {
            edit(dir, |json| {
                let id = json["candidate"]["commit"].as_str().unwrap().to_owned();
                let last = if id.ends_with('0') { '1' } else { '0' };
                json["candidate"]["commit"] = json!(format!("{}{last}", &id[..39]));
            });
        },
    },
    Tampered {
        code: "rewritten",
        how: |workspace, dir| {
            let other = workspace.upstream.id("v2");
            edit(dir, |json| json["tip"] = json!(other));
        },
    },
    Tampered { code: "rewritten", how: |_, dir| edit(dir, |json| json["tip"] = json!("1".repeat(40))) },
    Tampered {
        code: "excluded",
        how: |workspace, dir| {
            let patch = workspace.fork.id("main~1");
            edit(dir, |json| json["excluded"].as_array_mut().unwrap().push(json!(patch)));
        },
    },
    Tampered {
        code: "differs",
        how: |workspace, dir| {
            let [commit, candidate] = ["main~1", "main"].map(|rev| workspace.fork.id(rev));
            edit(dir, |json| json["landed"] = json!({ "commit": commit, "candidate": candidate }));
        },
    },
    Tampered {
        code: "excluded-unknown",
        how: |_, dir| edit(dir, |json| json["excluded"] = json!(["1".repeat(40)])),
    },
    Tampered {
        code: "event-id",
        how: |_, dir| {
            edit(dir, |json| json["event"]["id"] = json!("patch:upstream.release:acme/engine:v1"));
        },
    },
    Tampered {
        code: "tag-moved",
        how: |workspace, dir| {
            let v1 = workspace.upstream.id("v1");
            edit(dir, |json| (json["event"]["commit"], json["onto"]) = (json!(v1), json!(v1)));
        },
    },
    Tampered {
        code: "differs",
        how: |_, dir| {
            edit(dir, |json| {
                json["squashed"] = json!({ "commit": "1".repeat(40), "tree": json["candidate"]["tree"] });
            });
        },
    },
    Tampered { code: "differs", how: |_, dir| edit(dir, |json| json["counts"]["clean"] = json!(7)) },
    Tampered {
        code: "verdict",
        how: |_, dir| edit(dir, |json| json["patches"][0]["verdict"] = json!("merged")),
    },
    Tampered {
        code: "ref-outside",
        how: |_, dir| edit(dir, |json| json["refs"][0]["name"] = json!("refs/heads/main")),
    },
    Tampered {
        code: "path",
        how: |_, dir| edit(dir, |json| json["bundle"] = json!("../../candidate.bundle")),
    },
    Tampered {
        code: "path",
        how: |_, dir| edit(dir, |json| json["checks"][0]["log"] = json!("../../../etc/passwd")),
    },
    Tampered { code: "check-hidden", how: |_, dir| edit(dir, |json| json["checks"] = json!([])) },
    Tampered {
        code: "status",
        how: |_, dir| edit(dir, |json| json["checks"][0]["outcome"] = json!("failed")),
    },
    Tampered { code: "not-json", how: |_, dir| write(&dir.join("candidate.json"), "no") },
    Tampered { code: "not-a-candidate", how: |_, dir| write(&dir.join("candidate.json"), "{}") },
    Tampered { code: "shape", how: |_, dir| write(&dir.join("candidate.json"), "[".repeat(100)) },
    Tampered {
        code: "too-large",
        how: |_, dir| {
            let file = fs::File::options().write(true).open(dir.join("candidate.json")).unwrap();
            file.set_len((64 << 20) + 1).unwrap();
        },
    },
    Tampered { code: "unexpected-file", how: |_, dir| write(&dir.join("hooks/post-receive"), "#!/bin/sh\n") },
    Tampered { code: "unexpected-file", how: |_, dir| write(&dir.join("patches/..\\..\\x.patch"), "") },
    Tampered {
        code: "not-a-file",
        how: |_, dir| std::os::unix::fs::symlink("/etc/passwd", dir.join("report.txt")).unwrap(),
    },
    Tampered {
        code: "not-a-file",
        how: |_, dir| {
            fs::remove_dir_all(dir.join("patches")).unwrap();
            std::os::unix::fs::symlink("/etc", dir.join("patches")).unwrap();
        },
    },
    Tampered { code: "bundle", how: |_, dir| fs::remove_file(dir.join("candidate.bundle")).unwrap() },
    Tampered {
        code: "bundle-header",
        how: |_, dir| write(&dir.join("candidate.bundle"), "# v2 git bundle\nthis is none\n"),
    },
    Tampered { code: "bundle-extra-ref", how: |_, dir| add_ref(dir, "refs/heads/main") },
    Tampered { code: "bundle-ref-name", how: |_, dir| add_ref(dir, "refs/heads/../../hooks/post-update") },
    Tampered {
        code: "bundle-broken",
        how: |_, dir| {
            let bundle = dir.join("candidate.bundle");
            let bytes = fs::read(&bundle).unwrap();
            fs::write(&bundle, &bytes[..bytes.len() - 40]).unwrap();
        },
    },
    Tampered { code: "bundle-lacks", how: |workspace, dir| thin_out(workspace, dir) },
];

/// Changes candidate.json.
fn edit(dir: &Path, change: impl FnOnce(&mut Value)) {
    let file = dir.join("candidate.json");
    let mut json: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    change(&mut json);
    fs::write(&file, json.to_string()).unwrap();
}

/// Adds a ref to the bundle's head.
fn add_ref(dir: &Path, name: &str) {
    let bundle = dir.join("candidate.bundle");
    let bytes = fs::read(&bundle).unwrap();
    let end = bytes.windows(2).position(|two| two == b"\n\n").unwrap() + 1;
    let line = bytes[..end].split(|byte| *byte == b'\n').rev().find(|line| !line.is_empty()).unwrap();
    let id = String::from_utf8_lossy(&line[..40]).into_owned();
    fs::write(&bundle, [&bytes[..end], format!("{id} {name}\n").as_bytes(), &bytes[end..]].concat()).unwrap();
}

/// Makes the bundle again with a pack that lacks what the candidate's first patch adds.
fn thin_out(workspace: &Workspace, dir: &Path) {
    let bundle = dir.join("candidate.bundle");
    let bytes = fs::read(&bundle).unwrap();
    let end = bytes.windows(2).position(|two| two == b"\n\n").unwrap() + 2;
    let candidate = workspace.candidate("v2")["candidate"]["commit"].as_str().unwrap().to_owned();
    let fork = &workspace.fork;
    let all = fork.git(&[
        "rev-list",
        "--objects",
        "--no-object-names",
        &candidate,
        "^refs/patch-moi/upstream/acme/engine/tags/v2",
    ]);
    let blob = fork.git(&["rev-parse", &format!("{candidate}:colour.txt")]);
    let kept: String = all.lines().filter(|id| *id != blob).map(|id| format!("{id}\n")).collect();
    let (code, pack) = fork.git_with(&["pack-objects", "--stdout", "--quiet"], kept.as_bytes());
    assert_eq!(code, 0);
    fs::write(&bundle, [&bytes[..end], &pack].concat()).unwrap();
}

/// A workspace with a required check, whose run has left its artifact.
pub(crate) fn carried() -> Workspace {
    let check = "[[checks]]\nname = \"build\"\ncommand = [\"true\"]\n";
    let workspace = Workspace::clean().with_flow(check);
    workspace.follow("file:///none", &json!({}));
    let _ = workspace.run_tag("v2").run().exits(0);
    workspace
}

/// The artifact as a later job has it: a copy in a folder of its own.
pub(crate) fn downloaded(workspace: &Workspace, tag: &str) -> PathBuf {
    let to = workspace.data().parent().unwrap().join("downloaded").join(tag);
    let from = workspace.artifact(tag);
    for entry in walkdir::WalkDir::new(&from).into_iter().map(Result::unwrap) {
        let place = to.join(entry.path().strip_prefix(&from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(place).unwrap();
        } else {
            fs::copy(entry.path(), place).unwrap();
        }
    }
    to
}

fn verify(workspace: &Workspace, args: &[&str]) -> crate::support::Program {
    patch_moi(workspace.path()).args(["verify"]).args(args).env("DATA_DIR", workspace.data())
}

#[test]
fn every_lie_is_refused_with_its_own_reason_and_nothing_is_written() {
    let workspace = carried();
    let before = workspace.snapshot();
    for (number, lie) in LIES.iter().enumerate() {
        let dir = downloaded(&workspace, "v2");
        (lie.how)(&workspace, &dir);

        let output = verify(&workspace, &[dir.to_str().unwrap(), "--json"]).run().exits(1);

        let report = output.json();
        assert_eq!(report["refusal"]["code"], lie.code, "lie {number}\n{output}");
        assert_eq!(report["proved"], Value::Null);
        fs::remove_dir_all(&dir).unwrap();
    }
    workspace.snapshot().assert_same_as(&before);
}

#[test]
fn what_a_run_left_is_proved_sentence_by_sentence() {
    let workspace = carried();
    let dir = downloaded(&workspace, "v2");
    let before = workspace.snapshot();
    let output = verify(&workspace, &[dir.to_str().unwrap()]).run().exits(0);
    let output = output.prints(&[
        "acme/engine v2: proved, a complete candidate at",
        "Tag v2 of acme/engine is",
        "The stack is the fork's 2 patches",
        "By the run's own word, which cannot be proved: build passed.",
        "The bundle holds these commits",
    ]);
    assert!(output.stderr.is_empty(), "{output}");
    workspace.snapshot().assert_same_as(&before);
}

#[test]
fn an_artifact_of_another_release_than_the_one_asked_for_is_refused() {
    let workspace = carried();
    let dir = downloaded(&workspace, "v2");
    let output = verify(&workspace, &[dir.to_str().unwrap(), "--tag", "v1", "--json"]).run().exits(1);
    assert_eq!(output.json()["refusal"]["code"], "other-tag");
}

#[test]
fn an_incomplete_candidate_can_be_proved_and_is_no_candidate() {
    let workspace = Workspace::conflicting().with_flow("");
    let _ = workspace.run_tag("v2").run().exits(3);
    let dir = downloaded(&workspace, "v2");
    let output = verify(&workspace, &[dir.to_str().unwrap(), "--json"]).run().exits(0);
    assert_eq!(output.json()["proved"]["status"], "incomplete");
}

#[test]
fn a_branch_that_moved_on_makes_it_stale_and_one_that_was_rewritten_ends_it() {
    let workspace = carried();
    let dir = downloaded(&workspace, "v2");
    workspace.fork.commit("One more", &[("more.txt", "more\n")]);
    let output = verify(&workspace, &[dir.to_str().unwrap(), "--json"]).run().exits(0);
    assert_eq!(output.json()["proved"]["stale"], true);

    workspace.fork.git(&["reset", "--quiet", "--soft", "HEAD~2"]);
    workspace.fork.commit("Another", &[("other.txt", "other\n")]);
    let output = verify(&workspace, &[dir.to_str().unwrap(), "--json"]).run().exits(1);
    assert_eq!(output.json()["refusal"]["code"], "rewritten");
}

#[test]
fn a_tag_that_moved_since_ends_it() {
    let workspace = carried();
    let dir = downloaded(&workspace, "v2");
    workspace.upstream.git(&["tag", "--force", "v2", "main"]);
    let output = verify(&workspace, &[dir.to_str().unwrap(), "--json"]).run().exits(1);
    assert_eq!(output.json()["refusal"]["code"], "tag-moved");
}

#[test]
fn commits_that_a_flow_made_itself_are_not_proved() {
    let workspace = carried();
    let dir = downloaded(&workspace, "v2");
    edit(&dir, |json| json["flow"]["origin"] = json!("flow"));
    let output = verify(&workspace, &[dir.to_str().unwrap(), "--json"]).run().exits(1);
    assert_eq!(output.json()["refusal"]["code"], "made-by-flow");
}

#[test]
fn a_ref_is_proved_by_its_name_and_a_commit_by_its_tag() {
    let workspace = carried();
    let commit = workspace.candidate("v2")["candidate"]["commit"].as_str().unwrap().to_owned();
    for args in [&["patch-moi/candidate/v2"][..], &["refs/patch-moi/candidate/v2"], &[&commit, "--tag", "v2"]]
    {
        let output = verify(&workspace, args).args(["--json"]).run().exits(0);
        assert_eq!(output.json()["proved"]["commit"], commit, "{args:?}");
    }
    let _ = verify(&workspace, &[&commit]).run().exits(2).says(&["does not say which release", "--tag TAG"]);
}

#[test]
fn a_ref_that_is_something_else_is_refused() {
    let workspace = carried();
    workspace.fork.git(&["update-ref", "refs/patch-moi/candidate/v2", "main"]);
    let output = verify(&workspace, &["patch-moi/candidate/v2", "--json"]).run().exits(1);
    assert_eq!(output.json()["refusal"]["code"], "ref");
}

#[test]
fn a_folder_that_is_none_is_said() {
    let workspace = Workspace::clean().with_flow("");
    let _ = verify(&workspace, &["./nothing"]).run().exits(2).says(&["is no folder"]);
    let empty = workspace.data().parent().unwrap().join("empty");
    fs::create_dir_all(&empty).unwrap();
    let output = verify(&workspace, &[empty.to_str().unwrap(), "--json"]).run().exits(1);
    assert_eq!(output.json()["refusal"]["code"], "no-artifact");
}
