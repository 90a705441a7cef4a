//! Speed of the store: `cargo bench -p worldsmith-data --bench store [-- --json]`.
//!
//! Windows of 16 x 64x64x3, batch 64, from files that the system holds in memory, beside a plain copy of as many bytes in
//! the same run; and what opening and sampling cost as episodes grow in number. `benches/peers/store.py` measures other
//! loaders on the same shapes.

use std::path::Path;
use std::time::Instant;

use worldsmith_core::{Episode, EpisodeMeta, Image, Result, Seed, Space, Step, StepKind, Value};
use worldsmith_data::{Batch, Replay, Store};

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

/// Opening and sampling 1,000 and 100,000 episodes of as many steps altogether.
fn growth(dir: &Path, report: &mut Report) -> Result<()> {
    const ALL_STEPS: usize = 1_000_000;
    let obs = Space::Image { height: 16, width: 16, channels: 3 };
    let action = Space::Discrete { n: 2 };
    let mut rates = Vec::new();
    for n in [1_000, 100_000] {
        let dir = dir.join(format!("{n}"));
        let mut rng = Seed(2).rng();
        let mut store = Store::create(&dir, &obs, &action)?;
        let began = Instant::now();
        for idx in 0..n {
            store.append_later(&episode(idx, ALL_STEPS / n, &mut rng, &|rng| obs.sample(rng), &action))?;
        }
        store.commit()?;
        report.push((
            format!("append {n} episodes of {} steps", ALL_STEPS / n),
            n as f64 / began.elapsed().as_secs_f64(),
            "episodes/s",
        ));
        let opened: Result<Vec<f64>> = (0..ROUNDS).map(|_| time(1, || Store::open(&dir).map(drop))).collect();
        report.push((format!("open {n} episodes"), 1e3 * median(opened?), "ms"));
        let mut replay = Replay::mapped(&obs, &action, 2 * ALL_STEPS, Seed(3))?;
        (0..n).try_for_each(|idx| replay.push_stored(&store, idx))?;
        let mut batch = Batch::default();
        let sampled: Result<Vec<f64>> =
            (0..ROUNDS).map(|_| time(200, || replay.sample_into(N_SEQS, N_STEPS, &mut batch))).collect();
        rates.push(N_SEQS as f64 / median(sampled?));
        report.push((
            format!("windows of 16 x 16x16x3 from {n} episodes"),
            rates[rates.len() - 1],
            "windows/s",
        ));
    }
    report.push(("rate at 100000 episodes over that at 1000".into(), 100.0 * rates[1] / rates[0], "%"));
    Ok(())
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
