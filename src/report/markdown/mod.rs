//! The step summary and report.md: read in ten seconds, top down.
//!
//! One sentence, then the patches that need someone, then what to do, then the rest folded away.
//! GitHub drops a summary above 1 MiB altogether, so the tables stop early and say so.

use crate::candidate::{CheckOutcome, CheckResult, Document};
use crate::report::next::{NextStep, next_away};
use crate::report::printable::printable;
use crate::report::run::{EventReport, Memory, Problem, RunReport};
use crate::report::words::{
    check, counted, document_sentence, event_sentence, label, landed_sentence, needs_someone, number_of,
    place, reason, run_sentence, shown, source_sentence,
};
use crate::stack::{Patch, Verdict};

/// Above this many bytes nothing is added but notes of what is missing.
const LIMIT: usize = 900 * 1024;
/// What one document may take of it, so that several events all have a word.
const DOCUMENT_LIMIT: usize = 400 * 1024;
/// So many paths of one conflict.
const MOST_PATHS: usize = 20;
/// So many items of any list that is not the stack.
const MOST_ITEMS: usize = 50;

/// The head of every table of patches.
pub(super) const TABLE_HEAD: &str = "| | Patch | Verdict | Where and why |\n|---:|---|---|---|\n";

/// report.md: one carried stack.
pub(crate) fn document_markdown(document: &Document) -> String {
    let tag = shown(document.event.tag.as_str());
    let mut text = format!("## {} {}\n\n", escape(document.event.repo.as_str()), escape(&tag));
    body(&mut text, document, DOCUMENT_LIMIT);
    text
}

/// report.md of an event that carried no stack.
pub(crate) fn event_report_markdown(event: &EventReport) -> String {
    let mut text = String::new();
    event_markdown(&mut text, event);
    text
}

/// The step summary of a run.
pub(crate) fn run_markdown(run: &RunReport) -> String {
    let mut text = String::new();
    // On a runner nothing else lasts, and whoever reads this has to know first.
    if let Some(Memory::None { why }) = &run.memory {
        let why = escape(&shown(why));
        paragraph(&mut text, &format!("**What this run did will not be remembered:** {why}"));
    }
    if run.dry_run {
        text.push_str("Dry run: everything was computed, nothing was written.\n\n");
    }
    let sentence = run_sentence(run);
    if run.events.len() != 1 && !sentence.is_empty() {
        paragraph(&mut text, &escape(&sentence));
    }
    if let Some(problem) = run.error.as_ref() {
        way_out(&mut text, problem);
    }
    for source in run.sources.iter().take(MOST_ITEMS) {
        if let Some(problem) = &source.error {
            paragraph(&mut text, &format!("**{}**", escape(&source_sentence(source))));
            way_out(&mut text, problem);
        }
    }
    // Who has several to read begins with the one that waits for them.
    let mut events: Vec<&EventReport> = run.events.iter().collect();
    events.sort_by_key(|event| !needs_someone(event));
    for event in events.into_iter().take(MOST_ITEMS) {
        event_markdown(&mut text, event);
    }
    let warned = run.sources.iter().flat_map(|source| {
        let id = escape(&shown(&source.id));
        source.warnings.iter().map(move |warning| format!("- {id}: {}\n", escape(&shown(warning))))
    });
    let noted = run.notes.iter().map(|note| format!("- {}\n", escape(&shown(note))));
    let items: Vec<String> = warned.chain(noted).collect();
    items.iter().take(MOST_ITEMS).for_each(|item| text.push_str(item));
    if items.len() > MOST_ITEMS {
        text.push_str(&format!("- and {} more\n", items.len() - MOST_ITEMS));
    }
    text
}

