//! The road from above: what is ahead is up.

use super::super::car::Car;
use super::super::faces;
use super::super::from_above::Above;
use super::roadside::{Kind, items};
use super::stretch::{LANE_M, N_LANES, Post};
use super::traffic::CAR_M;
use super::windscreen::{ASPHALT, LINE, ROAD_HALF_M, Windscreen};
use crate::canvas::{Canvas, Rgb, hsv};

/// Metres from the lower to the upper edge, and where the car stands as a part of the height.
const VIEW_M: f32 = 64.0;
const CAR_ROW: f32 = 0.75;
const OWN_PAINT: Rgb = [240, 240, 244];
const TREE: Rgb = [48, 108, 56];
const HOUSE: Rgb = [176, 120, 96];
const SIGN: Rgb = [60, 100, 180];

/// Draws the road, what stands beside it, and the cars.
pub fn draw(scene: &Windscreen<'_>, canvas: &mut Canvas<'_>) {
    let [width, height] = [canvas.width as f32, canvas.height as f32];
    let above = Above {
        at: scene.car.at(),
        heading_rad: scene.car.heading_rad,
        middle_px: [width / 2.0, CAR_ROW * height],
        px_per_m: height / VIEW_M,
        hue_deg: scene.weather.hue_deg,
        brightness: scene.weather.brightness,
    };
    above.draw_meadow(canvas);
    draw_road(scene, &above, canvas);
    let lens = above.lens();
    let to_px = |way_m: f64, left_m: f64| lens(scene.stretch.point(way_m, left_m).map(|x| x as f32));
    let way_m = scene.stretch.locate(scene.car.at()).way_m;
    for item in items(scene.seed, (way_m - 40.0).max(0.0)) {
        let (radius, colour) = match item.kind {
            Kind::Tree => (1.6 + 1.2 * item.size, TREE),
            Kind::Bush => (0.8 + item.size, TREE),
            Kind::House => (4.0, HOUSE),
            Kind::Sign => (0.6, SIGN),
            Kind::Marker => (0.3, LINE),
        };
        canvas.disc(to_px(item.way_m, item.left_m), radius * above.px_per_m, above.lit(colour));
    }
    for other in scene.others {
        let post = scene.stretch.at(other.way_m);
        let [x, y] = post.beside(other.left_m);
        let car = Car::parked(x, y, post.heading_rad + other.slant_rad());
        above.draw_car(canvas, &car, [CAR_M[0], CAR_M[1]], hsv(other.paint_deg, 0.75, 0.86));
    }
    above.draw_car(canvas, scene.car, [CAR_M[0], CAR_M[1]], OWN_PAINT);
}

/// Asphalt and lines, post by post.
fn draw_road(scene: &Windscreen<'_>, above: &Above, canvas: &mut Canvas<'_>) {
    let lens = above.lens();
    let half = (N_LANES as f64 * LANE_M / 2.0) as f32;
    let line_m = (0.6 / above.px_per_m).max(0.1);
    let (posts, nexts) = (scene.stretch.posts(), scene.stretch.posts().skip(1));
    for ((number, post), (_, next)) in posts.zip(nexts) {
        let mut strip = |left: [f32; 2], colour: Rgb| {
            let corner = |post: &Post, left: f32| lens(post.beside(f64::from(left)).map(|x| x as f32));
            let corners =
                [corner(post, left[0]), corner(post, left[1]), corner(next, left[1]), corner(next, left[0])];
            faces::paint(canvas, &corners, above.lit(colour));
        };
        strip([-ROAD_HALF_M, ROAD_HALF_M], ASPHALT[0]);
        for side in [-half, half] {
            strip([side - line_m, side + line_m], LINE);
        }
        if number % 6 < 2 {
            for lane in 1..N_LANES {
                let left = lane as f32 * LANE_M as f32 - half;
                strip([left - line_m, left + line_m], LINE);
            }
        }
    }
}
