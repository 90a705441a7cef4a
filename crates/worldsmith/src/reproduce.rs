//! Does a paper's effect appear here? Runs a recipe's claims and writes what was found, whatever it is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use worldsmith_core::{Env, Error, Result, Seed};
use worldsmith_eval::{PlayConfig, student_t};
use worldsmith_plan::{Mode, RandomPolicy};
use worldsmith_recipes::{Claim, Estimate, Lab, Outcome, Trial};

use crate::{
    Existing, JudgeRequest, Judgement, Progress, Request, RunConfig, Stop, checkpoint, judge,
    judge::LONGEST_EPISODE, open_run,
};

/// What to reproduce, and where.
#[derive(Debug, Clone)]
pub struct ReproduceRequest {
    /// Recipe, preset, environment, steps and overrides; its seed is not used. Environment, steps and
    /// evaluation hold for baselines too; how often a method updates is its own.
    pub what: Request,
    /// Seeds to train with.
    pub seeds: Vec<u64>,
    /// Folder of the training runs; finished ones in it are used again.
    pub runs: PathBuf,
    /// Folder that `<recipe>.json` is written to.
    pub evidence: PathBuf,
    /// The command line, for the record.
    pub command: String,
}

/// What was found: the file that the table of methods is made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The recipe.
    pub recipe: String,
    /// Revision of the source, where git tells, else the version.
    pub revision: String,
    /// Command that measured it.
    pub command: String,
    /// Seeds trained with.
    pub seeds: Vec<u64>,
    /// What it cost.
    pub budget: Spent,
    /// Each claim of the paper.
    pub claims: Vec<ClaimEvidence>,
}

/// What a reproduction cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    /// Real environment steps of each training run.
    pub env_steps: usize,
    /// Training time of all runs together, in seconds.
    pub wall_secs: f64,
}

/// One claim and its measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClaimEvidence {
    /// Short id.
    pub id: String,
    /// The claim in one sentence.
    pub statement: String,
    /// What is measured.
    pub metric: String,
    /// What the paper reports.
    pub paper: String,
    /// The method, measured here.
    pub here: Estimate,
    /// Baselines with the same budget.
    pub baselines: BTreeMap<String, Estimate>,
    /// The floor.
    pub floor: Estimate,
    /// Whether the effect appears.
    pub effect: bool,
    /// What a reader should know.
    pub note: String,
}

/// Measures every claim of a recipe and writes `<recipe>.json`.
///
/// # Errors
/// If a run fails or is interrupted; finished runs are kept and used next time.
pub fn reproduce(request: &ReproduceRequest, progress: &mut dyn Progress, stop: &Stop) -> Result<Evidence> {
    let recipe = worldsmith_recipes::recipe(&request.what.recipe)?;
    let distinct: BTreeSet<_> = request.seeds.iter().collect();
    if distinct.len() != request.seeds.len() || distinct.len() < 2 {
        return Err(Error::invalid(format!("expected two or more different seeds, got {:?}", request.seeds)));
    }
    let config = RunConfig::resolve(&request.what)?;
    let revision = revision();
    let mut lab = RunLab {
        request,
        config,
        revision: revision.clone(),
        spent: Spent::default(),
        counted: Vec::new(),
        progress,
        stop,
    };
    let mut claims = Vec::new();
    for claim in recipe.claims() {
        claims.push(measure(claim, &mut lab)?);
    }
    let evidence = Evidence {
        recipe: request.what.recipe.clone(),
        revision,
        command: request.command.clone(),
        seeds: request.seeds.clone(),
        budget: lab.spent,
        claims,
    };
    let dir = &request.evidence;
    std::fs::create_dir_all(dir).map_err(|e| Error::io("create the folder", dir, &e))?;
    checkpoint::write_json(&dir.join(format!("{}.json", evidence.recipe)), &evidence)?;
    Ok(evidence)
}

fn measure(claim: &Claim, lab: &mut dyn Lab) -> Result<ClaimEvidence> {
    let found = (claim.measure)(lab)?;
    Ok(ClaimEvidence {
        id: claim.id.into(),
        statement: claim.statement.into(),
        metric: claim.metric.into(),
        paper: claim.paper.into(),
        here: found.here,
        baselines: found.baselines,
        floor: found.floor,
        effect: found.effect,
        note: found.note,
    })
}

/// A lab whose experiments are run folders.
struct RunLab<'a> {
    request: &'a ReproduceRequest,
    /// The recipe's own configuration: every trial gets its environment, steps and evaluation.
    config: RunConfig,
    /// Of the source when the command began; a run of another revision is not used again.
    revision: String,
    spent: Spent,
    counted: Vec<PathBuf>,
    progress: &'a mut dyn Progress,
    stop: &'a Stop,
}

