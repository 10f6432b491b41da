//! Checks: the fork's own commands, run in a fresh checkout of the candidate.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use thiserror::Error;

use super::log::Log;
use crate::ids::RelPath;
use crate::process::{Command, Env, Output, ProcessError, Status};

/// A check to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CheckSpec {
    /// What it is called.
    pub(crate) name: String,
    /// Program and arguments. No shell sees them.
    pub(crate) command: Vec<String>,
    /// How long it may run.
    pub(crate) timeout: Duration,
    /// Names of further variables that it may see.
    pub(crate) env: Vec<String>,
    /// Where in the checkout it runs; its root where this says nothing.
    pub(crate) cwd: Option<RelPath>,
}

/// What a check came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CheckOutcome {
    /// What it is called.
    pub(crate) name: String,
    /// Whether it holds.
    pub(crate) result: CheckResult,
    /// Its exit code, where it came to one.
    pub(crate) exit_code: Option<i32>,
    /// How long it ran.
    pub(crate) seconds: f64,
    /// How many bytes the log leaves out.
    pub(crate) dropped: u64,
    /// What happened, for a person: `exit code 1 after 3.2 s`.
    pub(crate) summary: String,
}

/// Whether a check holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckResult {
    /// It exited with 0.
    Passed,
    /// It exited otherwise, or could not be started.
    Failed,
    /// It was ended because its time was up.
    TimedOut,
}

impl CheckResult {
    /// The result's name in every output.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::TimedOut => "timed-out",
        }
    }
}

/// Why a check could not even be tried.
#[derive(Debug, Error)]
pub(crate) enum CheckError {
    /// It names no program.
    #[error("the check `{check}` has an empty command")]
    NoCommand { check: String },
    /// It asks for what no check may see.
    #[error(
        "the check `{check}` asks for the variable `{variable}`, which may hold a secret or belongs to the runner"
    )]
    Withheld { check: String, variable: String },
    /// It was stopped together with this process, which says nothing about the candidate.
    #[error("the check `{check}` did not come to an end")]
    Interrupted { check: String, source: ProcessError },
    /// Its log could not be written.
    #[error("the log of the check `{check}` could not be written")]
    Log { check: String, source: std::io::Error },
}

impl CheckError {
    /// What a person can do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::NoCommand { check } => {
                Some(format!("give `{check}` a command = [\"program\", \"argument\"]"))
            }
            Self::Withheld { variable, .. } => {
                Some(format!("take `{variable}` out of the check's env: a check runs without secrets"))
            }
            Self::Interrupted { .. } | Self::Log { .. } => None,
        }
    }
}

/// Runs `check` in `checkout`, hands on each line of what it says (as it comes, and as hostile as it comes),
/// and writes its log to `log`: the command, both streams in one, and how it ended.
///
/// Of `parent`, our own environment, it sees what a program needs to work ([`Env::minimal`]) and the
/// variables that it names. That it fails, or cannot be started, is an outcome.
///
/// # Errors
/// Where it is not a check that may be run, or the log cannot be written.
pub(crate) fn run_check(
    check: &CheckSpec,
    checkout: &Path,
    parent: &BTreeMap<String, String>,
    log: &mut dyn Write,
    on_line: &mut dyn FnMut(&str),
) -> Result<CheckOutcome, CheckError> {
    let command = prepare(check, checkout, parent)?;
    let mut said = Log::new(&check.command);
    let outcome = match said.follow(command, on_line) {
        Ok(output) => ended(check, &output),
        Err(source @ ProcessError::Interrupted { .. }) => {
            return Err(CheckError::Interrupted { check: check.name.clone(), source });
        }
        Err(err) => not_started(check, &err.to_string()),
    };

    let said = said.finish(&format!("{}: {}", outcome.result.name(), outcome.summary));
    let written = log.write_all(&said.bytes).and_then(|()| log.flush());
    written.map_err(|source| CheckError::Log { check: check.name.clone(), source })?;
    Ok(CheckOutcome { dropped: said.dropped, ..outcome })
}

fn prepare(
    check: &CheckSpec,
    checkout: &Path,
    parent: &BTreeMap<String, String>,
) -> Result<Command, CheckError> {
    let no_command = || CheckError::NoCommand { check: check.name.clone() };
    let (program, args) = check.command.split_first().ok_or_else(no_command)?;
    if program.is_empty() {
        return Err(no_command());
    }
    let mut env = Env::minimal(parent)
        // Nobody is there to answer a question or to look at colours.
        .with("CI", "true")
        .with("TERM", "dumb")
        .with("GIT_TERMINAL_PROMPT", "0");
    for variable in &check.env {
        if !env.pass(parent, variable) {
            return Err(CheckError::Withheld { check: check.name.clone(), variable: variable.clone() });
        }
    }
    let dir = check.cwd.as_ref().map_or_else(|| checkout.to_owned(), |cwd| checkout.join(cwd.as_str()));
    // The streams are kept here, as one log; what else is kept of them would be kept twice.
    Ok(Command::new(program).args(args).cwd(dir).env(env).timeout(Some(check.timeout)).output_limit(0))
}

