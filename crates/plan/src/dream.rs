//! A learned world behind the same seam as a real one.

use burn::prelude::*;
use burn::tensor::TensorData;
use worldsmith_core::{Env, EnvSpec, Episode, Error, Result, Rng, Seed, Step, Value};

use crate::model::floats;
use crate::{Latent, Observation, WorldModel};

/// A dream: an [`Env`] whose next observation, reward and end come from a [`WorldModel`].
///
/// A dream starts from real experience: `reset` picks one of the `starts`, shows the model its first steps, and goes on
/// alone from there. [`Dream::anchor`] grounds it on a real observation again.
pub struct Dream {
    model: Box<dyn WorldModel>,
    spec: EnvSpec,
    starts: Vec<Episode>,
    /// Steps of a start episode that are shown before the dream goes on alone; at least 1.
    context: usize,
    device: Device,
    latent: Latent,
    rng: Rng,
    n_steps: usize,
    over: bool,
    cont: f32,
    uncertainty: Option<f32>,
}

impl Dream {
    /// A dream of `model` that starts from the first `context` observations (at least 1) of one of `starts`.
    ///
    /// # Errors
    /// If there is no start, or a start is not what the model was made for.
    pub fn new(
        model: Box<dyn WorldModel>,
        id: &str,
        starts: Vec<Episode>,
        context: usize,
        max_steps: Option<usize>,
        device: &Device,
    ) -> Result<Self> {
        if starts.is_empty() {
            return Err(Error::invalid("expected at least one episode to dream from, got none"));
        }
        for start in &starts {
            model.spec().obs.check(&start.obs[0])?;
        }
        let spec = EnvSpec {
            id: format!("dream:{id}"),
            obs: model.spec().obs.clone(),
            action: model.spec().action.clone(),
            action_names: Vec::new(),
            max_steps,
        };
        let latent = model.start(1);
        let (device, rng) = (device.clone(), Seed(0).rng());
        Ok(Self {
            model,
            spec,
            starts,
            context: context.max(1),
            device,
            latent,
            rng,
            n_steps: 0,
            over: true,
            cont: 1.0,
            uncertainty: None,
        })
    }

    /// Names the discrete actions, as the real environment does.
    #[must_use]
    pub fn with_action_names(mut self, names: Vec<String>) -> Self {
        self.spec.action_names = names;
        self
    }

    /// The state the dream is in, one row.
    pub fn latent(&self) -> &Latent {
        &self.latent
    }

    /// The world behind the dream.
    pub fn model(&self) -> &dyn WorldModel {
        &*self.model
    }

    /// How unsure the model is of the present state, if it can say.
    pub fn uncertainty(&self) -> Option<f32> {
        self.uncertainty
    }

    /// Probability, by the model, that the world goes on after the present state.
    pub fn cont(&self) -> f32 {
        self.cont
    }

    /// Starts a dream on a real first observation instead of a recorded one; returns what the model makes of it.
    ///
    /// # Errors
    /// If `obs` is not what the model was made for.
    pub fn start_from(&mut self, obs: &Value, seed: Seed) -> Result<Step> {
        self.rng = seed.rng();
        self.latent = self.model.start(1);
        self.n_steps = 0;
        self.over = false;
        let action = vec![0.0; self.spec.action.flat_len().unwrap_or(0)];
        self.see(&action, obs, true)?;
        let (step, _) = self.describe()?;
        Ok(Step::first(step))
    }

    /// Steps the dream with `action` but grounds it on the real `obs` that answered: horizon re-anchoring. Returns the
    /// model's reconstruction of it.
    ///
    /// # Errors
    /// If `obs` or `action` is not what the model was made for.
    pub fn anchor(&mut self, action: &Value, obs: &Value) -> Result<Step> {
        let mut flat = Vec::new();
        self.spec.action.flatten(action, &mut flat)?;
        self.see(&flat, obs, false)?;
        self.n_steps += 1;
        self.over = false;
        let (obs, (reward, _)) = self.describe()?;
        Ok(Step::mid(obs, reward))
    }

    fn see(&mut self, action: &[f32], obs: &Value, first: bool) -> Result<()> {
        let obs = Observation::stack(&self.spec.obs, std::slice::from_ref(obs), &self.device)?;
        let action = self.row(action);
        self.latent = self.model.observe(&self.latent, action, &obs, &[first], &mut self.rng)?;
        Ok(())
    }

    fn row(&self, flat: &[f32]) -> Tensor<2> {
        Tensor::from_data(TensorData::new(flat.to_vec(), [1, flat.len()]), &self.device)
    }

    /// The decoded observation, and reward and continuation, of the present state.
    fn describe(&mut self) -> Result<(Value, (f32, f32))> {
        let prediction = self.model.predict(&self.latent, true);
        let obs = prediction.obs.ok_or_else(|| {
            Error::invalid("expected a model that decodes observations, got one that does not")
        })?;
        let value = obs.unstack(&self.spec.obs)?.remove(0);
        self.uncertainty = prediction.uncertainty.map(|u| floats(u)[0]);
        self.cont = floats(prediction.cont)[0];
        Ok((value, (floats(prediction.reward)[0], self.cont)))
    }
}

impl Env for Dream {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, seed: Seed) -> Result<Step> {
        let mut rng = seed.derive("start").rng();
        let start = self.starts[rng.below(self.starts.len())].clone();
        let mut step = self.start_from(&start.obs[0], seed.derive("dream"))?;
        for t in 1..self.context.min(start.len()) {
            step = self.anchor(&start.actions[t - 1], &start.obs[t])?;
        }
        self.n_steps = 0;
        Ok(Step::first(step.obs))
    }

    fn step(&mut self, action: &Value) -> Result<Step> {
        if self.over {
            return Err(Error::invalid("expected a reset after the last step, got a step"));
        }
        self.spec.action.check(action)?;
        let mut flat = Vec::new();
        self.spec.action.flatten(action, &mut flat)?;
        self.latent = self.model.imagine(&self.latent, self.row(&flat), &mut self.rng);
        self.n_steps += 1;
        let (obs, (reward, cont)) = self.describe()?;
        let ended = self.rng.uniform() >= cont;
        let cut = self.spec.max_steps.is_some_and(|n| self.n_steps >= n);
        self.over = ended || cut;
        Ok(match (ended, cut) {
            (true, _) => Step::terminated(obs, reward),
            (false, true) => Step::truncated(obs, reward),
            (false, false) => Step::mid(obs, reward),
        })
    }
}
