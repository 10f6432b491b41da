//! What a pack offers.

use serde_json::Value;

use super::collation::{Collation, is_one_name};
use super::layout::{Layout, Listed};
use super::listing::{Files, Listing, Node, some_of};
use super::lock::ItemKind;
use crate::flow::{check_segment, shown};
use crate::ids::Digest;

/// So many entries that belong to no item are named.
const MAX_WARNED: usize = 20;

/// What a pack offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inspection {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: Option<String>,
    /// What it is for.
    pub(crate) description: Option<String>,
    /// Whether a codex-pack.toml names its items.
    pub(crate) has_pack_file: bool,
    /// Its items, sorted.
    pub(crate) items: Vec<Found>,
    /// What was passed over, and what a person should know.
    pub(crate) warnings: Vec<String>,
}

/// An item of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its name, which is a safe file name.
    pub(crate) name: String,
    /// What it is.
    pub(crate) kind: ItemKind,
    /// Its folder in the pack, with `/`.
    pub(crate) path: String,
    /// What is in it.
    pub(crate) files: Files,
    /// The hash of that.
    pub(crate) content_hash: Digest,
    /// Whether it is a plugin with hooks of its own.
    pub(crate) plugin_has_hooks: bool,
    /// Why it cannot be installed.
    pub(crate) refusal: Option<String>,
}

impl Found {
    /// `kind:name`, which is what an item is known by.
    pub(crate) fn key(&self) -> String {
        format!("{}:{}", self.kind.name(), self.name)
    }

    /// The text of its hooks.json, of a hook.
    pub(crate) fn hooks(&self) -> Option<&str> {
        let file = self.files.files.get(ItemKind::Hook.marker())?;
        std::str::from_utf8(&file.bytes).ok()
    }
}

/// Finds the items of the pack in the folder `folder`.
pub(crate) fn inspect(layout: &Layout, folder: &str, listing: &Listing) -> Inspection {
    let mut warnings = layout.warnings.clone();
    let listed = layout.listed.clone().unwrap_or_else(|| by_convention(listing));
    let mut items = Vec::new();
    for item in listed {
        items.extend(found(item, listing, &mut warnings));
    }
    let order = |item: &Found| format!("{}:{}", item.key(), item.path);
    let collation = Collation::new();
    items.sort_by(|one, other| collation.compare(&order(one), &order(other)));
    let mut kept: Vec<Found> = Vec::new();
    for item in items {
        if kept.iter().any(|other| other.key() == item.key()) {
            warnings.push(format!("Skipping duplicate {} {}.", item.kind.name(), item.name));
            continue;
        }
        kept.push(item);
    }
    refuse_twins(&mut kept);
    stray(listing, &kept, &mut warnings);
    kept.iter().for_each(|item| note(item, &mut warnings));
    Inspection {
        name: layout.name.clone().unwrap_or_else(|| folder.to_owned()),
        version: layout.version.clone(),
        description: layout.description.clone(),
        has_pack_file: layout.listed.is_some(),
        items: kept,
        warnings,
    }
}

/// Every folder with a marker, below the folder of its kind.
fn by_convention(listing: &Listing) -> Vec<Listed> {
    let mut listed = Vec::new();
    for kind in ItemKind::ALL {
        let home = format!("{}/", kind.folder());
        let marker = format!("/{}", kind.marker());
        for (path, node) in listing.iter().filter(|(path, _)| path.starts_with(&home)) {
            let Some(folder) = path.strip_suffix(&marker) else { continue };
            if matches!(node, Node::Git) {
                continue;
            }
            let last = folder.rsplit('/').next().unwrap_or(folder);
            let named = listing.text(path).and_then(|text| own_name(kind, text));
            listed.push(Listed {
                name: named.unwrap_or_else(|| last.to_owned()),
                kind,
                path: folder.to_owned(),
            });
        }
    }
    listed
}

/// The name that a flow or plugin gives itself.
fn own_name(kind: ItemKind, text: &str) -> Option<String> {
    let name = match kind {
        ItemKind::Skill | ItemKind::Hook => None,
        ItemKind::Flow => {
            let manifest: toml::Table = toml::from_str(text).ok()?;
            manifest.get("name").and_then(toml::Value::as_str).map(str::to_owned)
        }
        ItemKind::Plugin => {
            let manifest: Value = serde_json::from_str(text).ok()?;
            manifest.get("name").and_then(Value::as_str).map(str::to_owned)
        }
    };
    name.filter(|name| !name.is_empty())
}

