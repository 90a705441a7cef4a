//! HTTP and WebSocket serving of a run, with the play page embedded.
