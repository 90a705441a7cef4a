//! A road seen from the car, with traffic: keep to the lanes, pass, do not hit anybody.
//!
//! - `stretch`: the endless road by seed; `traffic`: the other cars
//! - `controls`: four ways to say what the car shall do
//! - `lens`, `windscreen`, `roadside`: the pinhole camera and what it sees; `bird`: the same from above

pub mod bird;
pub mod controls;
pub mod lens;
pub mod roadside;
pub mod stretch;
pub mod traffic;
pub mod windscreen;

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng, Space, Value};

use self::controls::{CHASSIS, CRUISE_MPS, Controls, Plan, Situation};
use self::lens::Lens;
use self::stretch::{LANE_M, N_LANES, Place, Road, Stretch, lane_left_m, nearest_lane};
use self::traffic::{Bodies, Body, CAR_M, MAX_OTHERS, Other, idm_mps2};
use self::windscreen::{FAR_M, ROAD_HALF_M, Weather, Windscreen};
use super::car::{Car, Ground, wrapped};
use crate::blueprint::blueprint;
use crate::factors::{Factor, factor};
use crate::look::{HUE, LIGHT, Look};
use crate::registry::Maker;
use crate::world::{Action, Face, Outcome, Sight, View, World};
use crate::{EnvEntry, OptionEntry, Options};

/// Hundredths of a second a step.
const N_SUBSTEPS: usize = 10;
const STEP_SECS: f64 = 0.1;
/// Where an episode starts, and how fast.
const START_M: f64 = 60.0;
const START_MPS: f64 = 22.0;
/// Metres of road from behind to ahead in which traffic is counted, in km.
const TRAFFIC_KM: f32 = 0.2;
const ROLLING_MPS2: f64 = 0.1;
/// Reward: for a metre of progress, for a step across a line, beyond the edge line, and for the end.
const PROGRESS_REWARD: f64 = 0.1;
const ACROSS_REWARD: f64 = -0.05;
const BEYOND_REWARD: f64 = -0.5;
const END_REWARD: f64 = -10.0;
/// Where the state tells the curvature, in m ahead.
const AHEAD_M: [f64; 4] = [0.0, 20.0, 40.0, 60.0];
const N_STATE: usize = 9 + 4 * N_LANES;

const FACTORS: &[Factor] = &[
    factor("traffic_per_km", "other cars on a kilometre of the road", [30.0, 15.0, 45.0, 60.0, 90.0]),
    factor("grip", "coefficient of friction of tyres on the road", [0.9, 0.7, 1.0, 0.3, 0.5]),
    factor("camera_m", "height of the camera", [1.4, 1.2, 1.6, 1.9, 2.4]),
    factor("view_deg", "angle between the edges of the picture", [70.0, 60.0, 80.0, 90.0, 110.0]),
    factor("fog_per_m", "how fast things fade into the haze", [0.004, 0.002, 0.008, 0.02, 0.04]),
    HUE,
    LIGHT,
];

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "road",
    about: "a road with traffic seen from the car: steering, trajectory, command or goal point",
    page: "\
A car on an endless bending road of three lanes of 3.5 m, all of the same direction, among other cars.

- `pixels`: through the windscreen: a level pinhole camera at the car's middle, `camera_m` high; focal length = width / 2 /
  tan(`view_deg` / 2) pixels; it looks at the middle column, 0.42 down. `depth`: height x width, planar depth (m) of every pixel
  of it, at most 100. `pose`: of car and camera: x, y (m), heading (rad, left positive), speed (m/s). `top`: from above, ahead is up.
  `state`: speed (m/s), front wheel (rad), yaw rate (rad/s), metres left of the road's middle, heading error (rad), curvature
  (1/m) 0, 20, 40, 60 m ahead; then for the lanes from right to left: gap ahead (m, -4.5 side by side, at most 100), how much
  faster that car is (m/s), the same behind.
