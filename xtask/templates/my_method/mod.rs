//! MyMethod: what it does, in a line.
//!
//! Paper: authors, "title", where to read it (year).
//!
//! Idea: a world model in one sentence. Here: encode what is seen, step the code by the action, decode it again.
//!
//! Equations (x seen, a action, s state, r reward, c continue):
//!
//! ```text
//! s_t = enc(x_t)        s'_{t+1} = s_t + step(s_t, a_t)                                     (1)
//! E(s) = |dec(s) - x_{t+1}|^2 + (r(s) - r_{t+1})^2 - ln p(c_{t+1}|s)
//! L = E(s'_{t+1}) + E(s_{t+1})                                                              (2)
//! ```
//!
//! What we changed and why: nothing yet.
//!
//! Status: a template. It has no memory and no agent: what it cannot see it cannot know, and it acts at random.

mod claim;

use std::path::Path;

use burn::prelude::*;
use burn::tensor::{TensorData, activation};
use serde::{Deserialize, Serialize};
use worldsmith_core::{Card, EnvSpec, Error, ErrorKind, Result, Rng, Seed};
use worldsmith_data::{Batch, Column, Replay};
use worldsmith_nn::{
    Init, Mlp, MlpConfig, ObsConfig, ObsDecoder, ObsEncoder, ObsShape, Optim, OptimConfig, Shards,
    parameters, read_arrays, with_parameters, write_arrays,
};
use worldsmith_plan::{Latent, ModelSpec, Observation, Policy, Prediction, RandomPolicy, WorldModel};

use crate::feed;
use crate::{Claim, Learner, Metrics, Recipe};

/// The registry entry.
pub struct MyMethod;

/// Who we are.
const CARD: Card = Card {
    name: "my_method",
    title: "Title of the paper",
    reference: "arXiv 0000.00000",
    idea: "encode what is seen, step the code by the action, decode it again",
    verbs: &["train", "dream"],
};

/// Sizes and rates.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Width of the hidden layers.
    units: usize,
    /// Number of hidden layers.
    layers: usize,
    /// Channels of the first convolution; they double from stage to stage.
    depth: usize,
    /// Step of the first convolution, in pixels.
    stem: usize,
    /// Transitions in a batch.
    batch: usize,
    /// Optimiser.
    optim: OptimConfig,
}

impl Default for Config {
    fn default() -> Self {
        let optim = OptimConfig { lr: 3e-4, eps: 1e-8, warmup: 100, ..OptimConfig::default() };
        Self { units: 256, layers: 2, depth: 16, stem: 2, batch: 32, optim }
    }
}

impl Config {
    fn read(table: &toml::Table) -> Result<Self> {
        let config: Self =
            table.clone().try_into().map_err(|e: toml::de::Error| Error::invalid(e.message()))?;
        if config.units == 0 || config.depth == 0 || config.batch == 0 || config.stem < 2 {
            return Err(Error::invalid(
                "expected `units`, `depth` and `batch` of at least 1 and `stem` of at least 2",
            ));
        }
        Ok(config)
    }
}

impl Recipe for MyMethod {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn presets(&self) -> &'static str {
        include_str!("presets.toml")
    }

    fn claims(&self) -> &'static [Claim] {
        claim::CLAIMS
    }

    fn resolve(&self, given: &toml::Table) -> Result<toml::Table> {
        toml::Table::try_from(Config::read(given)?).map_err(|e| Error::invalid(e.to_string()))
    }

    fn build(
        &self,
        model: &toml::Table,
        spec: &EnvSpec,
        seed: Seed,
        device: &Device,
    ) -> Result<Box<dyn Learner>> {
        let config = Config::read(model)?;
        let shape = ObsShape::of(&spec.obs)?;
        let Some(action_len) = spec.action.flat_len() else {
            return Err(Error::invalid(format!(
                "expected choices or numbers to act with, got {}",
                spec.action
            )));
        };
        let net = Net::new(&config, &shape, action_len, &mut Init::new(seed.derive("weights"), device))?;
        let spec = ModelSpec { obs: spec.obs.clone(), action: spec.action.clone() };
        let world = World { net, shape, spec, device: device.clone() };
        let optim = Optim::new(config.optim.clone());
        Ok(Box::new(Training { world, optim, shards: Shards::new(1)?, config }))
    }
}

