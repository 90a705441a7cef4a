//! The sea as a picture.

use super::{Bullet, Game, Swimmer};
use crate::arcade::minatar::{Board, CELLS, LAST};
use crate::canvas::{Canvas, Rgb};

const FRAME: Rgb = [44, 66, 96];
const SKY: Rgb = [150, 208, 240];
const WAVES: Rgb = [232, 248, 255];
const GROUND: Rgb = [34, 30, 42];
/// From the surface down.
const SEA: [Rgb; 4] = [[30, 104, 172], [26, 90, 156], [22, 76, 138], [18, 62, 120]];
const HULL: Rgb = [255, 214, 72];
const TOWER: Rgb = [224, 168, 40];
const GLASS: Rgb = [60, 84, 120];
const OWN_BULLET: Rgb = [255, 255, 255];
const HOSTILE_BULLET: Rgb = [255, 96, 84];
const FISH: Rgb = [120, 226, 130];
const ENEMY: Rgb = [206, 74, 96];
const ENEMY_TOWER: Rgb = [140, 44, 66];
const DIVER: Rgb = [255, 174, 120];
const SUIT: Rgb = [28, 30, 44];
const AIR: Rgb = [226, 240, 255];

/// Draws the sea from the side. A submarine's nose is in the front cell.
pub(super) fn draw(game: &Game, hue_deg: f32, canvas: &mut Canvas<'_>) {
    let mut board = Board::new(canvas, hue_deg, [FRAME, GROUND]);
    board.rect([0.0, 0.0], [CELLS as f32, 1.0], SKY);
    for (i, colour) in SEA.into_iter().enumerate() {
        board.rect([0.0, 1.0 + 2.0 * i as f32], [CELLS as f32, 2.0], colour);
    }
    for x in 0..CELLS {
        board.rect([x as f32 + 0.1, 0.9], [0.6, 0.12], WAVES);
    }
    for diver in &game.divers {
        draw_diver(&mut board, diver);
    }
    for fish in &game.fish {
        draw_fish(&mut board, fish);
    }
    for submarine in &game.submarines {
        let tail = [submarine.at[0] as f32, submarine.at[1] as f32];
        draw_submarine(&mut board, tail, submarine.right, [ENEMY, ENEMY_TOWER], 1.0);
    }
    let [x, y] = game.player.map(|i| i as f32);
    let left = if game.right { x - 1.0 } else { x };
    draw_submarine(&mut board, [left, y], game.right, [HULL, TOWER], 2.0);
    draw_bullets(&mut board, &game.bullets, OWN_BULLET);
    draw_bullets(&mut board, &game.hostile_bullets, HOSTILE_BULLET);
    let air = game.air.max(0) as f32 / game.air_steps as f32;
    if air > 0.0 {
        board.rect([0.0, LAST as f32 + 0.6], [CELLS as f32 * air, 0.34], AIR);
    }
    for x in game.gauges()[1].clone() {
        board.disc([x as f32 + 0.5, LAST as f32 + 0.3], 0.25, DIVER);
    }
}

/// A hull, `length` cells from `left`, with a tower and a window at its nose.
fn draw_submarine(
    board: &mut Board<'_, '_>,
    [left, y]: [f32; 2],
    right: bool,
    colours: [Rgb; 2],
    length: f32,
) {
    let [hull, tower] = colours;
    let end = left + length;
    board.rect([left + 0.5 * length - 0.15, y + 0.08], [0.35, 0.3], tower);
    board.rect([left + 0.3, y + 0.34], [length - 0.6, 0.5], hull);
    board.disc([left + 0.28, y + 0.59], 0.26, hull);
    board.disc([end - 0.28, y + 0.59], 0.26, hull);
    let nose = if right { end - 0.36 } else { left + 0.18 };
    board.rect([nose, y + 0.48], [0.18, 0.18], GLASS);
    let screw = if right { left } else { end - 0.12 };
    board.rect([screw, y + 0.34], [0.12, 0.5], tower);
}

fn draw_fish(board: &mut Board<'_, '_>, fish: &Swimmer) {
    let [x, y] = fish.at.map(|i| i as f32);
    let (body, tail, eye) = if fish.right { (0.6, 0.0, 0.68) } else { (0.4, 1.0, 0.2) };
    board.polygon([[x + tail, y + 0.15], [x + body, y + 0.5], [x + tail, y + 0.85]], FISH);
    board.disc([x + body, y + 0.5], 0.34, FISH);
    board.rect([x + eye, y + 0.36], [0.13, 0.16], SUIT);
}

fn draw_diver(board: &mut Board<'_, '_>, diver: &Swimmer) {
    let [x, y] = diver.at.map(|i| i as f32);
    let (head, body) = if diver.right { (0.76, 0.0) } else { (0.24, 0.36) };
    board.rect([x + body, y + 0.42], [0.64, 0.28], SUIT);
    board.disc([x + head, y + 0.5], 0.26, DIVER);
}

fn draw_bullets(board: &mut Board<'_, '_>, bullets: &[Bullet], colour: Rgb) {
    for bullet in bullets {
        let [x, y] = bullet.at.map(|i| i as f32);
        board.rect([x + 0.15, y + 0.45], [0.7, 0.2], colour);
    }
}
