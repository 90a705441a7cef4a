//! Speed of the store: `cargo bench -p worldsmith-data --bench store [-- --json]`.
//!
//! Windows of 16 x 64x64x3, batch 64, from files that the system holds in memory, beside a plain copy of as many bytes in
//! the same run; and what opening and sampling cost as episodes grow in number. `benches/peers/store.py` measures other
//! loaders on the same shapes.

use std::path::Path;
use std::time::Instant;

use worldsmith_core::{Episode, EpisodeMeta, Image, Result, Seed, Space, Step, StepKind, Value};
use worldsmith_data::{Batch, Replay, StepId, Store, Window};

const N_SEQS: usize = 64;
const N_STEPS: usize = 16;
const ROUNDS: usize = 7;

fn main() -> Result<()> {
    let json = std::env::args().any(|arg| arg == "--json");
    let dir = std::env::temp_dir().join(format!("worldsmith-bench-store-{}", std::process::id()));
    let mut report = Vec::new();
    let outcome = windows(&dir.join("pictures"), &mut report).and_then(|()| growth(&dir, &mut report));
    let _ = std::fs::remove_dir_all(&dir);
    outcome?;
    for (name, value, unit) in &report {
        match json {
            true => println!("{{\"name\": \"{name}\", \"value\": {value}, \"unit\": \"{unit}\"}}"),
            false => println!("{name:<44} {value:>12.2} {unit}"),
        }
    }
    Ok(())
}

type Report = Vec<(String, f64, &'static str)>;

/// Random windows from mapped pictures, a plain copy of the same size between them.
fn windows(dir: &Path, report: &mut Report) -> Result<()> {
    let obs = Space::Image { height: 64, width: 64, channels: 3 };
    let action = Space::vector(2, -1.0, 1.0);
    let mut rng = Seed(0).rng();
    let mut store = Store::create(dir, &obs, &action)?;
    let began = Instant::now();
    for idx in 0..256 {
        let view = |rng: &mut worldsmith_core::Rng| obs.sample(rng);
        store.append_later(&episode(idx, 100, &mut rng, &view, &action))?;
    }
    store.commit()?;
    let megabytes = (256 * 101 * 64 * 64 * 3) as f64 / 1e6;
    report.push(("append, 1.24 MB an episode".into(), megabytes / began.elapsed().as_secs_f64(), "MB/s"));
    let mut replay = Replay::mapped(&obs, &action, 1 << 20, Seed(1))?;
    (0..store.len()).try_for_each(|idx| replay.push_stored(&store, idx))?;

    let mut batch = Batch::default();
    let n_bytes = N_SEQS * N_STEPS * 64 * 64 * 3;
    let (source, mut sink) = (vec![1u8; 400 << 20], vec![0u8; n_bytes]);
    let (mut ours, mut copies) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        ours.push(time(60, || replay.sample_into(N_SEQS, N_STEPS, &mut batch))?);
        // As far apart as windows are, so that the processor's cache helps neither.
        let mut at = round * 1000;
        copies.push(time(60, || {
            for part in sink.chunks_exact_mut(n_bytes / N_SEQS) {
                at = (at + 97 * part.len() + 4096) % (source.len() - part.len());
                part.copy_from_slice(&source[at..at + part.len()]);
            }
            std::hint::black_box(&sink);
            Ok(())
        })?);
    }
    let (ours, copy) = (median(ours), median(copies));
    report.push(("windows of 16 x 64x64x3, batch 64".into(), N_SEQS as f64 / ours, "windows/s"));
    report.push(("the same".into(), n_bytes as f64 / ours / 1e9, "GB/s"));
    report.push(("plain copy of as many bytes".into(), n_bytes as f64 / copy / 1e9, "GB/s"));
    report.push(("share of the copy's speed".into(), 100.0 * copy / ours, "%"));
    Ok(())
}

