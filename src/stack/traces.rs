//! Which patches lie below which, and what each of them left behind: paths that it changed, paths that it
//! left open.

use std::collections::{BTreeSet, HashMap};

use super::inventory::Inventory;
use super::places::Places;
use crate::ids::CommitId;

/// What is known of the patches by their places.
#[derive(Debug)]
pub(super) struct Traces {
    /// For each place of the stack its own and those of its ancestors.
    ancestors: Vec<Places>,
    /// The same as the patches are carried: in one line, all places before it.
    below: Vec<Places>,
    /// The places of merges, ascending.
    merges: Vec<usize>,
    /// The patches that were not carried, so far.
    open: Trace,
    /// The others: the carry or the release has them.
    taken: Trace,
}

/// Some of the patches.
#[derive(Debug, Default)]
struct Trace {
    places: Places,
    by_path: HashMap<Vec<u8>, Places>,
}

impl Traces {
    /// Before the first patch; `places` has every commit's.
    pub(super) fn of(inventory: &Inventory, places: &HashMap<CommitId, usize>) -> Self {
        let mut ancestors: Vec<Places> = Vec::with_capacity(inventory.commits.len());
        let mut merges = Vec::new();
        for (place, (_, commit)) in inventory.commits.iter().enumerate() {
            let parents = commit.parents.iter().map(|parent| inventory.stand_in(*parent));
            let mut parents = parents.filter_map(|parent| places.get(&parent));
            let mut own = parents.next().map(|parent| ancestors[*parent].clone()).unwrap_or_default();
            parents.for_each(|parent| own.extend(&ancestors[*parent]));
            own.insert(place);
            ancestors.push(own);
            merges.extend((commit.parents.len() > 1).then_some(place));
        }
        let below = if inventory.flatten { in_one_line(ancestors.len()) } else { ancestors.clone() };
        Self { ancestors, below, merges, open: Trace::default(), taken: Trace::default() }
    }

    /// Enters what a patch has touched.
    pub(super) fn enter(&mut self, place: usize, is_open: bool, paths: BTreeSet<Vec<u8>>) {
        let trace = if is_open { &mut self.open } else { &mut self.taken };
        trace.places.insert(place);
        for path in paths {
            trace.by_path.entry(path).or_default().insert(place);
        }
    }

    /// Whether a patch left `path` open.
    pub(super) fn is_open(&self, path: &[u8]) -> bool {
        self.open.by_path.contains_key(path)
    }

    /// Whoever left one of `gone` open left `added` open.
    pub(super) fn pass_on(&mut self, gone: &[&Vec<u8>], added: &[&Vec<u8>]) {
        let mut openers = Places::default();
        for places in gone.iter().filter_map(|path| self.open.by_path.get(*path)) {
            openers.extend(places);
        }
        for path in added {
            self.open.by_path.entry((*path).clone()).or_default().extend(&openers);
        }
    }

    /// The first patch at or below `place` that left one of `paths` open.
    pub(super) fn opener(&self, place: usize, paths: &BTreeSet<Vec<u8>>) -> Option<usize> {
        let open = paths.iter().filter_map(|path| self.open.by_path.get(path));
        open.filter_map(|places| places.first_shared(&self.below[place])).min()
    }

    /// Whether a patch at or below `place` was not carried.
    pub(super) fn has_gap(&self, place: usize) -> bool {
        self.open.places.first_shared(&self.below[place]).is_some()
    }

    /// The patches at or below `place` that change one of `paths` and are not open, ascending.
    pub(super) fn taken(&self, place: usize, paths: &BTreeSet<Vec<u8>>) -> Vec<usize> {
        let known = paths.iter().filter_map(|path| self.taken.by_path.get(path));
        let all: BTreeSet<usize> = known.flat_map(|places| places.shared(&self.below[place])).collect();
        all.into_iter().collect()
    }

    /// The same, whatever they change.
    pub(super) fn all_taken(&self, place: usize) -> Vec<usize> {
        self.taken.places.shared(&self.below[place])
    }

    /// Whether the patch at `place` is the one at `ancestor` or descends from it.
    pub(super) fn holds(&self, place: usize, ancestor: usize) -> bool {
        self.ancestors[place].contains(ancestor)
    }

    /// The merges that descend from `place`, oldest first.
    pub(super) fn merges_above(&self, place: usize) -> impl Iterator<Item = usize> {
        self.merges.iter().copied().filter(move |merge| *merge > place && self.holds(*merge, place))
    }
}

/// For each place its own and all before it.
fn in_one_line(length: usize) -> Vec<Places> {
    let grow = |so_far: &mut Places, place| {
        so_far.insert(place);
        Some(so_far.clone())
    };
    (0..length).scan(Places::default(), grow).collect()
}
