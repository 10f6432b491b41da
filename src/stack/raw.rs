//! Raw trees, read and written without taking them apart: entries, differences, single entries replaced.
//!
//! Format: gitformat-pack(5) leaves it to the code; each entry is its mode in octal digits, a space, the
//! name, NUL, and twenty bytes of id, sorted as if a directory's name ended with a slash.

use std::cmp::Ordering;

use super::ports::{Mode, PortError};
use super::tree::Node;
use crate::ids::{ObjectId, TreeId};

/// One entry, borrowed from its tree.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawEntry<'a> {
    /// What kind of thing it is.
    pub(crate) mode: Mode,
    /// Its name in this directory.
    pub(crate) name: &'a [u8],
    /// The object.
    pub(crate) id: ObjectId,
    /// All of its bytes.
    whole: &'a [u8],
}

impl RawEntry<'_> {
    /// What stands there.
    pub(super) const fn node(&self) -> (Mode, ObjectId) {
        (self.mode, self.id)
    }

    /// Whether the mode is written as git writes it today.
    fn is_canonical(&self) -> bool {
        const MODES: [&[u8]; 5] = [b"100644 ", b"40000 ", b"100755 ", b"120000 ", b"160000 "];
        MODES.iter().any(|mode| self.whole.starts_with(mode))
    }

    fn order(&self, other: &Self) -> Ordering {
        order((self.name, self.mode), (other.name, other.mode))
    }
}

/// git's order of entries.
fn order(one: (&[u8], Mode), other: (&[u8], Mode)) -> Ordering {
    let shared = one.0.len().min(other.0.len());
    let end = |(name, mode): (&[u8], Mode)| {
        name.get(shared).copied().unwrap_or(if mode.is_tree() { b'/' } else { 0 })
    };
    one.0[..shared].cmp(&other.0[..shared]).then_with(|| end(one).cmp(&end(other)))
}

/// The entries of a raw tree. Ends at the first one that is none; `at_fault` says so.
#[derive(Debug, Clone)]
pub(crate) struct RawTree<'a> {
    rest: &'a [u8],
    fault: bool,
}

impl<'a> RawTree<'a> {
    /// The entries of the tree that `raw` is.
    pub(crate) const fn new(raw: &'a [u8]) -> Self {
        Self { rest: raw, fault: false }
    }

    /// Where the last entry that lies wholly in the first `length` bytes ends.
    fn end_of_entry_before(raw: &[u8], length: usize) -> usize {
        let mut end = 0;
        while let Some(nul) = raw.get(end..).and_then(|rest| find(rest, 0)) {
            let next = end + nul + 21;
            if next > length {
                break;
            }
            end = next;
        }
        end
    }

    fn read(&self) -> Option<RawEntry<'a>> {
        let raw = self.rest;
        let mut mode = 0;
        let mut at = 0;
        loop {
            match raw.get(at)? {
                b' ' if at > 0 => break,
                digit @ b'0'..=b'7' if at < 7 => mode = mode * 8 + u32::from(digit - b'0'),
                _ => return None,
            }
            at += 1;
        }
        let name = at + 1;
        let end = name + find(&raw[name..], 0).filter(|length| *length > 0)?;
        let id = raw.get(end + 1..end + 21)?.try_into().ok()?;
        let whole = &raw[..end + 21];
        Some(RawEntry { mode: Mode(mode), name: &raw[name..end], id: ObjectId::from_bytes(id), whole })
    }

    /// That `id` is malformed, where it is.
    pub(super) fn check(&self, id: TreeId) -> Result<(), PortError> {
        match self.fault {
            true => Err(PortError::new(format!("tree {id} could not be read"), "it is malformed")),
            false => Ok(()),
        }
    }
}

impl<'a> Iterator for RawTree<'a> {
    type Item = RawEntry<'a>;

    fn next(&mut self) -> Option<RawEntry<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let entry = self.read();
        match &entry {
            Some(entry) => self.rest = &self.rest[entry.whole.len()..],
            None => {
                self.rest = &[];
                self.fault = true;
            }
        }
        entry
    }
}

/// A name under which two trees have different things.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Differs<'a> {
    /// The name.
    pub(crate) name: &'a [u8],
    /// What the first tree has.
    pub(crate) before: Node,
    /// What the second one has.
    pub(crate) after: Node,
}

/// Whether both are there, so that what comes after them is compared with what comes after them.
fn is_pair(left: &Option<RawEntry<'_>>, right: &Option<RawEntry<'_>>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => left.name == right.name,
        _ => false,
    }
}