/// `text` as words of a sentence or a cell: nothing in it is Markdown or HTML, and nothing is turned
/// into a mention, a link to an issue or a link.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 8);
    for (at, c) in text.char_indices() {
        let follows = |word: &str| {
            let start = at.checked_sub(word.len());
            start
                .and_then(|start| text.get(start..at))
                .is_some_and(|before| before.eq_ignore_ascii_case(word))
        };
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // A character without width between the sign and the name: GitHub reads the name no more.
            '@' | '#' => escaped.extend([c, '\u{200b}']),
            '/' if follows(":") => escaped.push_str("&#47;"),
            '.' if follows("www") => escaped.push_str("&#46;"),
            '-' if follows("gh") => escaped.push_str("&#45;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}

/// `text` as [`escape`] makes it, but with a link for each address that begins with `pages`.
pub(super) fn linked(text: &str, pages: Option<&str>) -> String {
    let Some(pages) = pages.filter(|pages| !pages.is_empty()) else { return escape(text) };
    let is_path = |c: char| c.is_ascii_alphanumeric() || "/-_".contains(c);
    let (mut said, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(pages) {
        let path = &rest[at + pages.len()..];
        let end = at + pages.len() + path.find(|c| !is_path(c)).unwrap_or(path.len());
        said.push_str(&escape(&rest[..at]));
        said.push_str(&format!("<{}>", &rest[at..end]));
        rest = &rest[end..];
    }
    said + &escape(rest)
}

/// `text` as code. What cannot stand between backticks in a table is escaped inside a tag.
pub(super) fn code(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || " _-./+=:,%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) && text.trim() == text {
        return format!("`{text}`");
    }
    format!("<code>{}</code>", escape(text))
}

fn paragraph(text: &mut String, words: &str) {
    text.push_str(words);
    text.push_str("\n\n");
}

fn event_markdown(text: &mut String, event: &EventReport) {
    let title = format!("{} {}", event.repo, shown(event.tag.as_str()));
    text.push_str(&format!("## {}\n\n", escape(&title)));
    if text.len() > LIMIT {
        paragraph(text, "Left out, because a summary may not grow beyond 1 MiB; candidate.json has it.");
        return;
    }
    let documents: Vec<&Document> = event.steps.iter().filter_map(|step| step.document.as_deref()).collect();
    match &event.error {
        Some(problem) => problem_markdown(text, problem),
        None if documents.is_empty() => paragraph(text, &escape(&event_sentence(event))),
        None => {}
    }
    for document in documents {
        let room = DOCUMENT_LIMIT.min(LIMIT.saturating_sub(text.len()));
        body(text, document, room);
    }
    own_words(text, event);
    let passed_over = &event.selection.passed_over;
    if !passed_over.is_empty() {
        fold(text, &format!("{} flow steps were not selected", passed_over.len()));
        for step in passed_over.iter().take(MOST_ITEMS) {
            let name = code(&format!("{}/{}", shown(&step.flow), shown(&step.step)));
            text.push_str(&format!("- {name}: {}\n", escape(&shown(&step.reason))));
        }
        unfold(text);
    }
}

/// What the steps say that carried no stack.
fn own_words(text: &mut String, event: &EventReport) {
    let mut said = String::new();
    for step in event.steps.iter().filter(|step| step.document.is_none()).take(MOST_ITEMS) {
        let Some(message) = &step.message else { continue };
        let name = code(&format!("{}/{}", shown(&step.flow), shown(&step.step)));
        let status = escape(&shown(&step.status));
        said.push_str(&format!("- {name} {status}: {}\n", escape(&shown(message))));
    }
    if !said.is_empty() {
        paragraph(text, said.trim_end());
    }
}

fn problem_markdown(text: &mut String, problem: &Problem) {
    paragraph(text, &format!("**Failed:** {}", escape(&shown(&problem.message))));
    way_out(text, problem);
}

fn way_out(text: &mut String, problem: &Problem) {
    if let Some(hint) = &problem.hint {
        paragraph(text, &format!("What to do: {}", escape(&shown(hint))));
    }
}

/// What is said of one stack. It adds at most about `room` bytes.
fn body(text: &mut String, document: &Document, room: usize) {
    let end = text.len() + room;
    paragraph(text, &format!("**{}**", escape(&document_sentence(document))));
    checks_where(text, document, &has_failed);
    let (open, settled): (Vec<_>, Vec<_>) =
        (1..).zip(&document.carry.patches).partition(|(_, patch)| patch.verdict.is_open());
    if !open.is_empty() {
        // Half of the room, so that what to do is said however much there is to be done.
        table(text, document, &open, end - room / 2);
    }
    steps(text, &next_away(document));
    let counted = counted(&document.carry.counts).into_iter().filter(|(verdict, _)| !verdict.is_open());
    let mut rest: Vec<String> = counted.map(|(_, words)| words).collect();
    let others = document.checks.iter().filter(|check| !has_failed(check)).count();
    if others > 0 {
        rest.push(if others == 1 { "1 check".to_owned() } else { format!("{others} checks") });
    }
    if rest.is_empty() {
        losses(text, document);
        return;
    }
    fold(text, &escape(&rest.join(" · ")));
    checks_where(text, document, &|check| !has_failed(check));
    losses(text, document);
    if !settled.is_empty() {
        table(text, document, &settled, end);
    }
    unfold(text);
}

fn fold(text: &mut String, summary: &str) {
    text.push_str(&format!("<details><summary>{summary}</summary>\n\n"));
}

fn unfold(text: &mut String) {
    text.truncate(text.trim_end().len());
    text.push_str("\n\n</details>\n\n");
}

fn table(text: &mut String, document: &Document, rows: &[(usize, &Patch)], end: usize) {
    text.push_str(TABLE_HEAD);
    for (at, (number, patch)) in rows.iter().enumerate() {
        if text.len() > end {
            text.push_str(&format!("\n{} more are listed in candidate.json.\n", rows.len() - at));
            break;
        }
        text.push_str(&row(document, *number, patch));
    }
    text.push('\n');
}

/// One patch as a line of a table below [`TABLE_HEAD`].
pub(super) fn row(document: &Document, number: usize, patch: &Patch) -> String {
    let subject = escape(&shown(&patch.subject));
    let why = why(document, patch);
    let name = label(patch.verdict);
    format!("| {number:04} | {subject} {} | {name} | {why} |\n", code(&patch.commit.short()))
}

/// The last cell of a patch: paths, culprit, notes.
fn why(document: &Document, patch: &Patch) -> String {
    let carry = &document.carry;
    let mut parts = Vec::new();
    if patch.verdict == Verdict::Conflict {
        parts.extend(patch.conflicts.iter().take(MOST_PATHS).map(|conflict| code(&place(conflict))));
        if patch.conflicts.len() > MOST_PATHS {
            parts.push(format!("and {} more paths", patch.conflicts.len() - MOST_PATHS));
        }
    }
    if let Some(number) = patch.blocked_by.and_then(|by| number_of(carry, by)) {
        parts.push(format!("waits for {number:04}"));
    } else if let Some(reason) = reason(carry, patch, &shown(document.event.tag.as_str())) {
        parts.push(escape(&reason));
    }
    parts.extend(patch.notes.iter().take(MOST_PATHS).map(|note| escape(&shown(note))));
    parts.join("<br>")
}

pub(super) const fn has_failed(check: &CheckOutcome) -> bool {
    matches!(check.outcome, CheckResult::Failed | CheckResult::TimedOut)
}

/// All checks of a document.
pub(super) fn checks(text: &mut String, document: &Document) {
    checks_where(text, document, &|_| true);
}

fn checks_where(text: &mut String, document: &Document, wanted: &dyn Fn(&CheckOutcome) -> bool) {
    let mut any = false;
    let asked = document.checks.iter().filter(|check| wanted(check));
    for outcome in asked.take(MOST_ITEMS) {
        any = true;
        let sign = match outcome.outcome {
            CheckResult::Passed => "✓",
            CheckResult::NotRun => "⋯",
            CheckResult::Failed | CheckResult::TimedOut => "✗",
        };
        text.push_str(&format!("- {sign} check {} {}", code(&shown(&outcome.name)), check(outcome)));
        if has_failed(outcome) {
            text.push_str(&format!(", see {}", code(&shown(&outcome.log))));
        }
        text.push('\n');
    }
    if any {
        text.push('\n');
    }
}

pub(super) fn steps(text: &mut String, steps: &[NextStep]) {
    if steps.is_empty() {
        return;
    }
    text.push_str("### What to do\n\n");
    for (at, step) in steps.iter().enumerate() {
        text.push_str(&format!("{}. {}\n", at + 1, escape(&step.what)));
        if !step.commands.is_empty() {
            let lines: Vec<_> = step.commands.iter().map(|command| printable(command)).collect();
            let fence = fence(&lines.concat());
            text.push_str(&format!("\n   {fence}sh\n"));
            lines.iter().for_each(|line| text.push_str(&format!("   {line}\n")));
            text.push_str(&format!("   {fence}\n"));
        }
        text.push('\n');
    }
}

/// More backticks than `text` has in a row, so that nothing in it ends the block.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

pub(super) fn losses(text: &mut String, document: &Document) {
    let tag = escape(&shown(document.event.tag.as_str()));
    let left_out = &document.carry.left_out;
    if !left_out.is_empty() {
        text.push_str(&format!("- The stack stood on upstream commits that {tag} does not hold:\n"));
        for it in left_out.iter().take(MOST_ITEMS) {
            text.push_str(&format!("  - {} {}\n", code(&it.commit.short()), escape(&shown(&it.subject))));
        }
        if left_out.len() > MOST_ITEMS {
            text.push_str(&format!("  - and {} more\n", left_out.len() - MOST_ITEMS));
        }
    }
    if let Some(landed) = &document.carry.landed {
        text.push_str(&format!("- {}\n", landed_sentence(landed)));
    }
    for (number, what) in [
        (document.signatures_dropped, "signatures were dropped, because a carried commit is a new one"),
        (document.notes_not_carried, "commits have git notes, which stay at the old commits"),
    ] {
        if number > 0 {
            text.push_str(&format!("- {number} {what}\n"));
        }
    }
    let lost = document.signatures_dropped + document.notes_not_carried;
    if !left_out.is_empty() || document.carry.landed.is_some() || lost > 0 {
        text.push('\n');
    }
}

#[cfg(test)]
mod tests;
