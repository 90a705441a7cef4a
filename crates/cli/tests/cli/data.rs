//! Data sets, in and out and into training.

use crate::program::{folder, run, run_json};

/// Formats that hold what a store of pictures holds, to the bit.
const EXACT: &[&str] = &["lerobot", "minari", "minari-arrow", "swm-hdf5", "zarr", "zarr3", "npz", "frames"];

#[test]
fn scripted_players_record_sets_of_known_quality() {
    let dir = folder();
    let collect = |skill: &str| {
        let args = [
            "collect",
            "--env",
            "cartpole?obs=all&size=16&factors=train",
            "--episodes",
            "12",
            "--out",
            skill,
        ];
        run_json(dir.path(), &[&args[..], &["--skill", skill]].concat())
    };
    let [random, weak, expert] = ["random", "weak", "expert"].map(collect);
    assert_eq!(expert["policy"], "expert");
    let mean = |collected: &serde_json::Value| collected["mean_return"].as_f64().unwrap();
    assert!(mean(&random) < mean(&weak) && mean(&weak) < mean(&expert));
    let wrong = run(dir.path(), &["collect", "--env", "cartpole", "--skill", "expart", "--out", "x"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("did you mean `expert`"), "{}", wrong.stderr);
}

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

#[test]
fn pictures_kept_as_png_are_the_same_episodes_in_fewer_bytes_and_train() {
    let dir = folder();
    run_json(dir.path(), &["collect", "--env", "breakout", "--episodes", "6", "--out", "raw"]);
    let args = ["collect", "--env", "breakout", "--episodes", "6", "--pictures", "png", "--out", "png"];
    run_json(dir.path(), &args);
    run_json(dir.path(), &["data", "merge", "raw", "--pictures", "png", "--out", "merged"]);
    run_json(
        dir.path(),
        &["data", "convert", "png", "--to", "worldsmith", "--pictures", "raw", "--out", "back"],
    );
    let index = |store: &str| std::fs::read_to_string(dir.path().join(store).join("index.jsonl")).unwrap();
    let hashes = |store: &str| -> Vec<String> {
        let line = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["hash"].to_string();
        index(store).lines().map(line).collect()
    };
    assert!(["png", "merged", "back"].iter().all(|store| hashes(store) == hashes("raw")));
    let size =
        |store: &str| std::fs::metadata(dir.path().join(store).join("shards/000000.arrow")).unwrap().len();
    assert!(size("png") < size("raw") / 2 && size("merged") < size("raw") / 2);
    assert_eq!(run_json(dir.path(), &["data", "verify", "png"])["passed"], true);
    // A store keeps to the one choice it was made with.
    for args in [
        &["data", "import", "raw", "--pictures", "raw", "--out", "merged", "--resume"][..],
        &["collect", "--env", "breakout", "--episodes", "1", "--pictures", "raw", "--out", "png"],
    ] {
        let refused = run(dir.path(), args);
        assert_eq!(refused.code, Some(2));
        assert!(
            refused.stderr.contains("expected a store of raw pictures, got one of PNG"),
            "{}",
            refused.stderr
        );
    }
    let args = ["train", "--preset", "tiny", "--data", "merged", "--steps", "50", "--out", "run"];
    assert!(run_json(dir.path(), &args)["updates"].as_u64().unwrap() > 0);
}

#[test]
fn pictures_kept_as_video_are_small_the_same_for_every_command_and_train() {
    let dir = folder();
    let json = |args: &[&str]| run_json(dir.path(), args);
    json(&["collect", "--env", "breakout?size=64", "--episodes", "12", "--out", "raw"]);
    json(&["data", "import", "raw", "--pictures", "video", "--out", "video"]);
    let head = |store: &str| {
        let head = std::fs::read_to_string(dir.path().join(store).join("store.json")).unwrap();
        serde_json::from_str::<serde_json::Value>(&head).unwrap()["pictures"].clone()
    };
    let hashes = |store: &str| -> Vec<String> {
        let index = std::fs::read_to_string(dir.path().join(store).join("index.jsonl")).unwrap();
        let line = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["hash"].to_string();
        index.lines().map(line).collect()
    };
    let size =
        |store: &str| std::fs::metadata(dir.path().join(store).join("shards/000000.arrow")).unwrap().len();
    assert!(size("video") < size("raw") / 10, "{} {}", size("video"), size("raw"));
    assert_eq!(json(&["data", "inspect", "video"])["pictures"], "h264");
    let shown = run(dir.path(), &["data", "inspect", "video"]).stdout;
    assert!(shown.contains("kept as H.264 video, which is not exact"), "{shown}");
    assert_eq!(json(&["data", "verify", "video"])["passed"], true);
    assert_eq!(json(&["data", "stats", "video"])["episodes"], 12);
    // An import that goes on knows what it wrote, though it is not what it read.
    let again = json(&["data", "import", "raw", "--resume", "--out", "video"]);
    assert_eq!((&again["episodes"], &again["steps"]), (&12.into(), &0.into()));
    // What is taken from such a store is not coded again, and is known wherever it went.
    json(&["data", "merge", "video", "--out", "merged"]);
    json(&["data", "split", "video", "--test", "0.4", "--out", "parts"]);
    assert_eq!(["video", "merged", "parts/train", "parts/test"].map(head), ["h264"; 4]);
    assert_eq!((hashes("merged"), size("merged")), (hashes("video"), size("video")));
    let mut parts = [hashes("parts/train"), hashes("parts/test")].concat();
    let mut all = hashes("video");
    parts.sort();
    all.sort();
    assert_eq!(parts, all);
    assert_eq!(json(&["data", "verify", "parts/train", "parts/test"])["passed"], true);
    json(&["data", "merge", "video", "--pictures", "raw", "--out", "back"]);
    json(&["data", "export", "video", "--to", "npz", "--out", "npz"]);
    json(&["data", "import", "npz", "--out", "npz-back"]);
    assert_eq!((hashes("back"), hashes("npz-back")), (hashes("video"), hashes("video")));
    json(&["data", "split", "video", "--image-size", "32", "--test", "0.4", "--out", "small"]);
    assert_eq!(json(&["data", "verify", "small/train", "small/test"])["passed"], true);
    let args = ["train", "--preset", "tiny", "--data", "video", "--steps", "50", "--out", "run"];
    assert!(json(&args)["updates"].as_u64().unwrap() > 0);
}

#[test]
fn what_is_added_to_a_store_is_new_and_copies_are_never_on_both_sides_of_training() {
    let dir = folder();
    let collect = ["collect", "--env", "breakout", "--episodes", "3", "--out", "store"];
    (0..2).for_each(|_| drop(run_json(dir.path(), &collect)));
    let found = run_json(dir.path(), &["data", "verify", "store"]);
    assert_eq!(
        (&found["episodes"], found["duplicates"].as_array().unwrap().len()),
        (&6.into(), 0),
        "{found}"
    );

    // Every episode twice: the one of six that is held out is held out with its copy.
    run_json(dir.path(), &["data", "merge", "store", "store", "--out", "both"]);
    let trained = run_json(
        dir.path(),
        &["train", "--preset", "tiny", "--data", "both", "--steps", "50", "--out", "run"],
    );
    assert!(trained["updates"].as_u64().unwrap() > 0, "{trained}");
    let held_out = run_json(dir.path(), &["data", "inspect", "run/held_out"]);
    assert_eq!(held_out["episodes"], 2, "{held_out}");
}

#[test]
fn damaged_episodes_stop_a_copy_unless_they_are_to_be_left_out() {
    let dir = folder();
    run_json(dir.path(), &["collect", "--env", "cartpole", "--episodes", "9", "--out", "store"]);
    let index = dir.path().join("store/index.jsonl");
    let mut bytes = std::fs::read(&index).unwrap();
    let line = bytes.iter().position(|b| *b == b'\n').unwrap();
    bytes[line + 5] ^= 1;
    std::fs::write(&index, bytes).unwrap();

    let seen = run_json(dir.path(), &["data", "inspect", "store"]);
    assert_eq!(seen["episodes"], 9);
    assert!(
        seen["notes"]
            .to_string()
            .contains("1 episodes cannot be read, for their lines are damaged or gone: 1;"),
        "{seen}"
    );
    let found = run(dir.path(), &["data", "verify", "store", "--json"]);
    assert_eq!(found.code, Some(1));
    let found: serde_json::Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!((&found["episodes"], &found["damage"][0]["episode"]), (&8.into(), &1.into()), "{found}");
    let refused = run(dir.path(), &["data", "import", "store", "--out", "whole"]);
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.stderr.contains("the line of episode 1 is damaged")
            && refused.stderr.contains("--skip-damaged")
    );
    // Going on with what was copied before the damage ends like one go.
    for (out, resume) in [("whole", &["--resume"][..]), ("other", &[])] {
        let args = [&["data", "import", "store", "--skip-damaged", "--out", out, "--json"], resume].concat();
        let done = run(dir.path(), &args);
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        assert!(
            done.stderr.contains("episode 1 of store is left out: the line of episode 1 is damaged"),
            "{}",
            done.stderr
        );
        let done: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!(done["episodes"], 8, "{done}");
        assert!(done["notes"].to_string().contains("1 damaged episodes were left out"), "{done}");
    }
    let [one, two] =
        ["whole", "other"].map(|out| std::fs::read(dir.path().join(out).join("index.jsonl")).unwrap());
    assert_eq!(one, two);
}

