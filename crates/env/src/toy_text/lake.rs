//! Maps of frozen lakes: where the ice holds, and how one slips on it.

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng};

use super::table::{Way, Ways};

/// Most rows and columns of a lake.
pub const MAX_SIDE: usize = 16;

/// What is at one place of a lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tile {
    /// `S`: where episodes start.
    Start,
    /// `F`: ice that holds.
    Frozen,
    /// `H`: a hole; to fall in ends the episode.
    Hole,
    /// `G`: the goal.
    Goal,
}

impl Tile {
    fn of(letter: u8) -> Option<Self> {
        Some(match letter {
            b'S' => Self::Start,
            b'F' => Self::Frozen,
            b'H' => Self::Hole,
            b'G' => Self::Goal,
            _ => return None,
        })
    }

    /// Its letter on maps.
    pub fn letter(self) -> char {
        match self {
            Self::Start => 'S',
            Self::Frozen => 'F',
            Self::Hole => 'H',
            Self::Goal => 'G',
        }
    }

    fn ends(self) -> bool {
        matches!(self, Self::Hole | Self::Goal)
    }
}

/// A map of at most [`MAX_SIDE`] rows and columns. Written down it is a list of rows of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Lake {
    n_rows: usize,
    n_cols: usize,
    tiles: [[Tile; MAX_SIDE]; MAX_SIDE],
}

impl Lake {
    /// A map from its rows of letters.
    ///
    /// # Errors
    /// If rows differ in length, are too many or too long, or hold other letters, or no start.
    pub fn parse<R: AsRef<str>>(rows: &[R]) -> Result<Self> {
        let (n_rows, n_cols) = (rows.len(), rows.first().map_or(0, |row| row.as_ref().len()));
        let wrong = |got: String| {
            let expected = format!("at most {MAX_SIDE} equal rows of `S`, `F`, `H` and `G` with a start");
            Err(Error::invalid(format!("expected {expected}, got {got}")))
        };
        if !(1..=MAX_SIDE).contains(&n_rows) || !(1..=MAX_SIDE).contains(&n_cols) {
            return wrong(format!("{n_rows} rows of {n_cols}"));
        }
        let mut lake = Self { n_rows, n_cols, tiles: [[Tile::Frozen; MAX_SIDE]; MAX_SIDE] };
        for (tiles, row) in lake.tiles.iter_mut().zip(rows) {
            let letters = row.as_ref().as_bytes();
            if letters.len() != n_cols {
                return wrong(format!("a row `{}` beside one of {n_cols}", row.as_ref()));
            }
            for (tile, letter) in tiles.iter_mut().zip(letters) {
                match Tile::of(*letter) {
                    Some(known) => *tile = known,
                    None => return wrong(format!("the row `{}`", row.as_ref())),
                }
            }
        }
        if lake.starts().next().is_none() {
            return wrong("none".to_owned());
        }
        Ok(lake)
    }

    /// A random square map on which the goal can be reached: each place but the first and the last is ice with chance `frozen`.
    pub fn generate(side: usize, frozen: f32, rng: &mut Rng) -> Self {
        let mut lake = Self { n_rows: side, n_cols: side, tiles: [[Tile::Frozen; MAX_SIDE]; MAX_SIDE] };
        loop {
            for tile in lake.tiles[..side].iter_mut().flat_map(|row| &mut row[..side]) {
                *tile = if rng.chance(frozen) { Tile::Frozen } else { Tile::Hole };
            }
            lake.tiles[0][0] = Tile::Start;
            lake.tiles[side - 1][side - 1] = Tile::Goal;
            if lake.goal_in_reach() {
                return lake;
            }
        }
    }

    /// Rows and columns.
    pub fn shape(&self) -> [usize; 2] {
        [self.n_rows, self.n_cols]
    }

    /// Number of places.
    pub fn n_places(&self) -> usize {
        self.n_rows * self.n_cols
    }

    /// Row and column of a place.
    pub fn row_col(&self, place: usize) -> [usize; 2] {
        [place / self.n_cols, place % self.n_cols]
    }

    /// What is at a place.
    pub fn tile(&self, place: usize) -> Tile {
        let [row, col] = self.row_col(place);
        self.tiles[row][col]
    }

