//! Steps that are programs: they read their context, and say with FLOW_RESULT what they came to.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use super::log::LiveLog;
use super::script::shown;
use crate::process::{Captured, Command, Env, Output, Passed, ProcessError, Status};
use crate::record::{FlowResultError, StepResult, parse_flow_result};

/// How many bytes of each stream are searched for a result: half of them the beginning, half the end.
pub(super) const OUTPUT_LIMIT: usize = 8 * 1024 * 1024;

/// How many bytes a result may have. It stands in every record of the run.
pub(super) const RESULT_LIMIT: usize = 1024 * 1024;

/// How much of its last words stands in a failed step's record.
const LAST_LINES: usize = 20;
const LAST_CHARS: usize = 4_000;

/// A step to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StepSpec {
    /// What it is called in messages: `Bun flow step demo/hello`.
    pub(crate) title: String,
    /// Program and arguments. No shell sees them.
    pub(crate) command: Vec<String>,
    /// Where it runs. A program with a slash in its name is looked for from here.
    pub(crate) dir: PathBuf,
    /// Its whole environment.
    pub(crate) env: Env,
    /// What it reads.
    pub(crate) input: Vec<u8>,
    /// How long it may run.
    pub(crate) timeout: Duration,
}

/// Why a step gave no result. The texts stand in records; those of a bad end begin as codex-flows'
/// do.
#[derive(Debug, Error)]
pub(crate) enum StepError {
    /// It ended badly, whatever it printed before.
    #[error("{title} failed: {status}{}{said}", line_end(.said))]
    Ended { title: String, status: Status, said: String },
    /// It was ended because its time was up, whatever it printed then.
    #[error(
        "{title} failed: it was ended after {:.1} s, its timeout_ms being {}{}{said}",
        .ran.as_secs_f64(), .limit.as_millis(), line_end(.said)
    )]
    TimedOut { title: String, ran: Duration, limit: Duration, said: String },
    /// It could not be run.
    #[error("{title} failed: {}", with_cause(.source))]
    NotRun { title: String, source: ProcessError },
    /// Its output holds no result.
    #[error("{0}")]
    NoResult(FlowResultError),
    /// Its result is too long to be kept.
    #[error("FLOW_RESULT has {bytes} bytes, and may have {RESULT_LIMIT}")]
    TooLong { bytes: usize },
}

impl StepError {
    /// What a person can do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Ended { .. } => None,
            Self::TimedOut { .. } => {
                Some("give it a longer timeout_ms, or find out what it waits for".to_owned())
            }
            Self::NotRun { source, .. } => source.hint(),
            Self::NoResult(error) => error.hint(),
            Self::TooLong { .. } => Some("write what is long into a file, and name that".to_owned()),
        }
    }

    /// Whether it was stopped together with this process, which says nothing about the step.
    pub(crate) const fn is_interruption(&self) -> bool {
        matches!(self, Self::NotRun { source: ProcessError::Interrupted { .. }, .. })
    }
}

/// The record has one text, and no place for a cause beside it.
pub(super) fn with_cause(error: &ProcessError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

pub(super) const fn line_end(said: &str) -> &'static str {
    if said.is_empty() { "" } else { "\n" }
}

/// What a flow asks of the environment for a step.
#[derive(Debug, Clone, Default)]
pub(crate) struct EnvAsked<'a> {
    /// `env = [..]`: these may be secrets.
    pub(crate) listed: &'a [String],
    /// The values of `[config]` keys that end in `_env`.
    pub(crate) named: Vec<&'a str>,
}

/// The environment of a step.
#[derive(Debug)]
pub(crate) struct StepEnv<'a> {
    pub(crate) env: Env,
    /// What it does not get: it may be a secret that is not listed, or belongs to the workflow's runner.
    pub(crate) withheld: Vec<&'a str>,
    /// What it gets although it looks like a secret, because it is listed.
    pub(crate) secrets: Vec<&'a str>,
}

/// The environment of a step: what a program needs to work ([`Env::minimal`]), the switches of codex-flows, what
/// the flow asks for, and `own`, which decides.
pub(crate) fn step_env<'a>(
    parent: &BTreeMap<String, String>,
    asked: &EnvAsked<'a>,
    own: &[(&str, &str)],
) -> StepEnv<'a> {
    // Nobody is there to answer a question or to look at colours.
    let env = Env::minimal(parent).with("TERM", "dumb").with("GIT_TERMINAL_PROMPT", "0");
    let mut step = StepEnv { env, withheld: Vec::new(), secrets: Vec::new() };
    step.env.pass_switches(parent);
    let listed = asked.listed.iter().map(|name| (name.as_str(), true));
    let named = asked.named.iter().map(|name| (*name, asked.listed.iter().any(|listed| listed == name)));
    for (name, is_listed) in listed.chain(named) {
        let list = match step.env.pass_to_step(parent, name, is_listed) {
            Passed::Withheld => &mut step.withheld,
            Passed::Secret => &mut step.secrets,
            Passed::Plain | Passed::Absent => continue,
        };
        if !list.contains(&name) {
            list.push(name);
        }
    }
    own.iter().for_each(|(name, value)| step.env.set(name, value));
    step
}

