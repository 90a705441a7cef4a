//! The world model: what it is made of, what it is trained on, and how it looks to a planner.

use std::collections::BTreeMap;

use burn::prelude::*;
use burn::tensor::{TensorData, activation};
use worldsmith_core::{Result, Rng, Seed};
use worldsmith_data::Batch;
use worldsmith_nn::ops::{Groups, cross_entropy, kl, picture_error, probs};
use worldsmith_nn::{
    ActionKind, Init, Mlp, MlpConfig, ObsConfig, ObsDecoder, ObsEncoder, ObsShape, Rssm, RssmConfig,
    Sequence, State, TwoHot,
};
use worldsmith_plan::{Latent, ModelSpec, Observation, Prediction, WorldModel};

use super::Config;
use crate::feed::{self, host, matrix};

/// Encoder, recurrent state-space model, decoder, reward and continue heads.
#[derive(Module, Debug)]
pub struct World {
    encoder: ObsEncoder,
    pub rssm: Rssm,
    decoder: ObsDecoder,
    reward: Mlp,
    cont: Mlp,
}

/// One shard of a batch, time-major: row `t * batch + b`.
pub struct Part {
    batch: usize,
    pictures: Vec<Vec<u8>>,
    vector: Vec<f32>,
    action: Vec<f32>,
    reward: Vec<f32>,
    cont: Vec<f32>,
    carry: Vec<f32>,
    seed: Seed,
}

/// What a shard leaves behind: posterior states to dream from, and the loss terms.
pub struct Seen {
    /// Posterior states without a tape, one a step.
    pub state: State,
    /// 0 where the world has ended.
    pub cont: Vec<f32>,
    /// Mean loss terms, in nats or squared error.
    pub terms: Vec<(&'static str, f64)>,
}

impl World {
    /// Draws the weights.
    ///
    /// # Errors
    /// If a picture is of a size that cannot be halved down and back.
    pub fn new(config: &Config, shape: &ObsShape, action: ActionKind, init: &mut Init) -> Result<Self> {
        let obs = ObsConfig {
            shape: shape.clone(),
            depth: config.depth,
            stem: config.stem,
            units: config.units,
            layers: config.layers,
        };
        obs.check()?;
        let rssm = RssmConfig {
            deter: config.deter,
            hidden: config.hidden,
            stoch: config.stoch,
            classes: config.classes,
            unimix: config.unimix,
            action,
            embedding: obs.embedding(),
        };
        let n_in = rssm.features();
        let head = |n_out, out_scale| MlpConfig {
            n_in,
            units: config.units,
            layers: config.layers,
            n_out,
            out_scale,
        };
        Ok(Self {
            encoder: obs.encoder(init),
            rssm: rssm.init(init),
            decoder: obs.decoder(n_in, init),
            reward: head(config.bins, 0.0).init(init),
            cont: head(1, 1.0).init(init),
        })
    }

    /// Sets the mean pictures that encoder and decoder are relative to.
    pub fn centre(&mut self, means: &[Vec<f32>]) {
        self.encoder.centre(means);
        self.decoder.centre(means);
    }

    /// Reward and probability of going on, on the host.
    pub fn judge(&self, features: Tensor<2>, axis: TwoHot) -> (Vec<f32>, Vec<f32>) {
        let reward = axis.decode(self.reward.forward(features.clone()));
        let cont = activation::sigmoid(self.cont.forward(features).squeeze_dim::<1>(1));
        (host(reward), host(cont))
    }

