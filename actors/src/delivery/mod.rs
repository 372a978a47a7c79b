//! Delivery: one queue per domain, one health and window per route.

pub mod conversation;
pub mod dialer;
pub mod route;

pub use conversation::{Avoid, Conversation, Manners};
pub use dialer::{ByteStream, Connection, DialError, Dialer, TcpDialer};
pub use route::RouteKey;
