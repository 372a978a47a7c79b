//! What the tests of this crate share: a destination that plays along over `tokio::io::duplex`, and
//! a node with a store in memory under a paused clock.

pub(crate) mod destination;
pub(crate) mod node;
