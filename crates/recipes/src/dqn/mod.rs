//! DQN: the model-free yardstick. Learn the value of every action from replayed transitions; act on the best.
//!
//! Paper: Mnih et al., "Human-level control through deep reinforcement learning", Nature 518 (2015); with the double
//! estimator of van Hasselt, Guez, Silver, arXiv 1509.06461 (2016).
//!
//! Idea: regress `Q(x, a)` on the reward plus the discounted value of the next observation under a network that follows
//! slowly; choose the next action by the learning network and value it by the slow one.
//!
//! Equations: `y = r + gamma c Q_slow(x', argmax_a Q(x', a))`, `L = huber(Q(x, a) - y)`.
//!
//! What we changed and why: the slow network is a moving average instead of a copy every so many steps (no jumps); the
//! encoder is the one Dreamer uses, so that the two differ in the idea and not in the eyes; no frame stack: a game that
//! needs memory needs another method.
//!
//! Status: baseline; it makes no claim of its own.

use std::path::Path;

use burn::prelude::*;
use burn::tensor::TensorData;
use serde::{Deserialize, Serialize};
use worldsmith_core::{Card, EnvSpec, Error, ErrorKind, Result, Rng, Seed, Space, Value};
use worldsmith_data::{Batch, Replay};
use worldsmith_nn::{
    Init, Mlp, MlpConfig, ObsConfig, ObsEncoder, ObsShape, Optim, OptimConfig, Shards, blend, parameters,
    read_arrays, with_parameters, write_arrays,
};
use worldsmith_plan::{Latent, Mode, Observation, Policy, WorldModel};

use crate::feed::{self, host};
use crate::{Claim, Learner, Metrics, Recipe, saved};

/// The registry entry.
pub struct Dqn;

/// Who we are.
pub const CARD: Card = Card {
    name: "dqn",
    title: "Human-level control through deep reinforcement learning (double DQN)",
    reference: "Nature 518, arXiv 1509.06461",
    idea: "model-free yardstick: learn the value of every action from replay and act on the best",
    verbs: &["train", "act"],
};

/// Sizes and rates.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Width of the hidden layers.
    pub units: usize,
    /// Hidden layers after the encoder.
    pub layers: usize,
    /// Channels of the first convolution; they double from stage to stage.
    pub depth: usize,
    /// Step of the first convolution, in pixels.
    pub stem: usize,
    /// Transitions in a batch.
    pub batch: usize,
    /// Discount a step.
    pub gamma: f32,
    /// Share of random actions at first.
    pub epsilon_start: f32,
    /// Share of random actions at last.
    pub epsilon_end: f32,
    /// Updates over which the share falls.
    pub epsilon_updates: u64,
    /// Share of random actions of a loaded agent, when it is judged or played.
    pub epsilon_eval: f32,
    /// Share of the network that the slow network takes over at each update.
    pub slow_rate: f32,
    /// Parts a batch is cut into, one thread each; divides `batch`.
    pub shards: usize,
    /// Optimiser.
    pub optim: OptimConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            units: 256,
            layers: 1,
            depth: 32,
            stem: 2,
            batch: 32,
            gamma: 0.99,
            epsilon_start: 1.0,
            epsilon_end: 0.05,
            epsilon_updates: 250_000,
            epsilon_eval: 0.01,
            slow_rate: 0.005,
            shards: 2,
            optim: OptimConfig { lr: 1e-4, eps: 1e-8, warmup: 100, ..OptimConfig::default() },
        }
    }
}

/// Encoder and action values.
#[derive(Module, Debug)]
struct Net {
    encoder: ObsEncoder,
    head: Mlp,
}

impl Net {
    /// # Shapes
    /// pictures `[rows, height, width, channels]`, vector `[rows, vector_len]` -> `[rows, actions]`
    fn values(&self, seen: Seen) -> Tensor<2> {
        self.head.forward(self.encoder.forward(seen.pictures, seen.vector))
    }
}

/// A batch of observations on a device.
struct Seen {
    pictures: Vec<Tensor<4>>,
    vector: Option<Tensor<2>>,
}

/// Transitions of one shard: rows `2 i` are seen first, rows `2 i + 1` after.
struct Part<'a> {
    batch: &'a Batch,
    rows: std::ops::Range<usize>,
}

impl Part<'_> {
    /// The observations before (`after` 0) or after (`after` 1) the actions.
    fn seen(&self, shape: &ObsShape, after: usize, device: &Device) -> Seen {
        let steps: Vec<usize> = self.rows.clone().map(|i| 2 * i + after).collect();
        let bytes = feed::picture_bytes(self.batch, shape, &steps);
        let pictures =
            bytes.iter().zip(&shape.pictures).map(|(b, (_, dims))| feed::pictures(b, *dims, device));
        let flat = feed::vectors(self.batch, shape, &steps);
        let vector = (!flat.is_empty()).then(|| feed::matrix(flat, steps.len(), device));
        Seen { pictures: pictures.collect(), vector }
    }
}

