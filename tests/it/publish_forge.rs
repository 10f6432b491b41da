//! Publishing to GitHub: a draft pull request, else an issue, else the summary, and the token stays where
//! it belongs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{Asked, GitHub, Output, Program, REPO, Said, TOKEN, Workspace, basic, patch_moi, write};
use crate::verify::{carried, downloaded};

const CANDIDATE: &str = "refs/heads/patch-moi/candidate/v2";
const STATE: &str = "refs/patch-moi/state";
const PULLS: &str = "POST /repos/you/fork/pulls";
const ISSUES: &str = "POST /repos/you/fork/issues";
const SETTINGS: &str = "/you/fork/settings";

/// A fork on GitHub, and the folder that a run's job has handed on.
struct World {
    workspace: Workspace,
    github: GitHub,
    home: PathBuf,
    dir: PathBuf,
}

impl World {
    /// After a run of the carry to v2.
    fn after(workspace: Workspace) -> Self {
        let home = workspace.data().parent().unwrap().to_owned();
        let remote = home.join("remote.git");
        workspace.fork.git(&["init", "--quiet", "--bare", "--initial-branch=main", remote.to_str().unwrap()]);
        workspace.fork.git(&["push", "--quiet", remote.to_str().unwrap(), "main"]);
        let github = GitHub::new(&remote);
        workspace.fork.git(&["remote", "add", "origin", &format!("{}/{REPO}.git", github.web())]);
        let dir = downloaded(&workspace, "v2");
        let world = Self { workspace, github, home, dir };
        world.forget();
        world
    }

    fn carried() -> Self {
        Self::after(carried())
    }

    fn conflicting() -> Self {
        let workspace = Workspace::conflicting().with_flow("");
        workspace.follow("file:///none", &json!({}));
        let _ = workspace.run_tag("v2").run().exits(3);
        Self::after(workspace)
    }

    /// The job that publishes has another machine.
    fn forget(&self) {
        let _ = fs::remove_dir_all(self.workspace.path().join(".codex/workspace"));
        let _ = fs::remove_dir_all(self.workspace.data());
        let fork = &self.workspace.fork;
        for name in fork.git(&["for-each-ref", "--format=%(refname)", "refs/patch-moi/"]).lines() {
            fork.git(&["update-ref", "-d", name]);
        }
    }

    /// Another run carries to `tag`, and the next job has what it left.
    fn carry(&mut self, tag: &str) {
        let _ = fs::remove_dir_all(self.home.join("downloaded"));
        let _ = self.workspace.run_tag(tag).run();
        self.dir = downloaded(&self.workspace, tag);
        self.forget();
    }

    /// What a person does to settle the conflict: the stack is one patch that v2 leaves alone.
    fn settle(&self) {
        let fork = &self.workspace.fork;
        fork.git(&["checkout", "--quiet", "v1", "--", "engine.txt"]);
        fork.git(&["commit", "--quiet", "--all", "--message", "Give in"]);
        fork.git(&["reset", "--quiet", "--soft", "v1"]);
        fork.git(&["commit", "--quiet", "--message", "All of it"]);
        self.push_main();
    }

    fn push_main(&self) {
        let remote = self.home.join("remote.git");
        self.workspace.fork.git(&["push", "--quiet", "--force", remote.to_str().unwrap(), "main"]);
    }

    /// A newer release.
    fn release_v3(&self) {
        self.workspace.upstream.commit("More", &[("more.txt", "more\n")]);
        self.workspace.upstream.tag("v3");
    }

    /// `publish` as the workflow's second job runs it.
    fn program(&self) -> Program {
        let _ = fs::remove_file(self.home.join("summary.md"));
        let _ = fs::remove_file(self.home.join("outputs.txt"));
        patch_moi(self.workspace.path())
            .args(["publish", self.dir.to_str().unwrap()])
            .env("DATA_DIR", self.workspace.data())
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_SERVER_URL", self.github.web())
            .env("GITHUB_API_URL", self.github.api())
            .env("GITHUB_REPOSITORY", REPO)
            .env("GITHUB_RUN_ID", "77")
            .env("GITHUB_RUN_ATTEMPT", "1")
            .env("GITHUB_OUTPUT", self.home.join("outputs.txt"))
            .env("GITHUB_STEP_SUMMARY", self.home.join("summary.md"))
    }

