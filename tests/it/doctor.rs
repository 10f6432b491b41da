//! What doctor finds, and that it names what mends it.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{
    Page, Program, Repo, Server, Snapshot, UPSTREAM, Workspace, atom, file_url, patch_moi, write,
};

const WORKFLOW: &str = ".github/workflows/upstream-release.yml";

/// A fork that `init` has set up, with the action's repository beside it.
struct World {
    workspace: Workspace,
    action: Repo,
    home: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let workspace = Workspace::clean();
        workspace.upstream.switch("release/2").tag("v2.0.0").switch("main");
        let action = Repo::new();
        action.commit("Begin", &[("action.yml", "name: patch-moi\n")]);
        action.tag("v0.1.0");
        let world = Self { workspace, action, home: tempfile::TempDir::new().unwrap() };
        let feed = world.home.path().join("releases.atom");
        write(&feed, atom(&[]));
        let upstream = file_url(world.workspace.upstream.path());
        let _ = patch_moi(world.path())
            .args([
                "init",
                "--apply",
                "--upstream",
                UPSTREAM,
                "--branch",
                "main",
                "--upstream-url",
                &upstream,
            ])
            .args(["--feed-url", &file_url(&feed), "--action-url", world.action.path().to_str().unwrap()])
            .run()
            .exits(0);
        world
    }

    fn path(&self) -> &Path {
        self.workspace.path()
    }

    fn doctor(&self) -> Program {
        patch_moi(self.path()).args([
            "doctor",
            "--json",
            "--action-url",
            self.action.path().to_str().unwrap(),
        ])
    }

    fn check(&self, name: &str, code: i32) -> Value {
        check(&self.doctor().run().exits(code).json(), name)
    }

    /// With `origin` on GitHub, and GitHub's API on this machine.
    fn on_github(&self, server: &Server) -> Program {
        let fork = &self.workspace.fork;
        if fork.git(&["remote"]).lines().all(|name| name != "origin") {
            fork.git(&["remote", "add", "origin", "https://github.com/you/fork.git"]);
        }
        self.doctor().env("GITHUB_API_URL", server.url("")).env("GH_TOKEN", "ghs_secret")
    }
}

fn check(report: &Value, name: &str) -> Value {
    let found = report["checks"].as_array().unwrap().iter().find(|check| check["name"] == name);
    found.unwrap_or_else(|| panic!("no check `{name}` in {report:#}")).clone()
}

fn page(body: &Value) -> Page {
    Page { status: 200, content_type: "application/json", body: body.to_string().into_bytes() }
}

/// GitHub's answers where all is well, with these in the place of some.
fn github(other: &[(&str, Page)]) -> Server {
    let repo = json!({
        "full_name": "you/fork", "default_branch": "main", "has_issues": true,
        "permissions": {"admin": true, "push": true, "pull": true}
    });
    let rules = "/repos/you/fork/rules/branches/patch-moi%2Fcandidate%2Fv1?per_page=100&page=1";
    let of = |path: &'static str, well: Page| {
        let page = other.iter().find(|(other, _)| *other == path).map_or(well, |(_, page)| page.clone());
        (path, page)
    };
    Server::new([
        of("/repos/you/fork", page(&repo)),
        of(
            "/repos/you/fork/actions/workflows/upstream-release.yml",
            page(&json!({"path": WORKFLOW, "state": "active"})),
        ),
        of("/repos/you/fork/actions/permissions", page(&json!({"enabled": true, "allowed_actions": "all"}))),
        of(
            "/repos/you/fork/actions/permissions/workflow",
            page(&json!({"default_workflow_permissions": "read", "can_approve_pull_request_reviews": true})),
        ),
        of(rules, page(&json!([]))),
        of("/repos/you/fork/branches/main", page(&json!({"name": "main", "protected": false}))),
    ])
}

#[test]
fn in_an_empty_folder_everything_is_wrong_and_what_mends_it_is_said() {
    let empty = tempfile::TempDir::new().unwrap();
    let run = patch_moi(empty.path()).args(["doctor", "--action-url", "/no/such"]).run().exits(1);
    let _ = run.prints(&["there is no feed-sources.json", "patch-moi init --upstream OWNER/NAME", "wrong"]);
}

#[test]
fn a_fork_that_was_set_up_is_well_and_nothing_is_written() {
    let world = World::new();
    let before = Snapshot::of(&[world.path(), world.workspace.upstream.path()]);
    let report = world.doctor().run().exits(0).json();
    Snapshot::of(&[world.path(), world.workspace.upstream.path()]).assert_same_as(&before);

    assert_eq!(report["healthy"], true, "{report:#}");
    for name in
        ["git", "lock", "flows", "sources", "feed", "upstream", "releases", "branch", "base", "action"]
    {
        assert_eq!(check(&report, name)["level"], "ok", "{report:#}");
    }
    assert_eq!(check(&report, "base")["found"].as_str().unwrap().split(' ').next(), Some("2"), "{report:#}");
    assert_eq!(check(&report, "remotes")["level"], "warning");
    assert_eq!(check(&report, "token")["level"], "unknown");
}

