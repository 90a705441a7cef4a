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
use worldsmith_data::Store;

use super::{action_space, episode, obs_space};

/// Tells the child where to write.
const STORE_DIR: &str = "WORLDSMITH_CRASH_TEST_DIR";

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
        false => Store::create(dir, &obs_space(), &action_space()).unwrap(),
    };
    loop {
        let idx = store.append(&numbered(store.len())).unwrap();
        println!("committed {idx}");
        std::io::stdout().flush().unwrap();
    }
}

fn start_writer(dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::the_writer_of_the_crash_tests", "--nocapture", "--test-threads=1"])
        .env(STORE_DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Lets a writer run until it has committed something, kills it after `delay`, and returns how many episodes it said were
/// committed.
fn kill_a_writer(dir: &Path, delay: Duration) -> usize {
    let mut child = start_writer(dir);
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
    let (n_kills, per_store) = if std::env::var_os("RUN_SLOW").is_some() { (1000, 50) } else { (12, 6) };
    let mut rng = Seed(7).rng();
    let (mut n_dropped, mut n_kept) = (0, 0);
    for _ in 0..n_kills / per_store {
        let dir = tempfile::tempdir().unwrap();
        for _ in 0..per_store {
            let committed = kill_a_writer(dir.path(), Duration::from_micros(rng.below(8_000) as u64));
            let store = Store::open(dir.path()).unwrap();
            assert!(store.len() >= committed, "committed {committed}, found {}", store.len());
            assert!(store.len() <= committed + 1, "committed {committed}, found {}", store.len());
            n_dropped += usize::from(store.leftovers().is_some());
            for idx in store.len().saturating_sub(5)..store.len() {
                assert_eq!(store.read(idx).unwrap(), numbered(idx));
            }
        }
        let store = Store::open(dir.path()).unwrap();
        store.iter().enumerate().for_each(|(idx, read)| assert_eq!(read.unwrap(), numbered(idx)));
        n_kept += store.len();
    }
    println!(
        "{n_kills} kills: {n_kept} episodes committed and whole, {n_dropped} half-written ones dropped and said"
    );
}
