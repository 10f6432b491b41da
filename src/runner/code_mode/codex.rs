//! The host `codex`: an app server that is spoken to over its stdin and stdout.

use std::time::Instant;

use serde_json::{Value, json};

use super::protocol::{self, EXECUTE, Incoming, RpcError, Turn, short};
use super::{CodeModeError, CodeModeSpec, OUTPUT_LIMIT, Teller};
use crate::process::{Capture, Captured, Command, Dialogue, Heard, ProcessError};

/// What an app server is started with, behind its own command.
pub(super) const ARGS: [&str; 11] = [
    "app-server",
    "--listen",
    "stdio://",
    "--enable",
    "apps",
    "--enable",
    "hooks",
    "--enable",
    "code_mode",
    "--enable",
    "code_mode_only",
];

/// How much of its last words stands in an error, in lines and in bytes.
const LAST_LINES: usize = 20;
const LAST_BYTES: usize = 4_000;

/// Runs the script in a new app server, and gives the texts that it said.
pub(super) fn run(
    spec: &CodeModeSpec,
    command: &[String],
    deadline: Instant,
    teller: &mut Teller<'_>,
) -> Result<Captured, CodeModeError> {
    let (program, args) = command.split_first().map_or(("codex", &[][..]), |(first, rest)| (first, rest));
    let command = Command::new(program).args(args).args(ARGS).cwd(&spec.dir).env(spec.env.clone());
    let dialogue = Dialogue::start(&command).map_err(|source| match source {
        source @ ProcessError::NotFound { .. } => CodeModeError::NoCodex { source },
        source => CodeModeError::NotRun { title: spec.title.clone(), source },
    })?;
    let mut server = Server {
        spec,
        dialogue,
        deadline,
        teller,
        last_id: 0,
        last_words: Capture::new(2 * LAST_BYTES),
        deltas: Capture::new(OUTPUT_LIMIT),
        thread: None,
        turn: None,
    };
    let outcome = server.converse();
    server.close(outcome)
}

/// What the server answers, and to which request.
type Answer = (u64, Result<Value, RpcError>);

/// Why the conversation is over.
enum Broken {
    /// The server has ended, while this was done.
    Ended { during: String },
    /// The time was up, while this was done.
    TimeUp { during: String },
    /// Anything else.
    Other(CodeModeError),
}

impl From<CodeModeError> for Broken {
    fn from(error: CodeModeError) -> Self {
        Self::Other(error)
    }
}

/// A running app server.
struct Server<'a, 'b> {
    spec: &'a CodeModeSpec,
    dialogue: Dialogue,
    deadline: Instant,
    teller: &'a mut Teller<'b>,
    last_id: u64,
    last_words: Capture,
    deltas: Capture,
    thread: Option<String>,
    turn: Option<Turn>,
}

impl Server<'_, '_> {
    fn converse(&mut self) -> Result<String, Broken> {
        self.ask("initialize", &protocol::initialize())?;
        self.say(protocol::notification("initialized"))?;
        let started = self.ask("thread/start", &protocol::thread_start(&self.spec.dir))?;
        let Some(thread) = protocol::started_thread(&started) else {
            return Err(self.lacks("thread/start", "thread id").into());
        };
        self.thread = Some(thread.clone());
        self.ask(EXECUTE, &json!({ "threadId": thread, "source": self.spec.source.text }))?;
        let turn = self.ended_turn()?;
        if turn.is_bad() {
            let message = turn.error.as_deref().map(short).unwrap_or_default();
            let (title, status) = (self.spec.title.clone(), turn.status);
            return Err(CodeModeError::TurnFailed { title, status, message }.into());
        }
        let read = self.ask("thread/read", &json!({ "threadId": thread, "includeTurns": true }))?;
        Ok(protocol::messages(&read))
    }

    fn lacks(&self, method: &'static str, lacks: &'static str) -> CodeModeError {
        CodeModeError::Answer { title: self.spec.title.clone(), method, lacks }
    }

    /// Asks and waits for the answer.
    fn ask(&mut self, method: &'static str, params: &Value) -> Result<Value, Broken> {
        self.last_id += 1;
        let id = self.last_id;
        self.teller.line(&format!("-> {method}"));
        self.say(protocol::request(id, method, params))?;
        loop {
            match self.hear(&format!("while it was asked for {method}"))? {
                Some((answered, Ok(result))) if answered == id => return Ok(result),
                Some((answered, Err(error))) if answered == id => {
                    return Err(self.refused(method, error).into());
                }
                _ => {}
            }
        }
    }

