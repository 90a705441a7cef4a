//! Many copies of one built-in world, stepped together on several cores into flat memory that is used again and again.
//!
//! This is the fast way: no value is made and no memory taken for a step. [`EnvPool`](crate::EnvPool) is the general way,
//! for environments of any kind.

use rayon::{ThreadPool, ThreadPoolBuilder};
use smallvec::SmallVec;
use worldsmith_core::{EnvSpec, Error, ErrorKind, Result, Rng, Seed, Space, StepKind, Value};

use crate::blueprint::{Made, Skill};
use crate::canvas::Canvas;
use crate::solo::Now;
use crate::world::{Action, Sight, View, World};

/// Bytes of a pixel.
const RGB: usize = 3;

/// What all environments of a batch do, one after the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Actions<'a> {
    /// One choice each, for discrete actions.
    Choices(&'a [i64]),
    /// As many numbers each as the action has, for real-valued ones.
    Numbers(&'a [f32]),
}

/// What all environments of a batch show, environment after environment. Made by [`BatchEnv::frames`], written by every step.
#[derive(Debug, Clone, PartialEq)]
pub struct Frames {
    /// One for each view that is shown, in the order of `?obs=`, with its name.
    pub views: Vec<(&'static str, Buffer)>,
    /// Rewards for the actions that led here; 0 after a reset.
    pub rewards: Vec<f32>,
    /// Where each environment stands in its episode.
    pub kinds: Vec<StepKind>,
}

/// One view of all environments.
#[derive(Debug, Clone, PartialEq)]
pub enum Buffer {
    /// `[n, ...]` numbers of a [`Space::Box`].
    Numbers(Vec<f32>),
    /// `[n, height, width, 3]` bytes of a [`Space::Image`].
    Pixels(Vec<u8>),
    /// `[n]` choices of a [`Space::Discrete`].
    Choices(Vec<i64>),
    /// `[n]` texts of a [`Space::Text`].
    Texts(Vec<String>),
}

/// Environments that are stepped together.
///
/// Resets are automatic: a call to [`BatchEnv::step`] that finds an environment at the end of its episode ignores its action
/// and resets it, so that a first step follows a last one. The `k`-th episode of environment `i` starts from
/// `seed.index(i).index(k)`, as in an [`EnvPool`](crate::EnvPool).
pub trait BatchEnv: Send {
    /// What goes in and out of each environment.
    fn spec(&self) -> &EnvSpec;

    /// Memory of the right size for [`BatchEnv::reset`] and [`BatchEnv::step`].
    fn frames(&self) -> Frames;

    /// Starts the first episode of `seed` in every environment.
    ///
    /// # Errors
    /// If `frames` was not made for such a batch.
    fn reset(&mut self, seed: Seed, frames: &mut Frames) -> Result<()>;

    /// Takes one action in every environment.
    ///
    /// # Errors
    /// If there was no reset, `frames` was not made for such a batch, or the actions are too many, too few, or outside the
    /// action space; then nothing has moved.
    fn step(&mut self, actions: Actions<'_>, frames: &mut Frames) -> Result<()>;

    /// What players of this skill do now, one action an environment.
    fn advise(&self, skill: Skill, rng: &mut Rng) -> Vec<Value>;
}

/// [`BatchEnv`] over one world.
pub(crate) struct Batch<W: World> {
    made: Made<W>,
    seats: Vec<Seat<W::State>>,
    /// All but the thread that calls, if there is work enough to wake them for.
    threads: Option<ThreadPool>,
    n_threads: usize,
    started: bool,
}

/// One environment.
struct Seat<S> {
    now: Now<S>,
    seed: Seed,
    n_episodes: u64,
}

impl<W: World> Batch<W> {
    pub fn new(made: Made<W>, n: usize, n_threads: usize) -> Result<Self> {
        if n == 0 || n_threads == 0 {
            return Err(Error::invalid(format!(
                "expected at least one environment and one thread, got {n} and {n_threads}"
            )));
        }
        let is_picture = |(_, view): &(usize, View)| matches!(view.space, Space::Image { .. });
        let is_work = W::IS_SLOW || made.views.0.iter().any(is_picture);
        let threads =
            (n_threads > 1 && is_work).then(|| ThreadPoolBuilder::new().num_threads(n_threads - 1).build());
        let threads = threads.transpose().map_err(|err| {
            Error::new(ErrorKind::External, format!("cannot start {n_threads} threads: {err}"))
        })?;
        let now = Now::start(&made, Seed(0));
        let seats = (0..n).map(|_| Seat { now: now.clone(), seed: Seed(0), n_episodes: 0 }).collect();
        Ok(Self { made, seats, threads, n_threads, started: false })
    }

    fn admit(&self, frames: &Frames) -> Result<()> {
        if self.fits(frames) {
            Ok(())
        } else {
            Err(Error::invalid("expected frames made by this batch, got others"))
        }
    }

    fn check(&self, actions: Actions<'_>) -> Result<()> {
        let n = self.seats.len();
        let space = &self.made.spec.action;
        let fits = match (space, actions) {
            (Space::Discrete { n: choices }, Actions::Choices(all)) => {
                all.len() == n && all.iter().all(|i| usize::try_from(*i).is_ok_and(|i| i < *choices))
            }
            (Space::Box { low, high, .. }, Actions::Numbers(all)) => {
                all.len() == n * low.len()
                    && all.chunks_exact(low.len().max(1)).all(|action| {
                        let bounds = low.iter().zip(high);
                        action.iter().zip(bounds).all(|(x, (low, high))| x >= low && x <= high)
                    })
            }
            _ => false,
        };
        if fits {
            return Ok(());
        }
        let got = match actions {
            Actions::Choices(all) => format!("{} choices", all.len()),
            Actions::Numbers(all) => format!("{} numbers", all.len()),
        };
        Err(Error::invalid(format!("expected {n} actions in {space}, got {got} or one outside")))
    }

    /// Calls `turn` with the place, the environment, and where its reward and kind go, for all environments, and shows them.
    fn turns<F>(&mut self, frames: &mut Frames, turn: F)
    where
        F: Fn(&Made<W>, usize, &mut Seat<W::State>, (&mut f32, &mut StepKind)) + Sync,
    {
        let (made, n) = (&self.made, self.seats.len());
        let Frames { views, rewards, kinds } = frames;
        let shown =
            made.views.0.iter().zip(views).map(|((idx, view), (_, buffer))| Sheet::new(*idx, view, buffer));
        let mut rest = Share { first: 0, seats: &mut self.seats, rewards, kinds, sheets: shown.collect() };
        let Some(threads) = &self.threads else { return rest.play(made, &turn) };
        threads.in_place_scope(|scope| {
            let n_each = n.div_ceil(self.n_threads);
            while rest.seats.len() > n_each {
                let share = rest.split_off_front(n_each);
                scope.spawn(|_| share.play(made, &turn));
            }
            rest.play(made, &turn);
        });
    }

    /// Whether `frames` was made by [`BatchEnv::frames`] of such a batch.
    fn fits(&self, frames: &Frames) -> bool {
        let n = self.seats.len();
        let view = |((_, view), (_, buffer)): (&(usize, View), &(&str, Buffer))| match (buffer, &view.space) {
            (Buffer::Pixels(px), Space::Image { height, width, .. }) => px.len() == n * height * width * 3,
            (Buffer::Numbers(data), Space::Box { low, .. }) => data.len() == n * low.len(),
            (Buffer::Choices(choices), Space::Discrete { .. }) => choices.len() == n,
            (Buffer::Texts(texts), Space::Text { .. }) => texts.len() == n,
            _ => false,
        };
        let views = &self.made.views.0;
        (frames.rewards.len(), frames.kinds.len(), frames.views.len()) == (n, n, views.len())
            && views.iter().zip(&frames.views).all(view)
    }
}

/// Some environments that stand side by side, and where their answers go.
struct Share<'a, S> {
    /// Place of the first.
    first: usize,
    seats: &'a mut [Seat<S>],
    rewards: &'a mut [f32],
    kinds: &'a mut [StepKind],
    sheets: SmallVec<[Sheet<'a>; 4]>,
}

impl<'a, S: Send> Share<'a, S> {
    /// Takes the first `n` environments away.
    fn split_off_front(&mut self, n: usize) -> Self {
        let first = self.first;
        self.first += n;
        Share {
            first,
            seats: take_front(&mut self.seats, n),
            rewards: take_front(&mut self.rewards, n),
            kinds: take_front(&mut self.kinds, n),
            sheets: self.sheets.iter_mut().map(|sheet| sheet.split_off_front(n)).collect(),
        }
    }

    /// A turn in every environment, and then every view of it.
    fn play<W, F>(mut self, made: &Made<W>, turn: &F)
    where
        W: World<State = S>,
        F: Fn(&Made<W>, usize, &mut Seat<S>, (&mut f32, &mut StepKind)),
    {
        let answers = self.rewards.iter_mut().zip(self.kinds);
        for (i, (seat, answer)) in self.seats.iter_mut().zip(answers).enumerate() {
            turn(made, self.first + i, seat, answer);
        }
        self.sheets.iter_mut().for_each(|sheet| sheet.fill(&made.world, self.seats));
    }
}

/// One view of some environments.
struct Sheet<'a> {
    /// Which of the world's views it is.
    view: usize,
    paper: Paper<'a>,
}

/// What a view is written on.
enum Paper<'a> {
    Numbers { all: &'a mut [f32], len: usize },
    Pixels { all: &'a mut [u8], height: usize, width: usize },
    Choices(&'a mut [i64]),
    Texts(&'a mut [String]),
}

impl<'a> Sheet<'a> {
    fn new(idx: usize, view: &View, buffer: &'a mut Buffer) -> Self {
        let paper = match (buffer, &view.space) {
            (Buffer::Pixels(all), Space::Image { height, width, .. }) => {
                Paper::Pixels { all, height: *height, width: *width }
            }
            (Buffer::Numbers(all), Space::Box { low, .. }) => Paper::Numbers { all, len: low.len() },
            (Buffer::Choices(all), _) => Paper::Choices(all),
            (Buffer::Texts(all), _) => Paper::Texts(all),
            _ => unreachable!("`frames` fits the views"),
        };
        Self { view: idx, paper }
    }

    fn split_off_front(&mut self, n: usize) -> Self {
        let paper = match &mut self.paper {
            Paper::Numbers { all, len } => Paper::Numbers { all: take_front(all, n * *len), len: *len },
            Paper::Pixels { all, height, width } => {
                let (height, width) = (*height, *width);
                Paper::Pixels { all: take_front(all, n * height * width * RGB), height, width }
            }
            Paper::Choices(all) => Paper::Choices(take_front(all, n)),
            Paper::Texts(all) => Paper::Texts(take_front(all, n)),
        };
        Self { view: self.view, paper }
    }

    /// Writes the view of each environment.
    fn fill<W: World>(&mut self, world: &W, seats: &[Seat<W::State>]) {
        let show = |seat: &Seat<W::State>, sight: Sight<'_>| world.show(&seat.now.world, self.view, sight);
        match &mut self.paper {
            Paper::Numbers { all, len } => {
                seats
                    .iter()
                    .zip(all.chunks_exact_mut(*len))
                    .for_each(|(seat, out)| show(seat, Sight::Numbers(out)));
            }
            Paper::Pixels { all, height, width } => {
                for (seat, px) in seats.iter().zip(all.chunks_exact_mut(*height * *width * RGB)) {
                    show(seat, Sight::Pixels(Canvas::new(px, *height, *width)));
                }
            }
            Paper::Choices(all) => {
                seats.iter().zip(all.iter_mut()).for_each(|(seat, out)| show(seat, Sight::Choice(out)));
            }
            Paper::Texts(all) => {
                for (seat, out) in seats.iter().zip(all.iter_mut()) {
                    out.clear();
                    show(seat, Sight::Text(out));
                }
            }
        }
    }
}

/// Takes the first `n` elements away.
fn take_front<'a, T>(all: &mut &'a mut [T], n: usize) -> &'a mut [T] {
    let (front, rest) = std::mem::take(all).split_at_mut(n);
    *all = rest;
    front
}

impl<S> Seat<S> {
    /// Starts the next episode, in the memory of the last one.
    fn reset<W: World<State = S>>(&mut self, made: &Made<W>) {
        let seed = self.seed.index(self.n_episodes);
        self.n_episodes += 1;
        self.now.restart(made, seed);
    }
}

impl<W: World> BatchEnv for Batch<W> {
    fn spec(&self) -> &EnvSpec {
        &self.made.spec
    }

    fn frames(&self) -> Frames {
        let n = self.seats.len();
        let buffer = |view: &View| match &view.space {
            Space::Image { height, width, .. } => Buffer::Pixels(vec![0; n * height * width * 3]),
            Space::Box { low, .. } => Buffer::Numbers(vec![0.0; n * low.len()]),
            Space::Text { .. } => Buffer::Texts(vec![String::new(); n]),
            _ => Buffer::Choices(vec![0; n]),
        };
        Frames {
            views: self.made.views.0.iter().map(|(_, view)| (view.name, buffer(view))).collect(),
            rewards: vec![0.0; n],
            kinds: vec![StepKind::First; n],
        }
    }

    fn reset(&mut self, seed: Seed, frames: &mut Frames) -> Result<()> {
        self.admit(frames)?;
        self.started = true;
        self.turns(frames, |made, i, seat, (reward, kind)| {
            (seat.seed, seat.n_episodes) = (seed.index(i as u64), 0);
            seat.reset(made);
            (*reward, *kind) = (0.0, StepKind::First);
        });
        Ok(())
    }

    fn step(&mut self, actions: Actions<'_>, frames: &mut Frames) -> Result<()> {
        self.admit(frames)?;
        if !self.started {
            return Err(Error::invalid("expected a reset of the batch, got a step"));
        }
        self.check(actions)?;
        self.turns(frames, |made, i, seat, (reward, kind)| {
            if seat.now.clock.is_over() {
                seat.reset(made);
                (*reward, *kind) = (0.0, StepKind::First);
                return;
            }
            let outcome =
                made.world.act(&mut seat.now.world, actions.of(i, &made.spec.action), &mut seat.now.rng);
            *reward = outcome.reward;
            *kind = seat.now.clock.tick(made.spec.max_steps, outcome.terminated);
        });
        Ok(())
    }

    fn advise(&self, skill: Skill, rng: &mut Rng) -> Vec<Value> {
        self.seats.iter().map(|seat| self.made.advise(&seat.now.world, skill, rng)).collect()
    }
}

impl<'a> Actions<'a> {
    /// The action of environment `i`.
    fn of(self, i: usize, space: &Space) -> Action<'a> {
        match (self, space) {
            (Actions::Numbers(all), Space::Box { low, .. }) => {
                Action::Numbers(&all[i * low.len()..(i + 1) * low.len()])
            }
            (Actions::Choices(all), _) => Action::Choice(all[i] as usize),
            (Actions::Numbers(_), _) => unreachable!("checked against the space"),
        }
    }
}
