//! Writers that are killed: no episode that was committed is lost, and none is torn.
//!
//! The child is this very test binary, run for the test `the_writer_of_the_crash_tests` alone.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use worldsmith_core::{Seed, StepKind};
use worldsmith_data::{Keeping, Pictures, Store, fingerprint};

use super::{action_space, episode, obs_space};

/// Tells the child where to write.
const STORE_DIR: &str = "WORLDSMITH_CRASH_TEST_DIR";
/// Tells it, by being there, to keep pictures as video.
const AS_VIDEO: &str = "WORLDSMITH_CRASH_TEST_VIDEO";

/// Episode `idx` of the store: long enough that a kill can hit the middle of a write.
fn numbered(idx: usize) -> worldsmith_core::Episode {
    episode(idx % 200, 50 + idx % 700, StepKind::Terminated)
}

#[test]
fn the_writer_of_the_crash_tests() {
    let Some(dir) = std::env::var_os(STORE_DIR) else { return };
    let dir = Path::new(&dir);
    let mut store = match dir.join("store.json").exists() {
        true => Store::open(dir).unwrap(),
        false => {
            let pictures = if std::env::var_os(AS_VIDEO).is_some() { Pictures::H264 } else { Pictures::Raw };
            let keeping = Keeping { pictures, ..Keeping::default() };
            Store::create_with(dir, &obs_space(), &action_space(), keeping).unwrap()
        }
    };
    loop {
        let idx = store.append(&numbered(store.len())).unwrap();
        println!("committed {idx}");
        std::io::stdout().flush().unwrap();
    }
}

fn start_writer(dir: &Path, pictures: Pictures) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    if !pictures.is_exact() {
        command.env(AS_VIDEO, "yes");
    }
    command
        .args(["--exact", "crash::the_writer_of_the_crash_tests", "--nocapture", "--test-threads=1"])
        .env(STORE_DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Lets a writer run until it has committed something, kills it after `delay`, and returns how many episodes it said were
/// committed.
fn kill_a_writer(dir: &Path, pictures: Pictures, delay: Duration) -> usize {
    let mut child = start_writer(dir, pictures);
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let committed = Arc::new(AtomicUsize::new(0));
    let (first, begun) = mpsc::channel();
    let seen = committed.clone();
    let reader = std::thread::spawn(move || {
        // A line that was cut by the kill has no number, or none that is larger.
        for idx in
            stdout.lines().map_while(Result::ok).filter_map(|l| l.strip_prefix("committed ")?.parse().ok())
        {
            seen.fetch_max(idx, Ordering::SeqCst);
            let _ = first.send(());
        }
    });
    begun.recv_timeout(Duration::from_secs(60)).expect("the writer commits something");
    std::thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap();
    committed.load(Ordering::SeqCst) + 1
}

#[test]
fn a_writer_killed_at_random_loses_no_committed_episode() {
    let is_slow = std::env::var_os("RUN_SLOW").is_some();
    kill_writers(Pictures::Raw, 8_000, if is_slow { (1000, 50) } else { (12, 6) });
}

#[test]
fn nor_does_one_that_writes_video() {
    let is_slow = std::env::var_os("RUN_SLOW").is_some();
    kill_writers(Pictures::H264, 40_000, if is_slow { (1000, 20) } else { (8, 4) });
}

/// Kills `n_kills` writers, `per_store` of each store, each within `most_us` microseconds of its first episode.
fn kill_writers(pictures: Pictures, most_us: usize, (n_kills, per_store): (usize, usize)) {
    // What was read is what was written, or, of video, what it became when it was written.
    let is_whole = |store: &Store, idx: usize| {
        let (read, hash) = (store.read(idx).unwrap(), store.entry(idx).unwrap().hash);
        match pictures.is_exact() {
            true => assert_eq!(read, numbered(idx)),
            false => {
                assert_eq!(fingerprint(&read), hash);
                assert_eq!(store.fingerprint_of(&numbered(idx)).unwrap(), hash);
            }
        }
    };
    let mut rng = Seed(7).rng();
    let (mut n_dropped, mut n_kept) = (0, 0);
    for _ in 0..n_kills / per_store {
        let dir = tempfile::tempdir().unwrap();
        for _ in 0..per_store {
            let delay = Duration::from_micros(rng.below(most_us) as u64);
            let committed = kill_a_writer(dir.path(), pictures, delay);
            let store = Store::open(dir.path()).unwrap();
            assert!(store.len() >= committed, "committed {committed}, found {}", store.len());
            assert!(store.len() <= committed + 1, "committed {committed}, found {}", store.len());
            n_dropped += usize::from(store.leftovers().is_some());
            for idx in store.len().saturating_sub(5)..store.len() {
                is_whole(&store, idx);
            }
        }
        let store = Store::open(dir.path()).unwrap();
        (0..store.len()).for_each(|idx| is_whole(&store, idx));
        n_kept += store.len();
    }
    println!(
        "{n_kills} kills, {pictures}: {n_kept} episodes committed and whole, {n_dropped} half-written ones dropped and said"
    );
}
