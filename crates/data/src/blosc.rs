//! Blosc 1 frames, as HDF5 filter 32001 and Zarr's `blosc` codec store them: bytes shuffled, cut into blocks, each
//! compressed. Reading only; the frame's inner compressors are LZ4, BloscLZ, Zlib and Zstd.
//!
//! Layout: a header of 16 bytes (version, inner version, flags, size of a type, then three little-endian `u32`: plain
//! bytes, plain bytes a block, bytes of the frame), the start of each block as `u32`, the blocks. A block is one
//! stream, or one a byte of the type; a stream is its length as `u32` and that many bytes, not compressed if that is
//! the plain length.

use std::io::Read;

use worldsmith_core::{Error, ErrorKind, Result};

const HEADER: usize = 16;
const SHUFFLED: u8 = 1;
const STORED: u8 = 2;
const BITS_SHUFFLED: u8 = 4;
const ONE_STREAM: u8 = 16;
/// Types larger than this, and blocks of fewer elements than that, are never cut into a stream a byte.
const MOST_STREAMS: usize = 16;
const LEAST_ELEMENTS: usize = 128;
/// What one byte of LZ4 or BloscLZ can stand for at most, rounded up.
const MOST_A_BYTE: usize = 256;

/// Decodes a frame that holds `n_bytes` of plain bytes. Memory grows with what is really there, not with what the frame
/// says of itself.
///
/// # Errors
/// [`ErrorKind::Corrupt`] if the frame is damaged, of another length, or made by a compressor that is not known here.
pub(crate) fn decode(frame: &[u8], n_bytes: usize) -> Result<Vec<u8>> {
    let header = Header::read(frame)?;
    if header.n_bytes != n_bytes {
        return Err(broken(format!("expected a Blosc frame of {n_bytes} bytes, got {}", header.n_bytes)));
    }
    let body = frame.get(..header.frame).ok_or_else(torn)?;
    if header.flags & STORED != 0 {
        return body.get(HEADER..HEADER + n_bytes).map(<[u8]>::to_vec).ok_or_else(torn);
    }
    let mut plain = Vec::new();
    for idx in 0..n_bytes.div_ceil(header.block) {
        let at = HEADER + idx * 4;
        let start = number(body, at)?;
        let len = header.block.min(n_bytes - plain.len());
        let block = header.block(body.get(start..).ok_or_else(torn)?, len)?;
        plain.extend_from_slice(&header.unshuffle(block));
    }
    Ok(plain)
}

struct Header {
    flags: u8,
    type_size: usize,
    n_bytes: usize,
    block: usize,
    frame: usize,
}

impl Header {
    fn read(frame: &[u8]) -> Result<Self> {
        let (version, flags, type_size) = match frame {
            [version, _, flags, type_size, ..] => (*version, *flags, usize::from(*type_size)),
            _ => return Err(torn()),
        };
        let (n_bytes, block, frame) = (number(frame, 4)?, number(frame, 8)?, number(frame, 12)?);
        if version > 2 || type_size == 0 || (block == 0 && n_bytes > 0) {
            return Err(broken(format!(
                "expected a Blosc 1 frame, got version {version}, types of {type_size} bytes, blocks of {block}"
            )));
        }
        Ok(Self { flags, type_size, n_bytes, block: block.max(1), frame })
    }

    /// The `len` plain, still shuffled bytes of the block that starts at `bytes`.
    fn block(&self, bytes: &[u8], len: usize) -> Result<Vec<u8>> {
        let many = self.flags & ONE_STREAM == 0
            && self.type_size <= MOST_STREAMS
            && len / self.type_size >= LEAST_ELEMENTS
            && len == self.block;
        let n_streams = if many { self.type_size } else { 1 };
        if !len.is_multiple_of(n_streams) {
            return Err(broken(format!("expected {n_streams} streams of one length, got {len} bytes")));
        }
        let (mut rest, mut plain) = (bytes, Vec::new());
        for _ in 0..n_streams {
            let n = number(rest, 0)?;
            let stream = rest.get(4..).and_then(|rest| rest.get(..n)).ok_or_else(torn)?;
            self.stream(stream, len / n_streams, &mut plain)?;
            rest = &rest[4 + n..];
        }
        Ok(plain)
    }

