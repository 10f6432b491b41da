//! The repository of its own that a script is given.

use std::fs;

use serde_json::json;

use super::{clones, log, program, run_locally, the_run, with_code_mode};
use crate::lacking::clone_anew;
use crate::support::{Repo, Workspace, file_url};

/// A small sibling of the fork flow of older days: fetches upstream's tags where it is, and rebases the branch.
const REBASE: &str = r#"
const repo = (await tools.exec_command({ cmd: 'printf %s "${FORK_DIR:-}"' })).output || flow.config.codex_repo;
const run = (cmd) => tools.exec_command({ cmd, workdir: repo });
const tag = flow.event.payload.tag;
const steps = {};
for (const [name, cmd] of [
  ["branch", "git rev-parse --abbrev-ref HEAD"],
  ["remote", "git remote get-url upstream || git remote add upstream " + flow.config.upstream_repo_url],
  ["before", "git rev-parse HEAD"],
  ["fetch", "git fetch upstream --tags --prune"],
  ["rebase", "git rebase " + tag],
  ["head", "git rev-parse HEAD"],
]) {
  const done = await run(cmd);
  steps[name] = done.output.trim();
  if (done.exit_code !== 0) {
    result({ status: name === "rebase" ? "needs_intervention" : "failed", message: name + ": " + done.output, repo });
  }
}
result({ status: "changed", message: "rebased", repo, steps, artifacts: { beforeSha: steps.before, afterSha: steps.head } });
"#;

fn config(workspace: &Workspace) -> String {
    format!(
        "codex_repo_env = \"FORK_DIR\"\ncodex_repo = {:?}\ntarget_branch = \"main\"\nupstream_repo_url = {:?}",
        workspace.path().to_str().unwrap(),
        file_url(workspace.upstream.path())
    )
}

fn with_rebase(workspace: Workspace) -> Workspace {
    // The fork's own release has the name of upstream's.
    workspace.fork.tag("v2");
    let config = config(&workspace);
    with_code_mode(workspace, &config, "", REBASE)
}

#[test]
fn a_script_that_fetches_tags_works_where_the_fork_has_its_own_of_the_same_names() {
    let workspace = with_rebase(Workspace::clean());
    fs::write(workspace.path().join("draft.txt"), "a person's").unwrap();
    let (tip, tag) = (workspace.fork.id("main"), workspace.fork.id("v2"));

    let run = run_locally(&workspace).run().exits(0);

    let record = the_run(&workspace);
    let payload = &record["resultPayload"];
    assert_eq!(json!([payload["status"], payload["steps"]["branch"]]), json!(["changed", "main"]), "{run}");
    let repo = payload["repo"].as_str().unwrap();
    assert!(repo.ends_with(&format!("flow-repos/{}", record["id"].as_str().unwrap())), "{repo}");
    let head = payload["steps"]["head"].as_str().unwrap();
    assert_ne!(head, tip);
    // The commit is kept in the fork as the candidate. Nothing else happened there, and nothing is left.
    let kept = workspace.fork.git(&["for-each-ref", "--contains", head, "--format=%(objectname) %(refname)"]);
    assert_eq!(kept.trim(), format!("{head} refs/patch-moi/candidate/v2"));
    assert_eq!(workspace.fork.git(&["fsck", "--full", "--no-progress"]), "");
    assert_eq!((workspace.fork.id("main"), workspace.fork.id("v2")), (tip, tag));
    assert_eq!(workspace.fork.git(&["remote"]), "upstream");
    assert!(clones(&workspace).is_empty());
    workspace.assert_nothing_half_written();
}

#[test]
fn a_script_works_where_the_fork_was_cloned_without_files_or_trees() {
    for filter in ["--filter=blob:none", "--filter=tree:0"] {
        let workspace = Workspace::clean();
        clone_anew(&workspace, &[filter]);
        let workspace = with_rebase(workspace);

        let run = run_locally(&workspace).run().exits(0);

        let record = the_run(&workspace);
        let head = record["resultPayload"]["steps"]["head"].as_str().unwrap();
        assert_eq!(workspace.fork.id("refs/patch-moi/candidate/v2"), head, "{filter}\n{run}");
        assert_eq!(workspace.fork.git(&["show", &format!("{head}:engine.txt")]), "pistons: 6");
        workspace.fork.git(&["fsck", "--connectivity-only"]);
        assert!(clones(&workspace).is_empty());
    }
}

