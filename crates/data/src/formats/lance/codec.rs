//! Values as their encodings pack them, in a chunk or for a whole page.

use std::collections::VecDeque;
use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

use worldsmith_core::Result;

use super::proto::{Compression, Encoding, Flat, List, Packing, Runs, Variable};
use super::{MOST_BYTES, Room, Values, broken, number, piece, unread};

/// Bit-packed numbers come in blocks of so many, whose rows lie in this order.
const BLOCK: usize = 1024;
const ORDER: [usize; 8] = [0, 4, 2, 6, 1, 5, 3, 7];
const ZSTD_MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// The `n` values in a chunk, from the first of its `buffers` on.
///
/// # Errors
/// If the buffers are damaged, or packed in a way that is not read.
pub(super) fn values(encoding: &Encoding, buffers: &mut VecDeque<Vec<u8>>, n: u64) -> Result<Values> {
    match packing(encoding)? {
        Packing::Flat(flat) => fixed(unpacked(flat.packed.as_ref(), next(buffers)?)?, bytes_of(flat)?, n),
        Packing::List(list) => list_of(list, buffers, n),
        Packing::Bits(bits) => unpack(&unpacked(bits.packed.as_ref(), next(buffers)?)?, bits.bits, n),
        Packing::Runs(layout) => runs(layout, buffers, n),
        Packing::Variable(layout) => {
            let bytes = unpacked(layout.packed.as_ref(), next(buffers)?)?;
            cut(&bytes, &bytes, offset_len(layout)?, n)
        }
        Packing::General(general) => {
            let first = unpacked(general.compression.as_ref(), next(buffers)?)?;
            buffers.push_front(first);
            values(inner(&general.values)?, buffers, n)
        }
    }
}

/// The `n` values of a dictionary, which has all its bytes in one buffer.
///
/// # Errors
/// As [`values`].
pub(super) fn block(encoding: &Encoding, bytes: Vec<u8>, n: u64) -> Result<Values> {
    match packing(encoding)? {
        Packing::General(general) => {
            block(inner(&general.values)?, unpacked(general.compression.as_ref(), bytes)?, n)
        }
        Packing::Variable(layout) => {
            // Bits of an offset and where the bytes start, each of that length; then the offsets, then the bytes.
            let torn = || broken("expected a dictionary of as many bytes as it says");
            let len = offset_len(layout)?;
            let start = piece(&bytes, len, len).map(number).and_then(|start| usize::try_from(start).ok());
            let (offsets, data) = start.and_then(|start| bytes.split_at_checked(start)).ok_or_else(torn)?;
            if piece(&bytes, 0, 4).map(number) != Some(len as u64 * 8) {
                return Err(torn());
            }
            cut(offsets.get(2 * len..).ok_or_else(torn)?, data, len, n)
        }
        Packing::Flat(_) | Packing::List(_) => values(encoding, &mut VecDeque::from([bytes]), n),
        Packing::Bits(_) | Packing::Runs(_) => Err(unread("a dictionary of packed numbers")),
    }
}

/// The value whose bytes, of a page with each row by itself, are `bytes`.
///
/// # Errors
/// As [`values`].
pub(super) fn blob(encoding: &Encoding, bytes: &[u8]) -> Result<Vec<u8>> {
    match packing(encoding)? {
        Packing::Variable(Variable { packed: None, .. }) => Ok(bytes.to_vec()),
        Packing::General(general) => {
            blob(inner(&general.values)?, &unpacked(general.compression.as_ref(), bytes.to_vec())?)
        }
        _ => Err(unread("pictures or texts packed in an unusual way")),
    }
}

