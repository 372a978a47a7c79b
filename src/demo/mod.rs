//! The demo and its peers: a destination that comes and goes, and a sender of real messages.
//!
//! The peers speak SMTP with code of their own, so that what they find says something about the
//! relay; tests and benchmarks use them too.

pub mod destination;
pub mod sample;
pub mod sender;
