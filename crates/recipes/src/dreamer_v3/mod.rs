//! DreamerV3: learn a world from experience, then learn to act by dreaming in it.
//!
//! Paper: Hafner, Pasukonis, Ba, Lillicrap, "Mastering diverse domains through world models", arXiv 2301.04104 (2023);
//! Nature 640 (2025).
//!
//! Idea: one recurrent state-space model with categorical latents predicts pictures, rewards and ends; an actor and a
//! critic are trained on nothing but its imagined trajectories; symlog, two-hot regression, free bits, the percentile
//! scale of returns and 1 % uniform mixing let one set of hyperparameters serve everywhere.
//!
//! Equations (x seen, a action, h and z state, r reward, c continue):
//!
//! ```text
//! L_pred = -ln p(x|h,z) - ln p(r|h,z) - ln p(c|h,z)
//! L_dyn  = max(1, KL[sg(q(z|h,x)) || p(z|h)])     L_rep = max(1, KL[q(z|h,x) || sg(p(z|h))])
//! L      = L_pred + dyn_scale L_dyn + rep_scale L_rep                              (5)
//! R_t    = r_{t+1} + gamma c_{t+1} ((1 - lambda) v_{t+1} + lambda R_{t+1})          (6)
//! L_act  = -sum_t w_t [ln pi(a_t|s_t) sg((R_t - v_t) / max(1, S)) + eta H[pi]]      (7)
//! ```
//!
//! What we changed and why: a plain GRU instead of eight diagonal blocks (at these widths one product is faster); RMS
//! normalisation and 4x4 kernels; a first convolution that may step by more than 2 pixels (`stem`), which a game with
//! large pixels does not miss; pictures are read and drawn relative to a mean picture, without which a small network
//! trained for minutes does not see what is small in a picture (Pong's ball and paddles); dreams start from a sample of the states just seen (`starts`) instead of all of them;
//! latents of earlier replays are not stored: a window starts from the zero state; no critic loss on replayed states;
//! two-hot numbers are read as symexp of the mean bin, as in the first version of the paper, not as the mean of symexp.
//!
//! Status: see the table in the README, generated from `evidence/dreamer_v3.json`.

mod agent;
mod claim;
mod world;

use std::path::Path;

use burn::prelude::*;
use serde::{Deserialize, Serialize};
use worldsmith_core::{Card, EnvSpec, Error, ErrorKind, Result, Rng, Seed};
use worldsmith_data::Replay;
use worldsmith_nn::{
    ActionKind, Init, Mlp, ObsShape, Optim, OptimConfig, ReturnRange, Shards, TwoHot, blend, parameters,
    read_arrays, with_parameters, write_arrays,
};
use worldsmith_plan::{ModelSpec, Policy, WorldModel};

use crate::{Claim, Learner, Metrics, Recipe, feed, saved};
use agent::{Agent, DreamerPolicy};
use world::{Dreamer, World};

/// The registry entry.
pub struct DreamerV3;

/// Who we are.
pub const CARD: Card = Card {
    name: "dreamer_v3",
    title: "Mastering diverse domains through world models",
    reference: "arXiv 2301.04104",
    idea: "learn a recurrent world model with categorical latents, then train an actor and a critic inside it",
    verbs: &["train", "dream", "act"],
};

/// Sizes and rates. Names follow the paper.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Width of the deterministic state.
    pub deter: usize,
    /// Width of the layers inside the recurrent model.
    pub hidden: usize,
    /// Number of categorical variables in the stochastic state.
    pub stoch: usize,
    /// Classes of each.
    pub classes: usize,
    /// Width of heads, actor and critic.
    pub units: usize,
    /// Hidden layers of heads, actor and critic.
    pub layers: usize,
    /// Channels of the first convolution; they double from stage to stage.
    pub depth: usize,
    /// Step of the first convolution, in pixels.
    pub stem: usize,
    /// Bins of the reward and value distributions; odd.
    pub bins: usize,
    /// Share of the uniform distribution in latents and actions.
    pub unimix: f32,
    /// Divergence below which the latent losses stop, in nats.
    pub free_nats: f32,
    /// Weight of the dynamics loss.
    pub dyn_scale: f32,
    /// Weight of the representation loss.
    pub rep_scale: f32,
    /// Windows in a batch.
    pub batch: usize,
    /// Steps in a window.
    pub length: usize,
    /// Dreamt steps.
    pub horizon: usize,
    /// Dreams a batch.
    pub starts: usize,
    /// Discount a step.
    pub gamma: f32,
    /// Mixing of returns, 0 (one step) to 1 (whole dream).
    pub lambda: f32,
    /// Weight of the actor's entropy.
    pub entropy: f32,
    /// Share of the critic that the slow critic takes over at each update.
    pub slow_rate: f32,
    /// Parts a batch is cut into, one thread each; divides `batch`.
    pub shards: usize,
    /// Optimiser of the world model.
    pub world: OptimConfig,
    /// Optimiser of actor and critic.
    pub agent: OptimConfig,
}

