//! The candidate artifact: what git can say of a carry, and the reports about it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::session::Session;
use crate::candidate::{self, Artifact, Document, Plan, Step};
use crate::failure::{Failure, Kind, Result};
use crate::git::{ConflictFile, Workbench};
use crate::ids::{CommitId, EventId, RelPath, RepoName, Slug};
use crate::record::{EventRecord, MAX_EVENT_RECORD_BYTES};
use crate::report::{self, EventReport, Extras};
use crate::stack::{Carry, Conflict, Patch};
use crate::store::{self, ArtifactDir};
use crate::workspace::read_bounded;

use super::plumbing::tree_of;
use super::words::problem;

/// A conflicted hunk in a report is cut after so many lines.
const EXCERPT_LINES: usize = 60;

/// A conflicted file that is larger is named and not copied.
const LARGEST_CONFLICT: usize = 8 * 1024 * 1024;

/// A conflicted file whose path is longer, or a part of it, in bytes, is written under a number. What a system opens is
/// shorter than 4,096 bytes on Linux and 1,024 on macOS, with wherever the artifact was unpacked; names are below 256.
const LONGEST_PATH: usize = 700;
const LONGEST_NAME: usize = 255;

/// A candidate.json that is larger is not read.
const LARGEST_DOCUMENT: u64 = 256 << 20;

/// Everything that the artifact is made from.
pub(super) struct Evidence<'a> {
    pub(super) bench: &'a Workbench,
    pub(super) carry: Carry,
    pub(super) members: BTreeSet<CommitId>,
    pub(super) slug: Slug,
    pub(super) plan: &'a Plan,
}

impl Evidence<'_> {
    fn written(&self) -> impl Iterator<Item = (&RelPath, &Artifact)> {
        self.plan.steps.iter().filter_map(|step| match step {
            Step::WriteArtifact { path, what } => Some((path, what)),
            _ => None,
        })
    }

    /// The bundle's file name, where there is one.
    pub(super) fn bundle(&self) -> Option<String> {
        self.written()
            .find(|(_, what)| matches!(what, Artifact::Bundle { .. }))
            .map(|(path, _)| path.to_string())
    }

    fn patch(&self, commit: CommitId) -> Option<&Patch> {
        self.carry.patches.iter().find(|patch| patch.commit == commit)
    }
}

/// Opens the artifact's folder. Folder and refs are named after the tag alone, so one that belongs to
/// another upstream's release of the same tag is not replaced.
///
/// # Errors
/// Where it cannot be made, or belongs to another upstream.
pub(super) fn open(
    session: &Session<'_>,
    evidence: &Evidence<'_>,
    upstream: &RepoName,
) -> Result<ArtifactDir> {
    let artifacts = session.context.workspace.artifacts_dir();
    let folder = artifacts.join(evidence.slug.as_str());
    if let Some(other) = owner(&folder).filter(|other| other != upstream) {
        let text = format!("{} holds what was carried to that tag of {other}", folder.display());
        return Err(Failure::new(Kind::Failed, anyhow::Error::msg(text))
            .hint("move it away, or follow each upstream in a workspace of its own (`--workspace-root`)"));
    }
    Ok(ArtifactDir::open(&artifacts, &evidence.slug)?)
}

/// The upstream that an artifact is about, where it says so.
fn owner(folder: &Path) -> Option<RepoName> {
    let read = |name: &str, limit: u64| -> Option<Value> {
        serde_json::from_str(&read_bounded(&folder.join(name), limit).ok()?).ok()
    };
    let document = read("candidate.json", LARGEST_DOCUMENT).map(|document| document["event"]["repo"].clone());
    let repo = document.or_else(|| Some(read("record.json", MAX_EVENT_RECORD_BYTES)?["repo"].clone()));
    repo?.as_str()?.parse().ok()
}

/// Writes record.json into the artifact of its release, and says where that is. Where there is none, one is
/// made of the record and a report of the event. Nothing is written where the folder belongs to another
/// upstream's release.
///
/// # Errors
/// Where a file cannot be written.
pub(super) fn keep_record(
    session: &Session<'_>,
    record: EventRecord,
    about: &EventReport,
) -> Result<Option<PathBuf>> {
    let (artifacts, slug) = (session.context.workspace.artifacts_dir(), record.tag.slug());
    let folder = artifacts.join(slug.as_str());
    if owner(&folder).is_some_and(|other| other != record.repo) {
        let folder = folder.display();
        session.context.ui.warn(&format!("{folder} belongs to another upstream, and got no record.json"));
        return Ok(None);
    }
    let is_release = record.event_id() == Some(EventId::of_release(&record.repo, &record.tag));
    if !is_release && about.steps.iter().all(|step| step.artifact.is_none()) && holds_release(&folder) {
        return keep_follower(session, &folder, record);
    }
    if folder.join("candidate.json").is_file() {
        store::replace(&folder.join("record.json"), record.to_text().as_bytes())?;
        return Ok(Some(folder));
    }
    let artifact = ArtifactDir::open(&artifacts, &slug)?;
    artifact.write(&"record.json".parse()?, record.to_text().as_bytes())?;
    artifact.write(&"report.md".parse()?, report::event_report_markdown(about).as_bytes())?;
    Ok(Some(artifact.publish()?))
}

