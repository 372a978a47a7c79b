//! SMTP intake: listeners, the sessions of their connections, and how bytes reach them.
//!
//! The protocol is decided in `smtp::server`; what stands here carries it out: sockets, TLS, limits,
//! the directory, the store. A session holds its permit from accept to close, so nothing that waits
//! in a mailbox is unbounded.

mod acquaintances;
mod gate;
mod harvest;
mod intake;
mod judging;
mod listener;
mod patience;
pub mod proxy;
mod recipients;
mod smtp_session;
mod socket;
mod submission;
mod wire;

pub use gate::{Gate, Permit, Refusal};
pub use intake::{Destinations, Intake, Policy};
pub use listener::{ListenerArguments, ListenerMessage, ListenerOptions, SmtpListener};
pub use smtp_session::{Connection, SessionMessage, SmtpSession};
pub use socket::ListeningSocket;
pub use wire::Wire;
