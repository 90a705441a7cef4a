//! Playing episodes: nothing lost, nobody favoured, memory where it belongs.

use burn::prelude::*;
use burn::tensor::TensorData;
use worldsmith_core::{Env, EnvSpec, Error, ErrorKind, Result, Rng, Seed, Space, Step, StepKind, Value};
use worldsmith_eval::{EpisodeScore, PlayConfig, compare, play_episodes};
use worldsmith_plan::{Latent, Mode, Policy, RandomPolicy};

use crate::toy::Corridor;

/// Counts its own steps, wants to be told the count, and ends after a number of steps drawn from the seed.
struct Counting {
    spec: EnvSpec,
    n_steps: usize,
    len: usize,
}

impl Counting {
    fn boxed() -> Box<dyn Env> {
        let spec = EnvSpec {
            id: "counting".into(),
            obs: Space::vector(1, 0.0, 1.0),
            action: Space::Discrete { n: 100 },
            action_names: Vec::new(),
            max_steps: None,
        };
        Box::new(Self { spec, n_steps: 0, len: 0 })
    }
}

impl Env for Counting {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, seed: Seed) -> Result<Step> {
        self.n_steps = 0;
        self.len = length_of(seed);
        Ok(Step::first(Value::vector(vec![0.0])))
    }

    fn step(&mut self, action: &Value) -> Result<Step> {
        let reward = if action.as_discrete() == Some(self.n_steps as i64) { 1.0 } else { 0.0 };
        self.n_steps += 1;
        let obs = Value::vector(vec![0.0]);
        Ok(if self.n_steps == self.len { Step::terminated(obs, reward) } else { Step::mid(obs, reward) })
    }
}

fn length_of(seed: Seed) -> usize {
    1 + seed.rng().below(30)
}

/// Answers how many steps it has seen of the episode, from memory alone.
struct Counter;

impl Policy for Counter {
    fn name(&self) -> &str {
        "counter"
    }

    fn start(&self, n: usize) -> Latent {
        Latent::new(vec![("count", Tensor::zeros([n, 1], &Device::flex()))])
    }

    fn act(
        &self,
        memory: &mut Latent,
        obs: &[Value],
        first: &[bool],
        _mode: Mode,
        _rng: &mut Rng,
    ) -> Result<Vec<Value>> {
        let counts = memory.get("count").into_data().try_to_vec::<f32>().unwrap();
        assert_eq!([counts.len(), first.len()], [obs.len(); 2]);
        let counts: Vec<f32> =
            counts.iter().zip(first).map(|(c, first)| if *first { 0.0 } else { *c }).collect();
        let next: Vec<f32> = counts.iter().map(|c| c + 1.0).collect();
        let next = Tensor::from_data(TensorData::new(next, [obs.len(), 1]), &Device::flex());
        *memory = Latent::new(vec![("count", next)]);
        Ok(counts.iter().map(|c| Value::Discrete(*c as i64)).collect())
    }
}

fn play(n_envs: usize, n_episodes: usize, max_steps: Option<usize>) -> Vec<EpisodeScore> {
    let mut envs: Vec<_> = (0..n_envs).map(|_| Counting::boxed()).collect();
    let config = PlayConfig { n_episodes, mode: Mode::Greedy, max_steps };
    play_episodes(&mut envs, &Counter, &config, Seed(4), &mut |_, _| Ok(())).unwrap()
}

#[test]
fn the_episodes_counted_do_not_depend_on_how_many_are_played_at_once() {
    let alone = play(1, 23, None);
    assert_eq!(alone.len(), 23);
    for n_envs in [4, 7, 23, 40] {
        assert_eq!(play(n_envs, 23, None), alone, "{n_envs} environments");
    }
    for (i, score) in alone.iter().enumerate() {
        assert_eq!(score.seed, Seed(4).derive("episode").index(i as u64));
        assert_eq!(
            (score.len, score.end),
            (length_of(score.seed), StepKind::Terminated),
            "played to its end"
        );
    }
}

#[test]
fn every_row_keeps_its_own_memory_while_others_come_and_go() {
    for score in play(5, 31, None) {
        assert_eq!(score.total_reward, score.len as f64, "one reward for each step counted right");
    }
}

#[test]
fn a_step_limit_truncates_and_nothing_else_does() {
    for (free, cut) in play(3, 20, None).iter().zip(play(3, 20, Some(10))) {
        let is_long = free.len > 10;
        assert_eq!(cut.len, free.len.min(10));
        assert_eq!(cut.end == StepKind::Truncated, is_long);
    }
}

#[test]
fn play_without_environments_and_interrupted_play_are_errors() {
    let config = PlayConfig { n_episodes: 5, mode: Mode::Sample, max_steps: None };
    let err = play_episodes(&mut [], &Counter, &config, Seed(0), &mut |_, _| Ok(())).unwrap_err();
    assert_eq!(err.to_string(), "expected at least one environment to play in, got none");
    let mut stop = |_, _| Err(Error::new(ErrorKind::Interrupted, "stopped"));
    let err = play_episodes(&mut [Counting::boxed()], &Counter, &config, Seed(0), &mut stop).unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Interrupted);
}

/// Always left, where the rewards are.
struct Left;

impl Policy for Left {
    fn name(&self) -> &str {
        "left"
    }

    fn start(&self, _n: usize) -> Latent {
        Latent::default()
    }

    fn act(&self, _: &mut Latent, obs: &[Value], _: &[bool], _: Mode, _: &mut Rng) -> Result<Vec<Value>> {
        Ok(vec![Value::Discrete(0); obs.len()])
    }
}

#[test]
fn a_good_policy_is_better_than_random_and_random_is_not_better_than_itself() {
    let played = |policy: &dyn Policy, seed| {
        let mut envs: Vec<Box<dyn Env>> = (0..8).map(|_| Box::new(Corridor::new()) as Box<dyn Env>).collect();
        let config = PlayConfig { n_episodes: 50, mode: Mode::Sample, max_steps: None };
        play_episodes(&mut envs, policy, &config, seed, &mut |_, _| Ok(())).unwrap()
    };
    let random = RandomPolicy { action: Space::Discrete { n: 2 } };
    let (agent, chance) = (played(&Left, Seed(1)), played(&random, Seed(1)));
    let table = compare("left", &agent, &chance, Seed(2)).unwrap();
    assert!(table.is_better && table.check().passed, "{table:?}");
    assert_eq!(table.agent.terminated.mean, 0.0);
    let same = compare("random", &played(&random, Seed(8)), &chance, Seed(2)).unwrap();
    assert!(!same.is_better && !same.check().passed);
    assert!(compare("left", &[], &chance, Seed(2)).is_none());
}
