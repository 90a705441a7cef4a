//! Neural parts over burn: layers, recurrent cells, heads, distributions, optimisers, checkpoints.
//!
//! The tensor library chooses its device at run time. On the CPU the hot operations are kernels written over slices
//! ([`ops`]), each with its own gradient and each tested equal to the plain composition that other devices run.

mod actor;
mod checkpoint;
mod gemm;
mod init;
mod kernel;
mod kernels;
mod layers;
mod obs;
mod optim;
mod picture;
mod returns;
mod rssm;
mod simd;
mod twohot;

pub use actor::{ActionKind, Actor, Scored};
pub use checkpoint::{Array, Arrays, parameters, read_arrays, with_parameters, write_arrays};
pub use init::Init;
pub use layers::{Linear, Mlp, MlpConfig, Norm};
pub use obs::{ObsConfig, ObsDecoder, ObsEncoder, ObsShape};
pub use optim::{Grads, Optim, OptimConfig, Shards, blend};
pub use picture::{ConvStage, PictureConfig, PictureDecoder, PictureEncoder};
pub use returns::{ReturnRange, lambda_returns};
pub use rssm::{Posterior, Rssm, RssmConfig, Sequence, State};
pub use twohot::{TwoHot, symexp, symlog};

/// Fused operations, equal to their plain forms.
pub mod ops {
    pub use crate::kernels::conv::{Window, conv2d, conv2d_transpose};
    pub use crate::kernels::error::picture_error;
    pub use crate::kernels::gates::gru_gates;
    pub use crate::kernels::linear::linear;
    pub use crate::kernels::norm::{Act, norm};
    pub use crate::kernels::onehot::{Groups, cross_entropy, kl, mode, probs, sample};
}

/// The CPU device every program starts with.
pub fn cpu() -> burn::prelude::Device {
    burn::prelude::Device::flex()
}
