//! Stores whose writer is killed, and stores on a full disk: what was committed stays, and going on ends where an unbroken
//! writer ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::program::{Ended, folder, run, run_json, worldsmith};

/// Kills of an import, and of a collection.
fn n_kills() -> usize {
    if std::env::var_os("RUN_SLOW").is_some() { 500 } else { 6 }
}

/// A small set in `dir`, which becomes a store of 86 MB with pictures of `SIDE` pixels: several commits.
fn small_set(dir: &Path) {
    run_json(dir, &["collect", "--env", "breakout", "--episodes", "40", "--out", "played"]);
    run_json(dir, &["data", "export", "played", "--to", "npz", "--out", "set"]);
}

const SIDE: &str = "256";

fn import<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["data", "import", "set", "--image-size", SIDE, "--out", out][..], more].concat()
}

/// The fingerprints of the episodes that count, in order.
fn hashes(store: &Path) -> Vec<String> {
    let index = fs::read_to_string(store.join("index.jsonl")).unwrap_or_default();
    // A line that was cut short has no end.
    let lines = index.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let hash = |line: &str| {
        serde_json::from_str::<serde_json::Value>(line).ok()?["hash"].as_str().map(str::to_owned)
    };
    lines.map(|line| hash(line).expect("a line of the index describes an episode")).collect()
}

/// Bytes below a folder.
fn size(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).map_or(Vec::new(), |entries| entries.flatten().collect());
    let paths = entries.into_iter().map(|entry| entry.path());
    paths
        .map(|path| if path.is_dir() { size(&path) } else { fs::metadata(path).map_or(0, |file| file.len()) })
        .sum()
}

/// Something below `n` that is different every time: kills come at moments that nobody chose.
fn any_below(n: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    u64::from(now.subsec_nanos()).wrapping_mul(0x9e37_79b9_7f4a_7c15) % n.max(1)
}

