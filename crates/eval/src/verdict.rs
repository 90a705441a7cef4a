//! What must hold for a run to count as a success.

use serde::{Deserialize, Serialize};

use crate::{HorizonScores, Metric, OpenLoop, PredictorScores, ReturnsRow, ReturnsTable, show};

/// One thing that must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What must hold, in words.
    pub name: String,
    /// Whether it does.
    pub passed: bool,
    /// The numbers behind it.
    pub detail: String,
}

impl OpenLoop {
    /// At every horizon that was reached: the dream is nearer the truth than every floor, by the deciding metric.
    pub fn checks(&self) -> Vec<Check> {
        let metric = self.deciding_metric();
        let reached = self.horizons.iter().filter(|h| h.n_windows > 0);
        reached.map(|at| floor_check(at, metric)).collect()
    }
}

fn floor_check(at: &HorizonScores, metric: Metric) -> Check {
    let score = at.predictors.first().and_then(|p| p.scores.get(&metric));
    let scored = match score {
        Some(e) => {
            format!("{} {} {}", metric.title(), show::interval(e), metric.unit()).trim_end().to_string()
        }
        None => format!("{} not measured", metric.title()),
    };
    let gain = |floor: &PredictorScores| {
        let gain = floor.gains.get(&metric)?;
        Some(format!("{} by {} than {}", metric.better(), show::interval(gain), floor.name))
    };
    let mut detail = vec![scored];
    detail.extend(at.floors().iter().filter_map(gain));
    let steps = if at.horizon == 1 { "1 step".to_string() } else { format!("{} steps", at.horizon) };
    Check {
        name: format!("{steps} ahead, the model predicts better than every floor"),
        passed: at.beats_every_floor(metric),
        detail: detail.join("; "),
    }
}

impl ReturnsTable {
    /// The agent earns more than the random policy, with intervals apart.
    pub fn check(&self) -> Check {
        let row = |row: &ReturnsRow| format!("{} {}", row.name, show::interval(&row.total_reward));
        Check {
            name: "the agent earns more than the random policy, with 95 % intervals apart".into(),
            passed: self.is_better,
            detail: format!(
                "return: {}; {}; {} and {} episodes",
                row(&self.agent),
                row(&self.random),
                self.agent.total_reward.n,
                self.random.total_reward.n
            ),
        }
    }
}
