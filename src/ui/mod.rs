//! Standard output and standard error: the only room that writes to them.
//!
//! What a person asked for goes to standard output, what accompanies it to standard error. With
//! `--json` standard output holds one JSON document and nothing else. The environment is read
//! elsewhere and handed in as [`Options`].

mod options;
mod progress;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::report::{Look, printable};
pub(crate) use options::{ColorWhen, Options};
pub(crate) use progress::Progress;
use progress::Shown;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default();
const DIM: Style = Style::new().dimmed();

/// A stream that knows whether it may be coloured.
type Stream = AutoStream<Box<dyn Write + Send>>;

/// The two streams of the process.
pub(crate) struct Ui {
    options: Options,
    streams: Mutex<Streams>,
}

struct Streams {
    out: Stream,
    err: Stream,
    /// The first failure of a write that was not a reader who went away.
    failed: Option<io::Error>,
    progress: Option<Shown>,
}

impl Ui {
    /// The process's own streams.
    pub(crate) fn new(options: Options) -> Self {
        Self::with(options, Box::new(io::stdout()), Box::new(io::stderr()))
    }

    /// Streams of the caller's own, for tests.
    fn with(options: Options, out: Box<dyn Write + Send>, err: Box<dyn Write + Send>) -> Self {
        let choice = |coloured| if coloured { ColorChoice::Always } else { ColorChoice::Never };
        let streams = Streams {
            // A JSON document passes as it is: without colours the stream would take letters out of it.
            out: AutoStream::new(out, choice(options.json || options.colours_out())),
            err: AutoStream::new(err, choice(options.colours_err())),
            failed: None,
            progress: None,
        };
        Self { options, streams: Mutex::new(streams) }
    }

    /// How reports should look on the stream that [`Ui::out`] writes to.
    pub(crate) fn look(&self) -> Look {
        self.options.look()
    }

    /// Whether standard output belongs to one JSON document.
    pub(crate) fn is_json(&self) -> bool {
        self.options.json
    }

    /// What the person asked for. The text may carry ANSI styles; foreign words in it must have been
    /// made [`printable`]. A missing newline at the end is added.
    pub(crate) fn out(&self, text: &str) {
        let to = if self.options.json { To::Err } else { To::Out };
        self.write(to, text);
    }

    /// A report: the document for programs, or else what `text` makes of it for people.
    pub(crate) fn show(&self, report: &impl Serialize, text: impl FnOnce() -> String) {
        if self.is_json() {
            self.json(report);
        } else {
            self.out(&text());
        }
    }

    /// The one JSON document of a command with `--json`.
    pub(crate) fn json(&self, document: &impl Serialize) {
        match serde_json::to_string_pretty(document) {
            Ok(text) => self.write(To::Out, &harmless(&text)),
            Err(error) => self.failed(error.into()),
        }
    }

    /// One JSON document in one line, for commands that answer line by line.
    pub(crate) fn json_line(&self, document: &impl Serialize) {
        match serde_json::to_string(document) {
            Ok(text) => self.write(To::Out, &harmless(&text)),
            Err(error) => self.failed(error.into()),
        }
    }

    /// One line of what a check or step prints, as it is: what in it could steer a terminal or a
    /// runner must have been taken out. Silent with `--quiet`.
    pub(crate) fn relay(&self, line: &str) {
        if !self.options.quiet {
            self.write(To::Err, line);
        }
    }

    /// A workflow command of our own. It goes to the stream of what is relayed: GitHub's runner reads the two
    /// streams independently of each other, and on the other one a command could overtake the line that
    /// makes the runner obey again.
    pub(crate) fn command(&self, line: &str) {
        self.write(To::Err, line);
    }

    /// Something worth knowing that nobody asked for. Silent with `--quiet`.
    pub(crate) fn note(&self, text: &str) {
        if !self.options.quiet {
            self.write(To::Err, &format!("{DIM}{}{DIM:#}", printable(text)));
        }
    }

    /// Something that does not look right and stops nothing.
    pub(crate) fn warn(&self, text: &str) {
        self.write(To::Err, &format!("{WARNING}warning:{WARNING:#} {}", printable(text)));
    }

    /// What ended the command: what happened, why, and what to do next.
    pub(crate) fn error(&self, title: &str, causes: &[String], hints: &[String]) {
        let mut text = format!("{ERROR}error:{ERROR:#} {}", printable(title));
        for cause in causes {
            // What another program said may have lines of its own.
            for (at, line) in cause.lines().enumerate() {
                let label = if at == 0 { "cause: " } else { "       " };
                text.push_str(&format!("\n  {label}{}", printable(line)));
            }
        }
        for hint in hints {
            text.push_str(&format!("\n  {HINT}hint:{HINT:#} {}", printable(hint)));
        }
        self.write(To::Err, &text);
    }

    /// A sign of life for work that may take longer than a second: `what 12/240`. It is drawn on a
    /// terminal only, and goes away with the value.
    pub(crate) fn progress(&self, what: &str, of: Option<u64>) -> Progress<'_> {
        let shown = self.options.shows_progress().then(|| Shown::start(&printable(what), of));
        let bar = shown.as_ref().map(Shown::bar);
        self.lock().progress = shown;
        Progress::new(self, bar)
    }

    /// Writes out what is still held back, and says whether anything could not be written. A reader
    /// who went away (`patch-moi … | head`) is no failure.
    ///
    /// # Errors
    /// The first write that failed otherwise, for example on a full disk.
    pub(crate) fn finish(&self) -> io::Result<()> {
        let mut streams = self.lock();
        streams.progress = None;
        let flushed = streams.out.flush().and_then(|()| streams.err.flush());
        match streams.failed.take() {
            Some(error) => Err(error),
            None => flushed.or_else(ignore_broken_pipe),
        }
    }

    /// Takes the sign of life away.
    fn end_progress(&self) {
        self.lock().progress = None;
    }

    fn write(&self, to: To, text: &str) {
        let mut streams = self.lock();
        let bar = streams.progress.as_ref().map(Shown::bar);
        let mut write = || streams.write(to, text);
        let written = match bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        };
        drop(streams);
        if let Err(error) = written.or_else(ignore_broken_pipe) {
            self.failed(error);
        }
    }

    fn failed(&self, error: io::Error) {
        self.lock().failed.get_or_insert(error);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Streams> {
        // A thread that panicked while writing leaves nothing here that could be half done.
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Clone, Copy)]
enum To {
    Out,
    Err,
}

impl Streams {
    fn write(&mut self, to: To, text: &str) -> io::Result<()> {
        let stream = match to {
            To::Out => &mut self.out,
            To::Err => &mut self.err,
        };
        stream.write_all(text.as_bytes())?;
        if !text.ends_with('\n') {
            stream.write_all(b"\n")?;
        }
        stream.flush()
    }
}

/// JSON that says the same and may be shown: what [`printable`] would change stands only inside its
/// strings, and is written as an escape there.
fn harmless(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let mut units = [0; 2];
    for c in json.chars() {
        if c == '\n' || matches!(printable(c.encode_utf8(&mut [0; 4])), Cow::Borrowed(_)) {
            text.push(c);
        } else {
            let escapes = c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}"));
            text.extend(escapes);
        }
    }
    text.replace("##[", "#\\u0023[")
}

fn ignore_broken_pipe(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}
