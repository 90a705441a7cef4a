//! The table of PushT from above.

use serde::{Deserialize, Serialize};

use super::block::Block;
use super::{SIDE_PX, State, WALL_RADIUS_PX, WALLS_PX};
use crate::canvas::{Canvas, Rgb, turned};
use crate::table::shape::{Shape, Vec2};

const AGENT: Rgb = [65, 105, 225];
const BLOCK: Rgb = [119, 136, 153];
const GOAL: Rgb = [144, 238, 144];
const WALL: Rgb = [211; 3];
/// Width of the darker rim of pusher and block.
const AGENT_RIM_PX: f64 = 4.0;
const BLOCK_RIM_PX: f64 = 2.0;

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
            table: [(255.0 * factors[3]).round() as u8; 3],
        }
    }
}

/// A fifth brighter.
fn lighter(colour: Rgb) -> Rgb {
    colour.map(|level| (1.2 * f32::from(level)).min(255.0) as u8)
}

/// Draws goal, walls, block and pusher.
pub(super) fn draw(block: &Block, state: &State, canvas: &mut Canvas<'_>) {
    let (across, down) = (canvas.width as f64 / SIDE_PX, canvas.height as f64 / SIDE_PX);
    let at = |[x, y]: Vec2| [(x * across) as f32, (y * down) as f32];
    let looks = &state.looks;
    canvas.fill(looks.table);
    let [agent, body] = &state.bodies;
    let (goal, n) = block.placed(state.goal_px, state.goal_angle_rad);
    let (here, _) = block.placed(block.origin(body), body.angle_rad);
    let mut fill = |rect: &Shape, grown_px: f64, colour: Rgb| {
        let corners = rect.grown(grown_px);
        let mut points = [[0.0_f32; 2]; 4];
        points.iter_mut().zip(corners).for_each(|(point, corner)| *point = at(corner));
        canvas.polygon(&points, colour);
    };
    for rect in &goal[..n] {
        fill(rect, 0.0, looks.goal);
    }
    let [low, high] = WALLS_PX;
    let (near, far) =
        ([low - WALL_RADIUS_PX, low + WALL_RADIUS_PX], [high - WALL_RADIUS_PX, high + WALL_RADIUS_PX]);
    for [from, to] in [near, far] {
        fill(&Shape::rect([from, near[0]], [to, far[1]]), 0.0, WALL);
        fill(&Shape::rect([near[0], from], [far[1], to]), 0.0, WALL);
    }
    for rect in &here[..n] {
        fill(rect, BLOCK_RIM_PX, looks.block);
        fill(rect, -BLOCK_RIM_PX, lighter(looks.block));
    }
    let scale = (across * down).sqrt();
    let radius = state.agent_radius_px;
    canvas.disc(at(agent.middle), (radius * scale) as f32, looks.agent);
    canvas.disc(at(agent.middle), ((radius - AGENT_RIM_PX) * scale).max(0.0) as f32, lighter(looks.agent));
}
