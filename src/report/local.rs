//! What an imitated run of the workflow shows: the JSON of `patch-moi local --json`, and its text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::candidate::Tool;
use crate::ids::CommitId;
use crate::report::printable::printable;

/// Everything that an imitated run shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "patch-moi local --json")]
pub(crate) struct LocalReport {
    /// The version of this format, today 1.
    pub(crate) schema_version: u32,
    /// What ran.
    pub(crate) tool: Tool,
    /// `schedule` or `workflow_dispatch`.
    pub(crate) event: String,
    /// The commit that was checked out.
    pub(crate) commit: CommitId,
    /// The branch that it was checked out as.
    pub(crate) branch: String,
    /// What lies in the work tree and is not part of that commit, or is part of it and at no remote.
    pub(crate) unseen: Unseen,
    /// What the step was told besides: `PATH`, `GITHUB_SHA`, …, without the values.
    pub(crate) environment: Vec<String>,
    /// The command that the action would run.
    pub(crate) command: Vec<String>,
    /// The exit code of the step; none where a signal ended it.
    pub(crate) exit_code: Option<i32>,
    /// `success` or `failure`, as GitHub would show the step.
    pub(crate) conclusion: String,
    /// What the runner itself holds against the step: files or commands that it could not read.
    pub(crate) faults: Vec<String>,
    /// The outputs of the step.
    pub(crate) outputs: Vec<Pair>,
    /// The variables that later steps would have.
    pub(crate) env: Vec<Pair>,
    /// The folders that later steps would have on their PATH.
    pub(crate) path: Vec<String>,
    /// How many values would be masked in the log from then on.
    pub(crate) masks: usize,
    /// The summary.
    pub(crate) summary: LocalSummary,
    /// The annotations that GitHub would record.
    pub(crate) annotations: Vec<LocalAnnotation>,
    /// How many annotations more would stand in the log alone.
    pub(crate) only_in_log: OnlyInLog,
    /// The folders that would be uploaded, as they lie on this machine now.
    pub(crate) artifacts: Vec<String>,
}

/// What a runner would not see.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Unseen {
    /// Tracked files that differ from the commit.
    pub(crate) changed: Vec<String>,
    /// Files that are not tracked and not ignored.
    pub(crate) untracked: Vec<String>,
    /// Commits that `origin` was not seen to have.
    pub(crate) unpushed: Vec<UnpushedCommit>,
}

impl Unseen {
    /// Whether a runner sees everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.untracked.is_empty() && self.unpushed.is_empty()
    }
}

/// A commit that no remote is known to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct UnpushedCommit {
    /// Its id.
    pub(crate) commit: CommitId,
    /// Its subject.
    pub(crate) subject: String,
}

/// A name and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Pair {
    /// The name.
    pub(crate) name: String,
    /// The value.
    pub(crate) value: String,
}

/// A step's summary.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct LocalSummary {
    /// Its Markdown.
    pub(crate) markdown: String,
    /// How many bytes it has.
    pub(crate) bytes: usize,
    /// How many GitHub takes; of a longer one it shows nothing.
    pub(crate) limit: usize,
    /// Whether GitHub would show it.
    pub(crate) shown: bool,
}

/// An annotation as GitHub would record it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LocalAnnotation {
    /// `error`, `warning` or `notice`.
    pub(crate) level: String,
    /// What stands above it.
    pub(crate) title: Option<String>,
    /// What it says.
    pub(crate) message: String,
    /// The file that it belongs to.
    pub(crate) file: Option<String>,
    /// The line, from 1.
    pub(crate) line: Option<u32>,
    /// The last line.
    pub(crate) end_line: Option<u32>,
    /// The column, from 1.
    pub(crate) col: Option<u32>,
    /// The last column.
    pub(crate) end_col: Option<u32>,
}

/// How many annotations were too many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct OnlyInLog {
    /// Errors.
    pub(crate) errors: usize,
    /// Warnings.
    pub(crate) warnings: usize,
    /// Notices.
    pub(crate) notices: usize,
}

/// The JSON schema of `patch-moi local --json`, as published in docs/schemas.
pub(crate) fn local_schema() -> Value {
    schemars::schema_for!(LocalReport).to_value()
}

/// So many names of one kind are shown; the JSON has all of them.
const MOST_NAMES: usize = 20;
/// The longest value of an output that is shown.
const LONGEST_VALUE: usize = 200;

/// What a runner would not see, for a person; empty where it sees everything.
pub(crate) fn unseen_text(unseen: &Unseen) -> String {
    if unseen.is_empty() {
        return String::new();
    }
    let mut text =
        "not in this run, because a runner sees what is committed, and in CI what is pushed:\n".to_owned();
    let mut list = |what: &str, names: Vec<String>| {
        for name in names.iter().take(MOST_NAMES) {
            text.push_str(&format!("  {what:<10} {}\n", printable(name)));
        }
        if names.len() > MOST_NAMES {
            text.push_str(&format!("  {what:<10} and {} more\n", names.len() - MOST_NAMES));
        }
    };
    list("changed", unseen.changed.clone());
    list("untracked", unseen.untracked.clone());
    if !unseen.unpushed.is_empty() {
        let line = |it: &UnpushedCommit| format!("{} {}", it.commit.short(), it.subject);
        text.push_str("in this run, and in CI only once they are pushed:\n");
        let names: Vec<String> = unseen.unpushed.iter().map(line).collect();
        for name in names.iter().take(MOST_NAMES) {
            text.push_str(&format!("  unpushed   {}\n", printable(name)));
        }
        if names.len() > MOST_NAMES {
            text.push_str(&format!("  unpushed   and {} more\n", names.len() - MOST_NAMES));
        }
    }
    text
}

