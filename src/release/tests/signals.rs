use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::fixtures::{entry, source};
use super::super::*;

fn now() -> Timestamp {
    "2026-11-22T06:21:13.428999Z".parse().unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_time_is_written_in_utc_with_milliseconds() {
    assert_eq!(stamp(now()), "2026-11-22T06:21:13.428Z");
    assert_eq!(stamp("2026-11-22T07:00:00+01:00".parse().unwrap()), "2026-11-22T06:00:00.000Z");
}

#[test]
fn a_bad_date_does_not_keep_an_entry_from_being_recorded() {
    let signal = Signal::new(&source(json!({})), &entry("v1.0.0", None), now());
    assert_eq!(signal.published_at, stamp(now()));
}

#[test]
fn a_signal_has_the_keys_of_the_old_system_in_their_order() {
    let signal =
        Signal::new(&source(json!({})), &entry("rust-v0.130.0", Some("2026-05-08T18:01:02Z")), now());
    let json = serde_json::to_value(&signal).unwrap();
    assert_eq!(
        keys(&json),
        [
            "sourceId",
            "provider",
            "event",
            "entryId",
            "title",
            "url",
            "author",
            "publishedAt",
            "repo",
            "ref",
            "target",
            "raw"
        ]
    );
    assert_eq!(keys(&json["raw"]), ["id", "title", "url", "author", "publishedAt"]);
    assert_eq!(json["ref"], "rust-v0.130.0", "the tag, not the title");
    assert_eq!(json["publishedAt"], "2026-05-08T18:01:02.000Z");
    assert_eq!(json["repo"]["fullName"], "openai/codex");
    assert_eq!(serde_json::from_value::<Signal>(json).unwrap(), signal);
}

#[test]
fn a_push_names_its_branch_and_its_commit() {
    let source = source(json!({ "event": "push", "target": null }));
    let sha = "13595c36e218fcbd13df118eeadf00d4eb0e6d31";
    let mut push = entry("x", None);
    push.url = Some(format!("https://github.com/openai/codex/commit/{sha}"));
    let json = serde_json::to_value(Signal::new(&source, &push, now())).unwrap();
    assert_eq!(json["ref"], "refs/heads/main");
    assert_eq!(json["sha"], sha);
    assert!(json.get("target").is_none());

    push.url = None;
    push.id = format!("tag:github.com,2008:Grit::Commit/{sha}");
    assert_eq!(Signal::new(&source, &push, now()).sha.as_deref(), Some(sha));
}

#[test]
fn only_a_release_for_a_fork_that_syncs_makes_a_job() {
    let fork =
        |mode: &str| json!({ "provider": "jojo", "repoFullName": "a/b", "branch": "main", "mode": mode });
    let entry = entry("v7.0.0", None);
    assert!(FeedJob::new(&source(json!({})), &entry, now()).is_none());
    assert!(FeedJob::new(&source(json!({ "target": fork("notify_only") })), &entry, now()).is_none());
    assert!(
        FeedJob::new(&source(json!({ "target": fork("fork_sync"), "event": "push" })), &entry, now())
            .is_none()
    );

    let job = FeedJob::new(&source(json!({ "target": fork("fork_sync") })), &entry, now()).unwrap();
    let json = serde_json::to_value(&job).unwrap();
    assert_eq!(
        keys(&json),
        [
            "id",
            "kind",
            "sourceId",
            "provider",
            "upstreamRepoFullName",
            "targetRepoFullName",
            "branch",
            "upstreamRef",
            "entryId",
            "url",
            "createdAt"
        ]
    );
    assert_eq!(job.id, "github:codex:tag:github.com,2008:Repository/1/v7.0.0:fork_sync");
    assert_eq!((job.upstream_ref.as_deref(), job.target_repo_full_name.as_str()), (Some("v7.0.0"), "a/b"));
}

fn ids<'a>(source: &Source, entries: &'a [Entry], cursor: Option<&Cursor>) -> Vec<&'a str> {
    unseen(source, entries, cursor).into_iter().map(|entry| entry.tag.as_ref().unwrap().as_str()).collect()
}

#[test]
fn news_are_what_stands_above_the_entry_that_was_seen_last() {
    let source = source(json!({}));
    let page = [entry("v3", None), entry("v2", None), entry("v1", None)];
    let cursor = Cursor::after(&page[2..], None, now());
    assert_eq!(ids(&source, &page, Some(&cursor)), ["v2", "v3"], "oldest first");
    assert_eq!(ids(&source, &page, Some(&Cursor::after(&page, None, now()))), [""; 0]);
}

#[test]
fn the_first_look_takes_everything_for_old_news_unless_told_otherwise() {
    let page = [entry("v2", None), entry("v1", None)];
    assert_eq!(ids(&source(json!({})), &page, None), [""; 0]);
    assert_eq!(ids(&source(json!({ "primeOnly": false })), &page, None), ["v1", "v2"]);
}

#[test]
fn the_very_first_release_of_a_repository_is_news() {
    let empty = Cursor::after(&[], None, now());
    assert_eq!(ids(&source(json!({})), &[entry("v1", None)], Some(&empty)), ["v1"]);
}

#[test]
fn where_the_last_entry_is_gone_only_what_is_not_older_than_the_last_look_is_news() {
    let gone =
        Cursor { last_seen_id: "gone".to_owned(), last_checked_at: "2026-11-20T00:00:00.000Z".to_owned() };
    let page = [
        entry("v3", Some("2026-11-21T00:00:00Z")),
        entry("v2", None),
        entry("v1", Some("2026-11-19T00:00:00Z")),
    ];
    assert_eq!(ids(&source(json!({})), &page, Some(&gone)), ["v2", "v3"]);
}

#[test]
fn the_state_of_the_feeds_keeps_what_it_does_not_know() {
    let text = r#"{"old":{"lastSeenId":"x","lastCheckedAt":"y"},"odd":7}"#;
    let mut state: FeedState = serde_json::from_str(text).unwrap();
    assert_eq!(state.cursor("old").unwrap().last_seen_id, "x");
    assert_eq!(state.cursor("odd"), None);
    assert_eq!(state.cursor("none"), None);

    let before = state.cursor("old");
    state.set("new", &Cursor::after(&[], before.as_ref(), now()));
    let text = serde_json::to_string(&state).unwrap();
    assert!(
        text.starts_with(r#"{"old":{"lastSeenId":"x","lastCheckedAt":"y"},"odd":7,"new":{"lastSeenId":"x","#),
        "{text}"
    );
}
