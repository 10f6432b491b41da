//! Whether what is installed is what the lock says.

use schemars::JsonSchema;
use serde::Serialize;

use super::listing::{Files, some_of};
use super::lock::{ItemKind, LockItem};
use super::plan::{Place, lies_at_home, uncovered};
use crate::flow::shown;
use crate::ids::Digest;

/// An installed item that is not what the lock says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Changed {
    /// What the lock says.
    #[serde(flatten)]
    pub(crate) item: LockItem,
    /// The hash of what is there, where that could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) actual_hash: Option<Digest>,
    /// What is different.
    pub(crate) reason: String,
}

/// Something else that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Problem {
    /// What kind of problem.
    pub(crate) code: Code,
    /// What it is about: a path relative to the workspace.
    pub(crate) path: String,
    /// What is wrong.
    pub(crate) message: String,
    /// What mends it.
    pub(crate) fix: String,
}

/// A kind of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Code {
    /// A part of the lock cannot be used.
    Lock,
    /// A flow in .codex/flows is not in the lock.
    NotInLock,
    /// A folder holds a link or something else that no hash covers.
    Uncovered,
    /// A file may be executed, or may not be any more, other than in the pack.
    Mode,
    /// The lock names another place than the one where items of this kind are installed.
    Destination,
    /// A plugin has no entry in the marketplace.
    Marketplace,
    /// A hook is not in hooks.json as it was installed.
    Hooks,
}

/// What one item has come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Examined {
    /// It is not there.
    pub(crate) is_missing: bool,
    /// It is another one.
    pub(crate) changed: Option<Changed>,
    /// What else is wrong.
    pub(crate) problems: Vec<Problem>,
    /// What is worth knowing.
    pub(crate) notes: Vec<String>,
}

/// Examines what stands in the place of `item`. `source` is what its pack has, where that is here and is what was
/// installed: only there the modes are known.
pub(crate) fn examine(item: &LockItem, place: &Place, source: Option<&Files>) -> Examined {
    let mut examined = Examined::default();
    let changed = |actual_hash, reason: String| Some(Changed { item: item.clone(), actual_hash, reason });
    if !lies_at_home(item) {
        examined.problems.push(Problem {
            code: Code::Destination,
            path: item.destination_path.clone(),
            message: format!(
                "{} {} does not lie at {}",
                item.kind.name(),
                shown(&item.name),
                item.kind.destination(&shown(&item.name))
            ),
            fix: "remove the item from the lock by hand, and install it again".to_owned(),
        });
    }
    match place {
        Place::Missing => examined.is_missing = true,
        Place::Other(what) => examined.changed = changed(None, format!("destination is {what}")),
        Place::Blocked(why) => {
            examined.changed = changed(None, format!("failed to hash destination: {why}"));
        }
        Place::Folder(files) => {
            let actual = files.hash();
            if actual != item.content_hash {
                examined.changed = changed(Some(actual), "content hash differs".to_owned());
            }
            inside(item, files, source, &mut examined);
        }
    }
    examined
}

fn inside(item: &LockItem, files: &Files, source: Option<&Files>, examined: &mut Examined) {
    let what = format!("{} {}", item.kind.name(), shown(&item.name));
    if let Some(why) = uncovered(files) {
        examined.problems.push(Problem {
            code: Code::Uncovered,
            path: item.destination_path.clone(),
            message: format!("{what}: {why}"),
            fix: "remove that, or put regular files in its place and install the item again".to_owned(),
        });
    }
    let executables = files.executables();
    match source {
        Some(source) if examined.changed.is_none() => {
            let original = source.executables();
            let differ = |path: &&str| executables.contains(path) != original.contains(path);
            let paths = files.files.keys().map(String::as_str);
            let changed: Vec<&str> = paths.filter(differ).collect();
            if !changed.is_empty() {
                examined.problems.push(Problem {
                    code: Code::Mode,
                    path: item.destination_path.clone(),
                    message: format!("{what}: the mode of {} is not that of the pack", some_of(&changed)),
                    fix: "set the mode back with chmod".to_owned(),
                });
            }
        }
        _ if !executables.is_empty() => examined.notes.push(format!(
            "{what}: {} may be executed; the lock's hash does not say whether that was so",
            some_of(&executables)
        )),
        _ => {}
    }
}

/// What a flow that no lock knows is.
pub(crate) fn flow_not_in_lock(folder: &str) -> Problem {
    Problem {
        code: Code::NotInLock,
        path: ItemKind::Flow.destination(folder),
        message: format!("flow {} is not in the lock and does not run", shown(folder)),
        fix: "install it with `patch-moi pack add`, move it to `flows`, or remove it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::listing::{Listing, Node, PackFile};
    use super::*;

    fn files(nodes: &[(&str, &str, bool)], link: bool) -> Files {
        let mut listing = Listing::default();
        for (path, text, executable) in nodes {
            let file = PackFile { bytes: text.as_bytes().to_vec(), executable: *executable };
            listing.insert((*path).to_owned(), Node::File(file));
        }
        if link {
            listing.insert("link".to_owned(), Node::Link);
        }
        listing.folder("")
    }

    fn item(hash: Digest) -> LockItem {
        LockItem::sample(ItemKind::Flow, "a", hash)
    }

    #[test]
    fn a_difference_is_named_in_the_words_of_codex_flows() {
        let there = files(&[("flow.toml", "1", false)], false);
        let item = item(Digest::of(b"other"));
        let examined = examine(&item, &Place::Folder(there.clone()), None);
        let changed = examined.changed.unwrap();
        assert_eq!(
            (changed.reason.as_str(), changed.actual_hash),
            ("content hash differs", Some(there.hash()))
        );
        let reason = |place| examine(&item, &place, None).changed.unwrap().reason;
        assert_eq!(reason(Place::Other("a file")), "destination is a file");
        assert!(reason(Place::Blocked("no".into())).starts_with("failed to hash destination: "));
        assert!(examine(&item, &Place::Missing, None).is_missing);
    }

    #[test]
    fn a_link_that_was_added_later_is_a_problem_though_the_hash_is_the_same() {
        let there = files(&[("flow.toml", "1", false)], true);
        let examined = examine(&item(there.hash()), &Place::Folder(there), None);
        assert_eq!(examined.changed, None);
        assert_eq!(examined.problems[0].code, Code::Uncovered);
        assert!(examined.problems[0].message.contains("link is a symbolic link"));
    }

    #[test]
    fn a_changed_mode_is_a_problem_where_the_pack_is_known_and_else_a_note() {
        let there = files(&[("flow.toml", "1", false), ("run", "2", true)], false);
        let original = files(&[("flow.toml", "1", false), ("run", "2", false)], false);
        let item = item(there.hash());
        let place = Place::Folder(there.clone());
        assert_eq!(examine(&item, &place, Some(&original)).problems[0].code, Code::Mode);
        assert_eq!(examine(&item, &place, Some(&there)).problems, []);
        let unknown = examine(&item, &place, None);
        assert_eq!((unknown.problems.len(), unknown.notes.len()), (0, 1));
    }
}