/// The items that `indices` stand for.
///
/// # Errors
/// If there are none of that number, or there is no room for them.
pub(super) fn look_up(indices: &Values, items: &Values, room: &mut Room) -> Result<Values> {
    let torn = || broken("expected indices of items that are in the dictionary");
    let Values::Fixed { width, bytes } = indices else { return Err(torn()) };
    let indices = bytes.chunks_exact((*width).max(1)).map(|index| number(index) as usize);
    match items {
        Values::Blobs(items) => {
            let rows = indices.map(|index| items.get(index).cloned());
            let rows = rows.collect::<Option<_>>().map(Values::Blobs).ok_or_else(torn)?;
            room.take(rows.n_bytes())?;
            Ok(rows)
        }
        Values::Fixed { width, bytes: items } => {
            room.take(indices.len().saturating_mul(*width))?;
            let mut bytes = Vec::new();
            for index in indices {
                let at = index.checked_mul(*width).ok_or_else(torn)?;
                bytes.extend_from_slice(piece(items, at, *width).ok_or_else(torn)?);
            }
            Ok(Values::Fixed { width: *width, bytes })
        }
    }
}

/// Rows `rows` of `values`.
///
/// # Errors
/// If there are fewer.
pub(super) fn slice(values: Values, rows: Range<u64>) -> Result<Values> {
    let torn = || broken("expected chunks with as many rows as their page");
    let rows = usize::try_from(rows.start).ok().zip(usize::try_from(rows.end).ok()).ok_or_else(torn)?;
    match values {
        Values::Fixed { width, bytes } => {
            let cells = rows.0.checked_mul(width).zip(rows.1.checked_mul(width));
            let cells = cells.and_then(|(from, to)| bytes.get(from..to)).ok_or_else(torn)?;
            Ok(Values::Fixed { width, bytes: cells.to_vec() })
        }
        Values::Blobs(blobs) => {
            blobs.get(rows.0..rows.1).map(|rows| Values::Blobs(rows.to_vec())).ok_or_else(torn)
        }
    }
}

fn packing(encoding: &Encoding) -> Result<&Packing> {
    encoding.packing.as_ref().ok_or_else(|| unread("values packed in an unusual way"))
}

fn inner(encoding: &Option<Box<Encoding>>) -> Result<&Encoding> {
    encoding.as_deref().ok_or_else(|| broken("expected an encoding that says how values are packed"))
}

fn next(buffers: &mut VecDeque<Vec<u8>>) -> Result<Vec<u8>> {
    buffers.pop_front().ok_or_else(|| broken("expected a chunk with more buffers"))
}

/// Bytes a value.
fn bytes_of(flat: &Flat) -> Result<usize> {
    match flat.bits {
        8 | 16 | 32 | 64 => Ok(flat.bits as usize / 8),
        bits => Err(unread(format!("values of {bits} bits"))),
    }
}

/// Bytes an offset.
fn offset_len(layout: &Variable) -> Result<usize> {
    match packing(inner(&layout.offsets)?)? {
        Packing::Flat(Flat { bits: bits @ (32 | 64), packed: None }) => Ok(*bits as usize / 8),
        _ => Err(unread("offsets that are packed")),
    }
}

/// The first `n` rows of `width` bytes.
fn fixed(mut bytes: Vec<u8>, width: usize, n: u64) -> Result<Values> {
    let len = usize::try_from(n).ok().and_then(|n| n.checked_mul(width)).filter(|len| *len <= bytes.len());
    bytes.truncate(len.ok_or_else(|| broken(format!("expected {n} values in fewer bytes")))?);
    Ok(Values::Fixed { width, bytes })
}

fn list_of(list: &List, buffers: &mut VecDeque<Vec<u8>>, n: u64) -> Result<Values> {
    if list.has_validity {
        return Err(unread("missing numbers"));
    }
    let n_items = n.checked_mul(list.n_items).filter(|n_items| *n_items > 0);
    let n_items = n_items.ok_or_else(|| broken("expected lists of some numbers"))?;
    match values(inner(&list.values)?, buffers, n_items)? {
        // There are that many items in memory, so that a row of them fits.
        Values::Fixed { width, bytes } => {
            Ok(Values::Fixed { width: width.saturating_mul(list.n_items as usize), bytes })
        }
        Values::Blobs(_) => Err(unread("lists of pictures or texts")),
    }
}

