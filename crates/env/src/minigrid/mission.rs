//! What an instruction speaks of, and its words.

use serde::{Deserialize, Serialize};

use super::board::{Board, Spot};
use super::cell::{Cell, Colour, Kind};
use super::engine::{Pose, State, Task};

/// The longest mission, in characters.
pub const MAX_CHARS: usize = 64;

/// A description of things: those of this kind and colour, in this direction from where the agent started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Key, ball or box; any of them if not said.
    pub kind: Option<Kind>,
    /// Any if not said.
    pub colour: Option<Colour>,
    /// Anywhere if not said.
    pub side: Option<Side>,
    /// Whether several things fit: then it is "a", else "the".
    pub is_one_of_many: bool,
}

/// A direction from the agent's first pose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Side {
    Left,
    Right,
    Front,
    Behind,
}

impl Side {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Left, Self::Right, Self::Front, Self::Behind];

    /// Whether `spot` lies on this side of `from`; it may lie on two sides.
    pub fn holds(self, from: Pose, spot: Spot) -> bool {
        let ([x, y], [dx, dy]) = (from.spot, from.facing.step());
        let (x, y) = (spot[0] - x, spot[1] - y);
        let (ahead, right) = (x * dx + y * dy, y * dx - x * dy);
        match self {
            Self::Left => right < 0,
            Self::Right => right > 0,
            Self::Front => ahead > 0,
            Self::Behind => ahead < 0,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Left => " on your left",
            Self::Right => " on your right",
            Self::Front => " in front of you",
            Self::Behind => " behind you",
        }
    }
}

impl Want {
    /// The one thing that looks like `cell`.
    pub fn the(cell: Cell) -> Self {
        Self { kind: Some(cell.kind()), colour: Some(cell.colour()), side: None, is_one_of_many: false }
    }

    /// Whether it speaks of `cell` at `spot`, for an agent that starts at `from`.
    pub fn fits(self, cell: Cell, from: Pose, spot: Spot) -> bool {
        cell.can_lift()
            && self.kind.is_none_or(|kind| kind == cell.kind())
            && self.colour.is_none_or(|colour| colour == cell.colour())
            && self.side.is_none_or(|side| side.holds(from, spot))
    }

    /// Marks all things on the board that it speaks of, for an agent that starts at `from`, and notes whether they are several.
    pub fn mark(&mut self, board: &mut Board, from: Pose) {
        let mut n_marked = 0;
        for spot in board.spots() {
            let cell = board.at(spot);
            if self.fits(cell, from, spot) {
                board.put(spot, cell.wanted());
                n_marked += 1;
            }
        }
        self.is_one_of_many = n_marked > 1;
    }

    fn write(self, out: &mut String) {
        out.push_str(if self.is_one_of_many { "a " } else { "the " });
        if let Some(colour) = self.colour {
            out.push_str(colour.name());
            out.push(' ');
        }
        out.push_str(self.kind.map_or("object", Kind::name));
        out.push_str(self.side.map_or("", Side::words));
    }
}

impl State {
    /// Writes the mission: `plain` where the task has no words of its own.
    pub fn write_mission(&self, plain: &str, out: &mut String) {
        let (verb, want) = match self.task {
            Task::Lift(want) => ("pick up ", want),
            Task::Face(want) => ("go to ", want),
            Task::Reach | Task::Open | Task::Choose { .. } => return out.push_str(plain),
        };
        out.push_str(verb);
        want.write(out);
    }
}
