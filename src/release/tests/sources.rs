use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::fixtures::{source, source_json};
use super::super::source_file::SourcesFile;
use super::super::*;

fn parse(text: &str) -> Result<Sources, SourcesError> {
    Sources::parse(text, Path::new("dir/feed-sources.json"))
}

fn parse_one(changes: Value) -> Result<Sources, SourcesError> {
    parse(&json!({ "sources": [source_json(changes)] }).to_string())
}

#[test]
fn what_is_no_list_of_sources_is_said_so() {
    for (text, says) in [
        ("", "is not JSON"),
        ("{\"sources\": [,]}", "is not JSON"),
        ("[]", "it is a list, not an object"),
        ("{\"sources\": {}}", "`sources` is an object, not a list"),
        ("{\"sources\": [1]}", "source 1 of the list: the whole is a number, not an object"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.to_string().starts_with("dir/feed-sources.json"), "{error}");
        assert!(error.to_string().contains(says), "{text}: {error}");
        assert!(error.hint().is_some());
    }
}

fn refuses(changes: &Value, says: &str) {
    let error = parse_one(changes.clone()).unwrap_err().to_string();
    assert!(error.starts_with("dir/feed-sources.json, source "), "{error}");
    assert!(error.contains(says), "{changes}: {error}");
    assert!(!error.contains("secret@") && !error.contains("my-secret"), "{error}");
}

#[test]
fn an_error_names_file_source_and_field() {
    for (changes, says) in [
        (json!({ "id": null }), "source 1 of the list: id is missing"),
        (json!({ "id": " " }), "id is blank"),
        (json!({ "id": 7 }), "id is a number, not a text"),
        (json!({ "id": "a\u{1b}[2J" }), "id holds a control character"),
        (
            json!({ "provider": "gitea" }),
            "provider is `gitea`, which is none of `github`, `codeberg`, `jojo`",
        ),
        (json!({ "event": "tag" }), "event is `tag`, which is none of `push`, `release`"),
        (json!({ "url": null }), "url is missing"),
        (json!({ "url": "releases.atom" }), "url `releases.atom` is no address"),
        (json!({ "url": "ftp://example.com/a" }), "url is neither https: nor file:"),
        (json!({ "url": "http://example.com/a" }), "url is an http: address of another machine"),
        (json!({ "url": "file:feed.xml" }), "url is a file: address without a full path"),
        (json!({ "url": "https://me:secret@example.com/a" }), "url holds a user or password"),
        (json!({ "repo": null }), "repo is missing"),
        (json!({ "repo": "openai/codex" }), "repo is a text, not an object"),
        (json!({ "target": {} }), "target.mode is missing"),
        (json!({ "target": { "mode": "push" } }), "target.mode is `push`"),
        (json!({ "pollIntervalSeconds": "300" }), "pollIntervalSeconds is not a number of seconds"),
        (json!({ "primeOnly": "yes" }), "primeOnly is a text, not true or false"),
        (json!({ "tagPattern": "^v(\\d+)$" }), "tagPattern `^v(\\d+)$` has no group `version`"),
        (json!({ "tagPattern": "(" }), "tagPattern `(` is no regular expression"),
        (json!({ "prereleases": 1 }), "prereleases is a number, not true or false"),
        (json!({ "onFirstRun": "all" }), "onFirstRun is `all`, which is none of `newest`, `none`"),
        (json!({ "whenSeveral": "none" }), "whenSeveral is `none`, which is none of `newest`, `each`"),
        (json!({ "minimumAge": "1 month" }), "minimumAge `1 month` is longer in one month than in another"),
    ] {
        refuses(&changes, says);
    }
}

#[test]
fn an_error_inside_repo_or_target_names_the_whole_way_to_the_field() {
    let repo = |key: &str, value: Value| {
        let mut repo = source_json(json!({}))["repo"].clone();
        repo[key] = value;
        json!({ "repo": repo })
    };
    let fork = |key: &str, value: Value| {
        let mut fork =
            json!({ "provider": "jojo", "repoFullName": "a/b", "branch": "main", "mode": "fork_sync" });
        fork[key] = value;
        json!({ "target": fork })
    };
    let flow = |key: &str, value: Value| {
        let mut flow = json!({ "mode": "flow_dispatch", "eventType": "upstream.release" });
        flow[key] = value;
        json!({ "target": flow })
    };
    for (changes, says) in [
        (
            repo("fullName", json!("openai/other")),
            "repo.fullName is `openai/other`, but owner and name say `openai/codex`",
        ),
        (repo("owner", json!("open ai")), "repo.fullName is"),
        (repo("webUrl", json!("http://github.com/openai/codex")), "repo.webUrl is an http: address"),
        (repo("defaultBranch", json!("a..b")), "repo.defaultBranch is no branch"),
        (fork("repoFullName", json!("b")), "target.repoFullName cannot be used"),
        (fork("branch", Value::Null), "target.branch is missing"),
        (fork("provider", json!("x")), "target.provider is `x`"),
        (flow("eventType", json!("")), "target.eventType is blank"),
        (flow("payload", json!([])), "target.payload is a list, not an object"),
        (flow("workspaceUrl", json!("127.0.0.1:3586")), "target.workspaceUrl `127.0.0.1:3586` is neither"),
        (flow("workspaceSecretEnv", json!("my-secret")), "target.workspaceSecretEnv is not the name"),
    ] {
        refuses(&changes, says);
    }
}

#[test]
fn two_sources_cannot_share_an_id() {
    let text = json!({ "sources": [source_json(json!({})), source_json(json!({}))] }).to_string();
    let error = parse(&text).unwrap_err();
    assert!(error.to_string().contains("`codex` belongs to source 1 and to source 2"), "{error}");
}

