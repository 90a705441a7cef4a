//! The recurrent state-space model: a deterministic path `h` and a stochastic state `z` of categorical variables.
//!
//! ```text
//! h_t  = GRU(h_{t-1}, z_{t-1}, a_{t-1})
//! z_t ~ q(z | h_t, x_t)     posterior, where x_t is seen
//! z_t ~ p(z | h_t)          prior, where it is dreamt
//! ```
//!
//! Source: Hafner et al., "Learning latent dynamics for planning from pixels" (2019), categorical since DreamerV2 (2021).

use burn::prelude::*;
use burn::tensor::TensorData;
use worldsmith_core::Rng;

use crate::ops::{self, Act, Groups};
use crate::{ActionKind, Init, Linear, Norm};

/// Sizes of an [`Rssm`].
#[derive(Debug, Clone)]
pub struct RssmConfig {
    /// Width of the deterministic state.
    pub deter: usize,
    /// Width of the layers between.
    pub hidden: usize,
    /// Number of categorical variables.
    pub stoch: usize,
    /// Classes of each.
    pub classes: usize,
    /// Share of the uniform distribution in each.
    pub unimix: f32,
    /// What an action is.
    pub action: ActionKind,
    /// Numbers in an embedded observation.
    pub embedding: usize,
}

/// Weights of the model.
#[derive(Module, Debug)]
pub struct Rssm {
    from_stoch: Linear,
    from_action: Linear,
    input_norm: Norm,
    gates: Linear,
    gates_norm: Norm,
    post_deter: Linear,
    post_embed: Linear,
    post_norm: Norm,
    post_out: Linear,
    prior_hidden: Linear,
    prior_norm: Norm,
    prior_out: Linear,
    #[module(skip)]
    action: ActionKind,
    #[module(skip)]
    deter: usize,
    #[module(skip)]
    stoch: usize,
    #[module(skip)]
    groups: Groups,
}

/// A batch of states.
#[derive(Debug, Clone)]
pub struct State {
    /// Deterministic part, `[rows, deter]`.
    pub deter: Tensor<2>,
    /// Stochastic part, one-hot, `[rows, stoch * classes]`.
    pub stoch: Tensor<2>,
}

impl State {
    /// Both parts side by side: what every head reads, `[rows, deter + stoch * classes]`.
    pub fn features(&self) -> Tensor<2> {
        Tensor::cat(vec![self.deter.clone(), self.stoch.clone()], 1)
    }
}

/// Posterior states of a sequence, time-major: row `t * batch + b`.
#[derive(Debug)]
pub struct Posterior {
    /// The states, `time * batch` rows.
    pub state: State,
    /// Their logits, `[time * batch, stoch * classes]`.
    pub logits: Tensor<2>,
}

/// A sequence to be observed, time-major: row `t * batch + b`.
#[derive(Debug)]
pub struct Sequence {
    /// Number of sequences.
    pub batch: usize,
    /// Embedded observations, `[time * batch, embedding]`.
    pub embed: Tensor<2>,
    /// The actions that led to them, `[time * batch, action]`.
    pub action: Tensor<2>,
    /// 0 where an episode starts and 1 elsewhere, `time * batch` numbers.
    pub carry: Vec<f32>,
}

impl RssmConfig {
    /// Width of [`State::features`].
    pub fn features(&self) -> usize {
        self.deter + self.stoch * self.classes
    }

    /// Draws the weights.
    pub fn init(&self, init: &mut Init) -> Rssm {
        let z = self.stoch * self.classes;
        Rssm {
            from_stoch: Linear::new(z, self.hidden, init),
            from_action: Linear::new(self.action.len(), self.hidden, init),
            input_norm: Norm::new(self.hidden, Act::Silu, init),
            gates: Linear::new(self.hidden + self.deter, 3 * self.deter, init),
            gates_norm: Norm::new(3 * self.deter, Act::None, init),
            post_deter: Linear::new(self.deter, self.hidden, init),
            post_embed: Linear::new(self.embedding, self.hidden, init),
            post_norm: Norm::new(self.hidden, Act::Silu, init),
            post_out: Linear::new(self.hidden, z, init),
            prior_hidden: Linear::new(self.deter, self.hidden, init),
            prior_norm: Norm::new(self.hidden, Act::Silu, init),
            prior_out: Linear::new(self.hidden, z, init),
            action: self.action.clone(),
            deter: self.deter,
            stoch: self.stoch,
            groups: Groups { classes: self.classes, unimix: self.unimix },
        }
    }
}

