//! A car as a bicycle with slipping tyres.
//!
//! Each axle is one wheel in the middle. A tyre pushes sideways against its slip angle, in proportion until its grip is used
//! up, and never harder than would stop the slip within a step: so it stands still at rest and rolls without slip when slow,
//! on a circle of radius `wheelbase / tan(steer)` at the rear axle. What brakes and engine take of the grip is missing for
//! steering (friction circle). The mass sits as if at the two axles, so that each axle carries its own part and a push at one
//! does not move the other.
//!
//! World axes: `x` to the east, `y` to the north; angles in radians, growing to the left.

use serde::{Deserialize, Serialize};

/// Acceleration of free fall, in m/s2.
pub const GRAVITY_MPS2: f64 = 9.81;
/// Steps of the physics, in s.
const SUBSTEP_SECS: f64 = 0.01;
/// How fast the sideways push of a front and of a rear tyre grows with the slip angle, in parts of the load a radian. The rear
/// is stiffer, so that the car goes wide before it spins.
const STIFFNESS: [f64; 2] = [10.0, 14.0];
/// How much of the grip engine and brakes may take at most.
const MAX_ALONG: f64 = 0.95;
/// Air drag, in 1/m: it takes this times the speed squared.
pub const DRAG_PER_M: f64 = 0.0035;

/// What stays the same of a car.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chassis {
    /// From the centre of mass to the front axle, in m.
    pub front_m: f64,
    /// From the centre of mass to the rear axle, in m.
    pub rear_m: f64,
    /// Widest angle of the front wheel, in radians.
    pub max_steer_rad: f64,
    /// How fast the front wheel turns, in radians a second.
    pub steer_radps: f64,
    /// Drive of both wheels at full throttle, in m/s2.
    pub engine_mps2: f64,
    /// Both wheels fully braked, in m/s2.
    pub brake_mps2: f64,
}

impl Chassis {
    /// From axle to axle, in m.
    pub fn wheelbase_m(&self) -> f64 {
        self.front_m + self.rear_m
    }

    /// Parts of the load on the front and on the rear axle.
    fn shares(&self) -> [f64; 2] {
        [self.rear_m, self.front_m].map(|arm| arm / self.wheelbase_m())
    }
}

/// What the driver does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pedals {
    /// Where the front wheel shall point, in radians, left positive.
    pub steer_rad: f64,
    /// Throttle, 0 to 1.
    pub gas: f64,
    /// Brake, 0 to 1.
    pub brake: f64,
}

/// What a wheel stands on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ground {
    /// Coefficient of friction.
    pub grip: f64,
    /// Rolling resistance, in m/s2.
    pub rolling_mps2: f64,
}

/// Where a car is and how it moves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Car {
    /// Of the centre of mass, to the east, in m.
    pub x_m: f64,
    /// Of the centre of mass, to the north, in m.
    pub y_m: f64,
    /// Where its nose points; 0 is east, left is positive.
    pub heading_rad: f64,
    /// Speed along its own axis.
    pub ahead_mps: f64,
    /// Speed across it, to the left.
    pub left_mps: f64,
    /// How fast it turns, to the left.
    pub yaw_radps: f64,
    /// Where the front wheel points.
    pub steer_rad: f64,
}

impl Car {
    /// At rest.
    pub fn parked(x_m: f64, y_m: f64, heading_rad: f64) -> Self {
        Self { x_m, y_m, heading_rad, ahead_mps: 0.0, left_mps: 0.0, yaw_radps: 0.0, steer_rad: 0.0 }
    }

    /// Where it is, in m.
    pub fn at(&self) -> [f64; 2] {
        [self.x_m, self.y_m]
    }

    /// The place `ahead` m before and `left` m beside the centre of mass, in world axes.
    pub fn place(&self, ahead: f64, left: f64) -> [f64; 2] {
        let (sin, cos) = self.heading_rad.sin_cos();
        [self.x_m + ahead * cos - left * sin, self.y_m + ahead * sin + left * cos]
    }

    /// A place in world axes as (ahead, left) of the centre of mass.
    pub fn seen(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let (sin, cos) = self.heading_rad.sin_cos();
        let [dx, dy] = [x - self.x_m, y - self.y_m];
        [dx * cos + dy * sin, dy * cos - dx * sin]
    }

    /// Whether its numbers are finite and such as the physics can reach.
    pub fn is_sound(&self, chassis: &Chassis) -> bool {
        let speeds = [self.ahead_mps, self.left_mps, self.yaw_radps];
        [self.x_m, self.y_m, self.heading_rad].iter().all(|x| x.abs() <= 1e7)
            && speeds.iter().all(|x| x.abs() <= 200.0)
            && self.steer_rad.abs() <= chassis.max_steer_rad + 1e-9
    }

