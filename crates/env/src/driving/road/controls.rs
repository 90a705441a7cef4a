//! The four ways to say what a car shall do, as driving world models are conditioned on them: steering angle and speed, a
//! trajectory of way points, a command, a goal point in the picture.
//!
//! References: "Vista" (NeurIPS 2024), all four; "GeoDrive" (arXiv 2505.22421), trajectories.
//!
//! All end in a front wheel angle and a speed; what the expert wants to do can be expressed in each of them.

use worldsmith_core::{Result, Space, Value};

use super::super::car::{Car, Chassis, DRAG_PER_M, Pedals, pursuit_per_m};
use super::lens::Lens;
use super::stretch::{N_LANES, Place, Stretch, lane_left_m, nearest_lane};
use crate::Options;
use crate::world::Action;

/// The car that is driven.
pub const CHASSIS: Chassis = Chassis {
    front_m: 1.25,
    rear_m: 1.45,
    max_steer_rad: 0.35,
    steer_radps: 1.0,
    engine_mps2: 6.0,
    brake_mps2: 9.0,
};
/// Highest speed that can be asked for, and the speed of commands and of the expert on an empty road.
pub const MAX_MPS: f64 = 30.0;
/// See [`MAX_MPS`].
pub const CRUISE_MPS: f64 = 28.0;
/// Way points of a trajectory, and the time from one to the next.
const N_POINTS: usize = 4;
const POINT_SECS: f64 = 0.5;
/// The goal point is reached after this time, but for the metres that are always kept.
const GOAL_SECS: f64 = 1.5;
const GOAL_REST_M: f64 = 3.0;
/// Farthest goal point, in m.
const GOAL_FAR_M: f32 = 60.0;
/// How fast lanes are changed, in m/s sideways.
const SIDEWAYS_MPS: f64 = 1.3;
/// Names of the commands.
pub const COMMANDS: &[&str] = &["straight", "left", "right", "stop"];

/// Kind of actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Controls {
    /// Front wheel angle and speed.
    SteerSpeed,
    /// Four way points.
    Trajectory,
    /// One of [`COMMANDS`].
    Command,
    /// A point of the picture.
    GoalPoint,
}

/// Where the front wheel shall point and how fast the car shall go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Intent {
    /// Angle of the front wheel, left positive.
    pub steer_rad: f64,
    /// Speed.
    pub speed_mps: f64,
}

/// What a good driver wants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// The lane to be in.
    pub lane: usize,
    /// Speed.
    pub speed_mps: f64,
}

/// A car on the road, and its camera.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The car.
    pub car: &'a Car,
    /// Where it is on the road.
    pub place: Place,
    /// The road.
    pub stretch: &'a Stretch,
    /// The camera.
    pub lens: Lens,
}

impl Controls {
    /// Reads the option `controls`.
    ///
    /// # Errors
    /// If it names none.
    pub fn new(options: &Options) -> Result<Self> {
        Ok(match options.text("controls") {
            None | Some("steer_speed") => Self::SteerSpeed,
            Some("trajectory") => Self::Trajectory,
            Some("command") => Self::Command,
            Some("goal_point") => Self::GoalPoint,
            Some(text) => {
                let known = "`steer_speed`, `trajectory`, `command` or `goal_point`";
                return Err(options.wrong("controls", known, text));
            }
        })
    }

    /// What can be done, and the names of choices.
    pub fn space(self) -> (Space, &'static [&'static str]) {
        let numbers =
            |low: Vec<f32>, high: Vec<f32>| (Space::Box { shape: vec![low.len()], low, high }, &[][..]);
        let max_steer = CHASSIS.max_steer_rad as f32;
        match self {
            Self::SteerSpeed => numbers(vec![-max_steer, 0.0], vec![max_steer, MAX_MPS as f32]),
            Self::Trajectory => numbers([0.0, -10.0].repeat(N_POINTS), [60.0, 10.0].repeat(N_POINTS)),
            Self::Command => (Space::Discrete { n: COMMANDS.len() }, COMMANDS),
            Self::GoalPoint => numbers(vec![0.0; 2], vec![1.0; 2]),
        }
    }

    /// What an action means in a situation. `lane` is where commands lead; they alone change it.
    pub fn read(self, action: Action<'_>, situation: &Situation<'_>, lane: &mut usize) -> Intent {
        let numbers = action.numbers();
        match self {
            Self::SteerSpeed => Intent { steer_rad: numbers[0].into(), speed_mps: numbers[1].into() },
            Self::Trajectory => situation.follow(numbers),
            Self::Command => situation.obey(action.choice(), lane),
            Self::GoalPoint => situation.go_to([numbers[0], numbers[1]]),
        }
    }

    /// The action that says what is planned.
    pub fn express(self, plan: Plan, situation: &Situation<'_>) -> Value {
        let aim = situation.aim(plan.lane);
        let data = match self {
            Self::SteerSpeed => vec![situation.steer_through(aim) as f32, plan.speed_mps as f32],
            Self::Trajectory => situation.points(plan).as_flattened().to_vec(),
            Self::Command => return Value::Discrete(situation.command(plan) as i64),
            Self::GoalPoint => situation.goal(aim, plan.speed_mps).to_vec(),
        };
        let (space, _) = self.space();
        let Space::Box { shape, low, high } = space else { unreachable!("commands are dealt with above") };
        let within = low.iter().zip(high).zip(data);
        Value::Array { shape, data: within.map(|((low, high), x)| x.clamp(*low, high)).collect() }
    }
}

