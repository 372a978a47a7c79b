//! Delivery status notifications (RFC 3464): to whom one may go (D2), how often, what it says, and
//! how it enters the queue in the commit of what it tells of.

mod limit;
mod policy;
mod report;
mod reporter;

pub use limit::DsnLimit;
pub use policy::{Silence, may_report, wants_success};
pub use report::{Action, RecipientReport, Report};
pub use reporter::Reporter;
