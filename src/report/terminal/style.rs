//! Colours and signs.

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr as _;

use crate::report::terminal::Look;
use crate::stack::Verdict;

pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const SAME: Style = AnsiColor::Cyan.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const WAIT: Style = AnsiColor::Yellow.on_default();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const BOLD: Style = Style::new().bold();

/// The signs of one character set.
pub(super) struct Glyphs {
    pub(super) good: &'static str,
    pub(super) same: &'static str,
    pub(super) bad: &'static str,
    pub(super) waits: &'static str,
    pub(super) empty: &'static str,
    pub(super) arrow: &'static str,
    pub(super) between: &'static str,
    pub(super) cut: &'static str,
}

const UNICODE: Glyphs =
    Glyphs {
        good: "✓", same: "=", bad: "✗", waits: "⋯", empty: "~", arrow: "→", between: " · ", cut: "…"
    };
const ASCII: Glyphs =
    Glyphs { good: "+", same: "=", bad: "x", waits: "-", empty: "~", arrow: "->", between: "; ", cut: "..." };

pub(super) const fn glyphs(look: &Look) -> &'static Glyphs {
    if look.ascii { &ASCII } else { &UNICODE }
}

/// The sign and the colour of a verdict.
pub(super) const fn sign(verdict: Verdict, look: &Look) -> (&'static str, Style) {
    let glyphs = glyphs(look);
    match verdict {
        Verdict::Clean | Verdict::Merged | Verdict::Resolved => (glyphs.good, GOOD),
        Verdict::Upstreamed => (glyphs.same, SAME),
        Verdict::Empty => (glyphs.empty, DIM),
        Verdict::Conflict => (glyphs.bad, BAD),
        Verdict::Blocked => (glyphs.waits, WAIT),
    }
}

/// `text` in a style.
pub(super) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Our own quotation marks in the look's character set.
pub(super) fn quotes(text: &str, look: &Look) -> String {
    if look.ascii { text.replace(['“', '”'], "\"") } else { text.to_owned() }
}

/// How many columns `text` takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// `text` in exactly `columns` columns: filled up, or cut with a sign for it.
pub(super) fn fit(text: &str, columns: usize, look: &Look) -> String {
    let mut fitted = clip(text, columns, look);
    let missing = columns.saturating_sub(width(&fitted));
    fitted.push_str(&" ".repeat(missing));
    fitted
}

/// `text` in at most `columns` columns.
fn clip(text: &str, columns: usize, look: &Look) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let cut = glyphs(look).cut;
    let room = columns.saturating_sub(width(cut));
    let mut clipped = String::new();
    for c in text.chars() {
        clipped.push(c);
        if width(&clipped) > room {
            clipped.pop();
            break;
        }
    }
    clipped + cut
}

/// `text` in lines of at most `columns` columns, broken between words. A longer word stays whole.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(last) if width(last) + 1 + width(word) <= columns => {
                last.push(' ');
                last.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
