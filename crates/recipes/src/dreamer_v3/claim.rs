//! The paper's claim at laptop size: from pixels, a world model reaches in few real steps what model-free learning does
//! not.
//!
//! Method and baseline replay every real step 16 times on average: with the preset `small` the world model learns from
//! 16 x 16 steps an update and so makes 1/16 of an update a real step, and DQN from 32 and so makes 1/2.

use std::collections::BTreeMap;

use worldsmith_core::Result;

use crate::{Claim, Finding, Lab, Trial};

/// What `worldsmith reproduce dreamer_v3` measures.
pub const CLAIMS: &[Claim] = &[Claim {
    id: "data_efficiency",
    statement: "learns a game from pixels better than model-free DQN at the same number of real steps",
    metric: "mean return of the evaluation episodes, mean over seeds",
    paper: "with one set of hyperparameters, better than tuned PPO and Rainbow on Atari 200M and Atari 100k",
    measure: data_efficiency,
}];

fn data_efficiency(lab: &mut dyn Lab) -> Result<Finding> {
    let mut scores: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for seed in lab.seeds() {
        for (recipe, updates_per_step) in [("dreamer_v3", "0.0625"), ("dqn", "0.5")] {
            let set = vec![("run.updates_per_step".to_string(), updates_per_step.to_string())];
            let outcome = lab.train(&Trial { recipe: recipe.to_string(), set }, seed)?;
            scores.entry(recipe).or_default().push(mean(&outcome.returns));
        }
        scores.entry("random").or_default().push(mean(&lab.random(seed)?.returns));
    }
    let here = lab.estimate(&scores["dreamer_v3"]);
    let dqn = lab.estimate(&scores["dqn"]);
    let floor = lab.estimate(&scores["random"]);
    Ok(Finding {
        here,
        effect: here.low > dqn.high && here.low > floor.high,
        baselines: BTreeMap::from([("dqn".to_string(), dqn)]),
        floor,
        note: "same real steps, replays of each and evaluation seeds for all; dqn sees one frame, as the world model does"
            .to_string(),
    })
}

fn mean(returns: &[f64]) -> f64 {
    returns.iter().sum::<f64>() / returns.len().max(1) as f64
}
