//! HTTP and WebSocket serving of a run, with the play page embedded.
//!
//! [`serve`] answers `/` (the page), `/api/info`, `/healthz`, `/metrics` and the WebSocket `/ws`, whose messages are
//! written down in `docs/protocol.md`. Each connection plays a [`worldsmith::Session`] of its own.

mod guard;
mod http;
mod metrics;
mod pixels;
mod player;
mod protocol;
mod serve;
mod socket;

pub use serve::{Info, ServeOptions, SessionFactory, serve};
