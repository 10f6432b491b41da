//! Which folders of a pack are its items: by codex-pack.toml, else by where they lie.

use std::path::{Path, PathBuf};

use thiserror::Error;
use toml::{Table, Value};

use super::hooks::HOOKS;
use super::lock::ItemKind;
use super::lock_edit::LOCK;
use super::marketplace::MARKETPLACE;
use crate::flow::{NotToml, check_segment, shown, shown_path};

/// The file that names a pack's items.
pub(crate) const PACK_FILE: &str = "codex-pack.toml";

/// What a pack says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Its name, where the file gives it one.
    pub(super) name: Option<String>,
    /// Its version.
    pub(super) version: Option<String>,
    /// What it is for.
    pub(super) description: Option<String>,
    /// The items that codex-pack.toml names; none where there is no such file.
    pub(super) listed: Option<Vec<Listed>>,
    /// What of the file was passed over.
    pub(super) warnings: Vec<String>,
}

/// An item that codex-pack.toml names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) kind: ItemKind,
    /// Its folder below the pack's, with `/`.
    pub(super) path: String,
}

/// Why codex-pack.toml cannot be used.
#[derive(Debug, Error)]
pub(crate) enum LayoutError {
    /// It is no TOML.
    #[error("{}:{}:{}: {}", shown_path(.file), .at.line, .at.column, .at.message)]
    Syntax {
        /// The file.
        file: PathBuf,
        /// Where, and what the parser said.
        at: NotToml,
    },
    /// An item lies outside.
    #[error("{}: the path {path} of item {index} leaves the pack", shown_path(.file))]
    Escapes {
        /// The file.
        file: PathBuf,
        /// Which item, from 0.
        index: usize,
        /// Its path.
        path: String,
    },
}

impl LayoutError {
    /// What to do next.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Syntax { .. } => "correct the file; nothing was installed".to_owned(),
            Self::Escapes { .. } => {
                "a path in codex-pack.toml is relative to the pack's folder and stays in it; nothing was installed"
                    .to_owned()
            }
        }
    }
}

impl ItemKind {
    /// All kinds, in the order in which they are looked for.
    pub(crate) const ALL: [Self; 4] = [Self::Skill, Self::Flow, Self::Plugin, Self::Hook];

    /// The folder of a pack in which items of this kind are looked for.
    pub(super) const fn folder(self) -> &'static str {
        match self {
            Self::Skill => "skills",
            Self::Flow => "flows",
            Self::Plugin => "plugins",
            Self::Hook => "hooks",
        }
    }

    /// The file that makes a folder an item of this kind.
    pub(super) const fn marker(self) -> &'static str {
        match self {
            Self::Skill => "SKILL.md",
            Self::Flow => "flow.toml",
            Self::Plugin => ".codex-plugin/plugin.json",
            Self::Hook => "hooks.json",
        }
    }

    /// Where items of this kind are installed, relative to the workspace.
    pub(crate) const fn home(self) -> &'static str {
        match self {
            Self::Skill => ".agents/skills",
            Self::Flow => ".codex/flows",
            Self::Plugin => "plugins",
            Self::Hook => ".codex/hooks",
        }
    }

    /// Where the item `name` is installed, relative to the workspace.
    pub(crate) fn destination(self, name: &str) -> String {
        format!("{}/{name}", self.home())
    }

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Where goes what is replaced, relative to the workspace; a folder for each command.
pub(crate) const BACKUPS: &str = ".codex/pack-backups/";

/// Whether something of a pack is installed at `path`, relative to the workspace: an item, or a file that packs share.
pub(crate) fn is_installed_at(path: &str) -> bool {
    let is_item = |kind: ItemKind| {
        let name = path.strip_prefix(kind.home()).and_then(|rest| rest.strip_prefix('/'));
        name.is_some_and(|name| check_segment(name).is_ok())
    };
    [LOCK, MARKETPLACE, HOOKS].contains(&path) || ItemKind::ALL.into_iter().any(is_item)
}

