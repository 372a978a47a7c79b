//! The mailbox: lists, search, and what is done with messages of a list.
//!
//! Every list's address holds all of its state, so a page can be kept, sent and reloaded. Pages go
//! by key, never by number: nothing counts through a mailbox.

mod act;
mod address;
mod list;
mod row;
mod shelf;
mod toolbar;
mod words;

pub(super) use act::{Deed, submit as act, undo};
pub(super) use list::show as list;
pub(super) use shelf::Shelf;
pub(super) use words::no_subject;
