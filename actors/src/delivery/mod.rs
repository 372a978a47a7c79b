//! Delivery: one queue per domain, one health and window per route.

pub mod breaker;
pub mod classify;
pub mod conversation;
pub mod dialer;
pub mod expiry;
pub mod fair_queue;
pub mod governor;
pub mod health;
pub mod ramp;
pub mod retry;
pub mod route;
pub mod schedule;

pub use conversation::{Avoid, Conversation, Manners};
pub use dialer::{ByteStream, Connection, DialError, Dialer, TcpDialer};
pub use route::RouteKey;
