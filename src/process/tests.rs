//! Real children, and every way in which they misbehave.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::*;

/// Long enough that only a bug would wait for it.
const LONG: Duration = Duration::from_secs(60);

fn sh(script: &str) -> Command {
    Command::new("/bin/sh").arg("-c").arg(script).env(Env::empty().with("PATH", "/usr/bin:/bin"))
}

/// Long enough for a shell to set its traps on a busy machine.
const BRIEF: Duration = Duration::from_millis(1500);

/// A child with little time to end after it was asked to.
fn brief(mut command: Command) -> Command {
    command.grace = BRIEF;
    command
}

#[test]
fn a_missing_program_is_named_with_a_way_out() {
    let err = Command::new("no-such-program-here").run().unwrap_err();
    assert_eq!(err.to_string(), "the program `no-such-program-here` was not found");
    assert_eq!(err.hint().unwrap(), "install `no-such-program-here`, or put its directory on PATH");
}

#[test]
fn a_missing_directory_is_not_taken_for_a_missing_program() {
    let err = sh("true").cwd("/no/such/place").run().unwrap_err();
    assert_eq!(err.to_string(), "`/bin/sh` cannot run in /no/such/place: that is no directory");
}

#[test]
fn a_child_that_ignores_the_request_to_end_is_killed() {
    let script = "trap '' TERM; echo started; sleep 60 & wait; sleep 60";
    let before = Instant::now();
    let output = brief(sh(script).timeout(Some(BRIEF))).run().unwrap();
    assert!(output.timed_out);
    assert_eq!(output.status, Status::Signalled(9));
    assert_eq!(output.stdout.text(), "started\n");
    assert!(before.elapsed() < LONG);
    assert!(matches!(output.success(), Err(ProcessError::TimedOut { .. })));
}

#[test]
fn a_child_that_never_stops_talking_is_ended_in_time() {
    let output = sh("yes").timeout(Some(BRIEF)).output_limit(100).run().unwrap();
    assert!(output.timed_out && output.stdout.dropped > 0);
}

#[test]
fn a_child_that_heeds_the_request_says_its_last_word() {
    let script = "trap 'echo bye; exit 7' TERM; sleep 60 & wait";
    let output = sh(script).timeout(Some(BRIEF)).run().unwrap();
    assert!(output.timed_out);
    assert_eq!((output.status, output.stdout.text().as_ref()), (Status::Exited(7), "bye\n"));
}

#[test]
fn a_grandchild_that_holds_the_pipes_is_not_waited_for() {
    let before = Instant::now();
    let output = brief(sh("sleep 60 & echo done")).run().unwrap();
    assert_eq!((output.status, output.stdout.text().as_ref()), (Status::Exited(0), "done\n"));
    assert!(!output.timed_out);
    assert!(before.elapsed() < LONG);
}

#[test]
fn a_grandchild_does_not_outlive_its_group() {
    let output = sh("sleep 60 >/dev/null 2>&1 & echo $!").run().unwrap();
    let pid = output.stdout.text().trim().to_owned();
    // Killed it is; somebody else reaps it, so it may still be there as a zombie.
    let state = sh(&format!(
        "for i in 1 2 3 4 5 6 7 8 9; do s=$(ps -o stat= -p {pid}); case $s in Z*|'') exit 0;; esac; sleep 1; done; exit 1"
    ));
    assert_eq!(state.run().unwrap().status, Status::Exited(0));
}

#[test]
fn what_a_child_writes_beyond_the_limit_is_counted_and_not_kept() {
    let output = sh("head -c 1000000 /dev/zero; echo end").output_limit(1000).run().unwrap();
    assert_eq!(output.stdout.dropped, 1_000_004 - 1000);
    assert!(output.stdout.bytes.len() < 1100);
    assert!(output.stdout.text().ends_with("\0end\n"));
    assert!(matches!(output.success(), Err(ProcessError::TooMuchOutput { .. })));
}

