//! The texts of a pull request and of an issue about one carried stack.
//!
//! Both are found again by a hidden marker, their last line, and fit into what GitHub takes, whatever
//! strangers have written into the stack.

mod marker;
mod page;
#[cfg(test)]
mod tests;

use url::Url;

use crate::candidate::{Document, Outcome};
use crate::ids::{CommitId, TagName};
use crate::report::markdown::{self, TABLE_HEAD, code, escape, row};
use crate::report::next::{NextStep, land, look, next_away, shell_quote};
use crate::report::printable;
use crate::report::printable::cut;
use crate::report::words::{counted, document_sentence, patches, shown};
use crate::stack::Patch;

pub(crate) use marker::{event_of, is_marked, marker};
use page::Page;

/// GitHub takes 65,536 characters. Bytes are at least as many as characters, however they are counted;
/// the rest is for line ends that it may count twice.
const LIMIT: usize = 60_000;
/// The longest title, in characters. GitHub takes 256.
const LONGEST_TITLE: usize = 250;
/// The longest reason, in characters.
const LONGEST_REASON: usize = 1_000;
/// So many of anything that is listed beside the patches.
const MOST_ITEMS: usize = 10;
/// How the titles begin of texts that are no longer the last word on their release.
const TITLES: [&str; 3] = ["[superseded by ", "[carried", "[waits"];
/// How the first lines of such texts begin.
const LINES: [&str; 3] = ["**Superseded by ", "**Carried by now", "**No longer complete"];

/// A title and a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    /// One line of plain text.
    pub(crate) title: String,
    /// Markdown, at most 65,536 bytes, with the marker.
    pub(crate) body: String,
}

/// Where the things are that a text speaks of. What is not known is not spoken of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Where {
    /// The page of the workflow's run.
    pub(crate) run_url: Option<Url>,
    /// The artifact's name.
    pub(crate) artifact: Option<String>,
    /// The artifact's page.
    pub(crate) artifact_url: Option<Url>,
    /// The branch of the fork that holds the candidate, without `refs/heads/`.
    pub(crate) branch: Option<String>,
    /// Where the maintained branch stands by now, where that is no longer the stack's tip.
    pub(crate) stale: Option<CommitId>,
    /// The branch beside which [`branch`](Self::branch) was written, because somebody has pushed to it.
    pub(crate) sibling_of: Option<String>,
    /// Files of `.github/workflows` for which the token could not push the candidate.
    pub(crate) workflow_files: Vec<String>,
    /// Why there is no branch or no pull request: sentences.
    pub(crate) reasons: Vec<String>,
    /// How the addresses of the fork's own pages begin. Only those are links in the reasons.
    pub(crate) pages: Option<String>,
}

/// The pull request about the complete candidate of `document`. It is there to be read: the button would
/// merge what is to replace the branch, and the text says so first.
pub(crate) fn pull_request(document: &Document, place: &Where) -> Text {
    let tag = shown(document.event.tag.as_str());
    let carried = patches(document.carry.counts.carried());
    let title = format!("{}: {carried} on {tag}", document.event.repo);
    let branch = code(&shown(&document.fork.branch));
    let mut page = Page::new(LIMIT, marker(&document.event.id));
    let how = if place.stale.is_none() { " The line under “What to do” lands it." } else { "" };
    page.paragraph(&format!(
        "> [!CAUTION]\n> **Do not press “Merge”.** This does not go into {branch}, it replaces {branch}: merged, \
         every patch would be there twice.{how}"
    ));
    told(&mut page, document, place);
    steps(&mut page, &ways_to_land(document, place));
    rest(&mut page, document);
    Text { title: title_of(&title), body: page.finish() }
}

/// The issue about `document`: what is open in the stack, or why there is no pull request about it.
pub(crate) fn issue(document: &Document, place: &Where) -> Text {
    let counts = &document.carry.counts;
    let what = match document.status {
        Outcome::Incomplete => {
            let needs = if counts.conflict == 1 { "needs" } else { "need" };
            format!("{} of {} {needs} you", counts.conflict, patches(counts.patches))
        }
        Outcome::Failed => "the stack is carried and does not pass its checks".to_owned(),
        Outcome::Candidate => "the stack is carried and waits for you".to_owned(),
        Outcome::Adopted => "there is nothing to carry".to_owned(),
    };
    let title = format!("{} {}: {what}", document.event.repo, shown(document.event.tag.as_str()));
    let mut page = Page::new(LIMIT, marker(&document.event.id));
    told(&mut page, document, place);
    let open: Vec<_> = numbered(document).filter(|(_, patch)| patch.verdict.is_open()).collect();
    if !open.is_empty() {
        // Half of the room, so that what to do is said however much there is to be done.
        table(&mut page, document, &open, LIMIT / 2);
    }
    match document.status {
        Outcome::Incomplete => steps(&mut page, &ways_to_settle(document)),
        Outcome::Candidate if document.has_own_commit() => steps(&mut page, &ways_to_land(document, place)),
        _ => steps(&mut page, &next_away(document)),
    }
    rest(&mut page, document);
    Text { title: title_of(&title), body: page.finish() }
}

