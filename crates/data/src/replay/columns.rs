//! The observations of all steps, one ring a leaf.

use std::collections::BTreeMap;

use worldsmith_core::{Error, Image, Result, Space, Value};

use super::mapped::Mapped;
use super::ring::Ring;
use super::window::Cut;
use crate::leaf::{Leaf, leaves};
use crate::store::Footage;
use crate::{Cell, Column};

/// One observation leaf over all steps, in the form its [`Column`] has.
#[derive(Debug)]
pub(super) struct LeafRing {
    leaf: Leaf,
    shape: Vec<usize>,
    ring: AnyRing,
}

#[derive(Debug)]
enum AnyRing {
    U8(Ring<u8>),
    Mapped(Mapped),
    F32(Ring<f32>),
}

impl LeafRing {
    /// A ring for each leaf of `obs`; pictures are copied into it, or stay in mapped files.
    ///
    /// # Errors
    /// If a leaf is text, or the machine cannot set aside that much memory.
    pub fn all(obs: &Space, capacity: usize, mapped: bool) -> Result<Vec<Self>> {
        leaves(obs, "obs", "")?.into_iter().map(|leaf| Self::new(leaf, capacity, mapped)).collect()
    }

    fn new(leaf: Leaf, capacity: usize, mapped: bool) -> Result<Self> {
        let (shape, ring) = match &leaf.space {
            Space::Image { height, width, channels } if mapped => {
                let len = height * width * channels;
                if len == 0 {
                    return Err(Error::invalid(format!("expected pictures with pixels, got {}", leaf.space)));
                }
                (vec![*height, *width, *channels], AnyRing::Mapped(Mapped::new(len)))
            }
            Space::Image { height, width, channels } => {
                let ring = Ring::new(height * width * channels, capacity, 0)?;
                (vec![*height, *width, *channels], AnyRing::U8(ring))
            }
            space => {
                let len = space.flat_len().ok_or_else(|| {
                    Error::invalid(format!("observation `{}`: text has no tensor form yet", leaf.name))
                        .hint("leave text out of the observation")
                })?;
                (vec![len], AnyRing::F32(Ring::new(len, capacity, 0.0)?))
            }
        };
        Ok(Self { leaf, shape, ring })
    }

    /// Whether it holds pictures that stay in a file.
    pub fn is_mapped(&self) -> bool {
        matches!(self.ring, AnyRing::Mapped(_))
    }

    /// The leaf's name.
    pub fn name(&self) -> &str {
        &self.leaf.name
    }

    /// Keeps no more than `most_bytes` of pictures that are decoded when they are drawn.
    pub fn keep_decoded(&self, most_bytes: usize) {
        if let AnyRing::Mapped(mapped) = &self.ring {
            mapped.keep_decoded(most_bytes);
        }
    }

    /// Adds the mapped pictures of an episode, if that is what this is.
    pub fn push_mapped(&mut self, pictures: &mut BTreeMap<String, Footage>) -> Result<()> {
        match &mut self.ring {
            AnyRing::Mapped(mapped) => {
                let missing = || Error::invalid(format!("expected pictures `{}`, got none", self.leaf.name));
                mapped.push(pictures.remove(&self.leaf.name).ok_or_else(missing)?);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Adds the leaf of one observation, unless it is mapped; `flat` is scratch space.
    pub fn push(&mut self, obs: &Value, flat: &mut Vec<f32>) -> Result<()> {
        let missing = || Error::invalid(format!("expected a part `{}`, got none", self.leaf.name));
        match (&mut self.ring, self.leaf.find(obs).ok_or_else(missing)?) {
            (AnyRing::U8(ring), Value::Image(Image { data, .. })) => ring.push(data),
            (AnyRing::Mapped(_), _) => {}
            (AnyRing::U8(_), other) => self.leaf.space.check(other)?,
            (AnyRing::F32(ring), value) => {
                flat.clear();
                self.leaf.space.flatten(value, flat)?;
                ring.push(flat);
            }
        }
        Ok(())
    }

    /// Forgets the `n` oldest steps.
    pub fn drop_front(&mut self, n: usize) {
        match &mut self.ring {
            AnyRing::U8(ring) => ring.drop_front(n),
            AnyRing::Mapped(mapped) => mapped.drop_front(n),
            AnyRing::F32(ring) => ring.drop_front(n),
        }
    }

    /// The leaf at step `idx`, counted from the oldest; what must be decoded goes to `decoded`.
    pub fn get<'a>(&'a self, idx: usize, decoded: &'a mut Vec<u8>) -> Result<Cell<'a>> {
        Ok(match &self.ring {
            AnyRing::U8(ring) => Cell::U8(ring.get(idx)),
            AnyRing::Mapped(mapped) => Cell::U8(mapped.get(idx, decoded)?),
            AnyRing::F32(ring) => Cell::F32(ring.get(idx)),
        })
    }

    /// Writes the windows at `cuts` into the column called like this leaf, using its memory again if there is one.
    ///
    /// # Errors
    /// If pictures are kept as video and cannot be decoded.
    pub fn copy_windows(
        &self,
        cuts: &[Cut],
        n_rows: usize,
        out: &mut BTreeMap<String, Column>,
    ) -> Result<()> {
        let column = match out.get_mut(&self.leaf.name) {
            Some(column) => column,
            None => out.entry(self.leaf.name.clone()).or_insert_with(|| self.empty_column()),
        };
        match (&self.ring, column) {
            (AnyRing::U8(ring), Column::U8 { shape, data }) => {
                shape.clone_from(&self.shape);
                ring.copy_windows(cuts, n_rows, data);
            }
            (AnyRing::Mapped(mapped), Column::U8 { shape, data }) => {
                shape.clone_from(&self.shape);
                mapped.copy_windows(cuts, n_rows, data)?;
            }
            (AnyRing::F32(ring), Column::F32 { shape, data }) => {
                shape.clone_from(&self.shape);
                ring.copy_windows(cuts, n_rows, data);
            }
            (_, other) => {
                // The batch came from a replay of another space.
                *other = self.empty_column();
                self.copy_windows(cuts, n_rows, out)?;
            }
        }
        Ok(())
    }

    fn empty_column(&self) -> Column {
        let shape = self.shape.clone();
        match self.ring {
            AnyRing::U8(_) | AnyRing::Mapped(_) => Column::U8 { shape, data: Vec::new() },
            AnyRing::F32(_) => Column::F32 { shape, data: Vec::new() },
        }
    }
}
