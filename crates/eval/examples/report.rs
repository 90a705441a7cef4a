//! Writes a report of made-up but plausible numbers, to look at while working on the page:
//! `cargo run -p worldsmith-eval --example report -- report.html`

use std::collections::BTreeMap;

use worldsmith_core::{Error, Image, Result, Rng, Seed, StepKind};
use worldsmith_eval::{
    Curve, EpisodeScore, Estimate, Forecast, HorizonScores, Metric, OpenLoop, PredictorScores, Report, Strip,
    calibration_error, compare, reliability,
};

fn main() -> Result<()> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "report.html".into());
    let mut rng = Seed(0).rng();
    let open_loop = open_loop(&mut rng);
    let returns = compare("dreamer_v3", &scores(6.1, 60, &mut rng), &scores(0.6, 60, &mut rng), Seed(1))
        .expect("there are episodes");
    let facts = [
        ("recipe", "dreamer_v3, preset quickstart"),
        ("environment", "breakout, 64x64x3"),
        ("real steps", "24 000"),
        ("updates", "6 000"),
        ("time", "5 min 12 s on 2 cores"),
        ("seed", "0"),
        ("revision", "3a63b8e"),
    ];
    let report = Report {
        title: "Quickstart: dreamer_v3 learns breakout".into(),
        facts: facts.map(|(name, value)| (name.to_string(), value.to_string())).into(),
        checks: open_loop.checks().into_iter().chain([returns.check()]).collect(),
        curves: curves(&mut rng),
        open_loop: Some(open_loop),
        returns: Some(returns),
        next: vec![
            "`worldsmith play runs/quickstart` opens the dream in a browser, beside the real game".into(),
            "`worldsmith train --resume runs/quickstart --steps 100000` trains on".into(),
            "`worldsmith eval runs/quickstart` judges again".into(),
        ],
    };
    std::fs::write(&path, report.html()).map_err(|e| Error::io("write the report", path.as_ref(), &e))
}

fn open_loop(rng: &mut Rng) -> OpenLoop {
    let horizons = [(1, 214, 3), (5, 201, 21), (15, 160, 38), (45, 61, 77)];
    let mut ends = Vec::new();
    for _ in 0..6000 {
        let score = f64::from(rng.uniform().powi(9));
        ends.push(Forecast { score, happened: f64::from(rng.uniform()) < score.powf(1.15) });
    }
    let bins = reliability(&ends, 10);
    OpenLoop {
        context: 5,
        samples: 16,
        n_windows: 214,
        n_episodes: 24,
        horizons: horizons.map(|(h, n, n_ends)| horizon(h, n, n_ends, rng)).into(),
        end_ece: calibration_error(&bins),
        reliability: bins,
        strips: (0..3).map(|i| strip(i, rng)).collect(),
    }
}

/// A score's value at horizon 1, its change an e-fold of horizon, and half the width of its interval.
type Shape = (f64, f64, f64);

#[rustfmt::skip]
const SHAPES: [(&str, [Shape; 5]); 4] = [
    ("model", [(38.2, -2.9, 0.5), (29.0, -3.1, 0.9), (0.985, -0.012, 0.003), (0.02, 0.004, 0.004), (0.004, 0.002, 0.002)]),
    ("copy", [(29.1, -2.2, 0.4), (9.2, -0.3, 0.3), (0.951, -0.021, 0.004), (0.051, 0.002, 0.006), (0.015, 0.001, 0.004)]),
    ("mean", [(24.3, -0.2, 0.2), (16.0, -0.2, 0.4), (0.874, -0.004, 0.004), (0.09, 0.001, 0.006), (0.015, 0.001, 0.004)]),
    ("shuffled", [(35.0, -3.2, 0.6), (24.0, -3.2, 1.0), (0.975, -0.017, 0.004), (0.03, 0.006, 0.005), (0.009, 0.003, 0.003)]),
];

