//! What is seen: the users' portal, the administration API, its status page, and the operations
//! listener.
//!
//! Web reads snapshots and changes the world only through the store, where an actor carries out
//! what was committed. Every change is answered when it is in force and leaves an audit row.

pub mod api;
pub mod auth;
pub mod compose;
mod csp_reports;
pub mod guard;
pub mod language;
pub mod links;
pub mod message;
pub mod operations;
pub mod page;
mod panel;
pub mod portal;
mod qr;
pub mod reader;
pub mod sanitize;
pub mod server;

mod admin;
pub mod metrics;

pub use admin::{AdminSite, router as admin_router};
