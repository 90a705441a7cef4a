//! Paper: title, authors, year, where to read it.
//! Idea: a world model in one sentence. Here: a network that maps state and action to the next state, reward and end.
//! Equations: with network `f`, observation `o`, action `a`, reward `r` and continuation `c`,
//!
//! ```text
//! (d, r^, l) = f(o_t, a_t)        o^ = o_t + d        c^ = sigmoid(l)                       (1)
//! L = |o^ - o_{t+1}|^2 + (r^ - r_t)^2 + BCE(c^, c_t)                                        (2)
//! ```
//!
//! What we changed and why: nothing yet.
//! Status: a template; it learns environments whose observation is one vector.

mod claim;

use std::path::Path;

use burn::prelude::*;
use burn::tensor::TensorData;
use burn::tensor::activation::{log_sigmoid, sigmoid};
use serde::{Deserialize, Serialize};
use worldsmith_core::{Card, EnvSpec, Error, ErrorKind, Result, Rng, Seed, Space};
use worldsmith_data::{Batch, Column, Replay};
use worldsmith_nn::{
    Init, Mlp, MlpConfig, Optim, OptimConfig, Shards, parameters, read_arrays, with_parameters, write_arrays,
};
use worldsmith_plan::{Latent, ModelSpec, Observation, Policy, Prediction, RandomPolicy, WorldModel};

use crate::{Claim, Learner, Metrics, Recipe};

/// What the registry lists.
pub const RECIPE: Entry = Entry;

const CARD: Card = Card {
    name: "my_method",
    title: "Title of the paper",
    reference: "0000.00000",
    idea: "A network maps state and action to the next state, reward and end.",
    verbs: &["train", "dream", "judge"],
};

/// The registry entry.
pub struct Entry;

/// Everything that can be set under `model`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Width of the hidden layers.
    units: usize,
    /// Number of hidden layers.
    layers: usize,
    /// Transitions in a batch.
    batch: usize,
    /// Step size.
    lr: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { units: 256, layers: 2, batch: 256, lr: 3e-4 }
    }
}

impl Config {
    fn from_table(table: &toml::Table) -> Result<Self> {
        let config: Self = table.clone().try_into().map_err(|e| Error::invalid(format!("model: {e}")))?;
        if config.units == 0 || config.batch == 0 || !config.lr.is_finite() || config.lr <= 0.0 {
            return Err(Error::invalid("model: expected `units`, `batch` and `lr` above 0"));
        }
        Ok(config)
    }
}

impl Recipe for Entry {
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
        toml::Table::try_from(Config::from_table(given)?).map_err(|e| Error::invalid(e.to_string()))
    }

    fn build(
        &self,
        model: &toml::Table,
        spec: &EnvSpec,
        seed: Seed,
        device: &Device,
    ) -> Result<Box<dyn Learner>> {
        let config = Config::from_table(model)?;
        let spec = ModelSpec { obs: spec.obs.clone(), action: spec.action.clone() };
        let (obs_len, action_len) = lengths(&spec)?;
        let net = MlpConfig {
            n_in: obs_len + action_len,
            units: config.units,
            layers: config.layers,
            n_out: obs_len + 2,
            out_scale: 0.0,
        };
        let world =
            World { net: net.init(&mut Init::new(seed.derive("net"), device)), spec, device: device.clone() };
        let optim = Optim::new(OptimConfig { lr: config.lr, warmup: 10, ..OptimConfig::default() });
        Ok(Box::new(MyMethod { world, optim, shards: Shards::new(1)?, config }))
    }
}

/// Numbers in an observation and in an action.
fn lengths(spec: &ModelSpec) -> Result<(usize, usize)> {
    match (&spec.obs, spec.action.flat_len()) {
        (Space::Box { low, .. }, Some(action_len)) => Ok((low.len(), action_len)),
        _ => Err(Error::invalid(format!("expected one vector to observe, got {}", spec.obs))),
    }
}

/// The model: a state is the observation itself, with the reward and continuation that came with it.
#[derive(Clone)]
struct World {
    net: Mlp,
    spec: ModelSpec,
    device: Device,
}

/// Equation (1): next observation `[n, obs_len]`, reward and continuation logit `[n, 1]`.
fn dynamics(net: &Mlp, obs: Tensor<2>, action: Tensor<2>) -> (Tensor<2>, Tensor<2>, Tensor<2>) {
    let obs_len = obs.dims()[1];
    let out = net.forward(Tensor::cat(vec![obs.clone(), action], 1)); // [n, obs_len + 2]
    let column = |i: usize| out.clone().narrow(1, i, 1);
    (obs + out.clone().narrow(1, 0, obs_len), column(obs_len), column(obs_len + 1))
}

impl WorldModel for World {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn start(&self, n: usize) -> Latent {
        let obs_len = lengths(&self.spec).map_or(0, |(obs_len, _)| obs_len);
        let zeros = |width: usize| Tensor::zeros([n, width], &self.device);
        Latent::new(vec![("obs", zeros(obs_len)), ("reward", zeros(1)), ("cont", zeros(1) + 1.0)])
    }

    fn observe(
        &self,
        latent: &Latent,
        action: Tensor<2>,
        obs: &Observation,
        first: &[bool],
        rng: &mut Rng,
    ) -> Result<Latent> {
        let seen = obs.vectors.get("obs").cloned();
        let seen =
            seen.ok_or_else(|| Error::invalid(format!("expected {}, got no vector", self.spec.obs)))?;
        let guess = self.imagine(latent, action, rng);
        let old: Vec<f32> = first.iter().map(|first| if *first { 0.0 } else { 1.0 }).collect();
        let old = Tensor::from_data(TensorData::new(old, [first.len(), 1]), &self.device); // [n, 1]
        let cont = guess.get("cont") * old.clone() + (1.0 - old.clone());
        Ok(Latent::new(vec![("obs", seen), ("reward", guess.get("reward") * old), ("cont", cont)]))
    }

