//! The files of a pack, or of something that was installed from one, as they were found.

use std::collections::{BTreeMap, BTreeSet};

use super::collation::{Collation, folded};
use super::hash::content_hash;
use crate::flow::shown;
use crate::ids::Digest;

/// The most files in one item.
const MAX_FILES: usize = 5_000;
/// The most bytes in one item.
const MAX_BYTES: u64 = 64 << 20;
/// The most folders below each other in one item.
const MAX_DEPTH: usize = 32;
/// So many names are shown of what is wrong with many.
const SHOWN: usize = 3;

/// A regular file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PackFile {
    /// What it holds.
    pub(crate) bytes: Vec<u8>,
    /// Whether it may be executed.
    pub(crate) executable: bool,
}

/// What stands under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    /// A regular file.
    File(PackFile),
    /// A symbolic link.
    Link,
    /// Something of git's, which no hash covers.
    Git,
    /// What nobody installs: a pipe, a submodule, a name that is not UTF-8. In words: `is a pipe`.
    Other(String),
}

/// What stands below a folder, by path with `/`. Folders themselves are not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Listing(BTreeMap<String, Node>);

impl Listing {
    /// Adds what was found.
    pub(crate) fn insert(&mut self, path: String, node: Node) {
        self.0.insert(path, node);
    }

    /// What stands there.
    pub(crate) fn get(&self, path: &str) -> Option<&Node> {
        self.0.get(path)
    }

    /// Everything, in the order of the bytes of the paths.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.0.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// The text of a regular file.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        match self.get(path) {
            Some(Node::File(file)) => std::str::from_utf8(&file.bytes).ok(),
            _ => None,
        }
    }

    /// The folder `path` of it; the whole where that is empty.
    pub(crate) fn folder(&self, path: &str) -> Files {
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let mut found = Files::default();
        let from = self.0.range(prefix.clone()..).take_while(|(path, _)| path.starts_with(&prefix));
        for (path, node) in from {
            let below = path[prefix.len()..].to_owned();
            match node {
                Node::File(file) => drop(found.files.insert(below, file.clone())),
                Node::Git => found.git.push(below),
                Node::Link => found.odd.push((below, "is a symbolic link".to_owned())),
                Node::Other(what) => found.odd.push((below, what.clone())),
            }
        }
        // A link in the place of the folder or above it is what the folder is.
        let above = std::iter::successors(Some(path), |path| path.rsplit_once('/').map(|(above, _)| above));
        for at in above.filter(|at| !at.is_empty()) {
            match self.get(at) {
                Some(Node::Link) => found.odd.push((at.to_owned(), "is a symbolic link".to_owned())),
                Some(Node::Other(what)) => found.odd.push((at.to_owned(), what.clone())),
                _ => {}
            }
        }
        found
    }
}

/// What one folder holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Files {
    /// The regular files, by their paths below the folder.
    pub(crate) files: BTreeMap<String, PackFile>,
    /// Git's own, which is left out.
    pub(crate) git: Vec<String>,
    /// What is neither, with words for what it is.
    pub(crate) odd: Vec<(String, String)>,
}

impl Files {
    /// The content hash, which covers names and bytes of the regular files.
    pub(crate) fn hash(&self) -> Digest {
        let digests: Vec<(&str, Digest)> =
            self.files.iter().map(|(path, file)| (path.as_str(), Digest::of(&file.bytes))).collect();
        content_hash(digests.iter().map(|(path, digest)| (*path, digest)))
    }

    /// How many bytes the files have.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.values().map(|file| file.bytes.len() as u64).sum()
    }

    /// The files that may be executed.
    pub(crate) fn executables(&self) -> Vec<&str> {
        let executable = self.files.iter().filter(|(_, file)| file.executable);
        executable.map(|(path, _)| path.as_str()).collect()
    }

    /// What stands there that the content hash does not cover, in words: links, git's own, pipes.
    pub(crate) fn uncovered(&self) -> Vec<String> {
        let odd = self.odd.iter().map(|(path, what)| format!("{} {what}", shown(path)));
        let git = self.git.iter().map(|path| format!("{} is git's own", shown(path)));
        odd.chain(git).collect()
    }

    /// Why this cannot be installed.
    pub(crate) fn refusal(&self) -> Option<String> {
        if let Some((path, what)) = self.odd.first() {
            let more = self.odd.len() - 1;
            let more = if more > 0 { format!(" (and {more} more of the kind)") } else { String::new() };
            return Some(format!("{} {what}{more}", shown(path)));
        }
        if let Some((one, other)) = self.collision() {
            return Some(format!(
                "{} and {} differ only in case or in how a letter is composed",
                shown(&one),
                shown(&other)
            ));
        }
        if let Some(path) = self.disguised_git() {
            return Some(format!("{} is git's own folder to some file systems", shown(path)));
        }
        if self.files.len() > MAX_FILES {
            return Some(format!("it has more than {MAX_FILES} files"));
        }
        if self.bytes() > MAX_BYTES {
            return Some(format!("it has more than {MAX_BYTES} bytes"));
        }
        let deep = self.files.keys().find(|path| path.split('/').count() > MAX_DEPTH);
        deep.map(|path| format!("{} lies more than {MAX_DEPTH} folders deep", shown(path)))
    }

    /// Two names that are one on a file system that tells neither case nor how a letter is composed.
    fn collision(&self) -> Option<(String, String)> {
        let names: BTreeSet<&str> = self.files.keys().flat_map(|path| with_folders(path)).collect();
        let mut names: Vec<(String, &str)> = names.into_iter().map(|name| (folded(name), name)).collect();
        let collation = Collation::new();
        names.sort_by(|(one, _), (other, _)| collation.compare_folded(one, other));
        let is_one = |pair: &&[(String, &str)]| collation.compare_folded(&pair[0].0, &pair[1].0).is_eq();
        names.windows(2).find(is_one).map(|pair| (pair[0].1.to_owned(), pair[1].1.to_owned()))
    }

    /// What some file system takes for a `.git`: a repository there would run what its configuration says.
    fn disguised_git(&self) -> Option<&str> {
        let collation = Collation::new();
        let is_it = |name: &str| {
            let name = name.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
            name.eq_ignore_ascii_case("git~1") || collation.are_one(name, ".git")
        };
        self.files.keys().map(String::as_str).find(|path| path.split('/').any(is_it))
    }
}

