//! Rigid bodies that push each other in the plane, by sequential impulses.
//!
//! The scheme is that of Chipmunk 7, on which PushT runs: positions move with the velocities of the step before, contacts are
//! found, velocities are damped, and then ten rounds of impulses make touching bodies stop closing in. Overlap is taken back by
//! a second set of velocities that lasts one step. Impulses of contacts that persist are the first guess of the next step, so
//! they belong to the state. With a damping of 0 bodies rest unless something pushes them, as things on a rough table do.
//!
//! Why this and not a library such as rapier2d: PushT is what Chipmunk makes of a block that keeps nothing of its velocity, and
//! a library that solves contacts in another way can be near it at best. This follows gym-pusht to the last digit of the
//! fixtures as long as one pair of shapes touches at a time. Where several do, results also depend on the order in which
//! Chipmunk's tree visits them, which is not rebuilt here. All that a step depends on is two plain structs, so that a saved state comes
//! back bit for bit, and a step takes no memory.

use serde::{Deserialize, Serialize};

use super::shape::{Shape, Touch, Vec2, add, cross, direction, dot, scale, sub, turned};

/// Rounds of impulses in a step.
const N_ROUNDS: usize = 10;
/// How deep bodies may overlap without being pushed apart.
const SLOP: f64 = 0.1_f32 as f64;
/// Share of an overlap that is left after a second.
const LEFT_PER_SEC: f64 = 0.001_797_007_443_645_714_3;
/// For how many steps a contact is remembered after it was lost.
const MEMORY_STEPS: u8 = 3;
/// Most fixtures of a scene.
pub const MAX_FIXTURES: usize = 16;
/// Most contacts of a scene, a moment's memory included; what would touch beyond that is not noticed.
const MAX_CONTACTS: usize = 48;
/// Beyond this a number of a saved state is not believed.
const ABSURD: f64 = 1e7;

/// What moves.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

/// What is remembered of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// The two fixtures.
    pub fixtures: [u8; 2],
    /// Which of their corners.
    pub corners: u8,
    /// Steps since they last touched.
    pub idle_steps: u8,
    /// The impulse along the normal, and across it.
    pub impulse: Vec2,
}

/// The contacts of a scene.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "Vec<Contact>", into = "Vec<Contact>")]
pub struct Contacts {
    all: [Contact; MAX_CONTACTS],
    n: usize,
}

/// What there is beside the bodies, and how time passes.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The shapes of bodies and ground, at most [`MAX_FIXTURES`]. Contacts are visited in their order.
    pub fixtures: &'a [Fixture],
    /// Share of their velocity that bodies keep over a step.
    pub kept: f64,
    /// How long a step lasts.
    pub secs: f64,
}

/// What a step works with, kept from step to step to save the filling of memory.
struct Solver {
    placed: [Shape; MAX_FIXTURES],
    bounds: [[Vec2; 2]; MAX_FIXTURES],
    before: Contacts,
    live: [Live; MAX_CONTACTS],
    n_live: usize,
}

/// A contact that touches now.
#[derive(Debug, Clone, Copy, Default)]
struct Live {
    /// Its place among all contacts.
    place: usize,
    normal: Vec2,
    arms: [Vec2; 2],
    mass: Vec2,
    impulse: Vec2,
    friction: f64,
    bias: f64,
    apart: f64,
    is_new: bool,
    bodies: [Option<usize>; 2],
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

