//! What a policy earns in the real environment, without favouring short episodes.

use serde::{Deserialize, Serialize};
use worldsmith_core::{Env, Error, Result, Seed, StepKind, Value};
use worldsmith_plan::{Mode, Policy};

use crate::{Estimate, Progress, bootstrap, wilson};

/// How many episodes are played, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlayConfig {
    /// Episodes to play.
    pub n_episodes: usize,
    /// How the policy chooses.
    pub mode: Mode,
    /// Steps after which an episode is cut off, beside the environment's own limit.
    pub max_steps: Option<usize>,
}

/// One episode played to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpisodeScore {
    /// Seed the environment was reset with.
    pub seed: Seed,
    /// Sum of rewards.
    pub total_reward: f64,
    /// Steps taken.
    pub len: usize,
    /// Whether the world ended or the episode was cut off.
    pub end: StepKind,
}

/// An episode being played: one row of the policy's batch.
struct Seat {
    env_idx: usize,
    episode_idx: usize,
    obs: Value,
    first: bool,
    score: EpisodeScore,
}

/// Plays `n_episodes` with as many environments side by side as there are in `envs`.
///
/// Episode `i` has a seed of its own, and every episode that is begun is played to its end and counted, so that the order
/// in which episodes finish has no influence on which ones are counted. `progress` is called after every step with
/// episodes finished and episodes in all.
///
/// # Errors
/// If there is no environment, an environment or the policy fails, or `progress` stops the play.
pub fn play_episodes(
    envs: &mut [Box<dyn Env>],
    policy: &dyn Policy,
    config: &PlayConfig,
    seed: Seed,
    progress: Progress<'_>,
) -> Result<Vec<EpisodeScore>> {
    if envs.is_empty() {
        return Err(Error::invalid("expected at least one environment to play in, got none"));
    }
    let mut rng = seed.derive("policy").rng();
    let mut waiting = 0..config.n_episodes;
    let mut scores = vec![None; config.n_episodes];
    let mut seats = Vec::new();
    for (env_idx, episode_idx) in (0..envs.len()).zip(&mut waiting) {
        seats.push(sit(envs, env_idx, episode_idx, seed)?);
    }
    let mut memory = policy.start(seats.len());
    let mut n_done = 0;
    while !seats.is_empty() {
        let obs: Vec<Value> = seats.iter().map(|s| s.obs.clone()).collect();
        let first: Vec<bool> = seats.iter().map(|s| s.first).collect();
        let actions = policy.act(&mut memory, &obs, &first, config.mode, &mut rng)?;
        if actions.len() != seats.len() {
            let got = actions.len();
            return Err(Error::invalid(format!(
                "expected {} actions from the policy, got {got}",
                seats.len()
            )));
        }
        let mut staying = Vec::with_capacity(seats.len());
        let n_rows = seats.len();
        for (row, (mut seat, action)) in std::mem::take(&mut seats).into_iter().zip(&actions).enumerate() {
            if seat.step(&mut *envs[seat.env_idx], action, config.max_steps)? {
                n_done += 1;
                scores[seat.episode_idx] = Some(seat.score);
                let Some(episode_idx) = waiting.next() else { continue };
                seat = sit(envs, seat.env_idx, episode_idx, seed)?;
            }
            staying.push(row);
            seats.push(seat);
        }
        if staying.len() < n_rows {
            memory = memory.gather(&staying);
        }
        progress(n_done, config.n_episodes)?;
    }
    Ok(scores.into_iter().flatten().collect())
}

fn sit(envs: &mut [Box<dyn Env>], env_idx: usize, episode_idx: usize, seed: Seed) -> Result<Seat> {
    let seed = seed.derive("episode").index(episode_idx as u64);
    let obs = envs[env_idx].reset(seed)?.obs;
    let score = EpisodeScore { seed, total_reward: 0.0, len: 0, end: StepKind::Mid };
    Ok(Seat { env_idx, episode_idx, obs, first: true, score })
}

impl Seat {
    /// Takes one step; true when the episode is over.
    fn step(&mut self, env: &mut dyn Env, action: &Value, max_steps: Option<usize>) -> Result<bool> {
        let step = env.step(action)?;
        self.score.total_reward += f64::from(step.reward);
        self.score.len += 1;
        self.obs = step.obs;
        self.first = false;
        let cut = max_steps.is_some_and(|n| self.score.len >= n);
        self.score.end = if cut && !step.kind.is_last() { StepKind::Truncated } else { step.kind };
        Ok(self.score.end.is_last())
    }
}

/// What one policy earned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReturnsRow {
    /// Who played.
    pub name: String,
    /// Return of an episode.
    pub total_reward: Estimate,
    /// Steps of an episode.
    pub len: Estimate,
    /// Share of episodes in which the world ended, rather than the time.
    pub terminated: Estimate,
}

impl ReturnsRow {
    /// Means and 95 % intervals over episodes: bootstrapped for return and length, Wilson's for the rate. `None` without
    /// episodes.
    pub fn of(name: &str, scores: &[EpisodeScore], seed: Seed) -> Option<Self> {
        let column = |f: fn(&EpisodeScore) -> f64| bootstrap(&scores.iter().map(f).collect::<Vec<_>>(), seed);
        let n_terminated = scores.iter().filter(|s| s.end == StepKind::Terminated).count();
        Some(Self {
            name: name.to_string(),
            total_reward: column(|s| s.total_reward)?,
            len: column(|s| s.len as f64)?,
            terminated: wilson(n_terminated, scores.len())?,
        })
    }
}

/// An agent beside the random policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReturnsTable {
    /// The agent.
    pub agent: ReturnsRow,
    /// The random policy.
    pub random: ReturnsRow,
    /// Whether the agent earns more, with the two intervals apart.
    pub is_better: bool,
}

/// Sets an agent's episodes beside the random policy's. `None` if either has none.
pub fn compare(
    name: &str,
    agent: &[EpisodeScore],
    random: &[EpisodeScore],
    seed: Seed,
) -> Option<ReturnsTable> {
    let agent = ReturnsRow::of(name, agent, seed.derive("agent"))?;
    let random = ReturnsRow::of("random", random, seed.derive("random"))?;
    let is_better = agent.total_reward.low > random.total_reward.high;
    Some(ReturnsTable { agent, random, is_better })
}
