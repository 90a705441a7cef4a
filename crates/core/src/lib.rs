//! The nouns every other crate speaks: what an environment shows ([`Value`], [`Space`]), what it answers
//! ([`Step`]), what is kept of it ([`Episode`]), how chance is drawn ([`Seed`], [`Rng`]) and how things fail
//! ([`Error`]).
//!
//! Invariant: no tensor, no clock, no file, no thread. This crate builds in seconds and never grows a dependency
//! beyond `serde` and `thiserror`.

mod card;
mod env;
mod episode;
mod error;
mod seed;
mod space;
mod step;
mod value;

pub use card::Card;
pub use env::{Env, EnvSpec};
pub use episode::{Episode, EpisodeMeta};
pub use error::{Error, ErrorKind, Result, nearest};
pub use seed::{Rng, Seed};
pub use space::Space;
pub use step::{Step, StepKind};
pub use value::{Image, Value};
