//! A race track seen from above by a camera that follows the car and turns with it, in the spirit of Gymnasium's CarRacing.
//!
//! The reward and the actions are CarRacing's; the track ([`track`](super::track)) and the physics ([`car`](super::car)) are
//! our own.

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng, Space, Value};

use super::car::{Car, Chassis, GRAVITY_MPS2, Ground, Pedals, pursuit_per_m, wrapped};
use super::faces;
use super::from_above::Above;
use super::track::{MAX_TILES, Place, Track};
use crate::blueprint::blueprint;
use crate::canvas::{Canvas, Rgb};
use crate::factors::Factor;
use crate::registry::Maker;
use crate::world::{Action, Face, Outcome, Sight, View, World};
use crate::{EnvEntry, OptionEntry, Options};

/// Hundredths of a second a step.
const N_SUBSTEPS: usize = 5;
const CHASSIS: Chassis = Chassis {
    front_m: 1.3,
    rear_m: 1.3,
    max_steer_rad: 0.42,
    steer_radps: 2.5,
    engine_mps2: 7.0,
    brake_mps2: 12.0,
};
/// Length and width of the car as it is drawn.
const CAR_M: [f64; 2] = [4.6, 2.1];
/// Farther than this from the middle line the race is lost.
const FAR_M: f32 = 30.0;
/// The meadow's share of the road's grip, and what it takes of the speed.
const MEADOW_GRIP: f64 = 0.55;
const MEADOW_ROLLING_MPS2: f64 = 2.0;
const ROAD_ROLLING_MPS2: f64 = 0.15;
/// Tiles that a car may drive over in one step.
const MAX_GAP: usize = 3;
/// Distances at which the state tells the curvature, in m.
const AHEAD_M: [f32; 6] = [0.0, 10.0, 20.0, 30.0, 45.0, 60.0];
/// `noop`, `left`, `right`, `gas`, `brake` as (steer to the right, gas, brake); the amounts are CarRacing's but for the gas.
const CHOICES: [[f32; 3]; 5] =
    [[0.0, 0.0, 0.0], [-0.6, 0.0, 0.0], [0.6, 0.0, 0.0], [0.0, 0.6, 0.0], [0.0, 0.0, 0.8]];

const ASPHALT: [Rgb; 2] = [[104, 106, 114], [110, 112, 120]];
const LINE: Rgb = [236, 236, 232];
const KERB: Rgb = [214, 52, 48];
const PAINT: Rgb = [222, 40, 52];
const PANEL: Rgb = [16, 16, 20];
const GAUGES: [Rgb; 3] = [[240, 240, 240], [92, 204, 96], [240, 96, 84]];

const fn factor(name: &'static str, about: &'static str, values: [f32; 5]) -> Factor {
    let [default, low, high, beyond, far] = values;
    Factor { name, about, default, train: [low, high], shifted: [beyond, far] }
}

const FACTORS: &[Factor] = &[
    factor("grip", "coefficient of friction of tyres on the road", [1.2, 1.0, 1.4, 0.5, 0.8]),
    factor("road_m", "width of the road", [12.0, 11.0, 13.0, 8.0, 10.0]),
    factor("view_m", "metres across the picture: how high the camera hangs", [38.0, 34.0, 44.0, 52.0, 70.0]),
    factor("hue_deg", "how far all colours are turned", [0.0, 0.0, 60.0, 120.0, 180.0]),
    factor("brightness", "what colours are multiplied with", [1.0, 0.8, 1.0, 0.4, 0.7]),
];

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "racing",
    about: "a race track from above, in the spirit of CarRacing: steer, gas, brake",
    page: "\
A car on a closed track of random shape. The camera hangs above it and turns with it.

- `pixels`: the picture is `view_m` wide; the car stands three quarters down and heads up. The bars below show speed (white),
  front wheel (green) and yaw rate (red). `map`: the whole track, north up. `state`: speed ahead and to the left (m/s), yaw
  rate (rad/s), angle of the front wheel (rad), offset to the left of the middle line (m), heading error (rad), and the
  curvature (1/m) 0, 10, 20, 30, 45 and 60 m ahead; left is positive.
- Actions: steer (-1 left to 1 right, of 0.42 rad), gas and brake (0 to 1), for 0.05 s. With `actions=discrete` five: `noop`,
  `left`, `right` (0.6), `gas` (0.6), `brake` (0.8).