fn horizon(horizon: usize, n_windows: usize, n_ends: usize, rng: &mut Rng) -> HorizonScores {
    let far = (horizon as f64).ln();
    let metrics = [Metric::Psnr, Metric::PsnrChanged, Metric::Ssim, Metric::RewardMse, Metric::EndBrier];
    let estimate = |(start, slope, half): Shape, rng: &mut Rng| {
        let mean = (start + slope * far + half * 0.4 * f64::from(rng.normal())).abs();
        Estimate { mean, low: mean - half, high: mean + half, n: 24 }
    };
    let mut predictors: Vec<PredictorScores> = Vec::new();
    for (name, shape) in SHAPES {
        let scores: BTreeMap<Metric, Estimate> =
            metrics.iter().zip(shape).map(|(m, s)| (*m, estimate(s, rng))).collect();
        let gain = |(metric, floor): (&Metric, &Estimate)| {
            let model = predictors.first()?.scores[metric];
            let sign = if metric.is_higher_better() { 1.0 } else { -1.0 };
            let (mean, half) = (sign * (model.mean - floor.mean), model.high - model.mean);
            Some((*metric, Estimate { mean, low: mean - half, high: mean + half, n: 24 }))
        };
        let gains = scores.iter().filter_map(gain).collect();
        let is_dream = name == "model" || name == "shuffled";
        let auroc = Some(if is_dream { 0.99 - 0.04 * far } else { 0.5 });
        predictors.push(PredictorScores {
            name: name.into(),
            scores,
            gains,
            reward_auroc: auroc,
            end_auroc: auroc,
        });
    }
    let n_steps = n_windows * horizon.div_ceil(2);
    HorizonScores { horizon, n_windows, n_steps, n_rewards: n_steps / 14, n_ends, predictors }
}

fn strip(i: usize, rng: &mut Rng) -> Strip {
    let steps: Vec<usize> = [0, 1].into_iter().chain((1..10).map(|k| 5 * k)).collect();
    let frame = |k: usize, drift: f32| {
        let mut image = Image::new(64, 64, 3);
        for (row, colour) in [[214, 72, 68], [230, 150, 60], [110, 190, 90]].iter().enumerate() {
            for col in (0..10).filter(|col| (col * 7 + row * 3 + i) % 11 > k / 12) {
                image.fill_rect(2 + col * 6, 8 + row * 5, 5, 4, colour);
            }
        }
        let bounce = |x: usize, n: usize| if (x / n).is_multiple_of(2) { x % n } else { n - x % n };
        let off = (drift * k as f32 / 9.0) as usize;
        image.fill_rect(2 + bounce(k * 3 + i * 17, 56), 26 + bounce(k * 2 + off, 30), 4, 4, &[240, 240, 240]);
        image.fill_rect(4 + bounce(k * 2 + i * 9 + off, 46), 58, 12, 3, &[90, 160, 250]);
        image
    };
    let mut dream: Vec<Image> = steps.iter().map(|k| frame(*k, i as f32 * 0.9)).collect();
    for image in &mut dream {
        image
            .data
            .iter_mut()
            .for_each(|b| *b = (f32::from(*b) * 0.96 + 4.0 + 3.0 * rng.normal()).clamp(0.0, 255.0) as u8);
    }
    let real = steps.iter().map(|k| frame(*k, 0.0)).collect();
    Strip { name: format!("held-out episode {}, from step {}", i * 4 + 1, 37 * (i + 1)), steps, real, dream }
}

fn curves(rng: &mut Rng) -> Vec<Curve> {
    let mut curve = |name: &str, unit: &str, start: f64, end: f64, noise: f64| {
        let points = (0..600).map(|i| {
            let share = 1.0 - (-f64::from(i) / 140.0).exp();
            (f64::from(i) * 40.0, start + (end - start) * share + noise * f64::from(rng.normal()))
        });
        Curve { name: name.into(), unit: unit.into(), points: points.collect() }
    };
    vec![
        curve("loss/image", "nats", 2900.0, 140.0, 30.0),
        curve("loss/reward", "nats", 5.5, 0.31, 0.05),
        curve("loss/cont", "nats", 0.7, 0.021, 0.01),
        curve("loss/dyn", "nats", 1.0, 4.2, 0.2),
        curve("episode/return", "", 0.5, 6.4, 0.8),
        curve("actor/entropy", "nats", 1.09, 0.34, 0.03),
    ]
}

fn scores(mean: f32, n: u64, rng: &mut Rng) -> Vec<EpisodeScore> {
    let score = |i| EpisodeScore {
        seed: Seed(i),
        total_reward: f64::from((mean + mean.sqrt() * rng.normal()).max(0.0).round()),
        len: 40 + rng.below(160) + 60 * mean as usize,
        end: if rng.chance(0.97) { StepKind::Terminated } else { StepKind::Truncated },
    };
    (0..n).map(score).collect()
}
