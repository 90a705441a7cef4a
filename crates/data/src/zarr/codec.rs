//! How the bytes of a chunk were packed.

use std::io::Read;

use worldsmith_core::{Error, ErrorKind, Result};

use crate::blosc;

/// One step of packing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    Blosc,
    Zstd,
    Gzip,
    Zlib,
    Lz4,
    Crc32c,
}

impl Codec {
    /// The codec that Zarr calls `name`.
    ///
    /// # Errors
    /// If it is not known here.
    pub fn new(name: &str) -> Result<Self> {
        Ok(match name.trim_start_matches("numcodecs.") {
            "blosc" => Codec::Blosc,
            "zstd" => Codec::Zstd,
            "gzip" => Codec::Gzip,
            "zlib" => Codec::Zlib,
            "lz4" => Codec::Lz4,
            "crc32c" => Codec::Crc32c,
            other => {
                return Err(broken(format!(
                    "expected one of the codecs blosc, zstd, gzip, zlib, lz4, got `{other}`"
                ))
                .hint("write the array again with one of these: shards and picture codecs are not read"));
            }
        })
    }
}

/// Unpacks a chunk of `len` plain bytes. Memory grows with what is really there.
///
/// # Errors
/// [`ErrorKind::Corrupt`] if it is damaged or of another length.
pub(super) fn unpack(mut bytes: Vec<u8>, codecs: &[Codec], len: usize) -> Result<Vec<u8>> {
    for codec in codecs.iter().rev() {
        // Only a checksum is packed once more; what it adds is little.
        let limit = len as u64 + 64;
        bytes = match codec {
            Codec::Blosc => blosc::decode(&bytes, len)?,
            Codec::Zstd => match zstd::stream::read::Decoder::with_buffer(bytes.as_slice()) {
                Ok(stream) => read(stream, limit)?,
                Err(err) => return Err(broken(format!("cannot unpack a chunk: {err}"))),
            },
            Codec::Gzip => read(flate2::read::MultiGzDecoder::new(bytes.as_slice()), limit)?,
            Codec::Zlib => read(flate2::read::ZlibDecoder::new(bytes.as_slice()), limit)?,
            Codec::Lz4 => lz4(&bytes, len)?,
            Codec::Crc32c => checked(bytes)?,
        };
    }
    match bytes.len() == len {
        true => Ok(bytes),
        false => Err(broken(format!("expected a chunk of {len} bytes, got {}", bytes.len()))),
    }
}

fn read(stream: impl Read, limit: u64) -> Result<Vec<u8>> {
    let mut plain = Vec::new();
    let read = stream.take(limit).read_to_end(&mut plain);
    read.map(|_| plain).map_err(|err| broken(format!("cannot unpack a chunk: {err}")))
}

/// A block of LZ4 after its plain length as `u32`; a byte of it stands for at most 255.
fn lz4(bytes: &[u8], len: usize) -> Result<Vec<u8>> {
    let torn = || broken("expected a whole LZ4 block, got a damaged one");
    let (head, block) = bytes.split_first_chunk::<4>().ok_or_else(torn)?;
    if u32::from_le_bytes(*head) as usize != len || len / 256 > block.len() {
        return Err(torn());
    }
    lz4_flex::block::decompress(block, len).map_err(|_| torn())
}

/// Takes the checksum off the end of `bytes`.
fn checked(mut bytes: Vec<u8>) -> Result<Vec<u8>> {
    let end = bytes.len().saturating_sub(4);
    let sum = bytes.split_off(end);
    match sum == crc32c(&bytes).to_le_bytes() {
        true => Ok(bytes),
        false => Err(broken("expected a chunk that fits its checksum, got a damaged one")),
    }
}

/// CRC-32C (Castagnoli), a bit at a time: chunks with it are rare.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg()))
    };
    !bytes.iter().fold(u32::MAX, step)
}

fn broken(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnolis() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }
}
