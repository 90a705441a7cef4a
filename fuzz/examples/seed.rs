//! Writes `seeds/<target>/`: an input for each file of the target's sets, which leaves it as it is.
//!
//! ```text
//! cargo run --example seed -- store zarr
//! ```

use std::fs;
use std::path::Path;

use worldsmith_fuzz::{Sets, scratch};

fn main() {
    for target in std::env::args().skip(1) {
        let dir = scratch(&target);
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(&target);
        fs::create_dir_all(&seeds).expect("seeds can be written");
        let mut n_seeds = 0;
        for seed in Sets::make(&target, &dir).seeds() {
            fs::write(seeds.join(format!("seed-{n_seeds:03}")), seed).expect("seeds can be written");
            n_seeds += 1;
        }
        println!("{target}: {n_seeds} seeds in {}", seeds.display());
        let _ = fs::remove_dir_all(dir);
    }
}
