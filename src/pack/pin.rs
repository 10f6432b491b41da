//! Writing the lock: one flow pinned, and everything else as it was.

use std::path::Path;

use serde_json::{Value, json};

use super::collation::Collation;
use super::lock::{ItemKind, Lock, LockError, LockItem, LockSource, VERSION};
use super::splice::{Edit, edited};
use crate::ids::Digest;

/// What the lock names as the source of what `init` wrote.
pub(crate) const INSTALLER: &str = "patch-moi init";

/// A flow that is to be pinned as it lies in its folder.
#[derive(Debug, Clone)]
pub(crate) struct Pin<'a> {
    /// The flow's name, which is its folder's name below `.codex/flows`.
    pub(crate) name: &'a str,
    /// Who put it there.
    pub(crate) installer: &'a str,
    /// The hash of what lies there.
    pub(crate) content_hash: Digest,
    /// When, UTC.
    pub(crate) installed_at: String,
}

impl Lock {
    /// The text of a lock that pins the flow: `text`, the lock at `file` as it is now, with that one
    /// item added or brought up to date. What else stands there stays byte for byte, unknown keys included.
    ///
    /// None where it pins just this already.
    ///
    /// # Errors
    /// Where `text` is no lock.
    pub(crate) fn pinned(
        text: Option<&str>,
        file: &Path,
        pin: &Pin<'_>,
    ) -> Result<Option<String>, LockError> {
        let Some(text) = text else {
            let document = json!({ "version": VERSION, "items": [pin.item()] });
            return Ok(Some(format!("{document:#}\n")));
        };
        let lock = Self::parse(text, file)?;
        if lock.flow(pin.name, pin.name).is_some_and(|item| item.content_hash == pin.content_hash) {
            return Ok(None);
        }
        let document: Value =
            serde_json::from_str(text).map_err(|json| LockError::Syntax { file: file.into(), json })?;
        let items = document.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let edit_at = items.iter().position(|item| lies_at(item, &pin.destination()));
        let edit_at = edit_at.or_else(|| items.iter().position(|item| is_flow(item, "name", pin.name)));
        let new = match edit_at {
            Some(at) => pin.renewed(&items[at]),
            None => pin.item(),
        };
        let edit = match edit_at {
            Some(at) => Edit::Replace(at, &new),
            None => {
                let own = format!("{}:{}", ItemKind::Flow.name(), pin.name);
                let later = |item: &Value| Collation::new().compare(&sorted_by(item), &own).is_gt();
                Edit::Insert(items.iter().position(later).unwrap_or(items.len()), &new)
            }
        };
        let no_list = LockError::Shape { file: file.into(), what: "it has no list called `items`" };
        edited(text, "items", edit).map(Some).ok_or(no_list)
    }
}

impl Pin<'_> {
    fn destination(&self) -> String {
        format!(".codex/flows/{}", self.name)
    }

    fn item(&self) -> Value {
        let item = LockItem {
            name: self.name.to_owned(),
            kind: ItemKind::Flow,
            source: LockSource::local(self.installer),
            source_path: self.destination(),
            destination_path: self.destination(),
            content_hash: self.content_hash.clone(),
            installed_at: self.installed_at.clone(),
        };
        serde_json::to_value(item).unwrap_or_default()
    }

    /// `item` with the hash and the time of now; what cannot be read of it is written anew.
    fn renewed(&self, item: &Value) -> Value {
        let mut renewed = item.clone();
        renewed["contentHash"] = json!(self.content_hash);
        renewed["installedAt"] = json!(self.installed_at);
        if !lies_at(item, &self.destination()) {
            renewed["destinationPath"] = json!(self.destination());
        }
        let reads = serde_json::from_value::<LockItem>(renewed.clone()).is_ok();
        if reads { renewed } else { self.item() }
    }
}

/// Whether a flow of the file was installed at `destination`.
fn lies_at(item: &Value, destination: &str) -> bool {
    let path = item.get("destinationPath").and_then(Value::as_str).unwrap_or_default();
    is_flow(item, "destinationPath", path)
        && path.trim_start_matches("./").trim_end_matches('/') == destination
}

/// Whether an item of the file is a flow with this text under `key`.
fn is_flow(item: &Value, key: &str, text: &str) -> bool {
    let is = |key: &str, text: &str| item.get(key).and_then(Value::as_str) == Some(text);
    is("kind", ItemKind::Flow.name()) && is(key, text)
}