    /// It with the token, which nobody must see afterwards.
    #[track_caller]
    fn publish(&self) -> Output {
        self.seen(self.program().env("GITHUB_TOKEN", TOKEN))
    }

    #[track_caller]
    fn seen(&self, program: Program) -> Output {
        let output = program.run();
        self.assert_nobody_saw(&output);
        output
    }

    /// The token stands in no output, no file and no ref, and only the API and git's own host were shown it.
    #[track_caller]
    fn assert_nobody_saw(&self, output: &Output) {
        let secrets = [TOKEN.to_owned(), basic().split_once(' ').unwrap().1.to_owned()];
        let text = output.to_string();
        assert!(!secrets.iter().any(|secret| text.contains(secret)), "{output}");
        let roots = [self.home.as_path(), output.home()];
        let files = roots.iter().flat_map(walkdir::WalkDir::new).map(Result::unwrap);
        for file in files.filter(|file| file.file_type().is_file()) {
            let bytes = fs::read(file.path()).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!secrets.iter().any(|secret| text.contains(secret)), "{}", file.path().display());
        }
        if self.at(STATE).is_some() {
            let state = self.git(&["grep", "--fixed-strings", "-c", "", STATE]);
            assert!(!state.is_empty());
            for secret in &secrets {
                let (code, _) = self.try_git(&["grep", "--quiet", "--fixed-strings", secret, STATE]);
                assert_eq!(code, 1, "the state holds the token");
            }
        }
        for asked in self.github.with(|state| state.asked.clone()) {
            let shown = asked.headers.get("authorization").cloned().unwrap_or_default();
            let expected = if asked.api { format!("Bearer {TOKEN}") } else { basic() };
            assert!(shown.is_empty() || shown == expected || !shown.contains("ghs_1"), "{}", asked.line());
            assert!(!asked.path.contains(TOKEN), "{}", asked.line());
            assert!(!String::from_utf8_lossy(&asked.body).contains(TOKEN), "{}", asked.line());
        }
    }

    fn summary(&self) -> String {
        fs::read_to_string(self.home.join("summary.md")).unwrap()
    }

    fn outputs(&self) -> String {
        fs::read_to_string(self.home.join("outputs.txt")).unwrap()
    }

    fn git(&self, args: &[&str]) -> String {
        let (code, out) = self.try_git(args);
        assert_eq!(code, 0, "git {args:?}");
        out
    }

    fn try_git(&self, args: &[&str]) -> (i32, String) {
        let remote = self.home.join("remote.git");
        self.workspace.fork.try_git(&[&["--git-dir", remote.to_str().unwrap()], args].concat())
    }

    fn at(&self, name: &str) -> Option<String> {
        Some(self.git(&["for-each-ref", "--format=%(objectname)", name])).filter(|id| !id.is_empty())
    }

    /// The last line of the ledger in the state.
    fn ledger(&self) -> Value {
        let text = self.git(&["show", &format!("{STATE}:data/releases.jsonl")]);
        serde_json::from_str(text.lines().last().unwrap()).unwrap()
    }

    /// Candidate and state stand in the remote, and the artifact lies where it lay.
    #[track_caller]
    fn assert_delivered(&self, output: &Output) {
        let candidate: Value =
            serde_json::from_slice(&fs::read(self.dir.join("candidate.json")).unwrap()).unwrap();
        assert_eq!(self.at(CANDIDATE).as_deref(), candidate["candidate"]["commit"].as_str(), "{output}");
        assert_eq!(self.ledger()["state"], "candidate", "{output}");
    }

    /// The one request that opened something.
    fn opened(&self) -> Asked {
        let asked = self.github.take();
        let opened: Vec<&Asked> = asked.iter().filter(|asked| asked.api && asked.method == "POST").collect();
        assert_eq!(opened.len(), 1, "{opened:#?}");
        opened[0].clone()
    }
}

fn not_permitted() -> Said {
    Said::no(403, "GitHub Actions is not permitted to create or approve pull requests.")
}

// What goes wrong.

