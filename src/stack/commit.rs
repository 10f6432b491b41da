//! Raw commits: read, and rebuilt byte for byte.
//!
//! Format: git-cat-file(1) of a commit; gitformat-signature(5) for what is dropped.

use std::borrow::Cow;
use std::str::FromStr;

use thiserror::Error;

use super::StackError;
use crate::ids::{CommitId, TreeId};

/// Headers that vouch for the old bytes and would be false on the new ones.
const SIGNATURES: [&[u8]; 3] = [b"gpgsig", b"gpgsig-sha256", b"mergetag"];

/// Names of the one encoding beside UTF-8 whose bytes are code points.
const LATIN_1: [&[u8]; 4] = [b"ISO-8859-1", b"ISO8859-1", b"latin-1", b"latin1"];

/// A commit's content, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawCommit {
    /// The commit's tree.
    pub(crate) tree: TreeId,
    /// Its parents, in order.
    pub(crate) parents: Vec<CommitId>,
    author: Vec<u8>,
    committer: Vec<u8>,
    /// Every further header with its continuation lines and line ends.
    extra: Vec<Vec<u8>>,
    message: Vec<u8>,
}

/// Who commits the carried patches: a name and an address, so that every machine writes the same
/// bytes. The date is not his: see [`RawCommit::rebuild`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Committer(String);

/// Text that is no committer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no committer; write it as `Name <address>`")]
pub(crate) struct InvalidCommitter(String);

impl std::fmt::Display for Committer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Default for Committer {
    fn default() -> Self {
        Self("github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com>".to_owned())
    }
}

impl FromStr for Committer {
    type Err = InvalidCommitter;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidCommitter(text.escape_debug().to_string());
        let (name, rest) = text.trim().split_once('<').ok_or_else(invalid)?;
        let address = rest.strip_suffix('>').ok_or_else(invalid)?.trim();
        let plain = |part: &str| !part.chars().any(|c| c.is_control() || c == '<' || c == '>');
        let name = name.trim();
        if name.is_empty() || address.is_empty() || !plain(name) || !plain(address) {
            return Err(invalid());
        }
        Ok(Self(format!("{name} <{address}>")))
    }
}

impl RawCommit {
    /// Whether this is that patch carried: of the same author and date, with the same message.
    pub(crate) fn is_the_patch_of(&self, original: &Self) -> bool {
        (&self.author, &self.message) == (&original.author, &original.message)
    }