- Reward: -0.1 a step and 1000/N for each of the N tiles of 4 m that is driven over for the first time; -100 for leaving.
- Ends when all tiles were driven over, or 30 m from the middle line; cut off after 1,000 steps.
- Rewards and actions are CarRacing-v3's. Track and physics are our own, so returns do not compare: a bicycle model with
  slipping tyres (wheelbase 2.6 m, mass as if at the axles). A tyre pushes sideways with 10 (front) or 14 (rear) times its
  load a radian of slip, up to its grip, of which engine (7 m/s2) and brakes (12 m/s2) take their part. The meadow has 0.55 of the road's grip
  and takes 2 m/s2. Air takes 0.0035/m of the speed squared. The front wheel turns by 2.5 rad/s.
- The expert aims at a point ahead (pure pursuit), as fast as the curves to come allow.",
    options: &[
        OptionEntry { name: "actions", default: "continuous", about: "kind of actions: `continuous` or `discrete`" },
        OptionEntry { name: "max_steps", default: "1000", about: "steps until truncation, or `none`" },
    ],
    factors: FACTORS,
    make: Maker::BuiltIn(|options| {
        let world = Racing::new(options)?;
        let face = world.face(options)?;
        blueprint(world, face, FACTORS, options)
    }),
};

/// The rules of the race. Views: see the page.
#[derive(Debug)]
pub struct Racing {
    is_discrete: bool,
}

/// Everything that changes, and the looks and physics of the episode.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    /// The track, as its control points.
    pub track: Track,
    /// The car.
    pub car: Car,
    /// The tile that was nearest after the last step.
    pub tile: usize,
    /// Which tiles were driven over: tile `i` is bit `i % 64` of number `i / 64`.
    pub visited: [u64; MAX_TILES / 64],
    /// Coefficient of friction on the road.
    pub grip: f64,
    /// Width of the road.
    pub road_m: f32,
    /// Metres across the picture.
    pub view_m: f32,
    /// How far colours are turned.
    pub hue_deg: f32,
    /// What colours are multiplied with.
    pub brightness: f32,
}

impl Racing {
    fn new(options: &Options) -> Result<Self> {
        match options.text("actions") {
            None | Some("continuous") => Ok(Self { is_discrete: false }),
            Some("discrete") => Ok(Self { is_discrete: true }),
            Some(text) => Err(options.wrong("actions", "`continuous` or `discrete`", text)),
        }
    }

    fn face(&self, options: &Options) -> Result<Face> {
        let wheels = Space::Box { shape: vec![3], low: vec![-1.0, 0.0, 0.0], high: vec![1.0; 3] };
        let (names, action): (&[_], _) = if self.is_discrete {
            (&["noop", "left", "right", "gas", "brake"], Space::Discrete { n: CHOICES.len() })
        } else {
            (&[], wheels)
        };
        let high: Vec<f32> = [200.0, 200.0, 200.0, 1.0, 1000.0, 4.0].into_iter().chain([1.0; 6]).collect();
        let low: Vec<f32> = high.iter().map(|x| -x).collect();
        Ok(Face {
            action,
            action_names: names,
            views: vec![
                View::pixels("pixels", options)?,
                View::numbers("state", &low, &high),
                View::pixels("map", options)?,
            ],
            max_steps: Some(1000),
        })
    }
}

impl World for Racing {
    type State = State;

