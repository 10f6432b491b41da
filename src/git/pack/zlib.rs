//! zlib streams: RFC 1950 and RFC 1951.

use std::io;

use flate2::{Compress, FlushCompress, Status};

/// The longest block that is stored as it is.
const BLOCK: usize = 0xffff;

/// Appends `content` as a zlib stream. A compressor is large, and making one takes longer than most objects do,
/// so one does for all.
pub(super) fn deflate(to: &mut Vec<u8>, content: &[u8], by: &mut Compress) -> io::Result<()> {
    by.reset();
    loop {
        let done = usize::try_from(by.total_in()).map_err(io::Error::other)?;
        // No zlib stream is much longer than what it holds; one that is goes round once more.
        to.reserve(content.len() - done + content.len() / 1000 + 64);
        if by.compress_vec(&content[done..], to, FlushCompress::Finish)? == Status::StreamEnd {
            return Ok(());
        }
    }
}

/// Appends `content` as a zlib stream that leaves it as it is.
pub(super) fn store(to: &mut Vec<u8>, content: &[u8]) {
    to.reserve(content.len() + content.len() / BLOCK * 5 + 16);
    to.extend_from_slice(&[0x78, 0x01]);
    let mut rest = content;
    loop {
        let (block, after) = rest.split_at(rest.len().min(BLOCK));
        let length = block.len() as u16;
        to.push(u8::from(after.is_empty()));
        to.extend_from_slice(&length.to_le_bytes());
        to.extend_from_slice(&(!length).to_le_bytes());
        to.extend_from_slice(block);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    to.extend_from_slice(&adler32(content).to_be_bytes());
}

/// The checksum of a zlib stream.
fn adler32(content: &[u8]) -> u32 {
    const MODULUS: u32 = 65521;
    // So many bytes are summed before 32 bits could overflow.
    const CHUNK: usize = 5552;
    let (mut one, mut two) = (1_u32, 0_u32);
    for chunk in content.chunks(CHUNK) {
        for byte in chunk {
            one += u32::from(*byte);
            two += one;
        }
        one %= MODULUS;
        two %= MODULUS;
    }
    two << 16 | one
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn what_is_stored_can_be_inflated_whatever_its_length() {
        for length in [0, 1, 5_552, 5_553, 65_535, 65_536, 200_000] {
            let content: Vec<u8> = (0..length).map(|at: u32| ((at * 7919) >> 3) as u8 | 0x80).collect();
            let mut stream = Vec::new();
            store(&mut stream, &content);
            let mut back = Vec::new();
            let read = flate2::read::ZlibDecoder::new(&stream[..]).read_to_end(&mut back);
            assert!(read.is_ok() && back == content, "{length}");
        }
    }
}
