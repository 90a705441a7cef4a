//! The facade: runs, sessions, checkpoints and reports, plain data in and plain data out.
