//! Speed and memory of the built-in worlds: `cargo bench -p worldsmith-env --bench worlds [-- FILTER] [--json]`.
//!
//! For every world whose id holds FILTER: steps a second of the view that is shown by default (or the first one without a
//! picture), frames a second of 64x64 RGB, both in batches of 256 environments with random actions, on one thread and on all;
//! how often a step takes memory; and how much memory an environment holds. Resets count as steps.
//!
//! `worlds --serve` is for `benches/peers/worlds.py`: a case on stdin, such as `cartpole, 1 thread` or `cartpole, single`, is
//! answered on stdout with steps a second, or with `nan` where there is no such world.

#[path = "../tests/allocations/allocator.rs"]
#[allow(dead_code, reason = "the test also asks what all threads take")]
mod allocator;

use std::io::BufRead;
use std::time::{Duration, Instant};

use worldsmith_core::{Error, Result, Rng, Seed, Space, Value};
use worldsmith_env::batch::{Actions, BatchEnv, Frames};
use worldsmith_env::{envs, make, make_batch, make_built_in};

const N_ENVS: usize = 256;
/// How long a case is measured, in how many parts; the median counts.
const SPAN: Duration = Duration::from_millis(90);
const ROUNDS: usize = 5;
/// Turns of actions that are drawn beforehand and used again and again.
const N_TURNS: usize = 64;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if args.iter().any(|arg| arg == "--serve") {
        return serve();
    }
    let json = args.iter().any(|arg| arg == "--json");
    let filter = args.iter().find(|arg| !arg.starts_with("--")).map_or("", String::as_str);
    let n_threads = all_threads();
    if !json {
        println!("{N_ENVS} environments, random actions, 1 and {n_threads} threads; median of {ROUNDS}");
        println!(
            "{:<28} {:<8} {:>12} {:>12} {:>11} {:>11} {:>11} {:>9}",
            "world", "view", "steps/s", "all threads", "frames/s", "all threads", "taken/step", "bytes"
        );
    }
    for entry in envs().filter(|entry| entry.id.contains(filter)) {
        let row = Row::measure(entry.id, n_threads)?;
        println!("{}", if json { row.json() } else { row.text() });
    }
    Ok(())
}

fn all_threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// What is known of one world.
struct Row {
    id: &'static str,
    /// The view that is no picture, if there is one.
    view: Option<String>,
    /// Steps a second with that view, on one thread and on all.
    steps: [f64; 2],
    /// Frames a second of 64x64, on one thread and on all.
    frames: [f64; 2],
    /// How often a step takes memory, with that view and with pictures.
    taken: [f64; 2],
    /// What an environment holds, beside the memory for what it shows.
    bytes: f64,
}

impl Row {
    fn measure(id: &'static str, n_threads: usize) -> Result<Self> {
        let (view, picture) = views(id)?;
        let shown = view.clone().unwrap_or_else(|| picture.clone());
        let (plain, drawn) = (format!("{id}?obs={shown}"), format!("{id}?obs={picture}&size=64"));
        let bytes = bytes_each(&plain)?;
        let rates =
            |id: &str| Ok::<_, Error>([Stepped::new(id, 1)?.rate()?, Stepped::new(id, n_threads)?.rate()?]);
        let (steps, frames) = (rates(&plain)?, rates(&drawn)?);
        let taken = [Stepped::new(&plain, 1)?.taken()?, Stepped::new(&drawn, 1)?.taken()?];
        Ok(Self { id, view, steps, frames, taken, bytes })
    }

    fn text(&self) -> String {
        let Self { id, steps, frames, taken, bytes, .. } = self;
        let view = self.view.as_deref().unwrap_or("-");
        format!(
            "{id:<28} {view:<8} {:>12.0} {:>12.0} {:>11.0} {:>11.0} {:>5.2} {:>5.2} {bytes:>9.0}",
            steps[0], steps[1], frames[0], frames[1], taken[0], taken[1]
        )
    }

    fn json(&self) -> String {
        serde_json::json!({
            "world": self.id,
            "view": self.view,
            "steps_per_sec": {"one_thread": self.steps[0], "all_threads": self.steps[1]},
            "frames_per_sec": {"one_thread": self.frames[0], "all_threads": self.frames[1]},
            "taken_per_step": {"view": self.taken[0], "picture": self.taken[1]},
            "bytes_per_environment": self.bytes,
        })
        .to_string()
    }
}

/// Names of the view without a picture and of the first picture.
fn views(id: &str) -> Result<(Option<String>, String)> {
    let Space::Dict(all) = make(&format!("{id}?obs=all"))?.spec().obs.clone() else {
        // Only one view, and every world has a picture.
        return Ok((None, "pixels".to_owned()));
    };
    let is_picture = |space: &Space| matches!(space, Space::Image { .. });
    let by_default = make(id)?.spec().obs.clone();
    let plain = |(_, space): &(&String, &Space)| !is_picture(space);
    let view = all.iter().filter(plain).max_by_key(|(name, space)| (**space == by_default, *name == "state"));
    let picture = all.iter().find(|(_, space)| is_picture(space));
    let name = |(name, _): (&String, &Space)| name.clone();
    picture
        .map(|picture| (view.map(name), name(picture)))
        .ok_or_else(|| Error::invalid(format!("expected a picture of `{id}`, found none")))
}

