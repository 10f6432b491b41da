//! The two files through which a step speaks to GitHub's runner.
#![expect(clippy::disallowed_methods, reason = "the runner owns these files and wants them appended to")]

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use super::{Actions, ActionsError, Nonce};

/// How many bytes of outputs GitHub takes from a job, counted as UTF-16.
const OUTPUTS_LIMIT: usize = 1_000_000;

/// How many bytes a step's summary may have; of a longer one GitHub shows nothing.
const SUMMARY_LIMIT: usize = 1024 * 1024;

/// How much of a text was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// All of it.
    Whole,
    /// Its beginning, and a line that says so.
    Cut,
}

impl Actions {
    /// Sets outputs of the step, all or none.
    ///
    /// # Errors
    /// Where the runner gave no file, a name could be read as something else, a value holds the delimiter, or
    /// all together are longer than GitHub takes.
    pub(crate) fn set_outputs(&self, pairs: &[(&str, &str)], nonce: &Nonce) -> Result<(), ActionsError> {
        let no_file = ActionsError::NoFile { variable: "GITHUB_OUTPUT", what: "the outputs" };
        let path = self.output.as_deref().ok_or(no_file)?;
        let size = |text: &str| text.encode_utf16().count() * 2;
        let bytes = pairs.iter().map(|(name, value)| size(name) + size(value)).sum();
        if bytes > OUTPUTS_LIMIT {
            let longest = pairs.iter().max_by_key(|(_, value)| value.len()).map_or("", |(name, _)| name);
            return Err(ActionsError::OutputsTooLong { bytes, longest: longest.to_owned() });
        }
        let mut text = String::new();
        for (name, value) in pairs {
            text.push_str(&output_entry(name, value, nonce)?);
        }
        append(path, &text)
    }

    /// Appends Markdown to the step's summary. Of what does not fit into GitHub's limit only the beginning is
    /// written, whole lines, with a line that says so.
    ///
    /// # Errors
    /// Where the runner gave no file, or it cannot be written.
    pub(crate) fn append_summary(&self, markdown: &str) -> Result<Written, ActionsError> {
        let no_file = ActionsError::NoFile { variable: "GITHUB_STEP_SUMMARY", what: "the summary" };
        let path = self.summary.as_deref().ok_or(no_file)?;
        let there = path.metadata().map_or(0, |file| usize::try_from(file.len()).unwrap_or(usize::MAX));
        let room = SUMMARY_LIMIT.saturating_sub(there);
        let end = if markdown.ends_with('\n') { "" } else { "\n" };
        if markdown.len() + end.len() <= room {
            append(path, &format!("{markdown}{end}"))?;
            return Ok(Written::Whole);
        }
        append(path, &cut(markdown, room))?;
        Ok(Written::Cut)
    }
}

/// Always the long form: in the short one, `name=value`, a line end in a value would begin another output.
fn output_entry(name: &str, value: &str, nonce: &Nonce) -> Result<String, ActionsError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(fits) {
        return Err(ActionsError::BadName { name: name.chars().flat_map(char::escape_default).collect() });
    }
    let delimiter = format!("ghadelimiter_{}", nonce.as_str());
    if value.contains(&delimiter) {
        return Err(ActionsError::Collision { name: name.to_owned() });
    }
    Ok(format!("{name}<<{delimiter}\n{value}\n{delimiter}\n"))
}

/// What the last line of a summary says that was cut.
const CUT_NOTE: &str = "\n_The rest does not fit into a summary: the artifact has the whole report._\n";

/// The beginning of `markdown` in at most `room` bytes: whole lines, with what they opened closed again.
fn cut(markdown: &str, room: usize) -> String {
    // Enough to close what is open; a report nests two or three levels.
    const CLOSERS: usize = 256;
    let Some(mut left) = room.checked_sub(CUT_NOTE.len() + CLOSERS) else {
        return String::new();
    };
    let mut kept = String::new();
    for line in markdown.split_inclusive('\n') {
        let Some(after) = left.checked_sub(line.len()) else { break };
        left = after;
        kept.push_str(line);
    }
    let fences = kept.lines().filter(|line| line.trim_start().starts_with("```")).count();
    if fences % 2 == 1 {
        kept.push_str("```\n");
    }
    let open = kept.matches("<details").count().saturating_sub(kept.matches("</details>").count());
    kept.push_str(&"\n</details>\n".repeat(open.min(CLOSERS / 16)));
    kept + CUT_NOTE
}

fn append(path: &Path, text: &str) -> Result<(), ActionsError> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|source| ActionsError::Write { path: path.to_owned(), source })
}
