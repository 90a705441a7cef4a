//! MiniGrid's environments: one engine and a [`layout`] each.
//!
//! [`cell`] and [`board`] are what stands where, [`engine`] the rules, [`mission`] the words of instructions, [`view`] what the
//! agent sees, [`draw`] pictures of it, [`plan`] the expert.

use crate::EnvEntry;

/// A page of an environment of this kind: its own part, then what they have in common.
macro_rules! page {
    ($own:literal) => {
        concat!(
            $own,
            "
- `pixels`: the seven by seven cells before the agent as it sees them; it stands in the middle of the last row. `symbols`: the
  same as MiniGrid's numbers, `[column, row, (kind, colour, door)]`. What walls and closed doors hide is dark, or zeros.
- `direction`: where the agent looks (0 right, 1 down, 2 left, 3 up). `mission`: what is to be done, in words.
- `full`: the whole board as numbers, the agent as kind 10 with its direction. `top`: the whole board from above, with what the
  agent sees lit.
- Actions: `left` and `right` turn, `forward` walks, `pickup`, `drop`, `toggle` (doors and boxes), `done` (nothing).
- Reward: 1 - 0.9 x steps / `max_steps` when the mission is done, else 0. That, a goal and lava end the episode.
- Equal to minigrid 3.2.0 in rules, rewards, time limits, `symbols`, `direction`, `mission` and `full` (its
  `FullyObsWrapper`), step for step from the same state. Layouts follow the same rules with another generator of chance; pictures
  are drawn in a style of their own.
- The expert plans the shortest way on the whole board, with all that must be fetched, opened and put aside.
"
        )
    };
}
use page;

pub mod board;
pub mod cell;
pub mod clutter;
pub mod door_key;
pub mod draw;
pub mod empty;
pub mod engine;
pub mod four_rooms;
pub mod go_to;
pub mod key_corridor;
pub mod lava_gap;
pub mod layout;
pub mod memory;
pub mod mission;
pub mod multi_room;
pub mod pick_up;
pub mod plan;
pub mod rooms;
pub mod unlock;
pub mod unlock_pickup;
pub mod view;

/// Registry entries.
pub const ENTRIES: &[EnvEntry] = &[
    empty::ENTRY,
    four_rooms::ENTRY,
    door_key::ENTRY,
    key_corridor::ENTRY,
    multi_room::ENTRY,
    lava_gap::ENTRY,
    memory::ENTRY,
    unlock::ENTRY,
    unlock_pickup::ENTRY,
    go_to::ENTRY,
    pick_up::ENTRY,
];
