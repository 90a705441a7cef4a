//! A closed track: a smooth curve along random control points, cut into tiles of equal length.
//!
//! The curve is a closed uniform cubic B-spline, so that heading and curvature change without jumps.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use worldsmith_core::Rng;

/// Control points of a drawn track.
const N_CONTROLS: usize = 12;
/// Most control points of a track from outside.
const MAX_CONTROLS: usize = 64;
/// Most tiles of a track.
pub const MAX_TILES: usize = 512;
/// How long a tile is, about, in m.
const TILE_M: f32 = 4.0;
/// The control points lie between these distances from the middle, in m.
const RADIUS_M: [f32; 2] = [45.0, 150.0];
/// Sharpest turn of a drawn track, in m.
const MIN_TURN_M: f32 = 14.0;
/// Points of the curve between two control points from which lengths are measured.
const N_FINE: usize = 32;

/// One tile: where the middle line enters it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tile {
    /// East and north, in m.
    pub at: [f32; 2],
    /// The way along the track, of length 1.
    pub along: [f32; 2],
    /// 1 over the radius of the turn, in 1/m; left turns are positive.
    pub curvature: f32,
}

/// Where somebody is on a track.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// The nearest tile.
    pub tile: usize,
    /// How far to the left of the middle line, in m.
    pub left_m: f32,
}

/// A closed track. It is saved as its control points; copies share memory.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Vec<[f32; 2]>", into = "Vec<[f32; 2]>")]
pub struct Track(Arc<Course>);

#[derive(Debug)]
struct Course {
    controls: Vec<[f32; 2]>,
    tiles: Vec<Tile>,
    tile_m: f32,
}

impl Track {
    /// A track by chance, to be driven either way round.
    pub fn new(rng: &mut Rng) -> Self {
        let reversed = rng.chance(0.5);
        for _ in 0..64 {
            let mut controls = controls(rng);
            if reversed {
                controls.reverse();
            }
            if let Ok(track) = Self::try_from(controls)
                && track.tiles().iter().all(|tile| tile.curvature.abs() * MIN_TURN_M < 1.0)
            {
                return track;
            }
        }
        let round: Vec<_> = (0..N_CONTROLS).map(|i| on_circle(i as f32, RADIUS_M[1])).collect();
        Self::try_from(round).expect("a circle is a track")
    }

    /// The tiles, in the order in which they are driven over.
    pub fn tiles(&self) -> &[Tile] {
        &self.0.tiles
    }

    /// Length of each tile along the middle line, in m.
    pub fn tile_m(&self) -> f32 {
        self.0.tile_m
    }

    /// The tile `n` after `tile`.
    pub fn ahead(&self, tile: usize, n: usize) -> &Tile {
        &self.0.tiles[(tile + n) % self.0.tiles.len()]
    }

    /// Where the point `at` (m) is, looked for along the track from the tile `near` on: the nearest tile from which both
    /// neighbours are farther.
    pub fn locate(&self, near: usize, at: [f32; 2]) -> Place {
        let tiles = self.tiles();
        let away = |tile: usize| [at[0] - tiles[tile].at[0], at[1] - tiles[tile].at[1]];
        let square = |tile: usize| {
            let [x, y] = away(tile);
            x * x + y * y
        };
        let n = tiles.len();
        let mut tile = near % n;
        let mut least = square(tile);
        for turn in [1, n - 1] {
            for _ in 0..n {
                let next = (tile + turn) % n;
                let farther = square(next);
                if farther >= least {
                    break;
                }
                (tile, least) = (next, farther);
            }
        }
        let ([x, y], Tile { along: [dx, dy], curvature, .. }) = (away(tile), tiles[tile]);
        let along = x * dx + y * dy;
        // The middle line bends away from its tangent by half the curvature times the way squared.
        Place { tile, left_m: y * dx - x * dy - curvature * along * along / 2.0 }
    }

    /// The point of the middle line `way_m` ahead of where the tile `tile` begins.
    pub fn point(&self, tile: usize, way_m: f32) -> [f32; 2] {
        let tiles = way_m.max(0.0) / self.tile_m();
        let (whole, part) = (tiles as usize, tiles.fract());
        let (from, to) = (self.ahead(tile, whole % MAX_TILES).at, self.ahead(tile, whole % MAX_TILES + 1).at);
        [0, 1].map(|i| from[i] + part * (to[i] - from[i]))
    }
}

/// Control points around the middle, counter-clockwise, each somewhere in its own sector.
fn controls(rng: &mut Rng) -> Vec<[f32; 2]> {
    let [near, far] = RADIUS_M;
    let mut control =
        |i: usize| on_circle(i as f32 + 0.7 * rng.uniform(), near + (far - near) * rng.uniform());
    (0..N_CONTROLS).map(&mut control).collect()
}

fn on_circle(sector: f32, radius: f32) -> [f32; 2] {
    let (sin, cos) = (sector * std::f32::consts::TAU / N_CONTROLS as f32).sin_cos();
    [radius * cos, radius * sin]
}

