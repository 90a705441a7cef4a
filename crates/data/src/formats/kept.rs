//! Decoded pictures kept for the next time they are asked for, in bounded memory.

use std::collections::{BTreeMap, HashMap};

use worldsmith_core::Image;

/// File, by a number that the reader gave it, and frame in it.
pub(super) type Key = (usize, usize);

/// Pictures up to a number of bytes; those that were not asked for the longest leave first.
#[derive(Debug, Default)]
pub(super) struct Kept {
    max_bytes: usize,
    n_bytes: usize,
    /// Counts how often something was asked for.
    clock: u64,
    /// Each with the time when it was last asked for.
    pictures: HashMap<Key, (u64, Image)>,
    asked: BTreeMap<u64, Key>,
}

impl Kept {
    /// Room for `max_bytes`; 0 keeps nothing.
    pub fn new(max_bytes: usize) -> Self {
        Self { max_bytes, ..Self::default() }
    }

    /// A copy of a picture that is kept.
    pub fn get(&mut self, key: Key) -> Option<Image> {
        let (at, image) = self.pictures.get_mut(&key)?;
        self.asked.remove(at);
        self.clock += 1;
        *at = self.clock;
        self.asked.insert(self.clock, key);
        Some(image.clone())
    }

    /// Keeps a copy of a picture that is not kept yet, if there is room for it alone.
    pub fn put(&mut self, key: Key, image: &Image) {
        if image.data.len() > self.max_bytes || self.pictures.contains_key(&key) {
            return;
        }
        while self.n_bytes + image.data.len() > self.max_bytes {
            let Some((_, oldest)) = self.asked.pop_first() else { break };
            if let Some((_, image)) = self.pictures.remove(&oldest) {
                self.n_bytes -= image.data.len();
            }
        }
        self.clock += 1;
        self.n_bytes += image.data.len();
        self.asked.insert(self.clock, key);
        self.pictures.insert(key, (self.clock, image.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(level: u8) -> Image {
        Image { height: 2, width: 5, channels: 1, data: vec![level; 10] }
    }

    #[test]
    fn what_was_not_asked_for_the_longest_leaves_first() {
        let mut kept = Kept::new(30);
        (0..3).for_each(|frame| kept.put((0, frame), &picture(frame as u8)));
        assert_eq!(kept.get((0, 0)), Some(picture(0)));
        kept.put((1, 0), &picture(9));
        let found = [(0, 0), (0, 1), (0, 2), (1, 0)].map(|key| kept.get(key).map(|image| image.data[0]));
        assert_eq!(found, [Some(0), None, Some(2), Some(9)]);
        // The same again takes no room.
        kept.put((1, 0), &picture(9));
        assert!(kept.get((0, 0)).is_some() && kept.n_bytes == 30);
    }

    #[test]
    fn pictures_larger_than_the_room_are_not_kept() {
        let mut kept = Kept::new(9);
        kept.put((0, 0), &picture(1));
        assert_eq!(kept.get((0, 0)), None);
        assert!(Kept::new(0).get((0, 0)).is_none());
    }
}
