//! A trained checkpoint, ready to act and to dream, without the machinery that trained it.

use std::path::{Path, PathBuf};

use burn::prelude::Device;
use worldsmith_core::{EnvSpec, Episode, EpisodeMeta, Error, ErrorKind, Result, Rng, Seed, Step, Value};
use worldsmith_plan::{Dream, Latent, Mode, PlanConfig, PlannerPolicy, Policy, RewardSum, WorldModel};
use worldsmith_recipes::Learner;

use crate::device::device;
use crate::{RunConfig, Session, checkpoint};

/// What [`load`] returns.
pub struct Loaded {
    dir: PathBuf,
    config: RunConfig,
    spec: EnvSpec,
    learner: Box<dyn Learner>,
    device: Device,
    warnings: Vec<String>,
    acting: Option<Acting>,
}

/// A policy in mid-episode.
struct Acting {
    policy: Box<dyn Policy>,
    memory: Latent,
    rng: Rng,
}

/// Loads a run folder's newest whole checkpoint, or the checkpoint folder `path` itself.
///
/// # Errors
/// [`ErrorKind::Corrupt`] naming the file and what is wrong with it; [`ErrorKind::Unknown`] if this program does not
/// have the recipe.
pub fn load(path: impl AsRef<Path>) -> Result<Loaded> {
    let mut warnings = Vec::new();
    let dir = checkpoint::find(path.as_ref(), &mut |w| warnings.push(w.to_string()))?;
    let checkpoint::CheckpointConfig { config, env_spec: spec, .. } = checkpoint::read_config(&dir)?;
    let device = device();
    let recipe = worldsmith_recipes::recipe(&config.recipe).map_err(|e| e.at(&dir))?;
    let mut learner = recipe.build(&config.model, &spec, config.root_seed(), &device)?;
    learner.load(&dir, true)?;
    Ok(Loaded { dir, config, spec, learner, device, warnings, acting: None })
}

impl Loaded {
    /// The checkpoint folder that was loaded.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The configuration it was trained with.
    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// The environment it was trained for.
    pub fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    /// Torn checkpoints that were passed over on the way to this one.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The agent's policy.
    pub fn policy(&self) -> Box<dyn Policy> {
        self.learner.policy()
    }

    /// A policy that searches the world model with the planner called `name`, for the discounted sum of rewards.
    ///
    /// # Errors
    /// [`ErrorKind::Unknown`] if there is no such planner, [`ErrorKind::Invalid`] if the recipe is model-free.
    pub fn planner(&self, name: &str) -> Result<Box<dyn Policy>> {
        let planner = worldsmith_plan::planner(name, PlanConfig::default())?;
        let objective = Box::new(RewardSum { gamma: 0.99 });
        Ok(Box::new(PlannerPolicy::new(self.model()?, planner, objective, &self.device)))
    }

    /// The world model.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the recipe is model-free.
    pub fn model(&self) -> Result<Box<dyn WorldModel>> {
        self.learner.model().ok_or_else(|| {
            Error::invalid(format!("recipe `{}` has no world model", self.config.recipe))
                .hint("choose a run of another recipe; `worldsmith recipes` lists them")
        })
    }

    /// Whether the recipe has a world model.
    pub fn has_model(&self) -> bool {
        self.learner.model().is_some()
    }

    /// A dream that starts from one real observation and lasts at most `max_steps`, or as long as a real episode.
    ///
    /// # Errors
    /// As [`Loaded::dream`].
    pub fn dream_from(&self, obs: &Value, max_steps: Option<usize>) -> Result<Dream> {
        let meta = EpisodeMeta {
            env: self.spec.id.clone(),
            policy: "none".into(),
            seed: self.seed(),
            source: "real".into(),
            task: None,
        };
        self.dream(vec![Episode::start(obs.clone(), meta)], 1, max_steps)
    }

    /// A player's session: the real environment and the dream side by side, with the agent at hand.
    ///
    /// # Errors
    /// As [`Loaded::env`] and [`Loaded::model`].
    pub fn session(&self, seed: Seed) -> Result<Session> {
        let mut real = self.env()?;
        let dream = self.dream_from(&real.reset(seed)?.obs, None)?;
        Session::new(real, dream, Some(self.policy()), seed)
    }

    /// Where the model and the policy live.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The action the agent finds best after `step`; it remembers the steps since the last first one.
    ///
    /// # Errors
    /// If the observation is not what the agent was trained on.
    pub fn act(&mut self, step: &Step) -> Result<Value> {
        let acting = self.acting.get_or_insert_with(|| {
            let policy = self.learner.policy();
            Acting { memory: policy.start(1), policy, rng: self.config.root_seed().derive("act").rng() }
        });
        let first = [step.kind == worldsmith_core::StepKind::First];
        let obs = std::slice::from_ref(&step.obs);
        let actions = acting.policy.act(&mut acting.memory, obs, &first, Mode::Greedy, &mut acting.rng)?;
        actions.into_iter().next().ok_or_else(|| Error::invalid("expected one action, got none"))
    }

    /// A dream of the model's world: an environment that starts from the first `context` observations of one of
    /// `starts` and lasts at most as many steps as the real one.
    ///
    /// # Errors
    /// If there is no model or no start, or a start is of another environment.
    pub fn dream(&self, starts: Vec<Episode>, context: usize, max_steps: Option<usize>) -> Result<Dream> {
        let limit = max_steps.or(self.spec.max_steps);
        let dream = Dream::new(self.model()?, &self.spec.id, starts, context, limit, &self.device)?;
        Ok(dream.with_action_names(self.spec.action_names.clone()))
    }

    /// The real environment this was trained for.
    ///
    /// # Errors
    /// If it cannot be made, or [`ErrorKind::Mismatch`] with both specs if it is not what this was trained for.
    pub fn env(&self) -> Result<Box<dyn worldsmith_core::Env>> {
        if self.spec.id.is_empty() {
            return Err(Error::invalid("this was trained on recorded episodes and has no environment").hint(
                "`worldsmith dream RUN` dreams along them; `--env` at training names their environment",
            ));
        }
        self.env_as(&self.spec.id)
    }

    /// The environment called `id`, which must show and accept what this was trained on.
    ///
    /// # Errors
    /// As [`Loaded::env`].
    pub fn env_as(&self, id: &str) -> Result<Box<dyn worldsmith_core::Env>> {
        let env = worldsmith_env::make(id)?;
        check_fit(&self.spec, env.spec())?;
        Ok(env)
    }

    /// The seed of the run.
    pub fn seed(&self) -> Seed {
        self.config.root_seed()
    }
}

/// Checks that what was trained for `trained` can act in `env`.
///
/// # Errors
/// [`ErrorKind::Mismatch`] with both specs.
pub(crate) fn check_fit(trained: &EnvSpec, env: &EnvSpec) -> Result<()> {
    if trained.obs == env.obs && trained.action == env.action {
        return Ok(());
    }
    let show = |s: &EnvSpec| format!("`{}` (observation {}, action {})", s.id, s.obs, s.action);
    Err(Error::new(
        ErrorKind::Mismatch,
        format!("the checkpoint does not fit the environment: expected {}, got {}", show(trained), show(env)),
    )
    .hint(format!("leave out `--env`, or train on `{}` first", env.id)))
}
