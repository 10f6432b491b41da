//! What a run says on a terminal. The text carries ANSI styles; `ui` takes them out where colour is off.

mod stack;
mod style;

use crate::candidate::{CheckResult, Document, Outcome, Plan, Step};
use crate::report::next::{next_here, shell_quote};
use crate::report::run::{EventReport, Problem, RunReport, Selection, SourceReport, StepReport};
use crate::report::words::{
    check, document_sentence, landed_sentence, patches, run_sentence, shown, source_sentence,
};
use crate::stack::{Carry, LeftOut};
use stack::{counts_line, rows};
use style::{BAD, BOLD, DIM, GOOD, WAIT, paint, quotes};

/// How the text should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// The width in columns.
    pub(crate) width: usize,
    /// Whether only ASCII signs may be drawn (a `C` locale).
    pub(crate) ascii: bool,
    /// Whether the reader asked for everything.
    pub(crate) verbose: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self { width: 100, ascii: false, verbose: false }
    }
}

/// The text of a run.
pub(crate) fn run_text(run: &RunReport, look: &Look) -> String {
    let mut text = String::new();
    for source in &run.sources {
        source_lines(&mut text, source, run.events.is_empty() || look.verbose, look);
    }
    for event in &run.events {
        if !text.is_empty() {
            text.push('\n');
        }
        event_lines(&mut text, run, event, look);
    }
    if run.events.is_empty() && run.sources.is_empty() && run.error.is_none() {
        line(&mut text, &run_sentence(run));
    }
    for note in &run.notes {
        line(&mut text, &format!("{} {}", paint(DIM, "note"), shown(note)));
    }
    if let Some(problem) = &run.error {
        problem_lines(&mut text, problem);
    }
    if run.dry_run {
        line(&mut text, &paint(DIM, "dry run: everything was computed, nothing was written"));
    }
    text
}

/// The text of one carry by itself, as `stack rebase` prints it: the rows and the counts.
pub(crate) fn carry_text(carry: &Carry, tag: &str, look: &Look) -> String {
    let mut text = String::new();
    rows(&mut text, carry, tag, look);
    line(&mut text, &counts_line(carry, look));
    left_out_line(&mut text, &carry.left_out, tag, look);
    landed_line(&mut text, carry);
    text
}

fn landed_line(text: &mut String, carry: &Carry) {
    if let Some(landed) = &carry.landed {
        line(text, &paint(DIM, &landed_sentence(landed)));
    }
}

fn line(text: &mut String, words: &str) {
    text.push_str(words.trim_end());
    text.push('\n');
}

fn source_lines(text: &mut String, source: &SourceReport, whole: bool, look: &Look) {
    let glyphs = style::glyphs(look);
    if source.error.is_some() {
        line(text, &format!("{} {}", paint(BAD, glyphs.bad), source_sentence(source)));
    } else if whole {
        let settled = source.newest.as_ref().is_some_and(|release| release.standing.is_settled());
        let sign = if settled { paint(GOOD, glyphs.good) } else { paint(WAIT, glyphs.waits) };
        line(text, &format!("{sign} {}", source_sentence(source)));
    }
    if let Some(hint) = source.error.as_ref().and_then(|problem| problem.hint.as_deref()) {
        line(text, &format!("  {} {}", paint(BOLD, "hint:"), shown(hint)));
    }
    for warning in &source.warnings {
        line(text, &format!("{} {}: {}", paint(WAIT, "warning:"), shown(&source.id), shown(warning)));
    }
}

fn event_lines(text: &mut String, run: &RunReport, event: &EventReport, look: &Look) {
    let documents = event.steps.iter().filter(|step| step.document.is_some()).count();
    if documents == 0 {
        line(text, &paint(BOLD, &format!("{}  {}", event.repo, shown(event.tag.as_str()))));
    }
    if run.dry_run || look.verbose || event.selection.selected.is_empty() {
        selection_lines(text, &event.selection, look);
        text.push_str(if documents > 0 { "\n" } else { "" });
    }
    for (at, step) in event.steps.iter().enumerate() {
        text.push_str(if at > 0 && step.document.is_some() { "\n" } else { "" });
        match &step.document {
            Some(document) => document_lines(text, run, step, document, look),
            None => step_line(text, step, look),
        }
    }
    if let Some(problem) = &event.error {
        problem_lines(text, problem);
    }
    if let Some(plan) = &event.plan {
        plan_lines(text, plan);
    }
}

