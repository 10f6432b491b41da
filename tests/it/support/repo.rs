//! A real git repository that no configuration of this machine can reach.

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::files::write;

/// When the first commit of every repository is made. Each commit is one minute later than the last one.
const DAWN: i64 = 1_767_225_600;

/// A repository with a work tree, and a clock of its own.
pub(crate) struct Repo {
    dir: PathBuf,
    clock: Cell<i64>,
    _temp: Option<TempDir>,
}

impl Repo {
    /// An empty repository in a folder that goes away with it.
    pub(crate) fn new() -> Self {
        let temp = TempDir::new().unwrap();
        let mut repo = Self::at(&temp.path().join("repo"));
        repo._temp = Some(temp);
        repo
    }

    /// An empty repository at `dir`, on branch `main`.
    pub(crate) fn at(dir: &Path) -> Self {
        fs::create_dir_all(dir).unwrap();
        let repo = Self { dir: dir.to_owned(), clock: Cell::new(DAWN), _temp: None };
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo
    }

    /// A copy of this one at `dir`, without remotes, whose clock runs on a day later.
    pub(crate) fn clone_to(&self, dir: &Path) -> Self {
        let target = dir.to_str().unwrap();
        self.git(&["clone", "--quiet", self.dir.to_str().unwrap(), target]);
        let repo = Self { dir: dir.to_owned(), clock: Cell::new(self.clock.get() + 86_400), _temp: None };
        repo.git(&["remote", "remove", "origin"]);
        repo
    }

    /// The folder of the work tree.
    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }

    /// Commits these files on the current branch, and gives the id.
    pub(crate) fn commit(&self, subject: &str, files: &[(&str, &str)]) -> String {
        for (path, content) in files {
            write(&self.dir.join(path), content);
        }
        self.commit_all(subject)
    }

    /// Commits that these files are gone.
    pub(crate) fn delete(&self, subject: &str, paths: &[&str]) -> String {
        for path in paths {
            fs::remove_file(self.dir.join(path)).unwrap();
        }
        self.commit_all(subject)
    }

    /// Commits whatever the work tree holds, also when nothing changed.
    pub(crate) fn commit_all(&self, subject: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", subject]);
        self.id("HEAD")
    }

    /// Merges `other` into the current branch with a merge commit, and gives its id.
    pub(crate) fn merge(&self, other: &str) -> String {
        let message = format!("Merge branch '{other}'");
        self.git(&["merge", "--quiet", "--no-ff", "-m", &message, other]);
        self.id("HEAD")
    }

    /// Merges `other`, which conflicts, and settles it with these files.
    pub(crate) fn merge_settled(&self, other: &str, files: &[(&str, &str)]) -> String {
        let (code, _) = self.try_git(&["merge", "--no-ff", "--no-commit", other]);
        assert_eq!(code, 1, "the merge was expected to conflict");
        self.commit(&format!("Merge branch '{other}'"), files)
    }

    /// Makes a branch here and goes to it.
    pub(crate) fn branch(&self, name: &str) -> &Self {
        self.git(&["switch", "--quiet", "--create", name]);
        self
    }

    /// Goes to a branch.
    pub(crate) fn switch(&self, name: &str) -> &Self {
        self.git(&["switch", "--quiet", name]);
        self
    }

    /// Makes or moves an annotated tag.
    pub(crate) fn tag(&self, name: &str) -> &Self {
        self.git(&["tag", "--force", "--annotate", "-m", name, name]);
        self
    }

    /// The commit that a revision names.
    pub(crate) fn id(&self, revision: &str) -> String {
        self.git(&["rev-parse", "--verify", &format!("{revision}^{{commit}}")])
    }

    /// The tree of a revision.
    pub(crate) fn tree(&self, revision: &str) -> String {
        self.git(&["rev-parse", "--verify", &format!("{revision}^{{tree}}")])
    }

    /// A file of a revision.
    pub(crate) fn file(&self, revision: &str, path: &str) -> String {
        self.git(&["show", &format!("{revision}:{path}")])
    }

    /// Every ref and what it points to, but not the program's own.
    pub(crate) fn refs(&self) -> String {
        let all = self.git(&["for-each-ref", "--format=%(objectname) %(refname)"]);
        all.lines().filter(|line| !line.contains(" refs/patch-moi/")).collect::<Vec<_>>().join("\n")
    }

    /// Runs git, which must succeed, and gives its trimmed stdout.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let (code, out) = self.try_git(args);
        assert_eq!(code, 0, "git {args:?} failed");
        out
    }

    /// Takes a ref out of a bundle, as a person would: git must find all that the bundle needs.
    pub(crate) fn unbundle(&self, bundle: &Path, refspec: &str) {
        let bundle = bundle.to_str().unwrap();
        self.git(&["bundle", "verify", "--quiet", bundle]);
        self.git(&["fetch", "--quiet", bundle, refspec]);
    }

    /// Runs git, and gives exit code and trimmed stdout.
    pub(crate) fn try_git(&self, args: &[&str]) -> (i32, String) {
        let (code, out) = self.git_with(args, b"");
        (code, String::from_utf8_lossy(&out).trim_end().to_owned())
    }

    /// Runs git with an input, and gives exit code and stdout as they are.
    pub(crate) fn git_with(
        &self,
        args: &[impl AsRef<OsStr> + std::fmt::Debug],
        stdin: &[u8],
    ) -> (i32, Vec<u8>) {
        let now = self.clock.get() + 60;
        self.clock.set(now);
        let date = format!("@{now} +0000");
        let mut child = Command::new("git")
            .current_dir(&self.dir)
            .args(args)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", &self.dir)
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_EDITOR", "true")
            .env("GIT_AUTHOR_NAME", "Ada Pekoe")
            .env("GIT_AUTHOR_EMAIL", "ada@example.org")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_NAME", "Lin Oolong")
            .env("GIT_COMMITTER_EMAIL", "lin@example.org")
            .env("GIT_COMMITTER_DATE", &date)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(stdin).unwrap();
        let output = child.wait_with_output().unwrap();
        let code = output.status.code().unwrap();
        if code > 1 {
            panic!("git {args:?} in {}:\n{}", self.dir.display(), String::from_utf8_lossy(&output.stderr));
        }
        (code, output.stdout)
    }
}

/// One repository that holds both sides: `fork` branches off at tag `v1`, and upstream's release is to
/// be tagged `v2` on `main`. The work tree is on `main`.
pub(crate) fn fork_and_upstream(files: &[(&str, &str)]) -> Repo {
    let repo = Repo::new();
    repo.commit("Begin", files);
    repo.tag("v1").git(&["branch", "fork"]);
    repo
}

#[test]
fn the_same_story_gives_the_same_ids() {
    let story = || {
        let repo = fork_and_upstream(&[("a", "1\n")]);
        repo.commit("Two (#2)", &[("a", "2\n")]);
        repo.branch("topic").commit("Three", &[("b", "3\n")]);
        repo.switch("main").merge("topic")
    };
    assert_eq!(story(), story());
}
