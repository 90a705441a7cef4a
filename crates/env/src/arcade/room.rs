//! The room of [`fireballs`](super::fireballs) as a picture: from above, and as the player sees it.

use super::fireballs::{FIREBALL_RADIUS, MONSTER_Y, PLAYER_RADIUS, PLAYER_Y, State};
use crate::canvas::{Canvas, Rgb};
use crate::look::Look;

const STONE: Rgb = [74, 60, 56];
const WALL: Rgb = [104, 82, 70];
const SIDE_WALL: Rgb = [84, 66, 58];
const CEILING: Rgb = [46, 40, 44];
const TILE: Rgb = [92, 76, 68];
const MONSTER: Rgb = [148, 62, 54];
const HORN: Rgb = [226, 206, 170];
const EYES: Rgb = [255, 228, 90];
const FLAME: Rgb = [255, 128, 32];
const CORE: Rgb = [255, 236, 150];
const TAIL: Rgb = [186, 64, 28];
const PLAYER: Rgb = [92, 190, 120];
const VISOR: Rgb = [222, 246, 226];

/// How high above the floor the eye is, monsters and fireballs, in rooms.
const EYE_HEIGHT: f32 = 0.16;
const MONSTER_HEIGHT: f32 = 0.17;
const FIREBALL_HEIGHT: f32 = 0.15;
const CEILING_HEIGHT: f32 = 0.42;
/// How far behind the player's line the eye is.
const EYE_BACK: f32 = 0.12;

/// The room from above, the monsters at the top.
pub(super) fn draw_from_above(state: &State, canvas: &mut Canvas<'_>) {
    let mut scene = Scene { scale: [canvas.width as f32, canvas.height as f32], canvas, look: state.look };
    scene.canvas.fill(state.look.of(STONE));
    for i in 0..18 {
        // Every other tile of six by six.
        let (x, y) = ((2 * i + i / 3 % 2) % 6, i / 3);
        scene.rect([x as f32 / 6.0, y as f32 / 6.0], [1.0 / 6.0; 2], TILE);
    }
    scene.rect([0.0, 0.0], [1.0, 0.03], WALL);
    for monster in state.monsters.iter().flatten() {
        scene.monster([monster.x, MONSTER_Y], 0.05);
    }
    for fireball in state.fireballs.iter().flatten() {
        let ([x, y], [vx, vy]) = (fireball.at, fireball.velocity);
        let back = |steps: f32| [x - steps * vx, y - steps * vy];
        scene.disc(back(1.8), FIREBALL_RADIUS * 0.55, TAIL);
        scene.disc(back(0.9), FIREBALL_RADIUS * 0.8, TAIL);
        scene.fireball([x, y], FIREBALL_RADIUS);
    }
    let at = [state.player_x, PLAYER_Y];
    scene.disc(at, PLAYER_RADIUS, PLAYER);
    scene.rect([at[0] - 0.025, at[1] - 0.03], [0.05, 0.022], VISOR);
}

