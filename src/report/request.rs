//! The texts of a pull request and of an issue about one carried stack.
//!
//! Both are found again by a hidden marker, their last line, and fit into what GitHub takes.

use crate::candidate::Document;
use crate::ids::{CommitId, EventId, TagName};

const OPENING: &str = "<!-- patch-moi:";
const CLOSING: &str = " -->";

/// A title and a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    /// One line.
    pub(crate) title: String,
    /// Markdown, at most 65,536 bytes, with the marker.
    pub(crate) body: String,
}

/// Where the things are that a text speaks of. What is not known is not spoken of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Where {
    /// The page of the workflow's run.
    pub(crate) run_url: Option<String>,
    /// The artifact's name.
    pub(crate) artifact: Option<String>,
    /// The artifact's page.
    pub(crate) artifact_url: Option<String>,
    /// The branch that holds the candidate, without `refs/heads/`.
    pub(crate) branch: Option<String>,
    /// Where the maintained branch stands by now, where that is no longer the stack's tip.
    pub(crate) stale: Option<CommitId>,
    /// The branch beside which [`branch`](Self::branch) was written, because somebody has pushed to it.
    pub(crate) sibling_of: Option<String>,
    /// Files of `.github/workflows` that the stack changes and the token could not push.
    pub(crate) workflow_files: Vec<String>,
    /// Why there is no branch or no pull request, in plain sentences.
    pub(crate) reasons: Vec<String>,
}

/// The pull request about `document`.
pub(crate) fn pull_request(document: &Document, place: &Where) -> Text {
    let _ = place;
    Text { title: String::new(), body: marker(&document.event.id) }
}

/// The issue about `document`.
pub(crate) fn issue(document: &Document, place: &Where) -> Text {
    let _ = place;
    Text { title: String::new(), body: marker(&document.event.id) }
}

/// `title` and `body` of an earlier text, now that `by` has taken its place. Done twice, it is the same.
pub(crate) fn superseded(title: &str, body: &str, by: &TagName) -> Text {
    let _ = by;
    Text { title: title.to_owned(), body: body.to_owned() }
}

/// The line that marks a text as being about `event`. A tag may hold what would end a comment, so the
/// id is escaped.
pub(crate) fn marker(event: &EventId) -> String {
    let id = event.as_str().replace('%', "%25").replace('<', "%3C").replace('>', "%3E");
    format!("{OPENING}{id}{CLOSING}")
}

/// Whether the first or the last line of `body` is `marker`.
pub(crate) fn is_marked(body: &str, marker: &str) -> bool {
    outer_lines(body).any(|line| line == marker)
}

/// The event that a text is about, where its first or last line says so.
pub(crate) fn event_of(body: &str) -> Option<EventId> {
    let event = |line: &str| {
        let id = line.strip_prefix(OPENING)?.strip_suffix(CLOSING)?;
        id.replace("%3E", ">").replace("%3C", "<").replace("%25", "%").parse().ok()
    };
    outer_lines(body).find_map(event)
}

/// The first and the last line that are not empty.
fn outer_lines(body: &str) -> impl Iterator<Item = &str> {
    let mut lines = body.lines().map(str::trim).filter(|line| !line.is_empty());
    [lines.next(), lines.next_back()].into_iter().flatten()
}
