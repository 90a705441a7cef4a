//! What stands beside the road: trees, bushes, houses, signs and markers, every ten metres, by the road's seed.

use worldsmith_core::Seed;

use super::lens::Lens;
use super::windscreen::{Frame, ROAD_HALF_M, Surface};
use crate::canvas::Rgb;

/// Metres between two slots, and how far ahead they are looked at.
const SLOT_M: f64 = 10.0;
const AHEAD_M: f64 = 150.0;
/// Slots looked at, each with an item on either side, of which every second has a marker as well.
const N_SLOTS: usize = 15;
/// Most items that are seen.
pub const N_ITEMS: usize = 3 * N_SLOTS;

const TRUNK: Rgb = [104, 74, 50];
const LEAVES: [Rgb; 3] = [[52, 116, 58], [70, 134, 56], [44, 98, 66]];
const WALLS: [Rgb; 3] = [[212, 186, 150], [190, 110, 86], [170, 180, 190]];
const POLE: Rgb = [150, 154, 160];
const SIGNS: [Rgb; 3] = [[38, 92, 186], [226, 182, 40], [200, 52, 48]];
const MARKER: Rgb = [244, 244, 240];
const REFLECTOR: Rgb = [232, 90, 40];

/// Corners on a circle of radius 1: cosines and sines of odd multiples of 22.5 degrees.
const OCTAGON: [[f32; 2]; 8] = {
    let (near, far) = (0.382_683_43, 0.923_879_5);
    [
        [far, near],
        [near, far],
        [-near, far],
        [-far, near],
        [-far, -near],
        [-near, -far],
        [near, -far],
        [far, -near],
    ]
};

/// What can be before the camera.
#[derive(Debug, Clone, Copy)]
pub(super) enum Thing {
    /// Something beside the road.
    Item(Item),
    /// The other car of this number.
    Car(usize),
}

/// What it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A tree.
    Tree,
    /// A bush.
    Bush,
    /// A house.
    House,
    /// A sign on a pole.
    Sign,
    /// A white post with a reflector.
    Marker,
}

/// Something beside the road.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Item {
    /// What it is.
    pub kind: Kind,
    /// Metres of the middle line.
    pub way_m: f64,
    /// How far left of it.
    pub left_m: f64,
    /// From 0 to 1: how large it is.
    pub size: f32,
    /// Which of its colours it has.
    pub tint: usize,
    /// Where its foot is before the camera, and sine and cosine of by how much the road there points to the left of the line of
    /// sight, once that is known.
    pub at: [f32; 3],
    /// See `at`.
    pub turn: (f32, f32),
}

/// All that stands beside the road from `way_m` on.
pub fn items(seed: u64, way_m: f64) -> impl Iterator<Item = Item> {
    let first = (way_m / SLOT_M).ceil().max(0.0) as u64;
    let seed = Seed(seed).derive("roadside");
    (first..first + (AHEAD_M / SLOT_M) as u64).flat_map(move |slot| {
        let sides = [-1.0, 1.0].map(|side| beside(seed, slot, side));
        let left_m = if slot.is_multiple_of(4) { -1.0 } else { 1.0 } * (f64::from(ROAD_HALF_M) + 0.6);
        let marker = slot.is_multiple_of(2).then_some(Item {
            kind: Kind::Marker,
            way_m: slot as f64 * SLOT_M,
            left_m,
            size: 0.5,
            tint: 0,
            at: [0.0; 3],
            turn: (0.0, 1.0),
        });
        sides.into_iter().flatten().chain(marker)
    })
}

/// What stands in a slot on one side, if anything does.
fn beside(seed: Seed, slot: u64, side: f64) -> Option<Item> {
    let mut rng = seed.index(2 * slot + u64::from(side > 0.0)).rng();
    let kind = match rng.uniform() {
        ..0.5 => Kind::Tree,
        ..0.66 => Kind::Bush,
        ..0.76 => Kind::House,
        ..0.84 => Kind::Sign,
        _ => return None,
    };
    let (near, far) = match kind {
        Kind::House => (12.0, 26.0),
        Kind::Sign => (1.2, 2.0),
        _ => (2.5, 18.0),
    };
    let away = near + (far - near) * f64::from(rng.uniform());
    Some(Item {
        kind,
        way_m: (slot as f64 + 0.8 * f64::from(rng.uniform())) * SLOT_M,
        left_m: side * (f64::from(ROAD_HALF_M) + away),
        size: rng.uniform(),
        tint: rng.below(3),
        at: [0.0; 3],
        turn: (0.0, 1.0),
    })
}

impl Item {
    /// Hands its faces to `surface`.
    pub(super) fn draw(&self, lens: &Lens, surface: &mut impl Surface) {
        let size = self.size;
        match self.kind {
            Kind::Tree => {
                let (height, half) = (5.0 + 4.0 * size, 1.6 + 1.2 * size);
                self.board(lens, surface, 0.2 + 0.1 * size, [0.0, 0.5 * height], TRUNK);
                self.crown(lens, surface, half, [0.28 * height, height], LEAVES[self.tint]);
                let lit = LEAVES[self.tint].map(|level| level.saturating_add(24));
                self.crown(lens, surface, 0.6 * half, [0.5 * height, 0.96 * height], lit);
            }
            Kind::Bush => self.crown(lens, surface, 0.8 + size, [0.0, 1.0 + 0.6 * size], LEAVES[self.tint]),
            Kind::House => {
                let frame = Frame { lens, at: self.at, turn: self.turn };
                frame.block(
                    surface,
                    [-4.0, 4.0],
                    3.5 + 2.0 * size,
                    [0.0, 4.0 + 5.0 * size],
                    WALLS[self.tint],
                );
            }
            Kind::Sign => {
                self.board(lens, surface, 0.08, [0.0, 2.2], POLE);
                self.board(lens, surface, 0.6, [1.9, 3.0], SIGNS[self.tint]);
            }
            Kind::Marker => {
                self.board(lens, surface, 0.09, [0.0, 1.0], MARKER);
                self.board(lens, surface, 0.09, [0.68, 0.86], REFLECTOR);
            }
        }
    }

    /// An upright rectangle that faces the camera.
    fn board(&self, lens: &Lens, surface: &mut impl Surface, half: f32, up: [f32; 2], colour: Rgb) {
        let [x, y, z] = self.at;
        let corners = [(-half, up[0]), (half, up[0]), (half, up[1]), (-half, up[1])];
        surface.face(lens, &corners.map(|(dx, dy)| [x + dx, y + dy, z]), colour);
    }

    /// An upright octagon that faces the camera.
    fn crown(&self, lens: &Lens, surface: &mut impl Surface, half: f32, up: [f32; 2], colour: Rgb) {
        let [x, y, z] = self.at;
        let (middle, tall) = ((up[0] + up[1]) / 2.0, (up[1] - up[0]) / 2.0);
        let corners = OCTAGON.map(|[right, up]| [x + half * right, y + middle + tall * up, z]);
        surface.face(lens, &corners, colour);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_things_stand_at_the_same_places_wherever_one_looks_from() {
        let from = |way_m: f64| -> Vec<Item> {
            items(3, way_m).filter(|item| (400.0..450.0).contains(&item.way_m)).collect()
        };
        assert!(from(390.0).len() > 5);
        assert_eq!(from(310.0), from(390.0));
        assert!(items(3, 77.0).count() <= N_ITEMS);
        assert!(items(3, 77.0).all(|item| item.left_m.abs() > f64::from(ROAD_HALF_M)));
    }
}