/// What the items of a lock are sorted by.
pub(super) fn sorted_by(item: &Value) -> String {
    let text = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default();
    format!("{}:{}", text("kind"), text("name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHERS: &str = "{\n    \"version\": 1, \"note\": \"mine\",\n    \"items\": [\n        {\"name\":\"a\",\"kind\":\"flow\",\"source\":{\"input\":\"x\",\"type\":\"local\"},\"sourcePath\":\"flows/a\",\"destinationPath\":\".codex/flows/a\",\"contentHash\":\"sha256:5fcb04e9525e94c24ca319fcefc99fd05ed973e9c640a5e27629e263f13ca968\",\"installedAt\":\"2026-05-18T00:04:17.788Z\",\"extra\":[1]},\n        {\"kind\":\"skill\",\"half\":true}\n    ]\n}\n";

    fn pin(content: &str) -> Pin<'static> {
        Pin {
            name: "patch-stack",
            installer: "patch-moi init",
            content_hash: Digest::of(content.as_bytes()),
            installed_at: "2026-11-22T06:21:13.428Z".to_owned(),
        }
    }

    fn pinned(text: Option<&str>, content: &str) -> Option<String> {
        Lock::pinned(text, Path::new(".codex/pack-lock.json"), &pin(content)).unwrap()
    }

    #[test]
    fn what_is_no_lock_is_refused_and_not_replaced() {
        for text in ["{", "[]", "{}"] {
            assert!(Lock::pinned(Some(text), Path::new("l"), &pin("1")).is_err(), "{text}");
        }
    }

    #[test]
    fn a_new_lock_holds_the_flow_and_is_pinned_once() {
        let text = pinned(None, "1").unwrap();
        let lock = Lock::parse(&text, Path::new("l")).unwrap();
        assert_eq!(lock.warnings, [""; 0]);
        assert_eq!(lock.flow("patch-stack", "patch-stack").unwrap().content_hash, Digest::of(b"1"));
        assert!(
            text.starts_with("{\n  \"version\": 1,\n  \"items\": [\n    {\n      \"name\": \"patch-stack\"")
        );
        assert_eq!(pinned(Some(&text), "1"), None);
    }

    #[test]
    fn what_others_installed_stays_byte_for_byte() {
        let text = pinned(Some(OTHERS), "1").unwrap();
        let (before, after) = OTHERS.split_at(OTHERS.find("{\"kind\":\"skill\"").unwrap());
        assert!(text.starts_with(before) && text.ends_with(after), "{text}");

        let again = pinned(Some(&text), "2").unwrap();
        assert!(again.starts_with(before) && again.ends_with(after), "{again}");
        let lock = Lock::parse(&again, Path::new("l")).unwrap();
        assert_eq!(lock.flow("patch-stack", "patch-stack").unwrap().content_hash, Digest::of(b"2"));
        assert_eq!(lock.items.len(), 2);
    }

    #[test]
    fn an_item_keeps_what_others_wrote_into_it() {
        let first = pinned(None, "1").unwrap().replace("\"name\"", "\"mine\": {\"a\": 1},\n      \"name\"");
        let second = pinned(Some(&first), "2").unwrap();
        assert!(second.contains("\"mine\": {"), "{second}");
        assert!(Lock::parse(&second, Path::new("l")).unwrap().warnings.is_empty());
    }

    #[test]
    fn a_flow_of_the_same_name_elsewhere_makes_way_and_none_is_pinned_twice() {
        let elsewhere = pinned(None, "1").unwrap().replace(".codex/flows/patch-stack", ".codex/flows/old");
        let text = pinned(Some(&elsewhere), "2").unwrap();
        let lock = Lock::parse(&text, Path::new("l")).unwrap();
        assert_eq!((lock.items.len(), lock.warnings.len()), (1, 0), "{text}");
        assert_eq!(lock.flow("patch-stack", "patch-stack").unwrap().content_hash, Digest::of(b"2"));
        assert_eq!(lock.items[0].destination_path, ".codex/flows/patch-stack");
    }

    #[test]
    fn an_item_that_cannot_be_read_is_written_anew() {
        let broken = pinned(None, "1").unwrap().replace("\"sourcePath\"", "\"otherPath\"");
        let text = pinned(Some(&broken), "1").unwrap();
        let lock = Lock::parse(&text, Path::new("l")).unwrap();
        assert_eq!((lock.items.len(), lock.warnings.len()), (1, 0), "{text}");
    }
}
