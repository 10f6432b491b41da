//! How people are told, and what takes the place of what.

use super::*;

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
