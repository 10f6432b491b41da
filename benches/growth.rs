//! How the cost of a carry grows: with the patches, with the tree, and with upstream's history.
//!
//! `cargo bench --bench growth` prints CPU seconds, user and system, children included, as Linux counts
//! them in `/proc/self/stat`. What counts are the ratios: twice the patches cost twice as much, a tree
//! forty times as large costs the same, and a culprit among a thousand commits is found in well under a
//! second.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench makes its own world, and a bench that cannot is broken"
)]

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Files in a folder without folders.
const FOLDER: usize = 20;

/// Ticks of the clock in `/proc/self/stat`, in a second.
const TICKS: f64 = 100.0;

fn main() {
    println!("patches, in 10,000 files, each in a file that upstream changed too");
    for patches in [250, 500, 1_000, 2_000] {
        let cpu = stack(22, patches, 3);
        println!("{patches:>8}  {cpu:.3} s  {:.3} ms a patch", cpu * 1_000.0 / patches as f64);
    }
    println!("files, with 200 patches");
    let small = stack(22, 200, 5);
    println!("{:>8}  {small:.3} s", 22 * 22 * FOLDER);
    let large = stack(142, 200, 5);
    println!("{:>8}  {large:.3} s, ratio {:.2}", 142 * 142 * FOLDER, large / small);
    println!("upstream commits, of which one conflicts with the patch");
    for commits in [100, 1_000] {
        println!("{commits:>8}  {:.3} s", culprit(commits));
    }
}

/// The CPU seconds that a carry of `patches` takes in `wide` times `wide` folders, the mean of `runs`.
fn stack(wide: usize, patches: usize, runs: usize) -> f64 {
    let home = tempfile::tempdir().unwrap();
    let mut import = Import::new(home.path());
    let path = |number: usize| {
        format!("d{}/e{}/f{}", number / FOLDER / wide, number / FOLDER % wide, number % FOLDER)
    };
    let files = wide * wide * FOLDER;
    import.commit("main", "");
    (0..files).for_each(|number| import.file(&path(number), number, "first", "last"));
    let spread = |patch: usize| patch * 7919 % files;
    for patch in 0..patches {
        import.commit("fork", if patch == 0 { "from refs/heads/main\n" } else { "" });
        import.file(&path(spread(patch)), spread(patch), "first", &format!("patch {patch}"));
    }
    import.commit("main", "");
    (0..patches).for_each(|patch| import.file(&path(spread(patch)), spread(patch), "upstream", "last"));
    import.done();
    measured(home.path(), patches, runs)
}

/// The CPU seconds of a carry of one patch, which one of upstream's `commits` breaks.
fn culprit(commits: usize) -> f64 {
    let home = tempfile::tempdir().unwrap();
    let mut import = Import::new(home.path());
    import.commit("main", "");
    (0..4_000)
        .for_each(|number| import.file(&format!("d{}/f{number}", number / FOLDER), number, "first", "last"));
    import.commit("fork", "from refs/heads/main\n");
    import.file("d0/f0", 0, "patched", "last");
    for commit in 0..commits {
        import.commit("main", "");
        let number = if commit == commits / 3 { 0 } else { 1 + commit % 3_999 };
        import.file(
            &format!("d{}/f{number}", number / FOLDER),
            number,
            &format!("upstream {commit}"),
            "last",
        );
    }
    import.done();
    measured(home.path(), 0, 3)
}

fn measured(repo: &Path, carried: usize, runs: usize) -> f64 {
    let copy =
        |number: usize| repo.with_file_name(format!("{}-{number}", repo.file_name().unwrap().display()));
    for number in 0..runs {
        let mut clone = Command::new("git");
        clone.args(["clone", "-q", "--shared", "--no-checkout"]).arg(repo).arg(copy(number));
        assert!(clone.status().unwrap().success());
    }
    let before = cpu();
    for number in 0..runs {
        assert_eq!(patch_moi::door::carry_in(&copy(number), "origin/fork", "origin/main"), Ok(carried));
    }
    let spent = cpu() - before;
    (0..runs).for_each(|number| fs::remove_dir_all(copy(number)).unwrap());
    spent / runs as f64
}

/// The CPU seconds of this process and its children so far: proc_pid_stat(5), fields 14 to 17.
fn cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(") ").next().unwrap().split(' ').skip(11).take(4);
    fields.map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / TICKS
}

/// A repository on its way through `git fast-import`.
struct Import {
    child: Child,
    to: BufWriter<ChildStdin>,
}

impl Import {
    fn new(repo: &Path) -> Self {
        assert!(Command::new("git").args(["init", "-q", "--bare"]).arg(repo).status().unwrap().success());
        let mut command = Command::new("git");
        command.arg("-C").arg(repo).args(["-c", "core.packSizeLimit=0", "fast-import", "--quiet"]);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let to = BufWriter::new(child.stdin.take().unwrap());
        Self { child, to }
    }

    fn commit(&mut self, branch: &str, from: &str) {
        let who = "A <a@example.org> 1767225600 +0000";
        write!(self.to, "commit refs/heads/{branch}\ncommitter {who}\ndata 6\nchange\n{from}").unwrap();
    }

    fn file(&mut self, path: &str, number: usize, first: &str, last: &str) {
        let body: String = (0..8).map(|line| format!("line {line} of {number}\n")).collect();
        let text = format!("{first}\n{body}{last}\n");
        write!(self.to, "M 100644 inline {path}\ndata {}\n{text}\n", text.len()).unwrap();
    }

    fn done(self) {
        let Self { mut child, to } = self;
        drop(to);
        assert!(child.wait().unwrap().success());
    }
}