#[test]
fn what_a_run_would_stumble_over_is_wrong() {
    let world = World::new();
    let flow = world.path().join(".codex/flows/patch-stack/flow.toml");
    let good = std::fs::read_to_string(&flow).unwrap();
    write(&flow, good.replace("\"main\"", "\"no-such\""));
    let edited = world.check("flows", 1);
    assert!(
        edited["found"].as_str().unwrap().contains("not those that .codex/pack-lock.json pins"),
        "{edited:#}"
    );
    write(&flow, &good);

    let lock = world.path().join(".codex/pack-lock.json");
    let pinned = std::fs::read_to_string(&lock).unwrap();
    write(&lock, "{");
    assert_eq!(world.check("lock", 1)["level"], "wrong");
    write(&lock, &pinned);

    let sources = world.path().join("feed-sources.json");
    let text = std::fs::read_to_string(&sources).unwrap();
    write(
        &sources,
        text.replace(
            "\"event\": \"release\"",
            "\"event\": \"release\", \"tagPattern\": \"^x(?<version>1)$\"",
        ),
    );
    assert_eq!(world.check("releases", 1)["level"], "wrong");
    write(&sources, text.replace(world.workspace.upstream.path().to_str().unwrap(), "/no/such/place"));
    assert_eq!(world.check("upstream", 1)["level"], "wrong");
    write(&sources, text.replace("releases.atom", "gone.atom"));
    assert_eq!(world.check("feed", 0)["level"], "warning");
    write(&sources, &text);

    std::fs::create_dir_all(world.path().join(".git/rebase-merge")).unwrap();
    write(&world.path().join(".git/rebase-merge/head-name"), "refs/heads/main\n");
    write(&world.path().join(".git/rebase-merge/interactive"), "");
    let idle = world.check("work tree", 1);
    assert!(idle["found"].as_str().unwrap().contains("a rebase is in progress"), "{idle:#}");
}

#[test]
fn an_old_action_and_new_workflow_files_are_told() {
    let world = World::new();
    world.action.commit("More", &[("x", "1\n")]);
    world.action.tag("v0.2.0");
    let upstream = &world.workspace.upstream;
    upstream.switch("release/2").commit("CI", &[(".github/workflows/ci.yml", "on: push\n")]);
    upstream.tag("v2.1.0").switch("main");

    let report = world.doctor().run().exits(0).json();

    assert_eq!(check(&report, "action")["found"], "v0.2.0 is newer than what the workflow names");
    let files = check(&report, "workflow files");
    assert!(files["found"].as_str().unwrap().ends_with(".github/workflows/ci.yml"), "{files:#}");
    assert!(files["mend"].as_str().unwrap().contains("PATCH_MOI_TOKEN"));
}

#[test]
fn with_a_token_github_is_asked_and_the_token_is_never_shown() {
    let world = World::new();
    let server = github(&[]);
    let run = world.on_github(&server).run().exits(0);
    assert!(!format!("{run}").contains("ghs_secret"));
    let report = run.json();
    for name in ["token", "schedule", "actions", "pull requests", "issues", "rules", "branch protection"] {
        assert_eq!(check(&report, name)["level"], "ok", "{report:#}");
    }
    assert!(server.requests().iter().all(|request| request.to_lowercase().contains("bearer ghs_secret")));
}

#[test]
fn settings_that_are_in_the_way_are_named_with_their_page() {
    let world = World::new();
    let off = json!({"full_name": "you/fork", "default_branch": "main", "has_issues": false});
    let server = github(&[
        ("/repos/you/fork", page(&off)),
        (
            "/repos/you/fork/actions/workflows/upstream-release.yml",
            page(&json!({"path": WORKFLOW, "state": "disabled_inactivity"})),
        ),
        (
            "/repos/you/fork/actions/permissions/workflow",
            page(&json!({"default_workflow_permissions": "read", "can_approve_pull_request_reviews": false})),
        ),
        ("/repos/you/fork/actions/permissions", Page::status(403)),
    ]);
    let report = world.on_github(&server).run().exits(1).json();
    for (name, level, mend) in [
        ("schedule", "wrong", "https://github.com/you/fork/actions/workflows/upstream-release.yml"),
        ("pull requests", "warning", "https://github.com/you/fork/settings/actions"),
        ("issues", "warning", "https://github.com/you/fork/settings"),
    ] {
        let found = check(&report, name);
        assert_eq!(
            (found["level"].as_str(), found["mend"].as_str()),
            (Some(level), Some(mend)),
            "{report:#}"
        );
    }
    let actions = check(&report, "actions");
    assert_eq!(
        (&actions["level"], &actions["mend"]),
        (&json!("unknown"), &json!("https://github.com/you/fork/settings/actions"))
    );
}

