//! HDF5 files: reading through `hdf5-reader`, with the filters that data sets use and it does not know, and
//! [writing](write).
//!
//! Files are not trusted: every read is held against the length of the file first.

mod encode;
mod lzf;
pub(super) mod write;

use std::path::{Path, PathBuf};

use hdf5_reader::attribute_api::Attribute;
use hdf5_reader::datatype_api::VarLenKind;
use hdf5_reader::error::{ByteOrder, Error as H5Error};
use hdf5_reader::filters::FilterRegistry;
use hdf5_reader::group::Group;
use hdf5_reader::messages::datatype::Datatype;
use hdf5_reader::{Dataset, H5Type, Hdf5File, OpenOptions, SliceInfo, SliceInfoElem};
use worldsmith_core::{Error, ErrorKind, Result};

use self::write::Type;
use super::column::{Cells, Column, Kind, Schema};
use crate::blosc;

const LZF: u16 = 32000;
const BLOSC: u16 = 32001;

/// Bytes that one byte of a file may stand for: more than deflate can do, and less than would hurt.
const MOST_A_BYTE: u64 = 1 << 10;
/// Bytes that any file may ask for.
const LEAST_BUDGET: u64 = 1 << 24;
/// No chunk and no read has more bytes.
const MOST_BUDGET: u64 = 1 << 32;

/// Whether the file starts as HDF5 files without a user block do.
pub(super) fn is_hdf5(path: &Path) -> bool {
    use std::io::Read;
    let mut start = [0; 8];
    std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok()
        && start == *b"\x89HDF\r\n\x1a\n"
}

/// A byte of a file stands for at most that many numbers of a row, or that many rows.
const WIDEST: u64 = 1 << 6;
const LONGEST: u64 = 1 << 4;

/// A file that is open for reading.
pub(super) struct H5 {
    file: Hdf5File,
    path: PathBuf,
    /// Its length in bytes.
    len: u64,
}

impl H5 {
    /// Opens the file at `path`; reads its first bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if it is no HDF5 file.
    pub fn open(path: &Path) -> Result<Self> {
        let len = std::fs::metadata(path).map_err(|err| Error::io("read file", path, &err))?.len();
        let budget = len.saturating_mul(MOST_A_BYTE).clamp(LEAST_BUDGET, MOST_BUDGET) as usize;
        let options = OpenOptions::default()
            .with_filter_registry(filters(budget))
            .with_max_chunk_bytes(budget)
            .with_max_read_bytes(budget);
        let file = Hdf5File::open_with_options(path, options).map_err(|err| broken(&err, path))?;
        Ok(Self { file, path: path.to_owned(), len })
    }

    /// The file's path, for errors.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The group that holds everything else.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`].
    pub fn root(&self) -> Result<Node<'_>> {
        let group = self.file.root_group().map_err(|err| broken(&err, &self.path))?;
        Ok(Node { group, file: self })
    }
}

/// A group in a file.
pub(super) struct Node<'a> {
    group: Group,
    file: &'a H5,
}

impl<'a> Node<'a> {
    /// Names of the groups and of the datasets in it.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`].
    pub fn names(&self) -> Result<(Vec<String>, Vec<String>)> {
        self.group.member_names().map_err(|err| broken(&err, &self.file.path))
    }

    /// The group called `name` in it.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if there is none.
    pub fn group(&self, name: &str) -> Result<Self> {
        let group = self.group.group(name).map_err(|err| broken(&err, &self.file.path))?;
        Ok(Self { group, file: self.file })
    }

    /// The dataset called `name` in it.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if there is none.
    pub fn dataset(&self, name: &str) -> Result<Rows<'a>> {
        let dataset = self.group.dataset(name).map_err(|err| broken(&err, &self.file.path))?;
        Ok(Rows { dataset, file: self.file })
    }

    /// The attribute called `name` as text, if it is there and text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.attribute(name)?.read_string().ok()
    }

    /// The attribute called `name` as a whole number, if it is there and one.
    pub fn int(&self, name: &str) -> Option<i64> {
        let attribute = self.attribute(name)?;
        let signed =
            attribute.read_scalar::<i64>().or_else(|_| attribute.read_scalar::<i32>().map(i64::from));
        signed.or_else(|_| attribute.read_scalar::<u64>().map(u64::cast_signed)).ok()
    }

    fn attribute(&self, name: &str) -> Option<Attribute> {
        self.group.attribute(name).ok()
    }
}

/// A dataset in a file: rows along its first axis.
pub(super) struct Rows<'a> {
    dataset: Dataset,
    file: &'a H5,
}

