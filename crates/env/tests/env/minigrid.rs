//! MiniGrid's environments against minigrid itself, and the planner on thousands of layouts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};
use worldsmith_core::{Rng, Seed, Step, StepKind, Value};
use worldsmith_env::minigrid::ENTRIES;
use worldsmith_env::{BuiltIn, Skill, make_built_in};

use crate::fixture;

/// Ids beside those of the entries: other sizes and options.
const VARIANTS: &[&str] = &[
    "minigrid/empty?cells=5&random_start=true",
    "minigrid/doorkey?cells=5",
    "minigrid/doorkey?cells=16",
    "minigrid/keycorridor?room=3&rows=1",
    "minigrid/keycorridor?room=6&rows=3",
    "minigrid/multiroom?rooms=2&room_max=4",
    "minigrid/multiroom?rooms=4&room_max=5",
    "minigrid/lavagap?cells=5",
    "minigrid/memory?cells=7",
    "minigrid/memory?cells=17&random_length=true",
    "minigrid/goto?cells=4&factor.n_things=14",
    "minigrid/goto?factor.n_things=1",
    "minigrid/pickup?cells=5&factor.n_things=14",
];

fn ids() -> impl Iterator<Item = &'static str> {
    ENTRIES
        .iter()
        .map(|entry| entry.id)
        .filter(|id| id.starts_with("minigrid/"))
        .chain(VARIANTS.iter().copied())
}

fn with(id: &str, options: &str) -> String {
    format!("{id}{}{options}", if id.contains('?') { '&' } else { '?' })
}

/// What is in a saved state.
fn saved(env: &dyn BuiltIn) -> Json {
    serde_json::from_slice(&env.snapshot().unwrap()).unwrap()
}

/// FNV-1a, 32 bits.
fn checksum(bytes: impl IntoIterator<Item = u8>) -> u32 {
    bytes.into_iter().fold(0x811C_9DC5, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// The parts of an observation.
fn seen(step: &Step) -> BTreeMap<&str, &Value> {
    let Value::Dict(parts) = &step.obs else { panic!("several views") };
    parts.iter().map(|(name, part)| (name.as_str(), part)).collect()
}

fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Array { data, .. } => data.iter().map(|x| *x as u8).collect(),
        Value::Discrete(i) => vec![*i as u8],
        other => panic!("numbers, got {other:?}"),
    }
}

/// Plays one episode of the fixture; returns its length.
fn replay(episode: &Json) -> usize {
    let text = |name: &str| episode[name].as_str().unwrap();
    let id = with(text("id"), "obs=symbols+direction+mission+full");
    let mut env = make_built_in(&id).unwrap();
    assert_eq!(env.spec().max_steps, episode["max_steps"].as_u64().map(|n| n as usize), "{id}");
    env.reset(Seed(0)).unwrap();
    let mut state = saved(&*env);
    state["world"] = episode["state"].clone();
    state["clock"]["n_steps"] = episode["state"]["n_steps"].clone();
    env.restore(&serde_json::to_vec(&state).unwrap()).unwrap();
    assert_eq!(saved(&*env)["world"]["board"], episode["state"]["board"]);

    let rewards: BTreeMap<u64, f64> = serde_json::from_value(Json::Object(
        episode["rewards"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| (pair[0].to_string(), pair[1].clone()))
            .collect(),
    ))
    .unwrap();
    let actions = text("actions").bytes().map(|digit| i64::from(digit - b'0'));
    for (t, (action, end)) in actions.zip(text("ends").chars()).enumerate() {
        let step = env.step(&Value::Discrete(action)).unwrap();
        let seen = seen(&step);
        let carried = saved(&*env)["world"]["carried"].as_str().unwrap().to_owned();
        let parts = ["symbols", "full", "direction"].map(|name| bytes(seen[name])).concat();
        let sum = format!("{:08x}", checksum(parts.into_iter().chain(carried.bytes())));
        let at = || format!("`{id}`, step {t}, action {action} from {}", episode["state"]);
        assert_eq!(sum, text("sums")[8 * t..8 * t + 8], "{}: {seen:?} {carried}", at());
        assert_eq!(seen["mission"], &Value::Text(text("mission").to_owned()));
        let kind = match end {
            't' => StepKind::Terminated,
            'c' => StepKind::Truncated,
            _ => StepKind::Mid,
        };
        let reward = rewards.get(&(t as u64)).copied().unwrap_or(0.0) as f32;
        assert_eq!((step.kind, step.reward), (kind, reward), "{}", at());
    }
    text("actions").len()
}