    /// Takes a commit's content apart.
    ///
    /// # Errors
    /// [`StackError::Malformed`] where it has no tree or an id is none.
    pub(crate) fn parse(id: CommitId, content: &[u8]) -> Result<Self, StackError> {
        let malformed = |why| StackError::Malformed { commit: id, why };
        let (mut tree, mut parents, mut author, mut committer) = (None, Vec::new(), None, None);
        let mut extra: Vec<Vec<u8>> = Vec::new();
        let mut rest = content;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line = &rest[..end];
            rest = &rest[end + 1..];
            if line.is_empty() {
                break;
            }
            let (key, value) = split_header(line);
            match key {
                b"tree" if tree.is_none() => {
                    tree = Some(parse_id(value).ok_or_else(|| malformed("its tree is no id"))?)
                }
                b"parent" if author.is_none() => {
                    parents.push(parse_id(value).ok_or_else(|| malformed("a parent is no id"))?);
                }
                b"author" if author.is_none() => author = Some(value.to_vec()),
                b"committer" if committer.is_none() => committer = Some(value.to_vec()),
                _ if line.starts_with(b" ") && !extra.is_empty() => {
                    if let Some(last) = extra.last_mut() {
                        last.extend_from_slice(line);
                        last.push(b'\n');
                    }
                }
                _ => extra.push([line, b"\n"].concat()),
            }
        }
        Ok(Self {
            tree: TreeId::new(tree.ok_or_else(|| malformed("it has no tree"))?),
            parents: parents.into_iter().map(CommitId::new).collect(),
            author: author.unwrap_or_default(),
            committer: committer.unwrap_or_default(),
            extra,
            message: rest.to_vec(),
        })
    }

    /// Whether it can be written anew. History has commits without an author, and they can be read;
    /// but git refuses to make another.
    pub(super) fn must_be_whole(&self, id: CommitId) -> Result<(), StackError> {
        let missing = match (self.author.is_empty(), self.committer.is_empty()) {
            (true, _) => "it has no author",
            (_, true) => "it has no committer",
            _ => return Ok(()),
        };
        Err(StackError::Malformed { commit: id, why: missing })
    }

    /// The same commit on other parents with another tree.
    ///
    /// Author, message, encoding and unknown headers stay as they are, byte for byte; signatures
    /// are dropped. The committer date, zone included, is the later of this commit's own and
    /// `onto`'s, `onto`'s on a tie, so that no clock takes part.
    pub(crate) fn rebuild(
        &self,
        tree: TreeId,
        parents: &[CommitId],
        committer: &Committer,
        onto: &Self,
    ) -> Vec<u8> {
        let mut content = format!("tree {tree}\n").into_bytes();
        for parent in parents {
            content.extend_from_slice(format!("parent {parent}\n").as_bytes());
        }
        content.extend_from_slice(b"author ");
        content.extend_from_slice(&self.author);
        content.extend_from_slice(b"\ncommitter ");
        content.extend_from_slice(committer.to_string().as_bytes());
        content.push(b' ');
        content.extend_from_slice(later(date(&self.committer), date(&onto.committer)).as_bytes());
        content.push(b'\n');
        for header in self.extra.iter().filter(|header| !is_signature(header)) {
            content.extend_from_slice(header);
        }
        content.push(b'\n');
        content.extend_from_slice(&self.message);
        content
    }

    /// The same commit with another message, and no header that speaks of the old one.
    pub(crate) fn with_message(&self, message: &str) -> Self {
        Self { extra: Vec::new(), message: message.as_bytes().to_vec(), ..self.clone() }
    }

    /// How many signatures [`Self::rebuild`] drops.
    pub(crate) fn signatures(&self) -> usize {
        self.extra.iter().filter(|header| is_signature(header)).count()
    }

    /// The first paragraph of the message as one line, as git's `%s` has it.
    pub(crate) fn subject(&self) -> String {
        let text = self.decode(&self.message);
        let lines = text.lines().map(str::trim_end).skip_while(|line| line.is_empty());
        lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// `Name <address>` of the author, decoded.
    pub(crate) fn author(&self) -> String {
        let text = self.decode(&self.author);
        text.rsplit_once('>').map_or_else(|| text.to_string(), |(who, _)| format!("{who}>"))
    }

    /// Text for people. Where the commit says that it is Latin-1 it is read so, else lossily as UTF-8.
    fn decode<'a>(&self, bytes: &'a [u8]) -> Cow<'a, str> {
        let is_latin = |header: &Vec<u8>| {
            let (key, value) = split_header(header);
            let value = value.trim_ascii_end();
            key == b"encoding" && LATIN_1.iter().any(|name| value.eq_ignore_ascii_case(name))
        };
        if std::str::from_utf8(bytes).is_err() && self.extra.iter().any(is_latin) {
            return bytes.iter().map(|byte| char::from(*byte)).collect();
        }
        String::from_utf8_lossy(bytes)
    }
}

fn split_header(line: &[u8]) -> (&[u8], &[u8]) {
    line.iter().position(|byte| *byte == b' ').map_or((line, &[]), |at| (&line[..at], &line[at + 1..]))
}

fn parse_id(value: &[u8]) -> Option<crate::ids::ObjectId> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn is_signature(header: &[u8]) -> bool {
    let (key, _) = split_header(header);
    SIGNATURES.contains(&key)
}

/// Seconds since 1970 and the zone, from a committer line.
fn date(line: &[u8]) -> Option<(i64, String)> {
    let text = String::from_utf8_lossy(line);
    let (_, date) = text.rsplit_once("> ")?;
    let (seconds, zone) = date.split_once(' ')?;
    Some((seconds.parse().ok()?, zone.to_owned()))
}

fn later(own: Option<(i64, String)>, onto: Option<(i64, String)>) -> String {
    let (seconds, zone) = match (own, onto) {
        (Some(own), Some(onto)) => {
            if own.0 > onto.0 {
                own
            } else {
                onto
            }
        }
        (Some(date), None) | (None, Some(date)) => date,
        (None, None) => (0, "+0000".to_owned()),
    };
    format!("{seconds} {zone}")
}
