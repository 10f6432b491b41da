//! act, which runs the workflows on this machine, and the two repositories that they work on.

use std::cell::Cell;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::{Release, Workspace, atom, file_url, write};

/// The program that PATCH_MOI_ACT names. Where it names none, the tests of the workflows pass with a notice.
pub(crate) fn act() -> Option<PathBuf> {
    let named = std::env::var_os("PATCH_MOI_ACT").map(PathBuf::from);
    if named.is_none() {
        // Not println!: that is shown of a failed test only.
        let notice =
            "\nNOT TESTED: the workflows. PATCH_MOI_ACT names no act; .ci/run installs one and names it.\n";
        std::io::stderr().write_all(notice.as_bytes()).unwrap();
    }
    named
}

/// The folder of this repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The copy of the action and its workflows that act can run.
pub(crate) fn copy_to(folder: &Path) {
    let status = Command::new(repository().join(".ci/act-copy")).arg(folder).status().unwrap();
    assert!(status.success());
}

/// A fork on GitHub, as far as a workflow sees one: a bare repository that is `origin`, and upstream's.
pub(crate) struct Fork {
    program: PathBuf,
    workspace: Workspace,
    root: TempDir,
    jobs: Cell<usize>,
}

/// Which file starts a run: this repository's own workflow, or the 20 lines of a fork, which call it.
#[derive(Clone, Copy)]
pub(crate) enum Workflow {
    Own,
    Caller,
}

/// One run of the workflow: a machine that has nothing but a fresh checkout.
pub(crate) struct Job {
    folder: PathBuf,
    store: PathBuf,
    attempt: u32,
    command: Command,
}

/// How it ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) log: String,
    store: PathBuf,
}

impl Fork {
    /// Puts a workspace's fork on its server, with a source and a flow among its commits that ends in `more`, and with
    /// upstream's `releases` in the feed. `None` where there is no act.
    pub(crate) fn of(workspace: Workspace, more: &str, releases: &[Release]) -> Option<Self> {
        let program = act()?;
        let this = Self { program, workspace, root: TempDir::new().unwrap(), jobs: Cell::new(0) };
        copy_to(&this.root.path().join("copy"));
        let caller = fs::read_to_string(repository().join("docs/examples/caller.yml")).unwrap();
        write(&this.root.path().join("caller.yml"), caller.replace("@COMMIT # vVERSION", "@act"));
        this.announce(releases);
        this.workspace.follow(&file_url(&this.feed()), &serde_json::json!({}));
        let flow = format!(
            "name = \"carry\"\nversion = 1\n\n[config]\ntarget_branch = \"main\"\nupstream_repo_url = {:?}\n\n\
             [[steps]]\nname = \"carry\"\nrunner = \"patch-stack\"\n\n[steps.trigger]\ntype = \"upstream.release\"\n\n{more}",
            file_url(this.workspace.upstream.path())
        );
        write(&this.workspace.path().join("flows/carry/flow.toml"), flow);
        this.workspace.fork.commit_all("Follow upstream");
        fs::create_dir(this.root.path().join("bin")).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_patch-moi"), this.root.path().join("bin/patch-moi"))
            .unwrap();
        let origin = this.origin();
        let bare = ["clone", "--quiet", "--bare", "--single-branch", ".", origin.to_str().unwrap()];
        this.workspace.fork.git(&bare);
        Some(this)
    }

    /// The bare repository on the server.
    pub(crate) fn origin(&self) -> PathBuf {
        self.root.path().join("origin.git")
    }

    fn feed(&self) -> PathBuf {
        self.root.path().join("releases.atom")
    }

    /// Lets upstream's feed hold these releases, newest first.
    pub(crate) fn announce(&self, releases: &[Release]) {
        write(&self.feed(), atom(releases));
    }

    /// What git says about the server's repository.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let ran = Command::new("git").arg("-C").arg(self.origin()).args(args).output().unwrap();
        assert!(ran.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap().trim_end().to_owned()
    }

    /// Every ref of the server's repository, `NAME ID` a line.
    pub(crate) fn refs(&self) -> String {
        self.git(&["for-each-ref", "--format=%(refname) %(objectname)"])
    }

