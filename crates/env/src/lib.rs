//! Built-in environments, one a file, and the bridge to Gymnasium.