- Actions, for 0.1 s, by `controls`. `steer_speed`: front wheel (rad, left positive) and speed (m/s). `trajectory`: four way points
  (m ahead, m left of the car's middle), half a second apart. `command`: `straight` (28 m/s in the nearest lane), `left`, `right`
  (change lanes), `stop`. `goal_point`: column and row, 0 to 1, of a point of the ground in the picture to be 3 m short of in 1.5 s
  (or as far short of as the lower edge is away, if that is more); the lower edge means stop.
- Reward: 0.1 a metre of progress along the road; -0.05 for a step across a lane line, -0.5 for one across the edge line.
- Ends with -10 on a collision, off the asphalt, or pointing backwards; cut off after 1,000 steps.
- A world of our own. The car is a bicycle with slipping tyres (wheelbase 2.7 m); other cars follow the intelligent driver model
  and change lanes for gain, also before and behind you. The expert keeps lanes, follows by the same model and passes.
  With `factors=shifted` its episodes ended early in 1 of 20 by `steer_speed`, and in 15 of 15 by `command`, which only knows 28 m/s
  and stop.",
    options: &[
        OptionEntry {
            name: "controls",
            default: "steer_speed",
            about: "kind of actions: `steer_speed`, `trajectory`, `command` or `goal_point`",
        },
        OptionEntry { name: "max_steps", default: "1000", about: "steps until truncation, or `none`" },
    ],
    factors: FACTORS,
    make: Maker::BuiltIn(|options| {
        let world = RoadWorld { controls: Controls::new(options)?, size: options.size([64, 64])? };
        let face = world.face(options)?;
        blueprint(world, face, FACTORS, options)
    }),
};

/// The rules of the road. Views: see the page.
#[derive(Debug)]
pub struct RoadWorld {
    controls: Controls,
    size: [usize; 2],
}

/// Everything that changes, and the looks and physics of the episode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The road.
    pub road: Road,
    /// The car that is driven; its middle is the camera's place.
    pub car: Car,
    /// The lane to which the last command leads.
    pub lane: usize,
    /// The other cars.
    pub others: Vec<Other>,
    /// How many other cars there shall be.
    pub n_others: usize,
    /// Coefficient of friction.
    pub grip: f64,
    /// Height of the camera.
    pub camera_m: f32,
    /// Angle between the edges of the picture.
    pub view_deg: f32,
    /// How fast things fade into the haze.
    pub fog_per_m: f32,
    /// Colours of the episode.
    pub look: Look,
}

impl RoadWorld {
    fn face(&self, options: &Options) -> Result<Face> {
        let [height, width] = self.size;
        let n = height * width;
        let depth = Space::Box { shape: vec![height, width], low: vec![0.0; n], high: vec![FAR_M; n] };
        let far = f32::INFINITY;
        let pi = std::f32::consts::PI;
        let mut high = vec![200.0, 1.0, 200.0, far, pi, 0.1, 0.1, 0.1, 0.1];
        high.resize(N_STATE, 200.0);
        let low: Vec<f32> = high.iter().map(|x| -x).collect();
        let (action, action_names) = self.controls.space();
        Ok(Face {
            action,
            action_names,
            views: vec![
                View::pixels("pixels", options)?,
                View { name: "depth", space: depth },
                View::numbers("pose", &[-far, -far, -pi, -200.0], &[far, far, pi, 200.0]),
                View::numbers("state", &low, &high),
                View::pixels("top", options)?,
            ],
            max_steps: Some(1000),
        })
    }
}

impl World for RoadWorld {
    type State = State;

