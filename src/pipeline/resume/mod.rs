//! `patch-moi resume`: a conflict is not the end.
//!
//! The carry is made again, always, with the answers that were given so far; nothing that was handed
//! over or kept counts as a result. What lasts between two commands is one file (`kept`), written
//! before and after the work tree is touched.

mod answer;
mod begin;
mod forward;
mod kept;
mod push;
mod said;

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::asked::{Asked, Effect};
use super::context::Context;
use super::remembering::{self, Kept as Remembered, Wanted};
use super::session::Session;
use crate::failure::{Failure, Kind, Result};
use crate::git::{GitError, Repository, WORKTREE_MARKER, WorkTree};
use crate::ids::{RepoName, TagName};
use crate::report::ResumeReport;
use crate::store::Interventions;
use crate::workspace::read_bounded;
use begin::Handed;
use kept::{Kept, VERSION};

/// A `.git` file or a marker that is larger is none, in bytes.
const LARGEST_LINK: u64 = 64 << 10;

/// What `resume` is asked.
#[derive(Debug)]
pub(crate) struct ResumeAsked {
    /// The release's tag or an artifact's folder, as it was typed.
    pub(crate) release: Option<String>,
    /// What to do.
    pub(crate) act: Act,
    /// Where the work tree shall be.
    pub(crate) worktree: Option<PathBuf>,
    /// The source whose release it is.
    pub(crate) source: Option<String>,
    /// The upstream repository.
    pub(crate) repo: Option<RepoName>,
    /// The maintained branch.
    pub(crate) branch: Option<String>,
    /// The fork's repository.
    pub(crate) fork: Option<PathBuf>,
    /// Where upstream is fetched from.
    pub(crate) upstream_url: Option<String>,
    /// Whether a candidate is pushed to the fork.
    pub(crate) push: bool,
    /// Where runs keep what they did.
    pub(crate) state: Wanted,
    /// The command as it was typed, for the report.
    pub(crate) command: String,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Stop at the first conflict, or say where it stands.
    Begin,
    /// Take what was settled, and go on.
    Continue,
    /// Leave the patch out, and go on.
    Skip,
    /// Give all of it up.
    Abort,
    /// Say where it stands.
    Status,
}

/// One command.
struct Resume<'a, 'c> {
    session: &'a Session<'c>,
    asked: &'a ResumeAsked,
    interventions: Interventions,
    command: String,
}

/// From where an intervention begins.
enum From {
    Artifact { folder: PathBuf, handed: Box<Handed> },
    Tag(TagName),
}

impl From {
    fn tag(&self) -> &TagName {
        match self {
            Self::Artifact { handed, .. } => &handed.event.tag,
            Self::Tag(tag) => tag,
        }
    }
}

/// Does what was asked.
///
/// # Errors
/// No such release, wrong configuration, a conflict that is not settled, a tag that moved, no network.
pub(crate) fn resume(context: &Context<'_>, asked: &ResumeAsked) -> Result<(ResumeReport, Kind)> {
    let interventions = Interventions::open(context.workspace.root());
    let named = asked.release.as_deref().map(|text| named(context.cwd, text)).transpose()?;
    let tag = match &named {
        Some(named) => Some(named.tag().clone()),
        None => the_one(&interventions)?,
    };
    let Some(tag) = tag else {
        return match asked.act {
            Act::Begin => Err(Failure::usage("no release is named, and none is being settled")
                .hint("name one: `patch-moi resume TAG`, or the folder of an artifact")),
            _ => Ok(said::nothing("no release is being settled here", Vec::new())),
        };
    };
    let slug = tag.slug();
    if asked.act == Act::Status {
        return Ok(match read(&interventions, &tag)? {
            Some(kept) => (ResumeReport { exit_code: 0, ..said::stopped(&kept) }, Kind::Done),
            None => said::nothing(&format!("{tag} is not being settled here"), Vec::new()),
        });
    }
    let kept = read(&interventions, &tag)?;
    if kept.is_none() && asked.act != Act::Begin {
        return Err(Failure::usage(format!("{tag} is not being settled here"))
            .hint(format!("`patch-moi resume {tag}` begins")));
    }
    let _claim = interventions.claim(&slug)?;
    let kept = read(&interventions, &tag)?;
    let run = Asked { effect: Effect::Apply, ..Asked::look(&asked.command) };
    let session = Session::open(context, &run)?;
    remembering::restore(&session, &asked.state)?;
    let resume = Resume { session: &session, asked, interventions, command: asked.command.clone() };
    let (mut report, kind) = match (kept, named) {
        (Some(kept), named) => go_on(&resume, kept, named.as_ref())?,
        (None, Some(named)) => begin::begin(&resume, &named)?,
        (None, None) => said::nothing(&format!("{tag} is not being settled here"), Vec::new()),
    };
    // Else the next run would take the person's branch for a stranger's.
    if !report.pushed.is_empty() && !remembering::is_on_disk(context, &asked.state) {
        report.notes.push(match remembering::keep(&session, &asked.state)? {
            Remembered::Written { .. } | Remembered::Unchanged => {
                "runs know of this candidate now".to_owned()
            }
            Remembered::Refused { why } | Remembered::Nowhere { why } => {
                format!("runs do not know of this candidate: {why}")
            }
            Remembered::Local => "this machine alone knows of this candidate".to_owned(),
        });
    }
    Ok((report, kind))
}

