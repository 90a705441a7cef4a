//! Writing: pictures in, a file out.
use crate::Codec;
use std::path::Path;
use worldsmith_core::{Image, Result};
/// A video file being written.
pub struct VideoWriter {}
impl VideoWriter {
    /// Creates.
    pub fn create(_path: &Path, _height: usize, _width: usize, _fps: f64, _codec: Codec) -> Result<Self> {
        Err(worldsmith_core::Error::invalid("writing videos is not there yet"))
    }
    /// Adds a frame.
    pub fn push(&mut self, _image: &Image) -> Result<()> {
        Err(worldsmith_core::Error::invalid("writing videos is not there yet"))
    }
    /// Finishes.
    pub fn finish(self) -> Result<()> {
        Err(worldsmith_core::Error::invalid("writing videos is not there yet"))
    }
}
