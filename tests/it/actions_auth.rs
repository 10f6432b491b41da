//! `patch-moi actions`: Codex's login in a workflow, and the assertion about a run.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::support::{FLOW, Program, Workspace, content_hash, patch_moi, write};

fn actions(workspace: &Workspace, args: &[&str]) -> Program {
    patch_moi(workspace.path()).args(["actions"]).args(args)
}

#[test]
fn a_login_is_written_for_its_owner_alone_and_said_without_a_word_of_it() {
    let workspace = Workspace::on_v1();
    let run = actions(&workspace, &["prepare-auth", "--json"])
        .env("CODEX_AUTH_JSON", r#"{"tokens":{"id":"hunter2"}}"#)
        .env("OPENAI_API_KEY", "hunter2")
        .run()
        .exits(0);
    let codex = workspace.path().join(".codex");
    let expected = json!({
        "codexHome": codex.to_str().unwrap(),
        "authPath": codex.join("auth.json").to_str().unwrap(),
        "source": "CODEX_AUTH_JSON",
        "wrote": true,
    });
    assert_eq!(run.json(), expected);
    assert!(!run.to_string().contains("hunter2"), "{run}");
    let text = fs::read_to_string(codex.join("auth.json")).unwrap();
    assert_eq!(text, "{\n  \"tokens\": {\n    \"id\": \"hunter2\"\n  }\n}\n");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&codex), mode(&codex.join("auth.json"))), (0o700, 0o600));
}

#[test]
fn where_git_would_take_the_login_along_the_run_says_so() {
    let workspace = Workspace::on_v1();
    let prepare = || actions(&workspace, &["prepare-auth"]).env("OPENAI_API_KEY", "hunter2").run().exits(0);
    let run = prepare().says(&["git does not ignore", ".codex/auth.json"]);
    assert!(!run.to_string().contains("hunter2"), "{run}");

    workspace.fork.git(&["add", "--force", ".codex/auth.json"]);
    let _ = prepare().says(&["git tracks", "git rm --cached"]);
    workspace.fork.git(&["rm", "--quiet", "--cached", ".codex/auth.json"]);

    write(&workspace.path().join(".gitignore"), "/.codex/auth.json\n");
    let run = prepare();
    assert!(!run.stderr.contains("git "), "{run}");
    let none = Workspace::on_v1();
    let run = actions(&none, &["prepare-auth"]).run().exits(0);
    assert!(!run.stderr.contains("git "), "nothing was written\n{run}");
}

#[test]
fn a_login_that_is_no_object_is_refused_and_the_old_one_stands() {
    let workspace = Workspace::on_v1();
    write(&workspace.path().join(".codex/auth.json"), "{}\n");
    for value in ["\"hunter2\"", "[1]", "{\"a\": hunter2}"] {
        let run = actions(&workspace, &["prepare-auth"]).env("CODEX_AUTH_JSON", value).run().exits(1);
        let run = run.says(&["CODEX_AUTH_JSON"]);
        assert!(!run.to_string().contains("hunter2"), "{run}");
    }
    assert_eq!(fs::read_to_string(workspace.path().join(".codex/auth.json")).unwrap(), "{}\n");
}

#[test]
fn without_a_login_nothing_is_written_and_nothing_is_wrong() {
    let workspace = Workspace::on_v1();
    let run = actions(&workspace, &["prepare-auth", "--json"]).run().exits(0);
    assert_eq!(json!([run.json()["source"], run.json()["wrote"]]), json!(["none", false]));
    assert!(!workspace.path().join(".codex").exists());
}

