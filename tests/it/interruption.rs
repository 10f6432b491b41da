//! Ctrl-C: the program ends soon, says so, and leaves nothing behind.

use std::io::Read;
use std::process::{Command, Stdio};

use crate::support::fork_and_upstream;

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
