//! What the program prints and how it ends, word for word where it matters.

use crate::program::{folder, run, run_json, trained};

fn error_of(args: &[&str]) -> String {
    let ended = run(folder().path(), args);
    assert_eq!(ended.code, Some(2), "{args:?}: {}", ended.stderr);
    assert_eq!(ended.stdout, "", "errors are for stderr");
    ended.stderr
}

#[test]
fn unknown_names_suggest_the_nearest_and_the_command_that_lists_all() {
    assert_eq!(
        error_of(&["train", "--env", "breakot"]),
        "error: unknown environment `breakot`\nhint: did you mean `breakout`? `worldsmith envs` lists all\n"
    );
    assert_eq!(
        error_of(&["train", "--recipe", "dreamer_v4"]),
        "error: unknown recipe `dreamer_v4`\nhint: did you mean `dreamer_v3`? `worldsmith recipes` lists all\n"
    );
    assert_eq!(
        error_of(&["train", "--preset", "smal"]),
        "error: unknown preset `smal`\nhint: did you mean `small`? `worldsmith recipes dreamer_v3` lists all\n"
    );
    assert_eq!(
        error_of(&["quickstart", "--set", "run.step=10"]),
        "error: unknown key `run.step`\nhint: did you mean `run.steps`? `worldsmith recipes dreamer_v3` lists all\n"
    );
}

#[test]
fn wrong_types_and_ranges_say_what_was_expected_and_what_was_got() {
    assert_eq!(
        error_of(&["train", "--preset", "tiny", "--set", "run.steps=many"]),
        "error: `run.steps`: expected a whole number, got string `many`\nhint: for example `--set run.steps=400`\n"
    );
    assert_eq!(
        error_of(&["train", "--set", "run.steps"]),
        "error: `--set`: expected `path=value`, got `run.steps`\nhint: for example `--set run.steps=20000`\n"
    );
    assert_eq!(
        error_of(&["train", "--set", "run.n_envs=0"]),
        "error: `run.n_envs`: expected at least 1, got 0\n"
    );
    assert_eq!(
        error_of(&["recipes", "--device", "tpu"]),
        "error: expected device `cpu` or `vulkan`, got `tpu`\n"
    );
}

#[test]
fn with_json_an_error_is_an_object_too() {
    let ended = run(folder().path(), &["eval", "nowhere", "--json"]);
    let object: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((ended.code, object["error"].as_str()), (Some(2), Some("no such run or checkpoint: nowhere")));
}

#[test]
fn every_command_explains_itself_with_an_example() {
    let dir = folder();
    let help = run(dir.path(), &["--help"]).stdout;
    let commands = [
        "quickstart",
        "envs",
        "recipes",
        "collect",
        "train",
        "eval",
        "dream",
        "play",
        "serve",
        "reproduce",
        "doctor",
        "completions",
    ];
    for command in commands {
        assert!(help.contains(command), "{command} is missing in: {help}");
        let text = run(dir.path(), &[command, "--help"]).stdout;
        assert!(text.contains("Example") && text.contains(&format!("worldsmith {command}")), "{text}");
    }
}

#[test]
fn listings_are_data() {
    let dir = folder();
    let envs = run_json(dir.path(), &["envs"]);
    assert!(
        envs.as_array().unwrap().iter().any(|e| e["id"] == "breakout" && e["spec"]["action"].is_object())
    );
    let cartpole = run_json(dir.path(), &["envs", "cartpole"]);
    assert!(cartpole["options"].as_array().unwrap().iter().any(|option| option["name"] == "obs"));
    assert!(cartpole["factors"].as_array().unwrap().iter().any(|factor| factor["name"] == "gravity_mps2"));
    assert!(cartpole["page"].as_str().unwrap().contains("`pixels`:"), "views are named");
    assert!(error_of(&["envs", "cartpol"]).contains("did you mean `cartpole`"));
    let recipes = run_json(dir.path(), &["recipes"]);
    assert!(recipes.as_array().unwrap().iter().any(|r| r["name"] == "dreamer_v3"));
    let recipe = run_json(dir.path(), &["recipes", "dreamer_v3", "--preset", "tiny"]);
    assert_eq!(recipe["config"]["run"]["steps"], 400);
    let health = run_json(dir.path(), &["doctor"]);
    assert!(health["cores"].as_u64().unwrap() > 0);
    let completions = run(dir.path(), &["completions", "bash"]);
    assert!(completions.stdout.contains("_worldsmith"));
}

#[test]
fn a_trained_run_is_judged_dreamt_and_reported() {
    let (dir, run_dir) = trained();
    let judged = run(dir.path(), &["eval", "run", "--json"]);
    let judgement: serde_json::Value = serde_json::from_str(&judged.stdout).expect(&judged.stderr);
    // Seconds of training make no good agent; what must hold is that exit code and verdict agree.
    assert_eq!(judged.code, Some(if judgement["passed"] == true { 0 } else { 1 }));
    assert_eq!(judgement["agent_returns"].as_array().unwrap().len(), 4);
    assert!(judgement["checks"].as_array().unwrap().len() >= 2);
    let page = std::fs::read_to_string(run_dir.join("report.html")).unwrap();
    assert!(page.contains("dreamer_v3 on breakout"));

    let dreamt = run_json(dir.path(), &["dream", "run", "--episodes", "2", "--steps", "12"]);
    assert_eq!(dreamt["gifs"].as_array().unwrap().len(), 2);
    assert!(std::fs::read(run_dir.join("dream/000.gif")).unwrap().starts_with(b"GIF89a"));
    assert!(std::fs::read(run_dir.join("dream/001.png")).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn recorded_episodes_can_be_trained_on() {
    let dir = folder();
    let collected =
        run_json(dir.path(), &["collect", "--env", "breakout", "--episodes", "10", "--out", "episodes"]);
    assert_eq!((&collected["episodes"], &collected["stored"]), (&10.into(), &10.into()));
    let trained = run_json(
        dir.path(),
        &["train", "--preset", "tiny", "--data", "episodes", "--steps", "100", "--out", "offline"],
    );
    assert_eq!((&trained["env_steps"], &trained["updates"]), (&0.into(), &10.into()));
}
