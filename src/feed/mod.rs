//! Feeds and what they say.
//!
//! A feed is a hint: it tells that something may be new, and adds names and dates. Whether a tag
//! exists, and what it points to, only the upstream repository says. So a feed is read leniently
//! (an entry with a bad date is an entry without a date), and what cannot be read at all is an error
//! that names the source.

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use feed_rs::model;
use feed_rs::parser::{Builder, ParseFeedError};
use jiff::Timestamp;
use thiserror::Error;
use url::Url;

use crate::http::{Client, HttpError, Limits, shown};
use crate::release::{Entry, Source, tag_of};

/// What a feed is asked for.
const ACCEPT: &str = "application/atom+xml, application/rss+xml, application/xml, text/xml;q=0.9";

/// The longest feed, in bytes. Forgejo gives every release with its notes at once.
const MAX_BYTES: u64 = 16 << 20;

/// How long a feed may take.
const MAX_TIME: Duration = Duration::from_secs(60);

/// How many entries of a feed are looked at: the newest ones.
const MAX_ENTRIES: usize = 1_000;

/// How long a text may be: titles and names are cut there, ids and addresses are refused.
const MAX_TEXT: usize = 1_000;

/// Why a feed could not be read.
#[derive(Debug, Error)]
pub(crate) enum FeedError {
    /// The server did not give it.
    #[error("the feed of source `{id}` could not be fetched")]
    Fetch {
        /// The source's id.
        id: String,
        /// Why.
        source: HttpError,
    },
    /// The file could not be read.
    #[error("the feed of source `{id}`, {}, could not be read", file.display())]
    File {
        /// The source's id.
        id: String,
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not a file, or too long.
    #[error("the feed of source `{id}`, {}, {why}", file.display())]
    NotReadable {
        /// The source's id.
        id: String,
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It is something else than a feed.
    #[error("what source `{id}` reads from {url} is neither Atom nor RSS (it begins with `{begins}`)")]
    NotAFeed {
        /// The source's id.
        id: String,
        /// Where it came from.
        url: String,
        /// Its first characters, escaped.
        begins: String,
        /// What the parser says.
        source: ParseFeedError,
    },
}

impl FeedError {
    /// What to do next.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Fetch { source, .. } => source.hint(),
            Self::File { .. } | Self::NotReadable { .. } => {
                Some("check the path in the source's url: file:///… names one file on this machine".to_owned())
            }
            Self::NotAFeed { .. } => {
                Some("a release feed is, on GitHub and Forgejo, the repository's page with /releases.atom behind it".to_owned())
            }
        }
    }
}

/// Reads the feed of `source`: over `client`, or from the disk where its address is a `file:`.
///
/// # Errors
/// Where it cannot be fetched or read, is too long, or is no feed. A feed without entries is one.
pub(crate) fn poll(client: &Client, source: &Source) -> Result<Vec<Entry>, FeedError> {
    let id = || source.id.clone();
    if source.url.scheme() == "file" {
        let not_a_path = |()| FeedError::NotReadable {
            id: id(),
            file: PathBuf::from(source.url.path()),
            why: "is not a path on this machine",
        };
        let file = source.url.to_file_path().map_err(not_a_path)?;
        return parse(&read(&file, source)?, source);
    }
    let limits = Limits { body: MAX_BYTES, whole: MAX_TIME };
    let answer =
        client.get(&source.url, ACCEPT, limits).map_err(|source| FeedError::Fetch { id: id(), source })?;
    parse_at(&answer.body, source, &answer.url)
}

fn read(file: &Path, source: &Source) -> Result<Vec<u8>, FeedError> {
    let (id, path) = (source.id.clone(), file.to_owned());
    let failed = |source| FeedError::File { id: id.clone(), file: path.clone(), source };
    // Looked at first: to open a pipe could wait for ever.
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(FeedError::NotReadable { id, file: path, why: "is not a file" });
    }
    let mut bytes = Vec::new();
    File::open(file).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(FeedError::NotReadable { id, file: path, why: "is longer than 16 MiB" });
    }
    Ok(bytes)
}

/// Reads a feed's text.
///
/// # Errors
/// Where it is neither Atom nor RSS.
pub(crate) fn parse(bytes: &[u8], source: &Source) -> Result<Vec<Entry>, FeedError> {
    parse_at(bytes, source, &source.url)
}

/// `at` is where it came from in the end: relative links start there.
fn parse_at(bytes: &[u8], source: &Source, at: &Url) -> Result<Vec<Entry>, FeedError> {
    let parser = Builder::new()
        .base_uri(Some(at.as_str()))
        // The old system's rule: without an id, the first link, else the title, else none.
        .id_generator(|links, title, _| {
            let link = links.first().map(|link| link.href.clone());
            link.or_else(|| title.as_ref().map(|title| title.content.clone())).unwrap_or_default()
        })
        .build();
    let feed = parser.parse(bytes).map_err(|error| FeedError::NotAFeed {
        id: source.id.clone(),
        url: shown(at),
        begins: String::from_utf8_lossy(bytes)
            .trim()
            .chars()
            .take(40)
            .flat_map(char::escape_default)
            .collect(),
        source: error,
    })?;
    Ok(feed.entries.into_iter().take(MAX_ENTRIES).filter_map(entry).collect())
}

/// What we keep of an entry; nothing where it has no id, or one that is too long to be one (cut, it
/// could be another's).
fn entry(entry: model::Entry) -> Option<Entry> {
    let id = whole(&entry.id)?;
    let is_page = |link: &&model::Link| link.rel.as_deref().is_none_or(|rel| rel == "alternate");
    let link = entry.links.iter().find(is_page).or(entry.links.first());
    let url = link.and_then(|link| whole(&link.href));
    let title = entry.title.map(|title| cut(&title.content)).filter(|title| !title.is_empty());
    let author = entry.authors.into_iter().find_map(|author| author.name);
    Some(Entry {
        tag: tag_of(&id, url.as_deref()),
        title: title.unwrap_or_else(|| "Untitled feed entry".to_owned()),
        author: author.map(|name| cut(&name)).filter(|name| !name.is_empty()),
        published: entry.published.and_then(|at| Timestamp::from_millisecond(at.timestamp_millis()).ok()),
        updated: entry.updated.and_then(|at| Timestamp::from_millisecond(at.timestamp_millis()).ok()),
        id,
        url,
    })
}

/// A text that only counts as a whole: `None` where it is empty or over-long.
fn whole(text: &str) -> Option<String> {
    let text = one_line(text).collect::<String>().trim().to_owned();
    (!text.is_empty() && text.len() <= MAX_TEXT).then_some(text)
}

/// A text for people, cut where it is over-long.
fn cut(text: &str) -> String {
    one_line(text.trim()).take(MAX_TEXT).collect::<String>().trim().to_owned()
}

/// `text` without what can move a cursor, hide text or turn its direction.
fn one_line(text: &str) -> impl Iterator<Item = char> {
    let is_safe = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().map(move |c| if is_safe(c) { c } else { ' ' })
}
