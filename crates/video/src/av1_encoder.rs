//! Writing AV1 with rav1e.