impl Default for Config {
    /// The paper's constants at its smallest size (about a million parameters).
    fn default() -> Self {
        Self {
            deter: 512,
            hidden: 128,
            stoch: 32,
            classes: 16,
            units: 128,
            layers: 3,
            depth: 16,
            stem: 2,
            bins: 255,
            unimix: 0.01,
            free_nats: 1.0,
            dyn_scale: 1.0,
            rep_scale: 0.1,
            batch: 16,
            length: 64,
            horizon: 15,
            starts: 1024,
            gamma: 0.997,
            lambda: 0.95,
            entropy: 3e-4,
            slow_rate: 0.02,
            shards: 2,
            world: OptimConfig::default(),
            agent: OptimConfig::default(),
        }
    }
}

impl Config {
    /// Width of the state that heads, actor and critic read.
    pub fn features(&self) -> usize {
        self.deter + self.stoch * self.classes
    }

    fn check(&self) -> Result<()> {
        let positive = [
            ("deter", self.deter),
            ("hidden", self.hidden),
            ("stoch", self.stoch),
            ("units", self.units),
            ("depth", self.depth),
            ("batch", self.batch),
            ("horizon", self.horizon),
            ("starts", self.starts),
            ("shards", self.shards),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, x)| *x == 0) {
            return Err(Error::invalid(format!("expected `model.{name}` of at least 1, got 0")));
        }
        if self.classes < 2
            || self.length < 2
            || self.stem < 2
            || self.bins < 3
            || self.bins.is_multiple_of(2)
        {
            return Err(Error::invalid(
                "expected `classes`, `length` and `stem` of at least 2 and an odd number of `bins`",
            ));
        }
        let shares = [("gamma", self.gamma), ("lambda", self.lambda), ("slow_rate", self.slow_rate)];
        if let Some((name, x)) = shares.iter().find(|(_, x)| !(0.0..=1.0).contains(x)) {
            return Err(Error::invalid(format!("expected `model.{name}` from 0 to 1, got {x}")));
        }
        if !(1e-6..1.0).contains(&self.unimix) {
            let got = self.unimix;
            return Err(Error::invalid(format!("expected `model.unimix` above 0 and below 1, got {got}"))
                .hint("without some of the uniform distribution, divergences become infinite"));
        }
        self.world.check("model.world")?;
        self.agent.check("model.agent")?;
        if !self.batch.is_multiple_of(self.shards) {
            let (batch, shards) = (self.batch, self.shards);
            return Err(Error::invalid(format!(
                "expected `batch` to be a multiple of `shards`, got {batch} and {shards}"
            )));
        }
        Ok(())
    }
}

impl Recipe for DreamerV3 {
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
        let config: Config =
            given.clone().try_into().map_err(|e: toml::de::Error| Error::invalid(e.message()))?;
        config.check()?;
        toml::Table::try_from(&config).map_err(|e| Error::invalid(e.to_string()))
    }

    fn build(
        &self,
        model: &toml::Table,
        spec: &EnvSpec,
        seed: Seed,
        device: &Device,
    ) -> Result<Box<dyn Learner>> {
        let config: Config =
            model.clone().try_into().map_err(|e: toml::de::Error| Error::invalid(e.message()))?;
        config.check()?;
        let (shape, kind) = (ObsShape::of(&spec.obs)?, ActionKind::of(&spec.action)?);
        let mut init = Init::new(seed.derive("weights"), device);
        let world = World::new(&config, &shape, kind.clone(), &mut init)?;
        let agent = Agent::new(&config, kind, &mut init);
        Ok(Box::new(Training {
            slow: agent.critic.clone(),
            shards: Shards::new(config.shards)?,
            world_optim: Optim::new(config.world.clone()),
            agent_optim: Optim::new(config.agent.clone()),
            range: ReturnRange::default(),
            rng: seed.derive("training").rng(),
            n_updates: 0,
            spec: spec.clone(),
            device: device.clone(),
            nets: Nets { world, agent },
            shape,
            config,
        }))
    }
}

/// Everything that predicting and acting need.
#[derive(Module, Debug)]
struct Nets {
    world: World,
    agent: Agent,
}

/// A learner between two updates.
struct Training {
    config: Config,
    spec: EnvSpec,
    shape: ObsShape,
    device: Device,
    nets: Nets,
    slow: Mlp,
    shards: Shards,
    world_optim: Optim,
    agent_optim: Optim,
    range: ReturnRange,
    rng: Rng,
    n_updates: u64,
}

/// What `train.json` holds.
#[derive(Serialize, Deserialize)]
struct Counters {
    n_updates: u64,
    world_steps: u64,
    agent_steps: u64,
    range: ReturnRange,
    rng: Rng,
}

impl Training {
    fn dreamer(&self) -> Dreamer {
        Dreamer {
            world: self.nets.world.clone(),
            spec: ModelSpec { obs: self.spec.obs.clone(), action: self.spec.action.clone() },
            shape: self.shape.clone(),
            axis: TwoHot::new(self.config.bins),
            device: self.device.clone(),
        }
    }

