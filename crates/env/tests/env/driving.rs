//! Driving worlds from outside: every option, and pictures, depths and poses that belong together.

use worldsmith_core::{Seed, Value};
use worldsmith_env::{Skill, conformance, make, make_built_in};

#[test]
fn every_kind_of_control_keeps_the_promises() {
    for id in [
        "racing?actions=discrete",
        "road?controls=trajectory",
        "road?controls=command",
        "road?controls=goal_point&size=48x80",
    ] {
        conformance::check(&mut *make(id).unwrap(), Seed(2)).unwrap_or_else(|e| panic!("`{id}`: {e}"));
    }
    for id in ["racing?actions=some", "road?controls=wish"] {
        assert!(make(id).err().unwrap().to_string().contains("expected `"), "{id}");
    }
}

#[test]
fn experts_stay_on_the_road_by_every_kind_of_control() {
    for (id, least) in [
        ("racing", 850.0),
        ("racing?actions=discrete", 600.0),
        ("road", 100.0),
        ("road?controls=trajectory", 100.0),
        ("road?controls=command", 100.0),
        ("road?controls=goal_point", 100.0),
    ] {
        let mut env = make_built_in(id).unwrap();
        let mut rng = Seed(0).rng();
        env.reset(Seed(5)).unwrap();
        let mut total = 0.0;
        loop {
            let step = env.step(&env.advise(Skill::Expert, &mut rng)).unwrap();
            total += step.reward;
            if step.kind.is_last() {
                break;
            }
        }
        assert!(total > least, "`{id}`: {total}");
    }
}

fn numbers<'a>(obs: &'a Value, name: &str) -> &'a [f32] {
    match obs {
        Value::Dict(parts) => match &parts[name] {
            Value::Array { data, .. } => data,
            other => panic!("numbers, got {other:?}"),
        },
        other => panic!("parts, got {other:?}"),
    }
}

/// The camera of `road` as its page describes it, for square pictures.
struct Camera {
    side: usize,
    focal: f32,
    pose: [f32; 3],
}

impl Camera {
    fn of(obs: &Value, side: usize) -> Self {
        let pose = numbers(obs, "pose");
        let focal = side as f32 / 2.0 / 35.0_f32.to_radians().tan();
        Self { side, focal, pose: [pose[0], pose[1], pose[2]] }
    }

    fn middle(&self) -> [f32; 2] {
        [self.side as f32 / 2.0, 0.42 * self.side as f32]
    }

    /// A pixel and its depth as a point of the world; the third number is the height above the camera.
    fn lift(&self, column: usize, row: usize, depth: f32) -> [f32; 3] {
        let right = (column as f32 + 0.5 - self.middle()[0]) / self.focal * depth;
        let up = (self.middle()[1] - row as f32 - 0.5) / self.focal * depth;
        let (sin, cos) = self.pose[2].sin_cos();
        [self.pose[0] + depth * cos + right * sin, self.pose[1] + depth * sin - right * cos, up]
    }

    /// Column, row and depth of a point of the world.
    fn project(&self, [x, y, up]: [f32; 3]) -> [f32; 3] {
        let [dx, dy] = [x - self.pose[0], y - self.pose[1]];
        let (sin, cos) = self.pose[2].sin_cos();
        let (depth, right) = (dx * cos + dy * sin, dx * sin - dy * cos);
        [self.middle()[0] + right / depth * self.focal, self.middle()[1] - up / depth * self.focal, depth]
    }
}

#[test]
fn depths_and_poses_of_one_moment_foretell_the_depths_of_the_next() {
    let side = 192;
    let mut env = make_built_in(&format!("road?obs=pose+depth&size={side}")).unwrap();
    let mut rng = Seed(0).rng();
    let mut before = env.reset(Seed(11)).unwrap().obs;
    let (mut n, mut n_right) = (0, 0);
    for step in 0..60 {
        let after = env.step(&env.advise(Skill::Expert, &mut rng)).unwrap().obs;
        if step % 20 == 19 {
            let (from, to) = (Camera::of(&before, side), Camera::of(&after, side));
            let (depth, next) = (numbers(&before, "depth"), numbers(&after, "depth"));
            for (i, z) in depth.iter().enumerate().filter(|(_, z)| (8.0..30.0).contains(*z)) {
                let [column, row, expected] = to.project(from.lift(i % side, i / side, *z));
                let inside = [column, row].iter().all(|px| (0.0..side as f32).contains(px));
                if inside {
                    let got = next[row as usize * side + column as usize];
                    n += 1;
                    n_right += usize::from((got / expected - 1.0).abs() < 0.05);
                }
            }
        }
        before = after;
    }
    // The rest is what other cars, trees and houses hide or show.
    assert!(n > 10_000 && n_right as f32 > 0.95 * n as f32, "{n_right} of {n}");
}

#[test]
fn the_pose_moves_as_fast_as_it_says() {
    let mut env = make_built_in("road?obs=pose").unwrap();
    let mut rng = Seed(0).rng();
    let pose = |obs: &Value| match obs {
        Value::Array { data, .. } => [data[0], data[1], data[3]],
        other => panic!("a pose, got {other:?}"),
    };
    let mut before = pose(&env.reset(Seed(1)).unwrap().obs);
    for _ in 0..50 {
        let after = pose(&env.step(&env.advise(Skill::Expert, &mut rng)).unwrap().obs);
        let way = (after[0] - before[0]).hypot(after[1] - before[1]);
        assert!((way - 0.1 * (before[2] + after[2]) / 2.0).abs() < 0.02, "{way} m at {} m/s", after[2]);
        before = after;
    }
}
