//! How a run and a failure are said: to a person, to a program, to GitHub's runner.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::App;
use crate::actions::{Actions, ActionsError, Annotation, Level, Nonce, Outputs, Written, annotations};
use crate::failure::{Failure, Kind, Result};
use crate::pipeline::outputs;
use crate::pipeline::publish::outputs as publish;
use crate::report::{
    Problem, PublishReport, RunReport, printable, publish_markdown, publish_text, run_markdown, run_text,
};
use crate::ui::Ui;

/// Says what a run has come to, and with which kind the program ends. The report goes to standard
/// output; what went wrong goes to standard error too, where whoever reads only that will find it.
pub(super) fn report(app: &App, report: RunReport, kind: Kind, root: &Path) -> Kind {
    report_with(app, report, kind, root, &Map::new())
}

/// A report with other keys beside its own.
#[derive(Serialize)]
struct Widened<'a> {
    #[serde(flatten)]
    report: &'a RunReport,
    #[serde(flatten)]
    beside: &'a Map<String, Value>,
}

/// The same, with these keys more in the JSON document.
pub(super) fn report_with(
    app: &App,
    mut report: RunReport,
    kind: Kind,
    root: &Path,
    beside: &Map<String, Value>,
) -> Kind {
    let actions = Actions::detect(app.environment.variables());
    let told = actions.as_ref().map(|actions| {
        let outputs = outputs::outputs(&report, root, actions);
        tell(actions, &app.ui, &outputs, &run_markdown(&report))
    });
    let kind = told.iter().fold(kind, |kind, told| kind.worse(told.kind));
    report.exit_code = kind.code();
    if app.ui.is_json() {
        app.ui.json(&Widened { report: &report, beside });
        let _ = to_stderr(&app.ui, &report);
    } else {
        let rest = to_stderr(&app.ui, &report);
        let is_empty = rest.sources.is_empty() && rest.events.is_empty();
        if is_empty && (report.error.is_some() || !report.sources.is_empty()) {
            rest.notes.iter().for_each(|note| app.ui.note(note));
        } else {
            app.ui.out(&run_text(&rest, &app.ui.look()));
        }
    }
    if actions.is_some() {
        annotations(&outputs::annotations(&report)).iter().for_each(|line| app.ui.command(line));
    }
    if told.is_some_and(|told| told.outputs) { ends_later(app, kind) } else { kind }
}

/// Which variable says when a job fails.
const FAIL: &str = "PATCH_MOI_FAIL";

/// With which kind the program ends where the outputs say `red`: with `PATCH_MOI_FAIL=later` a later step of
/// the workflow fails because of it, after publishing. A wrong command or configuration fails at once.
pub(super) fn ends_later(app: &App, kind: Kind) -> Kind {
    let later = app.environment.get(FAIL).is_some_and(|when| when == "later");
    if later && kind != Kind::Usage { Kind::Done } else { kind }
}

/// Refuses a word that says nothing about when a job fails.
///
/// # Errors
/// Where the variable holds another word than `now` and `later`.
pub(super) fn fails_when_known(app: &App) -> Result<()> {
    match app.environment.get(FAIL).as_deref() {
        None | Some("now" | "later") => Ok(()),
        Some(other) => Err(Failure::usage(format!("{FAIL} cannot be `{}`", other.escape_debug()))
            .hint("it can be now or later")),
    }
}

/// Says what a publication has come to, and with which kind the program ends.
pub(super) fn publication(app: &App, mut report: PublishReport, kind: Kind) -> Kind {
    let actions = Actions::detect(app.environment.variables());
    let told = actions.as_ref().map(|actions| {
        let pairs = publish::pairs(&report);
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let written = Nonce::random().and_then(|nonce| actions.set_outputs(&pairs, &nonce));
        told(actions, &app.ui, written, &publish_markdown(&report))
    });
    let kind = told.iter().fold(kind, |kind, told| kind.worse(told.kind));
    report.exit_code = kind.code();
    for event in &report.events {
        if let Some(refusal) = &event.refusal {
            let hints = std::slice::from_ref(&refusal.hint);
            app.ui.error(&refusal.message, &[], hints);
        }
        if let Some(error) = &event.error {
            let hints: Vec<String> = error.hint.iter().cloned().collect();
            app.ui.error(&error.message, &[], &hints);
        }
    }
    if app.ui.is_json() {
        app.ui.json(&report);
    } else {
        app.ui.out(&publish_text(&report, &app.ui.look()));
    }
    if actions.is_some() {
        annotations(&publish::annotations(&report)).iter().for_each(|line| app.ui.command(line));
    }
    if told.is_some_and(|told| told.outputs) { ends_later(app, kind) } else { kind }
}