impl Rows<'_> {
    /// Number of rows; 1 if it has no axes.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if the file is too short for so many.
    pub fn n_rows(&self) -> Result<u64> {
        let n = self.dataset.shape().first().copied().unwrap_or(1);
        if n > self.file.len.saturating_mul(LONGEST) {
            let why = format!("expected fewer rows in a file of {} bytes, got {n}", self.file.len);
            return Err(Error::corrupt(&self.file.path, why));
        }
        Ok(n)
    }

    /// Type and shape of a row. Byte strings one a row count as [`Kind::Texts`].
    ///
    /// # Errors
    /// If rows are of a type that no column here has, or too wide for memory.
    pub fn schema(&self) -> Result<Schema> {
        let kind = kind(self.dataset.dtype()).ok_or_else(|| {
            Error::invalid(format!(
                "expected numbers or text in `{}`, got {:?}",
                self.dataset.name(),
                self.dataset.dtype()
            ))
            .at(&self.file.path)
        })?;
        let shape = self.dataset.shape().iter().skip(1).map(|extent| usize::try_from(*extent));
        let shape = shape.collect::<std::result::Result<Vec<_>, _>>();
        let widest = self.file.len.saturating_mul(WIDEST);
        let fits = |schema: &Schema| schema.width().is_some_and(|width| width as u64 <= widest);
        let schema = shape.ok().map(|shape| Schema { kind, shape }).filter(fits);
        schema.ok_or_else(|| Error::corrupt(&self.file.path, "expected rows that fit into memory"))
    }

    /// Reads rows `from..from + n`.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if there are no such rows or they cannot be read.
    pub fn read(&self, from: u64, n: u64) -> Result<Column> {
        let Schema { kind, shape } = self.schema()?;
        let have = self.n_rows()?;
        if from.checked_add(n).is_none_or(|end| end > have) {
            let name = self.dataset.name();
            let why = format!("expected rows {from} to {from} + {n} of `{name}`, which has {have}");
            return Err(Error::corrupt(&self.file.path, why));
        }
        let cells = match kind {
            Kind::Texts => Cells::Texts(self.texts(from, n)?),
            Kind::Bytes => Cells::Bytes(self.cells(from, n)?),
            Kind::Bools => Cells::Bools(self.cells::<Number>(from, n)?.iter().map(|x| x.0 != 0.0).collect()),
            Kind::Floats => {
                Cells::Floats(self.cells::<Number>(from, n)?.iter().map(|x| x.0 as f32).collect())
            }
            Kind::Ints => Cells::Ints(self.cells::<Whole>(from, n)?.iter().map(|x| x.0).collect()),
        };
        Ok(Column { width: shape.iter().product(), cells })
    }

    /// Reads all rows, each as the bytes it is made of: for ragged arrays of bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if rows are something else or cannot be read.
    pub fn read_ragged(&self) -> Result<Vec<Vec<u8>>> {
        if !self.is_ragged() {
            return Err(Error::corrupt(
                &self.file.path,
                format!("expected ragged bytes in `{}`", self.dataset.name()),
            ));
        }
        let references = self.dataset.read_raw_bytes().map_err(|err| broken(&err, &self.file.path))?;
        let rows = references.chunks_exact(self.dataset.vlen_reference_size());
        rows.map(|row| {
            self.dataset.resolve_vlen_reference_bytes(row, 1).map_err(|err| broken(&err, &self.file.path))
        })
        .collect()
    }

    /// Whether rows are bytes of different lengths.
    pub fn is_ragged(&self) -> bool {
        let byte = |base: &Datatype| matches!(base, Datatype::FixedPoint { size: 1, .. });
        matches!(self.dataset.dtype(), Datatype::VarLen { base, kind: VarLenKind::Sequence, .. } if byte(base))
    }

    fn texts(&self, from: u64, n: u64) -> Result<Vec<String>> {
        let all = self.dataset.read_strings().map_err(|err| broken(&err, &self.file.path))?;
        let range = usize::try_from(from).ok().zip(usize::try_from(from + n).ok());
        let rows = range.and_then(|(from, end)| all.get(from..end));
        rows.map(<[_]>::to_vec).ok_or_else(|| Error::corrupt(&self.file.path, "expected one text a row"))
    }

    fn cells<T: H5Type>(&self, from: u64, n: u64) -> Result<Vec<T>> {
        let shape = self.dataset.shape();
        let all = shape.iter().map(|extent| SliceInfoElem::Slice { start: 0, end: *extent, step: 1 });
        let mut selections: Vec<SliceInfoElem> = all.collect();
        if let Some(rows) = selections.first_mut() {
            *rows = SliceInfoElem::Slice { start: from, end: from + n, step: 1 };
        }
        let read = self.dataset.read_slice::<T>(&SliceInfo { selections });
        let cells = read.map_err(|err| broken(&err, &self.file.path))?;
        Ok(cells.into_raw_vec_and_offset().0)
    }
}

