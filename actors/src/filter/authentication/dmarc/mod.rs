//! DMARC (RFC 9989), the part that decides: which record applies, what is aligned, what the domain
//! wants. Without I/O: the walk asks for names and is told what was found there.

pub mod record;
pub mod tree_walk;

pub use record::{Alignment, DmarcDnsRecord, Psd};
pub use tree_walk::{Found, TreeWalk};