impl RunLab<'_> {
    /// What a trial trains: the same environment, steps and evaluation whatever the recipe.
    fn trial_request(&self, trial: &Trial, seed: u64) -> Request {
        let what = &self.request.what;
        let is_own = trial.recipe == what.recipe;
        let shared = ["run.n_envs", "run.held_out_episodes", "run.checkpoint_secs", "run.log_every"];
        let asked = what.set.iter().filter(|(path, _)| is_own || shared.contains(&path.as_str()));
        let same = [("run.eval_episodes".to_string(), self.config.run.eval_episodes.to_string())];
        Request {
            recipe: trial.recipe.clone(),
            preset: what.preset.clone(),
            env: Some(self.config.env.clone()),
            seed: Some(seed),
            steps: Some(self.config.run.steps),
            data: None,
            set: trial.set.iter().chain(asked).chain(&same).cloned().collect(),
        }
    }

    /// Trains and judges, or finds that it was done before.
    fn judged(&mut self, request: &Request, config: &RunConfig, dir: &Path) -> Result<Judgement> {
        if let Some(judgement) = judge::read(dir, config) {
            return Ok(judgement);
        }
        let is_begun = dir.join("checkpoints").exists() && checkpoint::find(dir, &mut |_| {}).is_ok();
        let existing = if is_begun { Existing::Resume } else { Existing::Replace };
        open_run(request, dir, existing, self.progress)?.train(self.progress, self.stop)?;
        judge::judge(&JudgeRequest { run: dir.into(), ..JudgeRequest::default() }, self.progress, self.stop)
    }
}

impl Lab for RunLab<'_> {
    fn seeds(&self) -> Vec<u64> {
        self.request.seeds.clone()
    }

    fn train(&mut self, trial: &Trial, seed: u64) -> Result<Outcome> {
        let request = self.trial_request(trial, seed);
        let config = RunConfig::resolve(&request)?;
        let sum = worldsmith_data::crc32((config.to_toml() + &self.revision).as_bytes());
        let dir = self.request.runs.join(&self.request.what.recipe);
        let dir = dir.join(format!("{}-s{seed}-{sum:08x}", trial.recipe));
        let judgement = self.judged(&request, &config, &dir)?;
        if !self.counted.contains(&dir) {
            self.counted.push(dir);
            self.spent.wall_secs += judgement.wall_secs;
            self.spent.env_steps = self.spent.env_steps.max(judgement.env_steps as usize);
        }
        Ok(Outcome {
            returns: judgement.agent_returns,
            env_steps: judgement.env_steps as usize,
            wall_secs: judgement.wall_secs,
            model: judgement.model.map(|m| m.means()).unwrap_or_default(),
        })
    }

    fn random(&mut self, seed: u64) -> Result<Outcome> {
        let budget = &self.config.run;
        let envs: Result<Vec<Box<dyn Env>>> =
            (0..budget.n_envs).map(|_| worldsmith_env::make(&self.config.env)).collect();
        let mut envs = envs?;
        let policy = RandomPolicy { action: envs[0].spec().action.clone() };
        let config = PlayConfig {
            n_episodes: budget.eval_episodes,
            mode: Mode::Sample,
            max_steps: Some(LONGEST_EPISODE),
        };
        let stage = ("random", Seed(seed).derive("judge"));
        let scores = judge::play(&mut envs, &policy, &config, stage, (&mut *self.progress, self.stop))?;
        Ok(Outcome { returns: scores.iter().map(|s| s.total_reward).collect(), ..Outcome::default() })
    }

    fn estimate(&self, per_seed: &[f64]) -> Estimate {
        let nothing = worldsmith_eval::Estimate { mean: f64::NAN, low: f64::NAN, high: f64::NAN, n: 0 };
        let worldsmith_eval::Estimate { mean, low, high, n } = student_t(per_seed).unwrap_or(nothing);
        Estimate { mean, low, high, n }
    }
}

/// The revision the working folder is at, with `-dirty` where tracked files were changed since.
fn revision() -> String {
    let output = std::process::Command::new("git")
        .args(["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"])
        .output();
    let revision = output.ok().filter(|o| o.status.success()).and_then(|o| String::from_utf8(o.stdout).ok());
    revision.map_or_else(|| env!("CARGO_PKG_VERSION").to_string(), |r| r.trim().to_string())
}
