//! How the cost of a carry grows: with the patches, with the tree, and with upstream's history.
//!
//! `cargo bench --bench growth` prints the CPU seconds of one `patch-moi stack rebase`, user and system, children
//! included, as Linux counts them in `/proc/self/stat`: the least of several means. What counts are the ratios: twice
//! the patches cost twice as much, a tree forty times as large costs the same, and a culprit among a thousand commits
//! is found in well under a second.
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

use tempfile::TempDir;

/// Files in a folder without folders.
const FOLDER: usize = 20;

/// Ticks of the clock in `/proc/self/stat`, in a second.
const TICKS: f64 = 100.0;

/// How often a mean is taken, of how many runs.
const SAMPLES: usize = 6;
const RUNS: usize = 8;

fn main() {
    println!("patches, in 10,000 files, each in a file that upstream changed too");
    for patches in [500, 1_000, 2_000] {
        let [cpu] = least(&[&beside(1, patches)], patches);
        println!("{patches:>8}  {cpu:.3} s  {:.3} ms a patch", cpu * 1_000.0 / patches as f64);
    }
    println!("files, with 200 patches of the same files; the others lie in other folders");
    against(10_000, &beside(1, 200), 400_000, &beside(40, 200));
    println!("files, with 200 patches all over the tree; every folder lists six times as many");
    against(22 * 22 * FOLDER, &wider(22, 200), 142 * 142 * FOLDER, &wider(142, 200));
    println!("upstream commits, of which one conflicts with the patch");
    for commits in [100, 1_000] {
        let [cpu] = least(&[&culprit(commits)], 0);
        println!("{commits:>8}  {cpu:.3} s");
    }
}

/// Prints what 200 patches cost in a small tree and in a large one.
fn against(few: usize, small: &TempDir, many: usize, large: &TempDir) {
    let [small, large] = least(&[small, large], 200);
    println!("{few:>8}  {small:.3} s");
    println!("{many:>8}  {large:.3} s, ratio {:.2}", large / small);
}

/// `patches` in 10,000 files, and `times` as many files in all: the others lie beside them, in top-level folders of
/// their own.
fn beside(times: usize, patches: usize) -> TempDir {
    let path = |number: usize| {
        let (project, number) = (number / 10_000, number % 10_000);
        let own = format!("d{}/e{}/f{}", number / FOLDER / 20, number / FOLDER % 20, number % FOLDER);
        if project == 0 { own } else { format!("p{project}/{own}") }
    };
    stack(patches, 10_000 * times, 10_000, path)
}

/// `patches` all over `wide` times `wide` folders.
fn wider(wide: usize, patches: usize) -> TempDir {
    let files = wide * wide * FOLDER;
    stack(patches, files, files, |number| {
        format!("d{}/e{}/f{}", number / FOLDER / wide, number / FOLDER % wide, number % FOLDER)
    })
}

/// A stack of `patches` in the first `patched` of `files`, each in a file that upstream changed too.
fn stack(patches: usize, files: usize, patched: usize, path: impl Fn(usize) -> String) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let mut import = Import::new(home.path());
    import.commit("main", "");
    (0..files).for_each(|number| import.file(&path(number), number, "first", "last"));
    let spread = |patch: usize| patch * 7919 % patched;
    for patch in 0..patches {
        import.commit("fork", if patch == 0 { "from refs/heads/main\n" } else { "" });
        import.file(&path(spread(patch)), spread(patch), "first", &format!("patch {patch}"));
    }
    import.commit("main", "");
    (0..patches).for_each(|patch| import.file(&path(spread(patch)), spread(patch), "upstream", "last"));
    import.done();
    home
}

/// One patch, which one of upstream's `commits` breaks.
fn culprit(commits: usize) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let mut import = Import::new(home.path());
    let path = |number: usize| format!("d{}/f{number}", number / FOLDER);
    import.commit("main", "");
    (0..4_000).for_each(|number| import.file(&path(number), number, "first", "last"));
    import.commit("fork", "from refs/heads/main\n");
    import.file(&path(0), 0, "patched", "last");
    for commit in 0..commits {
        import.commit("main", "");
        let number = if commit == commits / 3 { 0 } else { 1 + commit % 3_999 };
        import.file(&path(number), number, &format!("upstream {commit}"), "last");
    }
    import.done();
    home
}

/// The CPU seconds of one carry in each of `repos`, taken by turns, in which `carried` patches go on.
fn least<const MANY: usize>(repos: &[&TempDir; MANY], carried: usize) -> [f64; MANY] {
    let mut least = [f64::INFINITY; MANY];
    for _ in 0..SAMPLES {
        for (least, repo) in least.iter_mut().zip(repos) {
            *least = least.min(mean(repo.path(), carried));
        }
    }
    least
}

/// The mean of some runs, each in a fresh clone.
fn mean(repo: &Path, carried: usize) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let copies: Vec<_> = (0..RUNS).map(|number| folder.path().join(number.to_string())).collect();
    for copy in &copies {
        let mut clone = Command::new("git");
        clone.args(["clone", "-q", "--shared", "--no-checkout"]).arg(repo).arg(copy);
        assert!(clone.status().unwrap().success());
    }
    let before = cpu();
    let outputs: Vec<_> = copies
        .iter()
        .map(|copy| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_patch-moi"));
            command.args(["stack", "rebase", "--branch", "origin/fork", "--onto", "origin/main", "--json"]);
            command.arg("--repo").arg(copy).output().unwrap()
        })
        .collect();
    let spent = cpu() - before;
    for output in outputs {
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(said["counts"]["merged"], carried, "{}", String::from_utf8_lossy(&output.stderr));
    }
    spent / RUNS as f64
}

/// The CPU seconds of this process and its children so far: proc_pid_stat(5), fields 14 to 17.
fn cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(") ").next().unwrap().split(' ').skip(11).take(4);
    fields.map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / TICKS
}

/// A repository on its way through `git fast-import`.
struct Import<'a> {
    repo: &'a Path,
    child: Child,
    to: BufWriter<ChildStdin>,
}

impl<'a> Import<'a> {
    fn new(repo: &'a Path) -> Self {
        assert!(Command::new("git").args(["init", "-q", "--bare"]).arg(repo).status().unwrap().success());
        let mut command = Command::new("git");
        command.arg("-C").arg(repo).args(["-c", "core.packSizeLimit=0", "fast-import", "--quiet"]);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let to = BufWriter::new(child.stdin.take().unwrap());
        Self { repo, child, to }
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
        let Self { repo, mut child, to } = self;
        drop(to);
        assert!(child.wait().unwrap().success());
        let mut pack = Command::new("git");
        assert!(pack.arg("-C").arg(repo).args(["gc", "--quiet"]).status().unwrap().success());
    }
}