#[test]
fn what_is_odd_is_a_warning_and_no_more() {
    let text = json!({ "version": 2, "sources": [source_json(json!({ "tagpattern": "x", "minimumAge": "2h", "event": "push" }))] });
    let sources = parse(&text.to_string()).unwrap();
    let warnings = sources.warnings().join("\n");
    assert!(warnings.contains("the key version"), "{warnings}");
    assert!(
        warnings.contains("source `codex` (1 of the list): nothing is known about the key tagpattern"),
        "{warnings}"
    );
    assert!(warnings.contains("minimumAge says something about releases"), "{warnings}");
    assert_eq!(sources.warnings().len(), 3);
    assert_eq!(parse("{}").unwrap().warnings().len(), 1);
}

#[test]
fn the_bundled_file_has_the_four_sources_of_the_old_system() {
    let sources = parse(include_str!("../../../feed-sources.json")).unwrap();
    let ids: Vec<&str> = sources.iter().map(|source| source.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "codeberg-forgejo-branch",
            "codeberg-forgejo-releases",
            "github-openai-codex-main",
            "github-openai-codex-releases"
        ]
    );
    assert!(sources.warnings().is_empty(), "{:?}", sources.warnings());

    let codex = sources.get("github-openai-codex-releases").unwrap();
    let working: Vec<&str> =
        sources.iter().filter(|source| source.starts_work()).map(|source| source.id.as_str()).collect();
    assert_eq!(working, ["github-openai-codex-releases"]);
    assert_eq!(sources.by_repo(&"OpenAI/Codex".parse().unwrap())[0].id, codex.id);
    let version = |tag: &str| codex.rules.tag_pattern.version_of(&tag.parse().unwrap()).map(str::to_owned);
    assert_eq!(version("rust-v0.131.0").as_deref(), Some("0.131.0"));
    assert_eq!(version("rust-v0.131.0-alpha.1"), None);
}

#[test]
fn only_releases_for_a_flow_start_work() {
    let fork = json!({ "provider": "jojo", "repoFullName": "a/b", "branch": "main", "mode": "fork_sync" });
    for (changes, starts) in [
        (json!({}), true),
        (json!({ "target": { "mode": "flow_dispatch", "eventType": "x" } }), true),
        (json!({ "event": "push" }), false),
        (json!({ "target": null }), false),
        (json!({ "target": fork }), false),
    ] {
        assert_eq!(source(changes.clone()).starts_work(), starts, "{changes}");
    }
}

#[test]
fn a_source_may_be_a_file_or_on_this_machine() {
    for url in ["file:///tmp/feed.xml", "http://127.0.0.1:8080/a", "http://localhost/a", "http://[::1]/a"] {
        assert_eq!(source(json!({ "url": url })).url.as_str(), url);
    }
}

/// A file in which every key is used.
fn every_key() -> Value {
    let mut fork = source_json(json!({
        "target": { "provider": "jojo", "repoFullName": "a/b", "branch": "main", "mode": "notify_only" }
    }));
    fork["id"] = json!("fork");
    json!({ "sources": [fork, source_json(json!({
        "target": {
            "mode": "workspace_flow", "eventType": "upstream.release", "workspaceUrl": "http://127.0.0.1:3586",
            "workspaceUrlEnv": "A", "workspaceSecretEnv": "B", "dispatchUrl": "wss://example.com/",
            "dispatchUrlEnv": "C", "dispatchSecretEnv": "D", "payload": { "x": 1 }
        },
        "pollIntervalSeconds": 300.0, "primeOnly": false, "tagPattern": "(?<version>.*)", "prereleases": true,
        "onFirstRun": "none", "whenSeveral": "each", "minimumAge": "2h"
    }))] })
}

#[test]
fn the_schema_knows_every_key_that_is_read_and_no_other() {
    let file = every_key();
    assert!(parse(&file.to_string()).unwrap().warnings().is_empty());

    let raw: SourcesFile = serde_json::from_value(file.clone()).unwrap();
    assert_eq!(serde_json::to_value(&raw).unwrap(), file);

    let schema = sources_schema();
    let keys = |name: &str| {
        schema["$defs"][name]["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    let used = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let [fork, flow] = [&file["sources"][0], &file["sources"][1]];
    assert_eq!(keys("RawSource"), used(flow));
    assert_eq!(keys("RawRepo"), used(&flow["repo"]));
    assert_eq!(keys("RawFlowTarget"), used(&flow["target"]));
    assert_eq!(keys("RawForkTarget"), used(&fork["target"]));
}

#[test]
fn the_schema_accepts_the_bundled_file_and_refuses_a_wrong_one() {
    let validator = jsonschema::validator_for(&sources_schema()).unwrap();
    let bundled: Value = serde_json::from_str(include_str!("../../../feed-sources.json")).unwrap();
    assert!(validator.is_valid(&bundled));
    assert!(validator.is_valid(&every_key()));
    assert!(!validator.is_valid(&json!({ "sources": [source_json(json!({ "event": "tag" }))] })));
    assert!(!validator.is_valid(&json!({ "sources": [source_json(json!({ "id": null }))] })));
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn any_value_in_any_place_is_refused_or_taken_without_a_panic(
        key in "id|provider|url|event|repo|target|tagPattern|minimumAge|onFirstRun|primeOnly",
        value in prop_oneof![
            Just(json!(null)), Just(json!([])), Just(json!({})), Just(json!(1e300)),
            any::<String>().prop_map(Value::from),
        ],
    ) {
        if let Err(error) = parse_one(json!({ key: value })) {
            prop_assert!(!error.to_string().contains('\n'), "{}", error);
        }
    }
}