fn runs(layout: &Runs, buffers: &mut VecDeque<Vec<u8>>, n: u64) -> Result<Values> {
    let torn = || broken("expected runs of as many values as their chunk");
    let flat = |encoding| match packing(inner(encoding)?)? {
        Packing::Flat(flat @ Flat { packed: None, .. }) => bytes_of(flat),
        _ => Err(unread("runs that are packed")),
    };
    let (width, length_len) = (flat(&layout.values)?, flat(&layout.lengths)?);
    let (runs, lengths) = (next(buffers)?, next(buffers)?);
    let lengths: Vec<u64> = lengths.chunks_exact(length_len).map(number).collect();
    let total = lengths.iter().try_fold(0_u64, |sum, length| sum.checked_add(*length));
    if lengths.len() * width != runs.len() || total.is_none_or(|total| total < n) {
        return Err(torn());
    }
    // The last run of a chunk may go on into the next one, where it comes again.
    let mut left = usize::try_from(n).map_err(|_| torn())?;
    let mut bytes = Vec::new();
    for (run, length) in runs.chunks_exact(width).zip(lengths) {
        let length = usize::try_from(length).map_or(left, |length| length.min(left));
        let len = length.checked_mul(width).and_then(|more| more.checked_add(bytes.len()));
        if len.is_none_or(|len| len > MOST_BYTES) {
            return Err(torn());
        }
        bytes.extend(std::iter::repeat_n(run, length).flatten());
        left -= length;
    }
    Ok(Values::Fixed { width, bytes })
}

/// The `n` blobs of `data` between the `n + 1` offsets at the start of `offsets`.
fn cut(offsets: &[u8], data: &[u8], len: usize, n: u64) -> Result<Values> {
    let torn = || broken("expected texts or pictures as long as their offsets say");
    let n = usize::try_from(n).ok().and_then(|n| n.checked_add(1)).ok_or_else(torn)?;
    let offsets = piece(offsets, 0, n.checked_mul(len).ok_or_else(torn)?).ok_or_else(torn)?;
    let offsets: Vec<usize> = offsets.chunks_exact(len).map(|offset| number(offset) as usize).collect();
    let blob = |ends: &[usize]| data.get(ends[0]..ends[1]).map(Arc::from);
    offsets.windows(2).map(blob).collect::<Option<_>>().map(Values::Blobs).ok_or_else(torn)
}

/// The plain bytes of what may be compressed. Memory grows with what is really there.
fn unpacked(compression: Option<&Compression>, bytes: Vec<u8>) -> Result<Vec<u8>> {
    let torn = || broken("expected whole compressed values");
    match compression.map(|compression| compression.scheme) {
        None | Some(0) => Ok(bytes),
        Some(1) => {
            // A byte of LZ4 stands for at most 255.
            let (head, block) = bytes.split_first_chunk::<4>().ok_or_else(torn)?;
            let len = u32::from_le_bytes(*head) as usize;
            if len / 256 > block.len() {
                return Err(torn());
            }
            lz4_flex::block::decompress(block, len)
                .map_err(|_| torn())
                .and_then(|plain| if plain.len() == len { Ok(plain) } else { Err(torn()) })
        }
        Some(2) => zstd(&bytes),
        Some(other) => Err(unread(format!("compression number {other}"))),
    }
}

/// The plain bytes of a frame of Zstandard behind their number, which the first versions of Lance did not write.
///
/// # Errors
/// If the frame is damaged, or of another length.
pub(super) fn zstd(bytes: &[u8]) -> Result<Vec<u8>> {
    let torn = || broken("expected whole compressed values");
    let (len, frame) = match bytes.starts_with(ZSTD_MAGIC) {
        true => (None, bytes),
        false => (piece(bytes, 0, 8).map(number), bytes.get(8..).ok_or_else(torn)?),
    };
    let stream = ::zstd::stream::read::Decoder::with_buffer(frame).map_err(|_| torn())?;
    let mut plain = Vec::new();
    stream.take(MOST_BYTES as u64).read_to_end(&mut plain).map_err(|_| torn())?;
    if len.is_none_or(|len| len == plain.len() as u64) { Ok(plain) } else { Err(torn()) }
}

