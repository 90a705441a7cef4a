//! The other cars: each follows the one ahead by the intelligent driver model and changes lanes where that lets it go faster.
//!
//! References: Treiber, Hennecke and Helbing, "Congested traffic states in empirical observations and microscopic simulations"
//! (2000); lane changes in the manner of Kesting, Treiber and Helbing's MOBIL (2007), without politeness.

use serde::{Deserialize, Serialize};
use worldsmith_core::Rng;

use super::stretch::{LANE_M, N_LANES, lane_left_m, nearest_lane};

/// Length, width and height of every car, in m.
pub const CAR_M: [f64; 3] = [4.5, 1.8, 1.4];
/// Most other cars.
pub const MAX_OTHERS: usize = 24;
/// Other cars live from this far behind to this far ahead of the driver, in m.
const RANGE_M: [f64; 2] = [-55.0, 150.0];
/// Slowest and fastest wish, in m/s.
const WISH_MPS: [f64; 2] = [15.0, 24.0];
/// The intelligent driver model: strongest acceleration and comfortable braking (m/s2), time to the car ahead (s) and gap at
/// rest (m).
const ACCELERATION_MPS2: f64 = 1.5;
const BRAKING_MPS2: f64 = 2.0;
const HEADWAY_SECS: f64 = 1.2;
const REST_GAP_M: f64 = 2.0;
/// Nobody brakes harder, in m/s2.
const MAX_BRAKING_MPS2: f64 = 8.0;
/// What a change of lanes must gain, and what it may cost the car behind, in m/s2.
const GAIN_MPS2: f64 = 0.3;
const COST_MPS2: f64 = 2.0;
/// Chance a step that a driver thinks of changing lanes.
const CHANGE_CHANCE: f32 = 0.1;
/// How fast a car goes sideways, in m/s.
const SIDEWAYS_MPS: f64 = 1.2;
/// Cars whose middles are nearer than this sideways are in each other's way, in m.
const ABREAST_M: f64 = 2.1;

/// Another car.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Other {
    /// Metres of the middle line at its middle.
    pub way_m: f64,
    /// How far left of the middle line.
    pub left_m: f64,
    /// The lane it is in or goes to.
    pub lane: usize,
    /// Speed along the road.
    pub speed_mps: f64,
    /// Speed on an empty road.
    pub wish_mps: f64,
    /// Its colour, a hue in degrees.
    pub paint_deg: f32,
}

impl Other {
    /// Whether its numbers are such as the rules can reach.
    pub fn is_sound(&self) -> bool {
        self.lane < N_LANES
            && (0.0..=1e9).contains(&self.way_m)
            && self.left_m.abs() <= LANE_M * N_LANES as f64
            && (0.0..=100.0).contains(&self.speed_mps)
            && (1.0..=100.0).contains(&self.wish_mps)
            && (0.0..=360.0).contains(&self.paint_deg)
    }

    fn body(&self) -> Body {
        Body {
            way_m: self.way_m,
            left_m: self.left_m,
            to_left_m: lane_left_m(self.lane),
            speed_mps: self.speed_mps,
        }
    }

    /// The direction it moves in, against the road's.
    pub fn slant_rad(&self) -> f64 {
        let to_go = lane_left_m(self.lane) - self.left_m;
        if to_go.abs() < 0.01 { 0.0 } else { SIDEWAYS_MPS.copysign(to_go).atan2(self.speed_mps.max(5.0)) }
    }
}

/// Somebody on the road as others see them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Body {
    /// Metres of the middle line at its middle.
    pub way_m: f64,
    /// How far left of the middle line.
    pub left_m: f64,
    /// Where it goes sideways.
    pub to_left_m: f64,
    /// Speed along the road.
    pub speed_mps: f64,
}

/// The next car in a lane: from bumper to bumper (m), and its speed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Next {
    /// From bumper to bumper, in m; negative if they are side by side.
    pub gap_m: f64,
    /// Speed along the road.
    pub speed_mps: f64,
}

/// Everybody on the road.
#[derive(Debug, Clone, Copy)]
pub struct Bodies {
    all: [Body; MAX_OTHERS + 1],
    n: usize,
}

impl Bodies {
    /// The other cars, and the driver, who comes last.
    pub fn new(others: &[Other], driver: Body) -> Self {
        let mut bodies = Self { all: [driver; MAX_OTHERS + 1], n: 0 };
        for (body, other) in bodies.all.iter_mut().zip(&others[..others.len().min(MAX_OTHERS)]) {
            *body = other.body();
            bodies.n += 1;
        }
        bodies.n += 1;
        bodies
    }

    fn abreast(&self, me: usize, left_m: f64) -> impl Iterator<Item = &Body> {
        let others = self.all[..self.n].iter().enumerate().filter(move |(i, _)| *i != me);
        others.map(|(_, body)| body).filter(move |body| {
            (body.left_m - left_m).abs() < ABREAST_M || (body.to_left_m - left_m).abs() < ABREAST_M
        })
    }

