//! Table worlds against their references, from injected states.

use std::f64::consts::TAU;

use serde_json::Value as Json;
use worldsmith_core::{Seed, Value};
use worldsmith_env::table::pusht::{self, PushT, State};
use worldsmith_env::world::World;
use worldsmith_env::{Options, Skill, conformance, make, make_built_in};

use crate::{fixture, numbers};

/// Fixtures are rounded to six decimals.
const ROUNDING: f64 = 1e-6;

fn pusht() -> (PushT, State) {
    let world = PushT::new(&Options::parse("pusht").unwrap().1).unwrap();
    let defaults: Vec<f32> = pusht::ENTRY.factors.iter().map(|factor| factor.default).collect();
    let state = world.start(&defaults, &mut Seed(0).rng());
    (world, state)
}

fn set(world: &PushT, state: &mut State, start: &Json) {
    let start = numbers(start);
    world.set(state, [start[0], start[1]], [start[2], start[3]], start[4]);
}

/// By how much two poses differ: pusher (px), block (px), angle (rad).
fn off(got: &[f64; 5], want: &[f64]) -> [f64; 3] {
    let off = |i: usize| (got[i] - want[i]).abs();
    [off(0).max(off(1)), off(2).max(off(3)), off(4).min(TAU - off(4))]
}

#[test]
fn pusht_follows_gym_pusht_step_by_step_while_one_pair_touches() {
    let fixture = fixture("table/pusht.json");
    let (world, mut state) = pusht();
    let (mut worst, mut n_same, mut n_steps, mut worst_agent) = ([0.0_f64; 4], 0, 0, 0.0_f64);
    for rollout in fixture["rollouts"].as_array().unwrap() {
        set(&world, &mut state, &rollout["start"]);
        let (actions, pairs) = (numbers(&rollout["actions"]), numbers(&rollout["pairs"]));
        let mut same = true;
        for (t, expected) in rollout["steps"].as_array().unwrap().iter().enumerate() {
            if t > 0 {
                world.push(&mut state, [actions[2 * t - 2], actions[2 * t - 1]]);
                world.check(&state).unwrap();
            }
            let want = numbers(expected);
            let [agent, block, angle] = off(&world.pose(&state), &want);
            worst_agent = worst_agent.max(agent);
            same &= pairs[t] < 2.0;
            n_steps += 1;
            if same {
                n_same += 1;
                let coverage = if t > 0 { (state.coverage - want[5]).abs() } else { 0.0 };
                let errors = [agent, block, angle, coverage];
                worst.iter_mut().zip(errors).for_each(|(worst, error)| *worst = worst.max(error));
                assert_eq!(state.success, state.coverage > 0.95);
            }
        }
    }
    let worst_of_all = worst.into_iter().fold(0.0, f64::max);
    eprintln!(
        "{n_same} of {n_steps} steps: off by at most {worst_of_all:.1e}; pusher in all {worst_agent:.1e}"
    );
    assert!(worst_agent < ROUNDING, "nothing pushes the pusher");
    assert!(worst_of_all < ROUNDING);
    assert!(n_same > 150);
}

/// The value below which a share of `all` lies; sorts it.
fn quantile(all: &mut [f64], share: f64) -> f64 {
    all.sort_unstable_by(f64::total_cmp);
    all[((all.len() - 1) as f64 * share) as usize]
}

/// The greatest distance between two distributions (Kolmogorov and Smirnov's).
fn distance(one: &[f64], two: &[f64]) -> f64 {
    let below = |all: &[f64], x: f64| all.iter().filter(|y| **y <= x).count() as f64 / all.len() as f64;
    one.iter().chain(two).map(|x| (below(one, *x) - below(two, *x)).abs()).fold(0.0, f64::max)
}

#[test]
fn pushes_move_and_turn_the_block_as_far_as_in_gym_pusht() {
    let fixture = fixture("table/pusht.json");
    let n_steps = fixture["n_push_steps"].as_u64().unwrap();
    let (world, mut state) = pusht();
    let (mut moved, mut turned) = ([vec![], vec![]], [vec![], vec![]]);
    let (mut errors, mut one_pair) = ([vec![], vec![]], 0.0_f64);
    for push in fixture["pushes"].as_array().unwrap() {
        set(&world, &mut state, &push["start"]);
        let (aim, from, to) = (numbers(&push["aim"]), numbers(&push["from"]), numbers(&push["to"]));
        for _ in 0..n_steps {
            world.push(&mut state, [aim[0], aim[1]]);
        }
        let got = world.pose(&state);
        for (i, end) in [&got[..], &to].into_iter().enumerate() {
            moved[i].push((end[2] - from[2]).hypot(end[3] - from[3]));
            turned[i].push((end[4] - from[4] + TAU * 1.5).rem_euclid(TAU) - TAU / 2.0);
        }
        let [_, block, angle] = off(&got, &to);
        errors[0].push(block);
        errors[1].push(angle);
        if push["pairs"] == 1 {
            one_pair = one_pair.max(block).max(angle);
        }
    }
    let mean = |all: &[f64]| all.iter().map(|x| x.abs()).sum::<f64>() / all.len() as f64;
    let apart = [distance(&moved[0], &moved[1]), distance(&turned[0], &turned[1])];
    eprintln!(
        "{} pushes: moved {:.3} against {:.3} px, turned {:.4} against {:.4} rad, distributions apart by {apart:.4?}; \
         one pair off by at most {one_pair:.1e}",
        moved[0].len(),
        mean(&moved[0]),
        mean(&moved[1]),
        mean(&turned[0]),
        mean(&turned[1]),
    );
    for (what, errors) in ["px", "rad"].into_iter().zip(&mut errors) {
        let mut at = |share| quantile(errors, share);
        eprintln!(
            "    {what} off: half {:.1e}, 90% {:.1e}, 99% {:.1e}, all {:.1e}",
            at(0.5),
            at(0.9),
            at(0.99),
            at(1.0)
        );
    }
    assert!(one_pair < ROUNDING);
    assert!(apart.iter().all(|apart| *apart < 0.02));
    assert!((mean(&moved[0]) / mean(&moved[1]) - 1.0).abs() < 0.01);
    assert!((mean(&turned[0]) / mean(&turned[1]) - 1.0).abs() < 0.01);
    assert!(quantile(&mut errors[0], 0.5) < ROUNDING && quantile(&mut errors[1], 0.5) < ROUNDING);
}

