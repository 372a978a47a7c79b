//! DNS for tests: a zone that answers at once, and a server on a socket that lies as it is told.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "each test binary uses its part of it"
)]

pub(crate) mod server;
pub(crate) mod zone;
