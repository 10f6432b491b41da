//! Two versions of a journal.

use std::collections::HashSet;

use serde_json::Value;

use crate::ids::RelPath;

/// The keys under which records keep their time, the one that changes last first.
const TIMES: [&str; 6] = ["at", "updatedAt", "createdAt", "receivedAt", "publishedAt", "occurredAt"];

/// Journals in which the time of receipt alone makes no other record of a line: two machines may notice
/// the same event, each at its time. The earlier line stands.
const NOTICED: [&str; 2] = ["data/flow-events.jsonl", "data/feed-events.jsonl"];

/// One line.
struct Line<'a> {
    bytes: &'a [u8],
    /// Its time; that of the line before it, where it has none.
    time: String,
    /// What makes it the same as another line.
    same: Vec<u8>,
}

/// The lines of both, once each, in the order of their times. Blank lines go; a line that cannot be read
/// stays behind the one that it stands behind.
pub(super) fn union(path: &RelPath, ours: &[u8], theirs: &[u8]) -> Vec<u8> {
    let noticed = NOTICED.contains(&path.as_str());
    let mut lines = read(ours, noticed);
    lines.extend(read(theirs, noticed));
    lines.sort_by(|one, other| one.time.cmp(&other.time));
    let mut seen = HashSet::new();
    let mut all = Vec::with_capacity(ours.len().max(theirs.len()));
    for line in lines {
        if seen.insert(line.same) {
            all.extend_from_slice(line.bytes);
            all.push(b'\n');
        }
    }
    all
}

fn read(bytes: &[u8], noticed: bool) -> Vec<Line<'_>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut last = String::new();
    let mut lines = Vec::new();
    for bytes in bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        let record = serde_json::from_slice::<Value>(bytes).ok().filter(Value::is_object);
        let time = record.as_ref().and_then(|record| {
            TIMES.iter().find_map(|key| record.get(key)?.as_str()).filter(|time| !time.is_empty())
        });
        if let Some(time) = time {
            time.clone_into(&mut last);
        }
        let same = match record {
            Some(mut record) if noticed => {
                if let Some(fields) = record.as_object_mut() {
                    fields.shift_remove("receivedAt");
                }
                record.to_string().into_bytes()
            }
            _ => bytes.to_vec(),
        };
        lines.push(Line { bytes, time: last.clone(), same });
    }
    lines
}
