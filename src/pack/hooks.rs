//! `.codex/hooks.json`: the hooks of the workspace, those of packs among them.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::lock::ItemKind;
use super::shared::{SharedError, object, pretty};
use crate::flow::shown;

/// The file, relative to the workspace.
pub(crate) const HOOKS: &str = ".codex/hooks.json";

/// The events that Codex knows, in the order in which codex-flows writes them.
const EVENTS: [&str; 8] = [
    "PreToolUse",
    "PermissionRequest",
    "PostToolUse",
    "PreCompact",
    "PostCompact",
    "SessionStart",
    "UserPromptSubmit",
    "Stop",
];

/// The key under which a file says which hooks are whose.
const OWNERS: &str = "codexPack";

/// What is wrong with the hooks.json of a pack.
pub(super) fn fault(document: &Value) -> Option<String> {
    let events = match document.get("hooks") {
        None => return None,
        Some(Value::Object(events)) => events,
        Some(_) => return Some("`hooks` in its hooks.json is no object".to_owned()),
    };
    let wrong = events.iter().find(|(name, groups)| EVENTS.contains(&name.as_str()) && !groups.is_array());
    wrong.map(|(name, _)| format!("`hooks.{name}` in its hooks.json is no list"))
}

/// The events in the hooks.json of a pack that nobody knows.
pub(super) fn unknown(text: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(text).unwrap_or_default();
    let events = document.get("hooks").and_then(Value::as_object).cloned().unwrap_or_default();
    events.keys().filter(|name| !EVENTS.contains(&name.as_str())).map(|name| shown(name)).collect()
}

/// Whether the hook `name` is in the file, with every group that it is said to have.
///
/// # Errors
/// Where `text`, the file at `file`, holds no hooks.
pub(crate) fn has(text: Option<&str>, file: &Path, name: &str) -> Result<bool, SharedError> {
    let document = object(text, file)?;
    let hooks = events_of(&document, file)?;
    let Some(own) = owned(&document, name) else { return Ok(false) };
    Ok(EVENTS.iter().all(|event| {
        let there = groups(&hooks, event);
        groups(&own, event).iter().all(|group| there.contains(group))
    }))
}

/// The text of the file with the hooks of `add` (name, and the text of the pack's hooks.json) merged into it, and
/// without those of `remove`. What others put there stays, in its order. None where nothing changes.
///
/// # Errors
/// As [`has`].
pub(crate) fn merged(
    text: Option<&str>,
    file: &Path,
    add: &[(&str, &str)],
    remove: &[&str],
) -> Result<Option<String>, SharedError> {
    let before = object(text, file)?;
    let mut document = before.clone();
    let mut hooks = events_of(&document, file)?;
    for name in remove {
        if owned(&document, name).is_some() {
            change(&mut document, &mut hooks, name, &Map::new());
            owners(&mut document).remove(*name);
        }
    }
    for (name, own) in add {
        let own: Value = serde_json::from_str(own).unwrap_or_default();
        let incoming = own.get("hooks").and_then(Value::as_object).cloned().unwrap_or_default();
        change(&mut document, &mut hooks, name, &incoming);
        let events: Map<String, Value> = EVENTS
            .iter()
            .filter(|event| !groups(&incoming, event).is_empty())
            .map(|event| ((*event).to_owned(), json!(groups(&incoming, event))))
            .collect();
        let destination = ItemKind::Hook.destination(name);
        let entry = json!({ "kind": "hook", "destinationPath": destination, "events": events });
        owners(&mut document).insert((*name).to_owned(), entry);
    }
    if add.is_empty() && document == before {
        return Ok(None);
    }
    document.insert("hooks".to_owned(), Value::Object(hooks));
    // The list of owners comes last in a new file, as codex-flows writes it.
    if !before.contains_key("hooks")
        && let Some(list) = document.shift_remove(OWNERS)
    {
        document.insert(OWNERS.to_owned(), list);
    }
    Ok((document != before).then(|| pretty(&document)))
}

/// Takes out the groups that `name` had and has no more, and adds those that it has now.
fn change(
    document: &mut Map<String, Value>,
    hooks: &mut Map<String, Value>,
    name: &str,
    incoming: &Map<String, Value>,
) {
    let had = owned(document, name).unwrap_or_default();
    let others: Vec<Map<String, Value>> = owners(document)
        .iter()
        .filter(|(other, _)| *other != name)
        .filter_map(|(_, entry)| entry.get("events").and_then(Value::as_object).cloned())
        .collect();
    for event in EVENTS {
        let (had, comes) = (groups(&had, event), groups(incoming, event));
        let is_anothers = |group: &Value| others.iter().any(|other| groups(other, event).contains(group));
        let mut now = groups(hooks, event);
        now.retain(|group| !had.contains(group) || comes.contains(group) || is_anothers(group));
        for group in comes {
            if !now.contains(&group) {
                now.push(group);
            }
        }
        hooks.insert(event.to_owned(), Value::Array(now));
    }
}

