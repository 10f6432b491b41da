use std::collections::BTreeMap;

use super::*;
use crate::candidate::{NamedRef, Tool, sample};
use crate::ids::EventId;
use crate::report::{Selection, SourceReport};

fn actions() -> Actions {
    let env = [("GITHUB_ACTIONS", "true"), ("GITHUB_RUN_ID", "77"), ("GITHUB_RUN_ATTEMPT", "2")];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Actions::detect(&BTreeMap::from(env)).unwrap()
}

fn nothing_new() -> RunReport {
    RunReport {
        schema_version: 1,
        tool: Tool::this(),
        command: "run".to_owned(),
        trigger: "schedule".to_owned(),
        workspace: "/srv/fork".to_owned(),
        dry_run: false,
        sources: Vec::new(),
        events: Vec::new(),
        notes: Vec::new(),
        memory: None,
        error: None,
        exit_code: 0,
    }
}

fn event(document: Document, status: &str) -> EventReport {
    let (repo, tag) = ("sample/upstream".parse().unwrap(), document.event.tag.clone());
    let step = StepReport {
        flow: "sample".to_owned(),
        step: "carry".to_owned(),
        runner: "patch-stack".to_owned(),
        status: status.to_owned(),
        message: None,
        artifact: Some(format!(".codex/workspace/actions/artifacts/{}", tag.slug())),
        checkout: None,
        document: Some(Box::new(document)),
    };
    EventReport {
        id: EventId::of_release(&repo, &tag),
        repo,
        tag,
        selection: Selection::default(),
        steps: vec![step],
        ledger: None,
        error: None,
        plan: None,
        record: None,
    }
}

fn complete() -> Document {
    let mut document = sample::about(sample::complete());
    let commit = document.delivered();
    document.refs = vec![NamedRef { name: "refs/patch-moi/candidate/v1.1.0".parse().unwrap(), commit }];
    document
}

fn pairs(report: &RunReport) -> BTreeMap<&'static str, String> {
    BTreeMap::from(outputs(report, Path::new("/srv/fork"), &actions()).pairs())
}

#[test]
fn a_source_that_fails_is_a_failure_with_nothing_else_to_say() {
    let error = Problem { message: "not reachable".to_owned(), hint: Some("look".to_owned()) };
    let source = SourceReport {
        starts_work: true,
        id: "feed".to_owned(),
        repo: None,
        newest: None,
        settled: Vec::new(),
        warnings: vec!["odd".to_owned()],
        error: Some(error),
    };
    let report = RunReport { sources: vec![source], exit_code: 1, ..nothing_new() };

    assert_eq!((&*pairs(&report)["status"], &*pairs(&report)["has-release"]), ("failed", "false"));
    let levels: Vec<Level> = annotations(&report).into_iter().map(|annotation| annotation.level).collect();
    assert_eq!(levels, [Level::Error, Level::Warning]);
}

#[test]
fn with_nothing_new_there_is_no_artifact_to_upload() {
    let pairs = pairs(&nothing_new());
    assert_eq!((&*pairs["has-release"], &*pairs["status"], &*pairs["events"]), ("false", "skipped", "[]"));
    assert_eq!((&*pairs["artifact"], &*pairs["artifact-path"], &*pairs["tag"]), ("", "", ""));
}

#[test]
fn an_incomplete_candidate_is_not_handed_on_as_one() {
    let report = RunReport { events: vec![event(sample::document(), "needs_intervention")], ..nothing_new() };
    let pairs = pairs(&report);
    assert_eq!((&*pairs["candidate-ref"], &*pairs["candidate-sha"]), ("", ""));
    assert_eq!((&*pairs["status"], &*pairs["conflicts"]), ("needs_intervention", "1"));
    assert_eq!(pairs["artifact"], "patch-moi-v1.1.0-77-2");
    assert_eq!(pairs["artifact-path"], "/srv/fork/.codex/workspace/actions/artifacts/v1.1.0");
    assert_eq!(pairs["report"], "/srv/fork/.codex/workspace/actions/artifacts/v1.1.0/report.html");
}

#[test]
fn a_complete_candidate_is_named_by_ref_and_commit() {
    let document = complete();
    let commit = document.delivered().to_string();
    let report = RunReport { events: vec![event(document, "changed")], ..nothing_new() };
    let pairs = pairs(&report);
    assert_eq!(pairs["candidate-ref"], "refs/patch-moi/candidate/v1.1.0");
    assert_eq!((&pairs["candidate-sha"], &*pairs["tag"]), (&commit, "v1.1.0"));
    let events: Value = serde_json::from_str(&pairs["events"]).unwrap();
    assert_eq!(events[0]["candidateSha"], commit.as_str());
}

#[test]
fn a_dry_run_has_written_nothing_to_upload() {
    let report = RunReport { events: vec![event(complete(), "changed")], dry_run: true, ..nothing_new() };
    assert_eq!(pairs(&report)["artifact-path"], "");
}

#[test]
fn the_outputs_describe_the_last_event_and_the_list_has_all() {
    let older = event(sample::document(), "needs_intervention");
    let report = RunReport { events: vec![older, event(complete(), "changed")], ..nothing_new() };
    let pairs = pairs(&report);
    assert_eq!((&*pairs["status"], &*pairs["conflicts"]), ("changed", "0"));
    let events: Value = serde_json::from_str(&pairs["events"]).unwrap();
    assert_eq!((&events[0]["conflicts"], events.as_array().unwrap().len()), (&json!(1), 2));
}

#[test]
fn one_error_for_each_question_one_warning_for_all_that_wait() {
    let report = RunReport { events: vec![event(sample::document(), "needs_intervention")], ..nothing_new() };

    let all = annotations(&report);

    let errors: Vec<&Annotation> = all.iter().filter(|one| one.level == Level::Error).collect();
    assert_eq!(errors.len(), 1, "{all:#?}");
    assert_eq!(errors[0].title, "“Rename the flag” needs you on v1.1.0");
    assert!(errors[0].message.contains("src/args.rs") && errors[0].message.contains("#21"), "{all:#?}");
    assert_eq!(errors[0].place.as_ref().map(|place| &*place.file), Some("src/args.rs"));
    assert_eq!(all.iter().filter(|one| one.level == Level::Warning).count(), 1);
    assert_eq!(all.iter().filter(|one| one.level == Level::Notice).count(), 1);
}

#[test]
fn a_check_that_refuses_is_named_with_its_log() {
    let mut document = complete();
    document.status = Outcome::Failed;
    document.checks = vec![CheckOutcome {
        name: "paint".to_owned(),
        command: vec!["cat".to_owned(), "paint.txt".to_owned()],
        required: true,
        outcome: CheckResult::Failed,
        exit_code: Some(1),
        seconds: 0.1,
        log: "checks/paint.log".to_owned(),
    }];
    let report = RunReport { events: vec![event(document, "failed")], ..nothing_new() };

    assert_eq!(pairs(&report)["candidate-sha"], "", "it is not published");
    let all = annotations(&report);
    assert!(all[0].title.contains("paint") && all[0].message.contains("checks/paint.log"), "{all:#?}");
}