    fn refused(&mut self, method: &'static str, error: RpcError) -> CodeModeError {
        self.teller.line(&format!("<- {method} refused: {} (code {})", short(&error.message), error.code));
        if method == EXECUTE && error.is_unknown_method() {
            return CodeModeError::LacksCodeMode;
        }
        let (title, message) = (self.spec.title.clone(), short(&error.message));
        CodeModeError::Refused { title, method, code: error.code, message }
    }

    /// Waits until the turn that the script runs in is over.
    fn ended_turn(&mut self) -> Result<Turn, Broken> {
        loop {
            if let Some(turn) = self.turn.take() {
                self.teller.flush();
                self.teller.line(&format!("<- turn/completed {}", short(&turn.status)));
                return Ok(turn);
            }
            self.hear("while the script ran")?;
        }
    }

    fn say(&self, line: Vec<u8>) -> Result<(), Broken> {
        if self.dialogue.say(line) {
            return Ok(());
        }
        let what = "does not read what it is told".to_owned();
        Err(CodeModeError::Broken { title: self.spec.title.clone(), what }.into())
    }

    /// Takes in what comes next. An answer is handed on.
    fn hear(&mut self, during: &str) -> Result<Option<Answer>, Broken> {
        if Instant::now() >= self.deadline {
            return Err(Broken::TimeUp { during: during.to_owned() });
        }
        let title = || self.spec.title.clone();
        let heard = self.dialogue.hear(self.deadline);
        let line = match heard.map_err(|source| CodeModeError::NotRun { title: title(), source })? {
            Heard::Line(line) => line,
            Heard::Aside(line) => {
                self.teller.aside(&line, &mut self.last_words);
                return Ok(None);
            }
            Heard::TooLong(bytes) => {
                let what = format!("said a line of {bytes} bytes, which is more than is read");
                return Err(CodeModeError::Broken { title: title(), what }.into());
            }
            Heard::Ended => return Err(Broken::Ended { during: during.to_owned() }),
            // The time is looked at before the next line.
            Heard::Silence => return Ok(None),
        };
        match Incoming::parse(&line) {
            Incoming::Answer { id, outcome } => return Ok(Some((id, outcome))),
            Incoming::Notification { method, params } => self.told(&method, &params),
            Incoming::Request { id, method } => {
                self.teller
                    .line(&format!("<- the server asks for {}, which nobody here answers", short(&method)));
                self.say(protocol::refusal(&id))?;
            }
            Incoming::Noise => {
                let shown = short(&String::from_utf8_lossy(&line));
                self.teller.line(&format!("<- no message: {shown}"));
            }
        }
        Ok(None)
    }

    fn told(&mut self, method: &str, params: &Value) {
        if let Some(remark) = protocol::remark(method, params, self.thread.as_deref()) {
            self.teller.line(&remark);
        }
        let Some(thread) = &self.thread else { return };
        if let Some(delta) = protocol::delta(method, params, thread) {
            self.deltas.push(delta.as_bytes());
            self.teller.text(delta);
        } else if method == "turn/completed" {
            self.turn = protocol::completed_turn(params, thread).or(self.turn.take());
        }
    }

    /// Ends the server, and says what the conversation came to.
    fn close(self, outcome: Result<String, Broken>) -> Result<Captured, CodeModeError> {
        let (title, limit) = (self.spec.title.clone(), self.spec.timeout);
        let (mut last_words, teller) = (self.last_words, self.teller);
        let status = self.dialogue.end(&mut |line| teller.aside(line, &mut last_words));
        let said = last_words.finish().last_lines(LAST_LINES);
        let from = said.char_indices().rev().nth(LAST_BYTES - 1).map_or(0, |(at, _)| at);
        let said = said[from..].to_owned();
        match outcome {
            Ok(texts) if !texts.is_empty() => Ok(Captured { bytes: texts.into_bytes(), dropped: 0 }),
            Ok(_) => Ok(self.deltas.finish()),
            Err(Broken::Other(error)) => Err(error),
            Err(Broken::TimeUp { during }) => Err(CodeModeError::TimedOut { title, limit, during, said }),
            Err(Broken::Ended { during }) => match status {
                Ok(status) => {
                    Err(CodeModeError::Died { title, host: "the Codex app server", status, during, said })
                }
                Err(source) => Err(CodeModeError::NotRun { title, source }),
            },
        }
    }
}
