//! Speed of readers beside those of other libraries: `benches/peers/store.py` and `benches/peers/video.py` start this and ask
//! for cases in turns.
//!
//! `loaders --serve store SET.h5 DIR` imports a set into a store in `DIR` and draws batches of 64 random windows of 16 steps.
//! `loaders --serve video NAME SET ...` reads random windows of 16 frames from LeRobot sets, and from stores of them. The name of a case on stdin is
//! answered on stdout with windows a second, of all threads together.

use std::hint::black_box;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use worldsmith_core::{Error, Result, Rng, Seed};
use worldsmith_data::formats::{self, ReadOptions};
use worldsmith_data::{Batch, Replay, Store};
use worldsmith_video::VideoReader;

/// How long a case is measured.
const SPAN: Duration = Duration::from_millis(700);
const N_SEQS: usize = 64;
const N_STEPS: usize = 16;
const WINDOW_BYTES: usize = N_STEPS * 64 * 64 * 3;

/// One thread's work: each call returns the number of windows that it read.
type Work = Box<dyn FnMut() -> Result<usize> + Send>;

/// A case: its name, and its work for one thread and for two.
struct Case {
    name: String,
    threads: Vec<Work>,
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["--serve", "store", set, dir] => serve(store_cases(Path::new(set), Path::new(dir))?),
        ["--serve", "video", ref named @ ..] => {
            let mut cases = Vec::new();
            for pair in named.chunks_exact(2) {
                cases.extend(video_cases(pair[0], Path::new(pair[1]))?);
            }
            serve(cases)
        }
        // `cargo bench` without a script.
        _ => {
            eprintln!("benches/peers/store.py and benches/peers/video.py start this");
            Ok(())
        }
    }
}

fn serve(mut cases: Vec<Case>) -> Result<()> {
    for line in std::io::stdin().lock().lines() {
        let name = line.map_err(|err| Error::invalid(err.to_string()))?;
        match cases.iter_mut().find(|case| case.name == name) {
            Some(case) => println!("{}", rate(&mut case.threads)?),
            None => {
                return Err(Error::unknown(
                    "case",
                    &name,
                    cases.iter().map(|c| c.name.as_str()),
                    "cargo bench",
                ));
            }
        }
    }
    Ok(())
}

/// Windows a second of all threads together.
fn rate(threads: &mut [Work]) -> Result<f64> {
    let (stop, n_windows) = (AtomicBool::new(false), AtomicUsize::new(0));
    threads.iter_mut().try_for_each(|work| work().map(drop))?;
    let start = Instant::now();
    let run = |work: &mut Work| -> Result<()> {
        while !stop.load(Ordering::Relaxed) {
            n_windows.fetch_add(work()?, Ordering::Relaxed);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let run = &run;
        let running: Vec<_> = threads.iter_mut().map(|work| scope.spawn(move || run(work))).collect();
        std::thread::sleep(SPAN);
        stop.store(true, Ordering::Relaxed);
        running.into_iter().try_for_each(|thread| thread.join().expect("a thread panicked"))
    })?;
    Ok(n_windows.into_inner() as f64 / start.elapsed().as_secs_f64())
}

/// `name` with one thread and with two.
fn cases(name: &str, make: &dyn Fn(u64) -> Result<Work>) -> Result<[Case; 2]> {
    let case = |n: u64, what: &str| {
        let threads = (0..n).map(make).collect::<Result<_>>()?;
        Ok(Case { name: format!("{name}, {what}"), threads })
    };
    Ok([case(1, "1 thread")?, case(2, "2 threads")?])
}

/// Puts the episodes of a set into a new store in `dir`, pictures raw.
fn import(set: &Path, dir: &Path) -> Result<()> {
    let (_, mut source) = formats::open(set, None, &ReadOptions::default())?;
    let mut store = Store::create(dir, &source.info().obs, &source.info().action)?;
    (0..source.n_episodes()).try_for_each(|idx| store.append_later(&source.read(idx)?))?;
    store.commit()
}

