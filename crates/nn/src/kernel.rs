//! The bridge between burn's tape and kernels written over plain slices.
//!
//! A [`Kernel`] computes one output from one to three inputs and knows its own gradient. On the CPU backend
//! [`apply`] runs it as a single tape entry; there is no per-operation allocation, dispatch or intermediate tensor.
//! Other backends use the plain composition of tensor operations that stands beside every kernel; a test holds the two
//! equal, gradients included.

use std::fmt::Debug;
use std::sync::Arc;

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::prelude::*;
use burn::tensor::TensorData;

/// A contiguous array seen by a kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    /// Extent of each axis.
    pub shape: &'a [usize],
    /// Row-major values.
    pub data: &'a [f32],
}

impl View<'_> {
    /// Extent of the last axis.
    pub fn width(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    /// Product of all axes but the last.
    pub fn rows(&self) -> usize {
        self.data.len() / self.width().max(1)
    }
}

/// A differentiable function of arrays, written by hand.
pub(crate) trait Kernel: Debug + Send + Sync {
    /// Shape and values of the output.
    fn forward(&self, inputs: &[View]) -> (Vec<usize>, Vec<f32>);

    /// The gradient of each input, given that of the output; `None` for an input that has none. `wanted[i]` is false
    /// where nobody will read the gradient of input `i`, which then need not be computed.
    fn backward(&self, inputs: &[View], output: View, grad: View, wanted: &[bool]) -> Vec<Option<Vec<f32>>>;
}

pub(crate) type KernelRef = Arc<dyn Kernel>;

/// Whether `device` runs kernels (the CPU backend, with or without a tape).
pub(crate) fn runs_kernels(device: &Device) -> bool {
    *device == Device::flex()
}

#[backend_extension(Flex, Autodiff)]
pub(crate) trait KernelBackend: Backend {
    fn kernel1(kernel: KernelRef, a: FloatTensor<Self>) -> FloatTensor<Self>;
    fn kernel2(kernel: KernelRef, a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self>;
    fn kernel3(
        kernel: KernelRef,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

/// Runs a kernel of one input.
pub(crate) fn apply1<const A: usize, const O: usize>(
    kernel: impl Kernel + 'static,
    a: Tensor<A>,
) -> Tensor<O> {
    Tensor::from_dispatch(<Dispatch as KernelBackend>::kernel1(Arc::new(kernel), a.into_dispatch()))
}

/// Runs a kernel of two inputs.
pub(crate) fn apply2<const A: usize, const B: usize, const O: usize>(
    kernel: impl Kernel + 'static,
    a: Tensor<A>,
    b: Tensor<B>,
) -> Tensor<O> {
    let (a, b) = (a.into_dispatch(), b.into_dispatch());
    Tensor::from_dispatch(<Dispatch as KernelBackend>::kernel2(Arc::new(kernel), a, b))
}

/// Runs a kernel of three inputs.
pub(crate) fn apply3<const A: usize, const B: usize, const C: usize, const O: usize>(
    kernel: impl Kernel + 'static,
    a: Tensor<A>,
    b: Tensor<B>,
    c: Tensor<C>,
) -> Tensor<O> {
    let (a, b, c) = (a.into_dispatch(), b.into_dispatch(), c.into_dispatch());
    Tensor::from_dispatch(<Dispatch as KernelBackend>::kernel3(Arc::new(kernel), a, b, c))
}

fn run(kernel: &dyn Kernel, inputs: &[FlexTensor]) -> FlexTensor {
    with_views(inputs, |views| {
        let (shape, data) = kernel.forward(views);
        FlexTensor::from_data(TensorData::new(data, shape))
    })
}

fn with_views<R>(inputs: &[FlexTensor], f: impl FnOnce(&[View]) -> R) -> R {
    let shapes: Vec<Vec<usize>> =
        inputs.iter().map(|t| t.layout().shape().iter().copied().collect()).collect();
    let views: Vec<View> = inputs
        .iter()
        .zip(&shapes)
        .map(|(t, shape)| {
            let len = shape.iter().product();
            View { shape, data: &t.storage::<f32>()[t.layout().start_offset()..][..len] }
        })
        .collect();
    f(&views)
}

impl KernelBackend for Flex {
    fn kernel1(kernel: KernelRef, a: FloatTensor<Self>) -> FloatTensor<Self> {
        run(&*kernel, &[a.to_contiguous()])
    }

    fn kernel2(kernel: KernelRef, a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        run(&*kernel, &[a.to_contiguous(), b.to_contiguous()])
    }

    fn kernel3(
        kernel: KernelRef,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        run(&*kernel, &[a.to_contiguous(), b.to_contiguous(), c.to_contiguous()])
    }
}

/// The tape entry of a kernel with `N` inputs; its state is the kernel, its inputs and its output.
#[derive(Debug)]
struct Entry;

type Saved = (KernelRef, Vec<FlexTensor>, FlexTensor);

impl<const N: usize> Backward<Flex, N> for Entry {
    type State = Saved;

    fn backward(self, ops: Ops<Saved, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = grads.consume::<Flex>(&ops.node).to_contiguous();
        let (kernel, inputs, output) = ops.state;
        let wanted: Vec<bool> = ops.parents.iter().map(Option::is_some).collect();
        let results = with_views(&[output, grad], |out| {
            with_views(&inputs, |views| kernel.backward(views, out[0], out[1], &wanted))
        });
        for ((parent, result), input) in ops.parents.into_iter().zip(results).zip(&inputs) {
            if let (Some(parent), Some(data)) = (parent, result) {
                let shape: Vec<usize> = input.layout().shape().iter().copied().collect();
                grads.register::<Flex>(parent.id, FlexTensor::from_data(TensorData::new(data, shape)));
            }
        }
    }
}

macro_rules! track {
    ($kernel:ident, [$($input:ident),+]) => {
        match Entry.prepare::<C>([$($input.node()),+]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let inputs = vec![$($input.primitive().clone().to_contiguous()),+];
                let output = run(&*$kernel, &inputs);
                prep.finish(($kernel, inputs, output.clone()), output)
            }
            OpsKind::UnTracked(prep) => prep.finish(run(&*$kernel, &[$($input.into_primitive().to_contiguous()),+])),
        }
    };
}

impl<C: CheckpointStrategy> KernelBackend for Autodiff<Flex, C> {
    fn kernel1(kernel: KernelRef, a: FloatTensor<Self>) -> FloatTensor<Self> {
        track!(kernel, [a])
    }

    fn kernel2(kernel: KernelRef, a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        track!(kernel, [a, b])
    }

    fn kernel3(
        kernel: KernelRef,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        track!(kernel, [a, b, c])
    }
}
