//! One room full of things, and a mission that speaks of some of them: what `goto` and `pickup` start from.

use worldsmith_core::Rng;

use super::board::{Board, Spot};
use super::cell::{Cell, Colour, Kind};
use super::engine::{Facing, Pose};
use super::layout::CONDITIONS;
use super::mission::Want;
use super::rooms::Rooms;
use crate::OptionEntry;
use crate::factors::Factor;

/// The factors of these environments.
pub const FACTORS: [Factor; 4] = [
    CONDITIONS[0],
    CONDITIONS[1],
    CONDITIONS[2],
    Factor {
        name: "n_things",
        about: "how many keys, balls and boxes there are, rounded; fewer where the room is too small",
        default: 8.0,
        train: [1.0, 8.0],
        shifted: [9.0, 14.0],
    },
];

/// The largest room.
pub const MOST_CELLS: i32 = 12;

/// The size of the room.
pub const CELLS: OptionEntry =
    OptionEntry { name: "cells", default: "8", about: "side of the room with its walls, 4 to 12 cells" };

/// How often so many things are tried before one is left out.
const N_TRIES: usize = 100;

/// A room of `cells` by `cells` cells, at most [`MOST_CELLS`], in which all things can be come to, with those marked that are wanted, and what that is.
/// `arrange` is handed an empty room and how many things are meant to be in it, and is asked again when it gives up. In the
/// smallest room, of two by two free cells, it must find a place for the agent and one thing.
pub fn arranged(
    cells: i32,
    n_things: f32,
    rng: &mut Rng,
    mut arrange: impl FnMut(&mut Rooms, usize, &mut Rng) -> Option<Want>,
) -> (Board, Pose, Want) {
    let most = (n_things.round() as usize).clamp(1, 64);
    let mut n_tried = 0;
    loop {
        let n = most.saturating_sub(n_tried / N_TRIES).max(1);
        let mut rooms = Rooms::new([1, 1], cells, rng);
        let want = arrange(&mut rooms, n, rng);
        if let Some(mut want) = want.filter(|_| are_all_in_reach(&rooms.board, rooms.agent)) {
            want.mark(&mut rooms.board, rooms.agent);
            return (rooms.board, rooms.agent, want);
        }
        n_tried += 1;
    }
}

/// Adds a thing of random kind and colour to the one room; `None` if there is no place for it.
pub fn add_any(rooms: &mut Rooms, rng: &mut Rng) -> Option<Cell> {
    let kind = Kind::LIFTABLE[rng.below(Kind::LIFTABLE.len())];
    let thing = Cell::new(kind, Colour::draw(rng));
    rooms.add([0, 0], thing, rng).map(|_| thing)
}

/// Whether one can come to everything but walls without lifting anything.
fn are_all_in_reach(board: &Board, agent: Pose) -> bool {
    let width = board.size()[0];
    let idx = |[x, y]: Spot| (y * width + x) as usize;
    let mut is_reached = [false; (MOST_CELLS * MOST_CELLS) as usize];
    is_reached[idx(agent.spot)] = true;
    let mut n_new = 1;
    while n_new > 0 {
        n_new = 0;
        for spot in board.spots().filter(|spot| board.at(*spot) == Cell::EMPTY) {
            if is_reached[idx(spot)] {
                let around = Facing::ALL.map(|facing| Pose { spot, facing }.front());
                for next in around.into_iter().filter(|next| board.holds(*next)) {
                    n_new += usize::from(!std::mem::replace(&mut is_reached[idx(next)], true));
                }
            }
        }
    }
    let mut things = board.cells().iter().zip(is_reached).filter(|(cell, _)| cell.can_lift());
    things.all(|(_, is_reached)| is_reached)
}
