//! The workflow from end to end: act runs it on local repositories, each time on a machine that has nothing.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::action::yaml;
use crate::support::{Ended, Fork, Release, Workflow, Workspace, copy_to, repository};

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
    assert_eq!(files, 2 + originals.filter(|entry| entry.file_type().is_file()).count());
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
    let Some(fork) = Fork::of(Workspace::on_v1(), "", &[V1]) else { return };
    // The first look finds that the fork stands on the newest release already, and that is remembered.
    let _ = fork.job(Workflow::Own, "schedule", &[]).run().is(true, &["Job succeeded"]);
    let before = fork.refs();

    for workflow in [Workflow::Own, Workflow::Caller] {
        let run = fork.job(workflow, "schedule", &[]).run().is(true, &["Job succeeded"]);

        assert!(run.artifacts().is_empty(), "{}", run.log);
        assert!(!run.log.contains("Run Main Publish"), "nothing to publish\n{}", run.log);
        assert_eq!(fork.refs(), before);
    }
}

#[test]
fn a_new_release_is_carried_published_and_remembered() {
    let Some(fork) = Fork::of(Workspace::clean(), "", &[V2, V1]) else { return };

    let run = fork.job(Workflow::Caller, "schedule", &[]).run().is(true, &["Run Main Publish"]);

    let artifact = "patch-moi-v2-1-1";
    assert_eq!(run.artifacts(), [artifact]);
    let candidate = run.json(artifact, "candidate.json")["candidate"]["commit"].as_str().unwrap().to_owned();
    assert_eq!(fork.git(&["rev-parse", "refs/heads/patch-moi/candidate/v2"]), candidate);
    assert_eq!(fork.settled("v2"), "candidate");

    // The next day, on another machine.
    let before = fork.refs();
    let run = fork.job(Workflow::Caller, "schedule", &[]).run().is(true, &[]);

    assert!(run.artifacts().is_empty(), "{}", run.log);
    assert_eq!(fork.refs(), before, "nothing is published twice");
}

#[test]
fn the_same_conflict_is_red_once_then_green_and_carried_again_only_when_asked() {
    let Some(fork) = Fork::of(Workspace::conflicting(), "", &[V2, V1]) else { return };

    let run = fork.job(Workflow::Caller, "schedule", &[]).run().is(false, &["Run Main Set the colour"]);

    assert_eq!(run.artifacts(), ["patch-moi-v2-1-1"]);
    assert_eq!(fork.settled("v2"), "conflict");
    let refs = fork.refs();
    assert!(refs.contains("refs/patch-moi/incomplete/v2 "), "{refs}");
    assert!(!refs.contains("refs/heads/patch-moi/"), "it is nothing to land: {refs}");

    let run = fork.job(Workflow::Caller, "schedule", &[]).run().is(true, &["::warning"]);

    assert!(run.artifacts().is_empty(), "{}", run.log);
    assert_eq!(fork.refs(), refs);

    let tag = &["--input", "tag=v2"];
    let run = fork.job(Workflow::Caller, "workflow_dispatch", tag).run().is(false, &[]);

    assert_eq!(run.artifacts(), ["patch-moi-v2-1-1"]);
    assert_eq!(without_state(&fork.refs()), without_state(&refs), "pushed once");
}

#[test]
fn a_run_that_is_run_again_keeps_both_artifacts_and_publishes_once() {
    let Some(fork) = Fork::of(Workspace::clean(), "", &[V2, V1]) else { return };
    let tag = ["--input", "tag=v2"];
    let first = fork.job(Workflow::Caller, "workflow_dispatch", &tag);
    let store = first.store();
    let _ = first.run().is(true, &[]);
    let refs = fork.refs();

    let again = fork.job(Workflow::Caller, "workflow_dispatch", &tag).again(2, store);
    let run = again.run().is(true, &[]);

    assert_eq!(run.artifacts(), ["patch-moi-v2-1-1", "patch-moi-v2-1-2"]);
    let candidate = |artifact| run.json(artifact, "candidate.json")["candidate"].clone();
    assert_eq!(candidate("patch-moi-v2-1-1"), candidate("patch-moi-v2-1-2"));
    assert_eq!(without_state(&fork.refs()), without_state(&refs));
}

