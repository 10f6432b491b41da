//! The files of the sample's workspace: feed, sources, flow and the schema of its trigger.
//!
//! They are what a person would write by hand for a fork of their own; only the addresses are of
//! this machine.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::{BRANCH, TAG, UPSTREAM_REPO};

/// The name in the sample's flow.toml.
const FLOW_NAME: &str = "sample";

/// Every file of the workspace: path below its root with `/` between the parts, content.
pub(super) fn of_workspace(root: &Path) -> Vec<(&'static str, String)> {
    let upstream = file_url(&root.join("upstream.git"));
    let feed = file_url(&root.join("releases.atom"));
    vec![
        ("releases.atom", feed_atom()),
        ("feed-sources.json", feed_sources_json(&feed, &upstream)),
        ("flows/sample/flow.toml", flow_toml(&root.join("fork.git"), &upstream)),
        ("flows/sample/schemas/upstream-release.json", pretty(&event_schema())),
    ]
}

/// A release feed as GitHub writes one: the tag is in the id and in the link, and the title is free text.
pub(super) fn feed_atom() -> String {
    let releases = [
        (TAG, "1.1.0: The one that whistles", "2026-04-20T10:30:00Z", "Now with whistle, lid and green tea."),
        ("v1.0.0", "1.0.0: It boils", "2026-02-02T10:30:00Z", "Water goes in, tea comes out."),
    ];
    let mut feed = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en-US">
  <id>tag:github.com,2008:https://github.com/{UPSTREAM_REPO}/releases</id>
  <link type="text/html" rel="alternate" href="https://github.com/{UPSTREAM_REPO}/releases"/>
  <title>Release notes from upstream</title>
  <updated>2026-04-20T10:30:00Z</updated>
"#
    );
    for (tag, title, updated, notes) in releases {
        // Writing to a String cannot fail.
        let _ = write!(
            feed,
            r#"  <entry>
    <id>tag:github.com,2008:Repository/1/{tag}</id>
    <updated>{updated}</updated>
    <link rel="alternate" type="text/html" href="https://github.com/{UPSTREAM_REPO}/releases/tag/{tag}"/>
    <title>{title}</title>
    <content type="html">&lt;p&gt;{notes}&lt;/p&gt;</content>
    <author><name>maud</name></author>
  </entry>
"#
        );
    }
    feed + "</feed>\n"
}

/// One source of releases. `repo.webUrl` is where its tags are.
pub(super) fn feed_sources_json(feed_url: &str, upstream_url: &str) -> String {
    let (owner, name) = UPSTREAM_REPO.split_once('/').unwrap_or_default();
    pretty(&json!({
        "sources": [{
            "id": "sample-upstream-releases",
            "provider": "github",
            "url": feed_url,
            "event": "release",
            "repo": {
                "owner": owner,
                "name": name,
                "fullName": UPSTREAM_REPO,
                "webUrl": upstream_url,
                "defaultBranch": "main"
            },
            "tagPattern": r"^v(?<version>\d+\.\d+\.\d+)$",
            "target": { "mode": "workspace_flow", "eventType": "upstream.release" }
        }]
    }))
}

/// A flow with one `patch-stack` step and one check that every machine with git can run.
pub(super) fn flow_toml(fork: &Path, upstream_url: &str) -> String {
    let fork = toml::Value::String(fork.to_string_lossy().into_owned());
    let upstream = toml::Value::String(upstream_url.to_owned());
    format!(
        r#"name = "{FLOW_NAME}"
version = 1
description = "Carries the tea room's patches to every release of the kettle"

[config]
repo = {fork}
target_branch = "{BRANCH}"
upstream_repo_url = {upstream}

[[steps]]
name = "carry"
runner = "patch-stack"
timeout_ms = 60000

[steps.trigger]
type = "upstream.release"
schema = "schemas/upstream-release.json"

# A real fork would build and test here; this one only makes sure that it still has a kettle.
[[checks]]
name = "still-a-kettle"
command = ["git", "grep", "--no-index", "--quiet", "boil::boil()", "--", "src"]
timeout_ms = 10000
required = true
"#
    )
}

fn event_schema() -> Value {
    json!({
        "type": "object",
        "required": ["repo", "tag"],
        "properties": {
            "repo": { "type": "string", "enum": [UPSTREAM_REPO] },
            "tag": { "type": "string" }
        }
    })
}

/// `path`, absolute, as a `file:` URL that git and the feed reader take.
pub(super) fn file_url(path: &Path) -> String {
    let mut url = "file://".to_owned();
    let text = path.as_os_str().as_encoded_bytes();
    if !text.starts_with(b"/") {
        url.push('/');
    }
    for &byte in text {
        match byte {
            b'\\' if cfg!(windows) => url.push('/'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                url.push(byte.into())
            }
            b':' if cfg!(windows) => url.push(':'),
            _ => {
                // Writing to a String cannot fail.
                let _ = write!(url, "%{byte:02X}");
            }
        }
    }
    url
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
