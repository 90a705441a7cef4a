//! Batches take no memory while they are stepped. A program of its own with one test only, because it counts what the whole
//! program takes.

mod allocator;

use worldsmith_core::{Seed, Space};
use worldsmith_env::batch::{Actions, BatchEnv};
use worldsmith_env::make_batch;

const N_ENVS: usize = 64;
/// So many that every environment goes through several episodes.
const N_STEPS: usize = 1500;
const WORLDS: &[&str] = &[
    "cartpole",
    "pendulum",
    "mountain_car",
    "mountain_car_continuous",
    "acrobot",
    "frozen_lake",
    "frozen_lake?map=random",
    "cliff_walking",
    "taxi?rainy=true&fickle=true",
    "pusht",
];

/// One turn of random actions.
enum Turn {
    Choices(Vec<i64>),
    Numbers(Vec<f32>),
}

impl Turn {
    fn actions(&self) -> Actions<'_> {
        match self {
            Turn::Choices(all) => Actions::Choices(all),
            Turn::Numbers(all) => Actions::Numbers(all),
        }
    }
}

fn random_turns(batch: &dyn BatchEnv, n_turns: usize) -> Vec<Turn> {
    let mut rng = Seed(2).rng();
    let mut turn = || match &batch.spec().action {
        Space::Discrete { n } => Turn::Choices((0..N_ENVS).map(|_| rng.below(*n) as i64).collect()),
        Space::Box { low, high, .. } => {
            let bounds = || low.iter().zip(high).map(|(low, high)| (*low, *high));
            let all = (0..N_ENVS).flat_map(|_| bounds());
            Turn::Numbers(all.map(|(low, high)| low + (high - low) * rng.uniform()).collect())
        }
        other => panic!("expected an action of a built-in world, got {other}"),
    };
    (0..n_turns).map(|_| turn()).collect()
}

/// How often memory is taken in [`N_STEPS`] steps of a batch of `id`, resets included: by this thread and by all.
fn n_taken(id: &str, n_threads: usize) -> [u64; 2] {
    let mut batch = make_batch(id, N_ENVS, n_threads).unwrap();
    let mut frames = batch.frames();
    let turns = random_turns(&*batch, 50);
    batch.reset(Seed(1), &mut frames).unwrap();
    // What is made once, at the first steps, does not count.
    turns.iter().for_each(|turn| batch.step(turn.actions(), &mut frames).unwrap());
    let before = [allocator::n_taken_here(), allocator::n_taken()];
    for turn in turns.iter().cycle().take(N_STEPS) {
        batch.step(turn.actions(), &mut frames).unwrap();
    }
    [allocator::n_taken_here() - before[0], allocator::n_taken() - before[1]]
}

#[test]
fn batches_of_classic_control_and_toy_text_take_no_memory_for_a_step() {
    const LARGE: i64 = 1 << 26;
    let before = (allocator::n_taken_here(), allocator::bytes_held());
    let boxed = std::hint::black_box(vec![0_u8; LARGE as usize]);
    let after = (allocator::n_taken_here(), allocator::bytes_held());
    drop(boxed);
    assert_eq!(after.0 - before.0, 1, "the counters count");
    // Other threads may have taken or given back a little.
    assert!((after.1 - before.1 - LARGE).abs() < LARGE / 64);
    for id in WORLDS {
        for views in ["state", "pixels"] {
            let separator = if id.contains('?') { '&' } else { '?' };
            let id = format!("{id}{separator}obs={views}&size=32");
            assert_eq!(n_taken(&id, 1)[0], 0, "`{id}` on one thread");
        }
        // Handing work to other threads may take a little, but not for every step.
        let [_, n] = n_taken(id, 2);
        assert!(n < N_STEPS as u64, "`{id}` on two threads: {n} in {N_STEPS} steps");
    }
}
