//! Planning: search the dream for actions that score well, take the first, look again.

mod cem;
mod shooting;

use burn::prelude::*;
use burn::tensor::TensorData;
use worldsmith_core::{Error, Result, Rng, Space, Value};

use crate::model::floats;
use crate::{Latent, Mode, Observation, Policy, Prediction, WorldModel};

pub use cem::Cem;
pub use shooting::RandomShooting;

/// What makes a trajectory good. Objectives score what was rolled out; they never roll out.
pub trait Objective: Send + Sync {
    /// The score of every row, higher is better, from the predictions after each action in turn.
    ///
    /// # Shapes
    /// predictions of `[batch]` -> `[batch]`
    fn score(&self, trajectory: &[Prediction]) -> Tensor<1>;
}

/// The expected discounted sum of rewards: what comes after an end counts for nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RewardSum {
    /// Discount a step, in `0..=1`.
    pub gamma: f32,
}

impl Objective for RewardSum {
    fn score(&self, trajectory: &[Prediction]) -> Tensor<1> {
        let mut alive = trajectory[0].cont.ones_like();
        let mut sum = trajectory[0].reward.zeros_like();
        for step in trajectory {
            sum = sum + alive.clone() * step.reward.clone();
            alive = alive * step.cont.clone() * self.gamma;
        }
        sum
    }
}

/// How far and how widely to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanConfig {
    /// Steps looked ahead; at least 1.
    pub horizon: usize,
    /// Action sequences tried in each round; at least 1.
    pub candidates: usize,
    /// Rounds, for planners that refine.
    pub rounds: usize,
    /// Best sequences a refining planner learns from; at least 1.
    pub elites: usize,
}

impl Default for PlanConfig {
    fn default() -> Self {
        Self { horizon: 12, candidates: 128, rounds: 4, elites: 16 }
    }
}

/// The actions a planner would take.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// One flat action a step ([`Space::flatten`]).
    pub actions: Vec<Vec<f32>>,
    /// What the objective makes of it.
    pub score: f32,
}

/// Searches a world model for actions that score well.
pub trait Planner: Send + Sync {
    /// Registry name.
    fn name(&self) -> &'static str;

    /// The best plan found from `state`, which has one row.
    ///
    /// # Errors
    /// If the planner cannot search the model's action space.
    fn plan(
        &self,
        model: &dyn WorldModel,
        objective: &dyn Objective,
        state: &Latent,
        rng: &mut Rng,
    ) -> Result<Plan>;
}

/// A planner the registry knows.
pub struct PlannerEntry {
    /// Registry name.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// Makes one.
    pub make: fn(PlanConfig) -> Box<dyn Planner>,
}

/// Every planner, in the order they are listed.
pub const PLANNERS: &[PlannerEntry] = &[shooting::ENTRY, cem::ENTRY];

/// The planner called `name`.
///
/// # Errors
/// If there is none; the error names the nearest.
pub fn planner(name: &str, config: PlanConfig) -> Result<Box<dyn Planner>> {
    let known = PLANNERS.iter().map(|p| p.name);
    let found = PLANNERS.iter().find(|p| p.name == name);
    let entry = found.ok_or_else(|| Error::unknown("planner", name, known, "worldsmith eval --help"))?;
    Ok((entry.make)(config))
}

/// Rolls out one action sequence a row from copies of `state` and scores them, in the order given.
///
/// `sequences` holds flat actions as `[candidate][step][number]`; all have the same length.
fn try_out(
    model: &dyn WorldModel,
    objective: &dyn Objective,
    state: &Latent,
    sequences: &[Vec<Vec<f32>>],
    rng: &mut Rng,
) -> Vec<f32> {
    let n = sequences.len();
    let mut latent = state.repeat(n);
    let device = model.predict(state, false).reward.device();
    let mut trajectory = Vec::new();
    for step in 0..sequences[0].len() {
        let flat: Vec<f32> = sequences.iter().flat_map(|s| &s[step]).copied().collect();
        let action = Tensor::<2>::from_data(TensorData::new(flat, [n, sequences[0][step].len()]), &device);
        latent = model.imagine(&latent, action, rng);
        trajectory.push(model.predict(&latent, false));
    }
    floats(objective.score(&trajectory))
}

/// The index of the highest score; the first of equals.
fn best(scores: &[f32]) -> usize {
    (0..scores.len()).fold(0, |best, i| if scores[i] > scores[best] { i } else { best })
}

/// Acts by planning anew at every step (model predictive control).
pub struct PlannerPolicy {
    model: Box<dyn WorldModel>,
    planner: Box<dyn Planner>,
    objective: Box<dyn Objective>,
    device: Device,
}

impl PlannerPolicy {
    /// Plans with `planner` for `objective` in `model`, which lives on `device`.
    pub fn new(
        model: Box<dyn WorldModel>,
        planner: Box<dyn Planner>,
        objective: Box<dyn Objective>,
        device: &Device,
    ) -> Self {
        Self { model, planner, objective, device: device.clone() }
    }

    fn action_space(&self) -> &Space {
        &self.model.spec().action
    }
}

impl Policy for PlannerPolicy {
    fn name(&self) -> &str {
        self.planner.name()
    }

    fn start(&self, n: usize) -> Latent {
        let action = Tensor::<2>::zeros([n, self.action_space().flat_len().unwrap_or(0)], &self.device);
        self.model.start(n).with("last_action", action)
    }

    fn act(
        &self,
        memory: &mut Latent,
        obs: &[Value],
        first: &[bool],
        _mode: Mode,
        rng: &mut Rng,
    ) -> Result<Vec<Value>> {
        let seen = Observation::stack(&self.model.spec().obs, obs, &self.device)?;
        let state = self.model.observe(memory, memory.get("last_action"), &seen, first, rng)?;
        let mut chosen = Vec::with_capacity(obs.len());
        for row in 0..obs.len() {
            // Each row is planned alone, with a stream of its own: the result does not depend on its neighbours.
            let mut rng = rng.seed().rng();
            let plan = self.planner.plan(&*self.model, &*self.objective, &state.gather(&[row]), &mut rng)?;
            chosen.push(plan.actions.into_iter().next().unwrap_or_default());
        }
        let width = self.action_space().flat_len().unwrap_or(0);
        let flat: Vec<f32> = chosen.iter().flatten().copied().collect();
        let last = Tensor::<2>::from_data(TensorData::new(flat, [obs.len(), width]), &self.device);
        *memory = state.with("last_action", last);
        chosen.iter().map(|action| self.action_space().unflatten(action)).collect()
    }
}
