//! Artifact folders: whole or not at all.

use std::fs;
use std::path::Path;

use super::a_place;
use crate::ids::{RelPath, Slug, TagName};
use crate::store::ArtifactDir;

fn slug(tag: &str) -> Slug {
    tag.parse::<TagName>().unwrap().slug()
}

fn rel(path: &str) -> RelPath {
    path.parse().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn an_artifact_that_is_not_finished_leaves_nothing() {
    let place = a_place();
    let artifact = ArtifactDir::open(place.path(), &slug("v1")).unwrap();
    artifact.write(&rel("a/b.txt"), b"half").unwrap();
    assert!(!place.path().join("v1").exists());
    drop(artifact);
    assert_eq!(names(place.path()), [".gitignore", ".lock"]);
}

#[test]
fn a_published_artifact_takes_the_place_of_the_older_one_whole() {
    let place = a_place();
    for (generation, file) in [("1", "old.txt"), ("2", "new.txt")] {
        let artifact = ArtifactDir::open(place.path(), &slug("v1/x")).unwrap();
        artifact.write(&rel(file), generation.as_bytes()).unwrap();
        fs::write(artifact.reserve(&rel("patches/series")).unwrap(), generation).unwrap();
        let at = artifact.publish().unwrap();
        assert_eq!(names(&at), [file, "patches"]);
    }
    assert_eq!(names(place.path()), [".gitignore", ".lock", "v1%2Fx"]);
    assert_eq!(fs::read(place.path().join("v1%2Fx/patches/series")).unwrap(), b"2");
}

#[test]
fn a_file_in_the_way_is_replaced_too() {
    let place = a_place();
    fs::write(place.path().join("v1"), "in the way").unwrap();
    let artifact = ArtifactDir::open(place.path(), &slug("v1")).unwrap();
    artifact.write(&rel("a"), b"1").unwrap();
    assert_eq!(names(&artifact.publish().unwrap()), ["a"]);
    assert_eq!(names(place.path()), [".gitignore", ".lock", "v1"]);
}

#[test]
fn what_a_killed_run_left_is_removed_and_what_another_fills_is_not() {
    let place = a_place();
    fs::create_dir_all(place.path().join(".v1.partial-dead/a")).unwrap();
    let of_others = [".v2.partial-dead", ".v1.partial-a.partial-dead", ".v1.former-a.former-dead"];
    for name in of_others {
        fs::create_dir_all(place.path().join(name)).unwrap();
    }
    let other = ArtifactDir::open(place.path(), &slug("v1")).unwrap();
    other.write(&rel("a"), b"1").unwrap();

    let artifact = ArtifactDir::open(place.path(), &slug("v1")).unwrap();

    assert!(!place.path().join(".v1.partial-dead").exists());
    for name in of_others {
        assert!(place.path().join(name).exists(), "{name} belongs to another artifact");
    }
    assert!(!place.path().join("v1").exists());
    drop(artifact);
    assert_eq!(names(&other.publish().unwrap()), ["a"]);
}

#[test]
fn an_old_artifact_that_was_moved_away_and_not_replaced_comes_back() {
    let place = a_place();
    fs::create_dir_all(place.path().join(".v1.former-x/kept")).unwrap();
    let _filling = ArtifactDir::open(place.path(), &slug("v1")).unwrap();
    assert_eq!(names(&place.path().join("v1")), ["kept"]);
}
