//! The merge of three texts, where it is certain what git makes of them.
//!
//! git aligns the lines of two texts with its histogram algorithm, and then slides each group of changed
//! lines up or down to where it looks best; groups that meet become one. The alignment here is the same;
//! where the groups slide to is not asked. A merge is certain where the groups of the two sides stay apart
//! wherever they slide: then every placement gives the same text.

use std::ops::Range;

use super::align::{self, Group};
use super::texts::Texts;

/// What `ours` and `theirs` made of `base`, together. Nothing where git has to be asked: changes that may
/// touch each other, or too much to compare.
pub(super) fn merge(base: &[u8], ours: &[u8], theirs: &[u8]) -> Option<Vec<u8>> {
    let texts = Texts::of([base, ours, theirs]);
    let [base, ours, theirs] = &texts.lines;
    let mut changes = Vec::new();
    let mut reaches = Vec::new();
    for (side, lines) in [(1, ours), (2, theirs)] {
        let groups = align::groups(&base.tokens, &lines.tokens, texts.distinct)?;
        reaches.extend(reach(&groups, &base.tokens, &lines.tokens)?.into_iter().map(|reach| (reach, side)));
        changes.extend(groups.into_iter().map(|group| Change { side, group }));
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

/// Whether at least one line of the base lies between any two reaches of different sides.
fn are_apart(mut reaches: Vec<(Range<usize>, usize)>) -> bool {
    reaches.sort_by_key(|(reach, _)| (reach.start, reach.end));
    let mut ends = [None; 3];
    reaches.iter().all(|(reach, side)| {
        let apart = ends[3 - side].is_none_or(|end| end < reach.start);
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
