//! From a world to environments: what all built-in worlds have in common around their rules.

use std::collections::BTreeMap;

use worldsmith_core::{Env, EnvSpec, Error, Result, Rng, Space, Value};

use crate::batch::{Batch, BatchEnv};
use crate::factors::{Factor, Variation};
use crate::options::Options;
use crate::registry::OptionEntry;
use crate::solo::Solo;
use crate::world::{Face, View, World};

/// The options that every built-in world takes beside its own.
pub const COMMON_OPTIONS: &[OptionEntry] = &[
    OptionEntry {
        name: "obs",
        default: "",
        about: "what is seen: names of views joined by `+`, or `all`; the first if left out",
    },
    OptionEntry { name: "size", default: "64", about: "side of pictures in pixels, or HEIGHTxWIDTH" },
    OptionEntry {
        name: "max_steps",
        default: "",
        about: "steps until truncation, or `none`; its own limit if left out",
    },
    OptionEntry {
        name: "factors",
        default: "default",
        about: "factors of variation of each episode: default, train, shifted",
    },
    OptionEntry { name: "factor.*", default: "", about: "one factor: a value or LOW..HIGH" },
];

/// How well a scripted policy plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skill {
    /// Uniform draws from the action space.
    Random,
    /// At each step the expert's action or a random one, by the toss of a coin.
    Weak,
    /// The world's own script.
    Expert,
}

impl Skill {
    /// All skills, worst first, with the names by which commands ask for them.
    pub const ALL: [(&'static str, Skill); 3] =
        [("random", Skill::Random), ("weak", Skill::Weak), ("expert", Skill::Expert)];
}

/// A built-in environment behind one type: an [`Env`] that also knows how it is played well.
pub trait BuiltIn: Env {
    /// What a player of this skill does now. The chance is the caller's, so that asking changes nothing here.
    fn advise(&self, skill: Skill, rng: &mut Rng) -> Value;

    /// This episode's factors of variation, by name.
    fn factors(&self) -> Vec<(&'static str, f32)>;
}

/// A world whose options are settled, of whatever type.
pub trait Blueprint: Send {
    /// One environment.
    fn solo(self: Box<Self>) -> Box<dyn BuiltIn>;

    /// `n` environments that are stepped together on `n_threads` threads.
    ///
    /// # Errors
    /// If either is zero, or the threads cannot be started.
    fn batch(self: Box<Self>, n: usize, n_threads: usize) -> Result<Box<dyn BatchEnv>>;
}

/// A world with its outside: what one environment or a batch of them is made from.
pub struct Made<W: World> {
    pub(crate) world: W,
    pub(crate) spec: EnvSpec,
    pub(crate) views: Shown,
    pub(crate) factors: &'static [Factor],
    pub(crate) variation: Variation,
}

/// Settles the options that all worlds share.
///
/// # Errors
/// If one of them has a wrong value.
pub fn blueprint<W: World>(
    world: W,
    face: Face,
    factors: &'static [Factor],
    options: &Options,
) -> Result<Box<dyn Blueprint>> {
    let views = Shown::choose(&face.views, options)?;
    let spec = EnvSpec {
        id: options.id().to_string(),
        obs: views.space(),
        action: face.action,
        action_names: face.action_names.iter().map(ToString::to_string).collect(),
        max_steps: options.limit("max_steps", face.max_steps)?,
    };
    let variation = Variation::new(factors, options)?;
    Ok(Box::new(Made { world, spec, views, factors, variation }))
}

impl<W: World> Made<W> {
    /// What a player of this skill does in `state`.
    pub(crate) fn advise(&self, state: &W::State, skill: Skill, rng: &mut Rng) -> Value {
        let expert = match skill {
            Skill::Random => false,
            Skill::Weak => rng.chance(0.5),
            Skill::Expert => true,
        };
        if expert { self.world.expert(state, rng) } else { self.spec.action.sample(rng) }
    }
}

impl<W: World> Blueprint for Made<W> {
    fn solo(self: Box<Self>) -> Box<dyn BuiltIn> {
        Box::new(Solo::new(*self))
    }

    fn batch(self: Box<Self>, n: usize, n_threads: usize) -> Result<Box<dyn BatchEnv>> {
        Ok(Box::new(Batch::new(*self, n, n_threads)?))
    }
}

/// The views that are shown: their place in [`Face::views`], and what they are. One stands alone; several are a dictionary.
#[derive(Debug, Clone)]
pub(crate) struct Shown(pub Vec<(usize, View)>);

impl Shown {
    fn choose(views: &[View], options: &Options) -> Result<Self> {
        let all = || views.iter().cloned().enumerate();
        let chosen = match options.text("obs") {
            None => all().take(1).collect(),
            Some("all") => all().collect(),
            Some(names) => names
                .split('+')
                .map(|name| {
                    all().find(|(_, view)| view.name == name).ok_or_else(|| {
                        let known = views.iter().map(|view| view.name);
                        Error::unknown(
                            &format!("view of `{}`:", options.id()),
                            name,
                            known,
                            "worldsmith envs",
                        )
                    })
                })
                .collect::<Result<Vec<_>>>()?,
        };
        let mut names: Vec<&str> = chosen.iter().map(|(_, view)| view.name).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(options.wrong("obs", "each view once", twice[0]));
        }
        Ok(Self(chosen))
    }

    fn space(&self) -> Space {
        match &self.0[..] {
            [(_, only)] => only.space.clone(),
            several => Space::Dict(BTreeMap::from_iter(
                several.iter().map(|(_, view)| (view.name.to_string(), view.space.clone())),
            )),
        }
    }
}
