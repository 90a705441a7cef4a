//! The program as a person meets it: what it prints, how it ends, and that nothing is lost when it is killed.

#![cfg(unix)]

#[path = "cli/data.rs"]
mod data;
#[path = "cli/faults.rs"]
mod faults;
#[path = "cli/program.rs"]
mod program;
#[path = "cli/resume.rs"]
mod resume;
#[path = "cli/stores.rs"]
mod stores;
#[path = "cli/words.rs"]
mod words;
