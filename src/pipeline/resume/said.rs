//! How an intervention is said.

use super::kept::{Given, Kept};
use crate::candidate::Tool;
use crate::failure::Kind;
use crate::git::Picked;
use crate::report::{AskedPatch, ResumeReport, ResumeState, Resumed, RunReport, shell_quote};
use crate::stack::Conflict;

/// So many names are listed in a message.
const MOST: usize = 10;

/// So many files stand in one command.
const FEW: usize = 5;
/// A longer path is not named, in bytes.
const LONGEST: usize = 200;

/// Names for a message, not too many.
pub(super) fn listed(names: &[String]) -> String {
    let mut text = names.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > MOST {
        text.push_str(&format!(" and {} more", names.len() - MOST));
    }
    text
}

/// What is odd about how git stands at the patch.
pub(super) fn odd(picked: Picked, patch: &AskedPatch) -> Option<String> {
    match picked {
        Picked::Stopped => None,
        Picked::Applied => Some(
            "git applies this patch by itself here, and so it is committed; the conflict is in what the \
             merge brought together: look at it, amend it where needed, and go on"
                .to_owned(),
        ),
        Picked::Crashed(crash) => Some(format!(
            "git's own cherry-pick ended with {crash}, and the work tree stands at the state before the patch: make \
             its change by hand (`{}` shows it), stage it, and go on",
            shown_by(patch)
        )),
    }
}

/// The command that shows what a patch changes.
pub(super) fn shown_by(patch: &AskedPatch) -> String {
    format!("git show {}{}", if patch.merge { "-m --first-parent " } else { "" }, patch.commit)
}

/// There was nothing to resume.
pub(super) fn nothing(sentence: &str, notes: Vec<String>) -> (ResumeReport, Kind) {
    (ResumeReport { notes, ..blank(ResumeState::Nothing, sentence.to_owned()) }, Kind::Done)
}

/// A patch waits.
pub(super) fn stopped(kept: &Kept) -> ResumeReport {
    let dir = kept.worktree.display().to_string();
    let tag = shell_quote(kept.tag.as_str());
    let message = match &kept.asked {
        Some(asked) => {
            format!("{} waits for you in {dir}: patch {} of {}", kept.tag, asked.patch.number, asked.patch.of)
        }
        None => format!("{}: what was settled is not carried on yet", kept.tag),
    };
    let state = if kept.asked.is_some() { ResumeState::Stopped } else { ResumeState::Settled };
    let mut next = Vec::new();
    if kept.asked.is_some() {
        next.push(format!("cd {}", shell_quote(&dir)));
        next.push("git status          # edit what is in conflict, then".to_owned());
        next.push(format!("git add {}", files(kept)));
    }
    next.push(format!("patch-moi resume {tag} --continue"));
    if kept.asked.is_some() {
        next.push(format!("patch-moi resume {tag} --skip      # or leave this patch out"));
    }
    next.push(format!("patch-moi resume {tag} --abort     # or give all of it up"));
    ResumeReport {
        worktree: Some(dir),
        patch: kept.asked.as_ref().map(|asked| asked.patch.clone()),
        next,
        exit_code: Kind::NeedsPerson.code(),
        ..about(kept, state, message)
    }
}

/// The files that wait to be settled, where they are few and have plain names.
fn files(kept: &Kept) -> String {
    let conflicts = kept.asked.iter().flat_map(|asked| &asked.patch.conflicts);
    let is_plain = |one: &&Conflict| one.path_base64.is_none() && one.path.len() <= LONGEST;
    let named: Option<Vec<String>> =
        conflicts.map(|one| Some(one).filter(is_plain).map(|one| shell_quote(&one.path))).collect();
    match named {
        Some(named) if (1..=FEW).contains(&named.len()) => named.join(" "),
        _ => "FILE …".to_owned(),
    }
}

/// It is a candidate.
pub(super) fn done(kept: &Kept, run: RunReport) -> ResumeReport {
    let message = format!("every conflict on {} is settled", kept.tag);
    ResumeReport { run: Some(Box::new(run)), ..about(kept, ResumeState::Done, message) }
}

/// Every conflict is settled, and there is no candidate all the same.
pub(super) fn settled(kept: &Kept, run: RunReport) -> ResumeReport {
    let tag = shell_quote(kept.tag.as_str());
    let message = format!("every conflict on {} is settled, and what came of it is no candidate", kept.tag);
    let next = vec![
        format!("patch-moi resume {tag} --continue  # try again"),
        format!("patch-moi resume {tag} --abort     # give what was settled up"),
    ];
    ResumeReport { run: Some(Box::new(run)), next, ..about(kept, ResumeState::Settled, message) }
}

/// It was given up.
pub(super) fn aborted(kept: &Kept, notes: Vec<String>) -> (ResumeReport, Kind) {
    let message = format!("{} is given up; the fork is as it was", kept.tag);
    (ResumeReport { notes, ..about(kept, ResumeState::Aborted, message) }, Kind::Done)
}

fn about(kept: &Kept, state: ResumeState, message: String) -> ResumeReport {
    let about = Resumed { repo: kept.repo.clone(), tag: kept.tag.clone(), onto: kept.onto, tip: kept.tip };
    ResumeReport {
        about: Some(about),
        settled: kept.answers.iter().map(Given::said).collect(),
        ..blank(state, message)
    }
}

fn blank(state: ResumeState, message: String) -> ResumeReport {
    ResumeReport {
        schema_version: 1,
        tool: Tool::this(),
        state,
        message,
        about: None,
        worktree: None,
        patch: None,
        settled: Vec::new(),
        unused: Vec::new(),
        notes: Vec::new(),
        next: Vec::new(),
        pushed: Vec::new(),
        run: None,
        exit_code: Kind::Done.code(),
    }
}