/// What has taken the place of an earlier text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By<'a> {
    /// A newer release.
    Release(&'a TagName),
    /// The pull request about the same release, which is complete now.
    PullRequest(u64),
    /// The issue about the same release, which is no longer complete.
    Issue(u64),
}

/// `title` and `body` of an earlier text, now that something has taken its place. Done again, it says the
/// newest only.
pub(crate) fn superseded(title: &str, body: &str, by: By<'_>) -> Text {
    let [release, carried, waits] = TITLES;
    let [superseded, now, no_longer] = LINES;
    let (title_begins, line) = match by {
        By::Release(tag) => {
            let tag = shown(tag.as_str());
            (format!("{release}{tag}]"), format!("{superseded}{}.**", escape(&tag)))
        }
        By::PullRequest(number) => (format!("{carried}]"), format!("{now}: see pull request #{number}.**")),
        By::Issue(number) => (format!("{waits}]"), format!("{no_longer}: see issue #{number}.**")),
    };
    let old = TITLES.iter().find_map(|begins| title.strip_prefix(begins)?.split_once("] "));
    let title = format!("{title_begins} {}", old.map_or(title, |(_, rest)| rest));
    let (above, rest) = marker::first(body);
    let (rest, below) = marker::last(rest);
    let rest = match rest.split_once('\n') {
        Some((line, rest)) if LINES.iter().any(|begins| line.starts_with(begins)) => rest.trim_start(),
        _ => rest,
    };
    let mut page = Page::new(LIMIT, below.unwrap_or_default().to_owned());
    above.iter().for_each(|marker| page.paragraph(marker));
    page.paragraph(&format!("{line} What follows is kept as it was."));
    page.lines(rest);
    Text { title: title_of(&title), body: page.finish() }
}

/// Whether `body` says that something has taken its place, so that whoever closed it was this program.
pub(crate) fn is_superseded(body: &str) -> bool {
    let (_, rest) = marker::first(body);
    LINES.iter().any(|begins| rest.starts_with(begins))
}

fn title_of(text: &str) -> String {
    cut(text, LONGEST_TITLE).into_owned()
}

/// The sentence, and what a reader has to know before anything is done.
fn told(page: &mut Page, document: &Document, place: &Where) {
    page.paragraph(&format!("**{}**", escape(&document_sentence(document))));
    for reason in place.reasons.iter().take(MOST_ITEMS) {
        let reason = printable(reason);
        let reason = markdown::linked(&cut(&reason, LONGEST_REASON), place.pages.as_deref());
        page.piece(&format!("{reason}\n\n"), "More reasons stand in the log of the run.");
    }
    workflow_files(page, &place.workflow_files);
    let branch = code(&shown(&document.fork.branch));
    if let Some(head) = place.stale {
        page.paragraph(&format!(
            "{branch} has moved since, from {} to {}. So this cannot be landed, and the stack is carried again by \
             the next run.",
            code(&document.carry.tip.short()),
            code(&head.short())
        ));
    }
    if let Some(taken) = &place.sibling_of {
        page.paragraph(&format!(
            "Somebody has pushed to {}, so it was left as it is, and this stands beside it.",
            code(&shown(taken))
        ));
    }
    if document.squashed.is_some() {
        let stack = format!("refs/patch-moi/stack/{}", document.event.tag.slug());
        page.paragraph(&format!(
            "The stack is one commit here, as the flow asks for. Its single commits are at {}.",
            code(&shown(&stack))
        ));
    }
    if !document.checks.is_empty() {
        let mut checks = "Checks, as the run has reported them:\n\n".to_owned();
        markdown::checks(&mut checks, document);
        page.piece(&checks, "The checks are too long for this page; candidate.json has them.");
    }
    whereabouts(page, place);
}

