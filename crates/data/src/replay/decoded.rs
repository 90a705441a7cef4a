//! Pictures of videos that were decoded lately, so that what is drawn again is only copied.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use worldsmith_core::Result;

use crate::store::Film;

/// Pictures that are decoded and kept together: decoding can begin at every second one of the videos a store writes.
const CHUNK: usize = 2;
/// What a chunk takes beside its pictures.
const CHUNK_BYTES: usize = 160;

/// Which film (numbered by the caller) and which chunk of it.
type Key = (u64, usize);

/// Decoded pictures, as many as there is room for. Threads that draw at once share them, and decode beside each other.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    lately: Mutex<Lately>,
}

/// Chunks, of which those leave first that were not used for longest.
#[derive(Debug, Default)]
struct Lately {
    chunks: HashMap<Key, Chunk>,
    /// Chunks by when they were last used.
    by_use: BTreeMap<u64, Key>,
    n_uses: u64,
    n_bytes: usize,
    /// There are never more.
    most_bytes: usize,
}

#[derive(Debug)]
struct Chunk {
    bytes: Arc<[u8]>,
    last_use: u64,
}

impl Decoded {
    /// Keeps no more than `most_bytes` from now on.
    pub fn keep_at_most(&self, most_bytes: usize) {
        let mut lately = self.lately();
        lately.most_bytes = most_bytes;
        lately.make_room(0);
    }

    /// Adds the pictures `rows` of `film`, which is number `film_idx`, to `out`.
    ///
    /// # Errors
    /// If they cannot be decoded.
    pub fn copy(&self, film_idx: u64, film: &Film, rows: Range<usize>, out: &mut Vec<u8>) -> Result<()> {
        let width = film.width();
        let mut first = rows.start / CHUNK;
        let kept = self.lately().get(film_idx, first..rows.end.div_ceil(CHUNK));
        // What is missing side by side is decoded at once.
        for run in kept.chunk_by(|a, b| a.is_none() && b.is_none()) {
            let here = first * CHUNK..film.n_frames.min((first + run.len()) * CHUNK);
            let at = |row: usize| (row.clamp(here.start, here.end) - here.start) * width;
            let wanted = at(rows.start)..at(rows.end);
            match &run[0] {
                Some(bytes) => out.extend_from_slice(&bytes[wanted]),
                None => {
                    let bytes = film.read(here.clone())?;
                    out.extend_from_slice(&bytes[wanted]);
                    let mut lately = self.lately();
                    let chunks = (first..).zip(bytes.chunks(CHUNK * width));
                    chunks.for_each(|(chunk, bytes)| lately.keep((film_idx, chunk), bytes));
                }
            }
            first += run.len();
        }
        Ok(())
    }

    fn lately(&self) -> MutexGuard<'_, Lately> {
        self.lately.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lately {
    /// Those of the chunks of a film that are there.
    fn get(&mut self, film_idx: u64, chunks: Range<usize>) -> Vec<Option<Arc<[u8]>>> {
        let mut find = |chunk| {
            let key = (film_idx, chunk);
            let found = self.chunks.get_mut(&key)?;
            self.by_use.remove(&found.last_use);
            self.n_uses += 1;
            found.last_use = self.n_uses;
            self.by_use.insert(self.n_uses, key);
            Some(found.bytes.clone())
        };
        chunks.map(&mut find).collect()
    }

    /// Keeps a chunk, if there is room for it at all.
    fn keep(&mut self, key: Key, bytes: &[u8]) {
        let n_bytes = bytes.len() + CHUNK_BYTES;
        // Another thread may have been quicker.
        if n_bytes > self.most_bytes || self.chunks.contains_key(&key) {
            return;
        }
        self.make_room(n_bytes);
        self.n_bytes += n_bytes;
        self.n_uses += 1;
        self.by_use.insert(self.n_uses, key);
        self.chunks.insert(key, Chunk { bytes: bytes.into(), last_use: self.n_uses });
    }

    /// Drops chunks until `n_bytes` more fit.
    fn make_room(&mut self, n_bytes: usize) {
        while self.n_bytes + n_bytes > self.most_bytes {
            let Some((_, oldest)) = self.by_use.pop_first() else { break };
            self.n_bytes -= self.chunks.remove(&oldest).map_or(0, |chunk| chunk.bytes.len() + CHUNK_BYTES);
        }
    }
}

#[cfg(test)]
mod tests {
    use worldsmith_core::{Image, Seed};
    use worldsmith_video::{Codec, video_bytes};

