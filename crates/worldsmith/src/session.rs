//! One player in one run: the real environment and its dream, side by side under the same actions.
//!
//! A [`Session`] has no clock, no thread and no socket; the same seed, settings and inputs give the same [`Frame`]s.
//!
//! Rules: both worlds start from the same real observation. A world that has ended stands still until the pair is
//! reset. Every [`Settings::anchor_every`] steps the dream is grounded on what the real world shows, which also wakes a
//! dream that ended too early; a dream grounded on the real end has ended too.

use worldsmith_core::{Env, Error, ErrorKind, Image, Result, Rng, Seed, Space, Step, StepKind, Value};
use worldsmith_plan::{Dream, Latent, Mode, Policy};

/// Steps that one world goes on alone before [`Settings::auto_reset`] starts the pair anew.
const LONE_STEPS: usize = 45;

/// A real environment and a dream of it that one player plays together.
pub struct Session {
    real: Box<dyn Env>,
    dream: Dream,
    agent: Option<Box<dyn Policy>>,
    settings: Settings,
    choices: Vec<Choice>,
    state: State,
    /// What the agent remembers; `None` until it has acted, and again after somebody else has.
    memory: Option<Latent>,
    agent_rng: Rng,
    random_rng: Rng,
}

/// What can be changed while playing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Steps after which the dream is grounded on the real world again; 0 for never.
    pub anchor_every: usize,
    /// Start the pair anew, with the next seed, when both worlds have ended or one has gone on alone for 45 steps.
    pub auto_reset: bool,
    /// The world whose observations the agent acts on; it looks at the other one once this one has ended.
    pub agent_sees: World,
}

impl Default for Settings {
    /// Never anchored, reset on demand only, the agent looks at the real world.
    fn default() -> Self {
        Self { anchor_every: 0, auto_reset: false, agent_sees: World::Real }
    }
}

/// One of the two worlds of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// The environment itself.
    Real,
    /// The learned model of it.
    Dream,
}

/// Who chooses the next action.
#[derive(Debug, Clone, PartialEq)]
pub enum Actor {
    /// The person at the keyboard, with this action.
    You(Value),
    /// The trained policy, greedily. It starts with an empty memory whenever it takes over.
    Agent,
    /// A uniform draw from the action space.
    Random,
}

/// An action that a person can pick by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// What to write on its button.
    pub name: String,
    /// The action itself.
    pub action: Value,
}

/// What one world shows.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// The observation as an RGB picture; numbers are drawn as bars.
    pub image: Image,
    /// Reward of the last step; 0 on a step this world stood still.
    pub reward: f32,
    /// Sum of rewards since the reset.
    pub total: f32,
    /// How the episode stands; a last kind means that this world stands still.
    pub kind: StepKind,
}

/// What is to be seen after one step of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// The environment.
    pub real: View,
    /// The model.
    pub dream: View,
    /// The action that led here; `None` right after a reset.
    pub action: Option<Value>,
    /// Steps since the reset.
    pub step: usize,
    /// Steps since the dream last saw the real world: 0 after a reset and on an anchored step.
    pub horizon: usize,
    /// Resets before this one.
    pub episode: usize,
    /// Seed of the reset that this frame goes back to.
    pub seed: Seed,
    /// Probability, by the model, that the world ends here.
    pub predicted_end: f32,
    /// Root mean square difference of the two pictures, `0..=1`; `None` while a world stands still.
    pub surprise: Option<f32>,
    /// How unsure the model says it is, where it can say.
    pub uncertainty: Option<f32>,
}

/// Both worlds between two steps.
struct State {
    real: Pane,
    dream: Pane,
    action: Option<Value>,
    step: usize,
    horizon: usize,
    episode: usize,
    seed: Seed,
    /// Steps that one world went on after the other had ended.
    lone_steps: usize,
}

/// One world between two steps.
struct Pane {
    last: Step,
    total: f32,
}

impl Pane {
    fn new(first: Step) -> Self {
        Self { last: first, total: 0.0 }
    }

    fn over(&self) -> bool {
        self.last.kind.is_last()
    }

    fn take(&mut self, step: Step) {
        self.total += step.reward;
        self.last = step;
    }

    fn view(&self, space: &Space) -> Result<View> {
        let Step { kind, obs, reward } = &self.last;
        Ok(View { image: picture(space, obs)?, reward: *reward, total: self.total, kind: *kind })
    }
}

