//! Types of array elements as NumPy and Zarr name them, and the cells that their bytes stand for.

use crate::formats::column::{Cells, Kind};

/// What an element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Bool,
    Int,
    Uint,
    Float,
    /// Text of four bytes a character.
    Unicode,
    /// Text of a byte a character.
    Ascii,
}

/// Type of the elements of an array: what they are, how many bytes each has and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dtype {
    sort: Sort,
    size: usize,
    big_endian: bool,
}

impl Dtype {
    pub const U8: Self = Self { sort: Sort::Uint, size: 1, big_endian: false };
    pub const I64: Self = Self { sort: Sort::Int, size: 8, big_endian: false };
    pub const U64: Self = Self { sort: Sort::Uint, size: 8, big_endian: false };

    /// The type that NumPy calls `descr`, such as `<f4`; `None` if there is none with a fixed length.
    pub fn numpy(descr: &str) -> Option<Self> {
        let (order, rest) = match descr.as_bytes().first()? {
            b'<' | b'|' | b'=' | b'>' => descr.split_at(1),
            _ => ("<", descr),
        };
        let letter = rest.get(..1)?;
        let size: usize = rest.get(1..)?.parse().ok()?;
        let sort = match (letter, size) {
            ("b", 1) => Sort::Bool,
            ("i", 1 | 2 | 4 | 8) => Sort::Int,
            ("u", 1 | 2 | 4 | 8) => Sort::Uint,
            ("f", 2 | 4 | 8) => Sort::Float,
            ("U", 0..=0xff_ffff) => Sort::Unicode,
            ("S", 0..=0xff_ffff) => Sort::Ascii,
            _ => return None,
        };
        let size = if sort == Sort::Unicode { size * 4 } else { size };
        Some(Self { sort, size, big_endian: order == ">" })
    }

    /// The type that Zarr v3 calls `name`, such as `float32`.
    pub fn named(name: &str, big_endian: bool) -> Option<Self> {
        let (sort, bits) = match name {
            "bool" => (Sort::Bool, "8"),
            _ => [("uint", Sort::Uint), ("int", Sort::Int), ("float", Sort::Float)]
                .into_iter()
                .find_map(|(start, sort)| Some((sort, name.strip_prefix(start)?)))?,
        };
        let size = match (sort, bits) {
            (Sort::Bool | Sort::Int | Sort::Uint, "8") => 1,
            (_, "16") => 2,
            (_, "32") => 4,
            (_, "64") => 8,
            _ => return None,
        };
        Some(Self { sort, size, big_endian })
    }

    /// How NumPy calls it.
    pub fn descr(self) -> String {
        let order = match (self.size, self.sort, self.big_endian) {
            (1, ..) | (_, Sort::Ascii, _) => '|',
            (_, _, true) => '>',
            _ => '<',
        };
        let (letter, size) = match self.sort {
            Sort::Bool => ('b', self.size),
            Sort::Int => ('i', self.size),
            Sort::Uint => ('u', self.size),
            Sort::Float => ('f', self.size),
            Sort::Unicode => ('U', self.size / 4),
            Sort::Ascii => ('S', self.size),
        };
        format!("{order}{letter}{size}")
    }

    /// How Zarr v3 calls it; `None` for text.
    pub fn name(self) -> Option<String> {
        let word = match self.sort {
            Sort::Bool => return Some("bool".to_owned()),
            Sort::Int => "int",
            Sort::Uint => "uint",
            Sort::Float => "float",
            Sort::Unicode | Sort::Ascii => return None,
        };
        Some(format!("{word}{}", self.size * 8))
    }

    /// Bytes an element.
    pub fn size(self) -> usize {
        self.size
    }

    /// What its cells are.
    pub fn kind(self) -> Kind {
        match (self.sort, self.size) {
            (Sort::Bool, _) => Kind::Bools,
            (Sort::Uint, 1) => Kind::Bytes,
            (Sort::Int | Sort::Uint, _) => Kind::Ints,
            (Sort::Float, _) => Kind::Floats,
            (Sort::Unicode | Sort::Ascii, _) => Kind::Texts,
        }
    }

