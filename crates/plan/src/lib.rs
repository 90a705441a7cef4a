//! The world-model seam: observe, imagine, predict; dreams as environments; policies and planners.
//!
//! Everything a planner, a judge or a player needs of a learned world goes through [`WorldModel`]; everything that acts
//! is a [`Policy`].

mod dream;
mod latent;
mod model;
mod planner;
mod policy;

pub use dream::Dream;
pub use latent::Latent;
pub use model::{ModelSpec, Observation, Prediction, WorldModel};
pub use planner::{
    Cem, Objective, PLANNERS, Plan, PlanConfig, Planner, PlannerEntry, PlannerPolicy, RandomShooting,
    RewardSum, planner,
};
pub use policy::{Mode, Policy, RandomPolicy};
