//! Commits that a step of a flow made itself: kept like a carried candidate, and published only where somebody
//! accepts that nobody can make them again.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::steps::write_flow;
use crate::support::{Program, Workspace, file_url, patch_moi, write};
use crate::verify::downloaded;

const CANDIDATE: &str = "refs/patch-moi/candidate/v2";

/// A fork whose flow `own` rebases by itself: `parent` is what its commit stands on.
fn with_own_flow(parent: &str, report: &str) -> Workspace {
    let workspace = Workspace::clean();
    let folder = workspace.path().join("flows/own");
    let flow = format!(
        "name = \"own\"\nversion = 1\n\n[config]\nrepo = {:?}\ntarget_branch = \"main\"\nupstream_repo_url = {:?}\n\n\
         [[steps]]\nname = \"hello\"\nrunner = \"command\"\ncommand = [\"sh\", \"step.sh\"]\n\n\
         [steps.trigger]\ntype = \"upstream.release\"\n",
        workspace.path(),
        file_url(workspace.upstream.path())
    );
    write(&folder.join("flow.toml"), flow);
    let script = format!(
        "cd ../..\ngit fetch --quiet {} refs/tags/v2\n\
         made=$(git -c user.name=Ada -c user.email=ada@example.org commit-tree -p '{parent}' -m 'All of mine' 'HEAD^{{tree}}')\n\
         before=$(git rev-parse HEAD)\n{report}\n",
        file_url(workspace.upstream.path())
    );
    write(&folder.join("step.sh"), script);
    workspace.fork.git(&["add", "-A"]);
    workspace.fork.git(&["commit", "-qm", "Add the flow"]);
    workspace
}

const ON_RELEASE: &str = "FETCH_HEAD^{commit}";
const BY_HEAD: &str = r#"echo "FLOW_RESULT {\"status\":\"changed\",\"message\":\"rebased\",\"artifacts\":{\"codexHead\":\"$made\",\"beforeSha\":\"$before\"}}""#;

/// The folder that another machine gets, and the fork's remote.
fn handed_on(workspace: &Workspace) -> (PathBuf, PathBuf) {
    let remote = workspace.data().parent().unwrap().join("remote.git");
    workspace.fork.git(&["init", "--quiet", "--bare", remote.to_str().unwrap()]);
    workspace.fork.git(&["remote", "add", "origin", &file_url(&remote)]);
    workspace.fork.git(&["push", "--quiet", "origin", "main"]);
    let dir = downloaded(workspace, "v2");
    fs::remove_dir_all(workspace.path().join(".codex/workspace")).unwrap();
    fs::remove_dir_all(workspace.data()).unwrap();
    workspace.fork.git(&["update-ref", "-d", CANDIDATE]);
    workspace.fork.git(&["reflog", "expire", "--expire=now", "--all"]);
    workspace.fork.git(&["gc", "--quiet", "--prune=now"]);
    (dir, remote)
}

fn publish(workspace: &Workspace, dir: &std::path::Path, args: &[&str]) -> Program {
    let publish = patch_moi(workspace.path()).args(["publish", dir.to_str().unwrap(), "--json"]).args(args);
    publish.env("DATA_DIR", workspace.data())
}

fn code(run: &Value) -> &Value {
    &run["events"][0]["refusal"]["code"]
}

#[test]
fn a_commit_that_a_step_reports_gets_the_artifact_of_a_candidate() {
    let by_ref = "git update-ref refs/heads/next $made\necho 'FLOW_RESULT {\"status\":\"changed\",\"artifacts\":{\"candidateRefs\":\"refs/heads/next\"}}'";
    for report in [BY_HEAD, by_ref] {
        let workspace = with_own_flow(ON_RELEASE, report);

        let run = workspace
            .run_tag("v2")
            .run()
            .exits(0)
            .prints(&["The step own/hello made", "no patch was looked at"]);

        let candidate = workspace.candidate("v2");
        let commit = candidate["candidate"]["commit"].as_str().unwrap();
        assert_eq!(candidate["flow"]["origin"], "flow", "{run}");
        assert_eq!(candidate["tip"], workspace.fork.git(&["rev-parse", "main"]).trim());
        assert_eq!(json!([candidate["status"], candidate["patches"]]), json!(["candidate", []]));
        assert_eq!(workspace.fork.git(&["rev-parse", CANDIDATE]).trim(), commit);
        let bundle = workspace.artifact("v2").join("candidate.bundle");
        let heads = workspace.fork.git(&["bundle", "list-heads", bundle.to_str().unwrap()]);
        assert_eq!(heads.trim(), format!("{commit} {CANDIDATE}"));
        workspace.assert_nothing_half_written();
    }
}