impl Intent {
    /// What a foot and a hand do for it, at the speed `now_mps`.
    pub fn pedals(&self, now_mps: f64) -> Pedals {
        let push = (2.0 * (self.speed_mps - now_mps)).clamp(-7.0, 3.5) + DRAG_PER_M * now_mps * now_mps;
        let gas = (push / CHASSIS.engine_mps2).clamp(0.0, 1.0);
        let brake = (-push / CHASSIS.brake_mps2).clamp(0.0, 1.0);
        // Who shall stand still keeps the brake down.
        let holds = self.speed_mps < 0.1 && now_mps < 1.0;
        Pedals { steer_rad: self.steer_rad, gas, brake: if holds { 1.0 } else { brake } }
    }
}

impl Situation<'_> {
    fn speed_mps(&self) -> f64 {
        self.car.ahead_mps.max(0.0)
    }

    /// How far ahead one looks.
    fn ahead_m(&self) -> f64 {
        6.0 + 0.6 * self.speed_mps()
    }

    /// The angle of the front wheel that leads through a point (ahead and left of the car's middle).
    fn steer_through(&self, [ahead, left]: [f64; 2]) -> f64 {
        CHASSIS.steer_rad(pursuit_per_m([ahead + CHASSIS.rear_m, left]), self.speed_mps())
    }

    /// How far left of the middle line one is after `secs` on the way to a lane.
    fn left_after(&self, lane: usize, secs: f64) -> f64 {
        let reach = SIDEWAYS_MPS * secs;
        self.place.left_m + (lane_left_m(lane) - self.place.left_m).clamp(-reach, reach)
    }

    /// The point (ahead and left of the car's middle) to steer at on the way to a lane.
    fn aim(&self, lane: usize) -> [f64; 2] {
        let ahead = self.ahead_m();
        let left = self.left_after(lane, ahead / self.speed_mps().max(5.0));
        self.car.seen(self.stretch.point(self.place.way_m + ahead, left))
    }

    /// The trajectory of a plan: (ahead, left) of the car's middle in m.
    fn points(&self, plan: Plan) -> [[f32; 2]; N_POINTS] {
        std::array::from_fn(|i| {
            let secs = (i + 1) as f64 * POINT_SECS;
            // Who hardly moves does not move sideways.
            let left = self.left_after(plan.lane, secs * (plan.speed_mps / 5.0).min(1.0));
            let point = self.stretch.point(self.place.way_m + plan.speed_mps * secs, left);
            self.car.seen(point).map(|x| x as f32)
        })
    }

    /// Follows a trajectory: towards where it is as far away as one looks ahead, as fast as it is long.
    fn follow(&self, numbers: &[f32]) -> Intent {
        let ahead = self.ahead_m();
        let (mut length, mut from, mut aim) = (0.0, [0.0; 2], None);
        for point in numbers.chunks_exact(2) {
            let to = [f64::from(point[0]), f64::from(point[1])];
            let step = (to[0] - from[0]).hypot(to[1] - from[1]);
            if aim.is_none() && length + step >= ahead {
                let part = (ahead - length) / step.max(1e-9);
                aim = Some([0, 1].map(|i| from[i] + part * (to[i] - from[i])));
            }
            length += step;
            from = to;
        }
        let steer_rad =
            if length < 1.0 { self.car.steer_rad } else { self.steer_through(aim.unwrap_or(from)) };
        Intent { steer_rad, speed_mps: (length / (N_POINTS as f64 * POINT_SECS)).min(MAX_MPS) }
    }

    /// Obeys a command. A change of lanes that has begun is finished, unless `straight` ends it.
    fn obey(&self, command: usize, lane: &mut usize) -> Intent {
        let has_arrived = (self.place.left_m - lane_left_m(*lane)).abs() < 1.0;
        match COMMANDS[command] {
            "left" if has_arrived => *lane = (*lane + 1).min(N_LANES - 1),
            "right" if has_arrived => *lane = lane.saturating_sub(1),
            "straight" => *lane = nearest_lane(self.place.left_m),
            _ => {}
        }
        let speed_mps = if COMMANDS[command] == "stop" { 0.0 } else { CRUISE_MPS };
        Intent { steer_rad: self.steer_through(self.aim(*lane)), speed_mps }
    }

    /// The command that comes nearest to a plan.
    fn command(&self, plan: Plan) -> usize {
        let here = nearest_lane(self.place.left_m);
        let name = match plan.lane {
            _ if plan.speed_mps < self.speed_mps() - 1.0 => "stop",
            lane if lane > here => "left",
            lane if lane < here => "right",
            _ => "straight",
        };
        COMMANDS.iter().position(|command| *command == name).unwrap_or(0)
    }

    /// Goes to a point of the picture: column and row as parts of its width and height.
    fn go_to(&self, [column, row]: [f32; 2]) -> Intent {
        let [height, width] = self.lens.size.map(|n| n as f32);
        let [right, ahead] = self.lens.ground_at([column * width, row * height], GOAL_FAR_M).map(f64::from);
        let speed_mps = ((ahead.hypot(right) - GOAL_REST_M) / GOAL_SECS).clamp(0.0, MAX_MPS);
        Intent { steer_rad: self.steer_through([ahead, -right]), speed_mps }
    }

    /// The point of the picture where one is in time, along the circle that leads through `aim`.
    fn goal(&self, [ahead, left]: [f64; 2], speed_mps: f64) -> [f32; 2] {
        let [height, width] = self.lens.size.map(|n| n as f32);
        let way = speed_mps * GOAL_SECS + GOAL_REST_M + CHASSIS.rear_m;
        let curvature = pursuit_per_m([ahead + CHASSIS.rear_m, left]);
        let turn = curvature * way;
        let [ahead, left] = if turn.abs() < 1e-4 {
            [way, curvature * way * way / 2.0]
        } else {
            [turn.sin() / curvature, (1.0 - turn.cos()) / curvature]
        };
        let ahead = (ahead - CHASSIS.rear_m).max(1.0);
        let [column, row] = self.lens.project([-left as f32, -self.lens.height_m, ahead as f32]);
        [column / width, row / height]
    }
}