impl Recipe for Dqn {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn presets(&self) -> &'static str {
        include_str!("presets.toml")
    }

    fn claims(&self) -> &'static [Claim] {
        &[]
    }

    fn resolve(&self, given: &toml::Table) -> Result<toml::Table> {
        let config = read(given)?;
        toml::Table::try_from(&config).map_err(|e| Error::invalid(e.to_string()))
    }

    fn build(
        &self,
        model: &toml::Table,
        spec: &EnvSpec,
        seed: Seed,
        device: &Device,
    ) -> Result<Box<dyn Learner>> {
        let config = read(model)?;
        let Space::Discrete { n: n_actions } = spec.action else {
            return Err(Error::invalid(format!(
                "expected `dqn` to choose one of n actions, got {}",
                spec.action
            )));
        };
        let shape = ObsShape::of(&spec.obs)?;
        let obs = ObsConfig {
            shape: shape.clone(),
            depth: config.depth,
            stem: config.stem,
            units: config.units,
            layers: config.layers,
        };
        obs.check()?;
        let mut init = Init::new(seed.derive("weights"), device);
        let head = MlpConfig {
            n_in: obs.embedding(),
            units: config.units,
            layers: config.layers,
            n_out: n_actions,
            out_scale: 0.1,
        };
        let net = Net { encoder: obs.encoder(&mut init), head: head.init(&mut init) };
        Ok(Box::new(Training {
            slow: net.clone(),
            net,
            shards: Shards::new(config.shards)?,
            optim: Optim::new(config.optim.clone()),
            n_updates: 0,
            finished: false,
            spec: spec.clone(),
            device: device.clone(),
            shape,
            config,
        }))
    }
}

fn read(table: &toml::Table) -> Result<Config> {
    let config: Config =
        table.clone().try_into().map_err(|e: toml::de::Error| Error::invalid(e.message()))?;
    let (batch, shards) = (config.batch, config.shards);
    if shards == 0 || batch == 0 || !batch.is_multiple_of(shards) {
        return Err(Error::invalid(format!(
            "expected `batch` to be a multiple of `shards`, got {batch} and {shards}"
        )));
    }
    for (name, x) in [("units", config.units), ("depth", config.depth)] {
        if x == 0 {
            return Err(Error::invalid(format!("expected `model.{name}` of at least 1, got 0")));
        }
    }
    if config.stem < 2 {
        return Err(Error::invalid(format!("expected `model.stem` of at least 2, got {}", config.stem)));
    }
    Ok(config)
}

/// A learner between two updates.
struct Training {
    config: Config,
    spec: EnvSpec,
    shape: ObsShape,
    device: Device,
    net: Net,
    slow: Net,
    shards: Shards,
    optim: Optim,
    n_updates: u64,
    /// Loaded to act, not to go on training.
    finished: bool,
}

/// What `train.json` holds.
#[derive(Serialize, Deserialize)]
struct Counters {
    n_updates: u64,
    optim_steps: u64,
}

impl Training {
    /// Share of random actions now; a trained agent that is only loaded has finished exploring.
    fn epsilon(&self) -> f32 {
        if self.finished {
            return self.config.epsilon_eval;
        }
        let done = (self.n_updates as f32 / self.config.epsilon_updates.max(1) as f32).min(1.0);
        self.config.epsilon_start + done * (self.config.epsilon_end - self.config.epsilon_start)
    }

    /// The regression targets of one shard.
    fn targets(&self, part: &Part) -> Vec<f32> {
        let next = || part.seen(&self.shape, 1, &self.device);
        let ours = self.net.values(next());
        let best: Tensor<2, Int> = ours.argmax(1);
        let value = host(self.slow.values(next()).gather(1, best));
        let after = part.rows.clone().map(|i| 2 * i + 1);
        let (reward, terminal) = (&part.batch.reward, &part.batch.terminal);
        after
            .zip(value)
            .map(|(i, v)| reward[i] + if terminal[i] { 0.0 } else { self.config.gamma * v })
            .collect()
    }

