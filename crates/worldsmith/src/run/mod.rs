//! A run: collect, train, keep some episodes aside; saved so that it can go on from any moment as if never stopped.
//!
//! One loop does everything. At each turn it makes the update that is owed, or takes a step in every environment, or is
//! done; so between any two turns the whole run is a value that a checkpoint can hold.

mod actor;
pub(crate) mod folder;
mod metrics;
mod source;
mod state;
mod tensorboard;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use worldsmith_core::{EnvSpec, Episode, Error, ErrorKind, Result};
use worldsmith_data::{Pictures, Replay, Store, Summary};
use worldsmith_plan::{Mode, RandomPolicy};
use worldsmith_recipes::Learner;

pub(crate) use actor::Actor;
use folder::{CHECKPOINTS, CONFIG, DATA, HELD_OUT};
use metrics::MetricLog;
use source::Source;
pub(crate) use source::shares;
use state::{Counters, State};

use crate::collect::record;
use crate::{Progress, RunConfig, Stop, checkpoint};

/// A run folder that is open for training; nobody else can open it meanwhile.
pub struct Run {
    dir: PathBuf,
    config: RunConfig,
    spec: EnvSpec,
    learner: Box<dyn Learner>,
    /// `None` when training on recorded episodes.
    actor: Option<Actor>,
    store: Store,
    replay: Replay,
    log: MetricLog,
    count: Counters,
    /// Whether the actor's policy is older than the learner's.
    stale: bool,
    saved_at: Instant,
    started: Instant,
    _lock: File,
}

/// What a training run came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trained {
    /// The run folder.
    pub dir: PathBuf,
    /// The recipe.
    pub recipe: String,
    /// The environment.
    pub env: String,
    /// The seed.
    pub seed: u64,
    /// Steps taken in the real environment.
    pub env_steps: u64,
    /// Gradient updates.
    pub updates: u64,
    /// Episodes recorded for training.
    pub episodes: usize,
    /// Time spent, over all resumptions, in seconds.
    pub wall_secs: f64,
    /// Newest checkpoint.
    pub checkpoint: PathBuf,
    /// Checksum of the final parameters; equal for equal runs on a CPU.
    pub params_crc32: String,
}

/// How far the run in the checkpoint `dir` was.
pub(crate) fn counters(dir: &Path) -> Result<Counters> {
    Ok(State::read(dir)?.count)
}

impl Run {
    /// Makes the run folder `dir` and everything a run needs. With `force`, a run that is there is deleted first.
    ///
    /// # Errors
    /// If `dir` holds something already, the environment cannot be made, the recipe cannot handle its spaces, or the
    /// folder cannot be written.
    pub fn create(config: &RunConfig, dir: &Path, force: bool) -> Result<Self> {
        let source = Source::open(config, config.root_seed())?;
        folder::clear(dir, force)?;
        let lock = folder::lock(dir)?;
        worldsmith_data::write_atomic(&dir.join(CONFIG), config.to_toml().as_bytes())?;
        let log = MetricLog::open(dir, 0, 0)?;
        let mut run = Self::assemble(config.clone(), dir, source, log, lock)?;
        run.save()?;
        Ok(run)
    }

    /// Opens the run folder `dir` and goes back to its newest whole checkpoint. `warn` hears of torn ones passed over.
    ///
    /// # Errors
    /// If there is no run, no whole checkpoint, or its environment has changed.
    pub fn resume(dir: &Path, warn: &mut dyn FnMut(&str)) -> Result<Self> {
        if !dir.join(CONFIG).exists() {
            return Err(Error::new(ErrorKind::Io, "expected a run folder, found no `config.toml`")
                .at(dir)
                .hint("leave out `--resume` to start a new run"));
        }
        let config = RunConfig::read(&dir.join(CONFIG))?;
        if checkpoint::list(&dir.join(CHECKPOINTS))?.is_empty() {
            // Killed before its first checkpoint, which is made before anything is collected.
            return Self::create(&config, dir, true);
        }
        let lock = folder::lock(dir)?;
        let from = checkpoint::find(dir, warn)?;
        let saved = checkpoint::read_config(&from)?;
        if saved.config != config {
            return Err(Error::new(
                ErrorKind::Mismatch,
                "`config.toml` was changed since the checkpoint was made",
            )
            .at(dir)
            .hint("undo the change, or start a new run with it"));
        }
        let state = State::read(&from)?;
        let mut source = Source::open(&config, state.env_seed(config.root_seed(), &from))?;
        crate::load::check_fit(&saved.env_spec, &source.spec)?;
        source.learner.load(&from, false)?;
        let log = MetricLog::open(dir, state.metrics_bytes, state.count.env_steps)?;
        let mut run = Self::assemble(config, dir, source, log, lock)?;
        run.restore(state, &from)?;
        Ok(run)
    }