    /// Drives for `n` hundredths of a second on what front and rear wheel stand on.
    pub fn drive(&mut self, chassis: &Chassis, pedals: Pedals, grounds: [Ground; 2], n: usize) {
        for _ in 0..n {
            self.substep(chassis, pedals, grounds);
        }
        self.heading_rad = wrapped(self.heading_rad);
    }

    fn substep(&mut self, chassis: &Chassis, pedals: Pedals, [front, rear]: [Ground; 2]) {
        let turn = chassis.steer_radps * SUBSTEP_SECS;
        let to_go = pedals.steer_rad.clamp(-chassis.max_steer_rad, chassis.max_steer_rad) - self.steer_rad;
        self.steer_rad += to_go.clamp(-turn, turn);

        let (sin, cos) = self.steer_rad.sin_cos();
        let front_left = self.left_mps + chassis.front_m * self.yaw_radps;
        let front_speed = [self.ahead_mps * cos + front_left * sin, front_left * cos - self.ahead_mps * sin];
        let rear_speed = [self.ahead_mps, self.left_mps - chassis.rear_m * self.yaw_radps];
        let [front_share, rear_share] = chassis.shares();

        let brake = pedals.brake * chassis.brake_mps2;
        let drive = pedals.gas * chassis.engine_mps2;
        let [along, across] = tyre(front_speed, front, [drive, brake], STIFFNESS[0]);
        let front_push = [along * cos - across * sin, along * sin + across * cos];
        let rear_push = tyre(rear_speed, rear, [drive, brake], STIFFNESS[1]);

        // Pushes are accelerations of the axle's own mass; with the mass at the axles the whole car's inertia is
        // `mass * front_m * rear_m`.
        let air = DRAG_PER_M * self.ahead_mps * self.ahead_mps.abs();
        let ahead =
            self.ahead_mps + SUBSTEP_SECS * (front_share * front_push[0] + rear_share * rear_push[0] - air);
        let left = self.left_mps + SUBSTEP_SECS * (front_share * front_push[1] + rear_share * rear_push[1]);
        self.yaw_radps += SUBSTEP_SECS * (front_push[1] - rear_push[1]) / chassis.wheelbase_m();

        // The velocity stays in the world while the car turns under it.
        let turned = self.yaw_radps * SUBSTEP_SECS;
        let (sin, cos) = (self.heading_rad + turned / 2.0).sin_cos();
        let (half_sin, half_cos) = (turned / 2.0).sin_cos();
        let [mid_ahead, mid_left] = [ahead * half_cos + left * half_sin, left * half_cos - ahead * half_sin];
        self.x_m += SUBSTEP_SECS * (mid_ahead * cos - mid_left * sin);
        self.y_m += SUBSTEP_SECS * (mid_ahead * sin + mid_left * cos);
        self.heading_rad += turned;
        self.ahead_mps = mid_ahead * half_cos + mid_left * half_sin;
        self.left_mps = mid_left * half_cos - mid_ahead * half_sin;
    }
}

/// What a tyre that moves with `speed` (along and across itself) pushes with, along and across, in m/s2 of its own load.
fn tyre([along, across]: [f64; 2], ground: Ground, [drive, brake]: [f64; 2], stiffness: f64) -> [f64; 2] {
    let grip = ground.grip * GRAVITY_MPS2;
    let most = MAX_ALONG * grip;
    // Brakes and rolling resistance stop, and never push back.
    let stop = (brake + ground.rolling_mps2).min(along.abs() / SUBSTEP_SECS);
    let push = (drive - stop.copysign(along)).clamp(-most, most);
    let left_for_sides = (grip * grip - push * push).sqrt();
    let slip = across.atan2(along.abs());
    let side = (stiffness * GRAVITY_MPS2 * slip.abs()).min(left_for_sides).min(across.abs() / SUBSTEP_SECS);
    [push, -side.copysign(across)]
}

/// The same angle from -pi to pi.
pub fn wrapped(angle: f64) -> f64 {
    use std::f64::consts::{PI, TAU};
    if angle.abs() <= PI { angle } else { (angle + PI).rem_euclid(TAU) - PI }
}

/// The curvature (1/m, left positive) of the circle that goes from the rear axle, along the car's axis, through a place `ahead`
/// m before and `left` m beside the rear axle (pure pursuit).
pub fn pursuit_per_m([ahead, left]: [f64; 2]) -> f64 {
    2.0 * left / (ahead * ahead + left * left).max(1e-6)
}

