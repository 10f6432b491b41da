//! Upstream's first-parent line to the release, and where on it something changes.

use std::cell::Cell;
use std::collections::BTreeSet;

use super::ports::{Objects, PortError};
use super::walk::Walk;
use super::{Culprit, RawCommit, Side, StackError, apply, tree};
use crate::ids::CommitId;

/// Upstream's way to the release.
#[derive(Debug)]
pub(super) struct Line {
    /// The last commit that base and release share.
    pub(super) start: CommitId,
    /// The first-parent line after it, oldest first; the release is the last.
    commits: Vec<CommitId>,
    /// How many of these do not hold `start`: it was merged in after them.
    lead: usize,
    /// The first parent of the first.
    before: Option<CommitId>,
}

/// Where a probe changes from false to true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// With this commit.
    At(CommitId),
    /// It is true at the beginning of the line already.
    Before,
    /// It is not true at the end.
    Nowhere,
}

/// A question to an upstream commit.
pub(super) type Probe<'a> = &'a dyn Fn(CommitId) -> Result<bool, StackError>;

impl Line {
    pub(super) fn of(walk: &Walk<'_>) -> Result<Self, StackError> {
        let (objects, base, onto) = (walk.objects, walk.inventory.base, walk.inventory.onto);
        let start = objects.merge_base(base, onto)?.unwrap_or(base);
        let mut commits = objects.first_parents(onto, start)?;
        commits.reverse();
        let before = match commits.first() {
            Some(first) => RawCommit::parse(*first, &objects.commit(*first)?)?.parents.first().copied(),
            None => None,
        };
        let lead = if before == Some(start) { 0 } else { lead(objects, &commits, start)? };
        Ok(Self { start, commits, lead, before })
    }

    /// A commit at which `probe` changes from false (at the beginning of the line) to true (at its end). It is
    /// false at that commit's first parent; where the beginning came in by a merge, and what that merge was
    /// made on does not know the answer, it is that merge.
    pub(super) fn change(&self, probe: Probe<'_>) -> Result<Found, StackError> {
        let Some(release) = self.commits.last() else {
            return Ok(if probe(self.start)? { Found::Before } else { Found::Nowhere });
        };
        if !probe(*release)? {
            return Ok(Found::Nowhere);
        }
        if probe(self.start)? {
            return Ok(Found::Before);
        }
        let found = search(&self.commits, self.lead, probe)?;
        if found > self.lead || self.before == Some(self.start) {
            return Ok(Found::At(self.commits[found]));
        }
        // The first commit that holds the beginning: its own first parent is another history.
        let parent = found.checked_sub(1).map(|at| self.commits[at]).or(self.before);
        let (Some(parent), Some(before)) = (parent, self.before) else {
            return Ok(Found::At(self.commits[found]));
        };
        if probe(parent)? && !probe(before)? {
            return search(&self.commits[..found], 0, probe).map(|at| Found::At(self.commits[at]));
        }
        Ok(Found::At(self.commits[found]))
    }
}

/// How many of the first commits of the line do not hold `start`.
fn lead(objects: &dyn Objects, commits: &[CommitId], start: CommitId) -> Result<usize, PortError> {
    let (mut low, mut high) = (0, commits.len());
    while low < high {
        let middle = low + (high - low) / 2;
        match objects.is_ancestor(start, commits[middle])? {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    Ok(low)
}

/// The place of a change of `probe` from false (before `low`) to true (at the last).
fn search(commits: &[CommitId], mut low: usize, probe: Probe<'_>) -> Result<usize, StackError> {
    let mut high = commits.len() - 1;
    while low < high {
        let middle = low + (high - low) / 2;
        match probe(commits[middle])? {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    Ok(high)
}

/// The newest commit between the common history and the base that touched one of the paths.
pub(super) fn base_side(
    walk: &Walk<'_>,
    line: &Line,
    paths: &BTreeSet<Vec<u8>>,
) -> Result<Option<CommitId>, StackError> {
    for id in walk.objects.first_parents(walk.inventory.base, line.start)? {
        let commit = RawCommit::parse(id, &walk.objects.commit(id)?)?;
        let parent = apply::parent_tree(walk.objects, &commit)?;
        let changed = tree::changed(walk.objects, parent, commit.tree)?;
        if changed.iter().any(|path| paths.contains(path)) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// A commit as an answer.
pub(super) fn named(
    walk: &Walk<'_>,
    commit: CommitId,
    side: Side,
    probes: &Cell<u32>,
) -> Result<Culprit, StackError> {
    let subject = RawCommit::parse(commit, &walk.objects.commit(commit)?)?.subject();
    let pull_request = pull_request(&subject);
    Ok(Culprit { commit, subject, pull_request, side, probes: probes.get() })
}

/// The number that GitHub puts into a subject: `Rework arguments (#21)`, `Merge pull request #21 from ..`.
fn pull_request(subject: &str) -> Option<u64> {
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
    let squashed = || number(subject.trim_end().strip_suffix(')')?.rsplit_once("(#")?.1);
    let merged = || number(subject.strip_prefix("Merge pull request #")?.split(' ').next()?);
    squashed().or_else(merged)
}

#[cfg(test)]
mod tests {
    use super::pull_request;

    #[test]
    fn a_subject_names_its_pull_request() {
        assert_eq!(pull_request("Rework arguments (#21)"), Some(21));
        assert_eq!(pull_request("Merge pull request #7 from a/b"), Some(7));
        assert_eq!(
            pull_request("Revert \"Rework arguments (#21)\" (#23)"),
            Some(23),
            "its own, and not the other"
        );
        assert_eq!(pull_request("Revert \"Rework arguments (#21)\""), None);
        assert_eq!(pull_request("See (#21) for more"), None);
        assert_eq!(pull_request("Rework (#x)"), None);
        assert_eq!(pull_request("Rework (#+5)"), None);
        assert_eq!(pull_request("Merge branch 'topic' into 'main'"), None);
        assert_eq!(pull_request("Rework (!12)"), None, "another forge counts other things");
    }
}