    const IS_SLOW: bool = true;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        let track = Track::new(rng);
        let [first, [dx, dy]] = [track.tiles()[0].at, track.tiles()[0].along].map(|pair| pair.map(f64::from));
        let mut state = State {
            car: Car::parked(first[0], first[1], dy.atan2(dx)),
            track,
            tile: 0,
            visited: [0; MAX_TILES / 64],
            grip: f64::from(factors[0]),
            road_m: factors[1],
            view_m: factors[2],
            hue_deg: factors[3],
            brightness: factors[4],
        };
        state.visited[0] = 1;
        state
    }

    fn act(&self, state: &mut State, action: Action<'_>, _: &mut Rng) -> Outcome {
        let [steer, gas, brake] = match action {
            Action::Choice(i) => CHOICES[i],
            Action::Numbers(numbers) => [numbers[0], numbers[1], numbers[2]],
        }
        .map(f64::from);
        let pedals = Pedals { steer_rad: -steer * CHASSIS.max_steer_rad, gas, brake };
        let grounds = state.grounds();
        state.car.drive(&CHASSIS, pedals, grounds, N_SUBSTEPS);
        let place = state.place();
        let n_new = state.visit(place);
        let n_tiles = state.track.tiles().len();
        let is_lost = place.left_m.abs() > FAR_M;
        let is_done = state.n_visited() == n_tiles;
        let reward = -0.1 + n_new as f32 * 1000.0 / n_tiles as f32;
        Outcome { reward: if is_lost { -100.0 } else { reward }, terminated: is_lost || is_done }
    }

    fn show(&self, state: &State, view: usize, out: Sight<'_>) {
        match (view, out) {
            (0, Sight::Pixels(mut canvas)) => {
                let camera = state.follower(&canvas);
                state.draw(&camera, &mut canvas);
                state.draw_gauges(&mut canvas);
            }
            (_, Sight::Pixels(mut canvas)) => state.draw(&state.chart(&canvas), &mut canvas),
            (_, Sight::Numbers(out)) => state.tell(out),
            _ => {}
        }
    }

    fn check(&self, state: &State) -> Result<()> {
        let n_tiles = state.track.tiles().len();
        let beyond = (n_tiles..MAX_TILES).any(|i| state.is_visited(i));
        let numbers = [
            (state.grip, 0.05..=5.0),
            (f64::from(state.road_m), 2.0..=40.0),
            (f64::from(state.view_m), 5.0..=1000.0),
            (f64::from(state.hue_deg), -360.0..=360.0),
            (f64::from(state.brightness), 0.0..=1.0),
        ];
        let is_sound = state.car.is_sound(&CHASSIS) && numbers.iter().all(|(x, range)| range.contains(x));
        if is_sound && state.tile < n_tiles && !beyond {
            Ok(())
        } else {
            Err(Error::invalid("expected a car that moves as cars do on tiles of its track, got another"))
        }
    }

    fn expert(&self, state: &State, _: &mut Rng) -> Value {
        let (steer_rad, speed) = state.plan();
        let steer = (-steer_rad / CHASSIS.max_steer_rad).clamp(-1.0, 1.0) as f32;
        // What the curve takes of the grip is missing for engine and brakes.
        let taken = state.car.yaw_radps * state.car.ahead_mps / (state.grip * GRAVITY_MPS2);
        let most = (1.0 - taken * taken).max(0.04).sqrt();
        let push = (0.5 * (speed - state.car.ahead_mps)).clamp(-most, most) as f32;
        if self.is_discrete {
            return Value::Discrete(match (push, steer) {
                (..-0.5, _) => 4,
                (_, ..-0.2) => 1,
                (_, 0.2..) => 2,
                (0.0.., _) => 3,
                _ => 0,
            });
        }
        Value::Array { shape: vec![3], data: vec![steer, push.max(0.0), (-push).max(0.0)] }
    }
}

impl State {
    fn place(&self) -> Place {
        self.track.locate(self.tile, self.car.at().map(|x| x as f32))
    }

    /// What the front and the rear wheel stand on.
    fn grounds(&self) -> [Ground; 2] {
        [CHASSIS.front_m, -CHASSIS.rear_m].map(|ahead| {
            let place = self.track.locate(self.tile, self.car.place(ahead, 0.0).map(|x| x as f32));
            if place.left_m.abs() <= self.road_m / 2.0 {
                Ground { grip: self.grip, rolling_mps2: ROAD_ROLLING_MPS2 }
            } else {
                Ground { grip: self.grip * MEADOW_GRIP, rolling_mps2: MEADOW_ROLLING_MPS2 }
            }
        })
    }

    fn is_visited(&self, tile: usize) -> bool {
        (self.visited[tile / 64] >> (tile % 64)) & 1 == 1
    }

    fn n_visited(&self) -> usize {
        self.visited.iter().map(|bits| bits.count_ones() as usize).sum()
    }

    /// Marks the tiles driven over since the last step; says how many of them were new.
    fn visit(&mut self, place: Place) -> usize {
        let n_tiles = self.track.tiles().len();
        let before = std::mem::replace(&mut self.tile, place.tile);
        if place.left_m.abs() > self.road_m / 2.0 {
            return 0;
        }
        let gap = (place.tile + n_tiles - before) % n_tiles;
        let n_driven = if gap <= MAX_GAP { gap } else { 0 };
        let n_before = self.n_visited();
        for tile in (0..=n_driven).map(|i| (place.tile + n_tiles - i) % n_tiles) {
            self.visited[tile / 64] |= 1 << (tile % 64);
        }
        self.n_visited() - n_before
    }