/// What the file says that the hook `name` brought.
fn owned(document: &Map<String, Value>, name: &str) -> Option<Map<String, Value>> {
    let entry = document.get(OWNERS)?.get("hooks")?.get(name)?;
    Some(entry.get("events").and_then(Value::as_object).cloned().unwrap_or_default())
}

/// The list of owners, made where it is missing.
fn owners(document: &mut Map<String, Value>) -> &mut Map<String, Value> {
    let list = document.entry(OWNERS).or_insert_with(|| json!({ "version": 1, "hooks": {} }));
    if !list.is_object() {
        *list = json!({ "version": 1, "hooks": {} });
    }
    if !list["hooks"].is_object() {
        list["hooks"] = json!({});
    }
    match &mut list["hooks"] {
        Value::Object(owners) => owners,
        _ => unreachable!("it was made an object above"),
    }
}

fn groups(events: &Map<String, Value>, event: &str) -> Vec<Value> {
    events.get(event).and_then(Value::as_array).cloned().unwrap_or_default()
}

fn events_of(document: &Map<String, Value>, file: &Path) -> Result<Map<String, Value>, SharedError> {
    let events = match document.get("hooks") {
        None => return Ok(Map::new()),
        Some(Value::Object(events)) => events,
        Some(_) => return Err(SharedError::shape(file, "`hooks` is no object")),
    };
    match events.iter().find(|(name, groups)| EVENTS.contains(&name.as_str()) && !groups.is_array()) {
        Some((name, _)) => Err(SharedError::shape(file, format!("`hooks.{name}` is no list"))),
        None => Ok(events.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = r#"{"hooks":{"Stop":[{"hooks":[{"command":"a"}]},{"hooks":[{"command":"both"}]}]}}"#;
    const B: &str = r#"{"hooks":{"Stop":[{"hooks":[{"command":"both"}]}],"Other":[1]}}"#;
    const MINE: &str =
        r#"{"first":1,"hooks":{"Stop":[{"hooks":[{"command":"mine"}]}],"Mine":[2]},"last":true}"#;

    fn with(text: Option<&str>, add: &[(&str, &str)], remove: &[&str]) -> Option<String> {
        merged(text, Path::new("hooks.json"), add, remove).unwrap()
    }

    fn stops(text: &str) -> Vec<String> {
        let value: Value = serde_json::from_str(text).unwrap();
        let groups = value["hooks"]["Stop"].as_array().unwrap();
        groups.iter().map(|group| group["hooks"][0]["command"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_file_of_another_shape_is_refused() {
        for text in ["{", "[]", "{\"hooks\":[]}", "{\"hooks\":{\"Stop\":{}}}"] {
            assert!(merged(Some(text), Path::new("h"), &[("a", A)], &[]).is_err(), "{text}");
        }
        assert!(fault(&json!({"hooks": {"Stop": {}}})).is_some());
        assert_eq!(unknown(B), ["Other"]);
    }

    #[test]
    fn a_new_file_has_every_event_and_says_what_is_whose() {
        let text = with(None, &[("a", A)], &[]).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["hooks"].as_object().unwrap().keys().collect::<Vec<_>>(), EVENTS);
        assert_eq!(value["hooks"]["PreToolUse"], json!([]));
        assert_eq!(value.as_object().unwrap().keys().collect::<Vec<_>>(), ["hooks", "codexPack"]);
        let own = &value["codexPack"]["hooks"]["a"];
        assert_eq!((&value["codexPack"]["version"], &own["kind"]), (&json!(1), &json!("hook")));
        assert_eq!(own["destinationPath"], ".codex/hooks/a");
        assert_eq!(own["events"].as_object().unwrap().keys().collect::<Vec<_>>(), ["Stop"]);
        assert_eq!(with(Some(&text), &[("a", A)], &[]), None, "a second time changes nothing");
        assert!(has(Some(&text), Path::new("h"), "a").unwrap());
        assert!(!has(Some(&text), Path::new("h"), "b").unwrap());
    }

    #[test]
    fn what_others_wrote_stays_in_its_place() {
        let text = with(Some(MINE), &[("a", A)], &[]).unwrap();
        assert_eq!(stops(&text), ["mine", "a", "both"]);
        let value: Value = serde_json::from_str(&text).unwrap();
        let keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["first", "hooks", "last", "codexPack"]);
        assert_eq!(value["hooks"]["Mine"], json!([2]));
        assert_eq!(stops(&with(Some(&text), &[], &["a"]).unwrap()), ["mine"]);
    }

    #[test]
    fn a_group_of_two_packs_goes_with_the_second_of_them() {
        let both = with(None, &[("a", A), ("b", B)], &[]).unwrap();
        assert_eq!(stops(&both), ["a", "both"]);
        let one = with(Some(&both), &[], &["a"]).unwrap();
        assert_eq!(stops(&one), ["both"]);
        assert_eq!(stops(&with(Some(&one), &[], &["b"]).unwrap()), [""; 0]);
    }

    #[test]
    fn a_newer_hook_takes_its_older_groups_out() {
        let old = with(Some(MINE), &[("a", A)], &[]).unwrap();
        assert_eq!(stops(&with(Some(&old), &[("a", B)], &[]).unwrap()), ["mine", "both"]);
    }
}
