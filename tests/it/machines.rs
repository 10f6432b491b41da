//! A runner has no memory: each command on a machine that has nothing but a fresh checkout of one commit.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Program, Workspace, file_url, patch_moi, write};

const STATE: &str = "refs/patch-moi/state";

/// A fork's server.
struct Server {
    workspace: Workspace,
    home: PathBuf,
    machines: Cell<usize>,
}

/// A machine that a job has for itself.
struct Machine {
    folder: PathBuf,
}

impl Server {
    /// A workspace's fork with a source and a flow among its commits; `more` are keys of the source.
    fn of(workspace: Workspace, more: &Value) -> Self {
        workspace.follow("file:///none", more);
        let flow = format!(
            "name = \"carry\"\nversion = 1\n\n[config]\ntarget_branch = \"main\"\nupstream_repo_url = {:?}\n\n\
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

    fn origin(&self) -> PathBuf {
        self.home.join("origin.git")
    }

    fn git(&self, args: &[&str]) -> String {
        self.workspace.fork.git(&[&["--git-dir", self.origin().to_str().unwrap()], args].concat())
    }

    fn refs(&self) -> String {
        self.git(&["for-each-ref", "--format=%(refname) %(objectname)"])
    }

    /// What the state ref remembers of a release, oldest first.
    fn settled(&self, tag: &str) -> Vec<String> {
        let text = self.git(&["show", &format!("{STATE}:data/releases.jsonl")]);
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let about = lines.filter(|line| line["tag"] == tag);
        about.map(|line| line["state"].as_str().unwrap().to_owned()).collect()
    }

    /// A new machine with the newest commit, as actions/checkout brings it.
    fn machine(&self) -> Machine {
        self.machines.set(self.machines.get() + 1);
        let folder = self.home.join(format!("machine-{}", self.machines.get()));
        let checkout = folder.join("checkout");
        let url = file_url(&self.origin());
        self.workspace.fork.git(&["clone", "--quiet", "--depth=1", &url, checkout.to_str().unwrap()]);
        fs::write(folder.join("outputs"), "").unwrap();
        Machine { folder }
    }

    /// `run` on one machine and `publish` on the next, as the workflow does it.
    #[track_caller]
    fn tick(&self) -> (Machine, Option<Machine>) {
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
    fn checkout(&self) -> PathBuf {
        self.folder.join("checkout")
    }

    fn command(&self, name: &str) -> Program {
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

    fn output(&self, name: &str) -> String {
        let text = fs::read_to_string(self.folder.join("outputs")).unwrap();
        let mut lines = text.lines().skip_while(|line| !line.starts_with(&format!("{name}<<")));
        lines.nth(1).unwrap_or_else(|| panic!("no output {name} in {text}")).to_owned()
    }

    fn summary(&self) -> String {
        fs::read_to_string(self.folder.join("summary")).unwrap()
    }

    /// The folder that is uploaded, where there is one.
    fn artifact(&self) -> Option<String> {
        Some(self.output("artifact-path"))
            .filter(|path| !path.starts_with("ghadelimiter") && !path.is_empty())
    }
}

#[test]
fn a_release_that_the_fork_stands_on_is_remembered_and_nothing_is_done_again() {
    let server = Server::of(Workspace::on_v1(), &json!({}));
    let (_, publisher) = server.tick();
    assert_eq!(server.settled("v1"), ["adopted"]);
    let summary = publisher.unwrap().summary();
    assert!(summary.contains("holds v1 already") && !summary.contains("own word"), "{summary}");

    let refs = server.refs();
    let (runner, publisher) = server.tick();
    assert!(publisher.is_none() && runner.artifact().is_none());
    assert_eq!(server.refs(), refs);
}

#[test]
fn that_the_fork_stands_on_a_release_is_not_believed() {
    let server = Server::of(Workspace::clean(), &json!({}));
    let runner = server.machine();
    let _ = runner.command("run").run().exits(0);
    let artifact = runner.artifact().unwrap();
    fs::remove_file(Path::new(&artifact).join("candidate.json")).unwrap();
    let file = Path::new(&artifact).join("record.json");
    let mut record: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    record["state"] = json!("adopted");
    fs::write(&file, record.to_string()).unwrap();

    let publisher = server.machine();
    let run = publisher.command("publish").args([&artifact]).run().exits(0);

    assert!(run.stderr.contains("the run says that branch main holds v2 already"), "{run}");
    assert_eq!(publisher.output("red"), "true");
    assert!(!server.refs().contains(STATE) || server.settled("v2").is_empty(), "{}", server.refs());
}

#[test]
fn a_first_run_that_only_notes_the_newest_release_is_remembered_so_that_the_next_one_is_carried() {
    let server = Server::of(Workspace::clean(), &json!({ "onFirstRun": "none" }));
    let (runner, publisher) = server.tick();
    assert!(runner.artifact().is_none() && publisher.is_some());
    assert_eq!(server.settled("v2"), ["skipped"]);
    let (_, publisher) = server.tick();
    assert!(publisher.is_none(), "there is nothing more to remember");

    server.workspace.upstream.commit("More", &[("more.txt", "more\n")]);
    server.workspace.upstream.tag("v3");
    let _ = server.tick();
    assert_eq!(server.settled("v3"), ["candidate"]);
    assert!(server.refs().contains("refs/heads/patch-moi/candidate/v3"));
}

#[test]
fn a_prerelease_that_is_passed_by_is_remembered_once() {
    let workspace = Workspace::on_v1();
    let more = json!({ "tagPattern": r"^v(?<version>\d+(-\w+)?)$" });
    let server = Server::of(workspace, &more);
    let _ = server.tick();
    server.workspace.upstream.commit("Try", &[("try.txt", "1\n")]);
    server.workspace.upstream.tag("v2-rc");

    let (runner, publisher) = server.tick();

    assert!(runner.artifact().is_none() && publisher.is_some());
    assert_eq!(server.settled("v2-rc"), ["skipped"]);
    assert!(server.tick().1.is_none());
}

#[test]
fn what_is_superseded_beside_the_work_is_remembered_with_it() {
    let server = Server::of(Workspace::on_v1(), &json!({}));
    let _ = server.tick();
    for tag in ["v2", "v3"] {
        server.workspace.upstream.commit(tag, &[("engine.txt", tag)]);
        server.workspace.upstream.tag(tag);
    }
    let _ = server.tick();
    assert_eq!(
        (server.settled("v2"), server.settled("v3")),
        (vec!["superseded".into()], vec!["candidate".into()])
    );
    assert!(server.tick().1.is_none());
}