    /// The places where episodes start.
    pub fn starts(&self) -> impl Iterator<Item = usize> {
        (0..self.n_places()).filter(|place| self.tile(*place) == Tile::Start)
    }

    /// How a step from `place` in direction `action` (left, down, right, up) can turn out. On slippery ice it goes where it was
    /// meant to with chance `success`, and otherwise to either side; `None` is ice that is not slippery.
    pub fn ways(&self, place: usize, action: usize, success: Option<f64>) -> Ways {
        if self.tile(place).ends() {
            return Ways::certain(Way { probability: 1.0, next: place, reward: 0.0, terminated: true });
        }
        let Some(success) = success else { return Ways::certain(self.way(place, action, 1.0)) };
        let astray = (1.0 - success) / 2.0;
        Ways::three([
            self.way(place, (action + 3) % 4, astray),
            self.way(place, action, success),
            self.way(place, (action + 1) % 4, astray),
        ])
    }

    fn way(&self, place: usize, direction: usize, probability: f64) -> Way {
        let next = self.neighbour(place, direction);
        let tile = self.tile(next);
        let reward = if tile == Tile::Goal { 1.0 } else { 0.0 };
        Way { probability, next, reward, terminated: tile.ends() }
    }

    /// The place one step away; the shore stops.
    fn neighbour(&self, place: usize, direction: usize) -> usize {
        let [row, col] = self.row_col(place);
        let [row, col] = match direction {
            0 => [row, col.saturating_sub(1)],
            1 => [(row + 1).min(self.n_rows - 1), col],
            2 => [row, (col + 1).min(self.n_cols - 1)],
            _ => [row.saturating_sub(1), col],
        };
        row * self.n_cols + col
    }

    /// Whether ice leads from the first place to a goal.
    fn goal_in_reach(&self) -> bool {
        let mut seen = [false; MAX_SIDE * MAX_SIDE];
        let mut open = [0; MAX_SIDE * MAX_SIDE];
        let mut n_open = 1;
        seen[0] = true;
        while n_open > 0 {
            n_open -= 1;
            let place = open[n_open];
            for next in (0..4).map(|direction| self.neighbour(place, direction)) {
                if self.tile(next) == Tile::Goal {
                    return true;
                }
                if !seen[next] && self.tile(next) != Tile::Hole {
                    seen[next] = true;
                    open[n_open] = next;
                    n_open += 1;
                }
            }
        }
        false
    }
}

impl TryFrom<Vec<String>> for Lake {
    type Error = Error;

    fn try_from(rows: Vec<String>) -> Result<Self> {
        Self::parse(&rows)
    }
}

impl From<Lake> for Vec<String> {
    fn from(lake: Lake) -> Self {
        let row = |row: &[Tile; MAX_SIDE]| row[..lake.n_cols].iter().map(|tile| tile.letter()).collect();
        lake.tiles[..lake.n_rows].iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use worldsmith_core::Seed;

    use super::*;

    #[test]
    fn a_map_is_read_and_written_alike_and_others_are_refused() {
        let rows = ["SFH", "HFG"].map(String::from).to_vec();
        let lake = Lake::parse(&rows).unwrap();
        assert_eq!(Vec::from(lake), rows);
        assert!(lake.goal_in_reach());
        assert!(!Lake::parse(&["SHF", "HFG"]).unwrap().goal_in_reach());
        let long = "F".repeat(17);
        for wrong in [&["SF", "F"][..], &["FF"], &["SX"], &[], &[""], &["Sé"], &["S", &long], &[&long]] {
            assert!(Lake::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn random_maps_have_a_way_and_about_as_much_ice_as_was_asked_for() {
        let mut rng = Seed(0).rng();
        let mut n_holes = 0;
        for _ in 0..500 {
            let lake = Lake::generate(8, 0.8, &mut rng);
            assert!(lake.goal_in_reach());
            n_holes += (0..64).filter(|place| lake.tile(*place) == Tile::Hole).count();
        }
        // 62 places with a chance of 0.2, a little less because maps without a way are thrown away.
        let mean = n_holes as f32 / 500.0;
        assert!((11.0..12.4).contains(&mean), "{mean}");
    }
}
