//! What differs between a folder as it was pinned and as it is.

use std::collections::BTreeMap;

use super::active::Contents;
use super::hash::content_hash;
use crate::ids::Digest;

impl Contents {
    /// The hash that the lock would have for it.
    pub(crate) fn hash(&self) -> Digest {
        content_hash(self.files.iter().map(|(path, digest)| (path.as_str(), digest)))
    }
}

/// The files that differ, in words and in the order of their names: `exec/a.ts changed`, `b added`,
/// `c removed`.
pub(crate) fn changes(pinned: &Contents, now: &Contents) -> Vec<String> {
    let by_path =
        |contents: &Contents| -> BTreeMap<String, Digest> { contents.files.iter().cloned().collect() };
    let (before, after) = (by_path(pinned), by_path(now));
    let mut changes: BTreeMap<&str, &str> = BTreeMap::new();
    for (path, digest) in &after {
        match before.get(path) {
            None => changes.insert(path, "added"),
            Some(old) if old != digest => changes.insert(path, "changed"),
            Some(_) => None,
        };
    }
    changes.extend(
        before.keys().filter(|path| !after.contains_key(*path)).map(|path| (path.as_str(), "removed")),
    );
    changes.into_iter().map(|(path, how)| format!("{} {how}", crate::flow::shown(path))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(files: &[(&str, &str)]) -> Contents {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), Digest::of(text.as_bytes())));
        Contents { files: files.collect(), links: Vec::new() }
    }

    #[test]
    fn every_file_that_differs_is_named_once_and_no_other() {
        let (before, after) = (
            contents(&[("a", "1"), ("b", "1"), ("z", "1")]),
            contents(&[("a", "1"), ("c\n", "1"), ("z", "2")]),
        );
        assert_eq!(changes(&before, &after), ["b removed", "c\\n added", "z changed"]);
        assert_eq!(changes(&before, &before), [""; 0]);
    }
}
