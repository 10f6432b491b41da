//! Raw trees: entries, what one commit touches, and single entries replaced.

use std::collections::BTreeMap;

use super::ports::{Objects, PortError};
use crate::ids::{ObjectId, TreeId};

/// git's empty tree.
const EMPTY: [u8; 20] = [
    0x4b, 0x82, 0x5d, 0xc6, 0x42, 0xcb, 0x6e, 0xb9, 0xa0, 0x60, 0xe5, 0x4b, 0xf8, 0xd6, 0x92, 0x88, 0xfb, 0xee,
    0x49, 0x04,
];

/// The id of the tree without entries.
pub(crate) fn empty() -> TreeId {
    TreeId::new(ObjectId::from_bytes(EMPTY))
}

/// An entry's mode, as the raw tree has it in octal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mode(pub(crate) u32);

impl Mode {
    /// Whether the entry is a directory.
    pub(crate) const fn is_tree(self) -> bool {
        self.0 & 0o170_000 == 0o040_000
    }

    /// Whether the entry names a commit of another repository.
    pub(crate) const fn is_submodule(self) -> bool {
        self.0 & 0o170_000 == 0o160_000
    }
}

/// One entry of a raw tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// What kind of thing it is.
    pub(crate) mode: Mode,
    /// Its name in this directory, as bytes.
    pub(crate) name: Vec<u8>,
    /// The object.
    pub(crate) id: ObjectId,
}

/// What stands at a path.
pub(crate) type Node = Option<(Mode, ObjectId)>;

/// A path that one commit changes, with what a third tree has there.
#[derive(Debug)]
pub(super) struct Touched {
    pub(super) path: Vec<u8>,
    /// Before the change.
    pub(super) before: Node,
    /// After the change.
    pub(super) after: Node,
    /// In the tree that the change is to be carried to.
    pub(super) there: Node,
}

/// Every file, link and submodule in which `after` differs from `before`. Goes down only where they
/// differ, so the cost follows the change and not the tree.
pub(super) fn touched(
    objects: &dyn Objects,
    before: TreeId,
    after: TreeId,
    there: TreeId,
) -> Result<Vec<Touched>, PortError> {
    let tree = |id: TreeId| Some((Mode(0o040_000), id.object()));
    let mut found = Vec::new();
    let mut waiting = vec![Touched { path: Vec::new(), before: tree(before), after: tree(after), there: tree(there) }];
    while let Some(spot) = waiting.pop() {
        if spot.before == spot.after {
            continue;
        }
        let is_tree = |node: &Node| node.is_some_and(|(mode, _)| mode.is_tree());
        if is_tree(&spot.before) || is_tree(&spot.after) {
            waiting.extend(below(objects, &spot)?);
        }
        if spot.before.is_some_and(|(mode, _)| !mode.is_tree()) || spot.after.is_some_and(|(mode, _)| !mode.is_tree()) {
            found.push(spot);
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

/// The spots one level below `spot`.
fn below(objects: &dyn Objects, spot: &Touched) -> Result<Vec<Touched>, PortError> {
    let mut names: BTreeMap<Vec<u8>, [Node; 3]> = BTreeMap::new();
    for (side, node) in [spot.before, spot.after, spot.there].into_iter().enumerate() {
        let Some((mode, id)) = node else { continue };
        if !mode.is_tree() {
            continue;
        }
        for entry in objects.tree(TreeId::new(id))? {
            names.entry(entry.name).or_default()[side] = Some((entry.mode, entry.id));
        }
    }
    let step = |(name, [before, after, there]): (Vec<u8>, [Node; 3])| {
        let mut path = spot.path.clone();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(&name);
        Touched { path, before, after, there }
    };
    Ok(names.into_iter().map(step).collect())
}

/// What stands at `path` in `tree`.
pub(crate) fn find(objects: &dyn Objects, tree: TreeId, path: &[u8]) -> Result<Node, PortError> {
    let mut at = Some((Mode(0o040_000), tree.object()));
    for name in path.split(|byte| *byte == b'/') {
        let Some((mode, id)) = at else { return Ok(None) };
        if !mode.is_tree() {
            return Ok(None);
        }
        let entries = objects.tree(TreeId::new(id))?;
        at = entries.into_iter().find(|entry| entry.name == name).map(|entry| (entry.mode, entry.id));
    }
    Ok(at)
}

/// `tree` with `node` at `path`. Directories that become empty go.
pub(super) fn replace(objects: &dyn Objects, tree: TreeId, path: &[u8], node: Node) -> Result<TreeId, PortError> {
    let at = path.iter().position(|byte| *byte == b'/');
    let (name, rest) = at.map_or((path, None), |at| (&path[..at], Some(&path[at + 1..])));
    let mut entries = objects.tree(tree)?;
    let old = entries.iter().position(|entry| entry.name == name);
    let new = match rest {
        None => node,
        Some(rest) => {
            let child = old.map(|at| &entries[at]).filter(|entry| entry.mode.is_tree());
            let child = child.map_or_else(empty, |entry| TreeId::new(entry.id));
            let child = replace(objects, child, rest, node)?;
            (child != empty()).then(|| (Mode(0o040_000), child.object()))
        }
    };
    if let Some(at) = old {
        entries.remove(at);
    }
    if let Some((mode, id)) = new {
        entries.push(Entry { mode, name: name.to_vec(), id });
        entries.sort_by(|one, other| sort_key(one).cmp(&sort_key(other)));
    }
    if entries.is_empty() {
        return Ok(empty());
    }
    objects.write_tree(&entries)
}

/// git sorts a directory as if its name ended with a slash.
fn sort_key(entry: &Entry) -> Vec<u8> {
    let mut key = entry.name.clone();
    if entry.mode.is_tree() {
        key.push(b'/');
    }
    key
}
