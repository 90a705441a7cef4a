//! The valley that both mountain cars drive in: its shape, its motion and its picture.

use worldsmith_core::{Error, Result};

use crate::canvas::{Canvas, Rgb};
use crate::factors::{Factor, factor};
use crate::look::Look;
use crate::world::View;
use crate::{OptionEntry, Options};

pub(super) const MIN_POSITION: f64 = -1.2;
pub(super) const MAX_POSITION: f64 = 0.6;
pub(super) const MAX_SPEED: f64 = 0.07;
/// Acceleration by gravity on a slope of one, per step.
pub(super) const GRAVITY: f64 = 0.0025;

const SKY: Rgb = [206, 228, 246];
const GRASS: Rgb = [108, 172, 88];
const SOIL: Rgb = [134, 104, 78];
const CAR: Rgb = [206, 62, 60];
const WHEEL: Rgb = [40, 42, 50];
const POLE: Rgb = [60, 62, 70];
const FLAG: Rgb = [246, 196, 48];

/// The option of both cars.
pub(super) const GOAL_VELOCITY: OptionEntry = OptionEntry {
    name: "goal_velocity",
    default: "0",
    about: "the least velocity with which the goal counts, at most 0.07",
};
/// What both cars can be told to differ in.
pub(super) const PUSH_SCALE: Factor =
    factor("push_scale", "the motor's push, in multiples of the usual one", [1.0, 0.8, 1.2, 1.2, 1.6]);
pub(super) const GRAVITY_SCALE: Factor =
    factor("gravity_scale", "pull of gravity, in multiples of 0.0025", [1.0, 0.8, 1.2, 0.5, 0.8]);

/// What is seen of both cars: `state`, position and velocity; `pixels`, the valley from the side.
pub(super) fn views(options: &Options) -> Result<Vec<View>> {
    let low = [MIN_POSITION as f32, -MAX_SPEED as f32];
    let high = [MAX_POSITION as f32, MAX_SPEED as f32];
    Ok(vec![View::numbers("state", &low, &high), View::pixels("pixels", options)?])
}

/// What is to be drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene {
    pub position: f64,
    pub goal: f64,
    pub look: Look,
}

/// Height of the ground, from 0.1 to 1.
fn height(position: f32) -> f32 {
    (3.0 * position).sin() * 0.45 + 0.55
}

/// Checks a place and a speed that came from outside.
pub(super) fn check(position: f64, velocity: f64) -> Result<()> {
    let (slowest, fastest) = (f64::from(-MAX_SPEED as f32), f64::from(MAX_SPEED as f32));
    let (first, last) = (f64::from(MIN_POSITION as f32), f64::from(MAX_POSITION as f32));
    if (first..=last).contains(&position) && (slowest..=fastest).contains(&velocity) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "expected a `position` from {MIN_POSITION} to {MAX_POSITION} and a `velocity` within {MAX_SPEED}, got {position} and {velocity}"
    )))
}

/// Where things of the valley lie in a picture.
struct Map {
    width: f32,
    height: f32,
}

impl Map {
    fn x(&self, position: f32) -> f32 {
        (position - MIN_POSITION as f32) / (MAX_POSITION - MIN_POSITION) as f32 * self.width
    }

    fn y(&self, ground: f32) -> f32 {
        self.height * (1.0 - 0.7 * ground)
    }

    /// The ground's height at the level of `y`.
    fn ground(&self, y: f32) -> f32 {
        (1.0 - y / self.height) / 0.7
    }

    /// How steep the picture of the ground is: pixels down for each to the right.
    fn slope(&self, position: f32) -> f32 {
        let rise = 1.35 * (3.0 * position).cos() * 0.7 * self.height;
        -rise * (MAX_POSITION - MIN_POSITION) as f32 / self.width
    }
}

impl Scene {
    /// The valley from the side.
    pub fn draw(&self, canvas: &mut Canvas<'_>) {
        let map = Map { width: canvas.width as f32, height: canvas.height as f32 };
        canvas.fill(self.look.of(SKY));
        self.draw_flag(&map, canvas);
        self.draw_ground(&map, 0.0, GRASS, canvas);
        self.draw_ground(&map, 0.04, SOIL, canvas);
        self.draw_car(&map, canvas);
    }

    /// Everything that lies `depth` of the picture's height or more under the ground. The height is a sine of the place, so
    /// a row of pixels holds ground between an arc sine and its mirror image, a period to the left and again here.
    fn draw_ground(&self, map: &Map, depth: f32, colour: Rgb, canvas: &mut Canvas<'_>) {
        let colour = self.look.of(colour);
        for row in 0..canvas.height as i32 {
            let y = row as f32 + 0.5 - depth * map.height;
            let sin = (map.ground(y) - 0.55) / 0.45;
            if sin <= -1.0 {
                canvas.rect(0, row, canvas.width as i32, canvas.height as i32 - row, colour);
                return;
            }
            if sin < 1.0 {
                let angle = sin.asin();
                for turns in [-std::f32::consts::TAU, 0.0] {
                    let ends = [angle + turns, std::f32::consts::PI - angle + turns];
                    let [from, to] = ends.map(|angle| (map.x(angle / 3.0) - 0.5).ceil() as i32);
                    canvas.span(row, from, to, colour);
                }
            }
        }
    }

    fn draw_flag(&self, map: &Map, canvas: &mut Canvas<'_>) {
        let goal = self.goal as f32;
        let (x, foot) = (map.x(goal), map.y(height(goal)));
        let top = foot - 0.2 * map.height;
        let thick = map.width / 80.0 + 0.5;
        canvas.line([x, foot], [x, top], thick, self.look.of(POLE));
        let flag = [[x, top], [x - 0.11 * map.width, top + 0.045 * map.height], [x, top + 0.09 * map.height]];
        canvas.polygon(&flag, self.look.of(FLAG));
    }

    /// A body on two wheels, along the ground.
    fn draw_car(&self, map: &Map, canvas: &mut Canvas<'_>) {
        let position = self.position as f32;
        let slope = map.slope(position);
        let length = slope.hypot(1.0);
        let (along, up) = ([1.0 / length, slope / length], [slope / length, -1.0 / length]);
        let foot = [map.x(position), map.y(height(position))];
        let size = map.width.min(map.height);
        let at = |ahead: f32, above: f32| [0, 1].map(|i| foot[i] + size * (ahead * along[i] + above * up[i]));
        let body = [
            at(-0.08, 0.03),
            at(-0.08, 0.08),
            at(-0.04, 0.12),
            at(0.04, 0.12),
            at(0.08, 0.08),
            at(0.08, 0.03),
        ];
        canvas.polygon(&body, self.look.of(CAR));
        for ahead in [-0.045, 0.045] {
            canvas.disc(at(ahead, 0.028), 0.028 * size, self.look.of(WHEEL));
        }
    }
}
