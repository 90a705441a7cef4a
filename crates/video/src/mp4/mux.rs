//! From coded frames to the bytes of a file.
pub(crate) struct Muxer;
pub(crate) struct SampleEntry;
