//! What happens: SMTP sessions take mail in, delivery passes it on, retention lets go of it.
//!
//! Protocol and policy are pure machines (`smtp`, the pure modules of `delivery`); actors carry
//! their effects out under one supervision tree.

pub mod availability;
pub mod callout;
pub mod continuity;
pub mod delivery;
pub mod dkim;
pub mod dns;
pub mod filter;
pub mod metrics;
pub mod outages;
pub mod outbox;
pub mod own_mail;
pub mod retention;
pub mod session;
pub mod smtp;
pub mod status;
pub mod sts;
pub mod supervision;
pub mod tls;
pub mod tree;
mod watch;
