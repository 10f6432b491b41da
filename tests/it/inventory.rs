//! Which commits are the fork's own, and which are upstream's.

use std::fs;

use serde_json::Value;

use crate::stack::{carry, verdicts};
use crate::support::{Repo, Workspace, file_url, fork_and_upstream, patch_moi};

/// Subjects of the patches of candidate.json.
fn subjects(candidate: &Value) -> Vec<&str> {
    verdicts(candidate).into_iter().map(|(subject, _)| subject).collect()
}

fn left_out(candidate: &Value) -> Vec<&str> {
    let all = candidate["left_out"].as_array().unwrap();
    all.iter().map(|one| one["subject"].as_str().unwrap()).collect()
}

/// Makes upstream release `tag` on a branch of its own that main never sees.
fn release(upstream: &Repo, tag: &str) -> String {
    let commit =
        upstream.branch(&format!("release/{tag}")).commit(&format!("Release {tag}"), &[("VERSION", tag)]);
    upstream.tag(tag).switch("main");
    commit
}

/// A fork with two patches that has landed its candidate for v2, a release that main never saw; v3 is out.
fn landed_on_v2() -> Workspace {
    let workspace = Workspace::clean().with_flow("");
    let _ = workspace.run_tag("v2").run().exits(0);
    workspace.fork.git(&["reset", "--quiet", "--hard", "refs/patch-moi/candidate/v2"]);
    workspace.upstream.commit("Go on (#31)", &[("engine.txt", "pistons: 6, oiled\n")]);
    release(&workspace.upstream, "v3");
    workspace
}

/// Moves a tag of upstream to another commit of its main.
fn move_tag(workspace: &Workspace, tag: &str) {
    workspace.upstream.commit("Think again (#32)", &[("README.md", "# engine, again\n")]);
    workspace.upstream.tag(tag);
}

const BASE: &str = "refs/patch-moi/base/v2";

#[test]
fn a_release_commit_that_main_never_saw_is_upstreams_and_said_to_be_left_out() {
    let workspace = landed_on_v2();

    let run = workspace.run_tag("v3").run().exits(0);

    let candidate = workspace.candidate("v3");
    assert_eq!(subjects(&candidate), ["Colour output", "Mind the gap"], "{run}");
    assert_eq!(left_out(&candidate), ["Release v2"]);
    assert_eq!(candidate["base"], workspace.upstream.id("v2"));
}

#[test]
fn a_tag_of_the_fork_with_upstreams_name_is_the_forks_and_no_release() {
    let workspace = Workspace::clean().with_flow("");
    workspace.fork.tag("v2");
    let own = workspace.fork.id("v2");

    let _ = workspace.run_tag("v2").run().exits(0);

    let candidate = workspace.candidate("v2");
    assert_eq!(candidate["onto"], workspace.upstream.id("v2"));
    assert_eq!(subjects(&candidate), ["Colour output", "Mind the gap"]);
    assert_eq!(workspace.fork.id("v2"), own);
}

#[test]
fn a_topic_branch_of_upstream_may_hold_the_forks_own_patches() {
    let workspace = Workspace::clean().with_flow("");
    workspace.upstream.git(&["fetch", "--quiet", workspace.path().to_str().unwrap(), "main:topic"]);

    let _ = workspace.run_tag("v2").run().exits(0);

    assert_eq!(subjects(&workspace.candidate("v2")), ["Colour output", "Mind the gap"]);
}

#[test]
fn a_branch_of_upstream_that_is_named_is_upstreams() {
    let workspace = Workspace::clean();
    workspace.upstream.branch("next").commit("Ahead of its time (#40)", &[("next.txt", "soon\n")]);
    let upstream = workspace.upstream.path().to_str().unwrap();
    workspace.upstream.switch("main");
    workspace.fork.git(&["fetch", "--quiet", upstream, "next"]);
    workspace.fork.merge("FETCH_HEAD");
    for (named, expected) in [("", 4), ("upstream_branches = [\"next\"]\n", 3)] {
        let flow = workspace.flow_toml("").replace("[config]\n", &format!("[config]\n{named}"));
        workspace.install_flow(&flow);
        workspace.lock();
        let _ = workspace.run_tag("v2").run().exits(0);
        let candidate = workspace.candidate("v2");
        assert_eq!(subjects(&candidate).len(), expected, "{named}: {candidate:#}");
    }
    assert_eq!(left_out(&workspace.candidate("v2")), ["Ahead of its time (#40)"]);
}

