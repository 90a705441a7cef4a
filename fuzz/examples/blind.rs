//! The targets without coverage, which needs no nightly compiler: seeds are damaged at random, for some seconds.
//!
//! ```text
//! cargo run --release --example blind -- 600 store zarr
//! ```
//!
//! Prints a line a target. An input that panics, takes longer than ten seconds or more than 2 GiB of memory is kept in
//! `artifacts/<target>/`, and makes the program fail.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use worldsmith_core::{Rng, Seed};
use worldsmith_fuzz::{Sets, scratch};

const MOST_BYTES: usize = 2 << 30;
const LONGEST: Duration = Duration::from_secs(10);
/// Numbers that files lie with.
const NUMBERS: [u64; 14] = [
    0,
    1,
    2,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    1 << 32,
    1 << 40,
    i64::MAX as u64,
    u64::MAX,
];
/// Words that texts lie with.
const WORDS: [&str; 12] = [
    "-1",
    "0",
    "4294967296",
    "18446744073709551615",
    "1e308",
    "null",
    "[]",
    "{}",
    "\"\"",
    "../../..",
    "/",
    "NaN",
];

/// The last panic, caught or not.
static LAST: Mutex<String> = Mutex::new(String::new());

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let secs = args.next().and_then(|secs| secs.parse().ok());
    let Some(secs) = secs else {
        eprintln!("usage: blind <seconds> <target>..");
        return ExitCode::from(2);
    };
    std::panic::set_hook(Box::new(|panic| *LAST.lock().expect("nothing panics here") = panic.to_string()));
    let n_found: usize = args.map(|target| run(&target, Duration::from_secs(secs))).sum();
    ExitCode::from(u8::from(n_found > 0))
}

/// Tries inputs of `target` for so long; returns how many were findings.
fn run(target: &str, time: Duration) -> usize {
    let dir = scratch(target);
    let mut sets = Sets::make(target, &dir);
    let seeds: Vec<Vec<u8>> = sets.seeds().collect();
    let (current, mut rng) = (dir.join("input"), Seed(std::process::id().into()).rng());
    let (start, mut n_runs, mut n_found) = (Instant::now(), 0_u64, 0);
    while start.elapsed() < time {
        let input = damaged(&seeds, &mut rng);
        // Whatever ends this process leaves it here.
        fs::write(&current, &input).expect("the scratch folder can be written");
        let begun = Instant::now();
        let read = catch_unwind(AssertUnwindSafe(|| sets.read(&input)));
        n_runs += 1;
        let why = match read {
            Err(_) => LAST.lock().expect("nothing panics here").clone(),
            Ok(()) if begun.elapsed() > LONGEST => format!("{:.0} s", begun.elapsed().as_secs_f64()),
            Ok(()) => continue,
        };
        n_found += 1;
        println!("{target}: {}: {why}", keep(target, n_found, &input).display());
    }
    println!("{target}: {n_runs} inputs in {:.0} s, {n_found} findings", start.elapsed().as_secs_f64());
    let _ = fs::remove_dir_all(dir);
    n_found
}

fn keep(target: &str, n: usize, input: &[u8]) -> PathBuf {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts").join(target);
    fs::create_dir_all(&dir).expect("artifacts can be written");
    let path = dir.join(format!("blind-{}-{n}", std::process::id()));
    fs::write(&path, input).expect("artifacts can be written");
    path
}

/// One of the seeds, changed in a few places. Its first byte, which chooses the file, stays.
fn damaged(seeds: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let seed = &seeds[rng.below(seeds.len())];
    let mut bytes = seed[1..].to_vec();
    for _ in 0..=rng.below(4) {
        change(&mut bytes, seeds, rng);
    }
    bytes.insert(0, seed[0]);
    bytes
}

fn change(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], rng: &mut Rng) {
    let at = rng.below(bytes.len() + 1);
    let end = (at + 1 + rng.below(16)).min(bytes.len());
    match rng.below(8) {
        0 | 1 if at < bytes.len() => bytes[at] ^= 1 << rng.below(8),
        2 if at < bytes.len() => bytes[at] = rng.below(256) as u8,
        3 | 4 => {
            let number = NUMBERS[rng.below(NUMBERS.len())].wrapping_add(rng.below(3) as u64).wrapping_sub(1);
            let n = [1, 2, 4, 8][rng.below(4)];
            let (le, be) = (number.to_le_bytes(), number.to_be_bytes());
            let number = if rng.below(2) == 0 { &le[..n] } else { &be[8 - n..] };
            bytes.iter_mut().skip(at).zip(number).for_each(|(to, from)| *to = *from);
        }
        5 => {
            // A number or word of a text.
            let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
            let from = bytes[..at].iter().rposition(|byte| !is_word(byte)).map_or(0, |at| at + 1);
            let to = bytes[at..].iter().position(|byte| !is_word(byte)).map_or(bytes.len(), |n| at + n);
            bytes.splice(from..to, WORDS[rng.below(WORDS.len())].bytes());
        }
        6 => {
            let other = &seeds[rng.below(seeds.len())];
            let from = rng.below(other.len());
            let piece = &other[from..other.len().min(from + 1 + rng.below(64))];
            bytes.splice(at..if rng.below(2) == 0 { at } else { end }, piece.iter().copied());
        }
        _ if rng.below(4) == 0 => bytes.truncate(at),
        _ => drop(bytes.drain(at..end)),
    }
}

/// Ends the process where more memory is asked for than any small file may need.
struct Bounded;

static HELD: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is left to the system's allocator.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size() > MOST_BYTES {
            eprintln!("more than {MOST_BYTES} bytes of memory");
            std::process::abort();
        }
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static MEMORY: Bounded = Bounded;