/// What is known of an intervention that was begun.
fn read(interventions: &Interventions, tag: &TagName) -> Result<Option<Kept>> {
    let slug = tag.slug();
    let kept: Option<Kept> = interventions.read(&slug)?;
    match kept {
        Some(kept) if kept.schema_version > VERSION => Err(Failure::usage(format!(
            "{} was written by a later version of patch-moi",
            interventions.path(&slug).display()
        ))
        .hint("go on with that version")),
        kept => Ok(kept),
    }
}

fn go_on(resume: &Resume<'_, '_>, mut kept: Kept, named: Option<&From>) -> Result<(ResumeReport, Kind)> {
    let slug = kept.tag.slug();
    let mut notes = Vec::new();
    let exists = || WorkTree::at(&resume.session.git, &kept.worktree).exists();
    let stands = kept.asked.as_ref().is_some_and(|asked| asked.ready) && exists();
    match resume.asked.act {
        Act::Begin | Act::Status => {
            let other = resume.asked.repo.as_ref().is_some_and(|repo| *repo != kept.repo);
            if other {
                return Err(Failure::usage(format!("{} of {} is being settled here", kept.tag, kept.repo))
                    .hint(format!("finish it, or give it up: `patch-moi resume {} --abort`", kept.tag)));
            }
            if matches!(named, Some(From::Artifact { .. })) || resume.asked.branch.is_some() {
                notes.push("this was begun before, and goes on as it was begun".to_owned());
            }
            forward::again(resume, &mut kept, notes)
        }
        Act::Continue | Act::Skip if kept.asked.is_some() && !stands => {
            notes.push("what was left half done is made up for; nothing was taken as settled".to_owned());
            forward::again(resume, &mut kept, notes)
        }
        Act::Continue => {
            answer::take(&mut kept, &resume.session.git, &mut notes)?;
            resume.interventions.write(&slug, &kept)?;
            forward::go(resume, &mut kept, notes)
        }
        Act::Skip if kept.asked.is_none() => forward::go(resume, &mut kept, notes),
        Act::Skip => {
            answer::skip(&mut kept)?;
            resume.interventions.write(&slug, &kept)?;
            forward::go(resume, &mut kept, notes)
        }
        Act::Abort => abort(resume, &kept),
    }
}

/// Removes work tree and file. Only a work tree that is this one's is removed.
fn abort(resume: &Resume<'_, '_>, kept: &Kept) -> Result<(ResumeReport, Kind)> {
    let work_tree = WorkTree::at(&resume.session.git, &kept.worktree);
    let mut notes = Vec::new();
    if work_tree.exists() {
        let repository = Repository::open(&kept.repository)?;
        if let Err(err) = work_tree.remove(&repository, true) {
            let GitError::Program { .. } = err else { return Err(err.into()) };
            notes.push(format!(
                "{} stays: {}",
                kept.worktree.display(),
                super::words::problem(&err.into()).message
            ));
        }
    }
    resume.interventions.remove(&kept.tag.slug())?;
    Ok(said::aborted(kept, notes))
}

/// The workspace of the intervention whose work tree holds `cwd`, where it is in one.
pub(crate) fn workspace_of(cwd: &Path) -> Option<PathBuf> {
    let link = cwd.ancestors().map(|folder| folder.join(".git")).find(|git| git.exists())?;
    let text = read_bounded(&link, LARGEST_LINK).ok()?;
    let git_dir = link.parent()?.join(text.strip_prefix("gitdir: ")?.trim_end_matches('\n'));
    let mark = read_bounded(&git_dir.join(WORKTREE_MARKER), LARGEST_LINK).ok()?;
    let mark: Value = serde_json::from_str(&mark).ok()?;
    Some(PathBuf::from(mark["workspace"].as_str()?)).filter(|root| root.is_dir())
}

/// A folder with a candidate.json, or a tag.
fn named(cwd: &Path, text: &str) -> Result<From> {
    let folder: PathBuf = cwd.join(text).components().collect();
    if folder.join("candidate.json").is_file() {
        let handed = Box::new(begin::handed(&folder)?);
        return Ok(From::Artifact { folder, handed });
    }
    if folder.is_dir() && (text.contains('/') || text.starts_with('.')) {
        return Err(Failure::usage(format!("{} holds no candidate.json", folder.display()))
            .hint("name the folder of an artifact, or the release's tag"));
    }
    Ok(From::Tag(text.parse()?))
}

/// The release that is being settled, where there is one.
fn the_one(interventions: &Interventions) -> Result<Option<TagName>> {
    let mut all = interventions.all()?;
    if all.len() > 1 {
        let names: Vec<String> = all.iter().map(ToString::to_string).collect();
        return Err(Failure::usage(format!("several releases are being settled: {}", said::listed(&names)))
            .hint("name the one that is meant: `patch-moi resume TAG`"));
    }
    Ok(all.pop())
}
