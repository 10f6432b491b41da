//! `.agents/plugins/marketplace.json`: where Codex finds the workspace's plugins.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::shared::{SharedError, object, pretty};
use super::splice::{Edit, edited};
use crate::flow::shown;

/// The file, relative to the workspace.
pub(crate) const MARKETPLACE: &str = ".agents/plugins/marketplace.json";

/// What the list of plugins is called.
const PLUGINS: &str = "plugins";

/// Why the plugin `name` cannot have an entry: another one stands under its name, from elsewhere.
///
/// # Errors
/// Where `text`, the file at `file`, is no marketplace.
pub(crate) fn clash(text: Option<&str>, file: &Path, name: &str) -> Result<Option<String>, SharedError> {
    let document = object(text, file)?;
    let Some(entry) = entries(&document, file)?.iter().find(|entry| named(entry) == Some(name)) else {
        return Ok(None);
    };
    if is_ours(entry, name) {
        return Ok(None);
    }
    let (name, path) = (shown(name), path_of(entry).map(shown));
    Ok(Some(match path {
        Some(path) => {
            format!("marketplace already has plugin {name} from {path}; rerun with --overwrite to replace it")
        }
        None => format!(
            "marketplace already has plugin {name} with an unknown source; rerun with --overwrite to replace it"
        ),
    }))
}

/// Whether the plugin has its entry.
///
/// # Errors
/// As [`clash`].
pub(crate) fn has(text: Option<&str>, file: &Path, name: &str) -> Result<bool, SharedError> {
    let document = object(text, file)?;
    Ok(entries(&document, file)?.iter().any(|entry| named(entry) == Some(name) && is_ours(entry, name)))
}

/// The text of the file with entries for the plugins `add` and without those of `remove`. Every other entry
/// stays in its place, byte for byte. None where nothing changes.
///
/// # Errors
/// As [`clash`].
pub(crate) fn marketplace(
    text: Option<&str>,
    file: &Path,
    add: &[&str],
    remove: &[&str],
) -> Result<Option<String>, SharedError> {
    let document = object(text, file)?;
    entries(&document, file)?;
    if text.is_none() && add.is_empty() {
        return Ok(None);
    }
    let mut now = with_frame(text, document, !add.is_empty());
    let broken = || SharedError::shape(file, "its list `plugins` cannot be changed");
    for name in add {
        let document = object(Some(&now), file)?;
        let listed = entries(&document, file)?;
        let entry = entry(name);
        let edit = match listed.iter().position(|entry| named(entry) == Some(name)) {
            Some(at) if is_ours(&listed[at], name) => continue,
            Some(at) => Edit::Replace(at, &entry),
            None => Edit::Insert(listed.len(), &entry),
        };
        now = edited(&now, PLUGINS, edit).ok_or_else(broken)?;
    }
    for name in remove {
        let document = object(Some(&now), file)?;
        let listed = entries(&document, file)?;
        let ours = |entry: &Value| named(entry) == Some(name) && is_ours(entry, name);
        if let Some(at) = listed.iter().position(ours) {
            now = edited(&now, PLUGINS, Edit::Remove(at)).ok_or_else(broken)?;
        }
    }
    Ok((text != Some(now.as_str())).then_some(now))
}

/// The text with the keys that a marketplace needs before it can hold a plugin.
fn with_frame(text: Option<&str>, mut document: Map<String, Value>, adds: bool) -> String {
    let is_named = document.get("name").and_then(Value::as_str).is_some_and(|name| !name.is_empty());
    let has_interface = document.get("interface").is_some_and(Value::is_object);
    let has_list = document.contains_key(PLUGINS);
    if let (Some(text), true) = (text, !adds || (is_named && has_interface && has_list)) {
        return text.to_owned();
    }
    if !is_named {
        document.insert("name".to_owned(), json!("workspace-packs"));
    }
    if !has_interface {
        document.insert("interface".to_owned(), json!({ "displayName": "Workspace Packs" }));
    }
    if !has_list {
        document.insert(PLUGINS.to_owned(), json!([]));
    }
    pretty(&document)
}

