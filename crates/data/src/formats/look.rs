//! Pictures in arrays that are not 8-bit with channels last: channels first, or real numbers.

use worldsmith_core::{Error, ErrorKind, Result, Space};

use super::column::{Cells, Column, Kind, MOST_IN_PICTURE, MOST_NUMBERS, Schema};

/// Pictures have sides of at least this many pixels; smaller arrays are numbers.
const LEAST_SIDE: usize = 16;
/// Parts of names of columns that hold pictures.
const PICTURE_WORDS: &[&str] = &["image", "img", "pixel", "rgb", "camera", "view", "frame", "screen"];
/// Above this, real numbers count from 0 to 255, else from 0 to 1.
const LARGEST_SHARE: f32 = 1.5;

/// How the rows of a column become values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Look {
    /// The space of the values.
    pub space: Space,
    channels_first: bool,
    /// What real numbers are multiplied with.
    scale: Option<f32>,
}

impl Look {
    /// As the file has them.
    pub fn plain(space: Space) -> Self {
        Self { space, channels_first: false, scale: None }
    }

    /// The look of column `name` by its type and shape. Pictures of real numbers need [`Look::calibrate`] too.
    ///
    /// # Errors
    /// If rows are longer than any observation.
    pub fn guess(name: &str, schema: &Schema) -> Result<Self> {
        Self::guess_within(&mut { MOST_NUMBERS }, name, schema)
    }

    /// The same for one of several columns, whose rows may all together have as many numbers as there is `room`: each number
    /// needs its bounds in memory, and a file that has no rows can name any number of them.
    ///
    /// # Errors
    /// If rows are longer than any observation.
    pub fn guess_within(room: &mut usize, name: &str, schema: &Schema) -> Result<Self> {
        let (width, shape) = (schema.width(), &schema.shape);
        let odd = || {
            Error::new(
                ErrorKind::Corrupt,
                format!("expected rows of sensible size in `{name}`, got {shape:?}"),
            )
        };
        let mut plain = || {
            *room = room.checked_sub(schema.n_bounds()).ok_or_else(odd)?;
            Ok(Self::plain(schema.space()))
        };
        if width.is_none_or(|width| width > MOST_IN_PICTURE) {
            return Err(odd());
        }
        let named = || PICTURE_WORDS.iter().any(|word| name.to_ascii_lowercase().contains(word));
        let (channels_first, [height, width, channels]) = match (schema.kind, schema.shape.as_slice()) {
            (Kind::Bytes | Kind::Floats, &[channels @ (1 | 3), height, width]) => {
                (true, [height, width, channels])
            }
            (Kind::Floats, &[height, width, channels @ (1 | 3)]) => (false, [height, width, channels]),
            _ => return plain(),
        };
        let floats = schema.kind == Kind::Floats;
        if height.min(width) < LEAST_SIDE || (floats && channels == 1 && !named()) {
            return plain();
        }
        Ok(Self {
            space: Space::Image { height, width, channels },
            channels_first,
            scale: floats.then_some(1.0),
        })
    }

    /// Whether pictures are real numbers, so that [`Look::calibrate`] is needed.
    pub fn is_real(&self) -> bool {
        self.scale.is_some()
    }

    /// Tells from the first rows whether real numbers count to 1 or to 255.
    pub fn calibrate(&mut self, first: &Column) {
        if let (Some(scale), Cells::Floats(all)) = (&mut self.scale, &first.cells) {
            *scale = if all.iter().any(|x| *x > LARGEST_SHARE) { 1.0 } else { 255.0 };
        }
    }

    /// What a user must know of it.
    pub fn note(&self, name: &str) -> Option<String> {
        self.scale.map(|scale| match scale {
            1.0 => format!("Pictures in `{name}` are real numbers and were rounded to 8 bits."),
            _ => format!("Pictures in `{name}` are real numbers from 0 to 1 and were brought to 8 bits."),
        })
    }