#[test]
fn a_split_that_was_stopped_goes_on_where_it_was() {
    let dir = folder();
    run_json(dir.path(), &["collect", "--env", "cartpole", "--episodes", "20", "--out", "store"]);
    let split = |out, more: &[&str]| {
        let args = ["data", "split", "store", "--test", "0.3", "--out", out];
        run_json(dir.path(), &[&args[..], more].concat())
    };
    split("unbroken", &[]);
    split("broken", &[]);
    // As a kill leaves it: what was written last is not there.
    for side in ["train", "test"] {
        let index = dir.path().join("broken").join(side).join("index.jsonl");
        let text = std::fs::read_to_string(&index).unwrap();
        let kept: Vec<&str> = text.lines().take(2).collect();
        std::fs::write(&index, kept.join("\n") + "\n").unwrap();
    }
    split("broken", &["--resume"]);
    for file in
        ["train/index.jsonl", "test/index.jsonl", "train/shards/000000.arrow", "test/shards/000000.arrow"]
    {
        let [a, b] =
            ["unbroken", "broken"].map(|out| std::fs::read(dir.path().join(out).join(file)).unwrap());
        assert!(a == b, "{file}");
    }
    run_json(
        dir.path(),
        &["collect", "--env", "cartpole", "--episodes", "5", "--seed", "9", "--out", "another"],
    );
    let refused =
        run(dir.path(), &["data", "split", "another", "--test", "0.3", "--out", "broken", "--resume"]);
    assert!(refused.stderr.contains("expected a store begun from these data sets"), "{}", refused.stderr);
}

