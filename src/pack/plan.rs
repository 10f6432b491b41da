//! What becomes of each item: decided before anything is written.

use schemars::JsonSchema;
use serde::Serialize;

use super::inspect::Found;
use super::listing::{Files, some_of};
use super::lock::{ItemKind, LockItem};

/// What becomes of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    /// It is not there, and is installed.
    Add,
    /// It is there as it was installed, and its pack has another one now.
    Update,
    /// It is there already.
    Unchanged,
    /// Something else is there; that goes to the backups, and the item takes its place.
    Overwrite,
    /// It is taken out.
    Remove,
    /// Something stands in the way; nothing is installed then.
    Conflict,
    /// It was not asked for.
    Skip,
}

impl Action {
    /// The word in the plan.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Update => "update",
            Self::Unchanged => "unchanged",
            Self::Overwrite => "overwrite",
            Self::Remove => "remove",
            Self::Conflict => "conflict",
            Self::Skip => "skip",
        }
    }

    /// Whether the item's folder is written.
    pub(crate) const fn writes(self) -> bool {
        matches!(self, Self::Add | Self::Update | Self::Overwrite)
    }
}

/// What stands where an item belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nothing.
    Missing,
    /// A folder.
    Folder(Files),
    /// A file, a link, a pipe, in words.
    Other(&'static str),
    /// Something on the way there, in words: nothing can be installed.
    Blocked(String),
}

/// What decides about an item.
#[derive(Debug)]
pub(crate) struct Here<'a> {
    /// What stands in its place.
    pub(crate) place: &'a Place,
    /// Why it cannot have its entry in the marketplace.
    pub(crate) clash: Option<String>,
    /// Whether what differs is replaced.
    pub(crate) overwrite: bool,
}

/// A decision and why.
pub(crate) type Decision = (Action, Option<String>);

const OR_OVERWRITE: &str = "rerun with --overwrite to replace it";

/// Whether the item is wanted, or why not.
pub(crate) fn left_out(
    kind: ItemKind,
    name: &str,
    include: &[String],
    exclude: &[String],
) -> Option<&'static str> {
    let is_named = |names: &[String]| names.iter().any(|wanted| names_item(wanted, kind, name));
    if !include.is_empty() && !is_named(include) {
        Some("not included")
    } else if is_named(exclude) {
        Some("excluded")
    } else {
        None
    }
}

/// Whether `wanted`, which is `name` or `kind:name`, means this item.
pub(crate) fn names_item(wanted: &str, kind: ItemKind, name: &str) -> bool {
    wanted == name || wanted.strip_prefix(kind.name()).and_then(|rest| rest.strip_prefix(':')) == Some(name)
}

/// Decides about an item that is to be installed.
pub(crate) fn add(found: &Found, here: &Here<'_>) -> Decision {
    if let Some(refusal) = &found.refusal {
        return conflict(refusal.clone());
    }
    if let (Some(clash), false) = (&here.clash, here.overwrite) {
        return conflict(clash.clone());
    }
    match here.place {
        Place::Missing => (Action::Add, None),
        Place::Blocked(why) => conflict(why.clone()),
        Place::Other(what) => here.or_overwrite(format!("destination is {what}")),
        Place::Folder(files) if files.hash() != found.content_hash => {
            here.or_overwrite("destination differs".to_owned())
        }
        Place::Folder(files) => match uncovered(files) {
            Some(what) => here.or_overwrite(what),
            None => (Action::Unchanged, None),
        },
    }
}

/// Decides about an installed item whose pack was looked at again; `found` is what the pack has now.
pub(crate) fn update(item: &LockItem, found: &Found, here: &Here<'_>) -> Decision {
    let decision = add(found, here);
    let as_installed = matches!(here.place, Place::Folder(files) if files.hash() == item.content_hash && uncovered(files).is_none());
    match decision {
        (Action::Overwrite, _) | (Action::Conflict, _)
            if as_installed && found.refusal.is_none() && (here.clash.is_none() || here.overwrite) =>
        {
            (Action::Update, None)
        }
        (Action::Conflict, Some(why)) if why.starts_with("destination differs") => {
            conflict(format!("it was changed after it was installed; {OR_OVERWRITE}"))
        }
        other => other,
    }
}

/// Decides about an installed item that is to be taken out.
pub(crate) fn remove(item: &LockItem, here: &Here<'_>) -> Decision {
    if !lies_at_home(item) {
        return conflict(format!(
            "the lock says that it lies at {}, where nothing of its kind is installed; remove it by hand",
            crate::flow::shown(&item.destination_path)
        ));
    }
    let changed = match here.place {
        Place::Missing => return (Action::Remove, None),
        Place::Blocked(why) => return conflict(why.clone()),
        Place::Other(what) => Some(format!("destination is {what}")),
        Place::Folder(files) if files.hash() != item.content_hash => {
            Some("it was changed after it was installed".to_owned())
        }
        Place::Folder(files) => uncovered(files),
    };
    match changed {
        Some(why) if !here.overwrite => {
            conflict(format!("{why}; rerun with --overwrite to remove it all the same"))
        }
        _ => (Action::Remove, None),
    }
}