    /// Mean Huber loss of one shard, and the mean value of the actions taken.
    fn loss(&self, net: &Net, part: Part) -> (Tensor<1>, f64) {
        let (device, n) = (self.device.clone().autodiff(), part.rows.len());
        let target = Tensor::<1>::from_data(TensorData::new(self.targets(&part), [n]), &device);
        let width = part.batch.action_len;
        let taken =
            part.rows.clone().map(|i| 2 * i + 1).flat_map(|i| &part.batch.action[i * width..(i + 1) * width]);
        let taken = Tensor::<2>::from_data(TensorData::new(taken.copied().collect(), [n, width]), &device);
        let value = (net.values(part.seen(&self.shape, 0, &device)) * taken).sum_dim(1).squeeze_dim::<1>(1);
        let error = (value.clone() - target).abs();
        let inner = error.clone().clamp_max(1.0); // huber(e) = inner (e - inner / 2)
        let mean = f64::from(value.mean().into_scalar::<f32>());
        ((inner.clone() * (error - inner * 0.5)).mean(), mean)
    }
}

impl Learner for Training {
    fn policy(&self) -> Box<dyn Policy> {
        Box::new(DqnPolicy {
            net: self.net.clone(),
            shape: self.shape.clone(),
            obs: self.spec.obs.clone(),
            action: self.spec.action.clone(),
            epsilon: self.epsilon(),
            device: self.device.clone(),
        })
    }

    fn model(&self) -> Option<Box<dyn WorldModel>> {
        None
    }

    fn update(&mut self, replay: &mut Replay) -> Result<Metrics> {
        if self.n_updates == 0 {
            self.net.encoder.centre(&feed::mean_pictures(replay, &self.shape)?);
            self.slow = self.net.clone();
        }
        let batch = replay.sample_transitions(self.config.batch)?;
        let size = self.config.batch / self.shards.count();
        let parts = (0..self.shards.count()).map(|i| Part { batch: &batch, rows: i * size..(i + 1) * size });
        let (grads, values) = self.shards.gradients(&self.net, parts.collect(), |net, part| {
            let (loss, value) = self.loss(net, part);
            let number = f64::from(loss.clone().into_scalar::<f32>());
            (loss, [number, value])
        });
        let mean = |k: usize| values.iter().map(|v| v[k]).sum::<f64>() / values.len() as f64;
        let metrics = Metrics::from([
            ("loss/value", mean(0)),
            ("agent/value", mean(1)),
            ("agent/epsilon", f64::from(self.epsilon())),
        ]);
        if !grads.finite() || metrics.values().any(|x| !x.is_finite()) {
            let message = format!("`loss/value` is not a finite number at update {}", self.n_updates);
            return Err(Error::new(ErrorKind::Diverged, message).hint("lower `model.optim.lr`"));
        }
        self.net = self.optim.step(self.net.clone(), &grads);
        self.slow = blend(self.slow.clone(), &self.net, self.config.slow_rate);
        self.n_updates += 1;
        Ok(metrics)
    }

    fn save(&self, dir: &Path) -> Result<()> {
        write_arrays(&dir.join("model.safetensors"), &parameters(&self.net))?;
        let (optim_steps, moments) = self.optim.state(&self.net);
        let counters = Counters { n_updates: self.n_updates, optim_steps };
        saved::write(dir, &counters, [("optim", moments), ("slow", parameters(&self.slow))])
    }

    fn load(&mut self, dir: &Path, inference: bool) -> Result<()> {
        let path = dir.join("model.safetensors");
        self.net = with_parameters(self.net.clone(), &read_arrays(&path)?).map_err(|e| e.at(&path))?;
        self.finished = inference;
        if inference {
            return Ok(());
        }
        let (counters, saved): (Counters, _) = saved::read(dir)?;
        let at = |e: Error| e.at(&saved.path);
        self.optim.restore(&self.net, counters.optim_steps, &saved.part("optim")).map_err(at)?;
        self.slow = with_parameters(self.slow.clone(), &saved.part("slow")).map_err(at)?;
        self.n_updates = counters.n_updates;
        Ok(())
    }
}

/// Acts on the highest value, or at random with probability `epsilon` while collecting.
struct DqnPolicy {
    net: Net,
    shape: ObsShape,
    obs: Space,
    action: Space,
    epsilon: f32,
    device: Device,
}

impl Policy for DqnPolicy {
    fn name(&self) -> &str {
        CARD.name
    }

    fn start(&self, _n: usize) -> Latent {
        Latent::default()
    }

    fn act(
        &self,
        _: &mut Latent,
        obs: &[Value],
        _: &[bool],
        mode: Mode,
        rng: &mut Rng,
    ) -> Result<Vec<Value>> {
        let obs_seen = Observation::stack(&self.obs, obs, &self.device)?;
        let (pictures, vector) = feed::observed(&obs_seen, &self.shape)?;
        let values = host(self.net.values(Seen { pictures, vector }));
        let explore = if mode == Mode::Sample { self.epsilon } else { 0.0 };
        let rows = values.chunks_exact(values.len() / obs.len().max(1));
        rows.map(
            |row| if rng.chance(explore) { Ok(self.action.sample(rng)) } else { self.action.unflatten(row) },
        )
        .collect()
    }
}