/// Whether the record in a folder is that of a release's own event.
fn holds_release(folder: &Path) -> bool {
    let record = read_record(folder);
    record.is_some_and(|one| one.event_id() == Some(EventId::of_release(&one.repo, &one.tag)))
}

fn read_record(folder: &Path) -> Option<EventRecord> {
    let text = read_bounded(&folder.join("record.json"), MAX_EVENT_RECORD_BYTES).ok()?;
    EventRecord::parse(text.as_bytes()).ok()
}

/// Adds the record of an event that followed to the one in `folder`, and says where that is. Nothing is
/// written where that one is gone, or would grow so long that nobody read it.
///
/// # Errors
/// Where the file cannot be written.
pub(super) fn keep_follower(
    session: &Session<'_>,
    folder: &Path,
    follower: EventRecord,
) -> Result<Option<PathBuf>> {
    let id = follower.event_id();
    let text = read_record(folder).map(|record| record.followed_by(follower).to_text());
    let Some(text) = text.filter(|text| text.len() as u64 <= MAX_EVENT_RECORD_BYTES) else {
        let (folder, id) = (folder.display(), id.as_ref().map_or("an event", EventId::as_str));
        session.context.ui.warn(&format!("record.json in {folder} cannot take in what was done for {id}"));
        return Ok(None);
    };
    store::replace(&folder.join("record.json"), text.as_bytes())?;
    Ok(Some(folder.to_owned()))
}

/// Writes bundle, patches, range-diff and conflicts, and gives what the report shows of the latter.
///
/// # Errors
/// Where git fails or a file cannot be written.
pub(super) fn contents(evidence: &Evidence<'_>, artifact: &ArtifactDir) -> Result<Extras> {
    let mut extras = Extras::default();
    for (path, what) in evidence.written() {
        match what {
            Artifact::Bundle { refs } => {
                for named in refs {
                    evidence.bench.name(&named.name, named.commit)?;
                }
                let names: Vec<_> = refs.iter().map(|named| named.name.clone()).collect();
                evidence.bench.bundle(&artifact.reserve(path)?, &names, evidence.carry.onto)?;
            }
            Artifact::Patch { commit } => evidence.bench.format_patch(&artifact.reserve(path)?, *commit)?,
            Artifact::Series => {
                let series = candidate::series(&evidence.carry, Some(&evidence.members));
                artifact.write(path, series.as_bytes())?;
            }
            Artifact::RangeDiff => artifact.write(path, &range_diff(evidence))?,
            Artifact::Conflict { patch } => conflict(evidence, artifact, path, *patch, &mut extras)?,
            Artifact::Document | Artifact::ReportHtml | Artifact::ReportMarkdown => {}
        }
    }
    Ok(extras)
}

/// Writes candidate.json and the reports: last, for they speak of the rest.
///
/// # Errors
/// Where a file cannot be written.
pub(super) fn documents(
    evidence: &Evidence<'_>,
    artifact: &ArtifactDir,
    document: &Document,
    extras: &Extras,
) -> Result<()> {
    for (path, what) in evidence.written() {
        match what {
            Artifact::Document => {
                let text =
                    serde_json::to_string_pretty(document).map_err(|err| Failure::new(Kind::Failed, err))?;
                artifact.write(path, (text + "\n").as_bytes())?;
            }
            Artifact::ReportHtml => artifact.write(path, report::html(document, extras).as_bytes())?,
            Artifact::ReportMarkdown => {
                artifact.write(path, report::document_markdown(document).as_bytes())?
            }
            _ => {}
        }
    }
    Ok(())
}

/// git's comparison, or why there is none: it is evidence, and nothing depends on it.
fn range_diff(evidence: &Evidence<'_>) -> Vec<u8> {
    let carry = &evidence.carry;
    let new = carry.partial.unwrap_or(carry.candidate.commit);
    let moved = |patch: &Patch| Some((patch.commit, patch.new_commit?));
    let pairs: Vec<_> = carry.patches.iter().filter(|patch| !patch.merge).filter_map(moved).collect();
    let old = carry.landed.is_none().then_some((carry.base, carry.tip));
    match evidence.bench.range_diff(old, (carry.onto, new), &pairs) {
        Ok(text) => text,
        Err(err) => format!("there is no range-diff: {}\n", problem(&err.into()).message).into_bytes(),
    }
}

