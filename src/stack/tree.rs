//! Raw trees: entries, what one commit touches, and single entries replaced.

use std::collections::HashSet;

use super::ports::{Entry, Mode, Objects, PortError};
use super::raw::{self, Differs, RawTree};
use crate::ids::{ObjectId, TreeId};

/// git's empty tree.
const EMPTY: [u8; 20] = [
    0x4b, 0x82, 0x5d, 0xc6, 0x42, 0xcb, 0x6e, 0xb9, 0xa0, 0x60, 0xe5, 0x4b, 0xf8, 0xd6, 0x92, 0x88, 0xfb,
    0xee, 0x49, 0x04,
];

/// The id of the tree without entries.
pub(crate) fn empty() -> TreeId {
    TreeId::new(ObjectId::from_bytes(EMPTY))
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
    walk(objects, [tree(before), tree(after), tree(there)])
}

/// The paths of the change from `before` to `after`, sorted.
pub(super) fn changed(
    objects: &dyn Objects,
    before: TreeId,
    after: TreeId,
) -> Result<Vec<Vec<u8>>, PortError> {
    let found = walk(objects, [tree(before), tree(after), None])?;
    Ok(found.into_iter().map(|spot| spot.path).collect())
}

/// The same, where nothing but `within` is changed, which holds paths and all directories above them.
pub(super) fn changed_within(
    objects: &dyn Objects,
    before: TreeId,
    after: TreeId,
    within: &HashSet<Vec<u8>>,
) -> Result<Option<Vec<Vec<u8>>>, PortError> {
    let mut found = Vec::new();
    let mut waiting =
        vec![Touched { path: Vec::new(), before: tree(before), after: tree(after), there: None }];
    while let Some(spot) = waiting.pop() {
        for spot in below(objects, &spot)? {
            if !within.contains(&spot.path) {
                return Ok(None);
            }
            let is_leaf = |node: &Node| node.is_some() && !is_tree(node);
            if is_leaf(&spot.before) || is_leaf(&spot.after) {
                found.push(spot.path.clone());
            }
            if is_tree(&spot.before) || is_tree(&spot.after) {
                waiting.push(spot);
            }
        }
    }
    found.sort_unstable();
    Ok(Some(found))
}

fn tree(id: TreeId) -> Node {
    Some((Mode(0o040_000), id.object()))
}

fn is_tree(node: &Node) -> bool {
    node.is_some_and(|(mode, _)| mode.is_tree())
}

fn walk(objects: &dyn Objects, [before, after, there]: [Node; 3]) -> Result<Vec<Touched>, PortError> {
    let mut found = Vec::new();
    let mut waiting = vec![Touched { path: Vec::new(), before, after, there }];
    while let Some(spot) = waiting.pop() {
        if spot.before == spot.after {
            continue;
        }
        if is_tree(&spot.before) || is_tree(&spot.after) {
            waiting.extend(below(objects, &spot)?);
        }
        let is_leaf = |node: &Node| node.is_some() && !is_tree(node);
        if is_leaf(&spot.before) || is_leaf(&spot.after) {
            found.push(spot);
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

/// The spots one level below `spot` at which before and after differ.
fn below(objects: &dyn Objects, spot: &Touched) -> Result<Vec<Touched>, PortError> {
    let raw = |node: Node| match node {
        Some((mode, id)) if mode.is_tree() => {
            objects.raw_tree(TreeId::new(id)).map(|raw| (TreeId::new(id), raw))
        }
        _ => Ok((empty(), [].into())),
    };
    let (before, after) = (raw(spot.before)?, raw(spot.after)?);
    let differ = raw::differ((before.0, &before.1), (after.0, &after.1))?;
    let names: Vec<&[u8]> = differ.iter().map(|spot| spot.name).collect();
    let there = raw(spot.there)?;
    let there = raw::look_up((there.0, &there.1), &names)?;
    let step = |(found, there): (&Differs<'_>, Node)| {
        let mut path = spot.path.clone();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(found.name);
        Touched { path, before: found.before, after: found.after, there }
    };
    Ok(differ.iter().zip(there).map(step).collect())
}

/// What stands at `path` in `tree`.
pub(crate) fn find(objects: &dyn Objects, tree: TreeId, path: &[u8]) -> Result<Node, PortError> {
    let mut at = self::tree(tree);
    for name in path.split(|byte| *byte == b'/') {
        let Some((mode, id)) = at else { return Ok(None) };
        if !mode.is_tree() {
            return Ok(None);
        }
        let raw = objects.raw_tree(TreeId::new(id))?;
        let mut entries = RawTree::new(&raw);
        at = entries.find(|entry| entry.name == name).map(|entry| entry.node());
        entries.check(TreeId::new(id))?;
    }
    Ok(at)
}

/// `tree` with `node` at `path`. Directories that become empty go.
pub(super) fn replace(
    objects: &dyn Objects,
    tree: TreeId,
    path: &[u8],
    node: Node,
) -> Result<TreeId, PortError> {
    if node.is_none() && find(objects, tree, path)?.is_none() {
        return Ok(tree);
    }
    put(objects, tree, path, node)
}

fn put(objects: &dyn Objects, tree: TreeId, path: &[u8], node: Node) -> Result<TreeId, PortError> {
    let at = path.iter().position(|byte| *byte == b'/');
    let (name, rest) = at.map_or((path, None), |at| (&path[..at], Some(&path[at + 1..])));
    let mut entries = objects.tree(tree)?;
    let old = entries.iter().position(|entry| entry.name == name);
    let new = match rest {
        None => node,
        Some(rest) => {
            let child = old.map(|at| &entries[at]).filter(|entry| entry.mode.is_tree());
            let child = child.map_or_else(empty, |entry| TreeId::new(entry.id));
            let child = put(objects, child, rest, node)?;
            (child != empty()).then(|| (Mode(0o040_000), child.object()))
        }
    };
    if let Some(at) = old {
        entries.remove(at);
    }
    if let Some((mode, id)) = new {
        entries.push(Entry { mode, name: name.to_vec(), id });
        entries.sort_by_cached_key(sort_key);
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