    /// Stops with the name of the first term that is not a number.
    fn check(&self, metrics: &Metrics, what: &str, finite: bool) -> Result<()> {
        let bad = metrics.iter().find(|(_, x)| !x.is_finite()).map(|(name, _)| *name);
        let Some(term) = bad.or((!finite).then_some("gradient")) else { return Ok(()) };
        let step = self.n_updates;
        let message = format!("`{term}` of the {what} is not a finite number at update {step}");
        Err(Error::new(ErrorKind::Diverged, message).hint("lower `model.world.lr` or `model.agent.lr`"))
    }
}

impl Learner for Training {
    fn policy(&self) -> Box<dyn Policy> {
        Box::new(DreamerPolicy {
            dreamer: self.dreamer(),
            actor: self.nets.agent.actor.clone(),
            obs: self.spec.obs.clone(),
            action: self.spec.action.clone(),
        })
    }

    fn model(&self) -> Option<Box<dyn WorldModel>> {
        Some(Box::new(self.dreamer()))
    }

    fn update(&mut self, replay: &mut Replay) -> Result<Metrics> {
        let mut metrics = Metrics::new();
        let n = self.shards.count();

        if self.n_updates == 0 {
            self.nets.world.centre(&feed::mean_pictures(replay, &self.shape)?);
        }

        // Learn the world.
        let length = self.config.length.min(replay.len_steps());
        let batch = replay.sample(self.config.batch, length)?;
        let parts = world::split(&batch, &self.shape, n, &mut self.rng);
        let (config, shape) = (&self.config, &self.shape);
        let (grads, seen) =
            self.shards.gradients(&self.nets.world, parts, |world, p| world.loss(p, config, shape));
        for (name, value) in seen.iter().flat_map(|s| &s.terms) {
            *metrics.entry(name).or_insert(0.0) += value / n as f64;
        }
        self.check(&metrics, "world model", grads.finite())?;
        self.nets.world = self.world_optim.step(self.nets.world.clone(), &grads);

        // Learn to act in it.
        let starts = seen.into_iter().map(|seen| (seen, self.rng.seed())).collect();
        let nets = &self.nets;
        let dreams = self.shards.map(starts, |(seen, seed)| {
            agent::imagine(&nets.world, &nets.agent, &self.slow, &seen, config, seed)
        });
        let returns: Vec<f32> = dreams.iter().flat_map(|d| &d.returns).copied().collect();
        let reward = dreams.iter().map(|d| d.reward).sum::<f64>() / n as f64;
        let scale = self.range.update(&returns);
        let (grads, terms) =
            self.shards.gradients(&nets.agent, dreams, |a, d| agent::loss(a, d, scale, config));
        for (name, value) in terms.into_iter().flatten() {
            *metrics.entry(name).or_insert(0.0) += value / n as f64;
        }
        metrics.insert("dream/reward", reward);
        metrics.insert(
            "dream/return",
            returns.iter().map(|r| f64::from(*r)).sum::<f64>() / returns.len() as f64,
        );
        metrics.insert("dream/scale", f64::from(scale));
        self.check(&metrics, "agent", grads.finite())?;
        self.nets.agent = self.agent_optim.step(self.nets.agent.clone(), &grads);
        self.slow = blend(self.slow.clone(), &self.nets.agent.critic, self.config.slow_rate);
        self.n_updates += 1;
        Ok(metrics)
    }

    fn save(&self, dir: &Path) -> Result<()> {
        write_arrays(&dir.join("model.safetensors"), &parameters(&self.nets))?;
        let (world_steps, world) = self.world_optim.state(&self.nets.world);
        let (agent_steps, agent) = self.agent_optim.state(&self.nets.agent);
        let counters = Counters {
            n_updates: self.n_updates,
            world_steps,
            agent_steps,
            range: self.range.clone(),
            rng: self.rng.clone(),
        };
        let slow = parameters(&self.slow);
        saved::write(dir, &counters, [("world", world), ("agent", agent), ("slow", slow)])
    }

    fn load(&mut self, dir: &Path, inference: bool) -> Result<()> {
        let path = dir.join("model.safetensors");
        self.nets = with_parameters(self.nets.clone(), &read_arrays(&path)?).map_err(|e| e.at(&path))?;
        if inference {
            return Ok(());
        }
        let (counters, saved): (Counters, _) = saved::read(dir)?;
        let at = |e: Error| e.at(&saved.path);
        self.world_optim.restore(&self.nets.world, counters.world_steps, &saved.part("world")).map_err(at)?;
        self.agent_optim.restore(&self.nets.agent, counters.agent_steps, &saved.part("agent")).map_err(at)?;
        self.slow = with_parameters(self.slow.clone(), &saved.part("slow")).map_err(at)?;
        self.n_updates = counters.n_updates;
        self.range = counters.range;
        self.rng = counters.rng;
        Ok(())
    }
}
