//! Delivery: one queue per domain, one health and window per route.

pub mod classify;
pub mod conversation;
pub mod dialer;
pub mod expiry;
pub mod governor;
pub mod health;
pub mod retry;
pub mod route;

pub use conversation::{Avoid, Conversation, Manners};
pub use dialer::{ByteStream, Connection, DialError, Dialer, TcpDialer};
pub use route::RouteKey;