    /// By how much the car points to the left of the track's direction.
    fn heading_error(&self, tile: usize) -> f64 {
        let [dx, dy] = self.track.tiles()[tile].along.map(f64::from);
        wrapped(self.car.heading_rad - dy.atan2(dx))
    }

    /// The expert's front wheel angle and speed.
    fn plan(&self) -> (f64, f64) {
        let tile = self.place().tile;
        let ahead_m = 5.0 + 0.3 * self.car.ahead_mps.max(0.0) as f32;
        let aim = self.car.seen(self.track.point(tile, ahead_m).map(f64::from));
        let bend = pursuit_per_m([aim[0] + CHASSIS.rear_m, aim[1]]);
        let steer = CHASSIS.steer_rad(bend, self.car.ahead_mps);
        // Each curve ahead allows a speed, and the brakes allow more the farther away it is.
        let push_mps2 = self.grip * GRAVITY_MPS2;
        let allowed = (0..25).map(|i| {
            let bend = f64::from(self.track.ahead(tile, i).curvature.abs()).max(1e-3);
            let way = f64::from(i as f32 * self.track.tile_m());
            0.7 * push_mps2 / bend + 2.0 * 0.5 * push_mps2 * way
        });
        (steer, allowed.fold(f64::INFINITY, f64::min).sqrt())
    }

    /// The view `state`.
    fn tell(&self, out: &mut [f32]) {
        let (car, place) = (&self.car, self.place());
        let own = [car.ahead_mps, car.left_mps, car.yaw_radps, car.steer_rad].map(|x| x as f32);
        out[..4].copy_from_slice(&own);
        out[4] = place.left_m.clamp(-1000.0, 1000.0);
        out[5] = self.heading_error(place.tile) as f32;
        for (out, ahead_m) in out[6..].iter_mut().zip(AHEAD_M) {
            let n = (ahead_m / self.track.tile_m()).round() as usize;
            *out = self.track.ahead(place.tile, n).curvature.clamp(-1.0, 1.0);
        }
    }

    /// The camera that follows the car.
    fn follower(&self, canvas: &Canvas<'_>) -> Above {
        let [width, height] = [canvas.width as f32, canvas.height as f32];
        Above {
            at: self.car.at(),
            heading_rad: self.car.heading_rad,
            middle_px: [width / 2.0, 0.72 * height],
            px_per_m: width.min(height) / self.view_m,
            hue_deg: self.hue_deg,
            brightness: self.brightness,
        }
    }

    /// The camera that sees the whole track.
    fn chart(&self, canvas: &Canvas<'_>) -> Above {
        let ends = |axis: usize| {
            let values = self.track.tiles().iter().map(|tile| tile.at[axis]);
            [values.clone().fold(f32::INFINITY, f32::min), values.fold(f32::NEG_INFINITY, f32::max)]
        };
        let [east, north] = [ends(0), ends(1)];
        let extent = (east[1] - east[0]).max(north[1] - north[0]) + 3.0 * self.road_m;
        let [width, height] = [canvas.width as f32, canvas.height as f32];
        Above {
            at: [east, north].map(|[low, high]| f64::from(low + high) / 2.0),
            heading_rad: std::f64::consts::FRAC_PI_2,
            middle_px: [width / 2.0, height / 2.0],
            px_per_m: width.min(height) / extent,
            ..self.follower(canvas)
        }
    }

