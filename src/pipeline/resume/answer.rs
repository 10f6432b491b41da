//! What a person made of a conflict.

use super::kept::{Asked, Given, Kept, Leaving};
use super::said::{self, listed};
use crate::failure::{Failure, Kind, Result};
use crate::git::{Git, Repository, Standing, WorkTree};
use crate::ids::TreeId;
use crate::report::shell_quote;
use crate::stack::Settlement;

/// Takes what stands in the work tree as the answer.
///
/// # Errors
/// Where a conflict is left, or what is there is not what was asked.
pub(super) fn take(kept: &mut Kept, git: &Git, notes: &mut Vec<String>) -> Result<()> {
    let Some(asked) = kept.asked.clone() else { return Ok(()) };
    let repository = Repository::open(&kept.repository)?;
    let work_tree = WorkTree::at(git, &kept.worktree);
    if !work_tree.belongs_to(&repository) {
        return Err(super::forward::not_ours(kept));
    }
    let standing = work_tree.standing()?;
    let hint = |what: &str| {
        let dir = shell_quote(&kept.worktree.display().to_string());
        format!("{what}`git -C {dir} add FILE`, then `patch-moi resume {} --continue`", kept.tag)
    };
    if !standing.unmerged.is_empty() {
        let text = format!("{} in conflict: {}", still(&standing.unmerged), listed(&standing.unmerged));
        return Err(needs_person(text, hint("edit what is in conflict, ")));
    }
    if !standing.unstaged.is_empty() {
        let count = standing.unstaged.len();
        let files = if count == 1 { "1 file has".to_owned() } else { format!("{count} files have") };
        let text = format!("{files} changes that are not staged: {}", listed(&standing.unstaged));
        return Err(needs_person(text, hint("")));
    }
    let tree = tree(kept, &asked, &repository, &work_tree, &standing)?;
    let marked = repository.newly_marked(asked.patch.tried_on, asked.patch.commit, tree)?;
    if !marked.is_empty() {
        let text = format!("{} full of conflict markers: {}", still(&marked), listed(&marked));
        return Err(needs_person(text, hint("take the lines with <<<<<<<, ||||||| and >>>>>>> out, ")));
    }
    if !standing.untracked.is_empty() {
        notes.push(format!("not part of it, because git does not track it: {}", listed(&standing.untracked)));
    }
    let left_out = tree == repository.tree_of(asked.patch.tried_on)?;
    if left_out {
        notes.push("nothing of the patch is left, so it is left out".to_owned());
    }
    work_tree.learn();
    give(kept, asked, tree, left_out, Some(tree));
    Ok(())
}

/// Answers that nothing of the patch shall be kept.
///
/// # Errors
/// Where the patch is a merge that brings others in.
pub(super) fn skip(kept: &mut Kept) -> Result<()> {
    let Some(asked) = kept.asked.clone() else { return Ok(()) };
    if !asked.may_be_left_out {
        let text = format!(
            "{} “{}” is a merge: without it everything would go that it brings in",
            asked.patch.commit.short(),
            asked.patch.subject
        );
        return Err(Failure::usage(text)
            .hint("settle it, and keep in the files what they had before it where nothing of it is wanted"));
    }
    let tree = asked.on_tree;
    give(kept, asked, tree, true, None);
    Ok(())
}

fn give(kept: &mut Kept, asked: Asked, tree: TreeId, left_out: bool, staged: Option<TreeId>) {
    let settlement = Settlement {
        commit: asked.patch.commit,
        on_tree: asked.on_tree,
        tree,
        paths: asked.patch.conflicts.iter().map(|conflict| conflict.path.clone()).collect(),
    };
    kept.answers.retain(|given| {
        (given.settlement.commit, given.settlement.on_tree) != (settlement.commit, settlement.on_tree)
    });
    let (number, subject) = (asked.patch.number, asked.patch.subject);
    kept.answers.push(Given { number, subject, left_out, settlement });
    kept.asked = None;
    kept.leaving = Some(Leaving { tree: staged });
}

/// The tree of what is staged, or of what was committed on the commit where git stopped.
fn tree(
    kept: &Kept,
    asked: &Asked,
    repository: &Repository,
    work_tree: &WorkTree,
    standing: &Standing,
) -> Result<TreeId> {
    let dir = shell_quote(&kept.worktree.display().to_string());
    let staged = work_tree.staged()?;
    let tried_on = asked.patch.tried_on;
    if standing.head == tried_on {
        let given_up = standing.picking.is_none() && staged == repository.tree_of(tried_on)?;
        if given_up && asked.by_hand {
            let text = format!("nothing of {} is made in {dir} yet", asked.patch.commit.short());
            return Err(needs_person(
                text,
                format!(
                    "`{}` shows its change: make it by hand, stage it, then `patch-moi resume {tag} --continue`; \
                     `patch-moi resume {tag} --skip` leaves the patch out",
                    said::shown_by(&asked.patch),
                    tag = kept.tag
                ),
            ));
        }
        if given_up {
            let text = format!("the cherry-pick of {} in {dir} is gone", asked.patch.commit.short());
            return Err(Failure::usage(text).hint(format!(
                "`git -C {dir} cherry-pick {}{}` begins it again; `patch-moi resume {} --skip` leaves the patch out",
                if asked.patch.merge { "-m 1 " } else { "" },
                asked.patch.commit,
                kept.tag
            )));
        }
        return Ok(staged);
    }
    if !repository.holds(standing.head, tried_on) {
        let text =
            format!("{dir} has {} checked out, which does not stand on {tried_on}", standing.head.short());
        return Err(Failure::usage(text)
            .hint(format!("go back with `git -C {dir} checkout --detach {tried_on}`, and settle it there")));
    }
    if staged != repository.tree_of(standing.head)? {
        let text = format!("{dir} has a commit of it, and staged changes that are in no commit");
        return Err(needs_person(text, format!("`git -C {dir} commit --amend`, or take them back")));
    }
    Ok(staged)
}

fn needs_person(text: String, hint: String) -> Failure {
    Failure::new(Kind::NeedsPerson, anyhow::Error::msg(text)).hint(hint)
}

fn still(paths: &[String]) -> String {
    if paths.len() == 1 { "1 file is still".to_owned() } else { format!("{} files are still", paths.len()) }
}