    const IS_SLOW: bool = true;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        let road = Road::new(rng.seed());
        let lane = rng.below(N_LANES);
        let post = road.stretch().at(START_M);
        let [x, y] = post.beside(lane_left_m(lane));
        let car = Car { ahead_mps: START_MPS, ..Car::parked(x, y, wrapped(post.heading_rad)) };
        let n_others = ((factors[0] * TRAFFIC_KM).round() as usize).min(MAX_OTHERS);
        let left_m = lane_left_m(lane);
        let driver = Body { way_m: START_M, left_m, to_left_m: left_m, speed_mps: START_MPS };
        State {
            road,
            car,
            lane,
            others: traffic::start(driver, n_others, rng),
            n_others,
            grip: f64::from(factors[1]),
            camera_m: factors[2],
            view_deg: factors[3],
            fog_per_m: factors[4],
            look: Look::new([factors[5], factors[6]]),
        }
    }

    fn act(&self, state: &mut State, action: Action<'_>, rng: &mut Rng) -> Outcome {
        let stretch = state.road.stretch();
        let before = stretch.locate(state.car.at());
        let mut lane = state.lane;
        let situation = self.situation(state, before, &stretch);
        let intent = self.controls.read(action, &situation, &mut lane);
        state.lane = lane;
        let driver = state.body(before);
        traffic::drive(&mut state.others, driver, state.n_others, STEP_SECS, rng);
        let pedals = intent.pedals(state.car.ahead_mps);
        let ground = Ground { grip: state.grip, rolling_mps2: ROLLING_MPS2 };
        state.car.drive(&CHASSIS, pedals, [ground; 2], N_SUBSTEPS);
        let place = stretch.locate(state.car.at());
        state.road.follow(&stretch, place.way_m);
        let reward = PROGRESS_REWARD * (place.way_m - before.way_m) + lane_reward(place.left_m);
        let is_over = state.has_left(place) || state.has_hit(&stretch);
        Outcome { reward: (reward + if is_over { END_REWARD } else { 0.0 }) as f32, terminated: is_over }
    }

    fn show(&self, state: &State, view: usize, out: Sight<'_>) {
        let stretch = state.road.stretch();
        match (view, out) {
            (0, Sight::Pixels(mut canvas)) => self.windscreen(state, &stretch).draw(&mut canvas),
            (_, Sight::Pixels(mut canvas)) => bird::draw(&self.windscreen(state, &stretch), &mut canvas),
            (1, Sight::Numbers(out)) => self.windscreen(state, &stretch).depths(out),
            (2, Sight::Numbers(out)) => {
                let car = &state.car;
                let pose = [car.x_m, car.y_m, car.heading_rad, car.ahead_mps.hypot(car.left_mps)];
                out.copy_from_slice(&pose.map(|x| x as f32));
            }
            (_, Sight::Numbers(out)) => state.tell(&stretch, out),
            _ => {}
        }
    }

    fn check(&self, state: &State) -> Result<()> {
        state.look.check()?;
        let numbers = [
            (state.grip, 0.05..=5.0),
            (f64::from(state.camera_m), 0.2..=20.0),
            (f64::from(state.view_deg), 10.0..=150.0),
            (f64::from(state.fog_per_m), 0.0..=1.0),
            (state.road.heading_rad, -1e6..=1e6),
            (state.road.at[0], -1e7..=1e7),
            (state.road.at[1], -1e7..=1e7),
        ];
        let cars = state.car.is_sound(&CHASSIS) && state.others.iter().all(Other::is_sound);
        let counts = state.others.len() <= MAX_OTHERS && state.n_others <= MAX_OTHERS && state.lane < N_LANES;
        if cars && counts && state.road.post < 1 << 29 && numbers.iter().all(|(x, range)| range.contains(x)) {
            Ok(())
        } else {
            Err(Error::invalid("expected cars that move as cars do on a road of three lanes, got others"))
        }
    }

    fn expert(&self, state: &State, _: &mut Rng) -> Value {
        let stretch = state.road.stretch();
        let place = stretch.locate(state.car.at());
        self.controls.express(state.plan(place), &self.situation(state, place, &stretch))
    }
}

impl RoadWorld {
    fn lens(&self, state: &State) -> Lens {
        Lens::new(self.size, state.view_deg, state.camera_m)
    }

    fn situation<'a>(&self, state: &'a State, place: Place, stretch: &'a Stretch) -> Situation<'a> {
        Situation { car: &state.car, place, stretch, lens: self.lens(state) }
    }

    fn windscreen<'a>(&self, state: &'a State, stretch: &'a Stretch) -> Windscreen<'a> {
        let State { fog_per_m, look, .. } = *state;
        Windscreen {
            car: &state.car,
            stretch,
            seed: state.road.seed,
            others: &state.others,
            lens: self.lens(state),
            weather: Weather { fog_per_m, look },
        }
    }
}

/// The reward for where between the lines the car is.
fn lane_reward(left_m: f64) -> f64 {
    let half_car = CAR_M[1] / 2.0;
    if left_m.abs() > N_LANES as f64 * LANE_M / 2.0 - half_car {
        BEYOND_REWARD
    } else if (left_m - lane_left_m(nearest_lane(left_m))).abs() > LANE_M / 2.0 - half_car {
        ACROSS_REWARD
    } else {
        0.0
    }
}

