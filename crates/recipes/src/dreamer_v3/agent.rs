//! The agent: an actor and a critic that learn in the dream, and the policy that acts by the actor.

use burn::prelude::*;
use burn::tensor::TensorData;
use worldsmith_core::{Result, Rng, Seed, Space, Value};
use worldsmith_nn::ops::cross_entropy;
use worldsmith_nn::{ActionKind, Actor, Init, Mlp, MlpConfig, State, TwoHot, lambda_returns};
use worldsmith_plan::{Latent, Mode, Observation, Policy};

use super::Config;
use super::world::{Dreamer, Seen, World, from_latent, to_latent};
use crate::feed::host;

/// Policy and value.
#[derive(Module, Debug)]
pub struct Agent {
    pub actor: Actor,
    pub critic: Mlp,
}

impl Agent {
    pub fn new(config: &Config, kind: ActionKind, init: &mut Init) -> Self {
        let (n_in, units, layers) = (config.features(), config.units, config.layers);
        let critic = MlpConfig { n_in, units, layers, n_out: config.bins, out_scale: 0.0 };
        Self { actor: Actor::new(kind, n_in, units, layers, config.unimix, init), critic: critic.init(init) }
    }
}

/// What one shard dreamt, time-major: row `t * rows + i` of `horizon` steps.
pub struct Imagined {
    /// `[horizon * rows, features]`
    features: Tensor<2>,
    /// `[horizon * rows, action]`
    action: Tensor<2>,
    /// Lambda-returns of every state.
    pub returns: Vec<f32>,
    /// Values of every state.
    value: Vec<f32>,
    /// What the slow critic thinks of every state.
    slow: Vec<f32>,
    /// Probability that the dream is still going on.
    weight: Vec<f32>,
    /// Mean predicted reward a step.
    pub reward: f64,
}

/// Dreams `config.horizon` steps from `config.starts` of the states that were just seen.
pub fn imagine(
    world: &World,
    agent: &Agent,
    slow: &Mlp,
    seen: &Seen,
    config: &Config,
    seed: Seed,
) -> Imagined {
    let mut rng = seed.rng();
    let axis = TwoHot::new(config.bins);
    let n_seen = seen.cont.len();
    let rows = (config.starts / config.shards).clamp(1, n_seen);
    let picks: Vec<usize> = (0..rows).map(|_| rng.below(n_seen)).collect();
    let mut state = from_latent(&to_latent(seen.state.clone()).gather(&picks));

    let (mut features, mut actions) = (vec![state.features()], Vec::new());
    for _ in 0..config.horizon {
        let action = agent.actor.draw(features[features.len() - 1].clone(), false, &mut rng);
        state = world.rssm.imagine(&state, agent.actor.limit(action.clone()), &mut rng);
        actions.push(action);
        features.push(state.features());
    }
    let all = Tensor::cat(features, 0); // [(horizon + 1) * rows, features]
    let (reward, mut cont) = world.judge(all.clone(), axis);
    for (cont, i) in cont.iter_mut().zip(&picks) {
        *cont = seen.cont[*i]; // the first states are real, and so is whether they are ends
    }
    let value = host(axis.decode(agent.critic.forward(all.clone())));
    let discount: Vec<f32> = cont.iter().map(|c| c * config.gamma).collect();
    let returns = lambda_returns(&reward, &discount, &value, rows, config.lambda);
    let kept = config.horizon * rows;
    let mut weight = cont[..rows].to_vec();
    for i in rows..kept {
        weight.push(weight[i - rows] * discount[i]);
    }
    let features = all.narrow(0, 0, kept);
    Imagined {
        slow: host(axis.decode(slow.forward(features.clone()))),
        features,
        action: Tensor::cat(actions, 0),
        returns,
        value: value[..kept].to_vec(),
        weight,
        reward: reward[rows..].iter().map(|r| f64::from(*r)).sum::<f64>() / kept as f64,
    }
}

/// Equations 6 and 7: the critic learns the distribution of returns, the actor what raises them, both on dreamt states.
/// `scale` divides advantages. Returns the loss and its terms.
pub fn loss(
    agent: &Agent,
    dream: Imagined,
    scale: f32,
    config: &Config,
) -> (Tensor<1>, Vec<(&'static str, f64)>) {
    let device = dream.features.device().autodiff();
    let n = dream.weight.len();
    let column = |data: Vec<f32>| Tensor::<1>::from_data(TensorData::new(data, [n]), &device);
    let features = Tensor::from_inner(dream.features);
    let axis = TwoHot::new(config.bins);

    let advantage = dream.returns.iter().zip(&dream.value).zip(&dream.weight);
    let advantage = column(advantage.map(|((r, v), w)| w * (r - v) / scale).collect());
    let weight = column(dream.weight);
    let scored = agent.actor.score(features.clone(), Tensor::from_inner(dream.action));
    let entropy = scored.entropy.clone().mean();
    let actor = -(scored.log_prob * advantage + weight.clone() * scored.entropy * config.entropy).mean();

    let logits = agent.critic.forward(features);
    // Two targets on one row: the return, and the slow critic's opinion as an anchor.
    let target = axis.encode(&dream.returns, &device) + axis.encode(&dream.slow, &device);
    let critic = (cross_entropy(logits, target) * weight).mean();

    let number = |x: &Tensor<1>| f64::from(x.clone().into_scalar::<f32>());
    let terms = vec![
        ("loss/actor", number(&actor)),
        ("loss/critic", number(&critic)),
        ("agent/entropy", number(&entropy)),
    ];
    (actor + critic, terms)
}

/// Acts by the actor on the posterior state.
pub struct DreamerPolicy {
    pub dreamer: Dreamer,
    pub actor: Actor,
    pub obs: Space,
    pub action: Space,
}

impl Policy for DreamerPolicy {
    fn name(&self) -> &str {
        super::CARD.name
    }

    fn start(&self, n: usize) -> Latent {
        let state = self.dreamer.world.rssm.start(n, &self.dreamer.device);
        let action =
            Tensor::zeros([n, self.dreamer.spec.action.flat_len().unwrap_or(0)], &self.dreamer.device);
        Latent::new(vec![("deter", state.deter), ("stoch", state.stoch), ("action", action)])
    }

    fn act(
        &self,
        memory: &mut Latent,
        obs: &[Value],
        first: &[bool],
        mode: Mode,
        rng: &mut Rng,
    ) -> Result<Vec<Value>> {
        let seen = Observation::stack(&self.obs, obs, &self.dreamer.device)?;
        let state: State = self.dreamer.see(&from_latent(memory), memory.get("action"), &seen, first, rng)?;
        let action = self.actor.act(state.features(), mode == Mode::Greedy, rng);
        let (rows, width) = (obs.len(), action.dims()[1]);
        *memory =
            Latent::new(vec![("deter", state.deter), ("stoch", state.stoch), ("action", action.clone())]);
        let flat = host(action);
        (0..rows).map(|i| self.action.unflatten(&flat[i * width..(i + 1) * width])).collect()
    }
}
