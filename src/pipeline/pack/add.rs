//! `pack add`: items of a pack installed.

use std::path::Path;

use super::super::context::Context;
use super::report::{PlanReport, PlannedItem};
use super::source::{self, Opened};
use super::state::{State, Wanted, plan_and_apply};
use crate::failure::{Failure, Result};
use crate::flow::shown;
use crate::pack::{
    self, Action, BACKUPS, Found, Here, Inspection, ItemKind, LOCK, LockItem, MARKETPLACE, Place,
};
use crate::workspace::place;

/// What is to be installed.
#[derive(Debug)]
pub(crate) struct AddAsked {
    /// The pack.
    pub(crate) source: String,
    /// Which commit, tag or branch of it.
    pub(crate) reference: Option<String>,
    /// The only items that are wanted, by `name` or `kind:name`; all where it is empty.
    pub(crate) include: Vec<String>,
    /// Items that are not wanted.
    pub(crate) exclude: Vec<String>,
    /// Whether what differs is replaced.
    pub(crate) overwrite: bool,
    /// Whether anything is written.
    pub(crate) apply: bool,
}

/// Plans what is asked for and, where that is wanted, does it.
///
/// # Errors
/// A source that is none, an item that the pack does not have, a shared file that is broken: nothing was written.
pub(crate) fn add(context: &Context<'_>, asked: &AddAsked) -> Result<PlanReport> {
    let opened = source::open(context, &asked.source, asked.reference.as_deref(), &[context.cwd])?;
    let mut warnings = opened.inspection.warnings.clone();
    are_known(&asked.include, &opened.inspection)?;
    for name in &asked.exclude {
        if !names_any(name, &opened.inspection) {
            warnings.push(format!("The pack has no item {} to exclude.", shown(name)));
        }
    }
    let mut report = plan_and_apply(context, asked.apply, |install| {
        let state = State::read(context.workspace.root())?;
        let now = context.stamp();
        let mut planner = Planner::new(&state, &now);
        for found in &opened.inspection.items {
            planner.add(&opened, found, asked)?;
        }
        let mut warnings = warnings.clone();
        planner.warn(&opened.inspection, &mut warnings);
        planner.finish(install, asked.apply, warnings)
    })?;
    report.source = Some(opened.descriptor.clone());
    report.pack = Some(opened.info());
    Ok(report)
}

