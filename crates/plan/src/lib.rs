//! The world-model seam: observe, imagine, predict; dreams as environments; policies and planners.
