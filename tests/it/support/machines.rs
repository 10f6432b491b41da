//! A fork's server, and machines that have nothing but a fresh checkout of one commit.

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::{Program, Workspace, file_url, patch_moi, write};

/// The ref that holds the state.
pub(crate) const STATE: &str = "refs/patch-moi/state";

/// A fork's server.
pub(crate) struct ForkServer {
    pub(crate) workspace: Workspace,
    home: PathBuf,
    machines: Cell<usize>,
}

/// A machine that a job has for itself.
pub(crate) struct Machine {
    pub(crate) folder: PathBuf,
}

impl ForkServer {
    /// A workspace's fork with a source and a flow among its commits; `more` are keys of the source.
    pub(crate) fn of(workspace: Workspace, more: &Value) -> Self {
        Self::with(workspace, more, "")
    }

    /// The same with a flow of which `config` is configuration.
    pub(crate) fn with(workspace: Workspace, more: &Value, config: &str) -> Self {
        workspace.follow("file:///none", more);
        let flow = format!(
            "name = \"carry\"\nversion = 1\n\n[config]\ntarget_branch = \"main\"\nupstream_repo_url = {:?}\n{config}\n\
             [[steps]]\nname = \"carry\"\nrunner = \"patch-stack\"\n\n[steps.trigger]\ntype = \"upstream.release\"\n",
            file_url(workspace.upstream.path())
        );
        write(&workspace.path().join("flows/carry/flow.toml"), flow);
        workspace.fork.commit_all("Follow upstream");
        let home = workspace.data().parent().unwrap().to_owned();
        let this = Self { workspace, home, machines: Cell::new(0) };
        this.workspace.fork.git(&["clone", "--quiet", "--bare", ".", this.origin().to_str().unwrap()]);
        this
    }

    pub(crate) fn origin(&self) -> PathBuf {
        self.home.join("origin.git")
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.workspace.fork.git(&[&["--git-dir", self.origin().to_str().unwrap()], args].concat())
    }

    pub(crate) fn refs(&self) -> String {
        self.git(&["for-each-ref", "--format=%(refname) %(objectname)"])
    }

    /// What the state ref remembers of a release, oldest first.
    pub(crate) fn settled(&self, tag: &str) -> Vec<String> {
        let text = self.git(&["show", &format!("{STATE}:data/releases.jsonl")]);
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let about = lines.filter(|line| line["tag"] == tag);
        about.map(|line| line["state"].as_str().unwrap().to_owned()).collect()
    }

    /// A new machine with the newest commit, as actions/checkout brings it.
    pub(crate) fn machine(&self) -> Machine {
        self.machines.set(self.machines.get() + 1);
        let folder = self.home.join(format!("machine-{}", self.machines.get()));
        let checkout = folder.join("checkout");
        let url = file_url(&self.origin());
        self.workspace.fork.git(&["clone", "--quiet", "--depth=1", &url, checkout.to_str().unwrap()]);
        fs::write(folder.join("outputs"), "").unwrap();
        Machine { folder }
    }

    /// A person's machine: the whole history, and a name.
    pub(crate) fn laptop(&self) -> Machine {
        let machine = self.machine();
        machine.git(&["fetch", "--quiet", "--unshallow"]).unwrap();
        machine
    }

    /// `run` on one machine and `publish` on the next, as the workflow does it.
    #[track_caller]
    pub(crate) fn tick(&self) -> (Machine, Option<Machine>) {
        let first = self.machine();
        let _ = first.command("run").run().exits(0);
        if first.output("publish") != "true" {
            return (first, None);
        }
        let second = self.machine();
        let publish = second.command("publish").env("PATCH_MOI_RUN_RESULT", "success");
        let _ = publish.args(first.artifact()).run().exits(0);
        assert_eq!(second.output("state"), "written");
        (first, Some(second))
    }
}

impl Machine {
    /// The program as a person starts it.
    pub(crate) fn plain(&self, name: &str) -> Program {
        patch_moi(&self.checkout()).args([name]).env("DATA_DIR", self.folder.join("data"))
    }

    /// What git says in the checkout; nothing where it refuses.
    pub(crate) fn git(&self, args: &[&str]) -> Option<String> {
        let ran = Command::new("git").arg("-C").arg(self.checkout()).args(args).output().unwrap();
        ran.status.success().then(|| String::from_utf8(ran.stdout).unwrap().trim_end().to_owned())
    }

    /// Carries v2 and settles its two conflicts, and gives the candidate.
    pub(crate) fn settle_all(&self) -> String {
        let _ = self.plain("run").args(["--tag", "v2"]).run().exits(3);
        let mut step = self.plain("resume").args(["v2"]).run().exits(3);
        for content in ["pistons: 6 and 8\n", "pistons: 6 and 8 and 12\n"] {
            let tree = self.folder.join("checkout-v2");
            assert!(tree.exists(), "{step}");
            write(&tree.join("engine.txt"), content);
            let staged =
                Command::new("git").arg("-C").arg(&tree).args(["add", "engine.txt"]).status().unwrap();
            assert!(staged.success());
            step = self.plain("resume").args(["v2", "--continue"]).run();
        }
        let _ = step.exits(0);
        self.git(&["rev-parse", "refs/patch-moi/candidate/v2"]).unwrap()
    }

    pub(crate) fn checkout(&self) -> PathBuf {
        self.folder.join("checkout")
    }

    pub(crate) fn command(&self, name: &str) -> Program {
        let file = |name: &str| self.folder.join(name);
        fs::write(file("outputs"), "").unwrap();
        patch_moi(&self.checkout())
            .args([name])
            .env("CODEX_WORKSPACE_MODE", "actions")
            .env("PATCH_MOI_FAIL", "later")
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_OUTPUT", file("outputs"))
            .env("GITHUB_STEP_SUMMARY", file("summary"))
    }

    pub(crate) fn output(&self, name: &str) -> String {
        let text = fs::read_to_string(self.folder.join("outputs")).unwrap();
        let mut lines = text.lines().skip_while(|line| !line.starts_with(&format!("{name}<<")));
        lines.nth(1).unwrap_or_else(|| panic!("no output {name} in {text}")).to_owned()
    }

    pub(crate) fn summary(&self) -> String {
        fs::read_to_string(self.folder.join("summary")).unwrap()
    }

    /// The folder that is uploaded, where there is one.
    pub(crate) fn artifact(&self) -> Option<String> {
        Some(self.output("artifact-path"))
            .filter(|path| !path.starts_with("ghadelimiter") && !path.is_empty())
    }
}
