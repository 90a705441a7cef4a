//! Files that were cut or whose bits flipped: readers must refuse them by name or go on, and never panic.
//!
//! Every format's tests put its files through [`Set::survive`]. With `RUN_SLOW=1` a thousand bits of each are flipped, and
//! `--nocapture` prints what came of it.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use worldsmith_core::{Episode, Result, Seed};
use worldsmith_data::fingerprint;
use worldsmith_data::formats::{self, ReadOptions};

use super::made_up::names_file;

/// A data set that is whole, and what it holds.
pub struct Set<'a> {
    path: &'a Path,
    format: &'a str,
    whole: Read,
}

/// All that a set holds, and what its reader remarks.
#[derive(PartialEq)]
struct Read {
    spaces: String,
    /// Fingerprint and origin of each.
    episodes: Vec<(String, String)>,
    notes: Vec<String>,
}

/// What a file lets its reader find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finds {
    /// Any change that means something: there are checksums.
    All,
    /// That it was cut.
    Cuts,
    /// Nothing for certain: people's own text.
    Little,
}

/// What came of the damaged copies of a file.
#[derive(Debug, Default)]
struct Toll {
    /// Refused by an error that names a file of the set.
    refused: usize,
    /// Read in part, and the reader says so.
    less: usize,
    /// Read as if nothing had happened.
    whole: usize,
    /// Read as something else.
    other: usize,
}

impl<'a> Set<'a> {
    /// The set at `path`, which is whole.
    pub fn new(path: &'a Path, format: &'a str) -> Self {
        Self { path, format, whole: read(path, format).unwrap() }
    }

    /// Cuts `file` of the set at every hundredth of its length and flips bits of it, one at a time, `n_flips` times or a
    /// thousand; an empty name means the set itself. What its reader `finds` must not go unnoticed, and a cut must be said of
    /// the file that was cut. Puts the file back.
    pub fn survive(&self, file: &str, finds: Finds, n_flips: usize) {
        let at = if file.is_empty() { self.path.to_owned() } else { self.path.join(file) };
        let bytes = fs::read(&at).unwrap();
        let mut rng = Seed(bytes.len() as u64).rng();
        let mut toll = Toll::default();
        for percent in 0..100 {
            replace(&at, &bytes[..bytes.len() * percent / 100]);
            let refused = self.count(&mut toll, &format!("{file} cut at {percent} %"));
            let is_named = refused.as_ref().is_none_or(|err| err.contains(at.to_str().unwrap()));
            assert!(is_named, "{file} cut at {percent} %, but named is another: {refused:?}");
            assert!(
                toll.other == 0 || finds == Finds::Little,
                "{file} cut at {percent} % reads as something else"
            );
        }
        for _ in 0..if std::env::var_os("RUN_SLOW").is_some() { 1000 } else { n_flips } {
            let bit = rng.below(bytes.len() * 8);
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            replace(&at, &flipped);
            self.count(&mut toll, &format!("bit {bit} of {file} flipped"));
            assert!(
                toll.other == 0 || finds != Finds::All,
                "bit {bit} of {file} flipped reads as something else"
            );
        }
        replace(&at, &bytes);
        assert!(self.whole == read(self.path, self.format).unwrap());
        let name = self.path.file_name().unwrap().to_string_lossy();
        println!("damage | {} | {name} {file} | {toll:?}", self.format);
    }

    /// Reads the set and counts what came of it; the error if it was refused.
    fn count(&self, toll: &mut Toll, what: &str) -> Option<String> {
        let damaged = catch_unwind(AssertUnwindSafe(|| read(self.path, self.format)));
        let Ok(damaged) = damaged else { panic!("{}: {what}", self.format) };
        match damaged {
            Err(err) => {
                assert!(names_file(&err, self.path), "{what} names no file: {err}");
                toll.refused += 1;
                return Some(err.to_string());
            }
            Ok(read) if read == self.whole => toll.whole += 1,
            Ok(read) if read.notes != self.whole.notes && self.whole.episodes.starts_with(&read.episodes) => {
                toll.less += 1;
            }
            Ok(_) => toll.other += 1,
        }
        None
    }
}

/// Opens the set at `path` and reads all of it.
fn read(path: &Path, format: &str) -> Result<Read> {
    let (_, mut source) = formats::open(path, Some(format), &ReadOptions::default())?;
    let told = |episode: Episode| (fingerprint(&episode), format!("{:?}", episode.meta));
    let episodes = (0..source.n_episodes()).map(|idx| source.read(idx).map(told)).collect::<Result<_>>()?;
    let info = source.info();
    Ok(Read { spaces: format!("{:?} {:?}", info.obs, info.action), episodes, notes: info.notes.clone() })
}

/// Writes a new file in the place of an old one: writing over it would wait for the disk on some systems, and change what is
/// mapped.
fn replace(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}