/// The files in which a patch conflicts.
fn files(evidence: &Evidence<'_>, patch: &Patch) -> Result<Vec<ConflictFile>> {
    let Some(there) = patch.tried_on else { return Ok(Vec::new()) };
    let paths: Vec<Vec<u8>> = patch.conflicts.iter().map(Conflict::bytes).collect();
    let attributes = tree_of(evidence.bench, evidence.carry.onto)?;
    Ok(evidence.bench.conflict_files(patch.commit, there, attributes, &paths)?)
}

/// Writes the folder of a conflict, and keeps the first hunk of each text for the report.
fn conflict(
    evidence: &Evidence<'_>,
    artifact: &ArtifactDir,
    folder: &RelPath,
    commit: CommitId,
    extras: &mut Extras,
) -> Result<()> {
    let Some(patch) = evidence.patch(commit) else { return Ok(()) };
    let mut listed = Vec::new();
    for (number, (file, conflict)) in files(evidence, patch)?.into_iter().zip(&patch.conflicts).enumerate() {
        // A name that cannot be a path here keeps its bytes in conflict.json and has no file.
        let name = std::str::from_utf8(&file.path)
            .ok()
            .filter(|path| path.parse::<RelPath>().is_ok())
            .and_then(|path| format!("{folder}/{}", file_name(path, number + 1)).parse::<RelPath>().ok());
        let text = file.content.as_deref().and_then(|content| std::str::from_utf8(content).ok());
        if let Some(hunk) = text.and_then(first_hunk) {
            extras.excerpts.insert((patch.commit, conflict.path.clone()), hunk);
        }
        let content = file.content.filter(|content| content.len() <= LARGEST_CONFLICT);
        let mut entry = json!({ "path": conflict.path, "kind": conflict.kind });
        if let Some(exact) = &conflict.path_base64 {
            entry["path_base64"] = json!(exact);
        }
        if let (Some(name), Some(content)) = (name, content) {
            artifact.write(&name, &content)?;
            entry["file"] = json!(name.as_str().trim_start_matches(folder.as_str()).trim_start_matches('/'));
        }
        listed.push(entry);
    }
    let about = json!({
        "commit": patch.commit, "subject": patch.subject, "author": patch.author,
        "tried_on": patch.tried_on, "culprit": patch.culprit, "conflicts": listed,
    });
    let path: RelPath = format!("{folder}/conflict.json").parse()?;
    Ok(artifact.write(&path, format!("{about:#}\n").as_bytes())?)
}

/// Where below the conflict's folder a copy of the file at `path` lies, which is the folder's `number`th.
fn file_name(path: &str, number: usize) -> String {
    let is_long = path.len() > LONGEST_PATH || path.split('/').any(|name| name.len() > LONGEST_NAME);
    if is_long { format!("long-paths/{number}") } else { format!("files/{path}") }
}

/// From the first marker to its end.
fn first_hunk(text: &str) -> Option<String> {
    let from: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("<<<<<<< ")).collect();
    let end = from.iter().position(|line| line.starts_with(">>>>>>> "))?;
    let mut hunk = from[..=end].iter().take(EXCERPT_LINES).copied().collect::<Vec<_>>().join("\n");
    if end >= EXCERPT_LINES {
        hunk.push_str("\n…");
    }
    Some(hunk)
}

#[cfg(test)]
mod tests {
    use super::{file_name, first_hunk};

    #[test]
    fn a_file_whose_path_no_system_opens_is_written_under_its_number() {
        assert_eq!(file_name("src/main.rs", 1), "files/src/main.rs");
        assert_eq!(file_name(&"d/".repeat(350), 2), format!("files/{}", "d/".repeat(350)));
        assert_eq!(file_name(&format!("{}f", "d/".repeat(350)), 2), "long-paths/2");
        assert_eq!(file_name(&"f".repeat(256), 3), "long-paths/3");
    }

    #[test]
    fn an_excerpt_is_one_whole_hunk_and_never_too_long() {
        assert_eq!(first_hunk("a\nb\n"), None);
        assert_eq!(first_hunk("a\n<<<<<<< x\nb\n"), None, "a marker that never ends is the file's own text");
        assert_eq!(first_hunk("a\n<<<<<<< x\n1\n>>>>>>> y\nz\n").as_deref(), Some("<<<<<<< x\n1\n>>>>>>> y"));
        let long = format!("<<<<<<< x\n{}>>>>>>> y\n", "1\n".repeat(500));
        assert_eq!(first_hunk(&long).map(|hunk| hunk.lines().count()), Some(61));
    }
}
