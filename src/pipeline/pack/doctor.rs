//! `pack doctor`: whether what is installed is what the lock says.

use std::path::Path;

use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use serde_json::Value;

use super::super::context::Context;
use super::super::words::problem;
use super::state::{MAX_SHARED, hold};
use super::text;
use crate::failure::{Kind, Result};
use crate::flow::{Manifest, Origin, Runner, shown};
use crate::ids::RelPath;
use crate::pack::{
    Changed, Code, Files, FoundFlow, HOOKS, ItemKind, LOCK, Lock, LockItem, MARKETPLACE, Place, Problem,
    examine, flow_not_in_lock, has_hooks, has_plugin,
};
use crate::workspace::{listing, place, read_own};

/// What `patch-moi pack doctor --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "patch-moi pack doctor")]
pub(crate) struct DoctorReport {
    /// The workspace.
    pub(super) workspace_root: String,
    /// The lock.
    pub(super) lock_path: String,
    /// Whether there is one.
    pub(super) lock_exists: bool,
    /// How many items it has.
    pub(super) installed_items: usize,
    /// Those that are not there.
    pub(super) missing_destinations: Vec<LockItem>,
    /// Those that are other ones.
    pub(super) changed_destinations: Vec<Changed>,
    /// `.agents/plugins/marketplace.json`.
    pub(super) marketplace: JsonCheck,
    /// `.codex/hooks.json`.
    pub(super) hooks: JsonCheck,
    /// What could not be read.
    pub(super) errors: Vec<String>,
    /// What else is wrong.
    pub(super) problems: Vec<Problem>,
    /// What is worth knowing and not wrong.
    pub(super) notes: Vec<String>,
    /// Whether nothing is wrong.
    pub(super) healthy: bool,
}

/// A file that packs share.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JsonCheck {
    /// Where it is.
    pub(super) path: String,
    /// Whether it is there.
    pub(super) exists: bool,
    /// Whether it can be used.
    pub(super) valid: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

/// Examines everything. Nothing is written, but for what an interrupted `pack` command left.
///
/// # Errors
/// Where that cannot be put right.
pub(crate) fn doctor(context: &Context<'_>) -> Result<DoctorReport> {
    hold(context, false)?;
    let root = context.workspace.root();
    let mut report = DoctorReport::of(root);
    let lock = match read(root, LOCK) {
        Ok(None) => None,
        Ok(Some(text)) => {
            report.lock_exists = true;
            Lock::parse(&text, &root.join(LOCK)).map_err(|error| report.errors.push(error.to_string())).ok()
        }
        Err(error) => {
            report.lock_exists = true;
            report.errors.push(error);
            None
        }
    };
    let (marketplace, hooks) = (report.shared(root, MARKETPLACE), report.shared(root, HOOKS));
    for warning in lock.iter().flat_map(|lock| &lock.warnings) {
        report.problems.push(Problem {
            code: Code::Lock,
            path: LOCK.to_owned(),
            message: warning.clone(),
            fix: "correct the entry, or remove it and install the item again".to_owned(),
        });
    }
    for item in lock.iter().flat_map(|lock| &lock.items) {
        report.item(context, item);
        report.entry(item, marketplace.as_deref(), hooks.as_deref());
    }
    report.flows(context, lock.as_ref());
    report.installed_items = lock.map_or(0, |lock| lock.items.len());
    report.healthy = report.missing_destinations.is_empty()
        && report.changed_destinations.is_empty()
        && report.errors.is_empty()
        && report.problems.is_empty()
        && [&report.marketplace, &report.hooks].iter().all(|check| check.error.is_none());
    Ok(report)
}

/// The text of a file of the workspace, or why it cannot be read.
fn read(root: &Path, path: &str) -> std::result::Result<Option<String>, String> {
    let path: RelPath = path.parse().map_err(|error: crate::ids::InvalidName| error.to_string())?;
    read_own(root, &path, MAX_SHARED).map_err(|error| problem(&error.into()).message)
}

impl DoctorReport {
    fn of(root: &Path) -> Self {
        let unread = |path: &str| JsonCheck {
            path: root.join(path).display().to_string(),
            exists: false,
            valid: false,
            error: None,
        };
        Self {
            workspace_root: root.display().to_string(),
            lock_path: root.join(LOCK).display().to_string(),
            lock_exists: false,
            installed_items: 0,
            missing_destinations: Vec::new(),
            changed_destinations: Vec::new(),
            marketplace: unread(MARKETPLACE),
            hooks: unread(HOOKS),
            errors: Vec::new(),
            problems: Vec::new(),
            notes: Vec::new(),
            healthy: false,
        }
    }

