//! This program's own episode store, read as a data set, so that every command works on it too.

use std::ops::Range;
use std::path::Path;

use worldsmith_core::{Episode, Result};

use super::{Format, ReadOptions, Sink, SinkSpec, Source, SourceInfo};
use crate::{Keeping, Pictures, Store};

/// Registry entry.
pub const FORMAT: Format = Format {
    name: "worldsmith",
    about: "episode store: a folder with store.json, index.jsonl and shards/*.arrow",
    detect: |path| path.join("store.json").is_file(),
    open,
    create: Some(create),
};

struct StoreSource {
    store: Store,
    info: SourceInfo,
}

fn open(path: &Path, options: &ReadOptions) -> Result<Box<dyn Source>> {
    options.refuse_columns("an episode store")?;
    let store = Store::open(path)?;
    let (obs, action) = (store.obs().clone(), store.action().clone());
    let fps = store.fps();
    let notes = store.damage().into_iter().chain(store.leftovers()).collect();
    Ok(Box::new(StoreSource { store, info: SourceInfo { obs, action, fps, notes } }))
}

impl Source for StoreSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn n_episodes(&self) -> usize {
        self.store.len()
    }

    fn read(&mut self, idx: usize) -> Result<Episode> {
        self.store.read(idx)
    }

    fn read_range(&mut self, idx: usize, steps: Range<usize>) -> Result<Episode> {
        self.store.read_range(idx, steps)
    }

    fn store(&self) -> Option<&Store> {
        Some(&self.store)
    }
}

struct StoreSink(Store);

fn create(path: &Path, spec: &SinkSpec) -> Result<Box<dyn Sink>> {
    let pictures = if spec.video { Pictures::H264 } else { Pictures::Raw };
    let keeping = Keeping { pictures, fps: Some(spec.fps) };
    Ok(Box::new(StoreSink(Store::create_with(path, &spec.obs, &spec.action, keeping)?)))
}

impl Sink for StoreSink {
    fn push(&mut self, episode: &Episode) -> Result<()> {
        self.0.append_later(episode)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.0.commit()
    }
}
