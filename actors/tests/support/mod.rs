//! What the tests of this crate share: a destination that plays along over `tokio::io::duplex`.

pub(crate) mod destination;
