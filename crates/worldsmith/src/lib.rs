//! The facade: runs, sessions, checkpoints and reports, plain data in and plain data out.
//!
//! A run in five lines, and its use in five more:
//!
//! ```no_run
//! # fn main() -> worldsmith::Result<()> {
//! use worldsmith::{Request, Run, RunConfig, Silent, Stop};
//! let config = RunConfig::resolve(&Request { recipe: "dreamer_v3".into(), ..Request::default() })?;
//! let mut run = Run::create(&config, "runs/first".as_ref(), false)?;
//! run.train(&mut Silent, &Stop::default())?;
//!
//! let mut agent = worldsmith::load("runs/first")?;
//! let mut env = agent.env()?;
//! let mut step = env.reset(worldsmith::Seed(0))?;
//! while !step.kind.is_last() {
//!     step = env.step(&agent.act(&step)?)?;
//! }
//! # Ok(()) }
//! ```

pub mod catalog;
mod checkpoint;
mod collect;
mod config;
pub mod data;
mod device;
mod doctor;
mod dream;
mod judge;
mod load;
mod overlay;
mod progress;
mod quickstart;
mod report;
mod reproduce;
mod run;
mod session;

pub use checkpoint::CheckpointConfig;
pub use collect::{CollectRequest, Collected, collect};
pub use config::{Budget, Request, RunConfig};
pub use device::choose_device;
pub use doctor::{Health, Python, doctor};
pub use dream::{DreamRequest, Dreamt, dream};
pub use judge::{JudgeRequest, Judgement, judge};
pub use load::{Loaded, load};
pub use overlay::split as split_set;
pub use progress::{Progress, Silent, Stop};
pub use quickstart::{Existing, open_run, quickstart_request, train_and_judge};
pub use reproduce::{ClaimEvidence, Evidence, ReproduceRequest, Spent, reproduce};
pub use run::{Run, Trained};
pub use session::{Actor, Choice, Frame, Session, Settings, View, World};
/// The nouns: environments, spaces, values, steps, seeds, errors.
pub use worldsmith_core::*;
pub use worldsmith_eval::{Check, Estimate, HorizonScores, OpenLoop, ReturnsRow, ReturnsTable};
/// Dreams, policies and the world-model seam.
pub use worldsmith_plan as plan;
