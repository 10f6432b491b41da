//! A candidate that landed as one commit: its patches are what the next release carries.

use serde_json::{Value, json};

use crate::stack::{POEM, carry, commit, patch, verdicts};
use crate::support::{ForkServer, Repo, Workspace, find_files, fork_and_upstream};

/// A fork with three patches, and their candidate for v2 as a run records it; v3 is out too.
fn recorded() -> Repo {
    let repo = fork_and_upstream(&[("a", "1\n"), ("b", "1\n")]);
    repo.commit("Go on", &[("b", "2\n")]);
    repo.tag("v2").switch("fork");
    for name in ["one", "two", "three"] {
        repo.commit(&format!("Add {name}"), &[(name, "1\n")]);
    }
    let candidate = commit(&carry(&repo, 0));
    repo.git(&["update-ref", "refs/patch-moi/candidate/v2", &candidate]);
    repo.git(&["update-ref", "refs/patch-moi/base/v2", "v2"]);
    repo.switch("main").commit("Go further", &[("b", "3\n")]);
    repo.tag("v3").switch("fork");
    repo
}

fn carry_to_v3(repo: &Repo) -> Value {
    crate::stack::rebase(repo, &["--onto", "v3"]).run().exits(0).json()
}

/// One commit on the branch with the candidate's tree, as a forge's button makes it.
fn squash_merge(repo: &Repo) -> String {
    let tree = repo.tree("refs/patch-moi/candidate/v2");
    let id = repo.git(&["commit-tree", &tree, "-p", "fork", "-m", "Carry to v2 (#7)"]);
    repo.git(&["reset", "--quiet", "--hard", &id]);
    id
}

const ADDED: [(&str, &str); 3] = [("Add one", "clean"), ("Add two", "clean"), ("Add three", "clean")];

#[test]
fn a_candidate_that_a_forge_has_squashed_is_carried_patch_by_patch() {
    let repo = recorded();
    let landed = squash_merge(&repo);

    let carried = carry_to_v3(&repo);

    assert_eq!(verdicts(&carried), ADDED, "{carried:#}");
    assert_eq!(
        carried["landed"],
        json!({"commit": landed, "candidate": repo.id("refs/patch-moi/candidate/v2")})
    );
    assert_eq!((&carried["tip"], &carried["base"]), (&Value::from(landed), &Value::from(repo.id("v2"))));
    assert_eq!(carried["counts"]["patches"], 3);
    assert_eq!(
        repo.git(&["log", "--format=%s", &format!("v3..{}", commit(&carried))]),
        "Add three\nAdd two\nAdd one"
    );
}

#[test]
fn patches_above_a_squashed_candidate_go_on_after_its_patches() {
    let repo = recorded();
    squash_merge(&repo);
    repo.commit("Add four", &[("four", "1\n")]);
    repo.branch("topic").commit("On a topic", &[("topic", "1\n")]);
    repo.switch("fork").commit("Change three", &[("three", "2\n")]);
    repo.merge("topic");

    let carried = carry_to_v3(&repo);

    let subjects: Vec<&str> = verdicts(&carried).into_iter().map(|(subject, _)| subject).collect();
    let above = ["Add four", "Change three", "On a topic", "Merge branch 'topic'"];
    assert_eq!(subjects, [&ADDED.map(|(subject, _)| subject)[..], &above].concat(), "{carried:#}");
    let candidate = commit(&carried);
    assert_eq!(repo.git(&["rev-list", "--count", "--merges", &format!("v3..{candidate}")]), "1");
    assert_eq!(
        (repo.file(&candidate, "three"), repo.file(&candidate, "b")),
        ("2".to_owned(), "3".to_owned())
    );
}

#[test]
fn a_branch_that_left_before_the_squash_and_came_back_after_it_stands_on_the_candidate() {
    let repo = recorded();
    repo.branch("topic").commit("On a topic", &[("topic", "1\n"), ("two", "2\n")]);
    repo.switch("fork");
    squash_merge(&repo);
    repo.merge("topic");

    let carried = carry_to_v3(&repo);

    let candidate = commit(&carried);
    assert_eq!(carried["counts"]["patches"], 5, "{carried:#}");
    assert_eq!(repo.git(&["diff", "--stat", &candidate, "fork", "--", "one", "two", "three", "topic"]), "");
}

#[test]
fn what_a_topic_merged_before_the_squash_settles_nothing_with_the_release_of_the_candidate() {
    let poem = |word: &str| POEM.replace("three", word);
    let repo = fork_and_upstream(&[("poem", POEM)]);
    repo.commit("Count in Roman (#9)", &[("poem", &poem("III"))]);
    repo.tag("v2").switch("fork").commit("Add one", &[("one", "1\n")]);
    let candidate = commit(&carry(&repo, 0));
    repo.git(&["update-ref", "refs/patch-moi/candidate/v2", &candidate]);
    repo.git(&["branch", "topic", "v1"]);
    repo.switch("topic").commit("Count in German", &[("poem", &poem("drei"))]);
    repo.merge("fork");
    repo.switch("fork");
    squash_merge(&repo);
    repo.merge_settled("topic", &[("poem", &poem("III (drei)"))]);
    repo.switch("main").commit("Go further", &[("b", "3\n")]);
    repo.tag("v3").switch("fork");

    let carried = carry_to_v3(&repo);

    // The candidate stands on v2, the branch that the topic merged did not: only who merged both has settled it.
    let german = patch(&carried, "Count in German");
    let made = repo.file(german["new_commit"].as_str().unwrap(), "poem");
    assert_eq!(
        (german["verdict"].as_str(), made.as_str()),
        (Some("resolved"), poem("III (drei)").trim_end())
    );
    assert_eq!(repo.git(&["diff", "--name-only", "fork", &commit(&carried)]), "b");
}

