//! temporary stub
use std::{ops::Range, path::Path};
use worldsmith_core::{Image, Result};
#[derive(Clone, Copy)]
pub enum Codec {
    H264,
    Av1,
}
pub struct VideoInfo {
    pub width: usize,
    pub height: usize,
    pub n_frames: usize,
    pub fps: f64,
    pub codec: Codec,
}
pub struct VideoReader {}
impl VideoReader {
    pub fn open(_: &Path) -> Result<Self> {
        todo!()
    }
    pub fn info(&self) -> &VideoInfo {
        todo!()
    }
    pub fn timestamps(&self) -> &[f64] {
        todo!()
    }
    pub fn nearest(&self, _: f64) -> usize {
        todo!()
    }
    pub fn read(&mut self, _: Range<usize>) -> Result<Vec<Image>> {
        todo!()
    }
}
pub struct VideoWriter {}
impl VideoWriter {
    pub fn create(_: &Path, _: usize, _: usize, _: f64, _: Codec) -> Result<Self> {
        todo!()
    }
    pub fn push(&mut self, _: &Image) -> Result<()> {
        todo!()
    }
    pub fn finish(self) -> Result<()> {
        todo!()
    }
}