fn workflow_files(page: &mut Page, files: &[String]) {
    if files.is_empty() {
        return;
    }
    let mut named: Vec<String> = files.iter().take(MOST_ITEMS).map(|file| code(&shown(file))).collect();
    if files.len() > MOST_ITEMS {
        named.push(format!("{} more", files.len() - MOST_ITEMS));
    }
    let words = format!(
        "The candidate has other workflow files than the fork: {}. The token of a workflow may not push those; a \
         token of your own with the permission “Workflows” may.\n\n",
        named.join(", ")
    );
    page.piece(&words, "The candidate has other workflow files than the fork.");
}

/// Where the run and the artifact are.
fn whereabouts(page: &mut Page, place: &Where) {
    let linked = |words: &str, url: &Option<Url>| match url {
        // What could end the address is escaped in a parsed one, all but the brackets.
        Some(url) => format!("[{words}](<{}>)", url.as_str().replace(['<', '>'], "")),
        None => words.to_owned(),
    };
    let mut parts = Vec::new();
    if place.run_url.is_some() {
        parts.push(linked("the run", &place.run_url));
    }
    if let Some(artifact) = &place.artifact {
        parts.push(format!("the artifact {}", linked(&escape(&shown(artifact)), &place.artifact_url)));
    }
    if !parts.is_empty() {
        page.paragraph(&format!("Everything is in {}.", parts.join(" and ")));
    }
}

/// How the candidate is landed: from its branch, or from the artifact where there is none.
fn ways_to_land(document: &Document, place: &Where) -> Vec<NextStep> {
    let Some(branch) = &place.branch else { return next_away(document) };
    let from = shell_quote(&format!("refs/heads/{branch}"));
    let mut fetched = look(document, "git");
    fetched.what = "In a clone of the fork, fetch the carried stack and look at it.".to_owned();
    fetched.commands.insert(0, format!("git fetch origin {from}"));
    // Where the branch has moved on, the lease would be refused.
    let landed = place.stale.is_none().then(|| land(document));
    std::iter::once(fetched).chain(landed).collect()
}

/// How the open patches are settled: with this program and what is known of the release, or with git alone.
fn ways_to_settle(document: &Document) -> Vec<NextStep> {
    let command = |what: &str| format!("patch-moi resume {what}");
    let resume = NextStep {
        what: "In a clone of the fork, settle what is open, one patch after the other, in a worktree of its own. \
               Or do the same with plain git, as below; there ARTIFACT is the folder that holds candidate.json."
            .to_owned(),
        commands: vec![command(&shell_quote(document.event.tag.as_str()))],
    };
    let is_plain = |step: &NextStep| !step.commands.iter().any(|line| line.starts_with(&command("")));
    std::iter::once(resume).chain(next_away(document).into_iter().filter(is_plain)).collect()
}

fn steps(page: &mut Page, steps: &[NextStep]) {
    let mut said = String::new();
    markdown::steps(&mut said, steps);
    page.piece(&said, "The commands are too long for this page; report.md in the artifact has them.");
}

/// What was lost, and the settled patches, folded away.
fn rest(page: &mut Page, document: &Document) {
    let mut lost = String::new();
    markdown::losses(&mut lost, document);
    page.piece(&lost, "What was left behind is too long for this page; candidate.json has it.");
    let settled: Vec<_> = numbered(document).filter(|(_, patch)| !patch.verdict.is_open()).collect();
    if settled.is_empty() {
        return;
    }
    let counted = counted(&document.carry.counts).into_iter().filter(|(verdict, _)| !verdict.is_open());
    let counted: Vec<String> = counted.map(|(_, words)| words).collect();
    page.paragraph(&format!("<details><summary>{}</summary>", escape(&counted.join(" · "))));
    table(page, document, &settled, LIMIT);
    page.paragraph("</details>");
}

fn numbered(document: &Document) -> impl Iterator<Item = (usize, &Patch)> {
    (1..).zip(&document.carry.patches)
}

/// The rows that fit before `end`, and how many more there are.
fn table(page: &mut Page, document: &Document, rows: &[(usize, &Patch)], end: usize) {
    page.keep(TABLE_HEAD);
    let shown =
        rows.iter().take_while(|(number, patch)| page.fits(&row(document, *number, patch), end)).count();
    page.keep("\n");
    if shown < rows.len() {
        page.paragraph(&format!("{} more are listed in candidate.json.", rows.len() - shown));
    }
}
