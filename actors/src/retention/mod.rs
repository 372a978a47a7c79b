//! Expiry of what is no longer needed: set-aside mail after its 30 days, bodies nobody refers to,
//! space that deleted bodies still take.

pub mod reclaim;
pub mod retention_actor;

pub use retention_actor::RetentionActor;
