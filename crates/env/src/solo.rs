//! One built-in environment: a world's rules behind [`Env`].

use serde::{Deserialize, Serialize};
use worldsmith_core::{Env, EnvSpec, Error, Image, Result, Rng, Seed, Space, Step, Value};

use crate::blueprint::{BuiltIn, Made, Skill};
use crate::canvas::Canvas;
use crate::clock::Clock;
use crate::world::{Action, Sight, World};

/// A [`World`] as an [`Env`]: checks actions, counts steps, draws factors, saves and restores. A saved state is JSON.
pub struct Solo<W: World> {
    made: Made<W>,
    now: Now<W::State>,
}

/// Everything that changes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Now<S> {
    pub world: S,
    pub factors: Vec<f32>,
    pub rng: Rng,
    pub clock: Clock,
}

impl<S> Now<S> {
    /// The start of the episode of `seed`.
    pub fn start<W: World<State = S>>(made: &Made<W>, seed: Seed) -> Self {
        let mut factors = Vec::new();
        made.variation.draw(seed, &mut factors);
        let mut rng = seed.rng();
        let world = made.world.start(&factors, &mut rng);
        Self { world, factors, rng, clock: Clock::started() }
    }

    /// [`Now::start`] in the memory of an older episode.
    pub fn restart<W: World<State = S>>(&mut self, made: &Made<W>, seed: Seed) {
        made.variation.draw(seed, &mut self.factors);
        self.rng = seed.rng();
        self.world = made.world.start(&self.factors, &mut self.rng);
        self.clock = Clock::started();
    }
}

impl<W: World> Solo<W> {
    pub(crate) fn new(made: Made<W>) -> Self {
        let now = Now { clock: Clock::stopped(), ..Now::start(&made, Seed(0)) };
        Self { made, now }
    }

    fn obs(&self) -> Value {
        let see = |(idx, space): (usize, &Space)| see(&self.made.world, &self.now.world, idx, space);
        match &self.made.views.0[..] {
            [(idx, only)] => see((*idx, &only.space)),
            several => Value::Dict(
                several.iter().map(|(idx, view)| (view.name.to_string(), see((*idx, &view.space)))).collect(),
            ),
        }
    }
}

/// One view as a value.
fn see<W: World>(world: &W, state: &W::State, view: usize, space: &Space) -> Value {
    match space {
        Space::Image { height, width, channels } => {
            let mut image = Image::new(*height, *width, *channels);
            world.show(state, view, Sight::Pixels(Canvas::new(&mut image.data, *height, *width)));
            Value::Image(image)
        }
        Space::Discrete { .. } => {
            let mut choice = 0;
            world.show(state, view, Sight::Choice(&mut choice));
            Value::Discrete(choice)
        }
        Space::Text { .. } => {
            let mut text = String::new();
            world.show(state, view, Sight::Text(&mut text));
            Value::Text(text)
        }
        Space::Box { shape, low, .. } => {
            let mut data = vec![0.0; low.len()];
            world.show(state, view, Sight::Numbers(&mut data));
            Value::Array { shape: shape.clone(), data }
        }
        Space::MultiDiscrete { .. } | Space::Dict(_) => unreachable!("no view has such a space"),
    }
}

impl<W: World> Env for Solo<W> {
    fn spec(&self) -> &EnvSpec {
        &self.made.spec
    }

    fn reset(&mut self, seed: Seed) -> Result<Step> {
        self.now = Now::start(&self.made, seed);
        Ok(Step::first(self.obs()))
    }

    fn step(&mut self, action: &Value) -> Result<Step> {
        let now = &mut self.now;
        now.clock.admit(&self.made.spec, action)?;
        let action = Action::of(action).expect("the action space holds choices or numbers only");
        let outcome = self.made.world.act(&mut now.world, action, &mut now.rng);
        let kind = now.clock.tick(self.made.spec.max_steps, outcome.terminated);
        Ok(Step { kind, obs: self.obs(), reward: outcome.reward })
    }

    fn snapshot(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(&self.now).ok()
    }

    fn restore(&mut self, state: &[u8]) -> Result<()> {
        let id = &self.made.spec.id;
        let wrong = |got: String| Error::invalid(format!("expected a saved state of `{id}`, got {got}"));
        let now: Now<W::State> = serde_json::from_slice(state).map_err(|err| wrong(err.to_string()))?;
        if !self.made.variation.fits(&now.factors) {
            return Err(wrong(format!("one with the factors {:?}", now.factors)));
        }
        self.made.world.check(&now.world).map_err(|err| wrong(format!("one against its rules: {err}")))?;
        self.now = now;
        Ok(())
    }
}

impl<W: World> BuiltIn for Solo<W> {
    fn advise(&self, skill: Skill, rng: &mut Rng) -> Value {
        self.made.advise(&self.now.world, skill, rng)
    }

    fn factors(&self) -> Vec<(&'static str, f32)> {
        self.made.factors.iter().map(|factor| factor.name).zip(self.now.factors.iter().copied()).collect()
    }
}