    /// Reads a shared file, and says whether it can be used.
    fn shared(&mut self, root: &Path, path: &'static str) -> Option<String> {
        let file = root.join(path);
        let found = read(root, path);
        let text = found.as_ref().ok().cloned().flatten();
        // Asking for a name that no item has says whether the file has the right shape.
        let fault = |text: &str| match path {
            MARKETPLACE => has_plugin(Some(text), &file, "").err(),
            _ => has_hooks(Some(text), &file, "").err(),
        };
        let error = match &found {
            Err(why) => Some(why.clone()),
            Ok(text) => text.as_deref().and_then(fault).map(|error| error.to_string()),
        };
        let check = JsonCheck {
            path: file.display().to_string(),
            exists: !matches!(found, Ok(None)),
            valid: text.is_some() && error.is_none(),
            error,
        };
        let is_valid = check.valid;
        *(if path == MARKETPLACE { &mut self.marketplace } else { &mut self.hooks }) = check;
        text.filter(|_| is_valid)
    }

    fn item(&mut self, context: &Context<'_>, item: &LockItem) {
        let root = context.workspace.root();
        let path = item.destination_path.trim_start_matches("./").trim_end_matches('/');
        let place = match path.parse::<RelPath>() {
            Ok(path) => place(root, path.as_str())
                .unwrap_or_else(|error| Place::Blocked(problem(&error.into()).message)),
            Err(error) => Place::Blocked(error.to_string()),
        };
        let source = source_of(context, item);
        let examined = examine(item, &place, source.as_ref());
        if examined.is_missing {
            self.missing_destinations.push(item.clone());
        }
        self.changed_destinations.extend(examined.changed);
        self.problems.extend(examined.problems);
        self.notes.extend(examined.notes);
    }

    /// Whether a plugin or hook has its entry in the file that packs share.
    fn entry(&mut self, item: &LockItem, marketplace: Option<&str>, hooks: Option<&str>) {
        let name = shown(&item.name);
        let fix = format!("install it again: `patch-moi pack update {name} --apply`");
        let (code, path, message) = match item.kind {
            ItemKind::Plugin if self.marketplace.error.is_none() => {
                if has_plugin(marketplace, Path::new(MARKETPLACE), &item.name).unwrap_or(true) {
                    return;
                }
                (Code::Marketplace, MARKETPLACE, format!("plugin {name} has no entry in the marketplace"))
            }
            ItemKind::Hook if self.hooks.error.is_none() => {
                if has_hooks(hooks, Path::new(HOOKS), &item.name).unwrap_or(true) {
                    return;
                }
                (Code::Hooks, HOOKS, format!("hook {name} is not in hooks.json as it was installed"))
            }
            ItemKind::Skill | ItemKind::Flow | ItemKind::Plugin | ItemKind::Hook => return,
        };
        self.problems.push(Problem { code, path: path.to_owned(), message, fix });
    }

    /// Flows that no lock knows, and flows that codex-flows could not run.
    fn flows(&mut self, context: &Context<'_>, lock: Option<&Lock>) {
        let found = match context.workspace.found_flows() {
            Ok(found) => found,
            Err(error) => return self.errors.push(problem(&error.into()).message),
        };
        for flow in found {
            let manifest = flow.manifest.as_ref().ok().map(|text| Manifest::parse(text, &flow.manifest_file));
            let name = match &manifest {
                Some(Ok(manifest)) => manifest.name.clone(),
                _ => flow.folder.clone(),
            };
            let is_known = lock.is_none_or(|lock| lock.flow(&flow.folder, &name).is_some());
            // Where the lock itself cannot be read that is said already, and not once a flow.
            let no_lock = lock.is_none() && !self.lock_exists;
            if flow.origin == Origin::Installed && (!is_known || no_lock) {
                self.problems.push(flow_not_in_lock(&flow.folder));
            }
            self.notes
                .extend(unknown_runners(&flow, manifest.as_ref().and_then(|found| found.as_ref().ok())));
        }
    }

    /// How the command ends.
    pub(crate) const fn kind(&self) -> Kind {
        if self.healthy { Kind::Done } else { Kind::Failed }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        text::doctor(self)
    }
}

/// What the pack has, where that is a folder on this machine and is what was installed.
fn source_of(context: &Context<'_>, item: &LockItem) -> Option<Files> {
    let path: RelPath = item.source_path.parse().ok().filter(|_| item.source.kind == "local")?;
    let bases = [context.workspace.root(), context.cwd];
    let folder = bases.iter().map(|base| base.join(&item.source.input)).find(|path| path.is_dir())?;
    let files = listing(&folder, &[path.as_str().to_owned()]).ok()?.folder(path.as_str());
    (files.hash() == item.content_hash).then_some(files)
}

/// Says which runners of a flow codex-flows does not have.
fn unknown_runners(flow: &FoundFlow, manifest: Option<&Manifest>) -> Option<String> {
    let of_ours = |runner: &Runner| matches!(runner, Runner::PatchStack | Runner::Command);
    let mut runners: Vec<&str> =
        manifest?.steps.iter().map(|step| step.runner).filter(of_ours).map(Runner::name).collect();
    runners.sort_unstable();
    runners.dedup();
    let place = flow.origin.folder().unwrap_or_default();
    (!runners.is_empty()).then(|| {
        format!(
            "{place}/{}: codex-flows does not know the runner {} and cannot run this flow",
            shown(&flow.folder),
            runners.join(" and ")
        )
    })
}

/// The JSON schema of [`DoctorReport`].
pub(crate) fn pack_doctor_schema() -> Value {
    schema_for!(DoctorReport).to_value()
}
