//! Raw trees.

use super::memory::{FILE, Memory};
use crate::ids::TreeId;
use crate::stack::tree::{changed, replace, touched};
use crate::stack::{Mode, Objects, empty_tree, find};

fn names(paths: Vec<Vec<u8>>) -> Vec<String> {
    paths.iter().map(|path| String::from_utf8_lossy(path).into_owned()).collect()
}

#[test]
fn a_change_touches_files_links_and_submodules_and_no_folder() {
    let memory = Memory::default();
    let (a, b) = (memory.file("a"), memory.file("b"));
    let (link, submodule, program) = (Mode(0o120_000), Mode(0o160_000), Mode(0o100_755));
    let before = memory.nodes(&[
        (b"same/x", FILE, a),
        (b"mode", FILE, a),
        (b"file", FILE, a),
        (b"gone/deep/er", FILE, a),
        (b"folder/x", FILE, a),
        (b"link", link, a),
        (b"sub", submodule, a),
        (b"caf\xe9", FILE, a),
    ]);
    let after = memory.nodes(&[
        (b"same/x", FILE, a),
        (b"mode", program, a),
        (b"file/x", FILE, a),
        (b"folder", FILE, a),
        (b"link", link, b),
        (b"sub", submodule, b),
        (b"caf\xe9", FILE, b),
        (b"new", FILE, a),
    ]);

    let found = names(changed(&memory, before, after).unwrap());

    let expected =
        ["caf\u{fffd}", "file", "file/x", "folder", "folder/x", "gone/deep/er", "link", "mode", "new", "sub"];
    assert_eq!(found, expected);
    assert_eq!(names(changed(&memory, after, before).unwrap()), expected);
    assert_eq!(names(changed(&memory, after, after).unwrap()), [""; 0]);
    assert_eq!(names(changed(&memory, empty_tree(), memory.files(&[("a/b", "1")])).unwrap()), ["a/b"]);
}

#[test]
fn a_touched_path_knows_what_stands_there() {
    let memory = Memory::default();
    let before = memory.files(&[("d/a", "1"), ("d/b", "1"), ("d/c", "1"), ("e/x", "1")]);
    let after = memory.files(&[("d/a", "2"), ("d/b", "2"), ("d/c", "1"), ("e/x", "2")]);
    let there = memory.files(&[("d/a", "1"), ("d/b", "3"), ("e", "a file")]);

    let found = touched(&memory, before, after, there).unwrap();

    let same: Vec<_> = found.iter().map(|spot| (spot.before == spot.there, spot.there.is_some())).collect();
    assert_eq!(same, [(true, true), (false, true), (false, false)]);
    assert!(found.iter().all(|spot| spot.after.is_some()));
}

#[test]
fn only_folders_that_differ_are_read() {
    let memory = Memory::default();
    let many: Vec<(String, String)> = (0..200).map(|n| (format!("d{n}/x/file"), n.to_string())).collect();
    let mut files: Vec<(&str, &str)> = many.iter().map(|(path, text)| (&path[..], &text[..])).collect();
    let before = memory.files(&files);
    files[100].1 = "changed";
    let after = memory.files(&files);
    memory.read.set(0);

    assert_eq!(changed(&memory, before, after).unwrap().len(), 1);

    assert_eq!(memory.read.get(), 6, "three folders deep, on two sides");
}

#[test]
fn a_replaced_path_is_as_if_the_tree_had_been_written_so() {
    let memory = Memory::default();
    let tree = memory.files(&[("a", "1"), ("d/x", "1"), ("d/y", "1"), ("e/f/g", "1")]);
    let node = |text: &str| Some((FILE, memory.file(text)));
    let cases: [(&str, _, &[(&str, &str)]); 7] = [
        ("a", node("2"), &[("a", "2"), ("d/x", "1"), ("d/y", "1"), ("e/f/g", "1")]),
        ("d/x", None, &[("a", "1"), ("d/y", "1"), ("e/f/g", "1")]),
        ("e/f/g", None, &[("a", "1"), ("d/x", "1"), ("d/y", "1")]),
        ("n/e/w", node("1"), &[("a", "1"), ("d/x", "1"), ("d/y", "1"), ("e/f/g", "1"), ("n/e/w", "1")]),
        ("d", node("1"), &[("a", "1"), ("d", "1"), ("e/f/g", "1")]),
        ("d-", node("1"), &[("a", "1"), ("d-", "1"), ("d/x", "1"), ("d/y", "1"), ("e/f/g", "1")]),
        ("a/b", node("1"), &[("a/b", "1"), ("d/x", "1"), ("d/y", "1"), ("e/f/g", "1")]),
    ];
    for (path, node, expected) in cases {
        let new = replace(&memory, tree, path.as_bytes(), node).unwrap();
        assert_eq!(memory.tree(new).unwrap(), memory.tree(memory.files(expected)).unwrap(), "{path}");
        assert_eq!(find(&memory, new, path.as_bytes()).unwrap(), node, "{path}");
    }
}

#[test]
fn what_is_not_there_can_be_taken_out_and_takes_nothing_with_it() {
    let memory = Memory::default();
    let tree = memory.files(&[("a", "1"), ("d/x", "1")]);
    for path in ["b", "a/b", "a/b/c", "d/y", "n/e/w"] {
        assert_eq!(replace(&memory, tree, path.as_bytes(), None).unwrap(), tree, "{path}");
    }
    let only: TreeId = memory.files(&[("d/x", "1")]);
    assert_eq!(replace(&memory, only, b"d/x", None).unwrap(), empty_tree());
}
