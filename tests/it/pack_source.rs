//! Packs that lie in repositories: what is fetched, and what is recorded of it.

use std::fs;

use serde_json::json;

use crate::pack::Place;
use crate::support::{Repo, content_hash, file_url, patch_moi, write};

/// A repository with a pack of one flow, whose attributes would change its files in a checkout.
fn repository(place: &Place) -> Repo {
    let repo = Repo::at(&place.path("origin"));
    place.flow("origin", "a", "one\n$Id$\n");
    repo.git(&["config", "core.autocrlf", "false"]);
    repo.commit_all("Pack");
    repo.commit("Attributes", &[(".gitattributes", "* text eol=crlf ident\n*.ts filter=harm\n")]);
    repo
}

#[test]
fn a_pack_is_fetched_as_it_was_committed_and_its_commit_is_recorded() {
    let place = Place::new();
    let repo = repository(&place);
    let global = place.path("gitconfig");
    let hook = place.path("hooks/post-checkout");
    write(&hook, "#!/bin/sh\ntouch \"$HOME/hooked\"\n");
    let config = format!(
        "[core]\n\tautocrlf = true\n\thooksPath = {}\n[filter \"harm\"]\n\tsmudge = touch \"$HOME/smudged\"\n",
        hook.parent().unwrap().display()
    );
    write(&global, config);

    let url = file_url(repo.path());
    let run = patch_moi(&place.workspace())
        .args(["pack", "add", &url, "--apply"])
        .env("GIT_CONFIG_GLOBAL", &global)
        .run()
        .exits(0);

    assert!(!run.home().join("hooked").exists() && !run.home().join("smudged").exists());
    assert_eq!(fs::read_dir(run.home()).unwrap().count(), 0, "nothing stays behind\n{run}");
    assert_eq!(place.read(".codex/flows/a/exec/s.ts"), "one\n$Id$\n");
    let item = &place.json(".codex/pack-lock.json")["items"][0];
    assert_eq!(item["source"], json!({"input": url, "type": "git", "url": url, "commit": repo.id("HEAD")}));
    assert_eq!(item["sourcePath"], "flows/a");
    let _ = place.run(&["pack", "doctor"]).exits(0);
}

#[test]
fn a_ref_is_a_commit_a_tag_or_a_branch_and_nothing_else() {
    let place = Place::new();
    let repo = repository(&place);
    let first = repo.id("HEAD");
    repo.tag("v1");
    place.flow("origin", "a", "later\n");
    repo.commit_all("Later");
    repo.git(&["branch", "side", &first]);
    let url = file_url(repo.path());
    for reference in ["v1", "side", &first] {
        let run = place.run(&["pack", "add", &url, "--ref", reference, "--json"]).exits(0);
        let source = &run.json()["source"];
        assert_eq!((&source["commit"], &source["ref"]), (&json!(first), &json!(reference)), "{run}");
    }
    for reference in ["--upload-pack=touch x", "+main", "a:b", "v1^{}"] {
        let argument = format!("--ref={reference}");
        let run = place.run(&["pack", "add", &url, &argument]).exits(2);
        let _ = run.says(&["is no commit, tag or branch"]);
    }
    let _ = place.run(&["pack", "add", &url, "--ref", "nowhere"]).exits(1).says(&["could not be read"]);
}

#[test]
fn a_link_or_a_submodule_in_a_repository_is_refused() {
    let place = Place::new();
    let repo = repository(&place);
    std::os::unix::fs::symlink("/etc", place.path("origin/flows/a/etc")).unwrap();
    place.flow("origin", "b", "1\n");
    repo.git(&["add", "--all"]);
    let id = repo.id("HEAD");
    repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{id},flows/b/module")]);
    repo.git(&["commit", "--quiet", "-m", "Odd"]);
    let run = place.run(&["pack", "add", &file_url(repo.path()), "--apply", "--overwrite"]).exits(1);
    let _ = run.prints(&["etc is a symbolic link", "module is a submodule"]);
    assert!(!place.at(".codex/flows").exists());
}