    /// The driver's place among all.
    pub fn driver(&self) -> usize {
        self.n - 1
    }

    /// Who is next ahead of `me` for somebody who drives `left_m` left of the middle line. Who is side by side is ahead too.
    pub fn ahead(&self, me: usize, left_m: f64) -> Option<Next> {
        let way_m = self.all[me].way_m;
        let ahead = self.abreast(me, left_m).filter(|body| body.way_m >= way_m);
        let next = ahead.min_by(|a, b| a.way_m.total_cmp(&b.way_m))?;
        Some(Next { gap_m: next.way_m - way_m - CAR_M[0], speed_mps: next.speed_mps })
    }

    /// Who is next behind.
    pub fn behind(&self, me: usize, left_m: f64) -> Option<Next> {
        let way_m = self.all[me].way_m;
        let behind = self.abreast(me, left_m).filter(|body| body.way_m < way_m);
        let next = behind.max_by(|a, b| a.way_m.total_cmp(&b.way_m))?;
        Some(Next { gap_m: way_m - next.way_m - CAR_M[0], speed_mps: next.speed_mps })
    }

    /// What `me`, who wishes to drive at `wish_mps`, would gain (m/s2) in the lane at `left_m`: the acceleration there, if
    /// nobody behind has to brake hard.
    pub fn prospect(&self, me: usize, left_m: f64, wish_mps: f64) -> Option<f64> {
        let speed_mps = self.all[me].speed_mps;
        let is_free = self.behind(me, left_m).is_none_or(|next| {
            let own = Next { gap_m: next.gap_m, speed_mps };
            next.gap_m > REST_GAP_M && idm_mps2(next.speed_mps, 30.0, Some(own)) > -COST_MPS2
        });
        let ahead = self.ahead(me, left_m);
        let has_room = ahead.is_none_or(|next| next.gap_m > REST_GAP_M);
        (is_free && has_room).then(|| idm_mps2(speed_mps, wish_mps, ahead))
    }
}

/// Acceleration by the intelligent driver model, in m/s2.
pub fn idm_mps2(speed_mps: f64, wish_mps: f64, ahead: Option<Next>) -> f64 {
    let free = 1.0 - (speed_mps / wish_mps).powi(4);
    let brake = ahead.map_or(0.0, |ahead| {
        let closing = speed_mps - ahead.speed_mps;
        let dynamic = speed_mps * HEADWAY_SECS
            + speed_mps * closing / (2.0 * (ACCELERATION_MPS2 * BRAKING_MPS2).sqrt());
        let wanted = REST_GAP_M + dynamic.max(0.0);
        (wanted / ahead.gap_m.max(0.1)).powi(2)
    });
    (ACCELERATION_MPS2 * (free - brake)).max(-MAX_BRAKING_MPS2)
}

/// Moves all other cars for `secs`, and lets cars that are left far behind or ahead be replaced by new ones, up to `n`.
pub fn drive(others: &mut Vec<Other>, driver: Body, n: usize, secs: f64, rng: &mut Rng) {
    let bodies = Bodies::new(others, driver);
    for (i, other) in others.iter_mut().enumerate() {
        let here = idm_mps2(other.speed_mps, other.wish_mps, bodies.ahead(i, other.left_m));
        let there = idm_mps2(other.speed_mps, other.wish_mps, bodies.ahead(i, lane_left_m(other.lane)));
        let push = here.min(there);
        let is_settled = (other.left_m - lane_left_m(other.lane)).abs() < 0.1;
        if is_settled && rng.chance(CHANGE_CHANCE) {
            other.lane = better_lane(&bodies, i, other, push);
        }
        let speed_mps = (other.speed_mps + push * secs).max(0.0);
        other.way_m += (other.speed_mps + speed_mps) / 2.0 * secs;
        other.speed_mps = speed_mps;
        let sideways = SIDEWAYS_MPS * secs;
        other.left_m += (lane_left_m(other.lane) - other.left_m).clamp(-sideways, sideways);
    }
    let [behind, ahead] = RANGE_M;
    others.retain(|other| (behind..=ahead).contains(&(other.way_m - driver.way_m)));
    if others.len() < n.min(MAX_OTHERS) {
        let comes_from_behind = rng.chance(0.3);
        let away = if comes_from_behind { behind + 2.0 } else { ahead - 2.0 };
        arrive(others, driver, away, rng);
    }
}

/// The cars of a new episode.
pub fn start(driver: Body, n: usize, rng: &mut Rng) -> Vec<Other> {
    let mut others = Vec::with_capacity(MAX_OTHERS);
    for _ in 0..4 * n {
        if others.len() < n.min(MAX_OTHERS) {
            let [behind, ahead] = RANGE_M;
            let away = behind + (ahead - behind) * f64::from(rng.uniform());
            arrive(&mut others, driver, away, rng);
        }
    }
    others
}

