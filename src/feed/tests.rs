use std::io::Write as _;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::http::Options;
use crate::http::loopback::{Loopback, reply};
use crate::release::fixtures::source;

/// As GitHub writes it: the title is the release's name, the tag stands in id and link.
const GITHUB: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/" xml:lang="en-US">
  <id>tag:github.com,2008:https://github.com/openai/codex/releases</id>
  <link type="text/html" rel="alternate" href="https://github.com/openai/codex/releases"/>
  <title>Release notes from codex</title>
  <updated>2026-05-08T18:00:00Z</updated>
  <entry>
    <id>tag:github.com,2008:Repository/965415649/rust-v0.131.0</id>
    <updated>2026-05-08T18:01:02Z</updated>
    <link rel="alternate" type="text/html" href="https://github.com/openai/codex/releases/tag/rust-v0.131.0"/>
    <title>0.131.0</title>
    <content type="html">&lt;p&gt;New&lt;/p&gt;</content>
    <author><name>someone</name></author>
    <media:thumbnail height="30" width="30" url="https://avatars.example/1"/>
  </entry>
  <entry>
    <id>tag:github.com,2008:Repository/965415649/pios/1.0</id>
    <updated>yesterday</updated>
    <link rel="alternate" type="text/html" href="/openai/codex/releases/tag/pios%2F1.0"/>
    <title></title>
    <content type="html"></content>
  </entry>
</feed>"#;

/// As Forgejo writes it.
const FORGEJO_RSS: &str = r#"<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>
<title>Releases</title><link>https://codeberg.org/forgejo/forgejo</link><description></description>
<item><title>v7.0.0</title><link>https://codeberg.org/forgejo/forgejo/releases/tag/v7.0.0</link>
<description>notes</description><author>someone</author>
<guid>4711: https://codeberg.org/forgejo/forgejo/releases/tag/v7.0.0</guid>
<pubDate>Tue, 23 Apr 2024 10:00:00 +0200</pubDate></item>
<item><title>without an id</title><link>https://codeberg.org/forgejo/forgejo/releases/tag/v6.0.0</link></item>
<item></item>
</channel></rss>"#;

fn read_github(text: &str) -> Result<Vec<Entry>, FeedError> {
    parse(text.as_bytes(), &source(json!({})))
}

fn client() -> Client {
    Client::new(Options { attempts: 1, ..Options::default() }).unwrap()
}

#[test]
fn what_is_no_feed_is_said_with_the_source_and_how_it_begins() {
    for (text, begins) in [
        ("", "``"),
        ("<!DOCTYPE html><html><body>Sign in</body></html>", "`<!DOCTYPE html>"),
        ("{\"message\": \"Not Found\"}", "`{\\\"message\\\""),
        ("<feed><entry>", ""),
        ("\u{1b}[2J", "`\\u{1b}[2J`"),
    ] {
        // A feed that breaks off is an error or has what came before; never a panic.
        let Err(error) = read_github(text) else { continue };
        assert!(error.to_string().contains("source `codex`"), "{error}");
        assert!(error.to_string().contains("https://github.com/openai/codex/releases.atom"), "{error}");
        assert!(error.to_string().contains(begins), "{error}");
        assert!(error.hint().unwrap().contains("/releases.atom"));
    }
    assert!(read_github("").is_err() && read_github("<html/>").is_err());
}

#[test]
fn a_release_is_known_by_its_tag_and_not_by_its_title() {
    let entries = read_github(GITHUB).unwrap();
    assert_eq!(entries[0].tag.as_ref().unwrap().as_str(), "rust-v0.131.0");
    assert_eq!(entries[0].title, "0.131.0");
    assert_eq!(entries[0].author.as_deref(), Some("someone"));
    assert_eq!(entries[0].updated, Some("2026-05-08T18:01:02Z".parse().unwrap()));
    assert_eq!(entries[0].published, None);
}

#[test]
fn an_entry_with_a_bad_date_no_title_and_a_relative_link_is_an_entry() {
    let entries = read_github(GITHUB).unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[1].tag.as_ref().unwrap().as_str(), "pios/1.0");
    assert_eq!(entries[1].title, "Untitled feed entry");
    assert_eq!((entries[1].updated, entries[1].published), (None, None));
    assert_eq!(entries[1].url.as_deref(), Some("https://github.com/openai/codex/releases/tag/pios%2F1.0"));
}

#[test]
fn rss_is_read_as_well_as_atom() {
    let entries = parse(FORGEJO_RSS.as_bytes(), &source(json!({ "provider": "codeberg" }))).unwrap();
    assert_eq!(entries.len(), 2, "an item without id, link and title is none");
    assert_eq!(entries[0].id, "4711: https://codeberg.org/forgejo/forgejo/releases/tag/v7.0.0");
    assert_eq!(entries[0].tag.as_ref().unwrap().as_str(), "v7.0.0");
    assert_eq!(entries[0].published, Some("2024-04-23T08:00:00Z".parse().unwrap()));
    assert_eq!(entries[1].id, "https://codeberg.org/forgejo/forgejo/releases/tag/v6.0.0");
    assert_eq!(entries[1].tag.as_ref().unwrap().as_str(), "v6.0.0");
}

