//! The table with the arm, from above and from the wrist.

use serde::{Deserialize, Serialize};

use super::State;
use super::arm::{Arm, BASE_PX};
use crate::canvas::{Canvas, Rgb, turned};
use crate::table::picture::{Picture, lighter};
use crate::table::shape::direction;

const TABLE: Rgb = [226, 232, 238];
const BLOCK: Rgb = [206, 58, 50];
const GOAL: Rgb = [112, 186, 120];
const ARM: Rgb = [58, 92, 150];
const HAND: Rgb = [40, 44, 54];
/// Radius and width of the ring around the goal.
const RING_PX: [f64; 2] = [32.0, 8.0];
/// Width of the links.
const LINK_PX: f64 = 26.0;
/// How far before the wrist the middle of its camera's picture is.
const AHEAD_PX: f64 = 60.0;

/// The colours of an episode, and how far the camera at the wrist sees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Looks {
    /// Of the block.
    pub block: Rgb,
    /// Of the goal.
    pub goal: Rgb,
    /// Of the arm.
    pub arm: Rgb,
    /// Of the table.
    pub table: Rgb,
    /// Side of what the camera at the wrist sees.
    pub wrist_view_px: f64,
}

impl Looks {
    /// By how far three hues are turned, and the brightness of the table.
    pub fn new([block, goal, arm, light]: [f32; 4], wrist_view_px: f64) -> Self {
        Self {
            block: turned(BLOCK, block),
            goal: turned(GOAL, goal),
            arm: turned(ARM, arm),
            table: TABLE.map(|level| (f32::from(level) * light).round() as u8),
            wrist_view_px,
        }
    }
}

/// What a camera above the table sees.
pub(super) fn top(state: &State, canvas: &mut Canvas<'_>) {
    let (arm, colour) = (&state.arm, state.looks.arm);
    let mut picture = Picture::top(canvas);
    scene(state, &mut picture);
    let joints = [BASE_PX, arm.elbow(), arm.wrist()];
    picture.disc(BASE_PX, LINK_PX, HAND);
    for ends in joints.windows(2) {
        picture.stroke(ends[0], ends[1], LINK_PX, colour);
        picture.stroke(ends[0], ends[1], LINK_PX - 8.0, lighter(colour));
    }
    for joint in joints {
        picture.disc(joint, LINK_PX / 4.0, HAND);
    }
}

/// What a camera at the wrist sees, the way the hand points upwards.
pub(super) fn wrist(state: &State, canvas: &mut Canvas<'_>) {
    let (arm, side_px) = (&state.arm, state.looks.wrist_view_px);
    scene(state, &mut Picture::around(canvas, arm.before_hand(AHEAD_PX), arm.hand_rad(), side_px));
}

/// What lies on the table, and the hand.
fn scene(state: &State, picture: &mut Picture<'_, '_>) {
    let looks = &state.looks;
    picture.fill(looks.table);
    picture.walls();
    let [radius, width] = RING_PX;
    picture.disc(state.goal_px, radius, looks.goal);
    picture.disc(state.goal_px, radius - width, lighter(looks.goal));
    let block = state.block();
    for (size, colour) in [(1.0, looks.block), (0.8, lighter(looks.block))] {
        let shape = super::outline(size * state.block_half_px);
        picture.polygon(shape.placed(block.middle, direction(block.angle_rad)).corners(), colour);
    }
    let turn = direction(state.arm.hand_rad());
    for (shape, at) in Arm::outlines().into_iter().zip(state.arm.parts()) {
        picture.polygon(shape.placed(at, turn).corners(), HAND);
    }
}