#[test]
fn where_workflows_may_open_no_pull_request_an_issue_says_so_with_the_settings_page() {
    let world = World::carried();
    world.github.instead(PULLS, not_permitted());

    let output = world.publish().exits(0).prints(&["Issue 1 was opened"]);

    world.assert_delivered(&output);
    let issue = world.github.issue(1);
    let body = issue["body"].as_str().unwrap();
    assert!(body.contains("is not permitted to open pull requests"), "{body}");
    assert!(body.contains(&format!("{SETTINGS}/actions")), "{body}");
    assert!(body.contains("git push --force-with-lease=refs/heads/main:"), "{body}");
    assert!(world.summary().contains(&format!("{SETTINGS}/actions")), "{}", world.summary());
    assert!(world.outputs().contains("/you/fork/issues/1"), "{}", world.outputs());

    let before = world.github.writes().len();
    let _ = world.publish().exits(0).prints(&["Issue 1 was unchanged"]);
    assert_eq!(world.github.writes()[before..], [PULLS], "asked again, and nothing is changed");
}

#[test]
fn what_the_settings_say_is_known_before_the_push() {
    let world = World::carried();
    world.github.with(|state| {
        let may =
            json!({ "default_workflow_permissions": "read", "can_approve_pull_request_reviews": false });
        state.workflow_permissions = Some(may);
        state.repository["has_issues"] = json!(false);
    });

    let output = world.program().env("GITHUB_TOKEN", TOKEN).args(["--dry-run"]).run().exits(0);
    let pages = [&*format!("{SETTINGS}/actions"), "issues are off"];
    let _ = output.prints(&pages);
    assert_eq!(world.at(CANDIDATE), None);

    let output = world.publish().exits(0).prints(&pages);
    world.assert_delivered(&output);
    assert_eq!(world.github.writes(), [""; 0], "what is known is not tried");
    assert_eq!(output.stdout.matches("issues are off").count(), 1, "{output}");
    let asked = world.github.take();
    let place = |part: &str| asked.iter().position(|asked| asked.line().contains(part)).unwrap();
    assert!(place("GET /repos/you/fork/actions/permissions/workflow") < place("git-receive-pack"));
}

#[test]
fn where_issues_are_off_too_the_summary_has_it() {
    let world = World::conflicting();
    world.github.instead(ISSUES, Said::no(410, "Issues are disabled for this repo"));
    world.github.instead("GET /repos/you/fork/issues", Said::no(410, "Issues are disabled for this repo"));

    let output = world.publish().exits(3).prints(&["issues are off in this repository"]);

    assert!(world.at("refs/patch-moi/incomplete/v2").is_some(), "{output}");
    assert_eq!(world.ledger()["state"], "conflict");
    let summary = world.summary();
    assert!(summary.contains(SETTINGS) && summary.contains("issues are off"), "{summary}");
    assert!(world.outputs().contains("issue<<"), "{}", world.outputs());
}

#[test]
fn a_token_without_the_rights_leaves_candidate_and_state_and_says_which_it_needs() {
    let world = World::carried();
    for line in [PULLS, ISSUES] {
        let needs = if line == PULLS { "pull_requests=write" } else { "issues=write" };
        let no = Said::no(403, "Resource not accessible by integration");
        world.github.instead(line, no.with("x-accepted-github-permissions", needs));
    }
    let output =
        world.publish().exits(0).prints(&["pull_requests=write", "issues=write", "Resource not accessible"]);
    world.assert_delivered(&output);
    assert!(world.summary().contains("issues=write"), "{}", world.summary());
}

#[test]
fn a_token_that_the_api_does_not_know_leaves_candidate_and_state_and_asks_no_further() {
    let world = World::carried();
    world.github.instead("", Said::no(401, "Bad credentials"));

    let output = world.publish().exits(4).prints(&["does not accept the token", "with the tag v2"]);

    world.assert_delivered(&output);
    assert_eq!(world.github.take().iter().filter(|asked| asked.api).count(), 1, "{output}");
    let summary = world.summary();
    assert!(summary.contains("does not accept the token"), "{summary}");
}

