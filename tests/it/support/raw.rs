//! Objects made by hand: trees as no git of today writes them, and many histories in one pack.

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use sha1::{Digest as _, Sha1};

use super::Repo;

/// An object's id, as bytes.
pub(crate) type Id = [u8; 20];

/// What stands at each path: the mode's digits, and an object.
pub(crate) type Paths = BTreeMap<Vec<u8>, (&'static str, Id)>;

/// Objects that are in no repository yet.
#[derive(Default)]
pub(crate) struct Objects(BTreeMap<Id, (Kind, Vec<u8>)>);

/// The kinds of objects with their numbers in a pack: gitformat-pack(5).
#[derive(Clone, Copy)]
enum Kind {
    Commit = 1,
    Tree = 2,
    Blob = 3,
}

impl Objects {
    fn put(&mut self, kind: Kind, content: Vec<u8>) -> Id {
        let name = ["", "commit", "tree", "blob"][kind as usize];
        let head = format!("{name} {}\0", content.len());
        let id = Sha1::new().chain_update(head).chain_update(&content).finalize().into();
        self.0.insert(id, (kind, content));
        id
    }

    /// A blob.
    pub(crate) fn blob(&mut self, content: &[u8]) -> Id {
        self.put(Kind::Blob, content.to_vec())
    }

    /// A tree of these entries, in the order and with the modes that they have here.
    pub(crate) fn tree(&mut self, entries: &[(&str, &[u8], Id)]) -> Id {
        let entry =
            |(mode, name, id): &(&str, &[u8], Id)| [mode.as_bytes(), b" ", name, b"\0", &id[..]].concat();
        self.put(Kind::Tree, entries.iter().flat_map(entry).collect())
    }

    /// A tree of paths, with `folder` as the mode of its folders.
    pub(crate) fn tree_of(&mut self, paths: &Paths, folder: &str) -> Id {
        let mut below: BTreeMap<&[u8], Paths> = BTreeMap::new();
        let mut entries = Vec::new();
        for (path, node) in paths {
            match path.iter().position(|byte| *byte == b'/') {
                Some(at) => {
                    below.entry(&path[..at]).or_default().insert(path[at + 1..].to_vec(), *node);
                }
                None => entries.push((node.0, &path[..], node.1)),
            }
        }
        for (name, paths) in below {
            entries.push((folder, name, self.tree_of(&paths, folder)));
        }
        entries
            .sort_by_key(|(mode, name, _)| [*name, if *mode == folder { &b"/"[..] } else { b"" }].concat());
        self.tree(&entries)
    }

    /// A commit of a tree.
    pub(crate) fn commit(&mut self, tree: Id, parent: Option<Id>) -> Id {
        let parent = parent.map(|id| format!("parent {}\n", hex::encode(id))).unwrap_or_default();
        let who = "A <a@example.org> 1767225600 +0000";
        let text = format!("tree {}\n{parent}author {who}\ncommitter {who}\n\nx\n", hex::encode(tree));
        self.put(Kind::Commit, text.into_bytes())
    }

    /// Puts all of them into a repository. git itself does not look at what they hold.
    pub(crate) fn store(&self, repo: &Repo) {
        let mut pack = [b"PACK\0\0\0\x02", &u32::try_from(self.0.len()).unwrap().to_be_bytes()[..]].concat();
        for (kind, content) in self.0.values() {
            let mut rest = content.len() >> 4;
            let mut byte = (*kind as u8) << 4 | (content.len() & 15) as u8;
            while rest > 0 {
                pack.push(byte | 0x80);
                byte = (rest & 0x7f) as u8;
                rest >>= 7;
            }
            pack.push(byte);
            let mut deflate = ZlibEncoder::new(&mut pack, Compression::fast());
            deflate.write_all(content).unwrap();
            deflate.finish().unwrap();
        }
        let sum = Sha1::digest(&pack);
        pack.extend_from_slice(&sum);
        assert_eq!(repo.git_with(&["index-pack", "--stdin"], &pack).0, 0);
    }
}