/// Where the first `byte` of `text` is.
pub(super) fn find(text: &[u8], byte: u8) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    let mut at = 0;
    // Eight bytes at a time: a byte that is zero after the exclusive or is the one.
    for word in text.chunks_exact(8) {
        let word = u64::from_le_bytes(word.try_into().unwrap_or_default()) ^ (ONES * u64::from(byte));
        let zeros = word.wrapping_sub(ONES) & !word & (ONES << 7);
        if zeros != 0 {
            return Some(at + zeros.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    text[at..].iter().position(|other| *other == byte).map(|more| at + more)
}

/// How many bytes two texts share at their beginning.
pub(crate) fn shared_start(one: &[u8], other: &[u8]) -> usize {
    const STEP: usize = 64;
    let steps = one.chunks_exact(STEP).zip(other.chunks_exact(STEP));
    let start = STEP * steps.take_while(|(one, other)| one == other).count();
    start + one[start..].iter().zip(&other[start..]).take_while(|(one, other)| one == other).count()
}

/// How many bytes two texts share at their end.
pub(crate) fn shared_end(one: &[u8], other: &[u8]) -> usize {
    const STEP: usize = 64;
    let steps = one.rchunks_exact(STEP).zip(other.rchunks_exact(STEP));
    let end = STEP * steps.take_while(|(one, other)| one == other).count();
    let (one, other) = (&one[..one.len() - end], &other[..other.len() - end]);
    end + one.iter().rev().zip(other.iter().rev()).take_while(|(one, other)| one == other).count()
}

/// Every name under which `before` and `after` have different things, sorted by name.
pub(crate) fn differ<'a>(
    before: (TreeId, &'a [u8]),
    after: (TreeId, &'a [u8]),
) -> Result<Vec<Differs<'a>>, PortError> {
    let mut found: Vec<Differs<'a>> = Vec::new();
    let start = RawTree::end_of_entry_before(before.1, shared_start(before.1, after.1));
    let (one, other) = (&before.1[start..], &after.1[start..]);
    let shared_end = shared_end(one, other);
    let (mut one, mut other) = (RawTree::new(one), RawTree::new(other));
    let (mut left, mut right) = (one.next(), other.next());
    loop {
        if one.rest.len() == other.rest.len() && one.rest.len() <= shared_end && is_pair(&left, &right) {
            (one.rest, other.rest) = (&[], &[]);
        }
        let order = match (&left, &right) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) if left.whole == right.whole => Ordering::Equal,
            (Some(left), Some(right)) => left.order(right),
        };
        let (had, has) = (left.filter(|_| order.is_le()), right.filter(|_| order.is_ge()));
        if had.map(|entry| entry.node()) != has.map(|entry| entry.node()) {
            let name = had.or(has).map_or(&[][..], |entry| entry.name);
            found.push(Differs { name, before: had.map(|e| e.node()), after: has.map(|e| e.node()) });
        }
        if order.is_le() {
            left = one.next();
        }
        if order.is_ge() {
            right = other.next();
        }
    }
    one.check(before.0)?;
    other.check(after.0)?;
    // A file that became a directory stands in two places.
    found.sort_by(|one, other| one.name.cmp(other.name));
    found.dedup_by(|next, kept| {
        let same = next.name == kept.name;
        if same {
            kept.before = kept.before.or(next.before);
            kept.after = kept.after.or(next.after);
        }
        same
    });
    found.retain(|spot| spot.before != spot.after);
    Ok(found)
}

/// Whether git would write this tree just so: usual modes, in order, and no name twice. Where git merges
/// what a tree holds, it writes the tree anew, so that any other one changes.
pub(super) fn is_plain(tree: &[u8]) -> bool {
    let mut entries = RawTree::new(tree);
    let mut last: Option<RawEntry<'_>> = None;
    // Files whose names every name since has begun with: a folder of the same name stands after those.
    let mut files: Vec<&[u8]> = Vec::new();
    for entry in &mut entries {
        if !entry.is_canonical() || last.is_some_and(|last| last.order(&entry).is_ge()) {
            return false;
        }
        while files.pop_if(|file| !entry.name.starts_with(file)).is_some() {}
        match entry.mode.is_tree() {
            true if files.last() == Some(&entry.name) => return false,
            true => {}
            false => files.push(entry.name),
        }
        last = Some(entry);
    }
    !entries.fault
}

/// What `tree` has under each of `names`, which are sorted.
pub(super) fn look_up(tree: (TreeId, &[u8]), names: &[&[u8]]) -> Result<Vec<Node>, PortError> {
    let mut found = vec![None; names.len()];
    let mut entries = RawTree::new(tree.1);
    for entry in &mut entries {
        if let Ok(at) = names.binary_search(&entry.name) {
            found[at] = Some(entry.node());
        }
    }
    entries.check(tree.0)?;
    Ok(found)
}

/// `tree`, which is plain, with other things under some names, which are sorted, or nothing there.
pub(super) fn replaced(tree: &[u8], changes: &[(&[u8], Node)]) -> Vec<u8> {
    let mut new: Vec<(&[u8], Mode, ObjectId)> =
        changes.iter().filter_map(|(name, node)| node.map(|(mode, id)| (*name, mode, id))).collect();
    new.sort_by(|one, other| order((one.0, one.1), (other.0, other.1)));
    let mut new = new.into_iter().peekable();
    let mut raw = Vec::with_capacity(tree.len() + 64 * changes.len());
    for entry in RawTree::new(tree) {
        while let Some((name, mode, id)) =
            new.next_if(|(name, mode, _)| order((name, *mode), (entry.name, entry.mode)).is_lt())
        {
            push(&mut raw, name, mode, id);
        }
        if changes.binary_search_by(|(name, _)| (*name).cmp(entry.name)).is_err() {
            raw.extend_from_slice(entry.whole);
        }
    }
    for (name, mode, id) in new {
        push(&mut raw, name, mode, id);
    }
    raw
}

/// Appends one entry.
pub(super) fn push(raw: &mut Vec<u8>, name: &[u8], mode: Mode, id: ObjectId) {
    raw.extend_from_slice(format!("{:o} ", mode.0).as_bytes());
    raw.extend_from_slice(name);
    raw.push(0);
    raw.extend_from_slice(id.as_bytes());
}
