//! From replay and observations to the tensors that encoders read: what every recipe does before its first layer.

use burn::prelude::*;
use burn::tensor::TensorData;
use worldsmith_core::{Error, Result};
use worldsmith_data::{Batch, Column, Replay};
use worldsmith_nn::{ObsShape, symlog};
use worldsmith_plan::Observation;

/// The pictures of the given steps of a batch, one buffer a leaf in the order of `shape`. A step `(b, t)` has the index
/// `b * n_steps + t`.
pub(crate) fn picture_bytes(batch: &Batch, shape: &ObsShape, steps: &[usize]) -> Vec<Vec<u8>> {
    let leaf = |(name, dims): &(String, [usize; 3])| match &batch.obs[name] {
        Column::U8 { data, .. } => rows(data, dims.iter().product(), steps),
        Column::F32 { .. } => unreachable!("`{name}` is a picture"),
    };
    shape.pictures.iter().map(leaf).collect()
}

/// Batches and their steps that the mean picture is taken over: few at a time, since pictures may be large.
const N_BATCHES: usize = 64;
const N_STEPS: usize = 16;

/// The mean of every picture leaf over steps drawn from `replay`, in `0..=1`, in the order of `shape`: what encoders and
/// decoders are centred on before the first update.
///
/// # Errors
/// If replay cannot give a step.
pub(crate) fn mean_pictures(replay: &mut Replay, shape: &ObsShape) -> Result<Vec<Vec<f32>>> {
    let mut sums: Vec<Vec<u64>> =
        shape.pictures.iter().map(|(_, dims)| vec![0; dims.iter().product()]).collect();
    for _ in 0..if sums.is_empty() { 0 } else { N_BATCHES } {
        let batch = replay.sample(N_STEPS, 1)?;
        let steps: Vec<usize> = (0..N_STEPS).collect();
        for (sums, bytes) in sums.iter_mut().zip(picture_bytes(&batch, shape, &steps)) {
            for picture in bytes.chunks_exact(sums.len()) {
                sums.iter_mut().zip(picture).for_each(|(sum, byte)| *sum += u64::from(*byte));
            }
        }
    }
    let mean = |sum: u64| sum as f32 / (255 * N_BATCHES * N_STEPS) as f32;
    Ok(sums.into_iter().map(|sums| sums.into_iter().map(mean).collect()).collect())
}

/// The vector leaves of the given steps side by side, symlog; empty if there are none.
pub(crate) fn vectors(batch: &Batch, shape: &ObsShape, steps: &[usize]) -> Vec<f32> {
    let mut flat = Vec::with_capacity(steps.len() * shape.vector_len());
    for i in steps {
        for (name, n) in &shape.vectors {
            let Column::F32 { data, .. } = &batch.obs[name] else { unreachable!("`{name}` is a vector") };
            flat.extend(data[i * n..(i + 1) * n].iter().map(|x| symlog(*x)));
        }
    }
    flat
}

/// The given rows of a row-major array of `width` columns.
pub(crate) fn rows<T: Copy>(data: &[T], width: usize, idx: &[usize]) -> Vec<T> {
    idx.iter().flat_map(|i| &data[i * width..(i + 1) * width]).copied().collect()
}

/// Bytes as pictures in `0..=1`.
///
/// # Shapes
/// `n * height * width * channels` bytes -> `[n, height, width, channels]`
pub(crate) fn pictures(bytes: &[u8], [height, width, channels]: [usize; 3], device: &Device) -> Tensor<4> {
    let data: Vec<f32> = bytes.iter().map(|b| f32::from(*b) * (1.0 / 255.0)).collect();
    let n = data.len() / (height * width * channels);
    Tensor::from_data(TensorData::new(data, [n, height, width, channels]), device)
}

/// `n` rows of numbers.
///
/// # Shapes
/// `n * width` numbers -> `[n, width]`
pub(crate) fn matrix(data: Vec<f32>, n: usize, device: &Device) -> Tensor<2> {
    let width = data.len() / n.max(1);
    Tensor::from_data(TensorData::new(data, [n, width]), device)
}

/// A live observation as an encoder reads it: pictures in the order of `shape`, and all vectors side by side, symlog.
///
/// # Errors
/// If a leaf is missing.
pub(crate) fn observed(obs: &Observation, shape: &ObsShape) -> Result<(Vec<Tensor<4>>, Option<Tensor<2>>)> {
    let missing = |name: &String| Error::invalid(format!("expected an observation `{name}`, got none"));
    let pictures =
        shape.pictures.iter().map(|(name, _)| obs.images.get(name).cloned().ok_or_else(|| missing(name)));
    let pictures = pictures.collect::<Result<Vec<_>>>()?;
    let vectors =
        shape.vectors.iter().map(|(name, _)| obs.vectors.get(name).cloned().ok_or_else(|| missing(name)));
    let vectors = vectors.collect::<Result<Vec<_>>>()?;
    let vector = (!vectors.is_empty()).then(|| {
        let x = Tensor::cat(vectors, 1);
        x.clone().sign() * (x.abs() + 1.0).log()
    });
    Ok((pictures, vector))
}

/// The numbers of a tensor on the host, row-major.
pub(crate) fn host<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().try_into_vec::<f32>().expect("tensors are f32")
}
