//! `pack update` and `pack remove`: what is installed, brought up to date or taken out.

use super::super::context::Context;
use super::super::words::problem;
use super::add::Planner;
use super::report::PlanReport;
use super::source::{self, Opened};
use super::state::{State, plan_and_apply};
use crate::failure::{Failure, Result};
use crate::flow::shown;
use crate::pack::{Action, Found, INSTALLER, LockItem, LockSource, names_item};

/// What is to be changed.
#[derive(Debug)]
pub(crate) struct ChangeAsked {
    /// The items, by `name` or `kind:name`; all where it is empty.
    pub(crate) names: Vec<String>,
    /// Whether what was changed since is replaced or removed too.
    pub(crate) overwrite: bool,
    /// Whether anything is written.
    pub(crate) apply: bool,
}

/// Looks at the packs again that the items came from, and plans what is new; where that is wanted, installs it.
///
/// # Errors
/// As [`super::add()`]. A pack that cannot be opened is a conflict of its items.
pub(crate) fn update(context: &Context<'_>, asked: &ChangeAsked) -> Result<PlanReport> {
    let before = State::read(context.workspace.root())?;
    are_installed(&asked.names, &before.lock.items)?;
    let mut packs: Vec<Source> = Vec::new();
    for item in before.lock.items.iter().filter(|item| is_meant(&asked.names, item) && has_pack(item)) {
        let source = place_of(&item.source);
        if !packs.iter().any(|(known, _)| *known == source) {
            let opened =
                source::reopen(context, &source).map_err(|failure| shown(&problem(&failure).message));
            packs.push((source, opened));
        }
    }
    // Packs are fetched before the workspace is held; what is installed is read again after.
    let warnings: Vec<String> = packs
        .iter()
        .filter_map(|(_, opened)| opened.as_ref().ok())
        .flat_map(|opened| opened.inspection.warnings.clone())
        .collect();
    plan_and_apply(context, asked.apply, |install| {
        let state = State::read(context.workspace.root())?;
        let now = context.stamp();
        let mut planner = Planner::new(&state, &now);
        for item in state.lock.items.iter().filter(|item| is_meant(&asked.names, item)) {
            renew(&mut planner, &packs, item, asked.overwrite)?;
        }
        planner.finish(install, asked.apply, warnings.clone())
    })
}

/// A source, and the pack that is there, or why it cannot be opened.
type Source = (LockSource, std::result::Result<Opened, String>);

fn renew<'a>(planner: &mut Planner<'a>, packs: &'a [Source], item: &LockItem, overwrite: bool) -> Result<()> {
    if !has_pack(item) {
        planner.keep(item, Action::Skip, "`patch-moi init` wrote it and brings it up to date".to_owned());
        return Ok(());
    }
    let source = place_of(&item.source);
    let opened = match packs.iter().find(|(known, _)| *known == source) {
        Some((_, Ok(opened))) => opened,
        Some((_, Err(why))) => {
            planner.keep(item, Action::Conflict, format!("its pack cannot be opened: {why}"));
            return Ok(());
        }
        None => {
            planner.keep(item, Action::Conflict, "it was installed a moment ago; run this again".to_owned());
            return Ok(());
        }
    };
    let is_it = |found: &&Found| found.kind == item.kind && found.name == item.name;
    match opened.inspection.items.iter().find(is_it) {
        Some(found) => planner.update(opened, item, found, overwrite),
        None => {
            planner.keep(item, Action::Skip, "its pack does not have it any more".to_owned());
            Ok(())
        }
    }
}

/// Takes items out, with their entries in the files that packs share.
///
/// # Errors
/// Where one of them is not installed, or something cannot be read or written.
pub(crate) fn remove(context: &Context<'_>, asked: &ChangeAsked) -> Result<PlanReport> {
    plan_and_apply(context, asked.apply, |install| {
        let state = State::read(context.workspace.root())?;
        are_installed(&asked.names, &state.lock.items)?;
        let now = context.stamp();
        let mut planner = Planner::new(&state, &now);
        for item in state.lock.items.iter().filter(|item| is_meant(&asked.names, item)) {
            planner.remove(item, asked.overwrite)?;
        }
        planner.finish(install, asked.apply, Vec::new())
    })
}

fn is_meant(names: &[String], item: &LockItem) -> bool {
    names.is_empty() || names.iter().any(|name| names_item(name, item.kind, &item.name))
}

/// Whether it came from a pack, and was not written by `init`.
fn has_pack(item: &LockItem) -> bool {
    item.source.input != INSTALLER
}

/// A source without the commit that was found there.
fn place_of(source: &LockSource) -> LockSource {
    LockSource { commit: None, ..source.clone() }
}

fn are_installed(names: &[String], items: &[LockItem]) -> Result<()> {
    let is_there = |name: &&String| items.iter().any(|item| names_item(name, item.kind, &item.name));
    let unknown: Vec<String> = names.iter().filter(|name| !is_there(name)).map(|name| shown(name)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Failure::usage(format!("the lock has no item {}", unknown.join(", ")))
        .hint("`patch-moi pack list` says what is installed"))
}
