//! Supervision: child specifications, restart intensity, back-off, services.
//!
//! Every parent decides itself what a child's end means; the default of ractor (the parent ends
//! with any child, even one that ended normally) is never used. A parent's end kills its children
//! without `post_stop`, so parents stop their children first, in reverse order, with a grace
//! period. What has to happen after a panic lives in `Drop` or in the store.

pub mod alarm;
pub mod backoff;
pub mod child_spec;
pub mod exit;
pub mod intensity;
pub mod service;
pub mod supervisor;

pub use alarm::Alarm;
pub use backoff::Backoff;
pub use child_spec::{ChildSpec, Restart};
pub use exit::Exit;
pub use intensity::Intensity;
pub use service::{Service, ServiceError, Stopping, spawn_service};
pub use supervisor::{Supervisor, SupervisorArguments, SupervisorMessage, stop_child};