#[test]
fn a_token_that_is_none_is_wrong_and_a_github_that_is_away_is_not_known() {
    let world = World::new();
    let server = github(&[("/repos/you/fork", Page::status(401))]);
    let report = world.on_github(&server).run().exits(1).json();
    assert_eq!(check(&report, "token")["level"], "wrong");
    assert_eq!(server.requests().len(), 1);

    let gone = Server::new([]);
    let address = gone.url("");
    drop(gone);
    let report = world.doctor().env("GITHUB_API_URL", address).env("GH_TOKEN", "x").run().exits(0).json();
    assert_eq!(check(&report, "token")["level"], "unknown");
}

/// GitHub's answers about a repository with the configuration, and about a fork that has much in the way.
fn github_of_both() -> Server {
    let facts = |name: &str, issues: bool| {
        let may = json!({"admin": false, "push": true, "pull": true});
        page(&json!({
            "full_name": name, "default_branch": "main", "has_issues": issues, "permissions": may
        }))
    };
    let workflow = "/repos/you/automation/actions/workflows/upstream-release.yml";
    let rules = "/repos/you/fork/rules/branches/patch-moi%2Fcandidate%2Fv1?per_page=100&page=1";
    Server::new([
        ("/repos/you/automation", facts("you/automation", true)),
        (workflow, page(&json!({"path": WORKFLOW, "state": "active"}))),
        ("/repos/you/fork", facts("you/fork", false)),
        (rules, page(&json!([{"type": "non_fast_forward"}, {"type": "required_status_checks"}]))),
        ("/repos/you/fork/branches/main", page(&json!({"name": "main", "protected": true}))),
    ])
}

#[test]
fn of_a_fork_that_is_another_repository_github_is_asked_too() {
    let world = World::new();
    let own = Repo::new();
    own.commit("Begin", &[("README.md", "automation\n")]);
    own.git(&["remote", "add", "origin", "https://github.com/you/automation.git"]);
    let config = world.home.path().join("gitconfig");
    let there = |path: &Path| file_url(path);
    write(
        &config,
        format!(
            "[url \"{}\"]\n\tinsteadOf = https://github.com/you/fork.git\n[url \"{}\"]\n\tinsteadOf = \
             https://github.com/you/automation.git\n",
            there(world.path()),
            there(own.path())
        ),
    );
    let upstream = there(world.workspace.upstream.path());
    let _ = patch_moi(own.path())
        .args(["init", "--apply", "--upstream", UPSTREAM, "--branch", "main", "--upstream-url", &upstream])
        .args(["--fork", "https://github.com/you/fork.git"])
        .args(["--feed-url", &there(&world.home.path().join("releases.atom"))])
        .args(["--action-url", world.action.path().to_str().unwrap()])
        .env("GIT_CONFIG_GLOBAL", &config)
        .run()
        .exits(0);
    let server = github_of_both();
    let doctor = |json: &[&str]| {
        let program = patch_moi(own.path()).args(["doctor"]).args(json);
        let program = program.args(["--action-url", world.action.path().to_str().unwrap()]);
        let program = program.env("GITHUB_API_URL", server.url("")).env("GH_TOKEN", "github_pat_secret");
        program.env("GIT_CONFIG_GLOBAL", &config).run().exits(0)
    };

    let report = doctor(&["--json"]).json();

    for (name, level, mend) in [
        ("token", "ok", None),
        ("fork", "ok", None),
        ("issues", "warning", Some("https://github.com/you/fork/settings")),
        ("rules", "warning", Some("https://github.com/you/fork/settings/rules")),
        ("branch protection", "warning", Some("https://github.com/you/fork/settings/branches")),
        ("permissions", "unknown", Some("https://github.com/you/automation/settings/secrets/actions")),
    ] {
        let found = check(&report, name);
        assert_eq!(
            (found["level"].as_str(), found["mend"].as_str()),
            (Some(level), mend),
            "{name} in {report:#}"
        );
        let all = report["checks"].as_array().unwrap().iter().filter(|check| check["name"] == name);
        assert_eq!(all.count(), 1, "{name} in {report:#}");
    }
    assert_eq!(check(&report, "workflow files")["level"], "ok");
    let text =
        doctor(&[]).prints(&["cannot be seen", "why   ", "next  https://github.com/you/fork/settings"]);
    assert!(!text.to_string().contains("github_pat_secret"));
}

#[test]
fn what_a_token_may_do_to_workflow_files_is_not_known_and_said() {
    let world = World::new();
    let server = github(&[]);
    let own = world.on_github(&server).env("GH_TOKEN", "github_pat_secret").run().exits(0);
    let found = check(&own.json(), "permissions");
    assert_eq!(found["level"], "unknown");
    assert!(
        found["found"].as_str().unwrap().contains("whether a token has Workflows cannot be seen"),
        "{found:#}"
    );
    let app = check(&world.on_github(&server).run().exits(0).json(), "permissions");
    assert!(app["found"].as_str().unwrap().contains("never has Workflows"), "{app:#}");
    let none = world.doctor().env("GITHUB_API_URL", server.url("")).run().exits(0).json();
    assert!(none["checks"].as_array().unwrap().iter().all(|check| check["name"] != "permissions"));
}
