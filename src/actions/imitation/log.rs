//! The log of a step as GitHub's runner reads it: which lines are commands, and what comes of them.
//!
//! Both streams of the step are one log. A line whose beginning (after white space) is `::name key=value::`
//! is a command, and so is `##[name key=value]` anywhere in a line; the name must be one that the runner
//! knows. Between `::stop-commands::TOKEN` and `::TOKEN::` nothing is.

use std::collections::BTreeMap;

use crate::report::{LocalAnnotation, OnlyInLog, Pair};

/// How many annotations of one level GitHub records for a step.
const PER_LEVEL: usize = 10;
/// How many UTF-16 units of an annotation's message GitHub keeps.
const MESSAGE_UNITS: usize = 4096;

/// The commands that the runner knows, `stop-commands` apart.
const KNOWN: [&str; 14] = [
    "add-mask",
    "add-matcher",
    "add-path",
    "debug",
    "echo",
    "endgroup",
    "error",
    "group",
    "notice",
    "remove-matcher",
    "save-state",
    "set-env",
    "set-output",
    "warning",
];

/// What a person sees of a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// The line as it is.
    Text(String),
    /// An annotation, as the log has it.
    Annotation(String),
    /// The head of a foldable group.
    Group(String),
    /// Nothing.
    Nothing,
}

/// A log that is being read.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// The token that ends the stop, while commands are stopped.
    stopped: Option<String>,
    seen: BTreeMap<&'static str, usize>,
    /// The annotations that GitHub records, in their order.
    pub(crate) annotations: Vec<LocalAnnotation>,
    /// How many stand in the log alone.
    pub(crate) only_in_log: OnlyInLog,
    /// What `::set-output::` set, which the runner still obeys.
    pub(crate) outputs: Vec<Pair>,
    /// The values that are masked from here on.
    pub(crate) masks: Vec<String>,
    /// What the runner says of commands that fail the step.
    pub(crate) faults: Vec<String>,
}

impl Log {
    /// Reads the next line, which has no end of its own.
    pub(crate) fn line(&mut self, line: &str) -> Shown {
        let Some(command) = self.command(line) else { return Shown::Text(line.to_owned()) };
        if self.stopped.is_some() {
            // Only the token is known then.
            self.stopped = None;
            return Shown::Nothing;
        }
        let Command { name, properties, data } = command;
        match name.as_str() {
            "stop-commands" => {
                self.stop(&data);
                Shown::Nothing
            }
            "error" => self.annotate("error", &properties, &data),
            "warning" => self.annotate("warning", &properties, &data),
            "notice" => self.annotate("notice", &properties, &data),
            "group" => Shown::Group(data),
            "set-output" => {
                let name = properties.get("name").filter(|name| !name.is_empty()).cloned();
                match name {
                    Some(name) => self.outputs.push(Pair { name, value: data }),
                    None => self.fault("Required field 'name' is missing in ##[set-output] command."),
                }
                Shown::Nothing
            }
            "add-mask" if !data.trim().is_empty() => {
                self.masks.push(data);
                Shown::Nothing
            }
            "set-env" | "add-path" => {
                self.fault(&format!("The `{name}` command is disabled."));
                Shown::Nothing
            }
            _ => Shown::Nothing,
        }
    }

    fn fault(&mut self, text: &str) {
        self.faults.push(text.to_owned());
    }

    /// A token that is no secret would be one that anybody can write: the runner refuses it.
    fn stop(&mut self, token: &str) {
        let is_bad = token.is_empty()
            || token.eq_ignore_ascii_case("pause-logging")
            || token.eq_ignore_ascii_case("stop-commands")
            || is_known(token);
        if is_bad {
            self.fault(&format!("Invalid stop-commands token '{token}'."));
        } else {
            self.stopped = Some(token.to_owned());
        }
    }

    fn command(&self, line: &str) -> Option<Command> {
        let known = |name: &str| match &self.stopped {
            Some(token) => token.eq_ignore_ascii_case(name),
            None => name.eq_ignore_ascii_case("stop-commands") || is_known(name),
        };
        new_form(line, &known).or_else(|| old_form(line, &known))
    }

    fn annotate(&mut self, level: &'static str, properties: &BTreeMap<String, String>, data: &str) -> Shown {
        let seen = self.seen.entry(level).or_default();
        *seen += 1;
        let annotation = annotation(level, properties, data);
        let shown = Shown::Annotation(format!("{}: {}", capital(level), annotation.message));
        if *seen <= PER_LEVEL {
            self.annotations.push(annotation);
        } else {
            match level {
                "error" => self.only_in_log.errors += 1,
                "warning" => self.only_in_log.warnings += 1,
                _ => self.only_in_log.notices += 1,
            }
        }
        shown
    }
}

fn is_known(name: &str) -> bool {
    KNOWN.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn capital(level: &str) -> &'static str {
    match level {
        "error" => "Error",
        "warning" => "Warning",
        _ => "Notice",
    }
}

struct Command {
    /// In lower case.
    name: String,
    properties: BTreeMap<String, String>,
    data: String,
}

/// `::name key=value,key=value::data` at the beginning of a line.
fn new_form(line: &str, known: &dyn Fn(&str) -> bool) -> Option<Command> {
    let rest = line.trim_start().strip_prefix("::")?;
    let (head, data) = rest.split_once("::")?;
    let (name, properties) = named(head, known)?;
    let unescape = |text: &str| {
        let text = text.replace("%0D", "\r").replace("%0A", "\n");
        text.replace("%3A", ":").replace("%2C", ",").replace("%25", "%")
    };
    let data = data.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%");
    Some(Command { name, properties: read_properties(properties.trim(), ',', &unescape), data })
}

