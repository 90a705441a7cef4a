//! The experiment that shows the paper's claim: the same budget, data and tuning for the method and its baselines.

use std::collections::BTreeMap;

use worldsmith_core::Result;

use crate::{Claim, Finding, Lab, Trial};

pub const CLAIMS: &[Claim] = &[Claim {
    id: "return",
    statement: "acts better than chance",
    metric: "return",
    paper: "what the paper reports, in words",
    measure: better_than_chance,
}];

fn better_than_chance(lab: &mut dyn Lab) -> Result<Finding> {
    let trial = Trial { recipe: "my_method".to_string(), set: Vec::new() };
    let (mut here, mut floor) = (Vec::new(), Vec::new());
    for seed in lab.seeds() {
        here.push(mean(&lab.train(&trial, seed)?.returns));
        floor.push(mean(&lab.random(seed)?.returns));
    }
    let (here, floor) = (lab.estimate(&here), lab.estimate(&floor));
    let effect = here.low > floor.high;
    Ok(Finding { here, baselines: BTreeMap::new(), floor, effect, note: String::new() })
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len().max(1) as f64
}
