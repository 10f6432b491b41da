//! The command files as GitHub's runner reads them.
//!
//! The runner's rules: a line is split at the first `=` or `<<`, whichever comes first; an empty line is
//! passed over; anything else ends the reading and fails the step.

use crate::report::Pair;

/// What a file of names and values holds, and why the runner read no further.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Pairs {
    /// In their order; a name that comes twice has the later value.
    pub(crate) pairs: Vec<Pair>,
    /// What the runner says of the place where it stopped: the step fails then.
    pub(crate) fault: Option<String>,
}

impl Pairs {
    fn set(&mut self, name: &str, value: String) {
        match self.pairs.iter_mut().find(|pair| pair.name == name) {
            Some(pair) => pair.value = value,
            None => self.pairs.push(Pair { name: name.to_owned(), value }),
        }
    }
}

/// Reads GITHUB_OUTPUT, GITHUB_ENV or GITHUB_STATE.
pub(crate) fn read_pairs(text: &str) -> Pairs {
    let mut found = Pairs::default();
    let mut rest = text;
    while let Some(line) = next_line(&mut rest) {
        if line.text.is_empty() {
            continue;
        }
        if let Err(fault) = read_entry(&line, &mut rest, &mut found) {
            found.fault = Some(fault);
            break;
        }
    }
    found
}

/// Reads GITHUB_PATH: one folder a line.
pub(crate) fn read_paths(text: &str) -> Vec<String> {
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

struct Line<'a> {
    text: &'a str,
    /// Only a line feed ends a line: a carriage return before it belongs to the value.
    is_ended: bool,
}

fn next_line<'a>(rest: &mut &'a str) -> Option<Line<'a>> {
    if rest.is_empty() {
        return None;
    }
    let (text, after) = rest.split_once('\n').map_or((*rest, None), |(text, after)| (text, Some(after)));
    *rest = after.unwrap_or_default();
    Some(Line { text, is_ended: after.is_some() })
}

fn read_entry(line: &Line<'_>, rest: &mut &str, found: &mut Pairs) -> Result<(), String> {
    let text = line.text;
    let (equals, heredoc) = (text.find('='), text.find("<<"));
    match (equals, heredoc) {
        (Some(at), other) if other.is_none_or(|other| at < other) => {
            if at == 0 {
                return Err(format!("Invalid format '{text}'. Name must not be empty"));
            }
            found.set(&text[..at], text[at + 1..].to_owned());
            Ok(())
        }
        (_, Some(at)) => {
            let (name, delimiter) = (&text[..at], &text[at + 2..]);
            if name.is_empty() || delimiter.is_empty() {
                return Err(format!(
                    "Invalid format '{text}'. Name must not be empty and delimiter must not be empty"
                ));
            }
            found.set(name, read_value(delimiter, rest)?);
            Ok(())
        }
        _ => Err(format!("Invalid format '{text}'")),
    }
}

/// Everything up to the line that is the delimiter and nothing else.
fn read_value(delimiter: &str, rest: &mut &str) -> Result<String, String> {
    let mut lines = Vec::new();
    while let Some(line) = next_line(rest) {
        if line.text == delimiter {
            return Ok(lines.join("\n"));
        }
        if !line.is_ended {
            break;
        }
        lines.push(line.text);
    }
    Err(format!("Invalid value. Matching delimiter not found '{delimiter}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        let read = read_pairs(text);
        assert_eq!(read.fault, None, "{text:?}");
        read.pairs.into_iter().map(|pair| (pair.name, pair.value)).collect()
    }

    #[test]
    fn what_the_runner_cannot_read_fails_the_step_where_it_stands() {
        for (text, fault) in [
            ("tag\n", "Invalid format 'tag'"),
            ("=x\n", "Invalid format '=x'. Name must not be empty"),
            ("a<<\nx\n\n", "Invalid format 'a<<'. Name must not be empty and delimiter must not be empty"),
            ("a<<E\nx\n", "Invalid value. Matching delimiter not found 'E'"),
            ("a<<E\nxE", "Invalid value. Matching delimiter not found 'E'"),
            ("a<<E\r\nx\nE\n", "Invalid value. Matching delimiter not found 'E\r'"),
        ] {
            let read = read_pairs(&format!("first=1\n{text}"));
            assert_eq!(read.fault.as_deref(), Some(fault));
            assert_eq!(read.pairs.len(), 1, "what stood before it counts");
        }
    }

    #[test]
    fn the_first_sign_decides_how_a_line_is_read() {
        assert_eq!(
            pairs("a=b<<E\n\nc<<D=\nx=1\n\ny\r\nD=\nd=\na=2\r\ne<<E\nE"),
            [("a", "2\r"), ("c", "x=1\n\ny\r"), ("d", ""), ("e", "")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn a_path_is_a_line() {
        assert_eq!(read_paths("/a b\n\n/c"), ["/a b", "/c"]);
    }
}
