//! The round pusher of a walled table: how it is told where to go, and what stops what it pushes.

use worldsmith_core::{Result, Space, Value};

use super::physics::{Body, Fixture};
use super::shape::{Shape, Vec2, add, scale, sub};
use crate::world::Action;
use crate::{OptionEntry, Options};

/// Side of the table, in pixels.
pub const SIDE_PX: f64 = 512.0;
/// The wall's middle line lies between these coordinates.
pub const WALLS_PX: [f64; 2] = [5.0, 506.0];
/// Half the thickness of a wall.
pub const WALL_RADIUS_PX: f64 = 2.0;
/// Steps of the physics in one action.
pub const N_SUBSTEPS: usize = 10;
/// How long one of them lasts.
pub const STEP_SECS: f64 = 0.01;
/// Positions in views stay within these, far outside the walls.
pub const SEEN_PX: [f32; 2] = [-512.0, 1024.0];
/// The pusher's controller: acceleration by distance and by velocity.
const GAINS: [f64; 2] = [100.0, 20.0];
/// How far a relative action of 1 reaches.
const RELATIVE_PX: f64 = 100.0;

/// How actions are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// Where the pusher should be, in pixels.
    Absolute,
    /// The same, as seen from where it is, in hundreds of pixels.
    Relative,
}

impl Aim {
    /// The option by which it is asked for.
    pub const OPTION: OptionEntry =
        OptionEntry { name: "action", default: "absolute", about: "absolute (pixels) or relative (-1 to 1)" };

    /// Reads [`Aim::OPTION`].
    ///
    /// # Errors
    /// If it is neither.
    pub fn new(options: &Options) -> Result<Self> {
        match options.text("action") {
            None | Some("absolute") => Ok(Aim::Absolute),
            Some("relative") => Ok(Aim::Relative),
            Some(other) => Err(options.wrong("action", "`absolute` or `relative`", other)),
        }
    }

    /// What can be done.
    pub fn space(self) -> Space {
        match self {
            Aim::Absolute => Space::vector(2, 0.0, SIDE_PX as f32),
            Aim::Relative => Space::vector(2, -1.0, 1.0),
        }
    }

    /// Where `action` sends a pusher that is at `pusher`.
    pub fn target(self, action: Action<'_>, pusher: Vec2) -> Vec2 {
        let &[x, y] = action.numbers() else { unreachable!("an action is two numbers") };
        let numbers = [f64::from(x), f64::from(y)];
        match self {
            Aim::Absolute => numbers,
            Aim::Relative => add(pusher, scale(numbers, RELATIVE_PX)),
        }
    }

    /// The action that sends it to `target`, or as near as one action can.
    pub fn action(self, target: Vec2, pusher: Vec2) -> Value {
        let numbers = match self {
            Aim::Absolute => target.map(|x| x.clamp(0.0, SIDE_PX)),
            Aim::Relative => sub(target, pusher).map(|x| (x / RELATIVE_PX).clamp(-1.0, 1.0)),
        };
        Value::Array { shape: vec![2], data: numbers.map(|x| x as f32).to_vec() }
    }
}

/// Sets the pusher's velocity for the next step on its way to `target`.
pub fn pull(pusher: &mut Body, target: Vec2) {
    let [by_distance, by_velocity] = GAINS;
    let pull = scale(sub(target, pusher.middle), by_distance);
    let brake = scale(sub([0.0; 2], pusher.velocity), by_velocity);
    pusher.velocity = add(pusher.velocity, scale(add(pull, brake), STEP_SECS));
}

/// The four walls, without friction.
pub fn walls() -> [Fixture; 4] {
    let [low, high] = WALLS_PX;
    let corners = [[low, high], [low, low], [high, low], [high, high]];
    std::array::from_fn(|i| Fixture {
        body: None,
        shape: Shape::new(&[corners[i], corners[(i + 1) % 4]], WALL_RADIUS_PX),
        friction: 0.0,
    })
}

/// A position as views show it.
pub fn seen(x: f64) -> f32 {
    let [low, high] = SEEN_PX;
    (x as f32).clamp(low, high)
}
