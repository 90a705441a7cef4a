//! The road: an endless chain of posts along the middle line, of which a stretch around the car is known at a time.
//!
//! The curvature at a post follows from the road's seed and the post's number alone; heading and place are summed up from post
//! to post, so that the road is kept as its seed and one post.

use serde::{Deserialize, Serialize};
use worldsmith_core::Seed;

/// From post to post, in m.
pub const POST_M: f64 = 2.0;
/// Posts of a stretch.
pub const N_POSTS: usize = 112;
/// How far behind the car a stretch begins, in m.
pub const BEHIND_M: f64 = 60.0;
/// Width of a lane, in m.
pub const LANE_M: f64 = 3.5;
/// Lanes, all of the same direction; lane 0 is the rightmost.
pub const N_LANES: usize = 3;
/// Posts between two places at which the curvature is drawn; between them it changes evenly.
const NODE_POSTS: u64 = 30;
/// Sharpest bend, in 1/m.
const MAX_CURVATURE: f64 = 1.0 / 120.0;

/// How far left of the middle line the middle of a lane is, in m.
pub fn lane_left_m(lane: usize) -> f64 {
    (lane as f64 - (N_LANES - 1) as f64 / 2.0) * LANE_M
}

/// The lane whose middle is nearest to a place left of the middle line.
pub fn nearest_lane(left_m: f64) -> usize {
    let lane = (left_m / LANE_M + (N_LANES - 1) as f64 / 2.0).round();
    lane.clamp(0.0, (N_LANES - 1) as f64) as usize
}

/// All that has to be kept of the road.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Road {
    /// Decides all bends and all that stands beside the road.
    pub seed: u64,
    /// The number of the first post that is still known; the road's metres are counted from post 0.
    pub post: u64,
    /// Where that post is, east and north in m.
    pub at: [f64; 2],
    /// The direction of the road at that post.
    pub heading_rad: f64,
}

/// A post of the middle line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Post {
    /// East and north, in m.
    pub at: [f64; 2],
    /// The way along the road, of length 1.
    pub along: [f64; 2],
    /// Direction of the road.
    pub heading_rad: f64,
    /// 1 over the radius of the bend, in 1/m; left bends are positive.
    pub curvature: f64,
}

/// Where somebody is on the road.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Metres of the middle line.
    pub way_m: f64,
    /// How far left of the middle line.
    pub left_m: f64,
    /// Direction of the road there.
    pub heading_rad: f64,
    /// Bend of the road there.
    pub curvature: f64,
}

/// The posts that are known.
#[derive(Debug, Clone)]
pub struct Stretch {
    first: u64,
    posts: [Post; N_POSTS],
}

impl Road {
    /// A road that begins at the origin and goes east.
    pub fn new(seed: Seed) -> Self {
        Self { seed: seed.0, post: 0, at: [0.0; 2], heading_rad: 0.0 }
    }

    /// The posts from the first one that is known.
    pub fn stretch(&self) -> Stretch {
        let mut node = self.post / NODE_POSTS;
        let mut bends = [self.bend(node), self.bend(node + 1)];
        let (mut at, mut heading_rad) = (self.at, self.heading_rad);
        let (sin, cos) = heading_rad.sin_cos();
        let mut along = [cos, sin];
        let mut curvature = 0.0;
        let posts = std::array::from_fn(|i| {
            let number = self.post + i as u64;
            if number / NODE_POSTS != node {
                node += 1;
                bends = [bends[1], self.bend(node + 1)];
            }
            let part = (number % NODE_POSTS) as f64 / NODE_POSTS as f64;
            let here = bends[0] + part * (bends[1] - bends[0]);
            if i > 0 {
                // Halfway the road has turned by half.
                let turn = (curvature + here) / 2.0 * POST_M;
                let half = slightly_turned(along, turn / 2.0);
                at = [at[0] + POST_M * half[0], at[1] + POST_M * half[1]];
                along = slightly_turned(along, turn);
                heading_rad += turn;
            }
            curvature = here;
            Post { at, along, heading_rad, curvature }
        });
        Stretch { first: self.post, posts }
    }

    /// Forgets the posts that are more than [`BEHIND_M`] behind `way_m`.
    pub fn follow(&mut self, stretch: &Stretch, way_m: f64) {
        let passed = ((way_m - BEHIND_M) / POST_M).floor() - self.post as f64;
        let n = (passed.max(0.0) as usize).min(N_POSTS - 1);
        self.post += n as u64;
        self.at = stretch.posts[n].at;
        self.heading_rad = stretch.posts[n].heading_rad;
    }

    /// The curvature at a node: straight in a third of all cases.
    fn bend(&self, node: u64) -> f64 {
        let mut rng = Seed(self.seed).index(node).rng();
        if rng.chance(0.33) { 0.0 } else { MAX_CURVATURE * (2.0 * f64::from(rng.uniform()) - 1.0) }
    }
}