/// Starts the program and kills it once `dir` has grown by `n_bytes`; says whether it came to its end before.
fn kill_after(dir: &Path, args: &[&str], watched: &Path, n_bytes: u64) -> bool {
    let before = size(watched);
    let mut child = worldsmith(dir, args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while size(watched) < before + n_bytes {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{args:?}: {status}");
            return true;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    std::thread::sleep(Duration::from_micros(any_below(3000)));
    child.kill().unwrap();
    child.wait().unwrap();
    false
}

#[test]
fn an_import_killed_at_random_and_gone_on_with_ends_like_an_unbroken_one() {
    let dir = folder();
    small_set(dir.path());
    run_json(dir.path(), &import("unbroken", &[]));
    let wanted = hashes(&dir.path().join("unbroken"));
    let n_bytes = size(&dir.path().join("unbroken"));
    let (mut n_kills_left, mut n_stores, mut n_dropped, mut n_kept) = (n_kills(), 0, 0, 0);
    while n_kills_left > 0 {
        let store = dir.path().join("broken");
        let mut committed = 0;
        loop {
            let args = import("broken", &["--resume"]);
            // Some are killed before they write anything, some after their last byte.
            let done = match n_kills_left {
                0 => run(dir.path(), &args).code == Some(0),
                _ => kill_after(dir.path(), &args, &store, any_below(n_bytes / 2)),
            };
            let found = hashes(&store);
            assert!(
                found.len() >= committed,
                "{committed} episodes were committed, {} are left",
                found.len()
            );
            assert_eq!(found, wanted[..found.len()], "none is torn, none is there twice");
            if done {
                break;
            }
            (n_kills_left, n_kept) = (n_kills_left - 1, n_kept + found.len() - committed);
            committed = found.len();
            // Before the first byte of the store there is nothing to look into. A look costs as much as a kill.
            if n_kills_left % 5 == 0 && store.join("store.json").exists() {
                let seen = run_json(dir.path(), &["data", "inspect", "broken"]);
                n_dropped += usize::from(seen["notes"].to_string().contains("not completed"));
            }
        }
        let found = run_json(dir.path(), &["data", "verify", "broken"]);
        assert_eq!(
            (&found["passed"], &found["duplicates"]),
            (&true.into(), &serde_json::json!([])),
            "{found}"
        );
        assert_eq!(hashes(&store), wanted);
        fs::remove_dir_all(&store).unwrap();
        n_stores += 1;
    }
    println!(
        "{} kills over {n_stores} imports: {n_kept} committed episodes kept, {n_dropped} of a fifth of them left half-written ones, which were said",
        n_kills()
    );
}

#[test]
fn a_collection_killed_at_random_keeps_what_was_committed() {
    let dir = folder();
    let store = dir.path().join("store");
    let (mut before, mut n_dropped) = (Vec::new(), 0);
    for n in 0..n_kills() {
        let seed = n.to_string();
        let args =
            ["collect", "--env", "breakout", "--episodes", "100000", "--seed", &seed, "--out", "store"];
        assert!(!kill_after(dir.path(), &args, &store, 1 + any_below(200_000)));
        let found = hashes(&store);
        assert!(
            found.starts_with(&before),
            "{} episodes were committed, {} are left",
            before.len(),
            found.len()
        );
        before = found;
        if n % 20 == 5 || n < 3 {
            let seen = run_json(dir.path(), &["data", "inspect", "store"]);
            n_dropped += usize::from(seen["notes"].to_string().contains("not completed"));
        }
    }
    let found = run_json(dir.path(), &["data", "verify", "store"]);
    assert_eq!((&found["passed"], found["episodes"].as_u64()), (&true.into(), Some(before.len() as u64)));
    println!(
        "{} kills: {} episodes committed and whole, {n_dropped} seen half-written",
        n_kills(),
        before.len()
    );
}

/// Runs an import in a shell after `limits`, which make the disk look full.
fn import_under(limits: &str, dir: &Path, out: &str) -> Ended {
    let program = env!("CARGO_BIN_EXE_worldsmith");
    let script = format!("{limits}; exec {program} {}", import(out, &["--resume"]).join(" "));
    let ended = Command::new("sh").args(["-c", &script]).current_dir(dir).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: ended.status.code(), stdout: text(ended.stdout), stderr: text(ended.stderr) }
}

/// The import at `out` stopped for want of space: cleanly, and what was committed is all that counts.
fn assert_stopped(ended: &Ended, store: &Path, wanted: &[String]) -> usize {
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    for words in ["error: cannot write file:", store.to_str().unwrap(), "hint:", "--resume"] {
        assert!(ended.stderr.contains(words), "expected `{words}` in: {}", ended.stderr);
    }
    let found = hashes(store);
    assert_eq!(found, wanted[..found.len()]);
    found.len()
}

#[test]
fn an_import_that_may_write_no_more_stops_cleanly_and_goes_on_later() {
    let dir = folder();
    small_set(dir.path());
    run_json(dir.path(), &import("unbroken", &[]));
    let wanted = hashes(&dir.path().join("unbroken"));
    let store = dir.path().join("full");
    // Files of at most 1, 10 and 36 MB, in blocks of 512 bytes; the signal that would end the program is ignored.
    let mut kept = 0;
    for megabytes in [1, 10, 36] {
        let limits = format!("trap '' XFSZ; ulimit -f {}", megabytes * 2048);
        let ended = import_under(&limits, dir.path(), store.to_str().unwrap());
        let n = assert_stopped(&ended, &store, &wanted);
        assert!(n >= kept, "{kept} episodes were committed, {n} are left");
        kept = n;
    }
    assert!(kept > 0, "what fitted is safe");
    run_json(dir.path(), &import("full", &["--resume"]));
    assert_eq!(hashes(&store), wanted);
    assert_eq!(run_json(dir.path(), &["data", "verify", "full"])["passed"], true);
}

/// A disk of some megabytes, taken away when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, megabytes: usize) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let options = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at).status();
        mounted.is_ok_and(|status| status.success()).then(|| Self(at.to_owned()))
    }

    fn grow(&self, megabytes: usize) {
        let options = format!("remount,size={megabytes}m");
        assert!(Command::new("mount").args(["-o", &options]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn an_import_to_a_full_disk_says_so_and_goes_on_once_there_is_space() {
    if std::env::var_os("RUN_SLOW").is_none() {
        return;
    }
    let dir = folder();
    let Some(disk) = SmallDisk::mount(&dir.path().join("disk"), 4) else {
        println!("skipped: only root may mount a small disk");
        return;
    };
    small_set(dir.path());
    run_json(dir.path(), &import("unbroken", &[]));
    let wanted = hashes(&dir.path().join("unbroken"));
    let store = disk.0.join("store");
    let mut kept = Vec::new();
    for megabytes in [4, 36, 60] {
        disk.grow(megabytes);
        let ended = import_under("true", dir.path(), store.to_str().unwrap());
        kept.push(assert_stopped(&ended, &store, &wanted));
        assert!(ended.stderr.contains("No space left on device"), "{}", ended.stderr);
    }
    assert!(kept.is_sorted() && kept[1] > 0, "{kept:?}");
    disk.grow(300);
    run_json(dir.path(), &import("disk/store", &["--resume"]));
    assert_eq!(hashes(&store), wanted);
    assert_eq!(run_json(dir.path(), &["data", "verify", "disk/store"])["passed"], true);
    println!("kept {kept:?} of {} episodes on disks of 4, 36 and 60 MB", wanted.len());
}