fn found(item: Listed, listing: &Listing, warnings: &mut Vec<String>) -> Option<Found> {
    let Listed { name, kind, path } = item;
    let what = format!("{} {}", kind.name(), shown(&name));
    if check_segment(&name).is_err() {
        warnings.push(format!("Skipping {what}: name is not a safe path segment."));
        return None;
    }
    let files = listing.folder(&path);
    let mut refusal = files.refusal();
    if !files.files.contains_key(kind.marker()) && refusal.is_none() {
        let marker = kind.marker().rsplit('/').next().unwrap_or_default();
        warnings.push(format!("Skipping {what}: missing {marker}."));
        return None;
    }
    let mut plugin_has_hooks = false;
    if kind == ItemKind::Plugin {
        match json_of(&files, kind.marker()) {
            Some(manifest) => {
                let of_its_own = ["hooks/hooks.json", "hooks.json"];
                plugin_has_hooks = manifest.get("hooks").is_some()
                    || of_its_own.iter().any(|file| files.files.contains_key(*file));
            }
            None => refusal = refusal.or_else(|| Some("its plugin.json is no JSON object".to_owned())),
        }
    }
    if kind == ItemKind::Hook && refusal.is_none() {
        refusal =
            json_of(&files, kind.marker()).and_then(|hooks| super::hooks::fault(&hooks)).or_else(|| {
                json_of(&files, kind.marker())
                    .is_none()
                    .then(|| "its hooks.json is no JSON object".to_owned())
            });
    }
    let content_hash = files.hash();
    Some(Found { name, kind, path, files, content_hash, plugin_has_hooks, refusal })
}

fn json_of(files: &Files, path: &str) -> Option<Value> {
    let value: Value = serde_json::from_slice(&files.files.get(path)?.bytes).ok()?;
    value.is_object().then_some(value)
}

/// Two items that would lie in one folder on some file systems.
fn refuse_twins(items: &mut [Found]) {
    for at in 1..items.len() {
        let (before, rest) = items.split_at_mut(at);
        let item = &mut rest[0];
        let is_twin = |other: &&Found| other.kind == item.kind && is_one_name(&other.name, &item.name);
        if let Some(twin) = before.iter().find(is_twin) {
            let reason = format!(
                "its name differs from {} only in case or in how a letter is composed",
                shown(&twin.name)
            );
            item.refusal.get_or_insert(reason);
        }
    }
}

/// What lies in the pack's folders, is no regular file, and is in no item.
fn stray(listing: &Listing, items: &[Found], warnings: &mut Vec<String>) {
    let is_inside = |path: &str| {
        let of_item = |item: &Found| {
            item.path.is_empty() || item.path == path || path.starts_with(&format!("{}/", item.path))
        };
        items.iter().any(of_item)
    };
    let words = |(path, node): (&str, &Node)| match node {
        Node::Link => Some(format!("{} is a symbolic link and is not followed.", shown(path))),
        Node::Other(what) => Some(format!("{} {what} and is passed over.", shown(path))),
        Node::File(_) | Node::Git => None,
    };
    let stray: Vec<String> = listing.iter().filter(|(path, _)| !is_inside(path)).filter_map(words).collect();
    warnings.extend(stray.iter().take(MAX_WARNED).cloned());
    if stray.len() > MAX_WARNED {
        warnings.push(format!("{} more entries are passed over.", stray.len() - MAX_WARNED));
    }
}

/// What a person should know about an item that can be installed.
fn note(item: &Found, warnings: &mut Vec<String>) {
    if item.refusal.is_some() {
        return;
    }
    let what = format!("{} {}", item.kind.name(), shown(&item.name));
    let executables = item.files.executables();
    if !executables.is_empty() {
        warnings.push(format!(
            "{what}: {} may be executed; the lock's hash covers contents and not modes.",
            some_of(&executables)
        ));
    }
    for event in
        item.hooks().filter(|_| item.kind == ItemKind::Hook).map(super::hooks::unknown).unwrap_or_default()
    {
        warnings.push(format!(
            "{what}: Codex knows no event {event}; its hooks are left out of .codex/hooks.json."
        ));
    }
    if !item.files.git.is_empty() {
        let git: Vec<&str> = item.files.git.iter().map(String::as_str).collect();
        warnings.push(format!("{what}: {} is left out; the lock's hash does not cover it.", some_of(&git)));
    }
}
