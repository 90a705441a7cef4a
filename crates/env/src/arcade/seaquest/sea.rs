//! What swims and flies, and how it arrives.

use serde::{Deserialize, Serialize};
use worldsmith_core::Rng;

use super::Game;
use crate::arcade::minatar::{CELLS, LAST, on_grid};

/// Rows in which something can arrive: the first and how many.
const ROWS: (i32, usize) = (1, 8);

/// A bullet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bullet {
    /// Column and row.
    pub at: [i32; 2],
    /// Whether it flies to the right.
    pub right: bool,
}

impl Bullet {
    /// One cell further.
    pub fn fly(&mut self) {
        self.at[0] += if self.right { 1 } else { -1 };
    }

    /// Whether it is still over the grid.
    pub fn is_inside(&self) -> bool {
        (0..CELLS).contains(&self.at[0])
    }
}

/// A fish, a submarine or a diver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swimmer {
    /// Column and row.
    pub at: [i32; 2],
    /// Whether it swims to the right.
    pub right: bool,
    /// Steps until it moves.
    pub move_timer: i32,
    /// Steps until it shoots; 0 and unused for those that do not.
    pub shot_timer: i32,
}

impl Swimmer {
    /// Newly arrived.
    pub fn at_edge(right: bool, row: i32, move_timer: i32, shot_timer: i32) -> Self {
        Self { at: [if right { 0 } else { LAST }, row], right, move_timer, shot_timer }
    }

    /// Waits a step, or moves and then rests for `move_steps`; says whether it moved.
    pub fn swim(&mut self, move_steps: i32) -> bool {
        if self.move_timer > 0 {
            self.move_timer -= 1;
            return false;
        }
        self.move_timer = move_steps;
        self.at[0] += if self.right { 1 } else { -1 };
        true
    }

    /// The cell it came from.
    pub fn behind(&self) -> [i32; 2] {
        let [x, y] = self.at;
        [if self.right { x - 1 } else { x + 1 }, y]
    }

    /// Whether it is on the grid and its timers run.
    pub fn is_sound(&self) -> bool {
        on_grid(self.at)
            && [self.move_timer, self.shot_timer].iter().all(|steps| (0..=10_000).contains(steps))
    }
}

/// An enemy that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Whether it swims to the right, from the left edge.
    pub right: bool,
    /// Whether it is a submarine; else a fish.
    pub submarine: bool,
    /// Its row.
    pub row: i32,
}

impl Arrival {
    /// The side is fair, one in three is a submarine, all rows are alike.
    pub fn draw(rng: &mut Rng) -> Self {
        let (right, submarine) = (rng.chance(0.5), rng.chance(1.0 / 3.0));
        Self { right, submarine, row: ROWS.0 + rng.below(ROWS.1) as i32 }
    }
}

/// A diver who arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiverArrival {
    /// Whether the diver swims to the right, from the left edge.
    pub right: bool,
    /// The diver's row.
    pub row: i32,
}

impl DiverArrival {
    /// The side is fair, all rows are alike.
    pub fn draw(rng: &mut Rng) -> Self {
        Self { right: rng.chance(0.5), row: ROWS.0 + rng.below(ROWS.1) as i32 }
    }
}

/// What comes in a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Arrivals {
    /// An enemy, when it is time for one.
    pub enemy: Option<Arrival>,
    /// A diver, when it is time for one.
    pub diver: Option<DiverArrival>,
}

impl Arrivals {
    /// Draws what it is time for.
    pub fn draw(game: &Game, rng: &mut Rng) -> Self {
        Self {
            enemy: (game.spawn_timer == 0).then(|| Arrival::draw(rng)),
            diver: (game.diver_timer == 0).then(|| DiverArrival::draw(rng)),
        }
    }
}

/// Takes the element `i` out of a list, or the first that equals it, as the reference does; says where the element `i` is now
/// if it is still there.
pub fn take_out<T: PartialEq>(list: &mut Vec<T>, i: usize) -> Option<usize> {
    let first = list.iter().position(|other| *other == list[i]).unwrap_or(i);
    list.remove(first);
    (first < i).then(|| i - 1)
}
