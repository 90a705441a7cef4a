//! MiniGrid's rules: seven actions on a board, and what an episode is about.
//!
//! [`State`] is everything that changes; [`State::act`] is one step of the game without rewards, [`Task::verdict`] says when
//! an episode is won or lost. Both are all that an environment of one's own needs; most are a [`Layout`](super::layout::Layout).

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result};

use super::board::{Board, Spot};
use super::cell::{Cell, Kind, Latch};
use super::mission::Want;
use crate::look::Look;

/// The seven actions, in MiniGrid's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Turn left.
    Left,
    /// Turn right.
    Right,
    /// Go to the cell in front, if it can be entered.
    Forward,
    /// Pick up what is in front, if the hand is empty.
    PickUp,
    /// Put what is in hand on the cell in front, if that is empty.
    Drop,
    /// Open or close the door or open the box in front.
    Toggle,
    /// Do nothing.
    Done,
}

impl Act {
    /// All of them, by number.
    pub const ALL: [Self; 7] =
        [Self::Left, Self::Right, Self::Forward, Self::PickUp, Self::Drop, Self::Toggle, Self::Done];
    /// Their names, by number.
    pub const NAMES: &'static [&'static str] =
        &["left", "right", "forward", "pickup", "drop", "toggle", "done"];
}

/// Where somebody looks; the number is MiniGrid's direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Facing {
    Right,
    Down,
    Left,
    Up,
}

impl Facing {
    /// All of them, by number: each is right of the one before.
    pub const ALL: [Self; 4] = [Self::Right, Self::Down, Self::Left, Self::Up];

    /// After `quarters` quarter turns to the right.
    #[must_use]
    pub fn turned(self, quarters: usize) -> Self {
        Self::ALL[(self as usize + quarters) % 4]
    }

    /// One step that way.
    pub fn step(self) -> [i32; 2] {
        [[1, 0], [0, 1], [-1, 0], [0, -1]][self as usize]
    }
}

/// Where the agent is and where it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pose {
    /// Column and row.
    pub spot: Spot,
    /// Where it looks.
    pub facing: Facing,
}

impl Pose {
    /// The cell in front.
    pub fn front(self) -> Spot {
        self.ahead(1, 0)
    }

    /// The cell `far` steps ahead and `aside` steps to the right.
    pub fn ahead(self, far: i32, aside: i32) -> Spot {
        let ([x, y], [dx, dy]) = (self.spot, self.facing.step());
        [x + dx * far - dy * aside, y + dy * far + dx * aside]
    }

    /// Looking the other way after `quarters` quarter turns to the right.
    #[must_use]
    pub fn turned(self, quarters: usize) -> Self {
        Self { facing: self.facing.turned(quarters), ..self }
    }
}

/// What an episode is about, beside goals and lava, which end every episode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Task {
    /// Come to a goal.
    Reach,
    /// Open a wanted door.
    Open,
    /// Pick up a wanted thing.
    Lift(Want),
    /// Stand before a wanted thing and look at it.
    Face(Want),
    /// Come to one place and not to another. Picking up is toggling here.
    Choose {
        /// Where the episode is won.
        right: Spot,
        /// Where it is lost.
        wrong: Spot,
    },
}

/// What an action led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing that ends an episode by itself.
    Plain,
    /// The agent came to a goal.
    ReachedGoal,
    /// The agent went into lava.
    MetLava,
    /// This was picked up.
    Lifted(Cell),
    /// This door is now open.
    Opened(Cell),
}

impl Task {
    /// Whether the action that led to `state` won (`true`) or lost (`false`) the episode; `None` if it goes on.
    pub fn verdict(self, state: &State, effect: Effect) -> Option<bool> {
        let own = match self {
            Self::Reach => None,
            Self::Open => matches!(effect, Effect::Opened(door) if door.is_wanted()).then_some(true),
            Self::Lift(_) => matches!(effect, Effect::Lifted(thing) if thing.is_wanted()).then_some(true),
            Self::Face(_) => state.in_front().is_wanted().then_some(true),
            Self::Choose { right, .. } if state.agent.spot == right => Some(true),
            Self::Choose { wrong, .. } if state.agent.spot == wrong => Some(false),
            Self::Choose { .. } => None,
        };
        own.or(match effect {
            Effect::ReachedGoal => Some(true),
            Effect::MetLava => Some(false),
            _ => None,
        })
    }
}

/// How things look and move in this episode.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Conditions {
    /// Colours and light.
    pub look: Look,
    /// Chance that an action does nothing.
    pub stall_chance: f32,
}

/// Everything that changes in an episode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// What stands where.
    pub board: Board,
    /// The player.
    pub agent: Pose,
    /// What is in the player's hand; nothing is `..`.
    pub carried: Cell,
    /// Actions taken so far.
    pub n_steps: u64,
    /// What the episode is about.
    pub task: Task,
    /// This episode's look and mechanics.
    pub conditions: Conditions,
}

impl State {
    /// What is in front of the agent.
    pub fn in_front(&self) -> Cell {
        self.board.at(self.agent.front())
    }

    /// Takes one action.
    pub fn act(&mut self, act: Act) -> Effect {
        let spot = self.agent.front();
        let front = self.board.at(spot);
        match act {
            Act::Left => self.agent = self.agent.turned(3),
            Act::Right => self.agent = self.agent.turned(1),
            Act::Forward if front.can_enter() => {
                self.agent.spot = spot;
                match front.kind() {
                    Kind::Goal => return Effect::ReachedGoal,
                    Kind::Lava => return Effect::MetLava,
                    _ => {}
                }
            }
            Act::PickUp if front.can_lift() && self.carried == Cell::EMPTY => {
                self.carried = front;
                self.board.put(spot, Cell::EMPTY);
                return Effect::Lifted(front);
            }
            Act::Drop if front == Cell::EMPTY => {
                self.board.put(spot, self.carried);
                self.carried = Cell::EMPTY;
            }
            Act::Toggle => return self.toggle(spot, front),
            _ => {}
        }
        Effect::Plain
    }

    fn toggle(&mut self, spot: Spot, thing: Cell) -> Effect {
        match (thing.kind(), thing.latch()) {
            (Kind::Box, _) => self.board.put(spot, thing.inside()),
            (Kind::Door, Latch::Locked) if !self.carried.opens(thing) => {}
            (Kind::Door, Latch::Open) => self.board.put(spot, thing.latched(Latch::Closed)),
            (Kind::Door, _) => {
                self.board.put(spot, thing.latched(Latch::Open));
                return Effect::Opened(thing);
            }
            _ => {}
        }
        Effect::Plain
    }

    /// Checks a state that came from outside, of a board of this size.
    ///
    /// # Errors
    /// If the agent is where it cannot be, or something else is against the rules.
    pub fn check(&self, size: [i32; 2]) -> Result<()> {
        let wrong =
            |expected: &str, got: String| Err(Error::invalid(format!("expected {expected}, got {got}")));
        let Conditions { look, stall_chance } = self.conditions;
        if self.board.size() != size {
            return wrong(&format!("a board of {size:?} cells"), format!("{:?}", self.board.size()));
        }
        if !self.board.holds(self.agent.spot) || !self.board.at(self.agent.spot).can_enter() {
            return wrong("an agent on a cell that can be entered", format!("{:?}", self.agent.spot));
        }
        if self.carried != Cell::EMPTY && !self.carried.can_lift() {
            return wrong("something in hand that can be picked up", self.carried.to_string());
        }
        if !(0.0..=1.0).contains(&stall_chance) {
            return wrong("a chance from 0 to 1", stall_chance.to_string());
        }
        look.check()
    }
}
