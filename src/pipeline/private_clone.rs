//! A repository of its own for a step that rebases what it finds.
//!
//! The fork flow of older days fetches upstream's tags into `refs/tags` of the checkout that it is given, and
//! rebases the branch there. A fork with tags of the same names cannot take them, and a person's checkout is no
//! place for either. So the variable that the flow's configuration names leads to a clone without tags, unless
//! the person has set it.

use std::path::PathBuf;

use super::fork::{Fork, checkout, on_this_machine};
use super::session::Session;
use super::words::problem;
use crate::event::Event;
use crate::failure::Result;
use crate::flow::Selected;
use crate::git::{Apart, Repository};
use crate::ids::{CommitId, EventId, RefName};
use crate::process;
use crate::record::RunId;
use crate::stack::Committer;
use crate::store::FlowRepo;

/// A clone that lives as long as its event is worked on, unless it is kept for a person.
#[derive(Debug)]
pub(super) struct PrivateClone {
    event: EventId,
    run: RunId,
    variable: String,
    tip: CommitId,
    fork: PathBuf,
    folder: FlowRepo,
}

impl PrivateClone {
    /// The variable that leads to it, and where it is.
    pub(super) fn named(&self) -> (String, String) {
        (self.variable.clone(), self.folder.path().display().to_string())
    }

    /// Leaves it to a person, and says where it is.
    fn keep(&mut self) -> Result<PathBuf> {
        self.folder.keep(&self.tip.to_string())?;
        Ok(self.folder.path().to_owned())
    }
}

/// The variable that a flow's configuration names for its repository.
pub(super) fn variable<'a>(selected: &Selected<'a>) -> Option<&'a str> {
    ["codex_repo_env", "repo_env"].iter().find_map(|key| text(selected, key))
}

/// The repository that a flow's configuration names: by its variable, else by itself.
pub(super) fn named(session: &Session<'_>, selected: &Selected<'_>) -> Option<String> {
    let set = variable(selected).and_then(|name| session.context.variable(name));
    set.or_else(|| ["codex_repo", "repo"].iter().find_map(|key| text(selected, key)).map(str::to_owned))
}

fn text<'a>(selected: &Selected<'a>, key: &str) -> Option<&'a str> {
    let text = selected.manifest.config.get(key).and_then(toml::Value::as_str);
    text.filter(|text| !text.trim().is_empty())
}

/// Makes the clone of a step whose configuration names a variable that is not set, and says which variable leads to
/// it and where it is. What keeps it from being made is said, and left to the step.
///
/// # Errors
/// Where its folder cannot be made, or patch-moi was asked to end.
pub(super) fn provide(
    session: &Session<'_>,
    event: &Event,
    selected: &Selected<'_>,
    run: &RunId,
) -> Result<Option<(String, String)>> {
    session.clones.borrow_mut().retain(|clone| clone.event == event.id && clone.run != *run);
    let Some(variable) = variable(selected).filter(|name| session.context.variable(name).is_none()) else {
        return Ok(None);
    };
    let ui = session.context.ui;
    let (fork, branch, tip) = match source(session, selected) {
        Ok(found) => found,
        Err(failure) if process::is_interrupted() => return Err(failure),
        Err(failure) => {
            ui.warn(&format!(
                "{variable} stays unset: {}; set it to a checkout of the fork",
                problem(&failure).message
            ));
            return Ok(None);
        }
    };
    let (folder, kept) = FlowRepo::open(session.context.workspace.root(), run)?;
    let made = match kept {
        Some(before) => {
            let moved = if before == tip.to_string() { "" } else { "; the branch has moved since" };
            let place = folder.path().display();
            ui.note(&format!("the step goes on in {place}, which was kept{moved}; remove it to begin anew"));
            Ok(())
        }
        None => clone(session, &fork, &branch, tip, &folder),
    };
    if let Err(failure) = made {
        if process::is_interrupted() {
            return Err(failure);
        }
        ui.warn(&format!("{variable} stays unset: {}", problem(&failure).message));
        return Ok(None);
    }
    let clone = PrivateClone {
        event: event.id.clone(),
        run: run.clone(),
        variable: variable.to_owned(),
        tip,
        fork: fork.path(),
        folder,
    };
    let named = clone.named();
    session.clones.borrow_mut().push(clone);
    Ok(Some(named))
}

/// Leaves the clone of a run to a person, and says where it is.
///
/// # Errors
/// Where that cannot be noted.
pub(super) fn keep(session: &Session<'_>, run: &RunId) -> Result<Option<PathBuf>> {
    let mut clones = session.clones.borrow_mut();
    clones.iter_mut().find(|clone| clone.run == *run).map(PrivateClone::keep).transpose()
}

/// Brings what a run has checked out in its clone to the objects of the fork, under no name: whoever keeps it as a
/// candidate gives it one. What keeps it from being brought is said.
pub(super) fn bring_back(session: &Session<'_>, run: &RunId) {
    let clones = session.clones.borrow();
    let Some(clone) = clones.iter().find(|clone| clone.run == *run) else { return };
    let brought = Repository::open(clone.folder.path())
        .and_then(|apart| session.git.bring_back(&apart, &checkout(session, &clone.fork)?));
    if let Err(error) = brought {
        let (why, fork) = (problem(&error.into()).message, clone.fork.display());
        session.context.ui.warn(&format!("what the step has committed does not reach {fork}: {why}"));
    }
}

/// The fork that the configuration names, its branch and where that stands. A folder that this machine does not have
/// was written for another one: then it is the workspace's own checkout.
fn source(session: &Session<'_>, selected: &Selected<'_>) -> Result<(Fork, String, CommitId)> {
    let named = named(session, selected);
    let set = text(selected, "target_branch_env").and_then(|name| session.context.variable(name));
    let branch = set.or_else(|| text(selected, "target_branch").map(str::to_owned));
    let branch = branch.map(|branch| RefName::join("refs/heads", &branch)).transpose()?;
    let look = |named: Option<&str>| {
        let fork = Fork::find(session, named)?;
        let branch = fork.branch(session, branch.as_ref())?;
        let (_, tip) = fork.ready(session, &branch)?;
        Ok((fork, branch, tip))
    };
    let here = on_this_machine(session, named.clone());
    look(here.as_deref()).or_else(|failure| if here == named { Err(failure) } else { look(named.as_deref()) })
}

fn clone(session: &Session<'_>, fork: &Fork, branch: &str, tip: CommitId, folder: &FlowRepo) -> Result<()> {
    let origin = fork.home().map(|url| url.as_str().to_owned());
    let origin = origin.unwrap_or_else(|| fork.path().display().to_string());
    let committer = Committer::default().to_string();
    let committer = committer.trim_end_matches('>').split_once(" <").unwrap_or((&committer, ""));
    let apart = Apart { branch, tip, origin: &origin, committer };
    let _progress = session.context.ui.progress("making a repository for the step", None);
    session.git.set_apart(&fork.repository, &apart, folder.path(), session.context.temporary)?;
    Ok(())
}