impl State {
    /// The car as others see it.
    fn body(&self, place: Place) -> Body {
        let (sin, cos) = (self.car.heading_rad - place.heading_rad).sin_cos();
        let speed_mps = (self.car.ahead_mps * cos - self.car.left_mps * sin).max(0.0);
        let sideways_mps = self.car.ahead_mps * sin + self.car.left_mps * cos;
        let to_left_m = lane_left_m(nearest_lane(place.left_m + sideways_mps));
        Body { way_m: place.way_m, left_m: place.left_m, to_left_m, speed_mps }
    }

    fn has_left(&self, place: Place) -> bool {
        let is_backwards =
            wrapped(self.car.heading_rad - place.heading_rad).abs() > std::f64::consts::FRAC_PI_2;
        place.left_m.abs() > f64::from(ROAD_HALF_M) || is_backwards
    }

    fn has_hit(&self, stretch: &Stretch) -> bool {
        self.others.iter().any(|other| {
            let post = stretch.at(other.way_m);
            let [x, y] = post.beside(other.left_m);
            overlap(&self.car, &Car::parked(x, y, post.heading_rad + other.slant_rad()))
        })
    }

    /// What the expert wants: the lane in which it gets on best, as fast as the car ahead allows.
    fn plan(&self, place: Place) -> Plan {
        let me = self.body(place);
        let bodies = Bodies::new(&self.others, me);
        let driver = bodies.driver();
        // The lane it is in, or on the way to.
        let lane = nearest_lane(me.to_left_m);
        let mut best =
            (lane, idm_mps2(me.speed_mps, CRUISE_MPS, bodies.ahead(driver, lane_left_m(lane))) + 0.4);
        let is_settled = (place.left_m - lane_left_m(lane)).abs() < 0.8;
        for other in [lane.wrapping_sub(1), lane + 1].into_iter().filter(|lane| is_settled && *lane < N_LANES)
        {
            if let Some(gain) = bodies.prospect(driver, lane_left_m(other), CRUISE_MPS)
                && gain > best.1
            {
                best = (other, gain);
            }
        }
        let ahead = [place.left_m, lane_left_m(best.0)].map(|left_m| bodies.ahead(driver, left_m));
        let push = ahead.map(|next| idm_mps2(me.speed_mps, CRUISE_MPS, next)).into_iter().fold(3.0, f64::min);
        Plan { lane: best.0, speed_mps: (me.speed_mps + 0.7 * push).clamp(0.0, CRUISE_MPS) }
    }

    /// The view `state`.
    fn tell(&self, stretch: &Stretch, out: &mut [f32]) {
        let place = stretch.locate(self.car.at());
        let (car, me) = (&self.car, self.body(place));
        let heading_error = wrapped(car.heading_rad - place.heading_rad);
        let own = [car.ahead_mps, car.steer_rad, car.yaw_radps, place.left_m, heading_error];
        let bends = AHEAD_M.map(|ahead| stretch.at(place.way_m + ahead).curvature);
        let bodies = Bodies::new(&self.others, me);
        let lanes = (0..N_LANES).flat_map(|lane| {
            let left_m = lane_left_m(lane);
            let next = [bodies.ahead(bodies.driver(), left_m), bodies.behind(bodies.driver(), left_m)];
            next.into_iter().flat_map(|next| match next {
                Some(next) => [next.gap_m.clamp(-10.0, 100.0), next.speed_mps - me.speed_mps],
                None => [100.0, 0.0],
            })
        });
        for (out, x) in out.iter_mut().zip(own.into_iter().chain(bends).chain(lanes)) {
            *out = x as f32;
        }
    }
}

/// Whether two cars touch: whether no side of either has the other one wholly outside (separating axes).
fn overlap(a: &Car, b: &Car) -> bool {
    let [end, side] = [CAR_M[0] / 2.0, CAR_M[1] / 2.0];
    let is_apart = |own: &Car, other: &Car| {
        let corners = [(end, side), (end, -side), (-end, -side), (-end, side)];
        let seen = corners.map(|(ahead, left)| own.seen(other.place(ahead, left)));
        let beyond = |axis: usize, half: f64| {
            seen.iter().all(|corner| corner[axis] > half) || seen.iter().all(|corner| corner[axis] < -half)
        };
        beyond(0, end) || beyond(1, side)
    };
    !is_apart(a, b) && !is_apart(b, a)
}