/// What the step would show on GitHub, for a person at a terminal.
pub(crate) fn local_text(report: &LocalReport) -> String {
    let mut text = String::new();
    summary(&mut text, &report.summary);
    annotations(&mut text, report);
    outputs(&mut text, report);
    for fault in &report.faults {
        text.push_str(&format!("the runner says: {}\n", printable(fault)));
    }
    for folder in &report.artifacts {
        text.push_str(&format!("artifact  {}\n", printable(folder)));
    }
    let code = report.exit_code.map_or_else(|| "no exit code".to_owned(), |code| format!("exit code {code}"));
    text.push_str(&format!("step      {}, {code}\n", report.conclusion));
    text
}

fn summary(text: &mut String, summary: &LocalSummary) {
    let LocalSummary { bytes, limit, markdown, shown } = summary;
    if *bytes == 0 {
        text.push_str("summary   none\n\n");
        return;
    }
    let not = if *shown { "" } else { "; GitHub would not show it" };
    text.push_str(&format!("summary   {bytes} of {limit} bytes{not}\n\n"));
    readable(markdown).lines().for_each(|line| {
        let line = printable(line);
        text.push_str(if line.is_empty() { "" } else { "  " });
        text.push_str(&line);
        text.push('\n');
    });
    text.push('\n');
}

fn annotations(text: &mut String, report: &LocalReport) {
    for annotation in &report.annotations {
        let LocalAnnotation { level, title, message, file, line, .. } = annotation;
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        let place = file.as_ref().map(|file| format!("  {}{line}", printable(file))).unwrap_or_default();
        let title = title.as_ref().map(|title| printable(title).into_owned()).unwrap_or_default();
        text.push_str(&format!("{level:<9} {title}{place}\n"));
        message.lines().for_each(|line| text.push_str(&format!("          {}\n", printable(line))));
    }
    let OnlyInLog { errors, warnings, notices } = report.only_in_log;
    if errors + warnings + notices > 0 {
        let counted = [(errors, "error"), (warnings, "warning"), (notices, "notice")];
        let counted = counted.into_iter().filter(|(count, _)| *count > 0);
        let counted: Vec<String> = counted
            .map(|(count, what)| format!("{count} {what}{}", if count == 1 { "" } else { "s" }))
            .collect();
        text.push_str(&format!(
            "in the log alone, since GitHub records ten of each: {}\n",
            counted.join(", ")
        ));
    }
    if !report.annotations.is_empty() {
        text.push('\n');
    }
}

fn outputs(text: &mut String, report: &LocalReport) {
    let named = report.outputs.iter().map(|pair| ("output", pair));
    for (what, Pair { name, value }) in named.chain(report.env.iter().map(|pair| ("env", pair))) {
        let value = printable(&super::printable::cut(value, LONGEST_VALUE)).into_owned();
        text.push_str(&format!("{what:<9} {name} = {value}\n", name = printable(name)));
    }
    report.path.iter().for_each(|folder| text.push_str(&format!("path      {}\n", printable(folder))));
    if !report.outputs.is_empty() {
        text.push('\n');
    }
}

/// Our own Markdown as plain text: without the escapes and tags that only a renderer needs. It is for the
/// eye, and says nothing wrong about Markdown that somebody else wrote.
fn readable(markdown: &str) -> String {
    let mut text = String::with_capacity(markdown.len());
    let mut fenced = false;
    for line in markdown.lines() {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        if is_fence || line.trim() == "</details>" || line.starts_with("|--") {
            continue;
        }
        text.push_str(&if fenced { line.to_owned() } else { plain_line(line) });
        text.push('\n');
    }
    let mut blank = false;
    let kept =
        text.lines().filter(|line| !std::mem::replace(&mut blank, line.is_empty()) || !line.is_empty());
    kept.collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

fn plain_line(line: &str) -> String {
    let tags = [
        ("<details><summary>", "▸ "),
        ("</summary>", ""),
        ("<br>", "; "),
        ("<code>", ""),
        ("</code>", ""),
        ("**", ""),
        ("`", ""),
        ("\u{200b}", ""),
    ];
    // What is escaped is kept from the tags: it was a letter.
    let mut words = String::new();
    let mut letters = Vec::new();
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => {
                letters.extend(rest.next());
                words.push('\u{1}');
            }
            c => words.push(c),
        }
    }
    for (tag, plain) in tags {
        words = words.replace(tag, plain);
    }
    for (entity, letter) in
        [("&lt;", "<"), ("&gt;", ">"), ("&#47;", "/"), ("&#46;", "."), ("&#45;", "-"), ("&amp;", "&")]
    {
        words = words.replace(entity, letter);
    }
    let mut letters = letters.into_iter();
    words.chars().map(|c| if c == '\u{1}' { letters.next().unwrap_or(c) } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_markdown_is_read_without_its_escapes() {
        let markdown = "## a\\_b\n\n**1 of 2** o/r#\u{200b}1 &amp;lt;\n\n| | x |\n|---|---|\n| `p` | a<br>\\*b |\n\n```sh\ngit \\x `y`\n```\n\n\n<details><summary>8 carried</summary>\n\n</details>\n";
        assert_eq!(
            readable(markdown),
            "## a_b\n\n1 of 2 o/r#1 &lt;\n\n| | x |\n| p | a; *b |\n\ngit \\x `y`\n\n▸ 8 carried"
        );
    }
}
