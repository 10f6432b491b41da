//! The flow's checks, in a fresh checkout of the complete candidate.

use super::relaying::relayed;
use super::session::Session;
use crate::candidate::{CheckOutcome, CheckResult, Plan, Step};
use crate::failure::{Failure, Kind, Result};
use crate::flow::Selected;
use crate::git::Workbench;
use crate::ids::{CommitId, RelPath};
use crate::runner::{self, CheckSpec};
use crate::store::ArtifactDir;

/// Runs the checks that are planned, one after the other, outside of the fork's work tree, and
/// keeps their logs. After a required one that did not pass no further one is begun.
///
/// # Errors
/// Where there is no room for a checkout, a check may not be run as it stands, or a log cannot be
/// written. A check that fails is an outcome.
pub(super) fn run(
    session: &Session<'_>,
    selected: &Selected<'_>,
    bench: &Workbench,
    artifact: &ArtifactDir,
    plan: &Plan,
    candidate: CommitId,
) -> Result<Vec<CheckOutcome>> {
    let logs: Vec<&RelPath> = plan
        .steps
        .iter()
        .filter_map(|step| if let Step::RunCheck { log, .. } = step { Some(log) } else { None })
        .collect();
    if logs.is_empty() {
        return Ok(Vec::new());
    }
    let room = tempfile::Builder::new().prefix("patch-moi-check-").tempdir_in(session.context.temporary);
    let room = room.map_err(|err| Failure::new(Kind::Failed, err).context("no room for a checkout to check"))?;
    let checkout = bench.check_out(&room.path().join("candidate"), candidate)?;
    let mut outcomes: Vec<CheckOutcome> = Vec::new();
    for (check, log) in selected.manifest.checks.iter().zip(logs) {
        let refused = outcomes.iter().any(CheckOutcome::refuses);
        let mut said = Vec::new();
        let mut outcome = CheckOutcome {
            name: check.name.clone(),
            command: check.command.clone(),
            required: check.required,
            outcome: CheckResult::NotRun,
            exit_code: None,
            seconds: 0.0,
            log: log.to_string(),
        };
        if refused {
            said.extend_from_slice(b"not run: a required check before it did not pass\n");
        } else {
            let spec = CheckSpec {
                name: check.name.clone(),
                command: check.command.clone(),
                timeout: check.timeout,
                env: check.env.clone(),
                cwd: None,
            };
            let ran = relayed(session, &format!("check {}", check.name), |on_line| {
                runner::run_check(&spec, &checkout, session.context.variables, &mut said, on_line)
            })??;
            outcome.outcome = match ran.result {
                runner::CheckResult::Passed => CheckResult::Passed,
                runner::CheckResult::Failed => CheckResult::Failed,
                runner::CheckResult::TimedOut => CheckResult::TimedOut,
            };
            outcome.exit_code = ran.exit_code;
            outcome.seconds = ran.seconds;
        }
        artifact.write(log, &said)?;
        outcomes.push(outcome);
    }
    Ok(outcomes)
}
