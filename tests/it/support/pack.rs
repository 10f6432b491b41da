//! The content hash of a pack item, written from the format's description and not from the program.

use std::cmp::Ordering;
use std::fs;
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// Characters in the order in which JavaScript's `localeCompare` puts them, case folded.
const COLLATION: &str = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz";

/// The hash of every regular file below `dir`: relative path, NUL, hex SHA-256 of the content, NUL.
pub(crate) fn content_hash(dir: &Path) -> String {
    let mut hasher = Sha256::new();
    feed(&mut hasher, dir, "");
    format!("sha256:{}", hex::encode(hasher.finalize()))
}

fn feed(hasher: &mut Sha256, dir: &Path, prefix: &str) {
    let mut entries: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap()).collect();
    entries.sort_by(|a, b| collate(&name(a), &name(b)));
    for entry in entries.into_iter().filter(|entry| entry.file_name() != ".git") {
        let path = format!("{prefix}{}", name(&entry));
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            feed(hasher, &entry.path(), &format!("{path}/"));
        } else if kind.is_file() {
            let content = hex::encode(Sha256::digest(fs::read(entry.path()).unwrap()));
            hasher.update(path.as_bytes());
            hasher.update([0]);
            hasher.update(content.as_bytes());
            hasher.update([0]);
        }
    }
}

fn name(entry: &fs::DirEntry) -> String {
    entry.file_name().into_string().unwrap()
}

fn collate(a: &str, b: &str) -> Ordering {
    let key =
        |text: &str| -> Vec<_> { text.chars().map(|c| COLLATION.find(c.to_ascii_lowercase())).collect() };
    let lower_first = |text: &str| -> Vec<_> { text.chars().map(|c| c.is_ascii_uppercase()).collect() };
    key(a).cmp(&key(b)).then_with(|| lower_first(a).cmp(&lower_first(b)))
}

#[test]
fn names_are_ordered_as_people_order_them_and_not_as_bytes() {
    let mut names = ["Z.txt", "a.txt", "A.txt", "a-b", "a_b", "a1", "ab"];
    names.sort_by(|a, b| collate(a, b));
    assert_eq!(names, ["a_b", "a-b", "a.txt", "A.txt", "a1", "ab", "Z.txt"]);
}