/// Whether the lock names the place where items of this kind and name are installed.
pub(crate) fn lies_at_home(item: &LockItem) -> bool {
    let path = item.destination_path.trim_start_matches("./").trim_end_matches('/');
    crate::flow::check_segment(&item.name).is_ok() && path == item.kind.destination(&item.name)
}

impl Here<'_> {
    fn or_overwrite(&self, why: String) -> Decision {
        if self.overwrite { (Action::Overwrite, None) } else { conflict(format!("{why}; {OR_OVERWRITE}")) }
    }
}

fn conflict(why: String) -> Decision {
    (Action::Conflict, Some(why))
}

/// What the hash of an installed folder does not cover, in words.
pub(crate) fn uncovered(files: &Files) -> Option<String> {
    let found = files.uncovered();
    let names: Vec<&str> = found.iter().map(String::as_str).collect();
    (!names.is_empty())
        .then(|| format!("destination holds what the lock's hash does not cover ({})", some_of(&names)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::inspect::inspect;
    use super::super::layout::Layout;
    use super::super::listing::{Listing, Node, PackFile};
    use super::*;

    fn file(text: &str) -> Node {
        Node::File(PackFile { bytes: text.as_bytes().to_vec(), executable: false })
    }

    fn files(nodes: &[(&str, Node)]) -> Files {
        let mut listing = Listing::default();
        nodes.iter().for_each(|(path, node)| listing.insert((*path).to_owned(), node.clone()));
        listing.folder("")
    }

    fn skill(text: &str) -> Found {
        let mut listing = Listing::default();
        listing.insert("skills/s/SKILL.md".to_owned(), file(text));
        inspect(&Layout::of(None, Path::new("")).unwrap(), "p", &listing).items.remove(0)
    }

    fn locked(text: &str) -> LockItem {
        LockItem::sample(ItemKind::Skill, "s", skill(text).content_hash)
    }

    fn here(place: &Place, overwrite: bool) -> Here<'_> {
        Here { place, clash: None, overwrite }
    }

    fn folder(text: &str) -> Place {
        Place::Folder(files(&[("SKILL.md", file(text))]))
    }

    #[test]
    fn what_stands_there_decides() {
        let linked = Place::Folder(files(&[("SKILL.md", file("1")), ("l", Node::Link)]));
        for (place, plain, forced) in [
            (Place::Missing, Action::Add, Action::Add),
            (folder("1"), Action::Unchanged, Action::Unchanged),
            (folder("2"), Action::Conflict, Action::Overwrite),
            (linked, Action::Conflict, Action::Overwrite),
            (Place::Other("a file"), Action::Conflict, Action::Overwrite),
            (Place::Blocked("no way".into()), Action::Conflict, Action::Conflict),
        ] {
            assert_eq!(add(&skill("1"), &here(&place, false)).0, plain, "{place:?}");
            assert_eq!(add(&skill("1"), &here(&place, true)).0, forced, "{place:?}");
        }
        let refused = Found { refusal: Some("x is a symbolic link".into()), ..skill("1") };
        let decision = add(&refused, &here(&Place::Missing, true));
        assert_eq!(
            decision,
            (Action::Conflict, Some("x is a symbolic link".into())),
            "nothing overrides that"
        );
    }

    #[test]
    fn an_update_replaces_what_nobody_touched_and_nothing_else() {
        let update =
            |place: &Place, overwrite| update(&locked("old"), &skill("new"), &here(place, overwrite));
        assert_eq!(update(&folder("old"), false), (Action::Update, None));
        assert_eq!(update(&folder("new"), false).0, Action::Unchanged);
        let (action, why) = update(&folder("mine"), false);
        assert_eq!(action, Action::Conflict);
        assert!(why.unwrap().contains("changed after it was installed"));
        assert_eq!(update(&folder("mine"), true).0, Action::Overwrite);
        assert_eq!(update(&Place::Missing, false).0, Action::Add);
    }

    #[test]
    fn only_what_lies_as_it_was_installed_is_removed() {
        assert_eq!(remove(&locked("1"), &here(&folder("1"), false)).0, Action::Remove);
        assert_eq!(remove(&locked("1"), &here(&Place::Missing, false)).0, Action::Remove);
        assert_eq!(remove(&locked("1"), &here(&folder("2"), false)).0, Action::Conflict);
        assert_eq!(remove(&locked("1"), &here(&folder("2"), true)).0, Action::Remove);
        for path in ["..", "../x", "/etc", ".codex", ".agents/skills/other", ".agents/skills/../../x"] {
            let item = LockItem { destination_path: path.into(), ..locked("1") };
            assert_eq!(remove(&item, &here(&Place::Missing, true)).0, Action::Conflict, "{path}");
        }
    }

    #[test]
    fn an_item_is_named_with_and_without_its_kind() {
        let out = |include: &[&str], exclude: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            left_out(ItemKind::Flow, "a", &owned(include), &owned(exclude))
        };
        assert_eq!(out(&[], &[]), None);
        assert_eq!(out(&["a"], &[]), None);
        assert_eq!(out(&["flow:a"], &[]), None);
        assert_eq!(out(&["skill:a"], &[]), Some("not included"));
        assert_eq!(out(&["a"], &["flow:a"]), Some("excluded"));
    }
}
