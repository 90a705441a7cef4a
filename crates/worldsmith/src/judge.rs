//! How good a run is: its model on episodes it never saw, its agent in the real game, and what must hold of both.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use worldsmith_core::{Env, Episode, Error, ErrorKind, Result};
use worldsmith_data::Store;
use worldsmith_eval::{
    Check, OpenLoop, OpenLoopConfig, PlayConfig, ReturnsTable, Split, compare, open_loop, play_episodes,
};
use worldsmith_plan::{Mode, Policy, RandomPolicy};

use crate::run::{self, folder};
use crate::{Loaded, Progress, RunConfig, Stop, checkpoint, load, report};

/// Training episodes, spread over the run, that the floors' averages are taken over.
const N_AVERAGED: usize = 100;

/// Steps after which an episode is cut off when it is judged, whatever its environment says, so that judging ends. It is
/// half an hour of a game at 15 decisions a second, the field's limit for Atari.
pub(crate) const LONGEST_EPISODE: usize = 27_000;

/// How a run is judged.
#[derive(Debug, Clone, Default)]
pub struct JudgeRequest {
    /// Run or checkpoint to judge.
    pub run: PathBuf,
    /// Another environment of the same spaces to act in; the agent alone is judged there and nothing is written.
    pub env: Option<String>,
    /// Episodes to act; the run's own number if left out.
    pub episodes: Option<usize>,
    /// Take the most probable action instead of drawing one.
    pub greedy: bool,
    /// Act by this planner in the run's world model instead of its policy; only this is judged then and nothing is
    /// written.
    pub planner: Option<String>,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The run folder.
    pub run: PathBuf,
    /// The recipe.
    pub recipe: String,
    /// The environment acted in.
    pub env: String,
    /// The seed of the run.
    pub seed: u64,
    /// Whether the agent took its most probable actions instead of drawing them.
    #[serde(default)]
    pub greedy: bool,
    /// Steps taken in the real environment while training.
    pub env_steps: u64,
    /// Gradient updates.
    pub updates: u64,
    /// Time spent training, in seconds.
    pub wall_secs: f64,
    /// The agent beside the random policy; none where there is no environment to act in.
    pub returns: Option<ReturnsTable>,
    /// Return of every episode of the agent.
    pub agent_returns: Vec<f64>,
    /// Return of every episode of the random policy.
    pub random_returns: Vec<f64>,
    /// Open-loop prediction on held-out episodes; none for a model-free method or another environment.
    pub model: Option<OpenLoop>,
    /// What must hold.
    pub checks: Vec<Check>,
    /// Whether all of it does.
    pub passed: bool,
    /// The report page, where one was written.
    pub report: Option<PathBuf>,
}

/// Judges a run and writes `judgement.json` and `report.html` into its folder.
///
/// # Errors
/// If the run cannot be loaded, was not trained to its end, or does not fit the environment.
pub fn judge(request: &JudgeRequest, progress: &mut dyn Progress, stop: &Stop) -> Result<Judgement> {
    let loaded = load(&request.run)?;
    let count = run::counters(loaded.dir())?;
    let owed = loaded.config().total_updates();
    if count.updates < owed {
        progress.warn(&format!("the run is unfinished: {} of {owed} updates are made", count.updates));
    }
    loaded.warnings().iter().for_each(|w| progress.warn(w));
    let dir = run_folder(&request.run, &loaded);
    let elsewhere =
        request.env.as_deref().is_some_and(|id| id != loaded.spec().id) || request.planner.is_some();
    let model = match loaded.has_model() && !elsewhere {
        true => Some(judge_model(&loaded, &dir, progress, stop)?),
        false => None,
    };
    let env = request.env.clone().unwrap_or_else(|| loaded.spec().id.clone());
    let (mut agent, mut random) = (Vec::new(), Vec::new());
    if !env.is_empty() {
        (agent, random) = judge_agent(&loaded, &env, request, progress, stop)?;
    } else if model.is_none() {
        return Err(Error::invalid("expected an environment to act in, got none")
            .hint("the run was trained on recorded episodes; name their environment with `--env`"));
    }
    let seed = loaded.seed().derive("intervals");
    let name = request.planner.as_ref().unwrap_or(&loaded.config().recipe);
    let returns = compare(name, &agent, &random, seed);
    let mut checks: Vec<Check> = returns.iter().map(ReturnsTable::check).collect();
    checks.extend(model.iter().flat_map(OpenLoop::checks));
    let totals = |scores: &[worldsmith_eval::EpisodeScore]| scores.iter().map(|s| s.total_reward).collect();
    let mut judgement = Judgement {
        recipe: loaded.config().recipe.clone(),
        env,
        seed: loaded.config().seed,
        greedy: request.greedy,
        env_steps: count.env_steps,
        updates: count.updates,
        wall_secs: count.wall_secs,
        agent_returns: totals(&agent),
        random_returns: totals(&random),
        passed: checks.iter().all(|c| c.passed),
        run: dir,
        returns,
        model,
        checks,
        report: None,
    };
    if !elsewhere {
        report::write(&mut judgement, loaded.config())?;
    }
    Ok(judgement)
}

