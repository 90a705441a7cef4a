//! Rigid bodies that push each other in the plane, by sequential impulses.
//!
//! The scheme is that of Chipmunk 7, on which PushT runs: positions move with the velocities of the step before, contacts are
//! found, velocities are damped, and then ten rounds of impulses make touching bodies stop closing in. Overlap is taken back by
//! a second set of velocities that lasts one step. Impulses of contacts that persist are the first guess of the next step, so
//! they belong to the state. With a damping of 0 bodies rest unless something pushes them, as things on a rough table do.

use serde::{Deserialize, Serialize};

use super::shape::{Shape, Touch, Vec2, add, cross, direction, dot, scale, sub};

/// Rounds of impulses in a step.
const N_ROUNDS: usize = 10;
/// How deep bodies may overlap without being pushed apart.
const SLOP: f64 = 0.1_f32 as f64;
/// Share of an overlap that is left after a second.
const LEFT_PER_SEC: f64 = 0.001_797_007_443_645_714_3;
/// For how many steps a contact is remembered after it was lost.
const MEMORY_STEPS: u8 = 3;
/// Most fixtures of a scene.
pub const MAX_FIXTURES: usize = 24;
/// Most contacts of a scene that is not damaged.
const MAX_CONTACTS: usize = 2 * MAX_FIXTURES * MAX_FIXTURES;
/// Beyond this a number of a saved state is not believed.
const ABSURD: f64 = 1e7;

/// What moves.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Body {
    /// The centre of mass.
    pub middle: Vec2,
    /// How far it is turned, in radians.
    pub angle_rad: f64,
    /// Velocity, per second.
    pub velocity: Vec2,
    /// Angular velocity, in radians per second.
    pub spin: f64,
    /// Velocity by which an overlap is taken back in the next step.
    pub apart: Vec2,
    /// The same for the angular velocity.
    pub apart_spin: f64,
    /// One over the mass; 0 for what nothing pushes.
    pub per_mass: f64,
    /// One over the moment of inertia.
    pub per_inertia: f64,
}

/// A shape that belongs to a body, or to the ground.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fixture {
    /// The place of the body, or `None` for the ground.
    pub body: Option<usize>,
    /// The shape, seen from the body's centre of mass.
    pub shape: Shape,
    /// Coulomb's coefficient; that of a contact is the product of both.
    pub friction: f64,
}

/// What is remembered of a contact, and what a step works with.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Contact {
    /// The two fixtures.
    pub fixtures: [u8; 2],
    /// Which of their corners.
    pub corners: u8,
    /// Steps since they last touched.
    pub idle_steps: u8,
    /// The impulse along the normal, and across it.
    pub impulse: Vec2,
    #[serde(skip)]
    work: Work,
}

/// The part of a contact that is worked out anew in each step.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Work {
    normal: Vec2,
    arms: [Vec2; 2],
    mass: Vec2,
    friction: f64,
    bias: f64,
    apart: f64,
    is_new: bool,
    bodies: [Option<usize>; 2],
}

/// The contacts of a scene.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Contacts {
    now: Vec<Contact>,
    #[serde(skip)]
    before: Vec<Contact>,
}

/// The ground.
const GROUND: Body = Body {
    middle: [0.0; 2],
    angle_rad: 0.0,
    velocity: [0.0; 2],
    spin: 0.0,
    apart: [0.0; 2],
    apart_spin: 0.0,
    per_mass: 0.0,
    per_inertia: 0.0,
};

impl Body {
    /// Something that moves as it is told and that nothing pushes.
    pub fn driven(middle: Vec2) -> Self {
        Self { middle, ..GROUND }
    }

    /// Something that is pushed.
    pub fn pushed(middle: Vec2, angle_rad: f64, mass: f64, inertia: f64) -> Self {
        Self { middle, angle_rad, per_mass: 1.0 / mass, per_inertia: 1.0 / inertia, ..GROUND }
    }

    /// Whether all numbers are such that a scene can go on from them.
    pub fn is_sound(&self) -> bool {
        let [x, y] = self.middle;
        let all = [x, y, self.angle_rad, self.velocity[0], self.velocity[1], self.spin];
        let more = [self.apart[0], self.apart[1], self.apart_spin, self.per_mass, self.per_inertia];
        all.iter().chain(&more).all(|number| number.abs() < ABSURD)
            && self.per_mass >= 0.0
            && self.per_inertia >= 0.0
    }

