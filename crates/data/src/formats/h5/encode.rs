//! The pieces of an HDF5 file as bytes, after the HDF5 File Format Specification 3.0: object headers of version 2 and the
//! few messages that plain datasets and groups need.

/// No address: nothing is there.
pub(super) const NOWHERE: u64 = u64::MAX;

const DATASPACE: u8 = 0x01;
const LINK_INFO: u8 = 0x02;
const DATATYPE: u8 = 0x03;
const FILL_VALUE: u8 = 0x05;
const LINK: u8 = 0x06;
const LAYOUT: u8 = 0x08;
const GROUP_INFO: u8 = 0x0a;
const ATTRIBUTE: u8 = 0x0c;
const UTF8: u8 = 1;

/// The longest message that an object header can hold.
const LONGEST: usize = u16::MAX as usize;

/// What the numbers of a dataset or attribute are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::formats) enum Type {
    /// As h5py and numpy have it: bytes that are named `FALSE` and `TRUE`.
    Bool,
    U8,
    I8,
    U64,
    I64,
    I32,
    F32,
    F64,
    /// UTF-8 of at most so many bytes, padded with zeros; at least 1.
    Text(u32),
}

impl Type {
    /// Bytes of an element.
    pub fn size(self) -> usize {
        match self {
            Type::Bool | Type::U8 | Type::I8 => 1,
            Type::I32 | Type::F32 => 4,
            Type::U64 | Type::I64 | Type::F64 => 8,
            Type::Text(len) => len as usize,
        }
    }

    fn message(self) -> Vec<u8> {
        let whole = |signed: bool| {
            let mut out = class(1, 0, [if signed { 8 } else { 0 }, 0, 0], self.size());
            out.extend([0, 0]);
            out.extend((self.size() as u16 * 8).to_le_bytes());
            out
        };
        // Sign, exponent and mantissa: where each starts and how long it is, then the exponent's bias.
        let real = |sign: u8, exponent: [u8; 2], mantissa: u8, bias: u32| {
            let mut out = class(1, 1, [0x20, sign, 0], self.size());
            out.extend([0, 0]);
            out.extend((self.size() as u16 * 8).to_le_bytes());
            out.extend([exponent[0], exponent[1], 0, mantissa]);
            out.extend(bias.to_le_bytes());
            out
        };
        match self {
            Type::U8 | Type::U64 => whole(false),
            Type::I8 | Type::I32 | Type::I64 => whole(true),
            Type::F32 => real(31, [23, 8], 23, 127),
            Type::F64 => real(63, [52, 11], 52, 1023),
            Type::Text(len) => class(1, 3, [1 | UTF8 << 4, 0, 0], len as usize),
            Type::Bool => {
                let mut out = class(3, 8, [2, 0, 0], 1);
                out.extend(Type::I8.message());
                out.extend(b"FALSE\0TRUE\0");
                out.extend([0, 1]);
                out
            }
        }
    }
}

/// The start of every datatype: version and class, bits that depend on the class, bytes of an element.
fn class(version: u8, class: u8, bits: [u8; 3], size: usize) -> Vec<u8> {
    let mut out = vec![version << 4 | class];
    out.extend(bits);
    out.extend((size as u32).to_le_bytes());
    out
}

/// One number for no axes; `growing` lets the first axis grow without end.
fn dataspace(shape: &[u64], growing: bool) -> Vec<u8> {
    let mut out = vec![2, shape.len() as u8, u8::from(growing), u8::from(!shape.is_empty())];
    out.extend(shape.iter().flat_map(|extent| extent.to_le_bytes()));
    if growing {
        out.extend(u64::MAX.to_le_bytes());
        out.extend(shape[1..].iter().flat_map(|extent| extent.to_le_bytes()));
    }
    out
}

/// An object header that is being put together.
#[derive(Debug, Default)]
pub(super) struct Header(Vec<u8>);

impl Header {
    fn add(&mut self, kind: u8, message: &[u8]) {
        self.0.push(kind);
        self.0.extend((message.len() as u16).to_le_bytes());
        self.0.push(0);
        self.0.extend(message);
    }

    /// A group that holds the objects at these addresses.
    pub fn group(links: &[(String, u64)]) -> Self {
        let mut header = Self::default();
        let mut info = vec![0, 0];
        info.extend([NOWHERE.to_le_bytes(), NOWHERE.to_le_bytes()].concat());
        header.add(LINK_INFO, &info);
        header.add(GROUP_INFO, &[0, 0]);
        for (name, address) in links {
            // Version 1; the name has a character set and a length of two bytes.
            let mut link = vec![1, 0x11, UTF8];
            link.extend((name.len() as u16).to_le_bytes());
            link.extend(name.as_bytes());
            link.extend(address.to_le_bytes());
            header.add(LINK, &link);
        }
        header
    }

    /// A dataset whose `n_bytes` lie together at `address`.
    pub fn contiguous(kind: Type, shape: &[u64], address: u64, n_bytes: u64) -> Self {
        let mut layout = vec![3, 1];
        layout.extend(if n_bytes == 0 { NOWHERE } else { address }.to_le_bytes());
        layout.extend(n_bytes.to_le_bytes());
        // Space is set aside when it is first written, and filled if there is something to fill it with.
        Self::dataset(kind, dataspace(shape, false), 0x0a, &layout)
    }

    /// A dataset in chunks, of the shape `chunk`, that the tree at `index` knows.
    pub fn chunked(kind: Type, shape: &[u64], chunk: &[u64], index: u64) -> Self {
        let mut layout = vec![3, 2, chunk.len() as u8 + 1];
        layout.extend(index.to_le_bytes());
        layout.extend(chunk.iter().flat_map(|extent| (*extent as u32).to_le_bytes()));
        layout.extend((kind.size() as u32).to_le_bytes());
        // Space is set aside chunk by chunk.
        Self::dataset(kind, dataspace(shape, true), 0x0b, &layout)
    }

