//! What `patch-moi publish` says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::candidate::Tool;
use crate::candidate::publication::Publication;
use crate::ids::{CommitId, EventId, ObjectId, RefName, RepoName, TagName};
use crate::report::markdown::{code, escape, linked};
use crate::report::proof::{Proved, RefusalReport};
use crate::report::run::Problem;
use crate::report::terminal::Look;
use crate::report::words::shown;

/// Everything that one `publish` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "patch-moi publish --json")]
pub(crate) struct PublishReport {
    /// The version of this format, today 1.
    pub(crate) schema_version: u32,
    /// What ran.
    pub(crate) tool: Tool,
    /// The command.
    pub(crate) command: String,
    /// Whether everything was only computed.
    pub(crate) dry_run: bool,
    /// Every artifact, and every release that should have one, in their order.
    pub(crate) events: Vec<PublishedEvent>,
    /// What became of the state.
    pub(crate) state: KeptReport,
    /// What else a reader should know.
    pub(crate) notes: Vec<String>,
    /// The exit code of the process.
    pub(crate) exit_code: u8,
}

/// What became of one release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PublishedEvent {
    /// The release's event, where it is known.
    pub(crate) id: Option<EventId>,
    /// The repository that released, where it is known.
    pub(crate) repo: Option<RepoName>,
    /// The release, where it is known.
    pub(crate) tag: Option<TagName>,
    /// What was looked at: the artifact's folder, else nothing.
    pub(crate) folder: Option<String>,
    /// `candidate`, `incomplete`, `nothing` or `refused`: what others can fetch now.
    pub(crate) published: String,
    /// What was proved.
    pub(crate) proved: Option<Proved>,
    /// What was to become of the remote.
    pub(crate) plan: Option<Publication>,
    /// What became of each of its refs.
    pub(crate) pushed: Vec<PublishedRef>,
    /// Files of `.github/workflows/` in the candidate that no branch of the fork has.
    pub(crate) workflow_files: Vec<String>,
    /// The pull request or issue.
    pub(crate) request: Option<RequestReport>,
    /// What the run says of itself, where it left no candidate.
    pub(crate) record: Option<RecordReport>,
    /// Why the artifact is not published.
    pub(crate) refusal: Option<RefusalReport>,
    /// What went wrong.
    pub(crate) error: Option<Problem>,
    /// The release's state in the ledger now.
    pub(crate) ledger: Option<String>,
}

impl PublishedEvent {
    /// One about which nothing is known yet.
    pub(crate) fn new(folder: Option<String>) -> Self {
        Self {
            id: None,
            repo: None,
            tag: None,
            folder,
            published: "nothing".to_owned(),
            proved: None,
            plan: None,
            pushed: Vec::new(),
            workflow_files: Vec::new(),
            request: None,
            record: None,
            refusal: None,
            error: None,
            ledger: None,
        }
    }

    fn name(&self) -> String {
        match (&self.repo, &self.tag, &self.folder) {
            (Some(repo), Some(tag), _) => format!("{repo} {}", shown(tag.as_str())),
            (_, _, Some(folder)) => shown(folder),
            _ => "nothing".to_owned(),
        }
    }

    /// What became of it, in one sentence.
    pub(crate) fn sentence(&self) -> String {
        if let Some(refusal) = &self.refusal {
            return format!("refused: {}", shown(&refusal.message));
        }
        if let Some(error) = &self.error {
            return format!("not published: {}", shown(&error.message));
        }
        if let Some(record) = &self.record {
            if record.state == "adopted" {
                return shown(&record.message);
            }
            return format!("the run ended as {}: {}", record.state, shown(&record.message));
        }
        match &self.proved {
            Some(proved) => proved.sentence(),
            None => "nothing is to be done".to_owned(),
        }
    }
}

/// One ref and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct PublishedRef {
    /// The ref.
    pub(crate) name: RefName,
    /// Where it stood.
    pub(crate) from: Option<ObjectId>,
    /// Where it should stand.
    pub(crate) to: Option<CommitId>,
    /// `moved`, `unchanged` or `refused`.
    pub(crate) outcome: String,
    /// What the remote said, where it refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
}

/// How people were told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RequestReport {
    /// `pull-request`, `issue` or `summary`.
    pub(crate) kind: String,
    /// `opened`, `updated`, `unchanged` or `left`; for a summary `written`.
    pub(crate) outcome: String,
    /// Its number.
    pub(crate) number: Option<u64>,
    /// Where it is.
    pub(crate) url: Option<String>,
    /// Why it is not what was wanted, one sentence each.
    pub(crate) reasons: Vec<String>,
}