    fn advance(&mut self, secs: f64) {
        self.middle = add(self.middle, scale(add(self.velocity, self.apart), secs));
        self.angle_rad += (self.spin + self.apart_spin) * secs;
        (self.apart, self.apart_spin) = ([0.0; 2], 0.0);
    }

    fn push(&mut self, impulse: Vec2, arm: Vec2) {
        self.velocity = add(self.velocity, scale(impulse, self.per_mass));
        self.spin += self.per_inertia * cross(arm, impulse);
    }

    fn push_apart(&mut self, impulse: Vec2, arm: Vec2) {
        self.apart = add(self.apart, scale(impulse, self.per_mass));
        self.apart_spin += self.per_inertia * cross(arm, impulse);
    }

    /// The velocity of the point at `arm`.
    fn velocity_at(&self, arm: Vec2) -> Vec2 {
        add(self.velocity, scale([-arm[1], arm[0]], self.spin))
    }

    fn apart_at(&self, arm: Vec2) -> Vec2 {
        add(self.apart, scale([-arm[1], arm[0]], self.apart_spin))
    }

    /// How much the point at `arm` gives way to an impulse along `way`.
    fn yielding(&self, arm: Vec2, way: Vec2) -> f64 {
        let lever = cross(arm, way);
        self.per_mass + self.per_inertia * lever * lever
    }
}

/// Moves everything on by `secs`; `kept` is the share of their velocity that bodies keep over the step.
///
/// # Panics
/// If there are more than [`MAX_FIXTURES`] fixtures, or one names a body that is not there.
pub fn step(bodies: &mut [Body], fixtures: &[Fixture], contacts: &mut Contacts, kept: f64, secs: f64) {
    bodies.iter_mut().for_each(|body| body.advance(secs));
    contacts.find(bodies, fixtures, secs);
    for body in bodies.iter_mut().filter(|body| body.per_mass > 0.0) {
        body.velocity = scale(body.velocity, kept);
        body.spin *= kept;
    }
    for contact in contacts.touching().filter(|contact| !contact.work.is_new) {
        let impulse = contact.along(contact.impulse);
        contact.apply(bodies, impulse, Body::push);
    }
    for _ in 0..N_ROUNDS {
        contacts.touching().for_each(|contact| contact.settle(bodies));
    }
}

impl Contacts {
    /// Whether all numbers are such that a scene can go on from them.
    pub fn are_sound(&self) -> bool {
        let sound = |contact: &Contact| contact.impulse.iter().all(|number| number.abs() < ABSURD);
        self.now.len() <= MAX_CONTACTS && self.now.iter().all(sound)
    }

    fn touching(&mut self) -> impl Iterator<Item = &mut Contact> {
        self.now.iter_mut().filter(|contact| contact.idle_steps == 0)
    }

    /// Finds what touches now; what touched a moment ago is kept for a while.
    fn find(&mut self, bodies: &[Body], fixtures: &[Fixture], secs: f64) {
        std::mem::swap(&mut self.now, &mut self.before);
        self.now.clear();
        let rate = (1.0 - LEFT_PER_SEC.powf(secs)) / secs;
        let turns: [Vec2; MAX_FIXTURES] =
            std::array::from_fn(|i| bodies.get(i).map_or([1.0, 0.0], |body| direction(body.angle_rad)));
        let mut placed = [Shape::disc(0.0); MAX_FIXTURES];
        let mut bounds = [[[0.0; 2]; 2]; MAX_FIXTURES];
        for (i, fixture) in fixtures.iter().enumerate() {
            placed[i] =
                fixture.body.map_or(fixture.shape, |b| fixture.shape.placed(bodies[b].middle, turns[b]));
            bounds[i] = placed[i].bounds();
        }
        for second in 1..fixtures.len() {
            for first in 0..second {
                let pair = [&fixtures[first], &fixtures[second]];
                if meets(bounds[first], bounds[second])
                    && may_touch(bodies, pair)
                    && let Some(touch) = placed[first].touch(&placed[second])
                {
                    self.enter([first as u8, second as u8], &touch, bodies, pair, rate);
                }
            }
        }
        let Self { now, before } = self;
        for old in before.iter().filter(|old| old.idle_steps + 1 < MEMORY_STEPS) {
            if !now.iter().any(|contact| contact.fixtures == old.fixtures && contact.idle_steps == 0) {
                now.push(Contact { idle_steps: old.idle_steps + 1, ..*old });
            }
        }
    }

