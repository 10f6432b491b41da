//! Sources, tags and entries for tests.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::ids::{CommitId, ObjectId};

use super::{Entry, RemoteTag, Source, Sources};

/// The source of `openai/codex` releases, with `changes` laid over it; a `null` takes a key away.
pub(crate) fn source(changes: Value) -> Source {
    let text = json!({ "sources": [source_json(changes)] }).to_string();
    Sources::parse(&text, Path::new("feed-sources.json")).unwrap().iter().next().unwrap().clone()
}

/// The same as JSON.
pub(crate) fn source_json(changes: Value) -> Value {
    let mut source = json!({
        "id": "codex",
        "provider": "github",
        "url": "https://github.com/openai/codex/releases.atom",
        "event": "release",
        "repo": {
            "owner": "openai",
            "name": "codex",
            "fullName": "openai/codex",
            "webUrl": "https://github.com/openai/codex",
            "defaultBranch": "main"
        },
        "target": { "mode": "workspace_flow", "eventType": "upstream.release" }
    });
    let object: &mut Map<String, Value> = source.as_object_mut().unwrap();
    for (key, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => object.shift_remove(key),
            value => object.insert(key.clone(), value.clone()),
        };
    }
    source
}

/// Some object id, another one for each `n`.
pub(crate) fn object(n: u32) -> ObjectId {
    format!("{n:08x}{}", "a".repeat(32)).parse().unwrap()
}

/// A lightweight tag.
pub(crate) fn remote(name: &str, n: u32) -> RemoteTag {
    RemoteTag { name: name.parse().unwrap(), object: object(n), commit: CommitId::new(object(n)) }
}

/// The feed's entry for a tag.
pub(crate) fn entry(tag: &str, published: Option<&str>) -> Entry {
    Entry {
        id: format!("tag:github.com,2008:Repository/1/{tag}"),
        title: format!("Title of {tag}"),
        url: Some(format!("https://github.com/openai/codex/releases/tag/{tag}")),
        author: Some("someone".to_owned()),
        published: published.map(|at| at.parse().unwrap()),
        updated: None,
        tag: tag.parse().ok(),
    }
}