/// The numbers `name` of an observation of several views.
fn numbers_of<'a>(obs: &'a Value, name: &str) -> &'a [f32] {
    match obs {
        Value::Dict(parts) => match &parts[name] {
            Value::Array { data, .. } => data,
            other => panic!("numbers, got {other:?}"),
        },
        other => panic!("several views, got {other:?}"),
    }
}

#[test]
fn table_blocks_names_two_blocks_that_are_there_and_pays_for_the_way_between_them() {
    let mut env = make_built_in("table_blocks?obs=state+instruction&task=block&factors=train").unwrap();
    let mut rng = Seed(1).rng();
    let gap = |state: &[f32]| (state[2] - state[4]).hypot(state[3] - state[5]);
    for i in 0..8 {
        let first = env.reset(Seed(i)).unwrap();
        let Value::Dict(parts) = &first.obs else { panic!("two views") };
        let Value::Text(said) = &parts["instruction"] else { panic!("words") };
        let state = numbers_of(&first.obs, "state").to_vec();
        for place in [2, 4] {
            let slot = state[6..].chunks_exact(5).find(|slot| slot[..2] == state[place..place + 2]).unwrap();
            let colour = ["red", "green", "blue", "yellow", "purple", "orange"][slot[3] as usize - 1];
            let form = ["circle", "square", "triangle", "hexagon"][slot[4] as usize - 1];
            assert!(said.contains(&format!("{colour} {form}")), "`{said}` names the {colour} {form}");
        }
        let (mut total, mut last) = (0.0, state.clone());
        for _ in 0..200 {
            let step = env.step(&env.advise(Skill::Expert, &mut rng)).unwrap();
            total += step.reward;
            last = numbers_of(&step.obs, "state").to_vec();
            if step.kind.is_last() {
                total -= f32::from(u8::from(step.kind == worldsmith_core::StepKind::Terminated));
                break;
            }
        }
        assert!((total - (1.0 - gap(&last) / gap(&state))).abs() < 1e-3);
    }
}

#[test]
fn the_arm_holds_what_its_fingers_close_on_carries_it_and_lets_go() {
    let mut env = make_built_in("arm_2d?obs=all&size=32").unwrap();
    let mut rng = Seed(1).rng();
    for i in 0..6 {
        let first = env.reset(Seed(i)).unwrap();
        let start = numbers_of(&first.obs, "state").to_vec();
        let (mut total, mut carried, mut last) = (0.0, 0.0_f32, start.clone());
        for _ in 0..150 {
            let step = env.step(&env.advise(Skill::Expert, &mut rng)).unwrap();
            let state = numbers_of(&step.obs, "state").to_vec();
            total += step.reward;
            if last[10] == 1.0 && state[10] == 1.0 {
                let gap = |state: &[f32]| (state[4] - state[7]).hypot(state[5] - state[8]);
                assert!((gap(&last) - gap(&state)).abs() < 0.01, "the block goes with the hand");
                carried += (last[7] - state[7]).hypot(last[8] - state[8]);
            }
            last = state;
            if step.kind.is_last() {
                break;
            }
        }
        let off = |state: &[f32]| (state[7] - state[11]).hypot(state[8] - state[12]);
        assert!(carried > 0.8 * off(&start) && off(&last) < 20.0 && last[10] == 0.0);
        assert!(total > 1.5, "most of the way and the end");
    }
}

#[test]
fn every_form_kind_of_action_and_task_keeps_its_promises_and_others_are_refused() {
    let forms = pusht::FORMS.map(|form| format!("pusht?form={}&action=relative", form.name));
    let others = ["table_blocks?task=place&action=relative", "table_blocks?task=block", "arm_2d?task=reach"];
    for id in forms.into_iter().chain(others.map(String::from)) {
        let id = format!("{id}&obs=all&size=16&max_steps=40");
        conformance::check(&mut *make(&id).unwrap(), Seed(2)).unwrap_or_else(|e| panic!("`{id}`: {e}"));
        let mut env = make_built_in(&id).unwrap();
        env.reset(Seed(0)).unwrap();
        env.step(&env.advise(Skill::Expert, &mut Seed(0).rng())).unwrap();
    }
    for wrong in ["pusht?form=tea", "pusht?action=no", "table_blocks?task=pick", "arm_2d?task=place"] {
        let err = make(wrong).err().unwrap_or_else(|| panic!("`{wrong}` should be refused"));
        assert!(err.to_string().contains("expected"), "{err}");
    }
}
