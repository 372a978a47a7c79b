//! Mail that users have written, on its way out (C27).
//!
//! It waits in the store's outbox while sending can be undone. Then it is signed for its domain and
//! accepted like any other message: to colleagues it goes into their queues and mailboxes at once,
//! to the world by the routes of the delivery actors, and a marked copy waits in the queue of its
//! author's own server, so that it is there when that is back.

mod departure;
mod service;

pub use departure::{COPY_HEADER, Departure, DepartureError};
pub use service::child_spec;