#[test]
fn a_feed_without_entries_is_a_feed() {
    let empty = r#"<feed xmlns="http://www.w3.org/2005/Atom"><id>x</id><title>y</title></feed>"#;
    assert_eq!(read_github(empty).unwrap(), []);
}

#[test]
fn what_a_stranger_writes_cannot_reach_a_terminal() {
    let title = "a&#27;[2J\u{202e}b\nc".to_owned() + &"x".repeat(5_000);
    let entries = read_github(&GITHUB.replace("0.131.0</title>", &format!("{title}</title>"))).unwrap();
    assert!(entries[0].title.starts_with('a') && entries[0].title.len() <= MAX_TEXT, "{}", entries[0].title);
    assert!(!entries[0].title.contains(|c: char| c.is_control() || c == '\u{202e}'), "{}", entries[0].title);
}

#[test]
fn an_id_that_is_too_long_to_be_one_is_not_cut_to_another_ones() {
    let long = format!("Repository/965415649/rust-v0.131.0{}", "0".repeat(2_000));
    let entries = read_github(&GITHUB.replace("Repository/965415649/rust-v0.131.0", &long)).unwrap();
    assert_eq!(entries.len(), 1);
}

#[test]
fn a_thousand_entries_are_enough_and_depth_does_no_harm() {
    let entry = "<entry><id>a</id><title>t</title></entry>".repeat(3_000);
    let feed = format!(r#"<feed xmlns="http://www.w3.org/2005/Atom">{entry}</feed>"#);
    assert_eq!(read_github(&feed).unwrap().len(), MAX_ENTRIES);

    let deep = format!(
        r#"<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>a</id><title>{}</title></entry></feed>"#,
        "<b>".repeat(100_000)
    );
    let _ = read_github(&deep);
}

#[test]
fn an_entity_cannot_blow_a_feed_up_or_read_a_file() {
    let bomb = r#"<?xml version="1.0"?><!DOCTYPE feed [<!ENTITY a "xxxxxxxxxx"><!ENTITY b "&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>
        <feed xmlns="http://www.w3.org/2005/Atom"><entry><id>i</id><title>t&b;&f;</title></entry></feed>"#;
    if let Ok(entries) = read_github(bomb) {
        assert!(entries.iter().all(|entry| !entry.title.contains("xxx") && !entry.title.contains("root:")));
    }
}

#[test]
fn a_feed_is_polled_over_http_and_a_failure_names_the_source() {
    let server = Loopback::start(|asked, stream| match asked.path.as_str() {
        "/releases.atom" if asked.headers.contains("accept: application/atom+xml") => {
            reply(stream, "200 OK\nContent-Type: application/atom+xml", GITHUB.as_bytes());
        }
        _ => reply(stream, "404 Not Found", b""),
    });
    let at = |path: &str| source(json!({ "url": server.url(path).to_string() }));

    let error = poll(&client(), &at("/gone.atom")).unwrap_err();
    assert!(error.to_string().contains("source `codex`"), "{error}");
    assert!(error.hint().unwrap().contains("rename"), "{error:?}");

    let entries = poll(&client(), &at("/releases.atom")).unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[1].url, Some(server.url("/openai/codex/releases/tag/pios%2F1.0").to_string()));
}

#[test]
fn a_feed_is_read_from_a_file_and_from_nothing_else_on_the_disk() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(GITHUB.as_bytes()).unwrap();
    let at = |path: &Path| source(json!({ "url": Url::from_file_path(path).unwrap().to_string() }));

    assert_eq!(poll(&client(), &at(file.path())).unwrap().len(), 2);

    let folder = file.path().parent().unwrap();
    let error = poll(&client(), &at(folder)).unwrap_err();
    assert!(error.to_string().contains("is not a file"), "{error}");

    let error = poll(&client(), &at(&folder.join("no such.xml"))).unwrap_err();
    assert!(matches!(error, FeedError::File { .. }), "{error}");
    assert!(error.to_string().contains("no such.xml"), "{error}");
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes, &source(json!({})));
    }

    #[test]
    fn a_damaged_feed_is_read_without_a_panic(
        feed in prop_oneof![Just(GITHUB), Just(FORGEJO_RSS)],
        at in 0usize..2_000,
        patch in any::<Vec<u8>>(),
    ) {
        let mut bytes = feed.as_bytes().to_vec();
        let at = at.min(bytes.len());
        let end = (at + patch.len() / 2).min(bytes.len());
        bytes.splice(at..end, patch);
        for entry in parse(&bytes, &source(json!({}))).unwrap_or_default() {
            prop_assert!(!entry.id.is_empty() && !entry.id.contains(char::is_control));
        }
    }
}
