//! What the ways to keep pictures cost: `cargo bench -p worldsmith-data --bench pictures -- SET [COPIES]`.
//!
//! The episodes of the data set `SET`, each as often as is asked for, are put into a store in every way: bytes on the disk,
//! steps a second that are written, and windows of 16 steps a second, batches of 64, drawn at random by one thread. Seconds are
//! those that the processor worked, where the system tells them, so that other work on the machine counts little.

use std::path::{Path, PathBuf};
use std::time::Instant;

use worldsmith_core::{Episode, Result, Rng, Seed, Space};
use worldsmith_data::formats::{self, ReadOptions};
use worldsmith_data::{Batch, Keeping, Pictures, Replay, StepId, Store, Window};

const N_SEQS: usize = 64;
const N_STEPS: usize = 16;
/// How many seconds a case is measured at least.
const SPAN: f64 = 1.0;
const WAYS: [Pictures; 4] = [Pictures::Raw, Pictures::Png, Pictures::H264, Pictures::Av1];

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let Some(set) = args.first() else {
        eprintln!("cargo bench -p worldsmith-data --bench pictures -- SET [COPIES]");
        return Ok(());
    };
    let n_copies = args.get(1).and_then(|n| n.parse().ok()).unwrap_or(1);
    let (_, mut source) = formats::open(Path::new(set), None, &ReadOptions::default())?;
    let episodes: Vec<Episode> =
        (0..source.n_episodes()).map(|idx| source.read(idx)).collect::<Result<_>>()?;
    let spaces = [source.info().obs.clone(), source.info().action.clone()];
    let dir = std::env::temp_dir().join(format!("worldsmith-bench-pictures-{}", std::process::id()));
    let measured = WAYS.iter().try_for_each(|way| {
        let store = fill(&dir.join(way.to_string()), *way, &spaces, &episodes, n_copies)?;
        drawn(&store)
    });
    let _ = std::fs::remove_dir_all(&dir);
    measured
}

/// A store of the episodes; says what writing it took.
fn fill(
    dir: &Path,
    pictures: Pictures,
    [obs, action]: &[Space; 2],
    episodes: &[Episode],
    n_copies: usize,
) -> Result<Store> {
    let mut store = Store::create_with(dir, obs, action, Keeping { pictures, fps: Some(10.0) })?;
    let clock = Clock::start();
    (0..n_copies).try_for_each(|_| episodes.iter().try_for_each(|episode| store.append_later(episode)))?;
    store.commit()?;
    let n_frames = n_copies * episodes.iter().map(|episode| episode.obs.len()).sum::<usize>();
    let shards = (0..).map(|idx| -> PathBuf { dir.join(format!("shards/{idx:06}.arrow")) });
    let n_bytes: u64 = shards.map_while(|shard| std::fs::metadata(shard).ok()).map(|shard| shard.len()).sum();
    say(pictures, "bytes a step", n_bytes as f64 / n_frames as f64);
    say(pictures, "steps written a second", n_frames as f64 / clock.secs());
    Ok(store)
}

/// Says how fast windows are drawn.
fn drawn(store: &Store) -> Result<()> {
    let pictures = store.pictures();
    let mut rng = Seed(2).rng();
    let rate = windows(&mut || random_windows(store, &mut rng))?;
    say(pictures, "windows a second read from the store", rate);
    let new = if pictures == Pictures::Png { Replay::new } else { Replay::mapped };
    let mut replay = new(store.obs(), store.action(), 1 << 18, Seed(1))?;
    (0..store.len()).try_for_each(|idx| replay.push_stored(store, idx))?;
    let mut batch = Batch::default();
    let mut draw = |replay: &mut Replay| {
        let rate = windows(&mut || replay.sample_into(N_SEQS, N_STEPS, &mut batch))?;
        Result::Ok(rate)
    };
    if !pictures.is_exact() {
        replay.keep_decoded(0);
        say(pictures, "windows a second drawn, none decoded before", draw(&mut replay)?);
        replay.keep_decoded(1 << 30);
        draw_all(&replay, store)?;
    }
    say(pictures, "windows a second drawn", draw(&mut replay)?);
    Ok(())
}

/// Draws everything once.
fn draw_all(replay: &Replay, store: &Store) -> Result<()> {
    let mut batch = Batch::default();
    (0..store.len()).try_for_each(|idx| {
        let steps = (0..=store.entry(idx)?.steps as u64).step_by(N_STEPS);
        let starts: Vec<StepId> = steps.map(|step| StepId { episode: idx as u64, step }).collect();
        replay.windows_into(&starts, &Window::padded(N_STEPS, 1), &mut batch)
    })
}

/// A batch of windows by the way of single reads.
fn random_windows(store: &Store, rng: &mut Rng) -> Result<()> {
    for _ in 0..N_SEQS {
        let idx = rng.below(store.len());
        let start = rng.below(store.entry(idx)?.steps + 2 - N_STEPS);
        std::hint::black_box(store.read_range(idx, start..start + N_STEPS - 1)?);
    }
    Ok(())
}

/// Windows a second, of calls that each make a batch.
fn windows(call: &mut dyn FnMut() -> Result<()>) -> Result<f64> {
    let (clock, mut n) = (Clock::start(), 0);
    while clock.secs() < SPAN {
        call()?;
        n += N_SEQS;
    }
    Ok(n as f64 / clock.secs())
}

/// Counts seconds: of this thread's work on Linux, of everybody's elsewhere.
struct Clock {
    begun: Instant,
    worked: Option<f64>,
}

impl Clock {
    fn start() -> Self {
        Self { begun: Instant::now(), worked: worked() }
    }

    fn secs(&self) -> f64 {
        let worked = self.worked.zip(worked()).map(|(then, now)| now - then);
        worked.unwrap_or_else(|| self.begun.elapsed().as_secs_f64())
    }
}

/// Seconds that the processor has spent on this thread.
fn worked() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(stat.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}

fn say(pictures: Pictures, what: &str, value: f64) {
    println!("{:<6} {what:<48} {value:>12.0}", pictures.to_string());
}
