//! Torn, foreign and ill-fitting files: named, explained, never a panic.

use std::fs::{self, File};
use std::path::Path;

use crate::program::{Ended, checkpoints, folder, run, run_json, trained};

fn assert_error(ended: &Ended, said: &[&str]) {
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    for words in said {
        assert!(ended.stderr.contains(words), "expected `{words}` in: {}", ended.stderr);
    }
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

fn tear(file: &Path) {
    let len = fs::metadata(file).unwrap().len();
    File::options().write(true).open(file).unwrap().set_len(len / 2).unwrap();
}

#[test]
fn a_torn_checkpoint_is_passed_over_with_a_warning() {
    let (dir, run_dir) = trained();
    let all = checkpoints(&run_dir);
    assert_eq!(all.len(), 2, "two checkpoints are kept");
    tear(&all[1].join("model.safetensors"));
    let ended = run(dir.path(), &["train", "--out", "run", "--resume", "--json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("warning: passing over a bad checkpoint: torn file: expected"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("model.safetensors"), "{}", ended.stderr);
}

#[test]
fn without_a_whole_checkpoint_the_torn_file_is_named() {
    let (dir, run_dir) = trained();
    for checkpoint in checkpoints(&run_dir) {
        tear(&checkpoint.join("train.safetensors"));
    }
    let ended = run(dir.path(), &["eval", "run"]);
    assert_error(&ended, &["error: torn file: expected", "train.safetensors"]);
}

#[test]
fn a_flipped_byte_is_found() {
    let (dir, run_dir) = trained();
    for checkpoint in checkpoints(&run_dir) {
        let file = checkpoint.join("model.safetensors");
        let mut bytes = fs::read(&file).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&file, bytes).unwrap();
    }
    assert_error(
        &run(dir.path(), &["dream", "run"]),
        &["damaged file: expected checksum", "model.safetensors"],
    );
}

#[test]
fn a_foreign_folder_is_refused() {
    let dir = folder();
    fs::create_dir_all(dir.path().join("other")).unwrap();
    assert_error(
        &run(dir.path(), &["eval", "other"]),
        &["expected a run or checkpoint folder, got one without a checkpoint", "other"],
    );
    fs::write(dir.path().join("other/model.safetensors"), "weights of somebody else").unwrap();
    assert_error(
        &run(dir.path(), &["eval", "other"]),
        &["file of the checkpoint is missing", "manifest.json"],
    );
    fs::write(dir.path().join("other/manifest.json"), "{\"name\": \"app\"}").unwrap();
    assert_error(&run(dir.path(), &["eval", "other"]), &["not written by worldsmith", "manifest.json"]);
    assert_error(&run(dir.path(), &["eval", "nowhere"]), &["error: no such run or checkpoint", "nowhere"]);
}

#[test]
fn a_checkpoint_that_does_not_fit_the_environment_shows_both_specs() {
    let (dir, _run) = trained();
    let ended = run(dir.path(), &["eval", "run", "--env", "cartpole"]);
    assert_error(
        &ended,
        &["does not fit the environment: expected `breakout`", "Image(64x64x3)", "got `cartpole`", "Box("],
    );
}

#[test]
fn episodes_of_another_environment_are_refused() {
    let dir = folder();
    run_json(dir.path(), &["collect", "--env", "cartpole", "--episodes", "2", "--out", "episodes"]);
    let ended = run(
        dir.path(),
        &["train", "--preset", "tiny", "--env", "breakout", "--data", "episodes", "--out", "run"],
    );
    assert_error(&ended, &["the episodes do not fit `breakout`", "episodes"]);
    assert!(!dir.path().join("run").exists(), "nothing is half-written");
}

#[test]
fn an_existing_folder_is_refused_and_only_runs_are_deleted() {
    let (dir, run_dir) = trained();
    let train = ["train", "--preset", "tiny", "--out", "run"];
    let ended = run(dir.path(), &train);
    assert_error(
        &ended,
        &[
            "error: a folder is there already: run",
            "`--resume` goes on with the run in it, `--force` deletes it",
        ],
    );
    fs::remove_file(run_dir.join("config.toml")).unwrap();
    let ended = run(dir.path(), &[&train[..], &["--force"]].concat());
    assert_error(&ended, &["expected a run folder to delete, got one with other files"]);
    assert!(run_dir.join("checkpoints").exists());
}

#[test]
fn a_place_that_cannot_be_written_is_said_plainly() {
    let dir = folder();
    fs::write(dir.path().join("file"), "").unwrap();
    let ended = run(dir.path(), &["train", "--preset", "tiny", "--out", "file/run"]);
    assert_error(&ended, &["error: cannot create the run folder: ", "file/run"]);
}

#[test]
fn a_loss_that_is_no_number_names_the_term_the_step_and_the_last_good_checkpoint() {
    let dir = folder();
    let set =
        ["--set", "model.world.lr=1e30", "--set", "model.world.warmup=0", "--set", "run.updates_per_step=1"];
    let ended = run(dir.path(), &[&crate::program::TINY[..], &["run"], &set].concat());
    assert_error(
        &ended,
        &["error: `loss/", "not a finite number", "environment steps", "checkpoints/000001"],
    );
}
