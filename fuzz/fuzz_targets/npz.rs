//! Inputs of the target `npz`; see `src/sets.rs` for its sets.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| worldsmith_fuzz::read("npz", input));