    /// Moves on, and says whether anything moved.
    fn advance(&mut self, secs: f64) -> bool {
        let before = (self.middle, self.angle_rad);
        self.middle = add(self.middle, scale(add(self.velocity, self.apart), secs));
        self.angle_rad += (self.spin + self.apart_spin) * secs;
        (self.apart, self.apart_spin) = ([0.0; 2], 0.0);
        before != (self.middle, self.angle_rad)
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

impl Scene<'_> {
    /// Takes `n_steps` steps; `drive` may set velocities before each, and sees what touched in the last one.
    ///
    /// # Panics
    /// If there are more than [`MAX_FIXTURES`] fixtures, or one names a body that is not there.
    pub fn run(
        &self,
        bodies: &mut [Body],
        contacts: &mut Contacts,
        n_steps: usize,
        mut drive: impl FnMut(&mut [Body], &Contacts),
    ) {
        let mut solver = Solver::new();
        for (i, fixture) in self.fixtures.iter().enumerate() {
            solver.place(i, fixture, bodies);
        }
        for _ in 0..n_steps {
            drive(bodies, contacts);
            self.step(bodies, contacts, &mut solver);
        }
    }

    fn step(&self, bodies: &mut [Body], contacts: &mut Contacts, solver: &mut Solver) {
        let mut has_moved = [false; MAX_FIXTURES];
        for (body, has_moved) in bodies.iter_mut().zip(&mut has_moved) {
            *has_moved = body.advance(self.secs);
        }
        for (i, fixture) in self.fixtures.iter().enumerate() {
            if fixture.body.is_some_and(|place| has_moved[place]) {
                solver.place(i, fixture, bodies);
            }
        }
        self.find(bodies, contacts, solver);
        for body in bodies.iter_mut().filter(|body| body.per_mass > 0.0) {
            body.velocity = scale(body.velocity, self.kept);
            body.spin *= self.kept;
        }
        let live = &mut solver.live[..solver.n_live];
        for contact in live.iter().filter(|contact| !contact.is_new) {
            contact.apply(bodies, contact.along(contact.impulse), Body::push);
        }
        for _ in 0..N_ROUNDS {
            live.iter_mut().for_each(|contact| contact.settle(bodies));
        }
        for contact in live {
            contacts.all[contact.place].impulse = contact.impulse;
        }
    }

    /// Finds what touches now; what touched a moment ago is kept for a while.
    fn find(&self, bodies: &[Body], contacts: &mut Contacts, solver: &mut Solver) {
        solver.before.copy(contacts);
        (contacts.n, solver.n_live) = (0, 0);
        let rate = (1.0 - LEFT_PER_SEC.powf(self.secs)) / self.secs;
        for second in 1..self.fixtures.len() {
            for first in 0..second {
                let pair = [&self.fixtures[first], &self.fixtures[second]];
                if meets(solver.bounds[first], solver.bounds[second])
                    && may_touch(bodies, pair)
                    && let Some(touch) = solver.placed[first].touch(&solver.placed[second])
                {
                    solver.enter([first, second], &touch, bodies, pair, contacts);
                }
            }
        }
        for contact in &mut solver.live[..solver.n_live] {
            contact.bias *= rate;
        }
        for old in solver.before.iter().filter(|old| old.idle_steps + 1 < MEMORY_STEPS) {
            if !contacts.iter().any(|now| now.fixtures == old.fixtures && now.idle_steps == 0) {
                contacts.push(Contact { idle_steps: old.idle_steps + 1, ..*old });
            }
        }
    }
}

impl Solver {
    fn new() -> Self {
        Self {
            placed: [Shape::disc(0.0); MAX_FIXTURES],
            bounds: [[[0.0; 2]; 2]; MAX_FIXTURES],
            before: Contacts::default(),
            live: [Live::default(); MAX_CONTACTS],
            n_live: 0,
        }
    }

    fn place(&mut self, i: usize, fixture: &Fixture, bodies: &[Body]) {
        self.placed[i] = fixture.body.map_or(fixture.shape, |place| {
            let body = &bodies[place];
            fixture.shape.placed(body.middle, direction(body.angle_rad))
        });
        self.bounds[i] = self.placed[i].bounds();
    }

    /// Enters the contact points of two fixtures, with what is remembered of them.
    fn enter(
        &mut self,
        places: [usize; 2],
        touch: &Touch,
        bodies: &[Body],
        pair: [&Fixture; 2],
        contacts: &mut Contacts,
    ) {
        let [first, second] = pair.map(|fixture| fixture.body.map_or(GROUND, |place| bodies[place]));
        let fixtures = places.map(|place| place as u8);
        let known = || self.before.iter().filter(|old| old.fixtures == fixtures);
        let is_new = !known().any(|old| old.idle_steps == 0);
        for (on_first, on_second, corners) in touch.points.into_iter().take(touch.n_points) {
            let arms = [sub(on_first, first.middle), sub(on_second, second.middle)];
            let normal = touch.normal;
            let mass = [normal, [-normal[1], normal[0]]]
                .map(|way| 1.0 / (first.yielding(arms[0], way) + second.yielding(arms[1], way)));
            let gap = dot(add(sub(arms[1], arms[0]), sub(second.middle, first.middle)), normal);
            let old = known().find(|old| old.corners == corners);
            let impulse = old.map_or([0.0; 2], |old| old.impulse);
            let place = contacts.n;
            if contacts.push(Contact { fixtures, corners, idle_steps: 0, impulse }) {
                self.live[self.n_live] = Live {
                    place,
                    normal,
                    arms,
                    mass,
                    impulse,
                    friction: pair[0].friction * pair[1].friction,
                    bias: -(gap + SLOP).min(0.0),
                    apart: 0.0,
                    is_new,
                    bodies: pair.map(|fixture| fixture.body),
                };
                self.n_live += 1;
            }
        }
    }
}

impl Contacts {
    /// Whether all numbers are such that a scene can go on from them.
    pub fn are_sound(&self) -> bool {
        let sound = |contact: &Contact| {
            contact.idle_steps < MEMORY_STEPS && contact.impulse.iter().all(|number| number.abs() < ABSURD)
        };
        self.iter().all(sound)
    }

    /// Whether two fixtures, the lower place first, touched in the last step.
    pub fn touch(&self, fixtures: [u8; 2]) -> bool {
        self.iter().any(|contact| contact.fixtures == fixtures && contact.idle_steps == 0)
    }

    fn iter(&self) -> impl Iterator<Item = &Contact> {
        self.all[..self.n].iter()
    }

    /// Adds a contact if there is room for it.
    fn push(&mut self, contact: Contact) -> bool {
        let has_room = self.n < MAX_CONTACTS;
        if has_room {
            self.all[self.n] = contact;
            self.n += 1;
        }
        has_room
    }