/// Refuses names of items that the pack does not have.
fn are_known(include: &[String], inspection: &Inspection) -> Result<()> {
    let unknown: Vec<String> =
        include.iter().filter(|name| !names_any(name, inspection)).map(|name| shown(name)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let has: Vec<String> = inspection.items.iter().map(|item| shown(&item.key())).collect();
    let has = if has.is_empty() { "nothing".to_owned() } else { has.join(", ") };
    let mut failure =
        Failure::usage(format!("the pack has no item {}", unknown.join(", "))).hint(format!("it has {has}"));
    for warning in inspection.warnings.iter().filter(|warning| warning.starts_with("Skipping")) {
        failure = failure.because(warning.clone());
    }
    Err(failure)
}

fn names_any(wanted: &str, inspection: &Inspection) -> bool {
    inspection.items.iter().any(|item| pack::names_item(wanted, item.kind, &item.name))
}

/// Decides about one item after the other, and keeps what is to be written.
pub(super) struct Planner<'a> {
    state: &'a State,
    now: &'a str,
    backups: String,
    wanted: Wanted<'a>,
    items: Vec<PlannedItem>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(state: &'a State, now: &'a str) -> Self {
        let backups = format!("{BACKUPS}{}", now.replace([':', '.'], "-"));
        Self { state, now, backups, wanted: Wanted::default(), items: Vec::new() }
    }

    fn root(&self) -> &'a Path {
        &self.state.root
    }

    fn add(&mut self, opened: &Opened, found: &'a Found, asked: &AddAsked) -> Result<()> {
        let left_out = pack::left_out(found.kind, &found.name, &asked.include, &asked.exclude);
        if let Some(reason) = left_out {
            let decision = (Action::Skip, Some(reason.to_owned()));
            self.items.push(PlannedItem::found(self.root(), opened, found, decision));
            return Ok(());
        }
        let place = place(self.root(), &found.kind.destination(&found.name))?;
        let here = self.here(found, &place, asked.overwrite)?;
        let decision = pack::add(found, &here);
        self.install(opened, found, decision, here.clash.is_some());
        Ok(())
    }

    /// Decides about an installed item whose pack was looked at again.
    pub(super) fn update(
        &mut self,
        opened: &Opened,
        item: &LockItem,
        found: &'a Found,
        overwrite: bool,
    ) -> Result<()> {
        let place = place(self.root(), &found.kind.destination(&found.name))?;
        let here = self.here(found, &place, overwrite)?;
        let decision = pack::update(item, found, &here);
        self.install(opened, found, decision, here.clash.is_some());
        Ok(())
    }

    /// Decides about an installed item that is to be taken out.
    pub(super) fn remove(&mut self, item: &'a LockItem, overwrite: bool) -> Result<()> {
        let place = place(self.root(), &item.kind.destination(&item.name))?;
        let here = Here { place: &place, clash: None, overwrite };
        let decision = pack::remove(item, &here);
        let mut planned = PlannedItem::locked(self.root(), item, decision);
        if planned.action == Action::Remove {
            let is_as_installed = matches!(&place, Place::Folder(files)
                if files.hash() == item.content_hash && files.uncovered().is_empty());
            let backup = (place != Place::Missing && !is_as_installed).then(|| self.backup(&mut planned));
            if place != Place::Missing {
                self.wanted.gone.push((item.kind.destination(&item.name), backup));
            }
            self.wanted.out.push((item.kind, &item.name));
        }
        self.items.push(planned);
        Ok(())
    }

    /// Keeps an item of the lock as it is, and says why.
    pub(super) fn keep(&mut self, item: &LockItem, action: Action, reason: String) {
        self.items.push(PlannedItem::locked(self.root(), item, (action, Some(reason))));
    }

    fn here<'p>(&self, found: &Found, place: &'p Place, overwrite: bool) -> Result<Here<'p>>
    where
        'a: 'p,
    {
        let file = self.root().join(MARKETPLACE);
        let clash = match found.kind {
            ItemKind::Plugin => pack::clash(self.state.marketplace()?.as_deref(), &file, &found.name)?,
            ItemKind::Skill | ItemKind::Flow | ItemKind::Hook => None,
        };
        Ok(Here { place, clash, overwrite })
    }

    fn install(&mut self, opened: &Opened, found: &'a Found, decision: pack::Decision, clashes: bool) {
        let mut planned = PlannedItem::found(self.root(), opened, found, decision);
        let action = planned.action;
        if action.writes() {
            let backup = (action == Action::Overwrite).then(|| self.backup(&mut planned));
            self.wanted.folders.push((found, backup));
        }
        if action.writes() || action == Action::Unchanged {
            match found.kind {
                ItemKind::Plugin => self.wanted.plugins.push(&found.name),
                ItemKind::Hook => self.wanted.hooks.extend(found.hooks().map(|text| (&*found.name, text))),
                ItemKind::Skill | ItemKind::Flow => {}
            }
            if clashes {
                self.wanted.marketplace_backup = Some(format!("{}/{MARKETPLACE}", self.backups));
            }
            self.pin(opened, found, action, &planned.destination_relative_path);
        }
        self.items.push(planned);
    }

    /// What is there already and in the lock keeps its entry, with the time and the source of then.
    fn pin(&mut self, opened: &Opened, found: &Found, action: Action, destination: &str) {
        let locked = self.state.locked(found.kind, &found.name);
        let is_pinned = locked.is_some_and(|item| {
            item.content_hash == found.content_hash && item.destination_path == destination
        });
        if action == Action::Unchanged && is_pinned {
            return;
        }
        self.wanted.put.push(LockItem {
            name: found.name.clone(),
            kind: found.kind,
            source: opened.lock_source(found),
            source_path: found.path.clone(),
            destination_path: destination.to_owned(),
            content_hash: found.content_hash.clone(),
            installed_at: self.now.to_owned(),
        });
    }

    fn backup(&self, planned: &mut PlannedItem) -> String {
        let backup = format!("{}/{}", self.backups, planned.destination_relative_path);
        planned.backup_path = Some(self.root().join(&backup).display().to_string());
        backup
    }

    /// Says what has to be switched on in Codex.
    fn warn(&self, inspection: &Inspection, warnings: &mut Vec<String>) {
        let is_planned = |found: &&Found| {
            let is_it = |item: &&PlannedItem| item.kind == found.kind && item.name == found.name;
            self.items.iter().find(is_it).is_some_and(|item| item.action != Action::Skip)
        };
        for plugin in inspection.items.iter().filter(|item| item.plugin_has_hooks).filter(is_planned) {
            warnings.push(format!(
                "Plugin {} includes plugin-bundled hooks; enable [features].plugin_hooks = true to run them.",
                plugin.name
            ));
        }
        if inspection.items.iter().filter(|item| item.kind == ItemKind::Hook).any(|item| is_planned(&item)) {
            warnings.push(
                "Direct hook packs update .codex/hooks.json; enable [features].hooks = true to run them."
                    .to_owned(),
            );
        }
    }

    /// Writes, unless there is a conflict or `install` is none.
    ///
    /// # Errors
    /// As [`State::change`].
    pub(super) fn finish(
        self,
        install: Option<crate::store::Install>,
        apply: bool,
        mut warnings: Vec<String>,
    ) -> Result<PlanReport> {
        warnings.extend(self.state.lock.warnings.iter().map(|warning| format!("{LOCK}: {warning}")));
        let has_conflict = self.items.iter().any(|item| item.action == Action::Conflict);
        let is_held = install.is_some();
        let mut written = Vec::new();
        if !has_conflict {
            written = self.state.change(&self.wanted, install)?;
        }
        let root = self.root();
        let has_backup = self.items.iter().any(|item| item.backup_path.is_some());
        let marketplace_backup = self.wanted.marketplace_backup.filter(|_| !has_conflict);
        Ok(PlanReport {
            apply,
            workspace_root: root.display().to_string(),
            source: None,
            pack: None,
            items: self.items,
            warnings,
            lock_path: root.join(LOCK).display().to_string(),
            backup_root: has_backup.then(|| root.join(&self.backups).display().to_string()),
            marketplace_backup_path: marketplace_backup.map(|path| root.join(path).display().to_string()),
            applied: is_held && !written.is_empty(),
            written,
        })
    }
}