/// The text of a selection by itself, as `flow match` prints it.
pub(crate) fn selection_text(selection: &Selection, look: &Look) -> String {
    let mut text = String::new();
    selection_lines(&mut text, selection, look);
    text
}

fn selection_lines(text: &mut String, selection: &Selection, look: &Look) {
    let glyphs = style::glyphs(look);
    for step in &selection.selected {
        let name = format!("{}/{}", shown(&step.flow), shown(&step.step));
        let runner = shown(&step.runner);
        let sign = if step.gate.is_some() { paint(WAIT, glyphs.waits) } else { paint(GOOD, glyphs.good) };
        let gate =
            step.gate.as_deref().map(|gate| format!(", and waits: {}", shown(gate))).unwrap_or_default();
        line(text, &format!("  {sign} {name}  selected ({runner}){gate}"));
    }
    for step in &selection.passed_over {
        let name = format!("{}/{}", shown(&step.flow), shown(&step.step));
        let words = format!("{} {name}  not selected: {}", glyphs.empty, shown(&step.reason));
        line(text, &format!("  {}", paint(DIM, &words)));
    }
    if selection.selected.is_empty() && selection.passed_over.is_empty() {
        line(text, "  no flow step is there to select");
    }
}

fn step_line(text: &mut String, step: &StepReport, look: &Look) {
    let glyphs = style::glyphs(look);
    let sign = match step.status.as_str() {
        "failed" | "needs_intervention" => paint(BAD, glyphs.bad),
        "blocked" => paint(WAIT, glyphs.waits),
        _ => paint(GOOD, glyphs.good),
    };
    let name = format!("{}/{}", shown(&step.flow), shown(&step.step));
    let message = step.message.as_deref().map(|message| format!(": {}", shown(message))).unwrap_or_default();
    line(text, &format!("  {sign} {name}  {}{message}", shown(&step.status)));
}

/// Everything about one carried stack.
fn document_lines(text: &mut String, run: &RunReport, step: &StepReport, document: &Document, look: &Look) {
    let Document { carry, event, .. } = document;
    let tag = shown(event.tag.as_str());
    line(text, &header(document, look));
    line(text, "");
    if document.status == Outcome::Adopted || carry.patches.is_empty() {
        line(text, &format!("  {}", document_sentence(document)));
    } else {
        rows(text, carry, &tag, look);
        line(text, "");
        line(text, &counts_line(carry, look));
    }
    for outcome in &document.checks {
        let glyphs = style::glyphs(look);
        let sign = match outcome.outcome {
            CheckResult::Passed => paint(GOOD, glyphs.good),
            CheckResult::NotRun => paint(DIM, glyphs.waits),
            CheckResult::Failed | CheckResult::TimedOut => paint(BAD, glyphs.bad),
        };
        let failed = matches!(outcome.outcome, CheckResult::Failed | CheckResult::TimedOut);
        let folder = step.artifact.as_deref().unwrap_or(".");
        let log = if failed { format!("  {}", below(folder, &outcome.log)) } else { String::new() };
        line(text, &format!("{sign} check {}  {}{log}", shown(&outcome.name), check(outcome)));
    }
    left_out_line(text, &carry.left_out, &tag, look);
    landed_line(text, carry);
    losses(text, document);
    if !run.dry_run {
        pointers(text, run, step, document);
    }
}

fn header(document: &Document, look: &Look) -> String {
    let Document { upstream, carry, event, fork, .. } = document;
    let arrow = style::glyphs(look).arrow;
    let from = upstream.base_tag.as_ref().map_or_else(|| carry.base.short(), |tag| shown(tag.as_str()));
    let left = format!("{}  {from} {arrow} {}", upstream.repository, shown(event.tag.as_str()));
    let stack = patches(carry.counts.patches);
    let right = format!("{}  {}, {stack}", shown(&fork.repository), shown(&fork.branch));
    paint(BOLD, &left) + "        " + &paint(BOLD, &right)
}