impl Session {
    /// Puts `real` and its `dream` side by side and resets both with `seed`.
    ///
    /// # Errors
    /// [`ErrorKind::Mismatch`] if their spaces differ, [`ErrorKind::Invalid`] if what they show cannot be drawn or no
    /// person could pick an action; whatever the first reset fails with.
    pub fn new(
        mut real: Box<dyn Env>,
        mut dream: Dream,
        agent: Option<Box<dyn Policy>>,
        seed: Seed,
    ) -> Result<Self> {
        let (ours, theirs) = (real.spec(), dream.spec());
        if ours.obs != theirs.obs || ours.action != theirs.action {
            let message = format!(
                "environment `{}` and its model do not fit: expected {} -> {}, got {} -> {}",
                ours.id, ours.action, ours.obs, theirs.action, theirs.obs
            );
            return Err(Error::new(ErrorKind::Mismatch, message));
        }
        let choices = choices(&ours.action, &ours.action_names)?;
        let state = State::start(&mut *real, &mut dream, seed, 0)?;
        let (agent_rng, random_rng) = streams(seed);
        let settings = Settings::default();
        let session =
            Self { real, dream, agent, settings, choices, state, memory: None, agent_rng, random_rng };
        session.frame()?;
        Ok(session)
    }

    /// Starts both worlds anew from the real first observation of `seed`.
    ///
    /// # Errors
    /// Whatever the environment or the model fails with.
    pub fn reset(&mut self, seed: Seed) -> Result<Frame> {
        self.state = State::start(&mut *self.real, &mut self.dream, seed, self.state.episode + 1)?;
        (self.agent_rng, self.random_rng) = streams(seed);
        self.memory = None;
        self.frame()
    }

    /// Takes one step in every world that has not ended. Once none is left, the pair is reset if
    /// [`Settings::auto_reset`] says so; else the last frame is shown again.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for an action outside the action space, or for [`Actor::Agent`] without an agent;
    /// whatever the environment, the model or the agent fails with.
    pub fn tick(&mut self, actor: &Actor) -> Result<Frame> {
        let over = self.state.real.over() && self.state.dream.over();
        if self.settings.auto_reset && (over || self.state.lone_steps >= LONE_STEPS) {
            return self.reset(Seed(self.state.seed.0.wrapping_add(1)));
        }
        if !over {
            let action = self.choose(actor)?;
            self.advance(action)?;
        }
        self.frame()
    }

    /// The present frame, without a step.
    ///
    /// # Errors
    /// If an observation cannot be drawn.
    pub fn frame(&self) -> Result<Frame> {
        let state = &self.state;
        let space = &self.real.spec().obs;
        let (real, dream) = (state.real.view(space)?, state.dream.view(space)?);
        let together = state.lone_steps == 0;
        Ok(Frame {
            surprise: together.then(|| difference(&real.image, &dream.image)),
            real,
            dream,
            action: state.action.clone(),
            step: state.step,
            horizon: state.horizon,
            episode: state.episode,
            seed: state.seed,
            predicted_end: 1.0 - self.dream.cont(),
            uncertainty: self.dream.uncertainty(),
        })
    }

    /// What can be changed while playing.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// What can be changed while playing, to change it.
    pub fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// The actions a person can pick, at least one; the first does nothing, where the action space has such an action.
    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }

    /// Id of the real environment.
    pub fn env(&self) -> &str {
        &self.real.spec().id
    }

    /// Name of the agent, if there is one.
    pub fn agent(&self) -> Option<&str> {
        self.agent.as_deref().map(Policy::name)
    }

    fn choose(&mut self, actor: &Actor) -> Result<Value> {
        let action = match actor {
            Actor::You(action) => action.clone(),
            Actor::Random => self.real.spec().action.sample(&mut self.random_rng),
            Actor::Agent => return self.ask_agent(),
        };
        self.memory = None;
        Ok(action)
    }

    fn ask_agent(&mut self) -> Result<Value> {
        let agent = self.agent.as_deref().ok_or_else(|| {
            Error::invalid("expected a run with an agent, got a world model alone")
                .hint("play yourself, or let chance play")
        })?;
        let State { real, dream, .. } = &self.state;
        let seen = match self.settings.agent_sees {
            World::Real if !real.over() => real,
            World::Dream if dream.over() => real,
            _ => dream,
        };
        let first = self.memory.is_none();
        let memory = self.memory.get_or_insert_with(|| agent.start(1));
        let obs = std::slice::from_ref(&seen.last.obs);
        let mut actions = agent.act(memory, obs, &[first], Mode::Greedy, &mut self.agent_rng)?;
        actions.pop().ok_or_else(|| Error::invalid("expected one action from the agent, got none"))
    }

    /// Steps the worlds that have not ended, at least one, with `action`.
    fn advance(&mut self, action: Value) -> Result<()> {
        self.real.spec().action.check(&action)?;
        let State { real, dream, horizon, .. } = &mut self.state;
        let real_moves = !real.over();
        let anchored =
            real_moves && self.settings.anchor_every > 0 && *horizon + 1 >= self.settings.anchor_every;
        let dream_moves = anchored || !dream.over();
        if real_moves {
            real.take(self.real.step(&action)?);
        } else {
            real.last.reward = 0.0;
        }
        if anchored {
            let seen = self.dream.anchor(&action, &real.last.obs)?;
            dream.take(Step { kind: real.last.kind, ..seen });
            *horizon = 0;
        } else if dream_moves {
            dream.take(self.dream.step(&action)?);
            *horizon += 1;
        } else {
            dream.last.reward = 0.0;
        }
        self.state.lone_steps = if real_moves && dream_moves { 0 } else { self.state.lone_steps + 1 };
        self.state.step += 1;
        self.state.action = Some(action);
        Ok(())
    }
}

