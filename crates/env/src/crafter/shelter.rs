//! Where the expert sleeps: two cells dug into the rock, closed behind it with a stone.

use super::names::Deed;
use super::route::{Routes, go};
use super::rules::Rules;
use super::state::{Facing, State, plus};
use super::terrain::Cell;

/// How far away a shelter may be, in cells.
const REACH: i32 = 14;
/// The most cells that a sealed place has.
const MOST_CELLS: usize = 3;

/// Whether nobody can come to the player.
pub fn is_sealed(rules: &Rules, state: &State) -> bool {
    let mut cells = [state.player.position; MOST_CELLS];
    let (mut n, mut next) = (1, 0);
    while next < n {
        for facing in Facing::ALL {
            let cell = plus(cells[next], facing.step());
            let is_open = state.terrain.at(cell).is_some_and(|material| rules.walkable.has(material));
            if !is_open || cells[..n].contains(&cell) {
                continue;
            }
            if n == MOST_CELLS {
                return false;
            }
            cells[n] = cell;
            n += 1;
        }
        next += 1;
    }
    cells[..n].iter().all(|cell| state.object_at(*cell).is_none())
}

/// Two cells in the rock and the way in.
#[derive(Debug, Clone, Copy)]
struct Den {
    /// The cell before the den.
    door: Cell,
    outer: Cell,
    inner: Cell,
    /// From the door inwards.
    facing: Facing,
}

/// The next deed on the way into a shelter, if there are stones and rock near enough.
pub fn seek(rules: &Rules, state: &State, routes: &Routes<'_>) -> Option<Deed> {
    let stone = rules.place.get(&Deed::PlaceStone).filter(|place| state.player.has(&place.uses))?;
    let [x, y] = state.player.position;
    let cells = (y - REACH..=y + REACH).flat_map(|y| (x - REACH..=x + REACH).map(move |x| [x, y]));
    let dens = cells.flat_map(|outer| Facing::ALL.map(|facing| Den::at(outer, facing)));
    let usable = dens.filter(|den| {
        let door = state.terrain.at(den.door);
        den.is_solid(rules, state, routes) && door.is_some_and(|material| stone.on.has(material))
    });
    let costs = usable.filter_map(|den| den.cost(state, routes).map(|cost| (cost, den)));
    let (_, den) = costs.min_by_key(|(cost, den)| (*cost, den.outer, den.facing as u8))?;
    den.enter(rules, state, routes)
}

impl Den {
    fn at(outer: Cell, facing: Facing) -> Self {
        let [dx, dy] = facing.step();
        Self { door: plus(outer, [-dx, -dy]), outer, inner: plus(outer, [dx, dy]), facing }
    }

    /// Whether it is closed but for its door, or can be made so.
    fn is_solid(&self, rules: &Rules, state: &State, routes: &Routes<'_>) -> bool {
        let is_wall = |cell| {
            let closed = |material| !rules.walkable.has(material) && !rules.deadly.has(material);
            state.terrain.at(cell).is_some_and(closed)
        };
        let is_room = |cell| {
            let fits = |material| rules.walkable.has(material) || routes.can_dig(material);
            state.terrain.at(cell).is_some_and(fits) && state.object_at(cell).is_none()
        };
        let own = [self.door, self.outer, self.inner];
        let around = |cell| Facing::ALL.map(|facing| plus(cell, facing.step()));
        let mut walls = around(self.outer).into_iter().chain(around(self.inner));
        is_room(self.outer) && is_room(self.inner) && walls.all(|cell| own.contains(&cell) || is_wall(cell))
    }

    /// About how many deeds it takes to be inside.
    fn cost(&self, state: &State, routes: &Routes<'_>) -> Option<u32> {
        let here = state.player.position;
        if here == self.outer || here == self.inner {
            return Some(0);
        }
        routes
            .cost(self.door)
            .map(|cost| cost + routes.cost(self.inner).map_or(6, |inner| inner.saturating_sub(cost)))
    }

    /// The next deed: in to the end, back by one, which leaves the door ahead, and a stone on the door.
    fn enter(&self, rules: &Rules, state: &State, routes: &Routes<'_>) -> Option<Deed> {
        let player = &state.player;
        let is_open = |cell| state.is_free(cell, rules.walkable);
        let [dx, dy] = self.facing.step();
        let inward =
            |next| if is_open(next) || player.facing != self.facing { go(self.facing) } else { Deed::Do };
        if player.position == self.door {
            Some(inward(self.outer))
        } else if player.position == self.inner {
            Facing::ALL.into_iter().find(|facing| facing.step() == [-dx, -dy]).map(go)
        } else if player.position != self.outer {
            routes.toward(self.door)
        } else if player.facing.step() == [-dx, -dy] {
            Some(Deed::PlaceStone)
        } else {
            Some(inward(self.inner))
        }
    }
}