impl Layout {
    /// Reads the text of codex-pack.toml at `file`, which is only named in messages; none means that the pack
    /// has no such file.
    ///
    /// # Errors
    /// [`LayoutError`].
    pub(crate) fn of(text: Option<&str>, file: &Path) -> Result<Self, LayoutError> {
        let Some(text) = text else {
            let warnings = Vec::new();
            return Ok(Self { name: None, version: None, description: None, listed: None, warnings });
        };
        let document: Table = toml::from_str(text)
            .map_err(|error| LayoutError::Syntax { file: file.into(), at: NotToml::of(&error, text) })?;
        let pack = document.get("pack").and_then(Value::as_table).cloned().unwrap_or_default();
        let mut layout = Self {
            name: text_of(&pack, "name"),
            version: text_of(&pack, "version"),
            description: text_of(&pack, "description"),
            listed: None,
            warnings: Vec::new(),
        };
        let items = pack.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut listed = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let item = item.as_table().cloned().unwrap_or_default();
            let kind = text_of(&item, "kind").and_then(|kind| ItemKind::of(&kind));
            let (Some(name), Some(kind), Some(path)) = (text_of(&item, "name"), kind, text_of(&item, "path"))
            else {
                layout
                    .warnings
                    .push(format!("Skipping codex-pack.toml item {index}: requires name, kind, and path."));
                continue;
            };
            let path = below(&path).ok_or_else(|| LayoutError::Escapes {
                file: file.into(),
                index,
                path: shown(&path),
            })?;
            listed.push(Listed { name, kind, path });
        }
        layout.listed = Some(listed);
        Ok(layout)
    }

    /// The folders that have to be read to know the items; an empty one is the whole pack.
    pub(crate) fn folders(&self) -> Vec<String> {
        match &self.listed {
            Some(listed) => listed.iter().map(|item| item.path.clone()).collect(),
            None => ItemKind::ALL.iter().map(|kind| kind.folder().to_owned()).collect(),
        }
    }
}

fn text_of(table: &Table, key: &str) -> Option<String> {
    table.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// `path` without `.` and `..`, or none where it is absolute or leaves the folder that it starts in.
fn below(path: &str) -> Option<String> {
    if path.starts_with('/') || path.contains('\0') {
        return None;
    }
    let mut parts = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop()?;
        } else {
            parts.push(part);
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(text: &str) -> Result<Layout, LayoutError> {
        Layout::of(Some(text), Path::new("p/codex-pack.toml"))
    }

    #[test]
    fn a_file_that_is_no_toml_names_the_place() {
        let error = layout("[pack]\nname = \n").unwrap_err();
        assert!(error.to_string().starts_with("p/codex-pack.toml:2:"), "{error}");
        assert!(!error.hint().is_empty());
    }

    #[test]
    fn a_path_that_leaves_the_pack_stops_everything() {
        for path in ["/etc", "..", "../x", "a/../../x"] {
            let text = format!("[[pack.items]]\nname = \"n\"\nkind = \"flow\"\npath = \"{path}\"\n");
            let error = layout(&text).unwrap_err();
            assert!(matches!(error, LayoutError::Escapes { index: 0, .. }), "{error}");
        }
    }

    #[test]
    fn packs_are_installed_at_their_places_and_nowhere_else() {
        for path in [".codex/flows/a", ".agents/skills/a b", "plugins/p", ".codex/hooks/h", LOCK, HOOKS] {
            assert!(is_installed_at(path), "{path}");
        }
        for path in
            ["", "src", ".git/hooks/x", ".codex/flows", ".codex/flows/..", "plugins/a/b", "plugins/.git"]
        {
            assert!(!is_installed_at(path), "{path}");
        }
    }

    #[test]
    fn an_item_that_lacks_something_is_passed_over_in_the_words_of_codex_flows() {
        let text = "[pack]\nname = \"p\"\n[[pack.items]]\nname = \"n\"\nkind = \"wizard\"\npath = \"x\"\n\
                    [[pack.items]]\nname = \"s\"\nkind = \"skill\"\npath = \"./a/../b/\"\n";
        let layout = layout(text).unwrap();
        assert_eq!(layout.warnings, ["Skipping codex-pack.toml item 0: requires name, kind, and path."]);
        assert_eq!(layout.folders(), ["b"]);
    }
}
