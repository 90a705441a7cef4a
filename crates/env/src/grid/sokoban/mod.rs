//! Sokoban: push every box onto a goal.
//!
//! Rewards are those of gym-sokoban and Boxoban (Guez et al., "An investigation of model-free planning", 2019). Levels are
//! made by playing backwards from a solved room ([`levels`]); [`solver`] finds shortest solutions.

pub mod levels;
mod picture;
pub mod room;
pub mod solver;

use std::collections::HashMap;
use std::sync::Mutex;

use room::Room;
use serde::{Deserialize, Serialize};
use solver::{Push, Solution};
use worldsmith_core::{Error, Result, Rng, Space, Value};

use crate::blueprint::blueprint;
use crate::factors::Factor;
use crate::grid::rows::{Rows, WAYS, ahead};
use crate::look::{HUE, LIGHT, Look};
use crate::registry::Maker;
use crate::world::{Action, Face, Outcome, Sight, View, World};
use crate::{EnvEntry, OptionEntry, Options};

/// Answers of the solver that are kept.
const MAX_KEPT: usize = 4096;

const FACTORS: &[Factor] = &[HUE, LIGHT];

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "sokoban",
    about: "Sokoban with levels made on the spot, RGB, 4 actions, gym-sokoban's rewards",
    page: "\
A store keeper pushes boxes, one at a time and never pulling, onto as many goals.

- `pixels`: the room from above. `grid`: a number a cell, as gym-sokoban's: 0 wall, 1 floor, 2 goal, 3 box on a goal, 4 box,
  5 keeper, and 6 for a keeper on a goal. `text`: the room in the usual letters, `#` wall, `.` goal, `$` box, `*` box on a
  goal, `@` keeper, `+` keeper on a goal.
- Actions: `up`, `down`, `left`, `right`; a step into a box pushes it if the cell behind is free.
- Reward: -0.1 a step, 1 for a box that comes onto a goal, -1 for one that leaves it, 10 when all are on goals.
- Ends when all boxes are on goals; cut off after 120 steps.
- Levels are carved by a random walk; boxes are pulled away from their goals at random, so that every level can be
  solved; of some thousand positions that come up so, one that needs many pushes is taken.
- Moves and rewards equal gym-sokoban 0.0.6's from the same room; its levels are other ones.
- The expert follows a solution with the fewest pushes that there can be, found by A* over box positions; beyond `effort`
  positions it gives up and plays at random.",
    options: &[
        OptionEntry { name: "cells", default: "10", about: "side of the room with its walls, 6 to 16" },
        OptionEntry { name: "boxes", default: "4", about: "boxes, 1 to 8, at most one for every four cells inside" },
        OptionEntry { name: "effort", default: "3000", about: "positions that the expert looks at before it gives up" },
        OptionEntry { name: "max_steps", default: "120", about: "steps until truncation, or `none`" },
    ],
    factors: FACTORS,
    make: Maker::BuiltIn(|options| {
        let world = Sokoban::new(options)?;
        let n = world.side;
        let grid = Space::Box { shape: vec![n, n], low: vec![0.0; n * n], high: vec![6.0; n * n] };
        let views = vec![
            View::pixels("pixels", options)?,
            View { name: "grid", space: grid },
            View::text("text", n * (n + 1)),
        ];
        let face = Face {
            action: Space::Discrete { n: WAYS.len() },
            action_names: WAYS,
            views,
            max_steps: Some(120),
        };
        blueprint(world, face, FACTORS, options)
    }),
};

/// The rules, and what the expert has found out so far.
#[derive(Debug)]
pub struct Sokoban {
    side: usize,
    n_boxes: usize,
    effort: usize,
    /// The first push from rooms that differ in more than where the keeper stands in the cells it can reach.
    pushes: Mutex<HashMap<(Room, Rows), Option<Push>>>,
}

/// Everything that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The room and what is in it.
    pub room: Room,
    /// Colours of the episode.
    pub look: Look,
}