fn entries<'a>(document: &'a Map<String, Value>, file: &Path) -> Result<&'a [Value], SharedError> {
    match document.get(PLUGINS) {
        None => Ok(&[]),
        Some(Value::Array(listed)) => Ok(listed),
        Some(_) => Err(SharedError::shape(file, "`plugins` is no list")),
    }
}

fn named(entry: &Value) -> Option<&str> {
    entry.get("name").and_then(Value::as_str)
}

fn path_of(entry: &Value) -> Option<&str> {
    entry.get("source").and_then(|source| source.get("path")).and_then(Value::as_str)
}

fn is_ours(entry: &Value, name: &str) -> bool {
    path_of(entry) == Some(&format!("./plugins/{name}"))
}

fn entry(name: &str) -> Value {
    json!({
        "name": name,
        "source": { "source": "local", "path": format!("./plugins/{name}") },
        "policy": { "installation": "AVAILABLE", "authentication": "ON_INSTALL" },
        "category": "Productivity",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOREIGN: &str = "{\n  \"mine\" : 1,\n  \"name\": \"n\", \"interface\": {},\n  \"plugins\": [\n    {\"name\":\"a\",\"source\":{\"path\":\"./elsewhere\"}},\n    {\"name\":\"z\", \"x\":1e2}\n  ]\n}\n";

    fn with(text: Option<&str>, add: &[&str], remove: &[&str]) -> Option<String> {
        marketplace(text, Path::new("m.json"), add, remove).unwrap()
    }

    #[test]
    fn what_is_no_marketplace_is_refused() {
        for text in ["{", "[]", "{\"plugins\": {}}"] {
            assert!(marketplace(Some(text), Path::new("m"), &["p"], &[]).is_err(), "{text}");
            assert!(clash(Some(text), Path::new("m"), "p").is_err(), "{text}");
        }
    }

    #[test]
    fn the_first_plugin_makes_the_file_and_removing_it_leaves_an_empty_one() {
        let text = with(None, &["p"], &[]).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["name"], "workspace-packs");
        assert_eq!(value["interface"]["displayName"], "Workspace Packs");
        assert_eq!(value["plugins"][0]["source"]["path"], "./plugins/p");
        assert_eq!(text, format!("{value:#}\n"));
        assert_eq!(with(Some(&text), &["p"], &[]), None);
        assert!(with(Some(&text), &[], &["p"]).unwrap().contains("\"plugins\": []"));
        assert_eq!(with(None, &[], &["p"]), None);
    }

    #[test]
    fn foreign_entries_keep_their_place_and_their_bytes() {
        let text = with(Some(FOREIGN), &["p"], &[]).unwrap();
        let before = FOREIGN.split_once("\n  ]").unwrap().0;
        assert!(text.starts_with(before), "{text}");
        assert_eq!(with(Some(&text), &[], &["p"]).unwrap(), FOREIGN);
        assert_eq!(with(Some(FOREIGN), &[], &["a", "z"]), None, "they are not ours");
    }

    #[test]
    fn an_entry_from_elsewhere_is_a_clash_and_overwritten_in_its_place() {
        let reason = clash(Some(FOREIGN), Path::new("m"), "a").unwrap().unwrap();
        assert!(reason.starts_with("marketplace already has plugin a from ./elsewhere;"), "{reason}");
        assert!(clash(Some(FOREIGN), Path::new("m"), "z").unwrap().unwrap().contains("unknown source"));
        assert_eq!(clash(Some(FOREIGN), Path::new("m"), "p").unwrap(), None);
        let value: Value = serde_json::from_str(&with(Some(FOREIGN), &["a"], &[]).unwrap()).unwrap();
        assert_eq!(value["plugins"][0]["source"]["path"], "./plugins/a");
        assert_eq!(value["plugins"][1]["name"], "z");
    }
}