/// A batch and what is done in it.
struct Stepped {
    batch: Box<dyn BatchEnv>,
    frames: Frames,
    turns: Vec<Turn>,
    n_turns: usize,
}

/// One action for every environment.
enum Turn {
    Choices(Vec<i64>),
    Numbers(Vec<f32>),
}

impl Turn {
    fn random(space: &Space, rng: &mut Rng) -> Self {
        match space {
            Space::Box { low, high, .. } => {
                let bounds = || low.iter().zip(high);
                let all = (0..N_ENVS).flat_map(|_| bounds());
                Turn::Numbers(all.map(|(low, high)| low + (high - low) * rng.uniform()).collect())
            }
            _ => Turn::Choices((0..N_ENVS).filter_map(|_| space.sample(rng).as_discrete()).collect()),
        }
    }
}

impl Stepped {
    /// A batch in which everything that is made once has been made.
    fn new(id: &str, n_threads: usize) -> Result<Self> {
        let mut batch = make_batch(id, N_ENVS, n_threads)?;
        let mut frames = batch.frames();
        let mut rng = Seed(1).rng();
        let turns = (0..N_TURNS).map(|_| Turn::random(&batch.spec().action, &mut rng)).collect();
        batch.reset(Seed(2), &mut frames)?;
        let mut stepped = Self { batch, frames, turns, n_turns: 0 };
        (0..8).try_for_each(|_| stepped.step())?;
        Ok(stepped)
    }

    fn step(&mut self) -> Result<()> {
        let actions = match &self.turns[self.n_turns % N_TURNS] {
            Turn::Choices(all) => Actions::Choices(all),
            Turn::Numbers(all) => Actions::Numbers(all),
        };
        self.n_turns += 1;
        self.batch.step(actions, &mut self.frames)
    }

    /// Steps a second.
    fn rate(&mut self) -> Result<f64> {
        rate(N_ENVS, || self.step())
    }

    /// How often a step takes memory, over some episodes.
    fn taken(&mut self) -> Result<f64> {
        let (n_turns, began) = (self.n_turns, Instant::now());
        let before = allocator::n_taken_here();
        while self.n_turns < n_turns + 2000 && (self.n_turns < n_turns + 20 || began.elapsed() < SPAN) {
            self.step()?;
        }
        let taken = allocator::n_taken_here() - before;
        Ok(taken as f64 / ((self.n_turns - n_turns) * N_ENVS) as f64)
    }
}

/// What an environment of a batch holds after some steps, without the memory for what it shows.
fn bytes_each(id: &str) -> Result<f64> {
    let before = allocator::bytes_held();
    let mut stepped = Stepped::new(id, 1)?;
    (0..100).try_for_each(|_| stepped.step())?;
    let Stepped { batch, frames, turns, .. } = stepped;
    drop((frames, turns));
    let held = allocator::bytes_held() - before;
    drop(batch);
    Ok(held as f64 / N_ENVS as f64)
}

/// How much of the work, `each` a call, is done in a second: the median of some rounds.
fn rate(each: usize, mut call: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        let (began, mut n) = (Instant::now(), 0);
        while began.elapsed() < SPAN {
            call()?;
            n += each;
        }
        rates.push(n as f64 / began.elapsed().as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    Ok(rates[ROUNDS / 2])
}

/// Answers the names of cases.
fn serve() -> Result<()> {
    for line in std::io::stdin().lock().lines() {
        let case = line.map_err(|err| Error::invalid(err.to_string()))?;
        println!(
            "{}",
            answer(&case).unwrap_or_else(|err| {
                eprintln!("{case}: {err}");
                f64::NAN
            })
        );
    }
    Ok(())
}

/// Steps a second of a case: an id, `, ` and `single` or a number of threads.
fn answer(case: &str) -> Result<f64> {
    let (id, how) = case.rsplit_once(", ").unwrap_or((case, "single"));
    if how == "single" {
        return single(id);
    }
    let n_threads = how.split(' ').next().and_then(|n| n.parse().ok());
    let n_threads = n_threads.ok_or_else(|| Error::invalid(format!("expected threads, got `{how}`")))?;
    Stepped::new(id, n_threads)?.rate()
}

/// Steps a second of one environment that is stepped alone, with values that are made anew for each step.
fn single(id: &str) -> Result<f64> {
    let mut env = make_built_in(id)?;
    let mut rng = Seed(1).rng();
    let actions: Vec<Value> = (0..N_TURNS).map(|_| env.spec().action.sample(&mut rng)).collect();
    let (mut n, mut over) = (0, true);
    let mut step = || {
        n += 1;
        let step = if over { env.reset(Seed(n as u64))? } else { env.step(&actions[n % N_TURNS])? };
        over = step.kind.is_last();
        Ok(())
    };
    // The clock is not looked at for every step, where steps take less time than that.
    rate(16, || (0..16).try_for_each(|_| step()))
}
