//! The host `local`: the script in Bun or Node, with the host functions that Code Mode scripts rely on.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{CodeModeError, CodeModeSpec, OUTPUT_LIMIT, Teller};
use crate::process::{Capture, Captured, Command, Dialogue, Heard, ProcessError};

/// What runs in Bun or Node.
const HOST: &str = include_str!("host.cjs");

/// How much of the host's last words stands in an error.
const LAST_LINES: usize = 20;
const LAST_BYTES: usize = 8_000;

/// What the host reads.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked<'a> {
    source: &'a str,
    prelude_lines: usize,
    file: String,
    dir: String,
    env: BTreeMap<&'a str, &'a str>,
}

/// What the host tells, one object a line.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
enum Told {
    Text { text: String },
    Say { text: String },
    Command { id: u64, cmd: String, dir: String },
    Output { text: String },
    Ended { id: u64, code: Option<i64>, seconds: f64, dropped: u64, trouble: Option<String> },
    Threw { message: String, line: Option<u64> },
    End,
}

/// How the script came to its end.
enum End {
    /// By itself, or by `exit()`.
    Reached,
    Threw {
        message: String,
        line: Option<u64>,
    },
}

/// Runs the script in `program`, and gives the texts that it said.
pub(super) fn run(
    spec: &CodeModeSpec,
    program: &Path,
    deadline: Instant,
    teller: &mut Teller<'_>,
) -> Result<Captured, CodeModeError> {
    let title = || spec.title.clone();
    let failed = |source: ProcessError| CodeModeError::NotRun { title: title(), source };
    // Bun reads `.env` and bunfig.toml where it is started.
    let command = Command::new(program).arg("-e").arg(HOST).cwd("/").env(spec.env.clone());
    let mut dialogue = Dialogue::start(&command).map_err(failed)?;
    dialogue.say(asked(spec));
    dialogue.hang_up();

    let mut texts = Capture::new(OUTPUT_LIMIT);
    let mut last_words = Capture::new(LAST_BYTES);
    let mut end = None;
    loop {
        if Instant::now() >= deadline {
            let _ = dialogue.end(&mut |line| teller.aside(line, &mut last_words));
            let said = last_words.finish().last_lines(LAST_LINES);
            let during = "while the script ran".to_owned();
            return Err(CodeModeError::TimedOut { title: title(), limit: spec.timeout, during, said });
        }
        match dialogue.hear(deadline) {
            Ok(Heard::Line(line)) => end = told(&line, &mut texts, teller).or(end),
            Ok(Heard::Aside(line)) => teller.aside(&line, &mut last_words),
            Ok(Heard::TooLong(bytes)) => teller.line(&format!("[a line of {bytes} bytes is left out]")),
            Ok(Heard::Ended) => break,
            Ok(Heard::Silence) => {}
            Err(source) => {
                let _ = dialogue.end(&mut |line| teller.aside(line, &mut last_words));
                return Err(failed(source));
            }
        }
    }
    let status = dialogue.end(&mut |line| teller.aside(line, &mut last_words)).map_err(failed)?;
    match end {
        Some(End::Reached) => Ok(texts.finish()),
        Some(End::Threw { message, line }) => {
            let line = line.map(|line| format!(":{line}")).unwrap_or_default();
            let place = format!("{}{line}", spec.script.display());
            Err(CodeModeError::Threw { title: title(), message, place })
        }
        None if status.is_success() => Err(CodeModeError::Stuck { title: title() }),
        None => {
            let said = last_words.finish().last_lines(LAST_LINES);
            let (host, during) = ("the local Code Mode host", "while the script ran".to_owned());
            Err(CodeModeError::Died { title: title(), host, status, during, said })
        }
    }
}

fn asked(spec: &CodeModeSpec) -> Vec<u8> {
    let asked = Asked {
        source: &spec.source.text,
        prelude_lines: spec.source.prelude_lines,
        file: spec.script.display().to_string(),
        dir: spec.dir.display().to_string(),
        env: spec.env.iter().collect(),
    };
    serde_json::to_vec(&asked).unwrap_or_default()
}

/// Takes in a line of the host's, and says whether it is the last one.
fn told(line: &[u8], texts: &mut Capture, teller: &mut Teller<'_>) -> Option<End> {
    let Ok(told) = serde_json::from_slice::<Told>(line) else {
        // A script that writes to standard output itself says nothing that counts.
        teller.line(&String::from_utf8_lossy(line));
        return None;
    };
    match told {
        Told::Text { text } => {
            texts.push(text.as_bytes());
            teller.text(&text);
        }
        Told::Say { text } => {
            teller.flush();
            teller.line(&text);
        }
        Told::Command { id, cmd, dir } => {
            teller.flush();
            let mut lines = cmd.lines();
            teller.line(&format!("[command {id} in {dir}] $ {}", lines.next().unwrap_or_default()));
            lines.for_each(|line| teller.line(&format!("> {line}")));
        }
        Told::Output { text } => teller.text(&text),
        Told::Ended { id, code, seconds, dropped, trouble } => {
            teller.flush();
            let code = code.map_or_else(|| "no exit code".to_owned(), |code| format!("exit code {code}"));
            let trouble = trouble.map(|trouble| format!(": {trouble}")).unwrap_or_default();
            let left = match dropped {
                0 => String::new(),
                bytes => format!(", {bytes} bytes of its output are not shown to the script"),
            };
            teller.line(&format!("[command {id}: {code} after {seconds:.1} s{left}{trouble}]"));
        }
        Told::Threw { message, line } => {
            teller.flush();
            return Some(End::Threw { message, line });
        }
        Told::End => return Some(End::Reached),
    }
    None
}
