//! Steps with the runner `code-mode`: JavaScript with a handful of host functions, run by a Codex app server or
//! by a host of our own.
//!
//! | file | what it knows |
//! |---|---|
//! | `source` | the script behind its prelude |
//! | `protocol` | the wire of the app server, as values |
//! | `codex` | an app server spoken to over its stdin and stdout |
//! | `local` | the host in Bun or Node; `host.cjs` is what runs there |
//! | `error` | why a step gave no result |

mod codex;
mod error;
mod local;
mod protocol;
mod source;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(crate) use error::CodeModeError;
pub(crate) use source::Source;

use super::script::on_path;
use super::steps::{OUTPUT_LIMIT, RESULT_LIMIT, counted, length};
use crate::process::{Capture, Captured, Env, Lines};
use crate::record::{StepResult, parse_flow_result};

/// The package that has a Codex with Code Mode.
const PACKAGE: &str = "@peezy.tech/codex";

/// Who runs the script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    /// A Codex app server: the beginning of its command line.
    Codex(Vec<String>),
    /// We ourselves, in this program: Bun or Node.
    Local(PathBuf),
}

/// A step to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CodeModeSpec {
    /// What it is called in messages: `Code Mode flow step demo/hello`.
    pub(crate) title: String,
    /// Who runs it.
    pub(crate) host: Host,
    /// The script's file, for messages.
    pub(crate) script: PathBuf,
    /// What is run.
    pub(crate) source: Source,
    /// Where its commands run unless they say otherwise.
    pub(crate) dir: PathBuf,
    /// The whole environment of the host, and of its commands.
    pub(crate) env: Env,
    /// How long it may take in all.
    pub(crate) timeout: Duration,
}

impl Host {
    /// The host that `variables`, our own environment, ask for: `local` by CODEX_FLOWS_CODE_MODE_HOST alone, else
    /// Codex. A relative program is meant as seen from `cwd`.
    ///
    /// # Errors
    /// A host that does not exist, and no program for the local one.
    pub(crate) fn chosen(variables: &BTreeMap<String, String>, cwd: &Path) -> Result<Self, CodeModeError> {
        let value =
            |name: &str| variables.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
        match value("CODEX_FLOWS_CODE_MODE_HOST").unwrap_or("codex") {
            "local" => {
                let path = variables.get("PATH").map_or("", String::as_str);
                let program = ["bun", "node"].iter().find_map(|name| on_path(name, path));
                program.map(Self::Local).ok_or(CodeModeError::NoInterpreter)
            }
            "codex" => Ok(Self::Codex(codex_command(&value, cwd))),
            other => Err(CodeModeError::UnknownHost(other.to_owned())),
        }
    }

    /// The host's name in records.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Codex(_) => "codex",
            Self::Local(_) => "local",
        }
    }

    /// What starts it, for a person.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Codex(command) => format!("{} {}", command.join(" "), codex::ARGS.join(" ")),
            Self::Local(program) => format!("the local Code Mode host in {}", program.display()),
        }
    }
}

/// How codex-flows finds its Codex: a named program, else a package by bunx, else `codex`.
fn codex_command<'a>(value: &dyn Fn(&str) -> Option<&'a str>, cwd: &Path) -> Vec<String> {
    let program = |name: &str| match name.contains('/') {
        true => cwd.join(name).display().to_string(),
        false => name.to_owned(),
    };
    if let Some(named) = value("CODEX_APP_SERVER_CODEX_COMMAND") {
        return vec![program(named)];
    }
    let package = value("CODEX_APP_SERVER_CODEX_PACKAGE");
    let is_code_mode = value("CODEX_FLOWS_MODE").is_some_and(|mode| mode.to_lowercase() == "code-mode");
    if package.is_some() || is_code_mode {
        let bunx = value("CODEX_APP_SERVER_BUNX_COMMAND").unwrap_or("bunx");
        return vec![program(bunx), package.unwrap_or(PACKAGE).to_owned()];
    }
    vec!["codex".to_owned()]
}

