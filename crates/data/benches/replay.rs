//! Speed of replay sampling: `cargo bench -p worldsmith-data --bench replay`.
//!
//! With `--serve` it answers on stdout to names of cases on stdin, so that `benches/peers/replay.py` can measure other
//! libraries and this one in turns.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::BufRead;
use std::time::{Duration, Instant};

use worldsmith_core::{Episode, EpisodeMeta, Error, Result, Seed, Space, Step, StepKind};
use worldsmith_data::{Batch, Pick, Replay, Sampler, Window};

/// How long a case is measured at a time, and how often: short turns, so that all see the same machine.
const SPAN: Duration = Duration::from_millis(100);
const ROUNDS: usize = 35;
const FRAME_BYTES: usize = 64 * 64 * 3;
/// Steps of pictures held: 614 MB, far more than any cache.
const N_FRAMES: usize = 50_000;
/// Steps of numbers held, as many as the peers hold.
const N_ROWS: usize = 1_000_000;
const PER_REPLAY: Pick = Pick::Prioritised { alpha: 0.6, beta: 0.4 };

/// One thing to measure: seconds a call.
type Case = Box<dyn FnMut() -> Result<()>>;

fn main() -> Result<()> {
    let mut cases = BTreeMap::new();
    pictures(&mut cases)?;
    for (name, n_episodes) in [("1k", 1000), ("100k", 100_000)] {
        numbers(name, n_episodes, &mut cases)?;
    }
    if std::env::args().any(|arg| arg == "--serve") {
        return serve(&mut cases);
    }
    let mut rates: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for _ in 0..ROUNDS {
        for (name, case) in &mut cases {
            rates.entry(name.clone()).or_default().push(rate(case)?);
        }
    }
    for (name, rates) in &mut rates {
        rates.sort_by(f64::total_cmp);
        println!("{name:34} {:10.0} a second", rates[rates.len() / 2]);
    }
    Ok(())
}

fn serve(cases: &mut BTreeMap<String, Case>) -> Result<()> {
    for line in std::io::stdin().lock().lines() {
        let name = line.map_err(|err| Error::invalid(err.to_string()))?;
        match cases.get_mut(&name) {
            Some(case) => println!("{}", rate(case)?),
            None => {
                return Err(Error::unknown("case", &name, cases.keys().map(String::as_str), "cargo bench"));
            }
        }
    }
    Ok(())
}

/// Calls a second.
fn rate(case: &mut Case) -> Result<f64> {
    case()?;
    let (start, mut n) = (Instant::now(), 0);
    while start.elapsed() < SPAN {
        case()?;
        n += 1;
    }
    Ok(f64::from(n) / start.elapsed().as_secs_f64())
}

/// Sequences of pictures: 16 windows of 64 steps, 12.6 MB a batch.
fn pictures(cases: &mut BTreeMap<String, Case>) -> Result<()> {
    let space = Space::Image { height: 64, width: 64, channels: 3 };
    let mut all = filled(&space, N_FRAMES, 100)?;
    let mut batch = Batch::default();
    let mut other = filled(&space, N_FRAMES, 100)?;
    cases.insert("sequences/reused".into(), Box::new(move || all.sample_into(16, 64, &mut batch)));
    cases
        .insert("sequences/fresh".into(), Box::new(move || other.sample(16, 64).map(|b| drop(black_box(b)))));

    // What one thread can copy, as a floor.
    let source = vec![1_u8; N_FRAMES * FRAME_BYTES];
    let (mut out, mut rng) = (vec![0_u8; 16 * 64 * FRAME_BYTES], Seed(1).rng());
    cases.insert(
        "sequences/memcpy".into(),
        Box::new(move || {
            for window in out.chunks_exact_mut(64 * FRAME_BYTES) {
                let at = rng.below(N_FRAMES - 64) * FRAME_BYTES;
                window.copy_from_slice(&source[at..at + window.len()]);
            }
            black_box(&mut out);
            Ok(())
        }),
    );
    Ok(())
}

/// 256 transitions, and 16 windows of 64 steps, of 17 numbers and an action of 6, from a million steps.
fn numbers(label: &str, n_episodes: usize, cases: &mut BTreeMap<String, Case>) -> Result<()> {
    let all = std::rc::Rc::new(filled(&Space::vector(17, -9.0, 9.0), N_ROWS, n_episodes)?);
    let picks = [
        ("uniform", Pick::Uniform),
        ("recent", Pick::Recent { half_life: 1e5 }),
        ("balanced", Pick::Balanced),
        ("prioritised", PER_REPLAY),
        ("counted", Pick::Counted { temperature: 20.0 }),
    ];
    let windows = [("transitions", 256, Window::within(2)), ("windows", 16, Window::crossing(64))];
    for ((what, n, window), (pick_name, pick)) in
        windows.into_iter().flat_map(|w| picks.into_iter().map(move |p| (w, p)))
    {
        let (all, mut batch) = (all.clone(), Batch::default());
        let mut sampler = Sampler::new(pick, window, Seed(2))?;
        let case: Case = Box::new(move || sampler.sample_into(&all, n, &mut batch));
        cases.insert(format!("{what}/{pick_name}/{label}"), case);
    }
    let (mut batch, mut rng, mut priorities) = (Batch::default(), Seed(4).rng(), vec![0.0; 256]);
    let mut sampler = Sampler::new(PER_REPLAY, Window::within(2), Seed(3))?;
    let case: Case = Box::new(move || {
        sampler.sample_into(&all, 256, &mut batch)?;
        priorities.iter_mut().for_each(|p| *p = rng.uniform());
        sampler.update_priorities(&all, &batch.starts, &priorities)
    });
    cases.insert(format!("transitions/updated/{label}"), case);
    Ok(())
}

/// A replay of `n_steps` steps in `n_episodes` equal episodes.
fn filled(obs: &Space, n_steps: usize, n_episodes: usize) -> Result<Replay> {
    let mut rng = Seed(0).rng();
    let action = Space::vector(6, -1.0, 1.0);
    let mut replay = Replay::new(obs, &action, n_steps, Seed(0))?;
    let meta = EpisodeMeta {
        env: "noise".into(),
        policy: "random".into(),
        seed: Seed(0),
        source: "real".into(),
        task: None,
    };
    let mut episode = Episode::start(obs.sample(&mut rng), meta);
    for t in 1..n_steps / n_episodes {
        let kind = if t + 1 == n_steps / n_episodes { StepKind::Terminated } else { StepKind::Mid };
        episode.push(action.sample(&mut rng), Step { kind, obs: obs.sample(&mut rng), reward: 0.0 })?;
    }
    (0..n_episodes).try_for_each(|_| replay.push(&episode))?;
    Ok(replay)
}