/// Everything that is learned.
#[derive(Module, Debug)]
struct Net {
    encoder: ObsEncoder,
    step: Mlp,
    decoder: ObsDecoder,
    /// Reward and the logit of going on.
    outcome: Mlp,
}

impl Net {
    fn new(config: &Config, shape: &ObsShape, action_len: usize, init: &mut Init) -> Result<Self> {
        let Config { units, layers, depth, stem, .. } = *config;
        let obs = ObsConfig { shape: shape.clone(), depth, stem, units, layers };
        obs.check()?;
        let width = obs.embedding();
        let mlp = |n_in, n_out| MlpConfig { n_in, units, layers, n_out, out_scale: 0.1 };
        Ok(Self {
            encoder: obs.encoder(init),
            step: mlp(width + action_len, width).init(init),
            decoder: obs.decoder(width, init),
            outcome: mlp(width, 2).init(init),
        })
    }

    fn encode(&self, seen: Seen) -> Tensor<2> {
        self.encoder.forward(seen.pictures, seen.vector)
    }

    /// Equation (1): `[rows, width]`, `[rows, action_len]` -> `[rows, width]`.
    fn step(&self, state: Tensor<2>, action: Tensor<2>) -> Tensor<2> {
        state.clone() + self.step.forward(Tensor::cat(vec![state, action], 1))
    }

    /// Reward and the logit of going on, `[rows]` each.
    fn outcome(&self, state: Tensor<2>) -> (Tensor<1>, Tensor<1>) {
        let out = self.outcome.forward(state); // [rows, 2]
        (out.clone().narrow(1, 0, 1).squeeze_dim(1), out.narrow(1, 1, 1).squeeze_dim(1))
    }

    /// The terms of E(s), by name.
    fn errors(&self, state: Tensor<2>, part: &Part) -> Vec<(&'static str, Tensor<1>)> {
        let rows = state.dims()[0] as f32;
        let (pictures, vector) = self.decoder.forward(state.clone());
        let (reward, logit) = self.outcome(state);
        let mut terms = Vec::new();
        for (drawn, truth) in pictures.into_iter().zip(part.after.pictures.clone()) {
            terms.push(("loss/image", (drawn - truth).powi_scalar(2).sum() / rows));
        }
        if let (Some(guess), Some(truth)) = (vector, part.after.vector.clone()) {
            terms.push(("loss/vector", (guess - truth).powi_scalar(2).sum() / rows));
        }
        terms.push(("loss/reward", (reward - part.reward.clone()).powi_scalar(2).mean()));
        let surprise = activation::softplus(logit.clone(), 1.0) - logit * part.cont.clone();
        terms.push(("loss/cont", surprise.mean()));
        terms
    }
}

/// A batch of observations on a device.
#[derive(Clone)]
struct Seen {
    /// In the order of [`ObsShape::pictures`], `[rows, height, width, channels]` in `0..=1`.
    pictures: Vec<Tensor<4>>,
    /// All vectors side by side, `[rows, vector_len]`.
    vector: Option<Tensor<2>>,
}

/// A batch of transitions on a device.
struct Part {
    before: Seen,
    action: Tensor<2>,
    after: Seen,
    reward: Tensor<1>,
    cont: Tensor<1>,
}