/// What the player sees, looking at the far end.
pub(super) fn draw_ahead(state: &State, canvas: &mut Canvas<'_>) {
    let mut scene = Scene { scale: [canvas.width as f32, canvas.height as f32], canvas, look: state.look };
    // A place in the room, `height` above its floor, in pictures; and how large a room is there.
    let seen = |x: f32, y: f32, height: f32| {
        let size = 0.75 / (PLAYER_Y + EYE_BACK - y).max(0.02);
        ([0.5 + (x - state.player_x) * size, 0.45 + (EYE_HEIGHT - height) * size], size)
    };
    let corner = |x: f32, y: f32, height: f32| seen(x, y, height).0;
    // Just before the eye.
    let near = PLAYER_Y + EYE_BACK - 0.1;
    scene.canvas.fill(state.look.of(STONE));
    scene.quad(
        [[0.0, 0.0], [1.0, 0.0], corner(1.0, 0.0, CEILING_HEIGHT), corner(0.0, 0.0, CEILING_HEIGHT)],
        CEILING,
    );
    for x in [0.0, 1.0] {
        let far = [corner(x, 0.0, CEILING_HEIGHT), corner(x, 0.0, 0.0)];
        scene.quad([far[0], far[1], corner(x, near, 0.0), corner(x, near, CEILING_HEIGHT)], SIDE_WALL);
    }
    let (top, end) = (corner(0.0, 0.0, CEILING_HEIGHT), corner(1.0, 0.0, 0.0));
    scene.rect(top, [end[0] - top[0], end[1] - top[1]], WALL);
    for row in 0..4 {
        // Planks across the floor tell how far things are.
        let y = row as f32 * 0.22;
        let (left, right) = (corner(0.0, y, 0.0), corner(1.0, y + 0.04, 0.0));
        scene.quad([left, corner(1.0, y, 0.0), right, corner(0.0, y + 0.04, 0.0)], TILE);
    }
    for monster in state.monsters.iter().flatten() {
        let (middle, size) = seen(monster.x, MONSTER_Y, MONSTER_HEIGHT / 2.0);
        scene.monster(middle, MONSTER_HEIGHT / 2.0 * size);
    }
    // Far ones first.
    let mut order: [usize; super::fireballs::MAX_FIREBALLS] = std::array::from_fn(|i| i);
    let depth = |i: usize| state.fireballs[i].map_or(2.0, |fireball| fireball.at[1]);
    order.sort_unstable_by(|a, b| depth(*a).total_cmp(&depth(*b)).then(a.cmp(b)));
    for fireball in order.into_iter().filter_map(|i| state.fireballs[i]) {
        let (middle, size) = seen(fireball.at[0], fireball.at[1], FIREBALL_HEIGHT);
        scene.fireball(middle, FIREBALL_RADIUS * size);
    }
}

/// A picture whose width and height are 1.
struct Scene<'c, 'p> {
    canvas: &'c mut Canvas<'p>,
    scale: [f32; 2],
    look: Look,
}

impl Scene<'_, '_> {
    fn rect(&mut self, [x, y]: [f32; 2], [width, height]: [f32; 2], colour: Rgb) {
        let [x0, y0] = self.px([x, y]).map(|i| i.round() as i32);
        let [x1, y1] = self.px([x + width, y + height]).map(|i| i.round() as i32);
        self.canvas.rect(x0, y0, (x1 - x0).max(1), (y1 - y0).max(1), self.look.of(colour));
    }

    fn disc(&mut self, middle: [f32; 2], radius: f32, colour: Rgb) {
        let side = self.scale[0].min(self.scale[1]);
        self.canvas.disc(self.px(middle), radius * side, self.look.of(colour));
    }

    fn quad(&mut self, corners: [[f32; 2]; 4], colour: Rgb) {
        self.canvas.polygon(&corners.map(|corner| self.px(corner)), self.look.of(colour));
    }

    /// A horned head; `size` is half its height.
    fn monster(&mut self, [x, y]: [f32; 2], size: f32) {
        for side in [-1.0, 1.0] {
            let [tip, outer, inner] = [x + side * size, x + side * size * 0.9, x + side * size * 0.3];
            let corner = |x: f32, up: f32| [x, y - up * size];
            self.quad([corner(tip, 1.1), corner(outer, 0.3), corner(inner, 0.4), corner(inner, 0.6)], HORN);
        }
        self.disc([x, y], size * 0.85, MONSTER);
        for side in [-1.0, 1.0] {
            let left = x + side * size * 0.36 - size * 0.16;
            self.rect([left, y - size * 0.2], [size * 0.32, size * 0.32], EYES);
        }
    }

    fn fireball(&mut self, middle: [f32; 2], radius: f32) {
        self.disc(middle, radius, FLAME);
        self.disc(middle, radius * 0.55, CORE);
    }

    fn px(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        [x * self.scale[0], y * self.scale[1]]
    }
}
