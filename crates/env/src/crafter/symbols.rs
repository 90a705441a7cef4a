//! Views in numbers: what things are called by number, the map by such numbers, and what the player knows of itself.

use super::draw::in_view;
use super::names::{N_ITEMS, Name};
use super::state::{Facing, Kind, State};
use super::tiles::{COLUMNS, MAP_ROWS};

/// Numbers of the view `state`.
pub const N_BODY: usize = N_ITEMS + Facing::ALL.len() + 2;
/// The highest number of a symbol.
pub const MOST_SYMBOL: f32 = 18.0;

/// The number of whoever is the player.
const PLAYER: f32 = 13.0;

/// The number of a creature, an arrow or a plant. Materials have those from 1 in their order, and 0 is beyond the world.
fn symbol(kind: Kind) -> f32 {
    match kind {
        Kind::Cow => 14.0,
        Kind::Zombie { .. } => 15.0,
        Kind::Skeleton { .. } => 16.0,
        Kind::Arrow { .. } => 17.0,
        Kind::Plant { .. } => 18.0,
    }
}

/// The whole map, row by row.
pub fn map(state: &State, out: &mut [f32]) {
    let width = state.terrain.width();
    for (y, row) in out.chunks_exact_mut(width).enumerate() {
        for (out, material) in row.iter_mut().zip(state.terrain.row(y)) {
            *out = material.index() as f32 + 1.0;
        }
    }
    let mut put = |cell, symbol| {
        if let Some(i) = state.terrain.index(cell) {
            out[i] = symbol;
        }
    };
    put(state.player.position, PLAYER);
    state.objects.iter().for_each(|object| put(object.position, symbol(object.kind)));
}

/// The part of the map that pictures show, row by row.
pub fn near(state: &State, out: &mut [f32]) {
    let middle = state.player.position;
    let [left, top] = [middle[0] - COLUMNS as i32 / 2, middle[1] - MAP_ROWS as i32 / 2];
    for (y, row) in (top..).zip(out.chunks_exact_mut(COLUMNS)) {
        for (x, out) in (left..).zip(row) {
            *out = state.terrain.at([x, y]).map_or(0.0, |material| material.index() as f32 + 1.0);
        }
    }
    out[MAP_ROWS / 2 * COLUMNS + COLUMNS / 2] = PLAYER;
    for object in &state.objects {
        if let Some([x, y]) = in_view(object.position, middle) {
            out[y * COLUMNS + x] = symbol(object.kind);
        }
    }
}

/// How much there is of each item, where the player faces (one of four is 1), whether it sleeps, and the daylight.
pub fn body(state: &State, out: &mut [f32]) {
    let player = &state.player;
    let items = player.inventory.iter().map(|(_, n)| f32::from(n));
    let facing = Facing::ALL.iter().map(|facing| f32::from(u8::from(*facing == player.facing)));
    let rest = [f32::from(u8::from(player.sleeping)), state.daylight() as f32];
    for (out, x) in out.iter_mut().zip(items.chain(facing).chain(rest)) {
        *out = x;
    }
}

/// The most that [`body`] shows of each.
pub fn most_body(most: u8) -> [f32; N_BODY] {
    std::array::from_fn(|i| if i < N_ITEMS { f32::from(most) } else { 1.0 })
}

/// Which achievements were done.
pub fn achievements(state: &State, out: &mut [f32]) {
    for (out, (_, n)) in out.iter_mut().zip(state.achievements.iter()) {
        *out = f32::from(u8::from(n > 0));
    }
}
