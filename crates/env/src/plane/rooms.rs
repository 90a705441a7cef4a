//! Two rooms with a door between them, and what happens to a dot that moves in them.
//!
//! The rules are those of the wall environment that comes with DINO-WM (gaoyuezhou/dino_wm, commit 0a9492f): a dot that would
//! cross a wall is put back at the wall, half a pixel off it and half a pixel to the right or down along it.

use serde::{Deserialize, Serialize};

use super::{Point, distance};

/// Side of the picture that all lengths refer to.
pub const SIDE_PX: f64 = 65.0;
/// Columns, and rows, of the outer walls.
pub const OUTER_PX: [f64; 2] = [4.0, 60.0];
/// Half the thickness of the wall between the rooms.
pub const HALF_WALL_PX: f64 = 3.0;
/// How far off a wall a dot is put that ran into it.
const REBOUND_PX: f64 = 0.5;
/// How far off a wall it is put at least.
const LEAST_PX: f64 = 0.3;

/// Where the wall between the rooms and its door are. `x` counts columns to the right, `y` rows down.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rooms {
    /// Column of the middle of the wall.
    pub wall_px: f64,
    /// Row of the middle of the door.
    pub door_px: f64,
    /// Half the height of the door.
    pub half_door_px: f64,
}

/// A straight way.
#[derive(Debug, Clone, Copy)]
struct Way {
    from: Point,
    to: Point,
}

impl Rooms {
    /// Columns of the left and the right face of the wall between the rooms.
    pub fn faces(&self) -> [f64; 2] {
        [self.wall_px - HALF_WALL_PX, self.wall_px + HALF_WALL_PX]
    }

    /// First and last row of the door.
    pub fn door(&self) -> [f64; 2] {
        [self.door_px - self.half_door_px, self.door_px + self.half_door_px]
    }

    /// Whether a dot can be there.
    pub fn is_free(&self, [x, y]: Point) -> bool {
        let ([left, right], [low, high]) = (self.faces(), self.door());
        let [near, far] = OUTER_PX;
        let is_inside = [x, y].iter().all(|at| (near..=far).contains(at));
        is_inside && (x <= left || x >= right || (low..=high).contains(&y))
    }

    /// Where a dot comes to be that sets out for `to`.
    pub fn reached(&self, from: Point, to: Point) -> Point {
        let way = Way { from, to };
        if let Some(spot) = self.lintel(way) {
            return spot;
        }
        let [left, right] = self.faces();
        // The far face of the wall is not looked at: a step is shorter than the wall is thick.
        let columns = if self.wall_px > from[0] { [OUTER_PX[0], left] } else { [right, OUTER_PX[1]] };
        let [low, high] = self.door();
        let is_door = |x: f64, y: f64| !OUTER_PX.contains(&x) && (low..=high).contains(&y);
        let mut across = columns.into_iter().filter(|x| way.crosses(0, *x)).map(|x| [x, way.row_at(x)]);
        let across = across.find(|[x, y]| !is_door(*x, *y));
        let along = OUTER_PX.into_iter().find(|y| way.crosses(1, *y)).map(|y| [way.column_at(y), y]);
        let off = |axis: usize, hit: Point| REBOUND_PX * sign(from[axis] - hit[axis]);
        let [x, y] = match (across, along) {
            (Some(hit), Some(other)) if distance(from, hit) < distance(from, other) => {
                [hit[0] + off(0, hit), hit[1] + REBOUND_PX]
            }
            (_, Some(hit)) => [hit[0] + REBOUND_PX, hit[1] + off(1, hit)],
            (Some(hit), None) => [hit[0] + off(0, hit), hit[1] + REBOUND_PX],
            (None, None) => return to,
        };
        [within(x, columns), within(y, OUTER_PX)]
    }

    /// Where a dot is put that runs from inside the door into the wall above or below it. In the reference one that stands on the
    /// very edge of the door goes into the wall.
    fn lintel(&self, way: Way) -> Option<Point> {
        let (Way { from, to }, [low, high], [left, right]) = (way, self.door(), self.faces());
        let meets = |y: f64| Some(way.column_at(y)).filter(|x| (left..=right).contains(x));
        if from[1] <= high && to[1] > high {
            meets(high).map(|x| [x + REBOUND_PX, high - REBOUND_PX])
        } else if from[1] >= low && to[1] < low {
            meets(low).map(|x| [x + REBOUND_PX, low + REBOUND_PX])
        } else {
            None
        }
    }
}

impl Way {
    /// Whether its ends are not both on the same side of `line`, along an axis.
    fn crosses(self, axis: usize, line: f64) -> bool {
        sign(self.from[axis] - line) * sign(self.to[axis] - line) <= 0.0
    }

    /// Rows a column, and the row in column 0, of the line that it lies on; `None` for an upright one.
    fn line(self) -> Option<(f64, f64)> {
        let Self { from: [x, y], to } = self;
        let slope = (to[1] - y) / (to[0] - x);
        (to[0] != x).then_some((slope, y - slope * x))
    }

    /// The row in which it meets a column.
    fn row_at(self, column: f64) -> f64 {
        self.line().map_or(self.from[1], |(slope, first)| slope * column + first)
    }

    /// The column in which it meets a row.
    fn column_at(self, row: f64) -> f64 {
        match self.line() {
            Some((slope, first)) if slope != 0.0 => (row - first) / slope,
            _ => self.from[0],
        }
    }
}

fn sign(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}

/// The nearest number between two walls, and not on one.
fn within(x: f64, [low, high]: [f64; 2]) -> f64 {
    if x <= low {
        low + LEAST_PX
    } else if x >= high {
        high - LEAST_PX
    } else {
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOMS: Rooms = Rooms { wall_px: 32.0, door_px: 30.0, half_door_px: 4.0 };

    #[test]
    fn a_dot_rebounds_from_walls_and_passes_the_door() {
        assert_eq!(ROOMS.reached([10.0, 10.0], [12.0, 9.0]), [12.0, 9.0]);
        assert_eq!(ROOMS.reached([28.0, 50.0], [30.0, 50.0]), [28.5, 50.5]);
        assert_eq!(ROOMS.reached([36.0, 10.0], [34.0, 12.0]), [35.5, 11.5]);
        assert_eq!(ROOMS.reached([28.0, 31.0], [30.0, 31.0]), [30.0, 31.0]);
        assert_eq!(ROOMS.reached([32.0, 33.0], [33.0, 35.0]), [33.0, 33.5]);
        assert_eq!(ROOMS.reached([10.0, 5.0], [12.0, 3.0]), [11.5, 4.5]);
    }

    #[test]
    fn a_dot_on_the_edge_of_the_door_does_not_go_into_the_wall() {
        assert_eq!(ROOMS.reached([32.0, 26.5], [32.0, 26.0]), [32.0, 26.0]);
        assert_eq!(ROOMS.reached([32.0, 26.0], [32.0, 25.0]), [32.5, 26.5]);
        assert_eq!(ROOMS.reached([32.0, 34.0], [31.0, 35.0]), [32.5, 33.5]);
        assert!(ROOMS.is_free([32.5, 26.5]) && ROOMS.is_free([32.0, 34.0]));
    }

    #[test]
    fn a_dot_that_moves_straight_up_or_down_rebounds_too() {
        assert_eq!(ROOMS.reached([10.0, 5.0], [10.0, 3.0]), [10.5, 4.5]);
        assert_eq!(ROOMS.reached([32.0, 27.0], [32.0, 25.0]), [32.5, 26.5]);
        assert_eq!(ROOMS.reached([29.0, 50.0], [29.0, 52.0]), [28.7, 50.5]);
    }
}