impl Part {
    /// From windows of two steps; what led to the second one stands there.
    fn new(batch: &Batch, shape: &ObsShape, device: &Device) -> Self {
        let n = batch.n_seqs;
        let after: Vec<usize> = (0..n).map(|i| 2 * i + 1).collect();
        let before: Vec<usize> = (0..n).map(|i| 2 * i).collect();
        let number = |f: &dyn Fn(usize) -> f32| -> Vec<f32> { after.iter().map(|i| f(*i)).collect() };
        let reward = number(&|i| batch.reward[i]);
        let cont = number(&|i| if batch.terminal[i] { 0.0 } else { 1.0 });
        let action = rows_of(&batch.action, batch.action_len, &after);
        Self {
            before: seen(batch, shape, &before, device),
            action: Tensor::from_data(TensorData::new(action, [n, batch.action_len]), device),
            after: seen(batch, shape, &after, device),
            reward: Tensor::from_data(TensorData::new(reward, [n]), device),
            cont: Tensor::from_data(TensorData::new(cont, [n]), device),
        }
    }
}

/// What is observed at the given steps of a batch.
fn seen(batch: &Batch, shape: &ObsShape, steps: &[usize], device: &Device) -> Seen {
    let n = steps.len();
    let picture = |(name, [height, width, channels]): &(String, [usize; 3])| {
        let Column::U8 { data, .. } = &batch.obs[name] else { unreachable!("`{name}` is a picture") };
        let bytes = rows_of(data, height * width * channels, steps);
        let data: Vec<f32> = bytes.into_iter().map(|b| f32::from(b) / 255.0).collect();
        Tensor::from_data(TensorData::new(data, [n, *height, *width, *channels]), device)
    };
    let vector = |(name, len): &(String, usize)| -> Tensor<2> {
        let Column::F32 { data, .. } = &batch.obs[name] else { unreachable!("`{name}` is a vector") };
        Tensor::from_data(TensorData::new(rows_of(data, *len, steps), [n, *len]), device)
    };
    let vectors: Vec<Tensor<2>> = shape.vectors.iter().map(vector).collect();
    let pictures = shape.pictures.iter().map(picture).collect();
    Seen { pictures, vector: (!vectors.is_empty()).then(|| Tensor::cat(vectors, 1)) }
}

fn rows_of<T: Copy>(data: &[T], width: usize, rows: &[usize]) -> Vec<T> {
    rows.iter().flat_map(|i| &data[i * width..(i + 1) * width]).copied().collect()
}

/// The model: a state is the code of what was seen, or of what would be.
#[derive(Clone)]
struct World {
    net: Net,
    shape: ObsShape,
    spec: ModelSpec,
    device: Device,
}

impl WorldModel for World {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn start(&self, n: usize) -> Latent {
        let zeros = |dims: [usize; 4]| Tensor::<4>::zeros(dims, &self.device);
        let pictures = self.shape.pictures.iter().map(|(_, [h, w, c])| zeros([n, *h, *w, *c])).collect();
        let len = self.shape.vector_len();
        let vector = (len > 0).then(|| Tensor::zeros([n, len], &self.device));
        Latent::new(vec![("state", self.net.encode(Seen { pictures, vector }))])
    }

    fn observe(
        &self,
        _latent: &Latent,
        _action: Tensor<2>,
        obs: &Observation,
        _first: &[bool],
        _rng: &mut Rng,
    ) -> Result<Latent> {
        let missing = |name: &str| Error::invalid(format!("expected an observation `{name}`, got none"));
        let picture = |(name, _): &(String, _)| obs.images.get(name).cloned().ok_or_else(|| missing(name));
        let vector = |(name, _): &(String, _)| obs.vectors.get(name).cloned().ok_or_else(|| missing(name));
        let pictures = self.shape.pictures.iter().map(picture).collect::<Result<_>>()?;
        let vectors = self.shape.vectors.iter().map(vector).collect::<Result<Vec<Tensor<2>>>>()?;
        let vector = (!vectors.is_empty()).then(|| Tensor::cat(vectors, 1));
        Ok(Latent::new(vec![("state", self.net.encode(Seen { pictures, vector }))]))
    }

    fn imagine(&self, latent: &Latent, action: Tensor<2>, _rng: &mut Rng) -> Latent {
        Latent::new(vec![("state", self.net.step(latent.get("state"), action))])
    }

