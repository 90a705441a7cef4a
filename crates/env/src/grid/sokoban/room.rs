//! A room of Sokoban: where everything is, and what a step does.

use serde::{Deserialize, Serialize};

use crate::grid::rows::{Cell, Rows, ahead};

/// A room and what is in it. All that lies outside is wall.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Room {
    /// Cells along each side, walls included.
    pub side: usize,
    /// The walls, and all cells outside.
    pub walls: Rows,
    /// Where boxes belong.
    pub goals: Rows,
    /// Where boxes are.
    pub boxes: Rows,
    /// Where the keeper is.
    pub player: Cell,
}

impl Room {
    /// From the usual letters: `#` wall, `.` goal, `$` box, `*` box on a goal, `@` keeper, `+` keeper on a goal.
    pub fn parse(text: &str) -> Self {
        let rows: Vec<&str> = text.lines().collect();
        let mut room = Self {
            side: rows.len().min(16),
            walls: Rows::FULL,
            goals: Rows::EMPTY,
            boxes: Rows::EMPTY,
            player: [1, 1],
        };
        for (y, row) in (0..16).zip(&rows) {
            for (x, letter) in (0..16).zip(row.bytes()).filter(|(_, letter)| *letter != b'#') {
                room.walls.remove([x, y]);
                if b".*+".contains(&letter) {
                    room.goals.add([x, y]);
                }
                if b"$*".contains(&letter) {
                    room.boxes.add([x, y]);
                }
                if b"@+".contains(&letter) {
                    room.player = [x, y];
                }
            }
        }
        room
    }

    /// Takes a step and returns the reward.
    pub fn step(&mut self, way: usize) -> f32 {
        let next = ahead(self.player, way);
        let mut reward = -0.1;
        if self.boxes.has(next) {
            let beyond = ahead(next, way);
            if self.walls.has(beyond) || self.boxes.has(beyond) {
                return reward;
            }
            self.boxes.remove(next);
            self.boxes.add(beyond);
            reward += f32::from(self.goals.has(beyond)) - f32::from(self.goals.has(next));
            if self.is_solved() {
                reward += 10.0;
            }
        }
        if !self.walls.has(next) {
            self.player = next;
        }
        reward
    }

    /// Whether every box is on a goal.
    pub fn is_solved(&self) -> bool {
        self.boxes == self.goals
    }

    /// Cells without wall and box.
    pub fn free(&self) -> Rows {
        self.walls.with(&self.boxes, |wall, box_| !(wall | box_))
    }

    /// Cells that the keeper can walk to without a push.
    pub fn region(&self) -> Rows {
        Rows::reached(self.player, &self.free())
    }

    /// A number a cell, row by row: 0 wall, 1 floor, 2 goal, 3 box on a goal, 4 box, 5 keeper, 6 keeper on a goal.
    pub fn codes(&self) -> impl Iterator<Item = u8> {
        let side = self.side as i32;
        let code = |cell| match (self.goals.has(cell), self.boxes.has(cell)) {
            _ if self.walls.has(cell) => 0,
            (goal, _) if cell == self.player => 5 + u8::from(goal),
            (true, true) => 3,
            (true, false) => 2,
            (false, true) => 4,
            (false, false) => 1,
        };
        (0..side).flat_map(move |y| (0..side).map(move |x| code([x, y])))
    }

    /// Whether the room is closed, nothing is in a wall, and there are as many goals as boxes.
    pub fn is_sound(&self) -> bool {
        let last = self.side as i32 - 1;
        let inside = Rows(std::array::from_fn(|y| {
            let is_inside = (1..last).contains(&(y as i32));
            if is_inside { (1 << last) - 2 } else { 0 }
        }));
        let floor = self.walls.with(&inside, |wall, _| !wall);
        let all_on_floor = |rows: &Rows| rows.with(&floor, |row, floor| row & !floor) == Rows::EMPTY;
        (3..=16).contains(&self.side)
            && floor.with(&inside, |floor, inside| floor & !inside) == Rows::EMPTY
            && all_on_floor(&self.goals)
            && all_on_floor(&self.boxes)
            && floor.has(self.player)
            && !self.boxes.has(self.player)
            && self.goals.count() == self.boxes.count()
            && (1..=8).contains(&self.boxes.count())
    }
}
