//! The merge of three texts, where it is certain what git makes of them.
//!
//! git aligns the lines of two texts with its histogram algorithm, and then slides each group of changed
//! lines up or down to where it looks best; groups that meet become one. The alignment here is the same;
//! where the groups slide to is not asked. A merge is certain where the groups of the two sides stay apart
//! wherever they slide: then every placement gives the same text.

use std::ops::Range;

use super::align::{self, Group};
use super::texts::{Lines, Texts};

/// What `ours` and `theirs` made of `base`, together. Nothing where git has to be asked: changes that may
/// touch each other, or too much to compare.
pub(super) fn merge(base: &[u8], ours: &[u8], theirs: &[u8]) -> Option<Vec<u8>> {
    let texts = Texts::of([base, ours, theirs]);
    let [base, ours, theirs] = &texts.lines;
    let of = |lines: &Lines<'_>| align::groups(&base.tokens, &lines.tokens, texts.distinct);
    let (mine, yours) = (of(ours)?, of(theirs)?);
    let same = same(&mine, &yours, &texts);
    let mut changes = Vec::new();
    let mut reaches: Vec<_> = same.iter().map(|group| (group.base.clone(), BOTH)).collect();
    for (side, lines, groups) in [(1, ours, mine), (2, theirs, yours)] {
        let own = reach(&groups, &base.tokens, &lines.tokens)?.into_iter();
        let own = own.filter(|reach| same.iter().all(|group| group.base != *reach));
        reaches.extend(own.map(|reach| (reach, side)));
        let is_twice = |group: &Group| side == 2 && same.iter().any(|one| one.base == group.base);
        let groups = groups.into_iter().filter(|group| !is_twice(group));
        changes.extend(groups.map(|group| Change { side, group }));
    }
    if !are_apart(reaches) {
        return None;
    }
    changes.sort_by_key(|change| (change.group.base.start, change.group.base.end));
    Some(texts.put_together(&changes))
}

/// One changed place of a side.
#[derive(Debug)]
pub(super) struct Change {
    /// Which side: 1 for ours, 2 for theirs.
    pub(super) side: usize,
    /// The lines of the base that go, and those of the side that come.
    pub(super) group: Group,
}

/// Stands for both sides at once.
const BOTH: usize = 0;

/// The groups of ours that theirs has too, line for line, and that cannot slide. git takes such a change once.
fn same(ours: &[Group], theirs: &[Group], texts: &Texts<'_>) -> Vec<Group> {
    let [base, mine, yours] = texts.lines.each_ref().map(|lines| &lines.tokens[..]);
    let mut same = Vec::new();
    let mut others = theirs.iter().peekable();
    for group in ours {
        while others.next_if(|other| other.base.start < group.base.start).is_some() {}
        let Some(other) = others.peek().filter(|other| other.base == group.base) else { continue };
        let is_same = mine[group.side.clone()] == yours[other.side.clone()];
        let is_fixed =
            is_fixed(&group.base, base) && is_fixed(&group.side, mine) && is_fixed(&other.side, yours);
        if is_same && is_fixed {
            same.push(group.clone());
        }
    }
    same
}

/// Whether a changed range cannot slide, neither up nor down.
fn is_fixed(range: &Range<usize>, lines: &[u32]) -> bool {
    let Range { start, end } = *range;
    range.is_empty()
        || ((start == 0 || lines[start - 1] != lines[end - 1])
            && (end == lines.len() || lines[end] != lines[start]))
}

/// Whether at least one line of the base lies between any two reaches of different sides.
fn are_apart(mut reaches: Vec<(Range<usize>, usize)>) -> bool {
    reaches.sort_by_key(|(reach, _)| (reach.start, reach.end));
    let mut ends: [Option<usize>; 3] = [None; 3];
    reaches.iter().all(|(reach, side)| {
        let others = (0..ends.len()).filter(|other| *side == BOTH || other != side);
        let apart = others.filter_map(|other| ends[other]).all(|end| end < reach.start);
        ends[*side] = ends[*side].max(Some(reach.end));
        apart
    })
}

/// The lines of the base that the groups of one side can come to touch.
fn reach(groups: &[Group], base: &[u32], side: &[u32]) -> Option<Vec<Range<usize>>> {
    let ranges = |of: fn(&Group) -> &Range<usize>| -> Vec<Range<usize>> {
        groups.iter().map(of).filter(|range| !range.is_empty()).cloned().collect()
    };
    let mut reaches = zones(&ranges(|group| &group.base), base)?;
    // The line of the base that an unchanged line of the side is.
    let twin = |line: usize| {
        let before = groups[..groups.partition_point(|group| group.side.end <= line)].last();
        before.map_or(line, |group| line - group.side.end + group.base.end)
    };
    for zone in zones(&ranges(|group| &group.side), side)? {
        let start = zone.start.checked_sub(1).map_or(0, |line| twin(line) + 1);
        let end = if zone.end == side.len() { base.len() } else { twin(zone.end) };
        reaches.push(start..end);
    }
    Some(reaches)
}

/// Where the changed ranges of a text can slide. Ranges that can meet share a zone.
fn zones(ranges: &[Range<usize>], lines: &[u32]) -> Option<Vec<Range<usize>>> {
    let mut zones: Vec<(Range<usize>, Vec<usize>)> = Vec::new();
    for (at, range) in ranges.iter().enumerate() {
        let top = at.checked_sub(1).map_or(0, |at| ranges[at].end);
        let bottom = ranges.get(at + 1).map_or(lines.len(), |next| next.start);
        let rise =
            (top..range.start).rev().zip((range.start..range.end).rev().chain((top..range.start).rev()));
        let up = rise.take_while(|(above, last)| lines[*above] == lines[*last]).count();
        let fall = (range.end..bottom).zip((range.start..range.end).chain(range.end..bottom));
        let down = fall.take_while(|(below, first)| lines[*below] == lines[*first]).count();
        let own = range.start - up..range.end + down;
        match zones.last_mut() {
            Some((zone, lengths)) if own.start <= zone.end => {
                zone.end = own.end;
                lengths.push(range.len());
            }
            _ => zones.push((own, vec![range.len()])),
        }
    }
    let stays = |(zone, lengths): &(Range<usize>, Vec<usize>)| stays(zone, lengths, lines);
    zones.iter().all(stays).then(|| zones.into_iter().map(|(zone, _)| zone).collect())
}

/// Whether ranges that have become one cannot slide out of their zone.
fn stays(zone: &Range<usize>, lengths: &[usize], lines: &[u32]) -> bool {
    if lengths.len() < 2 {
        return true;
    }
    let mut length = 0;
    let falls = lengths.iter().rev().any(|one| {
        length += one;
        zone.end < lines.len() && lines[zone.end - length] == lines[zone.end]
    });
    length = 0;
    let rises = lengths.iter().any(|one| {
        length += one;
        zone.start > 0 && lines[zone.start + length - 1] == lines[zone.start - 1]
    });
    !falls && !rises
}
