//! `patch-moi run harness`: the first minute of a newcomer.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Output, Repo, Snapshot, find_files, patch_moi};

/// Runs it in an empty folder that is no repository, and gives what it left in its temporary folder.
#[track_caller]
fn run(args: &[&str], code: i32) -> (Output, Value) {
    let empty = tempfile::TempDir::new().unwrap();
    let before = Snapshot::of(&[empty.path()]);

    let run = patch_moi(empty.path()).args(["run", "harness"]).args(args).run().exits(code);

    Snapshot::of(&[empty.path()]).assert_same_as(&before);
    let found = find_files(run.home(), "candidate.json");
    assert_eq!(found.len(), 1, "one artifact, which stays\n{run}");
    let candidate = serde_json::from_slice(&fs::read(&found[0]).unwrap()).unwrap();
    (run, candidate)
}

fn verdicts(candidate: &Value) -> Vec<(&str, &str)> {
    let patches = candidate["patches"].as_array().unwrap();
    let mut all: Vec<_> = patches
        .iter()
        .map(|patch| (patch["subject"].as_str().unwrap(), patch["verdict"].as_str().unwrap()))
        .collect();
    all.sort_unstable();
    all
}

#[test]
fn the_sample_shows_every_common_verdict_and_exits_3() {
    let (run, candidate) = run(&[], 3);

    assert_eq!(
        verdicts(&candidate),
        [
            ("Accept the old flag too, with a sigh", "blocked"),
            ("Add East Frisian tea", "merged"),
            ("Add a quiet mode", "clean"),
            ("Colour output", "clean"),
            ("Document the flag", "blocked"),
            ("Explain the quiet mode", "clean"),
            ("Fix overflow in the parser", "upstreamed"),
            ("Keep a log of every pot", "clean"),
            ("Merge branch 'quiet-mode'", "clean"),
            ("Never publish by accident", "merged"),
            ("Rename the flag", "conflict"),
            ("Say whose kettle this is", "merged"),
        ],
        "{run}"
    );
    assert_eq!(candidate["left_out"][0]["subject"], "Release v1.0.0");
    let rename =
        candidate["patches"].as_array().unwrap().iter().find(|patch| patch["verdict"] == "conflict").unwrap();
    assert_eq!(rename["conflicts"][0]["path"], "src/args.rs");
    assert_eq!(rename["culprit"]["subject"], "Rework arguments (#21)");
    assert_eq!(rename["culprit"]["pull_request"], 21);
}

#[test]
fn the_report_names_who_needs_a_person_and_where_everything_lies() {
    let (run, _) = run(&[], 3);

    let artifact = find_files(run.home(), "candidate.json")[0].parent().unwrap().to_owned();
    let run = run.prints(&[
        "v1.1.0",
        "sample/fork",
        "Rename the flag",
        "src/args.rs",
        "Rework arguments",
        "#21",
        "blocked",
    ]);
    let name = artifact.file_name().unwrap().to_str().unwrap();
    assert!(run.stdout.contains(&format!("artifacts/{name}")), "it says where the artifact is\n{run}");
    for file in ["report.html", "report.md", "patches/series", "range-diff.txt"] {
        assert!(artifact.join(file).exists(), "{file}");
    }
}

#[test]
fn without_the_conflict_everything_is_carried_checked_and_exits_0() {
    let (run, candidate) = run(&["--clean"], 0);

    assert_eq!(candidate["candidate"]["complete"], true, "{run}");
    let counts = &candidate["counts"];
    assert_eq!(counts["patches"], 12);
    assert_eq!(counts["upstreamed"], 1);
    assert_eq!(counts["conflict"], 0);
    assert_eq!(counts["blocked"], 0);
    assert_eq!(candidate["checks"].as_array().map(Vec::len), Some(1), "{candidate:#}");
}

#[test]
fn two_machines_find_the_same_candidate() {
    for args in [&[] as &[&str], &["--clean"]] {
        let one = patch_moi(Path::new("/")).args(["run", "harness"]).args(args).run();
        let other = patch_moi(Path::new("/"))
            .args(["run", "harness"])
            .args(args)
            .env("TZ", "Pacific/Chatham")
            .env("GIT_COMMITTER_NAME", "Somebody Else")
            .env("DATA_DIR", one.home().join("elsewhere"))
            .run();
        let candidate = |run: &Output| -> Value {
            let path = &find_files(run.home(), "candidate.json")[0];
            serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap()["candidate"].clone()
        };
        assert_eq!(candidate(&one), candidate(&other));
    }
}

#[test]
fn the_candidate_can_be_tried_with_plain_git() {
    let (run, candidate) = run(&["--clean"], 0);
    let bundle = &find_files(run.home(), "candidate.bundle")[0];
    let upstream = walkdir::WalkDir::new(run.home()).into_iter().map(Result::unwrap);
    let upstream = upstream.filter(|entry| entry.file_name() == "upstream.git").last().unwrap().into_path();

    let person = Repo::new();
    person.git(&["fetch", "--quiet", upstream.to_str().unwrap(), "refs/tags/v1.1.0:refs/tags/v1.1.0"]);
    person.unbundle(bundle, "refs/patch-moi/candidate/v1.1.0:refs/heads/tea");

    assert_eq!(person.id("tea"), candidate["candidate"]["commit"]);
    assert!(person.file("tea", "src/tea.rs").contains("east frisian"));
    assert!(person.file("tea", "src/tea.rs").contains("green"));
}

#[test]
fn json_is_one_document_with_the_same_exit_code() {
    let (run, _) = run(&["--json"], 3);
    assert!(run.json().is_object());
}
