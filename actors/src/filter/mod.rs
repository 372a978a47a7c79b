//! The filter: what is judged between a complete message and its entries in the store.
//!
//! `engine` and what it is made of (`checks`, `verdict`, `parts`, `header_summary`,
//! `results_field`, the decisions of `authentication`) are pure; `authentication` asks the DNS,
//! `incoming` writes to the store. `docs/filter.md` says what each check does and means.

pub mod authentication;
pub mod body_hash;
mod checks;
pub mod engine;
pub mod header_summary;
pub mod incoming;
pub mod limits;
pub mod parts;
pub mod policy;
pub mod results_field;
pub mod verdict;

pub use authentication::{AuthenticationInput, Authenticator};
pub use engine::{Check, FilterInput, Judgement, is_authenticated_sender, judge};
pub use header_summary::HeaderSummary;
pub use incoming::{IncomingBody, ReceivedMessage};
pub use policy::FilterPolicy;
pub use verdict::{Concerns, Finding, Verdict};
