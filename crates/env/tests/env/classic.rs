//! Classic control against Gymnasium, from injected states.

use serde_json::Value as Json;
use worldsmith_core::Seed;
use worldsmith_env::classic::acrobot::Acrobot;
use worldsmith_env::classic::cartpole::CartPole;
use worldsmith_env::classic::mountain_car::MountainCar;
use worldsmith_env::classic::mountain_car_continuous::MountainCarContinuous;
use worldsmith_env::classic::pendulum::Pendulum;
use worldsmith_env::world::{Action, Sight, World};
use worldsmith_env::{envs, make};

use crate::{fixture, numbers};

/// Plays the rollouts of `classic/<name>.json` and compares states, rewards and ends at every step; returns how far the worst
/// numbers of states and rewards were off, as a part of the number where it is above one.
fn follow<W: World>(
    name: &str,
    world: impl Fn(&Json) -> W,
    inject: impl Fn(&mut W::State, &[f64], &Json),
    read: impl Fn(&W::State) -> Vec<f64>,
) -> [f64; 2] {
    let entry = envs().find(|entry| entry.id == name).expect("a world of this name");
    let defaults: Vec<f32> = entry.factors.iter().map(|factor| factor.default).collect();
    let fixture = fixture(&format!("classic/{name}.json"));
    let mut rng = Seed(0).rng();
    let (mut worst, mut n_steps, mut n_ends) = ([0.0_f64; 2], 0, 0);
    let off = |got: f64, want: f64| (got - want).abs() / want.abs().max(1.0);
    for rollout in fixture["rollouts"].as_array().unwrap() {
        let kwargs = &rollout["kwargs"];
        let world = world(kwargs);
        let mut state = world.start(&defaults, &mut rng);
        inject(&mut state, &numbers(&rollout["start"]), kwargs);
        world.check(&state).unwrap();
        let (actions, rewards) = (numbers(&rollout["actions"]), numbers(&rollout["rewards"]));
        let states = rollout["states"].as_array().unwrap();
        for (t, (action, (expected, reward))) in actions.iter().zip(states.iter().zip(rewards)).enumerate() {
            let numbers_of_action = [*action as f32];
            let action = match rollout["actions"][t].is_f64() {
                true => Action::Numbers(&numbers_of_action),
                false => Action::Choice(*action as usize),
            };
            let outcome = world.act(&mut state, action, &mut rng);
            for (got, want) in read(&state).iter().zip(numbers(expected)) {
                worst[0] = worst[0].max(off(*got, want));
            }
            worst[1] = worst[1].max(off(f64::from(outcome.reward), reward));
            let ended = rollout["ended"] == true && t + 1 == states.len();
            assert_eq!(outcome.terminated, ended, "`{name}`, step {t}");
            world.check(&state).unwrap();
        }
        let expected: Vec<f32> = numbers(&rollout["obs"]).iter().map(|x| *x as f32).collect();
        let mut seen = vec![0.0; expected.len()];
        world.show(&state, 0, Sight::Numbers(&mut seen));
        assert!(
            seen.iter().zip(&expected).all(|(x, y)| (x - y).abs() <= 1e-6 * y.abs().max(1.0)),
            "{seen:?}"
        );
        n_steps += states.len();
        n_ends += u32::from(rollout["ended"] == true);
    }
    let [states, rewards] = worst;
    eprintln!("`{name}`: {n_steps} steps, {n_ends} ends, states off by {states:e}, rewards by {rewards:e}");
    assert!(n_steps > 400, "enough to compare");
    worst
}

/// Rewards are 32-bit numbers here and 64-bit numbers there.
const REWARD: f64 = 1e-7;

#[test]
fn cartpole_equals_gymnasium_from_the_same_state() {
    let [states, rewards] = follow(
        "cartpole",
        |kwargs| CartPole { sutton_barto: kwargs["sutton_barto_reward"] == true },
        |state, start, _| state.cart = start.try_into().unwrap(),
        |state| state.cart.to_vec(),
    );
    assert_eq!([states, rewards], [0.0, 0.0]);
}

#[test]
fn pendulum_equals_gymnasium_from_the_same_state() {
    let [states, rewards] = follow(
        "pendulum",
        |_| Pendulum,
        |state, start, kwargs| {
            (state.angle_rad, state.speed_radps) = (start[0], start[1]);
            state.gravity_mps2 = kwargs["g"].as_f64().unwrap_or(state.gravity_mps2);
        },
        |state| vec![state.angle_rad, state.speed_radps],
    );
    assert!(states == 0.0 && rewards <= REWARD);
}

#[test]
fn mountain_car_equals_gymnasium_from_the_same_state() {
    let [states, rewards] = follow(
        "mountain_car",
        |kwargs| MountainCar { goal_velocity: kwargs["goal_velocity"].as_f64().unwrap_or(0.0) },
        |state, start, _| (state.position, state.velocity) = (start[0], start[1]),
        |state| vec![state.position, state.velocity],
    );
    assert_eq!([states, rewards], [0.0, 0.0]);
}

#[test]
fn mountain_car_continuous_equals_gymnasium_from_the_same_state() {
    let [states, rewards] = follow(
        "mountain_car_continuous",
        |kwargs| MountainCarContinuous {
            goal_velocity: kwargs["goal_velocity"].as_f64().unwrap_or(0.0) as f32,
        },
        |state, start, _| (state.position, state.velocity) = (start[0] as f32, start[1] as f32),
        |state| vec![f64::from(state.position), f64::from(state.velocity)],
    );
    assert!(states == 0.0 && rewards <= REWARD);
}

#[test]
fn acrobot_equals_gymnasium_from_the_same_state() {
    let [states, rewards] = follow(
        "acrobot",
        |_| Acrobot,
        |state, start, _| state.links = start.try_into().unwrap(),
        |state| state.links.to_vec(),
    );
    assert!(states <= 1e-6 && rewards == 0.0);
}

#[test]
fn options_of_classic_control_are_checked() {
    for (id, message) in [
        (
            "mountain_car?goal_velocity=0.1",
            "option `goal_velocity` of `mountain_car?goal_velocity=0.1`: expected a number from 0 to 0.07, got `0.1`",
        ),
        (
            "cartpole?sutton_barto=yes",
            "option `sutton_barto` of `cartpole?sutton_barto=yes`: expected `true` or `false`, got `yes`",
        ),
    ] {
        assert_eq!(make(id).err().unwrap().to_string(), message);
    }
}
