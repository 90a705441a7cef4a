//! Rays through a maze: from cell to cell along the grid until a wall is met (Amanatides and Woo, 1987).

use super::maze::Maze;

/// Where a ray met a wall.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// How many times the ray's own length away: for a ray of length 1, the distance in cells.
    pub distance: f32,
    /// The wall's cell.
    pub cell: [i32; 2],
    /// The place on the wall, from 0 at its left end to 1 at its right one as the ray's origin sees it.
    pub along: f32,
    /// Whether the wall faces east or west, and not north or south.
    pub faces_x: bool,
}

/// Follows the ray `[x, y]` from `from`, which lies inside the maze.
#[inline]
pub fn cast(maze: &Maze, from: [f32; 2], ray: [f32; 2]) -> Hit {
    // Lengths of the ray between two grid lines, and to the next grid line, along each axis.
    let between = ray.map(|r| if r == 0.0 { f32::INFINITY } else { 1.0 / r.abs() });
    let turn = ray.map(|r| if r < 0.0 { -1 } else { 1 });
    let mut cell = from.map(|x| x.floor() as i32);
    let to_line = |i: usize| {
        let inside = from[i] - cell[i] as f32;
        if ray[i] == 0.0 {
            f32::INFINITY
        } else {
            between[i] * if ray[i] < 0.0 { inside } else { 1.0 - inside }
        }
    };
    let (mut next_x, mut next_y) = (to_line(0), to_line(1));
    let axis = loop {
        if next_x < next_y {
            next_x += between[0];
            cell[0] += turn[0];
            if maze.is_wall(cell[0], cell[1]) {
                break 0;
            }
        } else {
            next_y += between[1];
            cell[1] += turn[1];
            if maze.is_wall(cell[0], cell[1]) {
                break 1;
            }
        }
    };
    // Once more from the wall's place, so that the sums above leave no error.
    let face = cell[axis] as f32 + if turn[axis] < 0 { 1.0 } else { 0.0 };
    let distance = (face - from[axis]) / ray[axis];
    let across = from[1 - axis] + distance * ray[1 - axis];
    let place = across - across.floor();
    let is_mirrored = (axis == 0) == (turn[axis] < 0);
    Hit { distance, cell, along: if is_mirrored { 1.0 - place } else { place }, faces_x: axis == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room() -> Maze {
        let rows = ["#######", "#.....#", "#.....#", "#..#..#", "#.....#", "#.....#", "#######"];
        Maze::try_from(rows.map(String::from).to_vec()).unwrap()
    }

    #[test]
    fn distances_are_those_of_geometry() {
        let hit = |from, degrees: f32| {
            let (sin, cos) = degrees.to_radians().sin_cos();
            cast(&room(), from, [cos, sin])
        };
        for (from, degrees, distance, cell) in [
            // Straight to the east, south, west and north walls.
            ([1.5, 1.5], 0.0, 4.5, [6, 1]),
            ([1.5, 1.5], 90.0, 4.5, [1, 6]),
            ([1.5, 1.5], 180.0, 0.5, [0, 1]),
            ([1.5, 1.5], 270.0, 0.5, [1, 0]),
            // 30 degrees: 4.5 to the east wall, over the cosine; the block in the middle is passed.
            ([1.5, 1.5], 30.0, 4.5 / 0.866_025_4, [6, 4]),
            // 60 degrees: 4.5 to the south wall, over the sine.
            ([1.5, 1.5], 60.0, 4.5 / 0.866_025_4, [4, 6]),
            // Onto the block: its west face is 1.75 away in x, and its north face 1.5 in y.
            ([1.25, 3.25], 0.0, 1.75, [3, 3]),
            ([3.25, 1.5], 90.0, 1.5, [3, 3]),
            ([1.25, 2.25], 40.0, 1.75 / 0.766_044_4, [3, 3]),
        ] {
            let got = hit(from, degrees);
            assert!((got.distance - distance).abs() < 1e-4, "{degrees}: {} for {distance}", got.distance);
            assert_eq!(got.cell, cell, "{degrees}");
        }
    }

    #[test]
    fn the_place_on_a_wall_goes_from_left_to_right() {
        let along = |ray| {
            let hit = cast(&room(), [2.25, 2.5], ray);
            (hit.along, hit.faces_x)
        };
        // Looking east, south is to the right; looking west, north is.
        assert_eq!(along([1.0, 0.25]), (0.4375, true));
        assert_eq!(along([-1.0, 0.0]), (0.5, true));
        assert_eq!(along([0.0, 1.0]), (0.75, false));
        assert_eq!(along([0.0, -1.0]), (0.25, false));
    }
}
