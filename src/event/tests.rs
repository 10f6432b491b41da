use proptest::prelude::*;

use super::*;
use crate::release::fixtures::{entry, remote, source};

fn now() -> Timestamp {
    "2026-11-22T06:21:13.428Z".parse().unwrap()
}

fn release(entry: Option<Entry>) -> Release {
    let tag = remote("rust-v0.130.0", 1);
    let repo = "openai/codex".parse().unwrap();
    Release { repo, tag: tag.name, object: tag.object, commit: tag.commit, source_id: None, entry }
}

fn codex() -> Source {
    let payload = json!({ "provider": "github", "repo": "openai/codex", "tag": "0.130.0", "more": 1 });
    source(
        json!({ "target": { "mode": "workspace_flow", "eventType": "upstream.release", "payload": payload } }),
    )
}

fn parse(text: &str) -> Result<Event, EventError> {
    Event::parse(text, Path::new("dir/event.json"))
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn what_is_no_event_is_refused_with_the_file_and_the_field() {
    for (text, says) in [
        ("", "is not JSON"),
        ("{]", "is not JSON"),
        ("[]", "not an object"),
        ("null", "not an object"),
        (r#"{"type":"x"}"#, "id is missing"),
        (r#"{"id":null,"type":"x"}"#, "id is missing"),
        (r#"{"id":7,"type":"x"}"#, "id is not a text"),
        (r#"{"id":" ","type":"x"}"#, "id cannot be used"),
        (r#"{"id":"a\u001b[2J","type":"x"}"#, "id holds a control character"),
        (r#"{"id":"a"}"#, "type is missing"),
        (r#"{"id":"a","type":""}"#, "type is missing"),
        (r#"{"id":"a","type":["x"]}"#, "type is not a text"),
        (r#"{"id":"a","type":"x","receivedAt":1}"#, "receivedAt is not a text"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.to_string().starts_with("dir/event.json"), "{error}");
        assert!(error.to_string().contains(says), "{text}: {error}");
        assert!(error.hint().is_some());
    }
    let long = format!(r#"{{"id":"a","type":"{}"}}"#, "x".repeat(MAX_EVENT_BYTES));
    assert!(matches!(parse(&long), Err(EventError::TooLong { .. })));
}

#[test]
fn a_release_has_one_id_whoever_noticed_it() {
    let by_hand = Event::upstream_release(&release(None), None, now());
    let by_feed =
        Event::upstream_release(&release(Some(entry("rust-v0.130.0", None))), Some(&codex()), now());
    assert_eq!(by_hand.id.as_str(), "patch:upstream.release:openai/codex:rust-v0.130.0");
    assert_eq!(by_hand.id, by_feed.id);
}

#[test]
fn the_event_of_a_named_tag_is_what_the_old_command_wrote() {
    let event = Event::upstream_release(&release(None), None, now());
    assert_eq!(
        serde_json::to_string(&event).unwrap(),
        concat!(
            r#"{"id":"patch:upstream.release:openai/codex:rust-v0.130.0","type":"upstream.release","source":"patch","#,
            r#""receivedAt":"2026-11-22T06:21:13.428Z","payload":{"repo":"openai/codex","tag":"rust-v0.130.0"}}"#
        )
    );
}

#[test]
fn the_event_of_a_feed_says_what_the_feed_says_and_the_real_tag() {
    let entry = entry("rust-v0.130.0", Some("2026-05-08T18:01:02Z"));
    let event = Event::upstream_release(&release(Some(entry)), Some(&codex()), now());
    let json = serde_json::to_value(&event).unwrap();
    assert_eq!(keys(&json), ["id", "type", "source", "occurredAt", "receivedAt", "payload"]);
    assert_eq!(json["occurredAt"], "2026-05-08T18:01:02.000Z");
    let payload = &json["payload"];
    assert_eq!(
        keys(payload),
        [
            "provider",
            "event",
            "sourceId",
            "entryId",
            "title",
            "url",
            "author",
            "publishedAt",
            "repo",
            "repoOwner",
            "repoName",
            "ref",
            "tag",
            "raw",
            "more"
        ]
    );
    assert_eq!(payload["title"], "Title of rust-v0.130.0");
    assert_eq!(payload["tag"], "rust-v0.130.0", "not what the source's payload says");
    assert_eq!(event.repo().unwrap().as_str(), "openai/codex");
    assert_eq!(event.tag().unwrap().as_str(), "rust-v0.130.0");
}

#[test]
fn a_release_that_has_left_the_feed_still_says_where_it_comes_from() {
    let event = Event::upstream_release(&release(None), Some(&codex()), now());
    assert_eq!(
        keys(&event.payload),
        ["provider", "event", "sourceId", "repo", "repoOwner", "repoName", "ref", "tag", "more"]
    );
    assert_eq!(event.occurred_at, None);
}

#[test]
fn a_foreign_event_keeps_what_is_not_ours() {
    let text = r#"{"zeta":[1],"id":"a","payload":{"repo":"o/r","tag":"v1"},"type":"x","alpha":null}"#;
    let event = parse(text).unwrap();
    assert_eq!(event.received_at, None);
    let json = serde_json::to_string(&event).unwrap();
    assert_eq!(json, r#"{"id":"a","type":"x","payload":{"repo":"o/r","tag":"v1"},"zeta":[1],"alpha":null}"#);
    assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
}

#[test]
fn an_event_without_a_payload_has_an_empty_one() {
    let event = parse("\u{feff}{\"id\":\"a\",\"type\":\"x\",\"receivedAt\":\"\"}").unwrap();
    assert_eq!((event.payload.clone(), event.received_at.clone()), (json!({}), None));
    assert_eq!((event.repo(), event.tag()), (None, None));
}

#[test]
fn a_repository_or_tag_that_cannot_be_one_is_none() {
    let text = r#"{"id":"a","type":"x","payload":{"repo":"../etc","tag":"--upload-pack=x"}}"#;
    let event = parse(text).unwrap();
    assert_eq!((event.repo(), event.tag()), (None, None));
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in any::<String>(), id in any::<String>(), kind in any::<String>()) {
        let _ = parse(&text);
        if let Ok(event) = parse(&json!({ "id": id, "type": kind }).to_string()) {
            prop_assert!(!event.id.as_str().trim().is_empty() && !event.kind.trim().is_empty());
        }
    }
}
