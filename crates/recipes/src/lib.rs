//! One folder per method, and the registry of them.
