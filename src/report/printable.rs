//! The one door through which foreign text reaches a terminal or a page.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` with nothing in it that controls a terminal, turns the reading direction, hides, or is a
/// workflow command of GitHub's runner.
///
/// Such characters stay visible as `\u{1b}`. The runner takes a line that begins with `::` and the
/// old form `##[` anywhere for a command, so both get a backslash.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let begins_command = text.trim_start().starts_with("::");
    if !begins_command && !text.contains("##[") && !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    if begins_command {
        shown.push('\\');
    }
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push(' '),
            c if is_hidden(c) => {
                // Writing into a String cannot fail.
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    Cow::Owned(shown.replace("##[", "##\\["))
}

/// Control characters, everything that turns the direction (Unicode TR 9), and what takes no room:
/// two names that look the same would not be. The joiners of emoji and Persian stay.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// The first `longest` characters of `text`, with `…` where it goes on.
pub(super) fn cut(text: &str, longest: usize) -> Cow<'_, str> {
    match text.char_indices().nth(longest) {
        Some(_) => {
            let end = text.char_indices().nth(longest.saturating_sub(1)).map_or(0, |(at, _)| at);
            Cow::Owned(format!("{}…", &text[..end]))
        }
        None => Cow::Borrowed(text),
    }
}

/// The beginning and the end of `text` with `…` between them: at most `longest` characters. The end of a path says more
/// than its middle.
pub(super) fn cut_middle(text: &str, longest: usize) -> Cow<'_, str> {
    let all = text.chars().count();
    if all <= longest {
        return Cow::Borrowed(text);
    }
    let kept = longest.saturating_sub(1);
    let at = |number: usize| text.char_indices().nth(number).map_or(text.len(), |(at, _)| at);
    Cow::Owned(format!("{}…{}", &text[..at(kept / 2)], &text[at(all - (kept - kept / 2))..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_or_a_runner_comes_through() {
        for (text, shown) in [
            ("\u{1b}[2Jx", "\\u{1b}[2Jx"),
            ("a\r\nb\tc", "a\\r\\nb c"),
            ("\u{202e}gnp.exe", "\\u{202e}gnp.exe"),
            ("pay\u{200b}pal", "pay\\u{200b}pal"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("  ::error::x", "\\  ::error::x"),
            ("a ##[group]b", "a ##\\[group]b"),
        ] {
            assert_eq!(printable(text), shown, "{text:?}");
        }
    }

    #[test]
    fn what_people_write_stays_as_it_is() {
        for text in ["Färbe die Ausgabe", "修正", "👩‍💻 a::b #[test]", "\\u{1b}"] {
            assert!(matches!(printable(text), Cow::Borrowed(_)), "{text:?}");
        }
    }

    #[test]
    fn a_cut_never_splits_a_letter() {
        assert_eq!(cut("漢字漢字", 3), "漢字…");
        assert_eq!(cut("漢字漢", 3), "漢字漢");
        assert_eq!(cut_middle("漢字仮名交り", 5), "漢字…交り");
        assert_eq!(cut_middle("漢字仮名交り", 4), "漢…交り");
        assert_eq!(cut_middle("漢字仮名", 4), "漢字仮名");
    }
}