    /// The type that holds `cells` exactly.
    pub fn of(cells: &Cells) -> Self {
        let new = |sort, size| Self { sort, size, big_endian: false };
        match cells {
            Cells::Bools(_) => new(Sort::Bool, 1),
            Cells::Bytes(_) | Cells::Pictures(_) => Self::U8,
            Cells::Ints(_) => Self::I64,
            Cells::Floats(_) => new(Sort::Float, 4),
            Cells::Texts(texts) => {
                let longest = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0);
                new(Sort::Unicode, longest.max(1) * 4)
            }
        }
    }

    /// The bytes of an element that is `int`.
    pub fn element_int(self, int: i64) -> Vec<u8> {
        match self.sort {
            Sort::Float => self.element_float(int as f64),
            _ => self.ordered(&int.to_le_bytes()),
        }
    }

    /// The bytes of an element that is `float`.
    pub fn element_float(self, float: f64) -> Vec<u8> {
        match (self.sort, self.size) {
            (Sort::Float, 2) => self.ordered(&half::f16::from_f64(float).to_le_bytes()),
            (Sort::Float, 4) => self.ordered(&(float as f32).to_le_bytes()),
            (Sort::Float, _) => self.ordered(&float.to_le_bytes()),
            _ => self.ordered(&(float as i64).to_le_bytes()),
        }
    }

    /// As many of `le`'s bytes as an element has, or zeros, in its order.
    fn ordered(self, le: &[u8]) -> Vec<u8> {
        let mut bytes: Vec<u8> = le.iter().copied().chain(std::iter::repeat(0)).take(self.size).collect();
        if self.big_endian {
            bytes.reverse();
        }
        bytes
    }

    /// The cells that `bytes` stand for. What is left over at the end is left out.
    pub fn cells(self, bytes: Vec<u8>) -> Cells {
        match self.kind() {
            Kind::Bools => Cells::Bools(bytes.iter().map(|byte| *byte != 0).collect()),
            Kind::Bytes => Cells::Bytes(bytes),
            Kind::Ints => Cells::Ints(self.each(&bytes, |le| self.int(le))),
            Kind::Floats => Cells::Floats(self.each(&bytes, float)),
            Kind::Texts => {
                Cells::Texts(bytes.chunks_exact(self.size.max(1)).map(|raw| self.text(raw)).collect())
            }
        }
    }

    /// Maps each element, its bytes in little-endian order and filled up with zeros.
    fn each<T>(self, bytes: &[u8], map: impl Fn(Element) -> T) -> Vec<T> {
        let elements = bytes.chunks_exact(self.size.max(1)).map(|raw| {
            let mut le = [0; 8];
            match self.big_endian {
                true => le.iter_mut().zip(raw.iter().rev()).for_each(|(to, from)| *to = *from),
                false => le.iter_mut().zip(raw).for_each(|(to, from)| *to = *from),
            }
            map(Element { le, size: self.size })
        });
        elements.collect()
    }

    /// Numbers above the largest `i64` wrap around, as they do for seeds elsewhere.
    fn int(self, Element { le, size }: Element) -> i64 {
        let wide = u64::from_le_bytes(le);
        let unused = 64 - size as u32 * 8;
        match self.sort {
            Sort::Int => wide.cast_signed() << unused >> unused,
            _ => wide.cast_signed(),
        }
    }

    fn text(self, raw: &[u8]) -> String {
        let text: String = match self.sort {
            Sort::Unicode => {
                let codes = raw.as_chunks::<4>().0.iter().map(|code| match self.big_endian {
                    true => u32::from_be_bytes(*code),
                    false => u32::from_le_bytes(*code),
                });
                codes.map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
            }
            _ => String::from_utf8_lossy(raw).into_owned(),
        };
        text.trim_end_matches('\0').to_owned()
    }

    /// The bytes of `cells`, which are of this type as [`Dtype::of`] gives it.
    pub fn bytes(self, cells: &Cells) -> Vec<u8> {
        match cells {
            Cells::Bools(all) => all.iter().map(|flag| u8::from(*flag)).collect(),
            Cells::Bytes(all) => all.clone(),
            Cells::Ints(all) => all.iter().flat_map(|int| int.to_le_bytes()).collect(),
            Cells::Floats(all) => all.iter().flat_map(|float| float.to_le_bytes()).collect(),
            Cells::Pictures(all) => all.iter().flat_map(|image| &image.data).copied().collect(),
            Cells::Texts(all) => {
                let mut bytes = Vec::new();
                for text in all {
                    let end = bytes.len() + self.size;
                    bytes.extend(text.chars().flat_map(|c| u32::from(c).to_le_bytes()));
                    bytes.resize(end, 0);
                }
                bytes
            }
        }
    }
}

struct Element {
    le: [u8; 8],
    size: usize,
}

fn float(Element { le, size }: Element) -> f32 {
    let [a, b, c, d, ..] = le;
    match size {
        2 => half::f16::from_le_bytes([a, b]).to_f32(),
        4 => f32::from_le_bytes([a, b, c, d]),
        _ => f64::from_le_bytes(le) as f32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(descr: &str, bytes: &[u8]) -> Cells {
        Dtype::numpy(descr).unwrap().cells(bytes.to_vec())
    }

    #[test]
    fn elements_of_every_type_and_order_have_their_values() {
        assert_eq!(cells("<i2", &[0xfe, 0xff, 1, 0]), Cells::Ints(vec![-2, 1]));
        assert_eq!(cells(">u4", &[0, 0, 1, 2]), Cells::Ints(vec![258]));
        assert_eq!(cells("|i1", &[0x80]), Cells::Ints(vec![-128]));
        assert_eq!(cells("<u8", &[0xff; 8]), Cells::Ints(vec![-1]));
        assert_eq!(cells("<f2", &[0, 0xc0]), Cells::Floats(vec![-2.0]));
        assert_eq!(cells(">f8", &[0x3f, 0xf8, 0, 0, 0, 0, 0, 0]), Cells::Floats(vec![1.5]));
        assert_eq!(cells("|b1", &[0, 1]), Cells::Bools(vec![false, true]));
        assert_eq!(cells("<U2", &[0x61, 0, 0, 0, 0, 0, 0, 0]), Cells::Texts(vec!["a".to_owned()]));
        assert_eq!(
            [Dtype::numpy("|O"), Dtype::numpy("<c8"), Dtype::numpy("<f16"), Dtype::numpy("")],
            [None; 4]
        );
    }

    #[test]
    fn names_read_back_and_bytes_too() {
        for descr in ["|b1", "|u1", "<i8", "<f4", ">f8", "<U3", "|S4"] {
            assert_eq!(Dtype::numpy(descr).unwrap().descr(), descr);
        }
        for name in ["bool", "uint8", "int64", "float16"] {
            assert_eq!(Dtype::named(name, false).unwrap().name().unwrap(), name);
        }
        assert_eq!([Dtype::named("float8", false), Dtype::named("complex64", false)], [None; 2]);
        let texts = Cells::Texts(vec!["é".to_owned(), "abc".to_owned()]);
        for all in [texts, Cells::Floats(vec![1.5, f32::MAX]), Cells::Ints(vec![i64::MIN, 7])] {
            let dtype = Dtype::of(&all);
            assert_eq!(dtype.cells(dtype.bytes(&all)), all);
        }
    }
}
