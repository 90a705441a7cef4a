//! Where to push: a plan of one move for a round pusher that wants a body elsewhere.
//!
//! On a rough table a push along the normal `n` at the arm `r` moves a body of mass 1 by `n j` and turns it by `(r x n) j / I`.
//! With angles measured in pixels (times the radius of gyration) every place on the outline is thus a direction in the space of
//! poses. The plan takes the place whose direction leads best to the pose wanted, goes round the body to get there, and pushes.

use super::physics::Body;
use super::route::first_stop;
use super::shape::{Shape, Vec2, add, cross, direction, dot, length, scale, sub, wrapped};

/// How far from the outline a push begins, in pixels.
const RUN_UP_PX: f64 = 8.0;
/// How far off its line a push may be, in pixels.
const OFF_LINE_PX: f64 = 2.5;
/// What a detour of one pixel costs, as a share of what remains to be done.
const DETOUR_COST: f64 = 0.0015;
/// Places on each edge at which a push is considered.
const N_PLACES: usize = 7;
/// Points at which a straight way is looked at, at most.
const MAX_LOOKS: f64 = 128.0;
/// Ways in which a disc may be pushed.
const N_WAYS: usize = 24;

/// A body to be pushed, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
    /// The body.
    pub body: &'a Body,
    /// Its shapes, where they are.
    pub shapes: &'a [Shape],
    /// What is to be gone around, the body included.
    pub obstacles: &'a [Shape],
    /// Where the body's centre of mass should be.
    pub middle: Vec2,
    /// How far it should be turned, if that matters.
    pub angle_rad: Option<f64>,
    /// Where the pusher is.
    pub pusher: Vec2,
    /// Its radius.
    pub radius_px: f64,
    /// Between which coordinates it can be.
    pub reach_px: [f64; 2],
}

/// A push: where the pusher touches, which way, and how far.
#[derive(Debug, Clone, Copy)]
struct Push {
    touch: Vec2,
    way: Vec2,
    reach: f64,
}

impl Task<'_> {
    /// Where the pusher should go now.
    pub fn target(&self) -> Vec2 {
        let alone = Task { obstacles: self.shapes, ..*self };
        let Some(push) = self.best().or_else(|| alone.best()) else { return self.pusher };
        let behind = sub(self.pusher, push.touch);
        let (along, aside) = (dot(behind, push.way), cross(push.way, behind).abs());
        if aside <= OFF_LINE_PX && (-2.0 * RUN_UP_PX..=3.0).contains(&along) {
            return self.within(add(push.touch, scale(push.way, push.reach)));
        }
        self.detour(add(push.touch, scale(push.way, -RUN_UP_PX)))
    }

    fn within(&self, [x, y]: Vec2) -> Vec2 {
        let [low, high] = self.reach_px;
        [x.clamp(low, high), y.clamp(low, high)]
    }

    /// The push that brings the body nearest to the pose wanted, if any brings it nearer.
    fn best(&self) -> Option<Push> {
        let gyration = (self.body.per_mass / self.body.per_inertia.max(f64::MIN_POSITIVE)).sqrt();
        let turn = self.angle_rad.map_or(0.0, |angle| wrapped(angle - self.body.angle_rad) * gyration);
        let gap = sub(self.middle, self.body.middle);
        let all = dot(gap, gap) + turn * turn;
        let mut best: Option<(f64, Push)> = None;
        for shape in self.shapes {
            for (touch, way) in self.places(shape) {
                let arm = sub(add(touch, scale(way, self.radius_px)), self.body.middle);
                let lever = cross(arm, way) / gyration;
                let reach = dot(gap, way) + turn * lever;
                let share = reach / (all * (1.0 + lever * lever)).sqrt().max(1e-9);
                let score = share - DETOUR_COST * length(sub(touch, self.pusher));
                if share > 0.05 && best.is_none_or(|(most, _)| score > most) && self.is_free(touch, -1.0) {
                    best = Some((score, Push { touch, way, reach }));
                }
            }
        }
        best.map(|(_, push)| push)
    }

    /// Where the pusher touches one of the shapes, and the way inwards.
    fn places(&self, shape: &Shape) -> impl Iterator<Item = (Vec2, Vec2)> {
        let (corners, radius) = (shape.corners(), self.radius_px);
        let is_disc = corners.len() == 1;
        let goal = sub(self.middle, corners[0]);
        let straight = goal[1].atan2(goal[0]);
        let [low, high] = self.reach_px;
        (0..if is_disc { N_WAYS } else { corners.len() * N_PLACES })
            .map(move |k| {
                if is_disc {
                    let way = direction(straight + std::f64::consts::TAU * k as f64 / N_WAYS as f64);
                    return (sub(corners[0], scale(way, shape.radius() + radius)), way);
                }
                let (i, k) = (k / N_PLACES, k % N_PLACES);
                let (from, to) = (corners[i], corners[(i + 1) % corners.len()]);
                let edge = sub(to, from);
                let way = scale([-edge[1], edge[0]], 1.0 / length(edge).max(1e-9));
                let t = 0.06 + 0.88 * k as f64 / (N_PLACES - 1) as f64;
                (sub(add(from, scale(edge, t)), scale(way, radius)), way)
            })
            .filter(move |(touch, _)| touch.iter().all(|x| (low..=high).contains(x)))
    }

    /// Whether the pusher can be at `point` with `room_px` to spare.
    fn is_free(&self, point: Vec2, room_px: f64) -> bool {
        self.obstacles.iter().all(|shape| shape.distance(point) >= self.radius_px + room_px)
    }

    /// Whether the pusher can go straight; the first pixels, out of a touch, do not count.
    fn is_clear(&self, from: Vec2, to: Vec2) -> bool {
        let way = sub(to, from);
        let n = (length(way) / 8.0).ceil().clamp(1.0, MAX_LOOKS);
        (1..=n as usize).all(|i| self.is_free(add(from, scale(way, i as f64 / n)), 2.0))
    }

    /// The next stop on the way to `goal`; through whatever is in the way if there is no way round.
    fn detour(&self, goal: Vec2) -> Vec2 {
        if self.is_clear(self.pusher, goal) {
            return self.within(goal);
        }
        let is_free = |point| self.is_free(point, 2.0);
        let stop = first_stop(self.pusher, goal, is_free, |point| self.is_clear(self.pusher, point));
        self.within(stop.unwrap_or(goal))
    }
}
