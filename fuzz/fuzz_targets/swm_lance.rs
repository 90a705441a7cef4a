//! Inputs of the target `swm_lance`; see `made_up/sets.rs` in the tests of the data crate for its sets.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| worldsmith_fuzz::read("swm_lance", input));
