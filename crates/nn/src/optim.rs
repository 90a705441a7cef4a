//! Gradients over shards of a batch, and the update rule.

use burn::module::{ModuleMapper, ModuleVisitor, Param};
use burn::prelude::*;
use burn::tensor::{Gradients, TensorData};
use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, ErrorKind, Result};

use crate::checkpoint::{Array, Arrays, Names, floats};

/// Runs a loss over shards of a batch, one thread a shard, each with its own tape.
///
/// The number of shards is part of the arithmetic (sums are taken shard by shard), so it is configured and does not
/// follow the machine: results are the same on one core and on many.
#[derive(Debug)]
pub struct Shards {
    pools: Vec<rayon::ThreadPool>,
}

impl Shards {
    /// `n` shards (at least 1), each with a thread of its own.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub fn new(n: usize) -> Result<Self> {
        let pool = |_| rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let pools = (0..n.max(1)).map(pool).collect::<std::result::Result<_, _>>();
        let pools = pools
            .map_err(|e| Error::new(ErrorKind::Io, format!("cannot start {n} training threads: {e}")))?;
        Ok(Self { pools })
    }

    /// Number of shards.
    pub fn count(&self) -> usize {
        self.pools.len()
    }

    /// Runs `f` on every part at once, one thread each; results in order.
    ///
    /// # Panics
    /// If there is not one part a shard, or `f` panics.
    pub fn map<S: Send, A: Send>(&self, parts: Vec<S>, f: impl Fn(S) -> A + Sync) -> Vec<A> {
        assert_eq!(parts.len(), self.pools.len(), "one part a shard");
        let f = &f;
        std::thread::scope(|scope| {
            let spawn = |(pool, part)| scope.spawn(move || rayon::ThreadPool::install(pool, || f(part)));
            let threads: Vec<_> = self.pools.iter().zip(parts).map(spawn).collect();
            threads
                .into_iter()
                .map(|t| t.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        })
    }

    /// The gradient of the mean loss over shards, and what `loss` returned beside it for each. `model` carries no tape.
    ///
    /// # Panics
    /// As [`Shards::map`].
    pub fn gradients<M, S, A>(
        &self,
        model: &M,
        parts: Vec<S>,
        loss: impl Fn(&M, S) -> (Tensor<1>, A) + Sync,
    ) -> (Grads, Vec<A>)
    where
        M: Module + Sync,
        S: Send,
        A: Send,
    {
        let share = 1.0 / self.count() as f32;
        let results = self.map(parts, |part| {
            let tracked = model.clone().map(&mut Track);
            let (loss, extra) = loss(&tracked, part);
            let grads = (loss * share).backward();
            let mut collected = Collect { grads, found: Vec::new() };
            tracked.visit(&mut collected);
            (collected.found, extra)
        });
        let mut sum: Option<Vec<Vec<f32>>> = None;
        let mut extras = Vec::with_capacity(results.len());
        for (grads, extra) in results {
            extras.push(extra);
            match &mut sum {
                None => sum = Some(grads),
                Some(sum) => sum.iter_mut().zip(grads).for_each(|(sum, g)| add(sum, g)),
            }
        }
        (Grads(sum.unwrap_or_default()), extras)
    }
}

/// One gradient a parameter, in the order the module is visited; empty where the loss does not depend on it.
#[derive(Debug)]
pub struct Grads(Vec<Vec<f32>>);

impl Grads {
    /// Whether every number is finite.
    pub fn finite(&self) -> bool {
        self.0.iter().flatten().all(|x| x.is_finite())
    }

    /// Euclidean norm over all parameters.
    pub fn norm(&self) -> f64 {
        self.0.iter().flatten().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt()
    }
}

/// Settings of [`Optim`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimConfig {
    /// Step size.
    pub lr: f64,
    /// Decay of the mean of gradients.
    pub beta1: f32,
    /// Decay of the mean of squared gradients.
    pub beta2: f32,
    /// Added to the root of the mean square.
    pub eps: f32,
    /// Adaptive clipping: a gradient's norm is at most this share of its parameter's norm. 0 turns it off.
    pub agc: f32,
    /// Updates over which the step size rises from 0.
    pub warmup: u64,
}

