//! What lasts between two machines that have no memory, as files: how two versions of it become one.
//!
//! A runner starts empty. What it must know of earlier runs lies in a ref: a tree of `flow-client/` and
//! `data/`, the same files that lie on a disk. Two machines that ran at once have written two versions of
//! them, and [`union`] makes one of both in which nothing is lost: what is not understood is kept.

mod journal;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::ids::{Digest, RelPath};
use crate::record::{Archived, FlowClientState};

/// The files of a state, by their paths in its tree.
pub(crate) type Files = BTreeMap<RelPath, Vec<u8>>;

/// Where the flow client's state is in the tree.
pub(crate) const FLOW_CLIENT: &str = "flow-client/state.json";

/// Where what was too old for the flow client's state is in the tree.
pub(crate) const ARCHIVE: &str = "flow-client/state-archive.jsonl";

/// The folder of the tree that holds the journals of DATA_DIR.
pub(crate) const DATA: &str = "data";

/// How far each feed was read.
const FEED_STATE: &str = "data/feed-state.json";

/// So many files has a state at most.
pub(crate) const MOST_FILES: usize = 64;

/// The largest file of a state, in bytes. GitHub takes none above 100 MB.
pub(crate) const LARGEST_FILE: u64 = 64 << 20;

/// How large all files of a state may be together, in bytes.
pub(crate) const LARGEST_STATE: u64 = 256 << 20;

/// A state that is larger than is read or written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum TooLarge {
    /// One of its files.
    #[error("its file {path} has {bytes} bytes, and {LARGEST_FILE} are the most")]
    File {
        /// The file.
        path: RelPath,
        /// How large it is.
        bytes: u64,
    },
    /// The number of its files.
    #[error("it has more than {MOST_FILES} files")]
    Files,
    /// All of it.
    #[error("it has {0} bytes, and {LARGEST_STATE} are the most")]
    Whole(u64),
}

/// Counts the files of a state against its bounds, before they are read or written.
#[derive(Debug, Default)]
pub(crate) struct Bounds {
    files: usize,
    bytes: u64,
}

impl Bounds {
    /// Takes one more file of so many bytes.
    ///
    /// # Errors
    /// Where it, or all so far, are too large.
    pub(crate) fn take(&mut self, path: &RelPath, bytes: u64) -> Result<(), TooLarge> {
        self.files += 1;
        self.bytes += bytes;
        if self.files > MOST_FILES {
            return Err(TooLarge::Files);
        }
        if bytes > LARGEST_FILE {
            return Err(TooLarge::File { path: path.clone(), bytes });
        }
        if self.bytes > LARGEST_STATE { Err(TooLarge::Whole(self.bytes)) } else { Ok(()) }
    }
}

/// Whether a state can be written.
///
/// # Errors
/// Where it is too large.
pub(crate) fn check(files: &Files) -> Result<(), TooLarge> {
    let mut bounds = Bounds::default();
    files.iter().try_for_each(|(path, bytes)| bounds.take(path, bytes.len() as u64))
}

/// Everything that stands in either of two states. Journals have the lines of both in the order of their
/// times, where `ours` comes first among equals; of one record the newer state stands; a file that is of no
/// known kind, or cannot be read as its kind, is kept. What one of them has archived does not come back from
/// the other.
///
/// Whoever unites the result with either of the two again gets the same.
pub(crate) fn union(ours: &Files, theirs: &Files) -> Files {
    let mut all = ours.clone();
    for (path, their) in theirs {
        match ours.get(path) {
            None => drop(all.insert(path.clone(), their.clone())),
            Some(our) if our == their => {}
            Some(our) => unite(path, our, their, &mut all),
        }
    }
    // A journal that one side alone has is put in order too, so that uniting again changes nothing.
    for (path, bytes) in &mut all {
        if is_journal(path) {
            *bytes = journal::union(path, bytes, b"");
        }
    }
    leave_out_archived(&mut all);
    all
}

fn leave_out_archived(all: &mut Files) {
    let at = |name: &str| name.parse::<RelPath>().ok();
    let (Some(client), Some(archive)) = (at(FLOW_CLIENT), at(ARCHIVE)) else { return };
    let (Some(text), Some(lines)) = (all.get(&client), all.get(&archive)) else { return };
    let Ok(mut state) = FlowClientState::parse(text) else { return };
    let archived = lines.split(|byte| *byte == b'\n');
    let archived = archived.filter_map(|line| serde_json::from_slice::<Archived>(line).ok());
    if state.leave_out(archived) {
        all.insert(client, state.to_text().into_bytes());
    }
}

fn is_journal(path: &RelPath) -> bool {
    path.as_str().ends_with(".jsonl")
}

/// Puts into `all` what becomes of two versions of one file.
fn unite(path: &RelPath, our: &[u8], their: &[u8], all: &mut Files) {
    let one = match path.as_str() {
        _ if is_journal(path) => Some(journal::union(path, our, their)),
        FLOW_CLIENT => flow_client(our, their),
        FEED_STATE => feed_state(our, their),
        _ => None,
    };
    if let Some(one) = one {
        all.insert(path.clone(), one);
        return;
    }
    // One of them cannot be read, or nobody knows what it is. Both stay: the readable one at its place.
    let readable = |bytes: &[u8]| match path.as_str() {
        FLOW_CLIENT => FlowClientState::parse(bytes).is_ok(),
        FEED_STATE => cursors(bytes).is_some(),
        _ => false,
    };
    let ours_first = (readable(our), our) >= (readable(their), their);
    let (kept, aside) = if ours_first { (our, their) } else { (their, our) };
    all.insert(path.clone(), kept.to_vec());
    let name = format!("{path}.{}.aside", &Digest::of(aside).hex()[..12]);
    if let Ok(name) = name.parse() {
        all.insert(name, aside.to_vec());
    }
}

fn flow_client(our: &[u8], their: &[u8]) -> Option<Vec<u8>> {
    let (our, their) = (FlowClientState::parse(our).ok()?, FlowClientState::parse(their).ok()?);
    Some(our.union(&their).to_text().into_bytes())
}

/// By source the cursor that was read last.
fn feed_state(our: &[u8], their: &[u8]) -> Option<Vec<u8>> {
    let (mut all, their) = (cursors(our)?, cursors(their)?);
    let checked = |cursor: &Value| cursor["lastCheckedAt"].as_str().unwrap_or_default().to_owned();
    for (source, cursor) in their {
        let is_newer = |own: &Value| (checked(&cursor), cursor.to_string()) > (checked(own), own.to_string());
        if all.get(&source).is_none_or(is_newer) {
            all.insert(source, cursor);
        }
    }
    Some(format!("{:#}\n", Value::Object(all)).into_bytes())
}

fn cursors(bytes: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).ok()
}