    /// Becomes like `other`; only what counts is copied.
    fn copy(&mut self, other: &Self) {
        self.n = other.n;
        self.all[..other.n].copy_from_slice(&other.all[..other.n]);
    }
}

impl Default for Contacts {
    fn default() -> Self {
        Self { all: [Contact::default(); MAX_CONTACTS], n: 0 }
    }
}

impl From<Contacts> for Vec<Contact> {
    fn from(contacts: Contacts) -> Self {
        contacts.iter().copied().collect()
    }
}

impl TryFrom<Vec<Contact>> for Contacts {
    type Error = String;

    fn try_from(all: Vec<Contact>) -> Result<Self, String> {
        let mut contacts = Self::default();
        if all.iter().all(|contact| contacts.push(*contact)) {
            Ok(contacts)
        } else {
            Err(format!("expected at most {MAX_CONTACTS} contacts, got {}", all.len()))
        }
    }
}

impl Live {
    /// An impulse along and across the normal as a vector.
    fn along(&self, impulse: Vec2) -> Vec2 {
        turned(impulse, self.normal)
    }

    /// Gives an impulse to the second body and its opposite to the first.
    fn apply(&self, bodies: &mut [Body], impulse: Vec2, push: fn(&mut Body, Vec2, Vec2)) {
        for ((place, arm), sign) in self.bodies.into_iter().zip(self.arms).zip([-1.0, 1.0]) {
            if let Some(place) = place {
                push(&mut bodies[place], scale(impulse, sign), arm);
            }
        }
    }

    /// How fast the second body leaves the first, by one of the two kinds of velocity.
    fn leaving(&self, bodies: &[Body], velocity: fn(&Body, Vec2) -> Vec2) -> Vec2 {
        let [first, second] =
            [0, 1].map(|i| self.bodies[i].map_or([0.0; 2], |place| velocity(&bodies[place], self.arms[i])));
        sub(second, first)
    }

    /// One round: an impulse that stops the bodies from closing in, friction within its cone, and a push out of the overlap.
    fn settle(&mut self, bodies: &mut [Body]) {
        let Self { normal, mass, bias, apart, .. } = *self;
        let leaving_apart = dot(self.leaving(bodies, Body::apart_at), normal);
        let leaving = self.leaving(bodies, Body::velocity_at);
        self.apart = (apart + (bias - leaving_apart) * mass[0]).max(0.0);
        let [old_along, old_across] = self.impulse;
        let along = (old_along - dot(leaving, normal) * mass[0]).max(0.0);
        let most = self.friction * along;
        let across = (old_across - cross(normal, leaving) * mass[1]).max(-most).min(most);
        self.impulse = [along, across];
        self.apply(bodies, scale(normal, self.apart - apart), Body::push_apart);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn box_at(x: f64, body: usize) -> (Body, Fixture) {
        let shape = Shape::rect([-1.0, -1.0], [1.0, 1.0]);
        (Body::pushed([x, 0.0], 0.0, 1.0, 2.0 / 3.0), Fixture { body: Some(body), shape, friction: 0.5 })
    }

    #[test]
    fn a_driven_disc_carries_a_row_of_boxes_along_at_its_own_speed() {
        let ((near, near_shape), (far, far_shape)) = (box_at(3.0, 1), box_at(5.0, 2));
        let disc = Fixture { body: Some(0), shape: Shape::disc(1.0), friction: 0.0 };
        let mut bodies = [Body::driven([0.0, 0.0]), near, far];
        let mut contacts = Contacts::default();
        let fixtures = [disc, near_shape, far_shape];
        let scene = Scene { fixtures: &fixtures, kept: 0.0, secs: 0.01 };
        scene.run(&mut bodies, &mut contacts, 400, |bodies, _| bodies[0].velocity = [1.0, 0.0]);
        assert!((bodies[0].middle[0] - 4.0).abs() < 1e-9);
        assert!((bodies[1].middle[0] - 6.0).abs() < 0.2 && (bodies[2].middle[0] - 8.0).abs() < 0.3);
        assert!(bodies.iter().all(|body| body.middle[1].abs() < 0.01 && body.angle_rad.abs() < 0.01));
        let list = Vec::from(contacts);
        assert_eq!(list.len(), 3, "one point of the disc and two of the boxes");
        scene.run(&mut bodies, &mut contacts, 50, |bodies, _| bodies[0].velocity = [0.0; 2]);
        let still = bodies;
        scene.run(&mut bodies, &mut contacts, 1, |_, _| ());
        assert!((still[2].middle[0] - bodies[2].middle[0]).abs() < 1e-3, "nothing glides on");
    }

    #[test]
    fn a_list_of_contacts_that_is_too_long_is_refused() {
        let list = vec![Contact::default(); MAX_CONTACTS + 1];
        assert!(Contacts::try_from(list[1..].to_vec()).is_ok());
        assert!(Contacts::try_from(list).unwrap_err().contains("48"));
    }
}