    /// The column as pictures of 8 bits with channels last, or as it is.
    ///
    /// # Errors
    /// If real numbers leave the range that the first ones had.
    pub fn apply(&self, mut column: Column) -> Result<Column> {
        if let (Some(scale), Cells::Floats(all)) = (self.scale, &column.cells) {
            if let Some(bad) = all.iter().find(|x| !(x.is_finite() && **x * scale <= 255.0 * LARGEST_SHARE)) {
                let most = 255.0 / scale;
                return Err(Error::new(
                    ErrorKind::Corrupt,
                    format!("expected pictures of 0 to {most}, got {bad}"),
                ));
            }
            column.cells =
                Cells::Bytes(all.iter().map(|x| (x * scale).round().clamp(0.0, 255.0) as u8).collect());
        }
        if let (true, Space::Image { channels, .. }, Cells::Bytes(all)) =
            (self.channels_first, &self.space, &column.cells)
        {
            let plane = column.width / (*channels).max(1);
            let rows = all.chunks_exact(column.width.max(1));
            let turned = rows.flat_map(|row| {
                (0..plane).flat_map(move |i| (0..*channels).map(move |c| row[c * plane + i]))
            });
            column.cells = Cells::Bytes(turned.collect());
        }
        Ok(column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(name: &str, kind: Kind, shape: &[usize], first: &[f32]) -> Look {
        let schema = Schema { kind, shape: shape.to_vec() };
        let column = Column { width: schema.width().unwrap(), cells: Cells::Floats(first.to_vec()) };
        let mut look = Look::guess(name, &schema).unwrap();
        look.calibrate(&column);
        look
    }

    #[test]
    fn channels_move_to_the_end() {
        let look = look("rgb", Kind::Bytes, &[3, 16, 17], &[]);
        assert_eq!(look.space, Space::Image { height: 16, width: 17, channels: 3 });
        let n = 16 * 17;
        let cells: Vec<u8> = (0..2 * 3 * n).map(|i| (i / n) as u8).collect();
        let column = look.apply(Column { width: 3 * n, cells: Cells::Bytes(cells) }).unwrap();
        let Cells::Bytes(turned) = column.cells else { panic!() };
        assert_eq!((&turned[..4], &turned[3 * n..3 * n + 4]), (&[0, 1, 2, 0][..], &[3, 4, 5, 3][..]));
    }

    #[test]
    fn real_numbers_become_8_bits_by_their_range() {
        let n = 16 * 16 * 3;
        let shares = look("img", Kind::Floats, &[16, 16, 3], &[0.0, 1.0]);
        let whole = look("img", Kind::Floats, &[16, 16, 3], &[0.0, 254.6]);
        for (look, one) in [(shares, 0.5), (whole, 127.6)] {
            let column = Column { width: n, cells: Cells::Floats(vec![one; n]) };
            assert_eq!(look.apply(column).unwrap().cells, Cells::Bytes(vec![128; n]));
            let column = Column { width: n, cells: Cells::Floats(vec![f32::NAN; n]) };
            assert!(look.apply(column).is_err());
        }
        let depth = look("height", Kind::Floats, &[16, 16, 1], &[]);
        assert!(matches!(depth.space, Space::Box { .. }));
    }

    #[test]
    fn rows_that_no_memory_holds_are_refused() {
        for shape in [vec![usize::MAX, 2], vec![1 << 23], vec![1 << 20, 1 << 20, 3]] {
            for kind in [Kind::Floats, Kind::Bytes] {
                assert!(Look::guess("x", &Schema { kind, shape: shape.clone() }).is_err());
            }
        }
        let rows = |kind, shape: &[usize]| Schema { kind, shape: shape.to_vec() };
        let wide = rows(Kind::Bytes, &[1 << 21]);
        let mut room = MOST_NUMBERS;
        assert!((0..2).all(|_| Look::guess_within(&mut room, "x", &wide).is_ok()));
        assert!(Look::guess_within(&mut room, "x", &rows(Kind::Ints, &[])).is_err());
        assert!(
            Look::guess_within(&mut room, "x", &rows(Kind::Bytes, &[4096, 4096, 3])).is_ok(),
            "a picture"
        );
    }
}
