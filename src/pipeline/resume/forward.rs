//! From one conflict to the next, or to the end.

use std::path::Path;

use serde_json::json;

use super::super::carrying;
use super::super::event;
use super::super::preparing::Prepared;
use super::super::run::blank_report;
use super::kept::{Asked, Given, Kept};
use super::{Resume, said};
use crate::failure::{Failure, Kind, Result};
use crate::git::{Picked, Repository, WORKTREE_MARKER, WorkTree};
use crate::report::{AskedPatch, ResumeReport, ResumeState, SettledPatch, shell_quote};
use crate::stack::{Carry, Verdict};
use crate::store;

/// Makes the carry with the answers so far, and stops at the next conflict or makes the candidate.
///
/// # Errors
/// Where upstream's tag has moved, something cannot be carried, or a work tree not be made.
pub(super) fn go(
    resume: &Resume<'_, '_>,
    kept: &mut Kept,
    mut notes: Vec<String>,
) -> Result<(ResumeReport, Kind)> {
    let session = resume.session;
    let before = kept.clone();
    let (job, gone) = before.job(session, &Repository::open(&kept.repository)?)?;
    for given in gone {
        notes.push(format!("git has thrown away how {:04} was settled: it is asked again", given.number));
    }
    let prepared = event::prepare_stack(session, &job)?;
    kept.must_be_about(prepared.release.commit)?;
    let inventory = carrying::gather(session, &prepared)?.inventory;
    let carry = carrying::carry(session, &prepared, &inventory)?;
    if !carry.candidate.complete {
        return stop(resume, kept, &prepared, &carry, notes);
    }
    let unused = unused(kept, &carry);
    let mut report = blank_report(session, &resume.command);
    let kind = event::dispatch(session, job, &mut report)?;
    report.exit_code = kind.code();
    let mut report = match kind {
        Kind::Done => {
            let repository = Repository::open(&kept.repository)?;
            notes.extend(leave(resume, kept, &repository));
            resume.interventions.remove(&kept.tag.slug())?;
            said::done(kept, report)
        }
        _ => said::settled(kept, report),
    };
    report.unused = unused;
    report.notes = notes;
    report.exit_code = kind.code();
    if kind == Kind::Done && resume.asked.push {
        return handed_over(resume, &prepared, report).map_err(|failure| {
            failure
                .context(format!("the candidate for {} is made, and is not pushed", kept.tag))
                .hint(format!("`patch-moi resume {} --push` tries again", kept.tag))
        });
    }
    Ok((report, kind))
}

/// Pushes the candidate, and says so.
///
/// # Errors
/// Where there is no remote, or it cannot be reached. The candidate is made all the same.
pub(super) fn handed_over(
    resume: &Resume<'_, '_>,
    prepared: &Prepared,
    mut report: ResumeReport,
) -> Result<(ResumeReport, Kind)> {
    let handed = super::push::push(resume, prepared, prepared.release.commit)?;
    report.pushed = handed.refs;
    report.notes.extend(handed.notes);
    report.exit_code = handed.kind.code();
    Ok((report, handed.kind))
}

/// Puts the first patch in conflict where git would stop at it.
///
/// # Errors
/// Where git refuses.
pub(super) fn stop(
    resume: &Resume<'_, '_>,
    kept: &mut Kept,
    prepared: &Prepared,
    carry: &Carry,
    mut notes: Vec<String>,
) -> Result<(ResumeReport, Kind)> {
    let place = carry.patches.iter().position(|patch| patch.verdict == Verdict::Conflict);
    let patch = place.and_then(|place| carry.patches.get(place));
    let (Some(place), Some(patch)) = (place, patch) else { return Err(adds_up_to_nothing()) };
    let (Some(question), Some(tried_on)) = (patch.question, patch.tried_on) else {
        return Err(adds_up_to_nothing());
    };
    let repository = &prepared.fork.repository;
    prepared.bench.send(repository, [tried_on], &[carry.tip, carry.onto])?;
    let asked = Asked {
        patch: AskedPatch {
            number: place + 1,
            of: carry.counts.patches,
            commit: patch.commit,
            subject: patch.subject.clone(),
            merge: patch.merge,
            tried_on,
            conflicts: patch.conflicts.clone(),
            culprit: patch.culprit.clone(),
            notes: patch.notes.clone(),
            conflicting: carry.counts.conflict,
            blocked: carry.counts.blocked,
        },
        on_tree: question.on,
        may_be_left_out: question.may_be_left_out,
        ready: false,
        by_hand: false,
    };
    kept.asked = Some(asked.clone());
    let slug = kept.tag.slug();
    // First what shall be, then the work tree, then that it is: whoever is killed in between finds out
    // from the file what is left to do.
    resume.interventions.write(&slug, kept)?;
    let picked = put(resume, kept, repository, &asked)?;
    notes.extend(picked.and_then(|picked| said::odd(picked, &asked.patch)));
    let by_hand = matches!(picked, Some(Picked::Crashed(_)));
    kept.asked = Some(Asked { ready: true, by_hand, ..asked });
    kept.leaving = None;
    resume.interventions.write(&slug, kept)?;
    let mut report = said::stopped(kept);
    report.unused = unused(kept, carry);
    report.notes = notes;
    Ok((report, Kind::NeedsPerson))
}

/// What was answered and could not be used.
fn unused(kept: &Kept, carry: &Carry) -> Vec<SettledPatch> {
    let is_used = |given: &&Given| carry.settlements.contains(&given.settlement);
    kept.answers.iter().filter(|given| !is_used(given)).map(Given::said).collect()
}

