//! What is asked for, in words.

use serde::{Deserialize, Serialize};

use super::piece::Piece;
use crate::table::shape::Vec2;

/// Names of places, and where they are in pixels.
pub const PLACES: [(&str, Vec2); 5] = [
    ("top left corner", [96.0, 96.0]),
    ("top right corner", [416.0, 96.0]),
    ("bottom left corner", [96.0, 416.0]),
    ("bottom right corner", [416.0, 416.0]),
    ("middle of the table", [256.0, 256.0]),
];

/// What stands before, between and after the names: towards a block, and towards a place.
pub const WORDINGS: [[[&str; 3]; 2]; 6] = [
    [["push the ", " to the ", ""], ["push the ", " to the ", ""]],
    [["move the ", " next to the ", ""], ["move the ", " into the ", ""]],
    [["bring the ", " over to the ", ""], ["bring the ", " over to the ", ""]],
    [["slide the ", " until it is beside the ", ""], ["slide the ", " as far as the ", ""]],
    [["get the ", " close to the ", ""], ["the ", " should be in the ", ""]],
    [["the ", " and the ", " belong together"], ["in the ", " there should be the ", ""]],
];

/// Where the block should go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// To another block.
    Block(usize),
    /// To one of `PLACES`.
    Place(usize),
}

/// One instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Which block is to be pushed.
    pub block: usize,
    /// Where to.
    pub goal: Goal,
    /// Which of `WORDINGS` it is said in.
    pub wording: usize,
}

impl Task {
    /// Whether everything it names is there.
    pub fn fits(&self, n_blocks: usize) -> bool {
        let there = match self.goal {
            Goal::Block(i) => i < n_blocks && i != self.block,
            Goal::Place(i) => i < PLACES.len(),
        };
        there && self.block < n_blocks && self.wording < WORDINGS.len()
    }

    /// Writes the instruction.
    pub fn say(&self, pieces: &[Piece], out: &mut String) {
        let name = |block: usize| pieces[block].words();
        let block = name(self.block);
        let (goal, to_place) = match self.goal {
            Goal::Block(i) => (name(i), 0),
            Goal::Place(i) => ([PLACES[i].0, ""], 1),
        };
        let [before, between, after] = WORDINGS[self.wording][to_place];
        // Only one wording names the place first.
        let is_turned = to_place == 1 && before == "in the ";
        let (first, second) = if is_turned { (goal, block) } else { (block, goal) };
        for (name, next) in [(["", ""], before), (first, between), (second, after)] {
            let [one, two] = name;
            out.push_str(one);
            if !two.is_empty() {
                out.push(' ');
                out.push_str(two);
            }
            out.push_str(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_said_in_words() {
        let pieces = [Piece { colour: 0, form: 0 }, Piece { colour: 2, form: 1 }];
        let said = |goal, wording| {
            let mut out = String::new();
            Task { block: 0, goal, wording }.say(&pieces, &mut out);
            out
        };
        assert_eq!(said(Goal::Block(1), 0), "push the red circle to the blue square");
        assert_eq!(said(Goal::Block(1), 5), "the red circle and the blue square belong together");
        assert_eq!(said(Goal::Place(0), 1), "move the red circle into the top left corner");
        assert_eq!(said(Goal::Place(4), 5), "in the middle of the table there should be the red circle");
    }
}
