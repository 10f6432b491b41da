//! Texts as lines, and lines as numbers.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Range;

use super::super::raw::{find, shared_end, shared_start};
use super::lines::Change;

/// One text, line by line. The end of a line is part of it, so that a last line without one is another line.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    text: &'a [u8],
    /// Where each line begins, and the end of the text.
    starts: Vec<usize>,
    /// Equal lines have equal numbers.
    pub(super) tokens: Vec<u32>,
}

/// The base, our text and theirs.
#[derive(Debug)]
pub(super) struct Texts<'a> {
    pub(super) lines: [Lines<'a>; 3],
    /// How many different lines there are.
    pub(super) distinct: usize,
}

impl<'a> Texts<'a> {
    pub(super) fn of(texts: [&'a [u8]; 3]) -> Self {
        let expected = texts[0].len() / SHORT_LINE + 16;
        let mut known = Known::with_capacity_and_hasher(expected, Seed::new());
        let mut base = Lines { text: texts[0], starts: Vec::new(), tokens: Vec::new() };
        base.read(0..texts[0].len(), &mut known);
        base.starts.push(texts[0].len());
        let sides = [texts[1], texts[2]].map(|text| Lines::like(&base, text, &mut known));
        let [ours, theirs] = sides;
        Self { lines: [base, ours, theirs], distinct: known.len() }
    }

    /// The base with these changes, which are in order and do not overlap.
    pub(super) fn put_together(&self, changes: &[Change]) -> Vec<u8> {
        let [base, ..] = &self.lines;
        let mut text = Vec::with_capacity(self.lines.iter().map(|lines| lines.text.len()).max().unwrap_or(0));
        let mut at = 0;
        for change in changes {
            text.extend_from_slice(base.slice(at, change.group.base.start));
            let side = &self.lines[change.side];
            text.extend_from_slice(side.slice(change.group.side.start, change.group.side.end));
            at = change.group.base.end;
        }
        text.extend_from_slice(base.slice(at, base.tokens.len()));
        text
    }
}

/// Where the line ends that begins at `start`, its end of line included.
fn end_of_line(text: &[u8], start: usize) -> usize {
    find(&text[start..], b'\n').map_or(text.len(), |end| start + end + 1)
}

/// The number of each line.
type Known<'a> = HashMap<&'a [u8], u32, Seed>;

/// Few lines are shorter on average, in bytes.
const SHORT_LINE: usize = 24;

impl<'a> Lines<'a> {
    /// The lines of `text`, which begins and ends much like `base`: what they share is not read again.
    fn like(base: &Self, text: &'a [u8], known: &mut Known<'a>) -> Self {
        let start = shared_start(base.text, text);
        let starts = &base.starts[..base.tokens.len()];
        let lines = starts.partition_point(|line| *line <= start).saturating_sub(1);
        // The line in which they begin to differ is another one.
        let start = base.starts[lines];
        let mut new = Lines { text, starts: Vec::with_capacity(base.starts.len() + 16), tokens: Vec::new() };
        new.tokens.reserve(base.starts.len() + 16);
        new.starts.extend_from_slice(&base.starts[..lines]);
        new.tokens.extend_from_slice(&base.tokens[..lines]);
        let end = shared_end(&base.text[start..], &text[start..]);
        // The end of the line before is shared too, so that it is the beginning of a line in both.
        let same = starts.partition_point(|line| *line <= base.text.len() - end);
        let first = starts.get(same).copied().unwrap_or(base.text.len());
        let from = text.len() - (base.text.len() - first);
        new.read(start..from, known);
        new.starts.extend(starts[same..].iter().map(|at| at - first + from));
        new.tokens.extend_from_slice(&base.tokens[same..]);
        new.starts.push(text.len());
        new
    }

    /// Takes in the lines of a part of the text.
    fn read(&mut self, part: Range<usize>, known: &mut Known<'a>) {
        let mut at = part.start;
        let text = &self.text[..part.end];
        while at < part.end {
            let end = end_of_line(text, at);
            let line = &text[at..end];
            self.starts.push(at);
            at = end;
            let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
            self.tokens.push(*known.entry(line).or_insert(next));
        }
    }
}

impl Lines<'_> {
    fn slice(&self, from: usize, to: usize) -> &[u8] {
        &self.text[self.starts[from]..self.starts[to]]
    }
}

/// A hash of lines that is quicker than the standard one, and seeded, so that nobody can write lines
/// that collide.
#[derive(Debug, Clone, Copy)]
struct Seed(u64);

#[derive(Debug)]
struct Mixed(u64, u64);

impl Seed {
    fn new() -> Self {
        Self(RandomState::new().hash_one(0) | 1)
    }
}

impl BuildHasher for Seed {
    type Hasher = Mixed;

    fn build_hasher(&self) -> Mixed {
        Mixed(self.0, self.0.rotate_left(32) | 1)
    }
}

impl Hasher for Mixed {
    fn write(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            self.write_u64(u64::from_le_bytes(word.try_into().unwrap_or_default()));
        }
        let mut last = [0; 8];
        let rest = words.remainder();
        last[..rest.len()].copy_from_slice(rest);
        self.write_u64(u64::from_le_bytes(last));
    }

    fn write_u64(&mut self, word: u64) {
        let wide = u128::from(self.0 ^ word) * u128::from(self.1 ^ 0x9e37_79b9_7f4a_7c15);
        // The halves of a product: each depends on every bit of the word.
        self.0 = (wide as u64) ^ ((wide >> 64) as u64) ^ word.rotate_left(23);
    }

    fn write_usize(&mut self, length: usize) {
        self.write_u64(length as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every text of up to `longest` of two letters and an end of line.
    fn texts(longest: usize) -> Vec<Vec<u8>> {
        let mut all = vec![Vec::new()];
        let mut last = all.clone();
        for _ in 0..longest {
            let longer = |text: &Vec<u8>| b"ab\n".map(|byte| [&text[..], &[byte]].concat());
            last = last.iter().flat_map(longer).collect();
            all.extend_from_slice(&last);
        }
        all
    }

    #[test]
    fn what_two_texts_share_is_told_apart_into_the_same_lines() {
        let all = texts(5);
        for base in &all {
            for side in &all {
                let of = Texts::of([base, side, b""]);
                let [old, new, _] = &of.lines;
                let lines = |lines: &Lines<'_>| -> Vec<Vec<u8>> {
                    (0..lines.tokens.len()).map(|at| lines.slice(at, at + 1).to_vec()).collect()
                };
                let told = side.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec);
                assert_eq!(lines(new), told.collect::<Vec<_>>(), "{base:?} {side:?}");
                for (at, line) in lines(new).iter().enumerate() {
                    for (before, other) in lines(old).iter().enumerate() {
                        assert_eq!(line == other, new.tokens[at] == old.tokens[before]);
                    }
                }
            }
        }
    }
}
