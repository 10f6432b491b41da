//! The log of a step: in a file while it runs, and in our own log.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

use super::execution::Execution;
use super::relaying::relayed;
use super::session::Session;
use super::words::problem;
use crate::failure::Result;
use crate::flow::Selected;
use crate::record::RunId;
use crate::runner::{EnvAsked, StepEnv, step_env};

/// How long a secret is at least, in bytes: with a shorter one too much would be hidden.
const SHORTEST: usize = 6;

/// Does `work` with the step's log, and with what shows a line of it to whoever watches. Comes back with what it
/// made of that and where the log is, as the workspace sees it.
///
/// # Errors
/// Where the log cannot be begun, or the system gives no random bytes to guard our own log with.
pub(super) fn logged<R>(
    session: &Session<'_>,
    selected: &Selected<'_>,
    execution: &Execution,
    work: impl FnOnce(&mut dyn Write, &mut dyn FnMut(&str)) -> R,
) -> Result<(R, String)> {
    let mut log = session.client.begin_log(&execution.run)?;
    let title = format!("step {}", selected.full_name());
    let hidden = Hidden::of(session, selected);
    let done = relayed(session, &title, |on_line| {
        work(&mut HidingLog { hidden: &hidden, log: &mut log }, &mut |line| on_line(&hidden.mask(line)))
    })?;
    let place = shown(session, log.path());
    if let Err(error) = log.finish() {
        session
            .context
            .ui
            .warn(&format!("the log of {title} is not whole: {}", problem(&error.into()).message));
    }
    Ok((done, place))
}

/// The values of the secrets that a step sees because its flow lists them. Where it says one, nobody reads it.
pub(super) struct Hidden(Vec<String>);

impl Hidden {
    /// Those of a step.
    pub(super) fn of(session: &Session<'_>, selected: &Selected<'_>) -> Self {
        let asked = EnvAsked { listed: &selected.step.env, named: Vec::new() };
        let StepEnv { env, secrets, .. } = step_env(session.context.variables, &asked, &[]);
        let values = secrets.iter().filter_map(|name| env.get(name)).flat_map(str::lines).map(str::trim);
        let mut values: Vec<_> = values.filter(|value| value.len() >= SHORTEST).map(str::to_owned).collect();
        // A longer one may have a shorter one in it.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self(values)
    }

    /// The text with three stars for each of them.
    pub(super) fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let hides = |text: Cow<'t, str>, value: &String| match text.contains(value) {
            true => Cow::Owned(text.replace(value, "***")),
            false => text,
        };
        self.0.iter().fold(Cow::Borrowed(text), hides)
    }
}

/// A log that is written line by line.
struct HidingLog<'a, W> {
    hidden: &'a Hidden,
    log: &'a mut W,
}

impl<W: Write> Write for HidingLog<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.hidden.0.is_empty() {
            return self.log.write(bytes);
        }
        let text = String::from_utf8_lossy(bytes);
        self.log.write_all(self.hidden.mask(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.log.flush()
    }
}

/// Where the log of a run is, as the workspace sees it, where it has one.
pub(super) fn log_of(session: &Session<'_>, run: &RunId) -> Option<String> {
    session.client.log_of(run).map(|path| shown(session, &path))
}

fn shown(session: &Session<'_>, path: &Path) -> String {
    path.strip_prefix(session.context.workspace.root()).unwrap_or(path).display().to_string()
}
