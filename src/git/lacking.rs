//! Which objects are not there, of trees that a merge or a checkout is going to read.

use std::collections::BTreeSet;

use git2::ObjectType;

use super::Workbench;
use super::repository::oid;
use crate::ids::{ObjectId, TreeId};
use crate::stack::{Objects, PortError, differ, empty_tree};

/// Fetched trees come with those below them, so that nobody has to ask more often than this.
const ROUNDS: usize = 64;

/// Folders within folders: git itself reads no more (`core.maxTreeDepth`).
const NESTED: usize = 2048;

/// What is not there.
#[derive(Debug, Default)]
pub(super) struct Lacking {
    trees: BTreeSet<ObjectId>,
    pub(super) blobs: BTreeSet<ObjectId>,
    pub(super) paths: BTreeSet<Vec<u8>>,
    /// Whether each object is read, and not only looked for.
    thorough: bool,
}

impl Workbench {
    /// What is lacking of the trees in which pairs differ. Trees are fetched on the way.
    pub(super) fn compare_all(
        &self,
        pairs: &[(TreeId, TreeId)],
        thorough: bool,
    ) -> Result<Lacking, PortError> {
        for _ in 0..ROUNDS {
            let mut lacking = Lacking { thorough, ..Lacking::default() };
            for (before, after) in pairs {
                self.compare(*before, *after, &[], &mut lacking)?;
            }
            let trees: Vec<ObjectId> = lacking.trees.iter().copied().collect();
            let Some(first) = trees.first() else { return Ok(lacking) };
            if !self.supply.bring(&trees) {
                return Err(self.lost(*first, ObjectType::Tree, "it was not found"));
            }
            self.refreshed();
        }
        Err(PortError::new("the trees could not be fetched", "they lie too deep"))
    }

    fn compare(
        &self,
        before: TreeId,
        after: TreeId,
        at: &[u8],
        lacking: &mut Lacking,
    ) -> Result<(), PortError> {
        if before == after {
            return Ok(());
        }
        if at.iter().filter(|byte| **byte == b'/').count() > NESTED {
            let deep = format!("it has folders within folders more than {NESTED} times");
            return Err(PortError::new(format!("tree {after} could not be compared"), deep));
        }
        let there =
            |id: ObjectId, thorough: bool| if thorough { self.is_readable(id) } else { self.holds(id) };
        let missing =
            [before, after].map(|tree| tree != empty_tree() && !there(tree.object(), lacking.thorough));
        lacking.trees.extend(missing[0].then(|| before.object()));
        lacking.trees.extend(missing[1].then(|| after.object()));
        if missing != [false, false] {
            return Ok(());
        }
        let (one, other) = (self.raw_tree(before)?, self.raw_tree(after)?);
        for spot in differ((before, &one), (after, &other))? {
            let path = match at.is_empty() {
                true => spot.name.to_vec(),
                false => [at, b"/", spot.name].concat(),
            };
            let nodes = [spot.before, spot.after];
            let trees = nodes.map(|node| node.filter(|(mode, _)| mode.is_tree()));
            if trees != [None, None] {
                let [one, other] = trees.map(|tree| tree.map_or_else(empty_tree, |(_, id)| TreeId::new(id)));
                self.compare(one, other, &path, lacking)?;
            }
            let files = nodes.into_iter().flatten();
            let mut is_file = false;
            for (_, id) in files.filter(|(mode, _)| !mode.is_tree() && !mode.is_submodule()) {
                is_file = true;
                if !there(id, lacking.thorough) {
                    lacking.blobs.insert(id);
                }
            }
            if is_file {
                lacking.paths.insert(path);
            }
        }
        Ok(())
    }

    /// Whether the object lies here or with the fork.
    pub(super) fn holds(&self, id: ObjectId) -> bool {
        let there = |odb: git2::Odb<'_>| odb.exists_ext(oid(id), git2::OdbLookupFlags::NO_REFRESH);
        self.made.has(id) || self.bench.inner.odb().is_ok_and(there)
    }

    pub(super) fn is_readable(&self, id: ObjectId) -> bool {
        self.made.has(id) || self.plainly(id).is_some()
    }

    /// The content of an object, where it can be read as things are.
    pub(super) fn plainly(&self, id: ObjectId) -> Option<Vec<u8>> {
        let odb = self.bench.inner.odb().ok()?;
        odb.read(oid(id)).ok().map(|object| object.data().to_vec())
    }
}