impl Sokoban {
    fn new(options: &Options) -> Result<Self> {
        let side: usize = options.number("cells", 10, 6..=16)?;
        let n_boxes = options.number("boxes", 4, 1..=8)?;
        let most = (side - 2) * (side - 2) / 4;
        if n_boxes > most {
            return Err(options.wrong(
                "boxes",
                &format!("at most {most} in so small a room"),
                &n_boxes.to_string(),
            ));
        }
        let effort = options.number("effort", 3000, 1..=10_000_000)?;
        Ok(Self { side, n_boxes, effort, pushes: Mutex::default() })
    }

    /// The first push of a shortest solution. Depends on nothing but the room: what is kept only saves time.
    fn first_push(&self, room: &Room) -> Option<Push> {
        let region = room.region();
        // The same room wherever in the region the keeper stands.
        let alike = Room { player: region.cells().next().unwrap_or(room.player), ..room.clone() };
        let key = (alike, region);
        if let Ok(kept) = self.pushes.lock()
            && let Some(push) = kept.get(&key)
        {
            return *push;
        }
        let push = match solver::solve(room, self.effort) {
            Solution::Pushes(pushes) => pushes.first().copied(),
            Solution::Impossible | Solution::GaveUp => None,
        };
        if let Ok(mut kept) = self.pushes.lock() {
            if kept.len() >= MAX_KEPT {
                kept.clear();
            }
            kept.insert(key, push);
        }
        push
    }
}

impl World for Sokoban {
    type State = State;

    const IS_SLOW: bool = true;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        State { room: levels::make(self.side, self.n_boxes, rng), look: Look::new([factors[0], factors[1]]) }
    }

    fn act(&self, state: &mut State, action: Action<'_>, _: &mut Rng) -> Outcome {
        let reward = state.room.step(action.choice());
        Outcome { reward, terminated: state.room.is_solved() }
    }

    fn show(&self, state: &State, _: usize, out: Sight<'_>) {
        match out {
            Sight::Pixels(mut canvas) => picture::draw(&state.room, state.look, &mut canvas),
            Sight::Numbers(numbers) => {
                let codes = state.room.codes();
                numbers.iter_mut().zip(codes).for_each(|(out, code)| *out = f32::from(code));
            }
            Sight::Text(text) => {
                for (i, code) in state.room.codes().enumerate() {
                    if i > 0 && i % self.side == 0 {
                        text.push('\n');
                    }
                    text.push(char::from(b"# .*$@+"[usize::from(code)]));
                }
            }
            Sight::Choice(_) => {}
        }
    }

    fn check(&self, state: &State) -> Result<()> {
        state.look.check()?;
        if state.room.side == self.side && state.room.boxes.count() == self.n_boxes && state.room.is_sound() {
            Ok(())
        } else {
            Err(Error::invalid("expected a closed room with as many goals as boxes, got another"))
        }
    }

    fn expert(&self, state: &State, rng: &mut Rng) -> Value {
        let room = &state.room;
        let Some(push) = self.first_push(room) else {
            return Value::Discrete(rng.below(WAYS.len()) as i64);
        };
        // Ways come in pairs: the opposite one differs in the last bit.
        let behind = ahead(push.from, push.way ^ 1);
        let mut goal = Rows::EMPTY;
        goal.add(behind);
        let way = Rows::first_step(room.player, &goal, &room.free()).unwrap_or(push.way);
        Value::Discrete(way as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pushes_are_rewarded_as_in_gym_sokoban() {
        let mut room = Room::parse("#######\n#@$.  #\n#  $. #\n#######");
        // Right: onto the goal, and off it again; then the other box.
        assert!((room.step(3) - 0.9).abs() < 1e-6);
        assert!((room.step(3) + 1.1).abs() < 1e-6);
        assert!((room.step(0) + 0.1).abs() < 1e-6 && room.player == [3, 1]);
        room.boxes = Room::parse("#######\n#@ *  #\n#  $. #\n#######").boxes;
        room.player = [2, 2];
        assert!((room.step(3) - 10.9).abs() < 1e-6 && room.is_solved());
    }
}