#[test]
fn cleanup_takes_everything_of_codex_and_nothing_of_a_pack() {
    let workspace = Workspace::on_v1();
    let codex = workspace.path().join(".codex");
    let gone = [
        "auth.json",
        "history.jsonl",
        "log/codex-tui.log",
        "sessions/2026/a.jsonl",
        "cache/x",
        "state.sqlite",
        "state.sqlite-wal",
        "state.sqlite-shm",
        "deep/INDEX.DB",
        "memories/.git/HEAD",
        "skills/.system/x/SKILL.md",
    ];
    let kept = [
        "flows/demo/fixture.db",
        "hooks/h/hooks.sqlite",
        "skills/s/data.db",
        "tools/t/data.db",
        "workspace/actions/flow-client/x.db",
        "memories/notes.md",
        "config.toml",
    ];
    gone.iter().chain(&kept).for_each(|path| write(&codex.join(path), "x"));
    std::os::unix::fs::symlink(codex.join("config.toml"), codex.join("link.db")).unwrap();
    let digest = content_hash(&codex.join("tools/t"));
    let item = json!({
        "name": "t", "kind": "plugin", "source": {"input": "../p", "type": "local"}, "sourcePath": "tools/t",
        "destinationPath": ".codex/tools/t", "contentHash": digest, "installedAt": "2026-01-01T00:00:00.000Z",
    });
    workspace.write_lock(&json!([item]));

    let run = actions(&workspace, &["cleanup", "--json"]).run().exits(0);

    assert!(gone.iter().all(|path| !codex.join(path).exists()), "{run}");
    assert!(kept.iter().all(|path| codex.join(path).exists()), "{run}");
    let removed = json!([
        "auth.json",
        "cache",
        "deep/INDEX.DB",
        "history.jsonl",
        "link.db",
        "log",
        "memories/.git",
        "sessions",
        "skills/.system",
        "state.sqlite",
        "state.sqlite-shm",
        "state.sqlite-wal",
    ]);
    assert_eq!(run.json()["removed"], removed);
    let again = actions(&workspace, &["cleanup"]).run().exits(0);
    let _ = again.prints(&["nothing to remove"]);
}

#[test]
fn a_lock_that_nobody_can_read_leaves_no_login_behind() {
    let workspace = Workspace::on_v1();
    let codex = workspace.path().join(".codex");
    write(&codex.join("auth.json"), "{}");
    write(&codex.join("pack-lock.json"), "{");
    let _ = actions(&workspace, &["cleanup"]).run().exits(0).says(&["what the lock names is not known"]);
    assert!(!codex.join("auth.json").exists());
}

#[test]
fn a_changed_run_will_do_unless_it_is_asked_otherwise() {
    let workspace = Workspace::on_v1();
    let step = |result: &str| {
        write(
            &workspace.path().join("flows/demo/flow.toml"),
            format!(
                "name = \"demo\"\nversion = 1\n\n[[steps]]\nname = \"hello\"\nrunner = \"command\"\n\
                 command = [\"sh\", \"-c\", '''{result}''']\n\n[steps.trigger]\ntype = \"upstream.release\"\n"
            ),
        );
        let _ = workspace.run_tag("v2").run();
    };
    let asserted = |more: &[&str]| {
        actions(&workspace, &["assert-run", "--flow", "demo", "--step", "hello"]).args(more).run()
    };
    let _ = asserted(&[]).exits(1).says(&["no run of demo/hello is recorded"]);

    step(r#"echo 'FLOW_RESULT {"status":"changed","message":"it is \"new\""}'"#);
    let run = asserted(&["--json"]).exits(0);
    assert_eq!(run.json()["run"]["effectiveStatus"], "changed");
    let _ = asserted(&["--artifact-text", "it is \"new\""]).exits(0);
    let _ = asserted(&["--artifact-text", "it is old"]).exits(1).says(&["does not hold the text"]);
    let _ = asserted(&["--status", "completed"]).exits(1).says(&["is changed, not completed"]);
    let _ = asserted(&["--status", "skipped,changed"]).exits(0);
    let _ = asserted(&["--status", "done"]).exits(2);
    let _ = actions(&workspace, &["assert-run", "--flow", FLOW, "--step", "hello"]).run().exits(1);
}

#[test]
fn a_run_that_failed_is_told_with_its_error() {
    let workspace = Workspace::on_v1();
    write(
        &workspace.path().join("flows/demo/flow.toml"),
        "name = \"demo\"\nversion = 1\n\n[[steps]]\nname = \"hello\"\nrunner = \"command\"\n\
         command = [\"sh\", \"-c\", \"echo no such tag >&2; exit 3\"]\n\n[steps.trigger]\ntype = \"upstream.release\"\n",
    );
    let _ = workspace.run_tag("v2").run().exits(1);
    let run = actions(&workspace, &["assert-run", "--flow", "demo", "--step", "hello"]).run().exits(1);
    let _ = run.says(&["is failed, not completed or changed", "no such tag"]);
}