fn adds_up_to_nothing() -> Failure {
    let text = "the carry is not complete, and no patch of it says what a person is to settle";
    Failure::new(Kind::Failed, anyhow::Error::msg(text)).hint("this is a bug in patch-moi; please report it")
}

/// Refuses a folder that holds something.
///
/// # Errors
/// Where it does.
pub(super) fn must_be_free(path: &Path) -> Result<()> {
    let is_free = match std::fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    if is_free {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{} holds something already, and a work tree is to be made there",
        path.display()
    ))
    .hint("move it away, or name another folder with `--worktree DIR`"))
}

/// Brings the work tree to the patch: what git made of it there, unless it stands there already.
fn put(
    resume: &Resume<'_, '_>,
    kept: &Kept,
    repository: &Repository,
    asked: &Asked,
) -> Result<Option<Picked>> {
    let work_tree = WorkTree::at(&resume.session.git, &kept.worktree);
    let patch = &asked.patch;
    if !work_tree.exists() {
        must_be_free(&kept.worktree)?;
        work_tree.add(repository, patch.tried_on)?;
    } else if !work_tree.belongs_to(repository) {
        return Err(not_ours(kept));
    } else if work_tree.picking()? == Some(patch.commit) && work_tree.head()? == Some(patch.tried_on) {
        mark(resume, kept, &work_tree)?;
        return Ok(None);
    } else {
        make_room(kept, &work_tree, patch)?;
        work_tree.check_out(patch.tried_on).map_err(|err| in_the_way(kept, err.into()))?;
    }
    mark(resume, kept, &work_tree)?;
    Ok(Some(work_tree.pick(patch.commit, patch.merge)?))
}

/// Says in the work tree's own git directory to which workspace it belongs, for a command that is
/// started in there.
fn mark(resume: &Resume<'_, '_>, kept: &Kept, work_tree: &WorkTree) -> Result<()> {
    let root = resume.session.context.workspace.root();
    let text = json!({ "workspace": root, "tag": kept.tag });
    Ok(store::replace(&work_tree.git_dir()?.join(WORKTREE_MARKER), format!("{text:#}\n").as_bytes())?)
}

/// Throws away what stands in the work tree, where the answer before has it or a killed command left
/// it; anything else is the person's.
fn make_room(kept: &Kept, work_tree: &WorkTree, patch: &AskedPatch) -> Result<()> {
    let standing = work_tree.standing()?;
    let is_known = match &kept.leaving {
        Some(leaving) => match leaving.tree {
            None => true,
            Some(tree) => {
                standing.unmerged.is_empty() && standing.unstaged.is_empty() && work_tree.staged()? == tree
            }
        },
        None => false,
    };
    if is_known || standing.head == patch.tried_on {
        return Ok(work_tree.discard()?);
    }
    let is_clean = standing.unmerged.is_empty() && standing.unstaged.is_empty();
    if is_clean && standing.picking.is_none() {
        return Ok(());
    }
    let text = format!("{} has changes that are no part of what was settled", kept.worktree.display());
    let dir = shell_quote(&kept.worktree.display().to_string());
    Err(Failure::new(Kind::NeedsPerson, anyhow::Error::msg(text))
        .hint(format!("commit or stash them there, or throw them away with `git -C {dir} reset --hard`")))
}

/// Something else stands where the work tree was.
pub(super) fn not_ours(kept: &Kept) -> Failure {
    let text = format!("{} is no work tree of {}", kept.worktree.display(), kept.repository.display());
    Failure::usage(text).hint("something else was put in its place: move it away, and run this again")
}

fn in_the_way(kept: &Kept, failure: Failure) -> Failure {
    failure
        .context(format!("{} cannot be brought to the next patch", kept.worktree.display()))
        .hint(format!("move away what is in the way, then `patch-moi resume {} --continue`", kept.tag))
}

/// Removes the work tree, unless it holds something that is in no candidate.
pub(super) fn leave(resume: &Resume<'_, '_>, kept: &Kept, repository: &Repository) -> Option<String> {
    let work_tree = WorkTree::at(&resume.session.git, &kept.worktree);
    if !work_tree.exists() || !work_tree.belongs_to(repository) {
        return None;
    }
    let is_left = || {
        let standing = work_tree.standing().ok()?;
        let tree = kept.leaving.as_ref().map(|leaving| leaving.tree);
        let known = match tree {
            Some(None) => true,
            Some(Some(tree)) => {
                standing.unmerged.is_empty()
                    && standing.unstaged.is_empty()
                    && work_tree.staged().ok()? == tree
            }
            None => false,
        };
        if known {
            work_tree.discard().ok()?;
        }
        work_tree.remove(repository, false).ok()
    };
    match is_left() {
        Some(()) => None,
        None => Some(format!(
            "{} stays, because it holds files that are in no candidate: look at them, then `git worktree remove --force {}`",
            kept.worktree.display(),
            shell_quote(&kept.worktree.display().to_string())
        )),
    }
}

/// Goes on with what an earlier command began.
///
/// # Errors
/// As [`go`].
pub(super) fn again(
    resume: &Resume<'_, '_>,
    kept: &mut Kept,
    notes: Vec<String>,
) -> Result<(ResumeReport, Kind)> {
    let stands = WorkTree::at(&resume.session.git, &kept.worktree).exists();
    if !kept.asked.as_ref().is_some_and(|asked| asked.ready && stands) {
        return go(resume, kept, notes);
    }
    let mut report = said::stopped(kept);
    report.notes = notes;
    debug_assert_eq!(report.state, ResumeState::Stopped);
    Ok((report, Kind::NeedsPerson))
}