/// Opening and sampling 1,000 and 100,000 episodes of as many steps altogether, by turns so that both see the same machine.
fn growth(dir: &Path, report: &mut Report) -> Result<()> {
    const ROUNDS: usize = 101;
    let mut sides = [grown(dir, 1_000, report)?, grown(dir, 100_000, report)?];
    let mut batch = Batch::default();
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (replay, times) in sides.iter_mut().zip(&mut times) {
            times.push(time(20, || replay.sample_into(N_SEQS, N_STEPS, &mut batch))?);
        }
    }
    let ratios: Vec<f64> = times[0].iter().zip(&times[1]).map(|(few, many)| few / many).collect();
    let best = times.each_ref().map(|times| times.iter().copied().fold(f64::INFINITY, f64::min));
    for ((n, times), best) in ["1000", "100000"].iter().zip(times).zip(best) {
        let name = format!("windows of 16 x 16x16x3 from {n} episodes");
        report.push((name.clone(), N_SEQS as f64 / median(times), "windows/s"));
        report.push((format!("{name}, best"), N_SEQS as f64 / best, "windows/s"));
    }
    report.push(("rate at 100000 episodes over that at 1000".into(), 100.0 * median(ratios), "%"));
    report.push(("the same, of the best rounds".into(), 100.0 * best[0] / best[1], "%"));
    Ok(())
}

/// A replay over a store of a million steps in `n` episodes.
fn grown(dir: &Path, n: usize, report: &mut Report) -> Result<Replay> {
    const ALL_STEPS: usize = 1_000_000;
    let obs = Space::Image { height: 16, width: 16, channels: 3 };
    let action = Space::Discrete { n: 2 };
    let dir = dir.join(format!("{n}"));
    let mut rng = Seed(2).rng();
    let mut store = Store::create(&dir, &obs, &action)?;
    let began = Instant::now();
    for idx in 0..n {
        store.append_later(&episode(idx, ALL_STEPS / n, &mut rng, &|rng| obs.sample(rng), &action))?;
    }
    store.commit()?;
    let rate = n as f64 / began.elapsed().as_secs_f64();
    report.push((format!("append {n} episodes of {} steps", ALL_STEPS / n), rate, "episodes/s"));
    let opened: Result<Vec<f64>> = (0..ROUNDS).map(|_| time(1, || Store::open(&dir).map(drop))).collect();
    report.push((format!("open {n} episodes"), 1e3 * median(opened?), "ms"));
    let mut replay = Replay::mapped(&obs, &action, 2 * ALL_STEPS, Seed(3))?;
    (0..n).try_for_each(|idx| replay.push_stored(&store, idx))?;
    // Everything is looked at once, so that no round pays for mapping pages that another one has mapped already.
    let mut batch = Batch::default();
    for episode in 0..n as u64 {
        let steps = (0..=ALL_STEPS / n).step_by(N_STEPS);
        let starts: Vec<StepId> = steps.map(|step| StepId { episode, step: step as u64 }).collect();
        replay.windows_into(&starts, &Window::padded(N_STEPS, 1), &mut batch)?;
    }
    Ok(replay)
}

fn episode(
    idx: usize,
    n: usize,
    rng: &mut worldsmith_core::Rng,
    view: &dyn Fn(&mut worldsmith_core::Rng) -> Value,
    action: &Space,
) -> Episode {
    let meta = EpisodeMeta {
        env: "bench".into(),
        policy: "random".into(),
        seed: Seed(idx as u64),
        source: "real".into(),
        task: None,
    };
    // One picture an episode is drawn and then drifts, so that making the data does not take minutes.
    let first = view(rng);
    let drift = |t: usize| match &first {
        Value::Image(image) => {
            let mut image: Image = image.clone();
            let by = t * 3 % image.data.len();
            image.data.rotate_left(by);
            Value::Image(image)
        }
        other => other.clone(),
    };
    let mut episode = Episode::start(drift(0), meta);
    for t in 0..n {
        let kind = if t + 1 == n { StepKind::Terminated } else { StepKind::Mid };
        let step = Step { kind, obs: drift(t + 1), reward: 0.0 };
        episode.push(action.sample(rng), step).expect("steps follow each other");
    }
    episode
}

/// Mean seconds of a call.
fn time(n: usize, mut call: impl FnMut() -> Result<()>) -> Result<f64> {
    let began = Instant::now();
    (0..n).try_for_each(|_| call())?;
    Ok(began.elapsed().as_secs_f64() / n as f64)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
