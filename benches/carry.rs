//! Carries a generated linear stack and prints how long that takes next to `git rebase`.
//!
//! `cargo bench --bench carry`: fifty patches in a repository of two thousand files, five times each, by
//! turns. Every run has a fresh clone, so that none finds what another one wrote. The figure to look at is
//! the last line, a ratio of medians from one run on one machine; the seconds above it say nothing elsewhere.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench makes its own world, and a bench that cannot is broken"
)]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const FILES: usize = 2_000;
const PATCHES: usize = 50;
const RUNS: usize = 5;

fn main() {
    let home = tempfile::tempdir().unwrap();
    let origin = home.path().join("origin");
    fs::create_dir(&origin).unwrap();
    git(&origin, &["init", "--quiet", "--initial-branch=main"]);
    import(&origin);

    let (mut ours, mut gits) = (Vec::new(), Vec::new());
    for run in 0..RUNS {
        let clone = |name: &str| {
            let path = home.path().join(format!("{name}-{run}"));
            git(&origin, &["clone", "--quiet", "--branch", "fork", ".", path.to_str().unwrap()]);
            git(&path, &["fetch", "--quiet", "origin", "main:main"]);
            path
        };
        let (mine, theirs) = (clone("ours"), clone("git"));
        ours.push(timed(|| {
            assert_eq!(patch_moi::door::carry_in(&mine, "fork", "main"), Ok(PATCHES));
        }));
        gits.push(timed(|| git(&theirs, &["rebase", "--quiet", "main"])));
    }
    let (ours, gits) = (median(ours), median(gits));
    println!("{PATCHES} patches in {FILES} files, median of {RUNS}");
    println!("patch-moi   {:.3} s", ours.as_secs_f64());
    println!("git rebase  {:.3} s", gits.as_secs_f64());
    println!("patch-moi / git rebase: {:.3}", ours.as_secs_f64() / gits.as_secs_f64());
}

/// Upstream changes the first line of every tenth file; each patch changes the last line of one file.
fn import(repo: &Path) {
    let mut stream = String::new();
    let mut change = |branch: &str, from: &str, files: &mut dyn Iterator<Item = (usize, &str, &str)>| {
        stream.push_str(&format!(
            "commit refs/heads/{branch}\ncommitter A <a@example.org> 1767225600 +0000\ndata 6\nchange\n{from}"
        ));
        for (number, first, last) in files {
            let body: String = (0..40).map(|line| format!("line {line} of {number}\n")).collect();
            let text = format!("{first}\n{body}{last}\n");
            let path = format!("d{}/e{}/f{number}", number % 20, number % 10);
            stream.push_str(&format!("M 100644 inline {path}\ndata {}\n{text}\n", text.len()));
        }
    };
    change("main", "", &mut (0..FILES).map(|n| (n, "first", "last")));
    let base = "from refs/heads/main\n";
    for patch in 0..PATCHES {
        let number = patch * (FILES / PATCHES);
        let last = format!("patch {patch}");
        let from = if patch == 0 { base } else { "" };
        change("fork", from, &mut std::iter::once((number, "first", &last[..])));
    }
    change("main", "", &mut (0..FILES).step_by(10).map(|n| (n, "upstream", "last")));
    let mut child = Command::new("git")
        .args(["fast-import", "--quiet"])
        .current_dir(repo)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

fn git(dir: &Path, args: &[&str]) {
    let done = Command::new("git")
        .args(["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "gc.auto=0"])
        .args(args)
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
