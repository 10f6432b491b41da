//! report.html: one file, readable offline, without a script.
//!
//! What needs a person comes first, then the commands, then the stack as a picture beside its table.
//! maud escapes every word; [`printable`] shows what a browser would hide.

mod excerpt;
mod picture;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

use self::picture::Picture;
use crate::candidate::{CheckResult, Document, Outcome};
use crate::ids::CommitId;
use crate::report::next::next_away;
use crate::report::printable::printable;
use crate::report::words::{
    check, counted, document_sentence, label, landed_sentence, number_of, patches, place, reason, shown,
};
use crate::stack::{Conflict, Patch, Verdict};

const STYLE: &str = include_str!("style.css");
/// So many paths of one conflict, and so many left-out commits.
const MOST_ITEMS: usize = 100;

/// What the report can show beside the document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extras {
    /// The conflicted lines, with markers, by patch and path.
    pub(crate) excerpts: BTreeMap<(CommitId, String), String>,
}

/// The page about one carried stack.
pub(crate) fn html(document: &Document, extras: &Extras) -> String {
    let tag = shown(document.event.tag.as_str());
    let title = format!("{} {tag}", document.event.repo);
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // The words on this page are strangers'. Nothing is loaded, whatever they say.
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (title) " · patch-moi" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (header(document))
                main {
                    (questions(document, extras))
                    (what_to_do(document))
                    (checks(document))
                    (stack(document))
                    (fine_print(document))
                }
                footer { "Made by " (shown(&document.tool.name)) " " (shown(&document.tool.version)) "." }
            }
        }
    };
    page.into_string()
}

fn header(document: &Document) -> Markup {
    let Document { upstream, carry, event, fork, .. } = document;
    let from = upstream.base_tag.as_ref().map_or_else(|| carry.base.short(), |tag| shown(tag.as_str()));
    markup! {
        header {
            p.eyebrow { (shown(&fork.repository)) " · " (shown(&fork.branch)) " · " (patches(carry.counts.patches)) }
            h1 { (upstream.repository) " " span.version { (from) " → " (shown(event.tag.as_str())) } }
            p.banner.(document.status.name()) { (sign(document.status)) " " (document_sentence(document)) }
            (picture::strip(carry))
            ul.counts {
                @for (verdict, words) in counted(&carry.counts) {
                    li.(verdict.name()) { (words) }
                }
            }
        }
    }
}

const fn sign(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Candidate | Outcome::Adopted => "✓",
        Outcome::Incomplete | Outcome::Failed => "✗",
    }
}

/// The root conflicts, each with everything that settling it needs.
fn questions(document: &Document, extras: &Extras) -> Markup {
    let asks = |(_, patch): &(usize, &Patch)| patch.verdict == Verdict::Conflict;
    let asking: Vec<(usize, &Patch)> = (1..).zip(&document.carry.patches).filter(asks).collect();
    markup! {
        @if !asking.is_empty() {
            section {
                h2 { "What needs you" }
                @for (number, patch) in asking {
                    (question(document, extras, number, patch))
                }
            }
        }
    }
}

fn question(document: &Document, extras: &Extras, number: usize, patch: &Patch) -> Markup {
    let carry = &document.carry;
    let waiting = (1..).zip(&carry.patches).filter(|(_, other)| other.blocked_by == Some(patch.commit));
    let waiting: Vec<(usize, &Patch)> = waiting.collect();
    let reason = reason(carry, patch, &shown(document.event.tag.as_str()));
    markup! {
        article.question id=(format!("patch-{number:04}")) {
            h3 { span.number { (format!("{number:04}")) } " " (shown(&patch.subject)) }
            p.meta { code { (patch.commit.short()) } " by " (shown(&patch.author)) }
            @if let Some(reason) = reason {
                p { "Does not apply " (reason) "." }
            }
            @for conflict in patch.conflicts.iter().take(MOST_ITEMS) {
                (conflict_block(extras, patch, conflict))
            }
            @if patch.conflicts.len() > MOST_ITEMS {
                p.meta { "and " (patch.conflicts.len() - MOST_ITEMS) " more paths, listed in candidate.json" }
            }
            (notes(patch))
            @if !waiting.is_empty() {
                p.waiting {
                    "Waiting for it: "
                    @for (at, (number, other)) in waiting.iter().take(MOST_ITEMS).enumerate() {
                        @if at > 0 { ", " }
                        span.number { (format!("{number:04}")) } " " (shown(&other.subject))
                    }
                    @if waiting.len() > MOST_ITEMS { " and " (waiting.len() - MOST_ITEMS) " more" }
                }
            }
        }
    }
}

fn conflict_block(extras: &Extras, patch: &Patch, conflict: &Conflict) -> Markup {
    let key = (patch.commit, conflict.path.clone());
    markup! {
        div.conflict-block {
            p.path { code { (place(conflict)) } }
            @if let Some(text) = extras.excerpts.get(&key) {
                (excerpt::excerpt(text, &shown(&conflict.path)))
            }
        }
    }
}

fn notes(patch: &Patch) -> Markup {
    markup! {
        @for note in &patch.notes {
            p.meta { (shown(note)) }
        }
    }
}