#[test]
fn owner_and_name_are_a_repository_on_github() {
    let place = Place::new();
    let repo = repository(&place);
    fs::create_dir_all(place.path("acme")).unwrap();
    fs::rename(repo.path(), place.path("acme/packs.git")).unwrap();
    let global = place.path("gitconfig");
    write(&global, format!("[url \"{}/\"]\n\tinsteadOf = https://github.com/\n", file_url(&place.path(""))));
    let run = patch_moi(&place.workspace())
        .args(["pack", "add", "acme/packs", "--apply", "--json"])
        .env("GIT_CONFIG_GLOBAL", &global)
        .run()
        .exits(0);
    assert_eq!(run.json()["pack"]["name"], "packs");
    let source = &place.json(".codex/pack-lock.json")["items"][0]["source"];
    assert_eq!(source["type"], "github");
    assert_eq!(source["url"], "https://github.com/acme/packs.git");
}

#[test]
fn a_password_in_an_address_does_not_reach_the_lock() {
    let place = Place::new();
    for url in [
        "https://x:secret@example.org/a.git",
        "https://example.org/a.git?token=secret",
        "ssh://git:secret@127.0.0.1:1/a.git",
        "file://secret@/a.git",
    ] {
        let run = place.run(&["pack", "add", url, "--apply"]).exits(2).says(&["what may be a password"]);
        assert!(!run.stderr.contains("secret"), "{run}");
    }
    let run = place.run(&["pack", "inspect", "ssh://git@127.0.0.1:1/a.git"]).exits(1);
    let _ = run.says(&["could not be read"]);
}

#[test]
fn a_commit_is_recorded_only_for_what_is_committed() {
    let place = Place::new();
    let repo = Repo::at(&place.path("pack"));
    place.flow("pack", "clean", "1\n");
    place.flow("pack", "dirty", "1\n");
    repo.commit_all("Pack");
    write(&place.path("pack/flows/dirty/exec/s.ts"), "2\n");

    let run = place.run(&["pack", "add", "../pack", "--apply"]).exits(0);

    let _ = run.prints(&["flow dirty: its files are not those of commit"]);
    let lock = place.json(".codex/pack-lock.json");
    assert_eq!(lock["items"][0]["source"]["commit"], repo.id("HEAD"));
    assert_eq!(lock["items"][1]["source"], json!({"input": "../pack", "type": "local"}));
}

#[test]
fn the_repository_around_a_pack_is_not_the_packs() {
    let place = Place::new();
    let repo = Repo::at(&place.path("around"));
    place.flow("around/pack", "a", "1\n");
    repo.commit_all("Not the pack's");
    let run = place.run(&["pack", "add", "../around/pack", "--apply", "--json"]).exits(0);
    assert_eq!(run.json()["source"]["commit"], json!(null));
    let lock = place.json(".codex/pack-lock.json");
    assert_eq!(lock["items"][0]["source"], json!({"input": "../around/pack", "type": "local"}));
}

#[test]
fn an_update_fetches_what_the_branch_has_now() {
    let place = Place::new();
    let repo = repository(&place);
    let url = file_url(repo.path());
    let _ = place.run(&["pack", "add", &url, "--ref", "main", "--apply"]).exits(0);
    let folder = place.flow("origin", "a", "new\n");
    let new = repo.commit_all("New");
    let _ = place.run(&["pack", "update", "--apply"]).exits(0).prints(&["update                flow/a"]);
    assert_eq!(content_hash(&place.at(".codex/flows/a")), content_hash(&folder));
    let source = &place.json(".codex/pack-lock.json")["items"][0]["source"];
    assert_eq!((&source["ref"], &source["commit"]), (&json!("main"), &json!(new)));
    repo.git(&["branch", "-m", "main", "gone"]);
    let run = place.run(&["pack", "update", "--apply"]).exits(1);
    let _ = run.prints(&["its pack cannot be opened"]);
}
