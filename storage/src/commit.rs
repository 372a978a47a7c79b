//! Typed changes on their way into the engine.
//!
//! A caller prepares what it can in a [`Batch`], then [`Committer::commit`] runs a short, synchronous
//! step under the one lock that hands out positions and counts the ledger ([`Order`]), gives the
//! writes to the engine while the lock is held, and waits for the disk outside of it. So the order
//! of positions is the order of commits, and concurrent callers still share one sync.

mod batch;
mod committer;
mod counts;
mod head;
mod news;
mod order;
mod recent;

pub(crate) use batch::Batch;
pub(crate) use committer::Committer;
pub(crate) use counts::CountsKey;
pub(crate) use order::{DomainOrder, EntryState, Order};
