//! What GitHub's runner is told of a publication.

use crate::actions::{Annotation, Level};
use crate::report::{PublishReport, PublishedEvent};

/// The outputs, as action.yml declares them. They describe the last release.
pub(crate) fn pairs(report: &PublishReport) -> Vec<(&'static str, String)> {
    let last = report.events.last();
    let candidate = last.and_then(|event| {
        let stands = |pushed: &&crate::report::PublishedRef| {
            pushed.outcome != "refused" && super::is_candidate(pushed)
        };
        event.pushed.iter().find(stands)
    });
    let text = |text: Option<String>| text.unwrap_or_default();
    let url = |kind: &str| {
        let request = last.and_then(|event| event.request.as_ref()).filter(|request| request.kind == kind);
        text(request.and_then(|request| request.url.clone()))
    };
    vec![
        ("tag", text(last.and_then(|event| event.tag.as_ref()).map(ToString::to_string))),
        ("event-id", text(last.and_then(|event| event.id.as_ref()).map(ToString::to_string))),
        ("candidate-ref", text(candidate.map(|pushed| pushed.name.to_string()))),
        ("candidate-sha", text(candidate.and_then(|pushed| pushed.to).map(|commit| commit.to_string()))),
        ("published", last.map_or("nothing", |event| &event.published).to_owned()),
        ("pull-request", url("pull-request")),
        ("issue", url("issue")),
        ("state", report.state.outcome.clone()),
        ("red", (report.exit_code != 0).to_string()),
    ]
}

/// The outputs of a publication that failed before anything could be reported.
pub(crate) fn pairs_of_failure() -> Vec<(&'static str, &'static str)> {
    let empty = ["tag", "event-id", "candidate-ref", "candidate-sha", "pull-request", "issue"];
    let said = [("published", "nothing"), ("state", "none"), ("red", "true")];
    empty.into_iter().map(|name| (name, "")).chain(said).collect()
}

/// What people see on the run's page.
pub(crate) fn annotations(report: &PublishReport) -> Vec<Annotation> {
    let about = |level, title: &str, message: String| Annotation {
        level,
        title: title.to_owned(),
        message,
        place: None,
    };
    let mut all: Vec<Annotation> = Vec::new();
    for event in &report.events {
        let title = match (&event.repo, &event.tag) {
            (Some(repo), Some(tag)) => format!("{repo} {tag}"),
            _ => "patch-moi publish".to_owned(),
        };
        all.extend(level(event).map(|level| about(level, &title, event.sentence())));
        let untold = event.request.iter().filter(|it| it.kind == "summary" && !it.reasons.is_empty());
        all.extend(untold.map(|request| about(Level::Warning, &title, request.reasons.join(" "))));
        let why = event.pushed.iter().find_map(|pushed| pushed.why.as_ref());
        all.extend(
            why.map(|why| about(Level::Error, &title, format!("The candidate was not pushed: {why}"))),
        );
    }
    if report.state.is_forgotten() && !report.dry_run {
        let why = report.state.why.clone().unwrap_or_default();
        all.push(about(Level::Warning, "Nothing will be remembered", why));
    }
    all
}

fn level(event: &PublishedEvent) -> Option<Level> {
    let stale = event.proved.as_ref().is_some_and(|proved| proved.stale);
    match (&event.refusal, &event.error, &event.record) {
        (None, None, None) if stale => Some(Level::Notice),
        (None, None, None) => None,
        (None, None, Some(record)) if record.state == "adopted" => None,
        (None, None, Some(record)) if record.state != "failed" => Some(Level::Warning),
        _ => Some(Level::Error),
    }
}
