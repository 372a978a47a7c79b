//! SMTP without I/O (RFC 5321): lines, commands, replies, the server's and the client's machines.
//!
//! This folder behaves like a crate: it imports nothing from its siblings and knows no tokio.

pub mod client;
pub mod crlf;
pub mod limits;
pub mod outbox;
pub mod reply;
pub mod reply_parser;
pub mod xtext;

pub use reply::Reply;
