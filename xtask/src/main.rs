//! Project chores: `cargo xtask <chore>`.

fn main() {}