#[cfg(test)]
mod tests {
    use worldsmith_core::Seed;

    use super::*;

    fn world(id: &str) -> RoadWorld {
        let options = Options::parse(id).unwrap().1;
        RoadWorld { controls: Controls::new(&options).unwrap(), size: [64, 64] }
    }

    fn start(seed: u64) -> State {
        let factors: Vec<f32> = FACTORS.iter().map(|factor| factor.default).collect();
        world("road").start(&factors, &mut Seed(seed).rng())
    }

    #[test]
    fn the_expert_drives_on_without_harm_by_every_kind_of_control() {
        for controls in ["steer_speed", "trajectory", "command", "goal_point"] {
            let world = world(&format!("road?controls={controls}"));
            let (mut state, mut rng) = (start(3), Seed(0).rng());
            let mut total = 0.0;
            for step in 0..600 {
                let action = world.expert(&state, &mut rng);
                let outcome = world.act(&mut state, Action::of(&action).unwrap(), &mut rng);
                assert!(!outcome.terminated, "{controls}: step {step}");
                total += outcome.reward;
            }
            // A minute at 28 m/s would pay 168, one at the mean wish of the other cars 117.
            assert!(total > 100.0, "{controls}: {total}");
        }
    }

    #[test]
    fn a_car_ahead_has_the_depth_of_its_rear() {
        let world = world("road");
        let mut state = start(0);
        // On a straight road: the camera at 60 m, the other car's middle 12.25 m ahead.
        let seed = (0..).find(|seed| {
            let stretch = Road::new(Seed(*seed)).stretch();
            stretch.posts().all(|(_, post)| post.curvature == 0.0)
        });
        state.road = Road::new(Seed(seed.unwrap()));
        state.car = Car::parked(60.0, 0.0, 0.0);
        state.others = vec![Other {
            way_m: 72.25,
            left_m: 0.0,
            lane: 1,
            speed_mps: 0.0,
            wish_mps: 20.0,
            paint_deg: 0.0,
        }];
        let mut depth = vec![0.0; 64 * 64];
        world.show(&state, 1, Sight::Numbers(&mut depth));
        let lens = world.lens(&state);
        let at = |right: f32, height_m: f32, ahead: f32| {
            let [x, y] = lens.project([right, height_m - lens.height_m, ahead]);
            depth[y as usize * 64 + x as usize]
        };
        assert!((at(0.0, 0.6, 10.0) - 10.0).abs() < 1e-3, "the rear of the body");
        assert!((at(0.0, 1.1, 10.35) - 10.35).abs() < 1e-3, "the rear of the cabin");
        let ground = lens.height_m * lens.focal_px / (50.5 - lens.middle_px[1]);
        assert!((depth[50 * 64 + 32] - ground).abs() < 1e-3, "the road before it");
        assert_eq!(depth[0], FAR_M, "the sky");
    }

    #[test]
    fn lines_cost_and_the_end_of_the_asphalt_ends() {
        assert_eq!([0.0, 0.8, 1.0, 2.0, 4.3, 4.4].map(lane_reward), [0.0, 0.0, -0.05, -0.05, 0.0, -0.5]);
        let mut state = start(1);
        let stretch = state.road.stretch();
        [state.car.x_m, state.car.y_m] = stretch.point(60.0, 6.3);
        assert!(state.has_left(stretch.locate(state.car.at())));
    }

    #[test]
    fn cars_touch_when_their_corners_do() {
        let still = Car::parked(0.0, 0.0, 0.0);
        assert!(overlap(&still, &Car::parked(4.4, 1.7, 0.0)));
        assert!(
            !overlap(&still, &Car::parked(4.6, 0.0, 0.0)) && !overlap(&still, &Car::parked(0.0, 1.9, 0.0))
        );
        // Turned by 45 degrees the other one reaches (4.5 + 1.8) / 2 / sqrt 2 = 2.23 m to each side.
        assert!(overlap(&still, &Car::parked(0.0, 3.0, std::f64::consts::FRAC_PI_4)));
        assert!(!overlap(&still, &Car::parked(0.0, 3.2, std::f64::consts::FRAC_PI_4)));
    }
}