/// Type and bytes of `cells` as they are written.
///
/// # Errors
/// If they are pictures one by one.
pub(super) fn encoded(cells: &Cells) -> Result<(Type, Vec<u8>)> {
    Ok(match cells {
        Cells::Bools(cells) => (Type::Bool, cells.iter().map(|x| u8::from(*x)).collect()),
        Cells::Bytes(cells) => (Type::U8, cells.clone()),
        Cells::Ints(cells) => (Type::I64, cells.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Cells::Floats(cells) => (Type::F32, cells.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Cells::Texts(rows) => {
            let longest = rows.iter().map(String::len).max().unwrap_or(0).max(1);
            let padded = |row: &String| {
                let mut bytes = row.clone().into_bytes();
                bytes.resize(longest, 0);
                bytes
            };
            (Type::Text(longest as u32), rows.iter().flat_map(padded).collect())
        }
        Cells::Pictures(_) => return Err(Error::invalid("expected pictures as bytes, got them one by one")),
    })
}

/// The filters of `hdf5-reader` and those that h5py and hdf5plugin bring along. `most` is the most bytes of a chunk.
fn filters(most: usize) -> FilterRegistry {
    let mut filters = FilterRegistry::new();
    filters.register(
        LZF,
        Box::new(move |_, stream, _| {
            let failed = || H5Error::DecompressionError("expected an LZF stream".to_owned());
            lzf::decode(stream, most).ok_or_else(failed)
        }),
    );
    filters.register(
        BLOSC,
        Box::new(move |_, frame, _| {
            let failed = |why: String| H5Error::DecompressionError(why);
            let n_bytes = frame.get(4..8).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
            let n_bytes = n_bytes.map(|n| n as usize).filter(|n| *n <= most);
            let n_bytes = n_bytes.ok_or_else(|| failed("expected a Blosc frame".to_owned()))?;
            blosc::decode(frame, n_bytes).map_err(|err| failed(err.to_string()))
        }),
    );
    filters
}

fn kind(datatype: &Datatype) -> Option<Kind> {
    match datatype {
        Datatype::FixedPoint { size: 1, signed: false, .. } => Some(Kind::Bytes),
        Datatype::FixedPoint { size: 1 | 2 | 4 | 8, .. } => Some(Kind::Ints),
        Datatype::FloatingPoint { size: 4 | 8, .. } => Some(Kind::Floats),
        Datatype::Enum { base, .. } if matches!(**base, Datatype::FixedPoint { size: 1, .. }) => {
            Some(Kind::Bools)
        }
        Datatype::String { .. } | Datatype::VarLen { kind: VarLenKind::String, .. } => Some(Kind::Texts),
        _ => None,
    }
}

/// A number of any type.
#[derive(Clone, Copy)]
struct Number(f64);

/// A whole number of any type.
#[derive(Clone, Copy)]
struct Whole(i64);

impl H5Type for Number {
    fn hdf5_type() -> Datatype {
        f64::hdf5_type()
    }

    fn from_bytes(bytes: &[u8], datatype: &Datatype) -> std::result::Result<Self, H5Error> {
        match datatype {
            Datatype::FloatingPoint { size: 4, .. } => {
                f32::from_bytes(bytes, datatype).map(|x| Self(x.into()))
            }
            Datatype::FloatingPoint { .. } => f64::from_bytes(bytes, datatype).map(Self),
            _ => Whole::from_bytes(bytes, datatype).map(|whole| Self(whole.0 as f64)),
        }
    }

    fn element_size(datatype: &Datatype) -> usize {
        Whole::element_size(datatype)
    }
}

impl H5Type for Whole {
    fn hdf5_type() -> Datatype {
        i64::hdf5_type()
    }

    fn from_bytes(bytes: &[u8], datatype: &Datatype) -> std::result::Result<Self, H5Error> {
        let (size, signed, order) = match datatype {
            Datatype::FixedPoint { size, signed, byte_order } => (*size, *signed, *byte_order),
            Datatype::Enum { base, .. } => return Self::from_bytes(bytes, base),
            _ => return Err(H5Error::InvalidData("expected whole numbers".to_owned())),
        };
        let mut wide = [0; 8];
        let size = usize::from(size);
        let bytes = bytes.get(..size).filter(|_| (1..=8).contains(&size));
        let bytes = bytes.ok_or_else(|| H5Error::InvalidData("expected whole numbers".to_owned()))?;
        wide[..size].copy_from_slice(bytes);
        if matches!(order, ByteOrder::BigEndian) {
            wide[..size].reverse();
        }
        let shift = 64 - 8 * size as u32;
        let word = u64::from_le_bytes(wide) << shift;
        Ok(Self(if signed { word.cast_signed() >> shift } else { (word >> shift).cast_signed() }))
    }

    fn element_size(datatype: &Datatype) -> usize {
        match datatype {
            Datatype::FixedPoint { size, .. } | Datatype::FloatingPoint { size, .. } => usize::from(*size),
            Datatype::Enum { base, .. } => Self::element_size(base),
            _ => 0,
        }
    }
}

fn broken(err: &H5Error, path: &Path) -> Error {
    let mut root = err;
    while let H5Error::Context { source, .. } = root {
        root = source;
    }
    let kind = match root {
        H5Error::Io(_) => ErrorKind::Io,
        _ => ErrorKind::Corrupt,
    };
    Error::new(kind, format!("cannot read HDF5: {err}")).at(path)
}