    /// Every line of a journal in the state ref.
    pub(crate) fn state(&self, journal: &str) -> Vec<Value> {
        let text = self.git(&["show", &format!("refs/patch-moi/state:data/{journal}")]);
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What the state ref remembers last of a release.
    #[track_caller]
    pub(crate) fn settled(&self, tag: &str) -> String {
        let lines = self.state("releases.jsonl");
        let last = lines.iter().rev().find(|line| line["tag"] == tag);
        last.unwrap_or_else(|| panic!("nothing of {tag} in {lines:#?}"))["state"].as_str().unwrap().to_owned()
    }

    /// A run that `event` starts, with these arguments for act more.
    pub(crate) fn job(&self, workflow: Workflow, event: &str, more: &[&str]) -> Job {
        self.jobs.set(self.jobs.get() + 1);
        let folder = self.root.path().join(format!("job-{}", self.jobs.get()));
        for part in ["home", "cache", "store"] {
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        let checkout = folder.join("checkout");
        let url = file_url(&self.origin());
        // As actions/checkout does it by default: one commit.
        let cloned = Command::new("git")
            .args(["clone", "--quiet", "--depth=1", &url, checkout.to_str().unwrap()])
            .status()
            .unwrap();
        assert!(cloned.success());
        let copy = self.root.path().join("copy");
        let stubs = repository().join(".ci/act");
        let cache = cache_pin(&copy);
        let file = match workflow {
            Workflow::Own => copy.join(".github/workflows/upstream-release.yml"),
            Workflow::Caller => self.root.path().join("caller.yml"),
        };
        let name = env!("CARGO_PKG_REPOSITORY").trim_start_matches("https://github.com/");
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new(&self.program);
        command
            .arg(event)
            .arg("-C")
            .arg(&checkout)
            .arg("-W")
            .arg(file)
            .args(["-P", "ubuntu-24.04=-self-hosted", "--no-cache-server"])
            .arg("--action-cache-path")
            .arg(folder.join("cache"))
            .args(["--env", "GITHUB_REPOSITORY=acme/fork"])
            .arg("--local-repository")
            .arg(format!("{name}@act={}", copy.display()))
            .arg("--local-repository")
            .arg(format!("{cache}={}", stubs.join("cache").display()));
        for side in ["upload", "download"] {
            let stub = stubs.join(format!("{side}-artifact"));
            command.arg("--local-repository").arg(format!("stub/{side}-artifact@act={}", stub.display()));
        }
        command
            .args(more)
            .env_clear()
            .env("HOME", folder.join("home"))
            .env("PATH", format!("{}:{path}", self.root.path().join("bin").display()))
            .current_dir(&folder)
            .stdin(Stdio::null());
        Job { store: folder.join("store"), folder, attempt: 1, command }
    }
}

impl Job {
    /// Where the artifacts of this workflow run are.
    pub(crate) fn store(&self) -> PathBuf {
        self.store.clone()
    }

    /// Lets it be a further attempt of a run, with the artifacts of those before it.
    pub(crate) fn again(mut self, attempt: u32, store: PathBuf) -> Self {
        (self.attempt, self.store) = (attempt, store);
        self
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Ended {
        self.start().wait()
    }

    /// Starts it; what it says goes to a file.
    pub(crate) fn start(mut self) -> Running {
        let log = self.folder.join("log");
        let file = fs::File::create(&log).unwrap();
        self.command
            .arg("--env")
            .arg(format!("ARTIFACT_STORE={}", self.store.display()))
            .arg("--env")
            .arg(format!("GITHUB_RUN_ATTEMPT={}", self.attempt))
            .stdout(file.try_clone().unwrap())
            .stderr(file);
        Running { child: self.command.spawn().unwrap(), log, store: self.store }
    }
}

/// A run under way.
pub(crate) struct Running {
    child: std::process::Child,
    log: PathBuf,
    store: PathBuf,
}

impl Running {
    /// Presses "Cancel workflow": act passes the signal on.
    pub(crate) fn interrupt(&self) {
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// What it has said so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Ended {
        let code = self.child.wait().unwrap().code();
        Ended { code, log: self.log(), store: self.store }
    }
}

impl Ended {
    /// That the run is green or red, and that its log holds these.
    #[track_caller]
    pub(crate) fn is(self, green: bool, phrases: &[&str]) -> Self {
        assert_eq!(self.code == Some(0), green, "green is {green}\n{}", self.log);
        for phrase in phrases {
            assert!(self.log.contains(phrase), "the log lacks {phrase:?}\n{}", self.log);
        }
        self
    }

    /// The names of the artifacts that it has uploaded, in order.
    pub(crate) fn artifacts(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.store).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// A file of the artifact, as JSON.
    #[track_caller]
    pub(crate) fn json(&self, artifact: &str, file: &str) -> Value {
        let path = self.store.join(artifact).join(file);
        let text = fs::read(&path).unwrap_or_else(|err| panic!("{}: {err}\n{}", path.display(), self.log));
        serde_json::from_slice(&text).unwrap()
    }
}

/// `actions/cache@COMMIT`, as action.yml pins it.
fn cache_pin(copy: &Path) -> String {
    let text = fs::read_to_string(copy.join("action.yml")).unwrap();
    let pin = text.lines().find_map(|line| line.trim().strip_prefix("uses: actions/cache/restore@")).unwrap();
    format!("actions/cache@{}", pin.split(' ').next().unwrap())
}