/// Place, first and second derivative of the spline at part `t` of its piece `i`.
fn spline(controls: &[[f32; 2]], i: usize, t: f32) -> [[f32; 2]; 3] {
    let weights = [
        [
            (1.0 - t).powi(3),
            3.0 * t.powi(3) - 6.0 * t * t + 4.0,
            3.0 * (t + t * t - t.powi(3)) + 1.0,
            t.powi(3),
        ],
        [-3.0 * (1.0 - t).powi(2), 9.0 * t * t - 12.0 * t, 3.0 + 6.0 * t - 9.0 * t * t, 3.0 * t * t],
        [6.0 * (1.0 - t), 18.0 * t - 12.0, 6.0 - 18.0 * t, 6.0 * t],
    ];
    weights.map(|weights| {
        let mut sum = [0.0; 2];
        for (k, weight) in weights.iter().enumerate() {
            let control = controls[(i + k) % controls.len()];
            sum = [0, 1].map(|axis| sum[axis] + weight / 6.0 * control[axis]);
        }
        sum
    })
}

impl TryFrom<Vec<[f32; 2]>> for Track {
    type Error = String;

    fn try_from(controls: Vec<[f32; 2]>) -> Result<Self, String> {
        let n = controls.len();
        if !(4..=MAX_CONTROLS).contains(&n) || controls.iter().flatten().any(|x| x.is_nan() || x.abs() > 1e4)
        {
            return Err(format!(
                "expected 4 to {MAX_CONTROLS} control points within 10,000 m, got {n} or others"
            ));
        }
        let fine = |k: usize| spline(&controls, k / N_FINE, (k % N_FINE) as f32 / N_FINE as f32);
        let mut way = vec![0.0];
        for k in 0..n * N_FINE {
            let ([from, ..], [to, ..]) = (fine(k), fine(k + 1));
            way.push(way[k] + (to[0] - from[0]).hypot(to[1] - from[1]));
        }
        let length = way[n * N_FINE];
        let n_tiles = (length / TILE_M).round() as usize;
        if !(8..=MAX_TILES).contains(&n_tiles) {
            return Err(format!("expected a track of 8 to {MAX_TILES} tiles of {TILE_M} m, got {length} m"));
        }
        let tile_m = length / n_tiles as f32;
        let mut k = 0;
        let tile = |i: usize| {
            let here = i as f32 * tile_m;
            while k + 1 < n * N_FINE && way[k + 1] <= here {
                k += 1;
            }
            let part = (here - way[k]) / (way[k + 1] - way[k]).max(1e-6);
            let t = ((k % N_FINE) as f32 + part.clamp(0.0, 1.0)) / N_FINE as f32;
            let [at, [dx, dy], [ddx, ddy]] = spline(&controls, k / N_FINE, t);
            let speed = dx.hypot(dy).max(1e-6);
            Tile { at, along: [dx / speed, dy / speed], curvature: (dx * ddy - dy * ddx) / speed.powi(3) }
        };
        let tiles = (0..n_tiles).map(tile).collect();
        Ok(Self(Arc::new(Course { controls, tiles, tile_m })))
    }
}

impl From<Track> for Vec<[f32; 2]> {
    fn from(track: Track) -> Self {
        track.0.controls.clone()
    }
}

#[cfg(test)]
mod tests {
    use worldsmith_core::Seed;

    use super::*;

    #[test]
    fn tiles_are_of_equal_length_and_turn_by_their_curvature() {
        for seed in 0..20 {
            let track = Track::new(&mut Seed(seed).rng());
            let tiles = track.tiles();
            let mut turned = 0.0;
            for (i, tile) in tiles.iter().enumerate() {
                let next = track.ahead(i, 1);
                let step = [next.at[0] - tile.at[0], next.at[1] - tile.at[1]];
                let chord = step[0].hypot(step[1]);
                assert!((chord - track.tile_m()).abs() < 0.06, "{chord} of {}", track.tile_m());
                let turn = (tile.along[0] * next.along[1] - tile.along[1] * next.along[0]).asin();
                let mean = (tile.curvature + next.curvature) / 2.0;
                assert!((turn - mean * track.tile_m()).abs() < 0.02, "{turn} for {mean}");
                turned += turn;
            }
            assert!((turned.abs() - std::f32::consts::TAU).abs() < 1e-3, "once round: {turned}");
        }
    }

    #[test]
    fn a_point_beside_the_middle_line_is_located_there() {
        let track = Track::new(&mut Seed(3).rng());
        for (i, tile) in track.tiles().iter().enumerate() {
            let beside = [tile.at[0] - 2.5 * tile.along[1], tile.at[1] + 2.5 * tile.along[0]];
            let place = track.locate(i + 5, beside);
            assert!(place.tile == i && (place.left_m - 2.5).abs() < 1e-3, "{place:?}");
            assert!(track.locate(i, track.point(i, 6.0)).left_m.abs() < 0.15);
        }
    }

    #[test]
    fn a_track_is_saved_as_its_control_points() {
        let track = Track::new(&mut Seed(1).rng());
        let saved = serde_json::to_string(&track).unwrap();
        let restored: Track = serde_json::from_str(&saved).unwrap();
        assert!(saved.len() < 400 && restored.tiles() == track.tiles());
        for wrong in ["[]", "[[0,0],[0,0],[0,0],[0,0]]", "[[0,0],[1e9,0],[0,1],[1,1]]"] {
            assert!(serde_json::from_str::<Track>(wrong).is_err(), "{wrong}");
        }
    }
}