/// The `n` numbers of `bits` each that a block holds, behind a number that says how many bits of each are there.
fn unpack(bytes: &[u8], bits: u64, n: u64) -> Result<Values> {
    let torn = || broken("expected bit-packed numbers as long as they say");
    if !matches!(bits, 8 | 16 | 32 | 64) {
        return Err(unread(format!("values of {bits} bits")));
    }
    let (bits, width) = (bits as usize, bits as usize / 8);
    let (head, words) = bytes.split_at_checked(width).ok_or_else(torn)?;
    let there = usize::try_from(number(head)).ok().filter(|there| *there <= bits).ok_or_else(torn)?;
    let n = usize::try_from(n).ok().filter(|n| *n <= BLOCK).ok_or_else(torn)?;
    if words.len() != BLOCK * there / 8 {
        return Err(torn());
    }
    let n_lanes = BLOCK / bits;
    let mut numbers = vec![0_u64; BLOCK];
    for lane in 0..n_lanes {
        for row in 0..bits {
            // The words of all lanes alternate; a lane's numbers follow each other bit after bit.
            let bit = |bit: usize| {
                let at = row * there + bit;
                let byte = (at / bits * n_lanes + lane) * width + at % bits / 8;
                u64::from(words[byte] >> (at % 8) & 1) << bit
            };
            numbers[ORDER[row / 8] * 16 + row % 8 * 128 + lane] = (0..there).map(bit).sum();
        }
    }
    let bytes = numbers.iter().take(n).flat_map(|number| number.to_le_bytes().into_iter().take(width));
    Ok(Values::Fixed { width, bytes: bytes.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(bits: u64) -> Encoding {
        Encoding { packing: Some(Packing::Bits(super::super::proto::Bits { bits, packed: None })) }
    }

    #[test]
    fn bits_lie_in_lanes_of_alternating_words() {
        // Of 16-bit numbers with 3 bits each: 64 lanes, so that the first word of lane 1 holds numbers 1, 129, 257, ..
        let mut packed = vec![0_u8; 2 + BLOCK * 3 / 8];
        packed[0] = 3;
        packed[4..6].copy_from_slice(&0b0_111_100_011_010_001_u16.to_le_bytes());
        let got = values(&bits(16), &mut VecDeque::from([packed.clone()]), 1000).unwrap();
        let Values::Fixed { width: 2, bytes } = got else { panic!() };
        let numbers: Vec<u64> = bytes.chunks(2).map(number).collect();
        assert_eq!(numbers.len(), 1000);
        assert_eq!([1, 129, 257, 385, 513].map(|i| numbers[i]), [1, 2, 3, 4, 7]);
        assert_eq!(numbers.iter().sum::<u64>(), 17);
        packed[0] = 17;
        assert!(values(&bits(16), &mut VecDeque::from([packed.clone()]), 1000).is_err());
        packed[0] = 3;
        assert!(values(&bits(16), &mut VecDeque::from([packed]), 1025).is_err());
    }

    #[test]
    fn runs_end_with_their_chunk() {
        let flat =
            |bits| Some(Box::new(Encoding { packing: Some(Packing::Flat(Flat { bits, packed: None })) }));
        let layout = Encoding { packing: Some(Packing::Runs(Runs { values: flat(16), lengths: flat(8) })) };
        let buffers = || VecDeque::from([vec![7, 0, 9, 1], vec![2, 255]]);
        let got = values(&layout, &mut buffers(), 4).unwrap();
        assert_eq!(got, Values::Fixed { width: 2, bytes: vec![7, 0, 7, 0, 9, 1, 9, 1] });
        assert!(values(&layout, &mut buffers(), 258).is_err());
    }
}
