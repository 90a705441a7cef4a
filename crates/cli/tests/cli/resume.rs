//! A run that is killed and resumed ends with the very same numbers as one that was left alone.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::program::{TINY, checkpoints, folder, run, run_json, serial, worldsmith};

/// Starts or resumes the run `out` with a checkpoint after every step, and waits until checkpoint `serial` is there.
fn run_until(dir: &Path, out: &str, wanted: u64) -> Child {
    let begun = dir.join(out).join("config.toml").exists();
    let every_step = ["--set", "run.checkpoint_secs=0"];
    let args = if begun {
        vec!["train", "--out", out, "--resume"]
    } else {
        [&TINY[..], &[out], &every_step].concat()
    };
    let mut child = worldsmith(dir, &args)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    while checkpoints(&dir.join(out)).last().and_then(|p| serial(p)).is_none_or(|n| n < wanted) {
        if child.try_wait().unwrap().is_some() {
            let ended = child.wait_with_output().unwrap();
            panic!("ended before checkpoint {wanted}: {}", String::from_utf8_lossy(&ended.stderr));
        }
        std::thread::yield_now();
    }
    child
}

/// Sends SIGINT, as Ctrl-C does, and returns what the program said.
fn interrupt(child: Child) -> String {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    String::from_utf8(ended.stderr).unwrap()
}

/// Everything in a folder, by name.
fn contents(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .map(|p| (p.file_name().unwrap().to_str().unwrap().to_string(), fs::read(&p).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn a_run_killed_again_and_again_ends_bit_exactly_like_an_unbroken_one() {
    let dir = folder();
    let unbroken = run_json(dir.path(), &[&TINY[..], &["unbroken"]].concat());

    // In the first steps at random, amid collection, in the burst of updates, while acting and learning by turns.
    for (wanted, kill_hard) in [(2, true), (15, false), (33, true), (52, true), (70, false), (88, true)] {
        let mut child = run_until(dir.path(), "broken", wanted);
        if kill_hard {
            child.kill().unwrap();
            child.wait().unwrap();
        } else {
            let said = interrupt(child);
            assert!(said.contains("everything is saved"), "{said}");
            assert!(
                said.contains("hint: `worldsmith train --out broken --resume` goes on exactly here"),
                "{said}"
            );
        }
    }
    let resumed = run_json(dir.path(), &["train", "--out", "broken", "--resume"]);

    for key in ["params_crc32", "env_steps", "updates", "episodes"] {
        assert_eq!(resumed[key], unbroken[key], "{key}");
    }
    for store in ["data", "held_out"] {
        let [a, b] = ["unbroken", "broken"].map(|run| {
            let store = dir.path().join(run).join(store);
            (contents(&store.join("shards")), fs::read(store.join("index.jsonl")).unwrap())
        });
        assert!(!a.0.is_empty() && a == b, "{store} differs");
    }
}

#[test]
fn resuming_a_finished_run_changes_nothing() {
    let (dir, run_dir) = crate::program::trained();
    let before = contents(checkpoints(&run_dir).last().unwrap());
    run_json(dir.path(), &["train", "--out", "run", "--resume"]);
    assert_eq!(contents(checkpoints(&run_dir).last().unwrap()), before);
}

#[test]
fn a_resumed_run_keeps_its_configuration() {
    let (dir, _run) = crate::program::trained();
    let ended = run(dir.path(), &[&TINY[..], &["run", "--resume", "--seed", "7"]].concat());
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("error: the run was started with `"), "{}", ended.stderr);
}

#[test]
fn two_processes_do_not_train_in_one_folder() {
    let dir = folder();
    let mut child = run_until(dir.path(), "busy", 2);
    let second = run(dir.path(), &["train", "--out", "busy", "--resume"]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(
        (second.code, second.stderr.as_str()),
        (Some(2), "error: another process is training in this folder: busy\n")
    );
}