#[test]
fn a_split_goes_on_only_with_its_own_share_and_its_own_set() {
    let dir = folder();
    run_json(dir.path(), &["collect", "--env", "cartpole", "--episodes", "30", "--out", "store"]);
    run_json(dir.path(), &["data", "split", "store", "--test", "0.3", "--out", "parts"]);
    let index = |side: &str| dir.path().join("parts").join(side).join("index.jsonl");
    let indices = || ["train", "test"].map(|side| std::fs::read_to_string(index(side)).unwrap());
    let whole = indices();
    assert!(whole.iter().all(|text| text.lines().count() > 2), "{whole:?}");
    // The first five of the same episodes: each side begins with what is there, but not all of that comes again.
    run_json(dir.path(), &["data", "merge", "store", "--out", "short"]);
    let short = dir.path().join("short/index.jsonl");
    let text = std::fs::read_to_string(&short).unwrap();
    std::fs::write(&short, text.split_inclusive('\n').take(5).collect::<String>()).unwrap();
    for (set, share, said) in [
        ("store", "0.9", "expected the share of test episodes that was split by before, got 0.9"),
        ("store", "0.01", "expected the share of test episodes that was split by before, got 0.01"),
        ("short", "0.3", "expected a store begun from these data sets"),
    ] {
        let refused = run(dir.path(), &["data", "split", set, "--test", share, "--out", "parts", "--resume"]);
        assert_eq!(refused.code, Some(2), "{set} {share}");
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
        assert_eq!(indices(), whole, "nothing was written");
    }
    // What was copied before another set is noticed is taken back: the test episodes are new, a late training one is not
    // what is there.
    std::fs::write(index("test"), "").unwrap();
    let mut lines: Vec<&str> = whole[0].split_inclusive('\n').collect();
    lines.remove(lines.len() - 2);
    std::fs::write(index("train"), lines.concat()).unwrap();
    run_json(dir.path(), &["data", "import", "parts/train", "--skip-damaged", "--out", "other"]);
    for file in ["index.jsonl", "shards/000000.arrow"] {
        std::fs::copy(dir.path().join("other").join(file), dir.path().join("parts/train").join(file))
            .unwrap();
    }
    let begun = indices();
    let refused = run(dir.path(), &["data", "split", "store", "--test", "0.3", "--out", "parts", "--resume"]);
    assert!(refused.stderr.contains("expected a store begun from these data sets"), "{}", refused.stderr);
    assert_eq!(indices(), begun);
}

