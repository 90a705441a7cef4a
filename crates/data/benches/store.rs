//! Speed of the store and of filling a replay: `cargo bench -p worldsmith-data --bench store`.

use std::path::Path;
use std::time::Instant;

use worldsmith_core::{Episode, EpisodeMeta, Result, Seed, Space, Step, StepKind, Value};
use worldsmith_data::{Replay, Store};

const OBS: Space = Space::Image { height: 64, width: 64, channels: 3 };
const ACTION: Space = Space::Discrete { n: 4 };
const FRAME_BYTES: usize = 64 * 64 * 3;
const N_EPISODES: usize = 100;
const LEN: usize = 500;

fn main() -> Result<()> {
    let episode = episode()?;
    let mut replay = Replay::new(&OBS, &ACTION, N_EPISODES * (LEN + 1), Seed(0))?;
    let secs = time(1, || (0..N_EPISODES).try_for_each(|_| replay.push(&episode)))?;
    println!("replay push     {:6.2} GB/s", (N_EPISODES * (LEN + 1) * FRAME_BYTES) as f64 / secs / 1e9);

    let dir = std::env::temp_dir().join(format!("worldsmith-bench-{}", std::process::id()));
    let done = bench_store(&dir, &episode);
    let _ = std::fs::remove_dir_all(&dir);
    done
}

fn bench_store(dir: &Path, episode: &Episode) -> Result<()> {
    let mut store = Store::create(dir, &OBS, &ACTION)?;
    let megabytes = ((LEN + 1) * FRAME_BYTES) as f64 / 1e6;
    let secs = time(20, || store.append(episode).map(drop))?;
    println!("store append    {:6.2} GB/s  {:6.3} ms an episode", megabytes / secs / 1e3, secs * 1e3);
    let secs = time(20, || store.read(3).map(drop))?;
    println!("store read      {:6.2} GB/s  {:6.3} ms an episode", megabytes / secs / 1e3, secs * 1e3);
    let secs = time(20, || store.summary().map(drop))?;
    println!("store summary   {:6.3} ms for {} episodes", secs * 1e3, store.len());
    Ok(())
}

/// Seconds a call, on average over `n`.
fn time(n: usize, mut f: impl FnMut() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    for _ in 0..n {
        f()?;
    }
    Ok(start.elapsed().as_secs_f64() / n as f64)
}

fn episode() -> Result<Episode> {
    let mut rng = Seed(0).rng();
    let meta = EpisodeMeta {
        env: "noise".into(),
        policy: "random".into(),
        seed: Seed(0),
        source: "real".into(),
        task: None,
    };
    let mut episode = Episode::start(OBS.sample(&mut rng), meta);
    for t in 0..LEN {
        let kind = if t + 1 == LEN { StepKind::Terminated } else { StepKind::Mid };
        episode.push(Value::Discrete(0), Step { kind, obs: OBS.sample(&mut rng), reward: 0.0 })?;
    }
    Ok(episode)
}
