//! Texts as lines, and lines as numbers.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

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
        let mut known: HashMap<&'a [u8], u32, Seed> = HashMap::with_hasher(Seed::new());
        let lines = texts.map(|text| {
            let (mut starts, mut tokens, mut at) = (Vec::new(), Vec::new(), 0);
            while at < text.len() {
                let end = end_of_line(text, at);
                let line = &text[at..end];
                starts.push(at);
                at = end;
                let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
                tokens.push(*known.entry(line).or_insert(next));
            }
            starts.push(at);
            Lines { text, starts, tokens }
        });
        Self { lines, distinct: known.len() }
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
    const ONES: u64 = u64::MAX / 255;
    let mut at = start;
    // Eight bytes at a time: a byte that is zero after the exclusive or is a line feed.
    for word in text[start..].chunks_exact(8) {
        let word = u64::from_le_bytes(word.try_into().unwrap_or_default()) ^ (ONES * u64::from(b'\n'));
        let zeros = word.wrapping_sub(ONES) & !word & (ONES << 7);
        if zeros != 0 {
            return at + zeros.trailing_zeros() as usize / 8 + 1;
        }
        at += 8;
    }
    text[at..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |more| at + more + 1)
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