    /// The run folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the run is.
    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// Goes on until everything the configuration asks for is done, then records the held-out episodes.
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`] if asked to stop and [`ErrorKind::Diverged`] if a loss is no number; both leave a
    /// checkpoint to go on from and say where it is.
    pub fn train(&mut self, progress: &mut dyn Progress, stop: &Stop) -> Result<Trained> {
        self.work(progress, stop)?;
        self.hold_out(progress, stop)?;
        let checkpoint = checkpoint::find(&self.dir, &mut |w| progress.warn(w))?;
        Ok(Trained {
            dir: self.dir.clone(),
            recipe: self.config.recipe.clone(),
            env: self.config.env.clone(),
            seed: self.config.seed,
            env_steps: self.count.env_steps,
            updates: self.count.updates,
            episodes: self.store.len(),
            wall_secs: self.count.wall_secs,
            params_crc32: format!("{:08x}", checkpoint::params_crc32(&checkpoint)?),
            checkpoint,
        })
    }

    fn assemble(config: RunConfig, dir: &Path, source: Source, log: MetricLog, lock: File) -> Result<Self> {
        let Source { spec, actor, given, learner } = source;
        // Pictures of recorded episodes stay in their files, so that data larger than memory can be trained on.
        let maps = given.as_ref().is_some_and(|given| given.pictures() != Pictures::Png);
        let mut replay = match &given {
            Some(given) if maps => {
                let Summary { episodes, steps, .. } = given.summary()?;
                let everything = steps.saturating_add(episodes).max(2);
                Replay::mapped(&spec.obs, &spec.action, everything, config.root_seed().derive("replay"))?
            }
            _ => empty_replay(&config, &spec)?,
        };
        let store = match given {
            Some(given) => {
                let train = shares(&config, &given)?.train;
                train.into_iter().try_for_each(|idx| replay.push_stored(&given, idx))?;
                given
            }
            None if dir.join(DATA).join("store.json").exists() => Store::open(&dir.join(DATA))?,
            None => Store::create(&dir.join(DATA), &spec.obs, &spec.action)?,
        };
        let now = Instant::now();
        Ok(Self {
            dir: dir.to_path_buf(),
            config,
            spec,
            learner,
            actor,
            store,
            replay,
            log,
            count: Counters::default(),
            stale: true,
            saved_at: now,
            started: now,
            _lock: lock,
        })
    }

    /// The loop.
    fn work(&mut self, progress: &mut dyn Progress, stop: &Stop) -> Result<()> {
        if !self.wants_steps() && !self.may_update() {
            return Ok(());
        }
        let mut stage = "";
        loop {
            let collecting = self.actor.is_some() && self.count.env_steps < self.config.run.prefill;
            let now = if collecting { "collect" } else { "train" };
            if now != stage {
                stage = now;
                progress.stage(now, if collecting { self.config.run.prefill } else { self.total_work() });
            }
            if self.may_update() {
                self.update(progress)?;
            } else if self.wants_steps() {
                self.act()?;
            } else {
                break;
            }
            progress.at(if collecting { self.count.env_steps } else { self.work_done() }, "");
            if stop.asked() {
                self.save()?;
                return Err(self.interrupted());
            }
            if self.saved_at.elapsed().as_secs_f64() >= self.config.run.checkpoint_secs {
                self.save()?;
            }
        }
        self.save()
    }

    fn wants_steps(&self) -> bool {
        self.actor.is_some() && self.count.env_steps < self.config.run.steps
    }

    /// Whether an update is owed and there is enough to learn from: half the prefill in whole episodes, or all there is.
    fn may_update(&self) -> bool {
        let steps = if self.actor.is_some() { self.count.env_steps } else { self.config.run.steps };
        let is_owed = self.count.updates < self.config.updates_owed(steps.min(self.config.run.steps));
        let enough = (self.config.run.prefill as usize).min(self.config.run.replay_capacity) / 2;
        is_owed && (!self.wants_steps() || self.replay.len_steps() >= enough.max(1))
    }

    /// Units of the `train` stage: updates, or steps where there are none.
    fn total_work(&self) -> u64 {
        match self.config.total_updates() {
            0 => self.config.run.steps,
            n => n,
        }
    }

    fn work_done(&self) -> u64 {
        if self.config.total_updates() == 0 { self.count.env_steps } else { self.count.updates }
    }

    fn update(&mut self, progress: &mut dyn Progress) -> Result<()> {
        let metrics = self.learner.update(&mut self.replay).map_err(|e| self.explain(e))?;
        self.count.updates += 1;
        self.stale = true;
        metrics.iter().for_each(|(name, value)| self.log.add(name, *value));
        if self.count.updates.is_multiple_of(self.config.run.log_every) {
            let note = self.write_metrics()?;
            progress.at(self.work_done(), &note);
        }
        Ok(())
    }

    /// One step in every environment, by the newest policy.
    fn act(&mut self) -> Result<()> {
        let Some(actor) = &mut self.actor else { return Ok(()) };
        if self.stale && self.count.updates > 0 {
            actor.set_policy(self.learner.policy());
            self.stale = false;
        }
        let (n_taken, finished) = actor.step(Mode::Sample)?;
        self.count.env_steps += n_taken;
        for episode in &finished {
            self.log.add("episode/return", f64::from(episode.total_reward()));
            self.log.add("episode/length", episode.len() as f64);
            self.keep(episode)?;
        }
        if self.count.env_steps >= self.config.run.steps {
            let rest = self.actor.as_ref().map_or(Vec::new(), Actor::cut_off);
            rest.iter().try_for_each(|episode| self.keep(episode))?;
        }
        Ok(())
    }

    fn keep(&mut self, episode: &Episode) -> Result<()> {
        self.store.append(episode)?;
        self.replay.push(episode)
    }

    /// Writes the metrics gathered since the last line; returns the one worth showing.
    fn write_metrics(&mut self) -> Result<String> {
        let wall_secs = self.wall_secs();
        let means = self.log.write(self.count.env_steps, self.count.updates, wall_secs)?;
        Ok(means.get("episode/return").map_or(String::new(), |r| format!("return {r:.2}")))
    }

    fn wall_secs(&self) -> f64 {
        self.count.wall_secs + self.started.elapsed().as_secs_f64()
    }

    /// Records episodes that are never trained on, half by the trained policy and half at random.
    fn hold_out(&mut self, progress: &mut dyn Progress, stop: &Stop) -> Result<()> {
        let n = self.config.run.held_out_episodes;
        let dir = self.dir.join(HELD_OUT);
        if dir.exists() {
            if dir.join("store.json").exists() && Store::open(&dir)?.len() >= n {
                return Ok(());
            }
            fs::remove_dir_all(&dir).map_err(|e| Error::io("replace the held-out episodes", &dir, &e))?;
        }
        let mut store = Store::create(&dir, &self.spec.obs, &self.spec.action)?;
        if self.actor.is_none() {
            let given = &self.store;
            let kept = shares(&self.config, given)?.held_out;
            if kept.is_empty() {
                progress
                    .warn("no episode is held out, so that the model cannot be judged: record at least two");
            }
            return kept.into_iter().try_for_each(|idx| store.append(&given.read(idx)?).map(drop));
        }
        progress.stage("hold out", n as u64);
        let seed = self.config.root_seed().derive("held_out");
        for (name, share) in [("random", n / 2), ("trained", n - n / 2)] {
            let seed = seed.derive(name);
            let mut actor = Actor::new(&self.config.env, self.config.run.n_envs.min(share.max(1)), seed)?;
            match name {
                "trained" => actor.set_policy(self.learner.policy()),
                _ => actor.set_policy(Box::new(RandomPolicy { action: self.spec.action.clone() })),
            }
            record(&mut actor, share, seed, stop, &mut |episode| {
                store.append(&episode)?;
                progress.at(store.len() as u64, "");
                Ok(())
            })
            .map_err(|e| if e.kind() == ErrorKind::Interrupted { self.interrupted() } else { e })?;
        }
        Ok(())
    }

    fn interrupted(&self) -> Error {
        let Counters { env_steps, updates, .. } = self.count;
        let message =
            format!("interrupted after {env_steps} steps and {updates} updates; everything is saved");
        let how = match self.actor.as_ref().is_none_or(Actor::can_be_saved) {
            true => "goes on exactly here",
            false => "goes on from here; the episodes under way start anew",
        };
        Error::new(ErrorKind::Interrupted, message)
            .hint(format!("`worldsmith train --out {} --resume` {how}", self.dir.display()))
    }

    /// Adds when and where a loss stopped being a number.
    fn explain(&self, err: Error) -> Error {
        if err.kind() != ErrorKind::Diverged {
            return err;
        }
        let steps = self.count.env_steps;
        let good = checkpoint::find(&self.dir, &mut |_| {}).map(|p| format!("`{}`", p.display()));
        Error::new(ErrorKind::Diverged, format!("{err}, after {steps} environment steps")).hint(format!(
            "the last good checkpoint is {}; a smaller learning rate or another `--seed` may help",
            good.unwrap_or_else(|_| "none".into())
        ))
    }
}

/// A replay with room for all that the run can collect, or for as much as the configuration allows.
fn empty_replay(config: &RunConfig, spec: &EnvSpec) -> Result<Replay> {
    let budget = &config.run;
    // An episode of `T` actions takes `T + 1` places, so twice the steps hold everything.
    let everything = match config.data.as_str() {
        "" => (budget.steps as usize + budget.n_envs).saturating_mul(2),
        _ => usize::MAX,
    };
    let capacity = budget.replay_capacity.min(everything).max(2);
    Replay::new(&spec.obs, &spec.action, capacity, config.root_seed().derive("replay"))
}
