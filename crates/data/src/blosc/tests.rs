//! Frames written by numcodecs, whole, cut and flipped.

use std::fs;
use std::path::{Path, PathBuf};

use worldsmith_core::Seed;

use super::decode;

fn frames() -> Vec<(PathBuf, Vec<u8>)> {
    // Freshly made ones where `cargo xtask parity data` says so.
    let checked_in = || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let dir = std::env::var_os("WORLDSMITH_FIXTURES").map_or_else(checked_in, PathBuf::from);
    let paths = fs::read_dir(dir.join("blosc")).unwrap().map(|entry| entry.unwrap().path());
    let frames = paths.filter(|path| path.extension().is_some_and(|ext| ext == "blosc"));
    frames.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Plain bytes of the frame at `path`, by the formula of the script that wrote it.
fn plain(n: u64) -> Vec<u8> {
    (0..n).flat_map(|i| ((i * i / 7 + i % 13) as u32).to_le_bytes()).collect()
}

#[test]
fn every_compressor_and_shuffle_of_numcodecs_decodes() {
    let mut n_checked = 0;
    for (path, frame) in frames() {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        if let Ok(n) = stem.rsplit('-').next().unwrap().parse() {
            let want = plain(n);
            assert_eq!(decode(&frame, want.len()).unwrap(), want, "{stem}");
            n_checked += 1;
        } else {
            let far = decode(&frame, 23_000).unwrap();
            assert_eq!(far[..9000], far[9000..18_000], "{stem}");
            assert!(far[18_000..].iter().all(|byte| *byte == 0));
            let sum: u64 = far[..9000].iter().map(|byte| u64::from(*byte)).sum();
            assert_eq!(sum, 1_151_750, "{stem}");
            n_checked += 1;
        }
    }
    assert_eq!(n_checked, 5 * 3 + 3);
}

#[test]
fn cut_and_flipped_frames_are_refused_or_of_the_right_length() {
    let mut rng = Seed(3).rng();
    for (path, frame) in frames() {
        let n = number(&frame[4..8]);
        for cut in (0..100).map(|percent| frame.len() * percent / 100) {
            assert!(decode(&frame[..cut], n).is_err(), "{} cut at {cut}", path.display());
        }
        for _ in 0..200 {
            let mut flipped = frame.clone();
            flipped[rng.below(frame.len())] ^= 1 << rng.below(8);
            if let Ok(plain) = decode(&flipped, n) {
                assert_eq!(plain.len(), n);
            }
        }
        assert!(decode(&frame, n + 1).is_err());
    }
}

fn number(bytes: &[u8]) -> usize {
    u32::from_le_bytes(bytes.try_into().unwrap()) as usize
}