impl OptimConfig {
    /// Refuses settings that cannot learn; `name` is what the settings are called.
    ///
    /// # Errors
    /// If one is out of its range.
    pub fn check(&self, name: &str) -> Result<()> {
        let wrong = |field: &str, expected: &str, got: String| {
            Err(Error::invalid(format!("expected `{name}.{field}` {expected}, got {got}")))
        };
        if !(self.lr > 0.0 && self.lr.is_finite()) {
            return wrong("lr", "above 0", self.lr.to_string());
        }
        let decays = [("beta1", self.beta1), ("beta2", self.beta2)];
        if let Some((field, x)) = decays.into_iter().find(|(_, x)| !(0.0..1.0).contains(x)) {
            return wrong(field, "from 0 to below 1", x.to_string());
        }
        let sizes = [("eps", self.eps), ("agc", self.agc)];
        match sizes.into_iter().find(|(_, x)| !(0.0..f32::INFINITY).contains(x)) {
            Some((field, x)) => wrong(field, "of at least 0", x.to_string()),
            None => Ok(()),
        }
    }
}

impl Default for OptimConfig {
    fn default() -> Self {
        Self { lr: 4e-5, beta1: 0.9, beta2: 0.999, eps: 1e-20, agc: 0.3, warmup: 1000 }
    }
}

/// LaProp (Ziyin et al., 2020): gradients are normalised first and averaged afterwards, which stays stable at tiny `eps`;
/// with adaptive gradient clipping (Brock et al., 2021). This is DreamerV3's optimiser.
#[derive(Debug, Clone)]
pub struct Optim {
    config: OptimConfig,
    n_steps: u64,
    /// First and second moment of every parameter, in visiting order; empty before the first step.
    moments: Vec<(Vec<f32>, Vec<f32>)>,
}

impl Optim {
    /// A fresh optimiser.
    pub fn new(config: OptimConfig) -> Self {
        Self { config, n_steps: 0, moments: Vec::new() }
    }

    /// Number of steps taken.
    pub fn n_steps(&self) -> u64 {
        self.n_steps
    }

    /// Moves the parameters of `model` against `grads`.
    pub fn step<M: Module>(&mut self, model: M, grads: &Grads) -> M {
        self.n_steps += 1;
        if self.moments.is_empty() {
            self.moments = grads.0.iter().map(|_| (Vec::new(), Vec::new())).collect();
        }
        let n = self.n_steps as f64;
        let warm = (n / self.config.warmup.max(1) as f64).min(1.0);
        let bias = |beta: f32| (1.0 - f64::from(beta).powf(n)) as f32;
        let rule = Rule {
            lr: (self.config.lr * warm) as f32,
            bias1: bias(self.config.beta1),
            bias2: bias(self.config.beta2),
            config: &self.config,
        };
        model.map(&mut Step { rule, grads: grads.0.iter(), moments: self.moments.iter_mut() })
    }

    /// Number of steps taken and the moments of `model`'s parameters, for saving.
    pub fn state<M: Module>(&self, model: &M) -> (u64, Arrays) {
        let names = Names::of(model);
        let mut arrays = Arrays::new();
        for (name, (m, v)) in names.0.iter().zip(&self.moments) {
            for (kind, data) in [("m", m), ("v", v)] {
                arrays
                    .insert(format!("{kind}/{name}"), Array { shape: vec![data.len()], data: data.clone() });
            }
        }
        (self.n_steps, arrays)
    }

    /// Puts back what [`Optim::state`] gave.
    ///
    /// # Errors
    /// If a moment is missing.
    pub fn restore<M: Module>(&mut self, model: &M, n_steps: u64, arrays: &Arrays) -> Result<()> {
        self.n_steps = n_steps;
        self.moments.clear();
        if n_steps == 0 {
            return Ok(());
        }
        for name in Names::of(model).0 {
            let part = |kind: &str| {
                let key = format!("{kind}/{name}");
                let found = arrays.get(&key).map(|a| a.data.clone());
                found.ok_or_else(|| {
                    Error::new(ErrorKind::Mismatch, format!("expected optimiser state `{key}`, got none"))
                })
            };
            self.moments.push((part("m")?, part("v")?));
        }
        Ok(())
    }
}