/// What a run says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RecordReport {
    /// The state that it came to.
    pub(crate) state: String,
    /// What came of it, in a sentence.
    pub(crate) message: String,
}

/// What became of the state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct KeptReport {
    /// `written`, `unchanged`, `local` (this machine's disk is the memory), `refused` or `none`.
    pub(crate) outcome: String,
    /// The commit that holds it.
    pub(crate) commit: Option<CommitId>,
    /// Why nothing is remembered.
    pub(crate) why: Option<String>,
}

impl KeptReport {
    /// Whether another machine will not know of this.
    pub(crate) fn is_forgotten(&self) -> bool {
        matches!(self.outcome.as_str(), "refused" | "none")
    }
}

/// The JSON schema of `patch-moi publish --json`, as published in docs/schemas.
pub(crate) fn publish_schema() -> Value {
    schemars::schema_for!(PublishReport).to_value()
}

/// The text of a publication on a terminal.
pub(crate) fn publish_text(report: &PublishReport, look: &Look) -> String {
    let mut text = String::new();
    let arrow = if look.ascii { "->" } else { "→" };
    for event in &report.events {
        text.push_str(&format!("{}: {}\n", event.name(), event.sentence()));
        for line in details(event, report.dry_run, arrow, look.verbose) {
            text.push_str(&format!("  {line}\n"));
        }
    }
    for note in &report.notes {
        text.push_str(&format!("note  {}\n", shown(note)));
    }
    text.push_str(&format!("state  {}\n", kept(&report.state)));
    if report.dry_run {
        text.push_str("dry run: everything was computed, nothing was written\n");
    }
    text
}

/// The part of the step summary. Its first line says when nothing will be remembered.
pub(crate) fn publish_markdown(report: &PublishReport) -> String {
    let mut text = String::new();
    if report.state.is_forgotten() {
        let why = report.state.why.as_deref().unwrap_or("no state is kept");
        text.push_str(&format!("**Nothing will be remembered of this:** {}\n\n", escape(&long(why))));
    }
    if report.events.is_empty() {
        text.push_str("Nothing is to be published.\n\n");
    }
    for event in report.events.iter().take(50) {
        text.push_str(&format!(
            "## {}\n\n{}\n\n",
            escape(&event.name()),
            escape(&capital(&event.sentence()))
        ));
        if let Some(hint) = event.refusal.as_ref().map(|refusal| &refusal.hint) {
            text.push_str(&format!("{}\n\n", escape(&capital(&long(hint)))));
        }
        let pages = event.plan.as_ref().and_then(|plan| pages(&plan.target));
        for line in details(event, report.dry_run, "→", false) {
            text.push_str(&format!("- {}\n", marked_up(&line, pages.as_deref())));
        }
        if let Some(proved) = &event.proved {
            text.push_str("\n<details><summary>What was proved</summary>\n\n");
            proved.sentences.iter().for_each(|said| text.push_str(&format!("- {}\n", escape(&long(said)))));
            text.push_str("\n</details>\n");
        }
        text.push('\n');
    }
    for note in report.notes.iter().take(50) {
        text.push_str(&format!("- {}\n", escape(&long(note))));
    }
    text
}

/// A line that is a link stays one: it was made here from a number and an address.
fn marked_up(line: &str, pages: Option<&str>) -> String {
    match line.rsplit_once(' ').filter(|(_, url)| url.starts_with("https://") || url.starts_with("http://")) {
        Some((words, url)) if !url.contains(['<', '>', '"', '`']) => format!("{} <{url}>", escape(words)),
        _ => match line.split_once(' ').filter(|(name, _)| name.contains("patch-moi/")) {
            Some((name, rest)) => format!("{} {}", code(name), escape(rest)),
            None => linked(line, pages),
        },
    }
}

/// How the addresses of a remote's pages begin, where it has any.
fn pages(target: &str) -> Option<String> {
    let is_web = target.starts_with("https://") || target.starts_with("http://");
    let is_plain = !target.contains(['<', '>', '?', '#']) && !target.contains(char::is_whitespace);
    (is_web && is_plain).then(|| format!("{}/", target.trim_end_matches('/').trim_end_matches(".git")))
}