    use super::*;

    const SIDE: usize = 16;
    const WIDTH: usize = SIDE * SIDE;

    /// A film of grey pictures, each of another grey, and its pictures as they are read one by one.
    fn film(n_frames: usize) -> (Film, Vec<u8>) {
        let grey =
            |t: usize| Image { height: SIDE, width: SIDE, channels: 1, data: vec![30 + 5 * t as u8; WIDTH] };
        let frames: Vec<Image> = (0..n_frames).map(grey).collect();
        let bytes = video_bytes(&frames, 10.0, Codec::H264).unwrap().into();
        let film = Film { bytes, shape: [SIDE, SIDE, 1], n_frames, place: ("shard".into(), 0) };
        let pictures = (0..n_frames).flat_map(|t| film.read(t..t + 1).unwrap()).collect();
        (film, pictures)
    }

    /// Bytes that are kept, counted.
    fn n_bytes(decoded: &Decoded) -> usize {
        let lately = decoded.lately();
        let held: usize = lately.chunks.values().map(|chunk| chunk.bytes.len() + CHUNK_BYTES).sum();
        assert_eq!((held, lately.chunks.len()), (lately.n_bytes, lately.by_use.len()));
        held
    }

    #[test]
    fn any_stretch_is_right_and_what_is_kept_never_outgrows_its_bound() {
        let films = [film(17), film(8), film(1)];
        for most in [0, WIDTH, 5 * WIDTH, 20 * WIDTH, usize::MAX / 2] {
            let decoded = Decoded::default();
            decoded.keep_at_most(most);
            let mut rng = Seed(3).rng();
            let mut most_seen = 0;
            for _ in 0..60 {
                let idx = rng.below(films.len());
                let (film, pictures) = &films[idx];
                let start = rng.below(film.n_frames);
                let rows = start..start + 1 + rng.below(film.n_frames - start);
                let mut out = vec![7];
                decoded.copy(idx as u64, film, rows.clone(), &mut out).unwrap();
                assert!(out[1..] == pictures[rows.start * WIDTH..rows.end * WIDTH], "{idx} {rows:?}");
                most_seen = most_seen.max(n_bytes(&decoded));
            }
            assert!(most_seen <= most, "{most_seen} of {most}");
            assert_eq!(most_seen > 0, most > 3 * WIDTH);
            decoded.keep_at_most(0);
            assert_eq!(n_bytes(&decoded), 0);
        }
    }

    #[test]
    fn no_more_is_decoded_than_a_window_needs_and_nothing_twice() {
        let decoded = Decoded::default();
        decoded.keep_at_most(1 << 20);
        let (film, pictures) = film(20);
        let mut out = Vec::new();
        decoded.copy(0, &film, 5..9, &mut out).unwrap();
        // Chunks 2, 3 and 4: pictures 4 to 9.
        assert_eq!(n_bytes(&decoded), 6 * WIDTH + 3 * CHUNK_BYTES);
        let gone = Film { bytes: Vec::new().into(), ..film };
        out.clear();
        decoded.copy(0, &gone, 4..10, &mut out).unwrap();
        assert!(out == pictures[4 * WIDTH..10 * WIDTH]);
        let err = decoded.copy(0, &gone, 4..11, &mut out).unwrap_err();
        assert!(err.to_string().ends_with("shard"), "{err}");
        assert!(decoded.copy(1, &gone, 4..10, &mut out).is_err(), "another film");
    }

    #[test]
    fn what_was_not_used_for_longest_leaves_first() {
        let mut lately = Lately { most_bytes: 4 * (10 + CHUNK_BYTES), ..Lately::default() };
        (0..4).for_each(|chunk| lately.keep((0, chunk), &[7; 10]));
        assert!(lately.get(0, 0..1)[0].is_some());
        lately.keep((1, 0), &[8; 10]);
        let held = |lately: &mut Lately| [lately.get(0, 0..4), lately.get(1, 0..1)].concat();
        let is_held: Vec<bool> = held(&mut lately).iter().map(Option::is_some).collect();
        assert_eq!(is_held, [true, false, true, true, true]);
        // One for which there is no room at all drives no other out.
        lately.keep((2, 0), &[0; 1000]);
        assert_eq!((lately.chunks.len(), lately.get(2, 0..1)), (4, vec![None]));
    }
}
