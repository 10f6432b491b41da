//! What an unlucky moment, a hostile remote or a hostile configuration must not bring about.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Release, UPSTREAM, Workspace, executable, file_url, write};

const V2: Release = Release { tag: "v2", title: "Engine 2", updated: "2026-01-02T00:00:00Z" };

/// The states that the ledger gave v2, oldest first.
fn states(workspace: &Workspace) -> Vec<String> {
    let lines = workspace.journal("releases.jsonl");
    lines.iter().map(|line| line["state"].as_str().unwrap_or("?").to_owned()).collect()
}

#[test]
fn a_refused_candidate_does_not_take_away_the_patches_of_an_older_squashed_one() {
    let check =
        "[[checks]]\nname = \"good\"\ncommand = [\"test\", \"!\", \"-e\", \"bad.txt\"]\nrequired = true\n";
    let workspace = Workspace::clean();
    let squashing = workspace.flow_toml(check).replace("[config]\n", "[config]\nsquash_patch_stack = true\n");
    workspace.install_flow(&squashing);
    workspace.lock();
    let _ = workspace.run_tag("v2").run().exits(0);
    let patches = workspace.fork.id("refs/patch-moi/stack/v2");
    workspace.fork.commit("Break it", &[("bad.txt", "bad\n")]);

    let run = workspace.run_tag("v2").run().exits(1);

    assert_eq!(
        workspace.fork.try_git(&["rev-parse", "--verify", "-q", "refs/patch-moi/candidate/v2"]).0,
        1,
        "{run}"
    );
    assert_eq!(
        workspace.fork.id("refs/patch-moi/stack/v2"),
        patches,
        "nothing else has these patches one by one"
    );
}

#[test]
fn a_cancelled_run_is_not_one_of_the_tries_of_a_release() {
    let folder = tempfile::TempDir::new().unwrap();
    let begun = folder.path().join("begun");
    let check = format!(
        "[[checks]]\nname = \"slow\"\ncommand = [\"sh\", \"-c\", \"touch {}; sleep 600 & wait\"]\nrequired = true\n",
        begun.display()
    );
    let workspace = Workspace::clean().with_flow(&check).with_feed(&[V2]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_patch-moi"))
        .arg("run")
        .current_dir(workspace.path())
        .env("DATA_DIR", workspace.data())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !begun.exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(20));
    }

    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();

    assert!(sent.success());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(states(&workspace), ["seen"], "it was not finished, and so it is still due");
    workspace.assert_nothing_half_written();
}

#[test]
fn a_checkouts_configuration_cannot_name_the_program_that_serves_upstream() {
    let workspace = Workspace::clean().with_flow("");
    let ran = workspace.data().with_file_name("ran");
    let key = format!("remote.{}.uploadpack", file_url(workspace.upstream.path()));
    workspace.fork.git(&["config", &key, &format!("touch {}; git-upload-pack", ran.display())]);

    let _ = workspace.run_tag("v2").run().exits(0);

    assert!(!ran.exists());
}

#[test]
fn a_token_in_a_url_stands_in_no_message_and_no_record() {
    let workspace = Workspace::clean();
    for url in ["https://bot:s3cret@localhost:1/x", "http://bot:s3cret@example.org/x"] {
        let flow = workspace.flow_toml("").replace(&file_url(workspace.upstream.path()), url);
        workspace.install_flow(&flow);
        workspace.lock();

        let run = workspace.run_tag("v2").run();

        assert_ne!(run.code, Some(0), "{run}");
        assert!(run.stderr.contains("localhost:1/x") || run.stderr.contains("example.org/x"), "{run}");
        assert!(!format!("{}{}", run.stdout, run.stderr).contains("s3cret"), "{run}");
    }
}

/// A PATH whose git does what git does, and runs `script` once ls-remote has answered.
fn git_then(dir: &Path, script: &str) -> String {
    let path = std::env::var("PATH").unwrap();
    let real = std::env::split_paths(&path).map(|dir| dir.join("git")).find(|git| git.is_file()).unwrap();
    let git = dir.join("git");
    let text = format!(
        "#!/bin/sh\n{real} \"$@\"\nend=$?\ncase \" $* \" in *' ls-remote '*) {script} ;; esac\nexit $end\n",
        real = real.display()
    );
    executable(&git, text);
    format!("{}:{path}", dir.display())
}

#[test]
fn a_tag_that_moves_while_it_is_fetched_is_not_carried() {
    let workspace = Workspace::clean().with_flow("").with_feed(&[V2]);
    let folder = tempfile::TempDir::new().unwrap();
    let moves = format!("git -C {} tag -f v2 main >/dev/null", workspace.upstream.path().display());
    let path = git_then(folder.path(), &moves);

    let run = workspace.run(&[]).env("PATH", path).run().exits(1).says(&["v2", "moved"]);

    assert!(!workspace.artifact("v2").join("candidate.json").exists(), "{run}");
    assert!(workspace.fork.try_git(&["rev-parse", "--verify", "-q", "refs/patch-moi/candidate/v2"]).0 != 0);
    let _ = workspace.run(&[]).run().exits(1).says(&["v2", "moved"]);
}

#[test]
fn a_pinned_flow_does_not_run_a_script_that_its_lock_does_not_cover() {
    let workspace = Workspace::clean();
    let ran = workspace.data().with_file_name("ran");
    let script = workspace.data().with_file_name("elsewhere.js");
    write(
        &script,
        "// not what was pinned
",
    );
    let flow =
        workspace.flow_toml("").replace("runner = \"patch-stack\"", "runner = \"bun\"\nscript = \"step.js\"");
    workspace.install_flow(&flow);
    std::os::unix::fs::symlink(&script, workspace.path().join(".codex/flows/carry/step.js")).unwrap();
    workspace.lock();
    workspace.fork.commit_all("Install the flow");
    let tools = tempfile::TempDir::new().unwrap();
    let bun = tools.path().join("bun");
    executable(
        &bun,
        format!("#!/bin/sh\ntouch {}\necho 'FLOW_RESULT {{\"status\":\"completed\"}}'\n", ran.display()),
    );
    let path = format!("{}:{}", tools.path().display(), std::env::var("PATH").unwrap());

    let run = workspace.run_tag("v2").env("PATH", path).run();

    assert!(!ran.exists(), "{run}");
    assert!(format!("{run}").contains("the lock does not pin"), "{run}");
    assert_eq!(run.code, Some(1), "{run}");
}

#[test]
fn the_artifact_of_another_upstream_with_the_same_tag_is_not_replaced() {
    let workspace = Workspace::clean();
    let carry =
        |repo: &str| workspace.run(&["release", "--repo", repo, "--tag", "v2", "--branch", "main"]).run();
    let _ = carry(UPSTREAM).exits(0);
    let (before, refs) =
        (workspace.candidate("v2"), workspace.fork.git(&["for-each-ref", "refs/patch-moi/candidate"]));

    let _ = carry("somebody/else").exits(1).says(&["v2", UPSTREAM, "--workspace-root"]);

    assert_eq!(workspace.candidate("v2"), before);
    assert_eq!(workspace.fork.git(&["for-each-ref", "refs/patch-moi/candidate"]), refs);
}