/// Batches of random windows from the store in `dir`.
fn store_windows(dir: &Path, seed: u64) -> Result<Work> {
    let store = Store::open(dir)?;
    let mut replay = Replay::mapped(store.obs(), store.action(), 1 << 20, Seed(seed))?;
    (0..store.len()).try_for_each(|idx| replay.push_stored(&store, idx))?;
    let mut batch = Batch::default();
    Ok(Box::new(move || {
        replay.sample_into(N_SEQS, N_STEPS, &mut batch)?;
        Ok(N_SEQS)
    }))
}

/// Batches from a store beside a plain copy of as many bytes.
fn store_cases(set: &Path, dir: &Path) -> Result<Vec<Case>> {
    import(set, dir)?;
    let windows = |seed: u64| store_windows(dir, seed);
    let source = std::sync::Arc::new(vec![1_u8; 25_000 * 64 * 64 * 3]);
    let memcpy = |seed: u64| {
        let (mut out, mut rng, source) =
            (vec![0_u8; N_SEQS * WINDOW_BYTES], Seed(seed).rng(), source.clone());
        let work: Work = Box::new(move || {
            for window in out.chunks_exact_mut(WINDOW_BYTES) {
                let at = rng.below((source.len() - WINDOW_BYTES) / 64) * 64;
                window.copy_from_slice(&source[at..at + WINDOW_BYTES]);
            }
            black_box(&mut out);
            Ok(N_SEQS)
        });
        Ok(work)
    };
    let [store, memcpy] = [cases("store", &windows)?, cases("memcpy", &memcpy)?];
    Ok(store.into_iter().chain(memcpy).collect())
}

/// Windows of a LeRobot set, of its one film alone, and of a store beside it that it is imported into.
fn video_cases(name: &str, set: &Path) -> Result<Vec<Case>> {
    let store = set.with_extension("store");
    import(set, &store)?;
    let imported = |seed: u64| store_windows(&store, seed);
    let films = set.join("videos/observation.image/chunk-000");
    let film: PathBuf = films.join("file-000.mp4");
    let first = |seed: u64| set_windows(set, seed);
    let frames = |seed: u64| film_windows(&film, false, seed);
    let opened = |seed: u64| film_windows(&film, true, seed);
    let all = [
        cases(&format!("{name} set first"), &first)?,
        cases(&format!("{name} frames first"), &frames)?,
        cases(&format!("{name} frames opened"), &opened)?,
        cases(&format!("{name} set imported"), &imported)?,
    ];
    Ok(all.into_iter().flatten().collect())
}

/// Random windows of an episode of a set.
fn set_windows(set: &Path, seed: u64) -> Result<Work> {
    let options = |columns: &[&str]| {
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        ReadOptions { columns, ..ReadOptions::default() }
    };
    // How long episodes are, without a look at the film.
    let (_, mut numbers) = formats::open(set, None, &options(&["observation.state"]))?;
    let lengths = (0..numbers.n_episodes()).map(|idx| Ok(numbers.read(idx)?.len()));
    let lengths: Vec<usize> = lengths.collect::<Result<_>>()?;
    let (_, mut source) = formats::open(set, None, &options(&[]))?;
    let mut rng = Seed(seed).rng();
    Ok(Box::new(move || {
        let idx = rng.below(lengths.len());
        let start = rng.below(lengths[idx] + 2 - N_STEPS);
        black_box(source.read_range(idx, start..start + N_STEPS - 1)?);
        Ok(1)
    }))
}

/// Random windows of one film, which is opened once or for each window.
fn film_windows(film: &Path, open_each: bool, seed: u64) -> Result<Work> {
    let mut reader = VideoReader::open(film)?;
    let (n, film, mut rng): (usize, PathBuf, Rng) =
        (reader.info().n_frames, film.to_owned(), Seed(seed).rng());
    Ok(Box::new(move || {
        if open_each {
            reader = VideoReader::open(&film)?;
        }
        let start = rng.below(n + 1 - N_STEPS);
        black_box(reader.read(start..start + N_STEPS)?);
        Ok(1)
    }))
}
