//! Generated trees and changes of them: every kind of thing that can stand in a tree, and what people do to it.

use std::collections::BTreeMap;

use crate::support::Dice;
use crate::support::raw::{Id, Objects, Paths};

/// What stands at each path: the mode's digits, and content; of a submodule the first byte of its commit.
pub(crate) type Files = BTreeMap<Vec<u8>, (&'static str, Vec<u8>)>;

/// Few paths, so that changes meet: files' names that are folders' too, names between a folder's and its
/// end's, and one that is not UTF-8.
const PATHS: [&[u8]; 20] = [
    b"a",
    b"a/x",
    b"a/y/z",
    b"d",
    b"d-x",
    b"d.txt",
    b"d/one",
    b"d/two",
    b"d/three",
    b"d/sub/four",
    b"d/sub/five",
    b"d/caf\xe9/six",
    b"e/one",
    b"e/sub/four",
    b"f/g/h",
    b"caf\xe9",
    b"new",
    b"top",
    b".gitattributes",
    b"d/.gitattributes",
];

/// Where folders are moved from and to: beside, below, above, and to where there may be one already.
const FOLDERS: [&[u8]; 9] = [b"d", b"e", b"a", b"d/sub", b"e/sub", b"f", b"f/g", b"folder", b"folder/deep"];

const RULES: [&[u8]; 8] = [
    b"* -merge\n",
    b"* merge=union\n",
    b"one merge=binary\n",
    b"*.txt text eol=crlf\n",
    b"sub/* merge=union\n",
    b"[attr]own merge=union\nt* own\n",
    b"/d/** merge=unheard-of\n",
    b"caf* conflict-marker-size=12\n* binary\none merge\n",
];

/// A text of lines that are rare and lines that are not; now and then with carriage returns, and without
/// a line feed at its end.
fn text(dice: &mut Dice) -> Vec<u8> {
    let (own, length) = (dice.below(6), dice.one_of(&[0, 1, 3, 10, 14, 20, 90]));
    let line = |dice: &mut Dice, number: usize| match dice.below(5) {
        0 => "}".to_owned(),
        1 => format!("common {}", dice.below(3)),
        _ => format!("line {number} of text {own}"),
    };
    let lines: Vec<String> = (0..length).map(|number| line(dice, number)).collect();
    let end = if dice.one_in(8) { "\r\n" } else { "\n" };
    let mut text = lines.join(end).into_bytes();
    if !text.is_empty() && !dice.one_in(6) {
        text.extend_from_slice(end.as_bytes());
    }
    text
}

fn binary(dice: &mut Dice) -> Vec<u8> {
    // git looks for a NUL in the first 8000 bytes only.
    let lead = dice.one_of(&[0, 7_990, 7_999, 8_000, 8_010]);
    let mut content = b"0123456\n".repeat(1 + lead / 8);
    content.truncate(lead);
    content.extend_from_slice(&[0, dice.below(3) as u8, b'\n']);
    content
}

fn node(dice: &mut Dice, path: &[u8]) -> (&'static str, Vec<u8>) {
    let mode = match dice.below(16) {
        0 | 1 => "100755",
        2 => dice.one_of(&["100664", "100640", "100600", "100775", "100700"]),
        _ => "100644",
    };
    if path.ends_with(b".gitattributes") {
        return (mode, dice.one_of(&RULES).to_vec());
    }
    match dice.below(16) {
        0 => ("120000", format!("to/{}", dice.below(3)).into_bytes()),
        1 => ("160000", vec![dice.below(3) as u8]),
        2 => (mode, binary(dice)),
        3 => (mode, Vec::new()),
        _ => (mode, text(dice)),
    }
}

/// The trees that all begin with.
pub(crate) fn base(dice: &mut Dice) -> Files {
    let mut files = Files::new();
    for _ in 0..4 + dice.below(9) {
        let path = dice.one_of(&PATHS);
        if !path.ends_with(b".gitattributes") || dice.one_in(4) {
            put(&mut files, path, node(dice, path));
        }
    }
    files
}

fn is_below(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.first() == Some(&b'/'))
}

/// Puts something at a path. What stood below or above it goes.
fn put(files: &mut Files, path: &[u8], node: (&'static str, Vec<u8>)) {
    files.retain(|old, _| !is_below(old, path) && !is_below(path, old));
    files.insert(path.to_vec(), node);
}

/// Does what `seed` says. The same seed does the same to the same files.
pub(crate) fn change(files: &mut Files, seed: u64) {
    let mut dice = Dice::new(seed);
    let free = dice.one_of(&PATHS);
    let taken = files.keys().nth(dice.below(files.len())).cloned();
    match (dice.below(20), taken) {
        (0..=7, Some(path)) => edit(&mut files.get_mut(&path).unwrap().1, &mut dice),
        (8..=9, Some(path)) => drop(files.remove(&path)),
        (10..=11, Some(path)) => {
            let mut node = files.remove(&path).unwrap();
            if dice.one_in(3) {
                edit(&mut node.1, &mut dice);
            }
            put(files, free, node);
        }
        (12..=13, _) => move_folder(files, dice.one_of(&FOLDERS), dice.one_of(&FOLDERS)),
        (14, Some(path)) => {
            let mode = &mut files.get_mut(&path).unwrap().0;
            if mode.starts_with("100") {
                *mode = dice.one_of(&["100644", "100755", "100664", "100775"]);
            }
        }
        (15, Some(path)) => {
            let (mode, content) = files.get_mut(&path).unwrap();
            if mode.starts_with("100") {
                let text = String::from_utf8_lossy(content).replace('\r', "");
                *content =
                    if content.contains(&b'\r') { text } else { text.replace('\n', "\r\n") }.into_bytes();
            }
        }
        (16, Some(path)) => {
            // The same name, another kind of thing.
            put(files, &path, node(&mut dice, &path));
        }
        _ => put(files, free, node(&mut dice, free)),
    }
}

/// Lines go, come, or become others; or the end of the last one.
fn edit(content: &mut Vec<u8>, dice: &mut Dice) {
    if dice.one_in(8) {
        match content.last() {
            Some(b'\n') => drop(content.pop()),
            _ => content.push(b'\n'),
        }
        return;
    }
    let mut lines: Vec<Vec<u8>> =
        content.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let start = dice.below(lines.len() + 1);
    let end = (start + dice.below(4)).min(lines.len());
    let new = match dice.below(4) {
        0 => Vec::new(),
        1 => [&lines[start..end], &lines[start..end]].concat(),
        _ => (0..dice.below(4)).map(|_| format!("edited {}\n", dice.below(4)).into_bytes()).collect(),
    };
    lines.splice(start..end, new);
    *content = lines.concat();
}

fn move_folder(files: &mut Files, from: &[u8], to: &[u8]) {
    let paths: Vec<Vec<u8>> = files.keys().filter(|path| is_below(path, from)).cloned().collect();
    let nodes: Vec<_> =
        paths.iter().map(|path| (path[from.len()..].to_vec(), files.remove(path).unwrap())).collect();
    for (rest, node) in nodes {
        put(files, &[to, &rest].concat(), node);
    }
}

/// The tree of these files.
pub(crate) fn tree(objects: &mut Objects, files: &Files, folder: &str) -> Id {
    let mut paths = Paths::new();
    for (path, (mode, content)) in files {
        let id = match *mode {
            "160000" => [1 + content.first().copied().unwrap_or(7); 20],
            _ => objects.blob(content),
        };
        paths.insert(path.clone(), (*mode, id));
    }
    objects.tree_of(&paths, folder)
}
