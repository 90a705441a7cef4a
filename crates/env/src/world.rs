//! What a built-in world is: pure rules over a state that can be written down.
//!
//! A world says how an episode starts, what an action does, what is seen and what an expert would do. Everything around that
//! (ids and options, time limits, factors of variation, saving, batches) is the same for all and lives in
//! [`blueprint`](crate::blueprint), [`solo`](crate::solo) and [`batch`](crate::batch).

use serde::Serialize;
use serde::de::DeserializeOwned;
use worldsmith_core::{Result, Rng, Space, Value};

use crate::canvas::Canvas;
use crate::options::Options;

/// The rules of a world. All that changes is in [`World::State`]; all chance comes from the generator handed in.
pub trait World: Send + Sync + 'static {
    /// Everything that changes in an episode. Its JSON form is the saved state, so its fields are named for readers.
    type State: Clone + Send + Sync + Serialize + DeserializeOwned;

    /// Whether a step takes about a microsecond or more even where no picture is shown, so that batches share it out to
    /// threads. Faster ones are stepped sooner than threads are woken.
    const IS_SLOW: bool = false;

    /// The state in which an episode starts. `factors` are this episode's values of the entry's factors of variation, in their
    /// order; the state keeps what the rules need of them.
    fn start(&self, factors: &[f32], rng: &mut Rng) -> Self::State;

    /// Takes one action, which lies in the action space, in a state that has not ended.
    fn act(&self, state: &mut Self::State, action: Action<'_>, rng: &mut Rng) -> Outcome;

    /// Writes the view `view`, a place in [`Face::views`], all of it: `out` holds what was there before.
    fn show(&self, state: &Self::State, view: usize, out: Sight<'_>);

    /// Checks a state that came from outside, so that no later call can panic on it.
    ///
    /// # Errors
    /// If the state is against the rules: what was expected and what was got.
    fn check(&self, state: &Self::State) -> Result<()>;

    /// What somebody who plays this world well would do.
    fn expert(&self, state: &Self::State, rng: &mut Rng) -> Value;
}

/// An action that was checked, without memory of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Action<'a> {
    /// One of `n` choices.
    Choice(usize),
    /// Real numbers, row-major.
    Numbers(&'a [f32]),
}

impl<'a> Action<'a> {
    /// The choice, or 0 for numbers.
    pub fn choice(self) -> usize {
        match self {
            Action::Choice(i) => i,
            Action::Numbers(_) => 0,
        }
    }

    /// The numbers, or none for a choice.
    pub fn numbers(self) -> &'a [f32] {
        match self {
            Action::Choice(_) => &[],
            Action::Numbers(numbers) => numbers,
        }
    }

    /// A checked value as an action; `None` for kinds of values that no built-in world takes.
    pub fn of(value: &'a Value) -> Option<Self> {
        match value {
            Value::Discrete(i) => usize::try_from(*i).ok().map(Action::Choice),
            Value::Array { data, .. } => Some(Action::Numbers(data)),
            _ => None,
        }
    }
}

/// What an action led to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Reward for the action.
    pub reward: f32,
    /// Whether the world ended by its own rules; time limits are not its business.
    pub terminated: bool,
}

/// Where a view is written: memory of the right size for its space.
#[derive(Debug)]
pub enum Sight<'a> {
    /// For [`Space::Box`].
    Numbers(&'a mut [f32]),
    /// For [`Space::Image`] with three channels.
    Pixels(Canvas<'a>),
    /// For [`Space::Discrete`].
    Choice(&'a mut i64),
    /// For [`Space::Text`]; empty when handed out.
    Text(&'a mut String),
}

/// One thing that can be seen of a world.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The name by which `?obs=` asks for it, such as `state` or `pixels`.
    pub name: &'static str,
    /// What it looks like.
    pub space: Space,
}

/// What goes in and out of a world.
#[derive(Debug, Clone, PartialEq)]
pub struct Face {
    /// What can be done: [`Space::Discrete`] or [`Space::Box`].
    pub action: Space,
    /// Names of the choices, in order; empty for numbers.
    pub action_names: &'static [&'static str],
    /// What can be seen; the first is shown unless `?obs=` asks for others.
    pub views: Vec<View>,
    /// Steps after which an episode is cut off, unless `?max_steps=` says otherwise.
    pub max_steps: Option<usize>,
}

impl View {
    /// A vector of numbers with bounds of their own.
    pub fn numbers(name: &'static str, low: &[f32], high: &[f32]) -> Self {
        Self { name, space: Space::Box { shape: vec![low.len()], low: low.to_vec(), high: high.to_vec() } }
    }

    /// An RGB picture of the size that `?size=` asks for, 64x64 by default.
    ///
    /// # Errors
    /// If the option is no size.
    pub fn pixels(name: &'static str, options: &Options) -> Result<Self> {
        let [height, width] = options.size([64, 64])?;
        Ok(Self { name, space: Space::Image { height, width, channels: 3 } })
    }

    /// Text of at most `max_len` characters.
    pub fn text(name: &'static str, max_len: usize) -> Self {
        Self { name, space: Space::Text { max_len } }
    }

    /// One of `n` numbers.
    pub fn choice(name: &'static str, n: usize) -> Self {
        Self { name, space: Space::Discrete { n } }
    }
}
