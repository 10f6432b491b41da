//! Which lines of two texts are the same ones: the histogram alignment, as git has it.
//!
//! The longest common run of lines around the rarest line splits both texts in two, and so on in
//! the parts (Shawn Pearce's histogram diff in JGit, from which git has it).

use std::ops::Range;

/// A line that occurs more often than this splits nothing.
const COMMON: u32 = 64;

/// So many steps are taken at most; a comparison that needs more is git's.
const STEPS: usize = 8_000_000;

/// Lines of the base and those of the side that stand for them. At least one of the two is not empty, and
/// unchanged lines lie between two groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) base: Range<usize>,
    pub(super) side: Range<usize>,
}

/// What differs between two texts of numbered lines, in order. Nothing where they share but lines that
/// are all too common, or where comparing them takes too long.
pub(super) fn groups(base: &[u32], side: &[u32], distinct: usize) -> Option<Vec<Group>> {
    let mut histogram = Histogram {
        base,
        side,
        first: vec![NONE; distinct],
        count: vec![0; distinct],
        next: vec![NONE; base.len()],
        steps: 0,
    };
    let mut groups: Vec<Group> = Vec::new();
    // The parts that are still to be compared, the first on top.
    let mut waiting = vec![Group { base: 0..base.len(), side: 0..side.len() }];
    while let Some(part) = waiting.pop() {
        if part.base.is_empty() && part.side.is_empty() {
            continue;
        }
        if !part.base.is_empty()
            && !part.side.is_empty()
            && let Some(run) = histogram.split(&part)?
        {
            let before = (part.base.start..run.base.start, part.side.start..run.side.start);
            let after = (run.base.end..part.base.end, run.side.end..part.side.end);
            waiting.extend([after, before].map(|(base, side)| Group { base, side }));
            continue;
        }
        match groups.last_mut() {
            Some(last) if last.base.end == part.base.start && last.side.end == part.side.start => {
                last.base.end = part.base.end;
                last.side.end = part.side.end;
            }
            _ => groups.push(part),
        }
    }
    Some(groups)
}

const NONE: u32 = u32::MAX;

/// Where each line occurs in the part of the base that is being split.
struct Histogram<'a> {
    base: &'a [u32],
    side: &'a [u32],
    /// The first occurrence of a line.
    first: Vec<u32>,
    /// How often it occurs.
    count: Vec<u32>,
    /// The next occurrence of the line at a place.
    next: Vec<u32>,
    steps: usize,
}

/// The best run so far, and how rare its rarest line is.
struct Best {
    run: Option<Group>,
    rarest: u32,
    shared: bool,
}

impl Histogram<'_> {
    /// The run that splits `part`: none where nothing is shared. Fails where git would do otherwise.
    fn split(&mut self, part: &Group) -> Option<Option<Group>> {
        self.steps += part.base.len() + part.side.len();
        for at in part.base.clone().rev() {
            let line = self.base[at] as usize;
            self.next[at] = self.first[line];
            self.first[line] = u32::try_from(at).ok()?;
            self.count[line] += 1;
        }
        let mut best = Best { run: None, rarest: COMMON + 1, shared: false };
        let mut at = part.side.start;
        while at < part.side.end && self.steps <= STEPS {
            at = self.look(part, at, &mut best);
        }
        for at in part.base.clone() {
            let line = self.base[at] as usize;
            self.first[line] = NONE;
            self.count[line] = 0;
        }
        let fails = self.steps > STEPS || (best.shared && best.rarest > COMMON);
        (!fails).then_some(best.run)
    }

    /// Looks for runs through the line `at` of the side; where to go on.
    fn look(&mut self, part: &Group, at: usize, best: &mut Best) -> usize {
        let line = self.side[at] as usize;
        let mut go_on = at + 1;
        let mut occurrence = self.first[line];
        if occurrence == NONE {
            return go_on;
        }
        best.shared = true;
        if self.count[line] > best.rarest {
            return go_on;
        }
        while occurrence != NONE {
            let start = occurrence as usize;
            let (mut base, mut side) = (start..start + 1, at..at + 1);
            let mut rarest = self.count[line];
            while base.start > part.base.start
                && side.start > part.side.start
                && self.base[base.start - 1] == self.side[side.start - 1]
            {
                base.start -= 1;
                side.start -= 1;
                rarest = rarest.min(self.count[self.base[base.start] as usize]);
            }
            while base.end < part.base.end
                && side.end < part.side.end
                && self.base[base.end] == self.side[side.end]
            {
                rarest = rarest.min(self.count[self.base[base.end] as usize]);
                base.end += 1;
                side.end += 1;
            }
            self.steps += base.len();
            go_on = go_on.max(side.end);
            // The next occurrence that is not part of this run.
            occurrence = self.next[start];
            while occurrence != NONE && (occurrence as usize) < base.end {
                occurrence = self.next[occurrence as usize];
            }
            let longest = best.run.as_ref().map_or(1, |run| run.base.len());
            if longest < base.len() || rarest < best.rarest {
                best.rarest = rarest;
                best.run = Some(Group { base, side });
            }
        }
        go_on
    }
}
