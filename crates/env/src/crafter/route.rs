//! Ways over the map: how far everything is, and where to go first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::names::{Deed, Item, Material};
use super::rules::Rules;
use super::state::{Facing, Kind, State, distance, plus};
use super::terrain::Cell;

/// The cost of what cannot be reached.
const FAR: u32 = u32::MAX;

/// How the player gets anywhere: walking, digging, fighting, and laying stones over water.
#[derive(Debug)]
pub struct Routes<'a> {
    rules: &'a Rules,
    state: &'a State,
    /// Deeds that it takes, about, by cell; what cannot be entered costs as much as to stand before it and one more.
    costs: Vec<u32>,
    /// The first step.
    firsts: Vec<Facing>,
}

/// What it takes to go from one cell to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    /// So many deeds.
    Costs(u32),
    /// It can be reached, not entered.
    Shut,
    /// It must not even be faced.
    Deadly,
}

impl<'a> Routes<'a> {
    /// From where the player is to everywhere.
    pub fn new(rules: &'a Rules, state: &'a State) -> Self {
        let n = state.terrain.width() * state.terrain.height();
        let mut routes = Self { rules, state, costs: vec![FAR; n], firsts: vec![Facing::Down; n] };
        routes.explore();
        routes
    }

    fn explore(&mut self) {
        let entries = self.entries();
        let terrain = &self.state.terrain;
        let start = self.state.player.position;
        let mut queue = BinaryHeap::from([(Reverse(0), start)]);
        if let Some(i) = terrain.index(start) {
            self.costs[i] = 0;
        }
        while let Some((Reverse(cost), cell)) = queue.pop() {
            let here = terrain.index(cell).filter(|i| self.costs[*i] == cost);
            let Some(here) = here else { continue };
            for facing in Facing::ALL {
                let next = plus(cell, facing.step());
                let Some(i) = terrain.index(next) else { continue };
                let (through, more) = match entries[i] {
                    Entry::Costs(more) => (true, more),
                    Entry::Shut => (false, 1),
                    Entry::Deadly => continue,
                };
                if cost + more < self.costs[i] {
                    self.costs[i] = cost + more;
                    self.firsts[i] = if cell == start { facing } else { self.firsts[here] };
                    if through {
                        queue.push((Reverse(cost + more), next));
                    }
                }
            }
        }
    }

    fn entries(&self) -> Vec<Entry> {
        let terrain = &self.state.terrain;
        let materials = (0..terrain.height()).flat_map(|y| terrain.row(y));
        let mut entries: Vec<_> = materials.map(|material| self.entry(*material)).collect();
        for object in &self.state.objects {
            if let Some(i) = terrain.index(object.position) {
                entries[i] = match object.kind {
                    Kind::Cow | Kind::Zombie { .. } | Kind::Skeleton { .. } => Entry::Costs(6),
                    Kind::Arrow { .. } => Entry::Costs(2),
                    Kind::Plant { .. } => Entry::Shut,
                };
            }
        }
        entries
    }

    fn entry(&self, material: Material) -> Entry {
        if self.rules.deadly.has(material) {
            Entry::Deadly
        } else if self.rules.walkable.has(material) {
            Entry::Costs(1)
        } else if self.can_dig(material) {
            Entry::Costs(3)
        } else if self.can_bridge(material) {
            Entry::Costs(6)
        } else {
            Entry::Shut
        }
    }

    /// Whether the player can make its way through `material`.
    pub fn can_dig(&self, material: Material) -> bool {
        self.rules.collect.get(&material).is_some_and(|collect| {
            self.rules.walkable.has(collect.leaves) && self.state.player.has(&collect.needs)
        })
    }

    /// Whether the player can lay a stone there and dig it away.
    fn can_bridge(&self, material: Material) -> bool {
        let stone = self.rules.place.get(&Deed::PlaceStone);
        stone.is_some_and(|place| place.on.has(material) && self.state.player.has(&place.uses))
            && self.can_dig(Material::Stone)
    }

    /// About how many deeds it takes to get to `cell` or before it; none if there is no way.
    pub fn cost(&self, cell: Cell) -> Option<u32> {
        self.state.terrain.index(cell).map(|i| self.costs[i]).filter(|cost| *cost != FAR)
    }

    /// The nearest cell of those that fit.
    pub fn nearest(&self, fits: impl Fn(Cell) -> bool) -> Option<(u32, Cell)> {
        let terrain = &self.state.terrain;
        let cells =
            (0..terrain.height() as i32).flat_map(|y| (0..terrain.width() as i32).map(move |x| [x, y]));
        let reached = cells.filter_map(|cell| self.cost(cell).map(|cost| (cost, cell)));
        reached.filter(|(_, cell)| fits(*cell)).min_by_key(|(cost, cell)| (*cost, *cell))
    }

    /// The next deed on the way to `cell`, up to facing it if it is shut; none when there.
    pub fn toward(&self, cell: Cell) -> Option<Deed> {
        let player = &self.state.player;
        if cell == player.position {
            return None;
        }
        let facing = self.firsts[self.state.terrain.index(cell)?];
        let next = plus(player.position, facing.step());
        let turn = Some(go(facing));
        if self.state.is_free(next, self.rules.walkable) || player.facing != facing {
            return turn;
        }
        if let Some(idx) = self.state.object_at(next) {
            let fights = !matches!(self.state.objects[idx].kind, Kind::Plant { .. });
            return if fights { Some(Deed::Do) } else { None };
        }
        let material = self.state.terrain.at(next)?;
        if next == cell {
            None
        } else if self.can_dig(material) {
            Some(Deed::Do)
        } else {
            Some(Deed::PlaceStone)
        }
    }

    /// Steps to the nearest zombie or skeleton, and where it is.
    pub fn enemy(&self) -> Option<(i32, Cell)> {
        let fights = |kind| matches!(kind, Kind::Zombie { .. } | Kind::Skeleton { .. });
        let enemies = self.state.objects.iter().filter(|object| fights(object.kind));
        enemies.map(|o| (distance(o.position, self.state.player.position), o.position)).min()
    }

    /// How much of `item` the player has.
    pub fn has(&self, item: Item) -> u8 {
        self.state.player.inventory[item]
    }
}

/// The deed that goes or turns there.
pub fn go(facing: Facing) -> Deed {
    match facing {
        Facing::Left => Deed::MoveLeft,
        Facing::Right => Deed::MoveRight,
        Facing::Up => Deed::MoveUp,
        Facing::Down => Deed::MoveDown,
    }
}
