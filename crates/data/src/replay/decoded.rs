//! Pictures of videos that were decoded lately, so that what is drawn again is only copied.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use worldsmith_core::Result;

use crate::store::Film;

/// Pictures that are decoded and kept together: few, so that a window costs little more than its own.
const CHUNK: usize = 8;
/// Decoded pictures are kept up to so many bytes.
const MOST_BYTES: usize = 256 << 20;

/// Which film (numbered by the caller) and which chunk of it.
type Key = (u64, usize);

/// Decoded chunks, as many as there is room for; those that were not used for longest leave first.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    chunks: HashMap<Key, Chunk>,
    /// Chunks by when they were last used.
    by_use: BTreeMap<u64, Key>,
    n_uses: u64,
    n_bytes: usize,
}

#[derive(Debug)]
struct Chunk {
    bytes: Vec<u8>,
    last_use: u64,
}

impl Decoded {
    /// Adds the pictures `rows` of `film`, which is number `film_idx`, to `out`.
    ///
    /// # Errors
    /// If they cannot be decoded.
    pub fn copy(&mut self, film_idx: u64, film: &Film, rows: Range<usize>, out: &mut Vec<u8>) -> Result<()> {
        let n_chunks = rows.end.div_ceil(CHUNK);
        let mut chunk = rows.start / CHUNK;
        while chunk < n_chunks {
            let n_missing =
                (chunk..n_chunks).take_while(|chunk| !self.chunks.contains_key(&(film_idx, *chunk))).count();
            let here = chunk..chunk + n_missing.max(1);
            let wanted = rows.start.max(here.start * CHUNK)..rows.end.min(here.end * CHUNK);
            let within = |bytes: &[u8], out: &mut Vec<u8>| {
                let width = film.width();
                let at = |row: usize| (row - here.start * CHUNK) * width;
                out.extend_from_slice(&bytes[at(wanted.start)..at(wanted.end)]);
            };
            match self.get((film_idx, chunk)) {
                Some(bytes) => within(bytes, out),
                None => {
                    let bytes = film.read(here.start * CHUNK..film.n_frames.min(here.end * CHUNK))?;
                    within(&bytes, out);
                    let chunks = bytes.chunks(CHUNK * film.width());
                    here.clone().zip(chunks).for_each(|(chunk, bytes)| self.keep((film_idx, chunk), bytes));
                }
            }
            chunk = here.end;
        }
        Ok(())
    }

    fn get(&mut self, key: Key) -> Option<&[u8]> {
        let chunk = self.chunks.get_mut(&key)?;
        self.by_use.remove(&chunk.last_use);
        self.n_uses += 1;
        chunk.last_use = self.n_uses;
        self.by_use.insert(self.n_uses, key);
        Some(&chunk.bytes)
    }

    /// Keeps a chunk that is not there.
    fn keep(&mut self, key: Key, bytes: &[u8]) {
        self.n_bytes += bytes.len();
        while self.n_bytes > MOST_BYTES {
            let Some((_, oldest)) = self.by_use.pop_first() else { break };
            self.n_bytes -= self.chunks.remove(&oldest).map_or(0, |chunk| chunk.bytes.len());
        }
        if self.n_bytes > MOST_BYTES {
            // There is no room for this one alone.
            self.n_bytes -= bytes.len();
            return;
        }
        self.n_uses += 1;
        self.by_use.insert(self.n_uses, key);
        self.chunks.insert(key, Chunk { bytes: bytes.to_vec(), last_use: self.n_uses });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_leaves_when_there_is_no_room() {
        let mut decoded = Decoded::default();
        let quarter = vec![7; MOST_BYTES / 4];
        (0..4).for_each(|chunk| decoded.keep((0, chunk), &quarter));
        assert!(decoded.get((0, 0)).is_some());
        decoded.keep((1, 0), &quarter);
        let held = [(0, 0), (0, 1), (1, 0)].map(|key| decoded.chunks.contains_key(&key));
        assert_eq!(held, [true, false, true]);
        assert_eq!((decoded.chunks.len(), decoded.by_use.len(), decoded.n_bytes), (4, 4, MOST_BYTES));
        decoded.keep((2, 0), &vec![0; MOST_BYTES + 1]);
        assert_eq!((decoded.chunks.len(), decoded.by_use.len(), decoded.n_bytes), (0, 0, 0));
    }
}
