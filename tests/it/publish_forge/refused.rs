//! What GitHub does not do: the candidate and what is remembered are written all the same.

use super::*;

#[test]
fn where_workflows_may_open_no_pull_request_an_issue_says_so_with_the_settings_page() {
    let world = World::carried();
    world.github.instead(PULLS, not_permitted());

    let output = world.publish().exits(0).prints(&["Issue 1 was opened"]);

    world.assert_delivered(&output);
    let issue = world.github.issue(1);
    let body = issue["body"].as_str().unwrap();
    assert!(body.contains("is not permitted to open pull requests"), "{body}");
    let link = format!("<{}{SETTINGS}/actions>", world.github.web());
    assert!(body.contains(&link), "{body}");
    assert!(body.contains("git push --force-with-lease=refs/heads/main:"), "{body}");
    assert!(world.summary().contains(&link), "{}", world.summary());
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
    let pages = [&*format!("{SETTINGS}/actions"), "Issues are off"];
    let _ = output.prints(&pages);
    assert_eq!(world.at(CANDIDATE), None);

    let output = world.publish().exits(0).prints(&pages);
    world.assert_delivered(&output);
    assert_eq!(world.github.writes(), [""; 0], "what is known is not tried");
    assert_eq!(world.summary().matches("ssues are off").count(), 1, "{output}");
    let asked = world.github.take();
    let place = |part: &str| asked.iter().position(|asked| asked.line().contains(part)).unwrap();
    assert!(place("GET /repos/you/fork/actions/permissions/workflow") < place("git-receive-pack"));
}

#[test]
fn where_issues_are_off_too_the_summary_has_it() {
    let world = World::conflicting();
    world.github.instead(ISSUES, Said::no(410, "Issues are disabled for this repo"));
    world.github.instead("GET /repos/you/fork/issues", Said::no(410, "Issues are disabled for this repo"));

    let output = world.publish().exits(3).prints(&["Issues are off in this repository"]);

    assert!(world.at("refs/patch-moi/incomplete/v2").is_some(), "{output}");
    assert_eq!(world.ledger()["state"], "conflict");
    let summary = world.summary();
    assert!(summary.contains(SETTINGS) && summary.contains("Issues are off"), "{summary}");
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
    let output = output.says(&["::warning title=acme/engine v2::GitHub does not accept the token"]);

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
    executable(
        &bin.join("git"),
        format!("#!/bin/sh\n{{ echo \"== $*\"; env; }} >>{}\nexec {real} \"$@\"\n", log.display()),
    );

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
    // What another branch of the fork has may be pushed.
    workspace.fork.branch("mirror").commit("Mirror", &[(".github/workflows/y.yml", "on: push # y\n")]);
    workspace.fork.switch("main").commit("Colour output", &[("colour.txt", "red\n")]);
    workspace.release_v2(&[
        (".github/workflows/x.yml", "on: push\n"),
        (".github/workflows/y.yml", "on: push # y\n"),
    ]);
    let workspace = workspace.with_flow("");
    workspace.follow("file:///none", &json!({}));
    let _ = workspace.run_tag("v2").run().exits(0);
    let world = World::after(workspace);
    world.workspace.fork.git(&["push", "--quiet", world.home.join("remote.git").to_str().unwrap(), "mirror"]);
    let hook = world.home.join("remote.git/hooks/update");
    let words = "refusing to allow a GitHub App to create or update workflow `.github/workflows/x.yml` without \
                 `workflows` permission";
    executable(&hook, format!("#!/bin/sh\ncase \"$1\" in *candidate*) echo '{words}' >&2; exit 1;; esac\n"));

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
