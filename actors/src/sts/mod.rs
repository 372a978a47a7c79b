//! MTA-STS (RFC 8461, OUT15): how a mail domain asks for verified TLS on the way to its exchangers.
//!
//! `record` and `policy` read what a domain publishes, `refresh` decides when to fetch it again, all
//! three without I/O. `keeper` carries that out: it keeps policies in the store through their
//! `max_age`, so that nobody who blocks DNS or the web server can take a policy away. It is asked
//! where MX records are looked up, which is off the delivery path.

mod fetch;
mod keeper;
mod policy;
mod record;
mod refresh;

pub use fetch::{FetchError, HttpsFetcher, PolicyFetcher};
pub use keeper::StsKeeper;
pub use policy::{Mode, MxPattern, Policy, PolicyError};
pub use record::policy_id;