impl Rssm {
    /// How the stochastic state is divided.
    pub fn groups(&self) -> Groups {
        self.groups
    }

    /// The state before anything happened: zeros.
    pub fn start(&self, rows: usize, device: &Device) -> State {
        State {
            deter: Tensor::zeros([rows, self.deter], device),
            stoch: Tensor::zeros([rows, self.stoch * self.groups.classes], device),
        }
    }

    /// Takes `action` without looking.
    pub fn imagine(&self, state: &State, action: Tensor<2>, rng: &mut Rng) -> State {
        let deter = self.recur(state, self.embed(action));
        let logits = self.prior(deter.clone());
        State { stoch: ops::sample(logits, self.noise(deter.dims()[0], rng), self.groups), deter }
    }

    /// Takes `action` and sees `embed`. Returns the state and its logits.
    pub fn observe(
        &self,
        state: &State,
        action: Tensor<2>,
        embed: Tensor<2>,
        rng: &mut Rng,
    ) -> (State, Tensor<2>) {
        let (action, embed) = (self.embed(action), self.post_embed.forward(embed));
        self.correct(state, action, embed, rng)
    }

    /// Observes whole sequences from zero states. The products that do not wait for the state are taken at once.
    pub fn observe_all(&self, sequence: Sequence, rng: &mut Rng) -> Posterior {
        let Sequence { batch, embed, action, carry } = sequence;
        let steps = carry.len() / batch;
        let device = embed.device();
        let (action, embed) = (self.embed(action), self.post_embed.forward(embed));
        let mut state = self.start(batch, &device);
        let (mut deters, mut stochs, mut all_logits) = (Vec::new(), Vec::new(), Vec::new());
        for t in 0..steps {
            let keep = &carry[t * batch..(t + 1) * batch];
            if keep.contains(&0.0) {
                let keep = Tensor::<2>::from_data(TensorData::new(keep.to_vec(), [batch, 1]), &device);
                state = State { deter: state.deter * keep.clone(), stoch: state.stoch * keep };
            }
            let at = |x: &Tensor<2>| x.clone().narrow(0, t * batch, batch);
            let (next, logits) = self.correct(&state, at(&action), at(&embed), rng);
            deters.push(next.deter.clone());
            stochs.push(next.stoch.clone());
            all_logits.push(logits);
            state = next;
        }
        let state = State { deter: Tensor::cat(deters, 0), stoch: Tensor::cat(stochs, 0) };
        Posterior { state, logits: Tensor::cat(all_logits, 0) }
    }

    /// Logits of the prior.
    ///
    /// # Shapes
    /// `[rows, deter]` -> `[rows, stoch * classes]`
    pub fn prior(&self, deter: Tensor<2>) -> Tensor<2> {
        self.prior_out.forward(self.prior_norm.forward(self.prior_hidden.forward(deter)))
    }

    fn correct(
        &self,
        state: &State,
        action: Tensor<2>,
        embed: Tensor<2>,
        rng: &mut Rng,
    ) -> (State, Tensor<2>) {
        let deter = self.recur(state, action);
        let hidden = self.post_norm.forward(self.post_deter.forward(deter.clone()) + embed);
        let logits = self.post_out.forward(hidden);
        let stoch = ops::sample(logits.clone(), self.noise(deter.dims()[0], rng), self.groups);
        (State { deter, stoch }, logits)
    }

    /// Flat actions, brought to the scale of -1 to 1, as the cell reads them.
    fn embed(&self, action: Tensor<2>) -> Tensor<2> {
        self.from_action.forward(self.action.unit(action))
    }

    /// One step of the recurrent cell; `action` is already embedded.
    fn recur(&self, state: &State, action: Tensor<2>) -> Tensor<2> {
        let input = self.input_norm.forward(self.from_stoch.forward(state.stoch.clone()) + action);
        let gates = self.gates.forward(Tensor::cat(vec![input, state.deter.clone()], 1));
        ops::gru_gates(self.gates_norm.forward(gates), state.deter.clone())
    }

    fn noise(&self, rows: usize, rng: &mut Rng) -> Vec<f32> {
        (0..rows * self.stoch).map(|_| rng.uniform()).collect()
    }
}
