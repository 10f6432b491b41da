//! Writing the lock: what was installed and what was taken out, and everything else as it was.

use std::path::Path;

use serde_json::{Value, json};

use super::collation::Collation;
use super::lock::{ItemKind, Lock, LockError, LockItem, VERSION};
use super::pin::sorted_by;
use super::splice::{Edit, edited};

/// The lock, relative to the workspace.
pub(crate) const LOCK: &str = ".codex/pack-lock.json";

impl Lock {
    /// The text of a lock with `put` in it, each in the place of the item of its kind and name, and without
    /// `gone`. What else stands in `text`, the lock at `file`, stays byte for byte: unknown keys, and items that
    /// cannot be used. None where nothing changes.
    ///
    /// # Errors
    /// Where `text` is no lock.
    pub(crate) fn changed(
        text: Option<&str>,
        file: &Path,
        put: &[LockItem],
        gone: &[(ItemKind, &str)],
    ) -> Result<Option<String>, LockError> {
        if text.is_none() && put.is_empty() {
            return Ok(None);
        }
        let before = match text {
            Some(text) => text.to_owned(),
            None => format!("{:#}\n", json!({ "version": VERSION, "items": [] })),
        };
        Self::parse(&before, file)?;
        let no_list = || LockError::Shape { file: file.into(), what: "it has no list called `items`" };
        let mut now = before;
        let collation = Collation::new();
        for item in put {
            let key = format!("{}:{}", item.kind.name(), item.name);
            let items = items(&now, file)?;
            let at = items.iter().position(|other| sorted_by(other) == key);
            let new = merged(at.map(|at| &items[at]), item);
            let edit = match at {
                Some(at) if items[at] == new => continue,
                Some(at) => Edit::Replace(at, &new),
                None => {
                    let later = |other: &Value| collation.compare(&sorted_by(other), &key).is_gt();
                    Edit::Insert(items.iter().position(later).unwrap_or(items.len()), &new)
                }
            };
            now = edited(&now, "items", edit).ok_or_else(no_list)?;
        }
        for (kind, name) in gone {
            let key = format!("{}:{name}", kind.name());
            let items = items(&now, file)?;
            // Every one of them: one that is left would pin what is no longer there.
            for at in (0..items.len()).rev().filter(|at| sorted_by(&items[*at]) == key) {
                now = edited(&now, "items", Edit::Remove(at)).ok_or_else(no_list)?;
            }
        }
        Ok((text != Some(now.as_str())).then_some(now))
    }
}

fn items(text: &str, file: &Path) -> Result<Vec<Value>, LockError> {
    let mut document: Value =
        serde_json::from_str(text).map_err(|json| LockError::Syntax { file: file.into(), json })?;
    Ok(document.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default())
}

/// `item` with what others wrote into the one that it replaces.
fn merged(old: Option<&Value>, item: &LockItem) -> Value {
    let mut new = serde_json::to_value(item).unwrap_or_default();
    let unknown = |of: &Value, known: &[&str]| -> Vec<(String, Value)> {
        let all = of.as_object().into_iter().flatten();
        all.filter(|(key, _)| !known.contains(&key.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    let Some(old) = old else { return new };
    const ITEM: [&str; 7] =
        ["name", "kind", "source", "sourcePath", "destinationPath", "contentHash", "installedAt"];
    for (key, value) in unknown(old, &ITEM) {
        new[key] = value;
    }
    let source = old.get("source").cloned().unwrap_or_default();
    for (key, value) in unknown(&source, &["input", "type", "url", "ref", "commit"]) {
        new["source"][key] = value;
    }
    new
}

#[cfg(test)]
mod tests {
    use super::super::lock::LockSource;
    use super::*;
    use crate::ids::Digest;

    fn item(kind: ItemKind, name: &str, content: &str) -> LockItem {
        let source = LockSource { commit: Some("a".repeat(40)), ..LockSource::local("../p") };
        LockItem { source, ..LockItem::sample(kind, name, Digest::of(content.as_bytes())) }
    }

    fn changed(text: Option<&str>, put: &[LockItem], gone: &[(ItemKind, &str)]) -> Option<String> {
        Lock::changed(text, Path::new("l"), put, gone).unwrap()
    }

    #[test]
    fn what_is_no_lock_is_refused() {
        for text in ["{", "[]", "{}"] {
            let put = [item(ItemKind::Flow, "a", "1")];
            assert!(Lock::changed(Some(text), Path::new("l"), &put, &[]).is_err(), "{text}");
        }
        assert_eq!(changed(None, &[], &[(ItemKind::Flow, "a")]), None);
    }

    #[test]
    fn a_lock_is_what_codex_flows_would_write_whatever_the_order() {
        let items = [
            item(ItemKind::Skill, "a", "1"),
            item(ItemKind::Flow, "b_", "1"),
            item(ItemKind::Flow, "B-", "1"),
            item(ItemKind::Hook, "x", "1"),
        ];
        let text = changed(None, &items, &[]).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        let order: Vec<String> = value["items"].as_array().unwrap().iter().map(sorted_by).collect();
        assert_eq!(order, ["flow:b_", "flow:B-", "hook:x", "skill:a"]);
        assert_eq!(text, format!("{value:#}\n"));
        let first = &value["items"][0];
        let keys: Vec<&String> = first.as_object().unwrap().keys().collect();
        let expected =
            ["name", "kind", "source", "sourcePath", "destinationPath", "contentHash", "installedAt"];
        assert_eq!(keys, expected);
        assert_eq!(changed(Some(&text), &items, &[]), None);
        let gone: Vec<(ItemKind, &str)> = items.iter().map(|item| (item.kind, item.name.as_str())).collect();
        assert_eq!(changed(Some(&text), &[], &gone).unwrap(), "{\n  \"version\": 1,\n  \"items\": []\n}\n");
    }

    #[test]
    fn what_others_wrote_and_what_cannot_be_used_stays_where_it_stands() {
        let text = "{\n  \"note\": 1.50,\n  \"version\": 1,\n  \"items\": [\n    {\"kind\":\"wizard\"},\n    {\"name\":\"z\",\"kind\":\"skill\",\"mine\":[1]}\n  ]\n}\n";
        let put = [item(ItemKind::Flow, "a", "1"), item(ItemKind::Skill, "z", "1")];
        let new = changed(Some(text), &put, &[]).unwrap();
        assert!(new.contains("\"note\": 1.50,") && new.contains("{\"kind\":\"wizard\"}"), "{new}");
        let value: Value = serde_json::from_str(&new).unwrap();
        let last = value["items"].as_array().unwrap().last().unwrap();
        assert_eq!(last["mine"], json!([1]), "{new}");
        assert_eq!(Lock::parse(&new, Path::new("l")).unwrap().items.len(), 2);
        let back = changed(Some(&new), &[], &[(ItemKind::Flow, "a"), (ItemKind::Skill, "z")]).unwrap();
        assert!(back.contains("{\"kind\":\"wizard\"}") && !back.contains("\"z\""), "{back}");
    }
}
