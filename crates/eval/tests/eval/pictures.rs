//! Picture metrics, by hand and against scikit-image.

use serde::Deserialize;
use worldsmith_core::Image;
use worldsmith_eval::{PSNR_CAP, mean_absolute_error, psnr, psnr_changed, ssim};

#[derive(Deserialize)]
struct Fixture {
    pairs: Vec<Pair>,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    shape: [usize; 3],
    real: String,
    other: String,
    psnr: f64,
    ssim: f64,
}

fn image([height, width, channels]: [usize; 3], hex: &str) -> Image {
    let byte = |i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap();
    Image { height, width, channels, data: (0..hex.len() / 2).map(byte).collect() }
}

#[test]
fn psnr_and_ssim_agree_with_scikit_image() {
    let fixture: Fixture = serde_json::from_str(include_str!("../parity/pictures.json")).unwrap();
    assert_eq!(fixture.pairs.len(), 6);
    for pair in fixture.pairs {
        let (real, other) = (image(pair.shape, &pair.real), image(pair.shape, &pair.other));
        let (p, s) = (psnr(&real, &other).unwrap(), ssim(&real, &other).unwrap().unwrap());
        assert!((p - pair.psnr).abs() < 1e-4, "{}: psnr {p}, expected {}", pair.name, pair.psnr);
        assert!((s - pair.ssim).abs() < 1e-4, "{}: ssim {s}, expected {}", pair.name, pair.ssim);
    }
}

#[test]
fn identical_pictures_score_the_cap_and_opposite_ones_zero() {
    let black = Image::new(12, 12, 3);
    let mut white = black.clone();
    white.data.fill(255);
    assert_eq!(psnr(&black, &black).unwrap(), PSNR_CAP);
    assert_eq!(ssim(&black, &black).unwrap(), Some(1.0));
    assert_eq!(psnr(&black, &white).unwrap(), 0.0);
    assert_eq!(mean_absolute_error(&black, &white).unwrap(), 1.0);
}

#[test]
fn changed_pixels_are_those_that_differ_from_the_frame_before() {
    let picture = |data: [u8; 4]| Image { height: 1, width: 4, channels: 1, data: data.to_vec() };
    let (before, real) = (picture([255, 0, 0, 7]), picture([0, 255, 0, 0]));
    // The first two pixels changed; the last one by too little to count.
    assert_eq!(psnr_changed(&real, &before, &before).unwrap(), Some(0.0), "copying is wrong on all of them");
    assert_eq!(psnr_changed(&real, &real, &before).unwrap(), Some(PSNR_CAP));
    let white = picture([255; 4]);
    let half_right = psnr_changed(&real, &white, &before).unwrap().unwrap();
    assert!((half_right - 10.0 * 2f64.log10()).abs() < 1e-9, "painting all is wrong where the thing was");
    assert_eq!(psnr_changed(&before, &white, &before).unwrap(), None);
}

#[test]
fn pictures_of_other_shapes_are_refused_and_tiny_ones_have_no_ssim() {
    let (a, b) = (Image::new(12, 12, 3), Image::new(12, 12, 1));
    let err = psnr(&a, &b).unwrap_err();
    assert_eq!(err.to_string(), "expected a picture of shape [12, 12, 3], got [12, 12, 1]");
    let tiny = Image::new(10, 30, 1);
    assert_eq!(ssim(&tiny, &tiny).unwrap(), None);
}
