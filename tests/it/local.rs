//! `patch-moi local`: the run of CI, on a laptop.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Output, Program, Release, Snapshot, UPSTREAM, Workspace, file_url, patch_moi, write};

const V1: Release = Release { tag: "v1", title: "It runs", updated: "2026-01-01T00:00:00Z" };
const V2: Release = Release { tag: "v2", title: "Engine 2", updated: "2026-01-02T00:00:00Z" };

/// A fork whose flow and sources are committed and pushed to `origin`, as CI needs it.
struct Pushed {
    workspace: Workspace,
    origin: PathBuf,
    _folder: tempfile::TempDir,
}

impl Pushed {
    fn of(workspace: Workspace, more: &str) -> Self {
        let workspace = workspace.with_feed(&[V2, V1]);
        let flow = format!(
            "name = \"carry\"\nversion = 1\n\n[config]\ntarget_branch = \"main\"\nupstream_repo_url = {:?}\n\n\
             [[steps]]\nname = \"carry\"\nrunner = \"patch-stack\"\n\n[steps.trigger]\n\
             type = \"upstream.release\"\n\n{more}",
            file_url(workspace.upstream.path())
        );
        write(&workspace.path().join("flows/carry/flow.toml"), flow);
        workspace.fork.commit_all("Follow upstream");
        let folder = tempfile::TempDir::new().unwrap();
        let origin = folder.path().join("sample/fork.git");
        let fork = &workspace.fork;
        fork.git(&["clone", "--quiet", "--bare", fork.path().to_str().unwrap(), origin.to_str().unwrap()]);
        fork.git(&["remote", "add", "origin", &file_url(&origin)]);
        fork.git(&["fetch", "--quiet", "origin"]);
        Self { workspace, origin, _folder: folder }
    }

    fn local(&self, args: &[&str]) -> Program {
        patch_moi(self.workspace.path()).args(["local"]).args(args)
    }

    /// Runs with --json, and gives the document.
    fn seen(&self, args: &[&str], code: i32) -> (Output, Value) {
        let run = self.local(args).args(["--json"]).run().exits(code);
        let seen = run.json();
        (run, seen)
    }
}

fn output<'a>(seen: &'a Value, name: &str) -> &'a str {
    let outputs = seen["outputs"].as_array().unwrap();
    let found = outputs.iter().find(|pair| pair["name"] == name);
    found.unwrap_or_else(|| panic!("no output {name}: {seen:#}"))["value"].as_str().unwrap()
}

#[test]
fn a_schedule_with_a_new_release_shows_what_github_would_show() {
    let pushed = Pushed::of(Workspace::clean(), "");
    let refs = pushed.workspace.fork.git(&["for-each-ref"]);

    let (run, seen) = pushed.seen(&[], 0);

    assert_eq!(
        (&seen["event"], &seen["conclusion"], &seen["exitCode"]),
        (&"schedule".into(), &"success".into(), &0.into())
    );
    assert_eq!((output(&seen, "tag"), output(&seen, "has-release")), ("v2", "true"));
    assert_eq!(seen["summary"]["shown"], true);
    assert!(seen["summary"]["markdown"].as_str().unwrap().contains("The stack stands on v2"), "{run}");
    assert_eq!(seen["faults"].as_array().map(Vec::len), Some(0), "{seen:#}");
    let artifact = Path::new(seen["artifacts"][0].as_str().unwrap());
    assert!(artifact.join("candidate.json").is_file() && artifact.join("patches/series").is_file(), "{run}");
    assert_eq!(pushed.workspace.fork.git(&["for-each-ref"]), refs, "the fork itself was not touched");
    assert_eq!(pushed.workspace.fork.git(&["status", "--porcelain"]), "");
    assert!(fs::read_dir(run.home()).unwrap().next().is_none(), "the runner's folder is gone");
}

#[test]
fn a_conflict_is_an_annotation_and_the_exit_code_of_the_run() {
    let pushed = Pushed::of(Workspace::conflicting(), "");

    let (_, seen) = pushed.seen(&["--tag", "v2"], 3);

    assert_eq!((&seen["event"], &seen["conclusion"]), (&"workflow_dispatch".into(), &"failure".into()));
    let first = &seen["annotations"][0];
    assert_eq!((&first["level"], &first["file"]), (&"error".into(), &"engine.txt".into()), "{seen:#}");
    assert!(first["title"].as_str().unwrap().contains("More pistons"), "{seen:#}");
    assert_eq!(output(&seen, "conflicts"), "1");

    let run = pushed.local(&["--tag", "v2"]).run().exits(3);
    let _ = run.prints(&[
        "summary   ",
        "of 1048576 bytes",
        "error     “More pistons” needs you",
        "output    conflicts = 1",
        "exit code 3",
    ]);
}

#[test]
fn what_ci_would_not_see_is_named_first_and_is_not_there() {
    let pushed = Pushed::of(Workspace::clean(), "");
    let fork = &pushed.workspace.fork;
    fork.commit("Not pushed", &[("more.txt", "more\n")]);
    write(&fork.path().join("colour.txt"), "blue\n");
    write(&fork.path().join("notes/draft\u{1b}[31m.txt"), "draft\n");

    let run = pushed.local(&[]).run().exits(0).prints(&[
        "changed    colour.txt",
        "untracked  notes/draft\\u{1b}[31m.txt",
        "Not pushed",
        "in CI only once they are pushed",
    ]);
    let at = |text: &str| run.stdout.find(text).unwrap_or_else(|| panic!("{text}\n{run}"));
    assert!(at("colour.txt") < at("summary "), "{run}");
    let (_, seen) = pushed.seen(&["--commit", "origin/main"], 0);
    assert_eq!(seen["unseen"]["unpushed"].as_array().map(Vec::len), Some(0));
    assert!(seen["summary"]["markdown"].as_str().unwrap().contains("3 patches"), "{seen:#}");
}

