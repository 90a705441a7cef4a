//! Columns of a data set: the rows that go by one name, and how they become values and back.

use std::ops::Range;

use worldsmith_core::{Error, Image, Result, Space, Value};

/// Pictures have sides of at least this many pixels; smaller arrays of bytes are numbers.
const LEAST_SIDE: usize = 16;

/// More numbers in a row, of all columns together, are no observation; a file that says so is damaged.
pub(crate) const MOST_NUMBERS: usize = 1 << 22;
/// Nor is a picture of more numbers than that.
pub(crate) const MOST_IN_PICTURE: usize = 1 << 28;

/// What the cells of a column are, before any is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bools,
    Bytes,
    Ints,
    Floats,
    Texts,
}

/// Type and row shape of a column, before any row is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schema {
    pub kind: Kind,
    /// Extent of the axes of one row; empty where a row is one number.
    pub shape: Vec<usize>,
}

impl Schema {
    /// The space that such rows are drawn from, as far as type and shape say.
    pub fn space(&self) -> Space {
        match (self.kind, self.shape.as_slice()) {
            (Kind::Texts, _) => Space::Text { max_len: usize::MAX },
            (Kind::Bytes, &[height, width]) if height.min(width) >= LEAST_SIDE => {
                Space::Image { height, width, channels: 1 }
            }
            (Kind::Bytes, &[height, width, channels @ (1 | 3)]) if height.min(width) >= LEAST_SIDE => {
                Space::Image { height, width, channels }
            }
            (_, shape) => {
                let shape = if shape.is_empty() { vec![1] } else { shape.to_vec() };
                let n = shape.iter().product();
                Space::Box { low: vec![f32::NEG_INFINITY; n], high: vec![f32::INFINITY; n], shape }
            }
        }
    }

    /// How many numbers have bounds of their own in [`Schema::space`]; of a picture that is too large, all.
    pub fn n_bounds(&self) -> usize {
        let is_picture = match (self.kind, self.shape.as_slice()) {
            (Kind::Bytes, &[height, width] | &[height, width, 1 | 3]) => height.min(width) >= LEAST_SIDE,
            (kind, _) => kind == Kind::Texts,
        };
        match self.width() {
            Some(width) if is_picture && width <= MOST_IN_PICTURE => 0,
            width => width.unwrap_or(usize::MAX),
        }
    }

    /// Numbers in a row; `None` if there are more than memory can hold.
    pub fn width(&self) -> Option<usize> {
        self.shape.iter().try_fold(1usize, |n, extent| n.checked_mul(*extent))
    }
}

/// The cells of a column, row after row, each row row-major.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cells {
    Bools(Vec<bool>),
    Bytes(Vec<u8>),
    Ints(Vec<i64>),
    Floats(Vec<f32>),
    /// One a row.
    Texts(Vec<String>),
    /// One a row, for formats that keep pictures one by one.
    Pictures(Vec<Image>),
}

impl Cells {
    /// What they are. Pictures one by one count as bytes.
    pub fn kind(&self) -> Kind {
        match self {
            Cells::Bools(_) => Kind::Bools,
            Cells::Bytes(_) | Cells::Pictures(_) => Kind::Bytes,
            Cells::Ints(_) => Kind::Ints,
            Cells::Floats(_) => Kind::Floats,
            Cells::Texts(_) => Kind::Texts,
        }
    }
}

/// Some rows of a column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    /// Numbers in a row.
    pub width: usize,
    pub cells: Cells,
}

