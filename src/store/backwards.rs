//! The lines of a file from its end, without reading what nobody asks for.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// So much is read at once, unless a line is longer.
const BLOCK: usize = 64 << 10;

/// A line, and where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Where its first byte is in the file.
    pub(super) offset: u64,
    /// Its bytes without the newline; nothing where it is longer than allowed.
    pub(super) bytes: Option<Vec<u8>>,
    /// Whether a newline ends it.
    pub(super) is_whole: bool,
}

/// Gives the last line first. It holds a block or a line at a time, and none that is longer than `longest`.
#[derive(Debug)]
pub(super) struct Backwards {
    file: File,
    longest: usize,
    /// Where `held` begins in the file.
    at: u64,
    /// What was read and not given yet.
    held: Vec<u8>,
    /// So many bytes at the end of `held` have no newline in them.
    searched: usize,
    is_whole: bool,
    is_too_long: bool,
    is_done: bool,
}

impl Backwards {
    /// The lines of `file`, none of them longer than `longest` bytes.
    pub(super) fn new(mut file: File, longest: u64) -> io::Result<Self> {
        let at = file.seek(SeekFrom::End(0))?;
        Ok(Self {
            file,
            longest: usize::try_from(longest).unwrap_or(usize::MAX),
            at,
            held: Vec::new(),
            searched: 0,
            is_whole: false,
            is_too_long: false,
            is_done: at == 0,
        })
    }

    /// The line before the one that was given last.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            if self.is_done {
                return Ok(None);
            }
            let unsearched = self.held.len() - self.searched;
            if let Some(newline) = self.held[..unsearched].iter().rposition(|byte| *byte == b'\n') {
                let bytes = self.held.split_off(newline + 1);
                self.held.truncate(newline);
                return Ok(Some(self.line(self.at + newline as u64 + 1, bytes)));
            }
            if self.at == 0 {
                self.is_done = true;
                let bytes = std::mem::take(&mut self.held);
                return Ok(Some(self.line(0, bytes)));
            }
            self.searched = self.held.len();
            if self.held.len() > self.longest {
                self.is_too_long = true;
                self.held.clear();
                self.searched = 0;
            }
            self.read_before()?;
        }
    }

    fn line(&mut self, offset: u64, bytes: Vec<u8>) -> Line {
        self.searched = 0;
        let is_too_long = std::mem::take(&mut self.is_too_long) || bytes.len() > self.longest;
        let is_whole = std::mem::replace(&mut self.is_whole, true);
        Line { offset, bytes: (!is_too_long).then_some(bytes), is_whole }
    }

    /// Puts the block before what is held in front of it. Blocks grow with a line, so that a long one is
    /// not moved once for each of them.
    fn read_before(&mut self) -> io::Result<()> {
        let size = (BLOCK.max(self.held.len()) as u64).min(self.at);
        self.at -= size;
        self.file.seek(SeekFrom::Start(self.at))?;
        let mut block = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + self.held.len());
        self.file.by_ref().take(size).read_to_end(&mut block)?;
        if (block.len() as u64) < size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        block.append(&mut self.held);
        self.held = block;
        Ok(())
    }
}

/// The number of the line that begins at each of `offsets`, which grow: lines are counted from 1.
pub(super) fn numbers(file: File, offsets: &[u64]) -> io::Result<Vec<u64>> {
    let mut bytes = io::BufReader::with_capacity(BLOCK, file);
    let (mut at, mut newlines) = (0, 0);
    let mut numbers = Vec::with_capacity(offsets.len());
    let mut block = vec![0; BLOCK];
    for offset in offsets {
        while at < *offset {
            let most = usize::try_from(offset - at).unwrap_or(BLOCK).min(BLOCK);
            let read = bytes.read(&mut block[..most])?;
            if read == 0 {
                break;
            }
            at += read as u64;
            newlines += block[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        numbers.push(newlines + 1);
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    /// Offset, text and whether it is whole, of each line from the last.
    fn lines(bytes: &[u8], longest: u64) -> Vec<(u64, Option<String>, bool)> {
        let mut backwards = Backwards::new(file(bytes), longest).unwrap();
        let mut lines = Vec::new();
        while let Some(line) = backwards.next().unwrap() {
            let text = line.bytes.map(|bytes| String::from_utf8(bytes).unwrap());
            lines.push((line.offset, text, line.is_whole));
        }
        lines
    }

    #[test]
    fn an_empty_file_has_no_lines() {
        assert_eq!(lines(b"", 10), []);
    }

    #[test]
    fn a_line_that_is_too_long_costs_no_other() {
        let text = [b"one\n".as_slice(), &[b'x'; 3 * BLOCK], b"\ntwo\n"].concat();
        let (two, end) = (text.len() as u64 - 4, text.len() as u64);
        assert_eq!(
            lines(&text, 100),
            [
                (end, Some(String::new()), false),
                (two, Some("two".to_owned()), true),
                (4, None, true),
                (0, Some("one".to_owned()), true)
            ]
        );
    }

    #[test]
    fn the_lines_from_the_end_are_those_from_the_beginning_whatever_their_lengths() {
        for lengths in
            [vec![0, 1, 0, 0, 7], vec![BLOCK - 1, 1, BLOCK, BLOCK + 1], vec![5 * BLOCK, 3, 2 * BLOCK - 1]]
        {
            let text: String = (0..).zip(&lengths).fold(String::new(), |text, (n, length): (u8, &usize)| {
                text + &char::from(b'a' + n).to_string().repeat(*length) + "\n"
            });
            for text in [text.as_str(), text.trim_end()] {
                let mut found = lines(text.as_bytes(), u64::MAX);
                found.reverse();
                let expected: Vec<&str> = text.split('\n').collect();
                let texts: Vec<&str> = found.iter().filter_map(|(_, text, _)| text.as_deref()).collect();
                assert_eq!(texts, expected);
                assert!(found.iter().rev().skip(1).all(|(_, _, is_whole)| *is_whole));
            }
        }
    }

    #[test]
    fn a_line_is_numbered_by_the_newlines_before_it() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("lines");
        std::fs::write(&path, format!("{}\nb\n\nd", "a".repeat(2 * BLOCK))).unwrap();
        let from = 2 * BLOCK as u64 + 1;
        let open = || File::open(&path).unwrap();
        assert_eq!(numbers(open(), &[0, from, from + 3]).unwrap(), [1, 2, 4]);
        assert_eq!(numbers(open(), &[]).unwrap(), [0_u64; 0]);
    }
}