fn left_out_line(text: &mut String, left_out: &[LeftOut], tag: &str, look: &Look) {
    let Some(first) = left_out.first() else { return };
    let more = match left_out.len() {
        1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    let what = format!("{} “{}”{more}", first.commit.short(), shown(&first.subject));
    let words = format!("the stack stood on upstream commits that {tag} does not hold: {what}");
    line(text, &format!("{} {}", paint(WAIT, "note"), quotes(&words, look)));
}

fn losses(text: &mut String, document: &Document) {
    for (number, one, many) in [
        (document.signatures_dropped, "signature was", "signatures were"),
        (document.notes_not_carried, "git note was", "git notes were"),
    ] {
        match number {
            0 => {}
            1 => line(text, &format!("{} 1 {one} not carried along", paint(DIM, "note"))),
            n => line(text, &format!("{} {n} {many} not carried along", paint(DIM, "note"))),
        }
    }
}

/// Where to read more, and what to do. Commands stand alone in their lines and are never cut.
fn pointers(text: &mut String, run: &RunReport, step: &StepReport, document: &Document) {
    if let Some(folder) = &step.artifact {
        line(text, &format!("{}    {}", paint(DIM, "report"), below(folder, "report.html")));
    }
    let Some(checkout) = &step.checkout else { return };
    let elsewhere = run.command.starts_with("run harness") || run.command.contains("--workspace-root");
    let next = next_here(document, checkout, elsewhere.then_some(&*run.workspace));
    for (at, next) in next.iter().enumerate() {
        let label = if at == 0 { "next  " } else { "      " };
        // A second way is said to be one; the first needs no words.
        if next.commands.is_empty() || at > 0 {
            line(text, &format!("{}    {}", paint(DIM, label), next.what));
        }
        for (at, command) in next.commands.iter().enumerate() {
            let label = if at == 0 { label } else { "      " };
            let more = if at + 1 < next.commands.len() { " &&" } else { "" };
            line(text, &format!("{}    {}{more}", paint(DIM, label), super::printable(command)));
        }
    }
}

/// A path of this machine: never cut, for it is there to be copied.
fn below(folder: &str, path: &str) -> String {
    super::printable(&format!("{}/{path}", folder.trim_end_matches('/'))).into_owned()
}

fn problem_lines(text: &mut String, problem: &Problem) {
    line(text, &format!("{} {}", paint(BAD, "error:"), super::printable(&problem.message)));
    if let Some(hint) = &problem.hint {
        line(text, &format!("  {} {}", paint(BOLD, "hint:"), super::printable(hint)));
    }
}

/// The plan of a dry run, a line for each kind of change.
fn plan_lines(text: &mut String, plan: &Plan) {
    line(text, "");
    line(text, &paint(BOLD, "a real run would"));
    let files = plan.steps.iter().filter(|step| matches!(step, Step::WriteArtifact { .. })).count();
    if files > 0 {
        line(
            text,
            &format!("  write     {files} parts of the artifact, candidate.json and report.html among them"),
        );
    }
    for step in &plan.steps {
        match step {
            Step::MoveRef { name, from, to } => {
                let old = from.map(|from| format!(" (now {})", from.short())).unwrap_or_default();
                line(text, &format!("  set       {} to {}{old}", shown(name.as_str()), to.short()));
            }
            Step::DeleteRef { name, from } => {
                line(text, &format!("  remove    {} (now {})", shown(name.as_str()), from.short()));
            }
            Step::RunCheck { name, command, .. } => {
                let command: Vec<String> = command.iter().map(|word| shell_quote(word)).collect();
                line(text, &format!("  check     {}: {}", shown(name), shown(&command.join(" "))));
            }
            Step::RecordLedger { state } => {
                line(text, &format!("  record    the release as {}", shown(state)))
            }
            Step::WriteArtifact { .. } | Step::RecordEvent | Step::RecordRun => {}
        }
    }
}

#[cfg(test)]
mod tests;
