//! Every kernel equals its plain form, values and gradients.

use burn::prelude::*;
use burn::tensor::TensorData;
use worldsmith_core::{Rng, Seed};

use super::{conv, error, gates, linear, norm, onehot};
use crate::kernels::conv::Window;
use crate::kernels::norm::Act;
use crate::kernels::onehot::Groups;

fn tensor<const D: usize>(shape: [usize; D], rng: &mut Rng) -> Tensor<D> {
    let data: Vec<f32> = (0..shape.iter().product()).map(|_| rng.normal()).collect();
    Tensor::<D>::from_data(TensorData::new(data, shape), &Device::flex().autodiff()).require_grad()
}

fn values<const D: usize>(t: Tensor<D>) -> Vec<f32> {
    t.into_data().try_to_vec::<f32>().unwrap()
}

fn assert_close(got: &[f32], want: &[f32], what: &str) {
    assert_eq!(got.len(), want.len(), "{what}: length");
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        assert!((g - w).abs() <= 2e-4 * (1.0 + w.abs()), "{what}[{i}]: got {g}, expected {w}");
    }
}

/// Compares outputs, and the gradients of a fixed random projection of them, with respect to every input.
macro_rules! assert_equal {
    ($fused:expr, $plain:expr, $rng:expr, [$($input:ident),+]) => {{
        let (fused, plain) = ($fused, $plain);
        assert_eq!(fused.dims(), plain.dims(), "shape");
        assert_close(&values(fused.clone()), &values(plain.clone()), "output");
        let weights = tensor(fused.dims(), $rng).detach();
        let fused_grads = (fused * weights.clone()).sum().backward();
        let plain_grads = (plain * weights).sum().backward();
        $(if let Some(want) = $input.grad(&plain_grads) {
            let got = $input.grad(&fused_grads).expect("a gradient");
            assert_close(&values(got), &values(want), stringify!($input));
        })+
    }};
}

#[test]
fn linear_equals_its_plain_form() {
    let rng = &mut Seed(0).rng();
    let (x, w, b) = (tensor([5, 7], rng), tensor([7, 3], rng), tensor([3], rng));
    let fused = linear::linear(x.clone(), w.clone(), b.clone());
    assert_equal!(fused, linear::plain(x.clone(), w.clone(), b.clone()), rng, [x, w, b]);
}

#[test]
fn norm_equals_its_plain_form() {
    let rng = &mut Seed(1).rng();
    for act in [Act::None, Act::Silu] {
        let (x, s) = (tensor([4, 37], rng), tensor([37], rng));
        let fused = norm::norm(x.clone(), s.clone(), act);
        assert_equal!(fused, norm::plain(x.clone(), s.clone(), act), rng, [x, s]);
    }
}

#[test]
fn gates_equal_their_plain_form() {
    let rng = &mut Seed(2).rng();
    let (g, h) = (tensor([3, 15], rng), tensor([3, 5], rng));
    let fused = gates::gru_gates(g.clone(), h.clone());
    assert_equal!(fused, gates::plain(g.clone(), h.clone()), rng, [g, h]);
}

#[test]
fn convolutions_equal_their_plain_forms() {
    let rng = &mut Seed(3).rng();
    for (kernel, stride, padding) in [(4, 2, 1), (4, 4, 0), (3, 1, 1), (3, 2, 1)] {
        let window = Window { kernel, stride, padding };
        let (x, w, b) = (tensor([11, 8, 8, 3], rng), tensor([kernel * kernel * 3, 5], rng), tensor([5], rng));
        let fused = conv::conv2d(x.clone(), w.clone(), b.clone(), window);
        assert_equal!(fused, conv::conv2d_plain(x.clone(), w.clone(), b.clone(), window), rng, [x, w, b]);
        let (x, w, b) = (tensor([9, 4, 4, 5], rng), tensor([5, kernel * kernel * 3], rng), tensor([3], rng));
        let fused = conv::conv2d_transpose(x.clone(), w.clone(), b.clone(), window);
        let plain = conv::conv2d_transpose_plain(x.clone(), w.clone(), b.clone(), window);
        assert_equal!(fused, plain, rng, [x, w, b]);
    }
}

#[test]
fn picture_error_equals_its_plain_form() {
    let rng = &mut Seed(6).rng();
    let x = tensor([3, 20], rng);
    let target: Vec<u8> = (0..60).map(|_| rng.below(256) as u8).collect();
    let fused = error::picture_error(x.clone(), target.clone());
    assert_equal!(fused, error::plain(x.clone(), &target), rng, [x]);
}

#[test]
fn categorical_operations_equal_their_plain_forms() {
    let rng = &mut Seed(4).rng();
    let groups = Groups { classes: 4, unimix: 0.01 };
    let (a, b) = (tensor([6, 12], rng), tensor([6, 12], rng));
    let noise: Vec<f32> = (0..18).map(|_| rng.uniform()).collect();
    let fused = onehot::sample(a.clone(), noise.clone(), groups);
    assert_equal!(fused, onehot::sample_plain(a.clone(), noise, groups), rng, [a]);
    let fused = onehot::kl(a.clone(), b.clone(), groups);
    assert_equal!(fused, onehot::kl_plain(a.clone(), b.clone(), groups), rng, [a, b]);
    let target = onehot::probs(b.clone(), Groups { classes: 12, unimix: 0.0 }).detach() * 0.7;
    let fused = onehot::cross_entropy(a.clone(), target.clone());
    assert_equal!(fused, onehot::cross_entropy_plain(a.clone(), target), rng, [a]);
}

#[test]
fn samples_follow_their_probabilities() {
    let rng = &mut Seed(5).rng();
    let groups = Groups { classes: 3, unimix: 0.0 };
    let logits = [0.0f32, 1.0, -1.0].repeat(20_000);
    let logits = Tensor::<2>::from_data(TensorData::new(logits, [20_000, 3]), &Device::flex());
    let noise: Vec<f32> = (0..20_000).map(|_| rng.uniform()).collect();
    let rate = values(onehot::sample(logits.clone(), noise, groups).mean_dim(0));
    let want = values(onehot::probs(logits, groups).mean_dim(0));
    assert!(rate.iter().zip(&want).all(|(r, w)| (r - w).abs() < 0.01), "{rate:?} against {want:?}");
}
