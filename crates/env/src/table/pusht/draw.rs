//! The table of PushT from above.

use serde::{Deserialize, Serialize};

use super::State;
use super::block::Block;
use crate::canvas::{Canvas, Rgb, turned};
use crate::table::picture::{Picture, grey, lighter};

const AGENT: Rgb = [65, 105, 225];
const BLOCK: Rgb = [119, 136, 153];
const GOAL: Rgb = [144, 238, 144];
/// Width of the block's darker rim, to both sides of its edges.
const RIM_PX: f64 = 2.0;

/// The colours of an episode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Looks {
    /// Of the pusher.
    pub agent: Rgb,
    /// Of the block.
    pub block: Rgb,
    /// Of the goal.
    pub goal: Rgb,
    /// Of the table.
    pub table: Rgb,
}

impl Looks {
    /// By how far the three hues are turned, and the brightness of the table.
    pub fn new(factors: &[f32]) -> Self {
        Self {
            agent: turned(AGENT, factors[0]),
            block: turned(BLOCK, factors[1]),
            goal: turned(GOAL, factors[2]),
            table: grey(factors[3]),
        }
    }
}

/// Draws goal, walls, block and pusher.
pub(super) fn draw(block: &Block, state: &State, canvas: &mut Canvas<'_>) {
    let looks = &state.looks;
    let [agent, body] = &state.bodies;
    let (goal, n) = block.placed(state.goal_px, state.goal_angle_rad);
    let (here, _) = block.placed(block.origin(body), body.angle_rad);
    let mut picture = Picture::top(canvas);
    picture.fill(looks.table);
    for rect in &goal[..n] {
        picture.polygon(rect.corners(), looks.goal);
    }
    picture.walls();
    for rect in &here[..n] {
        picture.polygon(&rect.grown(RIM_PX), looks.block);
        picture.polygon(&rect.grown(-RIM_PX), lighter(looks.block));
    }
    picture.pusher(agent.middle, state.agent_radius_px, looks.agent);
}