impl State {
    fn start(real: &mut dyn Env, dream: &mut Dream, seed: Seed, episode: usize) -> Result<Self> {
        let first = real.reset(seed)?;
        let dreamt = dream.start_from(&first.obs, seed.derive("dream"))?;
        Ok(Self {
            real: Pane::new(first),
            dream: Pane::new(dreamt),
            action: None,
            step: 0,
            horizon: 0,
            episode,
            seed,
            lone_steps: 0,
        })
    }
}

/// The agent's and the random player's streams.
fn streams(seed: Seed) -> (Rng, Rng) {
    (seed.derive("agent").rng(), seed.derive("random").rng())
}

/// The actions a person can pick: every discrete choice, or for several numbers at once, one of them at a time at its
/// lowest and highest.
fn choices(space: &Space, names: &[String]) -> Result<Vec<Choice>> {
    let found: Vec<Choice> = match space {
        Space::Discrete { n } => {
            let name = |i: usize| names.get(i).cloned().unwrap_or_else(|| format!("action {i}"));
            (0..*n).map(|i| Choice { name: name(i), action: Value::Discrete(i as i64) }).collect()
        }
        Space::MultiDiscrete { nvec } => {
            let rest = vec![0; nvec.len()];
            let parts = nvec.iter().enumerate().flat_map(|(part, n)| (1..*n).map(move |i| (part, i)));
            let picks = parts.map(|(part, i)| {
                let mut pick = rest.clone();
                pick[part] = i as i64;
                Choice { name: format!("part {part} = {i}"), action: Value::MultiDiscrete(pick) }
            });
            let idle = Choice { name: "noop".into(), action: Value::MultiDiscrete(rest.clone()) };
            std::iter::once(idle).chain(picks).collect()
        }
        Space::Box { shape, low, high } => box_choices(shape, low, high),
        Space::Image { .. } | Space::Text { .. } | Space::Dict(_) => Vec::new(),
    };
    match found.is_empty() {
        true => Err(Error::invalid(format!("expected actions a person can pick, got {space}"))),
        false => Ok(found),
    }
}

fn box_choices(shape: &[usize], low: &[f32], high: &[f32]) -> Vec<Choice> {
    let bound = |x: f32| x.clamp(-1e6, 1e6);
    let rest: Vec<f32> = low.iter().zip(high).map(|(lo, hi)| 0f32.max(*lo).min(*hi)).collect();
    let pick = |name: String, at: Option<(usize, f32)>| {
        let mut data = rest.clone();
        if let Some((i, x)) = at {
            data[i] = x;
        }
        Choice { name, action: Value::Array { shape: shape.to_vec(), data } }
    };
    let ends = low.iter().zip(high).enumerate().flat_map(|(i, (lo, hi))| {
        [
            pick(format!("axis {i} low"), Some((i, bound(*lo)))),
            pick(format!("axis {i} high"), Some((i, bound(*hi)))),
        ]
    });
    std::iter::once(pick("noop".into(), None)).chain(ends).collect()
}

/// Root mean square difference of two pictures of one shape, `0..=1`.
fn difference(a: &Image, b: &Image) -> f32 {
    let squares = a.data.iter().zip(&b.data).map(|(x, y)| {
        let d = (f32::from(*x) - f32::from(*y)) / 255.0;
        d * d
    });
    (squares.sum::<f32>() / a.data.len().max(1) as f32).sqrt()
}

/// Height and width of a drawn observation without a picture.
const CHART_PX: usize = 64;
const CHART_BACK: [u8; 3] = [13, 17, 23];
const CHART_AXIS: [u8; 3] = [48, 54, 61];
const CHART_UP: [u8; 3] = [88, 166, 255];
const CHART_DOWN: [u8; 3] = [240, 136, 62];