    /// Appends the `len` plain bytes of one stream.
    fn stream(&self, bytes: &[u8], len: usize, plain: &mut Vec<u8>) -> Result<()> {
        if bytes.len() == len {
            plain.extend_from_slice(bytes);
            return Ok(());
        }
        let (from, limit) = (plain.len(), len as u64 + 1);
        let damaged = |err: String| broken(format!("cannot decompress a Blosc block: {err}"));
        match self.flags >> 5 {
            0 | 1 if len / MOST_A_BYTE > bytes.len() => return Err(torn()),
            0 => blosc_lz(bytes, len, plain).ok_or_else(torn)?,
            1 => {
                let block =
                    lz4_flex::block::decompress(bytes, len).map_err(|err| damaged(err.to_string()))?;
                plain.extend_from_slice(&block);
            }
            3 => {
                let mut stream = flate2::read::ZlibDecoder::new(bytes).take(limit);
                stream.read_to_end(plain).map_err(|err| damaged(err.to_string()))?;
            }
            4 => {
                let stream = zstd::stream::read::Decoder::with_buffer(bytes);
                let mut stream = stream.map_err(|err| damaged(err.to_string()))?.take(limit);
                stream.read_to_end(plain).map_err(|err| damaged(err.to_string()))?;
            }
            2 => return Err(broken("expected Blosc with LZ4, BloscLZ, Zlib or Zstd, got Snappy")),
            other => return Err(broken(format!("expected a known Blosc compressor, got number {other}"))),
        }
        match plain.len() - from == len {
            true => Ok(()),
            false => Err(torn()),
        }
    }

    fn unshuffle(&self, block: Vec<u8>) -> Vec<u8> {
        let n = block.len() / self.type_size;
        if self.flags & SHUFFLED != 0 && self.type_size > 1 {
            return unshuffle_bytes(&block, self.type_size);
        }
        // Only whole groups of eight elements are shuffled by bits; another number is left as it is.
        if self.flags & BITS_SHUFFLED != 0 && n > 0 && n.is_multiple_of(8) {
            return unshuffle_bits(&block, self.type_size);
        }
        block
    }
}

/// First all first bytes, then all second ones, and so on, become elements again; what is left over stays.
fn unshuffle_bytes(from: &[u8], size: usize) -> Vec<u8> {
    let n = from.len() / size;
    let mut out = from.to_vec();
    if n > 0 {
        for (byte, plane) in from[..n * size].chunks_exact(n).enumerate() {
            for (element, value) in out.chunks_exact_mut(size).zip(plane) {
                element[byte] = *value;
            }
        }
    }
    out
}

/// As [`unshuffle_bytes`], with a plane for each bit, eight elements a byte, lowest bit first.
fn unshuffle_bits(from: &[u8], size: usize) -> Vec<u8> {
    let n = from.len() / size;
    let mut out = from.to_vec();
    out[..n * size].fill(0);
    for (bit, plane) in from[..n * size].chunks_exact(n / 8).enumerate() {
        for (element, out) in out.chunks_exact_mut(size).enumerate() {
            let set = plane[element / 8] >> (element % 8) & 1;
            out[bit / 8] |= set << (bit % 8);
        }
    }
    out
}

/// BloscLZ, a cousin of FastLZ: runs of literals, and matches up to 8191 bytes back, further with two more bytes.
/// Appends `len` bytes; `None` if the stream is damaged.
fn blosc_lz(bytes: &[u8], len: usize, plain: &mut Vec<u8>) -> Option<()> {
    let (start, end) = (plain.len(), plain.len() + len);
    let mut bytes = bytes.iter().copied();
    let mut control = usize::from(bytes.next()? & 31);
    loop {
        if control < 32 {
            for _ in 0..=control {
                plain.push(bytes.next()?);
            }
        } else {
            let mut n = control / 32 + 2;
            let mut back = (control % 32) * 256;
            if control / 32 == 7 {
                loop {
                    let more = bytes.next()?;
                    n += usize::from(more);
                    if more < 255 {
                        break;
                    }
                }
            }
            let near = usize::from(bytes.next()?);
            back += near + 1;
            if back == 8192 {
                back += usize::from(bytes.next()?) * 256 + usize::from(bytes.next()?);
            }
            let from = plain.len().checked_sub(back).filter(|from| *from >= start)?;
            if n > end.checked_sub(plain.len())? {
                return None;
            }
            (0..n).for_each(|i| plain.push(plain[from + i]));
        }
        match bytes.next() {
            Some(next) if plain.len() < end => control = usize::from(next),
            Some(_) => return None,
            None => return Some(()),
        }
    }
}

fn number(bytes: &[u8], at: usize) -> Result<usize> {
    let four = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()).ok_or_else(torn)?;
    usize::try_from(i32::from_le_bytes(*four)).map_err(|_| torn())
}

fn torn() -> Error {
    broken("expected a whole Blosc frame, got a damaged one")
}

fn broken(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, why)
}

#[cfg(test)]
mod tests;
