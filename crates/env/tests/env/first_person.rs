//! First-person worlds from outside: every option, and views that belong together.

use worldsmith_core::{Seed, Value};
use worldsmith_env::{Skill, conformance, make, make_built_in};

#[test]
fn every_task_and_kind_of_action_keeps_the_promises() {
    for id in [
        "raycast_maze?task=go_and_return&max_steps=200",
        "raycast_maze?actions=continuous&obs=all&size=30x44&max_steps=100",
        "raycast_maze?factor.maze_rooms=9&max_steps=100",
    ] {
        conformance::check(&mut *make(id).unwrap(), Seed(2)).unwrap_or_else(|e| panic!("`{id}`: {e}"));
    }
    let err = make("raycast_maze?task=stay").err().unwrap();
    assert!(err.to_string().ends_with("expected `goal` or `go_and_return`, got `stay`"), "{err}");
}

#[test]
fn the_expert_finds_the_gem_and_the_way_back() {
    for seed in 0..20 {
        let mut env =
            make_built_in("raycast_maze?task=go_and_return&factors=shifted&obs=pose&max_steps=3000").unwrap();
        let mut rng = Seed(0).rng();
        let start = env.reset(Seed(seed)).unwrap().obs;
        let mut rewards = Vec::new();
        let end = loop {
            let step = env.step(&env.advise(Skill::Expert, &mut rng)).unwrap();
            if step.reward != 0.0 {
                rewards.push(step.reward);
            }
            if step.kind.is_last() {
                break step.obs;
            }
        };
        let (Value::Array { data: start, .. }, Value::Array { data: end, .. }) = (start, end) else {
            panic!("poses are numbers");
        };
        assert_eq!(rewards, [1.0, 1.0], "seed {seed}");
        assert!((start[0] - end[0]).hypot(start[1] - end[1]) < 0.4, "seed {seed}");
    }
}

#[test]
fn ranges_are_the_depths_at_eye_height_along_the_rays() {
    let mut env = make_built_in("raycast_maze?obs=depth+ranges&size=65x64").unwrap();
    let mut rng = Seed(3).rng();
    let focal = 32.0 / 33.0_f32.to_radians().tan();
    let (mut n, mut n_equal) = (0, 0);
    for seed in 0..4 {
        let mut obs = env.reset(Seed(seed)).unwrap().obs;
        for _ in 0..60 {
            let Value::Dict(parts) = &obs else { panic!("two views, got {obs:?}") };
            let (Value::Array { data: depth, .. }, Value::Array { data: ranges, .. }) =
                (&parts["depth"], &parts["ranges"])
            else {
                panic!("numbers")
            };
            for x in 0..64 {
                let slope = (x as f32 + 0.5 - 32.0) / focal;
                n += 1;
                let along = depth[32 * 64 + x] * slope.hypot(1.0);
                n_equal += usize::from((along - ranges[x]).abs() < 1e-4);
                assert!(along < ranges[x] + 1e-4, "nothing is seen through a wall");
            }
            let step = env.step(&env.advise(Skill::Weak, &mut rng)).unwrap();
            obs = step.obs;
            if step.kind.is_last() {
                break;
            }
        }
    }
    // But for the gem, which stands before walls.
    assert!(n_equal as f32 > 0.97 * n as f32, "{n_equal} of {n}");
}