#[test]
fn two_runs_at_once_lose_nothing_of_each_other() {
    let Some(fork) = Fork::of(Workspace::clean(), "", &[V2, V1]) else { return };

    // GitHub would let one wait. Where it does not, as with a caller that names another group, git decides.
    let jobs = [
        fork.job(Workflow::Caller, "schedule", &[]).start(),
        fork.job(Workflow::Caller, "workflow_dispatch", &["--input", "tag=v2"]).start(),
    ];
    let ended = jobs.map(|job| job.wait().is(true, &[]));

    let candidate =
        |run: &Ended| run.json("patch-moi-v2-1-1", "candidate.json")["candidate"]["commit"].clone();
    assert_eq!(candidate(&ended[0]), candidate(&ended[1]));
    assert_eq!(
        fork.git(&["rev-parse", "refs/heads/patch-moi/candidate/v2"]),
        candidate(&ended[0]).as_str().unwrap()
    );
    assert!(!fork.refs().contains("candidate-2"), "{}", fork.refs());
    assert_eq!(fork.settled("v2"), "candidate");
    assert_eq!(fork.state("flow-events.jsonl").len(), 1, "the event is one");
    assert!(!fork.state("maintenance-attempts.jsonl").is_empty());
}

#[test]
fn a_run_that_is_cancelled_publishes_nothing_and_the_next_one_does_it_all() {
    let marks = TempDir::new().unwrap();
    let (begun, slow) = (marks.path().join("begun"), marks.path().join("slow"));
    fs::write(&slow, "").unwrap();
    let check = format!(
        "[[checks]]\nname = \"slow\"\ncommand = [\"sh\", \"-c\", \"touch {}; if [ -e {} ]; then sleep 300; fi\"]\n",
        begun.display(),
        slow.display()
    );
    let Some(fork) = Fork::of(Workspace::clean(), &check, &[V2, V1]) else { return };
    let before = fork.refs();
    let running = fork.job(Workflow::Caller, "schedule", &[]).start();
    wait_for(|| begun.exists(), || running.log());

    running.interrupt();
    let run = running.wait().is(false, &[]);

    assert_eq!(fork.refs(), before, "{}", run.log);

    fs::remove_file(&slow).unwrap();
    let _ = fork.job(Workflow::Caller, "schedule", &[]).run().is(true, &[]);

    assert_eq!(fork.settled("v2"), "candidate");
    assert!(fork.refs().contains("refs/heads/patch-moi/candidate/v2 "));
}

/// What GitHub does, which act does not: the signal goes to the step's first process alone, and 7.5 s later comes the
/// next one.
#[test]
fn cancelling_reaches_the_program_through_the_steps_own_script() {
    let workspace = Workspace::clean();
    let marks = TempDir::new().unwrap();
    let begun = marks.path().join("begun");
    let more = format!(
        "[[checks]]\nname = \"slow\"\ncommand = [\"sh\", \"-c\", \"echo $$ > {}; sleep 300\"]\n",
        begun.display()
    );
    let workspace = workspace.with_flow(&more).with_feed(&[V2]);
    let action = yaml(&repository().join("action.yml"));
    let step = action["runs"]["steps"].as_array().unwrap().iter().find(|step| step["id"] == "run").unwrap();
    let script = marks.path().join("script");
    fs::write(&script, step["run"].as_str().unwrap()).unwrap();
    let shell = step["shell"].as_str().unwrap().replace("{0}", script.to_str().unwrap());
    let mut shell = shell.split(' ');
    let mut command = Command::new(shell.next().unwrap());
    command.args(shell).current_dir(workspace.path()).env_clear().env("PATH", std::env::var("PATH").unwrap());
    for name in step["env"].as_object().unwrap().keys() {
        command.env(name, "");
    }
    let log = fs::File::create(marks.path().join("log")).unwrap();
    let mut child = command
        .env("PATCH_MOI_PROGRAM", env!("CARGO_BIN_EXE_patch-moi"))
        .env("PATCH_MOI_COMMAND", "run")
        .env("PATCH_MOI_DATA_DIR", workspace.data())
        .env("HOME", marks.path())
        .env("TMPDIR", marks.path())
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    let log = || fs::read_to_string(marks.path().join("log")).unwrap();
    let pid = || fs::read_to_string(&begun).unwrap_or_default().trim().to_owned();
    wait_for(|| !pid().is_empty(), log);

    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();

    assert!(sent.success());
    let asked = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{}", log());
    assert!(
        asked.elapsed() < Duration::from_secs(7),
        "the runner would have sent the next signal: {}",
        log()
    );
    assert!(log().contains("interrupted"), "{}", log());
    let alive = Command::new("kill").args(["-0", &pid()]).stderr(Stdio::null()).status().unwrap();
    assert!(!alive.success(), "the check lives on");
    assert!(!workspace.fork.refs().contains("refs/patch-moi/candidate"), "{}", log());
}

/// The refs without that of the state, which a second run may write again.
fn without_state(refs: &str) -> String {
    refs.lines().filter(|line| !line.starts_with("refs/patch-moi/state ")).collect::<Vec<_>>().join("\n")
}

/// Waits until something is so, and no longer than a loaded machine may need for it.
#[track_caller]
fn wait_for(mut is: impl FnMut() -> bool, log: impl Fn() -> String) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(120), "it never came to that:\n{}", log());
        std::thread::sleep(Duration::from_millis(20));
    }
}