/// Runs a step, writes its log to `log` as it comes (the command, both streams in one, and how it ended), and hands
/// on each line of what it says, as hostile as it comes. Comes back with its result, word for word.
///
/// # Errors
/// Why it gave none. That the log could not be written is for whoever made the writer to say.
pub(crate) fn run_step(
    spec: &StepSpec,
    log: &mut dyn Write,
    on_line: &mut dyn FnMut(&str),
) -> Result<StepResult, StepError> {
    let mut log = LiveLog::new(&shown(&spec.command), log, on_line);
    let outcome = match log.follow(prepare(spec)) {
        Ok(output) => ended(spec, &output),
        Err(source) => Err(StepError::NotRun { title: spec.title.clone(), source }),
    };
    let end = match &outcome {
        Ok(result) => result.status().name().to_owned(),
        Err(error) => format!("failed: {}", error.to_string().lines().next().unwrap_or_default()),
    };
    log.finish(&end);
    outcome
}

fn prepare(spec: &StepSpec) -> Command {
    let (program, args) = spec.command.split_first().map_or(("", &[][..]), |(first, rest)| (first, rest));
    let program = if program.contains('/') { spec.dir.join(program) } else { PathBuf::from(program) };
    Command::new(program)
        .args(args)
        .cwd(&spec.dir)
        .env(spec.env.clone())
        .stdin(spec.input.clone())
        .timeout(Some(spec.timeout))
        .output_limit(OUTPUT_LIMIT)
}

fn ended(spec: &StepSpec, output: &Output) -> Result<StepResult, StepError> {
    let title = || spec.title.clone();
    if output.timed_out {
        let (ran, limit) = (output.duration, spec.timeout);
        return Err(StepError::TimedOut { title: title(), ran, limit, said: last_words(output) });
    }
    if !output.status.is_success() {
        return Err(StepError::Ended { title: title(), status: output.status, said: last_words(output) });
    }
    let result = parse_flow_result(&counted(&output.stdout)).map_err(|error| {
        let error = error.with_stderr(&output.stderr.text());
        StepError::NoResult(if output.stdout.dropped > 0 { error.uncounted() } else { error })
    })?;
    match length(&result) {
        bytes if bytes > RESULT_LIMIT => Err(StepError::TooLong { bytes }),
        _ => Ok(result),
    }
}

/// The part of an output in which a result counts. Where the middle is missing the beginning says nothing: the last
/// result may have stood between.
pub(super) fn counted(output: &Captured) -> Cow<'_, str> {
    let from = if output.dropped == 0 { 0 } else { output.bytes.len().saturating_sub(OUTPUT_LIMIT / 2) };
    String::from_utf8_lossy(&output.bytes[from..])
}

/// How many bytes a result has in a record.
pub(super) fn length(result: &StepResult) -> usize {
    serde_json::to_string(result).map_or(usize::MAX, |text| text.len())
}