/// Moves the parameters of `slow` a share `rate` of the way to those of `fast`: an exponential moving average.
pub fn blend<M: Module>(slow: M, fast: &M, rate: f32) -> M {
    let mut values = Values(Vec::new());
    fast.visit(&mut values);
    slow.map(&mut Blend { fast: values.0.into_iter(), rate })
}

#[derive(Clone, Copy)]
struct Rule<'a> {
    lr: f32,
    bias1: f32,
    bias2: f32,
    config: &'a OptimConfig,
}

impl Rule<'_> {
    fn apply(&self, p: &mut [f32], grad: &[f32], moments: &mut (Vec<f32>, Vec<f32>)) {
        let (m, v) = moments;
        m.resize(p.len(), 0.0);
        v.resize(p.len(), 0.0);
        let clip = match self.config.agc {
            agc if agc > 0.0 => (agc * norm(p).max(1e-3) / norm(grad).max(1e-12)).min(1.0),
            _ => 1.0,
        };
        let scales = [self.lr / self.bias1, 1.0 / self.bias2, clip];
        laprop(p, grad, m, v, scales, [self.config.beta1, self.config.beta2, self.config.eps]);
    }
}

crate::simd::vectorised! {
    fn laprop(p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32], scales: [f32; 3], rule: [f32; 3]) {
        let ([lr, unbias2, clip], [beta1, beta2, eps]) = (scales, rule);
        for i in 0..p.len() {
            let g = g[i] * clip;
            v[i] = beta2 * v[i] + (1.0 - beta2) * g * g;
            m[i] = beta1 * m[i] + (1.0 - beta1) * g / ((v[i] * unbias2).sqrt() + eps);
            p[i] -= lr * m[i];
        }
    }
}

fn norm(x: &[f32]) -> f32 {
    x.iter().map(|x| x * x).sum::<f32>().sqrt()
}

fn add(sum: &mut Vec<f32>, g: Vec<f32>) {
    if sum.is_empty() {
        *sum = g;
    } else {
        sum.iter_mut().zip(g).for_each(|(s, g)| *s += g);
    }
}

/// Puts every parameter on a tape of its own.
struct Track;

impl ModuleMapper for Track {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        Param::from_mapped_value(id, tensor.autodiff().detach().require_grad(), mapper)
    }
}

/// Takes the gradients of a tracked module off its tape.
struct Collect {
    grads: Gradients,
    found: Vec<Vec<f32>>,
}

impl ModuleVisitor for Collect {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.found.push(param.val().grad_remove(&mut self.grads).map_or_else(Vec::new, floats));
    }
}

struct Step<'a> {
    rule: Rule<'a>,
    grads: std::slice::Iter<'a, Vec<f32>>,
    moments: std::slice::IterMut<'a, (Vec<f32>, Vec<f32>)>,
}

impl ModuleMapper for Step<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (grad, moments) = (self.grads.next(), self.moments.next());
        let (Some(grad), Some(moments)) = (grad, moments) else { panic!("gradients of another module") };
        if grad.is_empty() {
            return param;
        }
        param.map(|tensor| {
            let (shape, device) = (tensor.dims(), tensor.device());
            let mut p = floats(tensor);
            self.rule.apply(&mut p, grad, moments);
            Tensor::from_data(TensorData::new(p, shape), &device)
        })
    }
}

struct Values(Vec<Vec<f32>>);

impl ModuleVisitor for Values {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(floats(param.val()));
    }
}

struct Blend {
    fast: std::vec::IntoIter<Vec<f32>>,
    rate: f32,
}

impl ModuleMapper for Blend {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(fast) = self.fast.next() else { panic!("parameters of another module") };
        param.map(|tensor| {
            let (shape, device) = (tensor.dims(), tensor.device());
            let mut slow = floats(tensor);
            slow.iter_mut().zip(&fast).for_each(|(s, f)| *s += self.rate * (f - *s));
            Tensor::from_data(TensorData::new(slow, shape), &device)
        })
    }
}
