//! Writes `corpus/<target>/`: an input for each file of the target's sets, which leaves it as it is.

use std::fs;
use std::path::Path;

use worldsmith_fuzz::{Sets, scratch};

fn main() {
    for target in std::env::args().skip(1) {
        let dir = scratch(&target);
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(&target);
        fs::create_dir_all(&corpus).expect("the corpus can be written");
        for (idx, seed) in Sets::make(&target, &dir).seeds().enumerate() {
            fs::write(corpus.join(format!("seed-{idx:03}")), seed).expect("the corpus can be written");
        }
        let _ = fs::remove_dir_all(dir);
    }
}
