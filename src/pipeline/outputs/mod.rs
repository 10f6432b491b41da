//! What GitHub's runner is told of a run: outputs for the steps after it, annotations for people.

use std::path::Path;

use serde_json::{Value, json};

use crate::actions::{Actions, Annotation, Level, Outputs, Place};
use crate::candidate::{CheckOutcome, CheckResult, Document, Outcome};
use crate::failure::{Failure, Kind};
use crate::ids::{CommitId, RefName};
use crate::report::{EventReport, Memory, Problem, RunReport, StepReport};
use crate::stack::{Patch, Verdict};

/// The outputs of a run. They describe the newest event, which comes last; `events` has them all.
/// `root` is the workspace's folder: the paths in the outputs are absolute.
pub(crate) fn outputs(report: &RunReport, root: &Path, actions: &Actions) -> Outputs {
    let events: Vec<Value> = report.events.iter().map(|event| summary(event, root)).collect();
    let mut outputs = Outputs {
        status: nothing_carried(report).to_owned(),
        events: Value::from(events).to_string(),
        artifact_path: artifacts(report, root).join("\n"),
        publish: report.events.iter().any(|event| event.record.is_some()) || settled(report),
        red: report.exit_code != Kind::Done.code(),
        ..Outputs::default()
    };
    let Some(newest) = report.events.last() else { return outputs };
    outputs.has_release = true;
    outputs.tag = Some(newest.tag.clone());
    outputs.event_id = Some(newest.id.clone());
    outputs.status = status(newest).to_owned();
    outputs.conflicts = documents(newest).map(|document| document.carry.counts.conflict).sum();
    if !outputs.artifact_path.is_empty() {
        outputs.artifact = actions.artifact_name(&newest.tag.slug());
    }
    outputs.report = newest.steps.iter().rev().find_map(|step| report_of(step, root)).unwrap_or_default();
    if let Some((name, commit)) = documents(newest).last().and_then(candidate) {
        outputs.candidate_ref = name;
        outputs.candidate_sha = Some(commit);
    }
    outputs
}

/// The outputs of a run that failed before anything could be reported. An event that it had begun has left
/// a record, which is uploaded and published like any other.
pub(crate) fn outputs_of_failure(failure: &Failure, root: Option<&Path>, actions: &Actions) -> Outputs {
    let status = if failure.kind == Kind::Blocked { "blocked" } else { "failed" };
    let outputs =
        Outputs { status: status.to_owned(), red: failure.kind != Kind::Done, ..Outputs::default() };
    let Some(begun) = failure.begun() else { return outputs };
    let folder = root.map_or_else(|| begun.folder.clone(), |root| root.join(&begun.folder));
    let Some(artifact_path) = plain(&folder) else { return outputs };
    Outputs {
        has_release: true,
        tag: Some(begun.tag.clone()),
        event_id: Some(begun.id.clone()),
        artifact: actions.artifact_name(&begun.tag.slug()),
        artifact_path,
        publish: true,
        ..outputs
    }
}

/// What people see on the run's page: an error for each patch that needs a person and for all that
/// failed, a warning for what waits and what looks wrong, a notice for what upstream has by now.
pub(crate) fn annotations(report: &RunReport) -> Vec<Annotation> {
    let mut all = Vec::new();
    let about = |level, title: String, message: String| Annotation { level, title, message, place: None };
    let problem = |title: &str, problem: &Problem| {
        let hint = problem.hint.as_ref().map(|hint| format!("\n{hint}")).unwrap_or_default();
        about(Level::Error, title.to_owned(), format!("{}{hint}", problem.message))
    };
    all.extend(report.error.as_ref().map(|error| problem("patch-moi failed", error)));
    for source in &report.sources {
        all.extend(source.error.as_ref().map(|error| problem(&format!("Source {}", source.id), error)));
        let warnings = source.warnings.iter();
        all.extend(warnings.map(|text| about(Level::Warning, format!("Source {}", source.id), text.clone())));
    }
    for event in &report.events {
        let name = format!("{} {}", event.repo, event.tag);
        all.extend(event.error.as_ref().map(|error| problem(&name, error)));
        documents(event).for_each(|document| all.extend(of_document(document)));
    }
    all
}

fn of_document(document: &Document) -> Vec<Annotation> {
    let tag = &document.event.tag;
    let with = |verdict| document.carry.patches.iter().filter(move |patch| patch.verdict == verdict);
    let mut all: Vec<Annotation> = with(Verdict::Conflict).map(|patch| conflict(document, patch)).collect();
    // One that was not started says nothing new: the candidate is incomplete, or another one failed.
    let has_failed = |check: &&CheckOutcome| check.refuses() && check.outcome != CheckResult::NotRun;
    all.extend(document.checks.iter().filter(has_failed).map(|check| failed(document, check)));
    let subjects = |verdict| {
        let subjects: Vec<String> = with(verdict).map(|patch| format!("“{}”", patch.subject)).collect();
        listed(&subjects.iter().map(String::as_str).collect::<Vec<_>>(), 10)
    };
    let counts = &document.carry.counts;
    if counts.blocked > 0 {
        let title = format!("{} waiting on {tag}", patches(counts.blocked));
        let message = format!(
            "They build on patches in conflict, and nothing is to be done for them before those are settled: {}.",
            subjects(Verdict::Blocked)
        );
        all.push(Annotation { level: Level::Warning, title, message, place: None });
    }
    if counts.upstreamed > 0 {
        let title = format!("{} in upstream's {tag} by now", patches(counts.upstreamed));
        let message = format!("Left out, because the release has it: {}.", subjects(Verdict::Upstreamed));
        all.push(Annotation { level: Level::Notice, title, message, place: None });
    }
    all
}