fn what_to_do(document: &Document) -> Markup {
    let steps = next_away(document);
    markup! {
        @if !steps.is_empty() {
            section {
                h2 { "What to do" }
                ol.steps {
                    @for step in &steps {
                        li {
                            p { (step.what) }
                            @if !step.commands.is_empty() {
                                pre.commands { @for command in &step.commands { span { (printable(command)) "\n" } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn checks(document: &Document) -> Markup {
    markup! {
        @if !document.checks.is_empty() {
            section {
                h2 { "Checks" }
                ul.checks {
                    @for outcome in &document.checks {
                        li.(result_class(outcome.outcome)) {
                            span.name { (shown(&outcome.name)) } " " (check(outcome))
                            " " code { (shown(&outcome.command.join(" "))) }
                            @if outcome.outcome != CheckResult::NotRun {
                                span.meta { " log: " (shown(&outcome.log)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

const fn result_class(result: CheckResult) -> &'static str {
    match result {
        CheckResult::Passed => "passed",
        CheckResult::Failed | CheckResult::TimedOut => "failed",
        CheckResult::NotRun => "not-run",
    }
}

/// The table of every patch, with the picture running along its rows.
fn stack(document: &Document) -> Markup {
    let carry = &document.carry;
    let tag = shown(document.event.tag.as_str());
    let picture = Picture::of(carry);
    markup! {
        @if !carry.patches.is_empty() {
            section {
                h2 { "The stack, oldest first" }
                table.stack style=(format!("--lanes:{}", picture.lanes())) {
                    thead {
                        tr { th.graph { span.unseen { "Picture" } } th.number { "#" } th.verdict { "Verdict" } th.subject { "Patch" } th.why { "Why" } }
                    }
                    tbody {
                        tr.release {
                            td.graph aria-hidden="true" { (picture.release()) }
                            td.number {} td.verdict { "release" } td.subject { (tag) } td.why { code { (carry.onto.short()) } }
                        }
                        @for (number, patch) in (1..).zip(&carry.patches) {
                            (row(document, &picture, number, patch, &tag))
                        }
                    }
                }
            }
        }
    }
}

fn row(document: &Document, picture: &Picture, number: usize, patch: &Patch, tag: &str) -> Markup {
    let subject = shown(&patch.subject);
    markup! {
        tr.(patch.verdict.name()) {
            td.graph aria-hidden="true" { (picture.part(number, patch)) }
            td.number { (format!("{number:04}")) }
            td.verdict { (label(patch.verdict)) }
            td.subject {
                @if patch.verdict == Verdict::Conflict {
                    a href=(format!("#patch-{number:04}")) { (subject) }
                } @else {
                    (subject)
                }
                @if patch.merge { " " span.tag { "merge" } }
            }
            td.why { (why(document, patch, tag)) }
        }
    }
}

fn why(document: &Document, patch: &Patch, tag: &str) -> String {
    let paths = patch.conflicts.iter().take(3).map(place);
    let paths = paths.take(if patch.verdict == Verdict::Conflict { 3 } else { 0 });
    let more = (patch.verdict == Verdict::Conflict && patch.conflicts.len() > 3)
        .then(|| format!("{} more paths", patch.conflicts.len() - 3));
    let blocker = patch.blocked_by.and_then(|by| number_of(&document.carry, by));
    let reason = match blocker {
        Some(number) => Some(format!("waits for {number:04}")),
        None => reason(&document.carry, patch, tag),
    };
    let notes = patch.notes.iter().map(|note| shown(note));
    paths.chain(more).chain(reason).chain(notes).collect::<Vec<_>>().join(" · ")
}

/// The ids, for whoever has to look closer.
fn fine_print(document: &Document) -> Markup {
    let Document { carry, flow, run, .. } = document;
    let facts = [
        ("Release", carry.onto.to_string()),
        ("Stack's tip", carry.tip.to_string()),
        ("Stack's base", carry.base.to_string()),
        (
            if carry.candidate.complete { "Candidate" } else { "Carried without a gap" },
            document.delivered().to_string(),
        ),
        ("Carried with gaps", carry.partial.map(|id| id.to_string()).unwrap_or_default()),
        ("Flow", format!("{} {}, step {} ({})", flow.name, flow.version, flow.step, flow.origin)),
        ("Run", format!("{}, {} to {}", run.id, run.started_at, run.completed_at)),
        ("Event", document.event.id.to_string()),
        ("Signatures dropped", count(document.signatures_dropped)),
        ("Git notes left behind", count(document.notes_not_carried)),
    ];
    markup! {
        details.fine-print {
            summary { "Fine print" }
            @if let Some(landed) = &carry.landed { p { (landed_sentence(landed)) } }
            @if !carry.left_out.is_empty() {
                p { "The stack stood on upstream commits that the release does not hold:" }
                ul {
                    @for it in carry.left_out.iter().take(MOST_ITEMS) {
                        li { code { (it.commit.short()) } " " (shown(&it.subject)) }
                    }
                    @if carry.left_out.len() > MOST_ITEMS { li { "and " (carry.left_out.len() - MOST_ITEMS) " more" } }
                }
            }
            dl {
                @for (name, fact) in facts.iter().filter(|(_, fact)| !fact.is_empty()) {
                    dt { (name) } dd { (shown(fact)) }
                }
            }
        }
    }
}

/// A number that only matters where it is one.
fn count(number: usize) -> String {
    if number == 0 { String::new() } else { number.to_string() }
}
