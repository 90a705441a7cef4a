//! What the agent sees: seven by seven cells before it, as far as walls and closed doors let it.

use super::board::{Board, Spot};
use super::cell::{Cell, Kind};
use super::engine::{Pose, State};

/// Cells from left to right and from far to near.
pub const SIDE: usize = 7;
/// Column of the agent, which stands in the last row and looks up.
pub const MIDDLE: usize = SIDE / 2;
/// Numbers a cell in symbolic views.
pub const CHANNELS: usize = 3;

/// The cells before the agent, row by row from the farthest; what is out of sight is [`Cell::UNSEEN`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glimpse(pub [[Cell; SIDE]; SIDE]);

impl Glimpse {
    /// What the agent sees now. In its own place it sees what it has in hand. `through_walls`: nothing hides anything.
    pub fn of(state: &State, through_walls: bool) -> Self {
        let mut cells = [[Cell::WALL; SIDE]; SIDE];
        for (row, cells) in cells.iter_mut().enumerate() {
            for (col, cell) in cells.iter_mut().enumerate() {
                *cell = state.board.at(spot(state.agent, row, col));
            }
        }
        if !through_walls {
            let sight = in_sight(&cells);
            for (cells, seen) in cells.iter_mut().zip(sight) {
                for (col, cell) in cells.iter_mut().enumerate() {
                    if seen >> col & 1 == 0 {
                        *cell = Cell::UNSEEN;
                    }
                }
            }
        }
        cells[SIDE - 1][MIDDLE] = state.carried;
        Self(cells)
    }

    /// Places on the board that are seen.
    pub fn seen_from(&self, agent: Pose) -> impl Iterator<Item = Spot> {
        let all = (0..SIDE).flat_map(|row| (0..SIDE).map(move |col| (row, col)));
        all.filter(|(row, col)| self.0[*row][*col] != Cell::UNSEEN)
            .map(move |(row, col)| spot(agent, row, col))
    }

    /// Writes MiniGrid's encoding: column by column, from far to near, three numbers a cell.
    pub fn write(&self, out: &mut [f32]) {
        for (i, numbers) in out.as_chunks_mut::<CHANNELS>().0.iter_mut().enumerate().take(SIDE * SIDE) {
            *numbers = self.0[i % SIDE][i / SIDE].encoded().map(f32::from);
        }
    }
}

/// Writes the whole board: column by column, three numbers a cell; the agent is a red agent whose state is where it looks.
pub fn write_board(board: &Board, agent: Pose, out: &mut [f32]) {
    let [_, height] = board.size();
    for (i, numbers) in (0..).zip(out.as_chunks_mut::<CHANNELS>().0) {
        let spot = [i / height.max(1), i % height.max(1)];
        *numbers = if spot == agent.spot {
            [Kind::Agent as u8, 0, agent.facing as u8].map(f32::from)
        } else {
            board.at(spot).encoded().map(f32::from)
        };
    }
}

/// The place on the board of a cell of the view.
fn spot(agent: Pose, row: usize, col: usize) -> Spot {
    agent.ahead((SIDE - 1 - row) as i32, col as i32 - MIDDLE as i32)
}

/// Which cells are in sight, a bit a column. Sight spreads from the agent, row by row away from it: along a row through what can
/// be seen through, and from there to the three cells ahead.
fn in_sight(cells: &[[Cell; SIDE]; SIDE]) -> [u8; SIDE] {
    const ALL: u8 = (1 << SIDE) - 1;
    let mut sight = [0; SIDE];
    let mut seen: u8 = 1 << MIDDLE;
    for (sight, cells) in sight.iter_mut().zip(cells).rev() {
        let clear = (0..SIDE).fold(0, |bits, col| bits | u8::from(cells[col].is_see_through()) << col);
        for _ in 1..SIDE {
            let passed = seen & clear;
            seen |= passed << 1 | passed >> 1;
        }
        *sight = seen & ALL;
        let passed = seen & clear;
        seen = (passed | passed << 1 | passed >> 1) & ALL;
    }
    sight
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of `#` (wall) and `.`, and which cells are seen.
    fn seen(rows: [&str; SIDE]) -> [String; SIDE] {
        let cell = |letter| if letter == b'#' { Cell::WALL } else { Cell::EMPTY };
        let cells = rows.map(|row| std::array::from_fn(|col| cell(row.as_bytes()[col])));
        in_sight(&cells)
            .map(|bits| (0..SIDE).map(|col| if bits >> col & 1 == 1 { 'o' } else { '-' }).collect())
    }

    #[test]
    fn walls_hide_what_is_behind_them_and_gaps_show_it() {
        let behind_a_door =
            seen([".......", ".......", ".......", "###.###", ".......", ".......", "......."]);
        assert_eq!(
            behind_a_door,
            ["ooooooo", "ooooooo", "ooooooo", "ooooooo", "ooooooo", "ooooooo", "ooooooo"]
        );
        let in_a_corridor =
            seen([".......", "..###..", "..#.#..", "..#.#..", "..#.#..", "..#.#..", "..#.#.."]);
        assert_eq!(
            in_a_corridor,
            ["-------", "--ooo--", "--ooo--", "--ooo--", "--ooo--", "--ooo--", "--ooo--"]
        );
    }
}
