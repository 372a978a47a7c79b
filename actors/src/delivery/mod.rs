//! Delivery: one queue per domain, one health and window per route.
//!
//! A pure core (`governor` and what it stands on, `schedule`, `classify`, `breaker`, `retry`,
//! `expiry`) next to thin actors (`delivery_supervisor`, `delivery_actor`, `host_governor`,
//! `attempt`) that own sockets, timers and the store.

pub mod announced;
pub mod attempt;
pub mod breaker;
pub mod classify;
pub mod context;
pub mod conversation;
pub mod dane;
pub mod delivery_actor;
pub mod delivery_supervisor;
pub mod dialer;
pub mod dsn;
pub mod exchange;
pub mod expiry;
pub mod fair_queue;
pub mod governor;
pub mod health;
pub mod host_governor;
pub mod opening;
pub mod ourselves;
pub mod probe_budget;
pub mod ramp;
pub mod ready;
pub mod retry;
pub mod route;
pub mod routing;
pub mod schedule;
pub mod signs_of_life;
pub mod speed;
pub mod stored_reply;
pub mod turn;

pub use announced::{Abilities, Announced};
pub use context::DeliveryContext;
pub use conversation::{Avoid, Conversation, Manners};
pub use delivery_supervisor::DeliverySupervisor;
pub use dialer::{ByteStream, Connection, DialError, Dialer, TcpDialer};
pub use opening::Opener;
pub use route::RouteKey;
pub use routing::Routing;
pub use signs_of_life::SignsOfLife;
