//! Starts the real program, and keeps one small trained run for the tests to look at.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// What a command came to.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// The program in the folder `dir`.
pub fn worldsmith(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_worldsmith"));
    command.current_dir(dir).args(args);
    command
}

/// Runs the program in `dir` to its end.
pub fn run(dir: &Path, args: &[&str]) -> Ended {
    let Output { status, stdout, stderr } = worldsmith(dir, args).output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
    Ended { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

/// Runs the program, which must succeed, and reads the JSON on its stdout.
pub fn run_json(dir: &Path, args: &[&str]) -> serde_json::Value {
    let ended = run(dir, &[args, &["--json"]].concat());
    assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.stderr);
    serde_json::from_str(&ended.stdout).expect("stdout is one JSON value")
}

/// Options of a run that takes seconds.
pub const TINY: [&str; 10] = [
    "train",
    "--preset",
    "tiny",
    "--env",
    "breakout",
    "--set",
    "run.held_out_episodes=4",
    "--set",
    "run.eval_episodes=4",
    "--out",
];

/// A copy of a trained run, in a folder of its own.
pub fn trained() -> (tempfile::TempDir, PathBuf) {
    static TRAINED: OnceLock<tempfile::TempDir> = OnceLock::new();
    let original = TRAINED.get_or_init(|| {
        let dir = folder();
        run_json(dir.path(), &[&TINY[..], &["run", "--set", "run.checkpoint_secs=0.2"]].concat());
        dir
    });
    let dir = folder();
    let copy = dir.path().join("run");
    copy_dir(&original.path().join("run"), &copy);
    (dir, copy)
}

pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_dir(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// The run's checkpoints, oldest first.
pub fn checkpoints(run: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(run.join("checkpoints")).map_or(Vec::new(), |entries| entries.flatten().collect());
    let mut found: Vec<PathBuf> =
        entries.into_iter().map(|e| e.path()).filter(|p| serial(p).is_some()).collect();
    found.sort();
    found
}

/// The number of a checkpoint folder.
pub fn serial(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.parse().ok()
}