#[test]
fn a_token_that_git_does_not_let_push_is_said_and_the_artifact_stays() {
    let world = World::carried();
    world.github.with(|state| state.git_refuses = Some(403));
    let output = world.publish().exits(4).prints(&["The artifact is the delivery", "PATCH_MOI_TOKEN"]);
    assert_eq!(world.at(CANDIDATE), None, "{output}");
    assert!(world.dir.join("candidate.bundle").exists());
    let summary = world.summary();
    assert!(summary.starts_with("**Nothing will be remembered of this:**"), "{summary}");
    // Nobody could land what is in no branch, but people are told.
    assert_eq!(world.github.issue(1)["state"], "open");
}

#[test]
fn a_limit_that_soon_passes_is_waited_for() {
    let world = World::carried();
    let now = "Sun, 06 Nov 1994 08:49:30 GMT";
    let soon = Said::no(429, "You have exceeded a secondary rate limit").with("retry-after", 1);
    world.github.with(|state| state.once = Some((PULLS.to_owned(), soon.with("date", now))));
    let output = world.publish().exits(0).prints(&["Pull request 1 was opened"]);
    world.assert_delivered(&output);
    assert_eq!(world.github.writes(), [PULLS, PULLS]);
}

#[test]
fn a_limit_that_lasts_is_not_waited_for_and_says_until_when() {
    let far = |said: Said| said.with("date", "Sun, 06 Nov 1994 08:49:30 GMT");
    let secondary = Said::no(429, "You have exceeded a secondary rate limit").with("retry-after", 3600);
    let primary = Said::no(403, "API rate limit exceeded for installation")
        .with("x-ratelimit-remaining", 0)
        .with("x-ratelimit-reset", 784_200_000);
    for (line, said, until) in [
        (PULLS, secondary.clone(), "1994-11-06 09:49:30 UTC"),
        (PULLS, primary.clone(), "1994-11-07 09:20:00 UTC"),
        ("GET /repos/you/fork", primary, "1994-11-07 09:20:00 UTC"),
    ] {
        let world = World::carried();
        world.github.instead(line, far(said));
        let output = world.publish().exits(4).prints(&["asked too often", until, "with the tag v2"]);
        world.assert_delivered(&output);
        assert!(world.summary().contains(until), "{}", world.summary());
        assert!(world.outputs().contains("red<<"), "{}", world.outputs());
        // A second try is the whole: the pull request is there, and the branch was.
        world.github.with(|state| state.instead.clear());
        let _ = world.publish().exits(0).prints(&["Pull request 1 was opened", "stands at"]);
    }
}

#[test]
fn without_a_token_the_summary_says_what_the_workflows_own_would_do() {
    let world = World::carried();
    // On a laptop git has its own way in.
    let remote = world.home.join("remote.git");
    let config = world.home.join("gitconfig");
    let (file, web) = (format!("file://{}/", remote.display()), format!("{}/{REPO}.git", world.github.web()));
    write(&config, format!("[url \"{file}\"]\n\tinsteadOf = {web}\n"));
    let output = world.seen(world.program().env("GIT_CONFIG_GLOBAL", &config)).exits(0);
    let output = output.prints(&["There is no token", "GITHUB_TOKEN", "pull-requests"]);
    world.assert_delivered(&output);
    assert!(world.summary().contains("There is no token"), "{}", world.summary());
    assert!(!world.github.take().iter().any(|asked| asked.api), "{output}");
}

#[test]
fn the_token_is_in_no_childs_environment_but_gits_own_way_to_its_host() {
    let world = World::carried();
    let log = world.home.join("children.log");
    let bin = world.home.join("bin");
    let (real, path) = (which("git"), std::env::var("PATH").unwrap());
    write(
        &bin.join("git"),
        format!("#!/bin/sh\n{{ echo \"== $*\"; env; }} >>{}\nexec {real} \"$@\"\n", log.display()),
    );
    fs::set_permissions(bin.join("git"), fs::Permissions::from_mode(0o755)).unwrap();

    let program = world.program().env("GITHUB_TOKEN", TOKEN).env("PATH", format!("{}:{path}", bin.display()));
    let _ = program.run().exits(0);

    let log = fs::read_to_string(log).unwrap();
    assert!(!log.contains(TOKEN), "not as it is");
    let host = world.github.web();
    let mut with = 0;
    for child in log.split("== ").skip(1) {
        let (args, env) = child.split_once('\n').unwrap();
        assert!(!args.contains(basic().split_once(' ').unwrap().1), "never an argument: {args}");
        if env.contains(basic().split_once(' ').unwrap().1) {
            assert!(args.contains(&host), "{args}");
            with += 1;
        }
    }
    assert!(with > 2, "git was let in by it");
}

