//! What the `pack` commands say to a person: a label of 22 columns, and what it is.

use super::doctor::{DoctorReport, JsonCheck};
use super::list::{InspectReport, ListReport};
use super::report::{PackInfo, PlanReport};
use crate::pack::Action;
use crate::report::printable;

/// One line.
fn line(label: &str, text: &str) -> String {
    format!("{label:<21} {}\n", printable(text))
}

fn name_of(pack: &PackInfo) -> String {
    match &pack.version {
        Some(version) => format!("{}@{version}", pack.name),
        None => pack.name.clone(),
    }
}

/// A plan, or what was done.
pub(super) fn plan(report: &PlanReport) -> String {
    let count = |action| report.count(action);
    let planned =
        [Action::Add, Action::Update, Action::Overwrite, Action::Remove].map(count).iter().sum::<usize>();
    let mut text = line("mode", if report.apply { "apply" } else { "dry-run" });
    text += &line("workspace", &report.workspace_root);
    if let (Some(source), Some(pack)) = (&report.source, &report.pack) {
        text += &line("source", &source.input);
        text += &line("pack", &name_of(pack));
    }
    text += &line("planned", &planned.to_string());
    text += &line("unchanged", &count(Action::Unchanged).to_string());
    text += &line("conflicts", &count(Action::Conflict).to_string());
    text += &line("skipped", &count(Action::Skip).to_string());
    for item in &report.items {
        let target = match item.action {
            Action::Skip => &item.source_relative_path,
            _ => &item.destination_relative_path,
        };
        let reason = item.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        text += &line(item.action.name(), &format!("{}/{} -> {target}{reason}", item.kind.name(), item.name));
        if let (Some(backup), true) = (&item.backup_path, report.applied) {
            text += &line("backup", backup);
        }
    }
    for warning in &report.warnings {
        text += &line("warning", warning);
    }
    text += &line("result", result(report));
    text
}

fn result(report: &PlanReport) -> &'static str {
    if report.count(Action::Conflict) > 0 {
        "nothing is written: settle the conflicts, or leave those items out"
    } else if report.applied {
        "written"
    } else if report.written.is_empty() {
        "nothing to do"
    } else {
        "nothing is written yet: rerun with --apply"
    }
}

/// What a pack offers.
pub(super) fn inspection(report: &InspectReport) -> String {
    let mut text = line("source", &report.source.input);
    text += &line("source type", report.source.kind);
    text += &line("root", &report.source.root);
    text += &line("pack", &name_of(&report.pack));
    text += &line("items", &report.items.len().to_string());
    if let Some(description) = &report.pack.description {
        text += &line("description", description);
    }
    for item in &report.items {
        text += &line(item.kind.name(), &format!("{} ({})", item.name, item.source_relative_path));
        if let Some(refusal) = &item.refusal {
            text += &line("refused", &format!("{}/{}: {refusal}", item.kind.name(), item.name));
        }
    }
    for warning in &report.warnings {
        text += &line("warning", warning);
    }
    text
}

/// What is installed.
pub(super) fn list(report: &ListReport) -> String {
    let mut text = line("workspace", &report.workspace_root);
    text += &line("lock", &report.lock_path);
    text += &line("installed items", &report.items.len().to_string());
    for item in &report.items {
        text += &line(item.kind.name(), &format!("{} -> {}", item.name, item.destination_path));
    }
    for warning in &report.warnings {
        text += &line("warning", warning);
    }
    text
}

/// Whether it is as the lock says.
pub(super) fn doctor(report: &DoctorReport) -> String {
    let mut text = line("workspace", &report.workspace_root);
    text += &line("lock", if report.lock_exists { &report.lock_path } else { "missing" });
    text += &line("installed items", &report.installed_items.to_string());
    text += &line("missing destinations", &report.missing_destinations.len().to_string());
    text += &line("changed destinations", &report.changed_destinations.len().to_string());
    text += &line("marketplace", &check(&report.marketplace));
    text += &line("hooks", &check(&report.hooks));
    for item in &report.missing_destinations {
        text += &line("missing", &format!("{}/{} -> {}", item.kind.name(), item.name, item.destination_path));
    }
    for changed in &report.changed_destinations {
        let item = &changed.item;
        let place = format!("{}/{} -> {}", item.kind.name(), item.name, item.destination_path);
        text += &line("changed", &format!("{place} ({})", changed.reason));
    }
    for error in &report.errors {
        text += &line("error", error);
    }
    for problem in &report.problems {
        text += &line("problem", &problem.message);
        text += &line("fix", &problem.fix);
    }
    for note in &report.notes {
        text += &line("note", note);
    }
    text += &line("result", if report.healthy { "as the lock says" } else { "not as the lock says" });
    text
}

fn check(check: &JsonCheck) -> String {
    match (&check.error, check.exists) {
        (Some(error), _) => format!("invalid ({error})"),
        (None, true) => format!("valid ({})", check.path),
        (None, false) => "none".to_owned(),
    }
}