    fn imagine(&self, latent: &Latent, action: Tensor<2>, _rng: &mut Rng) -> Latent {
        let (obs, reward, cont) = dynamics(&self.net, latent.get("obs"), action);
        Latent::new(vec![("obs", obs), ("reward", reward), ("cont", sigmoid(cont))])
    }

    fn predict(&self, latent: &Latent, decode: bool) -> Prediction {
        let obs = decode.then(|| {
            let mut obs = Observation::default();
            obs.vectors.insert("obs".to_string(), latent.get("obs"));
            obs
        });
        let column = |name| latent.get(name).squeeze_dim(1);
        Prediction { reward: column("reward"), cont: column("cont"), obs, uncertainty: None }
    }
}

/// The model with everything needed to go on training it.
struct MyMethod {
    world: World,
    optim: Optim,
    shards: Shards,
    config: Config,
}

/// A batch of transitions on the device.
struct Transitions {
    obs: Tensor<2>,
    action: Tensor<2>,
    next: Tensor<2>,
    reward: Tensor<2>,
    cont: Tensor<2>,
}

impl Transitions {
    /// From windows of two steps: what led to the second one stands there.
    fn new(batch: &Batch, device: &Device) -> Result<Self> {
        let Some(Column::F32 { data, .. }) = batch.obs.get("obs") else {
            return Err(Error::invalid("expected batches of vectors, got none"));
        };
        let rows = |data: Vec<f32>| {
            let width = data.len() / batch.n_seqs;
            Tensor::<2>::from_data(TensorData::new(data, [batch.n_seqs, width]), device)
        };
        let (obs, action, reward) =
            (rows(data.clone()), rows(batch.action.clone()), rows(batch.reward.clone()));
        let cont = rows(batch.terminal.iter().map(|end| if *end { 0.0 } else { 1.0 }).collect());
        let second = |pairs: Tensor<2>| pairs.clone().narrow(1, pairs.dims()[1] / 2, pairs.dims()[1] / 2);
        let first = obs.clone().narrow(1, 0, obs.dims()[1] / 2);
        Ok(Self {
            obs: first,
            action: second(action),
            next: second(obs),
            reward: second(reward),
            cont: second(cont),
        })
    }
}

/// Equation (2), with its terms by name.
fn loss(net: &Mlp, batch: Transitions) -> (Tensor<1>, [(&'static str, f64); 3]) {
    let (obs, reward, logit) = dynamics(net, batch.obs, batch.action);
    let obs = (obs - batch.next).powi_scalar(2).sum_dim(1).mean();
    let reward = (reward - batch.reward).powi_scalar(2).mean();
    let cont = (log_sigmoid(logit.clone()) * batch.cont.clone() + log_sigmoid(-logit) * (1.0 - batch.cont))
        .mean()
        .neg();
    let number = |x: &Tensor<1>| f64::from(x.clone().into_scalar::<f32>());
    let terms = [("loss/obs", number(&obs)), ("loss/reward", number(&reward)), ("loss/cont", number(&cont))];
    (obs + reward + cont, terms)
}

impl Learner for MyMethod {
    fn policy(&self) -> Box<dyn Policy> {
        Box::new(RandomPolicy { action: self.world.spec.action.clone() })
    }

    fn model(&self) -> Option<Box<dyn WorldModel>> {
        Some(Box::new(self.world.clone()))
    }

    fn update(&mut self, replay: &mut Replay) -> Result<Metrics> {
        let batch = Transitions::new(&replay.sample_transitions(self.config.batch)?, &self.world.device)?;
        let (grads, terms) = self.shards.gradients(&self.world.net, vec![batch], loss);
        let metrics: Metrics = terms.into_iter().flatten().collect();
        if let Some((name, value)) = metrics.iter().find(|(_, value)| !value.is_finite()) {
            return Err(Error::new(ErrorKind::Diverged, format!("`{name}` is {value}")));
        }
        self.world.net = self.optim.step(self.world.net.clone(), &grads);
        Ok(metrics)
    }

    fn save(&self, dir: &Path) -> Result<()> {
        write_arrays(&dir.join("model.safetensors"), &parameters(&self.world.net))?;
        let (n_steps, moments) = self.optim.state(&self.world.net);
        write_arrays(&dir.join("train.safetensors"), &moments)?;
        let path = dir.join("train.json");
        std::fs::write(&path, n_steps.to_string())
            .map_err(|e| Error::io("write the training state", &path, &e))
    }

    fn load(&mut self, dir: &Path, inference: bool) -> Result<()> {
        let arrays = read_arrays(&dir.join("model.safetensors"))?;
        self.world.net = with_parameters(self.world.net.clone(), &arrays)?;
        if inference {
            return Ok(());
        }
        let path = dir.join("train.json");
        let text =
            std::fs::read_to_string(&path).map_err(|e| Error::io("read the training state", &path, &e))?;
        let n_steps = text.parse().map_err(|_| Error::corrupt(&path, "expected a number of updates"))?;
        self.optim.restore(&self.world.net, n_steps, &read_arrays(&dir.join("train.safetensors"))?)
    }
}
