//! The hidden line by which a text is found again.

use crate::ids::EventId;

const OPENING: &str = "<!-- patch-moi:";
const CLOSING: &str = " -->";

/// The line that marks a text as being about `event`. A tag may hold what would end a comment, so the
/// id is escaped.
pub(crate) fn marker(event: &EventId) -> String {
    let id = event.as_str().replace('%', "%25").replace('<', "%3C").replace('>', "%3E");
    format!("{OPENING}{id}{CLOSING}")
}

/// Whether the first or the last line of `body` is `marker`.
pub(crate) fn is_marked(body: &str, marker: &str) -> bool {
    first(body).0 == Some(marker) || last(body).1 == Some(marker)
}

/// The event that a text is about, where its first or last line says so.
pub(crate) fn event_of(body: &str) -> Option<EventId> {
    let event = |line: &str| {
        let id = line.strip_prefix(OPENING)?.strip_suffix(CLOSING)?;
        id.replace("%3E", ">").replace("%3C", "<").replace("%25", "%").parse().ok()
    };
    first(body).0.and_then(event).or_else(|| last(body).1.and_then(event))
}

/// The marker that `body` begins with, if any, and the rest.
pub(super) fn first(body: &str) -> (Option<&str>, &str) {
    let body = body.trim();
    let (line, rest) = body.split_once('\n').unwrap_or((body, ""));
    if is_marker(line.trim()) { (Some(line.trim()), rest.trim()) } else { (None, body) }
}

/// What comes before the marker that `body` ends with, and the marker, if any.
pub(super) fn last(body: &str) -> (&str, Option<&str>) {
    let body = body.trim();
    let (rest, line) = body.rsplit_once('\n').unwrap_or(("", body));
    if is_marker(line.trim()) { (rest.trim(), Some(line.trim())) } else { (body, None) }
}

fn is_marker(line: &str) -> bool {
    line.strip_prefix(OPENING).is_some_and(|rest| rest.ends_with(CLOSING))
}
