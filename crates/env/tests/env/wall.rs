//! The Wall world against DINO-WM's.
//!
//! The fixture was made by the reference's own source (gaoyuezhou/dino_wm, commit 0a9492f, `env/wall/envs`), which is no
//! package, run with NumPy in place of PyTorch, so that it counts in 64 bits throughout.

use serde_json::{Value as Json, json};
use worldsmith_core::{Image, Seed, Value};
use worldsmith_env::{BuiltIn, Skill, make_built_in};

use crate::{fixture, numbers};

/// How far a dot may be from the reference's, in pixels.
const TOLERANCE_PX: f64 = 1e-9;

fn saved(env: &dyn BuiltIn) -> Json {
    serde_json::from_slice(&env.snapshot().unwrap()).unwrap()
}

/// An environment in the state from which an episode of the fixture starts, without an end.
fn started(episode: &Json, view: &str) -> Box<dyn BuiltIn> {
    let (wall, door) = (&episode["wall"], &episode["door"]);
    let id = format!("wall?obs={view}&size=65&factor.wall_px={wall}&factor.door_px={door}&max_steps=none");
    let mut env = make_built_in(&id).unwrap();
    env.reset(Seed(0)).unwrap();
    put(&mut *env, &episode["start"]);
    env
}

/// Puts the dot there.
fn put(env: &mut dyn BuiltIn, dot: &Json) {
    let mut state = saved(env);
    state["world"]["dot"] = dot.clone();
    state["clock"]["over"] = json!(false);
    env.restore(&serde_json::to_vec(&state).unwrap()).unwrap();
}

fn action(json: &Json) -> Value {
    Value::vector(numbers(json).into_iter().map(|x| x as f32).collect())
}

#[test]
fn every_move_equals_the_references() {
    let (mut n_moves, mut n_rebounds, mut worst) = (0, 0, 0.0_f64);
    for episode in fixture("wall/steps.json")["episodes"].as_array().unwrap() {
        let mut env = started(episode, "state");
        let moves = episode["actions"].as_array().unwrap().iter().zip(episode["places"].as_array().unwrap());
        for (t, (by, wanted)) in moves.enumerate() {
            let before = numbers(&saved(&*env)["world"]["dot"]);
            // An episode ends at its goal here.
            if saved(&*env)["clock"]["over"] == json!(true) {
                put(&mut *env, &json!(before));
            }
            env.step(&action(by)).unwrap();
            let (got, wanted, by) = (numbers(&saved(&*env)["world"]["dot"]), numbers(wanted), numbers(by));
            for i in [0, 1] {
                worst = worst.max((got[i] - wanted[i]).abs());
                assert!(
                    (got[i] - wanted[i]).abs() < TOLERANCE_PX,
                    "move {t} of {episode}: {got:?}, {wanted:?}"
                );
            }
            n_moves += 1;
            n_rebounds += usize::from((before[0] + 2.0 * by[0] - got[0]).abs() > 1e-6);
        }
    }
    eprintln!("{n_moves} moves, {n_rebounds} rebounds, at most {worst:.1e} px apart");
    assert!(n_moves >= 1000 && n_rebounds > 200);
}

#[test]
fn pictures_equal_the_references_to_one_level() {
    let fixture = fixture("wall/steps.json");
    for picture in fixture["pictures"].as_array().unwrap() {
        let episode = &fixture["episodes"][picture["episode"].as_u64().unwrap() as usize];
        let mut env = started(episode, "pixels");
        put(&mut *env, episode["places"].as_array().unwrap().last().unwrap());
        // A step of no length shows the dot where it is.
        let Value::Image(Image { data, .. }) = env.step(&Value::vector(vec![0.0; 2])).unwrap().obs else {
            panic!("a picture")
        };
        let rows = picture["rows"].as_array().unwrap();
        let wanted = rows.iter().flat_map(|row| row.as_str().unwrap().as_bytes().chunks(2));
        for (i, (pixel, wanted)) in data.chunks(3).zip(wanted).enumerate() {
            let [red, green, blue] = [pixel[0], pixel[1], pixel[2]];
            if wanted == b"##" {
                assert_eq!([red, green, blue], [0; 3], "pixel {i}");
            } else {
                let level = u8::from_str_radix(std::str::from_utf8(wanted).unwrap(), 16).unwrap();
                assert!(
                    (red, green) == (255, blue) && green.abs_diff(level) <= 1,
                    "pixel {i}: {green}, {level}"
                );
            }
        }
        assert_eq!(data.len(), 65 * 65 * 3);
    }
}

#[test]
fn the_expert_comes_to_the_goal_and_stays_inside() {
    for factors in ["default", "train", "shifted"] {
        let mut env = make_built_in(&format!("wall?obs=state&factors={factors}")).unwrap();
        for seed in 0..300 {
            let mut step = env.reset(Seed(seed)).unwrap();
            while !step.kind.is_last() {
                step = env.step(&env.advise(Skill::Expert, &mut Seed(0).rng())).unwrap();
                env.spec().obs.check(&step.obs).unwrap();
            }
            assert_eq!(step.reward, 1.0, "{factors}, seed {seed}: {}", saved(&*env));
        }
    }
}

#[test]
fn a_dot_that_wanders_for_long_stays_inside_and_can_be_saved() {
    let mut env = make_built_in("wall?obs=state&factors=train").unwrap();
    let mut rng = Seed(3).rng();
    for seed in 0..300 {
        let mut step = env.reset(Seed(seed)).unwrap();
        let mut by = env.spec().action.sample(&mut rng);
        while !step.kind.is_last() {
            if rng.chance(0.2) {
                by = Value::vector([(); 2].map(|()| [-1.8, 1.8, 0.0][rng.below(3)]).to_vec());
            }
            step = env.step(&by).unwrap();
            env.spec().obs.check(&step.obs).unwrap();
            let state = env.snapshot().unwrap();
            env.restore(&state).unwrap();
        }
    }
}