/// The observation as an RGB picture: its first picture, or its numbers as bars around a middle line.
pub(crate) fn picture(space: &Space, obs: &Value) -> Result<Image> {
    if let Some(image) = obs.image() {
        return Ok(match image.channels {
            1 => Image { channels: 3, data: image.data.iter().flat_map(|v| [*v; 3]).collect(), ..*image },
            _ => image.clone(),
        });
    }
    let mut bars = Vec::new();
    scaled(space, obs, &mut bars)?;
    bars.truncate(CHART_PX / 2);
    let mut chart = Image::new(CHART_PX, CHART_PX, 3);
    let middle = CHART_PX / 2;
    chart.fill_rect(0, 0, CHART_PX, CHART_PX, &CHART_BACK);
    chart.fill_rect(0, middle, CHART_PX, 1, &CHART_AXIS);
    let slot = CHART_PX / bars.len().max(1);
    for (i, bar) in bars.iter().enumerate() {
        let height = (bar.abs() * (middle - 2) as f32).round() as usize;
        let (top, colour) =
            if *bar >= 0.0 { (middle - height, &CHART_UP) } else { (middle + 1, &CHART_DOWN) };
        chart.fill_rect(i * slot, top, slot - 1, height, colour);
    }
    Ok(chart)
}

/// Appends the numbers of `value`, each in `-1..=1`: by its bounds where it has some, else squashed.
fn scaled(space: &Space, value: &Value, out: &mut Vec<f32>) -> Result<()> {
    match (space, value) {
        (Space::Box { low, high, .. }, Value::Array { data, .. }) => {
            out.extend(data.iter().zip(low.iter().zip(high)).map(|(x, (lo, hi))| {
                let range = hi - lo;
                let wide = !range.is_finite() || range > 1e6;
                if wide { x.tanh() } else { (2.0 * (x - lo) / range.max(1e-6) - 1.0).clamp(-1.0, 1.0) }
            }));
        }
        (Space::Dict(parts), Value::Dict(values)) => {
            for (name, part) in parts {
                if let Some(value) = values.get(name) {
                    scaled(part, value, out)?;
                }
            }
        }
        _ => space.flatten(value, out)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(space: &Space) -> Vec<String> {
        choices(space, &["noop".into()]).unwrap().into_iter().map(|c| c.name).collect()
    }

    #[test]
    fn every_action_space_people_can_play_has_choices_that_lie_in_it() {
        let pair = Space::MultiDiscrete { nvec: vec![2, 3] };
        let force = Space::vector(1, 0.5, f32::INFINITY);
        assert_eq!(names(&Space::Discrete { n: 2 }), ["noop", "action 1"]);
        assert_eq!(names(&pair), ["noop", "part 0 = 1", "part 1 = 1", "part 1 = 2"]);
        assert_eq!(names(&force), ["noop", "axis 0 low", "axis 0 high"]);
        for space in [pair, force] {
            choices(&space, &[]).unwrap().iter().for_each(|c| space.check(&c.action).unwrap());
        }
        assert!(choices(&Space::Text { max_len: 9 }, &[]).is_err());
    }

    #[test]
    fn numbers_are_drawn_as_bars_up_and_down_from_the_middle() {
        let space = Space::vector(2, -2.0, 2.0);
        let chart = picture(&space, &Value::vector(vec![1.0, -2.0])).unwrap();
        let at = |x: usize, y: usize| &chart.data[3 * (y * CHART_PX + x)..][..3];
        assert_eq!(chart.shape(), [CHART_PX, CHART_PX, 3]);
        assert_eq!((at(5, 20), at(5, 10)), (&CHART_UP[..], &CHART_BACK[..]));
        assert_eq!((at(40, 60), at(40, 20)), (&CHART_DOWN[..], &CHART_BACK[..]));
    }

    #[test]
    fn unbounded_and_missing_numbers_still_give_a_chart() {
        let space = Space::vector(3, f32::NEG_INFINITY, f32::INFINITY);
        picture(&space, &Value::vector(vec![1e30, f32::NAN, -5.0])).unwrap();
        let empty = Space::Dict(Default::default());
        picture(&empty, &Value::Dict(Default::default())).unwrap();
    }

    #[test]
    fn a_grey_picture_becomes_rgb_and_the_difference_is_root_mean_square() {
        let grey = Image { height: 1, width: 2, channels: 1, data: vec![0, 255] };
        let space = Space::Image { height: 1, width: 2, channels: 1 };
        let rgb = picture(&space, &Value::Image(grey)).unwrap();
        assert_eq!(rgb.data, [0, 0, 0, 255, 255, 255]);
        let black = Image::new(1, 2, 3);
        assert!((difference(&rgb, &black) - 0.5f32.sqrt()).abs() < 1e-6);
    }
}
