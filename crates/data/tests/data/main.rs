//! The data crate seen from outside: replay, store and pictures.

mod corpus;
mod crash;
mod damage;
mod export;
mod film;
mod frames;
mod hindsight;
mod index;
mod lerobot;
mod made_up;
mod minari;
mod npz;
mod peers;
mod replay;
mod resume;
mod sampling;
mod staged;
mod store;
mod swm_folder;
mod swm_hdf5;
mod swm_lance;
mod zarr;

use std::collections::BTreeMap;

use worldsmith_core::{Episode, EpisodeMeta, Image, Rng, Seed, Space, Step, StepKind, Value};

/// A small picture and a vector.
fn obs_space() -> Space {
    Space::Dict(BTreeMap::from([
        ("view".to_owned(), Space::Image { height: 2, width: 1, channels: 1 }),
        ("where".to_owned(), Space::vector(2, f32::NEG_INFINITY, f32::INFINITY)),
    ]))
}

fn action_space() -> Space {
    Space::Discrete { n: 3 }
}

/// An observation in which episode and step can be read back.
fn obs(episode: usize, t: usize) -> Value {
    let view = Image { height: 2, width: 1, channels: 1, data: vec![episode as u8, t as u8] };
    Value::Dict(BTreeMap::from([
        ("view".to_owned(), Value::Image(view)),
        ("where".to_owned(), Value::vector(vec![episode as f32, t as f32])),
    ]))
}

fn meta(episode: usize) -> EpisodeMeta {
    EpisodeMeta {
        env: "counting".to_owned(),
        policy: "random".to_owned(),
        seed: Seed(u64::MAX - episode as u64),
        source: "real".to_owned(),
        task: None,
    }
}

/// Episode number `idx` of `n` actions; rewards and actions can be told apart too.
fn episode(idx: usize, n: usize, end: StepKind) -> Episode {
    let mut episode = Episode::start(obs(idx, 0), meta(idx));
    for t in 0..n {
        let kind = if t + 1 == n { end } else { StepKind::Mid };
        let step = Step { kind, obs: obs(idx, t + 1), reward: (idx * 100 + t) as f32 };
        episode.push(Value::Discrete((idx + t) as i64 % 3), step).unwrap();
    }
    episode
}

/// Episode number `idx` of `n` actions, with random values of any spaces; ends follow each other by turns.
fn sampled(idx: usize, n: usize, [obs, action]: [&Space; 2], rng: &mut Rng) -> Episode {
    Episode {
        obs: (0..=n).map(|_| obs.sample(rng)).collect(),
        actions: (0..n).map(|_| action.sample(rng)).collect(),
        rewards: (0..n).map(|_| rng.normal()).collect(),
        end: [StepKind::Terminated, StepKind::Truncated, StepKind::Mid][idx % 3],
        meta: meta(idx),
    }
}

/// Episodes of random length and end.
fn random_episodes(n: usize, longest: usize, rng: &mut Rng) -> Vec<Episode> {
    let ends = [StepKind::Terminated, StepKind::Truncated, StepKind::Mid];
    (0..n).map(|idx| episode(idx, rng.below(longest + 1), ends[rng.below(3)])).collect()
}