/// A direction turned to the left by an angle so small (at most 0.017) that a few terms of the series give all digits.
fn slightly_turned([x, y]: [f64; 2], angle: f64) -> [f64; 2] {
    let square = angle * angle;
    let sin = angle * (1.0 - square / 6.0 * (1.0 - square / 20.0));
    let cos = 1.0 - square / 2.0 * (1.0 - square / 12.0);
    [x * cos - y * sin, x * sin + y * cos]
}

impl Stretch {
    /// Metres of the middle line at its first post.
    pub fn begins_m(&self) -> f64 {
        self.first as f64 * POST_M
    }

    /// The posts, with their numbers.
    pub fn posts(&self) -> impl Iterator<Item = (u64, &Post)> {
        (self.first..).zip(&self.posts)
    }

    /// The middle line at `way_m`; its ends for what lies beyond.
    pub fn at(&self, way_m: f64) -> Post {
        let posts = ((way_m - self.begins_m()) / POST_M).clamp(0.0, (N_POSTS - 1) as f64);
        let i = (posts as usize).min(N_POSTS - 2);
        let (from, to, part) = (self.posts[i], self.posts[i + 1], posts - i as f64);
        let between = |from: f64, to: f64| from + part * (to - from);
        let heading_rad = between(from.heading_rad, to.heading_rad);
        let (sin, cos) = heading_rad.sin_cos();
        Post {
            at: [between(from.at[0], to.at[0]), between(from.at[1], to.at[1])],
            along: [cos, sin],
            heading_rad,
            curvature: between(from.curvature, to.curvature),
        }
    }

    /// The point `left_m` left of the middle line at `way_m`.
    pub fn point(&self, way_m: f64, left_m: f64) -> [f64; 2] {
        self.at(way_m).beside(left_m)
    }

    /// Where the point `at` is on the road.
    pub fn locate(&self, at: [f64; 2]) -> Place {
        let away = |post: &Post| [at[0] - post.at[0], at[1] - post.at[1]];
        let mut nearest = (0, f64::INFINITY);
        for (i, post) in self.posts.iter().enumerate() {
            let [x, y] = away(post);
            let square = x * x + y * y;
            if square < nearest.1 {
                nearest = (i, square);
            }
        }
        let post = &self.posts[nearest.0];
        let ([x, y], [dx, dy]) = (away(post), post.along);
        let along = x * dx + y * dy;
        let left_m = y * dx - x * dy - post.curvature * along * along / 2.0;
        // A step beside the middle line is a shorter or longer one on it.
        let along = along / (1.0 - post.curvature * left_m).max(0.5);
        Place {
            way_m: self.begins_m() + nearest.0 as f64 * POST_M + along,
            left_m,
            heading_rad: post.heading_rad + post.curvature * along,
            curvature: post.curvature,
        }
    }
}

impl Post {
    /// The point `left_m` to the left.
    pub fn beside(&self, left_m: f64) -> [f64; 2] {
        [self.at[0] - left_m * self.along[1], self.at[1] + left_m * self.along[0]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_road_that_is_followed_is_the_same_road() {
        let road = Road::new(Seed(5));
        let mut later = road;
        later.follow(&road.stretch(), 130.9);
        assert_eq!(later.post, 35);
        let (before, after) = (road.stretch(), later.stretch());
        for way_m in [80.0, 131.3, 200.0] {
            let (a, b) = (before.at(way_m), after.at(way_m));
            assert!((a.at[0] - b.at[0]).abs() < 1e-9 && (a.at[1] - b.at[1]).abs() < 1e-9);
            assert_eq!(a.curvature, b.curvature);
        }
    }

    #[test]
    fn a_point_beside_the_road_is_located_there() {
        for seed in 0..10 {
            let stretch = Road::new(Seed(seed)).stretch();
            for (way_m, left_m) in [(3.3, 0.0), (70.9, 4.2), (133.0, -5.0), (180.2, 1.0)] {
                let place = stretch.locate(stretch.point(way_m, left_m));
                let near = (place.way_m - way_m).abs() < 0.05 && (place.left_m - left_m).abs() < 0.01;
                assert!(near, "{place:?} for {way_m} and {left_m}");
                assert!((place.heading_rad - stretch.at(way_m).heading_rad).abs() < 1e-3);
            }
        }
    }

    #[test]
    fn posts_point_where_they_head() {
        for (_, post) in Road::new(Seed(8)).stretch().posts() {
            let (sin, cos) = post.heading_rad.sin_cos();
            assert!((post.along[0] - cos).abs() < 1e-13 && (post.along[1] - sin).abs() < 1e-13);
        }
    }

    #[test]
    fn lanes_are_counted_from_the_right() {
        assert_eq!([0, 1, 2].map(lane_left_m), [-3.5, 0.0, 3.5]);
        assert_eq!([-9.0, -1.8, 0.3, 2.0, 5.0].map(nearest_lane), [0, 0, 1, 2, 2]);
    }
}