impl Chassis {
    /// Where the front wheel has to point for a circle of this curvature at this speed: the faster, the more it slips beyond
    /// the rear one.
    pub fn steer_rad(&self, curvature_per_m: f64, speed_mps: f64) -> f64 {
        let loads = curvature_per_m * speed_mps * speed_mps / GRAVITY_MPS2;
        (self.wheelbase_m() * curvature_per_m).atan() + loads * (1.0 / STIFFNESS[0] - 1.0 / STIFFNESS[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHASSIS: Chassis = Chassis {
        front_m: 1.2,
        rear_m: 1.4,
        max_steer_rad: 0.5,
        steer_radps: 2.0,
        engine_mps2: 6.0,
        brake_mps2: 10.0,
    };
    const ROAD: [Ground; 2] = [Ground { grip: 1.0, rolling_mps2: 0.0 }; 2];

    fn pedals(steer_rad: f64, gas: f64, brake: f64) -> Pedals {
        Pedals { steer_rad, gas, brake }
    }

    #[test]
    fn a_slow_car_goes_round_a_circle_of_wheelbase_over_tangent() {
        let mut car = Car { ahead_mps: 2.0, ..Car::parked(0.0, 0.0, 0.0) };
        let mut rear = Vec::new();
        for i in 0..5000 {
            // Just enough gas to keep the speed.
            let gas = (0.5 * (2.0 - car.ahead_mps)).clamp(0.0, 1.0);
            car.drive(&CHASSIS, pedals(0.3, gas, 0.0), ROAD, 1);
            if i > 1000 {
                rear.push(car.place(-CHASSIS.rear_m, 0.0));
            }
        }
        let extent = |axis: usize| {
            let values = rear.iter().map(|place| place[axis]);
            values.clone().fold(f64::MIN, f64::max) - values.fold(f64::MAX, f64::min)
        };
        let radius = CHASSIS.wheelbase_m() / 0.3_f64.tan();
        for axis in 0..2 {
            let got = extent(axis) / 2.0;
            assert!((got / radius - 1.0).abs() < 0.01, "{got} for {radius}");
        }
    }

    #[test]
    fn a_locked_brake_stops_within_the_grip_and_a_stopped_car_stays() {
        let mut car = Car { ahead_mps: 20.0, ..Car::parked(0.0, 0.0, 0.0) };
        car.drive(&CHASSIS, pedals(0.0, 0.0, 1.0), ROAD, 600);
        assert_eq!([car.ahead_mps, car.left_mps, car.yaw_radps], [0.0; 3]);
        // The tyres give a = 0.95 * 9.81 m/s2, the air k v^2: log(1 + k v^2 / a) / 2k = 20.0 m.
        assert!((car.x_m - 20.0).abs() < 0.2, "{}", car.x_m);
    }

    #[test]
    fn a_car_too_fast_for_its_grip_goes_wide() {
        // Metres a radian by which the way of the centre of mass turns within a second.
        let radius = |grip: f64| {
            let mut car = Car { ahead_mps: 15.0, steer_rad: 0.15, ..Car::parked(0.0, 0.0, 0.0) };
            car.drive(&CHASSIS, pedals(0.15, 0.0, 0.0), [Ground { grip, rolling_mps2: 0.0 }; 2], 100);
            14.5 / (car.heading_rad + car.left_mps.atan2(car.ahead_mps))
        };
        // With grip to spare `steer = wheelbase / r + v^2 / (g r) * (1 / 10 - 1 / 14)`: r = 21.7 m, a little more for the
        // onset. With 0.6 times the load: v^2 / (0.6 g) = 38 m.
        assert!((21.7..24.5).contains(&radius(3.0)), "{}", radius(3.0));
        assert!((34.0..50.0).contains(&radius(0.6)), "{}", radius(0.6));
    }

    #[test]
    fn a_car_is_steered_along_the_circle_that_was_meant() {
        // The quarter circle of radius 10: 10 ahead, 10 to the left.
        assert!((pursuit_per_m([10.0, 10.0]) - 0.1).abs() < 1e-12);
        assert_eq!(pursuit_per_m([5.0, 0.0]), 0.0);
        for (radius, speed) in [(10.0, 1.0), (60.0, 15.0), (150.0, 25.0)] {
            let mut car = Car { ahead_mps: speed, ..Car::parked(0.0, 0.0, 0.0) };
            for _ in 0..500 {
                let gas = (0.5 + speed - car.ahead_mps).clamp(0.0, 1.0);
                car.drive(
                    &CHASSIS,
                    pedals(CHASSIS.steer_rad(1.0 / radius, car.ahead_mps), gas, 0.0),
                    ROAD,
                    1,
                );
            }
            let got = car.ahead_mps.hypot(car.left_mps) / car.yaw_radps;
            assert!((got / radius - 1.0).abs() < 0.03, "{got} for {radius} at {}", car.ahead_mps);
        }
    }

    #[test]
    fn places_are_seen_where_they_are() {
        let car = Car::parked(3.0, -2.0, 2.0);
        let [ahead, left] = car.seen(car.place(4.0, -1.5));
        assert!((ahead - 4.0).abs() < 1e-12 && (left + 1.5).abs() < 1e-12);
        assert!((wrapped(7.0) - (7.0 - std::f64::consts::TAU)).abs() < 1e-12);
    }
}
