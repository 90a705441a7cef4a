//! PointMaze against Gymnasium-Robotics on MuJoCo.

use serde_json::{Value as Json, json};
use worldsmith_core::{Seed, Value};
use worldsmith_env::{BuiltIn, Skill, make_built_in};

use crate::{fixture, numbers};

/// How far places (m), velocities (m/s) and rewards may be from MuJoCo's, after up to 100 steps.
const TOLERANCE: f64 = 1e-9;

fn saved(env: &dyn BuiltIn) -> Json {
    serde_json::from_slice(&env.snapshot().unwrap()).unwrap()
}

/// Place, velocity and reward, as the fixture has them.
fn now(env: &dyn BuiltIn, reward: f32) -> Vec<f64> {
    let ball = &saved(env)["world"]["ball"];
    [numbers(&ball["at_m"]), numbers(&ball["speed_mps"]), vec![f64::from(reward)]].concat()
}

#[test]
fn every_step_equals_mujocos_from_the_same_state() {
    let (mut n_steps, mut worst) = (0, 0.0_f64);
    for rollout in fixture("point_maze/rollouts.json")["rollouts"].as_array().unwrap() {
        let id = format!("point_maze?maze={}&dense={}", rollout["maze"].as_str().unwrap(), rollout["dense"]);
        let mut env = make_built_in(&id).unwrap();
        env.reset(Seed(0)).unwrap();
        let mut state = saved(&*env);
        let start = numbers(&rollout["start"]);
        state["world"]["ball"] = json!({"at_m": start[..2], "speed_mps": start[2..]});
        state["world"]["goal_m"] = rollout["goal"].clone();
        env.restore(&serde_json::to_vec(&state).unwrap()).unwrap();
        let pushes = rollout["pushes"].as_array().unwrap().iter().map(numbers);
        let steps =
            pushes.flat_map(|push| std::iter::repeat_n([push[0] as f32, push[1] as f32], push[2] as usize));
        let mut states = rollout["states"].as_array().unwrap().iter().map(numbers);
        for (t, push) in (1..).zip(steps) {
            let reward = env.step(&Value::vector(push.to_vec())).unwrap().reward;
            n_steps += 1;
            if t % 5 != 0 {
                continue;
            }
            let (got, wanted) = (now(&*env, reward), states.next().unwrap());
            for (i, (x, y)) in got.iter().zip(&wanted).enumerate() {
                // Rewards have 32 bits here.
                let off = (x - y).abs();
                worst = worst.max(if i < 4 { off } else { 0.0 });
                assert!(off < if i < 4 { TOLERANCE } else { 1e-7 }, "`{id}`, step {t}: {got:?}, {wanted:?}");
            }
        }
        assert_eq!(states.next(), None);
    }
    eprintln!("{n_steps} steps, at most {worst:.1e} apart");
    assert!(n_steps >= 3200);
}

#[test]
fn the_expert_comes_to_the_goal_in_every_maze() {
    for maze in ["umaze", "medium", "large", "open"] {
        for factors in ["default", "train", "shifted"] {
            let id = format!("point_maze?maze={maze}&episodic=true&factors={factors}");
            let mut env = make_built_in(&id).unwrap();
            for seed in 0..60 {
                let mut step = env.reset(Seed(seed)).unwrap();
                while !step.kind.is_last() {
                    step = env.step(&env.advise(Skill::Expert, &mut Seed(0).rng())).unwrap();
                }
                assert_eq!(step.reward, 1.0, "`{id}`, seed {seed}");
            }
        }
    }
}

#[test]
fn a_ball_that_is_thrown_about_stays_clear_of_walls() {
    for maze in ["umaze", "medium", "large", "open"] {
        let mut env = make_built_in(&format!("point_maze?maze={maze}&factors=train&max_steps=none")).unwrap();
        let mut rng = Seed(1).rng();
        for seed in 0..6 {
            env.reset(Seed(seed)).unwrap();
            let mut push = env.spec().action.sample(&mut rng);
            for t in 0..3000 {
                if rng.chance(0.05) {
                    push = Value::vector([(); 2].map(|()| [-1.0, 1.0, 0.3][rng.below(3)]).to_vec());
                }
                let step = env.step(&push).unwrap();
                env.spec().obs.check(&step.obs).unwrap();
                if t % 5 == 0 {
                    // What is saved is what can be restored.
                    let state = env.snapshot().unwrap();
                    env.restore(&state).unwrap();
                }
            }
        }
    }
}

#[test]
fn a_ball_in_a_wall_and_a_goal_in_one_are_refused() {
    let mut env = make_built_in("point_maze").unwrap();
    env.reset(Seed(0)).unwrap();
    let good = saved(&*env);
    for (pointer, value) in [
        ("/world/ball/at_m", json!([0.0, 0.0])),
        ("/world/ball/at_m", json!([-1.499, 1.0])),
        ("/world/ball/at_m", json!([1e300, 1.0])),
        ("/world/ball/speed_mps", json!([0.0, 11.0])),
        ("/world/goal_m", json!([-2.2, 1.0])),
        ("/world/drive/density_kgpm3", json!(0.0)),
    ] {
        let mut wrong = good.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        assert!(env.restore(&serde_json::to_vec(&wrong).unwrap()).is_err(), "{pointer}");
    }
    assert!(make_built_in("point_maze?maze=small").is_err());
}
