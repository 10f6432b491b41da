//! The lines of a conflict, each side in its own shade.

use maud::{Markup, html as markup};

use crate::report::printable::printable;

/// So many lines of one excerpt; the whole file lies in the artifact.
const MOST_LINES: usize = 60;
/// So many characters of one line.
const LONGEST_LINE: usize = 240;

/// A conflicted text with git's diff3 markers. It may be wider than the page, so that it scrolls by itself,
/// and can be reached with the keyboard.
pub(super) fn excerpt(text: &str, path: &str) -> Markup {
    let mut side = Side::None;
    let mut lines = text.lines();
    let marked: Vec<(&'static str, String)> = lines
        .by_ref()
        .take(MOST_LINES)
        .map(|line| {
            let class = side.enter(line);
            let expanded = line.replace('\t', "    ");
            (class, printable(&super::super::printable::cut(&expanded, LONGEST_LINE)).into_owned())
        })
        .collect();
    let more = lines.count();
    markup! {
        pre.excerpt tabindex="0" role="region" aria-label=(format!("Conflict in {path}")) {
            @for (class, line) in &marked {
                span.(class) { (line) "\n" }
            }
            @if more > 0 {
                span.meta { "… " (more) " more lines" }
            }
        }
    }
}

/// Where in a conflict a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    None,
    Release,
    Before,
    Patch,
}

impl Side {
    /// Takes in the next line and names its class.
    fn enter(&mut self, line: &str) -> &'static str {
        let marker = |sign: &str| line.starts_with(sign) && !line[sign.len()..].starts_with(&sign[..1]);
        *self = match *self {
            _ if marker("<<<<<<<") => Self::Release,
            Self::Release if marker("|||||||") => Self::Before,
            Self::Release | Self::Before if marker("=======") => Self::Patch,
            Self::Patch if marker(">>>>>>>") => Self::None,
            side => return side.class(),
        };
        "marker"
    }

    const fn class(self) -> &'static str {
        match self {
            Self::None => "both",
            Self::Release => "release",
            Self::Before => "before",
            Self::Patch => "patch",
        }
    }
}
