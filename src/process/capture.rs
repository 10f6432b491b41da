//! Output up to a limit: its head and its tail, and how much between them was left out.

use std::collections::VecDeque;

/// What was kept of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Captured {
    /// The bytes; where some were dropped, head and tail with a line between them that says so.
    pub(crate) bytes: Vec<u8>,
    /// How many bytes were left out.
    pub(crate) dropped: u64,
}

impl Captured {
    /// The bytes as text, with replacement characters where they are not UTF-8.
    pub(crate) fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }

    /// The last `count` lines as text, without white space around them.
    pub(crate) fn last_lines(&self, count: usize) -> String {
        let text = self.text();
        let lines = text.trim().lines().collect::<Vec<_>>();
        lines[lines.len().saturating_sub(count)..].join("\n")
    }
}

/// Keeps the first and the last half of a limit, of whatever is pushed.
#[derive(Debug)]
pub(crate) struct Capture {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    half: usize,
    dropped: u64,
}

impl Capture {
    /// Keeps at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { head: Vec::new(), tail: VecDeque::new(), half: limit / 2, dropped: 0 }
    }

    /// Takes what came next.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let room = self.half.saturating_sub(self.head.len()).min(bytes.len());
        let (first, rest) = bytes.split_at(room);
        self.head.extend_from_slice(first);

        let rest_kept = &rest[rest.len().saturating_sub(self.half)..];
        let over = (self.tail.len() + rest_kept.len()).saturating_sub(self.half);
        self.tail.drain(..over);
        self.tail.extend(rest_kept);
        self.dropped += (over + rest.len() - rest_kept.len()) as u64;
    }

    /// What was kept.
    pub(crate) fn finish(self) -> Captured {
        let mut bytes = self.head;
        if self.dropped > 0 {
            bytes.extend_from_slice(format!("\n[.. {} bytes left out ..]\n", self.dropped).as_bytes());
        }
        bytes.extend(self.tail);
        Captured { bytes, dropped: self.dropped }
    }
}

/// The longest line that is handed on whole, in bytes; a longer one comes in pieces.
const LONGEST_LINE: usize = 16 * 1024;

/// Cuts a stream into lines.
#[derive(Default)]
pub(crate) struct Lines {
    open: Vec<u8>,
}

impl Lines {
    /// Takes what came next and hands on every line that is now whole, without its end.
    pub(crate) fn push(&mut self, bytes: &[u8], on_line: &mut dyn FnMut(&[u8])) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, whole) = piece.strip_suffix(b"\n").map_or((piece, false), |text| (text, true));
            for part in text.chunks(LONGEST_LINE) {
                if self.open.len() + part.len() > LONGEST_LINE {
                    self.flush(on_line);
                }
                self.open.extend_from_slice(part);
            }
            if whole {
                on_line(self.open.strip_suffix(b"\r").unwrap_or(&self.open));
                self.open.clear();
            }
        }
    }

    /// Hands on what is left where the stream did not end with a line's end.
    pub(crate) fn flush(&mut self, on_line: &mut dyn FnMut(&[u8])) {
        if !self.open.is_empty() {
            on_line(&self.open);
            self.open.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(limit: usize, pieces: &[&[u8]]) -> Captured {
        let mut capture = Capture::new(limit);
        pieces.iter().for_each(|piece| capture.push(piece));
        capture.finish()
    }

    #[test]
    fn what_fits_is_kept_as_it_was() {
        assert_eq!(
            captured(8, &[b"abc", b"", b"defgh"]),
            Captured { bytes: b"abcdefgh".to_vec(), dropped: 0 }
        );
    }

    #[test]
    fn of_what_does_not_fit_head_and_tail_are_kept_however_it_came() {
        let whole = b"0123456789abcdef";
        for size in 1..=whole.len() {
            let kept = captured(8, &whole.chunks(size).collect::<Vec<_>>());
            assert_eq!(kept.text(), "0123\n[.. 8 bytes left out ..]\ncdef", "in pieces of {size}");
            assert_eq!(kept.dropped, 8);
        }
    }

    #[test]
    fn lines_are_cut_however_they_came() {
        let whole = b"one\r\n\ntwo\nthree";
        for size in 1..=whole.len() {
            let mut seen = Vec::new();
            let mut lines = Lines::default();
            let mut keep = |line: &[u8]| seen.push(String::from_utf8_lossy(line).into_owned());
            whole.chunks(size).for_each(|piece| lines.push(piece, &mut keep));
            lines.flush(&mut keep);
            assert_eq!(seen, ["one", "", "two", "three"], "in pieces of {size}");
        }
    }

    #[test]
    fn a_line_without_end_does_not_fill_the_memory() {
        let mut longest = 0;
        let mut lines = Lines::default();
        for _ in 0..10 {
            lines.push(&[b'x'; 10_000], &mut |line| longest = longest.max(line.len()));
        }
        assert!(lines.open.len() <= LONGEST_LINE && longest <= LONGEST_LINE);
    }
}