#[test]
fn the_token_does_not_follow_a_redirect_to_another_host() {
    let world = World::carried();
    let other = GitHub::new(&world.home.join("remote.git"));
    world.github.instead(
        "GET /repos/you/fork",
        Said::no(301, "Moved").with("location", other.api() + "/repos/you/fork"),
    );
    let output = world.publish().exits(4).prints(&["GitHub could not be asked"]);
    world.assert_delivered(&output);
    assert!(other.take().is_empty(), "{output}");
}

#[test]
fn workflow_files_in_the_way_are_named_before_and_refused_in_githubs_words() {
    let workspace = Workspace::on_v1();
    workspace.fork.commit("Colour output", &[("colour.txt", "red\n")]);
    workspace.release_v2(&[
        (".github/workflows/x.yml", "on: push\n"),
        (".github/workflows/y.yml", "on: push # y\n"),
    ]);
    // What another branch of the fork has may be pushed.
    workspace.fork.git(&["branch", "mirror"]);
    let workspace = workspace.with_flow("");
    workspace.follow("file:///none", &json!({}));
    let _ = workspace.run_tag("v2").run().exits(0);
    let world = World::after(workspace);
    let fork = &world.workspace.fork;
    fork.git(&["switch", "--quiet", "mirror"]);
    fork.commit("Mirror", &[(".github/workflows/y.yml", "on: push # y\n")]);
    fork.git(&["push", "--quiet", world.home.join("remote.git").to_str().unwrap(), "mirror"]);
    fork.switch("main");
    let hook = world.home.join("remote.git/hooks/update");
    let words = "refusing to allow a GitHub App to create or update workflow `.github/workflows/x.yml` without \
                 `workflows` permission";
    write(&hook, format!("#!/bin/sh\ncase \"$1\" in *candidate*) echo '{words}' >&2; exit 1;; esac\n"));
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();

    let dry = world.program().env("GITHUB_TOKEN", TOKEN).args(["--dry-run"]).run().exits(0);
    let named = "may not push: .github/workflows/x.yml; a token with";
    let link = "/you/fork/settings/secrets/actions/new";
    let _ = dry.prints(&[named, link]);

    let output = world.publish().exits(4).prints(&[named, link, "The artifact is the delivery"]);

    assert_eq!(world.at(CANDIDATE), None, "{output}");
    assert_eq!(world.ledger()["state"], "candidate", "{output}");
    assert!(world.dir.join("candidate.bundle").exists());
    let issue = world.github.issue(1);
    assert!(issue["body"].as_str().unwrap().contains(".github/workflows/x.yml"), "{issue:#}");
    assert!(
        issue["body"].as_str().unwrap().contains("ARTIFACT"),
        "the way to land it begins at the artifact"
    );

    // Another token, and the issue is done with.
    fs::remove_file(hook).unwrap();
    let _ = world.publish().exits(0).prints(&["Pull request 2 was opened"]);
    assert_eq!(world.github.issue(1)["state"], "closed");
}

// What goes well.

#[test]
fn a_candidate_gets_a_draft_onto_the_maintained_branch_that_says_how_to_land_it() {
    let world = World::carried();
    let output = world.publish().exits(0).prints(&["Pull request 1 was opened", "/you/fork/pull/1"]);
    world.assert_delivered(&output);
    let opened = world.opened();
    assert_eq!(opened.line(), PULLS);
    let new = opened.json();
    assert_eq!(
        (&new["head"], &new["base"], &new["draft"]),
        (&json!("patch-moi/candidate/v2"), &json!("main"), &json!(true))
    );
    let body = new["body"].as_str().unwrap();
    assert!(body.chars().count() <= 65_536);
    assert!(body.ends_with("<!-- patch-moi:patch:upstream.release:acme/engine:v2 -->"), "{body}");
    for words in [
        "Do not press “Merge”",
        "git fetch origin refs/heads/patch-moi/candidate/v2",
        "git push --force-with-lease=refs/heads/main:",
        "/you/fork/actions/runs/77",
        "patch-moi-v2-77-1",
    ] {
        assert!(body.contains(words), "{words:?} in\n{body}");
    }
    assert!(world.outputs().contains("/you/fork/pull/1"), "{}", world.outputs());
    assert!(world.summary().contains("/you/fork/pull/1"), "{}", world.summary());
}