/// Open-loop prediction on the held-out episodes.
fn judge_model(loaded: &Loaded, dir: &Path, progress: &mut dyn Progress, stop: &Stop) -> Result<OpenLoop> {
    let held_out = read_all(&dir.join(folder::HELD_OUT)).map_err(|e| match e.kind() {
        ErrorKind::Io => e.hint("the run has not come to its end; `worldsmith train --resume` finishes it"),
        _ => e,
    })?;
    let data = match loaded.config().data.as_str() {
        "" => dir.join(folder::DATA),
        given => PathBuf::from(given),
    };
    let store = Store::open(&data)?;
    let train = match loaded.config().data.as_str() {
        "" => (0..store.len()).collect(),
        _ => run::shares(loaded.config(), &store)?.train,
    };
    let n = train.len().min(N_AVERAGED);
    let training: Vec<Episode> =
        (0..n).map(|i| store.read(train[i * train.len() / n])).collect::<Result<_>>()?;
    let mut begun = false;
    let mut report = |done: usize, total: usize| {
        if !std::mem::replace(&mut begun, true) {
            progress.stage("judge model", total as u64);
        }
        progress.at(done as u64, "");
        stop.check()
    };
    open_loop(
        &*loaded.model()?,
        Split { training: &training, held_out: &held_out },
        &OpenLoopConfig::default(),
        loaded.device(),
        loaded.seed().derive("judge"),
        &mut report,
    )
}

type Scores = Vec<worldsmith_eval::EpisodeScore>;

/// Episodes of the agent and of the random policy, on the same seeds.
fn judge_agent(
    loaded: &Loaded,
    id: &str,
    request: &JudgeRequest,
    progress: &mut dyn Progress,
    stop: &Stop,
) -> Result<(Scores, Scores)> {
    let budget = &loaded.config().run;
    let n_episodes = request.episodes.unwrap_or(budget.eval_episodes);
    let mode = if request.greedy { Mode::Greedy } else { Mode::Sample };
    let n_envs = budget.n_envs.min(n_episodes).max(1);
    let mut envs: Vec<Box<dyn Env>> = (0..n_envs).map(|_| loaded.env_as(id)).collect::<Result<_>>()?;
    let random = RandomPolicy { action: loaded.spec().action.clone() };
    let agent = match &request.planner {
        None => loaded.policy(),
        Some(name) => loaded.planner(name)?,
    };
    let policies: [(&str, &dyn Policy); 2] = [("judge agent", &*agent), ("judge random", &random)];
    let [agent, random] = policies.map(|(name, policy)| {
        let config = PlayConfig { n_episodes, mode, max_steps: Some(LONGEST_EPISODE) };
        play(&mut envs, policy, &config, (name, loaded.seed().derive("judge")), (&mut *progress, stop))
    });
    Ok((agent?, random?))
}

/// Plays one policy as one stage of the progress.
pub(crate) fn play(
    envs: &mut [Box<dyn Env>],
    policy: &dyn Policy,
    config: &PlayConfig,
    (stage, seed): (&str, worldsmith_core::Seed),
    (progress, stop): (&mut dyn Progress, &Stop),
) -> Result<Scores> {
    progress.stage(stage, config.n_episodes as u64);
    play_episodes(envs, policy, config, seed, &mut |done, _| {
        progress.at(done as u64, "");
        stop.check()
    })
}

/// All episodes of the store in `dir`.
fn read_all(dir: &Path) -> Result<Vec<Episode>> {
    let store = Store::open(dir)?;
    (0..store.len()).map(|idx| store.read(idx)).collect()
}

/// The run folder that `path`, a run or one of its checkpoints, belongs to.
pub(crate) fn run_folder(path: &Path, loaded: &Loaded) -> PathBuf {
    let above = loaded.dir().parent().and_then(Path::parent);
    let is_run = |p: &&Path| p.join(folder::CONFIG).exists();
    [Some(path), above].into_iter().flatten().find(is_run).unwrap_or(path).to_path_buf()
}

/// Reads the judgement in a run folder, if it is of the run's newest checkpoint, the run is finished, and it was judged as
/// runs are by default.
pub(crate) fn read(dir: &Path, config: &RunConfig) -> Option<Judgement> {
    let judgement: Judgement = checkpoint::read_json(&dir.join(report::JUDGEMENT)).ok()?;
    let newest = checkpoint::find(dir, &mut |_| {}).ok()?;
    let updates = run::counters(&newest).ok()?.updates;
    let is_whole = updates == judgement.updates && updates >= config.total_updates();
    let is_default = !judgement.greedy && judgement.agent_returns.len() == config.run.eval_episodes;
    (is_whole && is_default).then_some(judgement)
}
