//! Fuzz targets: what they do with an input. Inputs and sets are those of the tests of the data crate, in `made_up`.

#[path = "../../crates/data/tests/data/made_up/mod.rs"]
mod made_up;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

pub use made_up::Sets;

/// What a target does with an input. Its sets are made at the first one.
pub fn read(target: &str, input: &[u8]) {
    static SETS: OnceLock<Mutex<Sets>> = OnceLock::new();
    let sets = SETS.get_or_init(|| {
        // The fuzzer's own would abort where a reader catches the panic of a library, as it may.
        std::panic::set_hook(Box::new(|info| eprintln!("{info}")));
        Mutex::new(Sets::make(target, &scratch(target)))
    });
    sets.lock().expect("a panic ends the fuzzer").read(input);
}

/// An empty folder in memory for this process.
pub fn scratch(target: &str) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let root = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let dir = root.join(format!("worldsmith-fuzz-{target}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).expect("the temporary folder can be written");
    dir
}