/// The end of standard error, or where that is empty of standard output.
fn last_words(output: &Output) -> String {
    let said = [&output.stderr, &output.stdout].map(|stream| stream.last_lines(LAST_LINES));
    let said = said.into_iter().find(|said| !said.is_empty()).unwrap_or_default();
    let from = said.char_indices().rev().nth(LAST_CHARS - 1).map_or(0, |(at, _)| at);
    said[from..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(script: &str) -> StepSpec {
        StepSpec {
            title: "Command flow step demo/hello".to_owned(),
            command: ["sh", "-c", script].map(str::to_owned).into(),
            dir: PathBuf::from("/"),
            env: Env::empty().with("PATH", "/usr/bin:/bin"),
            input: b"{}\n".to_vec(),
            timeout: Duration::from_secs(60),
        }
    }

    fn run(script: &str) -> Result<StepResult, StepError> {
        run_step(&spec(script), &mut Vec::new(), &mut |_| {})
    }

    #[test]
    fn a_step_that_ends_badly_fails_whatever_it_printed() {
        let err = run(r#"echo 'FLOW_RESULT {"status":"completed"}'; echo one >&2; echo two >&2; exit 3"#);
        assert_eq!(
            err.unwrap_err().to_string(),
            "Command flow step demo/hello failed: exit code 3\none\ntwo"
        );
        let err = run("echo only stdout; exit 1").unwrap_err();
        assert_eq!(err.to_string(), "Command flow step demo/hello failed: exit code 1\nonly stdout");
        let err = run("exit 1").unwrap_err();
        assert_eq!(err.to_string(), "Command flow step demo/hello failed: exit code 1");
    }

    #[test]
    fn last_words_are_few() {
        let err = run("yes 0123456789 | head -c 100000 | tr -d '\\n' >&2; exit 1").unwrap_err();
        assert!(err.to_string().len() < 4_100);
    }

    #[test]
    fn a_step_whose_time_is_up_fails_even_if_it_says_otherwise_at_the_end() {
        let script = r#"trap 'echo "FLOW_RESULT {\"status\":\"completed\"}"; exit 0' TERM; sleep 60 & wait"#;
        let spec = StepSpec { timeout: Duration::from_millis(1500), ..spec(script) };
        let err = run_step(&spec, &mut Vec::new(), &mut |_| {}).unwrap_err();
        assert!(err.to_string().contains("its timeout_ms being 1500"), "{err}");
        assert!(err.hint().is_some());
    }

    #[test]
    fn a_step_that_cannot_be_started_says_why() {
        let spec = StepSpec { command: vec!["./no-such-program".to_owned()], ..spec("") };
        let mut log = Vec::new();
        let outcome = run_step(&spec, &mut log, &mut |_| {});
        let text = "Command flow step demo/hello failed: the program `/./no-such-program` was not found";
        assert_eq!(outcome.unwrap_err().to_string(), text);
        assert_eq!(String::from_utf8(log).unwrap(), format!("$ ./no-such-program\n[failed: {text}]\n"));
    }

    #[test]
    fn what_the_system_says_about_a_program_stands_in_the_record() {
        let spec = StepSpec { command: vec!["./etc/passwd".to_owned()], ..spec("") };
        let error = run_step(&spec, &mut Vec::new(), &mut |_| {}).unwrap_err().to_string();
        assert!(error.contains("could not be started: Permission denied"), "{error}");
    }

    #[test]
    fn a_result_on_standard_error_is_none_and_is_pointed_out() {
        let err = run(r#"echo 'FLOW_RESULT {"status":"completed"}' >&2"#).unwrap_err();
        assert!(
            err.to_string().starts_with("Step did not emit FLOW_RESULT: it stands on standard error"),
            "{err}"
        );
    }

    #[test]
    fn output_without_a_result_has_the_old_systems_text_and_a_way_out() {
        let err = run("echo done").unwrap_err();
        assert_eq!(err.to_string(), "Step did not emit FLOW_RESULT");
        assert!(err.hint().unwrap().contains("FLOW_RESULT {"));
    }

    #[test]
    fn an_early_result_does_not_stand_for_one_that_was_left_out() {
        let noise = "yes 0123456789 | head -c 9000000";
        let early = run(&format!("echo 'FLOW_RESULT {{\"status\":\"completed\"}}'; {noise}"));
        assert!(matches!(early, Err(StepError::NoResult(FlowResultError::Missing))));
        let late = run(&format!("{noise}; echo; echo 'FLOW_RESULT {{\"status\":\"changed\"}}'"));
        assert_eq!(late.unwrap().status().name(), "changed");
    }

    #[test]
    fn a_result_that_is_too_long_is_refused() {
        let script = r#"printf 'FLOW_RESULT {"status":"completed","x":"'; yes x | head -c 3000000 | tr -d '\n'; echo '"}'"#;
        assert!(matches!(run(script), Err(StepError::TooLong { .. })));
    }

    #[test]
    fn a_step_reads_its_context_and_its_log_has_everything() {
        let (mut lines, mut log) = (Vec::new(), Vec::new());
        let script = r#"read x; echo "got $x" >&2; echo 'FLOW_RESULT {"status":"skipped"}'"#;
        let outcome = run_step(&spec(script), &mut log, &mut |line| lines.push(line.to_owned()));
        assert_eq!(outcome.unwrap().status().name(), "skipped");
        lines.sort();
        assert_eq!(lines, [r#"FLOW_RESULT {"status":"skipped"}"#, "got {}"]);
        let log = String::from_utf8(log).unwrap();
        assert!(log.starts_with("$ sh -c ") && log.ends_with("[skipped]\n"), "{log}");
        assert!(log.contains("\ngot {}\n"), "{log}");
    }

    #[test]
    fn a_step_is_told_what_the_flow_names_and_no_secret_but_those_that_it_lists() {
        let parent = [
            ("PATH", "/bin"),
            ("REPO", "/r"),
            ("GH_TOKEN", "t"),
            ("NPM_TOKEN", "n"),
            ("GITHUB_ENV", "/e"),
            ("CODEX_FLOWS_MODE", "m"),
            ("X", "x"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let listed = ["NPM_TOKEN", "GITHUB_ENV"].map(str::to_owned);
        let asked = EnvAsked {
            listed: &listed,
            named: vec!["REPO", "GH_TOKEN", "NPM_TOKEN", "GITHUB_ENV", "ABSENT", "PATH"],
        };
        let StepEnv { env, withheld, secrets } = step_env(&parent, &asked, &[("REPO", "ours")]);
        assert_eq!((withheld, secrets), (vec!["GITHUB_ENV", "GH_TOKEN"], vec!["NPM_TOKEN"]));
        let expected = [
            ("CODEX_FLOWS_MODE", "m"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("NPM_TOKEN", "n"),
            ("PATH", "/bin"),
            ("REPO", "ours"),
            ("TERM", "dumb"),
        ];
        assert_eq!(env.iter().collect::<Vec<_>>(), expected);
    }
}