    /// Enters the contact points of two fixtures, with what is remembered of them. Overlap is taken back at `rate` per second.
    fn enter(&mut self, places: [u8; 2], touch: &Touch, bodies: &[Body], pair: [&Fixture; 2], rate: f64) {
        let of = |fixture: &Fixture| fixture.body.map_or(GROUND, |place| bodies[place]);
        let (first, second) = (of(pair[0]), of(pair[1]));
        let is_new = !self.before.iter().any(|old| old.fixtures == places && old.idle_steps == 0);
        for (on_first, on_second, corners) in touch.points.into_iter().take(touch.n_points) {
            let arms = [sub(on_first, first.middle), sub(on_second, second.middle)];
            let normal = touch.normal;
            let mass = [normal, [-normal[1], normal[0]]]
                .map(|way| 1.0 / (first.yielding(arms[0], way) + second.yielding(arms[1], way)));
            let gap = dot(add(sub(arms[1], arms[0]), sub(second.middle, first.middle)), normal);
            let bias = -(gap + SLOP).min(0.0) * rate;
            let old = self.before.iter().find(|old| old.fixtures == places && old.corners == corners);
            self.now.push(Contact {
                fixtures: places,
                corners,
                idle_steps: 0,
                impulse: old.map_or([0.0; 2], |old| old.impulse),
                work: Work {
                    normal,
                    arms,
                    mass,
                    friction: pair[0].friction * pair[1].friction,
                    bias,
                    apart: 0.0,
                    is_new,
                    bodies: pair.map(|fixture| fixture.body),
                },
            });
        }
    }
}

impl Contact {
    /// An impulse along and across the normal as a vector.
    fn along(&self, impulse: Vec2) -> Vec2 {
        super::shape::turned(impulse, self.work.normal)
    }

    /// Gives an impulse to the second body and its opposite to the first.
    fn apply(&self, bodies: &mut [Body], impulse: Vec2, push: fn(&mut Body, Vec2, Vec2)) {
        let Work { arms, bodies: places, .. } = self.work;
        for ((place, arm), sign) in places.into_iter().zip(arms).zip([-1.0, 1.0]) {
            if let Some(place) = place {
                push(&mut bodies[place], scale(impulse, sign), arm);
            }
        }
    }

    /// How fast the second body leaves the first, by one of the two kinds of velocity.
    fn leaving(&self, bodies: &[Body], velocity: fn(&Body, Vec2) -> Vec2) -> Vec2 {
        let [first, second] = [0, 1].map(|i| {
            self.work.bodies[i].map_or([0.0; 2], |place| velocity(&bodies[place], self.work.arms[i]))
        });
        sub(second, first)
    }

    /// One round: an impulse that stops the bodies from closing in, friction within its cone, and a push out of the overlap.
    fn settle(&mut self, bodies: &mut [Body]) {
        let Work { normal, mass, friction, bias, apart, .. } = self.work;
        let leaving_apart = dot(self.leaving(bodies, Body::apart_at), normal);
        let leaving = self.leaving(bodies, Body::velocity_at);
        self.work.apart = (apart + (bias - leaving_apart) * mass[0]).max(0.0);
        let [old_along, old_across] = self.impulse;
        let along = (old_along - dot(leaving, normal) * mass[0]).max(0.0);
        let most = friction * along;
        let across = (old_across - cross(normal, leaving) * mass[1]).clamp(-most, most);
        self.impulse = [along, across];
        self.apply(bodies, scale(normal, self.work.apart - apart), Body::push_apart);
        self.apply(bodies, self.along([along - old_along, across - old_across]), Body::push);
    }
}

/// Whether two boxes of bounds overlap.
fn meets([low, high]: [Vec2; 2], [other_low, other_high]: [Vec2; 2]) -> bool {
    (0..2).all(|axis| low[axis] <= other_high[axis] && other_low[axis] <= high[axis])
}

/// Whether the fixtures belong to different bodies of which at least one can be pushed.
fn may_touch(bodies: &[Body], pair: [&Fixture; 2]) -> bool {
    let gives_way = |fixture: &Fixture| fixture.body.is_some_and(|place| bodies[place].per_mass > 0.0);
    pair[0].body != pair[1].body && pair.into_iter().any(gives_way)
}
impl Contacts {
    /// TRACE
    pub fn dump(&self) {
        for c in &self.now {
            println!(
                "     {:?} c{} idle{} n {:.4?} gap? bias {:.3} imp {:.5?} new {}",
                c.fixtures, c.corners, c.idle_steps, c.work.normal, c.work.bias, c.impulse, c.work.is_new
            );
        }
    }
}