#[test]
fn a_child_sees_the_environment_that_it_was_given_and_no_other() {
    let output = Command::new("/usr/bin/env").env(Env::empty().with("ONLY", "this")).run().unwrap();
    assert_eq!(output.stdout.text(), "ONLY=this\n");
}

#[test]
fn a_child_reads_what_it_is_given_and_else_nothing() {
    let input = vec![b'x'; 300_000];
    assert_eq!(sh("cat").stdin(input.clone()).run().unwrap().success().unwrap(), input);
    assert_eq!(sh("cat").run().unwrap().success().unwrap(), b"");
    assert_eq!(sh("exec true").stdin(input).run().unwrap().success().unwrap(), b"");
}

#[test]
fn lines_are_handed_on_as_they_come() {
    let mut seen = Vec::new();
    let output = sh("echo one; echo two >&2; exit 3")
        .run_streaming(&mut |stream, line| seen.push((stream, String::from_utf8_lossy(line).into_owned())))
        .unwrap();
    seen.sort_by_key(|(stream, _)| *stream as u8);
    assert_eq!(seen, [(Stream::Stdout, "one".to_owned()), (Stream::Stderr, "two".to_owned())]);

    let err = output.success().unwrap_err();
    assert_eq!(err.to_string(), "`/bin/sh` ended with exit code 3: two");
}

#[test]
fn a_child_runs_where_it_is_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().canonicalize().unwrap();
    let output = sh("pwd -P").cwd(&place).run().unwrap();
    assert_eq!(output.stdout.text().trim(), place.to_str().unwrap());
}

#[test]
fn an_interruption_ends_the_child_and_lets_no_other_start() {
    static STOP: AtomicBool = AtomicBool::new(false);
    let mut command = brief(sh("echo ready; trap '' TERM; while :; do sleep 60; done"));
    command.interrupted = &STOP;
    let another = command.clone();

    let err = command.run_streaming(&mut |_, _| STOP.store(true, Ordering::SeqCst)).unwrap_err();
    assert_eq!(err.to_string(), "`/bin/sh` was interrupted");
    assert!(matches!(another.run(), Err(ProcessError::Interrupted { .. })));
}

/// Leaves its group, holds the pipes, and heeds nothing.
const DESERTER: &str = "setsid sh -c 'trap \"\" TERM; sleep 20' & ";

#[test]
fn who_left_the_group_keeps_nobody_waiting_when_the_time_is_up_or_everything_is_to_end() {
    static STOP: AtomicBool = AtomicBool::new(false);
    let before = Instant::now();
    let script = format!("{DESERTER} trap '' TERM; echo ready; while :; do sleep 60; done");
    let output = brief(sh(&script).timeout(Some(BRIEF))).run().unwrap();
    assert!(output.timed_out);

    let mut command = brief(sh(&script));
    command.interrupted = &STOP;
    let err = command.run_streaming(&mut |_, _| STOP.store(true, Ordering::SeqCst)).unwrap_err();
    assert_eq!(err.to_string(), "`/bin/sh` was interrupted");
    assert!(before.elapsed() < Duration::from_secs(19), "{:?}", before.elapsed());
}

#[test]
fn a_group_that_is_interrupted_gets_no_second_grace_for_what_holds_its_pipes() {
    static STOP: AtomicBool = AtomicBool::new(false);
    let before = Instant::now();
    // The leader heeds the request, its child does not.
    let script = "(trap '' TERM; echo ready; while :; do sleep 60; done) & trap 'exit 0' TERM; wait";
    let mut command = sh(script);
    command.interrupted = &STOP;
    let err = command.run_streaming(&mut |_, _| STOP.store(true, Ordering::SeqCst)).unwrap_err();
    assert!(matches!(err, ProcessError::Interrupted { .. }));
    assert!(before.elapsed() < Duration::from_secs(7), "{:?}", before.elapsed());
}
