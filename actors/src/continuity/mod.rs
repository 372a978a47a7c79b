//! The continuity mailbox on its way in: what a list tells of a message, whose mailboxes get a
//! copy, and the copies of mail that was held already when continuity was switched on.

mod backfill;
mod copies;
mod names;
mod sample;
mod summary;

pub use backfill::BackfillActor;
pub(crate) use copies::copies;
pub(crate) use sample::Sample;
pub use summary::summarize;