#[test]
fn publishing_again_opens_no_second_one_and_writes_only_what_changed() {
    let world = World::carried();
    let _ = world.publish().exits(0);
    world.github.take();
    world.forget();

    let _ = world.publish().exits(0).prints(&["Pull request 1 was unchanged"]);
    assert_eq!(world.github.writes(), [""; 0]);

    // Somebody has looked at it in a browser; then it is another run's.
    world.github.with(|state| {
        let body = state.pulls[0]["body"].as_str().unwrap().replace('\n', "\r\n");
        state.pulls[0]["body"] = json!(body);
    });
    let _ = world.publish().exits(0).prints(&["Pull request 1 was unchanged"]);
    let _ = world
        .seen(world.program().env("GITHUB_TOKEN", TOKEN).env("GITHUB_RUN_ID", "78"))
        .exits(0)
        .prints(&["Pull request 1 was updated"]);
    assert_eq!(world.github.writes(), ["PATCH /repos/you/fork/pulls/1"]);
    assert!(world.github.pull(1)["body"].as_str().unwrap().contains("actions/runs/78"));
}

#[test]
fn a_conflict_gets_an_issue_and_what_is_settled_later_a_pull_request_that_ends_it() {
    let mut world = World::conflicting();
    let output = world.publish().exits(3).prints(&["Issue 1 was opened"]);
    assert!(world.at("refs/patch-moi/incomplete/v2").is_some(), "{output}");
    let issue = world.github.issue(1);
    assert!(issue["body"].as_str().unwrap().contains("patch-moi resume v2"), "{issue:#}");
    let _ = world.publish().exits(3).prints(&["Issue 1 was unchanged"]);

    world.settle();
    world.carry("v2");
    let _ = world.publish().exits(0).prints(&["Pull request 2 was opened"]);

    let issue = world.github.issue(1);
    assert_eq!(issue["state"], "closed");
    assert!(issue["title"].as_str().unwrap().starts_with("[carried] "), "{issue:#}");
    assert!(
        issue["body"].as_str().unwrap().starts_with("**Carried by now: see pull request #2.**"),
        "{issue:#}"
    );
    let writes = world.github.writes().len();
    let _ = world.publish().exits(0).prints(&["Pull request 2 was unchanged"]);
    assert_eq!(world.github.writes().len(), writes);

    // And once more a patch that conflicts: the issue is open again, and the pull request says so.
    world.workspace.fork.commit("More pistons", &[("engine.txt", "pistons: 8\n")]);
    world.push_main();
    world.carry("v2");
    let _ = world.publish().exits(3).prints(&["Issue 1 was updated"]);
    let (issue, pull) = (world.github.issue(1), world.github.pull(2));
    assert_eq!((&issue["state"], &pull["state"]), (&json!("open"), &json!("open")));
    assert!(!issue["title"].as_str().unwrap().starts_with('['), "{issue:#}");
    assert!(pull["body"].as_str().unwrap().starts_with("**No longer complete: see issue #1.**"), "{pull:#}");
}

#[test]
fn a_newer_release_ends_what_the_older_left_open_and_nothing_else() {
    let mut world = World::carried();
    let _ = world.publish().exits(0).prints(&["Pull request 1 was opened"]);
    let marker = "<!-- patch-moi:patch:upstream.release:acme/engine:v2 -->";
    let stranger = world.github.somebody_opens("NONE", "Mine", &format!("text\n\n{marker}"));
    let member = world.github.somebody_opens("MEMBER", "Ours", &format!("text\n\n{marker}"));
    let other = world.github.somebody_opens("OWNER", "Other", "see v2");
    world.github.with(|state| {
        let mut foreign = state.pulls[0].clone();
        foreign["number"] = json!(9);
        foreign["head"]["label"] = json!("you:topic");
        foreign["head"]["ref"] = json!("topic");
        state.pulls.push(foreign);
    });
    world.github.take();

    world.release_v3();
    world.carry("v3");
    let output = world.publish().exits(0).prints(&["Pull request 6 was opened"]);

    assert_eq!(world.github.writes(), [PULLS, "PATCH /repos/you/fork/pulls/1"], "{output}");
    let old = world.github.pull(1);
    assert_eq!(old["state"], "closed");
    assert!(old["title"].as_str().unwrap().starts_with("[superseded by v3] "), "{old:#}");
    assert!(old["body"].as_str().unwrap().starts_with("**Superseded by v3.**"), "{old:#}");
    for number in [stranger, member, other] {
        assert_eq!(world.github.issue(number)["state"], "open", "{number}");
    }
    assert_eq!(world.github.pull(9)["state"], "open");
    let _ = world.publish().exits(0).prints(&["Pull request 6 was unchanged"]);
}

