//! SMTP without I/O (RFC 5321): lines, commands, replies, the server's and the client's machines.
//!
//! This folder behaves like a crate: it imports nothing from its siblings and knows no tokio.

pub mod reply;

pub use reply::Reply;
