//! The phrases that all renderers share. They return plain text in which every foreign word is
//! printable, and nothing is escaped yet.

use crate::candidate::{CheckOutcome, Document, MADE_BY_FLOW, Outcome};
use crate::ids::CommitId;
use crate::report::printable::{cut, cut_middle, printable};
use crate::report::run::{EventReport, RunReport, SourceReport};
use crate::stack::{Carry, Conflict, ConflictKind, Counts, Culprit, Landed, Patch, Side, Verdict};

/// The longest subject, path or note that a renderer shows, in characters. The JSON has all of it.
pub(super) const LONGEST: usize = 200;

/// Foreign text, printable and of bounded length.
pub(super) fn shown(text: &str) -> String {
    printable(&cut(text, LONGEST)).into_owned()
}

/// `1 patch`, `2 patches`.
pub(super) fn patches(number: usize) -> String {
    if number == 1 { "1 patch".to_owned() } else { format!("{number} patches") }
}

/// The word that a person reads for a verdict. How a patch was carried matters to nobody at a glance.
pub(super) const fn label(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Clean | Verdict::Merged => "carried",
        Verdict::Resolved => "resolved",
        Verdict::Upstreamed => "upstreamed",
        Verdict::Empty => "empty",
        Verdict::Conflict => "conflict",
        Verdict::Blocked => "blocked",
    }
}

/// What `counts` comes to, one phrase a kind, most of them absent: `8 carried`, `1 needs you`.
pub(super) fn counted(counts: &Counts) -> Vec<(Verdict, String)> {
    let resolved = match counts.resolved {
        0 => String::new(),
        1 => ", 1 as a person settled it".to_owned(),
        n => format!(", {n} as a person settled them"),
    };
    let needs = if counts.conflict == 1 { "needs you" } else { "need you" };
    let waits = if counts.blocked == 1 { "waits" } else { "wait" };
    let what_for = if counts.conflict == 1 { "it" } else { "them" };
    [
        (Verdict::Clean, counts.carried(), format!("carried{resolved}")),
        (Verdict::Upstreamed, counts.upstreamed, "upstreamed".to_owned()),
        (Verdict::Empty, counts.empty, "empty".to_owned()),
        (Verdict::Conflict, counts.conflict, needs.to_owned()),
        (Verdict::Blocked, counts.blocked, format!("{waits} for {what_for}")),
    ]
    .into_iter()
    .filter(|(_, number, _)| *number > 0)
    .map(|(verdict, number, words)| (verdict, format!("{number} {words}")))
    .collect()
}

/// Which commit of the branch is a candidate as one commit.
pub(crate) fn landed_sentence(landed: &Landed) -> String {
    let (commit, candidate) = (landed.commit.short(), landed.candidate.short());
    format!("{commit} is the candidate {candidate} as one commit: its patches are carried one by one")
}

/// The numbers of the patches of a carry, by commit and from 1.
pub(super) fn number_of(carry: &Carry, commit: CommitId) -> Option<usize> {
    carry.patches.iter().position(|patch| patch.commit == commit).map(|at| at + 1)
}

/// An upstream commit as a person would name it: `9c0ffee12 “Rework arguments” (#21)`.
fn quoted(culprit: &Culprit) -> String {
    let number = culprit.pull_request.map(|number| format!(" (#{number})")).unwrap_or_default();
    let subject = culprit.subject.trim_end();
    let subject = subject.strip_suffix(number.trim_start()).unwrap_or(subject);
    format!("{} “{}”{number}", culprit.commit.short(), shown(subject.trim_end()))
}

/// The story of a patch in half a sentence, where it has one.
pub(super) fn reason(carry: &Carry, patch: &Patch, tag: &str) -> Option<String> {
    match patch.verdict {
        Verdict::Conflict => patch.culprit.as_ref().map(|culprit| match culprit.side {
            Side::Onto => format!("since upstream {}", quoted(culprit)),
            Side::Base => format!("needs upstream {}, which {tag} does not hold", quoted(culprit)),
        }),
        Verdict::Blocked => {
            let number = patch.blocked_by.and_then(|by| number_of(carry, by));
            number.map(|number| format!("by {number:04}"))
        }
        Verdict::Upstreamed => patch.upstream.as_ref().map(|upstream| {
            let number = upstream.pull_request.map(|number| format!(" (#{number})")).unwrap_or_default();
            format!("upstream {}{number}", upstream.commit.short())
        }),
        Verdict::Clean | Verdict::Merged | Verdict::Resolved | Verdict::Empty => None,
    }
}

/// A path in conflict. The usual kind goes without saying.
pub(super) fn place(conflict: &Conflict) -> String {
    let path = printable(&cut_middle(&conflict.path, LONGEST)).into_owned();
    match conflict.kind {
        ConflictKind::Content => path,
        kind => format!("{path} ({})", kind.name()),
    }
}

/// A check in half a sentence: `failed with exit code 1 after 12.3 s`.
pub(super) fn check(check: &CheckOutcome) -> String {
    let code = check.exit_code.filter(|code| *code != 0).map(|code| format!(" with exit code {code}"));
    let optional = if check.required { "" } else { " (not required)" };
    let after = if check.seconds > 0.0 { format!(" after {:.1} s", check.seconds) } else { String::new() };
    format!("{}{}{after}{optional}", check.outcome.name(), code.unwrap_or_default())
}

