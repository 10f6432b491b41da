//! The upstream commit that made the difference for a patch.
//!
//! Between the common history of base and release and the release itself lies upstream's
//! first-parent line. At its beginning the patch does one thing and at its end another; a binary
//! search finds a commit at which it changes. The answer is true for that commit and its first
//! parent even where the patch changes its mind more than once.

use std::collections::BTreeSet;

use super::apply::tree_of;
use super::apply::{self, Application};
use super::ports::Objects;
use super::walk::Walk;
use super::{Culprit, RawCommit, Side, StackError, tree};
use crate::ids::{CommitId, TreeId};

/// The upstream commit with which the patch stops applying.
///
/// Each probe puts the earlier carried patches that share the conflicting `paths` on an upstream
/// commit, and then the patch.
pub(super) fn breaking(
    walk: &Walk<'_>,
    line: &Line,
    id: CommitId,
    patch: Application,
    paths: &BTreeSet<Vec<u8>>,
) -> Result<Option<Culprit>, StackError> {
    let onto = walk.onto.tree;
    if line.commits.is_empty() {
        return Ok(None);
    }
    let before = companions(walk, id, paths);
    let mut probe = |there| conflicts_with(walk, patch, &before, there);
    if probe(onto)? {
        return match probe(tree_of(walk.objects, line.start)?)? {
            true => base_side(walk, line.start, paths, 2),
            false => line.search(walk, 2, &mut probe).map(Some),
        };
    }
    // It takes more patches to make the conflict than share its paths: the patch alone may tell.
    let mut alone = |there| conflicts_with(walk, patch, &[], there);
    if alone(onto)? && !alone(tree_of(walk.objects, line.start)?)? {
        return line.search(walk, 3, &mut alone).map(Some);
    }
    Ok(None)
}

/// Whether the patch conflicts on `there` after its companions, as far as they apply.
fn conflicts_with(
    walk: &Walk<'_>,
    patch: Application,
    before: &[Application],
    mut there: TreeId,
) -> Result<bool, StackError> {
    for companion in before {
        let merged = walk.merger.merge(companion.on(there))?;
        if merged.clean {
            there = merged.tree;
        }
    }
    Ok(!walk.merger.merge(patch.on(there))?.clean)
}

/// The upstream commit with which the patch has nothing left to change.
pub(super) fn absorbing(
    walk: &Walk<'_>,
    line: &Line,
    patch: Application,
) -> Result<Option<Culprit>, StackError> {
    let mut probe = |tree: TreeId| Ok(apply::is_absorbed(&walk.merger, patch, tree)?);
    if line.commits.is_empty() || probe(tree_of(walk.objects, line.start)?)? {
        return Ok(None);
    }
    line.search(walk, 1, &mut probe).map(Some)
}

/// Upstream's way to the release.
#[derive(Debug)]
pub(super) struct Line {
    /// The last commit that base and release share.
    pub(super) start: CommitId,
    /// The first-parent line after it, oldest first; the release is the last.
    commits: Vec<CommitId>,
}

impl Line {
    pub(super) fn of(walk: &Walk<'_>) -> Result<Self, StackError> {
        let (base, onto) = (walk.inventory.base, walk.inventory.onto);
        let start = walk.objects.merge_base(base, onto)?.unwrap_or(base);
        let mut commits = walk.objects.first_parents(onto, start)?;
        commits.reverse();
        Ok(Self { start, commits })
    }

    /// The first commit of a change of `probe` from false (before the line) to true (at its end).
    fn search(
        &self,
        walk: &Walk<'_>,
        asked: u32,
        probe: &mut dyn FnMut(TreeId) -> Result<bool, StackError>,
    ) -> Result<Culprit, StackError> {
        let (mut low, mut high, mut probes) = (0, self.commits.len() - 1, asked);
        while low < high {
            let middle = low + (high - low) / 2;
            probes += 1;
            if probe(tree_of(walk.objects, self.commits[middle])?)? {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        named(walk.objects, self.commits[high], Side::Onto, probes)
    }
}

/// The newest commit between the common history and the base that touched one of the paths.
fn base_side(
    walk: &Walk<'_>,
    start: CommitId,
    paths: &BTreeSet<Vec<u8>>,
    probes: u32,
) -> Result<Option<Culprit>, StackError> {
    for id in walk.objects.first_parents(walk.inventory.base, start)? {
        let commit = RawCommit::parse(id, &walk.objects.commit(id)?)?;
        let parent = apply::parent_tree(walk.objects, &commit)?;
        let changed = tree::changed(walk.objects, parent, commit.tree)?;
        if changed.iter().any(|path| paths.contains(path)) {
            return named(walk.objects, id, Side::Base, probes).map(Some);
        }
    }
    Ok(None)
}

/// The carried patches below `id` that share one of `paths`, oldest first.
fn companions(walk: &Walk<'_>, id: CommitId, paths: &BTreeSet<Vec<u8>>) -> Vec<Application> {
    let mut below = BTreeSet::new();
    let mut waiting = vec![id];
    while let Some(id) = waiting.pop() {
        let Some(place) = walk.places.get(&id) else { continue };
        let parents = &walk.inventory.commits[*place].1.parents;
        waiting.extend(
            parents.iter().filter(|parent| walk.places.get(parent).is_some_and(|place| below.insert(*place))),
        );
    }
    let shares = |place: &&usize| {
        let walked = &walk.walked[**place];
        walked.verdict.is_carried() && !walked.paths.is_disjoint(paths)
    };
    below.iter().filter(shares).map(|place| walk.walked[*place].application).collect()
}

fn named(objects: &dyn Objects, id: CommitId, side: Side, probes: u32) -> Result<Culprit, StackError> {
    let subject = RawCommit::parse(id, &objects.commit(id)?)?.subject();
    let pull_request = pull_request(&subject);
    Ok(Culprit { commit: id, subject, pull_request, side, probes })
}

/// The number in `Rework arguments (#21)` or `Merge pull request #21 from ..`.
fn pull_request(subject: &str) -> Option<u64> {
    let squashed = || subject.trim_end().strip_suffix(')')?.rsplit_once("(#")?.1.parse().ok();
    let merged = || subject.strip_prefix("Merge pull request #")?.split(' ').next()?.parse().ok();
    squashed().or_else(merged)
}

#[cfg(test)]
mod tests {
    use super::pull_request;

    #[test]
    fn a_subject_names_its_pull_request() {
        assert_eq!(pull_request("Rework arguments (#21)"), Some(21));
        assert_eq!(pull_request("Merge pull request #7 from a/b"), Some(7));
        assert_eq!(pull_request("See (#21) for more"), None);
        assert_eq!(pull_request("Rework (#x)"), None);
    }
}
