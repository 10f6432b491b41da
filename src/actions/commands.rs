//! Workflow commands: lines on standard output that GitHub's runner acts upon.

/// How loud an annotation is, loudest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Something failed.
    Error,
    /// Something needs attention.
    Warning,
    /// Something is worth knowing.
    Notice,
}

impl Level {
    const fn command(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

/// Where in the repository an annotation belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The file, relative to the workspace.
    pub(crate) file: String,
    /// The line, counted from 1.
    pub(crate) line: Option<u32>,
}

/// A remark that GitHub shows on the run's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Annotation {
    /// How loud it is.
    pub(crate) level: Level,
    /// What stands above it.
    pub(crate) title: String,
    /// What it says.
    pub(crate) message: String,
    /// Where it belongs.
    pub(crate) place: Option<Place>,
}

/// How many annotations of one level GitHub records for a step, a whole composite action being one.
const PER_LEVEL: usize = 10;

/// How many units of UTF-16 of a message GitHub keeps.
const MESSAGE_UNITS: usize = 4096;

/// How many units of UTF-16 of a title are worth keeping.
const TITLE_UNITS: usize = 255;

/// The command lines for `all`, which holds the most important first: errors, then warnings, then notices.
/// Where there are more of a level than GitHub records, the last recorded one says how many the log alone
/// holds.
pub(crate) fn annotations(all: &[Annotation]) -> Vec<String> {
    let mut lines = Vec::new();
    for level in [Level::Error, Level::Warning, Level::Notice] {
        let same = all.iter().filter(|annotation| annotation.level == level).collect::<Vec<_>>();
        let shown = if same.len() > PER_LEVEL { PER_LEVEL - 1 } else { same.len() };
        lines.extend(same[..shown].iter().map(|annotation| annotation_line(annotation)));
        if shown < same.len() {
            let rest = same.len() - shown;
            lines.push(format!("::{}::{rest} more like these: see the summary", level.command()));
        }
    }
    lines
}

fn annotation_line(annotation: &Annotation) -> String {
    let mut properties = Vec::new();
    if let Some(Place { file, line }) = &annotation.place {
        properties.push(format!("file={}", escape_property(file)));
        properties.extend(line.map(|line| format!("line={line}")));
    }
    if !annotation.title.is_empty() {
        // The runner drops an `=` at the beginning of a value, and white space at the end of the last one.
        let title = plain(&annotation.title);
        let title = title.trim().trim_start_matches('=').trim_start();
        properties.push(format!("title={}", escape_property(&shorten(title, TITLE_UNITS))));
    }
    let space = if properties.is_empty() { "" } else { " " };
    let message = escape_data(&shorten(&plain(&annotation.message), MESSAGE_UNITS));
    format!("::{}{space}{}::{message}", annotation.level.command(), properties.join(","))
}

/// The line that begins a foldable group of the log. Groups do not nest.
pub(super) fn group(title: &str) -> String {
    format!("::group::{}", escape_data(&plain(title)))
}

/// The line that ends a group.
pub(super) const END_GROUP: &str = "::endgroup::";

/// `%` first, or the escapes would be escaped.
fn escape_data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The text without terminal escapes and without control characters, line ends and tabs apart.
pub(super) fn plain(text: &str) -> String {
    let visible = anstream::adapter::strip_str(text).to_string();
    visible.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// `text` in at most `limit` units of UTF-16, with `…` where it goes on: GitHub would cut without a word.
fn shorten(text: &str, limit: usize) -> String {
    if text.encode_utf16().count() <= limit {
        return text.to_owned();
    }
    let mut left = limit - 1;
    let fits = |c: &char| {
        let rest = left.checked_sub(c.len_utf16());
        left = rest.unwrap_or(0);
        rest.is_some()
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotation(level: Level, message: &str) -> Annotation {
        Annotation { level, title: String::new(), message: message.to_owned(), place: None }
    }

    #[test]
    fn nothing_in_an_annotation_can_begin_a_command_of_its_own() {
        let hostile = Annotation {
            level: Level::Error,
            title: "50%: a,b\n::set-output name=x::y".to_owned(),
            message: "one\r\n::add-mask::e 100%0A \u{1b}[31mred\u{7}".to_owned(),
            place: Some(Place { file: "a,b:c\n::x".to_owned(), line: Some(7) }),
        };
        assert_eq!(
            annotations(&[hostile]),
            ["::error file=a%2Cb%3Ac%0A%3A%3Ax,line=7,title=50%25%3A a%2Cb%0A%3A%3Aset-output name=x%3A%3Ay\
              ::one%0A::add-mask::e 100%250A red"]
        );
        assert_eq!(group("a\n::endgroup::"), "::group::a%0A::endgroup::");
    }

    #[test]
    fn the_loudest_come_first_and_the_first_of_a_level_stay() {
        let mut all = (0..12).map(|n| annotation(Level::Notice, &format!("n{n}"))).collect::<Vec<_>>();
        all.push(annotation(Level::Error, "e"));
        let lines = annotations(&all);
        assert_eq!(lines.len(), 11);
        assert_eq!(lines[..2], ["::error::e", "::notice::n0"]);
        assert_eq!(lines[9..], ["::notice::n8", "::notice::3 more like these: see the summary"]);
    }

    #[test]
    fn ten_of_a_level_are_all_shown() {
        let all = (0..10).map(|n| annotation(Level::Warning, &format!("w{n}"))).collect::<Vec<_>>();
        assert_eq!(annotations(&all).last().map(String::as_str), Some("::warning::w9"));
    }

    #[test]
    fn a_long_message_is_cut_where_github_would_cut_it() {
        let line = annotations(&[annotation(Level::Error, &"ä".repeat(5000))]).remove(0);
        let message = line.strip_prefix("::error::").unwrap();
        assert_eq!(message.chars().count(), 4096);
        assert!(message.ends_with("ä…"));
    }
}
