//! What is true: records, and the one place that writes them.
//!
//! `model` holds the vocabulary, `engine` the seam to an ordered key–value store, `spool` the
//! handle that everybody else uses, `bodies` the files of large bodies. `codec` and `keyspace` say how records lie on the disk,
//! `commit` how they get there.
pub mod engine;
pub mod limits;
pub mod metric;
pub mod metrics;
pub mod model;
pub mod spool;

mod access;
mod bodies;
mod codec;
mod commit;
mod directory;
mod error;
mod feed;
mod keyspace;
pub mod seal;
