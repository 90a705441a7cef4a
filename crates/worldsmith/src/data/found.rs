//! Episodes on their way into a store: taken over as they lie where both stores keep pictures alike, coded otherwise.

use worldsmith_core::{Episode, Result};
use worldsmith_data::formats::Source;
use worldsmith_data::{Pictures, Store};

/// An episode that was read, and where it comes from.
pub(super) struct Found<'a> {
    pub episode: Episode,
    /// The store that it lies in, if it does, and its number there.
    place: Option<(&'a Store, usize)>,
}

impl<'a> Found<'a> {
    /// Reads episode `idx`.
    pub fn read(source: &'a mut dyn Source, idx: usize) -> Result<Self> {
        let episode = source.read(idx)?;
        let source: &'a dyn Source = source;
        Ok(Self { episode, place: source.store().map(|store| (store, idx)) })
    }

    /// The fingerprint that it has in `store`, or would have.
    pub fn hash_in(&self, store: &Store) -> Result<String> {
        match self.place_like(store) {
            Some((from, idx)) => Ok(from.entry(idx)?.hash),
            None => store.fingerprint_of(&self.episode),
        }
    }

    /// Adds it to `store`, where it counts after the next commit.
    pub fn put_into(&self, store: &mut Store) -> Result<()> {
        match self.place_like(store) {
            // Video that is coded a second time would lose a second time.
            Some((from, idx)) => store.append_stored_later(from, idx),
            None => store.append_later(&self.episode),
        }
    }

    fn place_like(&self, store: &Store) -> Option<(&'a Store, usize)> {
        self.place.filter(|(from, _)| store.keeps_like(from))
    }
}

/// How a new store keeps the pictures of these data sets, if nobody says: as they do where they are stores that agree.
pub(super) fn pictures_like(sources: &[Box<dyn Source>]) -> Pictures {
    let mut all = sources.iter().map(|source| source.pictures().unwrap_or_default());
    let first = all.next().unwrap_or_default();
    if all.all(|kept| kept == first) { first } else { Pictures::default() }
}