#[test]
fn a_base_whose_tag_has_moved_is_still_known_to_be_upstreams() {
    let workspace = landed_on_v2();
    let base = workspace.upstream.id("v2");
    move_tag(&workspace, "v2");
    assert_eq!(workspace.fork.id(BASE), base, "recorded by the run");

    let _ = workspace.run_tag("v3").run().exits(0);

    let candidate = workspace.candidate("v3");
    assert_eq!(subjects(&candidate), ["Colour output", "Mind the gap"], "{candidate:#}");
    assert_eq!((&candidate["base"], left_out(&candidate)), (&Value::from(base.clone()), vec!["Release v2"]));
    // Whoever has nothing but candidate.json comes to the same.
    let ids: Vec<&str> =
        candidate["excluded"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert!(ids.contains(&base.as_str()) && ids.contains(&candidate["onto"].as_str().unwrap()), "{ids:?}");
}

#[test]
fn a_base_whose_tag_has_moved_and_that_nobody_recorded_is_named_among_the_patches() {
    let workspace = landed_on_v2();
    move_tag(&workspace, "v2");
    workspace.fork.git(&["update-ref", "-d", BASE]);
    workspace.fork.git(&["update-ref", "-d", "refs/patch-moi/candidate/v2"]);

    let run = workspace.run_tag("v3").run();

    let candidate = workspace.candidate("v3");
    assert_eq!(subjects(&candidate), ["Release v2", "Colour output", "Mind the gap"], "{run}");
}

#[test]
fn a_base_stays_recorded_as_long_as_the_branch_stands_on_it() {
    let workspace = landed_on_v2();
    let base = workspace.upstream.id("v2");
    move_tag(&workspace, "v2");

    let _ = workspace.run_tag("v2").run().exits(0);

    assert_ne!(workspace.candidate("v2")["onto"], base);
    assert_eq!(workspace.fork.id(BASE), base);
    workspace.fork.git(&["reset", "--quiet", "--hard", "refs/patch-moi/candidate/v2"]);
    workspace.fork.commit("One more", &[("more.txt", "more\n")]);
    let _ = workspace.run_tag("v2").run();
    let _ = workspace.run_tag("v3").run().exits(0);
    assert_eq!(subjects(&workspace.candidate("v3")).len(), 3);
}

#[test]
fn no_base_is_recorded_by_a_dry_run_or_where_a_patch_needs_a_person_or_a_check_refuses() {
    let workspace = Workspace::clean().with_flow("");
    let _ = workspace.run(&["release", "--repo", "acme/engine", "--tag", "v2", "--dry-run"]).run().exits(0);
    let has = |workspace: &Workspace| workspace.fork.try_git(&["rev-parse", "--verify", "-q", BASE]).0 == 0;
    assert!(!has(&workspace));

    let workspace = Workspace::conflicting().with_flow("");
    let _ = workspace.run_tag("v2").run().exits(3);
    assert!(!has(&workspace));

    let check = "[[checks]]\nname = \"no\"\ncommand = [\"false\"]\nrequired = true\n";
    let workspace = Workspace::clean().with_flow(check);
    let _ = workspace.run_tag("v2").run().exits(1);
    assert!(!has(&workspace));
}

#[test]
fn a_fork_on_an_upstream_commit_that_nothing_names_counts_it_until_it_is_recorded() {
    let repo = fork_and_upstream(&[("a", "1\n")]);
    repo.branch("nightly").commit("Nightly build", &[("nightly", "1\n")]);
    repo.switch("main").commit("Go on", &[("b", "1\n")]);
    repo.tag("v2").switch("fork");
    repo.commit("Mine", &[("mine", "1\n")]);
    repo.git(&["rebase", "--quiet", "nightly"]);
    assert_eq!(verdicts(&carry(&repo, 0)), [("Nightly build", "clean"), ("Mine", "clean")]);

    repo.git(&["update-ref", "refs/patch-moi/base/nightly", "nightly"]);

    let carried = carry(&repo, 0);
    assert_eq!(verdicts(&carried), [("Mine", "clean")]);
    assert_eq!(
        (&carried["base"], left_out(&carried)),
        (&Value::from(repo.id("nightly")), vec!["Nightly build"])
    );
}

#[test]
fn a_recorded_base_that_the_branch_does_not_hold_any_more_counts_for_nothing() {
    let repo = fork_and_upstream(&[("a", "1\n")]);
    repo.branch("nightly").commit("Nightly build 1", &[("nightly", "1\n")]);
    repo.commit("Nightly build 2", &[("nightly", "2\n")]);
    repo.switch("main").commit("Go on", &[("b", "1\n")]);
    repo.tag("v2").switch("fork").commit("Mine", &[("mine", "1\n")]);
    repo.git(&["rebase", "--quiet", "nightly"]);
    repo.git(&["update-ref", "refs/patch-moi/base/nightly", "nightly"]);
    assert_eq!(verdicts(&carry(&repo, 0)), [("Mine", "clean")]);

    // The fork goes back behind it.
    repo.git(&["rebase", "--quiet", "--onto", "nightly~1", "nightly"]);

    assert_eq!(verdicts(&carry(&repo, 0)), [("Nightly build 1", "clean"), ("Mine", "clean")]);
}

#[test]
fn a_fork_that_was_put_on_a_newer_commit_of_main_has_its_own_patches_only() {
    let workspace = Workspace::clean().with_flow("");
    workspace.fork.git(&["fetch", "--quiet", "upstream", "main"]);
    workspace.fork.git(&["rebase", "--quiet", "FETCH_HEAD"]);

    let _ = workspace.run_tag("v2").run().exits(0);

    let candidate = workspace.candidate("v2");
    assert_eq!(subjects(&candidate), ["Colour output", "Mind the gap"]);
    assert_eq!(
        (&candidate["base"], left_out(&candidate).len()),
        (&Value::from(workspace.upstream.id("main")), 0)
    );
}

#[test]
fn a_release_that_shares_nothing_with_the_branch_is_said_to_and_is_a_mistake() {
    let workspace = Workspace::clean().with_flow("");
    workspace.fork.git(&["switch", "--quiet", "--orphan", "stranger"]);
    workspace.fork.commit("Begin elsewhere", &[("other.txt", "1\n")]);
    workspace.fork.git(&["branch", "--force", "main", "stranger"]);
    workspace.install_flow(&workspace.flow_toml(""));
    workspace.lock();

    let run = workspace.run_tag("v2").run().exits(2);

    let _ = run.says(&["share no history"]);
    assert!(!workspace.artifact("v2").join("candidate.json").exists());
}

/// Another project, which has the same tags, with two commits.
fn second_upstream(workspace: &Workspace) -> Repo {
    let other = Repo::at(&workspace.upstream.path().parent().unwrap().join("tool"));
    other.commit("Begin a tool", &[("tool/a.txt", "1\n")]);
    other.tag("v1");
    other.commit("Mend the tool", &[("tool/a.txt", "2\n")]);
    other.tag("v2");
    other
}

#[test]
fn a_second_upstream_that_was_merged_in_is_the_forks_own_and_stays_as_it_is() {
    let workspace = Workspace::clean().with_flow("");
    let other = second_upstream(&workspace);
    workspace.fork.git(&[
        "fetch",
        "--quiet",
        &file_url(other.path()),
        "+refs/tags/*:refs/patch-moi/upstream/acme/tool/tags/*",
    ]);
    let message = ["merge", "--quiet", "--allow-unrelated-histories", "-m", "Bring the tool in"];
    workspace.fork.git(&[&message[..], &["refs/patch-moi/upstream/acme/tool/tags/v2"]].concat());
    workspace.fork.commit("Use the tool", &[("tool/b.txt", "used\n")]);

    let _ = workspace.run_tag("v2").run().exits(0);

    let candidate = workspace.candidate("v2");
    assert_eq!(candidate["onto"], workspace.upstream.id("v2"), "two tags of one name are two releases");
    assert_eq!(
        subjects(&candidate),
        [
            "Colour output",
            "Mind the gap",
            "Begin a tool",
            "Mend the tool",
            "Bring the tool in",
            "Use the tool"
        ]
    );
    for (at, subject) in [(2, "v1"), (3, "v2")] {
        let patch = &candidate["patches"][at];
        assert_eq!(
            (&patch["new_commit"], &patch["commit"]),
            (&patch["commit"], &Value::from(other.id(subject)))
        );
    }
    let id = candidate["candidate"]["commit"].as_str().unwrap();
    assert_eq!(
        workspace.fork.git(&[
            "rev-list",
            "--merges",
            "--count",
            &format!("{}..{id}", workspace.upstream.id("v2"))
        ]),
        "1"
    );
    assert_eq!(workspace.fork.id(&format!("{id}~1^2")), other.id("v2"));
}

#[test]
fn a_recorded_base_is_never_taken_from_an_artifact() {
    let workspace = Workspace::clean().with_flow("");
    let _ = workspace.run_tag("v2").run().exits(0);
    let file = workspace.artifact("v2").join("candidate.json");
    let mut json = workspace.candidate("v2");
    let hidden = workspace.fork.id("main~1");
    json["base"] = Value::from(hidden.clone());
    json["excluded"].as_array_mut().unwrap().push(Value::from(hidden.clone()));
    json["refs"]
        .as_array_mut()
        .unwrap()
        .push(serde_json::json!({"name": "refs/patch-moi/base/v1", "commit": hidden}));
    fs::write(&file, json.to_string()).unwrap();

    let dir = workspace.artifact("v2");
    let run = patch_moi(workspace.path()).args(["verify", dir.to_str().unwrap(), "--json"]).run().exits(1);

    assert_eq!(run.json()["refusal"]["code"], "excluded", "{run}");
}
