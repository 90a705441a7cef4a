//! The cross-entropy method: draw action sequences, learn the distribution of the best, draw again.
//!
//! Source: Rubinstein (1999); Chua et al., arXiv 1805.12114, for planning in learned models. Choices are drawn from
//! categorical distributions, numbers from normal ones clipped to their bounds.

use worldsmith_core::{Error, Result, Rng, Space};

use super::{Objective, Plan, PlanConfig, Planner, PlannerEntry, try_out};
use crate::{Latent, WorldModel};

/// Share of the old distribution kept at each round, so that one lucky round does not decide everything.
const INERTIA: f32 = 0.1;

/// Registry entry.
pub(super) const ENTRY: PlannerEntry = PlannerEntry {
    name: "cem",
    about: "cross-entropy method: refine a distribution of action sequences round by round",
    make: |config| Box::new(Cem(config)),
};

/// Refines `rounds` times a distribution over sequences, from the `elites` best of `candidates`.
#[derive(Debug, Clone, Copy)]
pub struct Cem(pub PlanConfig);

impl Planner for Cem {
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
        let part = Part::of(&model.spec().action)?;
        let mut steps = vec![part; self.0.horizon.max(1)];
        let mut found: Option<Plan> = None;
        for _ in 0..self.0.rounds.max(1) {
            let draw = |_| steps.iter().map(|step| step.draw(rng)).collect();
            let sequences: Vec<Vec<Vec<f32>>> = (0..self.0.candidates.max(1)).map(draw).collect();
            let scores = try_out(model, objective, state, &sequences, rng);
            let mut order: Vec<usize> = (0..scores.len()).collect();
            order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
            if found.as_ref().is_none_or(|plan| scores[order[0]] > plan.score) {
                found = Some(Plan { actions: sequences[order[0]].clone(), score: scores[order[0]] });
            }
            let elites = &order[..self.0.elites.clamp(1, order.len())];
            for (t, step) in steps.iter_mut().enumerate() {
                step.refit(&elites.iter().map(|i| sequences[*i][t].as_slice()).collect::<Vec<_>>());
            }
        }
        found.ok_or_else(|| Error::invalid("expected at least one round of planning"))
    }
}

/// The distribution of one step's action.
#[derive(Debug, Clone)]
enum Part {
    /// Probabilities of each set of choices, side by side.
    Choices { sizes: Vec<usize>, probs: Vec<f32> },
    /// Independent normal numbers between bounds.
    Numbers { mean: Vec<f32>, std: Vec<f32>, low: Vec<f32>, high: Vec<f32> },
}

impl Part {
    /// The widest distribution over `space`.
    fn of(space: &Space) -> Result<Self> {
        let choices = |sizes: Vec<usize>| {
            let probs = sizes.iter().flat_map(|n| vec![1.0 / *n as f32; *n]).collect();
            Self::Choices { sizes, probs }
        };
        match space {
            Space::Discrete { n } => Ok(choices(vec![*n])),
            Space::MultiDiscrete { nvec } => Ok(choices(nvec.clone())),
            Space::Box { low, high, .. } if low.iter().chain(high).all(|x| x.is_finite()) => {
                let between =
                    |f: &dyn Fn(f32, f32) -> f32| low.iter().zip(high).map(|(l, h)| f(*l, *h)).collect();
                Ok(Self::Numbers {
                    mean: between(&|l, h| (l + h) / 2.0),
                    std: between(&|l, h| (h - l) / 2.0),
                    low: low.clone(),
                    high: high.clone(),
                })
            }
            _ => {
                Err(Error::invalid(format!("expected choices or bounded numbers to plan with, got {space}")))
            }
        }
    }

    /// One flat action.
    fn draw(&self, rng: &mut Rng) -> Vec<f32> {
        match self {
            Self::Choices { sizes, probs } => {
                let mut flat = vec![0.0; probs.len()];
                let mut from = 0;
                for n in sizes {
                    flat[from + rng.weighted(&probs[from..from + n])] = 1.0;
                    from += n;
                }
                flat
            }
            Self::Numbers { mean, std, low, high } => {
                let one = |i: usize, rng: &mut Rng| (mean[i] + std[i] * rng.normal()).clamp(low[i], high[i]);
                (0..mean.len()).map(|i| one(i, rng)).collect()
            }
        }
    }

    /// Moves to the distribution of the elites.
    fn refit(&mut self, elites: &[&[f32]]) {
        let n = elites.len() as f32;
        let average = |f: &dyn Fn(&[f32]) -> f32| elites.iter().map(|e| f(e)).sum::<f32>() / n;
        let blend = |old: &mut f32, new: f32| *old = INERTIA * *old + (1.0 - INERTIA) * new;
        match self {
            Self::Choices { probs, .. } => {
                (0..probs.len()).for_each(|i| blend(&mut probs[i], average(&|e| e[i])));
            }
            Self::Numbers { mean, std, .. } => {
                for i in 0..mean.len() {
                    let centre = average(&|e| e[i]);
                    blend(&mut std[i], average(&|e| (e[i] - centre).powi(2)).sqrt());
                    blend(&mut mean[i], centre);
                }
            }
        }
    }
}