#[test]
fn a_split_keeps_pictures_as_its_store_does() {
    let dir = folder();
    let args = ["collect", "--env", "breakout", "--episodes", "4", "--pictures", "png", "--out", "png"];
    run_json(dir.path(), &args);
    run_json(dir.path(), &["data", "split", "png", "--test", "0.5", "--out", "parts"]);
    for side in ["train", "test"] {
        let head = std::fs::read_to_string(dir.path().join("parts").join(side).join("store.json")).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&head).unwrap()["pictures"], "png", "{side}");
    }
}

#[test]
fn leaving_out_damage_goes_on_only_with_what_was_begun_from_the_same_sets() {
    let dir = folder();
    for (seed, out) in [("0", "a"), ("9", "b")] {
        let args = ["collect", "--env", "cartpole", "--episodes", "5", "--seed", seed, "--out", out];
        run_json(dir.path(), &args);
    }
    run_json(dir.path(), &["data", "merge", "a", "b", "--out", "both"]);
    let go_on = |out| ["data", "import", "a", "--out", out, "--resume", "--skip-damaged", "--json"];
    let refused = run(dir.path(), &go_on("both"));
    assert_eq!(refused.code, Some(2), "{}", refused.stdout);
    assert!(refused.stderr.contains("expected a store begun from these data sets"), "{}", refused.stderr);

    // The third and the last of the set rot after they were copied, but the copy has them.
    run_json(dir.path(), &["data", "import", "a", "--out", "copy"]);
    let shard = dir.path().join("a/shards/000000.arrow");
    let index = std::fs::read_to_string(dir.path().join("a/index.jsonl")).unwrap();
    let mut bytes = std::fs::read(&shard).unwrap();
    for line in index.lines().skip(2).step_by(2) {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        let [at, n] = ["at", "bytes"].map(|key| entry[key].as_u64().unwrap() as usize);
        bytes[at + n / 2] ^= 1;
    }
    std::fs::write(&shard, bytes).unwrap();
    let before = std::fs::read(dir.path().join("copy/index.jsonl")).unwrap();
    let done = run(dir.path(), &go_on("copy"));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(!done.stderr.contains("left out") && done.stderr.contains("episode 2 of a cannot be read"));
    let done: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((&done["episodes"], &done["steps"]), (&5.into(), &0.into()), "{done}");
    assert!(!done["notes"].to_string().contains("left out"), "{done}");
    assert_eq!(std::fs::read(dir.path().join("copy/index.jsonl")).unwrap(), before);
}
