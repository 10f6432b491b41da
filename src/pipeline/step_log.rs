//! The log of a step: in a file while it runs, and in our own log.

use std::io::Write;
use std::path::Path;

use super::execution::Execution;
use super::relaying::relayed;
use super::session::Session;
use super::words::problem;
use crate::failure::Result;
use crate::flow::Selected;
use crate::record::RunId;

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
    let title = format!("step {}/{}", selected.manifest.name, selected.step.name);
    let done = relayed(session, &title, |on_line| work(&mut log, on_line))?;
    let place = shown(session, log.path());
    if let Err(error) = log.finish() {
        session
            .context
            .ui
            .warn(&format!("the log of {title} is not whole: {}", problem(&error.into()).message));
    }
    Ok((done, place))
}

/// Where the log of a run is, as the workspace sees it, where it has one.
pub(super) fn log_of(session: &Session<'_>, run: &RunId) -> Option<String> {
    session.client.log_of(run).map(|path| shown(session, &path))
}

fn shown(session: &Session<'_>, path: &Path) -> String {
    path.strip_prefix(session.context.workspace.root()).unwrap_or(path).display().to_string()
}
