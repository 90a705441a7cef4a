//! The messages of a Lance table that reading needs, with the numbers of Lance's own definitions; other fields are skipped.

use prost::{Message, Oneof};

/// A version of a table.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Manifest {
    #[prost(message, repeated, tag = "1")]
    pub fields: Vec<Field>,
    #[prost(message, repeated, tag = "2")]
    pub fragments: Vec<Fragment>,
    #[prost(uint64, tag = "9")]
    pub reader_flags: u64,
}

/// A column, or a part of one.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Field {
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(int32, tag = "3")]
    pub id: i32,
    #[prost(int32, tag = "4")]
    pub parent_id: i32,
    #[prost(string, tag = "5")]
    pub logical_type: String,
}

/// Some rows.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Fragment {
    #[prost(uint64, tag = "1")]
    pub id: u64,
    #[prost(message, repeated, tag = "2")]
    pub files: Vec<FileEntry>,
    #[prost(message, optional, tag = "3")]
    pub deletions: Option<Deletions>,
    /// With those that were deleted.
    #[prost(uint64, tag = "4")]
    pub n_rows: u64,
}

/// A file with some columns of a fragment.
#[derive(Clone, PartialEq, Message)]
pub(super) struct FileEntry {
    #[prost(string, tag = "1")]
    pub path: String,
    #[prost(int32, repeated, tag = "2")]
    pub fields: Vec<i32>,
    #[prost(int32, repeated, tag = "3")]
    pub columns: Vec<i32>,
    #[prost(uint32, optional, tag = "7")]
    pub base_id: Option<u32>,
}

/// Which rows of a fragment were deleted.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Deletions {
    /// 0 is Arrow, 1 a bitmap.
    #[prost(int32, tag = "1")]
    pub kind: i32,
    #[prost(uint64, tag = "2")]
    pub read_version: u64,
    #[prost(uint64, tag = "3")]
    pub id: u64,
    #[prost(uint32, optional, tag = "7")]
    pub base_id: Option<u32>,
}

/// Where the rows of a column are.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ColumnPages {
    #[prost(message, repeated, tag = "2")]
    pub pages: Vec<PageEntry>,
}

/// A stretch of a column.
#[derive(Clone, PartialEq, Message)]
pub(super) struct PageEntry {
    #[prost(uint64, repeated, tag = "1")]
    pub offsets: Vec<u64>,
    #[prost(uint64, repeated, tag = "2")]
    pub sizes: Vec<u64>,
    #[prost(uint64, tag = "3")]
    pub n_rows: u64,
    #[prost(message, optional, tag = "4")]
    pub encoding: Option<Wrapped>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Wrapped {
    #[prost(message, optional, tag = "2")]
    pub direct: Option<Direct>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Direct {
    /// A [`Typed`].
    #[prost(bytes = "vec", tag = "1")]
    pub encoding: Vec<u8>,
}

/// A message and what it is.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Typed {
    #[prost(string, tag = "1")]
    pub url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub message: Vec<u8>,
}

/// How a page is laid out.
#[derive(Clone, PartialEq, Message)]
pub(super) struct PageLayout {
    #[prost(oneof = "Layout", tags = "1, 2, 3")]
    pub layout: Option<Layout>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Layout {
    #[prost(message, tag = "1")]
    Chunks(Chunks),
    #[prost(message, tag = "2")]
    Constant(Constant),
    #[prost(message, tag = "3")]
    Zipped(Zipped),
}

/// Many rows in each of some chunks; Lance calls it mini-block.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Chunks {
    #[prost(message, optional, tag = "3")]
    pub values: Option<Encoding>,
    #[prost(message, optional, tag = "4")]
    pub dictionary: Option<Encoding>,
    #[prost(uint64, tag = "5")]
    pub n_dictionary: u64,
    #[prost(int32, repeated, tag = "6")]
    pub layers: Vec<i32>,
    #[prost(uint64, tag = "7")]
    pub n_buffers: u64,
    #[prost(bool, tag = "10")]
    pub large: bool,
}

/// The same in every row.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Constant {
    #[prost(int32, repeated, tag = "5")]
    pub layers: Vec<i32>,
    #[prost(bytes = "vec", optional, tag = "6")]
    pub value: Option<Vec<u8>>,
}

/// Row after row; Lance calls it full-zip.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Zipped {
    #[prost(uint32, tag = "1")]
    pub repetition_bits: u32,
    #[prost(uint32, tag = "2")]
    pub definition_bits: u32,
    /// Where all rows are equally long.
    #[prost(uint32, optional, tag = "3")]
    pub value_bits: Option<u32>,
    /// Bits of the length before each row, where they are not.
    #[prost(uint32, optional, tag = "4")]
    pub length_bits: Option<u32>,
    #[prost(message, optional, tag = "7")]
    pub values: Option<Encoding>,
    #[prost(int32, repeated, tag = "8")]
    pub layers: Vec<i32>,
}

/// How values are packed.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Encoding {
    #[prost(oneof = "Packing", tags = "1, 2, 5, 8, 10, 11")]
    pub packing: Option<Packing>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Packing {
    #[prost(message, tag = "1")]
    Flat(Flat),
    #[prost(message, tag = "2")]
    Variable(Variable),
    #[prost(message, tag = "5")]
    Bits(Bits),
    #[prost(message, tag = "8")]
    Runs(Runs),
    #[prost(message, tag = "10")]
    General(General),
    #[prost(message, tag = "11")]
    List(List),
}

/// Value after value.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Flat {
    #[prost(uint64, tag = "1")]
    pub bits: u64,
    #[prost(message, optional, tag = "2")]
    pub packed: Option<Compression>,
}

/// Bytes of any length, found by offsets.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Variable {
    #[prost(message, optional, boxed, tag = "1")]
    pub offsets: Option<Box<Encoding>>,
    #[prost(message, optional, tag = "2")]
    pub packed: Option<Compression>,
}

/// Whole numbers without their upper zeros, 1024 at a time.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Bits {
    #[prost(uint64, tag = "1")]
    pub bits: u64,
    #[prost(message, optional, tag = "2")]
    pub packed: Option<Compression>,
}

/// Values and how often each comes.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Runs {
    #[prost(message, optional, boxed, tag = "1")]
    pub values: Option<Box<Encoding>>,
    #[prost(message, optional, boxed, tag = "2")]
    pub lengths: Option<Box<Encoding>>,
}

/// The first buffer of another encoding, or each of its values, compressed.
#[derive(Clone, PartialEq, Message)]
pub(super) struct General {
    #[prost(message, optional, tag = "1")]
    pub compression: Option<Compression>,
    #[prost(message, optional, boxed, tag = "3")]
    pub values: Option<Box<Encoding>>,
}

/// Several numbers a row.
#[derive(Clone, PartialEq, Message)]
pub(super) struct List {
    #[prost(uint64, tag = "1")]
    pub n_items: u64,
    #[prost(message, optional, boxed, tag = "2")]
    pub values: Option<Box<Encoding>>,
    #[prost(bool, tag = "3")]
    pub has_validity: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Compression {
    /// 1 is LZ4, 2 Zstandard.
    #[prost(int32, tag = "1")]
    pub scheme: i32,
}
