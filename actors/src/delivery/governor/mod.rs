//! The governor of a route: one pure machine that decides who may send what, where and when.

mod event;

pub use event::{
    AttemptReport, ConnectionId, Conveyance, EndpointId, GovernorAlert, GovernorEffect,
    GovernorEvent, PermitId, Pick, ProbeId, ProbeOutcome, Via,
};

/// A canary is smaller than this, in octets: a large message would say little, slowly.
pub const CANARY_SIZE_MAX: u64 = 64 * 1024;