impl Column {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match &self.cells {
            Cells::Bools(cells) => cells.len() / self.width.max(1),
            Cells::Bytes(cells) => cells.len() / self.width.max(1),
            Cells::Ints(cells) => cells.len() / self.width.max(1),
            Cells::Floats(cells) => cells.len() / self.width.max(1),
            Cells::Texts(rows) => rows.len(),
            Cells::Pictures(rows) => rows.len(),
        }
    }

    /// These rows and those of `other` after them.
    ///
    /// # Errors
    /// If those are of another type or width.
    pub fn and(mut self, other: Self) -> Result<Self> {
        match (&mut self.cells, other.cells) {
            (Cells::Bools(all), Cells::Bools(more)) => all.extend(more),
            (Cells::Bytes(all), Cells::Bytes(more)) => all.extend(more),
            (Cells::Ints(all), Cells::Ints(more)) => all.extend(more),
            (Cells::Floats(all), Cells::Floats(more)) => all.extend(more),
            (Cells::Texts(all), Cells::Texts(more)) => all.extend(more),
            (Cells::Pictures(all), Cells::Pictures(more)) => all.extend(more),
            _ => return Err(Error::invalid("expected rows of one type")),
        }
        match self.width == other.width {
            true => Ok(self),
            false => {
                Err(Error::invalid(format!("expected {} numbers a row, got {}", self.width, other.width)))
            }
        }
    }

    fn range(&self, row: usize) -> Option<Range<usize>> {
        let from = row.checked_mul(self.width)?;
        Some(from..from.checked_add(self.width)?)
    }

    /// Row `row` as real numbers; `None` if there is no such row or it holds something else.
    pub fn numbers(&self, row: usize) -> Option<Vec<f32>> {
        let cells = self.range(row)?;
        match &self.cells {
            Cells::Bools(all) => Some(all.get(cells)?.iter().map(|x| f32::from(u8::from(*x))).collect()),
            Cells::Bytes(all) => Some(all.get(cells)?.iter().map(|x| f32::from(*x)).collect()),
            Cells::Ints(all) => Some(all.get(cells)?.iter().map(|x| *x as f32).collect()),
            Cells::Floats(all) => all.get(cells).map(<[f32]>::to_vec),
            Cells::Texts(_) | Cells::Pictures(_) => None,
        }
    }

    /// Row `row` as whole numbers; `None` if there is no such row or it holds something else.
    pub fn ints(&self, row: usize) -> Option<Vec<i64>> {
        let cells = self.range(row)?;
        match &self.cells {
            Cells::Bools(all) => Some(all.get(cells)?.iter().map(|x| i64::from(*x)).collect()),
            Cells::Bytes(all) => Some(all.get(cells)?.iter().map(|x| i64::from(*x)).collect()),
            Cells::Ints(all) => all.get(cells).map(<[i64]>::to_vec),
            Cells::Floats(all) => Some(all.get(cells)?.iter().map(|x| *x as i64).collect()),
            Cells::Texts(_) | Cells::Pictures(_) => None,
        }
    }

    /// Row `row` as a value of `space`, which is no [`Space::Dict`].
    ///
    /// # Errors
    /// If there is no such row, or it is not of that type and shape.
    pub fn value(&self, row: usize, space: &Space) -> Result<Value> {
        let value = match (space, &self.cells) {
            (Space::Discrete { .. }, _) => self.ints(row).and_then(|ints| match ints[..] {
                [int] => Some(Value::Discrete(int)),
                _ => None,
            }),
            (Space::MultiDiscrete { nvec }, _) => {
                self.ints(row).filter(|ints| ints.len() == nvec.len()).map(Value::MultiDiscrete)
            }
            (Space::Box { shape, low, .. }, _) => {
                let data = self.numbers(row).filter(|data| data.len() == low.len());
                data.map(|data| Value::Array { shape: shape.clone(), data })
            }
            (Space::Image { .. }, Cells::Pictures(rows)) => rows.get(row).cloned().map(Value::Image),
            (Space::Image { height, width, channels }, Cells::Bytes(all)) => {
                let data = self.range(row).and_then(|cells| all.get(cells));
                let [height, width, channels] = [*height, *width, *channels];
                data.map(|data| Value::Image(Image { height, width, channels, data: data.to_vec() }))
            }
            (Space::Text { .. }, Cells::Texts(rows)) => rows.get(row).cloned().map(Value::Text),
            _ => None,
        };
        match value {
            Some(value) => crate::leaf::fits(space, &value).map(|()| value),
            None => Err(Error::invalid(format!("expected {space}, got other numbers"))),
        }
    }

    /// The rows that hold `values`, all of `space`, which is no [`Space::Dict`].
    ///
    /// # Errors
    /// If a value is not of that space.
    pub fn of(values: &[&Value], space: &Space) -> Result<Self> {
        values.iter().try_for_each(|value| crate::leaf::fits(space, value))?;
        let mut cells = match space {
            Space::Discrete { .. } | Space::MultiDiscrete { .. } => Cells::Ints(Vec::new()),
            Space::Box { .. } | Space::Dict(_) => Cells::Floats(Vec::new()),
            Space::Image { .. } => Cells::Bytes(Vec::new()),
            Space::Text { .. } => Cells::Texts(Vec::new()),
        };
        for value in values {
            match (&mut cells, value) {
                (Cells::Ints(all), Value::Discrete(int)) => all.push(*int),
                (Cells::Ints(all), Value::MultiDiscrete(ints)) => all.extend(ints),
                (Cells::Floats(all), Value::Array { data, .. }) => all.extend(data),
                (Cells::Bytes(all), Value::Image(image)) => all.extend(&image.data),
                (Cells::Texts(all), Value::Text(text)) => all.push(text.clone()),
                _ => return Err(Error::invalid(format!("expected {space}, got a {}", value.kind()))),
            }
        }
        Ok(Self { width: row_shape(space).iter().product(), cells })
    }
}

/// Extent of the axes of a row that holds a value of `space`, which is no [`Space::Dict`].
pub(crate) fn row_shape(space: &Space) -> Vec<usize> {
    match space {
        Space::Discrete { .. } | Space::Text { .. } | Space::Dict(_) => Vec::new(),
        Space::MultiDiscrete { nvec } => vec![nvec.len()],
        Space::Box { shape, .. } => shape.clone(),
        Space::Image { height, width, channels } => vec![*height, *width, *channels],
    }
}