#[test]
fn an_older_conflicts_issue_is_closed_by_a_newer_release() {
    let mut world = World::conflicting();
    let _ = world.publish().exits(3).prints(&["Issue 1 was opened"]);
    world.settle();
    world.release_v3();
    world.carry("v3");
    let _ = world.publish().exits(0).prints(&["Pull request 2 was opened"]);
    let issue = world.github.issue(1);
    assert_eq!(issue["state"], "closed");
    assert!(issue["title"].as_str().unwrap().starts_with("[superseded by v3] "), "{issue:#}");
}

#[test]
fn a_strangers_issue_with_the_marker_is_not_trusted() {
    let world = World::conflicting();
    let marker = "<!-- patch-moi:patch:upstream.release:acme/engine:v2 -->";
    let stranger = world.github.somebody_opens("CONTRIBUTOR", "Mine", &format!("text\n\n{marker}"));
    let before = world.github.issue(stranger);
    let _ = world.publish().exits(3).prints(&["Issue 2 was opened"]);
    assert_eq!(world.github.issue(stranger), before);
}

#[test]
fn what_a_person_has_closed_stays_closed_and_that_is_said() {
    let world = World::carried();
    let _ = world.publish().exits(0);
    world.github.with(|state| state.pulls[0]["state"] = json!("closed"));
    world.github.take();
    let closed = "Pull request #1 about this release is closed, and stays so";
    let _ = world.publish().exits(0).prints(&["Pull request 1 was left", closed]);
    assert_eq!(world.github.writes(), [""; 0]);
    // Whoever takes the branch away too has not asked for an issue.
    world.git(&["update-ref", "-d", CANDIDATE]);
    let _ = world.publish().exits(0).prints(&["Pull request 1 was left"]);
    assert_eq!(world.github.writes(), [""; 0]);

    let world = World::conflicting();
    let _ = world.publish().exits(3);
    world.github.with(|state| state.issues[0]["state"] = json!("closed"));
    world.github.take();
    let _ = world.publish().exits(3).prints(&["Issue 1 was left", "Issue #1 about this release is closed"]);
    assert_eq!(world.github.writes(), [""; 0]);
}

#[test]
fn a_pull_request_that_somebody_has_opened_for_the_branch_is_theirs() {
    let world = World::carried();
    let _ = world.publish().exits(0);
    world.github.with(|state| state.pulls[0]["body"] = json!("my own words"));
    let _ = world.publish().exits(0).prints(&["Pull request 1 was left", "was opened by somebody"]);
    assert_eq!(world.github.pull(1)["body"], "my own words");
}

#[test]
fn a_repository_that_was_renamed_is_found_and_said() {
    let world = World::carried();
    world.github.with(|state| state.repository["full_name"] = json!("you/engine"));
    let moved = Said::no(301, "Moved Permanently").with("location", "/repos/you/engine");
    world.github.instead("GET /repos/you/fork", moved);
    let output = world.publish().exits(0).prints(&[
        "GitHub calls you/fork you/engine now",
        &format!("git remote set-url origin {}/you/engine.git", world.github.web()),
        "Pull request 1 was opened",
    ]);
    world.assert_delivered(&output);
    assert_eq!(world.github.writes(), ["POST /repos/you/engine/pulls"]);
}

fn which(name: &str) -> String {
    let path = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file());
    found.unwrap().to_str().unwrap().to_owned()
}