#[test]
fn every_step_equals_minigrids_from_the_same_state() {
    let fixture = fixture("minigrid/steps.json");
    let mut n_steps = BTreeMap::new();
    for episode in fixture["episodes"].as_array().unwrap() {
        *n_steps.entry(episode["id"].as_str().unwrap()).or_insert(0) += replay(episode);
    }
    eprintln!("{} steps of {} environments", n_steps.values().sum::<usize>(), n_steps.len());
    assert!(n_steps.len() > 30);
}

/// In how many first states something holds, as `layout` in `tests/parity/env/minigrid.py` counts it.
fn count(env: &mut dyn BuiltIn, n_seeds: u64) -> BTreeMap<String, u64> {
    let mut held = BTreeMap::new();
    for seed in 0..n_seeds {
        let first = env.reset(Seed(1).index(seed)).unwrap();
        let state = &saved(env)["world"];
        let Value::Text(mission) = seen(&first)["mission"] else { panic!("a text") };
        let at = |name: &str, i: usize| state["agent"][name][i].as_i64().unwrap();
        let (agent_x, agent_y) = (at("spot", 0), at("spot", 1));
        let mut facts = BTreeSet::from([
            format!("agent {agent_x} {agent_y}"),
            format!("facing {}", bytes(seen(&first)["direction"])[0]),
            format!("mission {mission}"),
        ]);
        let mut kinds = BTreeMap::new();
        for (y, row) in (0..).zip(state["board"].as_array().unwrap()) {
            for (x, word) in (0..).zip(row.as_str().unwrap().split(' ')) {
                let kind = match word.as_bytes()[0] {
                    b'#' | b'W' => "wall",
                    b'G' => "goal",
                    b'V' => "lava",
                    b'O' | b'D' | b'L' => "door",
                    b'K' => "key",
                    b'A' => "ball",
                    b'B' => "box",
                    _ => continue,
                };
                *kinds.entry(kind).or_insert(0) += 1;
                facts.insert(format!("{kind} {x} {y}"));
                if ["door", "key", "ball", "box"].contains(&kind) {
                    facts.insert(word.trim_end_matches('*').to_owned());
                    facts.insert(format!("{kind} from agent {} {}", x - agent_x, y - agent_y));
                }
            }
        }
        facts.extend(kinds.into_iter().map(|(kind, n)| format!("{n} of {kind}")));
        facts.into_iter().for_each(|fact| *held.entry(fact).or_insert(0) += 1);
    }
    held
}

#[test]
fn layouts_are_distributed_as_minigrids() {
    let fixture = fixture("minigrid/layouts.json");
    let n = fixture["n_seeds"].as_u64().unwrap();
    let (mut n_compared, mut worst, mut squares) = (0, 0.0_f64, 0.0);
    for (id, theirs) in fixture["layouts"].as_object().unwrap() {
        let ours = count(&mut *make_built_in(&with(id, "obs=direction+mission")).unwrap(), n);
        let rare = n / 200;
        let common = ours.iter().filter(|(_, count)| **count > 3 * rare).map(|(what, _)| what);
        for what in theirs.as_object().unwrap().keys().chain(common) {
            let got = ours.get(what).copied().unwrap_or(0) as f64 / n as f64;
            let wanted = theirs.get(what).and_then(Json::as_u64).unwrap_or(0) as f64 / n as f64;
            // Two draws of the same chance differ by so many standard deviations.
            let chance = f64::midpoint(got, wanted);
            let deviation = (2.0 * chance * (1.0 - chance) / n as f64).sqrt();
            let z = if got == wanted { 0.0 } else { (got - wanted).abs() / deviation.max(1e-9) };
            assert!(
                z < 4.6,
                "`{id}`: `{what}` in {got} of the layouts, expected {wanted} ({z:.1} deviations)"
            );
            (n_compared, worst, squares) = (n_compared + 1, worst.max(z), squares + z * z);
        }
    }
    eprintln!(
        "{n_compared} frequencies, worst {worst:.2} deviations, mean square {:.2}",
        squares / f64::from(n_compared)
    );
}

