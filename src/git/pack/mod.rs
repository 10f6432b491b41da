//! A pack, written object by object: gitformat-pack(5).
//!
//! libgit2 would compare each object with ten others to find a short delta. Here it is known what each
//! object was made of, so that a delta costs next to nothing.

mod zlib;

use std::collections::HashMap;
use std::io::{self, Write};

use flate2::{Compress, Compression};
use git2::ObjectType;
use sha1::{Digest as _, Sha1};

use crate::ids::ObjectId;
use crate::stack::{shared_end, shared_start};

/// A chain of deltas is no longer than this, as with git.
const DEPTH: u32 = 50;

/// So many bytes are copied or inserted by one instruction of a delta at most.
const COPY: usize = 0xff_ffff;
const INSERT: usize = 127;

/// What is shorter is not compressed, in bytes.
const SHORT: usize = 2048;

/// A pack on its way to `to`.
pub(super) struct Pack<W: Write> {
    to: Summed<W>,
    compressor: Compress,
    /// What was written: where, and the checksum of its bytes in the pack.
    written: Vec<(ObjectId, u64, u32)>,
    /// Where an object begins, and how many deltas it takes to read it.
    places: HashMap<ObjectId, (u64, u32)>,
}

impl<W: Write> Pack<W> {
    /// A pack that will hold `count` objects.
    pub(super) fn new(to: W, count: usize) -> io::Result<Self> {
        let mut to = Summed { to, sum: Sha1::new(), length: 0 };
        let count = u32::try_from(count).map_err(|_| io::Error::other("too many objects for one pack"))?;
        to.put(b"PACK\0\0\0\x02")?;
        to.put(&count.to_be_bytes())?;
        let compressor = Compress::new(Compression::fast(), true);
        Ok(Self { to, compressor, written: Vec::new(), places: HashMap::new() })
    }

    /// Whether a delta to `id` can be written.
    pub(super) fn can_lend(&self, id: ObjectId) -> bool {
        self.places.get(&id).is_some_and(|(_, depth)| *depth < DEPTH)
    }

    /// Writes one object; as a delta to `like`, where that is in this pack and shorter.
    pub(super) fn add(
        &mut self,
        id: ObjectId,
        kind: ObjectType,
        content: &[u8],
        like: Option<(ObjectId, &[u8])>,
    ) -> io::Result<()> {
        let start = self.to.length;
        let like = like.and_then(|(id, old)| {
            self.places.get(&id).map(|(place, depth)| (*place, *depth, delta(old, content)))
        });
        let mut bytes = Vec::new();
        let depth = match like.filter(|(_, depth, delta)| *depth < DEPTH && delta.len() < content.len() / 2) {
            Some((place, depth, delta)) => {
                header(&mut bytes, 6, delta.len());
                distance(&mut bytes, start - place);
                self.compress(&mut bytes, kind, &delta)?;
                depth + 1
            }
            None => {
                let number = match kind {
                    ObjectType::Commit => 1,
                    ObjectType::Tree => 2,
                    _ => 3,
                };
                header(&mut bytes, number, content.len());
                self.compress(&mut bytes, kind, content)?;
                0
            }
        };
        let mut check = flate2::Crc::new();
        check.update(&bytes);
        self.to.put(&bytes)?;
        self.written.push((id, start, check.sum()));
        self.places.insert(id, (start, depth));
        Ok(())
    }

    /// Appends `content` as a zlib stream. Most of a tree is ids, which no compression makes shorter; and what is
    /// short is written sooner than a compressor is cleared.
    fn compress(&mut self, to: &mut Vec<u8>, kind: ObjectType, content: &[u8]) -> io::Result<()> {
        if kind == ObjectType::Tree || content.len() < SHORT {
            zlib::store(to, content);
            return Ok(());
        }
        zlib::deflate(to, content, &mut self.compressor)
    }