    /// Equation 5 of the paper on one shard: prediction, dynamics and representation loss, averaged over steps.
    pub fn loss(&self, part: Part, config: &Config, shape: &ObsShape) -> (Tensor<1>, Seen) {
        let device = self.reward.device();
        let rows = part.carry.len();
        let mut rng = part.seed.rng();
        let pictures = part.pictures.iter().zip(&shape.pictures);
        let pictures = pictures.map(|(bytes, (_, dims))| feed::pictures(bytes, *dims, &device)).collect();
        let vector = (!part.vector.is_empty()).then(|| matrix(part.vector, rows, &device));
        let posterior = self.rssm.observe_all(
            Sequence {
                batch: part.batch,
                embed: self.encoder.forward(pictures, vector.clone()),
                action: matrix(part.action, rows, &device),
                carry: part.carry,
            },
            &mut rng,
        );
        let features = posterior.state.features();

        let mut terms: Vec<(&'static str, Tensor<1>)> = Vec::new();
        let (drawn, numbers) = self.decoder.forward(features.clone());
        for (picture, target) in drawn.into_iter().zip(part.pictures) {
            let width = target.len() / rows;
            terms.push(("loss/image", picture_error(picture.reshape([rows, width]), target)));
        }
        if let (Some(numbers), Some(target)) = (numbers, vector) {
            terms.push(("loss/vector", (numbers - target).powi_scalar(2).sum_dim(1).squeeze_dim(1)));
        }
        let target = TwoHot::new(config.bins).encode(&part.reward, &device);
        terms.push(("loss/reward", cross_entropy(self.reward.forward(features.clone()), target)));
        let logit = self.cont.forward(features).squeeze_dim::<1>(1);
        let target = Tensor::<1>::from_data(TensorData::new(part.cont.clone(), [rows]), &device);
        terms.push(("loss/cont", activation::softplus(logit.clone(), 1.0) - logit * target));

        let groups = self.rssm.groups();
        let (post, prior) = (posterior.logits, self.rssm.prior(posterior.state.deter.clone()));
        // Below the free nats there is nothing to gain, so that the model does not trade detail for agreement.
        let free = |kl: Tensor<1>| kl.clamp_min(config.free_nats);
        let dynamics = kl(post.clone().detach(), prior.clone(), groups);
        let representation = kl(post, prior.detach(), groups);
        let total = terms.iter().fold(Tensor::zeros([rows], &device), |sum, (_, term)| sum + term.clone());
        let total =
            total + free(dynamics.clone()) * config.dyn_scale + free(representation) * config.rep_scale;
        terms.push(("loss/kl", dynamics));

        let terms = terms
            .into_iter()
            .map(|(name, term)| (name, f64::from(term.mean().into_scalar::<f32>())))
            .collect();
        let state = State { deter: posterior.state.deter.inner(), stoch: posterior.state.stoch.inner() };
        (total.mean(), Seen { state, cont: part.cont, terms })
    }
}

/// Cuts a batch into `n` shards of whole windows, each with its own stream of noise.
pub fn split(batch: &Batch, shape: &ObsShape, n: usize, rng: &mut Rng) -> Vec<Part> {
    let per_shard = batch.n_seqs / n;
    let one = |shard: usize, seed: Seed| {
        let steps: Vec<usize> = (0..batch.n_steps)
            .flat_map(|t| (shard * per_shard..(shard + 1) * per_shard).map(move |b| (b, t)))
            .map(|(b, t)| b * batch.n_steps + t)
            .collect();
        let pick = |flags: &[bool], yes: f32, no: f32| {
            steps.iter().map(|i| if flags[*i] { yes } else { no }).collect()
        };
        Part {
            batch: per_shard,
            pictures: feed::picture_bytes(batch, shape, &steps),
            vector: feed::vectors(batch, shape, &steps),
            action: feed::rows(&batch.action, batch.action_len, &steps),
            reward: feed::rows(&batch.reward, 1, &steps),
            cont: pick(&batch.terminal, 0.0, 1.0),
            carry: pick(&batch.first, 0.0, 1.0),
            seed,
        }
    };
    (0..n).map(|shard| one(shard, rng.seed())).collect()
}

/// A trained world behind the planner's seam.
pub struct Dreamer {
    pub world: World,
    pub spec: ModelSpec,
    pub shape: ObsShape,
    pub axis: TwoHot,
    pub device: Device,
}

impl Dreamer {
    /// The state after `action` and then `obs`.
    ///
    /// # Errors
    /// If a part of the observation is missing.
    pub fn see(
        &self,
        state: &State,
        action: Tensor<2>,
        obs: &Observation,
        first: &[bool],
        rng: &mut Rng,
    ) -> Result<State> {
        let (pictures, vector) = feed::observed(obs, &self.shape)?;
        let keep: Vec<f32> = first.iter().map(|f| if *f { 0.0 } else { 1.0 }).collect();
        let keep = Tensor::<2>::from_data(TensorData::new(keep, [first.len(), 1]), &self.device);
        let state =
            State { deter: state.deter.clone() * keep.clone(), stoch: state.stoch.clone() * keep.clone() };
        let embed = self.world.encoder.forward(pictures, vector);
        Ok(self.world.rssm.observe(&state, action * keep, embed, rng).0)
    }

    /// Cuts the long vector of the decoder into its leaves.
    fn leaves(&self, pictures: Vec<Tensor<4>>, vector: Option<Tensor<2>>) -> Observation {
        let names = self.shape.pictures.iter().map(|(name, _)| name.clone());
        let images: BTreeMap<_, _> = names.zip(pictures.into_iter().map(|p| p.clamp(0.0, 1.0))).collect();
        let mut vectors = BTreeMap::new();
        if let Some(x) = vector {
            let x = x.clone().sign() * (x.abs().clamp_max(20.0).exp() - 1.0);
            let mut from = 0;
            for (name, n) in &self.shape.vectors {
                vectors.insert(name.clone(), x.clone().narrow(1, from, *n));
                from += n;
            }
        }
        Observation { images, vectors }
    }
}

/// A state as a planner holds it.
pub fn to_latent(state: State) -> Latent {
    Latent::new(vec![("deter", state.deter), ("stoch", state.stoch)])
}

/// A state as the model reads it.
pub fn from_latent(latent: &Latent) -> State {
    State { deter: latent.get("deter"), stoch: latent.get("stoch") }
}

impl WorldModel for Dreamer {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn start(&self, n: usize) -> Latent {
        to_latent(self.world.rssm.start(n, &self.device))
    }

    fn observe(
        &self,
        latent: &Latent,
        action: Tensor<2>,
        obs: &Observation,
        first: &[bool],
        rng: &mut Rng,
    ) -> Result<Latent> {
        Ok(to_latent(self.see(&from_latent(latent), action, obs, first, rng)?))
    }

    fn imagine(&self, latent: &Latent, action: Tensor<2>, rng: &mut Rng) -> Latent {
        to_latent(self.world.rssm.imagine(&from_latent(latent), action, rng))
    }

    fn predict(&self, latent: &Latent, decode: bool) -> Prediction {
        let state = from_latent(latent);
        let features = state.features();
        let obs = decode.then(|| {
            let (pictures, vector) = self.world.decoder.forward(features.clone());
            self.leaves(pictures, vector)
        });
        let p = probs(self.world.rssm.prior(state.deter), Groups { ..self.world.rssm.groups() });
        Prediction {
            reward: self.axis.decode(self.world.reward.forward(features.clone())),
            cont: activation::sigmoid(self.world.cont.forward(features).squeeze_dim(1)),
            obs,
            uncertainty: Some(-(p.clone() * p.log()).sum_dim(1).squeeze_dim(1)),
        }
    }
}
