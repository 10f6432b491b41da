//! Text that came from outside, made fit to stand in a message, and places in a file.

use std::path::Path;

/// How many characters of somebody else's text a message quotes.
const QUOTED: usize = 200;

/// `text`, at most 200 characters of it, with control characters and invisible marks escaped, so
/// that it can neither drive a terminal nor flood a log.
pub(crate) fn shown(text: &str) -> String {
    let mut out: String = text.chars().take(QUOTED).map(shown_char).collect();
    if text.chars().nth(QUOTED).is_some() {
        out.push('…');
    }
    out
}

/// A path as a message shows it: like [`shown`], but whole up to 4,096 characters.
pub(crate) fn shown_path(path: &Path) -> String {
    path.to_string_lossy().chars().take(4096).map(shown_char).collect()
}

fn shown_char(c: char) -> String {
    if c.is_control() || is_invisible(c) { c.escape_default().to_string() } else { c.to_string() }
}

/// Marks that change the direction or the look of the text around them, and line separators.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Where a text is no TOML, and what the parser says: for messages about files that people write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotToml {
    /// The line, counted from 1.
    pub(crate) line: usize,
    /// The column, counted from 1 and in characters.
    pub(crate) column: usize,
    /// What the parser found, fit for a message.
    pub(crate) message: String,
}

impl NotToml {
    /// What is wrong with `text`, by the parser's `error`.
    pub(crate) fn of(error: &toml::de::Error, text: &str) -> Self {
        let (line, column) = line_and_column(text, error.span().map_or(0, |span| span.start));
        Self { line, column, message: shown(error.message()) }
    }
}

/// Line and column, counted from 1 and in characters, of the byte `offset` in `text`.
fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before: String = text.char_indices().take_while(|(at, _)| *at < offset).map(|(_, c)| c).collect();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    (line, column)
}

/// Says why `text` cannot be one segment of a path or the stem of a file name, on any machine
/// that unpacks an artifact.
pub(crate) fn check_segment(text: &str) -> Result<(), &'static str> {
    if text.trim().is_empty() {
        return Err("it is blank");
    }
    if text.len() > 100 {
        return Err("it is longer than 100 bytes");
    }
    if text.starts_with(['.', '-']) || text.ends_with(['.', ' ']) {
        return Err("it begins with a dot or a dash, or ends with a dot or a space");
    }
    if text.chars().any(|c| c.is_control() || is_invisible(c) || "/\\:*?\"<>|".contains(c)) {
        return Err("it holds a slash, a backslash, a control character or one of : * ? \" < > |");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_sequence_never_reaches_a_terminal() {
        assert_eq!(shown("a\u{1b}[31mb\n\u{202e}"), "a\\u{1b}[31mb\\n\\u{202e}");
        assert_eq!(shown(&"x".repeat(500)).chars().count(), 201);
    }

    #[test]
    fn a_name_that_is_no_file_name_is_refused() {
        for text in ["", " ", ".", "..", ".x", "-rf", "a/b", "a\\b", "a\nb", "a:b", "a.", "x\u{202e}"] {
            assert!(check_segment(text).is_err(), "{text:?}");
        }
        for text in ["peezy-codex-fork", "my flow", "ünï_1.2"] {
            assert!(check_segment(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn a_place_is_counted_in_lines_and_characters() {
        assert_eq!(line_and_column("a\nüb", 0), (1, 1));
        assert_eq!(line_and_column("a\nüb", 4), (2, 2));
        assert_eq!(line_and_column("a", 99), (1, 2));
    }
}
