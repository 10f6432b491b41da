//! The merge of three texts, where it is certain what git makes of them.
//!
//! git aligns the lines of two texts with its histogram algorithm, and then slides each group of changed
//! lines up or down to where it looks best. The alignment here is the same; where the groups slide to is
//! not asked. A merge is certain where the groups of the two sides stay apart however they slide: then
//! every placement gives the same text.

use super::align::{self, Group};
use super::texts::Texts;

/// What `ours` and `theirs` made of `base`, together. Nothing where git has to be asked: changes that
/// touch each other, or too much to compare.
pub(super) fn merge(base: &[u8], ours: &[u8], theirs: &[u8]) -> Option<Vec<u8>> {
    let texts = Texts::of([base, ours, theirs]);
    let [base, ours, theirs] = &texts.lines;
    let ours = changes(&base.tokens, &ours.tokens, texts.distinct)?;
    let theirs = changes(&base.tokens, &theirs.tokens, texts.distinct)?;
    let picked = apart(ours, theirs)?;
    Some(texts.put_together(&picked))
}

/// One changed place of a side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// Which side: 1 for ours, 2 for theirs.
    pub(super) side: usize,
    /// The lines of the base that go, and those of the side that come.
    pub(super) group: Group,
    /// The lines of the base that it may touch, wherever it slides to.
    from: usize,
    to: usize,
}

/// The changes of one side, or nothing where they slide into each other.
fn changes(base: &[u32], side: &[u32], distinct: usize) -> Option<Vec<Change>> {
    let groups = align::groups(base, side, distinct)?;
    let mut changes: Vec<Change> = Vec::with_capacity(groups.len());
    for (at, group) in groups.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| &groups[at]);
        let after = groups.get(at + 1);
        // How far unchanged lines reach above and below the group: the same number on both sides.
        let above = group.base.start - before.map_or(0, |before| before.base.end);
        let below = after.map_or(base.len(), |after| after.base.start) - group.base.end;
        let mut reach = (0, 0);
        for (lines, range) in [(base, &group.base), (side, &group.side)] {
            let (up, down) = slides(lines, range.start, range.end);
            // One that reaches the next group becomes one with it, and may slide on.
            let bounded = |slide: usize, room: usize, open: bool| (slide < room || open).then_some(slide.min(room));
            reach.0 = reach.0.max(bounded(up, above, before.is_none())?);
            reach.1 = reach.1.max(bounded(down, below, after.is_none())?);
        }
        let (from, to) = (group.base.start - reach.0, group.base.end + reach.1);
        // Two that could meet in between are one for git.
        if changes.last().is_some_and(|last| from <= last.to) {
            return None;
        }
        changes.push(Change { side: 0, group: group.clone(), from, to });
    }
    Some(changes)
}

/// How far the changed lines `start..end` can slide up and down in a text.
fn slides(lines: &[u32], start: usize, end: usize) -> (usize, usize) {
    if start == end {
        return (0, 0);
    }
    let up = (0..start).take_while(|by| lines[start - 1 - by] == lines[end - 1 - by]).count();
    let down = (end..lines.len()).take_while(|at| lines[start + at - end] == lines[*at]).count();
    (up, down)
}

/// Both sides' changes in order, where at least one line of the base lies between any two.
fn apart(ours: Vec<Change>, theirs: Vec<Change>) -> Option<Vec<Change>> {
    let side = |changes: Vec<Change>, side| changes.into_iter().map(move |change| Change { side, ..change });
    let mut all: Vec<Change> = side(ours, 1).chain(side(theirs, 2)).collect();
    all.sort_by_key(|change| (change.from, change.to));
    all.windows(2).all(|pair| pair[0].to < pair[1].from).then_some(all)
}
