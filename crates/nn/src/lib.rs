//! Neural parts: encoders, recurrent cells, heads, distributions, optimisers, checkpoints.