/// `##[name key=value;key=value]data` anywhere in a line; only the first one is looked at.
fn old_form(line: &str, known: &dyn Fn(&str) -> bool) -> Option<Command> {
    let (_, rest) = line.split_once("##[")?;
    let (head, data) = rest.split_once(']')?;
    let (name, properties) = named(head, known)?;
    let unescape = |text: &str| {
        let text = text.replace("%3B", ";").replace("%0D", "\r").replace("%0A", "\n");
        text.replace("%5D", "]").replace("%25", "%")
    };
    Some(Command { name, properties: read_properties(properties, ';', &unescape), data: unescape(data) })
}

fn named<'a>(head: &'a str, known: &dyn Fn(&str) -> bool) -> Option<(String, &'a str)> {
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    known(name).then(|| (name.to_ascii_lowercase(), properties))
}

/// An `=` at the beginning of a value is lost, as it is in the runner.
fn read_properties(
    text: &str,
    separator: char,
    unescape: &dyn Fn(&str) -> String,
) -> BTreeMap<String, String> {
    let pair = |part: &str| {
        let (name, value) = part.trim_start_matches('=').split_once('=')?;
        let value = value.trim_start_matches('=');
        (!value.is_empty()).then(|| (name.to_ascii_lowercase(), unescape(value)))
    };
    text.split(separator).filter_map(pair).collect()
}

fn annotation(level: &str, properties: &BTreeMap<String, String>, data: &str) -> LocalAnnotation {
    let number = |name: &str| properties.get(name).and_then(|text| text.trim().parse::<u32>().ok());
    let (mut line, mut end_line) = (number("line"), number("endline"));
    let (mut col, mut end_col) = (number("col"), number("endcolumn"));
    line = line.or(end_line);
    if line.is_none() || end_line.is_some_and(|end| Some(end) != line) {
        (col, end_col) = (None, None);
    }
    col = col.or(end_col);
    if end_line < line && end_line.is_some() {
        (line, end_line) = (None, None);
    }
    if end_col < col && end_col.is_some() {
        (col, end_col) = (None, None);
    }
    LocalAnnotation {
        level: level.to_owned(),
        title: properties.get("title").cloned(),
        message: units(data, MESSAGE_UNITS),
        file: properties.get("file").cloned(),
        line,
        end_line,
        col,
        end_col,
    }
}

/// The beginning of `text` in at most so many UTF-16 units, never half a letter.
fn units(text: &str, limit: usize) -> String {
    let mut left = limit;
    let fits = |c: &char| match left.checked_sub(c.len_utf16()) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    text.chars().take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Log {
        let mut log = Log::default();
        lines.iter().for_each(|line| drop(log.line(line)));
        log
    }

    #[test]
    fn a_command_is_known_by_its_form_and_its_name() {
        for (line, recorded) in [
            ("::error::x", true),
            ("  \u{a0}::ERROR file=a::x", true),
            ("a ::error::x", false),
            ("::nonsense::x", false),
            ("::error: x", false),
            ("step ##[error]x", true),
            ("##[group] ##[error]x", false),
            ("##\\[error]x", false),
        ] {
            assert_eq!(read(&[line]).annotations.len() == 1, recorded, "{line}");
        }
    }

    #[test]
    fn what_was_escaped_is_read_as_it_was() {
        let log = read(&["::warning file=a%2Cb%3Ac,line=3,endLine=2,title=50%25%0A::x%0Dy%250A%3A"]);
        let found = &log.annotations[0];
        assert_eq!((found.file.as_deref(), found.title.as_deref()), (Some("a,b:c"), Some("50%\n")));
        assert_eq!((found.line, found.end_line), (None, None), "an end before the beginning");
        assert_eq!(found.message, "x\ry%0A%3A");
        let legacy = read(&["##[notice title=a%3Bb;file=x%5D]y%5D%25"]);
        assert_eq!(legacy.annotations[0].title.as_deref(), Some("a;b"));
        assert_eq!(legacy.annotations[0].message, "y]%");
    }

    #[test]
    fn while_commands_are_stopped_only_the_token_counts() {
        let log = read(&[
            "::stop-commands::t0ken",
            "::error::no",
            "##[add-mask]e",
            "::stop-commands::other",
            "::other::",
            "::T0KEN::",
            "::error::yes",
        ]);
        assert_eq!(log.annotations.len(), 1);
        assert_eq!(log.annotations[0].message, "yes");
        assert!(log.masks.is_empty() && log.faults.is_empty());
        for token in ["", "pause-logging", "Error"] {
            assert_eq!(read(&[&format!("::stop-commands::{token}")]).faults.len(), 1, "{token}");
        }
    }

    #[test]
    fn the_eleventh_of_a_level_stands_in_the_log_alone() {
        let mut log = read(&["::error::x"; 12]);
        assert_eq!((log.annotations.len(), log.only_in_log.errors), (10, 2));
        assert_eq!(log.line("::error::y%0Az"), Shown::Annotation("Error: y\nz".to_owned()));
        drop(log.line(&format!("::notice::{}", "😀".repeat(3000))));
        assert_eq!(log.annotations[10].message.chars().count(), 2048, "4,096 units of UTF-16");
    }

    #[test]
    fn commands_that_are_still_alive_are_named() {
        let log =
            read(&["::set-output name=tag::v9", "::add-mask::e", "::set-env name=a::b", "::set-output::x"]);
        assert_eq!((log.outputs.len(), log.masks.len(), log.faults.len()), (1, 1, 2));
    }
}