/// A path, and those of the folders above it.
fn with_folders(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at]).chain([path])
}

/// The first names of a list, and how many there are beyond.
pub(super) fn some_of(names: &[&str]) -> String {
    let mut text = names.iter().take(SHOWN).map(|name| shown(name)).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text += &format!(" and {} more", names.len() - SHOWN);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn file(text: &str) -> Node {
        Node::File(PackFile { bytes: text.as_bytes().to_vec(), executable: false })
    }

    fn listing(nodes: &[(&str, Node)]) -> Listing {
        Listing(nodes.iter().map(|(path, node)| ((*path).to_owned(), node.clone())).collect())
    }

    #[test]
    fn what_is_no_regular_file_is_refused_by_name() {
        for (node, what) in
            [(Node::Link, "x/l is a symbolic link"), (Node::Other("is a pipe".into()), "x/l is a pipe")]
        {
            let all = listing(&[("a/x/l", node), ("a/f", file(""))]);
            assert_eq!(all.folder("a").refusal().as_deref(), Some(what));
        }
        let through = listing(&[("a", Node::Link)]);
        assert_eq!(through.folder("a/b").refusal().as_deref(), Some("a is a symbolic link"));
    }

    #[test]
    fn names_that_differ_only_in_case_are_refused_also_those_of_folders() {
        for (one, other) in [
            ("a/Read", "a/read"),
            ("a/X/1", "a/x/2"),
            ("a/Ü", "a/ü"),
            ("a/é", "a/e\u{301}"),
            ("a/É/1", "a/e\u{301}/2"),
            ("a/ß", "a/SS"),
        ] {
            let refusal = listing(&[(one, file("")), (other, file(""))]).folder("a").refusal();
            assert!(refusal.unwrap().contains("differ only in case"), "{one} {other}");
        }
        assert_eq!(listing(&[("a/x/1", file("")), ("a/x/2", file(""))]).folder("a").refusal(), None);
    }

    #[test]
    fn a_git_in_disguise_is_refused() {
        for name in [".GIT", ".Git", ".g\u{200c}it", "git~1", ".git.", ".git ", ".git::$DATA"] {
            let refusal = listing(&[(&format!("a/x/{name}/config"), file(""))]).folder("a").refusal();
            assert!(refusal.is_some_and(|why| why.contains("git's own")), "{name}");
        }
        for name in [".gitignore", ".github", "git", ".gitmodules"] {
            assert_eq!(listing(&[(&format!("a/{name}"), file(""))]).folder("a").refusal(), None, "{name}");
        }
    }

    #[test]
    fn too_much_is_refused() {
        let mut many = Listing::default();
        (0..5_001).for_each(|number| many.insert(format!("a/{number}"), file("")));
        assert!(many.folder("a").refusal().unwrap().contains("5000 files"));
        let deep = format!("a/{}f", "d/".repeat(33));
        assert!(listing(&[(&deep, file(""))]).folder("a").refusal().unwrap().contains("32 folders deep"));
    }

    #[test]
    fn what_git_keeps_is_left_out_and_a_neighbour_is_no_part() {
        let all =
            listing(&[("a/.git", Node::Git), ("a/f", file("1")), ("a.b", file("2")), ("ab/f", file("3"))]);
        let files = all.folder("a");
        assert_eq!(files.files.keys().collect::<Vec<_>>(), ["f"]);
        assert_eq!(files.uncovered(), [".git is git's own"]);
        assert_eq!(files.refusal(), None);
    }
}
