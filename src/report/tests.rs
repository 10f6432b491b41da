use super::*;
use crate::candidate::{Document, Tool, sample};
use crate::ids::EventId;

/// A run that looked at one source and carried one release through.
pub(super) fn run(document: Document) -> RunReport {
    let incomplete = !document.carry.candidate.complete;
    let step = StepReport {
        flow: "sample".to_owned(),
        step: "carry".to_owned(),
        runner: "patch-stack".to_owned(),
        status: if incomplete { "needs_intervention" } else { "changed" }.to_owned(),
        message: None,
        artifact: Some(".codex/workspace/actions/artifacts/v1.1.0".to_owned()),
        checkout: Some("/home/ada/fork".to_owned()),
        document: Some(Box::new(document)),
    };
    let selected = Selected {
        flow: step.flow.clone(),
        step: step.step.clone(),
        runner: step.runner.clone(),
        gate: None,
    };
    let passed_over = PassedOver {
        code: "disabled".to_owned(),
        flow: "bindings".to_owned(),
        step: "generate".to_owned(),
        reason: "needs CODEX_FLOWS_MODE=code-mode".to_owned(),
        hint: None,
    };
    let event = EventReport {
        id: EventId::of_release(&"sample/upstream".parse().unwrap(), &"v1.1.0".parse().unwrap()),
        repo: "sample/upstream".parse().unwrap(),
        tag: "v1.1.0".parse().unwrap(),
        selection: Selection { selected: vec![selected], passed_over: vec![passed_over] },
        steps: vec![step],
        ledger: Some(if incomplete { Standing::Conflict } else { Standing::Candidate }),
        error: None,
        plan: None,
        record: None,
    };
    RunReport {
        events: vec![event],
        sources: vec![source(Standing::Due)],
        exit_code: if incomplete { 3 } else { 0 },
        ..nothing_new()
    }
}

/// A run that found nothing to do.
pub(super) fn nothing_new() -> RunReport {
    RunReport {
        schema_version: 1,
        tool: Tool { name: "patch-moi".to_owned(), version: "0.1.0".to_owned() },
        command: "run".to_owned(),
        trigger: "schedule".to_owned(),
        workspace: "/home/ada/fork".to_owned(),
        dry_run: false,
        sources: vec![source(Standing::Candidate)],
        events: Vec::new(),
        notes: Vec::new(),
        memory: None,
        error: None,
        exit_code: 0,
    }
}

fn source(standing: Standing) -> SourceReport {
    SourceReport {
        starts_work: true,
        id: "sample-releases".to_owned(),
        repo: Some("sample/upstream".parse().unwrap()),
        newest: Some(ReleaseReport {
            tag: "v1.1.0".parse().unwrap(),
            commit: None,
            published_at: None,
            standing,
        }),
        settled: Vec::new(),
        warnings: Vec::new(),
        error: None,
    }
}

/// A run whose every foreign word is hostile.
pub(super) fn hostile() -> RunReport {
    let mut document = sample::about(sample::hostile());
    document.fork.repository = sample::HOSTILE.to_owned();
    document.fork.branch = sample::HOSTILE.to_owned();
    document.upstream.url = sample::HOSTILE.to_owned();
    document.checks[0].name = sample::HOSTILE.to_owned();
    document.checks[0].log = sample::HOSTILE.to_owned();
    let mut run = run(document);
    run.events[0].steps[0].checkout = Some(sample::HOSTILE.to_owned());
    run.events[0].steps[0].artifact = Some(sample::HOSTILE.to_owned());
    run.events[0].selection.passed_over[0].reason = sample::HOSTILE.to_owned();
    run.events[0].error =
        Some(Problem { message: sample::HOSTILE.to_owned(), hint: Some(sample::HOSTILE.to_owned()) });
    run.notes.push(sample::HOSTILE.to_owned());
    run.sources[0].warnings.push(sample::HOSTILE.to_owned());
    run
}

mod json {
    use super::*;

    #[test]
    fn a_run_fits_its_schema_and_survives_its_own_text() {
        let validator = jsonschema::validator_for(&run_schema()).unwrap();
        for run in [run(sample::document()), nothing_new(), hostile()] {
            let value = serde_json::to_value(&run).unwrap();
            assert!(validator.is_valid(&value), "{value:#}");
            assert_eq!(serde_json::from_value::<RunReport>(value).unwrap(), run);
        }
    }
}