/// Runs a step. What it does is written to `log` and handed to `on_line` line by line, as it comes and as hostile
/// as it comes. Comes back with its result, word for word, or with why it gave none.
///
/// # Errors
/// Why there is no result. A log that cannot be written is the writer's matter.
pub(crate) fn run_code_mode(
    spec: &CodeModeSpec,
    log: &mut dyn Write,
    on_line: &mut dyn FnMut(&str),
) -> Result<StepResult, CodeModeError> {
    let mut teller = Teller { log, on_line, open: Lines::default() };
    teller.line(&format!("$ {}", spec.host.shown()));
    let deadline = Instant::now() + spec.timeout;
    let texts = match &spec.host {
        Host::Codex(command) => codex::run(spec, command, deadline, &mut teller),
        Host::Local(program) => local::run(spec, program, deadline, &mut teller),
    };
    teller.flush();
    let outcome = texts.and_then(|texts| result_of(&texts));
    let end = match &outcome {
        Ok(result) => result.status().name().to_owned(),
        Err(error) => format!("failed: {}", error.to_string().lines().next().unwrap_or_default()),
    };
    teller.line(&format!("[{end}]"));
    outcome
}

fn result_of(texts: &Captured) -> Result<StepResult, CodeModeError> {
    let result = parse_flow_result(&counted(texts)).map_err(CodeModeError::NoResult)?;
    match length(&result) {
        bytes if bytes > RESULT_LIMIT => Err(CodeModeError::TooLong { bytes }),
        _ => Ok(result),
    }
}

/// What a host does, on its way to the log and to whoever watches.
struct Teller<'a> {
    log: &'a mut dyn Write,
    on_line: &'a mut dyn FnMut(&str),
    /// The line that a text has begun.
    open: Lines,
}

impl Teller<'_> {
    fn line(&mut self, line: &str) {
        let _ = writeln!(self.log, "{line}").and_then(|()| self.log.flush());
        (self.on_line)(line);
    }

    /// Tells what came on standard error, and keeps it for the case that it was the last word.
    fn aside(&mut self, line: &[u8], last_words: &mut Capture) {
        last_words.push(line);
        last_words.push(b"\n");
        self.line(&String::from_utf8_lossy(line));
    }

    /// Takes a piece of running text, and tells the lines that are whole by now.
    fn text(&mut self, text: &str) {
        let mut open = std::mem::take(&mut self.open);
        open.push(text.as_bytes(), &mut |line| self.line(&String::from_utf8_lossy(line)));
        self.open = open;
    }

    /// Tells the line that a text has left open.
    fn flush(&mut self) {
        let mut open = std::mem::take(&mut self.open);
        open.flush(&mut |line| self.line(&String::from_utf8_lossy(line)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(variables: &[(&str, &str)]) -> Result<Host, CodeModeError> {
        let variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Host::chosen(&variables, Path::new("/here"))
    }

    #[test]
    fn codex_is_found_as_codex_flows_finds_it() {
        for (variables, command) in [
            (&[][..], &["codex"][..]),
            (&[("CODEX_FLOWS_MODE", " Code-Mode ")], &["bunx", "@peezy.tech/codex"]),
            (&[("CODEX_APP_SERVER_CODEX_PACKAGE", "@acme/codex@1")], &["bunx", "@acme/codex@1"]),
            (
                &[("CODEX_FLOWS_MODE", "code-mode"), ("CODEX_APP_SERVER_BUNX_COMMAND", "tools/bunx")],
                &["/here/tools/bunx", "@peezy.tech/codex"],
            ),
            (
                &[("CODEX_FLOWS_MODE", "code-mode"), ("CODEX_APP_SERVER_CODEX_COMMAND", "/opt/my codex")],
                &["/opt/my codex"],
            ),
            (&[("CODEX_FLOWS_CODE_MODE_HOST", "codex"), ("CODEX_APP_SERVER_CODEX_COMMAND", " ")], &["codex"]),
        ] {
            let command = command.iter().map(|part| (*part).to_owned()).collect();
            assert_eq!(host(variables).unwrap(), Host::Codex(command), "{variables:?}");
        }
    }

    #[test]
    fn the_local_host_is_never_chosen_by_itself() {
        let none = host(&[("CODEX_FLOWS_CODE_MODE_HOST", "local"), ("PATH", "/nowhere")]);
        assert!(matches!(none, Err(CodeModeError::NoInterpreter)));
        assert!(matches!(host(&[("PATH", "/usr/bin")]), Ok(Host::Codex(_))));
        let unknown = host(&[("CODEX_FLOWS_CODE_MODE_HOST", "Local")]).unwrap_err();
        assert_eq!(unknown.to_string(), "there is no Code Mode host `Local`");
        assert!(unknown.is_blocked() && unknown.hint().is_some());
    }
}