#[test]
fn the_summary_has_what_another_step_says_beside_the_candidate() {
    let workspace = with_own_flow(ON_RELEASE, BY_HEAD);
    let says = r#"echo 'FLOW_RESULT {"status":"failed","message":"no <b>paint</b>"}'"#;
    write_flow(&workspace, "demo", r#"command = ["sh", "step.sh"]"#, says);
    workspace.fork.git(&["add", "-A"]);
    workspace.fork.git(&["commit", "-qm", "Add another flow"]);
    let summary = workspace.data().with_file_name("summary.md");
    write(&summary, "");
    let _ = workspace
        .run_tag("v2")
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", &summary)
        .run()
        .exits(1);
    let summary = fs::read_to_string(summary).unwrap();
    assert!(summary.contains("**The step own/hello made "), "{summary}");
    assert!(summary.contains("\n- `demo/hello` failed: no &lt;b&gt;paint"), "{summary}");
}

#[test]
fn a_commit_that_does_not_stand_on_the_release_or_is_not_there_is_no_candidate() {
    let gone = "echo 'FLOW_RESULT {\"status\":\"changed\",\"artifacts\":{\"afterSha\":\"1111111111111111111111111111111111111111\"}}'";
    for (parent, report, why) in
        [("HEAD", BY_HEAD, "does not descend from v2"), (ON_RELEASE, gone, "has none of 1111111111")]
    {
        let workspace = with_own_flow(parent, report);
        let _ = workspace.run_tag("v2").run().exits(0).prints(&["is no candidate", why]);
        assert!(!workspace.artifact("v2").join("candidate.json").exists());
        assert_eq!(workspace.state()["runs"][0]["status"], "changed", "its own word stands");
    }
}

#[test]
fn what_a_flow_made_is_published_only_where_that_is_accepted_and_exactly_as_it_is() {
    let workspace = with_own_flow(ON_RELEASE, BY_HEAD);
    let _ = workspace.run_tag("v2").run().exits(0);
    let commit = workspace.candidate("v2")["candidate"]["commit"].as_str().unwrap().to_owned();
    let (dir, remote) = handed_on(&workspace);
    let refs = || {
        workspace.fork.git(&[
            "--git-dir",
            remote.to_str().unwrap(),
            "for-each-ref",
            "--format=%(objectname) %(refname)",
            "refs/heads/patch-moi",
        ])
    };

    let run = publish(&workspace, &dir, &[]).run().exits(4);
    assert_eq!(code(&run.json()), "made-by-flow", "{run}");
    assert_eq!(refs(), "");

    let _ = publish(&workspace, &dir, &["--accept", "descends"]).run().exits(0);
    assert_eq!(refs().trim(), format!("{commit} refs/heads/patch-moi/candidate/v2"));
}

#[test]
fn an_artifact_that_lies_about_what_a_flow_made_is_refused() {
    let other = |workspace: &Workspace| workspace.fork.git(&["rev-parse", "main"]).trim().to_owned();
    for (pointer, value, expected) in [
        ("/candidate/commit", None, "no-descent"),
        ("/candidate/commit", Some("1111111111111111111111111111111111111111"), "bundle-lacks"),
        ("/candidate/tree", Some("1111111111111111111111111111111111111111"), "differs"),
        ("/flow/step", Some("another"), "no-flow"),
    ] {
        let workspace = with_own_flow(ON_RELEASE, BY_HEAD);
        let _ = workspace.run_tag("v2").run().exits(0);
        let (dir, remote) = handed_on(&workspace);
        let file = dir.join("candidate.json");
        let mut document: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        *document.pointer_mut(pointer).unwrap() =
            json!(value.map_or_else(|| other(&workspace), str::to_owned));
        write(&file, document.to_string());

        let run = publish(&workspace, &dir, &["--accept", "descends"]).run();

        assert_eq!(code(&run.json()), expected, "{pointer}\n{run}");
        let refs = workspace.fork.git(&[
            "--git-dir",
            remote.to_str().unwrap(),
            "for-each-ref",
            "refs/heads/patch-moi",
        ]);
        assert_eq!(refs, "");
    }
}
