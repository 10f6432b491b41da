//! What checks and steps print, in our own log.

use super::session::Session;
use crate::actions::{Actions, Nonce, Relay};
use crate::failure::Result;
use crate::report::printable;

/// Does `work`, which says lines that come from somebody else: in a workflow they stand in a group
/// in which GitHub's runner obeys no command; elsewhere they are shown with `-v`, and without it there
/// is a sign of life.
///
/// # Errors
/// Where the system gives no random bytes to guard the group with.
pub(super) fn relayed<R>(
    session: &Session<'_>,
    title: &str,
    work: impl FnOnce(&mut dyn FnMut(&str)) -> R,
) -> Result<R> {
    let context = session.context;
    let _progress = context.ui.progress(title, None);
    if Actions::detect(context.variables).is_none() {
        return Ok(work(&mut |line| tracing::info!("{}: {}", printable(title), printable(line))));
    }
    let out = |line: &str| context.ui.relay(line);
    let relay = Relay::begin(title, Nonce::random()?, &out);
    Ok(work(&mut |line| relay.line(line)))
}