/// The file is named as it is in the fork: where the workflow runs in the fork's checkout, GitHub
/// links it.
fn conflict(document: &Document, patch: &Patch) -> Annotation {
    let paths: Vec<&str> = patch.conflicts.iter().map(|conflict| conflict.path.as_str()).collect();
    let since = patch.culprit.as_ref().map(|culprit| {
        let number = culprit.pull_request.map(|number| format!(" (#{number})"));
        let number = number.filter(|number| !culprit.subject.contains(number.trim()));
        format!(", since upstream's “{}”{}", culprit.subject, number.unwrap_or_default())
    });
    Annotation {
        level: Level::Error,
        title: format!("“{}” needs you on {}", patch.subject, document.event.tag),
        message: format!(
            "This patch of {} conflicts with {} {} in {}{}. The step's summary says what to do.",
            document.fork.repository,
            document.event.repo,
            document.event.tag,
            listed(&paths, 5),
            since.unwrap_or_default()
        ),
        place: paths.first().map(|path| Place { file: (*path).to_owned(), line: None }),
    }
}

fn failed(document: &Document, check: &CheckOutcome) -> Annotation {
    Annotation {
        level: Level::Error,
        title: format!("The check {} {} on {}", check.name, check.outcome.name(), document.event.tag),
        message: format!(
            "The stack of {} was carried and does not pass `{}`: read {} in the artifact.",
            document.fork.repository,
            check.command.join(" "),
            check.log
        ),
        place: None,
    }
}

/// The first `most` of `all`, and how many there are more.
fn listed(all: &[&str], most: usize) -> String {
    let shown = all.iter().take(most).copied().collect::<Vec<_>>().join(", ");
    if all.len() > most { format!("{shown} and {} more", all.len() - most) } else { shown }
}

fn patches(count: usize) -> String {
    if count == 1 { "1 patch".to_owned() } else { format!("{count} patches") }
}

/// One event of the output `events`.
fn summary(event: &EventReport, root: &Path) -> Value {
    let found = documents(event).last().and_then(candidate);
    json!({
        "id": event.id,
        "repo": event.repo,
        "tag": event.tag,
        "status": status(event),
        "candidateRef": found.as_ref().and_then(|(name, _)| name.clone()),
        "candidateSha": found.map(|(_, commit)| commit),
        "conflicts": documents(event).map(|document| document.carry.counts.conflict).sum::<usize>(),
        "artifact": event
            .steps
            .iter()
            .rev()
            .find_map(|step| artifact(step, root))
            .or_else(|| plain(&root.join(event.record.as_ref()?))),
    })
}

/// A complete candidate that passed its checks, and the ref that names it. An incomplete one is
/// never handed to a later step as if it could be landed.
fn candidate(document: &Document) -> Option<(Option<RefName>, CommitId)> {
    let commit = document.delivered();
    let named = document.refs.iter().find(|named| named.commit == commit).map(|named| named.name.clone());
    (document.status == Outcome::Candidate).then_some((named, commit))
}

/// What an event has come to, in a word of the attempt's states: the worst step decides.
fn status(event: &EventReport) -> &'static str {
    const WORST_FIRST: [&str; 6] =
        ["failed", "needs_intervention", "blocked", "changed", "completed", "skipped"];
    if event.error.is_some() {
        return "failed";
    }
    let is = |word: &&&str| event.steps.iter().any(|step| step.status == **word);
    WORST_FIRST.iter().find(is).copied().unwrap_or("skipped")
}

/// Whether lines were written that only `publish` can bring to where the next machine reads them.
fn settled(report: &RunReport) -> bool {
    let kept = matches!(report.memory, Some(Memory::Ref { .. }));
    kept && !report.dry_run && report.sources.iter().any(|source| !source.settled.is_empty())
}

fn nothing_carried(report: &RunReport) -> &'static str {
    let failed = report.error.is_some() || report.sources.iter().any(|source| source.error.is_some());
    if failed || report.exit_code == Kind::Failed.code() { "failed" } else { "skipped" }
}

fn documents(event: &EventReport) -> impl Iterator<Item = &Document> {
    event.steps.iter().filter_map(|step| step.document.as_deref())
}

/// Every artifact folder of the run, once.
fn artifacts(report: &RunReport, root: &Path) -> Vec<String> {
    let events = || report.events.iter().filter(|_| !report.dry_run);
    let steps = events().flat_map(|event| &event.steps).filter_map(|step| artifact(step, root));
    let records = events().filter_map(|event| plain(&root.join(event.record.as_ref()?)));
    let mut folders: Vec<String> = steps.chain(records).collect();
    folders.sort();
    folders.dedup();
    folders
}

/// The artifact's folder; none for one whose name could be read as two.
fn artifact(step: &StepReport, root: &Path) -> Option<String> {
    plain(&root.join(step.artifact.as_ref()?))
}

/// The path as a line of an output; none where it could be read as two.
fn plain(folder: &Path) -> Option<String> {
    let folder = folder.display().to_string();
    (!folder.chars().any(char::is_control)).then_some(folder)
}

fn report_of(step: &StepReport, root: &Path) -> Option<String> {
    Some(format!("{}/report.html", artifact(step, root)?))
}

#[cfg(test)]
mod tests;
