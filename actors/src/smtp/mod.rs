//! SMTP without I/O (RFC 5321): lines, commands, replies, the server's and the client's machines.
//!
//! This folder behaves like a crate: it imports nothing from its siblings and knows no tokio.

pub mod client;
pub mod command;
pub mod crlf;
pub mod data;
pub mod header;
pub mod limits;
pub mod line;
pub mod outbox;
pub mod reply;
pub mod reply_parser;
pub mod server;
pub mod sloppy;
pub mod trace;
pub mod xtext;

pub use command::Command;
pub use reply::Reply;