/// What a document has come to, in one sentence.
pub(crate) fn document_sentence(document: &Document) -> String {
    let Document { carry, event, fork, .. } = document;
    let counts = &carry.counts;
    let (tag, fork) = (shown(event.tag.as_str()), shown(&fork.repository));
    match document.status {
        Outcome::Adopted => format!("{fork} holds {tag} already; there is nothing to carry."),
        Outcome::Candidate if document.flow.origin == MADE_BY_FLOW => {
            let (flow, step) = (shown(&document.flow.name), shown(&document.flow.step));
            format!(
                "The step {flow}/{step} made {} on {tag}; no patch was looked at.",
                document.delivered().short()
            )
        }
        Outcome::Candidate if counts.patches == 0 => {
            format!("{fork} has no patches of its own; {tag} can be taken as it is.")
        }
        Outcome::Candidate => {
            let left = [(counts.upstreamed, "already upstream"), (counts.empty, "empty by now")];
            let left: Vec<String> =
                left.iter().filter(|(n, _)| *n > 0).map(|(n, words)| format!(", {n} {words}")).collect();
            let all = if counts.carried() == counts.patches && counts.patches > 1 { "all " } else { "" };
            format!("The stack stands on {tag}: {all}{} carried{}.", patches(counts.carried()), left.concat())
        }
        Outcome::Incomplete => {
            let needs = if counts.conflict == 1 { "needs" } else { "need" };
            let waiting = match (counts.blocked, counts.conflict) {
                (0, _) => String::new(),
                (n, 1) => format!("; {n} more {} for it", if n == 1 { "waits" } else { "wait" }),
                (n, _) => format!("; {n} more {} for them", if n == 1 { "waits" } else { "wait" }),
            };
            let (open, all) = (counts.conflict, patches(counts.patches));
            format!("{open} of {all} {needs} you before {fork} can move to {tag}{waiting}.")
        }
        Outcome::Failed => {
            let failed: Vec<String> = document
                .checks
                .iter()
                .filter(|check| check.refuses())
                .map(|check| shown(&check.name))
                .collect();
            let names = failed.join(", ");
            format!("The stack stands on {tag}, and does not pass its checks: {names}.")
        }
    }
}

/// What a run has come to, in one sentence.
pub(crate) fn run_sentence(run: &RunReport) -> String {
    if let Some(problem) = &run.error {
        return format!("Failed: {}", shown(&problem.message));
    }
    match run.events.as_slice() {
        [] => nothing_new(&run.sources),
        [event] => event_sentence(event),
        events => {
            let tags: Vec<String> =
                events.iter().map(|event| format!("{} {}", event.repo, shown(event.tag.as_str()))).collect();
            let waiting: Vec<&str> = events
                .iter()
                .zip(&tags)
                .filter(|(event, _)| needs_someone(event))
                .map(|(_, tag)| tag.as_str())
                .collect();
            let needs = match waiting.len() {
                0 => String::new(),
                1 => format!(" {} needs you.", waiting[0]),
                _ => format!(" {} of them need you: {}.", waiting.len(), waiting.join(", ")),
            };
            format!("{} releases were carried through: {}.{needs}", events.len(), tags.join(", "))
        }
    }
}

/// Whether somebody has to do something before the release can be had.
pub(super) fn needs_someone(event: &EventReport) -> bool {
    let is_open = |document: &Document| matches!(document.status, Outcome::Incomplete | Outcome::Failed);
    event.error.is_some() || event.steps.iter().filter_map(|step| step.document.as_deref()).any(is_open)
}

/// What an event has come to, in one sentence.
pub(super) fn event_sentence(event: &EventReport) -> String {
    let name = format!("{} {}", event.repo, shown(event.tag.as_str()));
    if let Some(problem) = &event.error {
        return format!("{name} failed: {}", shown(&problem.message));
    }
    if let Some(document) = event.steps.iter().find_map(|step| step.document.as_deref()) {
        return document_sentence(document);
    }
    match event.steps.as_slice() {
        [] if event.selection.selected.is_empty() => format!("{name} selects no flow step."),
        [] => format!("{name} selects {} flow steps; none has run.", event.selection.selected.len()),
        steps => {
            let states: Vec<String> = steps
                .iter()
                .map(|step| format!("{}/{} {}", shown(&step.flow), shown(&step.step), shown(&step.status)))
                .collect();
            format!("{name}: {}.", states.join(", "))
        }
    }
}

fn nothing_new(sources: &[SourceReport]) -> String {
    let said: Vec<String> =
        sources.iter().filter(|source| source.error.is_none()).map(source_sentence).collect();
    if sources.is_empty() { "No source of releases is configured.".to_owned() } else { said.join(" ") }
}

/// What was found at a source, in one sentence.
pub(super) fn source_sentence(source: &SourceReport) -> String {
    let name = source.repo.as_ref().map_or_else(|| shown(&source.id), ToString::to_string);
    match (&source.error, &source.newest) {
        // A source that was read and is in a bad way: a tag of it moved.
        (Some(problem), Some(_)) => format!("{name}: {}", shown(&problem.message)),
        (Some(problem), None) => format!("{name} could not be read: {}", shown(&problem.message)),
        (None, None) if !source.starts_work => format!("{}: recorded; it starts no work.", shown(&source.id)),
        (None, None) => format!("{name} has no release that its rules accept."),
        (None, Some(release)) => {
            let tail = if release.standing.is_settled() { "; nothing to do" } else { "" };
            let tag = shown(release.tag.as_str());
            format!("{name}: the newest release, {tag}, {}{tail}.", release.standing.phrase())
        }
    }
}