#[test]
fn the_planner_solves_every_layout_in_time() {
    let n_seeds = if std::env::var_os("RUN_SLOW").is_some() { 2000 } else { 150 };
    for id in ids() {
        let mut env = make_built_in(&with(id, "obs=direction")).unwrap();
        // On 19 by 19 cells with gaps that may lie far away some ways are longer than time allows.
        let is_long = id.starts_with("minigrid/fourrooms");
        for seed in 0..n_seeds {
            let mut rng = Seed(seed).rng();
            let mut step = env.reset(Seed(2).index(seed)).unwrap();
            while !step.kind.is_last() {
                step = env.step(&env.advise(Skill::Expert, &mut rng)).unwrap();
            }
            assert!(is_long || step.reward > 0.0, "`{id}`, seed {seed}: {:?} {}", step.kind, saved(&*env));
        }
    }
}

#[test]
fn the_planner_goes_on_from_wherever_chance_led() {
    let mut n_lost = 0;
    for id in ids() {
        let mut env = make_built_in(&with(id, "obs=direction&max_steps=2000")).unwrap();
        for seed in 0..60 {
            let mut rng = Seed(seed).rng();
            let mut step = env.reset(Seed(3).index(seed)).unwrap();
            for t in 0.. {
                if step.kind.is_last() {
                    break;
                }
                let skill = if t < 60 { Skill::Weak } else { Skill::Expert };
                step = env.step(&env.advise(skill, &mut rng)).unwrap();
            }
            let is_gone = |env: &dyn BuiltIn| {
                let world = saved(env)["world"].to_string();
                step.kind == StepKind::Truncated && world.contains("\"lift\"") && !world.contains('*')
            };
            let may_lose = id.contains("lavagap") || id.contains("memory") || is_gone(&*env);
            n_lost += i32::from(step.reward == 0.0);
            assert!(may_lose || step.reward > 0.0, "`{id}`, seed {seed}: {}", saved(&*env));
        }
    }
    eprintln!("{n_lost} lost: lava, the wrong end of a hallway, opened boxes");
}

#[test]
fn damaged_states_of_every_layout_are_refused_or_played_on_without_a_panic() {
    let (mut n_refused, mut n_played) = (0, 0);
    for id in ids() {
        let mut env = make_built_in(&with(id, "obs=all&size=20")).unwrap();
        let mut rng: Rng = Seed(4).rng();
        env.reset(Seed(5)).unwrap();
        let whole = env.snapshot().unwrap();
        for _ in 0..200 {
            let mut damaged = whole.clone();
            for _ in 0..1 + rng.below(3) {
                let at = rng.below(damaged.len());
                // Letters for letters, so that other words come of it and most of them are cells.
                damaged[at] = match damaged[at] {
                    b'0'..=b'9' => b'0' + rng.below(10) as u8,
                    b'A'..=b'Z' | b'.' | b'#' => b"WFODLKABGV.#"[rng.below(12)],
                    b'a'..=b'z' => b"rgbpye"[rng.below(6)],
                    byte => byte,
                };
            }
            if env.restore(&damaged).is_err() {
                n_refused += 1;
                continue;
            }
            n_played += 1;
            for _ in 0..30 {
                let skill = Skill::ALL[rng.below(3)].1;
                match env.step(&env.advise(skill, &mut rng)) {
                    Ok(step) if !step.kind.is_last() => {}
                    _ => break,
                }
            }
        }
    }
    assert!(n_refused > 100 && n_played > 100, "{n_refused} refused, {n_played} played");
}

#[test]
fn rewards_fall_over_the_time_that_is_set() {
    let mut env = make_built_in("minigrid/empty?cells=5&max_steps=10").unwrap();
    env.reset(Seed(0)).unwrap();
    let rewards: Vec<f32> =
        [2, 2, 1, 2, 2].map(|action| env.step(&Value::Discrete(action)).unwrap().reward).into();
    assert_eq!(rewards, [0.0, 0.0, 0.0, 0.0, 0.55]);
    assert_eq!(saved(&*env)["world"]["agent"], json!({"spot": [3, 3], "facing": "down"}));
}