#[test]
fn a_repository_in_which_a_person_is_needed_is_kept_named_and_gone_on_with() {
    let workspace = with_rebase(Workspace::conflicting());
    let run = run_locally(&workspace).run().exits(3);
    let kept = clones(&workspace);
    assert_eq!(kept.len(), 1, "{run}");
    let run =
        run.prints(&["its repository is kept in", "run the same command again", kept[0].to_str().unwrap()]);
    assert!(kept[0].join(".git/rebase-merge").is_dir(), "{run}");
    assert!(log(&workspace).contains("CONFLICT"));

    // Whoever settles it there, here by giving up two patches, lets the next run go on from there.
    let there = Repo::at(&kept[0]);
    while there.try_git(&["rebase", "--skip"]).0 != 0 {}
    let settled = there.id("HEAD");
    let again = run_locally(&workspace).run().exits(0);
    assert_eq!(the_run(&workspace)["resultPayload"]["steps"]["head"], settled, "{again}");
    let _ = again.says(&["which was kept"]);
    let candidate = workspace.candidate("v2");
    assert_eq!(
        json!([candidate["candidate"]["commit"], candidate["tip"]]),
        json!([settled, workspace.fork.id("main")]),
        "the branch of the fork stands where it stood"
    );
    assert!(clones(&workspace).is_empty());
}

#[test]
fn a_person_who_names_a_repository_gets_that_one() {
    let workspace = with_rebase(Workspace::clean());
    let other = workspace.fork.clone_to(&workspace.data().join("../other"));
    other.git(&["tag", "--delete", "v2"]);
    other.git(&["config", "user.name", "Ada"]);
    other.git(&["config", "user.email", "ada@example.org"]);
    let run = run_locally(&workspace).env("FORK_DIR", other.path()).run().exits(0);
    assert_eq!(the_run(&workspace)["resultPayload"]["repo"], other.path().to_str().unwrap(), "{run}");
    assert_eq!(other.id("HEAD"), the_run(&workspace)["resultPayload"]["steps"]["head"]);
    assert!(clones(&workspace).is_empty());
}

#[test]
fn a_folder_of_another_machine_stands_for_the_workspace_itself() {
    for elsewhere in ["/home/nobody/codex", "../codex"] {
        let workspace = Workspace::clean();
        let config = config(&workspace).replace(workspace.path().to_str().unwrap(), elsewhere);
        let workspace = with_code_mode(workspace, &config, "", REBASE);
        let run = run_locally(&workspace).run().exits(0);
        let payload = the_run(&workspace)["resultPayload"].clone();
        assert_eq!(payload["status"], "changed", "{run}");
        let candidate = workspace.candidate("v2");
        assert_eq!(
            json!([candidate["flow"]["origin"], candidate["candidate"]["commit"]]),
            json!(["flow", payload["artifacts"]["afterSha"]]),
            "{run}"
        );
    }
}

#[test]
fn what_a_cancelled_run_could_not_keep_is_made_again() {
    let workspace = with_rebase(Workspace::clean());
    let tools = tempfile::TempDir::new().unwrap();
    // Whoever takes the step's commits to the fork is told to end meanwhile.
    let git = "#!/bin/sh\ncase \"$*\" in *fetch*flow-repos*) kill -TERM $PPID; sleep 60;; esac\n\
               PATH=${PATH#*:}; exec git \"$@\"\n";
    program(&tools.path().join("git"), git);
    let path = format!("{}:{}", tools.path().display(), std::env::var("PATH").unwrap());
    let run = run_locally(&workspace).env("PATH", path).run().exits(1).says(&["interrupted"]);
    let record = the_run(&workspace);
    assert_eq!(json!([record["status"], record["raw"]["host"]]), json!(["failed", "local"]), "{run}");
    assert!(clones(&workspace).is_empty());
    workspace.assert_nothing_half_written();

    let _ = run_locally(&workspace).run().exits(0);
    assert_eq!(
        workspace.candidate("v2")["candidate"]["commit"],
        the_run(&workspace)["resultPayload"]["artifacts"]["afterSha"]
    );
}

#[test]
fn where_there_is_no_such_branch_the_variable_stays_unset_and_that_is_said() {
    let workspace = Workspace::clean();
    let config = config(&workspace).replace("\"main\"", "\"elsewhere\"");
    let workspace = with_code_mode(workspace, &config, "", "result({ status: 'completed' });\n");
    let run = run_locally(&workspace).run();
    let _ = run.says(&["FORK_DIR stays unset", "has no branch `elsewhere`"]);
}
