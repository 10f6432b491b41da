//! The workflow from end to end: act runs it on local repositories, each time on a machine that has nothing.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::support::{Fork, Release, Workspace, copy_to, repository};

const V1: Release = Release { tag: "v1", title: "Engine 1", updated: "2026-01-01T00:00:00Z" };
const V2: Release = Release { tag: "v2", title: "Engine 2", updated: "2026-01-02T00:00:00Z" };

#[test]
fn what_act_runs_differs_from_what_github_runs_in_three_things_only() {
    let copy = TempDir::new().unwrap();
    copy_to(copy.path());
    let own = format!("uses: {}@act", env!("CARGO_PKG_REPOSITORY").trim_start_matches("https://github.com/"));
    let mut seen = [0; 4];
    let mut files = 0;
    for entry in walkdir::WalkDir::new(copy.path()).into_iter().map(Result::unwrap) {
        if entry.file_type().is_file() {
            let name = entry.path().strip_prefix(copy.path()).unwrap();
            let (original, copied) = (read(&repository().join(name)), read(entry.path()));
            let mut copied = copied.lines();
            for line in original.lines() {
                if line.trim() == "queue: max" {
                    seen[0] += 1;
                    continue;
                }
                let found = copied.next().unwrap_or_default();
                let own_name = line.replace("uses: $/.", &own);
                let of = |side: &str| format!("uses: stub/{side}-artifact@act");
                let (up, down) = (stubbed(line, "upload", &of), stubbed(line, "download", &of));
                match found {
                    _ if found == line => assert!(!line.contains("uses: $/"), "{line}"),
                    _ if found == own_name => seen[1] += 1,
                    _ if Some(found) == up.as_deref() => seen[2] += 1,
                    _ if Some(found) == down.as_deref() => seen[3] += 1,
                    _ => panic!("{}: {line:?} became {found:?}", name.display()),
                }
            }
            assert_eq!(copied.next(), None, "{}: longer than the original", name.display());
            files += 1;
        }
    }
    let originals = walkdir::WalkDir::new(repository().join(".github")).into_iter().map(Result::unwrap);
    assert_eq!(files, 1 + originals.filter(|entry| entry.file_type().is_file()).count());
    assert!(seen.iter().all(|count| *count > 0), "a change that is not needed any more: {seen:?}");
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap()
}

/// The line with the stand-in, where it uses that action, pinned by a commit.
fn stubbed(line: &str, side: &str, of: &impl Fn(&str) -> String) -> Option<String> {
    let (before, pin) = line.split_once(&format!("uses: actions/{side}-artifact@"))?;
    let (commit, version) = pin.split_once(" # v")?;
    let is_pinned = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_pinned && !version.is_empty()).then(|| format!("{before}{}", of(side)))
}

#[test]
fn a_schedule_with_nothing_new_is_green_and_leaves_nothing() {
    let Some(fork) = Fork::of(Workspace::on_v1(), &[V1]) else { return };
    let before = fork.refs();

    let run = fork.job("first", "schedule", &[]).run().is(true, &["Job succeeded"]);

    assert!(run.artifacts().is_empty(), "{}", run.log);
    assert!(!run.log.contains("Publish/"), "nothing to publish\n{}", run.log);
    assert_eq!(fork.refs(), before);
}

#[test]
fn a_new_release_becomes_an_artifact() {
    let Some(fork) = Fork::of(Workspace::clean(), &[V2, V1]) else { return };

    let run = fork.job("first", "schedule", &[]).run().is(true, &["2 carried"]);

    assert_eq!(run.artifacts(), ["patch-moi-v2-1-1"]);
    assert_eq!(run.json("patch-moi-v2-1-1", "candidate.json")["candidate"]["complete"], true);
}
