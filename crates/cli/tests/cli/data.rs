//! Data sets, in and out and into training.

use crate::program::{folder, run, run_json};

/// Formats that hold what a store of pictures holds, to the bit.
const EXACT: &[&str] = &["lerobot", "minari", "minari-arrow", "swm-hdf5", "zarr", "zarr3", "npz", "frames"];

#[test]
fn what_goes_out_in_any_exact_format_comes_back_and_is_known_again() {
    let dir = folder();
    run_json(dir.path(), &["collect", "--env", "breakout", "--episodes", "4", "--out", "store"]);
    let formats = run_json(dir.path(), &["data", "formats"]);
    let writable: Vec<&str> = formats
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| f["writable"] == true)
        .map(|f| f["name"].as_str().unwrap())
        .collect();
    assert!(EXACT.iter().all(|name| writable.contains(name)), "{writable:?}");
    for format in EXACT {
        let out = if *format == "swm-hdf5" { "out-swm.h5".to_owned() } else { format!("out-{format}-v0") };
        run_json(dir.path(), &["data", "export", "store", "--to", format, "--out", &out]);
        let seen = run_json(dir.path(), &["data", "inspect", &out]);
        assert_eq!(seen["episodes"], 4, "{format}: {seen}");
        // Equal episodes in two sets are a leak, whatever the formats.
        let found = run(dir.path(), &["data", "verify", "store", &out, "--json"]);
        assert_eq!(found.code, Some(1), "{format}: {}", found.stderr);
        let found: serde_json::Value = serde_json::from_str(&found.stdout).unwrap();
        let leaks = found["duplicates"].as_array().unwrap().iter().filter(|d| d["leak"] == true).count();
        assert_eq!((leaks, found["damage"].as_array().unwrap().len()), (4, 0), "{format}: {found}");
    }
}

#[test]
fn training_runs_from_an_imported_lerobot_set_and_from_a_folder_of_frames() {
    let dir = folder();
    run_json(dir.path(), &["collect", "--env", "breakout", "--episodes", "10", "--out", "store"]);
    for format in ["lerobot", "frames"] {
        let (out, back, run) = (format!("{format}-set"), format!("{format}-store"), format!("{format}-run"));
        run_json(dir.path(), &["data", "export", "store", "--to", format, "--out", &out]);
        let imported = run_json(dir.path(), &["data", "import", &out, "--out", &back]);
        assert_eq!(imported["episodes"], 10, "{imported}");
        let again = run_json(dir.path(), &["data", "import", &out, "--out", &back, "--resume"]);
        assert_eq!((&again["episodes"], &again["steps"]), (&10.into(), &0.into()), "nothing was left to do");
        // The clock that was assumed on the way out is kept from there on.
        let seen = run_json(dir.path(), &["data", "inspect", &back]);
        assert_eq!(seen["fps"], 10.0, "{seen}");
        let trained = run_json(
            dir.path(),
            &["train", "--preset", "tiny", "--data", &back, "--steps", "50", "--out", &run],
        );
        assert!(trained["updates"].as_u64().unwrap() > 0, "{trained}");
    }
}

#[test]
fn a_split_shares_nothing_and_a_damaged_store_is_named() {
    let dir = folder();
    run_json(dir.path(), &["collect", "--env", "cartpole", "--episodes", "30", "--out", "store"]);
    let split = run_json(dir.path(), &["data", "split", "store", "--test", "0.3", "--out", "parts"]);
    let (n_train, n_test) = (split["n_train"].as_u64().unwrap(), split["n_test"].as_u64().unwrap());
    assert!(n_train + n_test == 30 && n_test > 2, "{split}");
    let found = run_json(dir.path(), &["data", "verify", "parts/train", "parts/test"]);
    assert_eq!((&found["passed"], &found["episodes"]), (&true.into(), &30.into()));
    let shard = dir.path().join("parts/test/shards/000000.arrow");
    let mut bytes = std::fs::read(&shard).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&shard, bytes).unwrap();
    let found = run(dir.path(), &["data", "verify", "parts/test"]);
    assert_eq!(found.code, Some(1));
    assert!(found.stdout.contains("000000.arrow"), "{}", found.stdout);
}