#[test]
fn nothing_of_this_machine_reaches_the_step_that_a_runner_would_not_have() {
    let step =
        "[[checks]]\nname = \"show\"\ncommand = [\"sh\", \"-c\", \"env > env.txt; cat env.txt; false\"]\n";
    let pushed = Pushed::of(Workspace::clean(), step);
    let secret = "hunter2hunter2";

    let run = pushed
        .local(&["--json"])
        .env("GITHUB_TOKEN", secret)
        .env("PATCH_MOI_TOKEN", secret)
        .env("GH_TOKEN", secret)
        .env("INPUT_TAG", "v1")
        .env("DATA_DIR", "/somewhere")
        .env("MY_OWN", secret)
        .run()
        .exits(1);

    let seen = run.json();
    let names: Vec<&str> =
        seen["environment"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    for name in
        ["GITHUB_REPOSITORY", "GITHUB_EVENT_PATH", "RUNNER_OS", "CI", "PATCH_MOI_TAG", "CODEX_WORKSPACE_MODE"]
    {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    let is_odd = |name: &&&str| name.contains("TOKEN") || name.starts_with("INPUT_") || **name == "MY_OWN";
    assert_eq!(names.iter().find(is_odd), None);
    assert!(!names.contains(&"DATA_DIR"));
    assert!(!run.to_string().contains(secret), "{run}");
    let log = Path::new(seen["artifacts"][0].as_str().unwrap()).join("checks/show.log");
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("PATH=") && !log.contains("INPUT_") && !log.contains("GITHUB_OUTPUT"), "{log}");
}

#[test]
fn a_check_that_plays_the_runner_commands_nothing() {
    let hostile = r#"[[checks]]
name = "hostile"
command = ["sh", "-c", "echo '::set-output name=tag::forged'; echo '::error::not ours' >&2; echo 'x ##[add-mask]e'"]
"#;
    let pushed = Pushed::of(Workspace::clean(), hostile);

    let (run, seen) = pushed.seen(&[], 0);

    assert_eq!(output(&seen, "tag"), "v2");
    assert_eq!((&seen["masks"], seen["annotations"].as_array().map(Vec::len)), (&0.into(), Some(0)), "{run}");
    let _ = run.says(&["::error::not ours", "▸ check hostile"]);
}

#[test]
fn with_nothing_new_one_sentence_says_where_the_newest_release_stands() {
    let workspace = Workspace::clean();
    let pushed = Pushed::of(workspace, "");
    pushed.workspace.fork.git(&["rebase", "--quiet", "--onto", "FETCH_HEAD", "v1"]);
    let fork = &pushed.workspace.fork;
    fork.git(&["fetch", "--quiet", "upstream", "refs/tags/v2"]);
    fork.git(&["merge", "--quiet", "--no-edit", "FETCH_HEAD"]);
    fork.git(&["push", "--quiet", "--force", "origin", "main"]);

    let (_, seen) = pushed.seen(&[], 0);

    let markdown = seen["summary"]["markdown"].as_str().unwrap();
    assert!(markdown.contains("v2"), "{markdown}");
    assert_eq!(seen["annotations"].as_array().map(Vec::len), Some(0), "{seen:#}");
}

#[test]
fn without_any_file_the_inputs_of_the_action_are_enough() {
    let pushed = Pushed::of(Workspace::clean(), "");
    let fork = &pushed.workspace.fork;
    fork.git(&["rm", "-rq", "flows"]);
    fork.commit_all("No flow of its own");

    let repo = format!("repo={UPSTREAM}");
    let (_, seen) = pushed.seen(&["--with", &repo, "--with", "branch=main", "--tag", "v2"], 0);

    assert_eq!(
        seen["command"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|word| word.as_str().unwrap().starts_with("--repo="))
            .count(),
        1
    );
    assert_eq!(output(&seen, "tag"), "v2");
}

#[test]
fn what_cannot_be_imitated_is_refused_with_a_reason() {
    let pushed = Pushed::of(Workspace::clean(), "");
    let _ = pushed.local(&["--with", "tgg=v2"]).run().exits(2).says(&["no input `tgg`", "it has"]);
    let _ = pushed.local(&["--with", "tag"]).run().exits(2).says(&["NAME=VALUE"]);
    let _ = pushed
        .local(&["--event", "schedule", "--tag", "v2"])
        .run()
        .exits(2)
        .says(&["a schedule names no tag"]);
    let _ = pushed.local(&["--commit", "nonsense"]).run().exits(2).says(&["names no commit"]);
    let empty = tempfile::TempDir::new().unwrap();
    let before = Snapshot::of(&[empty.path()]);
    let _ = patch_moi(empty.path()).args(["local"]).run().exits(2).says(&["no git checkout"]);
    Snapshot::of(&[empty.path()]).assert_same_as(&before);
    assert!(pushed.origin.exists());
}
