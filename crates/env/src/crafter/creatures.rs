//! The turns of creatures, arrows and plants, and how many creatures there are.
//!
//! As in the package, a creature that was killed takes one last turn, outside the world: it hits and shoots, but does not move.

use super::chance::Chance;
use super::names::Materials;
use super::rules::Balance;
use super::state::{Facing, Kind, State, distance, plus};
use super::terrain::{Cell, MOST_CHUNKS};
use super::transition::Turn;

/// Steps at which zombies and skeletons notice the player.
const SIGHT: i32 = 8;
/// Steps at which skeletons shoot.
const SHOT: i32 = 5;
/// Steps at which skeletons back away.
const CLOSE: i32 = 3;

/// A creature in its turn.
#[derive(Clone, Copy)]
struct Body {
    idx: usize,
    position: Cell,
    alive: bool,
}

impl<C: Chance> Turn<'_, C> {
    pub fn cow(&mut self, idx: usize) {
        let body = self.bury(idx);
        if self.chance.uniform() < 0.5 {
            let step = self.any_step();
            self.go(body, step);
        }
    }

    pub fn zombie(&mut self, idx: usize, cooldown: u8) {
        let body = self.bury(idx);
        let step = if self.gap(body.position) <= SIGHT && self.chance.uniform() < 0.9 {
            let long = self.chance.uniform() < 0.8;
            self.toward_player(body.position, long)
        } else {
            self.any_step()
        };
        let body = self.go(body, step).0;
        if self.gap(body.position) > 1 {
            return;
        }
        let creatures = &self.rules.creatures;
        let cooldown = if cooldown > 0 {
            cooldown - 1
        } else {
            let asleep = self.state.player.sleeping;
            let damage = if asleep { creatures.zombie_damage_asleep } else { creatures.zombie_damage };
            self.state.player.hurt(damage);
            creatures.zombie_cooldown
        };
        self.state.objects[idx].kind = Kind::Zombie { cooldown };
    }

    pub fn skeleton(&mut self, idx: usize, reload: u8) {
        let body = self.bury(idx);
        let reload = reload.saturating_sub(1);
        self.state.objects[idx].kind = Kind::Skeleton { reload };
        let gap = self.gap(body.position);
        if gap <= CLOSE {
            let long = self.chance.uniform() < 0.6;
            let [x, y] = self.toward_player(body.position, long);
            if self.go(body, [-x, -y]).1 {
                return;
            }
        }
        if gap <= SHOT && self.chance.uniform() < 0.5 {
            self.shoot(body, reload);
        } else if gap <= SIGHT && self.chance.uniform() < 0.3 {
            let long = self.chance.uniform() < 0.6;
            let step = self.toward_player(body.position, long);
            self.go(body, step);
        } else if self.chance.uniform() < 0.2 {
            let step = self.any_step();
            self.go(body, step);
        }
    }

    fn shoot(&mut self, body: Body, reload: u8) {
        let step = self.toward_player(body.position, true);
        let facing = Facing::ALL.into_iter().find(|facing| facing.step() == step);
        let cell = plus(body.position, step);
        if let (0, Some(facing)) = (reload, facing)
            && self.state.is_free(cell, self.arrow_flies())
        {
            self.state.add(cell, 0, Kind::Arrow { facing });
            self.state.objects[body.idx].kind =
                Kind::Skeleton { reload: self.rules.creatures.skeleton_reload };
        }
    }

    pub fn arrow(&mut self, idx: usize, facing: Facing) {
        let target = plus(self.state.objects[idx].position, facing.step());
        let damage = self.rules.creatures.arrow_damage;
        if self.state.player.position == target {
            self.state.player.hurt(damage);
            self.remove(idx);
        } else if let Some(hit) = self.state.object_at(target) {
            let health = &mut self.state.objects[hit].health;
            *health = health.saturating_sub(damage);
            self.remove(idx);
        } else if self.state.is_free(target, self.arrow_flies()) {
            self.relocate(idx, target);
        } else {
            self.remove(idx);
            if self.state.terrain.at(target).is_some_and(|material| self.rules.breakable.has(material)) {
                self.state.terrain.set(target, super::names::Material::Path);
            }
        }
    }

    pub fn plant(&mut self, idx: usize, grown: u32) {
        let state = &mut *self.state;
        let here = state.objects[idx].position;
        let eats = |cell| {
            let eater = state.object_at(cell).map(|idx| state.objects[idx].kind);
            matches!(eater, Some(Kind::Zombie { .. } | Kind::Skeleton { .. } | Kind::Cow))
        };
        let eaten = Facing::ALL.iter().any(|facing| eats(plus(here, facing.step())));
        let plant = &mut state.objects[idx];
        plant.kind = Kind::Plant { grown: grown.saturating_add(1) };
        plant.health = plant.health.saturating_sub(u8::from(eaten));
        if plant.health == 0 {
            self.remove(idx);
        }
    }

    /// Takes a creature that was killed out of the world.
    fn bury(&mut self, idx: usize) -> Body {
        let object = self.state.objects[idx];
        let alive = object.health > 0;
        if !alive {
            self.remove(idx);
        }
        Body { idx, position: object.position, alive }
    }

    /// Goes one step if the cell is free: the creature afterwards, and whether it was free.
    fn go(&mut self, body: Body, step: Cell) -> (Body, bool) {
        let cell = plus(body.position, step);
        if !self.state.is_free(cell, self.rules.walkable) {
            return (body, false);
        }
        if !body.alive {
            return (body, true);
        }
        self.relocate(body.idx, cell);
        (Body { position: cell, ..body }, true)
    }

    fn relocate(&mut self, idx: usize, cell: Cell) {
        self.state.objects[idx].position = cell;
        self.state.enter_chunk(cell);
    }

    fn arrow_flies(&self) -> Materials {
        self.rules.walkable.or(self.rules.flyable)
    }

    fn any_step(&mut self) -> Cell {
        Facing::ALL[self.chance.below(4)].step()
    }

    /// Steps to the player.
    fn gap(&self, from: Cell) -> i32 {
        distance(from, self.state.player.position)
    }

    /// One step towards the player along the longer or the shorter axis; no step if that axis is level.
    fn toward_player(&self, from: Cell, long: bool) -> Cell {
        let [x, y] = self.state.player.position;
        let (dx, dy) = (x - from[0], y - from[1]);
        let sideways = if long { dx.abs() > dy.abs() } else { dx.abs() <= dy.abs() };
        if sideways { [dx.signum(), 0] } else { [0, dy.signum()] }
    }

    /// Lets creatures appear and go, chunk by chunk.
    pub fn balance(&mut self) {
        let light = self.state.daylight();
        let mut numbers = [[0_u16; Species::ALL.len()]; MOST_CHUNKS];
        for object in &self.state.objects {
            if let Some(species) = Species::of(object.kind) {
                let chunk = self.state.terrain.chunk_of(object.position);
                numbers[usize::from(chunk)][species as usize] += 1;
            }
        }
        for i in 0..self.state.chunks.len() {
            let chunk = self.state.chunks[i];
            for species in Species::ALL {
                let n = numbers[usize::from(chunk)][species as usize];
                self.balance_species(chunk, species, n.into(), light);
            }
        }
    }

    fn balance_species(&mut self, chunk: u16, species: Species, n: usize, light: f64) {
        let rule = &self.rules.balance[species as usize];
        let ratio = if species == Species::Zombie { f64::from(self.state.episode.zombie_ratio) } else { 1.0 };
        let target = |[dark, lit]: [f64; 2]| ((dark + lit * light) * ratio) as usize;
        let space = if n < target(rule.least) { self.state.terrain.count(chunk, rule.on) } else { 0 };
        if space > 0 && space >= rule.least_cells {
            if self.chance.uniform() < rule.spawn_chance {
                let idx = self.chance.below(space);
                self.spawn(chunk, species, rule, idx);
            }
        } else if n > target(rule.most) && self.chance.uniform() < rule.despawn_chance {
            let nth = self.chance.below(n);
            let idx = species.members(self.state, chunk).nth(nth);
            let idx = idx.filter(|idx| self.gap(self.state.objects[*idx].position) >= rule.despawn_cells);
            if let Some(idx) = idx {
                self.state.objects.remove(idx);
            }
        }
    }

    /// Puts a creature on the `idx`-th cell of its ground, column by column, unless it is taken or near.
    fn spawn(&mut self, chunk: u16, species: Species, rule: &Balance, idx: usize) {
        let [[x, y], [end_x, end_y]] = self.state.terrain.chunk(chunk);
        let cells = (x..end_x).flat_map(|x| (y..end_y).map(move |y| [x, y]));
        let mut ground = cells.filter(|cell| self.state.terrain.at(*cell) == Some(rule.on));
        let Some(cell) = ground.nth(idx) else { return };
        if self.state.is_free(cell, Materials::of(&[rule.on])) && self.gap(cell) >= rule.spawn_cells {
            let creatures = &self.rules.creatures;
            let (health, kind) = match species {
                Species::Zombie => (creatures.zombie_health, Kind::Zombie { cooldown: 0 }),
                Species::Skeleton => (creatures.skeleton_health, Kind::Skeleton { reload: 0 }),
                Species::Cow => (creatures.cow_health, Kind::Cow),
            };
            self.state.add(cell, health, kind);
        }
    }
}

/// The creatures whose number is kept in balance, in the order of [`Rules::balance`](super::rules::Rules::balance).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Species {
    Zombie,
    Skeleton,
    Cow,
}

impl Species {
    const ALL: [Species; 3] = [Species::Zombie, Species::Skeleton, Species::Cow];

    fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Zombie { .. } => Some(Species::Zombie),
            Kind::Skeleton { .. } => Some(Species::Skeleton),
            Kind::Cow => Some(Species::Cow),
            Kind::Arrow { .. } | Kind::Plant { .. } => None,
        }
    }

    /// Its places in a state's objects, within one chunk, oldest first.
    fn members(self, state: &State, chunk: u16) -> impl Iterator<Item = usize> + '_ {
        let objects = state.objects.iter().enumerate();
        let ours = objects.filter(move |(_, object)| Self::of(object.kind) == Some(self));
        ours.filter(move |(_, object)| state.terrain.chunk_of(object.position) == chunk).map(|(idx, _)| idx)
    }
}
