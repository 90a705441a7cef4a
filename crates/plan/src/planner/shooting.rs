//! Random shooting: try random action sequences, keep the best. The baseline of every planner.

use worldsmith_core::{Result, Rng};

use super::{Objective, Plan, PlanConfig, Planner, PlannerEntry, best, try_out};
use crate::{Latent, WorldModel};

/// Registry entry.
pub(super) const ENTRY: PlannerEntry = PlannerEntry {
    name: "random_shooting",
    about: "the best of random action sequences",
    make: |config| Box::new(RandomShooting(config)),
};

/// Tries `candidates` sequences drawn uniformly from the action space.
#[derive(Debug, Clone, Copy)]
pub struct RandomShooting(pub PlanConfig);

impl Planner for RandomShooting {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn plan(
        &self,
        model: &dyn WorldModel,
        objective: &dyn Objective,
        state: &Latent,
        rng: &mut Rng,
    ) -> Result<Plan> {
        let space = &model.spec().action;
        let mut sequences = Vec::with_capacity(self.0.candidates);
        for _ in 0..self.0.candidates.max(1) {
            let mut steps = Vec::with_capacity(self.0.horizon);
            for _ in 0..self.0.horizon.max(1) {
                let mut flat = Vec::new();
                space.flatten(&space.sample(rng), &mut flat)?;
                steps.push(flat);
            }
            sequences.push(steps);
        }
        let scores = try_out(model, objective, state, &sequences, rng);
        let i = best(&scores);
        Ok(Plan { actions: sequences.swap_remove(i), score: scores[i] })
    }
}
