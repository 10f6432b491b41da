//! What is installed in the workspace, read, and changed in one go.

use std::path::{Path, PathBuf};

use super::super::context::Context;
use super::report::PlanReport;
use crate::failure::Result;
use crate::ids::RelPath;
use crate::pack::{self, Found, HOOKS, ItemKind, LOCK, Lock, LockItem, MARKETPLACE};
use crate::store::{Change, Install, New, Recovered};
use crate::workspace::read_own;

/// The largest file that packs share, in bytes.
pub(super) const MAX_SHARED: u64 = 8 << 20;

/// The lock and the files that packs share.
pub(super) struct State {
    pub(super) root: PathBuf,
    pub(super) lock_text: Option<String>,
    pub(super) lock: Lock,
}

/// What is to be changed.
#[derive(Default)]
pub(super) struct Wanted<'a> {
    /// Folders that are written, with where the old ones go.
    pub(super) folders: Vec<(&'a Found, Option<String>)>,
    /// Folders that go, with where they go.
    pub(super) gone: Vec<(String, Option<String>)>,
    /// Items of the lock that are new or other ones.
    pub(super) put: Vec<LockItem>,
    /// Items of the lock that go.
    pub(super) out: Vec<(ItemKind, &'a str)>,
    /// Plugins that are installed.
    pub(super) plugins: Vec<&'a str>,
    /// Hooks that are installed, with their hooks.json.
    pub(super) hooks: Vec<(&'a str, &'a str)>,
    /// Where the old marketplace goes.
    pub(super) marketplace_backup: Option<String>,
}

/// The right to change the workspace, where `apply` asks for it. What somebody left who was killed is put right
/// in any case, and said.
///
/// # Errors
/// Where the workspace is locked or cannot be put right.
pub(super) fn hold(context: &Context<'_>, apply: bool) -> Result<Option<Install>> {
    let root = context.workspace.root();
    if !apply && !Install::is_pending(root) {
        return Ok(None);
    }
    let (install, recovered) = Install::open(root)?;
    match recovered {
        Recovered::Nothing => {}
        Recovered::Finished => {
            context.ui.note("a pack command was interrupted here; its changes were finished")
        }
        Recovered::TakenBack => context.ui.note(
            "a pack command was interrupted here, and files were changed since; its changes were taken back",
        ),
    }
    Ok(apply.then_some(install))
}

/// Plans without a trace and, where `apply` asks for it and there is something to write, once more with the
/// workspace held: what is decided is decided on what is there when it is written.
///
/// # Errors
/// As `plan` and [`hold`].
pub(super) fn plan_and_apply(
    context: &Context<'_>,
    apply: bool,
    plan: impl Fn(Option<Install>) -> Result<PlanReport>,
) -> Result<PlanReport> {
    hold(context, false)?;
    let planned = plan(None)?;
    if !apply || planned.written.is_empty() {
        return Ok(planned);
    }
    plan(hold(context, true)?)
}

impl State {
    /// Reads everything.
    ///
    /// # Errors
    /// Where a file cannot be read, is a link, or the lock is none.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let lock_text = text_at(root, LOCK)?;
        let lock = match &lock_text {
            Some(text) => Lock::parse(text, &root.join(LOCK))?,
            None => Lock { items: Vec::new(), warnings: Vec::new() },
        };
        Ok(Self { root: root.to_owned(), lock_text, lock })
    }

    /// The text of the marketplace, which is read only where a plugin needs it.
    ///
    /// # Errors
    /// Where it cannot be read or is a link.
    pub(super) fn marketplace(&self) -> Result<Option<String>> {
        text_at(&self.root, MARKETPLACE)
    }

    /// The item of this kind and name in the lock.
    pub(super) fn locked(&self, kind: ItemKind, name: &str) -> Option<&LockItem> {
        self.lock.items.iter().find(|item| item.kind == kind && item.name == name)
    }

    /// Writes what is wanted, all of it or nothing, and names what was written; without `install`, what would be.
    ///
    /// # Errors
    /// Where a shared file is not what it should be, or something cannot be written.
    pub(super) fn change(&self, wanted: &Wanted<'_>, install: Option<Install>) -> Result<Vec<String>> {
        let shared = self.shared(wanted)?;
        let mut changes: Vec<Change<'_>> = Vec::new();
        for (found, backup) in &wanted.folders {
            let place = found.kind.destination(&found.name);
            changes.push(Change { place, new: New::Folder(&found.files), backup: backup.clone() });
        }
        for (place, backup) in &wanted.gone {
            changes.push(Change { place: place.clone(), new: New::Nothing, backup: backup.clone() });
        }
        for (place, text) in &shared {
            let backup = wanted.marketplace_backup.clone().filter(|_| *place == MARKETPLACE);
            changes.push(Change { place: (*place).to_owned(), new: New::File(text), backup });
        }
        let written = changes.iter().map(|change| change.place.clone()).collect();
        if let (Some(install), false) = (install, changes.is_empty()) {
            install.apply(&changes)?;
        }
        Ok(written)
    }

    /// The shared files that change, the lock last.
    fn shared(&self, wanted: &Wanted<'_>) -> Result<Vec<(&'static str, String)>> {
        let out = |kind| {
            let of_kind = wanted.out.iter().filter(move |(other, _)| *other == kind);
            of_kind.map(|(_, name)| *name).collect::<Vec<_>>()
        };
        let mut files = Vec::new();
        let (plugins, hooks) = (out(ItemKind::Plugin), out(ItemKind::Hook));
        if !wanted.plugins.is_empty() || !plugins.is_empty() {
            let file = self.root.join(MARKETPLACE);
            let new = pack::marketplace(self.marketplace()?.as_deref(), &file, &wanted.plugins, &plugins)?;
            files.extend(new.map(|text| (MARKETPLACE, text)));
        }
        if !wanted.hooks.is_empty() || !hooks.is_empty() {
            let file = self.root.join(HOOKS);
            let new =
                pack::hooks_merged(text_at(&self.root, HOOKS)?.as_deref(), &file, &wanted.hooks, &hooks)?;
            files.extend(new.map(|text| (HOOKS, text)));
        }
        let lock = Lock::changed(self.lock_text.as_deref(), &self.root.join(LOCK), &wanted.put, &wanted.out)?;
        files.extend(lock.map(|text| (LOCK, text)));
        Ok(files)
    }
}

/// The text of a file that packs share; none where there is none.
fn text_at(root: &Path, path: &str) -> Result<Option<String>> {
    Ok(read_own(root, &path.parse::<RelPath>()?, MAX_SHARED)?)
}
