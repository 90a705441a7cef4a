//! Writing H.264 with OpenH264.
