//! The server and the sessions it plays, over a toy game with a hand-written model: no run, no network beyond loopback.

#[path = "../../examples/toy/paddle.rs"]
mod paddle;

mod client;
mod doors;
mod play;
mod session;