    /// Ends the pack. Its name, and its index.
    pub(super) fn finish(mut self) -> io::Result<(String, Vec<u8>)> {
        let sum = self.to.sum.clone().finalize();
        self.to.to.write_all(&sum)?;
        self.to.to.flush()?;
        self.written.sort_unstable_by_key(|(id, ..)| *id);
        Ok((hex::encode(sum), index(&self.written, &sum)))
    }
}

/// The index of a pack, version 2.
fn index(written: &[(ObjectId, u64, u32)], sum: &[u8]) -> Vec<u8> {
    let mut index = b"\xfftOc\0\0\0\x02".to_vec();
    let mut count = 0_u32;
    let mut ids = written.iter().map(|(id, ..)| id.as_bytes()[0]).peekable();
    for first in 0..=u8::MAX {
        while ids.next_if(|id| *id <= first).is_some() {
            count += 1;
        }
        index.extend_from_slice(&count.to_be_bytes());
    }
    written.iter().for_each(|(id, ..)| index.extend_from_slice(id.as_bytes()));
    written.iter().for_each(|(.., check)| index.extend_from_slice(&check.to_be_bytes()));
    let mut far = Vec::new();
    for (_, place, _) in written {
        let near = u32::try_from(*place).ok().filter(|place| place >> 31 == 0);
        let place = near.unwrap_or_else(|| {
            far.extend_from_slice(&place.to_be_bytes());
            0x8000_0000 | (far.len() / 8 - 1) as u32
        });
        index.extend_from_slice(&place.to_be_bytes());
    }
    index.extend_from_slice(&far);
    index.extend_from_slice(sum);
    let own = Sha1::digest(&index);
    index.extend_from_slice(&own);
    index
}

/// What passes through, with its length and SHA-1.
struct Summed<W> {
    to: W,
    sum: Sha1,
    length: u64,
}

impl<W: Write> Summed<W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.length += bytes.len() as u64;
        self.to.write_all(bytes)
    }
}

/// Kind and length of an object: four bits of the length, and then seven a byte.
fn header(to: &mut Vec<u8>, kind: u8, length: usize) {
    let mut byte = kind << 4 | (length & 15) as u8;
    let mut rest = length >> 4;
    while rest > 0 {
        to.push(byte | 0x80);
        byte = (rest & 0x7f) as u8;
        rest >>= 7;
    }
    to.push(byte);
}

/// How far back the object begins to which a delta belongs.
fn distance(to: &mut Vec<u8>, distance: u64) {
    let mut bytes = vec![(distance & 0x7f) as u8];
    let mut rest = distance >> 7;
    while rest > 0 {
        rest -= 1;
        bytes.push(0x80 | (rest & 0x7f) as u8);
        rest >>= 7;
    }
    to.extend(bytes.iter().rev());
}

/// What makes `new` of `old`: the beginning and the end that they share, and what is new in between.
fn delta(old: &[u8], new: &[u8]) -> Vec<u8> {
    let start = shared_start(old, new);
    let end = shared_end(&old[start..], &new[start..]);
    let mut delta = Vec::new();
    for mut length in [old.len(), new.len()] {
        while length > 0x7f {
            delta.push(0x80 | (length & 0x7f) as u8);
            length >>= 7;
        }
        delta.push(length as u8);
    }
    copy(&mut delta, 0, start);
    for piece in new[start..new.len() - end].chunks(INSERT) {
        delta.push(piece.len() as u8);
        delta.extend_from_slice(piece);
    }
    copy(&mut delta, old.len() - end, end);
    delta
}

fn copy(delta: &mut Vec<u8>, mut from: usize, mut length: usize) {
    while length > 0 {
        let part = length.min(COPY);
        let at = delta.len();
        delta.push(0x80);
        let numbers = [(from, 4, 0), (part, 3, 4)];
        for (number, bytes, first) in numbers {
            for byte in 0..bytes {
                let value = (number >> (8 * byte) & 0xff) as u8;
                if value != 0 {
                    delta[at] |= 1 << (first + byte);
                    delta.push(value);
                }
            }
        }
        from += part;
        length -= part;
    }
}

#[cfg(test)]
mod tests;