#[test]
fn a_release_that_a_squashed_candidate_stands_on_is_adopted() {
    let workspace = Workspace::clean().with_flow("");
    let _ = workspace.run_tag("v2").run().exits(0);
    let tree = workspace.fork.tree("refs/patch-moi/candidate/v2");
    let id = workspace.fork.git(&["commit-tree", &tree, "-p", "main", "-m", "Carry to v2 (#7)"]);
    workspace.fork.git(&["reset", "--quiet", "--hard", &id]);

    let run = workspace.run_tag("v2").run().exits(0);

    assert!(run.stdout.contains("holds v2 already"), "{run}");
}

#[test]
fn what_a_person_rebased_by_hand_is_theirs_although_the_tree_is_the_same() {
    let repo = recorded();
    repo.git(&["rebase", "--quiet", "v2"]);
    repo.git(&["commit", "--quiet", "--amend", "-m", "Add three, better said"]);
    assert_eq!(repo.tree("fork"), repo.tree("refs/patch-moi/candidate/v2"));

    let carried = carry_to_v3(&repo);

    assert_eq!(carried["landed"], Value::Null);
    assert_eq!(verdicts(&carried)[2].0, "Add three, better said");
}

#[test]
fn what_was_landed_as_it_is_and_taken_back_to_later_is_no_squash() {
    let repo = recorded();
    repo.git(&["reset", "--quiet", "--hard", "refs/patch-moi/candidate/v2"]);
    repo.commit("Add four", &[("four", "1\n")]);
    repo.git(&["revert", "--no-edit", "HEAD"]);

    let carried = carry_to_v3(&repo);

    assert_eq!((&carried["landed"], &carried["counts"]["patches"]), (&Value::Null, &json!(5)));
}

/// A fork's server whose flow squashes, with a candidate for v2 published.
fn published(config: &str) -> ForkServer {
    let server = ForkServer::with(Workspace::clean(), &json!({}), config);
    let _ = server.tick();
    server
}

/// The next release, and what comes of it on fresh machines: the artifact is proved and published.
fn next(server: &ForkServer) -> Value {
    server.workspace.upstream.commit("Go on (#31)", &[("engine.txt", "pistons: 6, oiled\n")]);
    server.workspace.upstream.tag("v3");
    let (run, _) = server.tick();
    let artifact = run.artifact().unwrap();
    let proof = server.machine().plain("verify").args([&artifact, "--json"]).run().exits(0);
    assert!(proof.json()["proved"].is_object());
    let text = |name: &str| {
        let found = find_files(artifact.as_ref(), name);
        std::fs::read_to_string(found.first().unwrap_or_else(|| panic!("no {name}"))).unwrap()
    };
    assert!(text("report.md").contains("as one commit: its patches are carried one by one"));
    assert!(text("report.html").contains("as one commit: its patches are carried one by one"));
    assert_eq!(
        text("range-diff.txt").lines().filter(|line| line.contains("1:  ")).count(),
        3,
        "pair by pair"
    );
    serde_json::from_str(&text("candidate.json")).unwrap()
}

/// The subjects of the patches.
fn subjects(candidate: &Value) -> Vec<&str> {
    verdicts(candidate).into_iter().map(|(subject, _)| subject).collect()
}

const PATCHES: [&str; 3] = ["Colour output", "Mind the gap", "Follow upstream"];

#[test]
fn a_flow_that_squashes_carries_the_patches_one_by_one_to_every_release() {
    let server = published("squash = true\n");
    assert_eq!(server.git(&["rev-parse", "refs/patch-moi/base/v2"]), server.workspace.upstream.id("v2"));
    server.git(&["update-ref", "refs/heads/main", "patch-moi/candidate/v2"]);
    let squashed = server.git(&["rev-parse", "main"]);

    let candidate = next(&server);

    assert_eq!(subjects(&candidate), PATCHES, "{candidate:#}");
    let stack = server.git(&["rev-parse", "refs/patch-moi/stack/v2"]);
    assert_eq!(candidate["landed"], json!({"commit": squashed, "candidate": stack}));
    assert_eq!(above_v3(&server, "refs/patch-moi/stack/v3"), PATCHES);
    assert_eq!(above_v3(&server, "patch-moi/candidate/v3").len(), 1);
}

/// The subjects of a ref of the server above upstream's v3, oldest first.
fn above_v3(server: &ForkServer, name: &str) -> Vec<String> {
    let onto = server.workspace.upstream.id("v3");
    let log = server.git(&["log", "--reverse", "--format=%s", &format!("{onto}..{name}")]);
    log.lines().map(str::to_owned).collect()
}

#[test]
fn a_published_candidate_that_the_button_has_squashed_is_known_on_a_fresh_machine() {
    let server = published("");
    let tree = server.git(&["rev-parse", "patch-moi/candidate/v2^{tree}"]);
    let id = server.git(&["commit-tree", &tree, "-p", "main", "-m", "Carry to v2 (#7)"]);
    server.git(&["update-ref", "refs/heads/main", &id]);

    let candidate = next(&server);

    assert_eq!(subjects(&candidate), PATCHES, "{candidate:#}");
    assert_eq!(candidate["landed"]["commit"], id);
    assert_eq!(above_v3(&server, "patch-moi/candidate/v3"), PATCHES);
}