#[cfg(test)]
mod tests {
    use worldsmith_core::Seed;

    use super::super::stretch::Road;
    use super::*;

    /// What every kind of control makes of the same plan, from the same place.
    fn intents(speed_mps: f64, plan: Plan) -> [Intent; 4] {
        let stretch = Road::new(Seed(4)).stretch();
        let post = stretch.at(70.0);
        let [x, y] = post.beside(0.4);
        let car = Car { ahead_mps: speed_mps, ..Car::parked(x, y, post.heading_rad) };
        let place = stretch.locate(car.at());
        let lens = Lens::new([64, 64], 70.0, 1.4);
        let situation = Situation { car: &car, place, stretch: &stretch, lens };
        [Controls::SteerSpeed, Controls::Trajectory, Controls::Command, Controls::GoalPoint].map(|controls| {
            let action = controls.express(plan, &situation);
            controls.space().0.check(&action).unwrap();
            controls.read(Action::of(&action).unwrap(), &situation, &mut 1)
        })
    }

    #[test]
    fn every_kind_of_control_says_the_same_of_a_plan() {
        for lane in 0..3 {
            let [steer, trajectory, command, goal] = intents(24.0, Plan { lane, speed_mps: 26.0 });
            for other in [trajectory, command, goal] {
                assert!((other.steer_rad - steer.steer_rad).abs() < 0.004, "{lane}: {other:?} for {steer:?}");
            }
            assert_eq!(steer.speed_mps, 26.0);
            assert!((trajectory.speed_mps - 26.0).abs() < 0.3 && (goal.speed_mps - 26.0).abs() < 0.1);
            assert_eq!(command.speed_mps, CRUISE_MPS);
        }
    }

    #[test]
    fn every_kind_of_control_can_stop() {
        for intent in intents(12.0, Plan { lane: 1, speed_mps: 0.0 }) {
            assert!(intent.speed_mps < 0.1, "{intent:?}");
            assert!(intent.pedals(12.0).brake > 0.6 && intent.pedals(0.0).brake == 1.0);
        }
    }
}
