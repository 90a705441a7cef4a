//! A good player: plays short plans to their end among what is in the water now, and takes the first step of the best.

use super::{Arrivals, Game, MAX_DIVERS};
use crate::arcade::minatar::LAST;

const NOOP: usize = 0;
const LEFT: usize = 1;
const UP: usize = 2;
const RIGHT: usize = 3;
const DOWN: usize = 4;
const FIRE: usize = 5;

/// Steps that a plan is played.
const HORIZON: usize = 14;
/// Worth of being alive a step later.
const DISCOUNT: f32 = 0.96;

/// Steps up or down, then steps to a side, then shots.
#[derive(Clone, Copy)]
struct Plan {
    vertical: (usize, usize),
    sideways: (usize, usize),
}

impl Plan {
    /// All plans worth trying.
    fn all() -> impl Iterator<Item = Self> {
        let plan = |vertical, sideways| Self { vertical, sideways };
        let rows = [UP, DOWN].into_iter().flat_map(|way| (1..=8).map(move |n| (way, n)));
        let turns = [(NOOP, 0), (LEFT, 1), (RIGHT, 1)];
        let columns = [LEFT, RIGHT].into_iter().flat_map(|way| (1..=9).map(move |n| (way, n)));
        let dives = rows.flat_map(move |row| turns.map(|turn| plan(row, turn)));
        let waits = [0, 1, 3].map(|n| plan((NOOP, n), (NOOP, 0)));
        waits.into_iter().chain(columns.map(move |column| plan((NOOP, 0), column))).chain(dives)
    }

    /// What to do in step `t`.
    fn choice(self, t: usize, game: &Game) -> usize {
        let Self { vertical, sideways } = self;
        match t {
            _ if t < vertical.1 => vertical.0,
            _ if t < vertical.1 + sideways.1 => sideways.0,
            _ if game.cool_timer == 0 => FIRE,
            _ => NOOP,
        }
    }
}

/// The best action.
pub(super) fn choose(game: &Game) -> usize {
    let mut best = (NOOP, f32::NEG_INFINITY);
    for plan in Plan::all() {
        let worth = worth(game, plan);
        if worth > best.1 {
            best = (plan.choice(0, game), worth);
        }
    }
    best.0
}

/// Whether it is time to go up: room or air run out, and somebody is on board.
fn is_going_up(game: &Game) -> bool {
    let low = game.air < game.player[1] + game.air_steps / 8 && game.n_divers > 0;
    game.n_divers == MAX_DIVERS || low
}

/// What a plan leads to, if nothing else arrives.
fn worth(game: &Game, plan: Plan) -> f32 {
    let mut ahead = game.clone();
    let (mut worth, mut weight) = (0.0, 1.0);
    let going_up = is_going_up(game);
    // The less air is left, the more it counts to have somebody to go up with.
    let diver_worth = if game.n_divers > 0 { 0.7 } else { 3.0 };
    for t in 0..HORIZON {
        let n_divers = ahead.n_divers;
        worth += weight * ahead.turn(plan.choice(t, &ahead), true, &Arrivals::default());
        if ahead.lost {
            return worth - 20.0 * weight;
        }
        if ahead.n_divers > n_divers {
            worth += weight * diver_worth;
        }
        if ahead.air == ahead.air_steps && ahead.surfaced {
            worth += if going_up { 5.0 * weight } else { -2.0 };
        }
        weight *= DISCOUNT;
    }
    worth + standing(&ahead, going_up)
}

/// How good it is to be where a plan ends.
fn standing(game: &Game, going_up: bool) -> f32 {
    let [x, y] = game.player;
    // Whatever arrives does so at the edges.
    let edge = if (1..LAST).contains(&x) { 0.0 } else { -0.5 };
    if going_up && !game.surfaced {
        return edge - 0.2 * y as f32;
    }
    let way = |at: [i32; 2]| (at[0] - x).abs() + (at[1] - y).abs();
    let eager = if game.n_divers > 0 { 0.03 } else { 0.15 };
    let diver = game.divers.iter().map(|diver| way(diver.at)).min().unwrap_or(LAST);
    edge - eager * diver as f32 - 0.02 * (y - 4).abs() as f32
}
