//! NumPy's `.npy`: a header of text with the type and shape, then the elements row by row.

use std::io::Read;

use worldsmith_core::{Error, ErrorKind, Result};

use crate::dtype::Dtype;
use crate::formats::column::Schema;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Headers of more text than that hold no array that is understood here.
const MOST_TEXT: usize = 1 << 16;
/// The header is filled up so that the elements start at a multiple of this.
const ALIGNED: usize = 64;

/// What a header says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Header {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    /// Bytes before the first element.
    pub len: u64,
}

impl Header {
    /// Reads the header at the start of `file`.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if it is none, or of pickled objects, or of an array column by column.
    pub fn read(file: &mut impl Read) -> Result<Self> {
        let mut start = [0; 8];
        take(file, &mut start)?;
        if start[..6] != *MAGIC {
            return Err(broken("expected an array of NumPy, got something else"));
        }
        let n_text = if start[6] == 1 {
            let mut two = [0; 2];
            take(file, &mut two)?;
            usize::from(u16::from_le_bytes(two))
        } else {
            let mut four = [0; 4];
            take(file, &mut four)?;
            u32::from_le_bytes(four) as usize
        };
        if n_text > MOST_TEXT {
            return Err(broken(format!("expected a header of at most {MOST_TEXT} bytes, got {n_text}")));
        }
        let mut text = vec![0; n_text];
        take(file, &mut text)?;
        let text = String::from_utf8_lossy(&text);
        let len = (if start[6] == 1 { 10 } else { 12 }) + n_text as u64;
        Self::parse(&text, len)
    }

    /// The text is a Python dict such as `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
    fn parse(text: &str, len: u64) -> Result<Self> {
        let odd = || broken(format!("expected type, order and shape of an array, got {:?}", text.trim_end()));
        let after = |key: &str| {
            let rest = text.split_once(&format!("'{key}'"))?.1.trim_start();
            rest.strip_prefix(':').map(str::trim_start)
        };
        let descr = after("descr").ok_or_else(odd)?;
        let Some(descr) = descr.strip_prefix('\'').and_then(|rest| rest.split_once('\'')) else {
            return Err(broken("expected an array of one type, got one of records")
                .hint("save each field as an array of its own"));
        };
        if descr.0 == "|O" {
            return Err(broken("expected numbers, got pickled Python objects, which are never opened here")
                .hint("save arrays of one type and one shape: `np.asarray(x, dtype=np.float32)`"));
        }
        let dtype = Dtype::numpy(descr.0).ok_or_else(|| {
            broken(format!("expected numbers, flags or text, got elements of `{}`", descr.0))
        })?;
        let shape =
            after("shape").and_then(|rest| rest.strip_prefix('(')?.split_once(')')).ok_or_else(odd)?.0;
        let sides = shape.split(',').map(str::trim).filter(|side| !side.is_empty());
        let shape: Vec<usize> = sides
            .map(|side| side.trim_end_matches('L').parse())
            .collect::<std::result::Result<_, _>>()
            .map_err(|_| odd())?;
        let by_columns = after("fortran_order").ok_or_else(odd)?.starts_with("True");
        if by_columns && shape.len() > 1 {
            return Err(broken("expected an array row by row, got one column by column")
                .hint("save `np.ascontiguousarray(x)`"));
        }
        Ok(Self { dtype, shape, len })
    }

    /// The bytes of the header of an array of this type and shape.
    pub fn bytes(dtype: Dtype, shape: &[usize]) -> Vec<u8> {
        let sides: String = shape.iter().map(|side| format!("{side}, ")).collect();
        let sides = if shape.len() == 1 { sides.trim_end() } else { sides.trim_end_matches(", ") };
        let descr = dtype.descr();
        let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sides}), }}");
        while !(MAGIC.len() + 4 + text.len() + 1).is_multiple_of(ALIGNED) {
            text.push(' ');
        }
        text.push('\n');
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes
    }

    /// Number of rows; an array without axes has one.
    pub fn n_rows(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }

    /// Type and shape of a row.
    pub fn schema(&self) -> Schema {
        Schema { kind: self.dtype.kind(), shape: self.shape.get(1..).unwrap_or_default().to_vec() }
    }

    /// Bytes of a row; `None` if no memory could hold it.
    pub fn row_len(&self) -> Option<usize> {
        self.schema().width()?.checked_mul(self.dtype.size())
    }
}

fn take(file: &mut impl Read, bytes: &mut [u8]) -> Result<()> {
    file.read_exact(bytes).map_err(|err| broken(format!("expected the header of an array: {err}")))
}

fn broken(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_read_back() {
        for shape in [&[][..], &[3], &[2, 0, 5]] {
            let bytes = Header::bytes(Dtype::I64, shape);
            assert!(bytes.len().is_multiple_of(ALIGNED));
            let header = Header::read(&mut bytes.as_slice()).unwrap();
            assert_eq!((header.dtype, header.shape.as_slice()), (Dtype::I64, shape));
            assert_eq!(header.len, bytes.len() as u64);
        }
    }

    #[test]
    fn objects_records_and_columns_first_are_refused_with_a_way_out() {
        let parse = |text: &str| Header::parse(text, 80).unwrap_err().to_string();
        assert!(parse("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }").contains("pickled"));
        assert!(
            parse("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }").contains("records")
        );
        assert!(
            parse("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }").contains("column by column")
        );
        assert!(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (-3,), }").contains("shape"));
        assert!(parse("").contains("expected type"));
    }
}
