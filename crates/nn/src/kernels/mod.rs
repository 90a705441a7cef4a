//! Kernels over slices, one a file, each beside the plain tensor form it must equal.

pub(crate) mod conv;
pub(crate) mod error;
pub(crate) mod gates;
pub(crate) mod linear;
pub(crate) mod norm;
pub(crate) mod onehot;

#[cfg(test)]
mod tests;