/// What happened or would happen, a line each.
fn details(event: &PublishedEvent, dry_run: bool, arrow: &str, verbose: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(proved) = event.proved.as_ref().filter(|_| verbose) {
        lines.extend(proved.sentences.iter().map(|said| shown(said)));
    }
    let id = |id: Option<String>| id.map_or_else(|| "nothing".to_owned(), |id| id[..9].to_owned());
    let planned = event.plan.iter().filter(|_| dry_run).flat_map(|plan| &plan.refs);
    for plan in planned {
        let (from, to) = (plan.from.map(|id| id.to_string()), plan.to.map(|id| id.to_string()));
        let name = plan.name.branch();
        lines.push(match plan.is_move() {
            true => format!("{name} would move: {} {arrow} {}", id(from), id(to)),
            false => format!("{name} stands at {} already", id(to)),
        });
    }
    for pushed in &event.pushed {
        let (from, to) = (pushed.from.map(|id| id.to_string()), pushed.to.map(|id| id.to_string()));
        let name = pushed.name.branch();
        lines.push(match (pushed.outcome.as_str(), &pushed.why) {
            ("moved", _) if pushed.to.is_none() => format!("{name} was removed from {}", id(from)),
            ("moved", _) if from.is_none() => format!("{name} was written at {}", id(to)),
            ("moved", _) => format!("{name} was moved: {} {arrow} {}", id(from), id(to)),
            ("unchanged", _) => format!("{name} stands at {} already", id(to)),
            (_, Some(why)) => format!("{name} was not written: {}", long(why)),
            (_, None) => format!("{name} was not written"),
        });
    }
    for one in event.proved.iter().flat_map(|proved| &proved.settlements).take(20) {
        let paths = one.paths.iter().take(10).map(|path| shown(path)).collect::<Vec<_>>().join(", ");
        lines.push(format!("Settled by a person, and not proved: {paths} in {}.", one.commit.short()));
    }
    if let Some(plan) = &event.plan {
        lines.extend(plan.withheld.iter().map(|why| format!("No ref is written: {}.", shown(why))));
        lines.extend(plan.notes.iter().map(|note| long(note)));
    }
    if let Some(request) = &event.request {
        // What was known before is said once.
        let known = event.plan.as_ref().map_or(&[][..], |plan| &plan.notes);
        lines.extend(request.reasons.iter().filter(|it| !known.contains(it)).map(|reason| long(reason)));
        let number = request.number.map(|number| format!(" {number}")).unwrap_or_default();
        let url = request.url.as_deref().map(|url| format!(" {}", shown(url))).unwrap_or_default();
        match request.kind.as_str() {
            "pull-request" => lines.push(format!("Pull request{number} was {}:{url}", request.outcome)),
            "issue" => lines.push(format!("Issue{number} was {}:{url}", request.outcome)),
            _ => {}
        }
    }
    let is_word = |record: &RecordReport| record.state != "adopted";
    if event.record.as_ref().is_some_and(is_word) && event.folder.is_some() {
        lines.push("That is the run's own word; nothing of it was published.".to_owned());
    }
    lines
}

fn kept(state: &KeptReport) -> String {
    let why = state.why.as_deref().map(long).unwrap_or_default();
    match state.outcome.as_str() {
        "written" => match state.commit {
            Some(commit) => format!("written at {}", commit.short()),
            None => "written".to_owned(),
        },
        "unchanged" => "unchanged".to_owned(),
        "local" => "kept on this machine".to_owned(),
        "refused" => format!("not written, so that nothing will be remembered: {why}"),
        _ => format!("not kept: {why}"),
    }
}

/// Foreign words that may take several lines' worth.
fn long(text: &str) -> String {
    crate::report::printable(&text.chars().take(1000).collect::<String>()).into_owned()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> PublishReport {
        let why = "the remote said\n## no <script>".to_owned();
        let mut event = PublishedEvent::new(Some("artifacts/\u{1b}[31mv2".to_owned()));
        event.error = Some(Problem { message: "::error::x\n# y".to_owned(), hint: None });
        PublishReport {
            schema_version: 1,
            tool: Tool::this(),
            command: "publish".to_owned(),
            dry_run: false,
            events: vec![event],
            state: KeptReport { outcome: "refused".to_owned(), commit: None, why: Some(why) },
            notes: vec!["@maintainer".to_owned()],
            exit_code: 1,
        }
    }

    #[test]
    fn the_first_line_says_that_nothing_will_be_remembered() {
        let text = publish_markdown(&report());
        assert!(text.starts_with("**Nothing will be remembered of this:** the remote said"), "{text}");
        assert!(!text.contains("<script>") && !text.contains("\n# y"), "{text}");
        let mut kept = report();
        kept.state.outcome = "written".to_owned();
        assert!(!publish_markdown(&kept).contains("remembered"));
    }

    #[test]
    fn nothing_foreign_moves_the_cursor() {
        let text = publish_text(&report(), &Look::default());
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}
