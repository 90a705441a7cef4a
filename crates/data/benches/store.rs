//! Speed of the store: `cargo bench -p worldsmith-data --bench store`.