/// A new car `away` m ahead of the driver, if there is room.
fn arrive(others: &mut Vec<Other>, driver: Body, away: f64, rng: &mut Rng) {
    let lane = rng.below(N_LANES);
    let [slow, fast] = WISH_MPS;
    let wish_mps = slow + (fast - slow) * f64::from(rng.uniform());
    let paint_deg = 360.0 * rng.uniform();
    let (way_m, left_m) = (driver.way_m + away, lane_left_m(lane));
    let bodies = Bodies::new(others, driver);
    let mut taken = bodies.all[..bodies.n]
        .iter()
        .filter(|body| nearest_lane(body.left_m) == lane || body.to_left_m == left_m);
    if way_m >= 0.0 && taken.all(|body| (body.way_m - way_m).abs() > 22.0) {
        others.push(Other { way_m, left_m, lane, speed_mps: 0.9 * wish_mps, wish_mps, paint_deg });
    }
}

/// The lane in which `other` would go on best.
fn better_lane(bodies: &Bodies, me: usize, other: &Other, push: f64) -> usize {
    let mut best = (other.lane, push + GAIN_MPS2);
    for lane in [other.lane.wrapping_sub(1), other.lane + 1].into_iter().filter(|lane| *lane < N_LANES) {
        if let Some(gain) = bodies.prospect(me, lane_left_m(lane), other.wish_mps)
            && gain > best.1
        {
            best = (lane, gain);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use worldsmith_core::Seed;

    use super::*;

    fn other(way_m: f64, lane: usize, speed_mps: f64, wish_mps: f64) -> Other {
        Other { way_m, left_m: lane_left_m(lane), lane, speed_mps, wish_mps, paint_deg: 0.0 }
    }

    #[test]
    fn a_follower_settles_at_the_equilibrium_gap() {
        // Behind somebody at 15 m/s, wishing for 20: (2 + 15 * 1.2) / sqrt(1 - (15 / 20)^4) = 24.19 m.
        let (mut speed, mut gap) = (20.0, 80.0);
        for _ in 0..20_000 {
            let push = idm_mps2(speed, 20.0, Some(Next { gap_m: gap, speed_mps: 15.0 }));
            gap += (15.0 - speed) * 0.01;
            speed += push * 0.01;
        }
        assert!((gap - 24.19).abs() < 0.01 && (speed - 15.0).abs() < 1e-3, "{gap} at {speed}");
        assert_eq!(idm_mps2(20.0, 20.0, None), 0.0);
        assert_eq!(idm_mps2(0.0, 20.0, None), ACCELERATION_MPS2);
    }

    #[test]
    fn a_fast_car_passes_a_slow_one_and_nobody_hits_anybody() {
        let driver = Body { way_m: 0.0, left_m: 0.0, to_left_m: 0.0, speed_mps: 20.0 };
        let mut others = vec![other(40.0, 0, 24.0, 24.0), other(70.0, 0, 12.0, 12.0)];
        let mut rng = Seed(0).rng();
        let mut driver = driver;
        for _ in 0..150 {
            driver.way_m += 2.0;
            drive(&mut others, driver, 0, 0.1, &mut rng);
            let [fast, slow] = others[..] else { panic!("two cars, got {}", others.len()) };
            let apart =
                (fast.way_m - slow.way_m).abs() > CAR_M[0] || (fast.left_m - slow.left_m).abs() > CAR_M[1];
            assert!(apart, "{fast:?} and {slow:?}");
            if fast.way_m > slow.way_m + 20.0 {
                return;
            }
        }
        panic!("the fast car never passed: {others:?}");
    }

    #[test]
    fn cars_come_and_go_around_the_driver() {
        let mut rng = Seed(1).rng();
        let mut driver = Body { way_m: 60.0, left_m: 0.0, to_left_m: 0.0, speed_mps: 10.0 };
        let mut others = start(driver, 10, &mut rng);
        assert!(others.len() >= 7);
        let ahead =
            |others: &[Other], way_m: f64| others.iter().all(|other| (other.way_m - way_m).abs() < 156.0);
        for _ in 0..500 {
            driver.way_m += 1.0;
            drive(&mut others, driver, 10, 0.1, &mut rng);
            assert!(ahead(&others, driver.way_m) && others.len() <= 10 && others.iter().all(Other::is_sound));
        }
        assert!(others.len() > 5);
    }

    #[test]
    fn gaps_are_from_bumper_to_bumper_in_the_lane() {
        let driver = Body { way_m: 50.0, left_m: 0.0, to_left_m: 0.0, speed_mps: 20.0 };
        let bodies = Bodies::new(
            &[other(70.0, 1, 15.0, 15.0), other(40.0, 1, 18.0, 18.0), other(60.0, 2, 9.0, 9.0)],
            driver,
        );
        assert_eq!(bodies.ahead(3, 0.0), Some(Next { gap_m: 15.5, speed_mps: 15.0 }));
        assert_eq!(bodies.behind(3, 0.0), Some(Next { gap_m: 5.5, speed_mps: 18.0 }));
        assert_eq!(bodies.ahead(3, 3.5), Some(Next { gap_m: 5.5, speed_mps: 9.0 }));
        assert_eq!(bodies.ahead(3, -3.5), None);
    }
}
