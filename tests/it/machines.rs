//! A runner has no memory: each command on a machine that has nothing but a fresh checkout of one commit.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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

    /// A person's machine: the whole history, and a name.
    fn laptop(&self) -> Machine {
        let machine = self.machine();
        machine.git(&["fetch", "--quiet", "--unshallow"]).unwrap();
        machine
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
    /// The program as a person starts it.
    fn plain(&self, name: &str) -> Program {
        patch_moi(&self.checkout()).args([name]).env("DATA_DIR", self.folder.join("data"))
    }

    /// What git says in the checkout; nothing where it refuses.
    fn git(&self, args: &[&str]) -> Option<String> {
        let ran = Command::new("git").arg("-C").arg(self.checkout()).args(args).output().unwrap();
        ran.status.success().then(|| String::from_utf8(ran.stdout).unwrap().trim_end().to_owned())
    }

    /// Carries v2 and settles its two conflicts, and gives the candidate.
    fn settle_all(&self) -> String {
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

#[test]
fn what_a_person_settled_is_proved_but_for_what_they_settled() {
    let server = Server::of(Workspace::conflicting(), &json!({}));
    let laptop = server.laptop();
    laptop.settle_all();
    let artifact = laptop.checkout().join(".codex/workspace/actions/artifacts/v2");
    let elsewhere = server.machine();

    let run = elsewhere.plain("verify").args([artifact.to_str().unwrap(), "--json"]).run().exits(0);

    let proved = run.json()["proved"].clone();
    let said = proved["sentences"].to_string();
    assert!(said.contains("A person settled 2 paths") && said.contains("engine.txt of"), "{said}");
    assert_eq!(proved["settlements"].as_array().unwrap().len(), 2);
    let commit = proved["commit"].as_str().unwrap().to_owned();
    assert_eq!(
        elsewhere.git(&["cat-file", "-e", &commit]),
        None,
        "nothing of it reaches the fork's checkout"
    );

    // The same from the ref, once the person has handed it over: nobody needs the artifact.
    let _ = laptop.plain("resume").args(["v2", "--push"]).run().exits(0);
    assert!(server.refs().contains(&commit), "{}", server.refs());
    let run = server.machine().plain("verify").args(["patch-moi/candidate/v2", "--json"]).run().exits(0);
    assert_eq!(run.json()["proved"]["commit"], commit);
    assert!(run.stdout.contains("A person settled 2 paths"), "{run}");
}

#[test]
fn what_a_person_settled_is_published_only_where_that_is_accepted() {
    let server = Server::of(Workspace::conflicting(), &json!({}));
    let laptop = server.laptop();
    laptop.settle_all();
    let artifact = laptop.checkout().join(".codex/workspace/actions/artifacts/v2");
    let dir = artifact.to_str().unwrap();

    let publisher = server.machine();
    let run = publisher.command("publish").args([dir]).env("PATCH_MOI_FAIL", "now").run().exits(4);
    let run = run.says(&["2 patches were settled by a person", "--accept settlements"]);
    assert!(!server.refs().contains("candidate"), "{run}");

    let publisher = server.machine();
    let accepting = publisher.command("publish").args([dir]).env("PATCH_MOI_ACCEPT", "descends,settlements");
    let _ = accepting.run().exits(0).prints(&["Settled by a person, and not proved: engine.txt"]);
    assert_eq!(server.git(&["show", "patch-moi/candidate/v2:engine.txt"]), "pistons: 6 and 8 and 12");
    assert_eq!(server.settled("v2"), ["candidate"]);
}

#[test]
fn a_settlement_that_the_carry_does_not_ask_for_is_refused() {
    let server = Server::of(Workspace::conflicting(), &json!({}));
    let laptop = server.laptop();
    laptop.settle_all();
    let artifact = laptop.checkout().join(".codex/workspace/actions/artifacts/v2");
    let file = artifact.join("candidate.json");
    let whole: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let clean = whole["patches"][0]["commit"].clone();
    let verifier = server.machine();
    for (code, spoil) in [
        (
            "settlement",
            (|json, _| json["settlements"][1]["onTree"] = json["settlements"][0]["onTree"].clone())
                as fn(&mut Value, &Value),
        ),
        ("settlement", |json, clean| json["settlements"][0]["commit"] = clean.clone()),
        ("settlement", |json, _| json["settlements"][1] = json["settlements"][0].clone()),
        ("settlement", |json, _| json["settlements"][0]["paths"] = json!(["README.md"])),
        ("differs", |json, _| json["settlements"][1]["tree"] = json["patches"][0]["tree"].clone()),
        ("bundle-lacks", |json, _| json["settlements"][0]["tree"] = json!("1".repeat(40))),
        ("verdict", |json, _| json["settlements"] = json!([])),
    ] {
        let mut json = whole.clone();
        spoil(&mut json, &clean);
        fs::write(&file, json.to_string()).unwrap();
        let run = verifier.plain("verify").args([artifact.to_str().unwrap(), "--json"]).run().exits(1);
        assert_eq!(run.json()["refusal"]["code"], code, "{run}");
    }
}

#[test]
fn a_run_after_everything_was_settled_takes_the_answers_along() {
    let server = Server::of(Workspace::conflicting(), &json!({}));
    let laptop = server.laptop();
    let candidate = laptop.settle_all();

    let run = laptop.plain("run").args(["--tag", "v2"]).run().exits(0);

    assert!(run.stdout.contains("settled for v2 before"), "{run}");
    assert_eq!(laptop.git(&["rev-parse", "refs/patch-moi/candidate/v2"]), Some(candidate));
    let artifact = laptop.checkout().join(".codex/workspace/actions/artifacts/v2");
    assert!(fs::read_to_string(artifact.join("candidate.json")).unwrap().contains("resolved"));

    // One more patch is another question.
    write(&laptop.checkout().join("more.txt"), "more\n");
    laptop.git(&["add", "more.txt"]);
    laptop.git(&["-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "More"]);
    let _ = laptop.plain("run").args(["--tag", "v2"]).run().exits(3);
}

#[test]
fn a_tip_that_a_checkout_of_one_commit_does_not_have_is_no_rewritten_branch() {
    let server = Server::of(Workspace::clean(), &json!({}));
    let runner = server.machine();
    let _ = runner.command("run").run().exits(0);
    let artifact = runner.artifact().unwrap();
    for number in 0..3 {
        server.workspace.fork.commit(&format!("More {number}"), &[("more.txt", &number.to_string())]);
    }
    server.workspace.fork.git(&["push", "--quiet", &file_url(&server.origin()), "main"]);

    let verifier = server.machine();
    assert_eq!(verifier.git(&["rev-list", "--count", "HEAD"]).as_deref(), Some("1"));
    let run = verifier.plain("verify").args([&*artifact, "--json"]).run().exits(0);
    assert_eq!(run.json()["proved"]["stale"], true, "{run}");
    assert_eq!(verifier.git(&["rev-list", "--count", "HEAD"]).as_deref(), Some("1"), "nothing was written");

    let publisher = server.machine();
    let _ = publisher.command("publish").args([&artifact]).run().exits(0).prints(&["marked stale"]);
    assert!(server.refs().contains("refs/heads/patch-moi/candidate/v2"));
    let run = server.machine().plain("verify").args(["patch-moi/candidate/v2", "--json"]).run();
    assert_eq!(run.json()["refusal"]["code"], "ref", "this machine knows no other tip\n{run}");

    // A branch that really went another way.
    server.workspace.fork.git(&["reset", "--quiet", "--soft", "v1"]);
    server.workspace.fork.commit("All of it", &[("all.txt", "1\n")]);
    server.workspace.fork.git(&["push", "--quiet", "--force", &file_url(&server.origin()), "main"]);
    let run = server.machine().plain("verify").args([&*artifact, "--json"]).run().exits(1);
    assert_eq!(run.json()["refusal"]["code"], "rewritten", "{run}");
}

#[test]
fn a_tag_that_upstream_has_taken_back_is_said_and_nothing_is_published() {
    let server = Server::of(Workspace::clean(), &json!({}));
    let runner = server.machine();
    let _ = runner.command("run").run().exits(0);
    let artifact = runner.artifact().unwrap();
    server.workspace.upstream.git(&["tag", "--delete", "v2"]);
    let before = server.refs();

    for args in [vec![&*artifact], vec!["--tag", "v2"]] {
        let publisher = server.machine();
        let run = publisher.command("publish").args(args).args(["--json"]).env("PATCH_MOI_FAIL", "now");
        let run = run.run().exits(1);
        assert!(run.stdout.contains("\"code\": \"gone\""), "{run}");
        assert_eq!(publisher.output("red"), "true");
    }
    assert_eq!(server.refs().replace(STATE, ""), before.replace(STATE, ""));
    let run = server.machine().plain("verify").args([&*artifact, "--json"]).run().exits(1);
    assert_eq!(run.json()["refusal"]["code"], "gone");
}

#[test]
fn a_publication_that_cannot_begin_is_red_and_says_why() {
    let server = Server::of(Workspace::clean(), &json!({}));
    let machine = server.machine();
    write(&machine.checkout().join(".codex/pack-lock.json"), "no");
    let _ = machine.command("publish").args(["--tag", "v2"]).run().exits(2);
    assert_eq!((machine.output("red"), machine.output("published")), ("true".into(), "nothing".into()));

    let machine = server.machine();
    let nowhere = format!("{}-gone", file_url(&server.origin()));
    machine.git(&["remote", "set-url", "origin", &nowhere]).unwrap();
    let _ = machine.command("publish").args(["--tag", "v2"]).run().exits(0).says(&["--state none"]);
    assert_eq!(machine.output("red"), "true");
    let summary = machine.summary();
    assert!(summary.starts_with("**Nothing was published, and nothing will be remembered"), "{summary}");
    assert!(summary.contains("cannot be read"), "{summary}");
}

#[test]
fn a_run_of_a_named_repository_that_left_nothing_has_failed_for_its_release() {
    let server = Server::of(Workspace::clean(), &json!({}));
    let fork = &server.workspace.fork;
    fork.git(&["rm", "--quiet", "-r", "feed-sources.json", "flows"]);
    fork.git(&["commit", "--quiet", "-m", "No files"]);
    fork.git(&["push", "--quiet", &file_url(&server.origin()), "main"]);
    server.workspace.upstream.git(&["tag", "v2.0.0", "v2"]);
    let upstream = file_url(server.workspace.upstream.path());
    for (tag, settled) in [(Some("v1"), "v1"), (None, "v2.0.0")] {
        let machine = server.machine();
        machine.git(&["remote", "add", "upstream", &upstream]).unwrap();
        let publish = machine.command("publish").args(tag.into_iter().flat_map(|tag| ["--tag", tag]));
        let publish = publish.env("PATCH_MOI_REPO", "acme/engine").env("PATCH_MOI_BRANCH", "main");

        let _ = publish.run().exits(0);

        assert_eq!((machine.output("red"), machine.output("state")), ("true".into(), "written".into()));
        assert_eq!(server.settled(settled), ["failed"]);
    }
}