/// Says why the program could do nothing, and with which kind it ends.
pub(super) fn failure(app: &App, failure: &Failure) -> Kind {
    let (title, causes, hints) = (failure.title(), failure.causes(), failure.advice());
    if app.ui.is_json() {
        app.ui.json(&json!({
            "error": {
                "kind": failure.kind.name(), "message": title, "causes": causes, "hints": hints,
            },
            "exitCode": failure.kind.code(),
        }));
    }
    app.ui.error(&title, &causes, hints);
    if Actions::detect(app.environment.variables()).is_some() {
        let message = causes.iter().chain(hints).cloned().collect::<Vec<_>>().join("\n");
        let message = if message.is_empty() { title.clone() } else { format!("{title}\n{message}") };
        let error = Annotation { level: Level::Error, title: "patch-moi".to_owned(), message, place: None };
        annotations(&[error]).iter().for_each(|line| app.ui.command(line));
    }
    failure.kind
}

/// Tells GitHub's runner of a run that failed before there was anything to report, and says whether it has
/// the outputs now.
pub(super) fn failed_run(app: &App, failure: &Failure) -> bool {
    Actions::detect(app.environment.variables()).is_some_and(|actions| {
        let workspace = app.options.workspace(&app.environment).ok();
        let root = workspace.as_ref().map(crate::workspace::Workspace::root);
        let outputs = outputs::outputs_of_failure(failure, root, &actions);
        let summary = format!("## patch-moi failed\n\n{}", block(failure));
        tell(&actions, &app.ui, &outputs, &summary).outputs
    })
}

/// The same of a publication.
pub(super) fn failed_publication(app: &App, failure: &Failure) -> bool {
    Actions::detect(app.environment.variables()).is_some_and(|actions| {
        let pairs = publish::pairs_of_failure();
        let written = Nonce::random().and_then(|nonce| actions.set_outputs(&pairs, &nonce));
        let summary = format!(
            "**Nothing was published, and nothing will be remembered of this.**\n\n{}",
            block(failure)
        );
        told(&actions, &app.ui, written, &summary).outputs
    })
}

/// What went wrong, for a summary. Indented lines are a block of code: nothing in them is Markdown, and
/// nothing ends it.
fn block(failure: &Failure) -> String {
    let said = std::iter::once(failure.title()).chain(failure.causes());
    let said = said.chain(failure.advice().iter().cloned());
    said.map(|line| format!("    {}\n", printable(&line))).collect()
}

/// Prints on standard error what went wrong, and returns the report without it: a person at a
/// terminal reads everything once.
fn to_stderr(ui: &Ui, report: &RunReport) -> RunReport {
    let mut rest = report.clone();
    let error = |title: String, problem: &Problem| {
        let hints: Vec<String> = problem.hint.iter().cloned().collect();
        ui.error(&format!("{title}{}", problem.message), &[], &hints);
    };
    for source in &mut rest.sources {
        for warning in source.warnings.drain(..) {
            ui.warn(&format!("{}: {warning}", source.id));
        }
        if let Some(problem) = &source.error {
            error(format!("source {}: ", source.id), problem);
        }
    }
    rest.sources.retain(|source| source.error.is_none());
    for event in &mut rest.events {
        if let Some(problem) = event.error.take() {
            error(format!("{} {}: ", event.repo, event.tag), &problem);
        }
    }
    if let Some(problem) = rest.error.take() {
        error(String::new(), &problem);
    }
    rest
}

/// What the runner could be told.
struct Told {
    /// What went wrong with it.
    kind: Kind,
    /// Whether it has the outputs.
    outputs: bool,
}

/// Hands outputs and summary to the runner. A runner that gave no file for them is an imitation of
/// one, and worth a note only.
fn tell(actions: &Actions, ui: &Ui, outputs: &Outputs, summary: &str) -> Told {
    told(actions, ui, Nonce::random().and_then(|nonce| outputs.write(actions, &nonce)), summary)
}

fn told(actions: &Actions, ui: &Ui, written: std::result::Result<(), ActionsError>, summary: &str) -> Told {
    let outputs = written.is_ok();
    let kind = or_say(ui, written);
    let kind = match actions.append_summary(summary) {
        Ok(Written::Whole) => kind,
        Ok(Written::Cut) => {
            ui.warn("the summary is longer than GitHub shows; the artifact has all of it");
            kind
        }
        Err(error) => kind.worse(or_say(ui, Err(error))),
    };
    Told { kind, outputs }
}

fn or_say(ui: &Ui, done: std::result::Result<(), ActionsError>) -> Kind {
    match done {
        Ok(()) => Kind::Done,
        Err(error @ ActionsError::NoFile { .. }) => {
            ui.note(&error.to_string());
            Kind::Done
        }
        Err(error) => {
            let failure = Failure::from(error);
            ui.error(&failure.title(), &failure.causes(), failure.advice());
            Kind::Failed
        }
    }
}