    fn dataset(kind: Type, space: Vec<u8>, fill: u8, layout: &[u8]) -> Self {
        let mut header = Self::default();
        header.add(DATASPACE, &space);
        header.add(DATATYPE, &kind.message());
        header.add(FILL_VALUE, &[3, fill]);
        header.add(LAYOUT, layout);
        header
    }

    /// Adds an attribute of one element. One that is too long for a header is left out.
    pub fn attribute(&mut self, name: &str, kind: Type, bytes: &[u8]) {
        let (datatype, space) = (kind.message(), dataspace(&[], false));
        let mut message = vec![3, 0];
        message.extend((name.len() as u16 + 1).to_le_bytes());
        message.extend((datatype.len() as u16).to_le_bytes());
        message.extend((space.len() as u16).to_le_bytes());
        message.push(UTF8);
        message.extend(name.as_bytes());
        message.push(0);
        message.extend(datatype);
        message.extend(space);
        message.extend(bytes);
        if message.len() <= LONGEST {
            self.add(ATTRIBUTE, &message);
        }
    }

    /// The header as it stands in the file.
    pub fn bytes(&self) -> Vec<u8> {
        // Version 2; the length of what follows has four bytes.
        let mut out = [b"OHDR".as_slice(), &[2, 2]].concat();
        out.extend((self.0.len() as u32).to_le_bytes());
        out.extend(&self.0);
        out.extend(checksum(&out).to_le_bytes());
        out
    }
}

/// The first bytes of a file of `end` bytes whose root group is at `root`.
pub(super) fn superblock(end: u64, root: u64) -> Vec<u8> {
    let mut out = [b"\x89HDF\r\n\x1a\n".as_slice(), &[3, 8, 8, 0]].concat();
    out.extend([0, NOWHERE, end, root].into_iter().flat_map(u64::to_le_bytes));
    out.extend(checksum(&out).to_le_bytes());
    out
}

/// Length of [`superblock`]'s bytes.
pub(super) const SUPERBLOCK: u64 = 48;

/// Children of a tree's node, from the default of 32 a half.
pub(super) const FANOUT: usize = 64;

/// A node of the tree that knows a dataset's chunks, `rank` axes each. `children` are where each starts along the first
/// axis and its address; they end at `end`. Chunks (level 0) have `n_bytes`.
pub(super) fn tree_node(level: u8, rank: usize, children: &[(u64, u64)], end: u64, n_bytes: u32) -> Vec<u8> {
    let mut out = [b"TREE".as_slice(), &[1, level]].concat();
    out.extend((children.len() as u16).to_le_bytes());
    out.extend([NOWHERE.to_le_bytes(), NOWHERE.to_le_bytes()].concat());
    let key = |start: u64, out: &mut Vec<u8>| {
        out.extend(n_bytes.to_le_bytes());
        out.extend([0; 4]);
        out.extend(start.to_le_bytes());
        out.resize(out.len() + rank * 8, 0);
    };
    for (start, address) in children {
        key(*start, &mut out);
        out.extend(address.to_le_bytes());
    }
    key(end, &mut out);
    let whole = 24 + FANOUT * 8 + (FANOUT + 1) * (16 + rank * 8);
    out.resize(whole, 0);
    out
}

/// Bob Jenkins' lookup3 hash, started from 0, with which HDF5 checks its metadata.
fn checksum(bytes: &[u8]) -> u32 {
    let start = 0xdead_beef_u32.wrapping_add(bytes.len() as u32);
    let [mut a, mut b, mut c] = [start; 3];
    let word = |part: &[u8], at: usize| {
        (0..4).fold(0u32, |word, i| word | u32::from(part.get(at + i).copied().unwrap_or(0)) << (8 * i))
    };
    let n_last = if bytes.is_empty() { 0 } else { (bytes.len() - 1) % 12 + 1 };
    let (whole, last) = bytes.split_at(bytes.len() - n_last);
    for part in whole.chunks_exact(12) {
        a = a.wrapping_add(word(part, 0));
        b = b.wrapping_add(word(part, 4));
        c = c.wrapping_add(word(part, 8));
        for (turn, left) in [(4, 0), (6, 1), (8, 2), (16, 0), (19, 1), (4, 2)] {
            match left {
                0 => (a, c) = (a.wrapping_sub(c) ^ c.rotate_left(turn), c.wrapping_add(b)),
                1 => (b, a) = (b.wrapping_sub(a) ^ a.rotate_left(turn), a.wrapping_add(c)),
                _ => (c, b) = (c.wrapping_sub(b) ^ b.rotate_left(turn), b.wrapping_add(a)),
            }
        }
    }
    if last.is_empty() {
        return c;
    }
    a = a.wrapping_add(word(last, 0));
    b = b.wrapping_add(word(last, 4));
    c = c.wrapping_add(word(last, 8));
    for (turn, left) in [(14, 2), (11, 0), (25, 1), (16, 2), (4, 0), (14, 1), (24, 2)] {
        match left {
            0 => a = (a ^ c).wrapping_sub(c.rotate_left(turn)),
            1 => b = (b ^ a).wrapping_sub(a.rotate_left(turn)),
            _ => c = (c ^ b).wrapping_sub(b.rotate_left(turn)),
        }
    }
    c
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_lookup3() {
        // From the driver that Jenkins published with it.
        assert_eq!(checksum(b""), 0xdead_beef);
        assert_eq!(checksum(b"Four score and seven years ago"), 0x1777_0551);
    }
}
