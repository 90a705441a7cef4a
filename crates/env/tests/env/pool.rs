//! The pool of environments.

use worldsmith_core::{ErrorKind, Seed, Step, StepKind, Value};
use worldsmith_env::{EnvPool, make};

use crate::envs;

/// Steps a pool `n` times with random actions from `seed`.
pub fn drive(pool: &mut EnvPool, n: usize, seed: u64) -> Vec<Vec<Step>> {
    let mut rng = Seed(seed).rng();
    let space = pool.spec().action.clone();
    let mut turn =
        || pool.step(&(0..pool.len()).map(|_| space.sample(&mut rng)).collect::<Vec<_>>()).unwrap();
    (0..n).map(|_| turn()).collect()
}

#[test]
fn a_pool_resets_by_itself_and_hands_back_whole_episodes() {
    let mut pool = EnvPool::new(envs(&["cartpole"; 3]), Seed(5)).unwrap();
    let turns = drive(&mut pool, 200, 0);
    assert!(turns[0].iter().all(|step| step.kind == StepKind::First));
    for pair in turns.windows(2) {
        for (before, after) in pair[0].iter().zip(&pair[1]) {
            assert_eq!(before.kind.is_last(), after.kind == StepKind::First);
        }
    }
    let finished = pool.take_finished();
    let n_ends = turns.iter().flatten().filter(|step| step.kind.is_last()).count();
    assert_eq!(finished.len(), n_ends);
    assert!(pool.take_finished().is_empty());
    for episode in &finished {
        let last = episode.obs.last().unwrap();
        let total = episode.total_reward();
        assert_eq!(
            (episode.obs.len(), total, episode.end),
            (episode.len() + 1, episode.len() as f32, StepKind::Terminated)
        );
        let mut env = make("cartpole").unwrap();
        assert_eq!(env.reset(episode.meta.seed).unwrap().obs, episode.obs[0]);
        assert_eq!(&episode.actions.iter().map(|a| env.step(a).unwrap().obs).last().unwrap(), last);
    }
    let first_seeds = (0..3).map(|i| Seed(5).index(i).index(0));
    assert!(first_seeds.into_iter().all(|seed| finished.iter().any(|e| e.meta.seed == seed)));
}

#[test]
fn a_restored_pool_goes_on_bit_for_bit_with_its_episodes() {
    let ids = ["breakout?sticky=0.2"; 2];
    let mut pool = EnvPool::new(envs(&ids), Seed(5)).unwrap();
    pool.set_policy("somebody");
    drive(&mut pool, 11, 1);
    let saved = pool.snapshot().unwrap();
    let mut other = EnvPool::new(envs(&ids), Seed(6)).unwrap();
    other.restore(&saved).unwrap();
    assert_eq!(other.snapshot().unwrap(), saved);
    assert_eq!(drive(&mut pool, 60, 2), drive(&mut other, 60, 2));
    let (finished, again) = (pool.take_finished(), other.take_finished());
    assert!(finished.len() > 4 && finished == again);
    assert!(finished.iter().all(|e| e.meta.policy == "somebody" && e.meta.env == ids[0]));
    assert_eq!(pool.episode(0), other.episode(0));
}

#[test]
fn a_pool_refuses_torn_states_unlike_environments_and_wrong_actions() {
    let mut pool = EnvPool::new(envs(&["cartpole"; 2]), Seed(0)).unwrap();
    drive(&mut pool, 5, 0);
    let saved = pool.snapshot().unwrap();
    for len in 0..saved.len() {
        assert!(pool.restore(&saved[..len]).is_err(), "length {len}");
    }
    let mut single = EnvPool::new(envs(&["cartpole"]), Seed(0)).unwrap();
    assert_eq!(single.restore(&saved).unwrap_err().kind(), ErrorKind::Mismatch);
    assert_eq!(
        EnvPool::new(envs(&["cartpole", "breakout"]), Seed(0)).err().unwrap().kind(),
        ErrorKind::Mismatch
    );
    assert!(EnvPool::new(Vec::new(), Seed(0)).is_err());
    assert!(pool.step(&[Value::Discrete(0)]).is_err());
    let before = pool.snapshot();
    assert!(pool.step(&[Value::Discrete(0), Value::Discrete(2)]).is_err());
    assert_eq!(pool.snapshot(), before, "a refused action moves nothing");
}
