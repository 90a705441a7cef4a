//! What is kept of the inputs that the fuzz targets made up, and those they start from, read again.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::made_up::Sets;

#[test]
fn every_kept_input_of_a_fuzz_target_is_read_or_refused_by_name() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    std::thread::scope(|scope| {
        for target in files(&fuzz.join("fuzz_targets")) {
            let corpus = fuzz.join("corpus").join(target.file_stem().unwrap());
            scope.spawn(move || replay(&corpus));
        }
    });
}

/// Reads every input of the target whose corpus this is.
fn replay(corpus: &Path) {
    let dir = tempfile::tempdir().unwrap();
    let mut sets = Sets::make(corpus.file_name().unwrap().to_str().unwrap(), dir.path());
    sets.seeds().collect::<Vec<_>>().iter().for_each(|seed| sets.read(seed));
    for path in if corpus.is_dir() { files(corpus) } else { Vec::new() } {
        let input = fs::read(&path).unwrap();
        let read = catch_unwind(AssertUnwindSafe(|| sets.read(&input)));
        assert!(read.is_ok(), "{}: see above", path.display());
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap_or_else(|err| panic!("{}: {err}", dir.display()));
    entries.map(|entry| entry.unwrap().path()).collect()
}