    /// Meadow, track and car.
    fn draw(&self, camera: &Above, canvas: &mut Canvas<'_>) {
        camera.draw_meadow(canvas);
        let lens = camera.lens();
        let [asphalt, [line, kerb]] =
            [ASPHALT, [LINE, KERB]].map(|pair| pair.map(|colour| camera.lit(colour)));
        let half = self.road_m / 2.0;
        // How far from its middle the picture sees.
        let reach = (canvas.width.max(canvas.height) as f32 / camera.px_per_m + self.road_m) as f64;
        for (i, tile) in self.track.tiles().iter().enumerate() {
            let away = [0, 1].map(|axis| f64::from(tile.at[axis]) - camera.at[axis]);
            if away[0].abs() > reach || away[1].abs() > reach {
                continue;
            }
            let next = self.track.ahead(i, 1);
            let mut strip = |half: f32, colour: Rgb| {
                let edge = |tile: &super::track::Tile, left: f32| {
                    lens([tile.at[0] - left * tile.along[1], tile.at[1] + left * tile.along[0]])
                };
                let corners = [edge(tile, half), edge(tile, -half), edge(next, -half), edge(next, half)];
                faces::paint(canvas, &corners, colour);
            };
            let is_bend = tile.curvature.abs() > 0.015;
            let rim = if is_bend && i % 2 == 1 { kerb } else { line };
            strip(half + if is_bend { 1.2 } else { 0.7 }, rim);
            strip(half, if i == 0 { line } else { asphalt[i % 2] });
        }
        camera.draw_car(canvas, &self.car, CAR_M.map(|m| m.max(2.0 / f64::from(camera.px_per_m))), PAINT);
    }

    /// Three bars along the lower edge.
    fn draw_gauges(&self, canvas: &mut Canvas<'_>) {
        let [width, height] = [canvas.width as i32, canvas.height as i32];
        let bar = height / 32;
        let top = height - 4 * bar;
        canvas.rect(0, top, width, 4 * bar, PANEL);
        let middle = width / 2;
        let speed = (self.car.ahead_mps.max(0.0) / 45.0).min(1.0) as f32 * (width - 2) as f32;
        canvas.rect(1, top + bar / 2, speed as i32, bar, GAUGES[0]);
        let sides = [-self.car.steer_rad / CHASSIS.max_steer_rad, -self.car.yaw_radps / 2.0];
        for (i, side) in (1..).zip(sides) {
            let length = (side.clamp(-1.0, 1.0) * f64::from(middle)).round() as i32;
            let y = top + bar / 2 + i * bar + i / 2;
            canvas.rect(middle + length.min(0), y, length.abs(), bar, GAUGES[i as usize]);
        }
    }
}

#[cfg(test)]
mod tests {
    use worldsmith_core::Seed;

    use super::*;

    fn start() -> State {
        let factors: Vec<f32> = FACTORS.iter().map(|factor| factor.default).collect();
        Racing { is_discrete: false }.start(&factors, &mut Seed(1).rng())
    }

    #[test]
    fn a_lap_pays_a_thousand_less_a_tenth_a_step() {
        let world = Racing { is_discrete: false };
        let (mut state, mut rng) = (start(), Seed(0).rng());
        let (mut total, mut n_steps) = (0.0, 0);
        loop {
            let action = world.expert(&state, &mut rng);
            let outcome = world.act(&mut state, Action::of(&action).unwrap(), &mut rng);
            total += outcome.reward;
            n_steps += 1;
            if outcome.terminated || n_steps == 1000 {
                break;
            }
        }
        // The tile of the start is driven over before the first step.
        let n_tiles = state.track.tiles().len() as f32;
        let expected = 1000.0 * (n_tiles - 1.0) / n_tiles - 0.1 * n_steps as f32;
        assert!((total - expected).abs() < 0.1 && n_steps < 900, "{total} for {expected} in {n_steps}");
    }

    #[test]
    fn a_tile_pays_once_and_only_from_the_road() {
        let mut state = start();
        assert_eq!(state.visit(Place { tile: 2, left_m: 0.0 }), 2);
        assert_eq!(state.visit(Place { tile: 2, left_m: 0.0 }), 0);
        assert_eq!(state.visit(Place { tile: 3, left_m: 6.1 }), 0);
        assert_eq!(state.visit(Place { tile: 3, left_m: -5.9 }), 1);
        assert_eq!(state.visit(Place { tile: 40, left_m: 0.0 }), 1);
    }

    #[test]
    fn far_from_the_track_the_race_is_lost() {
        // 31 m to one side of the start: at least outside of the round there is no track near.
        let outcomes = [31.0, -31.0].map(|left| {
            let mut state = start();
            [state.car.x_m, state.car.y_m] = state.car.place(0.0, left);
            Racing { is_discrete: true }.act(&mut state, Action::Choice(0), &mut Seed(0).rng())
        });
        assert!(outcomes.contains(&Outcome { reward: -100.0, terminated: true }), "{outcomes:?}");
    }
}
