//! What of a settlement is the person's, and does not follow from the patch.

use std::collections::{BTreeMap, BTreeSet};

use super::answers::Settlement;
use super::commit::RawCommit;
use super::ports::Objects;
use super::{StackError, apply, tree};

/// The paths in which a settlement holds something else than the patch alone makes there: sorted, lossily
/// decoded. What git merges by itself from both sides counts as the person's, for they could have changed
/// it. Nothing where the patch was left out.
///
/// # Errors
/// Missing objects.
pub(crate) fn by_hand(objects: &dyn Objects, settled: &Settlement) -> Result<Vec<String>, StackError> {
    if settled.tree == settled.on_tree {
        return Ok(Vec::new());
    }
    let patch = RawCommit::parse(settled.commit, &objects.commit(settled.commit)?)?;
    let mut follows = BTreeMap::new();
    // A merge is settled on what git has merged, so that all that differs is the person's.
    if patch.parents.len() < 2 {
        let parent = apply::parent_tree(objects, &patch)?;
        let touched = tree::touched(objects, parent, patch.tree, settled.on_tree)?;
        let own = touched.into_iter().filter(|spot| spot.before == spot.there);
        follows.extend(own.map(|spot| (spot.path, spot.after)));
    }
    let made = tree::touched(objects, settled.on_tree, settled.tree, settled.on_tree)?;
    let mut paths = BTreeSet::new();
    for spot in made {
        if follows.remove(&spot.path) != Some(spot.after) {
            paths.insert(spot.path);
        }
    }
    // What the patch does and the settlement does not.
    paths.extend(follows.into_keys());
    Ok(paths.iter().map(|path| String::from_utf8_lossy(path).into_owned()).collect())
}