fn ended(check: &CheckSpec, output: &Output) -> CheckOutcome {
    let seconds = output.duration.as_secs_f64();
    let (result, summary) = match output.status {
        _ if output.timed_out => {
            let limit = check.timeout.as_secs_f64();
            (CheckResult::TimedOut, format!("ended after {seconds:.1} s, its limit being {limit:.1} s"))
        }
        Status::Exited(0) => (CheckResult::Passed, format!("exit code 0 after {seconds:.1} s")),
        status => (CheckResult::Failed, format!("{status} after {seconds:.1} s")),
    };
    let exit_code = output.status.code();
    CheckOutcome { name: check.name.clone(), result, exit_code, seconds, dropped: 0, summary }
}

fn not_started(check: &CheckSpec, why: &str) -> CheckOutcome {
    CheckOutcome {
        name: check.name.clone(),
        result: CheckResult::Failed,
        exit_code: None,
        seconds: 0.0,
        dropped: 0,
        summary: why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::log::LOG_LIMIT;
    use super::*;

    fn check(command: &[&str]) -> CheckSpec {
        CheckSpec {
            name: "unit".to_owned(),
            command: command.iter().map(|&part| part.to_owned()).collect(),
            timeout: Duration::from_secs(60),
            env: Vec::new(),
            cwd: None,
        }
    }

    fn parent() -> BTreeMap<String, String> {
        [("PATH", "/usr/bin:/bin"), ("GH_TOKEN", "hunter2"), ("GITHUB_OUTPUT", "/o"), ("FLAVOUR", "x")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    /// Outcome, log and relayed lines of a check in a checkout that holds the folder `sub`.
    fn run(spec: &CheckSpec) -> Result<(CheckOutcome, String, Vec<String>), CheckError> {
        let checkout = tempfile::Builder::new().prefix("checkout").tempdir().unwrap();
        let sub = tempfile::Builder::new().prefix("sub").rand_bytes(0).tempdir_in(checkout.path()).unwrap();
        let (mut log, mut lines) = (Vec::new(), Vec::new());
        let outcome =
            run_check(spec, checkout.path(), &parent(), &mut log, &mut |line| lines.push(line.to_owned()))?;
        drop(sub);
        Ok((outcome, String::from_utf8(log).unwrap(), lines))
    }

    #[test]
    fn a_check_without_a_command_is_refused() {
        for command in [&[][..], &[""]] {
            let err = run(&check(command)).unwrap_err();
            assert_eq!(err.to_string(), "the check `unit` has an empty command");
        }
    }

    #[test]
    fn a_check_may_not_ask_for_a_secret() {
        let err = run(&CheckSpec { env: vec!["GH_TOKEN".to_owned()], ..check(&["true"]) }).unwrap_err();
        assert!(err.to_string().contains("asks for the variable `GH_TOKEN`"), "{err}");
        assert!(err.hint().is_some());
    }

    #[test]
    fn a_failing_check_says_how_it_ended_in_outcome_and_log() {
        let (outcome, log, lines) = run(&check(&["sh", "-c", "echo broken >&2; exit 3"])).unwrap();
        assert_eq!((outcome.result, outcome.exit_code), (CheckResult::Failed, Some(3)));
        assert_eq!(lines, ["broken"]);
        assert!(
            log.starts_with("$ sh -c echo broken >&2; exit 3\nbroken\n[failed: exit code 3 after "),
            "{log}"
        );
    }

    #[test]
    fn a_check_that_cannot_be_started_has_failed() {
        let (outcome, log, _) = run(&check(&["no-such-program-here"])).unwrap();
        assert_eq!((outcome.result, outcome.exit_code), (CheckResult::Failed, None));
        assert!(log.ends_with("[failed: the program `no-such-program-here` was not found]\n"), "{log}");
    }

    #[test]
    fn a_check_whose_time_is_up_is_ended() {
        let spec = CheckSpec { timeout: Duration::from_millis(100), ..check(&["sleep", "60"]) };
        let (outcome, log, _) = run(&spec).unwrap();
        assert_eq!(outcome.result, CheckResult::TimedOut);
        assert!(log.contains("[timed-out: ended after "), "{log}");
    }

    #[test]
    fn a_check_sees_no_token_and_no_way_to_the_runner() {
        let spec = CheckSpec { env: vec!["FLAVOUR".to_owned(), "ABSENT".to_owned()], ..check(&["env"]) };
        let (outcome, _, mut lines) = run(&spec).unwrap();
        assert_eq!(outcome.result, CheckResult::Passed);
        lines.sort();
        assert_eq!(
            lines,
            ["CI=true", "FLAVOUR=x", "GIT_TERMINAL_PROMPT=0", "PATH=/usr/bin:/bin", "TERM=dumb"]
        );
    }

    #[test]
    fn no_shell_sees_the_command() {
        let (_, _, lines) = run(&check(&["echo", "$(id); *"])).unwrap();
        assert_eq!(lines, ["$(id); *"]);
    }

    #[test]
    fn a_check_runs_in_the_folder_that_it_names() {
        let spec = CheckSpec { cwd: Some("sub".parse().unwrap()), ..check(&["pwd"]) };
        let (_, _, lines) = run(&spec).unwrap();
        assert!(lines[0].ends_with("/sub"), "{lines:?}");
    }

    #[test]
    fn a_long_log_keeps_its_head_and_its_tail() {
        let (outcome, log, _) =
            run(&check(&["sh", "-c", "yes 0123456789 | head -n 500000; echo end"])).unwrap();
        assert_eq!(outcome.result, CheckResult::Passed);
        assert!(outcome.dropped > 1_000_000);
        assert!(log.len() <= LOG_LIMIT + 100);
        assert!(log.starts_with("$ sh -c yes") && log.contains("\nend\n[passed: exit code 0 after "));
    }
}
