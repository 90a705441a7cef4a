//! Project chores, as a library so that `cargo test` runs the same checks as `cargo xtask`.
//!
//! Nothing here depends on the crates it looks at: it reads the tree as text and builds in a second.

mod parity;
mod readme;
mod recipe;
mod source;
mod tidy;
mod tree;

pub use parity::{ParityOptions, parity_bridge, parity_data, parity_env, parity_speed, write_bridge_page};
pub use readme::{render_table, with_table};
pub use recipe::new_recipe;
pub use source::{Function, code_only, functions};
pub use tidy::{Problem, RULES, Rule, think_again};
pub use tree::{SourceFile, Tree};

use std::path::PathBuf;

/// Result with a message for the person at the keyboard.
pub type Result<T> = std::result::Result<T, String>;

/// The root of the checkout: where cargo says this package is, else the current folder. Asked at run time, because a
/// build cache shared by several checkouts would remember one of them.
pub fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    package.and_then(|dir| dir.parent().map(PathBuf::from)).unwrap_or_else(|| PathBuf::from("."))
}
