//! Table worlds against their references, from injected states.

use worldsmith_core::Seed;
use worldsmith_env::Options;
use worldsmith_env::table::pusht::{self, PushT};
use worldsmith_env::world::World;

use crate::{fixture, numbers};

#[test]
fn pusht_moves_as_gym_pusht_does_from_the_same_state() {
    let fixture = fixture("table/pusht.json");
    let world = PushT::new(&Options::parse("pusht").unwrap().1).unwrap();
    let defaults: Vec<f32> = pusht::ENTRY.factors.iter().map(|factor| factor.default).collect();
    let mut state = world.start(&defaults, &mut Seed(0).rng());
    for (k, rollout) in fixture["rollouts"].as_array().unwrap().iter().enumerate() {
        let start = numbers(&rollout["start"]);
        world.set(&mut state, [start[0], start[1]], [start[2], start[3]], start[4]);
        let actions = numbers(&rollout["actions"]);
        let (mut worst, mut first) = ([0.0_f64; 4], None);
        for (t, expected) in rollout["steps"].as_array().unwrap().iter().enumerate() {
            if t > 0 {
                world.push(&mut state, [actions[2 * t - 2], actions[2 * t - 1]]);
            }
            let (got, want) = (world.pose(&state), numbers(expected));
            let off = |i: usize| (got[i] - want[i]).abs();
            let turn = off(4).min(std::f64::consts::TAU - off(4));
            let errors = [
                off(0).max(off(1)),
                off(2).max(off(3)),
                turn,
                if t > 0 { (state.coverage - want[5]).abs() } else { 0.0 },
            ];
            for (worst, error) in worst.iter_mut().zip(errors) {
                *worst = worst.max(error);
            }
            if first.is_none() && errors[1] > 1e-3 {
                first = Some(t);
            }
        }
        eprintln!(
            "{k} {} {:.1e} {:.1e} {:.1e} {:.1e} {first:?}",
            rollout["policy"], worst[0], worst[1], worst[2], worst[3]
        );
    }
}