    fn predict(&self, latent: &Latent, decode: bool) -> Prediction {
        let state = latent.get("state");
        let (reward, logit) = self.net.outcome(state.clone());
        let obs = decode.then(|| self.decode(state));
        Prediction { reward, cont: activation::sigmoid(logit), obs, uncertainty: None }
    }
}

impl World {
    fn decode(&self, state: Tensor<2>) -> Observation {
        let (pictures, vector) = self.net.decoder.forward(state);
        let mut obs = Observation::default();
        for ((name, _), picture) in self.shape.pictures.iter().zip(pictures) {
            obs.images.insert(name.clone(), picture);
        }
        let mut at = 0;
        for (name, len) in &self.shape.vectors {
            let part = vector.clone().map(|v| v.narrow(1, at, *len));
            obs.vectors.extend(part.map(|part| (name.clone(), part)));
            at += len;
        }
        obs
    }
}

/// A learner between two updates.
struct Training {
    world: World,
    optim: Optim,
    shards: Shards,
    config: Config,
}

/// Equation (2), and its terms by name.
fn loss(net: &Net, part: Part) -> (Tensor<1>, Metrics) {
    let dreamt = net.step(net.encode(part.before.clone()), part.action.clone());
    let seen = net.encode(part.after.clone());
    let mut metrics = Metrics::new();
    let mut total = part.reward.clone().mean() * 0.0;
    for (name, term) in [dreamt, seen].into_iter().flat_map(|state| net.errors(state, &part)) {
        *metrics.entry(name).or_default() += f64::from(term.clone().into_scalar::<f32>());
        total = total + term;
    }
    (total, metrics)
}

impl Learner for Training {
    fn policy(&self) -> Box<dyn Policy> {
        Box::new(RandomPolicy { action: self.world.spec.action.clone() })
    }

    fn model(&self) -> Option<Box<dyn WorldModel>> {
        Some(Box::new(self.world.clone()))
    }

    fn update(&mut self, replay: &mut Replay) -> Result<Metrics> {
        if self.optim.n_steps() == 0 {
            let means = feed::mean_pictures(replay, &self.world.shape)?;
            self.world.net.encoder.centre(&means);
            self.world.net.decoder.centre(&means);
        }
        let batch = replay.sample_transitions(self.config.batch)?;
        let part = Part::new(&batch, &self.world.shape, &self.world.device.clone().autodiff());
        let (grads, mut metrics) = self.shards.gradients(&self.world.net, vec![part], loss);
        let metrics = metrics.pop().unwrap_or_default();
        let bad = metrics.iter().find(|(_, value)| !value.is_finite());
        if let Some(name) = bad.map(|(name, _)| *name).or((!grads.finite()).then_some("gradient")) {
            let message = format!("`{name}` is not a finite number");
            return Err(Error::new(ErrorKind::Diverged, message).hint("lower `model.optim.lr`"));
        }
        self.world.net = self.optim.step(self.world.net.clone(), &grads);
        Ok(metrics)
    }

    fn save(&self, dir: &Path) -> Result<()> {
        write_arrays(&dir.join("model.safetensors"), &parameters(&self.world.net))?;
        let (n_steps, moments) = self.optim.state(&self.world.net);
        write_arrays(&dir.join("train.safetensors"), &moments)?;
        let path = dir.join("train.json");
        std::fs::write(&path, n_steps.to_string()).map_err(|e| Error::io("write training state", &path, &e))
    }

    fn load(&mut self, dir: &Path, inference: bool) -> Result<()> {
        let path = dir.join("model.safetensors");
        let arrays = read_arrays(&path)?;
        self.world.net = with_parameters(self.world.net.clone(), &arrays).map_err(|e| e.at(&path))?;
        if inference {
            return Ok(());
        }
        let path = dir.join("train.json");
        let text = std::fs::read_to_string(&path).map_err(|e| Error::io("read training state", &path, &e))?;
        let n_steps = text.parse().map_err(|_| Error::corrupt(&path, "expected a number of updates"))?;
        let path = dir.join("train.safetensors");
        self.optim.restore(&self.world.net, n_steps, &read_arrays(&path)?).map_err(|e| e.at(&path))
    }
}
